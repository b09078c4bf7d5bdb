/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device that has only the secret of its product:
 *
 *   iotd                                                          cloud
 *   POST /device/register, signed with the product secret       →
 *                                                               ← {"Response":{"Len","Payload"}}
 *   decrypts, stores (0600, atomically), starts over
 *   CONNECT, signed with the new secret                         →
 *                                                               ← CONNACK 0
 *
 * or it is refused, and says why.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libiotclient/base/num.h"
#include "tests/lib/dynreg-stage.h"

/* A refused attempt is followed by the next after 15 to 30 s. */
#define SLOW_LINK "[link]\nconnect_interval = 0\nprobe_max = 1\nbackoff_max = 30\n"

static void test_first_boot(void)
{
    CLEANUP(json_decrefp) json_t *entry = NULL, *again = NULL, *stored = NULL, *later = NULL;
    struct stat st;
    struct stage s;

    stage_init(&s, NULL);
    stage_boot(&s, STAGE_FIRST_BOOT);
    STAGE_WAIT(&s, "up", "");
    entry = cloud_wait(s.scene.cloud, "event", "registered", NULL);
    CHECK_STR(scene_text(entry, "device"), CLOUD_PRODUCT "/" STAGE_DEVICE);
    CHECK_INT(stat(s.credentials, &st), 0);
    CHECK_INT(st.st_mode & 07777, 0600);
    stored = stage_read(s.credentials);
    CHECK_INT(strlen(stage_secret(stored)), 24);
    CHECK_STR(scene_text(stored, "productSecret"), STAGE_PRODUCT_SECRET);

    /* It works: what programs report arrives. */
    CHECK(thing_token(s.scene.bus, "ReportValue", "sv", "brightness", "i", 32) != 0);
    again = cloud_wait_method(s.scene.cloud, "up", "report");
    CHECK_JSON(json_object_get(again, "params"), "{'brightness':32}");

    /* After a kill the stored secret is used, and the cloud is not asked again. */
    daemon_start_again(s.scene.iotd);
    STAGE_WAIT(&s, "up", "");
    later = stage_read(s.credentials);
    CHECK_STR(stage_secret(later), stage_secret(stored));
    CHECK_INT(stage_count(&s, "registered"), 1);
    stage_done(&s);
}

/* The name comes from the device itself, and is kept. */
static void test_name_source(void)
{
    CLEANUP(freep) char *path = fixture_write_file("name", 0644, STAGE_DEVICE "\n");
    CLEANUP(freep)
    char *text = scene_printf("{\"productId\":\"" CLOUD_PRODUCT "\",\"productSecret\":\"%s\","
                              "\"deviceName\":\"file:%s\",\"auth_mode\":\"KEY\","
                              "\"key_deviceinfo\":{\"deviceSecret\":\"YOUR_IOT_PSK\"}}",
                              STAGE_PRODUCT_SECRET, path);
    CLEANUP(json_decrefp) json_t *stored = NULL;
    struct stage s;

    stage_init(&s, NULL);
    stage_boot(&s, text);
    STAGE_WAIT(&s, "up", "");
    stored = stage_read(s.credentials);
    CHECK_STR(scene_text(stored, "deviceName"), STAGE_DEVICE);
    CHECK_INT(strlen(stage_secret(stored)), 24);
    stage_done(&s);
}

/* Each refusal is told in words, and tried again slowly. */
static void test_refused(void)
{
    static const struct {
        const char *product, *credentials, *reason;
    } cases[] = {
        {CLOUD_PRODUCT, STAGE_CREDENTIALS(STAGE_DEVICE, "not-the-product-secret"),
         "is the product secret right?"},
        {CLOUD_PRODUCT, STAGE_CREDENTIALS("lamp_009", STAGE_PRODUCT_SECRET),
         "the device does not exist"},
        {"NONE1",
         "{\"productId\":\"NONE1\",\"productSecret\":\"" STAGE_PRODUCT_SECRET
         "\",\"deviceName\":\"" STAGE_DEVICE "\"}",
         "the product does not exist"},
        {"OFF1",
         "{\"productId\":\"OFF1\",\"productSecret\":\"" STAGE_PRODUCT_SECRET
         "\",\"deviceName\":\"" STAGE_DEVICE "\"}",
         "is it switched on for the product?"},
    };
    struct stage s;

    stage_init(&s, SLOW_LINK);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(json_decrefp) json_t *stored = NULL;
        CLEANUP(freep) char *at = NULL;
        uint64_t next = 0;

        free(s.model);
        s.model = scene_edited_file("model.json", "examples/smart-light.json", CLOUD_PRODUCT,
                                    cases[i].product);
        stage_boot(&s, cases[i].credentials);
        STAGE_WAIT(&s, "refused", cases[i].reason);
        at = bus_client_get(s.scene.bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "NextTryUSec");
        CHECK_INT(num_parse_u64(at, &next), 0);
        CHECK(next > (uint64_t) (time(NULL) + 5) * USEC_PER_SEC);
        /* Programs are served all the same. */
        CHECK(thing_token(s.scene.bus, "ReportValue", "sv", "brightness", "i", 5) != 0);
        stage_halt(&s);
        stored = stage_read(s.credentials);
        CHECK_STR(stage_secret(stored), "");
    }
    stage_done(&s);
}

/* A device that has been active does not get its secret again (wire.md, registration). */
static void test_activated(void)
{
    struct stage s;

    stage_init(&s, SLOW_LINK);
    stage_boot(&s, STAGE_FIRST_BOOT);
    STAGE_WAIT(&s, "up", "");
    stage_halt(&s);
    stage_boot(&s, STAGE_FIRST_BOOT); /* somebody put the first file back */
    STAGE_WAIT(&s, "refused", "activated before");
    stage_done(&s);
}

/* Nobody is there at the first boot; connect tries at once when somebody is. */
static void test_unreachable(void)
{
    struct stage s;

    stage_init(&s, NULL);
    cloud_kill(s.scene.cloud);
    stage_boot(&s, STAGE_FIRST_BOOT);
    STAGE_WAIT(&s, "waiting", "dynamic registration: 127.0.0.1 port ");
    cloud_restart(s.scene.cloud);
    STAGE_WAIT(&s, "up", "");
    stage_done(&s);
}

/* What cannot be stored is not used: the next attempt gets it again. */
static void test_not_stored(void)
{
    CLEANUP(freep) char *block = fixture_test_path("device_info.json.new");
    CLEANUP(json_decrefp) json_t *stored = NULL, *connect = NULL;
    struct stage s;

    stage_init(&s, NULL);
    CHECK_INT(mkdir(block, 0700), 0);
    stage_boot(&s, STAGE_FIRST_BOOT);
    STAGE_WAIT(&s, "waiting", "cannot store what the cloud gave");
    CHECK_INT(stage_count(&s, "connect"), 0);
    CHECK_INT(rmdir(block), 0);
    STAGE_WAIT(&s, "up", "");
    stored = stage_read(s.credentials);
    CHECK_INT(strlen(stage_secret(stored)), 24);
    stage_done(&s);
}

/* Killed at any moment after the answer: the credentials are the old or the new ones. */
static void test_killed(void)
{
    struct stage s;

    stage_init(&s, NULL);
    stage_boot(&s, STAGE_FIRST_BOOT);
    for (int i = 0; i < 12; i++) {
        CLEANUP(json_decrefp)
        json_t *entry = cloud_wait(s.scene.cloud, "event", "registered", NULL), *stored = NULL;

        daemon_kill(s.scene.iotd);
        stored = stage_read(s.credentials);
        if (stage_secret(stored)[0] != '\0') {
            CHECK_INT(strlen(stage_secret(stored)), 24);
            break;
        }
        daemon_start_again(s.scene.iotd);
    }
    daemon_start_again(s.scene.iotd);
    STAGE_WAIT(&s, "up", "");
    stage_done(&s);
}

const char *const suite_name = "dynreg-first-boot";
const struct suite_test suite_tests[] = {
    {"first_boot", test_first_boot},   {"name_source", test_name_source},
    {"refused", test_refused},         {"activated", test_activated},
    {"unreachable", test_unreachable}, {"not_stored", test_not_stored},
    {"killed", test_killed},           {NULL, NULL},
};

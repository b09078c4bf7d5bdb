/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A person gives the device its credentials:
 *
 *   iotctl                      iotd                               cloud
 *                               off: no credentials
 *   Provision(file, options) →  checks, stores
 *                            ←  result; starts over
 *                               CONNECT as the new device       →
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "tests/lib/dynreg-stage.h"

#define KNOWN_SECRET "ZGVzay1vbmx5LXNlY3JldA=="
#define BATCH                                                                                      \
    "ProductId, DeviceName, ProductSecret, DevicePsk, Status, QRCode\n" CLOUD_PRODUCT              \
    ",lamp_000,," KNOWN_SECRET ",,\n" CLOUD_PRODUCT "," CLOUD_DEVICE ",," KNOWN_SECRET             \
    ",,\"{\"\"a\"\":1}\"\n"
#define MAX_ARGS 16

/* The exit status; what it printed in *ret_out, standard error last. */
static int iotctl(char **ret_out, const char *const *args)
{
    CLEANUP(freep) char *program = fixture_build_path("iotctl"), *out = NULL, *err = NULL;
    const char *argv[MAX_ARGS] = {program, "provision"};
    struct proc *p;
    int status;

    for (size_t n = 2; *args && n < MAX_ARGS - 1; args++)
        argv[n++] = *args;
    p = proc_start(argv);
    status = proc_wait(p);
    out = proc_output(p, PROC_STDOUT);
    err = proc_output(p, PROC_STDERR);
    *ret_out = scene_printf("%s%s", out, err);
    (void) proc_kill(p);
    return status;
}
#define IOTCTL(out, ...) iotctl(out, (const char *const[]){__VA_ARGS__, NULL})

static void check_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        suite_fail(__FILE__, __LINE__, "\"%s\" is not in \"%s\"", part, text);
}

static void check_identity(struct stage *s, const char *device)
{
    CLEANUP(freep)
    char *name = bus_client_get(s->scene.bus, IOTD_DEVICE_PATH, IOTD_IFACE_DEVICE, "DeviceName");

    CHECK_STR(name, device);
}

/* Without credentials iotd is there, and says what is missing. */
static void test_csv(void)
{
    CLEANUP(freep) char *batch = fixture_write_file("batch.csv", 0600, BATCH);
    CLEANUP(freep) char *out = NULL, *restarted = NULL;
    CLEANUP(json_decrefp) json_t *stored = NULL;
    struct stat st;
    struct stage s;

    stage_init(&s, NULL);
    stage_boot(&s, "");
    STAGE_WAIT(&s, "off", "no credentials");
    check_identity(&s, "");
    CHECK_STR(bus_client_call_error(
                  s.scene.bus, bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Connect")),
              ERR("NotReady"));
    CHECK_INT(IOTCTL(&out, "--csv", batch, "--line", "2"), 0);
    check_has(out, "stored in ");
    check_has(out, "starts over as " CLOUD_PRODUCT "/" CLOUD_DEVICE "\n");
    STAGE_WAIT(&s, "up", "");
    check_identity(&s, CLOUD_DEVICE);
    stored = stage_read(s.credentials);
    CHECK_STR(stage_secret(stored), KNOWN_SECRET);
    CHECK_INT(stat(s.credentials, &st), 0);
    CHECK_INT(st.st_mode & 07777, 0600);
    daemon_start_again(s.scene.iotd);
    STAGE_WAIT(&s, "up", "");
    stage_done(&s);
}

/* An event that was accepted before there were credentials goes out with them. */
static void test_product_secret(void)
{
    CLEANUP(freep)
    char *secret = fixture_write_file("secret", 0600, STAGE_PRODUCT_SECRET "\n");
    CLEANUP(json_decrefp) json_t *event = NULL, *entry = NULL;
    CLEANUP(freep) char *out = NULL;
    struct stage s;

    stage_init(&s, NULL);
    stage_boot(&s, "{}");
    CHECK(thing_token(s.scene.bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":3}") != 0);
    CHECK_INT(IOTCTL(&out, "--product-secret-file", secret, "--product", CLOUD_PRODUCT, "--device",
                     STAGE_DEVICE),
              0);
    check_has(out, ", and registers it at the cloud");
    CHECK(!strstr(out, STAGE_PRODUCT_SECRET));
    STAGE_WAIT(&s, "up", "");
    check_identity(&s, STAGE_DEVICE);
    entry = cloud_wait(s.scene.cloud, "event", "registered", NULL);
    event = cloud_wait_method(s.scene.cloud, "up", "event_post");
    CHECK_STR(scene_text(event, "eventId"), "low_voltage");
    stage_done(&s);
}

/* From one device to another, while the link is up: what waited does not go out as the other. */
static void test_other_device(void)
{
    CLEANUP(freep)
    char *info = fixture_write_file("new.json", 0600,
                                    "{\"productId\":\"" CLOUD_PRODUCT "\",\"deviceName\":"
                                    "\"" CLOUD_DEVICE "\",\"key_deviceinfo\":{\"deviceSecret\":"
                                    "\"" KNOWN_SECRET "\"}}");
    CLEANUP(json_decrefp) json_t *gone = NULL, *come = NULL;
    CLEANUP(freep) char *out = NULL;
    struct stage s;

    stage_init(&s, NULL);
    stage_boot(&s, STAGE_FIRST_BOOT);
    STAGE_WAIT(&s, "up", "");
    cloud_fault(s.scene.cloud, "{\"fault\":\"hold_replies\",\"device\":\"" CLOUD_PRODUCT
                               "/" STAGE_DEVICE "\",\"on\":true}");
    CHECK(thing_token(s.scene.bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":3}") != 0);
    CHECK_INT(IOTCTL(&out, "--file", info), 0);
    gone = cloud_wait(s.scene.cloud, "event", "disconnect", NULL); /* with a goodbye */
    CHECK_STR(scene_text(gone, "device"), CLOUD_PRODUCT "/" STAGE_DEVICE);
    come = cloud_wait(s.scene.cloud, "event", "connect", NULL);
    CHECK_STR(scene_text(come, "device"), CLOUD_PRODUCT "/" CLOUD_DEVICE);
    STAGE_WAIT(&s, "up", "");
    check_identity(&s, CLOUD_DEVICE);
    scene_wait_log(&s.scene, "other-device");
    scene_barrier();
    CHECK_INT(scene_count(&s.scene, "up", "event_post", CLOUD_DEVICE), 0);
    stage_done(&s);
}

/* What is no good changes nothing, and the text says what it is, without the secret. */
static void test_bad(void)
{
    static const struct {
        const char *format, *content, *error, *part;
    } cases[] = {
        {"device-info", "no JSON KNOWN", INVALID_ARGS, "not a JSON object"},
        {"device-info", "{}", INVALID_ARGS, "productId"},
        {"device-info", "{\"productId\":\"A\",\"deviceName\":\"d\"}", INVALID_ARGS,
         "key_deviceinfo"},
        {"device-info",
         "{\"productId\":\"OTHER1\",\"deviceName\":\"d\",\"key_deviceinfo\":{\"deviceSecret\":"
         "\"" KNOWN_SECRET "\"}}",
         INVALID_ARGS, "thing model"},
        {"csv", BATCH, INVALID_ARGS, "2 devices"},
        {"csv", "", INVALID_ARGS, "no such device"},
        {"product-secret", "secret", INVALID_ARGS, "wants \"product_id\""},
        {"nonsense", "x", INVALID_ARGS, "\"format\" is not one of"},
    };
    CLEANUP(freep) char *path = fixture_test_path("given");
    struct stage s;

    stage_init(&s, NULL);
    stage_boot(&s, STAGE_FIRST_BOOT);
    STAGE_WAIT(&s, "up", "");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(freep) char *file = fixture_write_file("given", 0600, cases[i].content);
        CLEANUP(fd_closep) int fd = open(file, O_RDONLY | O_CLOEXEC);
        DBusMessage *call = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_DEVICE, "Provision");
        DBusMessageIter it, dict;

        dbus_message_iter_init_append(call, &it);
        CHECK_INT(msg_append_fd(&it, fd), 0);
        CHECK_INT(msg_open_dict(&it, &dict), 0);
        CHECK_INT(msg_dict_string(&dict, "format", cases[i].format), 0);
        CHECK_INT(msg_close(&it, &dict, 0), 0);
        CHECK_ERROR(bus_client_call(s.scene.bus, call), cases[i].error, cases[i].part);
    }
    check_identity(&s, STAGE_DEVICE);
    CHECK_INT(stage_count(&s, "connect"), 1);
    stage_done(&s);
}

/* Where the file may not be written, a copy is kept beside the state, until the file changes. */
static void test_copy(void)
{
    CLEANUP(freep) char *batch = fixture_write_file("batch.csv", 0600, BATCH);
    CLEANUP(freep) char *path = fixture_test_path("nowhere/device_info.json");
    CLEANUP(freep) char *copy = NULL, *out = NULL;
    CLEANUP(json_decrefp) json_t *stored = NULL;
    struct stage s;

    stage_init(&s, NULL);
    stage_boot_path(&s, path);
    STAGE_WAIT(&s, "off", "no credentials");
    CHECK_INT(IOTCTL(&out, "--csv", batch, "--device", CLOUD_DEVICE), 0);
    copy = scene_printf("%s/device_info.json", daemon_state_dir(s.scene.iotd));
    check_has(out, copy);
    STAGE_WAIT(&s, "up", "");
    stored = stage_read(copy);
    CHECK_STR(stage_secret(stored), KNOWN_SECRET);
    daemon_start_again(s.scene.iotd);
    STAGE_WAIT(&s, "up", "");
    check_identity(&s, CLOUD_DEVICE);
    stage_done(&s);
}

const char *const suite_name = "dynreg-provision";
const struct suite_test suite_tests[] = {
    {"csv", test_csv},
    {"product_secret", test_product_secret},
    {"other_device", test_other_device},
    {"bad", test_bad},
    {"copy", test_copy},
    {NULL, NULL},
};

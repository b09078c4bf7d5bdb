/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cloud → iotd: update_firmware; file server → iotd: no such file, an expired address, another
 * file, another length, redirects without end, a server error; iotd → cloud: fail with the
 * vendor's code; iotd → user: the same, and why. The cloud's next order begins again.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/scene.h"

static struct scene s;

static void localcloud(const char *command, const char *image)
{
    CLEANUP(freep) char *lc = fixture_build_path("iot-localcloud");
    CLEANUP(freep) char *port = scene_printf("%d", cloud_http_port(s.cloud));
    const char *const argv[] = {lc,
                                "firmware",
                                "--http-port",
                                port,
                                command,
                                image ? image : "devices:=[\"" CLOUD_DEVICE "\"]",
                                "product=" CLOUD_PRODUCT,
                                "version=2.0",
                                NULL};

    CHECK_INT(proc_run(argv, NULL), 0);
}

static bool wait_property(const char *name, const char *text)
{
    return bus_client_wait_property(s.bus, IOTD_DEVICE_PATH, IOTD_IFACE_FIRMWARE, name, text);
}

static void check_property(const char *name, const char *want)
{
    CLEANUP(freep) char *text = bus_client_get(s.bus, IOTD_DEVICE_PATH, IOTD_IFACE_FIRMWARE, name);

    if (!text || !strstr(text, want))
        suite_fail(__FILE__, __LINE__, "%s is \"%s\", wanted \"%s\"", name, text ? text : "", want);
}

static void start(void)
{
    CLEANUP(freep) char *image = fixture_test_path("image.bin");
    CLEANUP(freep) char *version = fixture_write_file("version", 0600, "1.0\n");
    CLEANUP(freep) char *make = scene_printf("head -c 300000 /dev/urandom >%s", image);
    CLEANUP(freep)
    char *text = scene_printf("#!/bin/sh\nset -e\ncmp /proc/self/fd/3 %s >&2\necho 2.0 >%s\n",
                              image, version);
    CLEANUP(freep) char *script = fixture_write_file("install", 0755, text);
    CLEANUP(freep)
    char *settings =
        scene_printf("[firmware]\nversion_file = %s\ninstaller = exec:%s\n", version, script);

    CHECK_INT(system(make), 0);
    scene_start(&s, settings);
    localcloud("upload", image);
}

static void test_faults(void)
{
    static const struct {
        const char *fault, *code, *reason;
    } cases[] = {
        {"\"kind\":\"not_found\"", "-2", "404"},
        {"\"kind\":\"expired\",\"count\":5", "-3", "403"},
        {"\"kind\":\"wrong_hash\"", "-4", ""},
        {"\"kind\":\"wrong_length\",\"bytes\":5,\"count\":20", "-5", ""},
        {"\"kind\":\"wrong_length\",\"bytes\":-5,\"count\":20", "-5", ""},
        {"\"kind\":\"redirect\",\"count\":20", "-5", "redirects"},
        {"\"kind\":\"status\",\"code\":418,\"count\":20", "-5", "418"},
    };

    start();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(freep)
        char *fault = scene_printf("{\"fault\":\"file\",%s}", cases[i].fault);
        CLEANUP(freep)
        char *told = scene_printf("\"state\":\"fail\",\"result_code\":\"%s\"", cases[i].code);

        cloud_fault(s.cloud, fault);
        localcloud("task", NULL);
        json_decref(cloud_wait(s.cloud, "up", "$ota/report", told));
        CHECK(wait_property("State", "failed"));
        check_property("Code", cases[i].code);
        check_property("Reason", cases[i].reason);
        check_property("TargetVersion", "2.0");
        cloud_fault(s.cloud, "{\"fault\":\"none\"}");
    }
    localcloud("task", NULL);
    json_decref(cloud_wait(s.cloud, "event", "ota_state", "succeeded"));
    CHECK(wait_property("State", "idle"));
    check_property("Version", "2.0");
    check_property("Code", "0");
    scene_stop(&s);
}

/* No length, and bytes without end: no more than was announced is taken, and it is right. */
static void test_endless(void)
{
    start();
    cloud_fault(s.cloud, "{\"fault\":\"file\",\"kind\":\"endless\"}");
    localcloud("task", NULL);
    json_decref(cloud_wait(s.cloud, "event", "ota_state", "succeeded"));
    scene_stop(&s);
}

const char *const suite_name = "20-firmware-faults";
const struct suite_test suite_tests[] = {
    {"faults", test_faults},
    {"endless", test_endless},
    {NULL, NULL},
};

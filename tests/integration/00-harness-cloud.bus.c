/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cloud fixture: application calls, faults, state and journal; and that a foreign MQTT client
 * finds the device endpoint.
 */

#include <string.h>

#include "tests/lib/cloud-fixture.h"
#include "tests/lib/suite.h"

static const char *error_code(const json_t *response)
{
    const char *code =
        json_string_value(json_object_get(json_object_get(response, "Error"), "Code"));

    return code ? code : "";
}

static void test_start(void)
{
    struct cloud_fixture *c = cloud_start(NULL);
    int http_port = cloud_http_port(c);

    CHECK(strncmp(cloud_ws_url(c), "ws://127.0.0.1:", 15) == 0);
    CHECK(strncmp(cloud_tcp_url(c), "mqtt://127.0.0.1:", 17) == 0);
    CHECK(cloud_tcp_port(c) > 0 && http_port > 0);
    cloud_restart(c);
    CHECK_INT(cloud_http_port(c), http_port);
    c = cloud_stop(c);
    CHECK(c == NULL);
}

static void test_application(void)
{
    struct cloud_fixture *c = cloud_start(NULL);
    json_auto_t *good = NULL, *bad = NULL, *state = NULL;

    good = cloud_app(c, "AppGetDeviceData", NULL);
    CHECK_STR(error_code(good), "");
    CHECK(json_object_get(good, "Data") != NULL);
    bad = cloud_app(c, "AppNoSuchAction", NULL);
    CHECK(strlen(error_code(bad)) > 0);
    state = cloud_state(c);
    CHECK(json_is_array(json_object_get(state, "devices")));
    cloud_fault(c, "{\"fault\":\"drop\"}");
    c = cloud_stop(c);
}

/* A device that cannot log in is seen in the journal. */
static void test_journal(void)
{
    struct cloud_fixture *c = cloud_start(NULL);
    json_auto_t *entry = NULL;
    char port[16];

    if (!fixture_has_program("mosquitto_pub")) {
        c = cloud_stop(c);
        fixture_skip("no mosquitto_pub (Debian: mosquitto-clients)");
    }
    (void) snprintf(port, sizeof(port), "%d", cloud_tcp_port(c));
    CHECK(proc_run((const char *const[]){"mosquitto_pub", "-h", "127.0.0.1", "-p", port, "-i",
                                         CLOUD_PRODUCT CLOUD_DEVICE, "-u", "nobody", "-P", "wrong",
                                         "-t", "a", "-m", "b", NULL},
                   NULL) != 0);
    entry = cloud_wait(c, "event", NULL, NULL);
    CHECK(entry != NULL);
    c = cloud_stop(c);
}

const char *const suite_name = "00-harness-cloud";
const struct suite_test suite_tests[] = {
    {"start", test_start},
    {"application", test_application},
    {"journal", test_journal},
    {NULL, NULL},
};

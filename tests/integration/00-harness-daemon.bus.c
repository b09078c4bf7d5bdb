/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon fixture: iotd comes up on the private bus, logs in to the local cloud, carries one
 * property up and one control down, survives being killed, and ends cleanly.
 */

#include <stdlib.h>
#include <string.h>

#include "dbus/msg.h"
#include "dbus/names.h"
#include "tests/lib/fixture.h"
#include "tests/lib/suite.h"

static DBusMessage *report_value(const char *id, int64_t value)
{
    DBusMessage *call = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_THING, "ReportValue");
    DBusMessageIter it;

    dbus_message_iter_init_append(call, &it);
    CHECK_INT(msg_append_string(&it, id), 0);
    CHECK_INT(msg_append_variant_int64(&it, value), 0);
    return call;
}

static void run_on(const char *url, struct cloud_fixture *c)
{
    struct daemon_fixture *d = daemon_start(&(struct daemon_options){.endpoint = url});
    json_auto_t *report = NULL, *again = NULL, *answer = NULL;

    CHECK(daemon_wait_link(d, "up"));
    CHECK_STR(bus_client_call_error(daemon_bus(d), report_value("brightness", 32)), "");
    report = cloud_wait_method(c, "up", "report");
    CHECK_INT(json_integer_value(json_object_get(json_object_get(report, "params"), "brightness")),
              32);

    answer = cloud_control(c, "{\"power_switch\":1}");
    CHECK(answer && !json_object_get(answer, "Error"));

    daemon_kill(d);
    daemon_start_again(d);
    CHECK(daemon_wait_link(d, "up"));
    CHECK_STR(bus_client_call_error(daemon_bus(d), report_value("brightness", 33)), "");
    again = cloud_wait_method(c, "up", "report");
    CHECK(again != NULL);
    d = daemon_stop(d);
}

static void test_websocket(void)
{
    struct cloud_fixture *c = cloud_start(NULL);

    run_on(cloud_ws_url(c), c);
    c = cloud_stop(c);
}

static void test_tcp(void)
{
    struct cloud_fixture *c = cloud_start(NULL);

    run_on(cloud_tcp_url(c), c);
    c = cloud_stop(c);
}

const char *const suite_name = "00-harness-daemon";
const struct suite_test suite_tests[] = {
    {"websocket", test_websocket},
    {"tcp", test_tcp},
    {NULL, NULL},
};

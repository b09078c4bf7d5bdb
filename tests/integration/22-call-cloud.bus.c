/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a device needs of the cloud to call WeChat, through iotctl and the bus:
 *
 *   iotctl call ticket MODEL APP      →  get_wechat_sn_ticket        →  cloud
 *   ← the ticket                         ← get_wechat_sn_ticket_reply
 *   iotctl call activate MODEL APP 1  →  active_device_voip_license  →
 *   iotctl call state MODEL APP       →  get_voip_device_active_info →
 *   … and Refused, LinkDown, Timeout where they belong
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/scene.h"

#define CALL(bc, member, ...) scene_call(bc, IOTD_DEVICE_PATH, IOTD_IFACE_CALL, member, __VA_ARGS__)

static char *iotctl(int status, const char *const *args)
{
    CLEANUP(freep) char *path = fixture_build_path("iotctl");
    const char *argv[16] = {path};
    char *out = NULL;

    for (size_t i = 0; args[i] && i + 2 < ARRAY_SIZE(argv); i++)
        argv[i + 1] = args[i];
    CHECK_INT(proc_run(argv, &out), status);
    return out;
}
#define IOTCTL(status, ...) iotctl(status, (const char *const[]){__VA_ARGS__, NULL})

static void check_iotctl(const char *want, int status, const char *const *args)
{
    CLEANUP(freep) char *out = iotctl(status, args);

    CHECK_STR(out ? out : "", want);
}
#define CHECK_IOTCTL(want, status, ...)                                                            \
    check_iotctl(want, status, (const char *const[]){__VA_ARGS__, NULL})

static void test_licence(void)
{
    CLEANUP(freep) char *ticket = NULL, *state = NULL, *json = NULL, *sn = NULL;
    json_t *got;
    struct scene s;

    scene_start(&s, NULL);
    ticket = IOTCTL(0, "call", "ticket", "m1", "wx1");
    CHECK(ticket && strlen(ticket) == 33); /* and the end of the line */
    CHECK_IOTCTL("", 1, "call", "state", "m1", "wx1");
    CHECK_ERROR(CALL(s.bus, "GetState", "ss", "m1", "wx1"), ERR("Refused"),
                "the cloud answered 1: the device has no licence");
    CHECK_IOTCTL("the licence is active\n", 0, "call", "activate", "m1", "wx1", "1");
    state = IOTCTL(0, "call", "state", "m1", "wx1");
    CHECK(state && strstr(state, "sn      " CLOUD_PRODUCT "_" CLOUD_DEVICE "\nexpires "));
    json = IOTCTL(0, "--json", "call", "state", "m1", "wx1");
    got = json_loads(json ? json : "", 0, NULL);
    CHECK_STR(scene_text(got, "sn"), CLOUD_PRODUCT "_" CLOUD_DEVICE);
    CHECK(scene_int(got, "expire_time") > 1700000000);
    json_decref(got);
    scene_stop(&s);
}

static void test_refused(void)
{
    struct scene s;

    scene_start(&s, NULL);
    CHECK_ERROR(CALL(s.bus, "GetTicket", "ss", "", "wx1"), INVALID_ARGS, "1 to 128");
    CHECK_ERROR(CALL(s.bus, "Activate", "ssu", "m1", "wx1", 5), INVALID_ARGS, "0 to 4");
    cloud_fault(s.cloud, "{\"fault\":\"wrong_code\",\"method\":\"get_wechat_sn_ticket_reply\","
                         "\"code\":503,\"count\":1}");
    CHECK_ERROR(CALL(s.bus, "GetTicket", "ss", "m1", "wx1"), ERR("Refused"), "503: fault");
    cloud_fault(s.cloud,
                "{\"fault\":\"wrong_code\",\"method\":\"active_device_voip_license_reply\","
                "\"code\":7,\"count\":3}");
    CHECK_MSG(CALL(s.bus, "Activate", "ssu", "m1", "wx1", 0), "7 \"fault\"");
    CHECK_IOTCTL("the cloud answered 7: fault\n", 1, "call", "activate", "m1", "wx1", "0");
    CHECK_IOTCTL("{\"code\":7,\"text\":\"fault\"}\n", 1, "--json", "call", "activate", "m1", "wx1",
                 "0");
    CHECK_IOTCTL("", 64, "call", "ring", "m1", "wx1");
    CHECK_IOTCTL("", 64, "call", "ticket", "m1", "wx1", "1");
    CHECK_IOTCTL("", 64, "call", "activate", "m1", "wx1");
    CHECK_IOTCTL("", 64, "call", "activate", "m1", "wx1", "many");
    scene_stop(&s);
}

/* Answered when the cloud has, once, and not sent a second time. */
static void test_late(void)
{
    DBusMessage *call;
    uint32_t serial;
    struct scene s;

    scene_start(&s, NULL);
    cloud_fault(s.cloud, "{\"fault\":\"hold_replies\",\"on\":true}");
    call = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_CALL, "Activate");
    msg_add(call, "ssu", "m1", "wx1", 2);
    serial = bus_client_send(s.bus, call);
    json_decref(cloud_wait(s.cloud, "up", "$twecall/up/service", "\"pkgType\":2"));
    bus_client_round_trip(s.bus, IOTD_BUS_NAME);
    cloud_fault(s.cloud, "{\"fault\":\"hold_replies\",\"on\":false}");
    CHECK_MSG(bus_client_wait_reply(s.bus, serial), "0 \"\"");

    cloud_fault(s.cloud, "{\"fault\":\"hold_replies\",\"on\":true}");
    CHECK_ERROR(CALL(s.bus, "Activate", "ssu", "m1", "wx1", 2), ERR("Timeout"), "");
    CHECK_INT(scene_count(&s, "up", "active_device_voip_license", ""), 2);
    cloud_fault(s.cloud, "{\"fault\":\"none\"}");
    cloud_kill(s.cloud);
    (void) daemon_wait_link(s.iotd, "waiting");
    CHECK_ERROR(CALL(s.bus, "GetTicket", "ss", "m1", "wx1"), ERR("LinkDown"), "");
    cloud_restart(s.cloud);
    scene_stop(&s);
}

/* A call that waits is answered when iotd stops. */
static void test_stop(void)
{
    struct bus_client *program;
    DBusMessage *call;
    uint32_t serial;
    struct scene s;

    scene_start(&s, NULL);
    program = bus_client_new();
    cloud_fault(s.cloud, "{\"fault\":\"hold_replies\",\"on\":true}");
    call = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_CALL, "GetTicket");
    msg_add(call, "ss", "m1", "wx1");
    serial = bus_client_send(program, call);
    json_decref(cloud_wait(s.cloud, "up", "$twecall/up/service", "get_wechat_sn_ticket"));
    s.iotd = daemon_stop(s.iotd);
    CHECK_ERROR(bus_client_wait_reply(program, serial), ERR("NotReady"), "iotd is stopping");
    program = bus_client_free(program);
    scene_stop(&s);
}

const char *const suite_name = "22-call-cloud";
const struct suite_test suite_tests[] = {
    {"licence", test_licence},
    {"refused", test_refused},
    {"late", test_late},
    {"stop", test_stop},
    {NULL, NULL},
};

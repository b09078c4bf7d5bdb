/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who the device belongs to, from both sides, and what else travels on the service topic:
 *
 *   app                 iotctl, programs             iotd                        cloud
 *                       BindSignature wifi       →
 *                       ← signature, timestamp
 *   AppSigBindDeviceInFamily(signature)                                        →
 *                       ← Bound                         ←  bind_device
 *                       SendBindToken TOKEN      →  app_bind_token             →
 *                       ←                               ←  app_bind_token_reply
 *                       Unbind                   →  unbind_device_request      →
 *                       ← Unbound, then the reply       ←  unbind_device_reply
 *                       ← FenceAlert                    ←  alert_fence_event (twice)
 *                                                alert_fence_event_reply       → (twice)
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/broker-scene.h"

#define FAMILY "FamilyId=f1"

#define DEVICE_CALL(bc, member, ...)                                                               \
    scene_call(bc, IOTD_DEVICE_PATH, IOTD_IFACE_DEVICE, member, __VA_ARGS__)

/* The output of iotctl, which ends with that status. */
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

/* An application-side call; its error code, "" when it went well. The text is the caller's. */
static char *app_error(struct scene *s, const char *action, const char *const *args)
{
    json_t *response = cloud_app(s->cloud, action, args);
    char *code = strdup(scene_text(json_object_get(response, "Error"), "Code"));

    json_decref(response);
    return code;
}

static void check_app(struct scene *s, const char *error, const char *action,
                      const char *const *args)
{
    CLEANUP(freep) char *code = app_error(s, action, args);

    CHECK_STR(code ? code : "", error);
}
#define CHECK_APP(s, error, action, ...)                                                           \
    check_app(s, error, action, (const char *const[]){__VA_ARGS__, NULL})

static void check_bound(struct scene *s, const char *signal, const char *value)
{
    CLEANUP(freep) char *got = NULL;

    CHECK_MSG(bus_client_wait_signal(s->bus, signal), "*");
    got = bus_client_get(s->bus, IOTD_DEVICE_PATH, IOTD_IFACE_DEVICE, "Bound");
    CHECK_STR(got ? got : "", value);
}

/* Binds with what BindSignature gave, as JSON; the signature may be spoilt. */
static void sig_bind(struct scene *s, const json_t *sig, bool spoilt, const char *error)
{
    CLEANUP(freep) char *hex = scene_printf("Signature=%s", scene_text(sig, "signature"));
    CLEANUP(freep) char *conn = scene_printf("ConnId=%s", scene_text(sig, "conn_id"));
    CLEANUP(freep) char *type = scene_printf("BindType=%s", scene_text(sig, "bind_type"));
    CLEANUP(freep) char *method = scene_printf("SignMethod=%s", scene_text(sig, "method"));
    CLEANUP(freep)
    char *timestamp = scene_printf("DeviceTimestamp:=%d", scene_int(sig, "timestamp"));

    if (spoilt)
        hex[strlen("Signature=")] ^= 1;
    CHECK_APP(s, error, "AppSigBindDeviceInFamily", FAMILY, hex, conn, type, method, timestamp);
}

static json_t *signature(const char *kind, const char *method)
{
    CLEANUP(freep)
    char *out = IOTCTL(0, "--json", "bind-signature", "--kind", kind, "--method", method);
    json_t *json = json_loads(out ? out : "", JSON_REJECT_DUPLICATES, NULL);

    CHECK_STR(scene_text(json, "method"), method);
    CHECK_INT(strlen(scene_text(json, "conn_id")), 5);
    return json;
}

static void test_signature(void)
{
    static const char *const kinds[][2] = {
        {"wifi", "hmacsha1"},
        {"wifi", "hmacsha256"},
        {"bluetooth", "hmacsha256"},
        {"other", "hmacsha1"},
    };
    struct scene s;

    scene_start(&s, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        json_t *sig = signature(kinds[i][0], kinds[i][1]);

        sig_bind(&s, sig, true, "InvalidParameterValue.BindDeviceSigMismatch");
        sig_bind(&s, sig, false, "");
        check_bound(&s, "Bound", "true");
        CHECK_APP(&s, "", "AppDeleteDeviceInFamily", FAMILY);
        check_bound(&s, "Unbound", "false");
        json_decref(sig);
    }
    CHECK_MSG(bus_client_take_signal(s.bus, "Bound"), "(nothing)");
    scene_stop(&s);
}

static void test_signature_call(void)
{
    struct scene s;

    scene_start(&s, NULL);
    CHECK_ERROR(DEVICE_CALL(s.bus, "BindSignature", "sa{sv}", "cable", 0), INVALID_ARGS, "kind");
    CHECK_ERROR(DEVICE_CALL(s.bus, "BindSignature", "sa{sv}", "wifi", 1, "method", "s", "md5"),
                INVALID_ARGS, "method");
    CHECK_ERROR(
        DEVICE_CALL(s.bus, "BindSignature", "sa{sv}", "other", 1, "conn_id", "s", "12010126;abcde"),
        INVALID_ARGS, "conn_id");
    CHECK_ERROR(DEVICE_CALL(s.bus, "BindSignature", "sa{sv}", "wifi", 1, "conn_id", "i", 5),
                INVALID_ARGS, "another type");
    CHECK_MSG(DEVICE_CALL(s.bus, "BindSignature", "sa{sv}", "wifi", 2, "conn_id", "s", "1938",
                          "of_a_later_release", "i", 1),
              "{\"timestamp\":t:*");
    free(IOTCTL(64, "status", "--kind", "wifi"));
    free(IOTCTL(1, "bind-signature", "--kind", "cable"));
    scene_stop(&s);
}

static char *new_token(struct scene *s)
{
    json_t *response = cloud_app(s->cloud, "AppCreateDeviceBindToken", (const char *const[]){NULL});
    char *token = strdup(scene_text(json_object_get(response, "Data"), "Token"));

    CHECK(token && strlen(token) == 32);
    json_decref(response);
    return token;
}

static void test_token(void)
{
    CLEANUP(freep) char *token = NULL, *argument = NULL, *out = NULL;
    struct scene s;
    uint32_t serial;
    DBusMessage *call;

    scene_start(&s, NULL);
    token = new_token(&s);
    argument = scene_printf("Token=%s", token);
    CHECK_APP(&s, "InvalidParameterValue.TokenNotBind", "AppTokenBindDeviceFamily", FAMILY,
              "RoomId=0", argument);
    free(IOTCTL(1, "bind-token", "not-a-token"));
    CHECK_ERROR(DEVICE_CALL(s.bus, "SendBindToken", "sa{sv}", "not-a-token", 0), ERR("Refused"),
                "406: there is no such token");
    CHECK_ERROR(DEVICE_CALL(s.bus, "SendBindToken", "sa{sv}", "", 0), INVALID_ARGS, "32");
    CHECK_ERROR(DEVICE_CALL(s.bus, "SendBindToken", "sa{sv}", "t", 1, "pair_time", "s", "[]"),
                INVALID_ARGS, "pair_time");
    out = IOTCTL(0, "bind-token", token);
    CHECK_STR(out, "the cloud took the token\n");
    CHECK_APP(&s, "", "AppTokenBindDeviceFamily", FAMILY, "RoomId=0", argument);
    check_bound(&s, "Bound", "true");

    /* The call is answered when the cloud has answered, and not before. */
    cloud_fault(s.cloud, "{\"fault\":\"hold_replies\",\"on\":true}");
    call = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_DEVICE, "SendBindToken");
    msg_add(call, "sa{sv}", "nothing", 1, "pair_time", "s", "{\"type\":\"softap\",\"start\":0}");
    serial = bus_client_send(s.bus, call);
    json_decref(cloud_wait(s.cloud, "up", "$thing/up/service",
                           "\"pairTime\":{\"type\":\"softap\",\"start\":0}"));
    cloud_fault(s.cloud, "{\"fault\":\"hold_replies\",\"on\":false}");
    CHECK_ERROR(bus_client_wait_reply(s.bus, serial), ERR("Refused"), "406");

    cloud_kill(s.cloud);
    (void) daemon_wait_link(s.iotd, "waiting");
    CHECK_ERROR(DEVICE_CALL(s.bus, "SendBindToken", "sa{sv}", "t", 0), ERR("LinkDown"), "");
    CHECK_ERROR(DEVICE_CALL(s.bus, "Unbind", ""), ERR("LinkDown"), "");
    cloud_restart(s.cloud);
    scene_stop(&s);
}

static void test_unbind(void)
{
    struct scene s;
    json_t *sig, *list;

    scene_start(&s, NULL);
    sig = signature("wifi", "hmacsha1");
    sig_bind(&s, sig, false, "");
    check_bound(&s, "Bound", "true");
    cloud_fault(
        s.cloud,
        "{\"fault\":\"wrong_code\",\"method\":\"unbind_device_reply\",\"code\":503,\"count\":1}");
    CHECK_ERROR(DEVICE_CALL(s.bus, "Unbind", ""), ERR("Refused"), "503");
    bus_client_round_trip(s.bus, IOTD_BUS_NAME);
    CHECK_MSG(bus_client_take_signal(s.bus, "Unbound"), "(nothing)");
    free(IOTCTL(0, "unbind"));
    check_bound(&s, "Unbound", "false");
    list = cloud_app(s.cloud, "AppGetFamilyDeviceList", (const char *const[]){FAMILY, NULL});
    CHECK_INT(scene_int(list, "Total"), 0);
    json_decref(list);
    json_decref(sig);
    scene_stop(&s);
}

static void fence(struct scene *s, const char *json)
{
    CLEANUP(freep) char *path = fixture_build_path("iot-localcloud");
    CLEANUP(freep) char *port = scene_printf("--http-port=%d", cloud_http_port(s->cloud));
    CLEANUP(freep) char *text = scene_printf("%s", json), *out = NULL;

    CHECK_INT(proc_run((const char *const[]){path, "fence", port, text, NULL}, &out), 0);
    CHECK(out && strstr(out, "clientToken"));
}

/* QoS 1 may bring it twice: answered twice, told once. */
static void test_fence(void)
{
    CLEANUP(freep) char *path = fixture_build_path("iotctl");
    struct proc *notices;
    struct scene s;

    scene_start(&s, NULL);
    notices = proc_start((const char *const[]){path, "notices", "--count=1", NULL});
    free(proc_wait_line(notices, PROC_STDERR, "waiting"));
    cloud_fault(s.cloud, "{\"fault\":\"duplicate\",\"count\":1}");
    fence(&s, "{\"device\":\"" DEVICE_ID "\",\"alert_type\":\"In\",\"alert_condition\":\"InOrOut\","
              "\"alarm_time\":1700000000,\"fence_name\":\"home\",\"long\":113.25,\"lat\":22.5}");
    CHECK_MSG(
        bus_client_wait_signal(s.bus, "FenceAlert"),
        "{\"alert_type\":s:\"In\",\"alert_condition\":s:\"InOrOut\",\"fence_name\":s:\"home\","
        "\"alarm_time\":x:1700000000,\"long\":d:113.25,\"lat\":d:22.5,\"timestamp\":t:*");
    json_decref(cloud_wait(s.cloud, "event", "fence_answered", " 0 ok"));
    json_decref(cloud_wait(s.cloud, "event", "unmatched", "alert_fence_event_reply"));
    bus_client_round_trip(s.bus, IOTD_BUS_NAME);
    CHECK_MSG(bus_client_take_signal(s.bus, "FenceAlert"), "(nothing)");
    free(proc_wait_line(notices, PROC_STDOUT, "fence alert_type=In"));
    CHECK_INT(proc_wait(notices), 0);
    notices = proc_stop(notices);

    fence(&s, "{\"device\":\"" DEVICE_ID "\",\"alert_type\":\"Out\",\"long\":200}");
    json_decref(cloud_wait(s.cloud, "event", "fence_answered", " 406 "));
    scene_stop(&s);
}

static void check_fence_reply(struct broker_scene *b, const char *token, const char *code)
{
    json_t *reply = broker_take(b, "service", "alert_fence_event_reply");

    CHECK_STR(scene_text(reply, "clientToken"), token);
    CHECK_STR(scene_text(reply, "code"), code);
    json_decref(reply);
}

/* Known also after a kill. */
static void test_fence_restart(void)
{
    static const char alarm[] = "{'method':'alert_fence_event','clientToken':'f1',"
                                "'timestamp':1700000000,'data':{'alert_type':'Out'}}";
    struct broker_scene b;

    broker_start(&b, NULL, false);
    broker_send(&b, "service", alarm);
    check_fence_reply(&b, "f1", "0");
    CHECK_MSG(bus_client_wait_signal(b.bus, "FenceAlert"), "{\"alert_type\":s:\"Out\",*");
    daemon_kill(b.iotd);
    daemon_start_again(b.iotd);
    (void) daemon_wait_link(b.iotd, "up");
    broker_send(&b, "service", alarm);
    check_fence_reply(&b, "f1", "0");
    bus_client_round_trip(b.bus, IOTD_BUS_NAME);
    CHECK_MSG(bus_client_take_signal(b.bus, "FenceAlert"), "(nothing)");
    broker_stop(&b);
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;

    for (const char *p = text; (p = strstr(p, part)); p++)
        n++;
    return n;
}

/* Told once, seen by monitors each time. */
static void test_unknown(void)
{
    static const char *const channels[] = {"property", "event", "action", "service"};
    CLEANUP(freep) char *log = NULL;
    struct bus_client *watcher;
    struct broker_scene b;

    broker_start(&b, NULL, false);
    broker_barrier(&b);
    watcher = bus_client_new();
    CHECK_MSG(scene_call(watcher, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Monitor", "b", 1), "");
    for (unsigned i = 0; i < 3; i++) {
        for (size_t c = 0; c < ARRAY_SIZE(channels); c++)
            broker_send(&b, channels[c], "{'method':'sing','clientToken':'1'}");
    }
    broker_send(&b, "service", "{'method':'dance'}");
    for (unsigned i = 0; i < 3 * ARRAY_SIZE(channels) + 1; i++) {
        CLEANUP(msg_unrefp) DBusMessage *msg = bus_client_wait_signal(watcher, "Message");

        CHECK(msg != NULL);
    }
    broker_barrier(&b);
    log = proc_output(daemon_proc(b.iotd), PROC_STDERR);
    CHECK_INT(count(log, "method=\"sing\""), ARRAY_SIZE(channels));
    CHECK_INT(count(log, "method=\"dance\""), 1);
    watcher = bus_client_free(watcher);
    broker_stop(&b);
}

const char *const suite_name = "09-bind";
const struct suite_test suite_tests[] = {
    {"signature", test_signature}, {"signature-call", test_signature_call},
    {"token", test_token},         {"unbind", test_unbind},
    {"fence", test_fence},         {"fence-restart", test_fence_restart},
    {"unknown", test_unknown},     {NULL, NULL},
};

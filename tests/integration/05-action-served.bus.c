/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An action that a program serves, from the app and back to it:
 *
 *   app             cloud                         iotd                     lamp
 *   Sync(unlock) →
 *                   action {"open":1, …}      →
 *                                                 Invoke("unlock", …)   →
 *                                                                       ← (0, "", {"state":true})
 *                                             ← action_reply 0 {"state":1}
 *   ← OutputParams {"state":1}
 *
 * and every way in which the program may fail to; exactly one action_reply each.
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/scene.h"

#define INPUT "InputParams={\"open\":1,\"user\":\"\\u4e66 \\\"me\\\"\"}"

static const char *const unlock_args[] = {"ActionId=unlock", INPUT, NULL};

static struct proc *call_unlock(struct scene *s)
{
    return cloud_app_start(s->cloud, "AppCallDeviceActionSync", unlock_args);
}

static struct bus_client *new_lamp(void)
{
    struct bus_client *bc = bus_client_new();

    CHECK_MSG(scene_register(bc, "", "", "unlock"), "");
    return bc;
}

/* What the app gets: Status, Code, and the text of OutputParams. */
static void check_result(struct proc *app, const char *status, int code, const char *output)
{
    CLEANUP(json_decrefp) json_t *response = cloud_app_finish(app);

    CHECK_STR(scene_text(response, "Status"), status);
    CHECK_INT(scene_int(response, "Code"), code);
    CHECK_STR(scene_text(response, "OutputParams"), output);
}

static void check_replies(struct scene *s, unsigned n)
{
    scene_barrier();
    CHECK_INT(scene_count(s, "up", "action_reply", NULL), n);
}

static void test_served(void)
{
    CLEANUP(json_decrefp) json_t *down = NULL, *up = NULL;
    CLEANUP(freep) char *want = NULL;
    struct bus_client *lamp;
    DBusMessage *call;
    struct scene s;
    struct proc *app;

    scene_start(&s, NULL);
    lamp = new_lamp();
    app = call_unlock(&s);
    call = bus_client_wait_call(lamp, "Invoke");
    down = cloud_wait_method(s.cloud, "down", "action");
    want = scene_printf("\"unlock\" {\"open\":b:true,\"user\":s:\"书 \\\"me\\\"\"} "
                        "{\"token\":s:\"%s\",\"timestamp\":t:%lld}",
                        scene_text(down, "clientToken"),
                        (long long) json_integer_value(json_object_get(down, "timestamp")));
    CHECK_STR(dbus_message_get_path(call), SCENE_HANDLER);
    CHECK_MSG(dbus_message_ref(call), want);
    scene_reply(lamp, call, "isa{sv}", 0, "", 3, "state", "b", 1, "user", "s", "a\"b", "time", "x",
                INT64_C(1700000000));
    up = cloud_wait_method(s.cloud, "up", "action_reply");
    CHECK_STR(scene_text(up, "clientToken"), scene_text(down, "clientToken"));
    CHECK_INT(scene_int(up, "code"), 0);
    CHECK_JSON(json_object_get(up, "response"), "{'state':1,'user':'a\\u0022b','time':1700000000}");
    check_result(app, "succ", 0, "{\"user\":\"a\\\"b\",\"time\":1700000000,\"state\":1}");

    /* Outputs that it does not give are not there. */
    app = call_unlock(&s);
    scene_reply(lamp, bus_client_wait_call(lamp, "Invoke"), "isa{sv}", 0, "", 0);
    check_result(app, "succ", 0, "{}");
    check_replies(&s, 2);
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

static void test_refused(void)
{
    struct bus_client *lamp;
    struct scene s;
    struct proc *app;

    scene_start(&s, NULL);
    lamp = new_lamp();
    app = call_unlock(&s);
    scene_reply(lamp, bus_client_wait_call(lamp, "Invoke"), "isa{sv}", 42, "the bolt is stuck", 1,
                "state", "b", 0);
    check_result(app, "the bolt is stuck", 42, "{}");
    app = call_unlock(&s);
    scene_reply_error(lamp, bus_client_wait_call(lamp, "Invoke"), "com.example.Broken", "no motor");
    check_result(app, "no motor", 405, "{}");
    check_replies(&s, 2);
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

static void test_bad_outputs(void)
{
    struct bus_client *lamp;
    struct scene s;
    unsigned n = 0;

    scene_start(&s, NULL);
    lamp = new_lamp();
#define ANSWERS(...)                                                                               \
    do {                                                                                           \
        struct proc *app_ = call_unlock(&s);                                                       \
        scene_reply(lamp, bus_client_wait_call(lamp, "Invoke"), __VA_ARGS__);                      \
        CHECK_ANSWER(&s, "action_reply", 503, "badly");                                            \
        json_decref(cloud_app_finish(app_));                                                       \
        check_replies(&s, ++n);                                                                    \
    } while (0)
    ANSWERS("isa{sv}", 0, "", 1, "state", "s", "on");
    ANSWERS("isa{sv}", 0, "", 1, "state", "i", 2);
    ANSWERS("isa{sv}", 0, "", 1, "time", "x", INT64_C(-1));
    ANSWERS("isa{sv}", 0, "", 1, "no_such_output", "i", 1);
    ANSWERS("isa{sv}", 0, "", 2, "user", "s", "a", "time", "as", 0);
    ANSWERS("is", 0, "");
    ANSWERS("isa{ss}", 0, "", 0);
    ANSWERS("isa{sv}", -5, "", 0);
    ANSWERS("isa{sv}", 600, "", 0);
#undef ANSWERS
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

static void test_nobody(void)
{
    struct bus_client *lamp;
    struct scene s;

    scene_start(&s, NULL);
    check_result(call_unlock(&s), "no program serves unlock", 403, "{}");
    lamp = new_lamp();
    CHECK_THING(lamp, "", "Unregister", "asasas", 0, 0, 1, "unlock");
    check_result(call_unlock(&s), "no program serves unlock", 403, "{}");
    check_replies(&s, 2);
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

static void test_hangs(void)
{
    struct bus_client *lamp;
    struct scene s;
    struct proc *app;
    DBusMessage *call;
    uint64_t begin = fixture_now_ms();

    scene_start(&s, "[thing]\naction_timeout = 1\n");
    lamp = new_lamp();
    app = call_unlock(&s);
    call = bus_client_wait_call(lamp, "Invoke");
    CHECK_ANSWER(&s, "action_reply", 408, "in time");
    CHECK(fixture_now_ms() - begin < 5000);
    scene_reply(lamp, call, "isa{sv}", 0, "", 0); /* too late */
    bus_client_round_trip(lamp, IOTD_BUS_NAME);
    json_decref(cloud_app_finish(app));
    check_replies(&s, 1);
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

static void test_dies(void)
{
    struct bus_client *lamp;
    struct scene s;
    struct proc *app;

    scene_start(&s, NULL);
    lamp = new_lamp();
    app = call_unlock(&s);
    msg_unref(bus_client_wait_call(lamp, "Invoke"));
    lamp = bus_client_free(lamp);
    check_result(app, "the program that served it has ended", 405, "{}");
    check_replies(&s, 1);
    scene_stop(&s);
}

/* Who is slow holds up nobody; each answer finds its call. */
static void test_two_at_once(void)
{
    struct bus_client *lamp;
    DBusMessage *first, *second;
    struct scene s;
    struct proc *a, *b;

    scene_start(&s, NULL);
    lamp = new_lamp();
    a = call_unlock(&s);
    first = bus_client_wait_call(lamp, "Invoke");
    b = call_unlock(&s);
    second = bus_client_wait_call(lamp, "Invoke");
    scene_reply(lamp, second, "isa{sv}", 0, "", 1, "user", "s", "second");
    check_result(b, "succ", 0, "{\"user\":\"second\"}");
    scene_reply(lamp, first, "isa{sv}", 0, "", 1, "user", "s", "first");
    check_result(a, "succ", 0, "{\"user\":\"first\"}");
    check_replies(&s, 2);
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

const char *const suite_name = "05-action-served";
const struct suite_test suite_tests[] = {
    {"served", test_served},
    {"refused", test_refused},
    {"bad-outputs", test_bad_outputs},
    {"nobody", test_nobody},
    {"hangs", test_hangs},
    {"dies", test_dies},
    {"two-at-once", test_two_at_once},
    {NULL, NULL},
};

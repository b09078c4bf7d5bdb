/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of the thing model is another one, and no program is lost:
 *
 *   lamp                                 iotd                            cloud
 *   Register(brightness, power_switch) →
 *                                        reload: no power_switch
 *                                                                      ← control in flight: 403
 *                                      ← ModelChanged
 *                                                                      ← control {"brightness":7}
 *                                      ← Control
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/scene.h"
#include "tests/lib/world.h"

#define BRIGHTNESS(max)                                                                            \
    "{\"id\":\"brightness\",\"mode\":\"rw\",\"define\":{\"type\":\"int\",\"min\":\"0\","           \
    "\"max\":\"" max "\",\"start\":\"1\",\"step\":\"1\"}}"
#define POWER_SWITCH                                                                               \
    "{\"id\":\"power_switch\",\"mode\":\"rw\",\"define\":{\"type\":\"bool\","                      \
    "\"mapping\":{\"0\":\"Off\",\"1\":\"On\"}}}"
#define NAME(max)                                                                                  \
    "{\"id\":\"name\",\"mode\":\"rw\",\"define\":{\"type\":\"string\",\"min\":\"0\","              \
    "\"max\":\"" max "\"}}"
#define LOW_VOLTAGE                                                                                \
    "{\"id\":\"low_voltage\",\"type\":\"alert\",\"params\":[{\"id\":\"voltage\",\"define\":"       \
    "{\"type\":\"float\",\"min\":\"0\",\"max\":\"24\",\"start\":\"1\",\"step\":\"1\"}}]}"
#define MODEL(properties, events)                                                                  \
    "{\"version\":\"1.0\",\"properties\":[" properties "],\"events\":[" events "],\"actions\":[]}"
#define FIRST MODEL(POWER_SWITCH "," BRIGHTNESS("100") "," NAME("64"), LOW_VOLTAGE)
#define SECOND MODEL(NAME("64") "," BRIGHTNESS("60"), "")

static void write_model(const char *text)
{
    free(fixture_write_file("model.json", 0600, text));
}

static void begin(struct scene *s)
{
    CLEANUP(freep) char *path = fixture_write_file("model.json", 0600, FIRST);

    scene_start_with(s, NULL, NULL, path);
}

static DBusMessage *reload(struct scene *s)
{
    return scene_call(s->bus, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Reload", "");
}

static void change_model(struct scene *s, const char *text)
{
    write_model(text);
    CHECK_MSG(reload(s), "[]");
    CHECK_MSG(bus_client_wait_signal(s->bus, "ModelChanged"), "");
}

static void report(struct bus_client *bc, const char *id, int value)
{
    CHECK_COMPLETED(bc, thing_token(bc, "ReportValue", "sv", id, "i", value), 0);
}

static void check_model(struct scene *s, const char *want)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = thing_call(s->bus, "GetModel", "");
    DBusMessageIter it;
    const char *text = "";

    CHECK(reply && dbus_message_iter_init(reply, &it) && msg_read_string(&it, &text) == 0);
    CHECK_STR(text, want);
}

static void test_replaced(void)
{
    struct bus_client *lamp = NULL;
    DBusMessage *call;
    struct scene s;

    begin(&s);
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "brightness power_switch", "low_voltage", ""), "");
    report(lamp, "brightness", 50);
    json_decref(cloud_control(s.cloud, "{\"power_switch\":1}"));
    call = bus_client_wait_call(lamp, "Control");
    change_model(&s, SECOND);
    CHECK_ANSWER(&s, "control_reply", 403, "the thing model has changed");
    scene_reply(lamp, call, "is", 0, ""); /* too late */

    check_model(&s, SECOND);
    CHECK_THING(lamp, "x:50 *", "Get", "s", "brightness");
    CHECK_ERROR(thing_call(lamp, "Get", "s", "power_switch"), ERR("UnknownId"), "power_switch");
    CHECK_ERROR(thing_call(lamp, "ReportValue", "sv", "power_switch", "b", true), ERR("UnknownId"),
                "power_switch");
    CHECK_ERROR(thing_call(lamp, "ReportValue", "sv", "brightness", "i", 61), ERR("OutOfRange"),
                "brightness");
    CHECK_ERROR(thing_call(s.bus, "ReportValue", "sv", "brightness", "i", 6), ERR("NotOwner"),
                "brightness");
    json_decref(cloud_control(s.cloud, "{\"brightness\":7}"));
    scene_reply(lamp, bus_client_wait_call(lamp, "Control"), "is", 0, "");
    CHECK_ANSWER(&s, "control_reply", 0, "");
    report(lamp, "brightness", 8);
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

/* Nothing is told for nothing. */
static void test_same(void)
{
    struct scene s;

    begin(&s);
    CHECK_MSG(reload(&s), "[]");
    CHECK(bus_client_take_signal(s.bus, "ModelChanged") == NULL);
    scene_stop(&s);
}

static void test_refused(void)
{
    struct scene s;

    begin(&s);
    write_model(MODEL(BRIGHTNESS("x") "," NAME("y"), ""));
    CHECK_ERROR(reload(&s), ERR("Protocol"), "thing model");
    scene_wait_log(&s, "properties[0].define.max");
    scene_wait_log(&s, "properties[1].define.max");
    check_model(&s, FIRST);
    (void) kill(proc_pid(daemon_proc(s.iotd)), SIGHUP);
    scene_wait_log(&s, "nothing was changed");
    check_model(&s, FIRST);
    CHECK(bus_client_take_signal(s.bus, "ModelChanged") == NULL);
    write_model(SECOND);
    (void) kill(proc_pid(daemon_proc(s.iotd)), SIGHUP);
    CHECK_MSG(bus_client_wait_signal(s.bus, "ModelChanged"), "");
    check_model(&s, SECOND);
    scene_stop(&s);
}

/* What does not fit any more is no value; what was away is as it was. */
static void test_values(void)
{
    struct scene s;

    begin(&s);
    report(s.bus, "brightness", 50);
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "power_switch", "b", true), 0);
    change_model(&s, MODEL(NAME("64") "," BRIGHTNESS("10"), ""));
    CHECK_THING(s.bus, ERR("NotReady"), "Get", "s", "brightness");
    CHECK_THING(s.bus, "{}", "GetAll", "");
    change_model(&s, FIRST);
    CHECK_THING(s.bus, "{\"power_switch\":b:true}", "GetAll", "");
    report(s.bus, "brightness", 51);
    change_model(&s, SECOND);
    daemon_kill(s.iotd);
    daemon_start_again(s.iotd);
    CHECK_THING(s.bus, "x:51 *", "Get", "s", "brightness");
    change_model(&s, FIRST); /* from the disk */
    CHECK_THING(s.bus, "b:true *", "Get", "s", "power_switch");
    scene_stop(&s);
}

/* Events are kept as they were posted. */
static void test_queued(void)
{
    struct scene s;
    uint64_t t;

    begin(&s);
    CHECK_MSG(scene_call(s.bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Disconnect", ""), "");
    t = thing_token(s.bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":9}");
    change_model(&s, SECOND);
    CHECK_ERROR(thing_call(s.bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":9}"),
                ERR("UnknownId"), "low_voltage");
    CHECK_MSG(scene_call(s.bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Connect", ""), "");
    CHECK_COMPLETED(s.bus, t, 0);
    scene_stop(&s);
}

/* --- the library --- */

struct app {
    struct scene scene;
    struct world world;
    iotc_slot *both, *name;
    int want_both, want_name;
};

static void on_control(iotc_client *client, iotc_control *control, void *userdata)
{
    (void) client;
    (void) control;
    (void) userdata;
}

static bool is_as_wanted(void *userdata)
{
    const struct app *a = userdata;

    return iotc_slot_get_error(a->both) == a->want_both &&
           iotc_slot_get_error(a->name) == a->want_name;
}

static void wait_slots(struct app *a, int both, int name)
{
    a->want_both = both;
    a->want_name = name;
    world_until(&a->world, is_as_wanted, a, "the state of the slots");
}

static bool is_float(void *userdata)
{
    struct app *a = userdata;

    return iotc_prop_get_type(world_prop(&a->world, "brightness")) == IOTC_TYPE_FLOAT;
}

static void test_client(void)
{
    static const char *const both[] = {"brightness", "power_switch"}, *const name[] = {"name"};
    struct app a = {0};

    begin(&a.scene);
    world_init(&a.world);
    CHECK_INT(iotc_serve_control(a.world.client, &a.both, both, 2, on_control, NULL, NULL), 0);
    CHECK_INT(iotc_serve_control(a.world.client, &a.name, name, 1, on_control, NULL, NULL), 0);
    wait_slots(&a, 0, 0);
    change_model(&a.scene, SECOND);
    wait_slots(&a, -ENOENT, 0);
    change_model(&a.scene, FIRST);
    wait_slots(&a, 0, 0);
    change_model(&a.scene, MODEL("{\"id\":\"brightness\",\"mode\":\"rw\",\"define\":{\"type\":"
                                 "\"float\",\"min\":\"0\",\"max\":\"1\",\"start\":\"0\","
                                 "\"step\":\"0.1\"}}",
                                 ""));
    wait_slots(&a, -ENOENT, -ENOENT);
    world_until(&a.world, is_float, &a, "the type");
    iotc_slot_unref(a.both);
    iotc_slot_unref(a.name);
    world_fini(&a.world);
    scene_stop(&a.scene);
}

const char *const suite_name = "model-reload";
const struct suite_test suite_tests[] = {
    {"replaced", test_replaced},
    {"same", test_same},
    {"refused", test_refused},
    {"values", test_values},
    {"queued", test_queued},
    {"client", test_client},
    {NULL, NULL},
};

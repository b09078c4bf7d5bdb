/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A model assembled from what programs define, without a file of it:
 *
 *   lamp                                            iotd                      cloud
 *   Register(brightness, define brightness)     →
 *                                                 ← ModelChanged
 *   Report(brightness 5)                        →   report {"brightness":5} →
 *                                                   ✕ (kill -9), starts again
 *   GetModel                                    →   the same
 *   Register(brightness, another definition)    →
 *                                                 ← Refused: where it differs
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/scene.h"
#include "tests/lib/world.h"

#define BRIGHTNESS(max)                                                                            \
    "{\"id\":\"brightness\",\"name\":\"Light\",\"mode\":\"rw\",\"define\":{\"type\":\"int\","      \
    "\"min\":\"0\",\"max\":\"" max "\",\"start\":\"1\",\"step\":\"1\",\"unit\":\"%\"}}"
#define LOW_VOLTAGE                                                                                \
    "{\"id\":\"low_voltage\",\"type\":\"alert\",\"params\":[{\"id\":\"voltage\",\"define\":"       \
    "{\"type\":\"float\",\"min\":\"0\",\"max\":\"24\",\"start\":\"1\",\"step\":\"1\"}}]}"
#define UNLOCK "{\"id\":\"unlock\",\"input\":[],\"output\":[]}"
#define EMPTY "{'version':'1.0','properties':[],'events':[],'actions':[]}"

static void begin(struct scene *s, const char *model)
{
    scene_start_with(s, "[property.brightness]\nqos = 1\n", NULL, model);
}

static bool append_ids(DBusMessageIter *it, const char *id)
{
    return msg_append_strv(it, &id, *id ? 1 : 0) == 0;
}

/* With "define" of one id each; "" is none. json NULL: no option. */
static DBusMessage *serve(struct bus_client *bc, const char *property, const char *event,
                          const char *action, const char *id, const char *json)
{
    DBusMessage *msg = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_THING, "Register");
    DBusMessageIter it, options, map, pair;
    struct msg_entry entry;
    const char *const handler = SCENE_HANDLER;

    dbus_message_iter_init_append(msg, &it);
    CHECK(append_ids(&it, property) && append_ids(&it, event) && append_ids(&it, action));
    CHECK(msg_append_path(&it, handler) == 0 && msg_open_dict(&it, &options) == 0);
    if (json) {
        CHECK_INT(msg_dict_open_entry(&options, "define", "a{ss}", &entry), 0);
        CHECK_INT(msg_open(&entry.variant, DBUS_TYPE_ARRAY, "{ss}", &map), 0);
        CHECK_INT(msg_open(&map, DBUS_TYPE_DICT_ENTRY, NULL, &pair), 0);
        CHECK(msg_append_string(&pair, id) == 0 && msg_append_string(&pair, json) == 0);
        CHECK_INT(msg_close(&map, &pair, 0), 0);
        CHECK_INT(msg_dict_close_entry(&options, &entry, msg_close(&entry.variant, &map, 0)), 0);
    }
    CHECK_INT(msg_close(&it, &options, 0), 0);
    return bus_client_call(bc, msg);
}

static void check_model(struct bus_client *bc, const char *want)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = thing_call(bc, "GetModel", "");
    CLEANUP(json_decrefp) json_t *json = NULL;
    DBusMessageIter it;
    const char *text = "";

    CHECK(reply && dbus_message_iter_init(reply, &it) && msg_read_string(&it, &text) == 0);
    json = json_loads(text, 0, NULL);
    CHECK_JSON(json, want);
}

static void test_defined(void)
{
    struct bus_client *lamp;
    struct scene s;

    begin(&s, "");
    check_model(s.bus, EMPTY);
    lamp = bus_client_new();
    CHECK_ERROR(serve(lamp, "brightness", "", "", "", NULL), ERR("UnknownId"), "brightness");
    CHECK_MSG(serve(lamp, "brightness", "", "", "brightness", BRIGHTNESS("100")), "");
    CHECK_MSG(bus_client_wait_signal(s.bus, "ModelChanged"), "");
    CHECK_MSG(serve(lamp, "", "low_voltage", "", "low_voltage", LOW_VOLTAGE), "");
    CHECK_MSG(serve(lamp, "", "", "unlock", "unlock", UNLOCK), "");
    CHECK_COMPLETED(lamp, thing_token(lamp, "ReportValue", "sv", "brightness", "i", 5), 0);
    CHECK_COMPLETED(lamp,
                    thing_token(lamp, "PostEventJson", "ss", "low_voltage", "{\"voltage\":9}"), 0);
    json_decref(cloud_control(s.cloud, "{\"brightness\":7}"));
    scene_reply(lamp, bus_client_wait_call(lamp, "Control"), "is", 0, "");
    CHECK_ANSWER(&s, "control_reply", 0, "");
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

#define ALL                                                                                        \
    "{'version':'1.0','properties':[" BRIGHTNESS("100") "],'events':[" LOW_VOLTAGE "],'actions':[" \
                                                        "]}"

/* On the disk before the call is answered; values and settings find it again. */
static void test_kept(void)
{
    CLEANUP(msg_unrefp) DBusMessage *signal = NULL;
    struct scene s;

    begin(&s, "");
    CHECK_MSG(serve(s.bus, "brightness", "", "", "brightness", BRIGHTNESS("100")), "");
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 5), 0);
    CHECK_MSG(serve(s.bus, "", "low_voltage", "", "low_voltage", LOW_VOLTAGE), "");
    daemon_kill(s.iotd);
    daemon_start_again(s.iotd);
    scene_forget(s.bus, "ModelChanged");
    check_model(s.bus, ALL);
    CHECK_THING(s.bus, "x:5 *", "Get", "s", "brightness");
    CHECK_MSG(serve(s.bus, "brightness", "", "", "brightness", BRIGHTNESS("100")), "");
    CHECK_MSG(serve(s.bus, "brightness", "low_voltage", "", "", NULL), "");
    CHECK(bus_client_take_signal(s.bus, "ModelChanged") == NULL);
    scene_stop(&s);
}

static void test_refused(void)
{
    static const struct {
        const char *property, *id, *json, *error, *part;
    } cases[] = {
        {"brightness", "brightness", BRIGHTNESS("50"), ERR("Refused"),
         "brightness is defined otherwise: define.max is \"100\", not \"50\""},
        {"a", "a", "{\"id\":\"b\"}", INVALID_ARGS, "define a: has another id"},
        {"a", "b", "{\"id\":\"b\"}", INVALID_ARGS, "\"b\" is not being registered"},
        {"a", "a", "{", INVALID_ARGS, "define a: not JSON"},
        {"a", "a", "{\"id\":\"a\",\"mode\":\"rw\",\"define\":{\"type\":\"x\"}}", INVALID_ARGS,
         "a.define.type"},
        {"a b", "a b", "{\"id\":\"a b\"}", INVALID_ARGS, "is not an id"},
        {"BRIGHTNESS", "BRIGHTNESS",
         "{\"id\":\"BRIGHTNESS\",\"mode\":\"r\",\"define\":{\"type\":\"bool\"}}", INVALID_ARGS,
         "differ in case only"},
    };
    struct scene s;

    begin(&s, "");
    CHECK_MSG(serve(s.bus, "brightness", "", "", "brightness", BRIGHTNESS("100")), "");
    CHECK_ERROR(serve(s.bus, "", "brightness", "", "brightness",
                      "{\"id\":\"brightness\",\"type\":\"info\",\"params\":[]}"),
                INVALID_ARGS, "brightness");
    scene_forget(s.bus, "ModelChanged");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        CHECK_ERROR(serve(s.bus, cases[i].property, "", "", cases[i].id, cases[i].json),
                    cases[i].error, cases[i].part);
    CHECK(bus_client_take_signal(s.bus, "ModelChanged") == NULL);
    check_model(s.bus,
                "{'version':'1.0','properties':[" BRIGHTNESS("100") "],'events':[],'actions':[]}");
    scene_stop(&s);
}

/* A file has the last word. */
static void test_file(void)
{
    static const char model[] = "{\"version\":\"1.0\",\"properties\":[" BRIGHTNESS("100") "]}";
    CLEANUP(freep) char *path = fixture_write_file("model.json", 0600, model);
    struct scene s;

    begin(&s, path);
    CHECK_MSG(serve(s.bus, "brightness", "", "", "brightness", BRIGHTNESS("100")), "");
    CHECK_ERROR(serve(s.bus, "brightness", "", "", "brightness", BRIGHTNESS("99")), ERR("Refused"),
                "define.max");
    CHECK_ERROR(serve(s.bus, "", "", "unlock", "unlock", UNLOCK), ERR("Refused"),
                "unlock is not in the file of the thing model");
    check_model(s.bus, "{'version':'1.0','properties':[" BRIGHTNESS("100") "]}");
    scene_stop(&s);
}

/* --- the library --- */

struct app {
    struct scene scene;
    struct world world;
    iotc_slot *slot;
    unsigned want;
};

static void on_control(iotc_client *client, iotc_control *control, void *userdata)
{
    (void) client;
    (void) control;
    (void) userdata;
}

static bool is_told(void *userdata)
{
    const struct app *a = userdata;

    return a->world.n_done >= a->want;
}

static bool is_served(void *userdata)
{
    const struct app *a = userdata;

    return iotc_slot_get_error(a->slot) == 0;
}

static void wait_told(struct app *a, int result)
{
    a->want++;
    world_until(&a->world, is_told, a, "the answer to definitions");
    CHECK_INT(a->world.done_result, result);
}

static void test_client(void)
{
    static const char text[] =
        "{\"properties\":[" BRIGHTNESS("100") "],\"events\":[" LOW_VOLTAGE "]}";
    static const char other[] = "{\"properties\":[" BRIGHTNESS("9") "]}";
    static const char *const ids[] = {"brightness"};
    struct app a = {0};

    begin(&a.scene, "");
    world_init(&a.world);
    CHECK_INT(iotc_client_define(a.world.client, NULL, NULL, NULL), -EINVAL);
    CHECK_INT(iotc_client_define(a.world.client, "\xff", NULL, NULL), -EINVAL);
    CHECK_INT(iotc_client_define(a.world.client, text, world_done, &a.world), 0);
    CHECK_INT(iotc_serve_control(a.world.client, &a.slot, ids, 1, on_control, NULL, NULL), 0);
    wait_told(&a, 0);
    world_until(&a.world, is_served, &a, "the registration");
    check_model(a.scene.bus, ALL);

    CHECK_INT(iotc_client_define(a.world.client, other, world_done, &a.world), 0);
    wait_told(&a, -ECONNREFUSED);
    CHECK_INT(iotc_client_define(a.world.client, text, world_done, &a.world), 0);
    wait_told(&a, 0);

    daemon_kill(a.scene.iotd);
    daemon_start_again(a.scene.iotd);
    wait_told(&a, 0); /* by itself */
    world_until(&a.world, is_served, &a, "the registration");
    iotc_slot_unref(a.slot);
    world_fini(&a.world);
    scene_stop(&a.scene);
}

const char *const suite_name = "model-define";
const struct suite_test suite_tests[] = {
    {"defined", test_defined}, {"kept", test_kept},     {"refused", test_refused},
    {"file", test_file},       {"client", test_client}, {NULL, NULL},
};

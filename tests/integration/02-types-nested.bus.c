/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Structs, arrays and string enums, both ways:
 *
 *   program                                iotd                               cloud
 *   Report({"t_struct": a{sv} …})    →
 *                                          report {"t_struct":{"r":1}}    →
 *                                                                         ← report_reply 0
 *                                                                         ← control
 * {"t_struct":{"g":2}} ← Control({"t_struct":{"g":2}}) 0 → control_reply 0                → report
 * {"t_struct":{"r":1,"g":2}} →
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/scene.h"

static void start(struct scene *s, const char *settings)
{
    CLEANUP(freep) char *config = fixture_source_path("tests/data/types-cloud.json");
    CLEANUP(freep) char *model = fixture_source_path("tests/data/types.json");

    scene_start_with(s, settings, config, model);
}

/* The next report holds just these params. */
static void check_report(struct scene *s, const char *params)
{
    CLEANUP(json_decrefp) json_t *message = cloud_wait_method(s->cloud, "up", "report");

    CHECK_JSON(json_object_get(message, "params"), params);
}

/* Each line: what a program gives, what the cloud gets, what Get says then. */
static void test_natural_types(void)
{
    struct scene s;
    uint64_t t;

    start(&s, "[report]\nrate = 1000\n");
#define SENDS(id, params, got, ...)                                                                \
    do {                                                                                           \
        t = thing_token(s.bus, "ReportValue", "sv", id, __VA_ARGS__);                              \
        CHECK_COMPLETED(s.bus, t, 0);                                                              \
        check_report(&s, "{'" id "':" params "}");                                                 \
        CHECK_THING(s.bus, got " *", "Get", "s", id);                                              \
    } while (0)
    SENDS("t_stringenum", "'mid'", "s:\"mid\"", "s", "mid");
    SENDS("t_struct", "{'r':1,'on':1}", "a{sv}:{\"r\":x:1,\"on\":b:true}", "a{sv}", 2, "on", "b", 1,
          "r", "i", 1);
    SENDS("t_struct", "{'r':1,'g':2}", "a{sv}:{\"r\":x:1,\"g\":x:2}", "a{si}", 2, "r", 1, "g", 2);
    SENDS("t_struct", "{}", "a{sv}:{}", "a{sv}", 0);
    SENDS("t_ints", "[1,2,3]", "av:[x:1,x:2,x:3]", "ai", 3, 1, 2, 3);
    SENDS("t_ints", "[7]", "av:[x:7]", "ay", 1, 7);
    SENDS("t_ints", "[]", "av:[]", "av", 0);
    SENDS("t_ints", "[1,2]", "av:[x:1,x:2]", "av", 2, "x", INT64_C(1), "v", "d", 2.0);
    SENDS("t_floats", "[0.5,1]", "av:[d:0.5,d:1]", "ad", 2, 0.5, 1.0);
    SENDS("t_strings", "['','a\\u0022b']", "av:[s:\"\",s:\"a\\\"b\"]", "as", 2, "", "a\"b");
    SENDS("t_structs", "[{'id':'a','level':5},{'on':0}]",
          "av:[a{sv}:{\"id\":s:\"a\",\"level\":x:5},a{sv}:{\"on\":b:false}]", "aa{sv}", 2, 2,
          "level", "i", 5, "id", "s", "a", 1, "on", "b", 0);
#undef SENDS
    scene_stop(&s);
}

static void test_refused(void)
{
    struct scene s;

    start(&s, NULL);
#define REFUSED(error, part, id, ...)                                                              \
    CHECK_ERROR(thing_call(s.bus, "ReportValue", "sv", id, __VA_ARGS__), ERR(error), part)
    REFUSED("OutOfRange", "t_stringenum: not a value", "t_stringenum", "s", "Low");
    REFUSED("WrongType", "t_stringenum", "t_stringenum", "i", 0);
    REFUSED("OutOfRange", "t_struct.r: not within 0 to 255", "t_struct", "a{sv}", 1, "r", "i", 256);
    REFUSED("WrongType", "t_struct.r", "t_struct", "a{ss}", 1, "r", "1");
    REFUSED("WrongType", "t_struct: has no member x", "t_struct", "a{sv}", 1, "x", "i", 1);
    REFUSED("WrongType", "t_struct: has r twice", "t_struct", "a{sv}", 2, "r", "i", 1, "r", "i", 2);
    REFUSED("WrongType", "t_struct", "t_struct", "a{is}", 1, 1, "x");
    REFUSED("WrongType", "t_struct", "t_struct", "ai", 0);
    REFUSED("WrongType", "t_struct", "t_struct", "s", "{}");
    REFUSED("OutOfRange", "t_ints[1]: not within 0 to 9", "t_ints", "ai", 2, 1, 10);
    REFUSED("WrongType", "t_ints[0]", "t_ints", "as", 1, "1");
    REFUSED("WrongType", "t_ints[0]", "t_ints", "aai", 1, 1, 1);
    REFUSED("WrongType", "t_ints", "t_ints", "a{sv}", 0);
    REFUSED("WrongType", "t_ints", "t_ints", "i", 1);
    REFUSED("OutOfRange", "t_structs[1].id: not 1 to 8", "t_structs", "aa{sv}", 2, 0, 1, "id", "s",
            "");
    REFUSED("WrongType", "t_int", "t_int", "av", 1, "i", 1);
    REFUSED("OutOfRange", "t_ints[0]", "t_ints", "at", 1, UINT64_MAX);
#undef REFUSED
    scene_barrier();
    CHECK_INT(scene_count(&s, "up", "report", NULL), 1); /* the barrier's */
    scene_stop(&s);
}

/* The documents' samples. */
static void test_documents(void)
{
    static const char *const samples[] = {
        "{'GPS_Info':{'longitude':112.59014,'latitude':22.28014}}",
        "{'GPS_ExtInfo':{'longitude':112.59014,'latitude':22.28014,'altitude':200,"
        "'gps_speed':80,'direction':30}}",
        "{'Cell_Info':{'mcc':460,'mnc':13824,'lac':3,'cid':33,'rss':-85,'networktype':1}}",
        "{'Wifi_Info':[{'Mac':'78a106a5b166','Rssi':-81},{'Mac':'608f5c66b3f7','Rssi':-82},"
        "{'Mac':'282cb293a5d6','Rssi':-83}]}",
        "{'_sys_kg_volume':77,'_mesh_generic_onoff':1,'_sys_xp2p_info':'XP2P'}",
    };
    struct scene s;

    start(&s, "[report]\nrate = 1000\n");
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        CLEANUP(freep) char *json = scene_printf("%s", samples[i]);
        uint64_t t;

        for (char *c = json; *c; c++)
            *c = *c == '\'' ? '"' : *c;
        t = thing_token(s.bus, "ReportJson", "s", json);
        CHECK_COMPLETED(s.bus, t, 0);
        check_report(&s, samples[i]);
    }
    scene_stop(&s);
}

/* A control of a few members: given to the program as it is; the others stay as they were. */
static void test_control(void)
{
    struct bus_client *lamp;
    struct scene s;

    start(&s, NULL);
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "t_struct t_structs t_stringenum", "", ""), "");
    CHECK_COMPLETED(
        lamp, thing_token(lamp, "ReportJson", "s", "{\"t_struct\":{\"r\":1,\"note\":\"x\"}}"), 0);
    check_report(&s, "{'t_struct':{'r':1,'note':'x'}}");
    json_decref(
        cloud_control(s.cloud, "{\"t_struct\":{\"g\":2,\"on\":1},\"t_structs\":[{\"level\":3}]}"));
    {
        DBusMessage *call = bus_client_wait_call(lamp, "Control");

        CHECK_MSG(dbus_message_ref(call), "{\"t_struct\":a{sv}:{\"g\":x:2,\"on\":b:true},"
                                          "\"t_structs\":av:[a{sv}:{\"level\":x:3}]} *");
        scene_reply(lamp, call, "is", 0, "");
    }
    CHECK_ANSWER(&s, "control_reply", 0, "");
    check_report(&s, "{'t_struct':{'r':1,'g':2,'on':1,'note':'x'},'t_structs':[{'level':3}]}");
    CHECK_THING(s.bus, "a{sv}:{\"r\":x:1,\"g\":x:2,\"on\":b:true,\"note\":s:\"x\"} *", "Get", "s",
                "t_struct");
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

/* Values and desired ones survive kill -9, whatever they are made of. */
static void test_restart(void)
{
    struct bus_client *lamp;
    struct scene s;

    start(&s, NULL);
    CHECK_COMPLETED(
        s.bus,
        thing_token(s.bus, "ReportJson", "s",
                    "{\"t_struct\":{\"r\":1,\"w\":0.1},\"t_structs\":[{\"id\":\"a\\\"\"},{}]}"),
        0);
    json_decref(cloud_control(s.cloud, "{\"t_struct\":{\"g\":2}}"));
    CHECK_ANSWER(&s, "control_reply", 0, "");
    json_decref(cloud_control(s.cloud, "{\"t_struct\":{\"b\":3}}"));
    CHECK_ANSWER(&s, "control_reply", 0, "");
    daemon_kill(s.iotd);
    daemon_start_again(s.iotd);
    s.bus = daemon_bus(s.iotd);
    CHECK_THING(s.bus, "a{sv}:{\"r\":x:1,\"w\":d:0.1} *", "Get", "s", "t_struct");
    CHECK_THING(s.bus, "av:[a{sv}:{\"id\":s:\"a\\\"\"},a{sv}:{}] *", "Get", "s", "t_structs");
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "t_struct", "", ""), "");
    CHECK_MSG(bus_client_wait_call(lamp, "Control"),
              "{\"t_struct\":a{sv}:{\"g\":x:2,\"b\":x:3}} *");
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

/* Parameters of events, inputs and outputs of actions. */
static void test_event_and_action(void)
{
    static const char *const args[] = {
        "ActionId=paint",
        "InputParams={\"color\":{\"r\":1,\"hue\":-1},\"steps\":[0.5,1],\"how\":\"lo\"}", NULL};
    CLEANUP(json_decrefp) json_t *event = NULL, *reply = NULL, *response = NULL;
    struct bus_client *lamp;
    struct proc *app;
    struct scene s;

    start(&s, NULL);
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "", "moved", "paint"), "");
    CHECK_COMPLETED(lamp,
                    thing_token(lamp, "PostEvent", "sa{sv}a{sv}", "moved", 3, "where", "a{sd}", 2,
                                "longitude", 112.59014, "latitude", 22.28014, "speeds", "ai", 2, 5,
                                6, "how", "s", "high", 0),
                    0);
    event = cloud_wait_method(s.cloud, "up", "event_post");
    CHECK_JSON(json_object_get(event, "params"),
               "{'where':{'latitude':22.28014,'longitude':112.59014},'speeds':[5,6],'how':'high'}");
    CHECK_ERROR(thing_call(lamp, "PostEventJson", "ss", "moved", "{\"seen\":[{\"Rssi\":1}]}"),
                ERR("OutOfRange"), "seen[0].Rssi");

    app = cloud_app_start(s.cloud, "AppCallDeviceActionSync", args);
    {
        DBusMessage *call = bus_client_wait_call(lamp, "Invoke");

        CHECK_MSG(dbus_message_ref(call), "\"paint\" {\"color\":a{sv}:{\"r\":x:1,\"hue\":x:-1},"
                                          "\"steps\":av:[d:0.5,d:1],\"how\":s:\"lo\"} *");
        scene_reply(lamp, call, "isa{sv}", 0, "", 2, "done", "aa{sv}", 1, 2, "id", "s", "a", "on",
                    "b", 1, "color", "a{si}", 1, "b", 9);
    }
    reply = cloud_wait_method(s.cloud, "up", "action_reply");
    CHECK_JSON(json_object_get(reply, "response"), "{'color':{'b':9},'done':[{'id':'a','on':1}]}");
    response = cloud_app_finish(app);
    CHECK_STR(scene_text(response, "Status"), "succ");
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

/* The type is there before the value is. */
static void test_list(void)
{
    struct scene s;

    start(&s, NULL);
    CHECK_THING(s.bus,
                "[(\"t_bool\",\"bool\",\"rw\",b:false,0),(\"t_int\",\"int\",\"rw\",x:0,0),"
                "(\"t_big\",\"int\",\"rw\",x:0,0),(\"t_float\",\"float\",\"rw\",d:0,0),"
                "(\"t_string\",\"string\",\"rw\",s:\"\",0),"
                "(\"t_long\",\"string\",\"rw\",s:\"\",0),(\"t_enum\",\"enum\",\"rw\",x:0,0),"
                "(\"t_stringenum\",\"stringenum\",\"rw\",s:\"\",0),"
                "(\"t_timestamp\",\"timestamp\",\"rw\",x:0,0),"
                "(\"t_struct\",\"struct\",\"rw\",a{sv}:{},0),"
                "(\"t_ints\",\"array\",\"rw\",av:[],0),*",
                "ListProperties", "");
    scene_stop(&s);
}

const char *const suite_name = "02-types-nested";
const struct suite_test suite_tests[] = {
    {"natural-types", test_natural_types},
    {"refused", test_refused},
    {"documents", test_documents},
    {"control", test_control},
    {"restart", test_restart},
    {"event-and-action", test_event_and_action},
    {"list", test_list},
    {NULL, NULL},
};

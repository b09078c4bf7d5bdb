/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What iotc-codegen makes of a model with all types, in a program, with iotd and a cloud:
 *
 *   types_report_t_struct()    →   report {"t_struct":{"r":1,…}}   →
 *   on_control(values)         ←   Control                         ←   control
 *   types_post_moved()         →   event_post                      →
 *   on_paint(input)            ←   Invoke                          ←   action
 *   types_answer_paint()       →   action_reply                    →
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <iotclient/iotclient.h>

#include "tests/integration/types.h"
#include "tests/lib/scene.h"

struct program {
    struct scene scene;
    iotc_client *client;
    iotc_slot *slot;
    int n_done, n_wanted;
    int result; /* the first failure */
    bool is_called;
    int n_freed;
    struct types_control control; /* without what is borrowed */
    char text[64];                /* what was borrowed, as text */
};

static void start(struct program *p)
{
    CLEANUP(freep) char *config = fixture_source_path("tests/data/types-cloud.json");
    CLEANUP(freep) char *model = fixture_source_path("tests/data/types.json");

    *p = (struct program){0};
    scene_start_with(&p->scene, "[report]\nrate = 1000\n", config, model);
    CHECK_INT(iotc_client_new(&p->client, "types"), 0);
}

static void stop(struct program *p)
{
    iotc_slot_unref(p->slot);
    p->client = iotc_client_unref(p->client);
    scene_stop(&p->scene);
}

/* Turns of the program until something is so. */
static void run_until(struct program *p, bool (*is_so)(struct program *p))
{
    uint64_t deadline = fixture_deadline_ms();
    int r = 0;

    while (r >= 0 && !is_so(p) && fixture_left_ms(deadline) > 0)
        r = iotc_client_wait(p->client, fixture_left_ms(deadline));
    CHECK(r >= 0);
    CHECK(is_so(p));
}

static bool knows_model(struct program *p)
{
    bool b;

    return types_read_t_bool(p->client, &b, NULL) != -ENOTCONN;
}

static bool has_structs(struct program *p)
{
    struct types_t_structs *structs;
    size_t n;
    int r = types_read_t_structs(p->client, &structs, &n, NULL);

    if (r >= 0)
        free(structs);
    return r >= 0;
}

static bool is_served(struct program *p)
{
    return iotc_slot_get_error(p->slot) == 0;
}

static bool is_called(struct program *p)
{
    return p->is_called;
}

static bool are_done(struct program *p)
{
    return p->n_done >= p->n_wanted;
}

static void on_done(iotc_client *client, int result, void *userdata)
{
    struct program *p = userdata;

    (void) client;
    p->n_done++;
    if (result < 0 && p->result == 0)
        p->result = result;
}

static void on_freed(void *userdata)
{
    struct program *p = userdata;

    p->n_freed++;
}

/* Waits for the answers to all that was reported or posted since the last time. */
static void check_done(struct program *p, int n, int result)
{
    p->n_wanted += n;
    run_until(p, are_done);
    CHECK_INT(p->result, result);
    p->result = 0;
}

/* In one message or in several: what is reported at once is not always sent at once. */
static void check_report(struct program *p, const char *params, size_t n_params)
{
    CLEANUP(json_decrefp) json_t *all = json_object();
    bool is_heard = true;

    while (is_heard && json_object_size(all) < n_params) {
        CLEANUP(json_decrefp) json_t *message = cloud_wait_method(p->scene.cloud, "up", "report");

        is_heard = message && json_object_update(all, json_object_get(message, "params")) == 0;
    }
    CHECK_JSON(all, params);
}

static void test_report(void)
{
    static const int64_t ints[] = {1, 2, 3};
    static const double floats[] = {0.5, 1};
    static const char *const strings[] = {"", "\xe7\x81\xaf\""};
    static const struct types_t_structs structs[] = {
        {.id = "a", .level = 5, .no_on = true},
        {.no_id = true, .no_level = true, .on = true},
    };
    static const struct types_t_struct color = {.r = 1,
                                                .g = 2,
                                                .no_b = true,
                                                .w = 0.5,
                                                .on = true,
                                                .scene = TYPES_T_STRUCT_SCENE_MIDDLE,
                                                .hue = TYPES_T_STRUCT_HUE_UNKNOWN,
                                                .since = 1700000000,
                                                .note = "12345678"};
    struct program p;

    start(&p);
    run_until(&p, knows_model);
    CHECK_INT(types_report_t_bool(p.client, true, on_done, &p), 0);
    CHECK_INT(types_report_t_enum(p.client, TYPES_T_ENUM_BLUE, on_done, &p), 0);
    CHECK_INT(types_report_t_stringenum(p.client, TYPES_T_STRINGENUM_HIGH, on_done, &p), 0);
    CHECK_INT(types_report_t_struct(p.client, &color, on_done, &p), 0);
    CHECK_INT(types_report_t_ints(p.client, ints, 3, on_done, &p), 0);
    CHECK_INT(types_report_t_floats(p.client, floats, 2, on_done, &p), 0);
    CHECK_INT(types_report_t_strings(p.client, strings, 2, on_done, &p), 0);
    CHECK_INT(types_report_t_structs(p.client, structs, 2, on_done, &p), 0);
    CHECK_INT(types_report_sys_kg_volume(p.client, 77, on_done, &p), 0);
    check_done(&p, 9, 0);
    check_report(&p,
                 "{'t_bool':1,'t_enum':2,'t_stringenum':'high','t_struct':{'r':1,'g':2,"
                 "'w':0.5,'on':1,'scene':'mid','hue':-1,'since':1700000000,'note':'12345678'},"
                 "'t_ints':[1,2,3],'t_floats':[0.5,1],'t_strings':['','\xe7\x81\xaf\\u0022'],"
                 "'t_structs':[{'id':'a','level':5},{'on':1}],'_sys_kg_volume':77}",
                 9);
    CHECK_INT(types_report_t_ints(p.client, NULL, 0, on_done, &p), 0); /* an empty one */
    check_done(&p, 1, 0);
    check_report(&p, "{'t_ints':[]}", 1);
    CHECK_INT(types_report_t_int(p.client, 11, on_done, &p), 0);
    check_done(&p, 1, -ERANGE);
    stop(&p);
}

static void test_read(void)
{
    enum types_t_stringenum level = TYPES_T_STRINGENUM_LOW;
    enum types_t_enum hue = TYPES_T_ENUM_RED;
    struct types_t_structs *structs = NULL;
    struct types_t_struct color = {.r = 9};
    const char **strings = NULL;
    int64_t *ints = NULL;
    uint64_t stamp = 0;
    struct program p;
    size_t n = 0;
    char text[8];

    start(&p);
    run_until(&p, knows_model);
    CHECK_INT(types_read_t_struct(p.client, &color, NULL), -ENODATA);
    CHECK_INT(types_read_t_ints(p.client, &ints, &n, NULL), -ENODATA);
    CHECK_COMPLETED(p.scene.bus,
                    thing_token(p.scene.bus, "ReportJson", "s",
                                "{\"t_enum\":-1,\"t_stringenum\":\"mid\",\"t_string\":\"text\","
                                "\"t_struct\":{\"g\":7,\"note\":\"x\",\"scene\":\"high\"},"
                                "\"t_ints\":[4,5],\"t_strings\":[\"a\",\"\",\"bc\"],"
                                "\"t_structs\":[{},{\"id\":\"z\"}]}"),
                    0);
    run_until(&p, has_structs);
    CHECK_INT(types_read_t_struct(p.client, &color, &stamp), 0);
    CHECK(stamp > 0);
    CHECK(color.no_r && !color.no_g && color.no_hue && !color.no_note && color.no_since);
    CHECK_INT(color.g, 7);
    CHECK_STR(color.note, "x");
    CHECK_INT(color.scene, TYPES_T_STRUCT_SCENE_HIGH);
    CHECK_INT(types_read_t_enum(p.client, &hue, NULL), 0);
    CHECK_INT(hue, TYPES_T_ENUM_UNKNOWN);
    CHECK_INT(types_read_t_stringenum(p.client, &level, NULL), 0);
    CHECK_INT(level, TYPES_T_STRINGENUM_MIDDLE);
    CHECK_INT(types_read_t_string(p.client, text, sizeof(text), NULL), 4);
    CHECK_STR(text, "text");
    CHECK_INT(types_read_t_ints(p.client, &ints, &n, NULL), 0);
    CHECK(n == 2 && ints && ints[0] == 4 && ints[1] == 5);
    free(ints);
    CHECK_INT(types_read_t_strings(p.client, &strings, &n, NULL), 0);
    CHECK(n == 3 && strings && !strcmp(strings[0], "a") && !*strings[1] && !strings[3]);
    CHECK_STR(strings ? strings[2] : NULL, "bc");
    free((void *) strings);
    CHECK_INT(types_read_t_structs(p.client, &structs, &n, NULL), 0);
    CHECK(n == 2 && structs && structs[0].no_id && structs[0].no_on && !structs[1].no_id);
    CHECK_STR(structs ? structs[1].id : NULL, "z");
    free(structs);
    stop(&p);
}

static void on_control(iotc_client *client, iotc_control *control,
                       const struct types_control *values, void *userdata)
{
    struct program *p = userdata;

    (void) client;
    p->is_called = true;
    p->control = *values;
    (void) snprintf(p->text, sizeof(p->text), "%s %zu:%s %zu:%s%d",
                    values->has_t_string ? values->t_string : "-", values->n_t_strings,
                    values->has_t_strings ? values->t_strings[1] : "-", values->n_t_structs,
                    values->has_t_structs ? values->t_structs[0].id : "-",
                    values->has_t_structs && values->t_structs[0].no_level);
    CHECK_INT(iotc_control_answer(control, values->has_t_int ? 418 : 0, "text"), 0);
}

static void test_control(void)
{
    static const enum types_property ids[] = {
        TYPES_PROPERTY_T_STRUCT,  TYPES_PROPERTY_T_STRUCTS,         TYPES_PROPERTY_T_STRING,
        TYPES_PROPERTY_T_STRINGS, TYPES_PROPERTY_T_STRINGENUM,      TYPES_PROPERTY_T_ENUM,
        TYPES_PROPERTY_T_INT,     TYPES_PROPERTY_MESH_GENERIC_ONOFF};
    static const enum types_property no_id = (enum types_property) 100;
    struct program p;

    start(&p);
    CHECK_STR(types_property_id(TYPES_PROPERTY_MESH_GENERIC_ONOFF), "_mesh_generic_onoff");
    CHECK(!types_property_id(no_id));
    CHECK_INT(types_on_control(p.client, &p.slot, &no_id, 1, on_control, &p, on_freed), -EINVAL);
    CHECK_INT(types_on_control(p.client, &p.slot, ids, 8, NULL, &p, on_freed), -EINVAL);
    CHECK_INT(types_on_control(p.client, &p.slot, ids, 8, on_control, &p, on_freed), 0);
    CHECK_INT(types_on_control(p.client, NULL, ids, 1, on_control, &p, on_freed), -EEXIST);
    CHECK_INT(p.n_freed, 0);
    run_until(&p, is_served);
    json_decref(cloud_control(
        p.scene.cloud,
        "{\"t_struct\":{\"g\":2,\"hue\":2,\"note\":\"ab\"},\"t_structs\":[{\"id\":\"q\"},{}],"
        "\"t_string\":\"text\",\"t_strings\":[\"x\",\"yz\"],\"t_stringenum\":\"high\","
        "\"t_enum\":-1,\"_mesh_generic_onoff\":1}"));
    run_until(&p, is_called);
    CHECK(p.control.has_t_struct && p.control.t_struct.no_r && !p.control.t_struct.no_g);
    CHECK_INT(p.control.t_struct.g, 2);
    CHECK_INT(p.control.t_struct.hue, TYPES_T_STRUCT_HUE_BLUE);
    CHECK_STR(p.control.t_struct.note, "ab");
    CHECK(p.control.has_t_enum && p.control.t_enum == TYPES_T_ENUM_UNKNOWN);
    CHECK(p.control.has_t_stringenum && p.control.t_stringenum == TYPES_T_STRINGENUM_HIGH);
    CHECK(p.control.has_mesh_generic_onoff && p.control.mesh_generic_onoff);
    CHECK(!p.control.has_t_bool && !p.control.has_t_int);
    CHECK_STR(p.text, "text 2:yz 2:q1");
    CHECK_ANSWER(&p.scene, "control_reply", 0, "");

    p.is_called = false;
    json_decref(cloud_control(p.scene.cloud, "{\"t_int\":3}"));
    run_until(&p, is_called);
    CHECK(!p.control.has_t_struct && p.control.has_t_int && p.control.t_int == 3);
    CHECK_ANSWER(&p.scene, "control_reply", 418, "text");
    p.slot = iotc_slot_unref(p.slot);
    CHECK_INT(p.n_freed, 1);
    stop(&p);
}

static void test_event(void)
{
    static const int64_t speeds[] = {5, 6};
    static const struct types_moved_seen seen[] = {{.Mac = "78a1", .Rssi = -81}};
    struct types_moved moved = {.where = {.latitude = 22.5, .longitude = 112.25},
                                .speeds = speeds,
                                .n_speeds = 2,
                                .how = TYPES_MOVED_HOW_LOW,
                                .seen = seen,
                                .n_seen = 1};
    CLEANUP(json_decrefp) json_t *whole = NULL, *part = NULL;
    struct program p;

    start(&p);
    CHECK_INT(types_post_moved(p.client, NULL, 0, on_done, &p), -EINVAL);
    CHECK_INT(types_post_moved(p.client, &moved, 0, on_done, &p), 0);
    check_done(&p, 1, 0);
    whole = cloud_wait_method(p.scene.cloud, "up", "event_post");
    CHECK_JSON(json_object_get(whole, "params"),
               "{'where':{'latitude':22.5,'longitude':112.25},'speeds':[5,6],'how':'lo',"
               "'seen':[{'Mac':'78a1','Rssi':-81}]}");
    moved = (struct types_moved){.no_where = true, .how = TYPES_MOVED_HOW_HIGH};
    CHECK_INT(types_post_moved(p.client, &moved, 0, on_done, &p), 0);
    check_done(&p, 1, 0);
    part = cloud_wait_method(p.scene.cloud, "up", "event_post");
    CHECK_JSON(json_object_get(part, "params"), "{'how':'high'}");
    moved.how = (enum types_moved_how) 3;
    CHECK_INT(types_post_moved(p.client, &moved, 0, on_done, &p), -EINVAL);
    stop(&p);
}

static void on_paint(iotc_client *client, iotc_call *call, const struct types_paint_input *input,
                     void *userdata)
{
    static const struct types_paint_output_done done[] = {
        {.id = "a", .no_level = true, .on = true}};
    struct types_paint_output output = {.no_color = true, .done = done, .n_done = 1};
    struct program *p = userdata;

    (void) client;
    p->is_called = true;
    CHECK(input->has_color && !input->color.no_r && input->color.no_g);
    CHECK_INT(input->color.hue, TYPES_PAINT_INPUT_COLOR_HUE_UNKNOWN);
    CHECK(input->has_steps && input->n_steps == 2 && input->steps[0] > 0.4);
    CHECK(input->has_how && input->how == TYPES_PAINT_INPUT_HOW_LOW);
    if (input->has_color) {
        memset(&output.color, 0, sizeof(output.color));
        output.no_color = false;
        output.color.no_r = output.color.no_g = output.color.no_w = true;
        output.color.no_on = output.color.no_scene = output.color.no_hue = true;
        output.color.no_since = output.color.no_note = true;
        output.color.b = input->color.r + 8;
    }
    CHECK_INT(types_answer_paint(call, NULL), -EINVAL);
    CHECK_INT(types_answer_paint(call, &output), 0);
    CHECK_INT(types_answer_paint(call, &output), -EALREADY);
}

static void test_action(void)
{
    static const char *const args[] = {
        "ActionId=paint",
        "InputParams={\"color\":{\"r\":1,\"hue\":-1},\"steps\":[0.5,1],\"how\":\"lo\"}", NULL};
    CLEANUP(json_decrefp) json_t *reply = NULL, *response = NULL;
    struct program p;
    struct proc *app;

    start(&p);
    CHECK_INT(types_on_paint(p.client, &p.slot, NULL, &p, on_freed), -EINVAL);
    CHECK_INT(types_on_paint(p.client, &p.slot, on_paint, &p, on_freed), 0);
    run_until(&p, is_served);
    app = cloud_app_start(p.scene.cloud, "AppCallDeviceActionSync", args);
    run_until(&p, is_called);
    reply = cloud_wait_method(p.scene.cloud, "up", "action_reply");
    CHECK_JSON(json_object_get(reply, "response"), "{'color':{'b':9},'done':[{'id':'a','on':1}]}");
    response = cloud_app_finish(app);
    CHECK_STR(scene_text(response, "Status"), "succ");
    CHECK_INT(p.n_freed, 0);
    stop(&p);
    CHECK_INT(p.n_freed, 1);
}

static void on_change(iotc_client *client, iotc_prop *prop, void *userdata)
{
    struct program *p = userdata;

    (void) client;
    CHECK_STR(iotc_prop_get_id(prop), "t_structs");
    p->is_called = true;
}

static void test_watch(void)
{
    static const struct types_t_structs one = {.id = "a", .level = 1};
    struct program p;

    start(&p);
    CHECK_INT(types_watch_t_structs(p.client, NULL, on_change, &p, on_freed), -ENOTCONN);
    CHECK_INT(types_report_t_structs(p.client, &one, 1, NULL, NULL), -ENOTCONN);
    run_until(&p, knows_model);
    CHECK_INT(types_watch_t_structs(p.client, &p.slot, on_change, &p, on_freed), 0);
    CHECK_INT(types_report_t_structs(p.client, &one, 1, NULL, NULL), 0);
    run_until(&p, is_called);
    CHECK_INT(types_report_t_struct(p.client, NULL, NULL, NULL), -EINVAL);
    CHECK_INT(types_report_t_structs(p.client, NULL, 1, NULL, NULL), -EINVAL);
    stop(&p);
    CHECK_INT(p.n_freed, 1);
}

static void test_names(void)
{
    CHECK_STR(types_t_enum_name(TYPES_T_ENUM_UNKNOWN), "Unknown");
    CHECK(!types_t_enum_name((enum types_t_enum) 1));
    CHECK_STR(types_t_stringenum_name(TYPES_T_STRINGENUM_MIDDLE), "Middle");
    CHECK_STR(types_t_stringenum_key(TYPES_T_STRINGENUM_MIDDLE), "mid");
    CHECK(!types_t_stringenum_key((enum types_t_stringenum) 3));
}

const char *const suite_name = "02-codegen-types";
const struct suite_test suite_tests[] = {
    {"report", test_report},   {"read", test_read},
    {"control", test_control}, {"event", test_event},
    {"action", test_action},   {"watch", test_watch},
    {"names", test_names},     {NULL, NULL},
};

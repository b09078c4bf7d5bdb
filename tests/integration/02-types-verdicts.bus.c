/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of types through every door: a program on the bus, an app of the local cloud, and a
 * cloud that sends whatever it likes:
 *
 *   program: Report(t_int, 11)         → iotd: OutOfRange
 *   app: control {"t_int":11}          → local cloud: 406, as an error of the call
 *   broker: control {"t_int":11}       → iotd: control_reply 406
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/broker-scene.h"
#include "tests/lib/json-bus.h"
#include "tests/lib/types-table.h"

static DBusMessage *report(struct bus_client *bc, const char *id, const char *text)
{
    DBusMessage *msg = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_THING, "ReportValue");
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    DBusMessageIter it;

    dbus_message_iter_init_append(msg, &it);
    if (msg_append_string(&it, id) < 0)
        abort();
    json_bus_append(&it, json);
    json_decref(json);
    return bus_client_call(bc, msg);
}

static void check_program(struct scene *s, const struct types_value *c, const char *text)
{
    DBusMessage *reply = report(s->bus, c->id, text);
    CLEANUP(freep) char *name = c->error ? scene_printf(ERR("%s"), c->error) : NULL;
    dbus_uint64_t token = 0;

    if (name) {
        CHECK_ERROR(reply, name, c->id);
        return;
    }
    if (!reply || !dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT64, &token, DBUS_TYPE_INVALID))
        suite_fail(__FILE__, __LINE__, "%s %.60s is refused", c->id, c->json);
    else
        CHECK_COMPLETED(s->bus, token, 0); /* the local cloud took the same */
    msg_unref(reply);
}

static void check_app(struct scene *s, const struct types_value *c, const char *text)
{
    CLEANUP(freep) char *values = scene_printf("{\"%s\":%s}", c->id, text);
    CLEANUP(json_decrefp) json_t *response = cloud_control(s->cloud, values);
    const json_t *error = json_object_get(response, "Error");

    if ((c->code == 0) != (error == NULL))
        suite_fail(__FILE__, __LINE__, "%s %.60s from the app: %s", c->id, c->json,
                   scene_text(error, "Message"));
    if (c->code == 0)
        CHECK_ANSWER(s, "control_reply", 0, "");
}

static void test_program_and_app(void)
{
    CLEANUP(freep) char *config = fixture_source_path("tests/data/types-cloud.json");
    CLEANUP(freep) char *model = fixture_source_path("tests/data/types.json");
    struct scene s;

    scene_start_with(&s, "[report]\nrate = 1000\n", config, model);
    for (size_t i = 0; i < types_n_values; i++) {
        CLEANUP(freep) char *text = types_json(types_values[i].json);

        check_program(&s, &types_values[i], text);
        check_app(&s, &types_values[i], text);
    }
    scene_stop(&s);
}

static void test_any_cloud(void)
{
    CLEANUP(freep) char *model = fixture_source_path("tests/data/types.json");
    struct broker_scene b;

    broker_start_with(&b, NULL, false, model);
    for (size_t i = 0; i < types_n_values; i++) {
        const struct types_value *c = &types_values[i];
        CLEANUP(freep) char *text = types_json(c->json), *token = scene_printf("t%zu", i);
        CLEANUP(freep)
        char *message =
            scene_printf("{\"method\":\"control\",\"clientToken\":\"%s\",\"params\":{\"%s\":%s}}",
                         token, c->id, text);

        broker_send_raw(&b, "property", message);
        CHECK_REPLY(&b, "property", "control_reply", token, c->error ? c->code : 0,
                    c->error ? c->id : "");
    }
    broker_stop(&b);
}

const char *const suite_name = "02-types-verdicts";
const struct suite_test suite_tests[] = {
    {"program-and-app", test_program_and_app},
    {"any-cloud", test_any_cloud},
    {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A product as large as they get, 1,000 properties, 200 events and 100 actions of every type, and
 * one program that serves all of it:
 *
 *   program                              iotd                                 cloud
 *   Attach, Register(1000, 200, 100) →
 *   Report(1000 values)              →
 *                                        reports, until all have arrived   →
 *                                                                          ← control of the last
 *                                    ← Control
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/strbuf.h"
#include "tests/lib/big-model.h"
#include "tests/lib/scene.h"

/* A file in the test's directory. */
static char *write_model(unsigned n_properties, unsigned n_events, unsigned n_actions)
{
    CLEANUP(freep) char *text = big_model_text(CLOUD_PRODUCT, n_properties, n_events, n_actions);

    return fixture_write_file("model.json", 0600, text);
}

static char *write_cloud_config(const char *model)
{
    CLEANUP(freep)
    char *text = scene_printf(
        "{\"products\":[{\"product_id\":\"" CLOUD_PRODUCT "\",\"product_secret\":"
        "\"desk-only-product-secret\",\"model\":\"%s\",\"devices\":[{\"device_name\":"
        "\"" CLOUD_DEVICE
        "\",\"secret\":\"ZGVzay1vbmx5LXNlY3JldA==\"}]}],\"limits\":{\"up_rate\":0},"
        "\"apps\":[{\"app_key\":\"deskappkey\",\"app_secret\":\"desk-only-app-secret\"}]}",
        model);

    return fixture_write_file("cloud.json", 0600, text);
}

static void append_ids(DBusMessageIter *args, char kind, unsigned n)
{
    DBusMessageIter list;
    char id[BIG_MODEL_ID];
    int r = msg_open(args, DBUS_TYPE_ARRAY, "s", &list);

    for (unsigned i = 0; r == 0 && i < n; i++)
        r = msg_append_string(&list, big_model_id(id, kind, i));
    CHECK_INT(msg_close(args, &list, r), 0);
}

static void register_all(struct bus_client *bc)
{
    DBusMessage *call = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_THING, "Register");
    DBusMessageIter args, options;

    CHECK_MSG(scene_call(bc, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Attach", "sa{sv}", "program", 0),
              "[] {*");
    dbus_message_iter_init_append(call, &args);
    append_ids(&args, 'p', BIG_PROPERTIES);
    append_ids(&args, 'e', BIG_EVENTS);
    append_ids(&args, 'a', BIG_ACTIONS);
    CHECK_INT(msg_append_path(&args, SCENE_HANDLER), 0);
    CHECK_INT(msg_open_dict(&args, &options), 0);
    CHECK_INT(msg_close(&args, &options, 0), 0);
    CHECK_MSG(bus_client_call(bc, call), "");
}

static size_t count_values(struct scene *s)
{
    size_t n = 0;

    while (n < BIG_PROPERTIES) {
        CLEANUP(json_decrefp) json_t *message = cloud_wait_method(s->cloud, "up", "report");

        if (!message)
            break;
        n += json_object_size(json_object_get(message, "params"));
    }
    return n;
}

static void test_all_of_it(void)
{
    CLEANUP(freep) char *model = write_model(BIG_PROPERTIES, BIG_EVENTS, BIG_ACTIONS);
    CLEANUP(freep) char *config = write_cloud_config(model);
    CLEANUP(freep) char *values = big_model_values(BIG_PROPERTIES);
    struct bus_client *bc;
    DBusMessage *call;
    struct scene s;
    char last[BIG_MODEL_ID];

    scene_start_with(&s, "[report]\nrate = 1000\n", config, model);
    bc = bus_client_new();
    bus_client_subscribe(bc, IOTD_BUS_NAME);
    register_all(bc);
    CHECK_COMPLETED(bc, thing_token(bc, "ReportJson", "s", values), 0);
    CHECK_INT(count_values(&s), BIG_PROPERTIES);
    CHECK_THING(bc, "[(\"p0\",\"bool\",\"rw\",b:true,*", "ListProperties", "");
    json_decref(cloud_control(s.cloud, big_model_last_control));
    call = bus_client_wait_call(bc, "Control");
    CHECK_MSG(dbus_message_ref(call), big_model_last_control_text);
    scene_reply(bc, call, "is", 0, "");
    CHECK_ANSWER(&s, "control_reply", 0, "");
    CHECK(thing_token(bc, "PostEventJson", "ss", big_model_id(last, 'e', BIG_EVENTS - 1), "{}") !=
          0);
    bc = bus_client_free(bc);
    scene_stop(&s);
}

#ifndef __SANITIZE_ADDRESS__ /* its memory is another */
static long rss_with(unsigned n_properties)
{
    CLEANUP(freep) char *model = write_model(n_properties, 1, 1);
    CLEANUP(freep) char *config = write_cloud_config(model);
    CLEANUP(freep) char *values = big_model_values(n_properties);
    struct scene s;
    long kib;

    scene_start_with(&s, "[report]\nrate = 1000\n", config, model);
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportJson", "s", values), 0);
    kib = proc_rss_kib(daemon_proc(s.iotd));
    scene_stop(&s);
    return kib;
}

/* Each with a value: below 1 KiB a property. */
static void test_memory(void)
{
    long few = rss_with(1), many = rss_with(BIG_PROPERTIES);

    if (many - few > BIG_PROPERTIES)
        suite_fail(__FILE__, __LINE__, "%ld KiB for %d properties", many - few, BIG_PROPERTIES);
}
#endif

const char *const suite_name = "13-limits-model";
const struct suite_test suite_tests[] = {
    {"all-of-it", test_all_of_it},
#ifndef __SANITIZE_ADDRESS__
    {"memory", test_memory},
#endif
    {NULL, NULL},
};

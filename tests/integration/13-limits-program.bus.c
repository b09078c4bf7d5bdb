/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that does everything wrong, as fast as it can, beside one that does its work:
 *
 *   hostile                                    iotd                             lamp
 *   5000 × ReportValue, no answer wanted   →
 *   PostEvent until the queue is full      →
 *   100,000 ids, a megabyte, 60 variants   →
 *                                          ← one error each
 *                                                                             ← Get(brightness)
 *                                              within the deadline, each time →
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/scene.h"

#define MEGABYTE (1024 * 1024)
#define PATIENCE_MS 3000 /* of a program that is not to blame */

static struct bus_client *new_lamp(void)
{
    struct bus_client *lamp = bus_client_new();

    CHECK_MSG(scene_register(lamp, "brightness", "", ""), "");
    CHECK(thing_token(lamp, "ReportValue", "sv", "brightness", "i", 7) != 0);
    return lamp;
}

/* The other one is served as ever. */
static void check_lamp(struct scene *s, struct bus_client *lamp)
{
    uint64_t begin = fixture_now_ms();

    CHECK_THING(lamp, "x:7 *", "Get", "s", "brightness");
    CHECK(fixture_now_ms() - begin < PATIENCE_MS);
    json_decref(cloud_control(s->cloud, "{\"brightness\":7}"));
    scene_reply(lamp, bus_client_wait_call(lamp, "Control"), "is", 0, "");
    CHECK_ANSWER(s, "control_reply", 0, "");
}

static DBusMessage *new_report(const char *id, int value)
{
    DBusMessage *call = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_THING, "ReportValue");

    msg_add(call, "sv", id, "i", value);
    return call;
}

static void test_report_flood(void)
{
    struct bus_client *hostile, *lamp;
    struct scene s;

    scene_start(&s, NULL);
    lamp = new_lamp();
    hostile = bus_client_new();
    for (int i = 0; i < 5000; i++) {
        DBusMessage *call = new_report(i % 2 ? "uptime" : "brightness", i); /* half is refused */

        dbus_message_set_no_reply(call, TRUE);
        (void) bus_client_send(hostile, call);
        if (i % 1000 == 0)
            check_lamp(&s, lamp);
    }
    check_lamp(&s, lamp);
    hostile = bus_client_free(hostile);
    CHECK_THING(lamp, "x:4999 *", "Get", "s", "uptime");
    check_lamp(&s, lamp);
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

static void test_event_flood(void)
{
    struct bus_client *hostile, *lamp;
    struct scene s;

    scene_start(&s, "[outbox]\nmax_events = 50\n");
    lamp = new_lamp();
    hostile = bus_client_new();
    for (int i = 0; i < 500; i++) {
        DBusMessage *call =
            bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_THING, "PostEventJson");

        msg_add(call, "ss", "status_report", "{\"status\":1}");
        dbus_message_set_no_reply(call, TRUE);
        (void) bus_client_send(hostile, call);
    }
    check_lamp(&s, lamp);
    {
        CLEANUP(freep)
        char *queued = bus_client_get(lamp, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "QueuedEvents");

        CHECK(queued && strtoul(queued, NULL, 10) <= 50);
    }
    hostile = bus_client_free(hostile);
    check_lamp(&s, lamp);
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

static void add_ids(DBusMessage *msg, int n, const char *id)
{
    DBusMessageIter it, list;

    dbus_message_iter_init_append(msg, &it);
    if (!dbus_message_iter_open_container(&it, DBUS_TYPE_ARRAY, "s", &list))
        fixture_fatal("out of memory");
    for (int i = 0; i < n; i++) {
        if (!dbus_message_iter_append_basic(&list, DBUS_TYPE_STRING, &id))
            fixture_fatal("out of memory");
    }
    dbus_message_iter_close_container(&it, &list);
}

static DBusMessage *register_many(struct bus_client *bc, int n, const char *id)
{
    DBusMessage *msg = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_THING, "Register");

    add_ids(msg, n, id);
    add_ids(msg, 0, "");
    add_ids(msg, 0, "");
    msg_add(msg, "oa{sv}", SCENE_HANDLER, 0);
    return bus_client_call(bc, msg);
}

/* A report of n values for one id. */
static DBusMessage *report_many(struct bus_client *bc, int n, const char *id)
{
    DBusMessage *msg = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_THING, "Report");
    DBusMessageIter it, dict;
    int r = 0;

    dbus_message_iter_init_append(msg, &it);
    if (msg_open_dict(&it, &dict) < 0)
        fixture_fatal("out of memory");
    for (int i = 0; r == 0 && i < n; i++)
        r = msg_dict_int64(&dict, id, i);
    if (msg_close(&it, &dict, r) < 0)
        fixture_fatal("out of memory");
    msg_add(msg, "a{sv}", 0);
    return bus_client_call(bc, msg);
}

static void test_huge(void)
{
    CLEANUP(freep) char *long_text = malloc(MEGABYTE + 1), *brackets = malloc(MEGABYTE + 1);
    CLEANUP(freep) char *object = NULL;
    struct bus_client *hostile, *lamp;
    struct scene s;

    if (!long_text || !brackets)
        fixture_fatal("out of memory");
    memset(long_text, 'a', MEGABYTE);
    memset(brackets, '[', MEGABYTE);
    long_text[MEGABYTE] = brackets[MEGABYTE] = '\0';
    object = scene_printf("{\"name\":\"%.*s\"}", MEGABYTE - 100, long_text);

    scene_start(&s, NULL);
    lamp = new_lamp();
    hostile = bus_client_new();
    CHECK_MSG(register_many(hostile, 100000, "color"), ERR("Full"));
    CHECK_MSG(register_many(hostile, 3000, "color"), ERR("Full"));
    CHECK_MSG(report_many(hostile, 100000, "color"), INVALID_ARGS); /* given twice */
    CHECK_MSG(report_many(hostile, 100000, "no_such_id"), ERR("UnknownId"));
    CHECK_THING(hostile, ERR("UnknownId"), "ReportValue", "sv", long_text, "i", 1);
    CHECK_THING(hostile, ERR("OutOfRange"), "ReportValue", "sv", "name", "s", long_text);
    CHECK_THING(hostile, ERR("WrongType"), "ReportValue", "sv", "color", "s", long_text);
    CHECK_THING(hostile, ERR("OutOfRange"), "ReportJson", "s", object);
    CHECK_THING(hostile, ERR("Protocol"), "ReportJson", "s", brackets);
    CHECK_THING(hostile, ERR("Protocol"), "ReportJson", "s", long_text);
    CHECK_THING(hostile, ERR("Protocol"), "PostEventJson", "ss", "low_voltage", brackets);
    CHECK_THING(hostile, ERR("UnknownId"), "PostEventJson", "ss", long_text, "{}");
    CHECK_ERROR(thing_call(hostile, "Get", "s", long_text), ERR("UnknownId"), long_text);
    CHECK_MSG(
        scene_call(hostile, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Attach", "sa{sv}", long_text, 0),
        INVALID_ARGS);
    CHECK_MSG(scene_call(hostile, IOTD_DEVICE_PATH, DBUS_INTERFACE_PROPERTIES, "Get", "ss",
                         long_text, long_text),
              "org.freedesktop.DBus.Error.UnknownInterface");
    CHECK_THING(hostile, "{\"brightness\":x:7}", "GetAll", "");
    free(TAKE(object));
    object = malloc(16 * MEGABYTE + 1);
    if (!object)
        fixture_fatal("out of memory");
    memset(object, ' ', 16 * MEGABYTE);
    memcpy(object, "{}", 2);
    object[16 * MEGABYTE] = '\0';
    CHECK_THING(hostile, ERR("TooLarge"), "ReportJson", "s", object);
    CHECK_THING(hostile, ERR("TooLarge"), "PostEventJson", "ss", "low_voltage", object);
    CHECK_THING(hostile, ERR("OutOfRange"), "ReportValue", "sv", "name", "s", object);
    check_lamp(&s, lamp);
    hostile = bus_client_free(hostile);
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

/* A value within variants within variants. */
static void test_deep(void)
{
    enum { DEPTH = 60 }; /* D-Bus allows 64 */
    DBusMessage *call = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_THING, "ReportValue");
    CLEANUP(freep) DBusMessageIter *it = calloc(DEPTH + 1, sizeof(*it));
    const char *id = "color";
    struct bus_client *hostile, *lamp;
    dbus_int32_t value = 2;
    struct scene s;

    if (!it)
        fixture_fatal("out of memory");
    dbus_message_iter_init_append(call, &it[0]);
    CHECK(dbus_message_iter_append_basic(&it[0], DBUS_TYPE_STRING, &id));
    for (int i = 0; i < DEPTH; i++)
        CHECK(dbus_message_iter_open_container(&it[i], DBUS_TYPE_VARIANT,
                                               i == DEPTH - 1 ? "i" : "v", &it[i + 1]));
    CHECK(dbus_message_iter_append_basic(&it[DEPTH], DBUS_TYPE_INT32, &value));
    for (int i = DEPTH - 1; i >= 0; i--)
        CHECK(dbus_message_iter_close_container(&it[i], &it[i + 1]));

    scene_start(&s, NULL);
    lamp = new_lamp();
    hostile = bus_client_new();
    CHECK_MSG(bus_client_call(hostile, call), "*");
    CHECK_THING(hostile, "x:2 *", "Get", "s", "color");
    check_lamp(&s, lamp);
    hostile = bus_client_free(hostile);
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

static void test_wrong_signatures(void)
{
    static const struct {
        const char *path, *iface, *members;
    } tables[] = {
        {IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Attach Reload"},
        {IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Connect Disconnect Monitor"},
        {IOTD_DEVICE_PATH, IOTD_IFACE_THING,
         "Register Unregister Report ReportValue ReportJson PostEvent PostEventJson Get GetAll "
         "GetModel ListProperties"},
        {IOTD_DEVICE_PATH, DBUS_INTERFACE_PROPERTIES, "Get GetAll Set"},
        {IOTD_ROOT_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"},
        {IOTD_DEVICE_PATH, "org.freedesktop.DBus.Introspectable", "Introspect"},
    };
    struct bus_client *hostile, *lamp;
    struct scene s;

    scene_start(&s, NULL);
    lamp = new_lamp();
    hostile = bus_client_new();
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        CLEANUP(freep) char *members = strdup(tables[i].members);
        char *rest = members, *member;

        while ((member = strsep(&rest, " "))) {
            CHECK_MSG(scene_call(hostile, tables[i].path, tables[i].iface, member, "(ii)", 1, 2),
                      INVALID_ARGS);
            CHECK_MSG(
                scene_call(hostile, tables[i].path, tables[i].iface, member, "a{sv}aaay", 0, 0),
                INVALID_ARGS);
        }
    }
    check_lamp(&s, lamp);
    hostile = bus_client_free(hostile);
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

/* Answers that nobody asked for, and news that only the bus may tell. */
static void test_forged(void)
{
    struct bus_client *hostile, *lamp;
    DBusMessage *msg;
    struct scene s;

    scene_start(&s, NULL);
    lamp = new_lamp();
    hostile = bus_client_new();
    msg = dbus_message_new_signal(DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "NameOwnerChanged");
    CHECK(dbus_message_set_destination(msg, IOTD_BUS_NAME));
    msg_add(msg, "sss", bus_client_name(lamp), bus_client_name(lamp), "");
    (void) bus_client_send(hostile, msg);
    msg = dbus_message_new_signal(DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "NameLost");
    CHECK(dbus_message_set_destination(msg, IOTD_BUS_NAME));
    msg_add(msg, "s", IOTD_BUS_NAME);
    (void) bus_client_send(hostile, msg);
    for (unsigned serial = 1000000; serial < 1000100; serial++) {
        msg = dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_RETURN);
        CHECK(dbus_message_set_destination(msg, IOTD_BUS_NAME));
        CHECK(dbus_message_set_reply_serial(msg, serial));
        (void) bus_client_send(hostile, msg);
    }
    bus_client_round_trip(hostile, IOTD_BUS_NAME);
    CHECK_MSG(scene_register(hostile, "brightness", "", ""), ERR("AlreadyOwned"));
    check_lamp(&s, lamp);
    hostile = bus_client_free(hostile);
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

const char *const suite_name = "13-limits-program";
const struct suite_test suite_tests[] = {
    {"report-flood", test_report_flood},
    {"event-flood", test_event_flood},
    {"huge", test_huge},
    {"deep", test_deep},
    {"wrong-signatures", test_wrong_signatures},
    {"forged", test_forged},
    {NULL, NULL},
};

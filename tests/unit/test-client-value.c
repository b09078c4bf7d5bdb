/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <iotclient/iotclient.h>

#include "libiotclient/value.h"
#include "tests/lib/suite.h"

static void test_list(void)
{
    CLEANUP(value_list_done) struct value_list list = {NULL, 0}, copy = {NULL, 0};
    struct value i = value_of_int(-5), s = value_of_string("text"), b = value_of_bool(true);
    const struct value *v = NULL;

    CHECK_INT(value_list_set(&list, "a", &i, 2), 0);
    CHECK_INT(value_list_set(&list, "b", &s, 2), 0);
    CHECK_INT(value_list_set(&list, "c", &b, 2), -EMSGSIZE);
    CHECK_INT(value_list_set(&list, "b", &b, 2), 0); /* over the old one */
    CHECK_INT(value_list_set(&list, "a b", &b, 9), -EINVAL);
    CHECK_INT(value_list_set(&list, NULL, &b, 9), -EINVAL);
    CHECK_INT(list.n_items, 2);
    CHECK_INT(value_list_copy(&copy, &list), 0);
    CHECK_INT(copy.n_items, 2);
    CHECK(value_equals(value_list_get(&copy, "a"), &i));
    CHECK(value_equals(value_list_get(&copy, "b"), &b));
    CHECK_INT(value_list_want(&list, "a", VALUE_KIND_INT, &v), 0);
    CHECK_INT(v->i, -5);
    CHECK_INT(value_list_want(&list, "a", VALUE_KIND_DOUBLE, &v), -EPROTOTYPE);
    CHECK_INT(value_list_want(&list, "z", VALUE_KIND_INT, &v), -ENOENT);
    CHECK_INT(value_list_want(&list, NULL, VALUE_KIND_INT, &v), -EINVAL);
}

static void test_check(void)
{
    static char longest[LIMIT_STRING_VALUE + 2];
    const struct {
        struct value value;
        int result;
    } cases[] = {
        {value_of_double(0.5), 0},
        {value_of_double(NAN), -ERANGE},
        {value_of_double(-INFINITY), -ERANGE},
        {value_of_string(""), 0},
        {value_of_string(NULL), -EINVAL},
        {value_of_string("\xe7\x81\xaf"), 0},
        {value_of_string("\xed\xa0\x80"), -EINVAL},
        {value_of_string(longest), -EMSGSIZE},
        {value_of_string(longest + 1), 0},
    };

    memset(longest, 'x', sizeof(longest) - 1);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        CHECK_INT(value_check(&cases[i].value), cases[i].result);
}

static void test_equals(void)
{
    struct value zero = value_of_double(0.0), minus = value_of_double(-0.0);
    struct value one = value_of_int(1), yes = value_of_bool(true);
    struct value a = value_of_string("a"), b = value_of_string("b");

    CHECK(!value_equals(&one, &yes));
    CHECK(!value_equals(&zero, &minus)); /* what is sent differs */
    CHECK(!value_equals(&a, &b));
    CHECK(value_equals(&a, &a));
}

static DBusMessage *new_message(void)
{
    DBusMessage *msg = dbus_message_new_method_call("a.b", "/a", "a.b", "C");

    CHECK(msg != NULL);
    return msg;
}

static void test_bus_round_trip(void)
{
    CLEANUP(value_list_done) struct value_list list = {NULL, 0}, back = {NULL, 0};
    CLEANUP(msg_unrefp) DBusMessage *msg = new_message();
    struct value values[] = {value_of_bool(true), value_of_int(INT64_MIN), value_of_double(0.1),
                             value_of_string("\xe7\x81\xaf")};
    static const char *const ids[] = {"b", "i", "d", "s"};
    DBusMessageIter it;

    for (size_t i = 0; i < 4; i++)
        CHECK_INT(value_list_set(&list, ids[i], &values[i], 4), 0);
    dbus_message_iter_init_append(msg, &it);
    CHECK_INT(value_list_append(&it, &list), 0);
    CHECK(dbus_message_has_signature(msg, "a{sv}"));
    CHECK(dbus_message_iter_init(msg, &it));
    CHECK_INT(value_list_read(&it, &back, 4), 0);
    CHECK_INT(back.n_items, 4);
    for (size_t i = 0; i < 4; i++)
        CHECK(value_equals(&back.items[i].value, &values[i]));
    CHECK(dbus_message_iter_init(msg, &it));
    value_list_done(&back);
    CHECK_INT(value_list_read(&it, &back, 3), -EMSGSIZE);
    CHECK_INT(back.n_items, 0);
}

/* What iotd would never send: ids that are none, containers, endless text. */
static void test_bus_hostile(void)
{
    static char endless[LIMIT_STRING_VALUE + 2];
    CLEANUP(value_list_done) struct value_list back = {NULL, 0};
    CLEANUP(msg_unrefp) DBusMessage *msg = new_message();
    DBusMessageIter it, dict;
    int r;

    memset(endless, 'x', sizeof(endless) - 1);
    dbus_message_iter_init_append(msg, &it);
    r = msg_open_dict(&it, &dict);
    if (r >= 0)
        r = msg_dict_int64(&dict, "../../etc", 1);
    if (r >= 0)
        r = msg_dict_int64(&dict, "", 1);
    if (r >= 0)
        r = msg_dict_path(&dict, "path", "/a");
    if (r >= 0)
        r = msg_dict_string(&dict, "endless", endless);
    if (r >= 0)
        r = msg_dict_uint64(&dict, "huge", UINT64_MAX);
    if (r >= 0)
        r = msg_dict_int64(&dict, "twice", 1);
    if (r >= 0)
        r = msg_dict_int64(&dict, "twice", 2);
    CHECK_INT(msg_close(&it, &dict, r), 0);
    CHECK(dbus_message_iter_init(msg, &it));
    CHECK_INT(value_list_read(&it, &back, 16), 0);
    CHECK_INT(back.n_items, 1);
    CHECK_INT(value_list_get(&back, "twice")->i, 2);
    /* Not a dictionary at all: there is nothing behind it. */
    CHECK_INT(value_list_read(&it, &back, 16), -EPROTOTYPE);
}

/* {"mac": …, "rssi": …} as the element of an array. */
static iotc_value *new_access_point(const char *mac, int64_t rssi)
{
    iotc_value *v = NULL;

    CHECK_INT(iotc_value_new_struct(&v), 0);
    CHECK_INT(iotc_value_set_string(v, "Mac", mac), 0);
    CHECK_INT(iotc_value_set_int(v, "Rssi", rssi), 0);
    return v;
}

static iotc_value *new_array(void)
{
    iotc_value *list = NULL, *point = new_access_point("00:11", -60);

    CHECK_INT(iotc_value_new_array(&list), 0);
    CHECK_INT(iotc_value_add_value(list, point), 0);
    CHECK_INT(iotc_value_set_int(point, "Rssi", -40), 0); /* not what was added */
    CHECK_INT(iotc_value_add_value(list, point), 0);
    iotc_value_free(point);
    return list;
}

static void check_rssi(const iotc_value *list, size_t i, int64_t wanted)
{
    const iotc_value *point = NULL;
    int64_t rssi = 0;

    CHECK_INT(iotc_value_at_value(list, i, &point), 0);
    CHECK_INT(iotc_value_get_int(point, "Rssi", &rssi), 0);
    CHECK_INT(rssi, wanted);
}

static void test_struct(void)
{
    iotc_value *v = new_access_point("00:11", -60);
    const char *text = NULL;
    int64_t i = 7;
    double d = 7;
    bool b = true;

    CHECK(!iotc_value_is_array(v));
    CHECK_INT(iotc_value_get_count(v), 2);
    CHECK(iotc_value_has(v, "Mac") && !iotc_value_has(v, "mac"));
    CHECK_INT(iotc_value_get_string(v, "Mac", &text), 0);
    CHECK_STR(text, "00:11");
    CHECK_INT(iotc_value_get_int(v, "Mac", &i), -EPROTOTYPE);
    CHECK_INT(iotc_value_get_int(v, "none", &i), -ENOENT);
    CHECK_INT(iotc_value_get_int(v, NULL, &i), -EINVAL);
    CHECK_INT(iotc_value_get_int(NULL, "Rssi", &i), -EINVAL);
    CHECK_INT(iotc_value_at_int(v, 0, &i), -EINVAL);
    CHECK_INT(i, 7);
    CHECK_INT(iotc_value_set_double(v, "Rssi", 0.5), 0); /* over the old one */
    CHECK_INT(iotc_value_get_double(v, "Rssi", &d), 0);
    CHECK(d == 0.5);
    CHECK_INT(iotc_value_set_bool(v, "on", false), 0);
    CHECK_INT(iotc_value_get_bool(v, "on", &b), 0);
    CHECK(!b);
    CHECK_INT(iotc_value_set_double(v, "Rssi", NAN), -ERANGE);
    CHECK_INT(iotc_value_set_string(v, "Mac", NULL), -EINVAL);
    CHECK_INT(iotc_value_set_string(v, "a b", ""), -EINVAL);
    CHECK_INT(iotc_value_add_int(v, 1), -EINVAL);
    for (int k = 3; k < LIMIT_STRUCT_MEMBERS; k++) {
        char id[16] = {'m', (char) ('0' + k / 10), (char) ('0' + k % 10)};

        CHECK_INT(iotc_value_set_int(v, id, k), 0);
    }
    CHECK_INT(iotc_value_set_int(v, "one_more", 0), -EMSGSIZE);
    CHECK(!iotc_value_free(v));
    CHECK(!iotc_value_free(NULL));
    CHECK_INT(iotc_value_get_count(NULL), 0);
}

static void test_array(void)
{
    iotc_value *v = new_array();
    const iotc_value *point = NULL;
    const char *text;
    double d;

    CHECK(iotc_value_is_array(v));
    CHECK_INT(iotc_value_get_count(v), 2);
    check_rssi(v, 0, -60);
    check_rssi(v, 1, -40);
    CHECK_INT(iotc_value_at_value(v, 2, &point), -ENOENT);
    CHECK_INT(iotc_value_at_string(v, 0, &text), -EPROTOTYPE);
    CHECK_INT(iotc_value_at_double(v, 0, &d), -EPROTOTYPE);
    CHECK(!iotc_value_has(v, "Rssi"));
    CHECK_INT(iotc_value_set_int(v, "Rssi", 1), -EINVAL);
    CHECK_INT(iotc_value_add_value(v, v), -EINVAL); /* no arrays in arrays */
    CHECK_INT(iotc_value_add_value(v, NULL), -EINVAL);
    CHECK_INT(iotc_value_add_double(v, INFINITY), -ERANGE);
    CHECK_INT(iotc_value_add_string(v, "\xff"), -EINVAL);
    for (int k = 2; k < LIMIT_ARRAY_ELEMENTS; k++)
        CHECK_INT(iotc_value_add_int(v, k), 0);
    CHECK_INT(iotc_value_add_int(v, 0), -EMSGSIZE);
    iotc_value_free(v);
}

static void test_nested_on_bus(void)
{
    CLEANUP(value_list_done) struct value_list list = {NULL, 0}, back = {NULL, 0};
    CLEANUP(msg_unrefp) DBusMessage *msg = new_message();
    iotc_value *array = new_array(), *point = new_access_point("", 0), *empty = NULL;
    struct value views[3];
    DBusMessageIter it;
    const struct value *v = NULL;

    CHECK_INT(iotc_value_new_array(&empty), 0);
    views[0] = value_of_nested(array);
    views[1] = value_of_nested(point);
    views[2] = value_of_nested(empty);
    CHECK_INT(value_list_set(&list, "a", &views[0], 3), 0);
    CHECK_INT(value_list_set(&list, "s", &views[1], 3), 0);
    CHECK_INT(value_list_set(&list, "e", &views[2], 3), 0);
    dbus_message_iter_init_append(msg, &it);
    CHECK_INT(value_list_append(&it, &list), 0);
    CHECK(dbus_message_iter_init(msg, &it));
    CHECK_INT(value_list_read(&it, &back, 3), 0);
    CHECK_INT(back.n_items, 3);
    for (size_t i = 0; i < 3 && i < back.n_items; i++)
        CHECK(value_equals(&back.items[i].value, &views[i]));
    CHECK(!value_equals(&views[0], &views[2]));
    CHECK_INT(value_list_want_nested(&back, "a", &v), 0);
    CHECK_INT(value_list_want_nested(&back, "s", &v), 0);
    CHECK_INT(value_list_want_nested(&back, "x", &v), -ENOENT);
    iotc_value_free(array);
    iotc_value_free(point);
    iotc_value_free(empty);
}

/* An array in an array in an array …: left out, however deep. */
static void test_too_deep_on_bus(void)
{
    CLEANUP(value_list_done) struct value_list back = {NULL, 0};
    CLEANUP(msg_unrefp) DBusMessage *msg = new_message();
    DBusMessageIter it, dict, levels[8];
    struct msg_entry entry;
    int r;

    dbus_message_iter_init_append(msg, &it);
    CHECK_INT(msg_open_dict(&it, &dict), 0);
    CHECK_INT(msg_dict_open_entry(&dict, "deep", "aaaaaaaai", &entry), 0);
    r = msg_open(&entry.variant, DBUS_TYPE_ARRAY, "aaaaaaai", &levels[0]);
    for (int i = 1; i < 8 && r >= 0; i++)
        r = msg_open(&levels[i - 1], DBUS_TYPE_ARRAY, &"aaaaaaai"[i], &levels[i]);
    for (int i = 7; i > 0; i--)
        r = msg_close(&levels[i - 1], &levels[i], r);
    r = msg_close(&entry.variant, &levels[0], r);
    r = msg_dict_close_entry(&dict, &entry, r);
    if (r >= 0)
        r = msg_dict_int64(&dict, "flat", 1);
    CHECK_INT(msg_close(&it, &dict, r), 0);
    CHECK(dbus_message_iter_init(msg, &it));
    CHECK_INT(value_list_read(&it, &back, 3), 0);
    CHECK_INT(back.n_items, 1);
    CHECK(value_list_get(&back, "flat"));
}

static void test_strerror(void)
{
    CHECK_STR(iotc_strerror(0), "done");
    CHECK_STR(iotc_strerror(-ERANGE), "the value is outside of what the thing model allows");
    CHECK_STR(iotc_strerror(-ECONNRESET), "iotd went away in the meantime");
    CHECK_STR(iotc_strerror(-EIO), "internal or input/output error");
    CHECK_STR(iotc_strerror(-EINVAL), "the arguments are not valid");
    CHECK_STR(iotc_strerror(-EXDEV), "unknown error");
    CHECK_STR(iotc_strerror(-1000000), "unknown error");
    CHECK_STR(iotc_strerror(INT32_MIN), "unknown error");
    CHECK_STR(iotc_strerror(7), "unknown error");
}

const char *const suite_name = "client-value";
const struct suite_test suite_tests[] = {
    {"list", test_list},
    {"check", test_check},
    {"equals", test_equals},
    {"bus_round_trip", test_bus_round_trip},
    {"bus_hostile", test_bus_hostile},
    {"struct", test_struct},
    {"array", test_array},
    {"nested_on_bus", test_nested_on_bus},
    {"too_deep_on_bus", test_too_deep_on_bus},
    {"strerror", test_strerror},
    {NULL, NULL},
};

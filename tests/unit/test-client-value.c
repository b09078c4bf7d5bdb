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
    {"strerror", test_strerror},
    {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dbus/msg.h"
#include "libiotclient/base/limits.h"
#include "tests/lib/suite.h"

static DBusMessage *new_message(DBusMessageIter *ret_it)
{
    DBusMessage *msg = dbus_message_new_signal("/a", "a.b", "C");

    dbus_message_iter_init_append(msg, ret_it);
    return msg;
}

/* The other side sees bytes, not the object that we built. */
static DBusMessage *travel(DBusMessage *msg)
{
    DBusError error = DBUS_ERROR_INIT;
    DBusMessage *copy;
    char *data;
    int len;

    dbus_message_set_serial(msg, 1);
    if (!dbus_message_marshal(msg, &data, &len))
        abort();
    dbus_message_unref(msg);
    copy = dbus_message_demarshal(data, len, &error);
    if (!copy)
        abort();
    dbus_free(data);
    return copy;
}

static void test_uint64s(void)
{
    static const uint64_t list[] = {0, 7, UINT64_MAX};
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    CLEANUP(freep) uint64_t *got = NULL;
    DBusMessageIter it, dict, value;
    struct msg_dict walk;
    const char *key;
    size_t n = 77;

    msg = new_message(&it);
    CHECK_INT(msg_open_dict(&it, &dict), 0);
    CHECK_INT(msg_dict_uint64s(&dict, "some", list, 3), 0);
    CHECK_INT(msg_dict_uint64s(&dict, "none", NULL, 0), 0);
    CHECK_INT(msg_dict_string(&dict, "text", "7"), 0);
    CHECK_INT(msg_close(&it, &dict, 0), 0);
    msg = travel(msg);
    CHECK(dbus_message_iter_init(msg, &it));
    CHECK_INT(msg_read_dict(&it, &walk), 0);
    CHECK(msg_dict_next(&walk, &key, &value));
    CHECK_INT(msg_read_uint64s(&value, 2, &got, &n), -ENOBUFS);
    CHECK(!got && n == 77);
    CHECK_INT(msg_read_uint64s(&value, 3, &got, &n), 0);
    CHECK_INT(n, 3);
    CHECK(got[0] == 0 && got[1] == 7 && got[2] == UINT64_MAX);
    free(TAKE(got));
    CHECK(msg_dict_next(&walk, &key, &value));
    CHECK_INT(msg_read_uint64s(&value, 0, &got, &n), 0);
    CHECK_INT(n, 0);
    free(TAKE(got));
    CHECK(msg_dict_next(&walk, &key, &value));
    CHECK_INT(msg_read_uint64s(&value, 3, &got, &n), -EPROTOTYPE);
    CHECK(!got);
}

static int count_fds(void)
{
    int n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* Not marshalled: descriptors travel beside the bytes. */
static void test_fds(void)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    int n_before = count_fds(), pipes[2], got[3] = {-1, -1, -1};
    DBusMessageIter it;
    size_t n = 77;

    CHECK_INT(pipe(pipes), 0);
    msg = new_message(&it);
    CHECK_INT(msg_append_fds(&it, pipes, 2), 0);
    CHECK_INT(msg_append_fds(&it, NULL, 0), 0);
    CHECK_INT(msg_append_string(&it, "x"), 0);
    CHECK(dbus_message_has_signature(msg, "ahahs"));
    CHECK(dbus_message_iter_init(msg, &it));
    CHECK_INT(msg_read_fds(&it, 1, got, &n), -ENOBUFS);
    CHECK(got[0] == -1 && n == 77);
    CHECK_INT(msg_read_fds(&it, 3, got, &n), 0);
    CHECK_INT(n, 2);
    CHECK(got[0] > 2 && got[1] > 2 && got[0] != pipes[0] && got[1] != pipes[1] && got[2] == -1);
    for (size_t i = 0; i < n; i++)
        CHECK_INT(fcntl(got[i], F_GETFD), FD_CLOEXEC);
    CHECK_INT(write(pipes[1], "y", 1), 1);
    CHECK(read(got[0], &(char){0}, 1) == 1);
    CHECK_INT(msg_read_fds(&it, 3, got + 2, &n), 0);
    CHECK(n == 0 && got[2] == -1);
    CHECK_INT(msg_read_fds(&it, 3, got + 2, &n), -EPROTOTYPE);
    for (int i = 0; i < 2; i++) {
        (void) close(pipes[i]);
        (void) close(got[i]);
    }
    msg = msg_unref(msg);
    CHECK_INT(count_fds(), n_before);
}

static void test_basic(void)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    CLEANUP(freep) const char **strv = NULL;
    const char *const list[] = {"one", "", "dr\xc3\xa9i"};
    const char *s;
    DBusMessageIter it;
    uint64_t u;
    int64_t i;
    double d;
    size_t n;
    bool b;

    msg = new_message(&it);
    CHECK_INT(msg_append_bool(&it, true), 0);
    CHECK_INT(msg_append_int32(&it, INT32_MIN), 0);
    CHECK_INT(msg_append_uint32(&it, UINT32_MAX), 0);
    CHECK_INT(msg_append_int64(&it, INT64_MIN), 0);
    CHECK_INT(msg_append_uint64(&it, UINT64_MAX), 0);
    CHECK_INT(msg_append_double(&it, 0.5), 0);
    CHECK_INT(msg_append_string(&it, "\xe7\x81\xaf"), 0);
    CHECK_INT(msg_append_path(&it, "/org/iotd1"), 0);
    CHECK_INT(msg_append_strv(&it, list, 3), 0);
    CHECK_INT(msg_append_strv(&it, NULL, 0), 0);
    CHECK_INT(msg_append_bytes(&it, "\0\xff", 2), 0);
    CHECK_INT(msg_append_bytes(&it, NULL, 0), 0);
    CHECK_STR(dbus_message_get_signature(msg), "biuxtdsoasasayay");

    msg = travel(msg);
    dbus_message_iter_init(msg, &it);
    CHECK_INT(msg_read_bool(&it, &b), 0);
    CHECK(b);
    CHECK_INT(msg_read_int64(&it, &i), 0);
    CHECK_INT(i, INT32_MIN);
    CHECK_INT(msg_read_int64(&it, &i), 0);
    CHECK_INT(i, UINT32_MAX);
    CHECK_INT(msg_read_int64(&it, &i), 0);
    CHECK_INT(i, INT64_MIN);
    CHECK_INT(msg_read_int64(&it, &i), -ERANGE); /* and stays there */
    CHECK_INT(msg_read_uint64(&it, &u), 0);
    CHECK(u == UINT64_MAX);
    CHECK_INT(msg_read_double(&it, &d), 0);
    CHECK(d > 0.4 && d < 0.6);
    CHECK_INT(msg_read_string(&it, &s), 0);
    CHECK_STR(s, "\xe7\x81\xaf");
    CHECK_INT(msg_read_string(&it, &s), -EPROTOTYPE); /* a path is no string */
    CHECK_INT(msg_read_path(&it, &s), 0);
    CHECK_STR(s, "/org/iotd1");
    CHECK_INT(msg_read_strv(&it, 2, &strv, &n), -ENOBUFS);
    CHECK(strv == NULL);
    CHECK_INT(msg_read_strv(&it, 3, &strv, &n), 0);
    CHECK_INT(n, 3);
    CHECK_STR(strv[2], "dr\xc3\xa9i");
    CHECK(strv[3] == NULL);
    free(TAKE(strv));
    CHECK_INT(msg_read_strv(&it, 3, &strv, &n), 0);
    CHECK_INT(n, 0);
    CHECK(strv && strv[0] == NULL);
}

static void test_refused_append(void)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    CLEANUP(freep) char *huge = NULL;
    const char *const list[] = {"good", "\xff"};
    DBusMessageIter it, dict;

    msg = new_message(&it);
    CHECK_INT(msg_append_string(&it, "\xc0\x80"), -EINVAL);
    CHECK_INT(msg_append_string(&it, NULL), -EINVAL);
    CHECK_INT(msg_append_path(&it, ""), -EINVAL);
    CHECK_INT(msg_append_path(&it, "/a/"), -EINVAL);
    CHECK_INT(msg_append_path(&it, "/a-b"), -EINVAL);
    CHECK_INT(msg_append_variant_string(&it, "\xed\xa0\x80"), -EINVAL);
    CHECK_STR(dbus_message_get_signature(msg), "");

    huge = malloc(LIMIT_DBUS_MESSAGE + 2);
    memset(huge, 'x', LIMIT_DBUS_MESSAGE + 1);
    huge[LIMIT_DBUS_MESSAGE + 1] = '\0';
    CHECK_INT(msg_append_string(&it, huge), -EMSGSIZE);
    CHECK_INT(msg_append_bytes(&it, huge, LIMIT_DBUS_MESSAGE + 1), -EMSGSIZE);
    huge[LIMIT_DBUS_MESSAGE] = '\0';
    CHECK_INT(msg_append_string(&it, huge), 0);

    CHECK_INT(msg_open_dict(&it, &dict), 0);
    CHECK_INT(msg_dict_string(&dict, "key", "\xff"), -EINVAL);
    CHECK_INT(msg_dict_path(&dict, "key", "x"), -EINVAL);
    CHECK_INT(msg_dict_int64(&dict, "\xff", 1), -EINVAL);
    CHECK_INT(msg_close(&it, &dict, -EINVAL), -EINVAL);
    CHECK_INT(msg_append_strv(&it, list, 2), -EINVAL);
}

/* What each reader says to a value of each D-Bus type, bare and in variants. */
static void test_kinds(void)
{
    static const struct {
        int type;
        DBusBasicValue value;
        enum msg_kind kind;
        int64_t i;
    } cases[] = {
        {DBUS_TYPE_BYTE, {.byt = 255}, MSG_KIND_INT, 255},
        {DBUS_TYPE_INT16, {.i16 = -32768}, MSG_KIND_INT, -32768},
        {DBUS_TYPE_UINT16, {.u16 = 65535}, MSG_KIND_INT, 65535},
        {DBUS_TYPE_INT32, {.i32 = -7}, MSG_KIND_INT, -7},
        {DBUS_TYPE_UINT32, {.u32 = 4294967295U}, MSG_KIND_INT, 4294967295},
        {DBUS_TYPE_INT64, {.i64 = -5}, MSG_KIND_INT, -5},
        {DBUS_TYPE_UINT64, {.u64 = INT64_MAX}, MSG_KIND_INT, INT64_MAX},
        {DBUS_TYPE_BOOLEAN, {.bool_val = 1}, MSG_KIND_BOOL, 0},
        {DBUS_TYPE_DOUBLE, {.dbl = 1.5}, MSG_KIND_DOUBLE, 0},
        {DBUS_TYPE_STRING, {.str = (char *) "text"}, MSG_KIND_STRING, 0},
        {DBUS_TYPE_OBJECT_PATH, {.str = (char *) "/a"}, MSG_KIND_OTHER, 0},
        {DBUS_TYPE_SIGNATURE, {.str = (char *) "as"}, MSG_KIND_OTHER, 0},
    };

    for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
        for (int depth = 0; depth < 3; depth++) {
            CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
            const char signature[] = {(char) cases[k].type, '\0'};
            DBusMessageIter it[3], read;
            struct msg_value v = {.kind = MSG_KIND_COUNT_};
            const char *s = NULL;
            int64_t i = 0;
            double d = 0;
            bool b = false;

            msg = new_message(&it[0]);
            for (int level = 0; level < depth; level++)
                CHECK_INT(msg_open(&it[level], DBUS_TYPE_VARIANT,
                                   level + 1 < depth ? "v" : signature, &it[level + 1]),
                          0);
            CHECK(dbus_message_iter_append_basic(&it[depth], cases[k].type, &cases[k].value));
            for (int level = depth; level > 0; level--)
                CHECK_INT(msg_close(&it[level - 1], &it[level], 0), 0);

            msg = travel(msg);
            dbus_message_iter_init(msg, &read);
            CHECK_INT(msg_read_int64(&read, &i), cases[k].kind == MSG_KIND_INT ? 0 : -EPROTOTYPE);
            CHECK_INT(i, cases[k].i);
            dbus_message_iter_init(msg, &read);
            CHECK_INT(msg_read_bool(&read, &b), cases[k].kind == MSG_KIND_BOOL ? 0 : -EPROTOTYPE);
            dbus_message_iter_init(msg, &read);
            CHECK_INT(msg_read_string(&read, &s),
                      cases[k].kind == MSG_KIND_STRING ? 0 : -EPROTOTYPE);
            dbus_message_iter_init(msg, &read);
            CHECK_INT(msg_read_double(&read, &d),
                      cases[k].kind == MSG_KIND_DOUBLE || cases[k].kind == MSG_KIND_INT
                          ? 0
                          : -EPROTOTYPE);
            dbus_message_iter_init(msg, &read);
            CHECK_INT(msg_read_value(&read, &v), 0);
            CHECK_INT(v.kind, cases[k].kind);
            CHECK_INT(msg_read_value(&read, &v), -EPROTOTYPE); /* it moved on: this is the end */
        }
    }
}

static void test_integer_edges(void)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    struct msg_value v;
    DBusMessageIter it;
    uint64_t u;
    int64_t i;
    double d;

    msg = new_message(&it);
    CHECK_INT(msg_append_uint64(&it, (uint64_t) INT64_MAX + 1), 0);
    CHECK_INT(msg_append_int64(&it, -1), 0);
    msg = travel(msg);
    dbus_message_iter_init(msg, &it);
    CHECK_INT(msg_read_int64(&it, &i), -ERANGE);
    CHECK_INT(msg_read_value(&it, &v), -ERANGE);
    CHECK_INT(msg_read_double(&it, &d), -ERANGE);
    CHECK_INT(msg_read_uint64(&it, &u), 0);
    CHECK(u == (uint64_t) INT64_MAX + 1);
    CHECK_INT(msg_read_uint64(&it, &u), -ERANGE);
    CHECK_INT(msg_read_int64(&it, &i), 0);
    CHECK_INT(msg_read_uint64(&it, &u), -EPROTOTYPE);
}

static void test_dict(void)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    const char *const ids[] = {"a", "b"};
    struct msg_entry entry;
    DBusMessageIter it, dict_it, value;
    struct msg_dict dict;
    const char *key;
    struct msg_value v;
    unsigned n = 0;

    msg = new_message(&it);
    CHECK_INT(msg_open_dict(&it, &dict_it), 0);
    CHECK_INT(msg_dict_bool(&dict_it, "b", true), 0);
    CHECK_INT(msg_dict_uint32(&dict_it, "u", 1), 0);
    CHECK_INT(msg_dict_int64(&dict_it, "x", -2), 0);
    CHECK_INT(msg_dict_uint64(&dict_it, "t", 3), 0);
    CHECK_INT(msg_dict_double(&dict_it, "d", 0.25), 0);
    CHECK_INT(msg_dict_string(&dict_it, "s", "text"), 0);
    CHECK_INT(msg_dict_path(&dict_it, "o", "/o"), 0);
    CHECK_INT(msg_dict_open_entry(&dict_it, "as", "as", &entry), 0);
    CHECK_INT(msg_dict_close_entry(&dict_it, &entry, msg_append_strv(&entry.variant, ids, 2)), 0);
    CHECK_INT(msg_close(&it, &dict_it, 0), 0);
    CHECK_INT(msg_append_bool(&it, false), 0);

    msg = travel(msg);
    CHECK_STR(dbus_message_get_signature(msg), "a{sv}b");
    dbus_message_iter_init(msg, &it);
    CHECK_INT(msg_read_dict(&it, &dict), 0);
    while (msg_dict_next(&dict, &key, &value)) {
        char *signature;

        CHECK_INT(dbus_message_iter_get_arg_type(&value), DBUS_TYPE_VARIANT);
        dbus_message_iter_recurse(&value, &dict_it);
        signature = dbus_message_iter_get_signature(&dict_it);
        CHECK_STR(signature, key);
        dbus_free(signature);
        CHECK_INT(msg_read_value(&value, &v), 0);
        n++;
    }
    CHECK_INT(n, 8);
    CHECK(!msg_dict_next(&dict, &key, &value));
    CHECK_INT(msg_read_dict(&it, &dict), -EPROTOTYPE); /* the walk left `it` behind the dict */
    CHECK_INT(msg_read_value(&it, &v), 0);
    CHECK_INT(v.kind, MSG_KIND_BOOL);
}

/* Dictionaries and lists of other types are not taken for ours. */
static void test_strict_containers(void)
{
    static const char *const signatures[] = {"{ss}", "{si}", "{ov}", "v", "s", "ay", "(sv)"};

    for (size_t k = 0; k < ARRAY_SIZE(signatures); k++) {
        CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
        CLEANUP(freep) const char **strv = NULL;
        DBusMessageIter it, sub;
        struct msg_dict dict;
        size_t n;

        msg = new_message(&it);
        CHECK_INT(msg_open(&it, DBUS_TYPE_ARRAY, signatures[k], &sub), 0);
        CHECK_INT(msg_close(&it, &sub, 0), 0);
        msg = travel(msg);
        dbus_message_iter_init(msg, &it);
        CHECK_INT(msg_read_dict(&it, &dict), -EPROTOTYPE);
        CHECK_INT(msg_read_strv(&it, 10, &strv, &n),
                  strcmp(signatures[k], "s") == 0 ? 0 : -EPROTOTYPE);
    }
}

static void test_abandoned_entry(void)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    struct msg_entry entry;
    DBusMessageIter it, dict;

    msg = new_message(&it);
    CHECK_INT(msg_open_dict(&it, &dict), 0);
    CHECK_INT(msg_dict_open_entry(&dict, "k", "s", &entry), 0);
    CHECK_INT(msg_dict_close_entry(&dict, &entry, -ENODATA), -ENODATA);
    CHECK_INT(msg_dict_open_entry(&dict, "\xff", "s", &entry), -EINVAL);
    CHECK_INT(msg_close(&it, &dict, -ENODATA), -ENODATA);
}

/* Dictionaries of any one type of value, arrays of any one type of element. */
static void test_loose_containers(void)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it, sub, entry, at;
    struct msg_dict dict;
    const char *key;
    int64_t i;
    size_t n;

    msg = new_message(&it);
    CHECK_INT(msg_open(&it, DBUS_TYPE_ARRAY, "{si}", &sub), 0);
    CHECK_INT(msg_open(&sub, DBUS_TYPE_DICT_ENTRY, NULL, &entry), 0);
    CHECK_INT(msg_append_string(&entry, "a"), 0);
    CHECK_INT(msg_append_int32(&entry, 5), 0);
    CHECK_INT(msg_close(&sub, &entry, 0), 0);
    CHECK_INT(msg_close(&it, &sub, 0), 0);
    CHECK_INT(msg_open(&it, DBUS_TYPE_ARRAY, "x", &sub), 0);
    CHECK_INT(msg_append_int64(&sub, 7), 0);
    CHECK_INT(msg_append_int64(&sub, 8), 0);
    CHECK_INT(msg_close(&it, &sub, 0), 0);
    CHECK_INT(msg_append_strv(&it, NULL, 0), 0);
    CHECK_INT(msg_append_string(&it, "end"), 0);
    msg = travel(msg);

    dbus_message_iter_init(msg, &it);
    CHECK_INT(msg_read_array(&it, &at, &n), -EPROTOTYPE);
    CHECK_INT(msg_read_map(&it, &dict), 0);
    CHECK(msg_dict_next(&dict, &key, &at));
    CHECK_STR(key, "a");
    CHECK_INT(msg_read_int64(&at, &i), 0);
    CHECK_INT(i, 5);
    CHECK(!msg_dict_next(&dict, &key, &at));
    CHECK_INT(msg_read_map(&it, &dict), -EPROTOTYPE);
    CHECK_INT(msg_read_array(&it, &at, &n), 0);
    CHECK_INT(n, 2);
    CHECK_INT(msg_read_int64(&at, &i), 0);
    CHECK_INT(i, 7);
    CHECK_INT(msg_read_array(&it, &at, &n), 0);
    CHECK_INT(n, 0);
    CHECK_INT(msg_read_array(&it, &at, &n), -EPROTOTYPE);
    CHECK_INT(msg_read_map(&it, &dict), -EPROTOTYPE);
}

static void test_errors(void)
{
    CLEANUP(msg_unrefp) DBusMessage *call = NULL;
    CLEANUP(msg_unrefp) DBusMessage *error = NULL;
    const char *text = NULL;

    call = dbus_message_new_method_call("a.b", "/a", "a.b", "C");
    dbus_message_set_serial(call, 7);
    CHECK_INT(msg_get_error(call, &text), 0);
    CHECK(text == NULL);

    CHECK_INT(msg_new_error(&error, call, -ERANGE, "brightness"), 0);
    CHECK_STR(dbus_message_get_error_name(error), "org.iotd1.Error.OutOfRange");
    CHECK_INT(dbus_message_get_reply_serial(error), 7);
    CHECK_INT(msg_get_error(error, &text), -ERANGE);
    CHECK(strstr(text, ": brightness") != NULL);
    error = msg_unref(error);

    CHECK_INT(msg_new_error(&error, call, -ENOBUFS, "\xff"), 0); /* not UTF-8: left out */
    CHECK_INT(msg_get_error(error, &text), -ENOBUFS);
    CHECK(strlen(text) > 0 && !strchr(text, ':'));
    error = msg_unref(error);

    error = dbus_message_new_error(call, "org.freedesktop.DBus.Error.NoReply", NULL);
    CHECK_INT(msg_get_error(error, &text), -ETIMEDOUT);
    CHECK_STR(text, "");
    CHECK_INT(msg_get_error(error, NULL), -ETIMEDOUT);
}

const char *const suite_name = "dbus-msg";
const struct suite_test suite_tests[] = {
    {"uint64s", test_uint64s},
    {"fds", test_fds},
    {"basic", test_basic},
    {"refused-append", test_refused_append},
    {"kinds", test_kinds},
    {"integer-edges", test_integer_edges},
    {"dict", test_dict},
    {"strict-containers", test_strict_containers},
    {"abandoned-entry", test_abandoned_entry},
    {"loose-containers", test_loose_containers},
    {"errors", test_errors},
    {NULL, NULL},
};

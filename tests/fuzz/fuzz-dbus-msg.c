/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * D-Bus messages from a program: body and signature are the fuzzer's, the header is made here so
 * that libdbus looks at them. What libdbus lets through is read with every reader of msg.h and
 * called on an object tree.
 *
 * Input: three bytes choose path, interface and member, then the signature up to a NUL, then the
 * body (little endian).
 */

#include <errno.h>
#include <string.h>

#include "dbus/msg.h"
#include "dbus/tree_impl.h"
#include "libiotclient/base/limits.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/lamp-tree.h"

#define MAX_DEPTH 70 /* libdbus lets 64 through */
#define MAX_SIGNATURE 255

static const char *const paths[] = {"/a/b", "/a/b/lamp", "/a/b/none", "/a"};
static const char *const ifaces[] = {"a.b.Lamp", PROPERTIES, INTROSPECTABLE, OBJECT_MANAGER, NULL};
static const char *const members[] = {"Get",   "GetAll", "Set", "Introspect", "GetManagedObjects",
                                      "Reset", "Remove", "Keep"};

static void read_all(DBusMessageIter *it, int depth)
{
    FUZZ_CHECK(depth < MAX_DEPTH);
    while (dbus_message_iter_get_arg_type(it) != DBUS_TYPE_INVALID) {
        DBusMessageIter copies[8], sub;
        CLEANUP(freep) const char **strv = NULL;
        struct msg_value v;
        struct msg_dict dict;
        const char *s;
        size_t n;
        uint64_t u;
        int64_t i;
        double d;
        bool b;

        for (size_t k = 0; k < ARRAY_SIZE(copies); k++)
            copies[k] = *it;
        FUZZ_CHECK(msg_read_bool(&copies[0], &b) <= 0);
        if (msg_read_int64(&copies[1], &i) == 0 && msg_read_uint64(&copies[2], &u) == 0)
            FUZZ_CHECK(i >= 0 && (uint64_t) i == u);
        FUZZ_CHECK(msg_read_double(&copies[3], &d) <= 0);
        if (msg_read_string(&copies[4], &s) == 0)
            FUZZ_CHECK(strlen(s) <= LIMIT_DBUS_MESSAGE);
        if (msg_read_strv(&copies[5], 16, &strv, &n) == 0)
            FUZZ_CHECK(n <= 16 && strv[n] == NULL);
        if (msg_read_dict(&copies[6], &dict) == 0) {
            while (msg_dict_next(&dict, &s, &sub)) {
                FUZZ_CHECK(s);
                read_all(&sub, depth + 1);
            }
        }
        if (msg_read_value(&copies[7], &v) == 0)
            FUZZ_CHECK(v.kind < MSG_KIND_COUNT_);
        if (dbus_type_is_container(dbus_message_iter_get_arg_type(it))) {
            dbus_message_iter_recurse(it, &sub);
            read_all(&sub, depth + 1);
        }
        dbus_message_iter_next(it);
    }
}

/* Through the tree, as if it had come from the far end. */
static void call(DBusMessage *msg)
{
    static struct lamp_tree lt; /* kept for all inputs: making one takes a handshake */
    static bool is_made;

    if (!is_made) {
        lamp_tree_init(&lt);
        is_made = true;
    }
    if (!lt.obj)
        lt.obj = lamp_tree_add(&lt, "/a/b/lamp");
    (void) tree_on_message(lt.p.near, msg, lt.tree);
    if (lt.kept)
        tree_call_error(&lt.kept, -EIO, NULL);
    test_loop_settle(&lt.p.tl);
    peer_clear(&lt.p);
}

/* A method call with that signature and body; NULL when libdbus refuses it, as from a socket. */
static DBusMessage *make(const uint8_t *choice, const char *signature, const uint8_t *body,
                         size_t len)
{
    CLEANUP(msg_unrefp) DBusMessage *head = NULL;
    DBusError error = DBUS_ERROR_INIT;
    const char *iface = ifaces[choice[1] % ARRAY_SIZE(ifaces)];
    DBusMessage *msg = NULL;
    uint8_t *whole;
    char *data;
    int head_len;
    size_t at, signature_len = strlen(signature);

    /* The header of a call without arguments, with one more field: the signature. */
    head = dbus_message_new_method_call(NULL, paths[choice[0] % ARRAY_SIZE(paths)], iface,
                                        members[choice[2] % ARRAY_SIZE(members)]);
    FUZZ_CHECK(head);
    dbus_message_set_serial(head, 1);
    FUZZ_CHECK(dbus_message_marshal(head, &data, &head_len));
    FUZZ_CHECK(data[0] == 'l');
    whole = calloc(1, (size_t) head_len + signature_len + len + 32);
    FUZZ_CHECK(whole);
    memcpy(whole, data, (size_t) head_len);
    dbus_free(data);

    /* D-Bus specification, message format: (yv) at 8, code 8, variant "g". */
    at = (size_t) head_len;
    memcpy(whole + at, "\x08\x01g\0", 4);
    whole[at + 4] = (uint8_t) signature_len;
    memcpy(whole + at + 5, signature, signature_len);
    at += 6 + signature_len;
    /* Length of the body at 4, of the fields at 12, which ends before the padding. */
    memcpy(whole + 4, &(uint32_t){(uint32_t) len}, 4);
    memcpy(whole + 12, &(uint32_t){(uint32_t) (at - 16)}, 4);
    at = (at + 7) & ~(size_t) 7;
    if (len > 0)
        memcpy(whole + at, body, len);

    msg = dbus_message_demarshal((const char *) whole, (int) (at + len), &error);
    dbus_error_free(&error);
    free(whole);
    return msg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    char signature[MAX_SIGNATURE + 1];
    DBusMessageIter it;
    const uint8_t *end;
    size_t len;

    if (size < 4 || size > LIMIT_DBUS_MESSAGE)
        return 0;
    end = memchr(data + 3, '\0', size - 3);
    len = end ? (size_t) (end - data) - 3 : 0;
    if (!end || len > MAX_SIGNATURE)
        return 0;
    memcpy(signature, data + 3, len + 1);
    msg = make(data, signature, end + 1, size - 4 - len);
    if (!msg)
        return 0;
    if (dbus_message_iter_init(msg, &it))
        read_all(&it, 0);
    call(msg);
    return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/msg-text.h"

#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/macro.h"
#include "libiotclient/base/strbuf.h"
#include "tests/lib/proc.h"

#define TEXT_CAP (4 * 1024 * 1024)

static void add_one(DBusMessageIter *it, DBusSignatureIter *type, va_list *ap);

static void add_basic(DBusMessageIter *it, int type, va_list *ap)
{
    DBusBasicValue v = {0};

    switch (type) {
    case DBUS_TYPE_BYTE:
        v.byt = (unsigned char) va_arg(*ap, int);
        break;
    case DBUS_TYPE_INT16:
    case DBUS_TYPE_UINT16:
        v.i16 = (dbus_int16_t) va_arg(*ap, int);
        break;
    case DBUS_TYPE_BOOLEAN:
    case DBUS_TYPE_INT32:
        v.i32 = va_arg(*ap, int);
        break;
    case DBUS_TYPE_UINT32:
        v.u32 = va_arg(*ap, unsigned);
        break;
    case DBUS_TYPE_INT64:
    case DBUS_TYPE_UINT64:
        v.i64 = va_arg(*ap, dbus_int64_t);
        break;
    case DBUS_TYPE_DOUBLE:
        v.dbl = va_arg(*ap, double);
        break;
    default:
        v.str = va_arg(*ap, char *);
        break;
    }
    if (!dbus_message_iter_append_basic(it, type, &v))
        fixture_fatal("out of memory");
}

static void add_variant(DBusMessageIter *it, va_list *ap)
{
    const char *signature = va_arg(*ap, const char *);
    DBusMessageIter sub;
    DBusSignatureIter type;

    dbus_signature_iter_init(&type, signature);
    if (!dbus_message_iter_open_container(it, DBUS_TYPE_VARIANT, signature, &sub))
        fixture_fatal("out of memory");
    add_one(&sub, &type, ap);
    dbus_message_iter_close_container(it, &sub);
}

static void add_array(DBusMessageIter *it, DBusSignatureIter *type, va_list *ap)
{
    int n = va_arg(*ap, int);
    DBusSignatureIter element;
    DBusMessageIter sub;
    char *signature;

    dbus_signature_iter_recurse(type, &element);
    signature = dbus_signature_iter_get_signature(&element);
    if (!dbus_message_iter_open_container(it, DBUS_TYPE_ARRAY, signature, &sub))
        fixture_fatal("out of memory");
    dbus_free(signature);
    for (int i = 0; i < n; i++)
        add_one(&sub, &element, ap);
    dbus_message_iter_close_container(it, &sub);
}

static void add_members(DBusMessageIter *it, DBusSignatureIter *type, va_list *ap)
{
    DBusMessageIter sub;
    DBusSignatureIter member;

    dbus_signature_iter_recurse(type, &member);
    if (!dbus_message_iter_open_container(it, dbus_signature_iter_get_current_type(type), NULL,
                                          &sub))
        fixture_fatal("out of memory");
    do
        add_one(&sub, &member, ap);
    while (dbus_signature_iter_next(&member));
    dbus_message_iter_close_container(it, &sub);
}

static void add_one(DBusMessageIter *it, DBusSignatureIter *type, va_list *ap)
{
    int t = dbus_signature_iter_get_current_type(type);

    if (t == DBUS_TYPE_VARIANT)
        add_variant(it, ap);
    else if (t == DBUS_TYPE_ARRAY)
        add_array(it, type, ap);
    else if (t == DBUS_TYPE_STRUCT || t == DBUS_TYPE_DICT_ENTRY)
        add_members(it, type, ap);
    else
        add_basic(it, t, ap);
}

void msg_vadd(DBusMessage *msg, const char *types, va_list *ap)
{
    DBusMessageIter it;
    DBusSignatureIter type;

    if (!msg)
        fixture_fatal("out of memory");
    dbus_message_iter_init_append(msg, &it);
    if (!types[0])
        return;
    dbus_signature_iter_init(&type, types);
    do
        add_one(&it, &type, ap);
    while (dbus_signature_iter_next(&type));
}

void msg_add(DBusMessage *msg, const char *types, ...)
{
    va_list ap;

    va_start(ap, types);
    msg_vadd(msg, types, &ap);
    va_end(ap);
}

static void show_one(struct strbuf *sb, DBusMessageIter *it);

static void show_members(struct strbuf *sb, DBusMessageIter *it, const char *separator)
{
    DBusMessageIter sub;
    const char *lead = "";

    dbus_message_iter_recurse(it, &sub);
    for (; dbus_message_iter_get_arg_type(&sub) != DBUS_TYPE_INVALID;
         dbus_message_iter_next(&sub)) {
        strbuf_adds(sb, lead);
        show_one(sb, &sub);
        lead = separator;
    }
}

static void show_variant(struct strbuf *sb, DBusMessageIter *it)
{
    DBusMessageIter sub;
    char *signature;

    dbus_message_iter_recurse(it, &sub);
    signature = dbus_message_iter_get_signature(&sub);
    strbuf_addf(sb, "%s:", signature);
    dbus_free(signature);
    show_one(sb, &sub);
}

static void show_basic(struct strbuf *sb, DBusMessageIter *it, int type)
{
    DBusBasicValue v;

    dbus_message_iter_get_basic(it, &v);
    switch (type) {
    case DBUS_TYPE_BYTE:
        strbuf_addf(sb, "%u", v.byt);
        break;
    case DBUS_TYPE_BOOLEAN:
        strbuf_adds(sb, v.bool_val ? "true" : "false");
        break;
    case DBUS_TYPE_INT16:
        strbuf_addf(sb, "%d", v.i16);
        break;
    case DBUS_TYPE_UINT16:
        strbuf_addf(sb, "%u", v.u16);
        break;
    case DBUS_TYPE_INT32:
        strbuf_addf(sb, "%d", v.i32);
        break;
    case DBUS_TYPE_UINT32:
    case DBUS_TYPE_UNIX_FD:
        strbuf_addf(sb, "%u", v.u32);
        break;
    case DBUS_TYPE_INT64:
        strbuf_addf(sb, "%lld", (long long) v.i64);
        break;
    case DBUS_TYPE_UINT64:
        strbuf_addf(sb, "%llu", (unsigned long long) v.u64);
        break;
    case DBUS_TYPE_DOUBLE:
        strbuf_addf(sb, "%.10g", v.dbl);
        break;
    default:
        strbuf_add_json(sb, v.str);
        break;
    }
}

static void show_one(struct strbuf *sb, DBusMessageIter *it)
{
    int type = dbus_message_iter_get_arg_type(it);
    bool is_dict =
        type == DBUS_TYPE_ARRAY && dbus_message_iter_get_element_type(it) == DBUS_TYPE_DICT_ENTRY;

    switch (type) {
    case DBUS_TYPE_VARIANT:
        show_variant(sb, it);
        break;
    case DBUS_TYPE_ARRAY:
        strbuf_addc(sb, is_dict ? '{' : '[');
        show_members(sb, it, ",");
        strbuf_addc(sb, is_dict ? '}' : ']');
        break;
    case DBUS_TYPE_STRUCT:
        strbuf_addc(sb, '(');
        show_members(sb, it, ",");
        strbuf_addc(sb, ')');
        break;
    case DBUS_TYPE_DICT_ENTRY:
        show_members(sb, it, ":");
        break;
    default:
        show_basic(sb, it, type);
        break;
    }
}

char *msg_text(DBusMessage *msg)
{
    const char *lead = "";
    DBusMessageIter it;
    struct strbuf sb;
    char *text;

    strbuf_init(&sb, TEXT_CAP);
    if (!msg) {
        strbuf_adds(&sb, "(nothing)");
    } else if (dbus_message_get_type(msg) == DBUS_MESSAGE_TYPE_ERROR) {
        strbuf_adds(&sb, dbus_message_get_error_name(msg));
    } else {
        strbuf_add(&sb, "", 0);
        dbus_message_iter_init(msg, &it);
        for (; dbus_message_iter_get_arg_type(&it) != DBUS_TYPE_INVALID;
             dbus_message_iter_next(&it)) {
            strbuf_adds(&sb, lead);
            show_one(&sb, &it);
            lead = " ";
        }
    }
    if (strbuf_finish(&sb, &text) < 0)
        fixture_fatal("out of memory");
    return text;
}

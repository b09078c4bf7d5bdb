/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/json-bus.h"

#include <stdlib.h>

#include "dbus/msg.h"

static void must(int r)
{
    if (r < 0)
        abort();
}

static void append_object(DBusMessageIter *it, const json_t *json)
{
    DBusMessageIter variant, dict, entry;
    const char *key;
    json_t *value;

    must(msg_open(it, DBUS_TYPE_VARIANT, "a{sv}", &variant));
    must(msg_open_dict(&variant, &dict));
    json_object_foreach((json_t *) (uintptr_t) json, key, value)
    {
        must(msg_open(&dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry));
        must(msg_append_string(&entry, key));
        json_bus_append(&entry, value);
        must(msg_close(&dict, &entry, 0));
    }
    must(msg_close(&variant, &dict, 0));
    must(msg_close(it, &variant, 0));
}

static void append_array(DBusMessageIter *it, const json_t *json)
{
    DBusMessageIter variant, list;

    must(msg_open(it, DBUS_TYPE_VARIANT, "av", &variant));
    must(msg_open(&variant, DBUS_TYPE_ARRAY, "v", &list));
    for (size_t i = 0; i < json_array_size(json); i++)
        json_bus_append(&list, json_array_get(json, i));
    must(msg_close(&variant, &list, 0));
    must(msg_close(it, &variant, 0));
}

void json_bus_append(DBusMessageIter *it, const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_TRUE:
    case JSON_FALSE:
        must(msg_append_variant_bool(it, json_is_true(json)));
        break;
    case JSON_INTEGER:
        must(msg_append_variant_int64(it, json_integer_value(json)));
        break;
    case JSON_REAL:
        must(msg_append_variant_double(it, json_real_value(json)));
        break;
    case JSON_STRING:
        must(msg_append_variant_string(it, json_string_value(json)));
        break;
    case JSON_OBJECT:
        append_object(it, json);
        break;
    case JSON_ARRAY:
        append_array(it, json);
        break;
    case JSON_NULL: /* D-Bus has none */
        abort();
    }
}

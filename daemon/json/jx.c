/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/json/jx.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/base/num.h"

/* Depth of brackets outside of strings; jansson's own limit of 2048 is far above ours. */
static bool is_too_deep(const char *text, size_t len)
{
    bool in_string = false;
    int depth = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > LIMIT_JSON_DEPTH)
                return true;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return false;
}

static int fail(struct jx_error *error, const json_error_t *from, const char *text)
{
    if (error) {
        error->line = from ? from->line : 0;
        error->column = from ? from->column : 0;
        (void) snprintf(error->text, sizeof(error->text), "%s", text);
    }
    return -EBADMSG;
}

static int parse(const char *text, size_t len, size_t flags, json_t **ret_json,
                 struct jx_error *error)
{
    json_error_t e;
    json_t *json;

    if (is_too_deep(text, len))
        return fail(error, NULL, "nested too deep");
    json = json_loadb(text, len, JSON_REJECT_DUPLICATES | flags, &e);
    if (!json) {
        /* Jansson names most lacks of memory by saying nothing. */
        if (json_error_code(&e) == json_error_out_of_memory || !e.text[0])
            return -ENOMEM;
        return fail(error, &e, e.text);
    }
    *ret_json = json;
    return 0;
}

int jx_parse_any(const char *text, size_t len, json_t **ret_json)
{
    return parse(text, len, JSON_DECODE_ANY, ret_json, NULL);
}

int jx_parse_object(const char *text, size_t len, json_t **ret_json, struct jx_error *error)
{
    json_t *json;
    int r = parse(text, len, 0, &json, error);

    if (r < 0)
        return r;
    if (!json_is_object(json)) {
        json_decref(json);
        return fail(error, NULL, "not an object");
    }
    *ret_json = json;
    return 0;
}

static int get(const json_t *object, const char *key, json_type type, json_t **ret_value)
{
    json_t *v = json_object_get(object, key);

    if (!v)
        return -ENOENT;
    if (json_typeof(v) != type)
        return -EPROTOTYPE;
    *ret_value = v;
    return 0;
}

int jx_get_string(const json_t *object, const char *key, const char **ret_text)
{
    json_t *v;
    int r = get(object, key, JSON_STRING, &v);

    if (r < 0)
        return r;
    /* An embedded NUL would be cut silently everywhere else. */
    if (strlen(json_string_value(v)) != json_string_length(v))
        return -EPROTOTYPE;
    *ret_text = json_string_value(v);
    return 0;
}

int jx_get_object(const json_t *object, const char *key, json_t **ret_object)
{
    return get(object, key, JSON_OBJECT, ret_object);
}

int jx_get_array(const json_t *object, const char *key, json_t **ret_array)
{
    return get(object, key, JSON_ARRAY, ret_array);
}

int jx_get_i64(const json_t *object, const char *key, int64_t *ret_value)
{
    json_t *v;
    int r = get(object, key, JSON_INTEGER, &v);

    if (r < 0)
        return r;
    *ret_value = json_integer_value(v);
    return 0;
}

int jx_get_number_or_text(const json_t *object, const char *key, int64_t *ret_value)
{
    const char *text;
    int r = jx_get_i64(object, key, ret_value);

    if (r != -EPROTOTYPE)
        return r;
    r = jx_get_string(object, key, &text);
    if (r < 0)
        return r;
    return num_parse_i64(text, ret_value) < 0 ? -EPROTOTYPE : 0;
}

const char *jx_string_or(const json_t *object, const char *key, const char *fallback)
{
    const char *text;

    return jx_get_string(object, key, &text) < 0 ? fallback : text;
}

json_t *jx_object_or_null(const json_t *object, const char *key)
{
    json_t *v;

    return jx_get_object(object, key, &v) < 0 ? NULL : v;
}

/* --- fingerprints --- */

#define FNV_OFFSET 0xcbf29ce484222325ULL
#define FNV_PRIME 0x100000001b3ULL

static uint64_t add_bytes(uint64_t h, const void *data, size_t len)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * FNV_PRIME;
    return h;
}

static uint64_t add_string(uint64_t h, const char *text, size_t len)
{
    return add_bytes(add_bytes(h, &len, sizeof(len)), text, len);
}

static uint64_t fingerprint(const json_t *json);

/* A sum has no order. */
static uint64_t members(json_t *object)
{
    uint64_t sum = 0;
    const char *key;
    json_t *v;

    json_object_foreach(object, key, v)
    {
        uint64_t h = add_string(FNV_OFFSET, key, strlen(key)), value = fingerprint(v);

        sum += add_bytes(h, &value, sizeof(value));
    }
    return sum;
}

static uint64_t fingerprint(const json_t *json)
{
    int type = json ? (int) json_typeof(json) : -1;
    uint64_t h = add_bytes(FNV_OFFSET, &type, sizeof(type)), inner;
    json_int_t integer;
    double real;
    json_t *v;
    size_t i;

    if (!json)
        return h;
    switch (json_typeof(json)) {
    case JSON_STRING:
        return add_string(h, json_string_value(json), json_string_length(json));
    case JSON_INTEGER:
        integer = json_integer_value(json);
        return add_bytes(h, &integer, sizeof(integer));
    case JSON_REAL:
        real = json_real_value(json);
        return add_bytes(h, &real, sizeof(real));
    case JSON_ARRAY:
        json_array_foreach(json, i, v)
        {
            inner = fingerprint(v);
            h = add_bytes(h, &inner, sizeof(inner));
        }
        return h;
    case JSON_OBJECT:
        inner = members((json_t *) (uintptr_t) json); /* only read */
        return add_bytes(h, &inner, sizeof(inner));
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        break;
    }
    return h;
}

uint64_t jx_fingerprint(const json_t *json, const char *what)
{
    uint64_t inner = fingerprint(json);

    return add_bytes(add_string(FNV_OFFSET, what, strlen(what)), &inner, sizeof(inner));
}

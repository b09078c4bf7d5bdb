/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/firmware_order.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/name.h"
#include "libiotclient/base/strbuf.h"

#define TEXT_MAX (LIMIT_URL * 6 + LIMIT_FIRMWARE_CUSTOM * 6 + LIMIT_FIRMWARE_EXTRA + 1024)

/* Those that have a place of their own; the others are extra, fw_type among them. */
static const char *const documented[] = {"type",      "version", "url",
                                         "file_size", "md5sum",  "user_defined"};

struct firmware_order *firmware_order_free(struct firmware_order *order)
{
    if (!order)
        return NULL;

    free(order->url);
    free(order->custom);
    free(order->extra);
    free(order);
    return NULL;
}

static int refuse(const char **ret_problem, const char *problem)
{
    *ret_problem = problem;
    return -EINVAL;
}

static int take_md5(struct firmware_order *o, const char *text)
{
    if (strlen(text) != FIRMWARE_MD5_SIZE - 1)
        return -EINVAL;
    for (size_t i = 0; i < FIRMWARE_MD5_SIZE - 1; i++) {
        if (!isxdigit((unsigned char) text[i]))
            return -EINVAL;
        o->md5[i] = (char) tolower((unsigned char) text[i]);
    }
    return 0;
}

static bool is_url(const char *text)
{
    if (strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0)
        return false;
    for (const char *p = text; *p; p++) {
        if ((unsigned char) *p <= ' ' || (unsigned char) *p >= 0x7f)
            return false;
    }
    return strlen(text) <= LIMIT_URL;
}

/* The vendor's is a text that holds JSON; a tree is taken as its text. */
static int take_custom(struct firmware_order *o, const json_t *json, const char **ret_problem)
{
    const json_t *custom = json_object_get(json, "user_defined");

    if (!custom || json_is_null(custom))
        o->custom = strdup("");
    else if (json_is_string(custom))
        o->custom = strdup(json_string_value(custom));
    else
        o->custom = json_dumps(custom, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!o->custom)
        return -ENOMEM;
    if (strlen(o->custom) > LIMIT_FIRMWARE_CUSTOM)
        return refuse(ret_problem, "the custom information is too long");
    return 0;
}

static bool is_documented(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(documented); i++) {
        if (strcmp(documented[i], key) == 0)
            return true;
    }
    return false;
}

static int take_extra(struct firmware_order *o, const json_t *json, const char **ret_problem)
{
    CLEANUP(jx_decrefp) json_t *extra = json_object();
    const char *key;
    json_t *value;

    if (!extra)
        return -ENOMEM;
    json_object_foreach((json_t *) (uintptr_t) json, key, value)
    {
        if (!is_documented(key) && json_object_set(extra, key, value) < 0)
            return -ENOMEM;
    }
    (void) snprintf(o->fw_type, sizeof(o->fw_type), "%s", jx_string_or(extra, "fw_type", ""));
    if (strcmp(o->fw_type, jx_string_or(extra, "fw_type", "")) != 0)
        return refuse(ret_problem, "fw_type is too long");
    o->extra = json_dumps(extra, JSON_COMPACT | JSON_SORT_KEYS);
    if (!o->extra)
        return -ENOMEM;
    if (strlen(o->extra) > LIMIT_FIRMWARE_EXTRA)
        return refuse(ret_problem, "there is too much besides what is documented");
    return 0;
}

int firmware_order_parse(struct firmware_order **ret_order, const json_t *json,
                         const char **ret_problem)
{
    CLEANUP(firmware_order_freep) struct firmware_order *o = calloc(1, sizeof(*o));
    const char *version = jx_string_or(json, "version", "");
    int64_t size;
    int r;

    if (!o)
        return -ENOMEM;
    if (!name_is_version(version))
        return refuse(ret_problem, "the version is not 1 to 32 of A-Za-z0-9._-");
    (void) snprintf(o->version, sizeof(o->version), "%s", version);
    if (jx_get_number_or_text(json, "file_size", &size) < 0 || size <= 0)
        return refuse(ret_problem, "there is no file_size");
    if ((uint64_t) size > LIMIT_FIRMWARE)
        return refuse(ret_problem, "the image is larger than 1 GiB");
    o->size = (uint64_t) size;
    if (take_md5(o, jx_string_or(json, "md5sum", "")) < 0)
        return refuse(ret_problem, "md5sum is not 32 hex digits");
    if (!is_url(jx_string_or(json, "url", "")))
        return refuse(ret_problem, "the url is not http:// or https://, or too long");
    o->url = strdup(jx_string_or(json, "url", ""));
    r = o->url ? take_custom(o, json, ret_problem) : -ENOMEM;
    if (r == 0)
        r = take_extra(o, json, ret_problem);
    if (r < 0)
        return r;
    *ret_order = TAKE(o);
    return 0;
}

int firmware_order_text(const struct firmware_order *order, char **ret_text)
{
    struct strbuf sb;

    strbuf_init(&sb, TEXT_MAX);
    strbuf_addf(&sb,
                "{\"version\":\"%s\",\"file_size\":%llu,\"md5sum\":\"%s\",\"url\":", order->version,
                (unsigned long long) order->size, order->md5);
    strbuf_add_json(&sb, order->url);
    strbuf_adds(&sb, ",\"user_defined\":");
    strbuf_add_json(&sb, order->custom);
    if (strcmp(order->extra, "{}") != 0) {
        strbuf_addc(&sb, ',');
        strbuf_adds(&sb, order->extra + 1); /* and its last brace is ours */
    } else {
        strbuf_addc(&sb, '}');
    }
    return strbuf_finish(&sb, ret_text);
}

int firmware_order_local(struct firmware_order **ret_order, const char *version, uint64_t size)
{
    CLEANUP(firmware_order_freep) struct firmware_order *o = NULL;

    if (!name_is_version(version) || size == 0 || size > LIMIT_FIRMWARE)
        return -EINVAL;
    o = calloc(1, sizeof(*o));
    if (!o)
        return -ENOMEM;
    (void) snprintf(o->version, sizeof(o->version), "%s", version);
    o->size = size;
    o->url = strdup("");
    o->custom = strdup("");
    o->extra = strdup("{}");
    if (!o->url || !o->custom || !o->extra)
        return -ENOMEM;
    *ret_order = TAKE(o);
    return 0;
}

bool firmware_order_is_same(const struct firmware_order *a, const struct firmware_order *b)
{
    return strcmp(a->version, b->version) == 0 && strcmp(a->md5, b->md5) == 0 && a->size == b->size;
}

int firmware_order_signature(const struct firmware_order *order, char **ret_base64, char **ret_url)
{
    CLEANUP(jx_decrefp) json_t *json = NULL;
    const char *text, *url;
    char *copy;
    int r = jx_parse_object(order->custom, strlen(order->custom), &json, NULL);

    if (r < 0)
        return r == -ENOMEM ? r : -ENOENT;
    text = jx_string_or(json, "signature", "");
    url = jx_string_or(json, "signature_url", "");
    if (!*text && !is_url(url))
        return -ENOENT;
    copy = strdup(*text ? text : url);
    if (!copy)
        return -ENOMEM;
    *ret_base64 = *text ? copy : NULL;
    *ret_url = *text ? NULL : copy;
    return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Images: what the console's form asks for, and the file. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "examples/localcloud/ota_state.h"

struct ota_firmware *ota_firmware_free(struct ota_firmware *f)
{
    if (!f)
        return NULL;
    json_decref(f->extra);
    free(f);
    return NULL;
}

const struct ota_firmware *ota_find_firmware(const struct ota *o,
                                             const struct config_product *product,
                                             const char *version)
{
    LIST_FOR_EACH (n, &o->firmware) {
        const struct ota_firmware *f = LIST_ENTRY(n, struct ota_firmware, link);

        if (f->product == product && strcmp(f->version, version) == 0)
            return f;
    }
    return NULL;
}

const struct blob *ota_firmware_blob(const struct ota *o, const struct ota_firmware *f)
{
    return blobs_find(o->deps.blobs, f->key);
}

/* A text of at most max bytes; missing is "". */
static int get_text(const json_t *request, const char *key, char *buf, size_t max, char *error)
{
    const json_t *v = json_object_get(request, key);

    if (v && (!json_is_string(v) || json_string_length(v) > max))
        return ota_wrong(error, -EINVAL, "%s must be a string of at most %zu bytes", key, max);
    (void) snprintf(buf, max + 1, "%s", v ? json_string_value(v) : "");
    return 0;
}

/* The custom information: an object, or a text as it goes to the device. */
static int get_custom(const json_t *request, char buf[OTA_CUSTOM_MAX + 1], char *error)
{
    const json_t *v = json_object_get(request, "custom");
    CLEANUP(freep) char *text = json_is_object(v) ? json_dumps(v, JSON_COMPACT) : NULL;

    if (!json_is_object(v))
        return get_text(request, "custom", buf, OTA_CUSTOM_MAX, error);
    if (!text)
        return -ENOMEM;
    if (strlen(text) > OTA_CUSTOM_MAX)
        return ota_wrong(error, -EINVAL, "custom is longer than %d bytes", OTA_CUSTOM_MAX);
    (void) snprintf(buf, OTA_CUSTOM_MAX + 1, "%s", text);
    return 0;
}

int ota_parse_firmware(const struct ota *o, const json_t *request,
                       struct ota_firmware **ret_firmware, char error[OTA_ERROR_MAX])
{
    CLEANUP(ota_firmware_freep) struct ota_firmware *f = calloc(1, sizeof(*f));
    const char *product = json_string_value(json_object_get(request, "product"));
    const char *version = json_string_value(json_object_get(request, "version"));
    json_t *extra = json_object_get(request, "extra");
    int e;

    if (!f)
        return -ENOMEM;
    f->product = product ? config_find_product(o->deps.config, product) : NULL;
    if (!f->product)
        return ota_wrong(error, -EINVAL, "product must be one of the configuration");
    if (!ota_is_version(version))
        return ota_wrong(error, -EINVAL,
                         "version must be 1 to 32 of letters, digits, '.', '-', '_'");
    if (extra && !json_is_object(extra))
        return ota_wrong(error, -EINVAL, "extra must be an object");
    e = get_text(request, "name", f->name, OTA_NAME_MAX, error);
    if (e == 0)
        e = get_text(request, "description", f->description, OTA_DESCRIPTION_MAX, error);
    if (e == 0)
        e = get_text(request, "fw_type", f->fw_type, sizeof(f->fw_type) - 1, error);
    if (e == 0)
        e = get_custom(request, f->custom, error);
    if (e < 0)
        return e;
    f->extra = json_incref(extra);
    (void) snprintf(f->version, sizeof(f->version), "%s", version);
    if (!*f->name)
        (void) snprintf(f->name, sizeof(f->name), "%s", version);
    (void) snprintf(f->key, sizeof(f->key), "firmware/%s/%s", f->product->id, f->version);
    if (!blobs_is_key(f->key)) /* "1..2" */
        return ota_wrong(error, -EINVAL, "version cannot be the name of a file");
    *ret_firmware = TAKE(f);
    return 0;
}

static void forget(struct ota *o, const char *key)
{
    LIST_FOR_EACH_SAFE (n, &o->firmware) {
        struct ota_firmware *f = LIST_ENTRY(n, struct ota_firmware, link);

        if (strcmp(f->key, key) != 0)
            continue;
        list_remove(&f->link);
        o->n_firmware--;
        ota_firmware_free(f);
    }
}

int ota_add_firmware(struct ota *o, const json_t *request, json_t **ret_answer,
                     char ret_error[OTA_ERROR_MAX])
{
    CLEANUP(ota_firmware_freep) struct ota_firmware *f = NULL;
    CLEANUP(freep) char *url = NULL;
    const json_t *size = json_object_get(request, "size");
    const char *md5 = json_string_value(json_object_get(request, "md5"));
    int e = ota_parse_firmware(o, request, &f, ret_error);

    if (e < 0)
        return e;
    if (size && (!json_is_integer(size) || json_integer_value(size) < 1 ||
                 json_integer_value(size) > (json_int_t) BLOBS_SIZE_MAX))
        return ota_wrong(ret_error, -EINVAL, "size must be 1 to 1073741824");
    if (blobs_find(o->deps.blobs, f->key) && ota_find_firmware(o, f->product, f->version))
        return ota_wrong(ret_error, -EEXIST, "version %s is there already", f->version);
    if (o->n_firmware >= OTA_FIRMWARE_MAX)
        return ota_wrong(ret_error, -ENOSPC, "there are %d images already", OTA_FIRMWARE_MAX);
    e = blobs_put_url(o->deps.blobs, f->key, (uint64_t) json_integer_value(size), md5, 0, &url);
    if (e < 0)
        return ota_wrong(ret_error, e, "md5 must be 32 hexadecimal digits");
    forget(o, f->key); /* one whose file never came */
    blobs_remove(o->deps.blobs, f->key);
    f->time_s = clock_real_ms(o->deps.clock) / 1000;
    *ret_answer = json_pack("{s:s, s:s}", "key", f->key, "upload_url", url);
    list_append(&o->firmware, &f->link);
    o->n_firmware++;
    f = NULL;
    ota_save(o);
    return *ret_answer ? 0 : -ENOMEM;
}

int ota_remove_firmware(struct ota *o, const json_t *request, json_t **ret_answer,
                        char ret_error[OTA_ERROR_MAX])
{
    CLEANUP(ota_firmware_freep) struct ota_firmware *f = NULL;
    int e = ota_parse_firmware(o, request, &f, ret_error);

    if (e < 0)
        return e;
    if (!ota_find_firmware(o, f->product, f->version))
        return ota_wrong(ret_error, -ENOENT, "there is no version %s", f->version);
    forget(o, f->key);
    blobs_remove(o->deps.blobs, f->key);
    ota_save(o);
    *ret_answer = json_pack("{s:b}", "ok", 1);
    return *ret_answer ? 0 : -ENOMEM;
}

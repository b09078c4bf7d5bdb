/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members of a request: types, ranges, words. What a fault makes of them: faults_apply.c. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "examples/localcloud/faults_state.h"

enum type {
    TYPE_NUMBER,
    TYPE_BOOL,
    TYPE_WORD,
    TYPE_HEX,
    TYPE_KEY,
};

/* The order is that of the values: "both" is up and down. */
static const char *const directions[] = {"both", "up", "down", NULL};
static const char *const layers[] = {"mqtt", "websocket", NULL};

static const struct {
    const char *name;
    enum type type;
    const char *const *words;
} members[FAULTS_MEMBER_COUNT_] = {
    [FAULTS_MEMBER_AFTER_BYTES] = {"after_bytes", TYPE_NUMBER, NULL},
    [FAULTS_MEMBER_AFTER_PACKETS] = {"after_packets", TYPE_NUMBER, NULL},
    [FAULTS_MEMBER_BYTES] = {"bytes", TYPE_NUMBER, NULL},
    [FAULTS_MEMBER_CODE] = {"code", TYPE_NUMBER, NULL},
    [FAULTS_MEMBER_COUNT] = {"count", TYPE_NUMBER, NULL},
    [FAULTS_MEMBER_DIRECTION] = {"direction", TYPE_WORD, directions},
    [FAULTS_MEMBER_HEX] = {"hex", TYPE_HEX, NULL},
    [FAULTS_MEMBER_KEY] = {"key", TYPE_KEY, NULL},
    [FAULTS_MEMBER_KIND] = {"kind", TYPE_WORD, faults_file_names},
    [FAULTS_MEMBER_LAYER] = {"layer", TYPE_WORD, layers},
    [FAULTS_MEMBER_LOGIN] = {"login", TYPE_BOOL, NULL},
    [FAULTS_MEMBER_METHOD] = {"method", TYPE_WORD, faults_method_names},
    [FAULTS_MEMBER_MS] = {"ms", TYPE_NUMBER, NULL},
    [FAULTS_MEMBER_OFFSET_MS] = {"offset_ms", TYPE_NUMBER, NULL},
    [FAULTS_MEMBER_ON] = {"on", TYPE_BOOL, NULL},
    [FAULTS_MEMBER_SEED] = {"seed", TYPE_NUMBER, NULL},
    [FAULTS_MEMBER_SENT] = {"sent", TYPE_BOOL, NULL},
};

int faults_wrong(char error[FAULTS_ERROR_MAX], const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(error, FAULTS_ERROR_MAX, fmt, ap);
    va_end(ap);
    return -EINVAL;
}

static int parse_number(const struct faults_argument *a, const json_t *v, int64_t *ret_value,
                        char *error)
{
    if (!json_is_integer(v) || json_integer_value(v) < a->min || json_integer_value(v) > a->max)
        return faults_wrong(error, "%s must be an integer from %lld to %lld",
                            members[a->member].name, (long long) a->min, (long long) a->max);
    *ret_value = json_integer_value(v);
    return 0;
}

static int parse_word(enum faults_member member, const json_t *v, int64_t *ret_value, char *error)
{
    const char *const *words = members[member].words;
    const char *word = json_string_value(v);
    size_t at;

    for (size_t i = 0; words[i]; i++) {
        if (word && strcmp(words[i], word) == 0) {
            *ret_value = (int64_t) i;
            return 0;
        }
    }
    (void) faults_wrong(error, "%s must be one of", members[member].name);
    for (size_t i = 0; words[i]; i++) {
        at = strlen(error);
        (void) snprintf(error + at, FAULTS_ERROR_MAX - at, "%s %s", i ? "," : "", words[i]);
    }
    return -EINVAL;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *p = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

    return p ? (int) (p - digits) : -1;
}

static int parse_hex(struct faults_request *rq, const json_t *v, char *error)
{
    const char *text = json_string_value(v);
    size_t len = text ? json_string_length(v) : 0;

    rq->len = 0;
    for (size_t i = 0; len % 2 == 0 && len <= sizeof(rq->data) * 2 && i < len; i += 2) {
        int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

        if (high < 0 || low < 0)
            break;
        rq->data[rq->len++] = (uint8_t) (high << 4 | low);
    }
    if (len == 0 || rq->len * 2 != len)
        return faults_wrong(error, "hex must be a string of 1 to %zu bytes in hexadecimal",
                            sizeof(rq->data));
    return 0;
}

static int parse_key(struct faults_request *rq, const json_t *v, char *error)
{
    const char *text = json_string_value(v);

    if (!text || !*text || strlen(text) > FAULTS_KEY_MAX)
        return faults_wrong(error, "key must be a string of 1 to %d characters", FAULTS_KEY_MAX);
    (void) snprintf(rq->key, sizeof(rq->key), "%s", text);
    return 0;
}

static int parse_argument(struct faults_request *rq, const struct faults_argument *a,
                          const json_t *v, char *error)
{
    int64_t *value = &rq->value[a->member];

    rq->has[a->member] = v != NULL;
    *value = a->fallback;
    if (!v)
        return a->required ? faults_wrong(error, "%s is missing", members[a->member].name) : 0;

    switch (members[a->member].type) {
    case TYPE_NUMBER:
        return parse_number(a, v, value, error);
    case TYPE_BOOL:
        *value = json_is_true(v);
        return json_is_boolean(v)
                   ? 0
                   : faults_wrong(error, "%s must be true or false", members[a->member].name);
    case TYPE_WORD:
        return parse_word(a->member, v, value, error);
    case TYPE_HEX:
        return parse_hex(rq, v, error);
    case TYPE_KEY:
        return parse_key(rq, v, error);
    }
    return -EINVAL;
}

static int parse_device(struct faults_request *rq, const struct config *config,
                        const json_t *device, char *error)
{
    if (!device)
        return 0;
    if (!json_is_string(device))
        return faults_wrong(error, "device must be a string PID/DN");
    rq->device = config_find_device_id(config, json_string_value(device));
    return rq->device ? 0
                      : faults_wrong(error, "there is no device %.64s", json_string_value(device));
}

static bool has_argument(const struct faults_argument *arguments, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(members[arguments[i].member].name, key) == 0)
            return true;
    }
    return false;
}

int faults_request_parse(struct faults_request *ret_request, const json_t *request,
                         const struct config *config, const struct faults_argument *arguments,
                         size_t n_arguments, bool has_device, char error[FAULTS_ERROR_MAX])
{
    struct faults_request rq = {0};
    const char *key;
    json_t *value;

    json_object_foreach((json_t *) (uintptr_t) request, key, value)
    {
        if (strcmp(key, "fault") != 0 && (strcmp(key, "device") != 0 || !has_device) &&
            !has_argument(arguments, n_arguments, key))
            return faults_wrong(error, "this fault has no member \"%.64s\"", key);
    }
    if (parse_device(&rq, config, json_object_get(request, "device"), error) < 0)
        return -EINVAL;
    for (size_t i = 0; i < n_arguments; i++) {
        value = json_object_get(request, members[arguments[i].member].name);
        if (parse_argument(&rq, &arguments[i], value, error) < 0)
            return -EINVAL;
    }
    *ret_request = rq;
    return 0;
}

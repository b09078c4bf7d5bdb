/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/app_sign.h"

#include <errno.h>
#include <string.h>

#include "examples/localcloud/sign.h"
#include "libiotclient/base/strbuf.h"

#define SIGN_TEXT_MAX (1024 * 1024)

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* Strings as they are; anything else as its JSON text, which is what people see in the body. */
static int add_pair(struct strbuf *sb, const char *name, const json_t *value)
{
    CLEANUP(freep) char *dump = NULL;
    const char *text = json_string_value(value);

    if (!text) {
        dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        text = dump;
    }
    if (!text)
        return -ENOMEM;
    if (!*text)
        return 0;
    if (sb->len > 0)
        strbuf_addc(sb, '&');
    for (const char *p = name; *p; p++)
        strbuf_addc(sb, *p == '_' ? '.' : *p);
    strbuf_addc(sb, '=');
    strbuf_adds(sb, text);
    return 0;
}

int app_sign_text(const json_t *params, char **ret_text)
{
    CLEANUP(freep) const char **names = NULL;
    CLEANUP(strbuf_done) struct strbuf sb;
    size_t n = 0;
    const char *name;
    json_t *value;
    int e = 0;

    strbuf_init(&sb, SIGN_TEXT_MAX);
    names = calloc(json_object_size(params) + 1, sizeof(*names));
    if (!names)
        return -ENOMEM;
    json_object_foreach((json_t *) (uintptr_t) params, name, value)
    {
        if (strcmp(name, "Signature") != 0)
            names[n++] = name;
    }
    qsort(names, n, sizeof(*names), compare_names);
    for (size_t i = 0; i < n && e == 0; i++)
        e = add_pair(&sb, names[i], json_object_get(params, names[i]));
    return e < 0 ? e : strbuf_finish(&sb, ret_text);
}

int app_sign(const json_t *params, const char *secret, char **ret_signature)
{
    CLEANUP(freep) char *text = NULL;
    struct sign_digest digest;
    int e = app_sign_text(params, &text);

    if (e == 0)
        e = sign_hmac(SIGN_METHOD_HMACSHA1, secret, strlen(secret), text, strlen(text), &digest);
    return e < 0 ? e : sign_base64_encode(digest.bytes, digest.len, ret_signature);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/updater.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/core/install_exec.h"
#include "daemon/crypto/base64.h"
#include "daemon/front/bus_rauc.h"
#include "daemon/net/fetch_text.h"

#define EXEC "exec:"
#define RAUC "rauc"

struct updater {
    struct fetcher *fetcher;       /* borrowed: manager */
    const struct verify_key *key;  /* borrowed: manager; or NULL */
    struct installer *exec, *rauc; /* at most one */
    char *dir;
};

struct update_text {
    struct fetch_text *fetch;
    update_text_fn fn;
    void *userdata;
};

static int start_fetch(struct fetch **ret_fetch, void *data, const struct fetch_request *request,
                       const struct fetch_events *events, void *userdata)
{
    struct updater *u = data;

    return fetch_start(ret_fetch, u->fetcher, request, events, userdata);
}

static bool needs_signature(void *data)
{
    return ((struct updater *) data)->key != NULL;
}

static int verify(void *data, const uint8_t sha256[32], const char *base64)
{
    uint8_t signature[VERIFY_MAX_SIGNATURE];
    int len = base64_decode(base64, signature, sizeof(signature));

    if (len < 0)
        return -EBADMSG;
    return verify_digest(((struct updater *) data)->key, sha256, signature, (size_t) len);
}

/* A file of base64 has a line break at its end; anything else is the signature itself. */
static int to_base64(const char *data, size_t len, char *text, size_t size)
{
    uint8_t bytes[VERIFY_MAX_SIGNATURE];
    size_t n = len;

    while (n > 0 && isspace((unsigned char) data[n - 1]))
        n--;
    if (n > 0 && n < size && !memchr(data, '\0', n)) {
        memcpy(text, data, n);
        text[n] = '\0';
        if (base64_decode(text, bytes, sizeof(bytes)) > 0)
            return 0;
    }
    return base64_encode(data, len, text, size);
}

static void on_text(enum transfer_result result, const char *text, size_t len, void *userdata)
{
    struct update_text *t = userdata;
    char base64[2 * VERIFY_MAX_SIGNATURE];

    if (result != TRANSFER_OK)
        t->fn(-EIO, text, t->userdata);
    else if (to_base64(text, len, base64, sizeof(base64)) < 0)
        t->fn(-EMSGSIZE, "it is too long", t->userdata);
    else
        t->fn(0, base64, t->userdata);
}

static struct update_text *text_free(struct update_text *text)
{
    fetch_text_free(text->fetch);
    free(text);
    return NULL;
}

static int text_start(struct update_text **ret_text, void *data, const char *url, update_text_fn fn,
                      void *userdata)
{
    struct update_text *t = calloc(1, sizeof(*t));
    int r;

    if (!t)
        return -ENOMEM;
    t->fn = fn;
    t->userdata = userdata;
    r = fetch_text_start(&t->fetch, ((struct updater *) data)->fetcher, url,
                         2 * VERIFY_MAX_SIGNATURE, on_text, t);
    if (r < 0) {
        free(t);
        return r;
    }
    *ret_text = t;
    return 0;
}

const struct update_ops updater_ops = {
    .fetch_start = start_fetch,
    .fetch_free = fetch_free,
    .needs_signature = needs_signature,
    .verify = verify,
    .text_start = text_start,
    .text_free = text_free,
};

static bool is_exec(const char *text)
{
    return strncmp(text, EXEC, strlen(EXEC)) == 0;
}

const char *updater_installer_problem(const char *text)
{
    if (!*text || strcmp(text, RAUC) == 0)
        return NULL;
    if (!is_exec(text))
        return "is neither exec:/path nor rauc";
    return text[strlen(EXEC)] == '/' ? NULL : "is not an absolute path";
}

/* Absolute, since others are told where the image is. */
static int make_dir(struct updater *u, const struct conf *conf, const char *state_dir)
{
    CLEANUP(freep) char *base = NULL;

    if (*conf->firmware_dir) {
        u->dir = strdup(conf->firmware_dir);
        return u->dir ? 0 : -ENOMEM;
    }
    base = realpath(state_dir, NULL);
    if (!base)
        return -errno;
    if (asprintf(&u->dir, "%s/firmware", base) < 0) {
        u->dir = NULL;
        return -ENOMEM;
    }
    return 0;
}

int updater_new(struct updater **ret_updater, struct loop *loop, struct fetcher *fetcher,
                const struct verify_key *key, const struct conf *conf, const char *state_dir)
{
    const uint64_t timeout_us = (uint64_t) conf->firmware_install_timeout * USEC_PER_SEC;
    CLEANUP(updater_freep) struct updater *u = calloc(1, sizeof(*u));
    int r;

    if (!u)
        return -ENOMEM;
    u->fetcher = fetcher;
    u->key = key;
    r = make_dir(u, conf, state_dir);
    if (r < 0)
        return r;
    if (is_exec(conf->firmware_installer))
        r = install_exec_new(&u->exec, loop, conf->firmware_installer + strlen(EXEC), timeout_us);
    else if (strcmp(conf->firmware_installer, RAUC) == 0)
        r = bus_rauc_new(&u->rauc, loop, timeout_us);
    if (r < 0)
        return r;
    *ret_updater = TAKE(u);
    return 0;
}

struct updater *updater_free(struct updater *updater)
{
    if (!updater)
        return NULL;

    install_exec_free(updater->exec);
    bus_rauc_free(updater->rauc);
    free(updater->dir);
    free(updater);
    return NULL;
}

const char *updater_dir(const struct updater *updater)
{
    return updater->dir;
}

struct installer *updater_installer(const struct updater *updater)
{
    return updater->exec ? updater->exec : updater->rauc;
}

struct installer *updater_rauc(const struct updater *updater)
{
    return updater->rauc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/binds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/localcloud/sign.h"

struct binds {
    const struct cloud_clock *clock;
    struct bind *devices;
    struct list tokens;
    size_t n_tokens;
};

int binds_new(struct binds **ret_binds, const struct config *config,
              const struct cloud_clock *clock)
{
    CLEANUP(binds_freep) struct binds *b = calloc(1, sizeof(*b));

    if (!b)
        return -ENOMEM;
    b->clock = clock;
    list_init(&b->tokens);
    b->devices = calloc(config->n_devices + 1, sizeof(*b->devices));
    if (!b->devices)
        return -ENOMEM;
    *ret_binds = TAKE(b);
    return 0;
}

void binds_remove_token(struct binds *b, struct bind_token *token)
{
    list_remove(&token->link);
    b->n_tokens--;
    free(token);
}

struct binds *binds_free(struct binds *b)
{
    if (!b)
        return NULL;

    while (!list_is_empty(&b->tokens))
        binds_remove_token(b, LIST_ENTRY(b->tokens.next, struct bind_token, link));
    free(b->devices);
    free(b);
    return NULL;
}

static uint64_t now_s(const struct binds *b)
{
    return clock_real_ms(b->clock) / 1000;
}

const struct bind *binds_get(const struct binds *b, const struct config_device *device)
{
    const struct bind *bind = &b->devices[device->index];

    return *bind->family ? bind : NULL;
}

int binds_set(struct binds *b, const struct config_device *device, const char *family,
              const char *room, const char *user)
{
    struct bind *bind = &b->devices[device->index];

    if (!*family || strlen(family) > BINDS_NAME_MAX || strlen(room) > BINDS_NAME_MAX)
        return -EINVAL;
    (void) snprintf(bind->family, sizeof(bind->family), "%s", family);
    (void) snprintf(bind->room, sizeof(bind->room), "%s", room);
    (void) snprintf(bind->user, sizeof(bind->user), "%s", user);
    bind->time_s = now_s(b);
    return 0;
}

void binds_clear(struct binds *b, const struct config_device *device)
{
    b->devices[device->index] = (struct bind){.family = ""};
}

int binds_new_token(struct binds *b, char ret_token[BINDS_TOKEN_LEN + 1])
{
    struct bind_token *t = calloc(1, sizeof(*t));
    int e;

    if (!t)
        return -ENOMEM;
    e = sign_random_hex(t->text, BINDS_TOKEN_LEN);
    if (e < 0) {
        free(t);
        return e;
    }
    t->expire_s = now_s(b) + BINDS_TOKEN_LIFE_S;
    if (b->n_tokens == BINDS_TOKENS_MAX)
        binds_remove_token(b, LIST_ENTRY(b->tokens.next, struct bind_token, link));
    list_append(&b->tokens, &t->link);
    b->n_tokens++;
    memcpy(ret_token, t->text, sizeof(t->text));
    return 0;
}

int binds_find_token(struct binds *b, const char *text, struct bind_token **ret_token)
{
    LIST_FOR_EACH (n, &b->tokens) {
        struct bind_token *t = LIST_ENTRY(n, struct bind_token, link);

        if (strcmp(t->text, text) != 0)
            continue;
        if (t->expire_s <= now_s(b))
            return -ETIME;
        *ret_token = t;
        return 0;
    }
    return -ENOENT;
}

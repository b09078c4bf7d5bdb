/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_COMPLETION_H
#define IOTD_CORE_COMPLETION_H

/*
 * Tells a peer how what it handed in ended: token is what it got when it handed it in. code is 0,
 * the cloud's code, or one of the codes of dbus/errors.def. Names of peers hold within a scope
 * only (one run of the bus); a token of another scope belongs to nobody any more.
 * A peer "" is nobody from the beginning.
 */

#include <stdint.h>
#include <string.h>

#define COMPLETION_SCOPE 64

struct completion {
    uint64_t last_token;
    unsigned run; /* counts the scopes of this process */
    char scope[COMPLETION_SCOPE];
    void (*fn)(const char *peer, uint64_t token, int code, const char *text, void *userdata);
    void *userdata;
};

static inline uint64_t completion_token(struct completion *c)
{
    return ++c->last_token;
}

/* Tokens up to this one are taken. */
static inline void completion_skip(struct completion *c, uint64_t token)
{
    if (token > c->last_token)
        c->last_token = token;
}

static inline void completion_set_scope(struct completion *c, const char *scope)
{
    c->run++;
    c->scope[0] = '\0';
    strncat(c->scope, scope, sizeof(c->scope) - 1);
}

static inline void completion_tell(struct completion *c, const char *scope, const char *peer,
                                   uint64_t token, int code, const char *text)
{
    if (c->fn && peer[0] && strcmp(c->scope, scope) == 0)
        c->fn(peer, token, code, text, c->userdata);
}

#endif /* IOTD_CORE_COMPLETION_H */

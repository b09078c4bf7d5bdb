/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_COMPLETION_H
#define IOTD_CORE_COMPLETION_H

/*
 * Tells a peer how what it handed in ended: token is what it got when it handed it in. code is 0,
 * the cloud's code, or one of the codes of dbus/errors.def.
 */

#include <stdint.h>

struct completion {
    uint64_t last_token;
    void (*fn)(const char *peer, uint64_t token, int code, const char *text, void *userdata);
    void *userdata;
};

static inline uint64_t completion_token(struct completion *c)
{
    return ++c->last_token;
}

static inline void completion_tell(struct completion *c, const char *peer, uint64_t token, int code,
                                   const char *text)
{
    if (c->fn)
        c->fn(peer, token, code, text, c->userdata);
}

#endif /* IOTD_CORE_COMPLETION_H */

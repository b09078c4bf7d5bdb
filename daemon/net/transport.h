/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_NET_TRANSPORT_H
#define IOTD_NET_TRANSPORT_H

/*
 * A reliable byte stream to the cloud: WebSocket or TCP. One connection at a time; the owner is
 * told once how it ended. Tests have their own implementation.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

struct transport {
    const struct transport_ops *ops;
};

/* Where to connect. Strings are borrowed for the time of the call. */
struct transport_target {
    bool websocket;
    bool tls;
    const char *address; /* numeric */
    const char *host;    /* as in the URL: Host header, server name */
    uint16_t port;
    const char *path; /* WebSocket */
};

struct transport_events {
    void (*on_open)(void *userdata);
    void (*on_data)(const uint8_t *data, size_t len, void *userdata);
    /* All that was sent has left. */
    void (*on_drained)(void *userdata);
    /* Once for each open that returned 0, also when it never got through. answered: a server was
     * there at all. Not after transport_abort(). */
    void (*on_closed)(bool answered, const char *reason, void *userdata);
};

struct transport_ops {
    int (*open)(struct transport *t, const struct transport_target *target);
    int (*send)(struct transport *t, const uint8_t *data, size_t len);
    void (*close)(struct transport *t);
    void (*abort)(struct transport *t);
    struct transport *(*free)(struct transport *t);
};

/* 0; -EALREADY still open; -EOPNOTSUPP; -ENOMEM. Events never run inside. */
static inline int transport_open(struct transport *t, const struct transport_target *target)
{
    return t->ops->open(t, target);
}

/* Copies. 0; -ENOTCONN; -ENOBUFS too much is waiting; -ENOMEM */
static inline int transport_send(struct transport *t, const uint8_t *data, size_t len)
{
    return t->ops->send(t, data, len);
}

/* Sends what is queued, then closes; on_closed follows within a few seconds. */
static inline void transport_close(struct transport *t)
{
    t->ops->close(t);
}

/* Drops the connection; no event follows. */
static inline void transport_abort(struct transport *t)
{
    t->ops->abort(t);
}

static inline struct transport *transport_free(struct transport *t)
{
    return t ? t->ops->free(t) : NULL;
}
DEFINE_FREEP(struct transport, transport_free)

#endif /* IOTD_NET_TRANSPORT_H */

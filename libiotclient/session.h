/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_SESSION_H
#define IOTD_LIBIOTCLIENT_SESSION_H

/*
 * The way to iotd: a private connection to the system bus, the watch over the name org.iotd1, and
 * Attach. Comes back by itself after a restart of iotd or of the bus. Messages of anyone but the
 * owner of the name never get through. Never calls up from inside a call from above.
 */

#include "dbus/msg.h"
#include "libiotclient/base/list.h"
#include "libiotclient/base/loop.h"

struct session;

struct session_ops {
    /* Attach is about to leave: adds to its options. */
    int (*on_attaching)(DBusMessageIter *options, void *userdata);
    /* Attach was answered; reply is borrowed. */
    void (*on_attached)(DBusMessage *reply, void *userdata);
    /* iotd is gone; pending calls were completed with -ECONNRESET before. */
    void (*on_detached)(void *userdata);
    /* A signal of iotd, of the device object; PropertiesChanged also of transfers. Before Attach is
     * answered: Completed only, since an event may be older than this iotd. */
    void (*on_signal)(DBusMessage *msg, void *userdata);
    /* iotd calls an object of ours. */
    void (*on_call)(DBusMessage *msg, void *userdata);
    void (*on_debug)(const char *text, void *userdata);
};

int session_new(struct session **ret_session, struct loop *loop, const char *app_id,
                const struct session_ops *ops, void *userdata) MUST_CHECK;
/* Pending calls are dropped without completion: their owners must be gone before. */
struct session *session_free(struct session *s);

bool session_is_attached(const struct session *s);
/* 0 attached; -EINPROGRESS, -EHOSTDOWN, -ENOENT, or what iotd said to Attach. */
int session_get_error(const struct session *s);
/* Counts attaches: an answer is for the iotd of its epoch only. */
uint64_t session_get_epoch(const struct session *s);

/* A call of a method of iotd, without arguments yet. */
int session_new_call(struct session *s, DBusMessage **ret_msg, const char *path, const char *iface,
                     const char *member) MUST_CHECK;
/* Without an answer. -ECONNRESET while not attached. */
int session_send(struct session *s, DBusMessage *msg);
/* What not every client wants to hear of. */
enum session_news {
    SESSION_NEWS_CHANGED,  /* of Thing */
    SESSION_NEWS_FIRMWARE, /* its properties */
    SESSION_NEWS_FILES,
    SESSION_NEWS_RESOURCES,
    SESSION_NEWS_TRANSFERS, /* their properties */
    SESSION_NEWS_COUNT_
};
/* Whether it is wanted, from the next answer of iotd on. */
int session_hear(struct session *s, enum session_news news, bool on) MUST_CHECK;
/* What iotd said makes no sense: starts again with Attach after a pause. */
void session_restart(struct session *s, int error);

/* For call.c. */
DBusConnection *session_get_bus(struct session *s); /* NULL: not connected */
struct list *session_get_calls(struct session *s);

#endif /* IOTD_LIBIOTCLIENT_SESSION_H */

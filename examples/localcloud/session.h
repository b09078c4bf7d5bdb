/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_SESSION_H
#define IOTD_LOCALCLOUD_SESSION_H

/*
 * What the platform remembers for one ClientId: its subscriptions and the QoS 1 messages that
 * were not acknowledged. Pure state, no clock; the broker decides when the next one is sent.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/list.h"
#include "libiotclient/base/macro.h"

struct session_message {
    struct list link;
    char *topic;
    uint8_t *payload;
    size_t len;
    uint16_t id;
    bool dup;  /* was sent before, on this or an earlier connection */
    bool sent; /* on this connection; waits for PUBACK */
};

struct session {
    struct list filters;
    size_t n_filters;
    size_t max_filters;
    struct list messages; /* oldest first; the sent ones are a prefix */
    size_t n_messages;
    size_t max_messages;
    uint16_t last_id;
    bool present; /* survives the end of the connection */
};

void session_init(struct session *s, size_t max_filters, size_t max_messages);
/* Forgets everything; the object stays usable. */
void session_clear(struct session *s);

/* Replaces the QoS of an equal filter. -ENOSPC at max_filters, -ENOMEM. */
int session_subscribe(struct session *s, const char *filter, uint8_t qos) MUST_CHECK;
void session_unsubscribe(struct session *s, const char *filter);
/* The highest QoS of the filters that match, or -1. */
int session_match(const struct session *s, const char *topic);
/* Calls fn for each filter, for display. */
void session_each_filter(const struct session *s,
                         void (*fn)(const char *filter, uint8_t qos, void *userdata),
                         void *userdata);

enum { SESSION_DROPPED_OLDEST = 1 };
/* SESSION_DROPPED_OLDEST when a message had to go to make room. */
int session_add(struct session *s, const char *topic, const void *payload, size_t len) MUST_CHECK;
/* The oldest one that this connection has not sent yet, or NULL. */
struct session_message *session_next(struct session *s);
void session_mark_sent(struct session_message *m);
/* True if that message was waiting. */
bool session_acknowledge(struct session *s, uint16_t id);
/* A new connection: everything that is left is to be sent again, the sent ones with DUP. */
void session_rewind(struct session *s);
/* After a rewind: they will be sent newest first. */
void session_reverse(struct session *s);

#endif /* IOTD_LOCALCLOUD_SESSION_H */

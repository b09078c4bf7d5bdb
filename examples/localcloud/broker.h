/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_BROKER_H
#define IOTD_LOCALCLOUD_BROKER_H

/*
 * The platform's side of the device connections: login, sessions, permissions, delivery. It
 * knows bytes and topics, not sockets and not the thing model.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "examples/localcloud/clock.h"
#include "examples/localcloud/config.h"
#include "examples/localcloud/faults.h"
#include "examples/localcloud/journal.h"
#include "examples/localcloud/topic.h"
#include "libiotclient/base/loop.h"

#define BROKER_CONNECTIONS_MAX 1024
#define BROKER_CONNECT_DEADLINE_US (10 * USEC_PER_SEC) /* for CONNECT after the transport is up */

struct broker;
struct broker_conn;

struct broker_deps {
    struct loop *loop;
    const struct cloud_clock *clock;
    const struct config *config;
    struct journal *journal;
    struct faults *faults;
};

/* News for the services. */
struct broker_events {
    /* The topic was checked; payload is of the device's making. */
    void (*on_message)(const struct config_device *device, enum topic_kind kind, const char *topic,
                       const uint8_t *payload, size_t len, void *userdata);
};

/* What the broker asks of a transport. */
struct broker_transport {
    const char *name; /* "ws", "wss", "tcp", "tls" */
    /* Copies. -ENOBUFS when too much is waiting already. */
    int (*send)(void *handle, const uint8_t *data, size_t len);
    /* Once; after what was sent has left, or at once with a reset if abort. */
    void (*close)(void *handle, bool abort);
    /* Stops reading, or goes on. */
    void (*pause)(void *handle, bool on);
    /* Bytes that break the framing below MQTT; NULL where there is none. As send(). */
    int (*send_unframed)(void *handle, const uint8_t *data, size_t len);
    /*
     * The public key of the verified certificate that the TLS client showed, DER; its length, or
     * -1 if there is none. NULL where devices show none: certificate devices sign then.
     */
    int (*peer_key)(void *handle, uint8_t *buf, size_t size);
};

int broker_new(struct broker **ret_broker, const struct broker_deps *deps) MUST_CHECK;
/* All connections must be gone. */
struct broker *broker_free(struct broker *b);
DEFINE_FREEP(struct broker, broker_free)
void broker_set_events(struct broker *b, const struct broker_events *events, void *userdata);

/* A transport is up. -ENOBUFS at BROKER_CONNECTIONS_MAX. */
int broker_conn_new(struct broker_conn **ret_conn, struct broker *b,
                    const struct broker_transport *transport, void *handle,
                    const char *peer) MUST_CHECK;
/* The transport is gone; also after close() was asked for. NULL is fine. */
struct broker_conn *broker_conn_free(struct broker_conn *conn);
/* Bytes came. Harmless after the broker has closed. */
void broker_conn_input(struct broker_conn *conn, const uint8_t *data, size_t len);
/* The peer breaks the transport's own rules. */
void broker_conn_violation(struct broker_conn *conn, const char *why);

enum broker_outcome {
    BROKER_SENT,          /* handed to the transport */
    BROKER_STORED,        /* QoS 1, waits in the session */
    BROKER_NOT_DELIVERED, /* offline without session, or not subscribed */
};
enum broker_outcome broker_publish(struct broker *b, const struct config_device *device,
                                   const char *topic, const void *payload, size_t len, uint8_t qos);

bool broker_is_online(const struct broker *b, const struct config_device *device);
/* The address of a device, "" when it is offline. */
const char *broker_peer(const struct broker *b, const struct config_device *device);
/* Whether it has been activated: connected at least once. */
bool broker_was_online(const struct broker *b, const struct config_device *device);
/* device NULL: all, also those that have not said who they are. */
void broker_drop(struct broker *b, const struct config_device *device);
/*
 * Faults were switched: connections go on, send what was kept back, or end if they lost bytes
 * while they were muted, because their peer cannot go on with them.
 */
void broker_faults_changed(struct broker *b);
/* Sends that to connected devices, in the MQTT stream or outside of any WebSocket frame. */
void broker_send_garbage(struct broker *b, const struct config_device *device, const uint8_t *data,
                         size_t len, bool below_framing);
/* Announces a PUBLISH of len bytes, and sends them if whole. */
void broker_send_oversized(struct broker *b, const struct config_device *device, size_t len,
                           bool whole);
/* For GET /state. */
json_t *broker_device_json(const struct broker *b, const struct config_device *device);
json_t *broker_json(const struct broker *b);

#endif /* IOTD_LOCALCLOUD_BROKER_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_BROKER_CONN_H
#define IOTD_LOCALCLOUD_BROKER_CONN_H

/*
 * What broker.c (connections, delivery), broker_input.c (packets) and broker_faults.c share; for
 * them only.
 */

#include "examples/localcloud/broker.h"
#include "examples/localcloud/session.h"
#include "examples/localcloud/wire.h"
#include "libiotclient/base/ratelimit.h"

struct broker_device {
    const struct config_device *config;
    struct broker *broker;
    struct broker_conn *conn; /* NULL while offline */
    struct session session;
    size_t n_backlog;               /* messages still to be paced after a reconnect */
    struct loop_timer pace_timer;   /* armed: the next stored message must wait */
    struct loop_timer expiry_timer; /* armed: offline with a session */
    bool was_connected;
    uint64_t last_connect_us;
    uint64_t online_since_ms;
    uint64_t n_up, n_down, n_connects, n_dropped;
};

struct broker {
    struct broker_deps deps;
    const struct broker_events *events;
    void *userdata;
    struct broker_device *devices;
    struct list conns;
    size_t n_conns;
    uint64_t n_accepted, n_refused;
};

#define BROKER_HELD_PUBACKS_MAX 1024

/* What faults keep back on the way to the device. */
struct broker_flow {
    struct list items; /* of struct flow_item */
    size_t n_bytes;
    struct loop_timer timer;
    uint16_t *pubacks; /* BROKER_HELD_PUBACKS_MAX, or NULL */
    size_t n_pubacks;
};

struct broker_conn {
    struct list link;
    struct broker *broker;
    const struct broker_transport *transport;
    void *handle;
    char peer[64];
    struct wire_reader reader;
    struct broker_device *device;          /* NULL before CONNECT was accepted */
    const struct config_device *muted_for; /* with lost_bytes: whose */
    bool closed;                           /* close() was asked for; input is ignored */
    bool lost_bytes;                       /* muted: the stream has a hole */
    bool paused;                           /* half-open: nothing is read and nothing is sent */
    struct broker_flow flow;
    uint64_t silence_us; /* longest permitted; 0 for ever */
    uint64_t last_input_us;
    struct loop_timer alive_timer; /* CONNECT deadline, then keep-alive */
    struct ratelimit up_limit;
};

/* Says why in the journal, leaves the device, closes. name is the journal's event. */
void broker_conn_end(struct broker_conn *conn, bool abort, const char *name, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* Sends and forgets the packet; an error of the maker (e) is fatal to the connection. */
void broker_conn_send(struct broker_conn *conn, struct wire_packet *packet, int e);
/* Ends the connection if e is an error of the transport or a lack of memory. */
void broker_conn_check(struct broker_conn *conn, int e);
/* The connection speaks for the device from now on. */
void broker_conn_bind(struct broker_conn *conn, struct broker_device *d);
void broker_conn_watch_silence(struct broker_conn *conn, uint64_t silence_us);
/* The device is muted: what came or should leave is gone. */
void broker_conn_lose_bytes(struct broker_conn *conn, const struct config_device *device);
/* True: nothing is worked on and nothing is sent. */
bool broker_conn_is_muted(struct broker_conn *conn);
/* Sends what may be sent now. */
void broker_device_pump(struct broker_device *d);
/* One packet; broker_input.c. */
void broker_conn_packet(struct broker_conn *conn, const struct wire_frame *frame);

/* broker_faults.c: like the transport's send, now or later. */
int broker_conn_write(struct broker_conn *conn, const uint8_t *data, size_t len) MUST_CHECK;
void broker_conn_puback(struct broker_conn *conn, uint16_t id);
/*
 * That part of the input came and was worked on. True, and the connection has ended, if it was
 * the last one before a drop.
 */
bool broker_conn_drop_after(struct broker_conn *conn, const struct config_device *device,
                            enum faults_direction direction, size_t bytes, size_t packets);
/* A CONNECT of a device that gets no answer. */
bool broker_conn_ignores(struct broker_conn *conn, const struct config_device *device);
void broker_flow_init(struct broker_flow *flow);
/* Forgets what is kept back; the object stays usable. */
void broker_flow_clear(struct broker_flow *flow);

#endif /* IOTD_LOCALCLOUD_BROKER_CONN_H */

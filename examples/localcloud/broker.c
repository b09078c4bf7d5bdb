/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Life of connections and sessions, delivery to devices. Packets from devices: broker_input.c. */

#include "examples/localcloud/broker.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "examples/localcloud/broker_conn.h"
#include "libiotclient/base/limits.h"

int broker_new(struct broker **ret_broker, const struct broker_deps *deps)
{
    CLEANUP(broker_freep) struct broker *b = calloc(1, sizeof(*b));
    const struct config *c = deps->config;

    if (!b)
        return -ENOMEM;
    b->deps = *deps;
    list_init(&b->conns);
    b->devices = calloc(c->n_devices + 1, sizeof(*b->devices));
    if (!b->devices)
        return -ENOMEM;
    for (size_t i = 0; i < c->n_devices; i++) {
        b->devices[i].config = &c->devices[i];
        b->devices[i].broker = b;
        session_init(&b->devices[i].session, c->limits.subscriptions, c->limits.session_messages);
    }
    *ret_broker = TAKE(b);
    return 0;
}

struct broker *broker_free(struct broker *b)
{
    if (!b)
        return NULL;

    assert(list_is_empty(&b->conns));
    for (size_t i = 0; b->devices && i < b->deps.config->n_devices; i++) {
        loop_timer_cancel(&b->devices[i].pace_timer);
        loop_timer_cancel(&b->devices[i].expiry_timer);
        session_clear(&b->devices[i].session);
    }
    free(b->devices);
    free(b);
    return NULL;
}

void broker_set_events(struct broker *b, const struct broker_events *events, void *userdata)
{
    b->events = events;
    b->userdata = userdata;
}

static const char *conn_who(const struct broker_conn *conn)
{
    return conn->device ? conn->device->config->id : "";
}

static void on_session_expired(struct loop_timer *timer, void *userdata)
{
    struct broker_device *d = userdata;

    (void) timer;
    session_clear(&d->session);
    journal_event(d->broker->deps.journal, d->config->id, "session_end", "offline for too long");
}

static void device_leave(struct broker_device *d)
{
    const struct broker_deps *deps = &d->broker->deps;

    d->conn = NULL;
    loop_timer_cancel(&d->pace_timer);
    d->n_backlog = 0;
    if (d->session.present)
        loop_timer_arm(deps->loop, &d->expiry_timer,
                       deps->config->limits.session_expiry_s * USEC_PER_SEC, on_session_expired, d);
    else
        session_clear(&d->session);
}

static void conn_leave_device(struct broker_conn *conn)
{
    struct broker_device *d = conn->device;

    conn->device = NULL;
    if (d && d->conn == conn)
        device_leave(d);
}

void broker_conn_end(struct broker_conn *conn, bool abort, const char *name, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    if (conn->closed)
        return;
    va_start(ap, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);

    conn->closed = true;
    loop_timer_cancel(&conn->alive_timer);
    broker_flow_clear(&conn->flow);
    journal_event(conn->broker->deps.journal, conn_who(conn), name, "%s (%s %s)", text,
                  conn->transport->name, conn->peer);
    conn_leave_device(conn);
    conn->transport->close(conn->handle, abort);
}

static void on_silence(struct loop_timer *timer, void *userdata)
{
    struct broker_conn *conn = userdata;
    struct loop *loop = conn->broker->deps.loop;
    uint64_t silent_us = loop_now_us(loop) - conn->last_input_us;

    if (conn->lost_bytes || conn->paused) /* such a link shows no sign of life on either side */
        silent_us = 0;
    if (silent_us < conn->silence_us) {
        loop_timer_arm(loop, timer, conn->silence_us - silent_us, on_silence, conn);
        return;
    }
    if (!conn->device)
        broker_conn_end(conn, false, "violation", "no CONNECT in time");
    else
        broker_conn_end(conn, false, "keepalive_timeout",
                        "Device keepalive timeout, silent for %llu ms",
                        (unsigned long long) (silent_us / USEC_PER_MSEC));
}

void broker_conn_watch_silence(struct broker_conn *conn, uint64_t silence_us)
{
    conn->silence_us = silence_us;
    if (silence_us > 0)
        loop_timer_arm(conn->broker->deps.loop, &conn->alive_timer, silence_us, on_silence, conn);
    else
        loop_timer_cancel(&conn->alive_timer);
}

int broker_conn_new(struct broker_conn **ret_conn, struct broker *b,
                    const struct broker_transport *transport, void *handle, const char *peer)
{
    struct broker_conn *conn;
    unsigned rate = (unsigned) b->deps.config->limits.up_rate;

    if (b->n_conns >= BROKER_CONNECTIONS_MAX)
        return -ENOBUFS;
    conn = calloc(1, sizeof(*conn));
    if (!conn)
        return -ENOMEM;
    conn->broker = b;
    conn->transport = transport;
    conn->handle = handle;
    (void) snprintf(conn->peer, sizeof(conn->peer), "%s", peer);
    wire_reader_init(&conn->reader, LIMIT_MQTT_PACKET);
    broker_flow_init(&conn->flow);
    ratelimit_init(&conn->up_limit, rate, USEC_PER_SEC, rate);
    conn->last_input_us = loop_now_us(b->deps.loop);
    broker_conn_watch_silence(conn, BROKER_CONNECT_DEADLINE_US);
    list_append(&b->conns, &conn->link);
    b->n_conns++;
    *ret_conn = conn;
    return 0;
}

struct broker_conn *broker_conn_free(struct broker_conn *conn)
{
    if (!conn)
        return NULL;

    loop_timer_cancel(&conn->alive_timer);
    broker_flow_clear(&conn->flow);
    if (!conn->closed && conn->device)
        journal_event(conn->broker->deps.journal, conn_who(conn), "closed",
                      "connection closed by the peer without DISCONNECT (%s %s)",
                      conn->transport->name, conn->peer);
    conn_leave_device(conn);
    wire_reader_done(&conn->reader);
    free(conn->flow.pubacks);
    list_remove(&conn->link);
    conn->broker->n_conns--;
    free(conn);
    return NULL;
}

void broker_conn_violation(struct broker_conn *conn, const char *why)
{
    broker_conn_end(conn, false, "violation", "%s", why);
}

void broker_conn_lose_bytes(struct broker_conn *conn, const struct config_device *device)
{
    conn->lost_bytes = true;
    conn->muted_for = device;
    journal_event(conn->broker->deps.journal, device->id, "fault", "muted: bytes are lost (%s %s)",
                  conn->transport->name, conn->peer);
}

bool broker_conn_is_muted(struct broker_conn *conn)
{
    const struct config_device *device = conn->device ? conn->device->config : NULL;

    if (!conn->lost_bytes && device && faults_is_muted(conn->broker->deps.faults, device))
        broker_conn_lose_bytes(conn, device);
    return conn->lost_bytes;
}

/* Whoever does not speak MQTT is told apart by the first byte, not by the deadline. */
static bool starts_wrong(const struct broker_conn *conn)
{
    const struct wire_reader *r = &conn->reader;

    return !conn->device && r->n_header > 0 && r->first >> 4 != WIRE_CONNECT;
}

/* What the reader made of the next bytes. */
static void conn_take(struct broker_conn *conn, int outcome, const struct wire_frame *frame)
{
    if (outcome == WIRE_READER_FRAME)
        broker_conn_packet(conn, frame);
    else if (outcome == 0 && starts_wrong(conn))
        broker_conn_end(conn, false, "violation", "first packet is not CONNECT");
    else if (outcome == -EMSGSIZE)
        broker_conn_end(conn, false, "violation", "packet is longer than %d bytes",
                        LIMIT_MQTT_PACKET);
    else if (outcome < 0)
        broker_conn_end(conn, false, "violation", "bad packet header: %s", strerror(-outcome));
}

void broker_conn_input(struct broker_conn *conn, const uint8_t *data, size_t len)
{
    struct faults *faults = conn->broker->deps.faults;
    struct wire_frame frame;
    int e = WIRE_READER_FRAME;

    conn->last_input_us = loop_now_us(conn->broker->deps.loop);
    while ((e > 0 || len > 0) && !conn->closed && !broker_conn_is_muted(conn)) {
        const struct config_device *device = conn->device ? conn->device->config : NULL;
        size_t room = device ? faults_room(faults, device, FAULTS_UP, len) : len, left = room;

        e = wire_reader_feed(&conn->reader, &data, &left, &frame);
        len -= room - left;
        conn_take(conn, e, &frame);
        if (device)
            broker_conn_drop_after(conn, device, FAULTS_UP, room - left, e > 0);
    }
}

void broker_conn_send(struct broker_conn *conn, struct wire_packet *packet, int e)
{
    if (e == 0 && !conn->closed && !broker_conn_is_muted(conn))
        e = broker_conn_write(conn, packet->data, packet->len);
    wire_packet_done(packet);
    broker_conn_check(conn, e);
}

void broker_conn_check(struct broker_conn *conn, int e)
{
    if (e == -ENOBUFS)
        broker_conn_end(conn, true, "overrun", "the device does not read");
    else if (e < 0)
        broker_conn_end(conn, true, "overrun", "cannot send: %s", strerror(-e));
}

static void send_publish(struct broker_device *d, const char *topic, const void *payload,
                         size_t len, uint8_t qos, bool dup, uint16_t id)
{
    bool again = faults_take_duplicate(d->broker->deps.faults, d->config);

    for (int i = 0; i <= again && d->conn; i++) {
        struct wire_packet packet = {0};
        bool dup_now = qos > 0 && (dup || i > 0);
        int e = wire_make_publish(&packet, topic, payload, len, qos, dup_now, id);

        d->n_down++;
        journal_message(d->broker->deps.journal, false, d->config->id, topic, payload, len, qos,
                        dup_now);
        broker_conn_send(d->conn, &packet, e);
    }
}

static void on_pace(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    broker_device_pump(userdata);
}

void broker_device_pump(struct broker_device *d)
{
    struct session_message *m;

    while (d->conn && !loop_timer_is_armed(&d->pace_timer) && (m = session_next(&d->session))) {
        bool dup = m->dup;

        session_mark_sent(m);
        if (d->n_backlog > 0)
            d->n_backlog--;
        if (d->n_backlog > 0)
            loop_timer_arm(d->broker->deps.loop, &d->pace_timer,
                           d->broker->deps.config->limits.session_interval_ms * USEC_PER_MSEC,
                           on_pace, d);
        send_publish(d, m->topic, m->payload, m->len, 1, dup, m->id);
    }
}

void broker_conn_bind(struct broker_conn *conn, struct broker_device *d)
{
    d->conn = conn;
    conn->device = d;
    d->was_connected = true;
    d->last_connect_us = loop_now_us(conn->broker->deps.loop);
    d->online_since_ms = clock_real_ms(conn->broker->deps.clock);
    d->n_connects++;
    loop_timer_cancel(&d->expiry_timer);
    session_rewind(&d->session);
    if (d->session.n_messages > 1 && faults_take_reorder(conn->broker->deps.faults, d->config)) {
        session_reverse(&d->session);
        journal_event(conn->broker->deps.journal, d->config->id, "fault",
                      "reorder: %zu messages, newest first", d->session.n_messages);
    }
    d->n_backlog = d->session.n_messages;
}

enum broker_outcome broker_publish(struct broker *b, const struct config_device *device,
                                   const char *topic, const void *payload, size_t len, uint8_t qos)
{
    struct broker_device *d = &b->devices[device->index];
    int granted = session_match(&d->session, topic);
    bool online = d->conn != NULL;
    int e;

    if (granted < (int) qos)
        qos = 0;
    if (granted < 0 || (!online && qos == 0)) {
        journal_event(b->deps.journal, device->id, "not_delivered", "%s: %s", topic,
                      online ? "not subscribed" : "offline");
        return BROKER_NOT_DELIVERED;
    }
    if (qos == 0) {
        send_publish(d, topic, payload, len, 0, false, 0);
        return BROKER_SENT;
    }

    e = session_add(&d->session, topic, payload, len);
    if (e < 0) {
        journal_event(b->deps.journal, device->id, "not_delivered", "%s: %s", topic, strerror(-e));
        return BROKER_NOT_DELIVERED;
    }
    if (e == SESSION_DROPPED_OLDEST)
        journal_event(b->deps.journal, device->id, "dropped",
                      "session is full, its oldest message is gone");
    broker_device_pump(d);
    return online ? BROKER_SENT : BROKER_STORED;
}

bool broker_was_online(const struct broker *b, const struct config_device *device)
{
    return b->devices[device->index].n_connects > 0;
}

bool broker_is_online(const struct broker *b, const struct config_device *device)
{
    return b->devices[device->index].conn != NULL;
}

const char *broker_peer(const struct broker *b, const struct config_device *device)
{
    const struct broker_conn *conn = b->devices[device->index].conn;

    return conn ? conn->peer : "";
}

void broker_drop(struct broker *b, const struct config_device *device)
{
    LIST_FOR_EACH (n, &b->conns) {
        struct broker_conn *conn = LIST_ENTRY(n, struct broker_conn, link);

        if (!device || (conn->device && conn->device->config == device))
            broker_conn_end(conn, true, "fault", "drop");
    }
}

static void add_filter(const char *filter, uint8_t qos, void *userdata)
{
    /* Failing leaves it out; only a lack of memory can cause that. */
    (void) json_object_set_new(userdata, filter, json_integer(qos));
}

json_t *broker_device_json(const struct broker *b, const struct config_device *device)
{
    const struct broker_device *d = &b->devices[device->index];
    json_t *filters = json_object();
    json_t *o;

    session_each_filter(&d->session, add_filter, filters);
    o = json_pack("{s:s, s:b, s:b, s:b, s:o, s:I, s:I, s:I, s:I, s:I}", "device", device->id,
                  "enabled", device->enabled, "online", d->conn != NULL, "session",
                  d->session.present, "subscriptions", filters, "messages",
                  (json_int_t) d->session.n_messages, "connects", (json_int_t) d->n_connects, "up",
                  (json_int_t) d->n_up, "down", (json_int_t) d->n_down, "dropped",
                  (json_int_t) d->n_dropped);
    if (d->conn) {
        (void) json_object_set_new(o, "transport", json_string(d->conn->transport->name));
        (void) json_object_set_new(o, "peer", json_string(d->conn->peer));
        (void) json_object_set_new(o, "since_ms", json_integer((json_int_t) d->online_since_ms));
    }
    return o;
}

json_t *broker_json(const struct broker *b)
{
    return json_pack("{s:I, s:I, s:I}", "connections", (json_int_t) b->n_conns, "accepted",
                     (json_int_t) b->n_accepted, "refused", (json_int_t) b->n_refused);
}

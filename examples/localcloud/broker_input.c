/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets from devices. What the documents do not support is refused, not ignored. */

#include <errno.h>
#include <string.h>

#include "examples/localcloud/broker_conn.h"
#include "examples/localcloud/ident.h"

#define SUBACK_FAILURE 0x80
#define PEER_KEY_MAX 600 /* RSA with 4096 bits */

static void refuse(struct broker_conn *conn, const char *client_id, enum ident_code code,
                   const char *why)
{
    struct wire_packet packet = {0};
    int e = wire_make_connack(&packet, false, (uint8_t) code);

    conn->broker->n_refused++;
    broker_conn_send(conn, &packet, e);
    broker_conn_end(conn, false, "refused", "CONNACK %d for client id \"%.64s\": %s", (int) code,
                    client_id, why);
}

/* What a CONNECT asks for, apart from who asks. */
static const char *unsupported(const struct broker_conn *conn, const struct wire_connect *c)
{
    const struct config_limits *limits = &conn->broker->deps.config->limits;

    if (c->has_will)
        return "a will is not supported";
    if (c->keepalive_s < limits->keepalive_min_s || c->keepalive_s > limits->keepalive_max_s)
        return "keep-alive is out of range";
    return NULL;
}

static enum ident_code check_connect(struct broker_conn *conn, const struct wire_connect *c,
                                     struct broker_device *d, char why[IDENT_WHY_MAX])
{
    const struct broker_deps *deps = &conn->broker->deps;
    uint64_t interval_us = deps->config->limits.connect_interval_s * USEC_PER_SEC;
    struct ident_peer peer = {.needs_cert = conn->transport->peer_key};
    uint8_t key[PEER_KEY_MAX];
    int n = peer.needs_cert ? conn->transport->peer_key(conn->handle, key, sizeof(key)) : -1;
    enum ident_code code;
    const char *feature = unsupported(conn, c);

    if (n > 0) {
        peer.key = key;
        peer.key_len = (size_t) n;
    }
    code = ident_check(d ? d->config : NULL, c->user_name, c->password, &peer,
                       clock_real_ms(faults_login_clock(deps->faults)) / 1000, why);
    if (code != IDENT_CODE_OK)
        return code;
    if (feature) {
        strcpy(why, feature); /* shorter than IDENT_WHY_MAX, see above */
        return IDENT_CODE_NOT_AUTHORIZED;
    }
    if (d->was_connected && loop_now_us(deps->loop) - d->last_connect_us < interval_us) {
        strcpy(why, "connects too often");
        return IDENT_CODE_UNAVAILABLE;
    }
    return IDENT_CODE_OK;
}

static void accept_connect(struct broker_conn *conn, const struct wire_connect *c,
                           struct broker_device *d)
{
    struct broker *b = conn->broker;
    struct wire_packet packet = {0};
    bool present;
    int e;

    if (d->conn)
        broker_conn_end(d->conn, false, "kicked", "another connection has the same client id");
    if (c->clean_session)
        session_clear(&d->session);
    present = d->session.present;
    d->session.present = !c->clean_session;
    broker_conn_bind(conn, d);
    b->n_accepted++;
    broker_conn_watch_silence(conn, c->keepalive_s * USEC_PER_SEC * 3 / 2);
    journal_event(b->deps.journal, d->config->id, "connect",
                  "Device connect,version:%d,keepalive:%d,cleansession:%d,clientip:%s,"
                  "transport:%s,sessionpresent:%d",
                  c->level, c->keepalive_s, c->clean_session, conn->peer, conn->transport->name,
                  present);
    e = wire_make_connack(&packet, present && c->level >= 4, IDENT_CODE_OK);
    broker_conn_send(conn, &packet, e);
    broker_device_pump(d);
}

static void on_connect(struct broker_conn *conn, const struct wire_frame *frame)
{
    CLEANUP(wire_connect_done) struct wire_connect c = {0};
    struct broker *b = conn->broker;
    const struct config_device *config;
    char why[IDENT_WHY_MAX] = "fault";
    enum ident_code code;
    int e = wire_parse_connect(frame, &c);

    if (e == -EPROTONOSUPPORT) {
        refuse(conn, "", IDENT_CODE_PROTOCOL, "protocol level is not 4 (or 3 for MQIsdp)");
        return;
    }
    if (e < 0) {
        broker_conn_end(conn, false, "violation", "bad CONNECT");
        return;
    }

    config = config_find_client(b->deps.config, c.client_id);
    if (config && broker_conn_ignores(conn, config))
        return;
    code = config ? (enum ident_code) faults_take_refusal(b->deps.faults, config) : IDENT_CODE_OK;
    if (code == IDENT_CODE_OK)
        code = check_connect(conn, &c, config ? &b->devices[config->index] : NULL, why);
    if (code != IDENT_CODE_OK)
        refuse(conn, c.client_id, code, why);
    else
        accept_connect(conn, &c, &b->devices[config->index]);
}

/* Why a message goes nowhere, or NULL. The connection stays. */
static const char *drop_reason(struct broker_conn *conn, const struct wire_publish *p,
                               enum topic_kind kind)
{
    const struct broker_deps *deps = &conn->broker->deps;

    if (kind == TOPIC_KIND_NONE)
        return "the device may not publish there";
    if (p->len > deps->config->limits.max_payload)
        return "payload is too long";
    if (ratelimit_take(&conn->up_limit, loop_now_us(deps->loop)) > 0)
        return "too many messages per second";
    return NULL;
}

static void route_publish(struct broker_conn *conn, const struct wire_publish *p)
{
    struct broker *b = conn->broker;
    struct broker_device *d = conn->device;
    const struct config_device *config = d->config;
    enum topic_kind kind = topic_publish_kind(p->topic, config->product->id, config->name);
    const char *why = drop_reason(conn, p, kind);

    if (why) {
        d->n_dropped++;
        journal_event(b->deps.journal, config->id, "dropped", "%s: %s", p->topic, why);
    } else {
        d->n_up++;
        journal_message(b->deps.journal, true, config->id, p->topic, p->payload, p->len, p->qos,
                        p->dup);
    }
    if (p->qos == 1)
        broker_conn_puback(conn, p->id);
    if (!why && !conn->closed && b->events)
        b->events->on_message(config, kind, p->topic, p->payload, p->len, b->userdata);
}

static void on_publish(struct broker_conn *conn, const struct wire_frame *frame)
{
    CLEANUP(wire_publish_done) struct wire_publish p = {0};

    if (wire_parse_publish(frame, &p) < 0)
        broker_conn_end(conn, false, "violation", "bad PUBLISH");
    else if (p.qos == 2)
        broker_conn_end(conn, false, "violation", "QoS 2 is not supported (PUBLISH %s)", p.topic);
    else if (p.retain)
        broker_conn_end(conn, false, "violation", "retain is not supported (PUBLISH %s)", p.topic);
    else if (!topic_is_name(p.topic))
        broker_conn_end(conn, false, "violation", "bad topic in PUBLISH");
    else
        route_publish(conn, &p);
}

static void on_puback(struct broker_conn *conn, const struct wire_frame *frame)
{
    uint16_t id;

    if (wire_parse_puback(frame, &id) < 0)
        broker_conn_end(conn, false, "violation", "bad PUBACK");
    else
        (void) session_acknowledge(&conn->device->session, id); /* a second PUBACK is harmless */
}

static uint8_t subscribe_one(struct broker_conn *conn, const char *filter, uint8_t qos, size_t i)
{
    const struct config_device *config = conn->device->config;
    struct journal *journal = conn->broker->deps.journal;
    uint8_t granted = qos > 1 ? 1 : qos;
    int e;

    if (i >= conn->broker->deps.config->limits.subscribe_filters) {
        journal_event(journal, config->id, "subscribe_refused",
                      "%s: too many filters in one SUBSCRIBE", filter);
        return SUBACK_FAILURE;
    }
    if (!topic_may_subscribe(filter, config->product->id, config->name)) {
        journal_event(journal, config->id, "subscribe_refused",
                      "%s: the device may not subscribe there", filter);
        return SUBACK_FAILURE;
    }
    e = session_subscribe(&conn->device->session, filter, granted);
    if (e < 0) {
        journal_event(journal, config->id, "subscribe_refused", "%s: too many subscriptions",
                      filter);
        return SUBACK_FAILURE;
    }
    journal_event(journal, config->id, "subscribe", "%s qos %d", filter, granted);
    return granted;
}

static bool get_filters(struct broker_conn *conn, const struct wire_frame *frame,
                        struct wire_filters *ret_filters, const char *name)
{
    int e = wire_parse_filters(frame, ret_filters);

    if (e < 0) {
        broker_conn_end(conn, false, "violation", "%s %s",
                        e == -E2BIG ? "too many filters in" : "bad", name);
        return false;
    }
    for (size_t i = 0; i < ret_filters->n; i++) {
        if (!topic_is_filter(ret_filters->items[i].text)) {
            broker_conn_end(conn, false, "violation", "bad filter in %s", name);
            return false;
        }
    }
    return true;
}

static void on_subscribe(struct broker_conn *conn, const struct wire_frame *frame)
{
    CLEANUP(wire_filters_done) struct wire_filters f = {0};
    uint8_t codes[WIRE_FILTERS_MAX];
    struct wire_packet packet = {0};
    int e;

    if (!get_filters(conn, frame, &f, "SUBSCRIBE"))
        return;
    for (size_t i = 0; i < f.n; i++)
        codes[i] = subscribe_one(conn, f.items[i].text, f.items[i].qos, i);
    e = wire_make_suback(&packet, f.id, codes, f.n);
    broker_conn_send(conn, &packet, e);
}

static void on_unsubscribe(struct broker_conn *conn, const struct wire_frame *frame)
{
    CLEANUP(wire_filters_done) struct wire_filters f = {0};
    struct wire_packet packet = {0};
    int e;

    if (!get_filters(conn, frame, &f, "UNSUBSCRIBE"))
        return;
    for (size_t i = 0; i < f.n; i++) {
        session_unsubscribe(&conn->device->session, f.items[i].text);
        journal_event(conn->broker->deps.journal, conn->device->config->id, "unsubscribe", "%s",
                      f.items[i].text);
    }
    e = wire_make_ack(&packet, WIRE_UNSUBACK, f.id);
    broker_conn_send(conn, &packet, e);
}

static void on_empty(struct broker_conn *conn, const struct wire_frame *frame)
{
    struct wire_packet packet = {0};
    int e;

    if (frame->flags != 0 || frame->len != 0) {
        broker_conn_end(conn, false, "violation", "bad %s",
                        frame->type == WIRE_PINGREQ ? "PINGREQ" : "DISCONNECT");
        return;
    }
    if (frame->type == WIRE_DISCONNECT) {
        broker_conn_end(conn, false, "disconnect", "DISCONNECT from the device");
        return;
    }
    e = wire_make_pingresp(&packet);
    broker_conn_send(conn, &packet, e);
}

void broker_conn_packet(struct broker_conn *conn, const struct wire_frame *frame)
{
    if ((frame->type == WIRE_CONNECT) == (conn->device != NULL)) {
        broker_conn_end(conn, false, "violation", "%s",
                        conn->device ? "second CONNECT" : "first packet is not CONNECT");
        return;
    }

    switch (frame->type) {
    case WIRE_CONNECT:
        on_connect(conn, frame);
        break;
    case WIRE_PUBLISH:
        on_publish(conn, frame);
        break;
    case WIRE_PUBACK:
        on_puback(conn, frame);
        break;
    case WIRE_SUBSCRIBE:
        on_subscribe(conn, frame);
        break;
    case WIRE_UNSUBSCRIBE:
        on_unsubscribe(conn, frame);
        break;
    case WIRE_PINGREQ:
    case WIRE_DISCONNECT:
        on_empty(conn, frame);
        break;
    case WIRE_PUBREC:
    case WIRE_PUBREL:
    case WIRE_PUBCOMP:
        broker_conn_end(conn, false, "violation", "QoS 2 is not supported (packet type %d)",
                        (int) frame->type);
        break;
    case WIRE_CONNACK:
    case WIRE_SUBACK:
    case WIRE_UNSUBACK:
    case WIRE_PINGRESP:
        broker_conn_end(conn, false, "violation", "packet type %d is only for servers",
                        (int) frame->type);
        break;
    }
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What faults do to connections: packets on their way to the device wait, leave byte by byte or
 * not at all; connections break at a chosen place; rubbish is sent.
 */

#include <errno.h>
#include <string.h>

#include "examples/localcloud/broker_conn.h"
#include "libiotclient/base/limits.h"

/* One packet that does not leave at once. */
struct flow_item {
    struct list link;
    uint64_t since_us;
    size_t len;
    size_t at; /* bytes that have left */
    uint8_t data[];
};

static void on_flow(struct loop_timer *timer, void *userdata);

void broker_flow_init(struct broker_flow *flow)
{
    list_init(&flow->items);
}

static void item_free(struct broker_flow *flow, struct flow_item *item)
{
    list_remove(&item->link);
    flow->n_bytes -= item->len;
    free(item);
}

void broker_flow_clear(struct broker_flow *flow)
{
    loop_timer_cancel(&flow->timer);
    while (!list_is_empty(&flow->items))
        item_free(flow, LIST_ENTRY(flow->items.next, struct flow_item, link));
    flow->n_pubacks = 0;
}

static int flow_append(struct broker_conn *conn, const uint8_t *data, size_t len)
{
    struct broker_flow *flow = &conn->flow;
    struct flow_item *item;

    if (flow->n_bytes + len > LIMIT_MQTT_QUEUE_BYTES)
        return -ENOBUFS;
    item = malloc(sizeof(*item) + len);
    if (!item)
        return -ENOMEM;
    item->since_us = loop_now_us(conn->broker->deps.loop);
    item->len = len;
    item->at = 0;
    memcpy(item->data, data, len);
    list_append(&flow->items, &item->link);
    flow->n_bytes += len;
    return 0;
}

bool broker_conn_drop_after(struct broker_conn *conn, const struct config_device *device,
                            enum faults_direction direction, size_t bytes, size_t packets)
{
    if (!faults_count(conn->broker->deps.faults, device, direction, bytes, packets))
        return false;
    /* What went down arrives before the end does; answers to what came up do not. */
    broker_conn_end(conn, direction == FAULTS_UP, "fault", "drop, %s was the last",
                    direction == FAULTS_UP ? "what came" : "what was sent");
    return true;
}

/* Hands bytes to the transport, up to the place where the connection breaks. */
static int emit(struct broker_conn *conn, const uint8_t *data, size_t len, bool ends_packet)
{
    const struct config_device *device = conn->device ? conn->device->config : NULL;
    size_t room = device ? faults_room(conn->broker->deps.faults, device, FAULTS_DOWN, len) : len;
    int e = conn->transport->send(conn->handle, data, room);

    if (e == 0 && device)
        (void) broker_conn_drop_after(conn, device, FAULTS_DOWN, room, ends_packet && room == len);
    return e;
}

/* Sends what may leave now of the oldest packet; 0, an error, or the time to wait in ret_wait. */
static int flow_step(struct broker_conn *conn, uint64_t *ret_wait_us)
{
    struct broker_flow *flow = &conn->flow;
    struct flow_item *item = LIST_ENTRY(flow->items.next, struct flow_item, link);
    const struct config_device *device = conn->device->config;
    uint64_t waited_us = loop_now_us(conn->broker->deps.loop) - item->since_us;
    uint64_t delay_us = faults_delay_us(conn->broker->deps.faults, device);
    uint64_t slow_us = faults_slow_us(conn->broker->deps.faults, device);
    size_t n = slow_us > 0 ? 1 : item->len - item->at;
    int e;

    if (waited_us < delay_us) {
        *ret_wait_us = delay_us - waited_us;
        return 0;
    }
    e = emit(conn, item->data + item->at, n, item->at + n == item->len);
    if (e < 0 || conn->closed)
        return e;
    item->at += n;
    if (item->at == item->len)
        item_free(flow, item);
    *ret_wait_us = slow_us;
    return 0;
}

static int flow_run(struct broker_conn *conn)
{
    struct broker_flow *flow = &conn->flow;
    uint64_t wait_us = 0;
    int e = 0;

    while (e == 0 && wait_us == 0 && !conn->closed && !conn->paused && !list_is_empty(&flow->items))
        e = flow_step(conn, &wait_us);
    if (wait_us > 0 && !conn->closed)
        loop_timer_arm(conn->broker->deps.loop, &flow->timer, wait_us, on_flow, conn);
    return e;
}

static void flow_continue(struct broker_conn *conn)
{
    loop_timer_cancel(&conn->flow.timer);
    if (list_is_empty(&conn->flow.items))
        return;
    if (broker_conn_is_muted(conn))
        broker_flow_clear(&conn->flow);
    else
        broker_conn_check(conn, flow_run(conn));
}

static void on_flow(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    flow_continue(userdata);
}

int broker_conn_write(struct broker_conn *conn, const uint8_t *data, size_t len)
{
    const struct faults *faults = conn->broker->deps.faults;
    const struct config_device *device = conn->device ? conn->device->config : NULL;
    int e;

    if (!device || (list_is_empty(&conn->flow.items) && !conn->paused &&
                    faults_delay_us(faults, device) == 0 && faults_slow_us(faults, device) == 0))
        return emit(conn, data, len, true);

    e = flow_append(conn, data, len);
    if (e == -ENOBUFS && conn->paused) {
        broker_conn_lose_bytes(conn, device);
        return 0;
    }
    if (e == 0 && !loop_timer_is_armed(&conn->flow.timer))
        e = flow_run(conn);
    return e;
}

static void send_puback(struct broker_conn *conn, uint16_t id)
{
    struct wire_packet packet = {0};
    int e = wire_make_ack(&packet, WIRE_PUBACK, id);

    broker_conn_send(conn, &packet, e);
}

static bool hold_puback(struct broker_conn *conn, uint16_t id)
{
    struct broker_flow *flow = &conn->flow;
    const struct config_device *device = conn->device->config;

    if (!faults_holds_puback(conn->broker->deps.faults, device) ||
        flow->n_pubacks == BROKER_HELD_PUBACKS_MAX)
        return false;
    if (!flow->pubacks)
        flow->pubacks = calloc(BROKER_HELD_PUBACKS_MAX, sizeof(*flow->pubacks));
    if (!flow->pubacks)
        return false;
    flow->pubacks[flow->n_pubacks++] = id;
    journal_event(conn->broker->deps.journal, device->id, "fault", "hold_puback: packet %d", id);
    return true;
}

void broker_conn_puback(struct broker_conn *conn, uint16_t id)
{
    if (!hold_puback(conn, id))
        send_puback(conn, id);
}

static void release_pubacks(struct broker_conn *conn)
{
    size_t n = conn->flow.n_pubacks;

    conn->flow.n_pubacks = 0;
    for (size_t i = 0; i < n && !conn->closed; i++)
        send_puback(conn, conn->flow.pubacks[i]);
}

static void set_paused(struct broker_conn *conn, const struct config_device *device, bool on)
{
    if (conn->paused == on)
        return;
    conn->paused = on;
    conn->last_input_us = loop_now_us(conn->broker->deps.loop);
    conn->transport->pause(conn->handle, on);
    journal_event(conn->broker->deps.journal, device->id, "fault", "half-open: %s (%s %s)",
                  on ? "nothing is read or sent" : "goes on", conn->transport->name, conn->peer);
}

bool broker_conn_ignores(struct broker_conn *conn, const struct config_device *device)
{
    const struct faults *faults = conn->broker->deps.faults;
    bool half_open = faults_is_half_open(faults, device);

    if (!half_open && !faults_is_muted(faults, device))
        return false;
    broker_conn_lose_bytes(conn, device);
    if (half_open)
        set_paused(conn, device, true);
    return true;
}

static void catch_up(struct broker_conn *conn)
{
    const struct faults *faults = conn->broker->deps.faults;
    const struct config_device *device = conn->lost_bytes ? conn->muted_for
                                         : conn->device   ? conn->device->config
                                                          : NULL;

    if (conn->closed || !device)
        return;
    if (conn->lost_bytes) {
        if (!faults_is_muted(faults, device) && !faults_is_half_open(faults, device))
            broker_conn_end(conn, true, "fault", "was muted and lost bytes");
        return;
    }
    set_paused(conn, device, faults_is_half_open(faults, device));
    if (!faults_holds_puback(faults, device))
        release_pubacks(conn);
    if (!conn->closed)
        flow_continue(conn);
}

void broker_faults_changed(struct broker *b)
{
    LIST_FOR_EACH (n, &b->conns)
        catch_up(LIST_ENTRY(n, struct broker_conn, link));
}

static bool is_target(struct broker_conn *conn, const struct config_device *device)
{
    return !conn->closed && conn->device && (!device || conn->device->config == device) &&
           !broker_conn_is_muted(conn);
}

void broker_send_garbage(struct broker *b, const struct config_device *device, const uint8_t *data,
                         size_t len, bool below_framing)
{
    LIST_FOR_EACH (n, &b->conns) {
        struct broker_conn *conn = LIST_ENTRY(n, struct broker_conn, link);
        int e;

        if (!is_target(conn, device) || (below_framing && !conn->transport->send_unframed))
            continue;
        journal_event(b->deps.journal, conn->device->config->id, "fault",
                      "garbage: %zu bytes %s (%s %s)", len,
                      below_framing ? "outside of frames" : "between packets",
                      conn->transport->name, conn->peer);
        if (below_framing)
            e = conn->transport->send_unframed(conn->handle, data, len);
        else
            e = broker_conn_write(conn, data, len);
        broker_conn_check(conn, e);
    }
}

/* A PUBLISH to the property topic: spaces, as many as it takes, or only its beginning. */
static int make_oversized(struct wire_packet *ret_packet, const struct config_device *device,
                          size_t len, bool whole)
{
    char topic[LIMIT_MQTT_TOPIC + 1];
    int topic_len = snprintf(topic, sizeof(topic), "$thing/down/property/%s/%s",
                             device->product->id, device->name);
    uint8_t header[8] = {WIRE_PUBLISH << 4};
    size_t n = 1, rest = len, head;

    for (; rest > 0; rest >>= 7)
        header[n++] = (uint8_t) ((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    header[n++] = 0;
    header[n++] = (uint8_t) topic_len;
    head = n + (size_t) topic_len;
    ret_packet->len = whole ? n - 2 + len : head;
    ret_packet->data = malloc(ret_packet->len);
    if (!ret_packet->data)
        return -ENOMEM;
    memset(ret_packet->data, ' ', ret_packet->len);
    memcpy(ret_packet->data, header, n);
    memcpy(ret_packet->data + n, topic, (size_t) topic_len);
    return 0;
}

void broker_send_oversized(struct broker *b, const struct config_device *device, size_t len,
                           bool whole)
{
    LIST_FOR_EACH (n, &b->conns) {
        struct broker_conn *conn = LIST_ENTRY(n, struct broker_conn, link);
        struct wire_packet packet = {0};
        int e;

        if (!is_target(conn, device))
            continue;
        journal_event(b->deps.journal, conn->device->config->id, "fault",
                      "oversized: PUBLISH of %zu bytes, %s (%s %s)", len,
                      whole ? "sent" : "announced", conn->transport->name, conn->peer);
        e = make_oversized(&packet, conn->device->config, len, whole);
        broker_conn_send(conn, &packet, e);
    }
}

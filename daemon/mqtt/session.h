/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_MQTT_SESSION_H
#define IOTD_MQTT_SESSION_H

/*
 * The client's half of an MQTT session as a step function: calls and bytes and the time go in,
 * bytes and news come out through ops. No I/O and no clock. It outlives connections: publishes
 * with QoS 1 stay in flight until acknowledged, and go out again, marked as duplicates, on the
 * next connection (MQTT-4.4.0-1). While there is no connection they wait for the first one.
 *
 * A server that does not like a publish can only close the connection (MQTT-4.8.0-1), and would
 * do so for ever. The oldest one in flight after which the server closed twice is suspected: it
 * is put on trial, alone, on a connection that held for a while without it. After three trials
 * that ended so it is given up, and the others go on.
 *
 * ops functions must not call back into the session, but for publish.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/mqtt/packet.h"
#include "daemon/mqtt/stream.h"
#include "libiotclient/base/list.h"

struct mqtt_session_ops {
    /* Bytes of one packet for the peer, to be copied. */
    int (*send)(const uint8_t *data, size_t len, void *userdata);
    void (*on_connack)(bool session_present, uint8_t code, void *userdata);
    void (*on_suback)(bool granted, void *userdata);
    /* QoS 1 is acknowledged when this returned, or later: mqtt_session_answer_follows(). */
    void (*on_message)(const struct mqtt_publish *publish, void *userdata);
    /* One above the cap instead: its payload of so many bytes was thrown away. */
    void (*on_skipped)(const struct mqtt_publish *publish, size_t n_skipped, void *userdata);
    /* A packet as it leaves, for watchers; not for retransmissions that were never sent. */
    void (*on_sent)(const struct mqtt_publish *publish, void *userdata);
};

/*
 * The end of a QoS 1 publish: 0 acknowledged, -EBADMSG given up, since the server closes whenever
 * it is sent; -ECANCELED the session was freed.
 */
typedef void (*mqtt_acked_fn)(int result, void *userdata);

/* The oldest publish, after which the server closed. */
struct mqtt_suspect {
    uint16_t id;          /* 0: none */
    unsigned n_closed;    /* in a row */
    uint64_t trial_at_us; /* it is sent then; 0: now, or long ago */
};

enum mqtt_session_state {
    MQTT_SESSION_DOWN,
    MQTT_SESSION_CONNECTING, /* CONNECT is out */
    MQTT_SESSION_UP,
};

#define MQTT_HELD_ACKS 16 /* own choice: at once; one more sends all */

struct mqtt_session {
    enum mqtt_session_state state;
    const struct mqtt_session_ops *ops;
    void *userdata;
    struct mqtt_stream stream;
    struct list inflight; /* oldest first */
    unsigned n_inflight;
    size_t inflight_bytes;
    uint16_t next_id;
    uint16_t subscribe_id; /* 0: none pending */
    uint64_t keepalive_us;
    uint64_t request_deadline_us; /* CONNACK or SUBACK; UINT64_MAX when none is due */
    uint64_t last_sent_us;
    uint64_t ping_sent_us; /* 0 when none is out */
    size_t n_skipped;      /* of a message above the cap, since the peer was last found alive */
    uint64_t last_ping_us;
    uint64_t rtt_us; /* 0 while not known */
    bool resumed;    /* what is in flight may go out */
    uint64_t resumed_us;
    struct mqtt_suspect suspect;
    bool answer_follows; /* to the message that is being handled */
    uint16_t held_acks[MQTT_HELD_ACKS];
    unsigned n_held_acks;
    uint64_t held_until_us;
    uint64_t now_us;    /* of the current step */
    const char *reason; /* why feed or tick failed, for people */
};

/* first_id: a random start of the packet ids. */
void mqtt_session_init(struct mqtt_session *s, const struct mqtt_session_ops *ops, void *userdata,
                       size_t packet_cap, uint16_t first_id);
void mqtt_session_done(struct mqtt_session *s);

/* A connection is open: sends CONNECT. 0, -ENOMEM, or what send returned. */
int mqtt_session_start(struct mqtt_session *s, uint64_t now_us,
                       const struct mqtt_connect *connect) MUST_CHECK;
/*
 * After CONNACK, and after the subscriptions if the server had forgotten them: sends what is in
 * flight. Not before, or answers could come when nobody listens yet. 0, or what send returned.
 */
int mqtt_session_resume(struct mqtt_session *s, uint64_t now_us) MUST_CHECK;
/* The connection is gone. */
void mqtt_session_lost(struct mqtt_session *s);
/* The same, by the server. Whether that was the end of a trial. */
bool mqtt_session_closed(struct mqtt_session *s, uint64_t now_us);
/* Sends DISCONNECT (3.14): the server forgets nothing but knows that this was meant. */
void mqtt_session_disconnect(struct mqtt_session *s);

/* Bytes arrived. 0, or a negative errno: close the connection, s->reason tells why. */
int mqtt_session_feed(struct mqtt_session *s, uint64_t now_us, const uint8_t *data,
                      size_t len) MUST_CHECK;
/* Time passed. 0, or -ETIMEDOUT: close the connection. */
int mqtt_session_tick(struct mqtt_session *s, uint64_t now_us) MUST_CHECK;
/*
 * Something makes the connection doubtful: sends PINGREQ unless one is out; tick tells when the
 * answer is late. 0, or what send returned.
 */
int mqtt_session_probe(struct mqtt_session *s, uint64_t now_us) MUST_CHECK;
/* When tick wants to be called; UINT64_MAX for never. */
uint64_t mqtt_session_next_us(const struct mqtt_session *s);

/* One at a time: -EBUSY while one is pending. */
int mqtt_session_subscribe(struct mqtt_session *s, uint64_t now_us, const char *filter,
                           uint8_t qos) MUST_CHECK;
/*
 * @param acked  runs once for QoS 1, never for QoS 0; may be NULL
 * @return 0; -ENETDOWN QoS 0 without a connection; -EMSGSIZE; -ENOBUFS too many in flight;
 *         -EINVAL bad topic; -ENOMEM
 */
int mqtt_session_publish(struct mqtt_session *s, uint64_t now_us, const char *topic,
                         const void *payload, size_t len, uint8_t qos, mqtt_acked_fn acked,
                         void *userdata) MUST_CHECK;

/*
 * Within on_message: somebody works on an answer. The acknowledgement leaves behind the next
 * publish then, and not before it, which would take the time of one more packet from those who wait
 * for the answer; after 1 ms in any case. The order of acknowledgements is that of the messages.
 */
static inline void mqtt_session_answer_follows(struct mqtt_session *s)
{
    s->answer_follows = true;
}

#endif /* IOTD_MQTT_SESSION_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_BENCH_CLOUD_PEER_H
#define IOTD_TESTS_BENCH_CLOUD_PEER_H

/*
 * The cloud of one device, as little of it as an answer takes: no check, no state, no library. A
 * measurement that has it on the other end measures iotd.
 */

#include "tests/bench/bare-ws.h"

struct cloud_peer {
    struct bare_ws *ws;
    const char *product, *device; /* borrowed */
    /* What is left of the frame that was read last. */
    const uint8_t *data;
    size_t len;
    uint8_t unacked[2]; /* packet identifier */
    bool owes_ack;
    unsigned n_up; /* messages of the device so far */
};

/* A message of the device; valid until the next one. */
struct cloud_message {
    const char *payload;
    size_t len;
};

/* Waits for the connection of iotd and answers until it has subscribed and asked what it asks. */
void cloud_peer_init(struct cloud_peer *p, int listen_fd, const char *product, const char *device);
void cloud_peer_done(struct cloud_peer *p);

/* Whether cloud_peer_read() would not wait. */
bool cloud_peer_has_message(const struct cloud_peer *p);
/* The next message of the device; packets of MQTT are answered meanwhile. The PUBACK of this one
 * leaves in a frame with the next message down, or when the next one up is read. */
struct cloud_message cloud_peer_read(struct cloud_peer *p);
/* Whether it has that "method". */
bool cloud_message_is(const struct cloud_message *m, const char *method);
/* Acknowledges, and code 0 to a report or an event, as the cloud does. */
void cloud_peer_answer(struct cloud_peer *p, const struct cloud_message *m);
/* A control of an int; number makes its clientToken. */
void cloud_peer_control(struct cloud_peer *p, const char *property, int value, unsigned number);
/* The control_reply to it, which has to be code 0; what comes before it is answered. */
void cloud_peer_await_reply(struct cloud_peer *p, unsigned number);

/* A PUBLISH with QoS 0 in out, which has to be large enough. The length. */
size_t cloud_encode_publish(uint8_t *out, const char *topic, const char *payload, size_t len);

#endif /* IOTD_TESTS_BENCH_CLOUD_PEER_H */

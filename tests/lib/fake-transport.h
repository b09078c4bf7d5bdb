/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_FAKE_TRANSPORT_H
#define IOTD_TESTS_FAKE_TRANSPORT_H

/*
 * A transport without a network: keeps what was sent, and the test plays the other side. What
 * happened is counted, so that a test can ask whether something did not happen.
 */

#include "daemon/net/endpoint.h"
#include "daemon/net/transport.h"

struct fake_transport {
    struct transport transport; /* pass &ft->transport on; free does not free the storage */
    const struct transport_events *events;
    void *userdata;
    bool opening; /* open was called, nothing came back yet */
    bool is_open;
    bool closing; /* close was called */
    unsigned n_opens, n_closes, n_aborts;
    int open_result, send_result; /* what the next calls return */
    struct {
        bool websocket, tls;
        char address[64];
        char host[ENDPOINT_HOST_TEXT];
        uint16_t port;
        char path[256];
    } target; /* of the latest open */
    uint8_t *sent;
    size_t sent_len, sent_size;
};

void fake_transport_init(struct fake_transport *ft, const struct transport_events *events,
                         void *userdata);
void fake_transport_done(struct fake_transport *ft);

/* The other side. */
void fake_transport_accept(struct fake_transport *ft);
void fake_transport_feed(struct fake_transport *ft, const void *data, size_t len);
void fake_transport_hang_up(struct fake_transport *ft, bool answered, const char *reason);

/* Forgets the first n bytes that were sent. */
void fake_transport_drop(struct fake_transport *ft, size_t n);

#endif /* IOTD_TESTS_FAKE_TRANSPORT_H */

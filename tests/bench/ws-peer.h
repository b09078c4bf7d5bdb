/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_WS_PEER_H
#define IOTD_TESTS_WS_PEER_H

/*
 * The server's end of one MQTT-over-WebSocket connection, with blocking calls and nothing else in
 * its way: what it measures is the client. It lets everybody in, grants each subscription and
 * acknowledges each publish.
 */

#include "daemon/mqtt/packet.h"
#include "daemon/mqtt/stream.h"

struct ws_peer {
    int fd;
    struct mqtt_stream stream;
    size_t buffered;
    uint8_t buf[64 * 1024];
    /* A publish came. It was acknowledged, unless the peer is plain. */
    void (*on_publish)(struct ws_peer *peer, const struct mqtt_publish *publish, void *userdata);
    void *userdata;
    unsigned n_acks; /* PUBACKs that came */
    bool is_plain;   /* acknowledges nothing */
};

/* A listening socket on the loopback, and its port. */
int ws_peer_listen(unsigned *ret_port);
/* Waits for the client and answers its upgrade. Ends the program when anything is wrong. */
void ws_peer_accept(struct ws_peer *peer, int listener);
void ws_peer_close(struct ws_peer *peer);
/* One binary frame, one write. */
void ws_peer_send(struct ws_peer *peer, const void *data, size_t len);
/* Waits for bytes and handles them. */
void ws_peer_turn(struct ws_peer *peer);
/* The next frame, of any content. Returns its length. */
size_t ws_peer_receive(struct ws_peer *peer, uint8_t *data, size_t size);

#endif /* IOTD_TESTS_WS_PEER_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/bench/ws-peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/crypto/base64.h"
#include "daemon/crypto/digest.h"
#include "libiotclient/base/limits.h"
#include "tests/bench/bench.h"

#define KEY "Sec-WebSocket-Key: "
#define KEY_CHARS 24
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455, 1.3 */
#define SHA1_BYTES 20
#define BINARY 0x82U
#define CLOSE 0x88U
#define MASKED 0x80U

int ws_peer_listen(unsigned *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *) &address, len) < 0 || listen(fd, 4) < 0 ||
        getsockname(fd, (struct sockaddr *) &address, &len) < 0)
        bench_fatal("listen: %s", strerror(errno));
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void fill(struct ws_peer *p)
{
    ssize_t n = recv(p->fd, p->buf + p->buffered, sizeof(p->buf) - 1 - p->buffered, 0);

    if (n <= 0)
        bench_fatal("the client closed its connection");
    p->buffered += (size_t) n;
}

static void consume(struct ws_peer *p, size_t len)
{
    p->buffered -= len;
    memmove(p->buf, p->buf + len, p->buffered);
}

/* RFC 6455, 4.2.2 */
static void make_accept(const char *key, char *text, size_t size)
{
    char joined[KEY_CHARS + sizeof(GUID)], hex[DIGEST_MAX_HEX];
    uint8_t digest[SHA1_BYTES];

    (void) snprintf(joined, sizeof(joined), "%.*s" GUID, KEY_CHARS, key);
    bench_must(digest_hex(DIGEST_SHA1, joined, strlen(joined), hex), "digest");
    for (size_t i = 0; i < SHA1_BYTES; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

        digest[i] = (uint8_t) strtoul(pair, NULL, 16);
    }
    bench_must(base64_encode(digest, sizeof(digest), text, size), "base64");
}

void ws_peer_accept(struct ws_peer *p, int listener)
{
    char answer[512], accepted[64];
    const char *key, *end;
    int yes = 1;

    p->fd = accept(listener, NULL, NULL);
    if (p->fd < 0 || setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) < 0)
        bench_fatal("accept: %s", strerror(errno));
    mqtt_stream_init(&p->stream, LIMIT_MQTT_PACKET);
    p->buffered = 0;
    do {
        fill(p);
        p->buf[p->buffered] = '\0';
        end = strstr((const char *) p->buf, "\r\n\r\n");
    } while (!end);
    key = strcasestr((const char *) p->buf, KEY);
    if (!key)
        bench_fatal("no WebSocket request");
    make_accept(key + strlen(KEY), accepted, sizeof(accepted));
    (void) snprintf(answer, sizeof(answer),
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                    "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
                    "Sec-WebSocket-Protocol: mqtt\r\n\r\n",
                    accepted);
    consume(p, (size_t) (end - (const char *) p->buf) + 4);
    if (send(p->fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
        bench_fatal("send: %s", strerror(errno));
}

void ws_peer_close(struct ws_peer *p)
{
    mqtt_stream_done(&p->stream);
    (void) close(p->fd);
}

void ws_peer_send(struct ws_peer *p, const void *data, size_t len)
{
    uint8_t frame[2048];
    size_t head = len < 126 ? 2 : 4;

    if (len > sizeof(frame) - 4)
        bench_fatal("frame too large");
    frame[0] = BINARY;
    frame[1] = (uint8_t) (len < 126 ? len : 126);
    if (head == 4) {
        frame[2] = (uint8_t) (len >> 8);
        frame[3] = (uint8_t) len;
    }
    memcpy(frame + head, data, len);
    if (send(p->fd, frame, head + len, MSG_NOSIGNAL) != (ssize_t) (head + len))
        bench_fatal("send: %s", strerror(errno));
}

/* The frame at the front of the buffer, unmasked; false when it is not whole. */
static bool get_frame(struct ws_peer *p, uint8_t **ret_data, size_t *ret_len, size_t *ret_total)
{
    size_t head = 6, len;
    const uint8_t *mask;

    if (p->buffered < head)
        return false;
    len = p->buf[1] & 0x7fU;
    if (len == 126) {
        head = 8;
        len = (size_t) p->buf[2] << 8 | p->buf[3];
    }
    if (!(p->buf[1] & MASKED) || len > sizeof(p->buf) - 16)
        bench_fatal("a frame that no client sends");
    if (p->buf[0] == CLOSE)
        bench_fatal("the client closed the WebSocket");
    if (p->buffered < head + len)
        return false;
    mask = p->buf + head - 4;
    for (size_t i = 0; i < len; i++)
        p->buf[head + i] ^= mask[i % 4];
    *ret_data = p->buf + head;
    *ret_len = len;
    *ret_total = head + len;
    return true;
}

size_t ws_peer_receive(struct ws_peer *p, uint8_t *data, size_t size)
{
    uint8_t *frame;
    size_t len, total;

    while (!get_frame(p, &frame, &len, &total))
        fill(p);
    if (len > size)
        bench_fatal("frame too large");
    memcpy(data, frame, len);
    consume(p, total);
    return len;
}

static void acknowledge(struct ws_peer *p, const struct mqtt_publish *publish)
{
    uint8_t buf[MQTT_PUBACK_SIZE];
    struct bytes_writer w = {.data = buf, .size = sizeof(buf)};

    if (publish->qos == 0 || p->is_plain)
        return;
    mqtt_encode_puback(&w, publish->id);
    ws_peer_send(p, buf, w.len);
}

/* What the codec decodes is what a server sends; of the rest the type tells enough. */
static int on_packet(uint8_t first, const uint8_t *body, size_t len, size_t n_skipped,
                     void *userdata)
{
    static const uint8_t connack[] = {MQTT_CONNACK << 4, 2, 0, MQTT_CONNACK_ACCEPTED};
    static const uint8_t pingresp[] = {MQTT_PINGRESP << 4, 0};
    struct ws_peer *p = userdata;
    struct mqtt_packet packet;

    (void) n_skipped;
    if (first >> 4 == MQTT_CONNECT) {
        ws_peer_send(p, connack, sizeof(connack));
    } else if (first >> 4 == MQTT_SUBSCRIBE && len > 2) {
        const uint8_t suback[] = {MQTT_SUBACK << 4, 3, body[0], body[1], 1};

        ws_peer_send(p, suback, sizeof(suback));
    } else if (first >> 4 == MQTT_PINGREQ) {
        ws_peer_send(p, pingresp, sizeof(pingresp));
    } else if (first >> 4 == MQTT_PUBACK) {
        p->n_acks++;
    } else if (first >> 4 == MQTT_PUBLISH) {
        bench_must(mqtt_decode(first, body, len, &packet), "decode");
        p->on_publish(p, &packet.publish, p->userdata);
        acknowledge(p, &packet.publish);
    }
    return 0;
}

void ws_peer_turn(struct ws_peer *p)
{
    uint8_t *data;
    size_t len, total;

    fill(p);
    while (get_frame(p, &data, &len, &total)) {
        bench_must(mqtt_stream_feed(&p->stream, data, len, on_packet, p), "packet");
        consume(p, total);
    }
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/bench/bare-ws.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "libiotclient/base/macro.h"
#include "tests/bench/bench.h"

#define ROOM 131072   /* a frame and what came with it */
#define MAX_HEADER 14 /* RFC 6455 5.2 */
#define SMALL 126     /* from here the length has two bytes of its own */
#define OPCODE_BINARY 0x2
#define FIN 0x80
#define MASKED 0x80
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 1.3 */

struct bare_ws {
    int fd;
    bool is_client; /* masks what it sends */
    size_t have;    /* bytes in `in` */
    size_t taken;   /* of them, those of the frame that was handed out */
    uint8_t in[ROOM];
    uint8_t out[MAX_HEADER + ROOM];
};

static struct bare_ws *ws_new(int fd, bool is_client)
{
    struct bare_ws *ws = calloc(1, sizeof(*ws));
    int one = 1;

    if (!ws)
        bench_fatal("out of memory");
    ws->fd = fd;
    ws->is_client = is_client;
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return ws;
}

struct bare_ws *bare_ws_free(struct bare_ws *ws)
{
    if (!ws)
        return NULL;

    (void) close(ws->fd);
    free(ws);
    return NULL;
}

int bare_ws_fd(const struct bare_ws *ws)
{
    return ws->fd;
}

static void send_all(int fd, const void *data, size_t len)
{
    if (send(fd, data, len, MSG_NOSIGNAL) != (ssize_t) len)
        bench_fatal("the other end does not read: %s", strerror(errno));
}

/* False at the end. */
static bool read_more(struct bare_ws *ws)
{
    ssize_t n;

    if (ws->have == sizeof(ws->in))
        bench_fatal("a frame is too large");
    n = read(ws->fd, ws->in + ws->have, sizeof(ws->in) - ws->have);
    if (n <= 0)
        return false;
    ws->have += (size_t) n;
    return true;
}

static void drop(struct bare_ws *ws, size_t n)
{
    ws->have -= n;
    memmove(ws->in, ws->in + n, ws->have);
}

/* --- the upgrade --- */

int bare_ws_listen(uint16_t *ret_port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *) &sa, sizeof(sa)) < 0 || listen(fd, 4) < 0 ||
        getsockname(fd, (struct sockaddr *) &sa, &len) < 0)
        bench_fatal("cannot listen: %s", strerror(errno));
    *ret_port = ntohs(sa.sin_port);
    return fd;
}

/* Reads up to the empty line, which ends a head of HTTP, and makes a text of it. The length. */
static size_t read_head(struct bare_ws *ws, char *head, size_t size)
{
    const uint8_t *end;
    size_t len;

    while (!(end = memmem(ws->in, ws->have, "\r\n\r\n", 4))) {
        if (!read_more(ws))
            bench_fatal("no upgrade to WebSocket");
    }
    len = (size_t) (end - ws->in) + 4;
    if (len >= size)
        bench_fatal("the head is too large");
    memcpy(head, ws->in, len);
    head[len] = '\0';
    return len;
}

static void answer_key(const char *key, char *ret_text, size_t size)
{
    unsigned char digest[SHA_DIGEST_LENGTH];
    char text[128];
    int n = snprintf(text, sizeof(text), "%.*s" GUID, (int) strcspn(key, "\r\n"), key);

    if (n < 0 || (size_t) n >= sizeof(text) || size < 4 * (sizeof(digest) + 2) / 3 + 1)
        bench_fatal("a strange key");
    SHA1((const unsigned char *) text, (size_t) n, digest);
    (void) EVP_EncodeBlock((unsigned char *) ret_text, digest, sizeof(digest));
}

struct bare_ws *bare_ws_accept(int listen_fd)
{
    static const char key_name[] = "\r\nSec-WebSocket-Key: ";
    char head[2048], accepted[64], reply[256];
    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC), n;
    struct bare_ws *ws;
    const char *key;

    if (fd < 0)
        bench_fatal("accept: %s", strerror(errno));
    ws = ws_new(fd, false);
    drop(ws, read_head(ws, head, sizeof(head)));
    key = strcasestr(head, key_name);
    if (!key)
        bench_fatal("no Sec-WebSocket-Key");
    answer_key(key + sizeof(key_name) - 1, accepted, sizeof(accepted));
    n = snprintf(reply, sizeof(reply),
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                 "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
                 "Sec-WebSocket-Protocol: mqtt\r\n\r\n",
                 accepted);
    send_all(fd, reply, (size_t) n);
    return ws;
}

struct bare_ws *bare_ws_connect(uint16_t port)
{
    static const char request[] =
        "GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n";
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct bare_ws *ws;
    char head[2048];

    if (fd < 0 || connect(fd, (struct sockaddr *) &sa, sizeof(sa)) < 0)
        bench_fatal("connect: %s", strerror(errno));
    ws = ws_new(fd, true);
    send_all(fd, request, sizeof(request) - 1);
    drop(ws, read_head(ws, head, sizeof(head)));
    return ws;
}

/* --- frames --- */

/* Where the payload begins and how long it is; false: the frame is not whole yet. */
static bool find_frame(const struct bare_ws *ws, size_t *ret_at, size_t *ret_len)
{
    const uint8_t *in = ws->in + ws->taken;
    size_t have = ws->have - ws->taken, at = 2, len;

    if (have < at)
        return false;
    len = in[1] & 0x7f;
    if (len > SMALL)
        bench_fatal("a frame is too large");
    if (len == SMALL) {
        if (have < at + 2)
            return false;
        len = (size_t) in[2] << 8 | in[3];
        at += 2;
    }
    if (in[1] & MASKED)
        at += 4;
    *ret_at = ws->taken + at;
    *ret_len = len;
    return have >= at + len;
}

bool bare_ws_has_frame(const struct bare_ws *ws)
{
    size_t at, len;

    return find_frame(ws, &at, &len);
}

bool bare_ws_read(struct bare_ws *ws, const uint8_t **ret_data, size_t *ret_len)
{
    size_t at, len, begin = ws->taken;

    if (begin == ws->have)
        begin = ws->taken = ws->have = 0;
    while (!find_frame(ws, &at, &len)) {
        drop(ws, begin);
        begin = ws->taken = 0;
        if (!read_more(ws))
            return false;
    }
    if (ws->in[begin] != (FIN | OPCODE_BINARY))
        return false; /* a close: nobody sends anything else here */
    if (ws->in[begin + 1] & MASKED) {
        const uint8_t *mask = &ws->in[at - 4];

        for (size_t i = 0; i < len; i++)
            ws->in[at + i] ^= mask[i % 4];
    }
    ws->taken = at + len;
    *ret_data = &ws->in[at];
    *ret_len = len;
    return true;
}

void bare_ws_write(struct bare_ws *ws, const void *data, size_t len)
{
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
    const uint8_t *from = data;
    uint8_t *out = ws->out;
    size_t n = 0;

    if (len > UINT16_MAX)
        bench_fatal("a frame is too large");
    out[n++] = FIN | OPCODE_BINARY;
    out[n++] = (uint8_t) ((ws->is_client ? MASKED : 0) | (len < SMALL ? len : SMALL));
    if (len >= SMALL) {
        out[n++] = (uint8_t) (len >> 8);
        out[n++] = (uint8_t) len;
    }
    if (ws->is_client) {
        memcpy(&out[n], mask, sizeof(mask));
        n += sizeof(mask);
        for (size_t i = 0; i < len; i++)
            out[n + i] = from[i] ^ mask[i % 4];
    } else {
        memcpy(&out[n], from, len);
    }
    send_all(ws->fd, out, n + len);
}

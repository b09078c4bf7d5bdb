/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/net/web.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/net/dial.h"
#include "daemon/net/resolve.h"
#include "daemon/net/tls_stream.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/strbuf.h"

LOG_AREA("net");

#define MAX_HEAD (16 * 1024) /* own choice: of an answer */
#define MAX_INTERIM 8        /* own choice: 1xx answers before the answer */
#define RAW_SIZE (64 * 1024) /* four records of TLS */
#define OUT_SIZE (20 * 1024) /* one record and what it costs */
#define READS_PER_TURN 4     /* own choice: others want the loop as well */
/*
 * Own choice: what lies in the kernel is lost with the connection and has to come again; at 50 ms
 * it is enough for 40 Mbit/s. The kernel doubles it.
 */
#define RECEIVE_BUFFER (256 * 1024)

enum web_state {
    WEB_STATE_CONNECTING,
    WEB_STATE_HEAD,
    WEB_STATE_BODY,
    WEB_STATE_ENDED,
};

struct web {
    struct loop *loop;
    struct tls *tls; /* borrowed; NULL: plain */
    struct endpoint url;
    uint64_t idle_us;
    uint64_t active_us; /* when a byte moved last */
    struct loop_timer idle;
    struct resolve *resolve;
    struct resolve_result addresses;
    unsigned next_address;
    int fd;
    struct loop_io io;
    struct tls_stream *stream;
    enum web_state state;
    bool paused;
    bool send_failed;

    struct strbuf request; /* the head that goes out */
    size_t request_sent;
    uint64_t body_left; /* of the request */
    size_t out_len, out_sent;

    struct web_answer answer;
    struct web_chunks chunks;
    uint64_t left; /* of the answer's body; WEB_UNKNOWN */
    unsigned n_interim;
    size_t have; /* bytes of the head so far */
    size_t piece;

    const struct web_events *events;
    void *userdata;
    uint8_t out[OUT_SIZE];
    uint8_t raw[RAW_SIZE]; /* what TLS has not opened yet, or not closed yet */
    uint8_t in[WEB_PIECE];
};

static void open_next(struct web *w, const char *why);

/* --- the end --- */

static void disconnect(struct web *w)
{
    w->resolve = resolve_free(w->resolve);
    loop_io_stop(&w->io);
    w->stream = tls_stream_free(w->stream);
    w->fd = fd_close(w->fd);
}

/* Frees it, perhaps. */
static void finish(struct web *w, enum web_outcome outcome, const char *why)
{
    char copy[TLS_PROBLEM];

    (void) snprintf(copy, sizeof(copy), "%s", why ? why : "");
    disconnect(w);
    loop_timer_cancel(&w->idle);
    w->state = WEB_STATE_ENDED;
    w->events->end(outcome, copy, w->userdata);
}

/* The connection is over before the answer is. */
static void broken(struct web *w, const char *why)
{
    char problem[TLS_PROBLEM];

    if (w->stream && tls_stream_problem(w->stream, problem))
        finish(w, WEB_REFUSED, problem);
    else
        finish(w, WEB_BROKEN, why);
}

static void on_idle(struct loop_timer *timer, void *userdata)
{
    struct web *w = userdata;
    uint64_t now = loop_now_us(w->loop), due;

    if (w->paused)
        w->active_us = now;
    due = w->active_us + w->idle_us;
    if (due > now)
        loop_timer_arm(w->loop, timer, due - now, on_idle, w);
    else if (w->state != WEB_STATE_CONNECTING)
        finish(w, WEB_TIMEOUT, "the server has fallen silent");
    else if (w->fd < 0)
        finish(w, WEB_TIMEOUT, "name resolution took too long");
    else
        open_next(w, "no connection in time");
}

static void touch(struct web *w)
{
    w->active_us = loop_now_us(w->loop);
}

/* --- what goes out --- */

/* The next bytes in the clear: their number, 0 none, -1 stopped. */
static int next_plain(struct web *w, uint8_t *buf, size_t size)
{
    size_t n = w->request.len - w->request_sent;
    int r;

    if (n > 0) {
        n = n < size ? n : size;
        memcpy(buf, w->request.data + w->request_sent, n);
        w->request_sent += n;
        return (int) n;
    }
    if (w->body_left == 0)
        return 0;
    if (w->body_left < size)
        size = (size_t) w->body_left;
    r = w->events->room(buf, size, w->userdata);
    if (r > 0)
        w->body_left -= (uint64_t) r;
    return r;
}

/* Fills the buffer: 1 there is something, 0 nothing, -1 stopped, -EPROTO. */
static int refill(struct web *w)
{
    int n;

    w->out_sent = w->out_len = 0;
    if (!w->stream) {
        n = next_plain(w, w->out, sizeof(w->out));
        w->out_len = n > 0 ? (size_t) n : 0;
        return n > 0 ? 1 : n;
    }
    if (tls_stream_pending(w->stream) == 0 && tls_is_proven(w->tls)) {
        n = next_plain(w, w->raw, 16384);
        if (n < 0)
            return n;
        if (n > 0 && tls_stream_write(w->stream, w->raw, (size_t) n) < 0)
            return -EPROTO;
    }
    w->out_len = tls_stream_take(w->stream, w->out, sizeof(w->out));
    return w->out_len > 0;
}

static void want(struct web *w, bool write)
{
    uint32_t events = (w->paused ? 0 : LOOP_READ) | (write ? LOOP_WRITE : 0);

    if (events != w->io.events)
        loop_io_update(&w->io, events);
}

/* false: it has ended. */
static bool send_some(struct web *w)
{
    unsigned turns = 0;

    while (!w->send_failed) {
        ssize_t n;
        int r = w->out_sent < w->out_len ? 1 : refill(w);

        if (r == 0) {
            want(w, false);
            return true;
        }
        if (r < 0) {
            if (r == -1)
                finish(w, WEB_STOPPED, NULL);
            else
                broken(w, "cannot encrypt");
            return false;
        }
        n = send(w->fd, w->out + w->out_sent, w->out_len - w->out_sent, MSG_NOSIGNAL);
        if (n > 0) {
            w->out_sent += (size_t) n;
            touch(w);
        }
        if ((n < 0 && errno == EAGAIN) || ++turns > 4 * READS_PER_TURN) {
            want(w, true);
            return true;
        }
        /* It may have said why before it closed: that is read first. */
        w->send_failed = n < 0 && errno != EINTR;
    }
    want(w, false);
    return true;
}

/* --- what comes in --- */

/* 0 go on; 1 it has ended, and is perhaps freed. */
static int deliver(struct web *w, const uint8_t *data, size_t len)
{
    if (len > 0 && w->events->body(data, len, w->userdata) < 0) {
        finish(w, WEB_STOPPED, NULL);
        return 1;
    }
    return 0;
}

static int take_chunks(struct web *w, const uint8_t *data, size_t len)
{
    while (len > 0) {
        const uint8_t *piece = NULL;
        size_t n;
        int r = web_chunks_next(&w->chunks, &data, &len, &piece, &n);

        if (r < 0) {
            finish(w, WEB_BAD, "the server does not keep to its chunks");
            return 1;
        }
        if (deliver(w, piece, n))
            return 1;
        if (r == WEB_CHUNKS_END) {
            finish(w, WEB_COMPLETE, NULL);
            return 1;
        }
    }
    return 0;
}

static int take_body(struct web *w, const uint8_t *data, size_t len)
{
    if (w->answer.chunked)
        return take_chunks(w, data, len);
    if (len > w->left)
        len = (size_t) w->left;
    if (w->left != WEB_UNKNOWN)
        w->left -= len;
    if (deliver(w, data, len))
        return 1;
    if (w->left == 0) {
        finish(w, WEB_COMPLETE, NULL);
        return 1;
    }
    return 0;
}

static int head_complete(struct web *w, size_t head_len)
{
    size_t rest = w->have - head_len;
    const uint8_t *data = w->in + head_len;

    w->state = WEB_STATE_BODY;
    w->left = w->answer.length;
    if (w->answer.status == 204 || w->answer.status == 304) {
        w->answer.chunked = false;
        w->left = 0;
    }
    log_debug("answer status=%u length=%lld", w->answer.status, (long long) w->answer.length);
    if (w->events->answer(&w->answer, w->userdata) < 0) {
        finish(w, WEB_STOPPED, NULL);
        return 1;
    }
    return rest > 0 || w->left == 0 ? take_body(w, data, rest) : 0;
}

/* len more bytes lie behind what there is. */
static int take_head(struct web *w, size_t len)
{
    size_t head_len;

    w->have += len;
    while ((head_len = web_head_len((const char *) w->in, w->have)) > 0) {
        if (web_head_parse(&w->answer, (const char *) w->in, head_len) < 0)
            break;
        if (w->answer.status >= 200)
            return head_complete(w, head_len);
        w->have -= head_len; /* RFC 9110, 15.2: an answer before the answer */
        memmove(w->in, w->in + head_len, w->have);
        if (++w->n_interim > MAX_INTERIM)
            break;
    }
    if (head_len == 0 && w->have <= MAX_HEAD)
        return 0;
    finish(w, WEB_BAD, "the server does not speak HTTP/1.1");
    return 1;
}

static int take(struct web *w, size_t len)
{
    return w->state == WEB_STATE_HEAD ? take_head(w, len) : take_body(w, w->in, len);
}

/* The connection ends here, well or not. */
static int take_end(struct web *w, const char *why)
{
    if (w->state == WEB_STATE_BODY && !w->answer.chunked && w->left == WEB_UNKNOWN)
        finish(w, WEB_COMPLETE, NULL);
    else
        broken(w, why);
    return 1;
}

/* Behind what there is of the head, or at the begin. */
static uint8_t *place(struct web *w, size_t *ret_size)
{
    size_t offset = w->state == WEB_STATE_HEAD ? w->have : 0;

    *ret_size = sizeof(w->in) - offset;
    if (*ret_size > w->piece)
        *ret_size = w->piece;
    return w->in + offset;
}

/* As many records as there is room for: the number of bytes, 0 none, or as tls_stream_read(). */
static int read_records(struct web *w)
{
    size_t size, len = 0;
    uint8_t *to = place(w, &size);
    int n = 0;

    while (len < size && (n = tls_stream_read(w->stream, to + len, size - len)) > 0)
        len += (size_t) n;
    return len > 0 ? (int) len : n; /* an end or an error is told again */
}

/* All that TLS has opened. */
static int drain_tls(struct web *w)
{
    for (;;) {
        int n = read_records(w);

        if (n == 0)
            return 0;
        if (n == -EPIPE)
            return take_end(w, "the server closed the connection");
        if (n < 0) {
            broken(w, "the connection is damaged");
            return 1;
        }
        if (take(w, (size_t) n))
            return 1;
    }
}

static int take_raw(struct web *w, size_t len)
{
    int r = tls_stream_feed(w->stream, w->raw, len);
    int ended = r < 0 ? 0 : drain_tls(w);

    if (ended)
        return 1;
    if (r < 0) {
        if (send_some(w)) /* an alert that says what we think of it */
            broken(w, "the connection is damaged");
        return 1;
    }
    /* Answers of the handshake, or at its end the request. */
    return (r == TLS_STREAM_READY || tls_stream_pending(w->stream) > 0) && !send_some(w);
}

/* 0 nothing more is there; 1 it has ended; 2 perhaps there is more. */
static int receive(struct web *w)
{
    size_t size;
    uint8_t *to = place(w, &size);
    ssize_t n;

    if (w->stream) {
        to = w->raw;
        size = w->piece < sizeof(w->raw) ? w->piece : sizeof(w->raw);
    }
    n = recv(w->fd, to, size, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n < 0) {
        broken(w, strerror(errno));
        return 1;
    }
    if (n == 0)
        return take_end(w, "the server closed the connection");
    touch(w);
    if (w->stream ? take_raw(w, (size_t) n) : take(w, (size_t) n))
        return 1;
    return (size_t) n == size ? 2 : 0;
}

/* --- the connection --- */

static void connected(struct web *w)
{
    w->state = WEB_STATE_HEAD;
    touch(w);
    if (w->tls && tls_stream_new(&w->stream, w->tls) < 0) {
        finish(w, WEB_REFUSED, tls_refusal(w->tls) ? tls_refusal(w->tls) : strerror(ENOMEM));
        return;
    }
    (void) send_some(w);
}

static void on_io(struct loop_io *io, uint32_t events, void *userdata)
{
    struct web *w = userdata;
    int r = 2, error = 0;
    socklen_t len = sizeof(error);

    (void) io;
    if (w->state == WEB_STATE_CONNECTING) {
        if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
            error = errno;
        if (error != 0)
            open_next(w, strerror(error));
        else if (events & LOOP_WRITE)
            connected(w);
        else if (events & LOOP_HUP)
            open_next(w, "the connection was closed");
        return;
    }
    /* After a hang-up no more is told: all that is left is taken now. */
    for (unsigned i = 0; r == 2 && (i < READS_PER_TURN || events & LOOP_HUP); i++) {
        if (w->paused && !(events & LOOP_HUP))
            break;
        r = events & (LOOP_READ | LOOP_HUP) ? receive(w) : 0;
    }
    if (r == 1)
        return;
    if (events & LOOP_HUP)
        (void) take_end(w, "the connection was reset");
    else if (events & LOOP_WRITE)
        (void) send_some(w);
}

static int open_address(struct web *w, const char *address)
{
    int fd = dial(address, w->url.port, RECEIVE_BUFFER);

    if (fd < 0)
        return fd;
    w->fd = fd;
    return loop_io_start(w->loop, &w->io, w->fd, LOOP_READ | LOOP_WRITE, on_io, w);
}

/* why: the last failure, told when there is no address left. */
static void open_next(struct web *w, const char *why)
{
    while (w->next_address < w->addresses.n_addresses) {
        const char *address = w->addresses.addresses[w->next_address++];
        int r;

        disconnect(w);
        r = open_address(w, address);
        log_debug("connect address=%s port=%u host=\"%s\" result=%d", address, w->url.port,
                  w->url.host, r);
        touch(w);
        if (r == 0 && !loop_timer_is_armed(&w->idle))
            loop_timer_arm(w->loop, &w->idle, w->idle_us, on_idle, w);
        if (r == 0)
            return;
        why = strerror(-r);
    }
    finish(w, WEB_UNREACHABLE, why);
}

static void on_resolved(const struct resolve_result *result, const char *reason, void *userdata)
{
    struct web *w = userdata;

    w->addresses = *result;
    open_next(w, reason);
}

/* --- public --- */

static int write_head(struct web *w, const struct web_request *rq, bool has_body)
{
    char host[ENDPOINT_HOST_TEXT];

    endpoint_host_header(&w->url, host);
    strbuf_init(&w->request, MAX_HEAD);
    strbuf_addf(&w->request,
                "%s %s HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"
                "User-Agent: iotd\r\nConnection: close\r\n%s",
                rq->method, rq->path, host, rq->headers ? rq->headers : "");
    if (has_body)
        strbuf_addf(&w->request, "Content-Length: %llu\r\n", (unsigned long long) rq->body_len);
    strbuf_adds(&w->request, "\r\n");
    return w->request.error;
}

int web_start(struct web **ret_web, const struct web_request *request,
              const struct web_events *events, void *userdata)
{
    CLEANUP(web_freep) struct web *w = NULL;
    int r;

    if (request->url->tls && !request->tls)
        return -EOPNOTSUPP;
    w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    w->fd = -1;
    w->loop = request->loop;
    w->tls = request->url->tls ? request->tls : NULL;
    w->url = *request->url;
    w->idle_us = request->idle_us;
    w->body_left = request->body_len;
    w->piece = request->piece > 0 && request->piece < WEB_PIECE ? request->piece : WEB_PIECE;
    w->events = events;
    w->userdata = userdata;
    r = write_head(w, request, events->room);
    if (r == 0)
        r = resolve_start(&w->resolve, w->loop, w->url.host, on_resolved, w);
    if (r < 0)
        return r;
    touch(w);
    loop_timer_arm(w->loop, &w->idle, w->idle_us, on_idle, w);
    *ret_web = TAKE(w);
    return 0;
}

struct web *web_free(struct web *w)
{
    if (!w)
        return NULL;

    disconnect(w);
    loop_timer_cancel(&w->idle);
    strbuf_done(&w->request);
    free(w);
    return NULL;
}

void web_pause(struct web *w, bool paused)
{
    if (w->paused == paused || w->state == WEB_STATE_ENDED)
        return;
    w->paused = paused;
    touch(w);
    if (w->fd >= 0 && w->io.loop)
        want(w, w->io.events & LOOP_WRITE);
}

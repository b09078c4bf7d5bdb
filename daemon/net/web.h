/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_NET_WEB_H
#define IOTD_NET_WEB_H

/*
 * One HTTP request on a connection of its own, with bodies of any length that flow through: what
 * downloads and uploads are made of. http.h is for short ones. No redirects, no second try.
 *
 * Not with the HTTP client of libwebsockets 4.1, which cuts the line of the request at 2,047 bytes
 * and the name of the host at 127, and has one TLS context for a vhost that nobody can take down at
 * once. A socket on struct loop, TLS of tls_stream.h.
 */

#include <stddef.h>
#include <stdint.h>

#include "daemon/net/endpoint.h"
#include "daemon/net/web_answer.h"
#include "libiotclient/base/loop.h"
#include "libiotclient/base/macro.h"

struct tls;
struct web;

#define WEB_PIECE (64 * 1024) /* own choice: one read; more of it gains nothing */

/* Everything but the loop and tls is borrowed for the time of the call. */
struct web_request {
    struct loop *loop;
    struct tls *tls;            /* for https, made for this host; used by nobody else meanwhile */
    const struct endpoint *url; /* of endpoint_parse_long() */
    const char *path;
    const char *method;
    const char *headers; /* whole lines, each with CRLF */
    uint64_t body_len;   /* of the request */
    uint64_t idle_us;    /* without a byte in either direction */
    size_t piece;        /* most bytes that one read takes; 0: WEB_PIECE */
};

enum web_outcome {
    WEB_COMPLETE,    /* the whole answer has come */
    WEB_STOPPED,     /* by one of the callbacks */
    WEB_UNREACHABLE, /* no address, or nobody there */
    WEB_TIMEOUT,     /* idle for too long */
    WEB_REFUSED,     /* by TLS: not the right server */
    WEB_BROKEN,      /* the connection ended before the answer did */
    WEB_BAD,         /* what came is not HTTP */
};

/* From the loop. All but end() go on with 0 and stop with -1; then end() follows at once. */
struct web_events {
    int (*answer)(const struct web_answer *answer, void *userdata);
    int (*body)(const uint8_t *data, size_t len, void *userdata);
    /* The next bytes of the request's body: how many, -1 stops. NULL without a body. */
    int (*room)(uint8_t *buf, size_t size, void *userdata);
    /* Once, the last one; may free it. */
    void (*end)(enum web_outcome outcome, const char *why, void *userdata);
};

/* 0; -EOPNOTSUPP https without TLS; -ENOMEM; what resolve_start() failed with. */
int web_start(struct web **ret_web, const struct web_request *request,
              const struct web_events *events, void *userdata) MUST_CHECK;
/* Ends it silently. Legal inside end(). */
struct web *web_free(struct web *web);
DEFINE_FREEP(struct web, web_free)

/* Nothing more is taken off the connection, and it is not idle; what came already is told. */
void web_pause(struct web *web, bool paused);

#endif /* IOTD_NET_WEB_H */

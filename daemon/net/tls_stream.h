/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_NET_TLS_STREAM_H
#define IOTD_NET_TLS_STREAM_H

/*
 * TLS over bytes that somebody else carries: for mqtts://, because the raw client of
 * libwebsockets 4.1 starts TLS before its socket is connected. No I/O and no callbacks: feed what
 * came, take what has to be sent, read what was meant.
 */

#include "daemon/net/tls.h"

struct tls_stream;

/* The first bytes wait to be taken. -EPERM when tls refuses; -ENOMEM */
int tls_stream_new(struct tls_stream **ret_stream, struct tls *tls) MUST_CHECK;
struct tls_stream *tls_stream_free(struct tls_stream *stream);
DEFINE_FREEP(struct tls_stream, tls_stream_free)

/*
 * Bytes that came from the peer.
 * @return 0; TLS_STREAM_READY the handshake has just ended and the peer is proven; -EPROTO
 *         failed, tls_stream_problem() says why; -ENOMEM
 */
enum { TLS_STREAM_READY = 1 };
int tls_stream_feed(struct tls_stream *stream, const uint8_t *data, size_t len) MUST_CHECK;

/* Bytes for the peer that wait, and taking at most size of them. */
size_t tls_stream_pending(const struct tls_stream *stream);
size_t tls_stream_take(struct tls_stream *stream, uint8_t *buf, size_t size);

/* What the peer said: the number of bytes; 0 nothing more; -EPIPE it said goodbye; -EPROTO */
int tls_stream_read(struct tls_stream *stream, uint8_t *buf, size_t size) MUST_CHECK;
/* Only when ready. 0; -EPROTO; -ENOMEM */
int tls_stream_write(struct tls_stream *stream, const uint8_t *data, size_t len) MUST_CHECK;
/* Says goodbye. */
void tls_stream_end(struct tls_stream *stream);

/* Why it failed, or why the peer may have closed now; false if TLS has nothing to say. */
bool tls_stream_problem(struct tls_stream *stream, char problem[TLS_PROBLEM]);

#endif /* IOTD_NET_TLS_STREAM_H */

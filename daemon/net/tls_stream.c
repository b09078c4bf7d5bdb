/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/net/tls_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/net/tls_impl.h"

struct tls_stream {
    struct tls *tls;  /* borrowed */
    void *connection; /* the library's */
    bool ready;
    char problem[TLS_PROBLEM];
};

static int step(struct tls_stream *s)
{
    int r = tls_backend_handshake(s->connection);

    if (r == -EAGAIN)
        return 0;
    if (r < 0)
        return r == -ENOMEM ? r : -EPROTO;
    if (tls_prove(s->tls, s->connection, s->problem) < 0)
        return -EPROTO;
    s->ready = true;
    return TLS_STREAM_READY;
}

int tls_stream_new(struct tls_stream **ret_stream, struct tls *tls)
{
    CLEANUP(tls_stream_freep) struct tls_stream *s = NULL;
    int r;

    if (tls->refusal[0])
        return -EPERM;
    s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->tls = tls;
    tls_begin(tls);
    r = tls_backend_connect(tls->backend, &s->connection);
    if (r == 0)
        r = step(s);
    if (r < 0)
        return r;
    *ret_stream = TAKE(s);
    return 0;
}

struct tls_stream *tls_stream_free(struct tls_stream *s)
{
    if (!s)
        return NULL;

    if (s->connection)
        s->connection = tls_backend_disconnect(s->connection);
    free(s);
    return NULL;
}

int tls_stream_feed(struct tls_stream *s, const uint8_t *data, size_t len)
{
    int r = tls_backend_put(s->connection, data, len);

    if (r < 0 || s->ready)
        return r;
    return step(s);
}

size_t tls_stream_pending(const struct tls_stream *s)
{
    return tls_backend_pending(s->connection);
}

size_t tls_stream_take(struct tls_stream *s, uint8_t *buf, size_t size)
{
    return tls_backend_take(s->connection, buf, size);
}

int tls_stream_read(struct tls_stream *s, uint8_t *buf, size_t size)
{
    int r = s->ready ? tls_backend_read(s->connection, buf, size) : 0;

    if (r > 0)
        tls_note_heard(s->tls);
    return r == -EAGAIN ? 0 : r;
}

int tls_stream_write(struct tls_stream *s, const uint8_t *data, size_t len)
{
    return s->ready ? tls_backend_write(s->connection, data, len) : -EPROTO;
}

void tls_stream_end(struct tls_stream *s)
{
    if (s->ready)
        tls_backend_end(s->connection);
}

bool tls_stream_problem(struct tls_stream *s, char problem[TLS_PROBLEM])
{
    if (!s->problem[0])
        return tls_explain(s->tls, s->connection, problem);
    memcpy(problem, s->problem, sizeof(s->problem));
    return true;
}

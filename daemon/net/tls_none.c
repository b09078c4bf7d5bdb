/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libwebsockets has no TLS, or one that iotd does not know how to verify with. */

#include "daemon/net/tls_impl.h"

#include <errno.h>

const char *const tls_backend_library = NULL;

/* Nothing below is reached: tls.c refuses before. */

int tls_backend_new(struct tls *tls, const struct tls_config *config, char problem[TLS_PROBLEM])
{
    (void) tls;
    (void) config;
    (void) problem;
    return -EINVAL;
}

struct tls_backend *tls_backend_free(struct tls_backend *backend)
{
    (void) backend;
    return NULL;
}

void *tls_backend_native(const struct tls_backend *backend)
{
    (void) backend;
    return NULL;
}

enum tls_fault tls_backend_prove(struct tls *tls, void *connection)
{
    (void) tls;
    (void) connection;
    return TLS_FAULT_UNPROVEN;
}

void tls_backend_inspect(struct tls *tls, void *connection)
{
    (void) tls;
    (void) connection;
}

int tls_backend_connect(struct tls_backend *backend, void **ret_connection)
{
    (void) backend;
    (void) ret_connection;
    return -EPERM;
}

void *tls_backend_disconnect(void *connection)
{
    (void) connection;
    return NULL;
}

int tls_backend_handshake(void *connection)
{
    (void) connection;
    return -EPROTO;
}

int tls_backend_put(void *connection, const uint8_t *data, size_t len)
{
    (void) connection;
    (void) data;
    (void) len;
    return -EPROTO;
}

size_t tls_backend_pending(void *connection)
{
    (void) connection;
    return 0;
}

size_t tls_backend_take(void *connection, uint8_t *buf, size_t size)
{
    (void) connection;
    (void) buf;
    (void) size;
    return 0;
}

int tls_backend_read(void *connection, uint8_t *buf, size_t size)
{
    (void) connection;
    (void) buf;
    (void) size;
    return -EPROTO;
}

int tls_backend_write(void *connection, const uint8_t *data, size_t len)
{
    (void) connection;
    (void) data;
    (void) len;
    return -EPROTO;
}

void tls_backend_end(void *connection)
{
    (void) connection;
}

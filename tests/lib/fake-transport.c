/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/fake-transport.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 65536

static struct fake_transport *fake(struct transport *t)
{
    return CONTAINER_OF(t, struct fake_transport, transport);
}

static int ft_open(struct transport *t, const struct transport_target *target)
{
    struct fake_transport *ft = fake(t);

    if (ft->opening || ft->is_open)
        return -EALREADY;
    if (ft->open_result < 0)
        return ft->open_result;
    ft->n_opens++;
    ft->opening = true;
    ft->closing = false;
    ft->target.websocket = target->websocket;
    ft->target.tls = target->tls;
    ft->target.port = target->port;
    (void) snprintf(ft->target.address, sizeof(ft->target.address), "%s", target->address);
    (void) snprintf(ft->target.host, sizeof(ft->target.host), "%s", target->host);
    (void) snprintf(ft->target.path, sizeof(ft->target.path), "%s", target->path);
    return 0;
}

static int ft_send(struct transport *t, const uint8_t *data, size_t len)
{
    struct fake_transport *ft = fake(t);

    if (!ft->is_open || ft->closing)
        return -ENOTCONN;
    if (ft->send_result < 0)
        return ft->send_result;
    while (ft->sent_len + len > ft->sent_size) {
        ft->sent_size *= 2;
        ft->sent = realloc(ft->sent, ft->sent_size);
        assert(ft->sent);
    }
    memcpy(ft->sent + ft->sent_len, data, len);
    ft->sent_len += len;
    return 0;
}

static void ft_close(struct transport *t)
{
    fake(t)->n_closes++;
    fake(t)->closing = true;
}

static void ft_abort(struct transport *t)
{
    fake(t)->n_aborts++;
    fake(t)->opening = fake(t)->is_open = fake(t)->closing = false;
}

static struct transport *ft_free(struct transport *t)
{
    ft_abort(t);
    return NULL;
}

static const struct transport_ops ops = {
    .open = ft_open,
    .send = ft_send,
    .close = ft_close,
    .abort = ft_abort,
    .free = ft_free,
};

void fake_transport_init(struct fake_transport *ft, const struct transport_events *events,
                         void *userdata)
{
    *ft = (struct fake_transport){
        .transport = {.ops = &ops},
        .events = events,
        .userdata = userdata,
        .sent = malloc(FIRST_SIZE), /* tests let allocations fail later */
        .sent_size = FIRST_SIZE,
    };
    assert(ft->sent);
}

void fake_transport_done(struct fake_transport *ft)
{
    free(ft->sent);
    *ft = (struct fake_transport){0};
}

void fake_transport_accept(struct fake_transport *ft)
{
    assert(ft->opening);
    ft->opening = false;
    ft->is_open = true;
    fake_transport_drop(ft, ft->sent_len);
    ft->events->on_open(ft->userdata);
}

void fake_transport_feed(struct fake_transport *ft, const void *data, size_t len)
{
    assert(ft->is_open);
    ft->events->on_data(data, len, ft->userdata);
}

void fake_transport_hang_up(struct fake_transport *ft, bool answered, const char *reason)
{
    assert(ft->opening || ft->is_open);
    ft->opening = ft->is_open = ft->closing = false;
    ft->events->on_closed(answered, reason, ft->userdata);
}

void fake_transport_drop(struct fake_transport *ft, size_t n)
{
    assert(n <= ft->sent_len);
    ft->sent_len -= n;
    if (ft->sent_len > 0)
        memmove(ft->sent, ft->sent + n, ft->sent_len);
}

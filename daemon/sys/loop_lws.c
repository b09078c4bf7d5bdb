/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <libwebsockets.h>

#include "daemon/sys/loop_lws.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sys/clock.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/fdutil.h"

LOG_AREA("loop");

#define PROTOCOL "iotd-fd"

struct loop_lws {
    struct loop base;
    struct lws_context *context;
    struct lws_vhost *vhost;
    lws_sorted_usec_list_t sul;
    bool stop;
};

/* The adopted duplicate of one loop_io. Freed by lws' close callback or by io_stop. */
struct shadow {
    struct loop_io *io; /* NULL after io_stop */
    struct lws *wsi;    /* NULL after lws closed it */
    struct loop_timer rearm;
};

static struct shadow *shadow_free(struct shadow *s)
{
    free(s);
    return NULL;
}
DEFINE_FREEP(struct shadow, shadow_free)

static void deliver(struct shadow *s, uint32_t events)
{
    struct loop_io *io = s->io;

    if (io)
        io->fn(io, events, io->userdata);
}

static void on_rearm(struct loop_timer *timer, void *userdata)
{
    struct shadow *s = userdata;

    (void) timer;
    if (s->wsi && s->io->events & LOOP_WRITE)
        lws_callback_on_writable(s->wsi);
}

/*
 * Write interest is one shot in lws and stays on here. lws clears it after the callback, together
 * with what the callback asked for: it is asked for again from outside.
 */
static void on_writable(struct shadow *s)
{
    if (s->io && s->io->events & LOOP_WRITE)
        deliver(s, LOOP_WRITE);
    if (s->io && s->io->events & LOOP_WRITE)
        loop_timer_arm(s->io->loop, &s->rearm, 0, on_rearm, s);
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len)
{
    struct shadow *s = wsi ? lws_get_opaque_user_data(wsi) : NULL;

    (void) user;
    (void) in;
    (void) len;
    if (!s)
        return 0;

    switch ((int) reason) {
    case LWS_CALLBACK_RAW_RX_FILE:
        deliver(s, LOOP_READ);
        break;
    case LWS_CALLBACK_RAW_WRITEABLE_FILE:
        on_writable(s);
        break;
    case LWS_CALLBACK_RAW_CLOSE_FILE:
        lws_set_opaque_user_data(wsi, NULL);
        s->wsi = NULL;
        if (s->io)
            deliver(s, LOOP_HUP | LOOP_READ); /* may stop it, which frees s */
        else
            shadow_free(s);
        return 0;
    default:
        return 0;
    }
    /* Stopped by its own callback: lws closes the duplicate. */
    return s->io ? 0 : -1;
}

static const struct lws_protocols protocols[] = {
    {.name = PROTOCOL, .callback = on_lws},
    {.name = NULL},
};

static void apply_events(struct shadow *s)
{
    if (!s->wsi)
        return;
    (void) lws_rx_flow_control(s->wsi, s->io->events & LOOP_READ ? 1 : 0);
    if (s->io->events & LOOP_WRITE)
        lws_callback_on_writable(s->wsi);
}

static int io_start(struct loop *base, struct loop_io *io)
{
    struct loop_lws *l = CONTAINER_OF(base, struct loop_lws, base);
    CLEANUP(shadow_freep) struct shadow *s = NULL;
    CLEANUP(fd_closep) int fd = -1;
    lws_adopt_desc_t desc = {
        .vh = l->vhost,
        .type = LWS_ADOPT_RAW_FILE_DESC,
        .vh_prot_name = PROTOCOL,
    };

    s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    fd = fd_dup(io->fd);
    if (fd < 0)
        return fd;

    s->io = io;
    desc.fd.filefd = fd;
    desc.opaque = s;
    s->wsi = lws_adopt_descriptor_vhost_via_info(&desc);
    fd = -1; /* lws owns it now, and closed it on failure */
    if (!s->wsi)
        return -ENOMEM;
    apply_events(s);
    io->impl = TAKE(s);
    return 0;
}

static void io_update(struct loop *base, struct loop_io *io)
{
    (void) base;
    apply_events(io->impl);
}

static void io_stop(struct loop *base, struct loop_io *io)
{
    struct shadow *s = TAKE(io->impl);

    (void) base;
    loop_timer_cancel(&s->rearm);
    s->io = NULL;
    if (!s->wsi) {
        shadow_free(s);
        return;
    }
    lws_set_timeout(s->wsi, 1, LWS_TO_KILL_ASYNC);
}

static uint64_t now_us(struct loop *base)
{
    (void) base;
    return clock_boot_us();
}

/*
 * The sul only ends the wait of lws_service(): that reckons its wait from before it ran the suls,
 * so it would sleep once more for as long as a timer worked that armed another. The timers run in
 * loop_lws_run().
 */
static void on_sul(lws_sorted_usec_list_t *sul)
{
    struct loop_lws *l = CONTAINER_OF(sul, struct loop_lws, sul);

    lws_sul_schedule(l->context, 0, sul, on_sul, 1); /* with none it would wait for ever */
}

static void wake_at(struct loop *base, uint64_t due_us)
{
    struct loop_lws *l = CONTAINER_OF(base, struct loop_lws, base);
    uint64_t now = clock_boot_us();

    if (due_us == UINT64_MAX)
        lws_sul_cancel(&l->sul);
    else /* whole milliseconds: the last part of one would be spent in polling */
        lws_sul_schedule(l->context, 0, &l->sul, on_sul,
                         due_us > now ? (lws_usec_t) (due_us - now + USEC_PER_MSEC - 1) : 1);
}

static const struct loop_ops ops = {
    .io_start = io_start,
    .io_update = io_update,
    .io_stop = io_stop,
    .now_us = now_us,
    .wake_at = wake_at,
};

static void on_log(int level, const char *line)
{
    int len = (int) strcspn(line, "\n");

    if (level == LLL_ERR)
        log_warn("libwebsockets: %.*s", len, line);
    else
        log_debug("libwebsockets: %.*s", len, line);
}

/*
 * libwebsockets arms a timer of its own that wakes the process every 30 s to see whether a parent
 * that daemonised it has died. It is found as the only one beside ours, and stopped: an idle
 * daemon sleeps.
 */
static void stop_housekeeping(struct loop_lws *l)
{
    lws_sul_schedule(l->context, 0, &l->sul, on_sul, LWS_US_PER_SEC);
    lws_start_foreach_dll_safe(struct lws_dll2 *, d, next, l->sul.list.owner->head)
    {
        lws_sorted_usec_list_t *other = lws_container_of(d, lws_sorted_usec_list_t, list);

        if (other != &l->sul)
            lws_sul_cancel(other);
    }
    lws_end_foreach_dll_safe(d, next);
    lws_sul_cancel(&l->sul);
}

int loop_lws_new(struct loop_lws **ret_loop)
{
    CLEANUP(loop_lws_freep) struct loop_lws *l = NULL;
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .gid = (gid_t) -1,
        .uid = (uid_t) -1,
        /* The second sets the TLS library up; it costs the other vhosts nothing. */
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
        .count_threads = 1,
        .fd_limit_per_thread = 0,
        .pt_serv_buf_size = 16384, /* own choice: a burst of replies in one turn */
    };

    l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    loop_init(&l->base, &ops);

    lws_set_log_level(LLL_ERR | LLL_WARN, on_log);
    l->context = lws_create_context(&info);
    if (!l->context)
        return -ENOMEM;
    info.vhost_name = "iotd-fds";
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    l->vhost = lws_create_vhost(l->context, &info);
    if (!l->vhost)
        return -ENOMEM;

    stop_housekeeping(l);
    *ret_loop = TAKE(l);
    return 0;
}

struct loop_lws *loop_lws_free(struct loop_lws *loop)
{
    if (!loop)
        return NULL;

    if (loop->context) {
        loop_done(&loop->base);
        lws_sul_cancel(&loop->sul);
        lws_context_destroy(loop->context);
    }
    free(loop);
    return NULL;
}

struct loop *loop_lws_base(struct loop_lws *loop)
{
    return &loop->base;
}

struct lws_context *loop_lws_context(struct loop_lws *loop)
{
    return loop->context;
}

int loop_lws_run(struct loop_lws *loop)
{
    while (!loop->stop) {
        (void) loop_run_timers(&loop->base);
        if (!loop->stop && lws_service(loop->context, 0) < 0)
            return -EIO;
    }
    loop->stop = false;
    return 0;
}

void loop_lws_stop(struct loop_lws *loop)
{
    loop->stop = true;
    lws_cancel_service(loop->context); /* suls of libwebsockets itself run before its wait */
}

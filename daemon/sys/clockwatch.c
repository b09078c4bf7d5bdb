/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/sys/clockwatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/sys/clock.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/fdutil.h"

LOG_AREA("clock");

/* Own choice: less is no step, and no sleep; it is what a clock in hardware is exact to. */
#define WORTH_US (1 * USEC_PER_SEC)
#define FAR_S                                                                                      \
    (sizeof(time_t) > 4 ? (time_t) 4102444800LL : INT32_MAX) /* 2100, if there is such a year */

struct clockwatch {
    struct loop_io io;
    int fd;
    const struct clockwatch_events *events;
    void *userdata;
    uint64_t boot_us, mono_us, real_us; /* as they were together */
};

static void sample(struct clockwatch *c)
{
    c->boot_us = clock_boot_us();
    c->mono_us = clock_mono_us();
    c->real_us = clock_real_us();
}

void clockwatch_check(struct clockwatch *c)
{
    const struct clockwatch was = *c;
    int64_t slept, step;

    sample(c);
    slept = (int64_t) (c->boot_us - was.boot_us) - (int64_t) (c->mono_us - was.mono_us);
    step = (int64_t) (c->real_us - was.real_us) - (int64_t) (c->boot_us - was.boot_us);
    if (step >= (int64_t) WORTH_US || step <= -(int64_t) WORTH_US) {
        log_notice("the clock was set by=%llds", (long long) (step / (int64_t) USEC_PER_SEC));
        if (c->events->on_stepped)
            c->events->on_stepped(step, c->userdata);
    }
    if (slept >= (int64_t) WORTH_US) {
        log_info("awake again slept=%llds", (long long) (slept / (int64_t) USEC_PER_SEC));
        if (c->events->on_resumed)
            c->events->on_resumed((uint64_t) slept, c->userdata);
    }
}

static int arm(struct clockwatch *c)
{
    const struct itimerspec far = {.it_value = {.tv_sec = FAR_S}};

    return timerfd_settime(c->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL) < 0
               ? -errno
               : 0;
}

static void on_readable(struct loop_io *io, uint32_t events, void *userdata)
{
    struct clockwatch *c = userdata;
    uint64_t count;
    ssize_t n = read(c->fd, &count, sizeof(count)); /* ECANCELED: the clock was set */
    int r;

    (void) events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    r = n < 0 ? arm(c) : -ETIME; /* or it is past 2100, and would be so again at once */
    if (r < 0) {
        log_warn("settings of the clock are not seen any more error=\"%s\"", strerror(-r));
        loop_io_stop(io);
    }
    clockwatch_check(c);
}

int clockwatch_new(struct clockwatch **ret_clockwatch, struct loop *loop,
                   const struct clockwatch_events *events, void *userdata)
{
    CLEANUP(clockwatch_freep) struct clockwatch *c = calloc(1, sizeof(*c));
    int r;

    if (!c)
        return -ENOMEM;
    c->events = events;
    c->userdata = userdata;
    c->fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (c->fd < 0)
        return -errno;
    r = arm(c);
    if (r == 0)
        r = loop_io_start(loop, &c->io, c->fd, LOOP_READ, on_readable, c);
    if (r < 0)
        return r;
    sample(c);
    *ret_clockwatch = TAKE(c);
    return 0;
}

struct clockwatch *clockwatch_free(struct clockwatch *c)
{
    if (!c)
        return NULL;

    loop_io_stop(&c->io);
    (void) fd_close(c->fd);
    free(c);
    return NULL;
}

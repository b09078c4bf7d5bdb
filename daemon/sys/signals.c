/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/sys/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "daemon/sys/log.h"
#include "libiotclient/base/fdutil.h"

struct signals {
    struct loop_io io;
    int fd;
    const struct signals_events *events;
    void *userdata;
};

static void on_readable(struct loop_io *io, uint32_t events, void *userdata)
{
    struct signals *s = userdata;
    struct signalfd_siginfo info;

    (void) io;
    (void) events;
    if (read(s->fd, &info, sizeof(info)) != sizeof(info))
        return;

    switch (info.ssi_signo) {
    case SIGTERM:
    case SIGINT:
        s->events->on_stop(s->userdata);
        break;
    case SIGHUP:
        s->events->on_reload(s->userdata);
        break;
    case SIGUSR2:
        log_toggle_debug();
        break;
    default:
        break;
    }
}

int signals_new(struct signals **ret_signals, struct loop *loop,
                const struct signals_events *events, void *userdata)
{
    CLEANUP(signals_freep) struct signals *s = NULL;
    sigset_t set;
    int r;

    s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->events = events;
    s->userdata = userdata;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR2);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    (void) signal(SIGPIPE, SIG_IGN);

    s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->fd < 0)
        return -errno;
    r = loop_io_start(loop, &s->io, s->fd, LOOP_READ, on_readable, s);
    if (r < 0)
        return r;

    *ret_signals = TAKE(s);
    return 0;
}

struct signals *signals_free(struct signals *signals)
{
    if (!signals)
        return NULL;

    loop_io_stop(&signals->io);
    if (signals->fd > 0)
        (void) fd_close(signals->fd);
    free(signals);
    return NULL;
}

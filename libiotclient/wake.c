/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/wake.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"

/*
 * In this order: who rings in between is heard now, who rings later writes again. The read finds
 * nothing if who rang has not written yet; then the loop wakes once more for nothing.
 */
static bool hear(struct wake *wake)
{
    eventfd_t count;

    (void) eventfd_read(wake->fd, &count);
    return __atomic_exchange_n(&wake->is_rung, false, __ATOMIC_ACQ_REL);
}

bool wake_hear(struct wake *wake)
{
    return __atomic_load_n(&wake->is_rung, __ATOMIC_RELAXED) && hear(wake);
}

void wake_ring(struct wake *wake)
{
    if (!__atomic_exchange_n(&wake->is_rung, true, __ATOMIC_ACQ_REL))
        (void) eventfd_write(wake->fd, 1); /* never full: it is read before the next one */
}

static void on_rung(struct loop_io *io, uint32_t events, void *userdata)
{
    struct wake *wake = userdata;

    (void) io;
    (void) events;
    (void) hear(wake);
    wake->fn(wake->userdata);
}

int wake_init(struct wake *wake, struct loop *loop, wake_fn fn, void *userdata)
{
    *wake = (struct wake){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    wake->fn = fn;
    wake->userdata = userdata;
    if (wake->fd < 0)
        return -errno;
    return loop_io_start(loop, &wake->io, wake->fd, LOOP_READ, on_rung, wake);
}

void wake_done(struct wake *wake)
{
    loop_io_stop(&wake->io);
    wake->fd = fd_close(wake->fd);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_WAKE_H
#define IOTD_LIBIOTCLIENT_WAKE_H

/* Any thread of the program tells the client's loop that there is something to do. */

#include <stdbool.h>

#include "libiotclient/base/loop.h"

typedef void (*wake_fn)(void *userdata);

struct wake {
    int fd;       /* an eventfd of our own; -1 */
    bool is_rung; /* atomic: rung and not heard yet */
    struct loop_io io;
    wake_fn fn;
    void *userdata;
};

/* fn runs from the loop. Harmless on failure: wake_done() is always legal after wake_init(). */
int wake_init(struct wake *wake, struct loop *loop, wake_fn fn, void *userdata) MUST_CHECK;
/* Harmless on zeroed memory with fd -1. */
void wake_done(struct wake *wake);

/* Any thread, after what there is to do was published. Makes one system call until it is heard. */
void wake_ring(struct wake *wake);
/* The thread of the loop: whether it was rung; fn does not run for that any more. */
bool wake_hear(struct wake *wake);

#endif /* IOTD_LIBIOTCLIENT_WAKE_H */

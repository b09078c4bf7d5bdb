/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_SYS_SIGNALS_H
#define IOTD_SYS_SIGNALS_H

/* Signals as events of the loop, by a signalfd. */

#include "libiotclient/base/loop.h"
#include "libiotclient/base/macro.h"

struct signals;

struct signals_events {
    void (*on_stop)(void *userdata);   /* SIGTERM, SIGINT; again for each further one */
    void (*on_reload)(void *userdata); /* SIGHUP */
};

/* Blocks the signals of the process; SIGUSR2 toggles debug logging, SIGPIPE is ignored. */
int signals_new(struct signals **ret_signals, struct loop *loop,
                const struct signals_events *events, void *userdata) MUST_CHECK;
struct signals *signals_free(struct signals *signals);
DEFINE_FREEP(struct signals, signals_free)

#endif /* IOTD_SYS_SIGNALS_H */

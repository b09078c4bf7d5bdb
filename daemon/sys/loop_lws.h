/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_SYS_LOOP_LWS_H
#define IOTD_SYS_LOOP_LWS_H

/*
 * struct loop on libwebsockets: the one event loop of the daemon. Foreign descriptors are
 * duplicated and adopted as raw files (Debian's build has no external poll); one sul is the
 * wake-up of all timers.
 */

#include "libiotclient/base/loop.h"
#include "libiotclient/base/macro.h"

struct loop_lws;
struct lws_context;

int loop_lws_new(struct loop_lws **ret_loop) MUST_CHECK;
struct loop_lws *loop_lws_free(struct loop_lws *loop);
DEFINE_FREEP(struct loop_lws, loop_lws_free)

struct loop *loop_lws_base(struct loop_lws *loop);
struct lws_context *loop_lws_context(struct loop_lws *loop);

/* Runs until loop_lws_stop(), and may run again; 0, or -EIO when libwebsockets gives up. */
int loop_lws_run(struct loop_lws *loop) MUST_CHECK;
void loop_lws_stop(struct loop_lws *loop);

#endif /* IOTD_SYS_LOOP_LWS_H */

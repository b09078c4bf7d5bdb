/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_LINK_IMPL_H
#define IOTD_CLOUD_LINK_IMPL_H

/* What the files of the link share; nobody else includes this. */

#include "daemon/cloud/filters.h"
#include "daemon/cloud/link.h"
#include "daemon/net/resolve.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/backoff.h"
#include "libiotclient/base/limits.h"

#define KEEP_REASON " " /* a step that has nothing to tell */

struct link {
    struct loop *loop;
    struct link_config config;
    struct transport *transport; /* owned */
    struct mqtt_session session;
    struct resolve *resolve; /* NULL when not resolving */
    struct resolve_result addresses;
    unsigned next_address;
    enum link_state state;
    char reason[200];
    uint64_t since_real_us;
    uint64_t next_try_us; /* boot time; 0 none */
    uint64_t last_connect_us;
    uint64_t up_us;
    uint64_t restart_us; /* of an attempt under way, for the network; 0: never */
    bool new_network;    /* since the attempt began: if it fails, the next one is at once */
    unsigned kicks;
    bool session_present;
    bool was_up;
    bool told_up; /* the watchers know */
    uint64_t sent, received, reconnects;
    struct backoff probe, backoff;
    struct loop_timer retry_timer, phase_timer, session_timer;
    struct filters filters;
    size_t next_filter;
    struct link_memory memory;
    bool session_is_whole; /* without a memory */
    struct list watches;
    struct log_limit skipped;
};

#define TELL(l, member, ...)                                                                       \
    LIST_FOR_EACH_SAFE (n_, &(l)->watches) {                                                       \
        struct link_watch *w_ = LIST_ENTRY(n_, struct link_watch, link);                           \
        if (w_->member)                                                                            \
            w_->member(__VA_ARGS__ w_->userdata);                                                  \
    }

/* Runs the actions that the table has for the event. */
void link_step(struct link *link, enum link_event event, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* link_session.c: what the MQTT session asks for and tells. */
extern const struct mqtt_session_ops link_session_ops;
/* After anything that may have moved the session's deadlines. */
void link_arm_session(struct link *link);
/* From the first filter on. */
void link_subscribe(struct link *link);
/* The next filter, or the event that all are granted. */
void link_subscribe_next(struct link *link);

#endif /* IOTD_CLOUD_LINK_IMPL_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_FILES_DOWN_IMPL_H
#define IOTD_CORE_FILES_DOWN_IMPL_H

/* What files_down.c, which carries orders out, and files_down_order.c, which accepts them, share.
 */

#include "daemon/core/files_down.h"
#include "libiotclient/base/ratelimit.h"

enum download_state {
    DOWNLOAD_WAITING,
    DOWNLOAD_RUNNING,
    DOWNLOAD_BROKEN, /* over; its partial file waits for the next order */
};

struct download {
    struct list link;
    struct files_down *owner;
    enum download_state state;
    struct file file; /* what it will be; part is its partial file */
    char url[LIMIT_URL + 1];
    struct fetch *fetch;
    struct transfer *transfer; /* NULL: broken */
    struct transfer_pace pace;
};

struct files_down {
    struct files_down_config config;
    struct list downloads; /* the oldest first */
    struct loop_timer timer;
    struct ratelimit rate; /* of those that begin */
    bool can_go;
};

/* The outcome of an order goes to the log and to the cloud. */
void files_down_tell(struct files_down *down, const struct file_order *o, int code,
                     const char *text);
/* Also a broken one. */
struct download *files_down_get(const struct files_down *down, enum file_kind kind,
                                const char *name);
unsigned files_down_count(const struct files_down *down, enum download_state state);
/* With an empty URL it is broken. NULL: out of memory. */
struct download *files_down_add(struct files_down *down, const struct file *f, const char *url);
/* What waits begins in the next turn of the loop. */
void files_down_schedule(struct files_down *down);
/* The oldest go until there are no more than that. */
void files_down_limit_broken(struct files_down *down, unsigned max);
void download_save(struct download *d);
void download_unsave(struct download *d);
void download_end_transfer(struct download *d, enum transfer_state state, int code,
                           const char *text);
/* Its row is the caller's. */
void download_forget(struct download *d, bool drop_part);

/* NULL, or what is wrong with it. */
const char *files_down_check(const struct files_down *down, const struct file_order *o,
                             int *ret_code);
/* Of one that was checked. */
void files_down_fill(struct file *f, const struct file_order *o);

#endif /* IOTD_CORE_FILES_DOWN_IMPL_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_INSTALLER_H
#define IOTD_CORE_INSTALLER_H

/*
 * Who installs a firmware image that was checked: a program, a command, RAUC. Each kind embeds
 * struct installer and has a constructor and a destructor of its own. One job at a time.
 */

#include <stdbool.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

/* Texts are never NULL. All of it is borrowed until start() returns; who needs it longer copies. */
struct install_job {
    int fd;           /* the image, opened for reading, at 0; dup'ed by who keeps it */
    const char *path; /* absolute, of the image file; it stays until the job has ended */
    const char *version;
    uint64_t size;
    const char *md5, *sha256; /* hex; sha256 "" when not computed */
    const char *custom;       /* user_defined of the order, as it came; "" if none */
    const char *extra;        /* JSON object of all members of the order that are not the
                                 documented ones */
};

/*
 * A table that lives as long as the job. Called from the loop, never from inside of start() or
 * cancel(). Texts are UTF-8 without control characters, of at most INSTALLER_TEXT bytes, and
 * theirs who call.
 */
struct installer_events {
    /* What has changed; percent is 0 to 100 and may go back. */
    void (*progress)(unsigned percent, const char *text, void *userdata);
    /*
     * 0 or -errno; once unless cancelled, and the last that is heard of the job: the next one may
     * be started from here. text is "" or says to people what was wrong.
     */
    void (*done)(int result, const char *text, void *userdata);
};

#define INSTALLER_TEXT 255 /* own choice: in bytes, without NUL */

struct installer;

struct installer_ops {
    const char *name;        /* "program", "exec", "rauc" */
    bool restarts_by_itself; /* false: somebody else reboots */
    /*
     * @return 0: done follows; -EBUSY a job is in work; another negative errno: nothing was
     *         started, and nothing follows
     */
    int (*start)(struct installer *i, const struct install_job *job,
                 const struct installer_events *events, void *userdata);
    /* Nothing is heard of the job any more; harmless without one. What it has written stays. */
    void (*cancel)(struct installer *i);
};

struct installer {
    const struct installer_ops *ops;
};

static inline MUST_CHECK int installer_start(struct installer *i, const struct install_job *job,
                                             const struct installer_events *events, void *userdata)
{
    return i->ops->start(i, job, events, userdata);
}

static inline void installer_cancel(struct installer *i)
{
    i->ops->cancel(i);
}

#endif /* IOTD_CORE_INSTALLER_H */

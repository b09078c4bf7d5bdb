/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/sys/privs.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "libiotclient/base/limits.h"

/* Enough for all programs; and libwebsockets makes tables of this size, whatever is used. */
static void limit_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max < LIMIT_DESCRIPTORS ? limit.rlim_max : LIMIT_DESCRIPTORS;
    (void) setrlimit(RLIMIT_NOFILE, &limit);
}

void privs_drop(void)
{
    const struct rlimit none = {0, 0};

    (void) umask(0077);
    /* The unit sets the same; a kernel that refuses one of these leaves us no worse. */
    (void) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
#ifndef __SANITIZE_ADDRESS__ /* LeakSanitizer attaches to its own process */
    (void) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
    (void) setrlimit(RLIMIT_CORE, &none);
    limit_descriptors();
}

bool privs_leaves_files(int fd)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
           (rlim_t) fd + LIMIT_DESCRIPTORS_KEPT < limit.rlim_cur;
}

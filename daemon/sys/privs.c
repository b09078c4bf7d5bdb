/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/sys/privs.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

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
}

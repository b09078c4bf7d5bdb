/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_SYS_PROCESS_H
#define IOTD_SYS_PROCESS_H

/* What the system knows of another process. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "libiotclient/base/macro.h"

struct process_exe {
    char *path; /* as the process sees it; NULL: none */
    uint64_t device, inode;
};

void process_exe_done(struct process_exe *exe);

/*
 * The executable of a process.
 *
 * With a pidfd it is that of the process behind it. Without one the process must have been there
 * at seen_us (of clock_boot_us()): else its number was given to another one since.
 *
 * @return 0; -ESRCH gone, or another one; -EACCES it may not be known; another negative errno
 */
int process_get_exe(uint32_t pid, int pidfd, uint64_t seen_us,
                    struct process_exe *ret_exe) MUST_CHECK;

/*
 * Whether the path is that file for us too: in a mount namespace of its own a process can give
 * any path to any file.
 */
bool process_exe_is_ours(const struct process_exe *exe);

#endif /* IOTD_SYS_PROCESS_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_INSTALL_EXEC_H
#define IOTD_CORE_INSTALL_EXEC_H

/*
 * The command that installs: one process for each job, with the image as descriptor 3. What it
 * gets, and what it may do, is in daemon/README.md, "The command that installs".
 */

#include "daemon/core/installer.h"
#include "libiotclient/base/loop.h"

/*
 * path: absolute, of the program; it is looked at when a job starts. After timeout_us it gets
 * SIGTERM, 5 s later SIGKILL, and the job ends with -ETIMEDOUT.
 * @return 0; -EINVAL the path is not absolute; -ENOMEM
 *
 * start(): -ENOENT, -EACCES there is no such program, or it may not be run.
 * done(): -ECANCELED it said that it failed; -ENOEXEC it could not be run; -EINTR a signal ended
 * it; -ETIMEDOUT
 */
int install_exec_new(struct installer **ret_installer, struct loop *loop, const char *path,
                     uint64_t timeout_us) MUST_CHECK;
/* Kills what runs. */
struct installer *install_exec_free(struct installer *i);
DEFINE_FREEP(struct installer, install_exec_free)

#endif /* IOTD_CORE_INSTALL_EXEC_H */

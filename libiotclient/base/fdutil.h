/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_BASE_FDUTIL_H
#define IOTD_BASE_FDUTIL_H

#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

/* Closes and keeps errno; accepts -1. Always returns -1. */
int fd_close(int fd);
static inline void fd_closep(int *fd)
{
    (void) fd_close(*fd);
}

/* A duplicate with CLOEXEC, numbered 3 or higher. */
int fd_dup(int fd) MUST_CHECK;

/*
 * Reads a whole regular file of at most max bytes; NUL-terminated for convenience.
 * -EFBIG when larger, -EINVAL when not a regular file.
 */
int fd_read_file(int fd, size_t max, char **ret_data, size_t *ret_len) MUST_CHECK;

#endif /* IOTD_BASE_FDUTIL_H */

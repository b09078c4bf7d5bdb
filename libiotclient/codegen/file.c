/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/codegen/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"

int file_read(const char *path, size_t max, char **ret_text, size_t *ret_len)
{
    /* A FIFO must not hold us up; what it is shows the read. */
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    return fd < 0 ? -errno : fd_read_file(fd, max, ret_text, ret_len);
}

static int write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0) {
            text += n;
            len -= (size_t) n;
        }
    }
    return 0;
}

int file_write(const char *path, const char *text)
{
    CLEANUP(freep) char *beside = NULL;
    int r, fd;

    if (asprintf(&beside, "%s.tmp", path) < 0) {
        beside = NULL;
        return -ENOMEM;
    }
    fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        return -errno;
    r = write_all(fd, text, strlen(text));
    if (close(fd) < 0 && r >= 0)
        r = -errno;
    if (r >= 0 && rename(beside, path) < 0)
        r = -errno;
    if (r < 0)
        (void) unlink(beside); /* what failed is told already */
    return r;
}

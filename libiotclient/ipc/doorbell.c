/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libiotclient/ipc/doorbell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"

#define CLEAR_READS 4      /* own choice: one empties a pipe that nobody has enlarged */
#define CLEAR_BYTES 2048   /* own choice */
#define DOORBELL_PIPE 4096 /* bytes; the smallest that Linux has */

/* An end of its own, opened for both ways: with flags that the other does not share. */
static int open_both_ways(int pipe_fd)
{
    char path[32];
    int fd;

    (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", pipe_fd);
    fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    return fd < 0 ? -errno : fd;
}

int doorbell_new(int *ret_read_fd, int *ret_write_fd)
{
    CLEANUP(fd_closep) int read_fd = -1;
    CLEANUP(fd_closep) int write_fd = -1;
    int fds[2], fd;

    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
        return -errno;
    read_fd = fds[0];
    write_fd = fds[1];
    (void) fcntl(write_fd, F_SETPIPE_SZ, DOORBELL_PIPE); /* a larger one rings as well */

    fd = open_both_ways(write_fd);
    if (fd < 0)
        return fd;
    *ret_write_fd = fd;
    *ret_read_fd = read_fd;
    read_fd = -1;
    return 0;
}

void doorbell_ring(int write_fd)
{
    ssize_t n;

    do
        n = write(write_fd, "", 1);
    while (n < 0 && errno == EINTR);
}

bool doorbell_clear(int read_fd)
{
    char rings[CLEAR_BYTES];

    for (int i = 0; i < CLEAR_READS; i++) {
        ssize_t n = read(read_fd, rings, sizeof(rings));

        if (n < 0)
            return errno != EAGAIN && errno != EINTR;
        if (n == 0)
            return true;
        if ((size_t) n < sizeof(rings))
            return false; /* a hang-up behind it is the next thing that poll() tells */
    }
    return false;
}

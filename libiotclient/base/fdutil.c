/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/base/fdutil.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int fd_close(int fd)
{
    int saved = errno;

    if (fd >= 0)
        (void) close(fd); /* nothing can be done about a failure: the descriptor is gone */
    errno = saved;
    return -1;
}

int fd_dup(int fd)
{
    int r = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    return r < 0 ? -errno : r;
}

int fd_read_file(int fd, size_t max, char **ret_data, size_t *ret_len)
{
    CLEANUP(freep) char *data = NULL;
    struct stat st;
    size_t len = 0;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    if (st.st_size < 0 || (uint64_t) st.st_size > max)
        return -EFBIG;

    data = malloc((size_t) st.st_size + 1);
    if (!data)
        return -ENOMEM;
    while (len < (size_t) st.st_size) {
        ssize_t n = read(fd, data + len, (size_t) st.st_size - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        len += (size_t) n;
    }
    data[len] = '\0';
    *ret_data = TAKE(data);
    *ret_len = len;
    return 0;
}

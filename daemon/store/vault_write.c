/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/store/vault_write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"

#define NEW ".new"

/* Where it really is; a directory, and a name in it. */
struct place {
    int dir_fd;
    char name[NAME_MAX + 1 - sizeof(NEW)];
};

static int find_place(const char *path, struct place *ret_place)
{
    CLEANUP(freep) char *real = realpath(path, NULL); /* NULL: there is no file yet */
    const char *target = real ? real : path, *slash = strrchr(target, '/');
    const char *name = slash ? slash + 1 : target;
    CLEANUP(freep) char *dir = strndup(target, slash ? (size_t) (name - target) : 0);
    struct place p;

    if (!dir)
        return -ENOMEM;
    if (!*name || strlen(name) >= sizeof(p.name))
        return -ENAMETOOLONG;
    strcpy(p.name, name);
    p.dir_fd = open(*dir ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p.dir_fd < 0)
        return -errno;
    *ret_place = p;
    return 0;
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        data += n;
        len -= (size_t) n;
    }
    return fsync(fd) < 0 ? -errno : 0;
}

static int write_new(int dir_fd, const char *name, const void *data, size_t len)
{
    CLEANUP(fd_closep) int fd = -1;
    int r;

    /* What a kill left there before. */
    if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
        return -errno;
    fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    r = write_all(fd, data, len);
    if (r < 0)
        (void) unlinkat(dir_fd, name, 0); /* the failure before is the one to tell */
    return r;
}

int vault_write(const char *path, const void *data, size_t len)
{
    CLEANUP(fd_closep) int dir_fd = -1;
    char new_name[NAME_MAX + 1];
    struct place p;
    int r;

    r = find_place(path, &p);
    if (r < 0)
        return r;
    dir_fd = p.dir_fd;
    (void) snprintf(new_name, sizeof(new_name), "%s" NEW, p.name);
    r = write_new(dir_fd, new_name, data, len);
    if (r < 0)
        return r;
    if (renameat(dir_fd, new_name, dir_fd, p.name) < 0) {
        r = -errno;
        (void) unlinkat(dir_fd, new_name, 0);
        return r;
    }
    return fsync(dir_fd) < 0 ? -errno : 0;
}

int vault_remove(const char *path)
{
    CLEANUP(fd_closep) int dir_fd = -1;
    struct place p;
    int r;

    r = find_place(path, &p);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    dir_fd = p.dir_fd;
    if (unlinkat(dir_fd, p.name, 0) < 0)
        return errno == ENOENT ? 0 : -errno;
    return fsync(dir_fd) < 0 ? -errno : 0;
}

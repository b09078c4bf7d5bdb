/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/net/fetch_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"

#define TELL_SIZE (256 * 1024) /* own choice: waking the child costs more than a piece */

struct fetch_file {
    struct fetch_file_spec spec; /* its name and dir are those below */
    int dir;
    int fd;
    char name[NAME_MAX + 1];
    uint64_t done;
    uint64_t told; /* of it, the child knows */
    struct fetch_hash *hash;
    fetch_hash_fn fn;
    void *userdata;
};

static void tell(struct fetch_file *f)
{
    fetch_hash_more(f->hash, f->done - f->told);
    f->told = f->done;
}

static int start_hash(struct fetch_file *f)
{
    const struct fetch_hash_spec spec = {
        .loop = f->spec.loop,
        .fd = f->fd,
        .size = f->spec.size,
        .want_sha256 = f->spec.want_sha256,
        .md5 = f->spec.md5,
        .dir = f->dir,
    };
    int r;

    f->hash = fetch_hash_free(f->hash);
    r = fetch_hash_start(&f->hash, &spec, f->fn, f->userdata);
    f->told = 0;
    if (r == 0)
        tell(f);
    return r;
}

static int open_file(struct fetch_file *f)
{
    struct stat st;

    f->fd = openat(f->dir, f->name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (f->fd < 0)
        return -errno;
    if (fstat(f->fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    if (fchmod(f->fd, 0600) < 0)
        return -errno;
    f->done = (uint64_t) st.st_size;
    return f->done > f->spec.size ? fetch_file_start_over(f) : start_hash(f);
}

int fetch_file_open(struct fetch_file **ret_file, const struct fetch_file_spec *spec,
                    fetch_hash_fn fn, void *userdata)
{
    CLEANUP(fetch_file_freep) struct fetch_file *f = NULL;
    int r;

    if (!*spec->name || strlen(spec->name) >= sizeof(f->name) || strchr(spec->name, '/') ||
        strcmp(spec->name, ".") == 0 || strcmp(spec->name, "..") == 0)
        return -EINVAL;
    f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    f->fd = -1;
    f->spec = *spec;
    f->fn = fn;
    f->userdata = userdata;
    strcpy(f->name, spec->name);
    f->dir = fd_dup(spec->dir);
    r = f->dir < 0 ? f->dir : open_file(f);
    if (r < 0)
        return r;
    *ret_file = TAKE(f);
    return 0;
}

struct fetch_file *fetch_file_free(struct fetch_file *f)
{
    if (!f)
        return NULL;

    f->hash = fetch_hash_free(f->hash);
    (void) fd_close(f->fd);
    (void) fd_close(f->dir);
    free(f);
    return NULL;
}

uint64_t fetch_file_done(const struct fetch_file *f)
{
    return f->done;
}

int fetch_file_has_room(const struct fetch_file *f)
{
    struct statvfs st;

    if (fstatvfs(f->fd, &st) < 0 || st.f_blocks == 0)
        return 0; /* writing will tell */
    return st.f_bavail < (f->spec.size - f->done) / (st.f_frsize ? st.f_frsize : 1) ? -ENOSPC : 0;
}

int fetch_file_add(struct fetch_file *f, const uint8_t *data, size_t len)
{
    int r = 0;

    if (len > f->spec.size - f->done)
        return -EFBIG;
    while (r == 0 && len > 0) {
        ssize_t n = pwrite(f->fd, data, len, (off_t) f->done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            r = -errno;
        } else {
            f->done += (uint64_t) n;
            data += n;
            len -= (size_t) n;
        }
    }
    if (f->done - f->told >= TELL_SIZE || f->done == f->spec.size)
        tell(f);
    return r;
}

int fetch_file_start_over(struct fetch_file *f)
{
    if (ftruncate(f->fd, 0) < 0)
        return -errno;
    f->done = 0;
    return start_hash(f);
}

void fetch_file_remove(struct fetch_file *f)
{
    (void) unlinkat(f->dir, f->name, 0);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/store/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"

#define SLICE (256 * 1024) /* own choice: a few milliseconds of a turn */

struct image_copy {
    struct loop *loop; /* borrowed */
    int from, to;
    uint64_t size, done;
    struct digest *md5, *sha256;
    const struct image_events *events; /* borrowed */
    void *userdata;
    struct loop_timer timer;
    uint8_t slice[SLICE];
};

struct image_copy *image_copy_free(struct image_copy *copy)
{
    if (!copy)
        return NULL;

    loop_timer_cancel(&copy->timer);
    digest_free(copy->md5);
    digest_free(copy->sha256);
    fd_close(copy->from);
    fd_close(copy->to);
    free(copy);
    return NULL;
}

int image_size(int fd, uint64_t *ret_size)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    *ret_size = (uint64_t) st.st_size;
    return 0;
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        data += n;
        len -= (size_t) n;
    }
    return 0;
}

/* 1: there is more */
static int step(struct image_copy *c)
{
    const uint64_t left = c->size - c->done;
    const size_t want = left < SLICE ? (size_t) left : SLICE;
    ssize_t n = pread(c->from, c->slice, want, (off_t) c->done);
    int r;

    if (n < 0)
        return errno == EINTR ? 1 : -errno;
    if (n == 0)
        return -EIO;
    r = write_all(c->to, c->slice, (size_t) n);
    if (r < 0)
        return r;
    digest_add(c->md5, c->slice, (size_t) n);
    digest_add(c->sha256, c->slice, (size_t) n);
    c->done += (uint64_t) n;
    if (c->done < c->size)
        return 1;
    return fdatasync(c->to) < 0 ? -errno : 0;
}

static int finish(struct image_copy *c, struct image_digests *digests)
{
    uint8_t md5[DIGEST_MAX], sha256[DIGEST_MAX];
    int r = digest_finish(c->md5, md5);

    if (r == 0)
        r = digest_finish(c->sha256, sha256);
    if (r < 0)
        return r;
    for (size_t i = 0; i < DIGEST_MD5_LEN; i++)
        (void) snprintf(&digests->md5[2 * i], 3, "%02x", md5[i]);
    for (size_t i = 0; i < DIGEST_SHA256_LEN; i++)
        digests->sha256[i] = sha256[i];
    return 0;
}

static void on_turn(struct loop_timer *timer, void *userdata)
{
    struct image_copy *c = userdata;
    struct image_digests digests = {0};
    int r = step(c);

    if (r == 1) {
        loop_timer_arm(c->loop, timer, 0, on_turn, c);
        c->events->progress(c->done, c->userdata);
        return;
    }
    if (r == 0)
        r = finish(c, &digests);
    c->events->done(r, &digests, c->userdata);
}

int image_copy_start(struct image_copy **ret_copy, struct loop *loop, int fd, uint64_t size,
                     int dir, const char *name, const struct image_events *events, void *userdata)
{
    CLEANUP(image_copy_freep) struct image_copy *c = calloc(1, sizeof(*c));
    int r;

    if (!c)
        return -ENOMEM;
    c->loop = loop;
    c->from = c->to = -1;
    c->size = size;
    c->events = events;
    c->userdata = userdata;
    r = digest_new(&c->md5, DIGEST_MD5);
    if (r == 0)
        r = digest_new(&c->sha256, DIGEST_SHA256);
    if (r < 0)
        return r;
    c->from = fd_dup(fd);
    if (c->from < 0)
        return c->from;
    if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
        return -errno;
    c->to = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (c->to < 0)
        return -errno;
    loop_timer_arm(loop, &c->timer, 0, on_turn, c);
    *ret_copy = TAKE(c);
    return 0;
}

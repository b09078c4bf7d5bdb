/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/files_source.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define STALL_US (3600 * USEC_PER_SEC)
#define SLOW_STEPS 20 /* in a second */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* How much may leave now: 0 and how long to wait. */
static uint64_t allowed(struct files_source *s, uint64_t size, uint64_t *ret_wait_us)
{
    uint64_t now, step;

    if (s->sent >= s->stall_after) {
        *ret_wait_us = STALL_US;
        return 0;
    }
    size = least(least(size, s->stall_after - s->sent), s->cut_after - s->sent);
    if (!s->rate)
        return size;
    now = loop_now_us(s->files->loop);
    if (now < s->next_us) {
        *ret_wait_us = s->next_us - now;
        return 0;
    }
    step = s->rate / SLOW_STEPS ? s->rate / SLOW_STEPS : 1;
    size = least(size, step);
    s->next_us = (s->next_us ? s->next_us : now) + size * USEC_PER_SEC / s->rate;
    return size;
}

/* From the file, and zeros behind its end. */
static int fill(const struct files_source *s, uint8_t *buf, size_t size)
{
    uint64_t at = s->start + s->sent;
    size_t done = 0;

    while (done < size && at + done < s->blob->size) {
        ssize_t n = pread(s->blob->fd, buf + done, size - done, (off_t) (at + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        done += (size_t) n;
    }
    memset(buf + done, 0, size - done);
    return 0;
}

static int on_read(uint8_t *buf, size_t size, size_t *ret_len, uint64_t *ret_wait_us,
                   void *userdata)
{
    struct files_source *s = userdata;
    uint64_t n;
    int e;

    *ret_len = 0;
    if (s->sent >= s->length)
        return 0;
    if (s->sent >= s->cut_after)
        return -ECONNABORTED;
    n = allowed(s, least(size, s->length - s->sent), ret_wait_us);
    if (n == 0)
        return -EAGAIN;
    e = fill(s, buf, (size_t) n);
    if (e < 0)
        return e;
    if (s->wrong && s->sent == 0)
        buf[0] ^= 0xff;
    s->sent += n;
    s->files->bytes_sent += n;
    *ret_len = (size_t) n;
    return 0;
}

static void on_done(void *userdata)
{
    struct files_source *s = userdata;

    journal_event(s->files->journal, "", "download", "%s: %d, from %llu, %llu of %llu bytes",
                  s->blob->key, s->status, (unsigned long long) s->start,
                  (unsigned long long) s->sent, (unsigned long long) s->length);
    blobs_unref(s->blob);
    free(s);
}

const struct http_source files_source = {on_read, on_done};

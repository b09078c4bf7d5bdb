/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/crypto/secret.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/crypto/base64.h"
#include "libiotclient/base/limits.h"

struct secret {
    size_t map_len;
    size_t len;
    _Alignas(max_align_t) uint8_t data[];
};

#define MAX_KEY 4096   /* own choice: an RSA key of 4096 bits has 2400 */
#define MAX_ROOM 65536 /* own choice: the numbers of such a key have some ten thousand */

int secret_new_room(struct secret **ret_secret, size_t len)
{
    struct secret *s;
    size_t map_len = sizeof(*s) + len;

    if (len == 0 || len > MAX_ROOM)
        return -EINVAL;

    s = mmap(NULL, map_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (s == MAP_FAILED)
        return -ENOMEM;
    /* Best effort: RLIMIT_MEMLOCK may be 0, old kernels lack the advice. */
    (void) mlock(s, map_len);
    (void) madvise(s, map_len, MADV_DONTDUMP);
    (void) madvise(s, map_len, MADV_DONTFORK);
    s->map_len = map_len;
    s->len = len;
    *ret_secret = s;
    return 0;
}

int secret_new(struct secret **ret_secret, const void *data, size_t len)
{
    int r = len > MAX_KEY ? -EINVAL : secret_new_room(ret_secret, len);

    if (r == 0)
        memcpy((*ret_secret)->data, data, len);
    return r;
}

int secret_new_base64(struct secret **ret_secret, const char *text)
{
    uint8_t buf[LIMIT_SECRET_BYTES];
    int n, r;

    n = base64_decode(text, buf, sizeof(buf));
    if (n < 0)
        return n;
    r = n == 0 ? -EBADMSG : secret_new(ret_secret, buf, (size_t) n);
    explicit_bzero(buf, sizeof(buf));
    return r;
}

struct secret *secret_free(struct secret *secret)
{
    if (!secret)
        return NULL;

    explicit_bzero(secret->data, secret->len);
    (void) munmap(secret, secret->map_len);
    return NULL;
}

const uint8_t *secret_data(const struct secret *secret)
{
    return secret->data;
}

void *secret_room(struct secret *secret)
{
    return secret->data;
}

size_t secret_len(const struct secret *secret)
{
    return secret->len;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_BLOBS_H
#define IOTD_LOCALCLOUD_BLOBS_H

/*
 * Files under keys, as an object store has them, and the pre-signed URLs by which devices get and
 * put them. Everybody who may hold a key chooses it: "firmware/PRODUCT/VERSION". How they travel
 * is in files.c.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "examples/localcloud/clock.h"
#include "examples/localcloud/journal.h"
#include "libiotclient/base/list.h"
#include "libiotclient/base/macro.h"

#define BLOBS_MAX 256
#define BLOBS_KEY_MAX 200              /* of letters, digits, '.', '-', '_' and '/' */
#define BLOBS_SIZE_MAX (1024ULL << 20) /* console guide: firmware, resource */
#define BLOBS_MD5_MAX 33               /* 32 hexadecimal characters and a NUL */

struct blobs;

struct blob {
    struct list link;
    unsigned refs; /* of the store, and of whoever sends it */
    char key[BLOBS_KEY_MAX + 1];
    uint64_t size;
    char md5[BLOBS_MD5_MAX];
    uint64_t time_ms;
    uint64_t number; /* of its file */
    int fd;
};

struct blobs_deps {
    const struct cloud_clock *clock;
    struct journal *journal;
    int dir;         /* -1: nothing outlives the program */
    uint64_t life_s; /* of URLs that ask for no other */
};

/* System errors: the directory is no good. */
int blobs_new(struct blobs **ret_blobs, const struct blobs_deps *deps) MUST_CHECK;
struct blobs *blobs_free(struct blobs *b);
DEFINE_FREEP(struct blobs, blobs_free)
/* What URLs begin with: "http://127.0.0.1:8081". -ENOMEM. */
int blobs_set_base(struct blobs *b, const char *base) MUST_CHECK;

bool blobs_is_key(const char *key);
/* NULL when there is none. */
const struct blob *blobs_find(const struct blobs *b, const char *key);
/* Replaces what was there. -EINVAL no key, -ENOSPC too many, -EFBIG, system errors. */
int blobs_put(struct blobs *b, const char *key, const void *data, size_t len) MUST_CHECK;
/* Those that send it go on. Harmless when there is none. */
void blobs_remove(struct blobs *b, const char *key);

/* A GET, also of a part, and a HEAD. life_s 0: the usual. A new string. */
int blobs_get_url(const struct blobs *b, const char *key, uint64_t life_s,
                  char **ret_url) MUST_CHECK;
/* A PUT of a file that need not be there yet; size 0 and md5 NULL or "": of any. */
int blobs_put_url(const struct blobs *b, const char *key, uint64_t size, const char *md5,
                  uint64_t life_s, char **ret_url) MUST_CHECK;

/* Tells of each upload to a key that begins with prefix, borrowed, once it is there and right. */
#define BLOBS_LISTENERS_MAX 8
typedef void (*blobs_fn)(const struct blob *blob, void *userdata);
int blobs_listen(struct blobs *b, const char *prefix, blobs_fn fn, void *userdata) MUST_CHECK;

/* For files.c. */
struct blobs_ticket {
    const char *method; /* "GET" or "PUT" */
    const char *key;
    uint64_t expires_s;
    uint64_t size;
    const char *md5;
    const char *sign;
};
/* -EACCES the signature is wrong, -ETIMEDOUT too late. */
int blobs_check(const struct blobs *b, const struct blobs_ticket *ticket) MUST_CHECK;

struct blob *blobs_ref(const struct blob *blob);
struct blob *blobs_unref(struct blob *blob);

/* One file that comes; it is in the store only after blobs_write_end(). */
struct blobs_writer;
int blobs_write_start(struct blobs_writer **ret_writer, struct blobs *b,
                      const char *key) MUST_CHECK;
int blobs_write(struct blobs_writer *w, const void *data, size_t len) MUST_CHECK;
/*
 * Checks and keeps it; md5 as text, "" for any. -EBADMSG another MD5. The writer is gone in any
 * case; listeners run before this returns, if it came from outside.
 */
int blobs_write_end(struct blobs_writer *w, const char *md5, bool tell) MUST_CHECK;
struct blobs_writer *blobs_write_cancel(struct blobs_writer *w);
DEFINE_FREEP(struct blobs_writer, blobs_write_cancel)

#endif /* IOTD_LOCALCLOUD_BLOBS_H */

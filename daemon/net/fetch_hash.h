/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_NET_FETCH_HASH_H
#define IOTD_NET_FETCH_HASH_H

/*
 * A child that hashes a file, also while it grows, and sees it to the disk: the loop neither
 * reckons nor waits, and with two processors a verified download is as fast as a plain one.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/crypto/digest.h"
#include "libiotclient/base/loop.h"
#include "libiotclient/base/macro.h"

struct fetch_hash;

struct fetch_hash_spec {
    struct loop *loop;
    int fd;        /* of the file, from 0; borrowed for the time of the call */
    uint64_t size; /* it ends when it has hashed that */
    bool want_sha256;
    const uint8_t *md5; /* what it should be; NULL: whatever it is */
    int dir;            /* then file and directory are synced; -1: they are not */
};

struct fetch_hash_result {
    int error; /* 0; -EBADMSG another MD5; -errno */
    uint8_t md5[DIGEST_MD5_LEN];
    uint8_t sha256[DIGEST_SHA256_LEN]; /* when wanted */
};

/* Once, from the loop; may free it. */
typedef void (*fetch_hash_fn)(const struct fetch_hash_result *result, void *userdata);

/* 0; -ENOMEM; what fork(2) or pipe(2) failed with. */
int fetch_hash_start(struct fetch_hash **ret_hash, const struct fetch_hash_spec *spec,
                     fetch_hash_fn fn, void *userdata) MUST_CHECK;
struct fetch_hash *fetch_hash_free(struct fetch_hash *hash);
DEFINE_FREEP(struct fetch_hash, fetch_hash_free)

/* So many more bytes are in the file. */
void fetch_hash_more(struct fetch_hash *hash, uint64_t len);

#endif /* IOTD_NET_FETCH_HASH_H */

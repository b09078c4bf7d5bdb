/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_NET_FETCH_FILE_H
#define IOTD_NET_FETCH_FILE_H

/*
 * The file that a download grows in: its end is where the download goes on. A child hashes it
 * meanwhile, and what was in it before.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/net/fetch_hash.h"
#include "libiotclient/base/loop.h"
#include "libiotclient/base/macro.h"

struct fetch_file;

struct fetch_file_spec {
    struct loop *loop;
    int dir;
    const char *name;
    uint64_t size;
    uint8_t md5[DIGEST_MD5_LEN];
    bool want_sha256;
};

/*
 * Makes it, or takes up what is there and not longer than size.
 * @param fn  the file is whole and hashed, and on the disk if it is the right one; or, also
 *            before, the child has failed
 * @return 0; -EINVAL the name cannot be, or is not that of a regular file; -ENOMEM; -errno
 */
int fetch_file_open(struct fetch_file **ret_file, const struct fetch_file_spec *spec,
                    fetch_hash_fn fn, void *userdata) MUST_CHECK;
struct fetch_file *fetch_file_free(struct fetch_file *file);
DEFINE_FREEP(struct fetch_file, fetch_file_free)

/* Bytes that are there. */
uint64_t fetch_file_done(const struct fetch_file *file);
/* 0; -ENOSPC the rest has no room on the disk */
int fetch_file_has_room(const struct fetch_file *file) MUST_CHECK;
/* At the end; not beyond size. What was written before a failure counts. 0; -errno */
int fetch_file_add(struct fetch_file *file, const uint8_t *data, size_t len) MUST_CHECK;
/* As if it had never been there. 0; -errno */
int fetch_file_start_over(struct fetch_file *file) MUST_CHECK;
void fetch_file_remove(struct fetch_file *file);

#endif /* IOTD_NET_FETCH_FILE_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_NET_FETCH_FILE_H
#define IOTD_NET_FETCH_FILE_H

/*
 * The file that a download grows in: its end is where the download goes on, what is in it is
 * hashed once. Nothing here waits for the disk: that is done by a child.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/crypto/digest.h"
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

/* From the loop; 0 or -errno. May free the file. */
typedef void (*fetch_file_fn)(int result, void *userdata);

/* Makes it, or takes up what is there and not longer than size. -EINVAL not a regular file; … */
int fetch_file_open(struct fetch_file **ret_file, const struct fetch_file_spec *spec) MUST_CHECK;
struct fetch_file *fetch_file_free(struct fetch_file *file);
DEFINE_FREEP(struct fetch_file, fetch_file_free)

/* Bytes that are there and hashed. */
uint64_t fetch_file_done(const struct fetch_file *file);
/* Hashes what was taken up, a bit in each turn of the loop; first of all. */
void fetch_file_read_back(struct fetch_file *file, fetch_file_fn fn, void *userdata);
/* 0; -ENOSPC the rest has no room on the disk */
int fetch_file_has_room(const struct fetch_file *file) MUST_CHECK;
/* At the end; not beyond size. What was written before a failure counts. 0; -errno */
int fetch_file_add(struct fetch_file *file, const uint8_t *data, size_t len) MUST_CHECK;
int fetch_file_start_over(struct fetch_file *file) MUST_CHECK;
/* Of a whole one: 0; -EBADMSG another MD5. */
int fetch_file_check(struct fetch_file *file, uint8_t ret_sha256[DIGEST_SHA256_LEN]) MUST_CHECK;
void fetch_file_remove(struct fetch_file *file);
/* To the disk, with its name. 0; -errno: fn does not run */
int fetch_file_sync(struct fetch_file *file, fetch_file_fn fn, void *userdata) MUST_CHECK;

#endif /* IOTD_NET_FETCH_FILE_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_STORE_IMAGE_H
#define IOTD_STORE_IMAGE_H

/*
 * Copies an image that somebody hands in to a private file, so that nobody can change what was
 * checked, and makes its digests on the way. A slice in each turn of the loop.
 */

#include <stdint.h>

#include "daemon/crypto/digest.h"
#include "libiotclient/base/loop.h"

struct image_copy;

struct image_digests {
    char md5[DIGEST_MAX_HEX];
    uint8_t sha256[DIGEST_SHA256_LEN];
};

/* From the loop; both may free the copy. */
struct image_events {
    void (*progress)(uint64_t done, void *userdata);
    /* Once. 0, and the file is on the disk; -EIO it became shorter; or what failed */
    void (*done)(int result, const struct image_digests *digests, void *userdata);
};

/*
 * The first size bytes of fd, which is duplicated, to name in dir, mode 0600, in the place of what
 * is there. The events are borrowed for its life.
 * @return 0; -ENOMEM; what open or dup failed with
 */
int image_copy_start(struct image_copy **ret_copy, struct loop *loop, int fd, uint64_t size,
                     int dir, const char *name, const struct image_events *events,
                     void *userdata) MUST_CHECK;
/* Cancels if it still runs; the file stays. */
struct image_copy *image_copy_free(struct image_copy *copy);
DEFINE_FREEP(struct image_copy, image_copy_free)

/* The bytes of a regular file (also a memfd). -EINVAL something else */
int image_size(int fd, uint64_t *ret_size) MUST_CHECK;

#endif /* IOTD_STORE_IMAGE_H */

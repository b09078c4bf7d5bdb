/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_IPC_BLOBS_H
#define IOTD_IPC_BLOBS_H

/*
 * Which bytes of an area are in use: chunks of powers of two, that come together again when both
 * halves are free (buddies). What was never used is not touched. The lists of free chunks lie in
 * the area itself, which nobody else can write.
 */

#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

#define BLOBS_MIN_ORDER 6  /* own choice: the smallest chunk has 64 bytes, */
#define BLOBS_MAX_ORDER 17 /* own choice: the largest 128 KiB */
#define BLOBS_ORDERS (BLOBS_MAX_ORDER - BLOBS_MIN_ORDER + 1)
#define BLOBS_NONE UINT32_MAX

struct blobs {
    uint8_t *area;                /* borrowed; 8-byte aligned */
    uint32_t size;                /* of it */
    uint32_t top;                 /* bytes that were ever used */
    uint8_t *orders;              /* for each 64 bytes: order of the free chunk there; 0: none */
    uint32_t first[BLOBS_ORDERS]; /* free chunks of each order */
};

/* -ENOMEM */
int blobs_init(struct blobs *b, void *area, size_t size) MUST_CHECK;
/* Harmless on zeroed memory. */
void blobs_done(struct blobs *b);

/* Of the smallest chunk that holds len bytes; above BLOBS_MAX_ORDER: none does. */
unsigned blobs_order(size_t len);
/* An offset into the area, a multiple of the chunk's size; BLOBS_NONE: no room. */
uint32_t blobs_take(struct blobs *b, unsigned order);
void blobs_give(struct blobs *b, uint32_t at, unsigned order);

#endif /* IOTD_IPC_BLOBS_H */

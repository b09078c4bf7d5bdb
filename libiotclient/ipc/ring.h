/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_IPC_RING_H
#define IOTD_IPC_RING_H

/*
 * One end of a ring of records, LAYOUT_RING_SIZE bytes, one producer and one consumer. Each end
 * keeps its own index for itself and believes nothing that the other writes: an index that cannot
 * be is -EPROTO, and the end of the ring.
 *
 * A producer that finds the ring empty starts over at its first byte once it has come some way, so
 * that a ring that is never full touches few pages.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"
#include "libiotclient/ipc/layout.h"

struct ring {
    uint8_t *data;   /* LAYOUT_RING_SIZE bytes; a consumer only reads them */
    uint32_t *head;  /* the producer's index */
    uint32_t *tail;  /* the consumer's index */
    uint32_t own;    /* this end's index: the shared one is only written */
    uint32_t opened; /* producer: bytes between own and the record that is being written */
    size_t max;      /* producer: bytes of payload that it may have */
};

/* For either end of a new ring. */
static inline void ring_init(struct ring *r, uint8_t *data, uint32_t *head, uint32_t *tail)
{
    *r = (struct ring){data, head, tail, 0, 0, 0};
}

/*
 * Producer: room for a record with a payload of at most max bytes, which nobody sees before
 * ring_commit(). Opening again forgets what was opened.
 * @param ret_payload  8-byte aligned
 * @return 0; -ENOBUFS full now; -EMSGSIZE more than LAYOUT_RECORD_MAX; -EPROTO
 */
int ring_open(struct ring *r, size_t max, uint8_t **ret_payload) MUST_CHECK;
/* Publishes it with len bytes of payload, at most what was asked for. Then the bell. */
void ring_commit(struct ring *r, uint32_t type, uint32_t id, int32_t code, size_t len);

/*
 * Consumer: copies the next record, so that what was checked stays as it was. It is not taken
 * before ring_pop().
 * @param payload  at least LAYOUT_RECORD_MAX bytes, 8-byte aligned
 * @return 1 a record; 0 none; -EPROTO
 */
int ring_peek(struct ring *r, struct layout_record *ret_record, uint8_t *payload,
              size_t *ret_len) MUST_CHECK;
void ring_pop(struct ring *r, const struct layout_record *record);
/* Whether something may be there, at the cost of one load; for the look before sleep. */
bool ring_is_empty(const struct ring *r);

#endif /* IOTD_IPC_RING_H */

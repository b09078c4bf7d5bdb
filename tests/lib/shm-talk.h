/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_SHM_TALK_H
#define IOTD_TESTS_SHM_TALK_H

/* A program that speaks to iotd through its shared memory, by hand and up to a deadline. */

#include "libiotclient/ipc/report_slots.h"
#include "libiotclient/ipc/ring.h"
#include "tests/lib/shm-peer.h"
#include "tests/lib/shm-text.h"

struct shm_talk {
    struct shm_peer peer;
    struct ring to_iotd, from_iotd;
    struct pack_writer items;
    uint64_t buffer[LAYOUT_RECORD_MAX / 8];
    uint64_t payload[LAYOUT_RECORD_MAX / 8];
    char text[SHM_TEXT];
};

/* Attaches; NULL after a failed check. */
struct shm_talk *shm_talk_new(struct bus_client *bc, const char *app_id);
/* Closes and unmaps, as a program that dies does. */
struct shm_talk *shm_talk_free(struct shm_talk *t);

/* The items of the next record, empty; and it. */
struct pack_writer *shm_talk_items(struct shm_talk *t);
void shm_talk_send(struct shm_talk *t, uint32_t type, uint32_t id, int32_t code);
/* Takes the next record, as text; waits for it: "" fails the running test. */
const char *shm_talk_next(struct shm_talk *t);
/* The same without waiting; "" is no failure. */
const char *shm_talk_take(struct shm_talk *t);
/* The next record; a want that ends in * is the beginning only. */
#define CHECK_NEXT(t, want) shm_talk_check(__FILE__, __LINE__, t, want)
void shm_talk_check(const char *file, int line, struct shm_talk *t, const char *want);

/* Reports an int through a slot; its seq. */
uint32_t shm_talk_slot(struct shm_talk *t, uint32_t slot, const char *property, int64_t value);
/* Waits for its end: the code; -1 after the deadline. */
int shm_talk_done(struct shm_talk *t, uint32_t slot, uint32_t seq);

#endif /* IOTD_TESTS_SHM_TALK_H */

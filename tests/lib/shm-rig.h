/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_SHM_RIG_H
#define IOTD_TESTS_SHM_RIG_H

/*
 * The core rig with shared memory: the lamp (":1.1") has segments, and the test is the program on
 * the other end of them. Time and the loop are fake; bells are real pipes.
 */

#include "daemon/front/shm_program.h"
#include "tests/lib/core-rig.h"
#include "tests/lib/shm-text.h"

struct srig {
    struct bus bus;
    struct bus_peer peer;
    struct shm_program *p; /* NULL once it has ended */
    unsigned n_hung_up, n_offences;
    /* The program. */
    struct segment up_segment, down_segment;
    struct layout_up *up;
    struct layout_down *down; /* read only */
    struct ring to_iotd, from_iotd;
    int bell_up, bell_down;
    struct pack_writer items;
    uint64_t buffer[LAYOUT_RECORD_MAX / 8];
    char text[SHM_TEXT];
};

extern struct srig srig;

/* The link is down, or up. */
void srig_begin(void);
void srig_begin_up(void);
void srig_end(void);

/* iotd hears the bell, if it listens and it rings, and does what is due. */
void srig_run(void);
/* The same while the time goes on. */
void srig_advance(uint64_t us);

/* The items of the next record, empty. */
struct pack_writer *srig_items(void);
/* Sends it, as a program does. -ENOBUFS */
int srig_try_send(uint32_t type, uint32_t id, int32_t code);
void srig_send(uint32_t type, uint32_t id, int32_t code);
/* The same for a report of one number, and an event without parameters. */
void srig_report(uint32_t id, const char *property, int64_t value);
void srig_post(uint32_t id, const char *event);
/* Takes the next record: "TOKEN 1 0 token=5"; "" when there is none. Makes room known. */
const char *srig_next(void);
/* Of the token that srig_next() showed last. */
uint64_t srig_token(void);

/* The link is up, and the lamp serves "level" and "unlock". */
void srig_begin_served(void);
void srig_push_control(const char *token, const char *params);
void srig_push_action(const char *token, const char *id, const char *params);
/* What the cloud was answered last, and in which words; -1: nothing. */
int srig_cloud_code(char status[64]);

/* Writes a slot, as a program does; its seq. */
uint32_t srig_slot(uint32_t slot, const struct layout_copy *copy);
uint32_t srig_slot_int(uint32_t slot, uint32_t place, int64_t value);
uint32_t srig_slot_text(uint32_t slot, uint32_t place, const char *text);
/* The done word: seq * 1000 + code. */
uint64_t srig_done(uint32_t slot);

/* It closes its end of the bell, as when it dies. */
void srig_hang_up(void);
/* The program says that it sleeps; whether iotd rang since. */
void srig_sleep(void);
bool srig_was_rung(void);

#endif /* IOTD_TESTS_SHM_RIG_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_SHM_IOTD_H
#define IOTD_TESTS_SHM_IOTD_H

/*
 * What iotd does with the slots and the rings of one client, by hand: the test says when it looks
 * and what it answers. On top of table-rig.h.
 */

#include "libiotclient/ipc/pack.h"
#include "libiotclient/ipc/ring.h"
#include "tests/lib/table-rig.h"

/* The model: more properties than report slots. */
#define SHM_IOTD_PLACES 1200

/* The first of them; those after these are ints: "p9", "p10" ... */
enum shm_iotd_place {
    PLACE_BOOL,       /* power_switch */
    PLACE_INT,        /* brightness */
    PLACE_FLOAT,      /* cpu_load */
    PLACE_STRING,     /* name */
    PLACE_ENUM,       /* color */
    PLACE_TIMESTAMP,  /* boot_time */
    PLACE_STRINGENUM, /* mode */
    PLACE_STRUCT,     /* position */
    PLACE_ARRAY,      /* samples */
    SHM_IOTD_N_NAMED,
};

struct shm_iotd {
    struct table_rig rig;
    iotc_client *client;
    struct ring from_program, to_program;
    /* The last record taken. */
    uint8_t *record;
    struct layout_record head;
    struct pack_reader items;
};

/* A client of its own that is attached, with the link up. */
void shm_iotd_open(struct shm_iotd *d, uint64_t epoch);
/* Another iotd for the same client, after shm_iotd_die(). */
void shm_iotd_open_for(struct shm_iotd *d, iotc_client *client, uint64_t epoch);
/* As a kill does; the client is detached. */
void shm_iotd_die(struct shm_iotd *d);
/* Also ends the client. */
void shm_iotd_close(struct shm_iotd *d);

/* Lets the client have its turns, until it has nothing more to do. */
void shm_iotd_turns(struct shm_iotd *d);
/* Whether the program has rung since the last look. */
bool shm_iotd_is_rung(struct shm_iotd *d);
void shm_iotd_wake(struct shm_iotd *d);

/* --- slots --- */

struct shm_iotd_report {
    uint32_t slot;
    uint32_t seq;
    struct layout_copy copy;
};

/* Takes the report of that place. False: there is none that was not taken. */
bool shm_iotd_take(struct shm_iotd *d, size_t place, struct shm_iotd_report *ret_report);
/* It has ended. */
void shm_iotd_done(struct shm_iotd *d, const struct shm_iotd_report *report, int code);

/* --- rings --- */

/* The next record of the program, into head and items. False: none. */
bool shm_iotd_next(struct shm_iotd *d);
/* To who waits for room. */
void shm_iotd_give_room(struct shm_iotd *d);
/* Where a record to the program begins, and its end. */
uint8_t *shm_iotd_record(struct shm_iotd *d, size_t len);
void shm_iotd_send(struct shm_iotd *d, uint32_t type, uint32_t id, int code, size_t len);
void shm_iotd_token(struct shm_iotd *d, uint32_t id, int code, uint64_t token);
void shm_iotd_completed(struct shm_iotd *d, uint64_t token, int code);

#endif /* IOTD_TESTS_SHM_IOTD_H */

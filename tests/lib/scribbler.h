/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_SCRIBBLER_H
#define IOTD_TESTS_SCRIBBLER_H

/*
 * A hostile program: attaches with shared memory as a good one does, and then misbehaves in the way
 * that its first argument names. It maps by itself and writes word by word, so that it can stop or
 * die between two of them. Nothing of libiotclient but the layout is in it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <dbus/dbus.h>

#include "libiotclient/ipc/layout.h"
#include "libiotclient/ipc/pack.h"

/* Properties of the smart light that it serves; brightness is another program's. */
#define SCRIBBLER_PROPERTIES "color", "name"

struct scribbler {
    DBusConnection *conn;
    int fds[LAYOUT_FD_COUNT_];
    struct layout_up *up;
    const struct layout_down *down;
    const uint8_t *table;
    size_t table_size;
    uint32_t up_head;   /* what it has written */
    uint32_t down_tail; /* what it has read */
    uint32_t next_id;   /* of its records */
    uint64_t random;
    unsigned n;        /* of the command line */
    bool is_impatient; /* does not sleep where it waits for room */
    /* Before the store of this number comes the signal; 0: never. */
    unsigned stores_left;
    int signal;
};

/* A way to misbehave; returns what came of it, which is printed. */
typedef const char *(*scribbler_fn)(struct scribbler *s);
struct scribbler_mode {
    const char *name; /* NULL ends the table */
    scribbler_fn fn;
};
extern const struct scribbler_mode scribbler_memory_modes[];
extern const struct scribbler_mode scribbler_slot_modes[];
extern const struct scribbler_mode scribbler_ring_modes[];
extern const struct scribbler_mode scribbler_door_modes[];

/* --- the session; each ends the program where iotd does not do what it does for anybody --- */
void scribbler_attach(struct scribbler *s);
void scribbler_detach(struct scribbler *s);
/* Attach with {"table": true}: the descriptor. */
int scribbler_ask_table(struct scribbler *s);
/* Of its own connection: not attached any more, or still. */
void scribbler_attach_again(struct scribbler *s);
/* Of a call: iotd has done what came before. */
void scribbler_round_trip(struct scribbler *s);
void scribbler_fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* A line of the output. */
void scribbler_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Whether the test wants it to go on: its standard input is still open. */
bool scribbler_goes_on(void);

uint64_t scribbler_now_ms(void);

/* --- raw writing --- */
uint64_t scribbler_random(struct scribbler *s);
void scribbler_random_bytes(struct scribbler *s, void *to, size_t len);
void scribbler_store32(struct scribbler *s, uint32_t *to, uint32_t value);
void scribbler_store64(struct scribbler *s, uint64_t *to, uint64_t value);
void scribbler_bell(struct scribbler *s);
/* The place of a property in the table. */
uint32_t scribbler_place(struct scribbler *s, const char *id);
/* Writes a slot and its bit; the count. */
uint32_t scribbler_slot(struct scribbler *s, uint32_t slot, const struct layout_copy *copy);
/* A good one: an integer for a property. */
struct layout_copy scribbler_int(uint32_t place, uint32_t type, int64_t value);
/* Waits for room, writes a record whose header says len; bytes are those after the header. */
void scribbler_record(struct scribbler *s, const struct layout_record *record, const void *bytes,
                      size_t n_bytes);
/* Whether a record with so many bytes after its header has room now. */
bool scribbler_has_room(const struct scribbler *s, size_t n_bytes);
/* A good record of that type with these items; its id. */
uint32_t scribbler_send(struct scribbler *s, uint32_t type, const struct pack_writer *items);

/* --- what comes of it; waits until the deadline of the test --- */
bool scribbler_is_ended(const struct scribbler *s);
bool scribbler_wait_ended(struct scribbler *s);
/* The code of the report of that slot, or -1. */
int scribbler_wait_done(struct scribbler *s, uint32_t slot, uint32_t seq);
/* The code of LAYOUT_DOWN_TOKEN, or -1. Other records are read and forgotten. */
int scribbler_wait_token(struct scribbler *s, uint32_t id);
/* Reads what is there. */
void scribbler_drain(struct scribbler *s);
/* "served" if a good report gets its end, "ended" if iotd said so, else "silent". */
const char *scribbler_outcome(struct scribbler *s);

#endif /* IOTD_TESTS_SCRIBBLER_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FRONT_SHM_PROGRAM_H
#define IOTD_FRONT_SHM_PROGRAM_H

/* One program's shared memory from the inside; only the files shm_*.c include this. */

#include "daemon/front/intake.h"
#include "daemon/front/shm.h"
#include "libiotclient/ipc/fence.h"
#include "libiotclient/ipc/pack.h"
#include "libiotclient/ipc/report_slots.h"
#include "libiotclient/ipc/ring.h"
#include "libiotclient/ipc/segment.h"

#define SHM_RECORDS_PER_TURN 32  /* own choice: of one program, then others have their turn */
#define SHM_BACKLOG (256 * 1024) /* own choice: bytes that wait for room in the ring down */
/* Own choice: beyond it nothing is taken from the ring up. What a whole ring of reports comes to
 * fits below: else a program that does not read before it is rid of its answers would wait for
 * iotd, and iotd for it. */
#define SHM_BACKLOG_PRESSURE (192 * 1024)
/* Own choice: commands leave the rest to what cannot be refused. */
#define SHM_BACKLOG_COMMANDS (128 * 1024)
/* Own choice: bells for nothing, within the window, that a program has free. */
#define SHM_EMPTY_BELLS 64
#define SHM_BELL_WINDOW_US (100 * USEC_PER_MSEC)
/* Own choice: who is above quota.rate, or hands in much that is refused, has its ring looked at so
 * often. */
#define SHM_QUOTA_PAUSE_US (10 * USEC_PER_MSEC)
/* Own choice: records a second, and at once, that may be refused for nothing. */
#define SHM_REFUSED_RATE 100
#define SHM_REFUSED_BURST 64

enum shm_end {
    SHM_END_HUNG_UP, /* the program looks at it no more */
    SHM_END_OFFENCE, /* the program wrote what cannot be, or does not read */
};

/* Frees p. From the loop, not from inside of what p does. */
typedef void (*shm_end_fn)(struct shm_program *p, enum shm_end why, void *userdata);

struct shm_program {
    struct bus *bus;       /* borrowed */
    struct client *client; /* borrowed: it is freed after this */
    struct bus_peer *peer; /* the same */
    shm_end_fn on_end;
    void *userdata;
    struct segment up_segment, down_segment;
    struct layout_up *up; /* hostile: what is read is copied once */
    struct layout_down *down;
    struct ring from_program, to_program;
    int bell;         /* read end: the program rings it */
    int program_bell; /* write end */
    struct loop_io io;
    struct loop_timer slots_timer; /* armed: no look at the slots before */
    struct loop_timer ring_timer;  /* the same for the ring up */
    struct loop_timer bell_timer;  /* armed: nobody listens to the bell */
    struct loop_timer end_timer;
    uint64_t window_us; /* of the bells for nothing */
    unsigned n_empty_bells;
    bool is_over;             /* nothing is read or written any more */
    bool is_drained;          /* nobody reads what is written */
    bool is_over_quota;       /* of the records of this turn one was */
    struct ratelimit refused; /* records that no quota counts */
    enum shm_end why;
    uint32_t last_id;     /* of what is asked of the program */
    struct list calls;    /* of struct shm_call: what it works on */
    struct list postings; /* of struct shm_posting: on their way to the disk */
    struct list scans;    /* of struct shm_scan: reports of slots that have not ended */
    struct list backlog;  /* of struct shm_backlog */
    size_t n_backlog;     /* bytes of it */
};

/* A command that the program works on. */
struct shm_call {
    struct list link;
    uint32_t id;
    struct call_part *part;
};

/* --- shm_program.c --- */

struct shm_program_config {
    struct bus *bus;
    struct client *client;
    struct bus_peer *peer;
    shm_end_fn on_end;
    void *userdata;
};
/* As shm_program_new(). */
int shm_program_make(struct shm_program **ret_program, const struct shm_program_config *config,
                     int ret_fds[LAYOUT_FD_COUNT_]) MUST_CHECK;
/* Something is there for it: wakes it if it sleeps. */
void shm_program_wake(struct shm_program *p);
/* The end of this shared memory, of which the log hears. */
void shm_program_end(struct shm_program *p, enum shm_end why, const char *what);

/* --- shm_slots.c: newest values --- */

/* Looks at the slots unless it is too early. Whether something was there. */
bool shm_slots_look(struct shm_program *p);
/* Takes what is there, before its time; and for the last time. */
void shm_slots_take(struct shm_program *p);
void shm_slots_drain(struct shm_program *p);
/* Whether the token was one of theirs. */
bool shm_slots_completed(struct shm_program *p, uint64_t token, int code);
void shm_slots_done(struct shm_program *p);

/* --- shm_up.c: the ring up --- */

/* Takes records unless it is too early. Whether something was there. */
bool shm_up_look(struct shm_program *p);
void shm_up_drain(struct shm_program *p);
void shm_up_done(struct shm_program *p);

/* --- shm_down.c: the ring down --- */

/* Writes the items of a record; the same bytes each time. */
typedef void (*shm_fill_fn)(struct pack_writer *w, const void *data);

/* What was accepted, or what is wrong with it: r is 0 or negative. */
void shm_down_token(struct shm_program *p, uint32_t id, int r, uint64_t token, const char *text);
void shm_down_completed(struct shm_program *p, uint64_t token, int code);
/* Sends of the backlog what there is room for. Whether something went. */
bool shm_down_flush(struct shm_program *p);
/* Whether there is room for the first of the backlog, if there is one. */
bool shm_down_can_flush(struct shm_program *p);
void shm_down_done(struct shm_program *p);

#endif /* IOTD_FRONT_SHM_PROGRAM_H */

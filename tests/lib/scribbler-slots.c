/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Misbehaviour with report slots and with the bells. */

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/macro.h"
#include "tests/lib/scribbler.h"

#define FLOOD 1000000
#define CHURN 10000

#define META(type, flags, len)                                                                     \
    ((uint64_t) (len) << 32 | (uint64_t) ((flags) | LAYOUT_FLAG_DONE) << 8 | (type))
#define VALUE LAYOUT_FLAG_VALUE

/* Values that must not be taken; the place of id, or number if id is NULL. */
static const struct {
    const char *id;
    uint64_t place;
    uint64_t meta;
    const char *bytes; /* of the value; NULL: number */
    int64_t number;
} bad_copies[] = {
    {"brightness", 0, META(LAYOUT_TYPE_INT, VALUE, 8), NULL, 66}, /* another program's */
    {NULL, 12, META(LAYOUT_TYPE_INT, VALUE, 8), NULL, 1},         /* the model has twelve */
    {NULL, 4095, META(LAYOUT_TYPE_INT, VALUE, 8), NULL, 1},
    {NULL, 4096, META(LAYOUT_TYPE_INT, VALUE, 8), NULL, 1},
    {NULL, UINT32_MAX, META(LAYOUT_TYPE_INT, VALUE, 8), NULL, 1},
    {NULL, UINT64_MAX, META(LAYOUT_TYPE_INT, VALUE, 8), NULL, 1},
    {"color", 0, META(LAYOUT_TYPE_ENUM, VALUE, 8), NULL, 3},
    {"color", 0, META(LAYOUT_TYPE_ENUM, VALUE, 8), NULL, INT64_MIN},
    {"color", 0, META(LAYOUT_TYPE_BOOL, VALUE, 8), NULL, 1},
    {"color", 0, META(LAYOUT_TYPE_STRING, VALUE, 1), "1", 0},
    {"color", 0, META(LAYOUT_TYPE_NONE, VALUE, 8), NULL, 1},
    {"color", 0, META(LAYOUT_TYPE_ARRAY, VALUE, 8), NULL, 1},
    {"color", 0, META(LAYOUT_TYPE_STRUCT, VALUE, 8), NULL, 1},
    {"color", 0, META(LAYOUT_TYPE_ARRAY + 1, VALUE, 8), NULL, 1},
    {"color", 0, META(0xff, VALUE, 8), NULL, 1},
    {"color", 0, META(LAYOUT_TYPE_ENUM, 0, 8), NULL, 1}, /* no value */
    {"name", 0, META(LAYOUT_TYPE_STRING, VALUE, LAYOUT_INLINE + 1), "long", 0},
    {"name", 0, META(LAYOUT_TYPE_STRING, VALUE, UINT32_MAX), "long", 0},
    {"name", 0, META(LAYOUT_TYPE_STRING, VALUE, 4), "\xff\xfe\xc0\x80", 0},
    {"name", 0, META(LAYOUT_TYPE_STRING, VALUE, 4), "a\0b", 0},
    {"name", 0, META(LAYOUT_TYPE_STRING, VALUE | LAYOUT_FLAG_BLOB, 4096), NULL, 64},
    {"name", 0, META(LAYOUT_TYPE_STRING, VALUE | LAYOUT_FLAG_BLOB, 4), NULL, INT64_MAX},
};

static const char *run_bad_slots(struct scribbler *s)
{
    const char *outcome = "refused";

    for (uint32_t i = 0; i < ARRAY_SIZE(bad_copies); i++) {
        struct layout_copy copy = {{bad_copies[i].meta, bad_copies[i].place}};
        int code;

        if (bad_copies[i].id)
            copy.word[1] = scribbler_place(s, bad_copies[i].id);
        if (bad_copies[i].bytes)
            memcpy(&copy.word[2], bad_copies[i].bytes, strlen(bad_copies[i].bytes));
        else
            copy.word[2] = (uint64_t) bad_copies[i].number;
        code = scribbler_wait_done(s, i, scribbler_slot(s, i, &copy));
        if (code <= 0) {
            scribbler_say("copy %u: %d", i, code);
            outcome = "accepted";
        }
    }
    return strcmp(outcome, "refused") == 0 && strcmp(scribbler_outcome(s), "served") != 0
               ? "refused, and no more served"
               : outcome;
}

/* As fast as it can, all slots; all but one of them say nothing that can be. */
static const char *run_slot_flood(struct scribbler *s)
{
    uint32_t place = scribbler_place(s, "color");

    for (uint32_t i = 0; i < FLOOD; i++) {
        uint32_t slot = i % LAYOUT_REPORT_SLOTS;
        struct layout_copy copy = scribbler_int(slot == 0 ? place : i, LAYOUT_TYPE_ENUM, i % 3);

        (void) scribbler_slot(s, slot, &copy);
    }
    return scribbler_outcome(s);
}

/* A slot that is never whole: its count does not stand still. */
static const char *run_churn(struct scribbler *s)
{
    struct layout_copy copy = scribbler_int(scribbler_place(s, "color"), LAYOUT_TYPE_ENUM, 0);

    scribbler_say("churning");
    while (scribbler_goes_on()) {
        for (unsigned i = 0; i < CHURN; i++) {
            struct layout_slot *slot = &s->up->slots[i % 2];

            copy.word[2] = i % 3;
            __atomic_store_n(&slot->copies[i / 2 % 2].word[i % 3], copy.word[i % 3],
                             __ATOMIC_RELAXED);
            __atomic_fetch_add(&slot->seq, 1, __ATOMIC_SEQ_CST);
            __atomic_store_n(&s->up->dirty[0], 3, __ATOMIC_RELAXED);
        }
        scribbler_bell(s);
    }
    return scribbler_outcome(s);
}

/* Rings and rings. */
static const char *run_bell_flood(struct scribbler *s)
{
    char many[2048] = "";

    scribbler_say("ringing");
    while (scribbler_goes_on()) {
        for (unsigned i = 0; i < CHURN; i++)
            (void) !write(s->fds[LAYOUT_FD_BELL_UP], many, i % 2 ? sizeof(many) : 1);
    }
    return scribbler_outcome(s);
}

static int open_other_way(int fd, int flags)
{
    char path[32];

    (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, flags | O_CLOEXEC);
}

/* What can be done to a pipe of which one has an end: blocking, its size, the other direction. */
static const char *run_bell_odd(struct scribbler *s)
{
    int bell_up = s->fds[LAYOUT_FD_BELL_UP], bell_down = s->fds[LAYOUT_FD_BELL_DOWN];
    CLEANUP(fd_closep) int thief = open_other_way(bell_up, O_RDONLY | O_NONBLOCK);
    CLEANUP(fd_closep) int liar = open_other_way(bell_down, O_WRONLY | O_NONBLOCK);
    char rings[2048] = "";

    for (int i = 0; i < 2; i++) {
        (void) fcntl(s->fds[LAYOUT_FD_BELL_UP + i], F_SETFL, O_ASYNC);
        (void) fcntl(s->fds[LAYOUT_FD_BELL_UP + i], F_SETFL, 0); /* blocks */
        (void) fcntl(s->fds[LAYOUT_FD_BELL_UP + i], F_SETPIPE_SZ, 1 << 20);
        (void) fcntl(s->fds[LAYOUT_FD_BELL_UP + i], F_SETPIPE_SZ, 4096);
    }
    /* Full in its direction: iotd must not wait for room. */
    while (liar >= 0 && write(liar, rings, sizeof(rings)) > 0) {
    }
    while (liar >= 0 && write(liar, rings, 1) > 0) {
    }
    for (unsigned i = 0; i < CHURN; i++) {
        struct layout_copy copy =
            scribbler_int(scribbler_place(s, "color"), LAYOUT_TYPE_ENUM, i % 3);

        (void) fcntl(bell_up, F_SETFL, O_NONBLOCK);
        (void) scribbler_slot(s, 0, &copy);
        (void) !read(thief, rings, sizeof(rings));
        s->up->bell_program = i;
        s->up->bell_ring = (uint32_t) scribbler_random(s);
    }
    return scribbler_outcome(s);
}

/* Lets go of what iotd listens to. */
static const char *run_bell_closed(struct scribbler *s)
{
    s->fds[LAYOUT_FD_BELL_UP] = fd_close(s->fds[LAYOUT_FD_BELL_UP]);
    s->fds[LAYOUT_FD_BELL_DOWN] = fd_close(s->fds[LAYOUT_FD_BELL_DOWN]);
    return "closed";
}

const struct scribbler_mode scribbler_slot_modes[] = {
    {"bad-slots", run_bad_slots},
    {"slot-flood", run_slot_flood},
    {"churn", run_churn},
    {"bell-flood", run_bell_flood},
    {"bell-odd", run_bell_odd},
    {"bell-closed", run_bell_closed},
    {NULL, NULL},
};

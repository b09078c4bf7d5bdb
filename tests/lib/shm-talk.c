/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/shm-talk.h"

#include <poll.h>
#include <string.h>

#include "libiotclient/ipc/fence.h"
#include "tests/lib/proc.h"
#include "tests/lib/suite.h"

struct shm_talk *shm_talk_new(struct bus_client *bc, const char *app_id)
{
    struct shm_talk *t = calloc(1, sizeof(*t));
    struct layout_down *down;

    if (!t || !shm_peer_attach(&t->peer, bc, app_id))
        return shm_talk_free(t);
    down = t->peer.down_segment.base; /* mapped for reading */
    ring_init(&t->to_iotd, t->peer.up->ring, &t->peer.up->ring_head, &down->up_tail);
    ring_init(&t->from_iotd, down->ring, &down->ring_head, &t->peer.up->down_tail);
    return t;
}

struct shm_talk *shm_talk_free(struct shm_talk *t)
{
    if (t)
        shm_peer_done(&t->peer);
    free(t);
    return NULL;
}

static void ring_iotd(struct shm_talk *t, uint32_t *word)
{
    if (doorbell_must_ring(word))
        doorbell_ring(t->peer.fds[LAYOUT_FD_BELL_UP]);
}

struct pack_writer *shm_talk_items(struct shm_talk *t)
{
    t->items = (struct pack_writer){
        .data = (uint8_t *) t->buffer,
        .size = LAYOUT_RECORD_MAX - sizeof(struct layout_record),
    };
    return &t->items;
}

void shm_talk_send(struct shm_talk *t, uint32_t type, uint32_t id, int32_t code)
{
    uint8_t *payload;

    CHECK(!t->items.full);
    CHECK_INT(ring_open(&t->to_iotd, t->items.len, &payload), 0);
    memcpy(payload, t->buffer, t->items.len);
    ring_commit(&t->to_iotd, type, id, code, t->items.len);
    ring_iotd(t, &t->peer.up->bell_ring);
}

const char *shm_talk_take(struct shm_talk *t)
{
    struct pack_reader items = {.data = (const uint8_t *) t->payload};
    struct layout_record record;
    int r = ring_peek(&t->from_iotd, &record, (uint8_t *) t->payload, &items.len);

    t->text[0] = '\0';
    CHECK(r >= 0);
    if (r <= 0)
        return t->text;
    shm_text(t->text, &record, items);
    ring_pop(&t->from_iotd, &record);
    fence_full();
    if (__atomic_load_n(&t->peer.down->wants_room, __ATOMIC_RELAXED))
        ring_iotd(t, &t->peer.up->bell_ring);
    return t->text;
}

static bool is_done(const struct shm_talk *t, uint32_t slot, uint32_t seq)
{
    uint64_t done = __atomic_load_n(&t->peer.down->done[slot], __ATOMIC_ACQUIRE);

    return (int32_t) (LAYOUT_DONE_SEQ(done) - seq) >= 0;
}

/* Sleeps until iotd rings, unless there is something; false after the deadline. */
static bool wait_for_bell(struct shm_talk *t, uint64_t deadline)
{
    struct pollfd pfd = {.fd = t->peer.fds[LAYOUT_FD_BELL_DOWN], .events = POLLIN};
    bool rung = poll(&pfd, 1, fixture_left_ms(deadline)) > 0;

    doorbell_wake(&t->peer.up->bell_program);
    if (rung)
        CHECK(!doorbell_clear(pfd.fd));
    return rung;
}

const char *shm_talk_next(struct shm_talk *t)
{
    uint64_t deadline = fixture_deadline_ms();

    do {
        doorbell_sleep(&t->peer.up->bell_program);
        if (*shm_talk_take(t)) {
            doorbell_wake(&t->peer.up->bell_program);
            return t->text;
        }
    } while (wait_for_bell(t, deadline));
    suite_fail(__FILE__, __LINE__, "no record");
    return "";
}

void shm_talk_check(const char *file, int line, struct shm_talk *t, const char *want)
{
    const char *text = shm_talk_next(t);
    size_t len = strlen(want);
    bool same = len > 0 && want[len - 1] == '*' ? strncmp(text, want, len - 1) == 0
                                                : strcmp(text, want) == 0;

    if (!same)
        suite_fail(file, line, "%s, wanted %s", text, want);
}

uint32_t shm_talk_slot(struct shm_talk *t, uint32_t slot, const char *property, int64_t value)
{
    int place = table_reader_find(&t->peer.table, property);
    const struct layout_copy copy = {{
        latch_meta(LAYOUT_TYPE_INT, LAYOUT_FLAG_VALUE | LAYOUT_FLAG_DONE, sizeof(value)),
        (uint64_t) place,
        (uint64_t) value,
    }};
    uint32_t seq;

    CHECK(place >= 0);
    if (report_slots_write(t->peer.up, slot, &copy, &seq))
        doorbell_ring(t->peer.fds[LAYOUT_FD_BELL_UP]);
    return seq;
}

int shm_talk_done(struct shm_talk *t, uint32_t slot, uint32_t seq)
{
    uint64_t deadline = fixture_deadline_ms();

    do {
        doorbell_sleep(&t->peer.up->bell_program);
        if (is_done(t, slot, seq)) {
            doorbell_wake(&t->peer.up->bell_program);
            return LAYOUT_DONE_CODE(t->peer.down->done[slot]);
        }
    } while (wait_for_bell(t, deadline));
    suite_fail(__FILE__, __LINE__, "slot %u is not done", slot);
    return -1;
}

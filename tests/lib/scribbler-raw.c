/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing into the shared memory by hand, and waiting for what comes of it. */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libiotclient/base/limits.h"
#include "tests/lib/scribbler.h"

#define DEADLINE_MS 20000
#define LOOK_MS 20
#define ATTEMPTS 20
#define OWN_SLOT 1000U /* of the report that shows whether iotd still serves */

uint64_t scribbler_random(struct scribbler *s)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return s->random;
}

void scribbler_random_bytes(struct scribbler *s, void *to, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *) to)[i] = (uint8_t) (scribbler_random(s) >> 24);
}

/* --- writing --- */

static void step(struct scribbler *s)
{
    if (s->stores_left > 0 && --s->stores_left == 0) {
        scribbler_say("now");
        (void) raise(s->signal);
    }
}

void scribbler_store32(struct scribbler *s, uint32_t *to, uint32_t value)
{
    step(s);
    __atomic_store_n(to, value, __ATOMIC_SEQ_CST);
}

void scribbler_store64(struct scribbler *s, uint64_t *to, uint64_t value)
{
    step(s);
    __atomic_store_n(to, value, __ATOMIC_SEQ_CST);
}

void scribbler_bell(struct scribbler *s)
{
    step(s);
    (void) !write(s->fds[LAYOUT_FD_BELL_UP], "", 1);
}

static void ring_if_asleep(struct scribbler *s, uint32_t *word)
{
    if (__atomic_load_n(word, __ATOMIC_SEQ_CST) == 0)
        return;
    scribbler_store32(s, word, 0);
    scribbler_bell(s);
}

uint32_t scribbler_place(struct scribbler *s, const char *id)
{
    const struct layout_table *table = (const void *) s->table;
    const struct layout_place *places = (const void *) (s->table + table->places_at);

    for (uint32_t i = 0; i < table->n_used; i++) {
        if (strncmp((const char *) places[i].id, id, sizeof(places[i].id)) == 0)
            return i;
    }
    scribbler_fatal("\"%s\" is not in the table", id);
}

struct layout_copy scribbler_int(uint32_t place, uint32_t type, int64_t value)
{
    return (struct layout_copy){
        {(uint64_t) sizeof(value) << 32 | (LAYOUT_FLAG_VALUE | LAYOUT_FLAG_DONE) << 8 | type, place,
         (uint64_t) value}};
}

uint32_t scribbler_slot(struct scribbler *s, uint32_t slot, const struct layout_copy *copy)
{
    struct layout_slot *to = &s->up->slots[slot];
    uint32_t seq = __atomic_load_n(&to->seq, __ATOMIC_RELAXED) + 1;
    uint32_t bit = (uint32_t) 1 << slot % 32, *word = &s->up->dirty[slot / 32];

    for (unsigned i = 0; i < LAYOUT_COPY_WORDS; i++)
        scribbler_store64(s, &to->copies[seq % 2].word[i], copy->word[i]);
    scribbler_store32(s, &to->seq, seq);
    step(s);
    if ((__atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST) & bit) == 0)
        ring_if_asleep(s, &s->up->bell_slots);
    return seq;
}

static void store_bytes(struct scribbler *s, uint32_t at, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
        size_t len = n - i < sizeof(uint64_t) ? n - i : sizeof(uint64_t);
        uint64_t word = 0;

        memcpy(&word, (const uint8_t *) bytes + i, len);
        scribbler_store64(s, (uint64_t *) (void *) (s->up->ring + (at + i) % LAYOUT_RING_SIZE),
                          word);
    }
}

static uint32_t padded(size_t len)
{
    return ((uint32_t) len + 7) & ~7U;
}

/* What is skipped at the end of the ring before a record of that length. */
static uint32_t skip_before(const struct scribbler *s, uint32_t len)
{
    uint32_t rest = LAYOUT_RING_SIZE - s->up_head % LAYOUT_RING_SIZE;

    return len > rest ? rest : 0;
}

bool scribbler_has_room(const struct scribbler *s, size_t n_bytes)
{
    uint32_t len = padded(sizeof(struct layout_record) + n_bytes);
    uint32_t used = s->up_head - __atomic_load_n(&s->down->up_tail, __ATOMIC_SEQ_CST);

    return used <= LAYOUT_RING_SIZE && used + skip_before(s, len) + len <= LAYOUT_RING_SIZE;
}

static void wait_bell(struct scribbler *s)
{
    struct pollfd pfd = {.fd = s->fds[LAYOUT_FD_BELL_DOWN], .events = POLLIN};
    char rings[64];

    if (poll(&pfd, 1, LOOK_MS) > 0)
        (void) !read(pfd.fd, rings, sizeof(rings));
}

uint64_t scribbler_now_ms(void)
{
    struct timespec ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}

static uint64_t deadline_ms(void)
{
    const char *scale = getenv("IOTD_TEST_TIMEOUT_SCALE");
    long n = scale ? atol(scale) : 1;

    return scribbler_now_ms() + DEADLINE_MS * (uint64_t) (n > 0 ? n : 1);
}

void scribbler_record(struct scribbler *s, const struct layout_record *record, const void *bytes,
                      size_t n_bytes)
{
    uint64_t deadline = deadline_ms();
    uint32_t skip, len = padded(sizeof(*record) + n_bytes);

    while (!scribbler_has_room(s, n_bytes) && scribbler_now_ms() < deadline) {
        scribbler_store32(s, &s->up->wants_room, 1);
        if (!s->is_impatient)
            wait_bell(s);
        scribbler_drain(s);
    }
    skip = skip_before(s, len);
    if (skip > 0) {
        struct layout_record pad = {.len = skip, .type = LAYOUT_RECORD_PAD};

        store_bytes(s, s->up_head, &pad, skip < sizeof(pad) ? 8 : sizeof(pad));
        s->up_head += skip;
    }
    store_bytes(s, s->up_head, record, sizeof(*record));
    store_bytes(s, s->up_head + (uint32_t) sizeof(*record), bytes, n_bytes);
    s->up_head += len;
    scribbler_store32(s, &s->up->ring_head, s->up_head);
    ring_if_asleep(s, &s->up->bell_ring);
}

uint32_t scribbler_send(struct scribbler *s, uint32_t type, const struct pack_writer *items)
{
    struct layout_record record = {
        .len = (uint32_t) (sizeof(record) + items->len),
        .type = type,
        .id = ++s->next_id,
    };

    scribbler_record(s, &record, items->data, items->len);
    return record.id;
}

/* --- what comes of it --- */

bool scribbler_is_ended(const struct scribbler *s)
{
    return __atomic_load_n(&s->down->state, __ATOMIC_SEQ_CST) == LAYOUT_STATE_ENDED;
}

bool scribbler_wait_ended(struct scribbler *s)
{
    uint64_t deadline = deadline_ms();

    while (!scribbler_is_ended(s)) {
        if (scribbler_now_ms() >= deadline)
            return false;
        wait_bell(s);
    }
    return true;
}

int scribbler_wait_done(struct scribbler *s, uint32_t slot, uint32_t seq)
{
    uint64_t deadline = deadline_ms();

    while (!scribbler_is_ended(s) && scribbler_now_ms() < deadline) {
        uint64_t done = __atomic_load_n(&s->down->done[slot], __ATOMIC_SEQ_CST);

        if (LAYOUT_DONE_SEQ(done) == seq)
            return LAYOUT_DONE_CODE(done);
        wait_bell(s);
    }
    return -1;
}

/* The next record down, if there is one; only iotd writes there, so it is believed. */
static bool next_record(struct scribbler *s, struct layout_record *ret_record)
{
    while (__atomic_load_n(&s->down->ring_head, __ATOMIC_SEQ_CST) != s->down_tail) {
        uint32_t at = s->down_tail % LAYOUT_RING_SIZE;

        memcpy(ret_record, s->down->ring + at,
               LAYOUT_RING_SIZE - at < sizeof(*ret_record) ? 8 : sizeof(*ret_record));
        s->down_tail += padded(ret_record->len);
        scribbler_store32(s, &s->up->down_tail, s->down_tail);
        if (__atomic_load_n(&s->down->wants_room, __ATOMIC_SEQ_CST) != 0)
            ring_if_asleep(s, &s->up->bell_ring);
        if (ret_record->type != LAYOUT_RECORD_PAD)
            return true;
    }
    return false;
}

int scribbler_wait_token(struct scribbler *s, uint32_t id)
{
    uint64_t deadline = deadline_ms();
    struct layout_record record;

    while (!scribbler_is_ended(s) && scribbler_now_ms() < deadline) {
        while (next_record(s, &record)) {
            if (record.type == LAYOUT_DOWN_TOKEN && record.id == id)
                return record.code;
        }
        wait_bell(s);
    }
    return -1;
}

void scribbler_drain(struct scribbler *s)
{
    struct layout_record record;

    while (next_record(s, &record)) {
    }
}

const char *scribbler_outcome(struct scribbler *s)
{
    struct layout_copy copy = scribbler_int(scribbler_place(s, "color"), LAYOUT_TYPE_ENUM, 2);
    int code = 1;

    /* Of two slots for one property the second is refused: what was written before goes first. */
    for (int i = 0; i < ATTEMPTS && code > 0 && !scribbler_is_ended(s); i++) {
        uint64_t done = __atomic_load_n(&s->down->done[OWN_SLOT], __ATOMIC_SEQ_CST);

        s->up->slots[OWN_SLOT].seq = LAYOUT_DONE_SEQ(done);
        s->up->dirty[OWN_SLOT / 32] = 0;
        (void) scribbler_slot(s, OWN_SLOT, &copy);
        scribbler_bell(s); /* whatever the word says */
        code = scribbler_wait_done(s, OWN_SLOT, LAYOUT_DONE_SEQ(done) + 1);
    }
    if (scribbler_is_ended(s))
        return "ended";
    if (code == 0)
        return "served";
    scribbler_say("code %d", code);
    return "silent";
}

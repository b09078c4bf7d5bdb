/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program sends as much as there is room for, iotd sends each record back: in order, whole, none
 * lost and none twice. Both run into full rings all the time, and both sleep when they cannot go
 * on: who is not woken fails the test. Further records go one by one, each waiting for its answer.
 */

#include <errno.h>
#include <string.h>

#include "tests/lib/ipc-pair.h"
#include "tests/lib/suite.h"

#define N_STREAMED 60000U
#define N_ALL (N_STREAMED + 60000U)

struct side {
    struct ipc_end *end;
    uint32_t *bell_own, *bell_other; /* words of where this one sleeps, and where the other does */
    uint32_t *wants_own;             /* this one waits for room */
    uint32_t *wants_other;
    bool is_iotd; /* answers; takes back what the program wants */
    uint32_t n_sent, n_received;
    uint32_t n_slept, n_full;
    uint64_t payload[LAYOUT_RECORD_MAX / 8];
};

/* Mostly small, now and then the largest. */
static size_t size_of(uint32_t id)
{
    uint64_t mix = ipc_mix(id);

    if (mix % 509 == 0)
        return LAYOUT_RECORD_MAX - sizeof(struct layout_record);
    return mix % 7 == 0 ? mix / 7 % 9000 : mix / 7 % 200;
}

static bool may_send(const struct side *s)
{
    if (s->is_iotd)
        return s->n_sent < s->n_received;
    return s->n_sent < N_STREAMED || (s->n_sent < N_ALL && s->n_sent == s->n_received);
}

/* While it cannot answer it takes nothing: that holds the program back. */
static bool may_receive(const struct side *s)
{
    return !s->is_iotd || s->n_sent == s->n_received;
}

static bool has_room(struct side *s, uint8_t **ret_payload)
{
    int r = ring_open(&s->end->out, size_of(s->n_sent), ret_payload);

    IPC_CHECK(r == 0 || r == -ENOBUFS);
    return r == 0;
}

static void ring_other(struct side *s)
{
    if (doorbell_must_ring(s->bell_other))
        doorbell_ring(s->end->other_bell);
}

static bool try_send(struct side *s)
{
    uint32_t id = s->n_sent;
    uint8_t *payload;

    if (!has_room(s, &payload)) {
        s->n_full++;
        return false;
    }
    memset(payload, (int) (id & 0xff), size_of(id));
    ring_commit(&s->end->out, 1 + id % 7, id, -(int32_t) id, size_of(id));
    s->n_sent++;
    ring_other(s);
    return true;
}

/* There is room now: who waits for it is told. */
static void tell_of_room(struct side *s)
{
    fence_full();
    if (__atomic_load_n(s->wants_other, __ATOMIC_RELAXED) == 0)
        return;
    if (s->is_iotd)
        __atomic_store_n(s->wants_other, 0, __ATOMIC_RELAXED);
    ring_other(s);
}

static bool try_receive(struct side *s)
{
    const uint8_t *payload = (const uint8_t *) s->payload;
    struct layout_record record;
    uint32_t id = s->n_received;
    size_t len;
    int r = ring_peek(&s->end->in, &record, (uint8_t *) s->payload, &len);

    if (r == 0 || !IPC_CHECK(r == 1))
        return false;
    IPC_CHECK(record.id == id && record.type == 1 + id % 7 && record.code == -(int32_t) id);
    IPC_CHECK(len == size_of(id));
    if (len > 0)
        IPC_CHECK(payload[0] == (uint8_t) id && memcmp(payload, payload + 1, len - 1) == 0);
    ring_pop(&s->end->in, &record);
    s->n_received++;
    tell_of_room(s);
    return true;
}

static bool can_go_on(struct side *s)
{
    uint8_t *payload;

    if (may_send(s) && has_room(s, &payload))
        return true;
    return may_receive(s) && !ring_is_empty(&s->end->in);
}

static bool sleep_until_woken(struct side *s)
{
    __atomic_store_n(s->wants_own, may_send(s), __ATOMIC_RELAXED);
    doorbell_sleep(s->bell_own);
    if (can_go_on(s)) {
        doorbell_wake(s->bell_own);
        return true;
    }
    s->n_slept++;
    return IPC_CHECK(ipc_end_sleep(s->end));
}

static void *run_side(void *userdata)
{
    struct side *s = userdata;

    while (s->n_sent < N_ALL || s->n_received < N_ALL) {
        bool has_moved = may_send(s) && try_send(s);

        has_moved |= may_receive(s) && try_receive(s);
        if (ipc_n_failed() > 0 || (!has_moved && !sleep_until_woken(s)))
            break;
    }
    return NULL;
}

static void run(bool has_two_mappings)
{
    static struct side program, iotd;
    struct ipc_threads threads = {.n = 0};
    struct ipc_pair pair;

    ipc_pair_open(&pair, has_two_mappings);
    program = (struct side){
        .end = &pair.program,
        .bell_own = &pair.program.up->bell_program,
        .bell_other = &pair.program.up->bell_ring,
        .wants_own = &pair.program.up->wants_room,
        .wants_other = &pair.program.down->wants_room,
    };
    iotd = (struct side){
        .end = &pair.iotd,
        .bell_own = &pair.iotd.up->bell_ring,
        .bell_other = &pair.iotd.up->bell_program,
        .wants_own = &pair.iotd.down->wants_room,
        .wants_other = &pair.iotd.up->wants_room,
        .is_iotd = true,
    };
    ipc_threads_start(&threads, run_side, &iotd);
    ipc_threads_start(&threads, run_side, &program);
    ipc_threads_join(&threads);
    CHECK_INT(program.n_sent, N_ALL);
    CHECK_INT(program.n_received, N_ALL);
    CHECK_INT(iotd.n_received, N_ALL);
    CHECK_INT(iotd.n_sent, N_ALL);
    CHECK(ring_is_empty(&pair.program.in) && ring_is_empty(&pair.iotd.in));
    CHECK(program.n_full > 0 && program.n_slept > 0);
    ipc_pair_close(&pair);
}

static void test_two_mappings(void)
{
    run(true);
}

static void test_one_mapping(void)
{
    run(false);
}

const char *const suite_name = "ipc-stress-ring";
const struct suite_test suite_tests[] = {
    {"two mappings", test_two_mappings},
    {"one mapping", test_one_mapping},
    {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads of a program report, iotd takes what is dirty and says how far it is, the program waits
 * for that: no report is overlooked, none goes backwards, nobody sleeps for ever.
 */

#include "libiotclient/ipc/latch.h"
#include "libiotclient/ipc/report_slots.h"
#include "tests/lib/ipc-pair.h"
#include "tests/lib/suite.h"

#define N_WRITERS 3
#define N_SLOTS 40U /* of each writer; two words of bits, and words that two writers share */
#define N_REPORTS 4000U
#define TRIES 4 /* few, so that slots are put back */

struct writer {
    struct ipc_end *program;
    unsigned first; /* slots first, first + N_WRITERS, ... are its own */
};

static void *report_all(void *userdata)
{
    struct writer *writer = userdata;
    struct layout_up *up = writer->program->up;
    struct layout_copy copy;
    uint32_t seq;

    for (uint32_t n = 1; n <= N_REPORTS; n++) {
        for (unsigned i = 0; i < N_SLOTS; i++) {
            uint32_t slot = writer->first + i * N_WRITERS;

            for (unsigned k = 0; k < LAYOUT_COPY_WORDS; k++)
                copy.word[k] = ipc_mix((uint64_t) n << 32 | slot << 8 | k);
            copy.word[1] = n;
            if (report_slots_write(up, slot, &copy, &seq))
                doorbell_ring(writer->program->other_bell);
            IPC_CHECK(seq == n);
        }
    }
    return NULL;
}

/* --- iotd --- */

struct taker {
    struct ipc_end *iotd;
    uint32_t newest[N_WRITERS * N_SLOTS];
    unsigned n_left;
};

static void take_slot(struct taker *taker, uint32_t slot)
{
    struct layout_up *up = taker->iotd->up;
    struct layout_copy copy;
    uint32_t seq;

    if (!IPC_CHECK(slot < N_WRITERS * N_SLOTS))
        return;
    if (!latch_read(&up->slots[slot], TRIES, &copy, &seq)) {
        report_slots_put_back(up, slot);
        return;
    }
    IPC_CHECK(copy.word[1] == seq && seq >= taker->newest[slot]);
    for (unsigned k = 0; k < LAYOUT_COPY_WORDS; k++)
        IPC_CHECK(k == 1 || copy.word[k] == ipc_mix((uint64_t) seq << 32 | slot << 8 | k));
    if (seq == N_REPORTS && taker->newest[slot] < N_REPORTS)
        taker->n_left--;
    taker->newest[slot] = seq;
    __atomic_store_n(&taker->iotd->down->done[slot], LAYOUT_DONE(seq, -(int) (slot + 1)),
                     __ATOMIC_RELEASE);
}

static void scan(struct taker *taker)
{
    for (unsigned i = 0; i < LAYOUT_REPORT_SLOTS / 32; i++) {
        uint32_t bits = report_slots_take(taker->iotd->up, i);

        for (; bits; bits &= bits - 1)
            take_slot(taker, i * 32 + (uint32_t) __builtin_ctz(bits));
    }
    if (doorbell_must_ring(&taker->iotd->up->bell_program))
        doorbell_ring(taker->iotd->other_bell);
}

static void *take_all(void *userdata)
{
    struct taker *taker = userdata;
    uint32_t *word = &taker->iotd->up->bell_slots;

    while (taker->n_left > 0) {
        scan(taker);
        if (taker->n_left == 0)
            break;
        doorbell_sleep(word);
        if (!report_slots_are_clean(taker->iotd->up))
            doorbell_wake(word);
        else if (!IPC_CHECK(ipc_end_sleep(taker->iotd)))
            break;
    }
    return NULL;
}

/* --- the program, for its ends --- */

static bool all_done(const struct layout_down *down)
{
    for (uint32_t slot = 0; slot < N_WRITERS * N_SLOTS; slot++) {
        uint64_t done = __atomic_load_n(&down->done[slot], __ATOMIC_ACQUIRE);

        if (LAYOUT_DONE_SEQ(done) != N_REPORTS)
            return false;
        IPC_CHECK(LAYOUT_DONE_CODE(done) == -(int) (slot + 1));
    }
    return true;
}

static void *await_done(void *userdata)
{
    struct ipc_end *program = userdata;

    while (!all_done(program->down)) {
        doorbell_sleep(&program->up->bell_program);
        if (all_done(program->down))
            break;
        if (!IPC_CHECK(ipc_end_sleep(program)))
            break;
    }
    return NULL;
}

static void run(bool has_two_mappings)
{
    struct ipc_threads threads = {.n = 0};
    struct writer writers[N_WRITERS];
    struct ipc_pair pair;
    struct taker taker = {.iotd = &pair.iotd, .n_left = N_WRITERS * N_SLOTS};

    ipc_pair_open(&pair, has_two_mappings);
    ipc_threads_start(&threads, take_all, &taker);
    ipc_threads_start(&threads, await_done, &pair.program);
    for (unsigned i = 0; i < N_WRITERS; i++) {
        writers[i] = (struct writer){&pair.program, i};
        ipc_threads_start(&threads, report_all, &writers[i]);
    }
    ipc_threads_join(&threads);
    CHECK_INT(taker.n_left, 0);
    scan(&taker); /* the last bits may have come after the values that they stand for */
    CHECK(report_slots_are_clean(pair.iotd.up));
    CHECK_INT(ipc_n_failed(), 0);
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

const char *const suite_name = "ipc-stress-slots";
const struct suite_test suite_tests[] = {
    {"two mappings", test_two_mappings},
    {"one mapping", test_one_mapping},
    {NULL, NULL},
};

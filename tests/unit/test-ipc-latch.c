/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "libiotclient/ipc/latch.h"
#include "libiotclient/ipc/report_slots.h"
#include "tests/lib/suite.h"

static struct layout_copy copy_of(uint64_t n)
{
    struct layout_copy copy;

    for (unsigned i = 0; i < LAYOUT_COPY_WORDS; i++)
        copy.word[i] = n * 10 + i;
    return copy;
}

static void test_turns(void)
{
    struct layout_slot slot = {0};
    struct layout_copy copy, got = {{0}};
    struct latch_scalar scalar = {0};
    uint32_t seq = 99;

    CHECK(latch_read(&slot, 1, &got, &seq));
    CHECK(seq == 0 && got.word[0] == 0);
    for (uint64_t n = 1; n < 9; n++) {
        copy = copy_of(n);
        CHECK_INT(latch_write(&slot, &copy), n);
        CHECK(latch_read(&slot, 1, &got, &seq));
        CHECK_INT(seq, n);
        CHECK(memcmp(&got, &copy, sizeof(got)) == 0);
        CHECK(latch_read_scalar(&slot, 1, &scalar));
        CHECK(scalar.meta == n * 10 && scalar.stamp == n * 10 + 1 && scalar.value == n * 10 + 2);
    }
    CHECK(!latch_read(&slot, 0, &got, &seq));
    CHECK(!latch_read_scalar(&slot, 0, &scalar));
}

/* The count of a program may be anything. */
static void test_wraps(void)
{
    struct layout_slot slot = {.seq = UINT32_MAX - 1};
    struct layout_copy copy, got = {{0}};
    uint32_t seq = 0;

    for (uint64_t n = 1; n < 5; n++) {
        copy = copy_of(n);
        CHECK_INT(latch_write(&slot, &copy), (uint32_t) (UINT32_MAX - 1 + n));
        CHECK(latch_read(&slot, 1, &got, &seq));
        CHECK(memcmp(&got, &copy, sizeof(got)) == 0);
    }
}

/* Step by step: what a reader that began before sees after. */
static void test_overtaken(void)
{
    struct layout_slot slot = {0};
    struct layout_copy copy = copy_of(1), next = copy_of(2);
    uint32_t seq;

    (void) latch_write(&slot, &copy);
    seq = latch_begin(&slot);
    CHECK_INT(latch_word(&slot, seq, 3), 13);
    CHECK(latch_is_good(&slot, seq));
    /* A writer that stops half way disturbs nobody: it fills the other copy. */
    slot.copies[(seq + 1) % 2] = next;
    CHECK_INT(latch_word(&slot, seq, 3), 13);
    CHECK(latch_is_good(&slot, seq));
    (void) latch_write(&slot, &next);
    CHECK(!latch_is_good(&slot, seq));
}

static void test_meta(void)
{
    static const struct {
        uint32_t type, flags, len;
    } cases[] = {{0, 0, 0}, {9, 0x1f, 40}, {0xff, 0xff, UINT32_MAX}, {1, 0x80, 1}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t meta = latch_meta(cases[i].type, cases[i].flags, cases[i].len);

        CHECK_INT(latch_type(meta), cases[i].type);
        CHECK_INT(latch_flags(meta), cases[i].flags);
        CHECK_INT(latch_len(meta), cases[i].len);
        CHECK_INT(meta >> 16 & 0xffff, 0);
    }
    CHECK_INT(LAYOUT_DONE_SEQ(LAYOUT_DONE(7, -405)), 7);
    CHECK_INT(LAYOUT_DONE_CODE(LAYOUT_DONE(7, -405)), -405);
    CHECK_INT(LAYOUT_DONE_SEQ(LAYOUT_DONE(UINT32_MAX, 0)), UINT32_MAX);
}

/* Who rings, and when. */
static void test_slots(void)
{
    static struct layout_up up;
    struct layout_copy copy = copy_of(1);
    uint32_t seq = 0;

    memset(&up, 0, sizeof(up));
    CHECK(report_slots_are_clean(&up));
    CHECK(!report_slots_write(&up, 33, &copy, &seq)); /* iotd is awake */
    CHECK_INT(seq, 1);
    CHECK(!report_slots_are_clean(&up));
    doorbell_sleep(&up.bell_slots);
    CHECK(!report_slots_write(&up, 33, &copy, &seq)); /* dirty before: iotd finds it by its look */
    CHECK(report_slots_write(&up, 1023, &copy, &seq));
    CHECK_INT(up.bell_slots, 0);
    CHECK(!report_slots_write(&up, 0, &copy, &seq)); /* once is enough */

    CHECK_INT(report_slots_take(&up, 0), 1);
    CHECK_INT(report_slots_take(&up, 0), 0);
    CHECK_INT(report_slots_take(&up, 1), 2);
    CHECK_INT(report_slots_take(&up, 31), 0x80000000);
    CHECK(report_slots_are_clean(&up));
    report_slots_put_back(&up, 1023);
    CHECK(!report_slots_are_clean(&up));
    CHECK_INT(report_slots_take(&up, 31), 0x80000000);
}

static void test_bell_word(void)
{
    uint32_t word = 0;

    CHECK(!doorbell_must_ring(&word));
    doorbell_sleep(&word);
    CHECK_INT(word, 1);
    doorbell_wake(&word);
    CHECK(!doorbell_must_ring(&word));
    doorbell_sleep(&word);
    CHECK(doorbell_must_ring(&word));
    CHECK(!doorbell_must_ring(&word));
    word = 0xffffffff; /* a program may write anything */
    CHECK(doorbell_must_ring(&word));
    CHECK_INT(word, 0);
}

const char *const suite_name = "ipc-latch";
const struct suite_test suite_tests[] = {
    {"turns", test_turns}, {"wraps", test_wraps}, {"overtaken", test_overtaken},
    {"meta", test_meta},   {"slots", test_slots}, {"bell word", test_bell_word},
    {NULL, NULL},
};

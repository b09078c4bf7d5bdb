/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report slots of one program. Dirty ones are looked at once per report turn at most, all at
 * once, and reported together; what is wrong ends at once and keeps nothing else from being
 * reported. How far iotd has come is in the done words.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front/shm_program.h"
#include "dbus/errmap.h"

#define TRIES 4 /* own choice: at a slot that is being written; then the next time */
#define WORDS (LAYOUT_REPORT_SLOTS / 32)

struct shm_scan_item {
    uint32_t seq;
    uint16_t slot;
    bool wants_done;
};

/* The slots whose values went into one report. */
struct shm_scan {
    struct list link;
    struct shm_program *program; /* NULL: it is gone; the samples still come back */
    bool is_keeping;             /* samples are on their way to the disk, there is no token yet */
    uint64_t token;
    size_t n;
    struct shm_scan_item items[];
};

static void on_slots_timer(struct loop_timer *timer, void *userdata);

/* --- done words --- */

static void tell(struct shm_program *p, const struct shm_scan_item *item, int code)
{
    uint64_t *done = &p->down->done[item->slot];
    uint64_t was = __atomic_load_n(done, __ATOMIC_RELAXED); /* ours alone */

    if ((int32_t) (item->seq - LAYOUT_DONE_SEQ(was)) < 0)
        return; /* a newer one has ended before */
    __atomic_store_n(done, LAYOUT_DONE(item->seq, code), __ATOMIC_RELEASE);
    if (item->wants_done)
        shm_program_wake(p);
}

/* Ends and frees. */
static void end_scan(struct shm_scan *scan, int code)
{
    struct shm_program *p = scan->program;

    for (size_t i = 0; p && !p->is_over && i < scan->n; i++)
        tell(p, &scan->items[i], code);
    list_remove(&scan->link);
    free(scan);
}

bool shm_slots_completed(struct shm_program *p, uint64_t token, int code)
{
    LIST_FOR_EACH (n, &p->scans) {
        struct shm_scan *scan = LIST_ENTRY(n, struct shm_scan, link);

        if (scan->is_keeping || scan->token != token)
            continue;
        end_scan(scan, code);
        return true;
    }
    return false;
}

static void on_kept(int result, uint64_t token, void *userdata)
{
    struct shm_scan *scan = userdata;

    scan->is_keeping = false;
    scan->token = token;
    if (result < 0 || !scan->program)
        end_scan(scan, errmap_code(result));
}

void shm_slots_done(struct shm_program *p)
{
    LIST_FOR_EACH_SAFE (n, &p->scans) {
        struct shm_scan *scan = LIST_ENTRY(n, struct shm_scan, link);

        list_remove(&scan->link);
        list_init(&scan->link);
        scan->program = NULL;
        if (!scan->is_keeping)
            free(scan);
    }
}

/* --- values --- */

/* text has the string if it is one. -EPROTO: no value that a slot holds. */
static int natural_value(const struct layout_copy *copy, char text[LAYOUT_INLINE + 1],
                         struct value *ret_value)
{
    uint32_t len = latch_len(copy->word[0]);

    if (!(latch_flags(copy->word[0]) & LAYOUT_FLAG_VALUE))
        return -EPROTO;
    switch (latch_type(copy->word[0])) {
    case LAYOUT_TYPE_BOOL:
        *ret_value = (struct value){.kind = VALUE_BOOL, .b = (copy->word[2] & 0xff) != 0};
        return 0;
    case LAYOUT_TYPE_INT:
    case LAYOUT_TYPE_ENUM:
    case LAYOUT_TYPE_TIMESTAMP:
        *ret_value = (struct value){.kind = VALUE_INT, .i = (int64_t) copy->word[2]};
        return 0;
    case LAYOUT_TYPE_FLOAT:
        ret_value->kind = VALUE_FLOAT;
        memcpy(&ret_value->d, &copy->word[2], sizeof(ret_value->d));
        return 0;
    case LAYOUT_TYPE_STRING:
    case LAYOUT_TYPE_STRINGENUM:
        if (len > LAYOUT_INLINE || memchr(&copy->word[2], '\0', len))
            return -EPROTO;
        memcpy(text, &copy->word[2], len);
        text[len] = '\0';
        *ret_value = value_of_text(text);
        return 0;
    default:
        return -EPROTO;
    }
}

/* The copy of one slot becomes one of the updates. */
static int take_copy(struct intake *in, const struct layout_copy *copy)
{
    uint32_t place = (uint32_t) copy->word[1];
    const struct model *m = in->core->model;
    char text[LAYOUT_INLINE + 1];
    const struct thing_define *def;
    struct value v, *slot;
    int r;

    if (place >= m->n_properties || m->properties[place].is_gone)
        return -ENOENT;
    r = natural_value(copy, text, &v);
    if (r == 0)
        r = intake_update_at(in, place, &slot, &def);
    return r < 0 ? r : intake_updated(in, value_fit(def, &v, slot, NULL));
}

static void take_slot(struct shm_program *p, uint32_t slot, struct intake *in,
                      struct shm_scan *scan)
{
    struct shm_scan_item *item = &scan->items[scan->n];
    struct layout_copy copy;
    int r;

    item->slot = (uint16_t) slot;
    if (!latch_read(&p->up->slots[slot], TRIES, &copy, &item->seq)) {
        report_slots_put_back(p->up, slot);
        return;
    }
    item->wants_done = latch_flags(copy.word[0]) & LAYOUT_FLAG_DONE;
    r = take_copy(in, &copy);
    if (r < 0)
        tell(p, item, errmap_code(r));
    else
        scan->n++;
}

/* --- scans --- */

static size_t take_dirty(struct shm_program *p, uint32_t dirty[WORDS])
{
    size_t n = 0;

    for (unsigned i = 0; i < WORDS; i++) {
        dirty[i] = report_slots_take(p->up, i);
        n += (size_t) __builtin_popcount(dirty[i]);
    }
    return n;
}

static void for_each_dirty(struct shm_program *p, const uint32_t dirty[WORDS], struct intake *in,
                           struct shm_scan *scan)
{
    for (uint32_t i = 0; i < WORDS; i++) {
        for (uint32_t left = dirty[i]; left; left &= left - 1) {
            uint32_t slot = i * 32 + (uint32_t) __builtin_ctz(left);

            if (scan)
                take_slot(p, slot, in, scan);
            else
                report_slots_put_back(p->up, slot);
        }
    }
}

static void submit(struct shm_program *p, struct intake *in, struct shm_scan *scan)
{
    int r;

    if (scan->n == 0) {
        free(scan);
        return;
    }
    scan->program = p;
    list_append(&p->scans, &scan->link);
    r = intake_submit(in, on_kept, scan, &scan->token);
    if (r == REPORTS_KEEPING)
        scan->is_keeping = true;
    else if (r < 0)
        end_scan(scan, errmap_code(intake_error(in, r)));
}

/* The rate is that of reports: one for all slots. Above it, values wait where they are. */
static void scan(struct shm_program *p)
{
    uint32_t dirty[WORDS];
    struct shm_scan *scan = NULL;
    struct intake in;
    size_t n;

    intake_init(&in, p->bus, p->peer, p->peer->name);
    if (intake_begin_updates(&in) == 0) {
        n = take_dirty(p, dirty);
        scan = calloc(1, sizeof(*scan) + n * sizeof(scan->items[0]));
        for_each_dirty(p, dirty, &in, scan);
        if (scan)
            submit(p, &in, scan);
    }
    intake_done(&in);
}

static uint64_t turn_us(const struct shm_program *p)
{
    uint64_t us = p->bus->core->pace.rate.interval_us;

    return us ? us : USEC_PER_SEC;
}

/* Nothing is there: from now on the program rings. False: something came meanwhile. */
static bool sleep_on_slots(struct shm_program *p)
{
    doorbell_sleep(&p->up->bell_slots);
    if (report_slots_are_clean(p->up))
        return true;
    doorbell_wake(&p->up->bell_slots);
    return false;
}

bool shm_slots_look(struct shm_program *p)
{
    if (p->is_over || loop_timer_is_armed(&p->slots_timer))
        return false;
    if (report_slots_are_clean(p->up) && sleep_on_slots(p))
        return false;
    doorbell_wake(&p->up->bell_slots);
    loop_timer_arm(p->bus->loop, &p->slots_timer, turn_us(p), on_slots_timer, p);
    scan(p);
    return true;
}

static void on_slots_timer(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    (void) shm_slots_look(userdata);
}

void shm_slots_take(struct shm_program *p)
{
    if (!report_slots_are_clean(p->up))
        scan(p);
}

void shm_slots_drain(struct shm_program *p)
{
    loop_timer_cancel(&p->slots_timer);
    shm_slots_take(p);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that writes what it likes into its shared memory, while iotd works. The input is a list
 * of steps. Whatever they are: values in the table fit the model, the backlog is bounded and
 * counted right, other programs are served, and a program that kept to the layout got one answer
 * for each record.
 */

#include <string.h>

#include "daemon/sys/log.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/report-steps.h"
#include "tests/lib/shm-rig.h"

#define MAX_INPUT 4096
#define MS USEC_PER_MSEC

struct input {
    const uint8_t *data;
    size_t len;
};

/* What is known of the program. */
struct seen {
    bool has_scribbled;
    unsigned n_sent, n_tokens;
};

static uint64_t take(struct input *in, unsigned n)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < n && in->len > 0; i++, in->len--)
        v = v << 8 | *in->data++;
    return v;
}

static void take_bytes(struct input *in, uint8_t *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t) take(in, 1);
}

/* --- steps --- */

static void write_slot(struct input *in, struct seen *seen)
{
    uint32_t slot = (uint32_t) take(in, 2) % LAYOUT_REPORT_SLOTS;
    uint32_t place = (uint32_t) take(in, 1);
    uint32_t type = (uint32_t) take(in, 1), flags = (uint32_t) take(in, 1);
    struct layout_copy copy = {{latch_meta(type, flags, (uint32_t) take(in, 1)), place}};

    (void) seen;
    copy.word[2] = take(in, 8);
    (void) srig_slot(slot, &copy);
}

static void send_record(struct input *in, struct seen *seen)
{
    uint32_t type = (uint32_t) take(in, 1) % 8, id = (uint32_t) take(in, 1);
    int32_t code = (int8_t) take(in, 1);
    size_t len = (size_t) take(in, 1);

    if (type == LAYOUT_RECORD_PAD)
        return;
    (void) srig_items();
    take_bytes(in, (uint8_t *) srig.buffer, len);
    srig.items.len = len;
    if (srig_try_send(type, id, code) == 0)
        seen->n_sent += type != LAYOUT_UP_ANSWER;
}

static void scribble(struct input *in, struct seen *seen)
{
    size_t at = (size_t) take(in, 3) % sizeof(struct layout_up), n = (size_t) take(in, 1) % 16;

    for (; n > 0 && at < sizeof(struct layout_up); n--)
        ((uint8_t *) srig.up)[at++] = (uint8_t) take(in, 1);
    seen->has_scribbled = true;
}

static void ring(struct input *in, struct seen *seen)
{
    (void) in;
    (void) seen;
    doorbell_ring(srig.bell_up);
    srig_run();
}

static void wait(struct input *in, struct seen *seen)
{
    (void) seen;
    srig_advance(take(in, 1) * 10 * MS);
}

static void read_some(struct input *in, struct seen *seen)
{
    unsigned n = (unsigned) take(in, 1);

    if (seen->has_scribbled) { /* what iotd believes of our end may be nonsense */
        srig.up->down_tail = srig.down->ring_head;
        return;
    }
    while (n-- > 0 && *srig_next())
        seen->n_tokens += strncmp(srig.text, "TOKEN", 5) == 0;
}

static void on_controlled(int code, const char *text, const char *response, void *userdata)
{
    (void) text;
    (void) response;
    (void) userdata;
    FUZZ_CHECK(code >= 0 && code <= 599);
}

static void control(struct input *in, struct seen *seen)
{
    json_t *params = json_object();

    (void) seen;
    FUZZ_CHECK(json_object_set_new(params, "level", json_integer(take(in, 1) % 101)) == 0);
    calls_control(&crig.core->calls, params, on_controlled, NULL);
    json_decref(params);
}

static void complete(struct input *in, struct seen *seen)
{
    unsigned n = (unsigned) take(in, 1);

    (void) seen;
    while (n-- > 0 && srig.p)
        (void) shm_program_completed(srig.p, n, 0);
}

static void change(struct input *in, struct seen *seen)
{
    (void) seen;
    crig.core->policies.general.history = take(in, 1) % 2;
}

static void hang_up(struct input *in, struct seen *seen)
{
    (void) in;
    (void) seen;
    srig_hang_up();
    srig_run();
}

static void (*const steps[])(struct input *in, struct seen *seen) = {
    write_slot, send_record, scribble, ring, wait, read_some, control, complete, change, hang_up,
};

/* --- what holds --- */

static void check_table(void)
{
    for (size_t i = 0; i < crig.model->n_properties; i++) {
        const struct value *v = &crig.core->props.all[i].value;
        struct value again;

        if (v->kind == VALUE_NONE)
            continue;
        FUZZ_CHECK(value_fit(&crig.model->properties[i].define, v, &again, NULL) == 0);
        value_done(&again);
    }
}

static void check_program(void)
{
    size_t n = 0;

    if (!srig.p) {
        FUZZ_CHECK(srig.n_offences + srig.n_hung_up == 1);
        FUZZ_CHECK(srig.down->state == LAYOUT_STATE_ENDED);
        return;
    }
    LIST_FOR_EACH (node, &srig.p->backlog)
        n++;
    FUZZ_CHECK((n == 0) == (srig.p->n_backlog == 0) && srig.p->n_backlog <= SHM_BACKLOG);
    FUZZ_CHECK(srig.down->state == LAYOUT_STATE_SERVING);
    n = 0;
    LIST_FOR_EACH (node, &srig.p->calls)
        n++;
    FUZZ_CHECK(n <= LIMIT_PENDING_CALLS);
}

/* It reads all that there is; and there is one token for each record. */
static void settle(struct seen *seen)
{
    for (int i = 0; i < 1000 && srig.p; i++) {
        doorbell_ring(srig.bell_up);
        srig_advance(10 * MS);
        while (*srig_next())
            seen->n_tokens += strncmp(srig.text, "TOKEN", 5) == 0;
        if (srig.p && list_is_empty(&srig.p->backlog) && ring_is_empty(&srig.p->from_program) &&
            list_is_empty(&srig.p->postings))
            break;
    }
    if (srig.p)
        FUZZ_CHECK(seen->n_tokens == seen->n_sent);
}

/* Others notice nothing. */
static void check_others(void)
{
    uint64_t token;

    FUZZ_CHECK(report_try(DOOR, P_SINCE, 4711, 0, &token) >= 0);
    FUZZ_CHECK(report_table(P_SINCE)->i == 4711);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size < MAX_INPUT ? size : MAX_INPUT};
    struct seen seen = {0};

    log_set_level(LOG_LEVEL_ERR);
    srig_begin();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    while (in.len > 0 && srig.p) {
        steps[take(&in, 1) % ARRAY_SIZE(steps)](&in, &seen);
        check_program();
    }
    if (srig.p && !seen.has_scribbled)
        settle(&seen);
    check_table();
    check_others();
    srig_end();
    return 0;
}

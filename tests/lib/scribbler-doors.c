/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Misbehaviour with Attach, and ends at each step. */

#include <signal.h>
#include <string.h>

#include "libiotclient/base/fdutil.h"
#include "tests/lib/scribbler.h"

#define WALK 60

/* What a good program does, in steps; before the n-th store comes the signal. */
static const char *run_until(struct scribbler *s, int signal)
{
    struct layout_copy copy = scribbler_int(scribbler_place(s, "color"), LAYOUT_TYPE_ENUM, 1);
    uint8_t bytes[128] __attribute__((aligned(8)));
    struct pack_writer w = {.data = bytes, .size = sizeof(bytes)};
    size_t values;

    pack_put_int(&w, "timestamp", 0);
    values = pack_open(&w, "values", PACK_STRUCT);
    pack_put_int(&w, "color", 2);
    pack_close(&w, values);
    s->signal = signal;
    s->stores_left = s->n;
    while (s->stores_left > 0) {
        (void) scribbler_slot(s, 0, &copy);
        (void) scribbler_send(s, LAYOUT_UP_REPORT, &w);
    }
    return scribbler_outcome(s);
}

static const char *run_die(struct scribbler *s)
{
    return run_until(s, SIGKILL);
}

static const char *run_stop(struct scribbler *s)
{
    return run_until(s, SIGSTOP);
}

/* Comes and goes n times, and leaves something behind each time. */
static const char *run_comings(struct scribbler *s)
{
    for (unsigned i = 0; i < s->n; i++) {
        scribbler_detach(s);
        scribbler_attach(s);
        if (i % 4 == 0) {
            scribbler_random_bytes(s, s->up, sizeof(*s->up));
            scribbler_bell(s);
        } else {
            struct layout_copy copy =
                scribbler_int(scribbler_place(s, "color"), LAYOUT_TYPE_ENUM, i % 3);

            for (uint32_t k = 0; k < WALK; k++)
                (void) scribbler_slot(s, k, &copy);
        }
    }
    scribbler_detach(s);
    scribbler_attach(s);
    return scribbler_outcome(s);
}

/* Wants the table again and again. */
static const char *run_tables(struct scribbler *s)
{
    for (unsigned i = 0; i < s->n; i++)
        (void) fd_close(scribbler_ask_table(s));
    return scribbler_outcome(s);
}

const struct scribbler_mode scribbler_door_modes[] = {
    {"die", run_die},       {"stop", run_stop}, {"comings", run_comings},
    {"tables", run_tables}, {NULL, NULL},
};

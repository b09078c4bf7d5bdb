/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shared memory of one program: its life, its bells, and when what is looked at. A bell word is
 * only set when nothing is armed that looks anyway, so that a busy program rings rarely and a quiet
 * one costs nothing.
 */

#include "daemon/front/shm_program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sys/log.h"
#include "daemon/sys/rand.h"
#include "libiotclient/base/fdutil.h"

LOG_AREA("shm");

static void on_end_timer(struct loop_timer *timer, void *userdata)
{
    struct shm_program *p = userdata;

    (void) timer;
    p->on_end(p, p->why, p->userdata);
}

static void stop(struct shm_program *p)
{
    loop_io_stop(&p->io);
    loop_timer_cancel(&p->slots_timer);
    loop_timer_cancel(&p->ring_timer);
    loop_timer_cancel(&p->bell_timer);
}

/* From the loop: whoever found out may be in the middle of something. */
void shm_program_end(struct shm_program *p, enum shm_end why, const char *what)
{
    if (p->is_over)
        return;
    if (why == SHM_END_OFFENCE)
        log_warn_limited(&p->bus->refusals, "detached client=%u app=%s uid=%u pid=%u why=\"%s\"",
                         p->client->number, p->client->app_id, p->client->uid, p->client->pid,
                         what);
    else
        log_debug("over client=%u app=%s why=\"%s\"", p->client->number, p->client->app_id, what);
    p->is_over = true;
    p->why = why;
    stop(p);
    loop_timer_arm(p->bus->loop, &p->end_timer, 0, on_end_timer, p);
}

void shm_program_wake(struct shm_program *p)
{
    if (doorbell_must_ring(&p->up->bell_program))
        doorbell_ring(p->program_bell);
}

/* --- bells --- */

static void listen_to_bell(struct shm_program *p);

static void on_bell_timer(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    listen_to_bell(userdata);
}

/* Who rings and rings without anything to say is not heard until the window ends. */
static void count_empty_bell(struct shm_program *p)
{
    uint64_t now = loop_now_us(p->bus->loop);

    if (now - p->window_us >= SHM_BELL_WINDOW_US) {
        p->window_us = now;
        p->n_empty_bells = 0;
    }
    if (++p->n_empty_bells < SHM_EMPTY_BELLS)
        return;
    loop_io_stop(&p->io);
    loop_timer_arm(p->bus->loop, &p->bell_timer, p->window_us + SHM_BELL_WINDOW_US - now,
                   on_bell_timer, p);
}

static void on_bell(struct loop_io *io, uint32_t events, void *userdata)
{
    struct shm_program *p = userdata;
    bool found;

    (void) io;
    if (doorbell_clear(p->bell) || events & LOOP_HUP) {
        shm_program_drain(p);
        shm_program_end(p, SHM_END_HUNG_UP, "hung up");
        return;
    }
    found = shm_slots_look(p);
    found = shm_up_look(p) || found;
    if (!found && !p->is_over)
        count_empty_bell(p);
}

static void listen_to_bell(struct shm_program *p)
{
    int r = loop_io_start(p->bus->loop, &p->io, p->bell, LOOP_READ, on_bell, p);

    if (r < 0) /* there is no descriptor for it now */
        loop_timer_arm(p->bus->loop, &p->bell_timer, SHM_BELL_WINDOW_US, on_bell_timer, p);
}

/* --- life --- */

static uint64_t new_epoch(void)
{
    uint64_t epoch;

    do {
        epoch = rand_u64();
    } while (epoch == 0);
    return epoch;
}

static int make_segments(struct shm_program *p, int *ret_up, int *ret_down)
{
    const struct segment_spec up = {
        .name = "iotd-up",
        .kind = LAYOUT_KIND_UP,
        .size = sizeof(struct layout_up),
        .epoch = new_epoch(),
    };
    const struct segment_spec down = {
        .name = "iotd-down",
        .kind = LAYOUT_KIND_DOWN,
        .size = sizeof(struct layout_down),
        .epoch = new_epoch(),
        .is_read_only = true,
    };
    int r = segment_create(&p->up_segment, ret_up, &up);

    if (r == 0)
        r = segment_create(&p->down_segment, ret_down, &down);
    if (r < 0)
        return r;
    p->up = p->up_segment.base;
    p->down = p->down_segment.base;
    ring_init(&p->from_program, p->up->ring, &p->up->ring_head, &p->down->up_tail);
    ring_init(&p->to_program, p->down->ring, &p->down->ring_head, &p->up->down_tail);
    doorbell_sleep(&p->up->bell_slots);
    doorbell_sleep(&p->up->bell_ring);
    return 0;
}

static int make_buffer(struct bus *bus)
{
    if (!bus->shm_record)
        bus->shm_record = malloc(LAYOUT_RECORD_MAX);
    return bus->shm_record ? 0 : -ENOMEM;
}

int shm_program_make(struct shm_program **ret_program, const struct shm_program_config *config,
                     int ret_fds[LAYOUT_FD_COUNT_])
{
    CLEANUP(shm_program_freep) struct shm_program *p = NULL;
    CLEANUP(fd_closep) int up = -1;
    CLEANUP(fd_closep) int down = -1;
    CLEANUP(fd_closep) int bell = -1;
    CLEANUP(fd_closep) int program_bell = -1;
    int r;

    p = calloc(1, sizeof(*p));
    if (!p)
        return -ENOMEM;
    p->bus = config->bus;
    p->client = config->client;
    p->peer = config->peer;
    p->on_end = config->on_end;
    p->userdata = config->userdata;
    p->bell = p->program_bell = -1;
    ratelimit_init(&p->refused, SHM_REFUSED_RATE, USEC_PER_SEC, SHM_REFUSED_BURST);
    list_init(&p->calls);
    list_init(&p->postings);
    list_init(&p->scans);
    list_init(&p->backlog);
    r = make_buffer(p->bus);
    if (r == 0)
        r = make_segments(p, &up, &down);
    if (r == 0)
        r = doorbell_new(&p->bell, &bell);
    if (r == 0)
        r = doorbell_new(&program_bell, &p->program_bell);
    if (r == 0)
        r = loop_io_start(p->bus->loop, &p->io, p->bell, LOOP_READ, on_bell, p);
    if (r < 0)
        return r;

    ret_fds[LAYOUT_FD_TABLE] = -1;
    ret_fds[LAYOUT_FD_UP] = up;
    ret_fds[LAYOUT_FD_DOWN] = down;
    ret_fds[LAYOUT_FD_BELL_UP] = bell;
    ret_fds[LAYOUT_FD_BELL_DOWN] = program_bell;
    up = down = bell = program_bell = -1;
    *ret_program = TAKE(p);
    return 0;
}

/* What was in it stays valid for the program until it unmaps it. */
static void say_goodbye(struct shm_program *p)
{
    __atomic_store_n(&p->down->state, LAYOUT_STATE_ENDED, __ATOMIC_SEQ_CST);
    shm_program_wake(p);
}

struct shm_program *shm_program_free(struct shm_program *p)
{
    if (!p)
        return NULL;

    p->is_over = true;
    stop(p);
    loop_timer_cancel(&p->end_timer);
    shm_slots_done(p);
    shm_up_done(p);
    shm_down_done(p);
    if (p->down)
        say_goodbye(p);
    segment_done(&p->up_segment);
    segment_done(&p->down_segment);
    (void) fd_close(p->bell);
    (void) fd_close(p->program_bell);
    free(p);
    return NULL;
}

void shm_program_drain(struct shm_program *p)
{
    if (p->is_over)
        return;
    p->is_drained = true;
    shm_slots_drain(p);
    shm_up_drain(p);
}

/* --- as a part of the front --- */

static void on_end(struct shm_program *p, enum shm_end why, void *userdata)
{
    struct bus *bus = p->bus;

    (void) userdata;
    if (why == SHM_END_OFFENCE)
        bus_client_remove(bus, p->client);
    else /* the bus says whether there is a program behind it */
        bus_client_set_shm(p->client, NULL, NULL);
}

int shm_program_new(struct shm_program **ret_program, struct bus *bus, struct client *client,
                    int ret_fds[LAYOUT_FD_COUNT_])
{
    const struct shm_program_config config = {
        .bus = bus,
        .client = client,
        .peer = bus_peer_find(bus, client->peer),
        .on_end = on_end,
    };

    return config.peer ? shm_program_make(ret_program, &config, ret_fds) : -ENOTCONN;
}

static bool is_watched(const struct shm_program *p, size_t place)
{
    return place < LAYOUT_PLACES_MAX &&
           __atomic_load_n(&p->up->watch[place / 32], __ATOMIC_RELAXED) >> place % 32 & 1U;
}

void shm_program_changed(struct shm_program *p, const size_t *places, size_t n)
{
    fence_full(); /* the values are there before the look */
    for (size_t i = 0; i < n && !p->is_over; i++) {
        if (is_watched(p, places[i])) {
            shm_program_wake(p);
            return;
        }
    }
}

void shm_program_set_table(struct shm_program *p, uint64_t epoch)
{
    if (p->is_over)
        return;
    __atomic_store_n(&p->down->table_epoch, epoch, __ATOMIC_SEQ_CST);
    shm_program_wake(p);
}

bool shm_program_completed(struct shm_program *p, uint64_t token, int code)
{
    if (p->is_over)
        return false;
    if (!shm_slots_completed(p, token, code))
        shm_down_completed(p, token, code);
    return true;
}

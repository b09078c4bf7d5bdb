/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/shm-iotd.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/client.h"
#include "libiotclient/ipc/doorbell.h"
#include "libiotclient/ipc/report_slots.h"
#include "libiotclient/shm_report.h"
#include "tests/lib/suite.h"

#define TURNS_MAX 50

static const struct {
    const char *id;
    uint32_t type;
} named[SHM_IOTD_N_NAMED] = {
    [PLACE_BOOL] = {"power_switch", LAYOUT_TYPE_BOOL},
    [PLACE_INT] = {"brightness", LAYOUT_TYPE_INT},
    [PLACE_FLOAT] = {"cpu_load", LAYOUT_TYPE_FLOAT},
    [PLACE_STRING] = {"name", LAYOUT_TYPE_STRING},
    [PLACE_ENUM] = {"color", LAYOUT_TYPE_ENUM},
    [PLACE_TIMESTAMP] = {"boot_time", LAYOUT_TYPE_TIMESTAMP},
    [PLACE_STRINGENUM] = {"mode", LAYOUT_TYPE_STRINGENUM},
    [PLACE_STRUCT] = {"position", LAYOUT_TYPE_STRUCT},
    [PLACE_ARRAY] = {"samples", LAYOUT_TYPE_ARRAY},
};

static void must(int r, const char *what)
{
    if (r >= 0)
        return;
    fprintf(stderr, "shm iotd: %s: %s\n", what, strerror(-r));
    exit(99);
}

static void name_all(struct table_rig *rig)
{
    char id[16];

    for (size_t i = 0; i < SHM_IOTD_PLACES; i++) {
        (void) snprintf(id, sizeof(id), "p%zu", i);
        if (i < SHM_IOTD_N_NAMED)
            table_rig_name(rig, i, named[i].id, named[i].type, LAYOUT_FLAG_WRITABLE);
        else
            table_rig_name(rig, i, id, LAYOUT_TYPE_INT, 0);
    }
}

void shm_iotd_open_for(struct shm_iotd *d, iotc_client *client, uint64_t epoch)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_RETURN);

    *d = (struct shm_iotd){.client = client, .record = malloc(LAYOUT_RECORD_MAX)};
    table_rig_open(&d->rig, SHM_IOTD_PLACES, 0, epoch);
    name_all(&d->rig);
    ring_init(&d->from_program, d->rig.up->ring, &d->rig.up->ring_head, &d->rig.down->up_tail);
    ring_init(&d->to_program, d->rig.down->ring, &d->rig.down->ring_head, &d->rig.up->down_tail);
    doorbell_sleep(&d->rig.up->bell_slots);
    doorbell_sleep(&d->rig.up->bell_ring);
    must(table_rig_attach(&d->rig, client), "attach");
    must(shm_ring_on_attached(client), "rings");
    posts_on_attached(client, reply);
    must(props_load(client), "model");
    client->link_state = IOTC_LINK_UP;
    client_flush_later(client, 0);
    shm_iotd_turns(d);
}

void shm_iotd_open(struct shm_iotd *d, uint64_t epoch)
{
    shm_iotd_open_for(d, table_rig_client(), epoch);
}

void shm_iotd_die(struct shm_iotd *d)
{
    iotc_client *client = d->client;

    shm_on_detached(client);
    shm_ring_on_detached(client);
    reports_on_detached(client);
    posts_on_detached(client);
    client->link_state = IOTC_LINK_ABSENT;
    table_rig_close(&d->rig);
    free(TAKE(d->record));
}

void shm_iotd_close(struct shm_iotd *d)
{
    iotc_client_unref(d->client);
    table_rig_close(&d->rig);
    free(TAKE(d->record));
}

void shm_iotd_turns(struct shm_iotd *d)
{
    struct pollfd pfd = {.fd = iotc_client_get_fd(d->client), .events = POLLIN};

    for (int i = 0; i < TURNS_MAX && poll(&pfd, 1, 0) > 0; i++)
        CHECK(iotc_client_dispatch(d->client) >= 0);
}

bool shm_iotd_is_rung(struct shm_iotd *d)
{
    struct pollfd pfd = {.fd = d->rig.bell_up, .events = POLLIN};
    bool is_rung = poll(&pfd, 1, 0) > 0;

    (void) doorbell_clear(d->rig.bell_up);
    return is_rung;
}

bool shm_iotd_take(struct shm_iotd *d, size_t place, struct shm_iotd_report *ret_report)
{
    struct layout_up *up = d->rig.up;

    for (uint32_t slot = 0; slot < LAYOUT_REPORT_SLOTS; slot++) {
        uint32_t bit = (uint32_t) 1 << slot % 32;
        struct shm_iotd_report report = {.slot = slot};

        if (!(__atomic_load_n(&up->dirty[slot / 32], __ATOMIC_RELAXED) & bit) ||
            !latch_read(&up->slots[slot], 4, &report.copy, &report.seq) ||
            (uint32_t) report.copy.word[1] != place)
            continue;
        (void) __atomic_fetch_and(&up->dirty[slot / 32], ~bit, __ATOMIC_SEQ_CST);
        CHECK(latch_read(&up->slots[slot], 4, &report.copy, &report.seq));
        *ret_report = report;
        return true;
    }
    return false;
}

void shm_iotd_wake(struct shm_iotd *d)
{
    if (doorbell_must_ring(&d->rig.up->bell_program))
        doorbell_ring(d->rig.bell_down);
}

void shm_iotd_done(struct shm_iotd *d, const struct shm_iotd_report *report, int code)
{
    __atomic_store_n(&d->rig.down->done[report->slot], LAYOUT_DONE(report->seq, code),
                     __ATOMIC_RELEASE);
    if (latch_flags(report->copy.word[0]) & LAYOUT_FLAG_DONE)
        shm_iotd_wake(d);
}

bool shm_iotd_next(struct shm_iotd *d)
{
    int r;

    r = ring_peek(&d->from_program, &d->head, d->record, &d->items.len);
    must(r, "ring up");
    if (r == 0)
        return false;
    d->items.data = d->record;
    d->items.depth = 0;
    ring_pop(&d->from_program, &d->head);
    return true;
}

void shm_iotd_give_room(struct shm_iotd *d)
{
    if (__atomic_exchange_n(&d->rig.up->wants_room, 0, __ATOMIC_SEQ_CST))
        shm_iotd_wake(d);
}

uint8_t *shm_iotd_record(struct shm_iotd *d, size_t len)
{
    uint8_t *payload = NULL;

    must(ring_open(&d->to_program, len, &payload), "ring down");
    return payload;
}

void shm_iotd_send(struct shm_iotd *d, uint32_t type, uint32_t id, int code, size_t len)
{
    ring_commit(&d->to_program, type, id, code, len);
    shm_iotd_wake(d);
}

static void send_token(struct shm_iotd *d, uint32_t type, uint32_t id, int code, uint64_t token)
{
    struct pack_writer w = {.data = shm_iotd_record(d, 64), .size = 64};

    pack_put_int(&w, "token", (int64_t) token);
    shm_iotd_send(d, type, id, code, w.len);
}

void shm_iotd_token(struct shm_iotd *d, uint32_t id, int code, uint64_t token)
{
    send_token(d, LAYOUT_DOWN_TOKEN, id, code, token);
}

void shm_iotd_completed(struct shm_iotd *d, uint64_t token, int code)
{
    send_token(d, LAYOUT_DOWN_COMPLETED, 0, code, token);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/shm_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/errmap.h"
#include "libiotclient/client.h"
#include "libiotclient/ipc/doorbell.h"
#include "libiotclient/ipc/ring.h"

#define RECORDS_PER_TURN 64 /* own choice */

/* An answer that waits for room. */
struct answer {
    struct list link;
    uint32_t id;
    int32_t code;
    size_t len;
    uint64_t payload[];
};

static struct answer *answer_at(struct list *n)
{
    return LIST_ENTRY(n, struct answer, link);
}

void shm_ring_init(struct rings *rings)
{
    list_init(&rings->answers);
}

static void drop_answers(struct rings *rings)
{
    while (!list_is_empty(&rings->answers)) {
        struct answer *a = answer_at(rings->answers.next);

        list_remove(&a->link);
        free(a);
    }
    rings->n_answers = 0;
}

static void drop_early(struct rings *rings)
{
    free(rings->early);
    rings->early = NULL;
    rings->n_early = 0;
}

void shm_ring_on_detached(iotc_client *client)
{
    struct rings *rings = &client->rings;

    drop_answers(rings);
    drop_early(rings);
    rings->wants_room = rings->must_ring = rings->is_broken = rings->is_held_up = false;
    rings->wants_bus = rings->reports_first = false;
    rings->n_sent = rings->n_by_bus = 0;
}

void shm_ring_done(iotc_client *client)
{
    if (!client->rings.answers.next)
        return; /* never initialised */
    shm_ring_on_detached(client);
    free(client->rings.record);
    client->rings.record = NULL;
}

int shm_ring_on_attached(iotc_client *client)
{
    struct rings *rings = &client->rings;

    if (shm_is_active(client) && !rings->record)
        rings->record = malloc(LAYOUT_RECORD_MAX);
    return !shm_is_active(client) || rings->record ? 0 : -ENOMEM;
}

/* --- up --- */

/* Room for a record, or word that it is wanted. */
static int open_record(iotc_client *client, size_t len, uint8_t **ret_payload)
{
    struct shm *shm = &client->shm;
    int r = ring_open(&shm->to_iotd, len, ret_payload);

    if (r == -ENOBUFS) {
        __atomic_store_n(&shm->up->wants_room, 1U, __ATOMIC_SEQ_CST);
        fence_full(); /* before the second look */
        r = ring_open(&shm->to_iotd, len, ret_payload);
    }
    client->rings.wants_room |= r == -ENOBUFS;
    client->rings.is_broken |= r == -EPROTO;
    return r;
}

static void commit(iotc_client *client, const struct layout_record *head)
{
    ring_commit(&client->shm.to_iotd, head->type, head->id, head->code, head->len);
    client->rings.must_ring = true;
}

static size_t count_items(shm_fill_fn fill, const void *data)
{
    struct pack_writer count = {.size = SIZE_MAX};

    fill(&count, data);
    return count.full ? SIZE_MAX : count.len;
}

int shm_ring_send(iotc_client *client, uint32_t type, shm_fill_fn fill, const void *data,
                  uint32_t *ret_id)
{
    struct rings *rings = &client->rings;
    struct layout_record head = {.type = type};
    struct pack_writer w = {.data = NULL};
    size_t len;
    int r;

    if (rings->n_by_bus > 0 || (rings->wants_bus && rings->n_sent > 0)) {
        rings->is_held_up = true;
        return -EBUSY;
    }
    len = count_items(fill, data);
    if (len > LAYOUT_RECORD_MAX - sizeof(head))
        return -EMSGSIZE;
    r = open_record(client, len, &w.data);
    if (r < 0)
        return -EBUSY;
    w.size = len;
    fill(&w, data);
    if (++rings->last_id == 0)
        rings->last_id = 1; /* 0: none */
    head.id = rings->last_id;
    head.len = (uint32_t) len;
    commit(client, &head);
    rings->n_sent++;
    *ret_id = head.id;
    return 0;
}

/* What waited for its turn may have it. */
static void go_on(iotc_client *client)
{
    struct rings *rings = &client->rings;

    if (!rings->is_held_up || rings->n_sent + rings->n_by_bus > 0)
        return;
    rings->is_held_up = false;
    client_flush_later(client, 0);
}

void shm_ring_answered(iotc_client *client)
{
    if (client->rings.n_sent > 0)
        client->rings.n_sent--;
    go_on(client);
}

bool shm_ring_may_bus(iotc_client *client, bool is_report)
{
    struct rings *rings = &client->rings;
    bool is_alone = rings->n_sent + rings->n_by_bus == 0;

    if (is_alone && !rings->early)
        rings->early = calloc(LIMIT_CLIENT_TOKENS, sizeof(*rings->early));
    rings->is_held_up |= !is_alone;
    rings->wants_bus = !is_alone;
    rings->reports_first = !is_alone && is_report;
    if (is_alone && !rings->early)
        client_flush_later(client, CLIENT_MEMORY_PAUSE_US);
    return is_alone && rings->early;
}

void shm_ring_by_bus(iotc_client *client)
{
    client->rings.n_by_bus++;
}

bool shm_ring_bus_answered(iotc_client *client, uint64_t token, int *ret_result)
{
    struct rings *rings = &client->rings;
    bool has_come = false;

    for (size_t i = 0; i < rings->n_early; i++) {
        if (rings->early[i].token != token)
            continue;
        *ret_result = rings->early[i].result;
        has_come = true;
    }
    if (rings->n_by_bus > 0)
        rings->n_by_bus--;
    if (rings->n_by_bus == 0)
        drop_early(rings);
    go_on(client);
    return has_come;
}

/* --- answers --- */

static int answer_now(iotc_client *client, const struct layout_record *head, shm_fill_fn fill,
                      const void *data)
{
    struct pack_writer w = {.size = head->len};
    int r = open_record(client, head->len, &w.data);

    if (r < 0)
        return r;
    fill(&w, data);
    commit(client, head);
    return 0;
}

static int answer_later(iotc_client *client, const struct layout_record *head, shm_fill_fn fill,
                        const void *data)
{
    struct rings *rings = &client->rings;
    struct answer *a = malloc(sizeof(*a) + head->len);
    struct pack_writer w = {.size = head->len};

    if (!a)
        return -ENOMEM;
    *a = (struct answer){.id = head->id, .code = head->code, .len = head->len};
    w.data = (uint8_t *) a->payload;
    fill(&w, data);
    list_append(&rings->answers, &a->link);
    rings->n_answers++;
    return 0;
}

int shm_ring_answer(iotc_client *client, uint32_t id, int32_t code, shm_fill_fn fill,
                    const void *data)
{
    struct layout_record head = {.type = LAYOUT_UP_ANSWER, .id = id, .code = code};
    size_t len = count_items(fill, data);
    int r = -ENOBUFS;

    if (len > LAYOUT_RECORD_MAX - sizeof(head))
        return -EMSGSIZE;
    head.len = (uint32_t) len;
    if (list_is_empty(&client->rings.answers))
        r = answer_now(client, &head, fill, data);
    if (r == -ENOBUFS)
        r = answer_later(client, &head, fill, data);
    if (!client->dispatching)
        shm_ring_bell(client);
    return r == -EPROTO ? 0 : r; /* nobody waits there any more */
}

static void copy_payload(struct pack_writer *w, const void *data)
{
    const struct answer *a = data;

    memcpy(w->data, a->payload, a->len);
}

static void send_answers(iotc_client *client)
{
    struct rings *rings = &client->rings;

    while (!list_is_empty(&rings->answers)) {
        struct answer *a = answer_at(rings->answers.next);
        const struct layout_record head = {
            .len = (uint32_t) a->len,
            .type = LAYOUT_UP_ANSWER,
            .id = a->id,
            .code = a->code,
        };

        if (answer_now(client, &head, copy_payload, a) < 0)
            return;
        list_remove(&a->link);
        free(a);
        rings->n_answers--;
    }
}

void shm_ring_bell(iotc_client *client)
{
    struct shm *shm = &client->shm;

    if (!client->rings.must_ring || !shm_is_active(client))
        return;
    client->rings.must_ring = false;
    if (doorbell_must_ring(&shm->up->bell_ring))
        doorbell_ring(shm->bell_up);
}

/* --- down --- */

static bool has_room(const iotc_client *client)
{
    return client->rings.wants_room &&
           __atomic_load_n(&client->shm.up->wants_room, __ATOMIC_ACQUIRE) == 0;
}

/* Who does not get rid of its answers gets nothing more to answer. */
static bool may_read(const iotc_client *client)
{
    return client->rings.n_answers < LIMIT_PENDING_CALLS;
}

bool shm_ring_has_work(const iotc_client *client)
{
    return client->rings.is_broken || has_room(client) ||
           (may_read(client) && !ring_is_empty(&client->shm.from_iotd));
}

static int on_token(iotc_client *client, const struct layout_record *head, struct pack_reader items)
{
    int result = errmap_from_code(head->code);
    struct pack_item token = {.i = 0};
    int r = head->code == 0 ? pack_find(items, "token", PACK_INT, &token) : 0;

    if (r < 0)
        return r;
    if (!reports_on_token(client, head->id, result, (uint64_t) token.i))
        (void) posts_on_token(client, head->id, result, (uint64_t) token.i);
    return 0;
}

/* Nobody waits for it, or over the bus. */
static void keep_early(iotc_client *client, uint64_t token, int result)
{
    struct rings *rings = &client->rings;

    if (rings->early && rings->n_early < LIMIT_CLIENT_TOKENS)
        rings->early[rings->n_early++] = (struct early_completion){token, result};
}

static int on_completed(iotc_client *client, const struct layout_record *head,
                        struct pack_reader items)
{
    int result = errmap_from_code(head->code);
    struct pack_item token;
    int r = pack_find(items, "token", PACK_INT, &token);

    if (r < 0)
        return r;
    if (!client_on_completed(client, (uint64_t) token.i, result))
        keep_early(client, (uint64_t) token.i, result);
    return 0;
}

/* 0, also of a type that a later minor version may have; negative: it cannot be. */
static int handle(iotc_client *client, const struct layout_record *head, struct pack_reader items)
{
    switch (head->type) {
    case LAYOUT_DOWN_TOKEN:
        return on_token(client, head, items);
    case LAYOUT_DOWN_COMPLETED:
        return on_completed(client, head, items);
    case LAYOUT_DOWN_CONTROL:
        return serves_on_record(client, SERVE_KIND_CONTROL, head->id, items);
    case LAYOUT_DOWN_INVOKE:
        return serves_on_record(client, SERVE_KIND_ACTION, head->id, items);
    default:
        return 0;
    }
}

/* Whether there was one. */
static bool take_record(iotc_client *client)
{
    struct ring *ring = &client->shm.from_iotd;
    struct pack_reader items = {.data = client->rings.record};
    struct layout_record head;
    int r = ring_peek(ring, &head, client->rings.record, &items.len);

    if (r > 0) {
        ring_pop(ring, &head);
        r = handle(client, &head, items);
        if (r >= 0)
            return true;
    }
    client->rings.is_broken |= r < 0;
    return false;
}

/* iotd has records that wait for what was read. */
static void tell_room(iotc_client *client)
{
    fence_full(); /* the room is there before the look */
    client->rings.must_ring |= __atomic_load_n(&client->shm.down->wants_room, __ATOMIC_RELAXED);
}

void shm_ring_dispatch(iotc_client *client)
{
    struct rings *rings = &client->rings;
    unsigned n = 0;

    if (has_room(client)) {
        rings->wants_room = false;
        send_answers(client);
        client_flush_later(client, 0);
    }
    while (n < RECORDS_PER_TURN && may_read(client) && take_record(client)) {
        n++;
        if (client->closed || !shm_is_active(client))
            return;
    }
    if (rings->is_broken)
        shm_broken(client, "a ring that cannot be");
    else if (n > 0)
        tell_room(client);
}

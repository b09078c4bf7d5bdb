/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rings of a client: tokens and completions, no room, large ones on the bus, a broken ring. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dbus/errmap.h"
#include "libiotclient/client.h"
#include "tests/lib/shm-iotd.h"
#include "tests/lib/suite.h"

struct outcome {
    unsigned n;
    int result;
};

static void on_done(iotc_client *client, int result, void *userdata)
{
    struct outcome *o = userdata;

    (void) client;
    o->n++;
    o->result = result;
}

static int post(struct shm_iotd *d, const char *text, uint32_t flags, struct outcome *o)
{
    iotc_event *event = NULL;
    int r;

    CHECK_INT(iotc_event_new(d->client, &event, "moved"), 0);
    CHECK_INT(iotc_event_set_string(event, "where", text), 0);
    r = iotc_event_post(event, flags, o ? on_done : NULL, o);
    iotc_event_free(event);
    return r;
}

static bool is_event(const struct shm_iotd *d, const char *text)
{
    struct pack_item id, params, item;

    return d->head.type == LAYOUT_UP_EVENT && d->head.code == 0 &&
           pack_find(d->items, "id", PACK_STRING, &id) == 0 && strcmp(id.s.text, "moved") == 0 &&
           pack_find(d->items, "params", PACK_STRUCT, &params) == 0 &&
           pack_find(params.items, "where", PACK_STRING, &item) == 0 &&
           strcmp(item.s.text, text) == 0;
}

static void test_events(void)
{
    struct outcome done = {.n = 0}, stored = {.n = 0}, refused = {.n = 0};
    struct shm_iotd d;
    uint32_t last = 0;

    shm_iotd_open(&d, 1);
    CHECK(!shm_iotd_is_rung(&d));
    CHECK_INT(post(&d, "a", 0, &done), 0);
    CHECK_INT(post(&d, "b", IOTC_POST_STORED, &stored), 0);
    CHECK_INT(post(&d, "c", 0, &refused), 0);
    CHECK_INT(post(&d, "d", 0, NULL), 0);
    shm_iotd_turns(&d);
    CHECK(shm_iotd_is_rung(&d));
    for (const char *text = "abcd"; *text; text++) {
        const char one[2] = {*text, '\0'};

        CHECK(shm_iotd_next(&d));
        CHECK(is_event(&d, one));
        CHECK(d.head.id > last);
        last = d.head.id;
        shm_iotd_token(&d, d.head.id, *text == 'c' ? errmap_code(-ENOENT) : 0, last);
    }
    CHECK(!shm_iotd_next(&d));
    shm_iotd_turns(&d);
    CHECK_INT(stored.n, 1);
    CHECK_INT(stored.result, 0);
    CHECK_INT(refused.n, 1);
    CHECK_INT(refused.result, -ENOENT);
    CHECK_INT(done.n, 0);
    CHECK_INT(d.client->posts.n_posts, 1);
    shm_iotd_completed(&d, last - 2, 0); /* stored: nobody waits for it */
    shm_iotd_completed(&d, last - 3, errmap_code(-ETIMEDOUT));
    shm_iotd_completed(&d, 4711, 0);
    shm_iotd_token(&d, 4711, 0, 4711);
    shm_iotd_turns(&d);
    CHECK_INT(done.n, 1);
    CHECK_INT(done.result, -ETIMEDOUT);
    CHECK_INT(d.client->posts.n_posts, 0);
    shm_iotd_close(&d);
}

static void on_writable(iotc_client *client, void *userdata)
{
    unsigned *n = userdata;

    (void) client;
    (*n)++;
}

/* The ring has room for fewer than may be posted: the others follow when there is room. */
static void test_no_room(void)
{
    static char text[LIMIT_STRING_VALUE + 1];
    unsigned n_sent = 0, n_writable = 0;
    struct outcome o = {.n = 0};
    struct shm_iotd d;

    shm_iotd_open(&d, 1);
    memset(text, 'x', sizeof(text) - 1);
    CHECK_INT(iotc_client_watch_writable(d.client, NULL, on_writable, &n_writable, NULL), 0);
    for (int i = 0; i < LIMIT_CLIENT_POSTS; i++)
        CHECK_INT(post(&d, text, 0, &o), 0);
    CHECK_INT(post(&d, text, 0, &o), -ENOBUFS);
    shm_iotd_turns(&d);
    CHECK(d.client->rings.wants_room);
    CHECK_INT(__atomic_load_n(&d.rig.up->wants_room, __ATOMIC_RELAXED), 1);
    for (unsigned round = 0; n_sent < LIMIT_CLIENT_POSTS && round < 10; round++) {
        while (shm_iotd_next(&d)) {
            n_sent++;
            CHECK(is_event(&d, text));
            shm_iotd_token(&d, d.head.id, 0, d.head.id);
            shm_iotd_completed(&d, d.head.id, 0);
        }
        shm_iotd_give_room(&d);
        shm_iotd_turns(&d);
    }
    CHECK_INT(n_sent, LIMIT_CLIENT_POSTS);
    CHECK_INT(o.n, LIMIT_CLIENT_POSTS);
    CHECK_INT(o.result, 0);
    CHECK_INT(n_writable, 1);
    CHECK(!d.client->rings.wants_room);
    shm_iotd_close(&d);
}

static void fill_number(struct pack_writer *w, const void *data)
{
    static char text[1001];

    memset(text, 'y', sizeof(text) - 1);
    pack_put_string(w, "text", text, sizeof(text) - 1);
    pack_put_int(w, "n", *(const int *) data);
}

/* Answers wait for room as well; who cannot get rid of them gets nothing more to answer. */
static void test_answers_wait(void)
{
    unsigned n_answers = 0;
    struct shm_iotd d;
    int n;

    shm_iotd_open(&d, 1);
    for (n = 0; d.client->rings.n_answers < LIMIT_PENDING_CALLS && n < 1000; n++)
        CHECK_INT(shm_ring_answer(d.client, (uint32_t) n + 1, n, fill_number, &n), 0);
    CHECK(n > LIMIT_PENDING_CALLS);
    shm_iotd_completed(&d, 1, 0);
    CHECK(!shm_ring_has_work(d.client));
    for (int round = 0; round < 10; round++) {
        while (shm_iotd_next(&d)) {
            struct pack_item item;

            CHECK_INT(d.head.type, LAYOUT_UP_ANSWER);
            CHECK_INT(d.head.id, ++n_answers);
            CHECK_INT(d.head.code, (int) n_answers - 1);
            CHECK_INT(pack_find(d.items, "n", PACK_INT, &item), 0);
            CHECK_INT(item.i, (int) n_answers - 1);
        }
        shm_iotd_give_room(&d);
        shm_iotd_turns(&d);
    }
    CHECK_INT(n_answers, n);
    CHECK_INT(d.client->rings.n_answers, 0);
    CHECK(ring_is_empty(&d.client->shm.from_iotd));
    shm_iotd_close(&d);
}

static void fill_huge(struct pack_writer *w, const void *data)
{
    static char text[LAYOUT_RECORD_MAX];

    (void) data;
    memset(text, 'z', sizeof(text) - 1);
    pack_put_string(w, "text", text, sizeof(text) - 1);
}

/* What goes over the bus waits for records, and records for it; completions may come early. */
static void test_order_with_bus(void)
{
    struct shm_iotd d;
    uint32_t id = 0, other = 0;
    int result = 1, n = 1;
    iotc_client *c;

    shm_iotd_open(&d, 1);
    c = d.client;
    CHECK_INT(shm_ring_send(c, LAYOUT_UP_EVENT, fill_huge, NULL, &id), -EMSGSIZE);
    CHECK_INT(shm_ring_answer(c, 1, 0, fill_huge, NULL), -EMSGSIZE);
    CHECK_INT(shm_ring_send(c, LAYOUT_UP_EVENT, fill_number, &n, &id), 0);
    CHECK(!shm_ring_may_bus(c, false));
    CHECK(c->rings.is_held_up);
    CHECK_INT(shm_ring_send(c, LAYOUT_UP_EVENT, fill_number, &n, &other), -EBUSY); /* its turn */
    shm_ring_answered(c);
    CHECK(!c->rings.is_held_up);
    CHECK(shm_ring_may_bus(c, false));
    shm_ring_by_bus(c);
    CHECK(!shm_ring_may_bus(c, false));
    CHECK_INT(shm_ring_send(c, LAYOUT_UP_EVENT, fill_number, &n, &other), -EBUSY);
    /* iotd's answer on the bus is slower than its completion in the ring. */
    shm_iotd_completed(&d, 76, 0);
    shm_iotd_completed(&d, 77, errmap_code(-ERANGE));
    shm_iotd_turns(&d);
    CHECK(shm_ring_bus_answered(c, 77, &result));
    CHECK_INT(result, -ERANGE);
    CHECK(c->rings.early == NULL);
    CHECK(shm_ring_may_bus(c, false));
    shm_ring_by_bus(c);
    CHECK(!shm_ring_bus_answered(c, 77, &result));
    CHECK_INT(shm_ring_send(c, LAYOUT_UP_EVENT, fill_number, &n, &other), 0);
    CHECK(other != id);
    shm_iotd_close(&d);
}

/* Lies of iotd's side: the client stops there, and says so. */
static void test_broken(void)
{
    struct shm_iotd d;
    uint8_t *payload;

    shm_iotd_open(&d, 1);
    __atomic_store_n(&d.rig.down->ring_head, 12345679U, __ATOMIC_RELEASE);
    shm_iotd_wake(&d);
    shm_iotd_turns(&d);
    CHECK(d.client->rings.is_broken);
    shm_iotd_close(&d);

    shm_iotd_open(&d, 1);
    CHECK_INT(post(&d, "a", 0, NULL), 0);
    __atomic_store_n(&d.rig.down->up_tail, 4096U, __ATOMIC_RELEASE);
    shm_iotd_turns(&d);
    CHECK(d.client->rings.is_broken);
    shm_iotd_close(&d);

    shm_iotd_open(&d, 1);
    payload = shm_iotd_record(&d, 64);
    memset(payload, 0xff, 64);
    shm_iotd_send(&d, LAYOUT_DOWN_COMPLETED, 0, 0, 64);
    shm_iotd_turns(&d);
    CHECK(d.client->rings.is_broken);
    shm_iotd_close(&d);

    /* A type of a later minor version is none of it. */
    shm_iotd_open(&d, 1);
    (void) shm_iotd_record(&d, 0);
    shm_iotd_send(&d, 999, 0, 0, 0);
    shm_iotd_turns(&d);
    CHECK(!d.client->rings.is_broken);
    shm_iotd_close(&d);
}

/* Posted, and iotd dies before the token, after it, or before it read the record. */
static void test_iotd_dies(void)
{
    struct outcome sent = {.n = 0}, accepted = {.n = 0};
    struct shm_iotd d, next;

    shm_iotd_open(&d, 1);
    CHECK_INT(post(&d, "accepted", 0, &accepted), 0);
    CHECK_INT(post(&d, "sent", 0, &sent), 0);
    shm_iotd_turns(&d);
    CHECK(shm_iotd_next(&d));
    shm_iotd_token(&d, d.head.id, 0, 5);
    shm_iotd_turns(&d);
    shm_iotd_die(&d);
    CHECK_INT(post(&d, "away", 0, NULL), 0);
    CHECK_INT(sent.n + accepted.n, 0);
    shm_iotd_open_for(&next, d.client, 2);
    CHECK_INT(accepted.n, 1); /* this iotd knows nothing of it */
    CHECK_INT(accepted.result, -ECONNRESET);
    CHECK(shm_iotd_next(&next));
    CHECK(is_event(&next, "sent"));
    CHECK_INT(pack_find(next.items, "timestamp", PACK_INT, &(struct pack_item){.i = 0}), 0);
    shm_iotd_token(&next, next.head.id, 0, 6);
    CHECK(shm_iotd_next(&next));
    CHECK(is_event(&next, "away"));
    shm_iotd_completed(&next, 6, 0);
    shm_iotd_turns(&next);
    CHECK_INT(sent.n, 1);
    CHECK_INT(sent.result, 0);
    shm_iotd_close(&next);
}

const char *const suite_name = "client-ring";
const struct suite_test suite_tests[] = {
    {"events", test_events},
    {"no_room", test_no_room},
    {"answers_wait", test_answers_wait},
    {"order_with_bus", test_order_with_bus},
    {"broken", test_broken},
    {"iotd_dies", test_iotd_dies},
    {NULL, NULL},
};

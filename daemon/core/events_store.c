/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The disk side of the queue: what is in memory, what is only a row, group commit. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/event.h"

LOG_AREA("event");

#define WINDOW 256   /* own choice: events of a class in memory */
#define LOW_WATER 64 /* own choice: then more are brought */

int event_new(struct event **ret_event, const char *params, const char *peer, const char *scope)
{
    size_t len = strlen(params);
    struct event *e;

    e = malloc(sizeof(*e) + len + 1);
    if (!e)
        return -ENOMEM;
    *e = (struct event){.bytes = (int64_t) (sizeof(*e) + len + 1)};
    list_init(&e->link);
    memcpy(e->params, params, len + 1);
    e->peer = strdup(peer);
    e->scope = strdup(scope);
    if (!e->peer || !e->scope) {
        event_destroy(e);
        return -ENOMEM;
    }
    *ret_event = e;
    return 0;
}

void event_destroy(struct event *e)
{
    if (!e)
        return;
    free(e->peer);
    free(e->scope);
    free(e);
}

/* --- order --- */

static unsigned hash(const char *name)
{
    uint32_t h = 2166136261U; /* FNV-1a */

    for (; *name; name++)
        h = (h ^ (uint8_t) *name) * 16777619U;
    return 1 + h % (EVENT_FLOWS - 1);
}

/*
 * Behind what the same connection posted, and what the same program did before it was restarted;
 * what has no name is one program: of a script each call is a connection of its own.
 */
void events_take_turn(struct events *es, struct event *e)
{
    const struct client *c = clients_find(es->clients, e->peer);
    struct event_queue *q = &es->queues[e->class];
    int64_t *of_peer = &q->next_turn[hash(e->peer)];
    int64_t *of_program = &q->next_turn[c ? hash(c->app_id) : 0];

    e->turn = q->now;
    if (*of_peer > e->turn)
        e->turn = *of_peer;
    if (*of_program > e->turn)
        e->turn = *of_program;
    *of_peer = *of_program = e->turn + 1;
}

static bool is_behind(const struct event *e, int64_t turn, int64_t token)
{
    return e->turn > turn || (e->turn == turn && e->token > token);
}

static const struct event *tail_of(const struct event_queue *q)
{
    return LIST_ENTRY(q->queued.prev, struct event, link);
}

void events_insert(struct events *es, struct event *e)
{
    struct event_queue *q = &es->queues[e->class];
    struct list *before = q->queued.prev;

    while (before != &q->queued) {
        const struct event *other = LIST_ENTRY(before, struct event, link);

        if (is_behind(e, other->turn, other->token))
            break;
        before = before->prev;
    }
    e->state = EVENT_QUEUED;
    list_insert_before(before->next, &e->link);
    q->n_queued++;
}

/* What is in memory ends with the tail now; its row has everything. */
static void leave_on_disk(struct event_queue *q, struct event *e)
{
    q->n_on_disk++;
    q->last_turn = tail_of(q)->turn;
    q->last_token = tail_of(q)->token;
    event_destroy(e);
}

void events_enqueue(struct events *es, struct event *e)
{
    struct event_queue *q = &es->queues[e->class];

    if (q->n_on_disk > 0 && is_behind(e, q->last_turn, q->last_token)) {
        q->n_on_disk++;
        event_destroy(e);
        return;
    }
    if (q->n_queued >= WINDOW && is_behind(e, tail_of(q)->turn, tail_of(q)->token)) {
        leave_on_disk(q, e);
        return;
    }
    events_insert(es, e);
    if (q->n_queued > 2 * WINDOW) { /* many programs that came later and are first */
        e = LIST_ENTRY(q->queued.prev, struct event, link);
        list_remove(&e->link);
        q->n_queued--;
        leave_on_disk(q, e);
    }
}

/* --- loading --- */

static int on_entry(const struct outbox_entry *entry, void *userdata)
{
    struct events *es = userdata;
    struct event_queue *q = &es->queues[entry->class];
    struct event *e;
    int r;

    r = event_new(&e, entry->params, entry->peer, entry->scope);
    if (r < 0)
        return r;
    e->owner = es;
    e->state = EVENT_QUEUED;
    e->class = (enum event_class) entry->class;
    e->type = (enum model_event_type) entry->type;
    e->turn = entry->turn;
    e->token = entry->token;
    e->timestamp_s = entry->timestamp_s;
    e->bytes = entry->bytes;
    events_account_find(e, entry->account);
    (void) snprintf(e->id, sizeof(e->id), "%s", entry->event_id);
    (void) snprintf(e->client_token, sizeof(e->client_token), "%s", entry->client_token);
    list_append(&q->queued, &e->link);
    q->n_queued++;
    q->n_on_disk--;
    q->last_turn = e->turn;
    q->last_token = e->token;
    return 0;
}

int events_fill(struct events *es, enum event_class class)
{
    struct event_queue *q = &es->queues[class];

    if (q->n_on_disk == 0 || q->n_queued > LOW_WATER)
        return 0;
    return outbox_load(es->persist->db, class, q->last_turn, q->last_token, WINDOW - q->n_queued,
                       on_entry, es);
}

int events_load(struct events *es)
{
    int e = events_load_accounts(es);

    if (e < 0)
        return e;
    for (int c = 0; c < EVENT_CLASS_COUNT_; c++) {
        struct outbox_totals t = {0};
        int r = outbox_get_totals(es->persist->db, c, &t);

        if (r < 0)
            return r;
        es->n_all += t.n;
        es->n_bytes += t.bytes;
        es->queues[c].n_on_disk = t.n;
        es->queues[c].last_turn = es->queues[c].last_token = -1;
        for (size_t f = 0; t.n > 0 && f < EVENT_FLOWS; f++) /* nobody overtakes an earlier run */
            es->queues[c].next_turn[f] = t.last_turn + 1;
        completion_skip(es->completion, (uint64_t) t.last_token);
        r = events_fill(es, (enum event_class) c);
        if (r < 0)
            return r;
    }
    if (es->n_all > 0)
        log_info("queue taken up events=%lld bytes=%lld", (long long) es->n_all,
                 (long long) es->n_bytes);
    return 0;
}

int events_is_open(struct events *es, const char *peer, uint64_t token, bool *ret_open)
{
    LIST_FOR_EACH (n, &es->ended) {
        if ((uint64_t) LIST_ENTRY(n, struct event, link)->token == token) {
            *ret_open = false; /* its row goes with the next transaction */
            return 0;
        }
    }
    return outbox_find(es->persist->db, (int64_t) token, peer, es->completion->scope, ret_open);
}

int events_drop(struct event *e)
{
    struct events *es = e->owner;
    enum event_class class = e->class;

    events_end(e, 429, "dropped for a newer event, as outbox.info_policy says");
    return events_fill(es, class);
}

int events_drop_oldest(struct events *es)
{
    struct event_queue *q = &es->queues[EVENT_CLASS_INFO];
    struct event *oldest = NULL;

    LIST_FOR_EACH (n, &q->queued) {
        struct event *e = LIST_ENTRY(n, struct event, link);

        if (!oldest || e->token < oldest->token)
            oldest = e;
    }
    if (!oldest)
        return -ENOENT;
    return events_drop(oldest);
}

/* --- saving --- */

static int save(struct db *db, void *userdata)
{
    struct events *es = userdata;
    int r = 0;

    LIST_FOR_EACH (n, &es->ended) {
        r = outbox_remove(db, LIST_ENTRY(n, struct event, link)->token);
        if (r < 0)
            return r;
    }
    LIST_FOR_EACH (n, &es->posting) {
        const struct event *e = LIST_ENTRY(n, struct event, link);
        const struct outbox_entry entry = {
            .token = e->token,
            .class = e->class,
            .turn = e->turn,
            .client_token = e->client_token,
            .event_id = e->id,
            .type = e->type,
            .timestamp_s = e->timestamp_s,
            .params = e->params,
            .peer = e->peer,
            .scope = e->scope,
            .account = events_account_name(e),
            .bytes = e->bytes,
        };

        r = outbox_add(db, &entry);
        if (r < 0)
            return r;
    }
    return 0;
}

static void forget_ended(struct events *es)
{
    LIST_FOR_EACH_SAFE (n, &es->ended) {
        struct event *e = LIST_ENTRY(n, struct event, link);

        list_remove(&e->link);
        e->owner = NULL;
        if (!e->in_session)
            event_destroy(e);
    }
}

static void saved(int result, void *userdata)
{
    struct events *es = userdata;
    struct list posting;

    if (result == 0)
        forget_ended(es);
    list_init(&posting);
    list_splice(&posting, &es->posting);
    if (list_is_empty(&posting))
        return;
    while (!list_is_empty(&posting)) {
        struct event *e = LIST_ENTRY(posting.next, struct event, link);
        events_posted_fn fn = e->posted;
        uint64_t token = (uint64_t) e->token;
        void *data = e->userdata;

        list_remove(&e->link);
        if (result < 0) {
            es->n_all--;
            es->n_bytes -= e->bytes;
            events_account_close(e);
            event_destroy(e);
        } else {
            events_enqueue(es, e);
        }
        fn(result, token, data);
    }
    events_schedule(es, 0);
}

const struct persist_part events_part = {.save = save, .saved = saved};

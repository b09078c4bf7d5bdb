/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/reports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/report.h"
#include "daemon/core/room.h"
#include "daemon/sys/clock.h"
#include "daemon/sys/log.h"

LOG_AREA("report");

#define MAX_TIMED 256     /* own choice: reports with a time stamp that wait */
#define MAX_TIMED_PEER 64 /* own choice: of them, of one program */
#define HOLD_GRAIN_US                                                                              \
    (10 * USEC_PER_MSEC) /* own choice: looks at what is held back are so far apart */

#define CODE_UNKNOWN 403 /* errors.def, as the next */
#define CODE_LINK_DOWN 504

/* A sample on its way to the disk. */
struct keeping {
    struct list link;
    struct reports *owner;
    events_posted_fn fn; /* may be NULL */
    void *userdata;
    size_t n;
    struct kept_value {
        size_t index;
        uint64_t version; /* of the table */
    } values[];
};

/* A report that is made ready: whatever may fail is done before anything takes effect. */
struct submission {
    struct reports *owner;
    const struct prop_update *updates;
    size_t n, n_samples; /* of all; of those with a history */
    uint64_t timestamp_s;
    struct event *sample; /* NULL: nothing has a history */
    struct keeping *keeping;
    struct waiter *waiter; /* NULL: everything has a history */
    struct turn *timed;    /* NULL: no time stamp */
};

static void submission_done(struct submission *s)
{
    events_abandon(s->sample);
    free(s->keeping);
    free(s->waiter);
    turn_free(s->timed);
}

void reports_mark(struct reports *rs, size_t index)
{
    holds_drop(&rs->holds, index);
    if (!rs->dirty[index]) {
        rs->dirty[index] = true;
        rs->n_dirty++;
    }
    reports_schedule(rs, 0);
}

static void on_due(size_t index, void *userdata)
{
    reports_mark(userdata, index);
}

static void on_hold_timer(struct loop_timer *timer, void *userdata)
{
    struct reports *rs = userdata;
    uint64_t wait = holds_release(&rs->holds, loop_now_us(rs->loop), on_due, rs);

    if (wait != UINT64_MAX)
        loop_timer_arm(rs->loop, timer, wait < HOLD_GRAIN_US ? HOLD_GRAIN_US : wait, on_hold_timer,
                       rs);
}

void reports_review(struct reports *rs)
{
    (void) holds_release(&rs->holds, UINT64_MAX, on_due, rs);
}

/* How a value leaves; the last of those of a report is how that ends. */
enum way {
    WAY_HELD,
    WAY_JOINED, /* with the turn that is being sent */
    WAY_DIRTY,  /* with the next one */
};

static enum way mark_if_due(struct reports *rs, size_t index)
{
    uint64_t now = loop_now_us(rs->loop), due;
    struct policy policy = policies_get(rs->policies, index);

    if (rs->dirty[index])
        return WAY_DIRTY;
    if (!holds_take(&rs->holds, index, &policy, &rs->props->all[index].value, now)) {
        if (reports_join(rs, index))
            return WAY_JOINED;
        reports_mark(rs, index);
        return WAY_DIRTY;
    }
    due = rs->holds.all[index].due_us;
    if (due != UINT64_MAX && (!loop_timer_is_armed(&rs->hold_timer) || rs->hold_timer.due_us > due))
        loop_timer_arm(rs->loop, &rs->hold_timer, due - now, on_hold_timer, rs);
    return WAY_HELD;
}

static bool has_history(const struct reports *rs, const struct prop_update *u)
{
    return policies_get(rs->policies, u->index).history;
}

static void submission_init(struct submission *s, struct reports *rs,
                            const struct prop_update *updates, size_t n, uint64_t timestamp_s)
{
    *s = (struct submission){
        .owner = rs,
        .updates = updates,
        .n = n,
        .timestamp_s = timestamp_s,
    };
    for (size_t i = 0; i < n; i++)
        s->n_samples += has_history(rs, &updates[i]);
}

/* --- samples --- */

static int build_params(const struct submission *s, char **ret_params)
{
    const struct model *model = s->owner->props->model;
    struct strbuf sb;
    bool first = true;

    strbuf_init(&sb, REPORT_PARAMS_CAP);
    strbuf_addc(&sb, '{');
    for (size_t i = 0; i < s->n; i++) {
        if (!has_history(s->owner, &s->updates[i]))
            continue;
        strbuf_addf(&sb, "%s\"%s\":", first ? "" : ",", model->properties[s->updates[i].index].id);
        value_to_json(&sb, &s->updates[i].value);
        first = false;
    }
    strbuf_addc(&sb, '}');
    return strbuf_finish(&sb, ret_params);
}

static int prepare_sample(struct submission *s, const char *peer)
{
    CLEANUP(freep) char *params = NULL;
    int r;

    if (s->n_samples == 0)
        return 0;
    s->keeping = malloc(sizeof(*s->keeping) + s->n_samples * sizeof(s->keeping->values[0]));
    if (!s->keeping)
        return -ENOMEM;
    *s->keeping = (struct keeping){.owner = s->owner};
    r = build_params(s, &params);
    if (r < 0)
        return r;
    return events_prepare_sample(s->owner->events, peer, params, s->timestamp_s, &s->sample);
}

/* On disk, or not: then at least the newest value has to get there. */
static void on_kept(int result, uint64_t token, void *userdata)
{
    struct keeping *k = userdata;
    struct reports *rs = k->owner;
    events_posted_fn fn = k->fn;
    void *data = k->userdata;

    for (size_t i = 0; result < 0 && i < k->n; i++) {
        if (props_reopen(rs->props, k->values[i].index, k->values[i].version))
            reports_mark(rs, k->values[i].index);
    }
    list_remove(&k->link);
    free(k);
    if (fn)
        fn(result, token, data);
}

/*
 * The sample brings the values to the cloud, and is saved together with them: there is nothing
 * else to send of them.
 */
static void keep_sample(struct submission *s, bool is_newest, events_posted_fn fn, void *userdata)
{
    struct keeping *k = TAKE(s->keeping);
    struct props *props = s->owner->props;

    k->fn = fn;
    k->userdata = userdata;
    for (size_t i = 0; is_newest && i < s->n; i++) {
        struct kept_value v = {s->updates[i].index, props->all[s->updates[i].index].version};

        if (!has_history(s->owner, &s->updates[i]))
            continue;
        props_confirm(props, v.index, v.version);
        k->values[k->n++] = v;
    }
    list_append(&s->owner->keeping, &k->link);
    events_keep(TAKE(s->sample), on_kept, k);
}

/* --- newest values --- */

/* Keeps the number of waiters bounded: the oldest hears that there is no link; its value stays. */
static void make_room(struct reports *rs, const char *peer)
{
    struct waiter *oldest = NULL;
    unsigned n = 0;

    if (rs->n_waiters < LIMIT_CLIENT_TOKENS)
        return;
    LIST_FOR_EACH (node, &rs->waiters) {
        struct waiter *w = LIST_ENTRY(node, struct waiter, link);

        if (strcmp(w->peer, peer) != 0)
            continue;
        oldest = oldest ? oldest : w;
        n++;
    }
    if (n < LIMIT_CLIENT_TOKENS && rs->n_waiters < LIMIT_REPORT_TOKENS)
        return;
    if (!oldest && !list_is_empty(&rs->waiters))
        oldest = LIST_ENTRY(rs->waiters.next, struct waiter, link);
    if (oldest)
        report_end_waiter(rs, oldest, CODE_LINK_DOWN,
                          "no connection; the value stays and is sent later");
}

static const char *peer_of(const struct turn *timed)
{
    return LIST_ENTRY(timed->waiters.next, struct waiter, link)->peer; /* it has one */
}

/* Behind what its program has waiting, and not behind the rest of what others have. */
static void insert_timed(struct turn *t)
{
    struct list *timed = &t->owner->timed, *before = timed->prev;

    t->round = t->owner->round;
    LIST_FOR_EACH (n, timed) {
        const struct turn *other = LIST_ENTRY(n, struct turn, link);

        if (strcmp(peer_of(other), peer_of(t)) == 0 && other->round >= t->round)
            t->round = other->round + 1;
    }
    while (before != timed && LIST_ENTRY(before, struct turn, link)->round > t->round)
        before = before->prev;
    list_insert_before(before->next, &t->link);
}

/* A turn with values of its own; not in a list yet. */
static int prepare_timed(struct submission *s, const char *peer)
{
    unsigned n_timed = 0, n_of_peer = 0;
    struct turn *t;

    LIST_FOR_EACH (n, &s->owner->timed) {
        n_timed++;
        n_of_peer += strcmp(peer_of(LIST_ENTRY(n, struct turn, link)), peer) == 0;
    }
    if (n_timed >= MAX_TIMED || n_of_peer >= MAX_TIMED_PEER)
        return -ENOBUFS;
    t = s->timed = turn_new(s->owner, s->n - s->n_samples);
    if (!t)
        return -ENOMEM;
    t->timestamp_s = s->timestamp_s;
    t->own = calloc(s->n - s->n_samples, sizeof(*t->own));
    if (!t->own)
        return -ENOMEM;
    for (size_t i = 0; i < s->n; i++) {
        if (has_history(s->owner, &s->updates[i]))
            continue;
        if (value_copy(&t->own[t->n_indices].value, &s->updates[i].value) < 0)
            return -ENOMEM;
        t->indices[t->n_indices++] = s->updates[i].index;
    }
    return 0;
}

static int prepare_newest(struct submission *s, const char *peer)
{
    if (s->n_samples == s->n)
        return 0;
    s->waiter = malloc(sizeof(*s->waiter) + strlen(peer) + 1);
    if (!s->waiter)
        return -ENOMEM;
    *s->waiter = (struct waiter){.run = s->owner->completion->run};
    strcpy(s->waiter->peer, peer);
    return s->timestamp_s ? prepare_timed(s, peer) : 0;
}

static enum way mark_newest(const struct submission *s)
{
    enum way last = WAY_HELD;

    for (size_t i = 0; i < s->n; i++) {
        enum way way = has_history(s->owner, &s->updates[i])
                           ? WAY_HELD
                           : mark_if_due(s->owner, s->updates[i].index);

        last = way > last ? way : last;
    }
    return last;
}

static void enqueue_newest(struct submission *s, const char *peer, uint64_t token)
{
    struct reports *rs = s->owner;
    struct waiter *w;

    make_room(rs, peer);
    w = TAKE(s->waiter);
    w->token = token;
    rs->n_waiters++;
    reports_schedule(rs, 0);
    if (s->timed) {
        list_append(&s->timed->waiters, &w->link);
        insert_timed(TAKE(s->timed));
        return;
    }
    switch (mark_newest(s)) {
    case WAY_HELD:
        list_append(&rs->settled, &w->link);
        return;
    case WAY_JOINED:
        list_append(&rs->sending->waiters, &w->link);
        return;
    case WAY_DIRTY:
        list_append(&rs->waiters, &w->link);
        return;
    }
}

/* --- both --- */

/* Values with an old time stamp do not replace newer ones. */
static int write_table(const struct submission *s, bool *ret_written)
{
    const struct props *props = s->owner->props;
    uint64_t stamp = s->timestamp_s ? s->timestamp_s * USEC_PER_SEC : clock_real_us();
    bool is_old = false;

    for (size_t i = 0; s->timestamp_s && i < s->n; i++)
        is_old |= props->all[s->updates[i].index].stamp_real_us > stamp;
    *ret_written = !is_old;
    return is_old ? 0 : props_write(s->owner->props, s->updates, s->n, stamp);
}

int reports_submit(struct reports *rs, const char *peer, const struct prop_update *updates,
                   size_t n, uint64_t timestamp_s, events_posted_fn fn, void *userdata,
                   uint64_t *ret_token)
{
    CLEANUP(submission_done) struct submission s;
    bool written = false, keeping;
    uint64_t token;
    int r;

    submission_init(&s, rs, updates, n, timestamp_s);
    r = prepare_newest(&s, peer);
    if (r == 0)
        r = prepare_sample(&s, peer);
    if (r == 0)
        r = write_table(&s, &written);
    if (r < 0)
        return r;

    keeping = s.sample != NULL;
    token = keeping ? 0 : completion_token(rs->completion);
    if (s.waiter)
        enqueue_newest(&s, peer, token);
    if (keeping)
        keep_sample(&s, written, fn, userdata);
    else
        *ret_token = token;
    return keeping ? REPORTS_KEEPING : 0;
}

int reports_accept(struct reports *rs, const struct prop_update *updates, size_t n)
{
    CLEANUP(submission_done) struct submission s;
    int r = props_write(rs->props, updates, n, clock_real_us());

    if (r < 0)
        return r;
    submission_init(&s, rs, updates, n, 0);
    r = prepare_sample(&s, "");
    for (size_t i = 0; i < n; i++) {
        if (r < 0 || !has_history(rs, &updates[i])) /* without room: the newest at least */
            reports_mark(rs, updates[i].index);
    }
    if (s.sample)
        keep_sample(&s, true, NULL, NULL);
    return 0;
}

int reports_init(struct reports *rs)
{
    size_t n = rs->props->model->n_properties;
    int r;

    rs->watch = (struct link_watch){
        .on_up = reports_on_up,
        .on_down = reports_on_down,
        .userdata = rs,
    };
    list_init(&rs->settled);
    list_init(&rs->waiters);
    list_init(&rs->timed);
    list_init(&rs->turns);
    list_init(&rs->keeping);
    r = holds_init(&rs->holds, n);
    if (r < 0)
        return r;
    rs->dirty = calloc(n ? n : 1, sizeof(*rs->dirty));
    if (!rs->dirty) {
        holds_done(&rs->holds);
        return -ENOMEM;
    }
    link_watch(rs->cloud, &rs->watch);
    return 0;
}

int reports_reserve(struct reports *rs, const struct model_plan *plan)
{
    size_t n_have = plan->n_before[MODEL_PROPERTY], n = plan->n[MODEL_PROPERTY];

    return ROOM_GROW(rs->dirty, n_have, n) ? holds_reserve(&rs->holds, n) : -ENOMEM;
}

void reports_on_model(struct reports *rs)
{
    const struct model *m = rs->props->model;

    for (size_t i = 0; i < m->n_properties; i++) {
        if (!m->properties[i].is_gone && rs->props->all[i].value.kind != VALUE_NONE)
            continue;
        holds_drop(&rs->holds, i);
        rs->n_dirty -= rs->dirty[i];
        rs->dirty[i] = false;
    }
    while (rs->n_dirty == 0 && !list_is_empty(&rs->waiters))
        report_end_waiter(rs, LIST_ENTRY(rs->waiters.next, struct waiter, link), CODE_UNKNOWN,
                          "not in the thing model any more");
}

void reports_done(struct reports *rs)
{
    struct list *turns[] = {&rs->timed, &rs->turns};

    if (!rs->dirty)
        return;
    link_unwatch(&rs->watch);
    loop_timer_cancel(&rs->timer);
    loop_timer_cancel(&rs->hold_timer);
    holds_done(&rs->holds);
    for (size_t i = 0; i < ARRAY_SIZE(turns); i++) {
        while (!list_is_empty(turns[i]))
            turn_free(LIST_ENTRY(turns[i]->next, struct turn, link));
    }
    list_splice(&rs->waiters, &rs->settled);
    while (!list_is_empty(&rs->waiters)) {
        struct list *n = rs->waiters.next;

        list_remove(n);
        free(LIST_ENTRY(n, struct waiter, link));
    }
    while (!list_is_empty(&rs->keeping)) {
        struct list *n = rs->keeping.next;

        list_remove(n);
        free(LIST_ENTRY(n, struct keeping, link));
    }
    free(rs->dirty);
    rs->dirty = NULL;
}

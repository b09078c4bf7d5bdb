/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/reports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sys/clock.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/num.h"
#include "libiotclient/base/utf8.h"

LOG_AREA("report");

#define MAX_TURNS 4    /* own choice: in flight at one time */
#define MAX_TIMED 256  /* own choice: reports with a time stamp that wait */
#define MAX_ATTEMPTS 3 /* own choice: then the program hears of the time-out; the value stays */
#define PARAMS_CAP (LIMIT_MQTT_PAYLOAD - 512) /* room for the envelope */

#define CODE_TIMEOUT 408 /* errors.def */
#define CODE_LINK_DOWN 504

/* One report of a program that waits for its end. */
struct waiter {
    struct list link;
    uint64_t token;
    unsigned attempts;
    unsigned run; /* of the completion when it came */
    char peer[];
};

/* A set of properties that leaves in one message, or in as many as the size takes. */
struct turn {
    struct list link;
    struct reports *owner;
    struct list waiters;
    struct list messages;
    unsigned n_unanswered;
    size_t *indices;
    uint64_t *versions; /* of the table's values that were sent, parallel to indices */
    size_t n_indices, next;
    struct prop_update *own; /* values of its own, parallel to indices; NULL: the table's */
    uint64_t timestamp_s;
    bool lost, down; /* something has to be sent again; because the link went down */
    int code;
    char text[LIMIT_STATUS_TEXT + 1];
};

struct message {
    struct list link;
    struct turn *turn;
    struct request request;
    size_t first, n; /* its part of turn->indices */
};

static void schedule(struct reports *rs, uint64_t delay_us);

static struct turn *turn_free(struct turn *t)
{
    if (!t)
        return NULL;

    while (!list_is_empty(&t->messages)) {
        struct message *m = LIST_ENTRY(t->messages.next, struct message, link);

        request_cancel(&m->request);
        list_remove(&m->link);
        free(m);
    }
    while (!list_is_empty(&t->waiters)) {
        struct list *n = t->waiters.next;

        list_remove(n);
        t->owner->n_waiters--;
        free(LIST_ENTRY(n, struct waiter, link));
    }
    list_remove(&t->link);
    prop_updates_free(t->own, t->n_indices);
    free(t->indices);
    free(t->versions);
    free(t);
    return NULL;
}

static struct turn *turn_new(struct reports *rs, size_t n_indices)
{
    struct turn *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->owner = rs;
    list_init(&t->link);
    list_init(&t->waiters);
    list_init(&t->messages);
    t->indices = calloc(n_indices, sizeof(*t->indices));
    t->versions = calloc(n_indices, sizeof(*t->versions));
    if (!t->indices || !t->versions)
        return turn_free(t);
    return t;
}

void reports_mark(struct reports *rs, size_t index)
{
    if (!rs->dirty[index]) {
        rs->dirty[index] = true;
        rs->n_dirty++;
    }
    schedule(rs, 0);
}

static void end_waiter(struct reports *rs, struct waiter *w, int code, const char *text)
{
    list_remove(&w->link);
    rs->n_waiters--;
    if (w->run == rs->completion->run)
        completion_tell(rs->completion, rs->completion->scope, w->peer, w->token, code, text);
    free(w);
}

/* What was lost goes back: values become dirty, waiters wait for the next turn. */
static void retry_turn(struct reports *rs, struct turn *t)
{
    struct list back;

    list_init(&back);
    LIST_FOR_EACH_SAFE (n, &t->waiters) {
        struct waiter *w = LIST_ENTRY(n, struct waiter, link);

        if (!t->down && ++w->attempts >= MAX_ATTEMPTS)
            end_waiter(rs, w, CODE_TIMEOUT, "the cloud did not answer; the value stays");
    }
    if (t->own) {
        t->next = 0;
        t->lost = t->down = false;
        if (list_is_empty(&t->waiters)) {
            turn_free(t);
            return;
        }
        list_remove(&t->link);
        list_insert_before(rs->timed.next, &t->link);
        return;
    }
    list_splice(&back, &t->waiters);
    list_splice(&back, &rs->waiters);
    list_splice(&rs->waiters, &back);
    turn_free(t);
}

static void end_turn(struct reports *rs, struct turn *t)
{
    rs->n_turns--;
    if (t->code != 0)
        log_warn("report refused by the cloud code=%d status=\"%s\"", t->code, t->text);
    if (t->lost && t->code == 0) {
        retry_turn(rs, t);
    } else { /* refused in part is refused; what was lost besides is marked and goes out again */
        while (!list_is_empty(&t->waiters))
            end_waiter(rs, LIST_ENTRY(t->waiters.next, struct waiter, link), t->code, t->text);
        turn_free(t);
    }
    schedule(rs, 0);
}

static void end_message(struct message *m)
{
    struct turn *t = m->turn;

    list_remove(&m->link);
    free(m);
    if (--t->n_unanswered == 0 && t->next == t->n_indices)
        end_turn(t->owner, t);
}

static void lose_message(struct message *m, bool down)
{
    struct turn *t = m->turn;

    t->lost = true;
    t->down |= down;
    for (size_t i = m->first; !t->own && i < m->first + m->n; i++)
        reports_mark(t->owner, t->indices[i]);
    end_message(m);
}

static void on_reply(int code, const char *text, void *userdata)
{
    struct message *m = userdata;
    struct turn *t = m->turn;

    if (code == -ETIMEDOUT) {
        lose_message(m, false);
        return;
    }
    if (code != 0 && t->code == 0) {
        t->code = code;
        (void) snprintf(t->text, sizeof(t->text), "%s", text);
        utf8_trim(t->text);
    }
    /* Taken or refused for good: either way there is nothing to send again after a restart. */
    for (size_t i = m->first; !t->own && i < m->first + m->n; i++)
        props_confirm(t->owner->props, t->indices[i], t->versions[i]);
    end_message(m);
}

/* The most bytes that a value takes as JSON: each byte of a string may become six. */
static size_t room_for(const struct value *v)
{
    return LIMIT_FEATURE_ID + 8 +
           (v->kind == VALUE_STRING ? 6 * strlen(v->s) : (size_t) NUM_DOUBLE_TEXT);
}

/* Params for as many of the turn's properties as fit; at least one does (LIMIT_STRING_VALUE). */
static int build_params(struct reports *rs, struct turn *t, char **ret_params, size_t *ret_n)
{
    struct strbuf sb;
    size_t n = 0;

    strbuf_init(&sb, LIMIT_MQTT_PAYLOAD);
    strbuf_addc(&sb, '{');
    for (size_t i = t->next; i < t->n_indices; i++, n++) {
        const struct value *v = t->own ? &t->own[i].value : &rs->props->all[t->indices[i]].value;

        if (sb.len + room_for(v) > PARAMS_CAP)
            break;
        t->versions[i] = rs->props->all[t->indices[i]].version;
        strbuf_addf(&sb, "%s\"%s\":", n ? "," : "", rs->props->model->properties[t->indices[i]].id);
        value_to_json(&sb, v);
    }
    strbuf_addc(&sb, '}');
    *ret_n = n;
    return strbuf_finish(&sb, ret_params);
}

/* One message of the turn. */
static int send_message(struct reports *rs, struct turn *t)
{
    CLEANUP(freep) struct message *m = NULL;
    CLEANUP(freep) char *params = NULL;
    int r;

    m = calloc(1, sizeof(*m));
    if (!m)
        return -ENOMEM;
    m->turn = t;
    m->first = t->next;
    r = build_params(rs, t, &params, &m->n);
    if (r < 0)
        return r;
    r = thing_report(rs->thing, params, t->timestamp_s, &m->request, on_reply, m);
    if (r < 0)
        return r;
    t->next += m->n;
    t->n_unanswered++;
    list_append(&t->messages, &m->link);
    (void) TAKE(m);
    return 0;
}

/* The next turn: one with a time stamp, else all that is dirty now. NULL: nothing, or no memory. */
static struct turn *next_turn(struct reports *rs)
{
    struct turn *t;

    if (!list_is_empty(&rs->timed)) {
        t = LIST_ENTRY(rs->timed.next, struct turn, link);
        list_remove(&t->link);
        return t;
    }
    if (rs->n_dirty == 0)
        return NULL;
    t = turn_new(rs, rs->n_dirty);
    if (!t)
        return NULL;
    for (size_t i = 0; i < rs->props->model->n_properties; i++) {
        if (rs->dirty[i])
            t->indices[t->n_indices++] = i;
        rs->dirty[i] = false;
    }
    rs->n_dirty = 0;
    list_splice(&t->waiters, &rs->waiters);
    return t;
}

/* The turn cannot go on now: what is unsent is lost, and tried again later. */
static void stop_sending(struct reports *rs, bool down)
{
    struct turn *t = TAKE(rs->sending);

    t->lost = true;
    t->down |= down;
    for (size_t i = t->next; !t->own && i < t->n_indices; i++)
        reports_mark(rs, t->indices[i]);
    t->next = t->n_indices;
    if (t->n_unanswered == 0)
        end_turn(rs, t);
}

static void on_timer(struct loop_timer *timer, void *userdata)
{
    struct reports *rs = userdata;

    (void) timer;
    while (link_is_up(rs->cloud)) {
        uint64_t wait;
        int r;

        if (!rs->sending) {
            if (rs->n_turns >= MAX_TURNS)
                return; /* end_turn() comes back here */
            rs->sending = next_turn(rs);
            if (!rs->sending) {
                if (rs->n_dirty > 0) /* no memory */
                    schedule(rs, USEC_PER_SEC);
                return;
            }
            list_append(&rs->turns, &rs->sending->link);
            rs->n_turns++;
        }
        wait = ratelimit_take(&rs->rate, loop_now_us(rs->loop));
        if (wait > 0) {
            schedule(rs, wait);
            return;
        }
        r = send_message(rs, rs->sending);
        if (r < 0) {
            log_debug("cannot send error=\"%s\"", strerror(-r));
            stop_sending(rs, true);
            loop_timer_arm(rs->loop, &rs->timer, USEC_PER_SEC, on_timer, rs);
            return;
        }
        if (rs->sending->next == rs->sending->n_indices)
            rs->sending = NULL;
    }
}

/* A pending earlier wake-up stays. */
static void schedule(struct reports *rs, uint64_t delay_us)
{
    if (loop_timer_is_armed(&rs->timer) && rs->timer.due_us <= loop_now_us(rs->loop) + delay_us)
        return;
    loop_timer_arm(rs->loop, &rs->timer, delay_us, on_timer, rs);
}

static void on_up(void *userdata)
{
    schedule(userdata, 0);
}

static void on_down(void *userdata)
{
    struct reports *rs = userdata;

    if (rs->sending)
        stop_sending(rs, true);
    while (!list_is_empty(&rs->turns)) {
        struct turn *t = LIST_ENTRY(rs->turns.next, struct turn, link);
        struct message *m = LIST_ENTRY(t->messages.next, struct message, link);

        request_cancel(&m->request);
        lose_message(m, true);
    }
}

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
        end_waiter(rs, oldest, CODE_LINK_DOWN, "no connection; the value stays and is sent later");
}

/* A turn with values of its own; not in a list yet. */
static int turn_new_timed(struct reports *rs, const struct prop_update *updates, size_t n,
                          uint64_t timestamp_s, struct turn **ret_turn)
{
    struct turn *t;
    unsigned n_timed = 0;

    LIST_FOR_EACH (node, &rs->timed)
        n_timed++;
    if (n_timed >= MAX_TIMED)
        return -ENOBUFS;
    t = turn_new(rs, n);
    if (!t)
        return -ENOMEM;
    t->own = calloc(n, sizeof(*t->own));
    if (!t->own) {
        turn_free(t);
        return -ENOMEM;
    }
    for (; t->n_indices < n; t->n_indices++) {
        t->indices[t->n_indices] = updates[t->n_indices].index;
        if (value_copy(&t->own[t->n_indices].value, &updates[t->n_indices].value) < 0) {
            turn_free(t);
            return -ENOMEM;
        }
    }
    t->timestamp_s = timestamp_s;
    *ret_turn = t;
    return 0;
}

/* Values with an old time stamp do not replace newer ones. */
static int write_table(struct reports *rs, const struct prop_update *updates, size_t n,
                       uint64_t timestamp_s)
{
    uint64_t stamp = timestamp_s ? timestamp_s * USEC_PER_SEC : clock_real_us();

    for (size_t i = 0; timestamp_s && i < n; i++) {
        if (rs->props->all[updates[i].index].stamp_real_us > stamp)
            return 0;
    }
    return props_write(rs->props, updates, n, stamp);
}

int reports_submit(struct reports *rs, const char *peer, const struct prop_update *updates,
                   size_t n, uint64_t timestamp_s, uint64_t *ret_token)
{
    CLEANUP(freep) struct waiter *waiter = NULL;
    struct turn *timed = NULL;
    struct waiter *w;
    int r = 0;

    waiter = malloc(sizeof(*waiter) + strlen(peer) + 1);
    if (!waiter)
        return -ENOMEM;
    *waiter = (struct waiter){.run = rs->completion->run};
    strcpy(waiter->peer, peer);
    if (timestamp_s)
        r = turn_new_timed(rs, updates, n, timestamp_s, &timed);
    if (r == 0)
        r = write_table(rs, updates, n, timestamp_s);
    if (r < 0) {
        turn_free(timed);
        return r;
    }

    make_room(rs, peer);
    w = TAKE(waiter);
    w->token = completion_token(rs->completion);
    rs->n_waiters++;
    if (timed) {
        list_append(&timed->waiters, &w->link);
        list_append(&rs->timed, &timed->link);
    } else {
        list_append(&rs->waiters, &w->link);
        for (size_t i = 0; i < n; i++)
            reports_mark(rs, updates[i].index);
    }
    schedule(rs, 0);
    *ret_token = w->token;
    return 0;
}

void reports_set_rate(struct reports *rs, unsigned rate)
{
    ratelimit_init(&rs->rate, rate, USEC_PER_SEC, 1);
}

int reports_init(struct reports *rs, struct loop *loop, struct link *link, struct thing *thing,
                 struct props *props, struct completion *completion, unsigned rate)
{
    *rs = (struct reports){
        .loop = loop,
        .cloud = link,
        .thing = thing,
        .props = props,
        .completion = completion,
        .watch = {.on_up = on_up, .on_down = on_down, .userdata = rs},
    };
    list_init(&rs->waiters);
    list_init(&rs->timed);
    list_init(&rs->turns);
    reports_set_rate(rs, rate);
    rs->dirty =
        calloc(props->model->n_properties ? props->model->n_properties : 1, sizeof(*rs->dirty));
    if (!rs->dirty)
        return -ENOMEM;
    link_watch(link, &rs->watch);
    return 0;
}

void reports_done(struct reports *rs)
{
    struct list *lists[] = {&rs->timed, &rs->turns};

    if (!rs->dirty)
        return;
    link_unwatch(&rs->watch);
    loop_timer_cancel(&rs->timer);
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        while (!list_is_empty(lists[i]))
            turn_free(LIST_ENTRY(lists[i]->next, struct turn, link));
    }
    while (!list_is_empty(&rs->waiters)) {
        struct list *n = rs->waiters.next;

        list_remove(n);
        free(LIST_ENTRY(n, struct waiter, link));
    }
    free(rs->dirty);
    rs->dirty = NULL;
}

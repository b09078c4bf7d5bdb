/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of reports to the cloud: turns, their messages, what was lost and is sent again. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/report.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/num.h"
#include "libiotclient/base/utf8.h"

LOG_AREA("report");

#define MAX_TURNS 4    /* own choice: in flight at one time */
#define MAX_ATTEMPTS 3 /* own choice: then the program hears of the time-out; the value stays */

#define CODE_TIMEOUT 408 /* errors.def */

struct message {
    struct list link;
    struct turn *turn;
    struct request request;
    size_t first, n; /* its part of turn->indices */
};

struct turn *turn_free(struct turn *t)
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

struct turn *turn_new(struct reports *rs, size_t n_indices)
{
    struct turn *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->owner = rs;
    t->cap = n_indices;
    list_init(&t->link);
    list_init(&t->waiters);
    list_init(&t->messages);
    t->indices = calloc(n_indices, sizeof(*t->indices));
    t->versions = calloc(n_indices, sizeof(*t->versions));
    if (!t->indices || !t->versions)
        return turn_free(t);
    return t;
}

void report_end_waiter(struct reports *rs, struct waiter *w, int code, const char *text)
{
    list_remove(&w->link);
    rs->n_waiters--;
    if (w->token && w->run == rs->completion->run)
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
            report_end_waiter(rs, w, CODE_TIMEOUT, "the cloud did not answer; the value stays");
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
            report_end_waiter(rs, LIST_ENTRY(t->waiters.next, struct waiter, link), t->code,
                              t->text);
        turn_free(t);
    }
    reports_schedule(rs, 0);
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

/* The most bytes that a value takes with its id. */
static size_t room_for(const struct value *v)
{
    return LIMIT_FEATURE_ID + 8 + value_json_room(v);
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

        if (v->kind == VALUE_NONE) /* it did not fit another model */
            continue;
        if (sb.len + room_for(v) > REPORT_PARAMS_CAP)
            break;
        t->versions[i] = rs->props->all[t->indices[i]].version;
        strbuf_addf(&sb, "%s\"%s\":", sb.len > 1 ? "," : "",
                    rs->props->model->properties[t->indices[i]].id);
        value_to_json(&sb, v);
    }
    strbuf_addc(&sb, '}');
    *ret_n = n;
    return strbuf_finish(&sb, ret_params);
}

/* The highest that one of the next n properties of the turn asks for. */
static uint8_t qos_of(const struct reports *rs, const struct turn *t, size_t n)
{
    uint8_t qos = 0;

    for (size_t i = t->next; i < t->next + n; i++)
        qos |= policies_get(rs->policies, t->indices[i]).qos;
    return qos;
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
    r = thing_report(rs->thing, params, t->timestamp_s, qos_of(rs, t, m->n), &m->request, on_reply,
                     m);
    if (r < 0)
        return r;
    for (size_t i = t->next; !t->own && i < t->next + m->n; i++)
        holds_sent(&rs->holds, t->indices[i], &rs->props->all[t->indices[i]].value,
                   loop_now_us(rs->loop));
    t->next += m->n;
    t->n_unanswered++;
    list_append(&t->messages, &m->link);
    (void) TAKE(m);
    return 0;
}

/* --- turns --- */

static const struct client *owner_of(const struct reports *rs, size_t index)
{
    const struct registration *r = owners_get(rs->policies->owners, FEATURE_PROPERTY, index);

    return r ? r->client : NULL;
}

/* Behind what its program has in the turn, and not behind the rest of what others have. */
static void insert_index(struct reports *rs, struct turn *t, size_t index)
{
    const struct client *owner = owner_of(rs, index);
    size_t at = t->next;

    for (size_t i = t->next; i < t->n_indices; i++)
        at += owner_of(rs, t->indices[i]) == owner ? 2 : 0;
    if (at > t->n_indices)
        at = t->n_indices;
    memmove(&t->indices[at + 1], &t->indices[at], (t->n_indices - at) * sizeof(t->indices[0]));
    t->indices[at] = index;
    t->n_indices++;
}

bool reports_join(struct reports *rs, size_t index)
{
    struct turn *t = rs->sending;

    if (!t || t->own)
        return false;
    for (size_t i = 0; i < t->n_indices; i++) {
        if (t->indices[i] == index)
            return i >= t->next;
    }
    if (t->n_indices == t->cap)
        return false;
    insert_index(rs, t, index);
    return true;
}

static struct turn *next_timed(struct reports *rs)
{
    struct turn *t = LIST_ENTRY(rs->timed.next, struct turn, link);

    list_remove(&t->link);
    rs->round = t->round;
    return t;
}

/* Values with a time stamp of that program wait (NULL: of ids that nobody owns): they go first. */
static bool is_behind_timed(const struct reports *rs, const struct client *owner)
{
    LIST_FOR_EACH (n, &rs->timed) {
        const struct turn *t = LIST_ENTRY(n, struct turn, link);

        for (size_t i = 0; i < t->n_indices; i++) {
            if (owner_of(rs, t->indices[i]) == owner)
                return true;
        }
    }
    return false;
}

static bool fits_one_message(const struct reports *rs)
{
    size_t room = 0;

    for (size_t i = 0; i < rs->props->model->n_properties; i++)
        room += rs->dirty[i] ? room_for(&rs->props->all[i].value) : 0;
    return room <= REPORT_PARAMS_CAP;
}

/* Those whose values the turn has. If something stays dirty, those who may wait for it stay. */
static void take_waiters(struct reports *rs, struct turn *t)
{
    bool is_unowned_behind = rs->n_dirty > 0 && is_behind_timed(rs, NULL);

    LIST_FOR_EACH_SAFE (n, &rs->waiters) {
        const struct waiter *w = LIST_ENTRY(n, struct waiter, link);
        const struct client *c = clients_find(rs->events->clients, w->peer);

        if (rs->n_dirty > 0 && (is_unowned_behind || (c && is_behind_timed(rs, c))))
            continue;
        list_remove(n);
        list_append(&t->waiters, n);
    }
}

/* What is dirty now and not behind something with a time stamp. NULL: no memory. */
static struct turn *collect_dirty(struct reports *rs)
{
    struct turn *t = turn_new(rs, rs->props->model->n_properties); /* others may join */
    bool is_one = fits_one_message(rs), has_timed = !list_is_empty(&rs->timed);

    if (!t)
        return NULL;
    for (size_t i = 0; i < rs->props->model->n_properties; i++) {
        if (!rs->dirty[i] || (has_timed && is_behind_timed(rs, owner_of(rs, i))))
            continue;
        if (is_one)
            t->indices[t->n_indices++] = i;
        else
            insert_index(rs, t, i);
        rs->dirty[i] = false;
        rs->n_dirty--;
    }
    if (t->n_indices > 0)
        take_waiters(rs, t);
    return t;
}

static bool has_turn(const struct reports *rs)
{
    return rs->n_dirty > 0 || !list_is_empty(&rs->timed);
}

/* Those with a time stamp and the newest values, by turns. NULL: no memory. */
static struct turn *next_turn(struct reports *rs)
{
    struct turn *t = NULL;

    if (rs->n_dirty > 0 && (list_is_empty(&rs->timed) || rs->timed_was_last)) {
        t = collect_dirty(rs);
        if (!t)
            return NULL;
        rs->timed_was_last = t->n_indices == 0;
        if (t->n_indices == 0)
            t = turn_free(t);
    }
    if (!t) {
        t = next_timed(rs);
        rs->timed_was_last = true;
    }
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

/* After the program has its token. */
static void end_settled(struct reports *rs)
{
    while (!list_is_empty(&rs->settled))
        report_end_waiter(rs, LIST_ENTRY(rs->settled.next, struct waiter, link), 0,
                          "held back by its policy");
}

static void on_timer(struct loop_timer *timer, void *userdata)
{
    struct reports *rs = userdata;

    (void) timer;
    end_settled(rs);
    while (link_is_up(rs->cloud)) {
        uint64_t wait;
        int r;

        if (!rs->sending && (rs->n_turns >= MAX_TURNS || !has_turn(rs)))
            return; /* end_turn() and reports_mark() come back here */
        wait = pace_take(rs->pace, PACE_STATE, loop_now_us(rs->loop));
        if (wait == 0 && !rs->sending) {
            rs->sending = next_turn(rs);
            wait = rs->sending ? 0 : USEC_PER_SEC; /* until there is memory */
            if (rs->sending) {
                list_append(&rs->turns, &rs->sending->link);
                rs->n_turns++;
            }
        }
        if (wait > 0) {
            reports_schedule(rs, wait);
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

void reports_schedule(struct reports *rs, uint64_t delay_us)
{
    if (loop_timer_is_armed(&rs->timer) && rs->timer.due_us <= loop_now_us(rs->loop) + delay_us)
        return;
    loop_timer_arm(rs->loop, &rs->timer, delay_us, on_timer, rs);
}

void reports_on_up(void *userdata)
{
    reports_schedule(userdata, 0);
}

void reports_on_down(void *userdata)
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

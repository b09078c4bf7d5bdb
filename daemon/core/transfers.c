/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/transfers.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/utf8.h"

#define NEWS_US USEC_PER_SEC        /* own choice: of progress */
#define KEEP_US (60 * USEC_PER_SEC) /* own choice: for programs that come to look */
#define PACE_US USEC_PER_SEC        /* vendor SDK: one message a second */
#define PACE_PERCENT 5              /* own choice */

static const char *const kind_names[TRANSFER_KIND_COUNT_] = {
    [TRANSFER_KIND_FILE_DOWNLOAD] = "file-download",
    [TRANSFER_KIND_FILE_UPLOAD] = "file-upload",
    [TRANSFER_KIND_RESOURCE_DOWNLOAD] = "resource-download",
    [TRANSFER_KIND_RESOURCE_UPLOAD] = "resource-upload",
};

static const char *const state_names[TRANSFER_STATE_COUNT_] = {
    [TRANSFER_STATE_RUNNING] = "running",
    [TRANSFER_STATE_DONE] = "done",
    [TRANSFER_STATE_FAILED] = "failed",
    [TRANSFER_STATE_CANCELLED] = "cancelled",
};

const char *transfer_kind_name(enum transfer_kind kind)
{
    return kind_names[kind];
}

const char *transfer_state_name(enum transfer_state state)
{
    return state_names[state];
}

static void tell(struct transfer *t, void (*fn)(struct transfer *t, void *userdata))
{
    if (t->owner->front)
        fn(t, t->owner->front_userdata);
}

void transfers_init(struct transfers *ts, struct loop *loop)
{
    *ts = (struct transfers){.loop = loop};
    list_init(&ts->running);
    list_init(&ts->ended);
}

void transfers_listen(struct transfers *ts, const struct transfers_front *front, void *userdata)
{
    ts->front = front;
    ts->front_userdata = userdata;
}

unsigned transfers_count(const struct transfers *ts, enum transfer_kind kind, const char *program)
{
    unsigned n_running = 0;

    LIST_FOR_EACH (n, &ts->running) {
        const struct transfer *t = LIST_ENTRY(n, struct transfer, link);

        n_running += t->kind == kind && strcmp(t->program, program) == 0;
    }
    return n_running;
}

int transfer_new(struct transfer **ret_transfer, struct transfers *ts, enum transfer_kind kind,
                 const char *name, const char *program, uint64_t size)
{
    struct transfer *t = calloc(1, sizeof(*t));

    if (!t)
        return -ENOMEM;
    t->owner = ts;
    t->number = ++ts->last_number;
    t->kind = kind;
    t->size = size;
    (void) snprintf(t->name, sizeof(t->name), "%s", name);
    (void) snprintf(t->program, sizeof(t->program), "%s", program);
    list_append(&ts->running, &t->link);
    if (ts->front)
        tell(t, ts->front->added);
    *ret_transfer = t;
    return 0;
}

static void on_news(struct loop_timer *timer, void *userdata)
{
    struct transfer *t = userdata;

    (void) timer;
    if (t->owner->front)
        tell(t, t->owner->front->progressed);
}

void transfer_progress(struct transfer *t, uint64_t done)
{
    t->done = done;
    if (!loop_timer_is_armed(&t->timer))
        loop_timer_arm(t->owner->loop, &t->timer, NEWS_US, on_news, t);
}

void transfer_set_token(struct transfer *t, const char *token)
{
    (void) snprintf(t->token, sizeof(t->token), "%s", token);
    utf8_trim(t->token);
    if (t->owner->front)
        tell(t, t->owner->front->changed);
}

static void forget(struct transfer *t)
{
    struct transfers *ts = t->owner;

    if (ts->front)
        tell(t, ts->front->removed);
    loop_timer_cancel(&t->timer);
    list_remove(&t->link);
    ts->n_ended--;
    free(t);
}

static void on_old(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    forget(userdata);
}

void transfer_end(struct transfer *t, enum transfer_state state, int result, const char *text)
{
    struct transfers *ts = t->owner;

    t->state = state;
    t->result = result;
    t->cancel = NULL;
    t->userdata = NULL;
    if (state == TRANSFER_STATE_DONE)
        t->done = t->size;
    (void) snprintf(t->text, sizeof(t->text), "%s", text);
    utf8_trim(t->text);
    list_remove(&t->link);
    list_append(&ts->ended, &t->link);
    ts->n_ended++;
    loop_timer_arm(ts->loop, &t->timer, KEEP_US, on_old, t);
    if (ts->front) {
        tell(t, ts->front->progressed);
        tell(t, ts->front->changed);
    }
    if (ts->n_ended > LIMIT_TRANSFERS_ENDED)
        forget(LIST_ENTRY(ts->ended.next, struct transfer, link));
}

int transfer_cancel(struct transfer *t)
{
    if (!t->cancel)
        return -ENOENT;
    t->cancel(t, t->userdata);
    return 0;
}

void transfers_done(struct transfers *ts)
{
    if (!ts->loop)
        return;
    assert(list_is_empty(&ts->running));
    while (!list_is_empty(&ts->ended))
        forget(LIST_ENTRY(ts->ended.next, struct transfer, link));
    ts->loop = NULL;
}

bool transfer_pace_pass(struct transfer_pace *pace, uint64_t now_us, uint64_t done, uint64_t size,
                        unsigned *ret_percent)
{
    unsigned percent = done >= size ? 100 : (unsigned) (done * 100 / size);

    if (pace->begun && percent < 100 &&
        (percent < pace->percent + PACE_PERCENT || now_us - pace->last_us < PACE_US))
        return false;
    if (pace->begun && percent == pace->percent)
        return false;
    *pace = (struct transfer_pace){true, percent, now_us};
    *ret_percent = percent;
    return true;
}

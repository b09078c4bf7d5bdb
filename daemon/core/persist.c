/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/persist.h"

#include <errno.h>
#include <string.h>

LOG_AREA("store");

#define MAX_TURNS 16                   /* own choice: of the loop, before what waits is saved */
#define RELAX_US (100 * USEC_PER_MSEC) /* own choice: ten transactions a second */
#define RETRY_US (2 * USEC_PER_SEC)    /* own choice: after a failed transaction */

static void on_timer(struct loop_timer *timer, void *userdata);

static int save_parts(struct persist *p)
{
    LIST_FOR_EACH (n, &p->parts) {
        struct persist_part *part = LIST_ENTRY(n, struct persist_part, link);
        int r = part->save(p->db, part->userdata);

        if (r < 0)
            return r;
    }
    return 0;
}

static int transact_once(struct persist *p, bool durable)
{
    int r = db_begin(p->db, durable);

    if (r < 0)
        return r;
    r = save_parts(p);
    if (r == 0)
        r = db_commit(p->db);
    if (r < 0)
        db_rollback(p->db);
    return r;
}

/* The log grows to megabytes before SQLite begins it anew; a small disk is full before that. */
static int transact(struct persist *p, bool durable)
{
    int r = transact_once(p, durable);

    return r == -ENOSPC && db_make_room(p->db) == 0 ? transact_once(p, durable) : r;
}

static void tell_state(struct persist *p, int r)
{
    if (r < 0 && log_limit_pass(&p->log_limit, LOG_LEVEL_ERR, log_area))
        log_err("cannot save error=\"%s\"; what is accepted stays in memory until it can",
                strerror(-r));
    else if (r == 0 && p->failing)
        log_notice("saving works again");
    p->failing = r < 0;
}

int persist_now(struct persist *p, bool durable)
{
    bool urgent = p->durable || durable;
    int r;

    loop_timer_cancel(&p->timer);
    p->durable = false;
    p->n_new = 0;
    p->n_turns = 0;
    r = transact(p, urgent);
    tell_state(p, r);
    LIST_FOR_EACH (n, &p->parts) {
        struct persist_part *part = LIST_ENTRY(n, struct persist_part, link);

        part->saved(r, part->userdata);
    }
    if (r < 0 && !loop_timer_is_armed(&p->timer))
        loop_timer_arm(p->loop, &p->timer, RETRY_US, on_timer, p);
    return r;
}

/*
 * Waits for one more turn as long as each brings more: programs that post at the same time share a
 * commit, and a post on its own is only one look at the sockets late.
 */
static void on_timer(struct loop_timer *timer, void *userdata)
{
    struct persist *p = userdata;

    if (p->n_new > 0 && ++p->n_turns < MAX_TURNS) {
        p->n_new = 0;
        loop_timer_arm(p->loop, timer, 0, on_timer, p);
        return;
    }
    (void) persist_now(p, false); /* told, and tried again */
}

void persist_request(struct persist *p, bool durable)
{
    p->durable |= durable;
    p->n_new++;
    if (p->relaxed && !durable) {
        if (!loop_timer_is_armed(&p->timer))
            loop_timer_arm(p->loop, &p->timer, RELAX_US, on_timer, p);
        return;
    }
    if (loop_timer_is_armed(&p->timer) && p->timer.due_us <= loop_now_us(p->loop))
        return;
    loop_timer_arm(p->loop, &p->timer, 0, on_timer, p);
}

void persist_relax(struct persist *p, bool relaxed)
{
    p->relaxed = relaxed;
}

void persist_init(struct persist *p, struct loop *loop, struct db *db)
{
    *p = (struct persist){.loop = loop, .db = db};
    list_init(&p->parts);
    log_limit_init(&p->log_limit);
}

void persist_done(struct persist *p)
{
    loop_timer_cancel(&p->timer);
}

void persist_add(struct persist *p, struct persist_part *part)
{
    list_append(&p->parts, &part->link);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much of the queue is whose: a program may fill its share of it and no more. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/event.h"

LOG_AREA("event");

struct event_account {
    struct list link;
    int64_t n, bytes;
    char name[];
};

static struct event_account *find(const struct events *es, const char *name)
{
    LIST_FOR_EACH (n, &es->accounts) {
        struct event_account *a = LIST_ENTRY(n, struct event_account, link);

        if (strcmp(a->name, name) == 0)
            return a;
    }
    return NULL;
}

static int get(struct events *es, const char *name, struct event_account **ret_account)
{
    struct event_account *a = find(es, name);
    size_t size = strlen(name) + 1;

    if (!a) {
        if (es->n_accounts >= LIMIT_ACCOUNTS)
            return -EDQUOT;
        a = calloc(1, sizeof(*a) + size);
        if (!a)
            return -ENOMEM;
        memcpy(a->name, name, size);
        list_append(&es->accounts, &a->link);
        es->n_accounts++;
    }
    *ret_account = a;
    return 0;
}

static void drop_if_empty(struct events *es, struct event_account *a)
{
    if (a->n > 0)
        return;
    list_remove(&a->link);
    es->n_accounts--;
    free(a);
}

static bool has_room(const struct events *es, const struct event_account *a, int64_t bytes)
{
    int64_t share = es->config.share;

    if (share == 0 || share >= 100 || a->n == 0)
        return true;
    return (a->n + 1) * 100 <= es->config.max_events * share &&
           (a->bytes + bytes) * 100 <= es->config.max_bytes * share;
}

/* With outbox.info_policy drop-oldest a program makes room with its own. */
static int drop_own(struct events *es, const struct event_account *a)
{
    LIST_FOR_EACH (n, &es->queues[EVENT_CLASS_INFO].queued) {
        struct event *e = LIST_ENTRY(n, struct event, link);

        if (e->account == a)
            return events_drop(e);
    }
    return -EDQUOT;
}

int events_account_open(struct events *es, struct event *e)
{
    char name[EVENTS_ACCOUNT] = "";
    struct event_account *a;
    int r = 0;

    if (es->account_of && e->peer[0])
        es->account_of(e->peer, name, es->account_userdata);
    if (!name[0])
        return 0; /* nobody's */
    r = get(es, name, &a);
    if (r < 0)
        return r;
    while (r == 0 && !has_room(es, a, e->bytes)) {
        a->n++; /* stays while its events go */
        r = es->config.drop_oldest_info ? drop_own(es, a) : -EDQUOT;
        a->n--;
    }
    if (r < 0) {
        drop_if_empty(es, a);
        return r;
    }
    e->account = a;
    a->n++;
    a->bytes += e->bytes;
    return 0;
}

void events_account_close(struct event *e)
{
    struct event_account *a = TAKE(e->account);

    if (!a)
        return;
    a->n--;
    a->bytes -= e->bytes;
    drop_if_empty(e->owner, a);
}

const char *events_account_name(const struct event *e)
{
    return e->account ? e->account->name : "";
}

/* Of a row whose account was counted when the daemon started, or when it was posted. */
void events_account_find(struct event *e, const char *name)
{
    e->account = *name ? find(e->owner, name) : NULL;
}

static int on_account(const char *name, int64_t n, int64_t bytes, void *userdata)
{
    struct events *es = userdata;
    struct event_account *a;
    int r = get(es, name, &a);

    if (r == -EDQUOT) /* more than there can be: the rest is nobody's */
        return 0;
    if (r < 0)
        return r;
    a->n = n;
    a->bytes = bytes;
    return 0;
}

int events_load_accounts(struct events *es)
{
    return outbox_get_accounts(es->persist->db, on_account, es);
}

void events_free_accounts(struct events *es)
{
    while (!list_is_empty(&es->accounts)) {
        struct event_account *a = LIST_ENTRY(es->accounts.next, struct event_account, link);

        list_remove(&a->link);
        free(a);
    }
    es->n_accounts = 0;
}

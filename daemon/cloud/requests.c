/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/requests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void requests_init(struct requests *rs, struct loop *loop)
{
    *rs = (struct requests){.loop = loop};
    list_init(&rs->pending);
}

static void on_timeout(struct loop_timer *timer, void *userdata)
{
    struct request *r = userdata;

    (void) timer;
    request_cancel(r);
    r->fn(-ETIMEDOUT, "no reply from the cloud in time", r->userdata);
}

void request_start(struct requests *rs, struct request *r, const char *token, uint64_t timeout_us,
                   request_fn fn, void *userdata)
{
    request_cancel(r);
    r->owner = rs;
    r->fn = fn;
    r->userdata = userdata;
    (void) snprintf(r->token, sizeof(r->token), "%s", token);
    list_append(&rs->pending, &r->link);
    rs->n_pending++;
    if (timeout_us)
        request_arm(r, timeout_us);
}

void request_arm(struct request *r, uint64_t timeout_us)
{
    if (r->owner)
        loop_timer_arm(r->owner->loop, &r->timer, timeout_us, on_timeout, r);
}

void request_cancel(struct request *r)
{
    if (!r->owner)
        return;

    loop_timer_cancel(&r->timer);
    list_remove(&r->link);
    r->owner->n_pending--;
    r->owner = NULL;
}

bool requests_answer(struct requests *rs, const char *token, int code, const char *text)
{
    LIST_FOR_EACH (n, &rs->pending) {
        struct request *r = LIST_ENTRY(n, struct request, link);

        if (strcmp(r->token, token) != 0)
            continue;
        request_cancel(r);
        r->fn(code, text, r->userdata);
        return true;
    }
    return false;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/hold.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/core/room.h"

int holds_init(struct holds *hs, size_t n)
{
    *hs = (struct holds){.n = n};
    hs->all = calloc(n ? n : 1, sizeof(*hs->all));
    return hs->all ? 0 : -ENOMEM;
}

void holds_done(struct holds *hs)
{
    free(hs->all);
    *hs = (struct holds){0};
}

int holds_reserve(struct holds *hs, size_t n)
{
    if (!ROOM_GROW(hs->all, hs->n, n))
        return -ENOMEM;
    if (n > hs->n)
        hs->n = n;
    return 0;
}

static void set_due(struct holds *hs, struct hold *h, uint64_t due_us)
{
    hs->n_held += (due_us != 0) - (h->due_us != 0);
    h->due_us = due_us;
}

static bool to_number(const struct value *v, double *ret_number)
{
    if (v->kind == VALUE_INT)
        *ret_number = (double) v->i;
    else if (v->kind == VALUE_FLOAT)
        *ret_number = v->d;
    else
        return false;
    return true;
}

/* The wider of the two bands counts. */
static bool is_within_band(const struct hold *h, const struct policy *p, const struct value *v)
{
    double number, distance, relative;

    if (!h->is_number || !to_number(v, &number) ||
        (!(p->dead_band > 0) && !(p->dead_band_percent > 0)))
        return false;
    distance = number > h->sent ? number - h->sent : h->sent - number;
    relative = (h->sent < 0 ? -h->sent : h->sent) * p->dead_band_percent / 100;
    return distance <= p->dead_band || distance <= relative;
}

bool holds_take(struct holds *hs, size_t index, const struct policy *policy, const struct value *v,
                uint64_t now_us)
{
    struct hold *h = &hs->all[index];
    uint64_t wait = policy->min_interval_us, due;

    if (h->was_sent && is_within_band(h, policy, v))
        wait = !policy->max_interval_us         ? UINT64_MAX
               : policy->max_interval_us > wait ? policy->max_interval_us
                                                : wait;
    due = wait > UINT64_MAX - h->sent_us ? UINT64_MAX : h->sent_us + wait;
    if (!h->was_sent || due <= now_us)
        due = 0;
    set_due(hs, h, due);
    return due != 0;
}

void holds_sent(struct holds *hs, size_t index, const struct value *v, uint64_t now_us)
{
    struct hold *h = &hs->all[index];

    h->was_sent = true;
    h->is_number = to_number(v, &h->sent);
    h->sent_us = now_us;
}

void holds_drop(struct holds *hs, size_t index)
{
    set_due(hs, &hs->all[index], 0);
}

uint64_t holds_release(struct holds *hs, uint64_t now_us, void (*fn)(size_t index, void *userdata),
                       void *userdata)
{
    uint64_t next = UINT64_MAX;

    for (size_t i = 0; hs->n_held > 0 && i < hs->n; i++) {
        struct hold *h = &hs->all[i];

        if (h->due_us == 0)
            continue;
        if (h->due_us <= now_us) {
            set_due(hs, h, 0);
            fn(i, userdata);
        } else if (h->due_us < next) {
            next = h->due_us;
        }
    }
    return next == UINT64_MAX ? UINT64_MAX : next - now_us;
}

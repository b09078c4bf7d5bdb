/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/room.h"
#include "daemon/sys/log.h"

LOG_AREA("report");

static void apply(struct policy *to, const struct policy_wish *wish)
{
    const struct policy *from = &wish->policy;

    if (wish->given & POLICY_HISTORY)
        to->history = from->history;
    if (wish->given & POLICY_MIN_INTERVAL)
        to->min_interval_us = from->min_interval_us;
    if (wish->given & POLICY_MAX_INTERVAL)
        to->max_interval_us = from->max_interval_us;
    if (wish->given & POLICY_DEAD_BAND)
        to->dead_band = from->dead_band;
    if (wish->given & POLICY_DEAD_BAND_PERCENT)
        to->dead_band_percent = from->dead_band_percent;
    if (wish->given & POLICY_QOS)
        to->qos = from->qos;
}

struct policy policies_get(const struct policies *ps, size_t index)
{
    const struct registration *owner = owners_get(ps->owners, FEATURE_PROPERTY, index);
    struct policy p = ps->general;

    if (owner && owner->client->number == ps->asked_by[index])
        apply(&p, &ps->asked[index]);
    apply(&p, &ps->rules[index]);
    return p;
}

static bool is_number(enum thing_type type)
{
    return type == THING_INT || type == THING_FLOAT || type == THING_TIMESTAMP;
}

int policies_check(const struct policies *ps, size_t index, const struct policy_wish *wish)
{
    if (!(wish->given & (POLICY_DEAD_BAND | POLICY_DEAD_BAND_PERCENT)) ||
        is_number(ps->model->properties[index].define.type))
        return 0;
    return -EPROTOTYPE;
}

void policies_ask(struct policies *ps, const struct client *client, size_t index,
                  const struct policy_wish *wish)
{
    ps->asked[index] = *wish;
    ps->asked_by[index] = client->number;
}

void policies_configure(struct policies *ps, const struct policy *general,
                        const struct policy_rule *rules, size_t n_rules)
{
    ps->general = *general;
    memset(ps->rules, 0, ps->model->n_properties * sizeof(*ps->rules));
    for (size_t i = 0; i < n_rules; i++) {
        int index = model_find_property(ps->model, rules[i].id);

        if (index < 0)
            log_warn("settings for a property that the thing model has not id=%s", rules[i].id);
        else if (policies_check(ps, (size_t) index, &rules[i].wish) < 0)
            log_warn("dead band of a property that is no number id=%s", rules[i].id);
        if (index >= 0)
            ps->rules[index] = rules[i].wish;
    }
}

int policies_init(struct policies *ps, const struct model *model, const struct owners *owners)
{
    size_t n = model->n_properties ? model->n_properties : 1;

    *ps = (struct policies){.model = model, .owners = owners};
    ps->rules = calloc(n, sizeof(*ps->rules));
    ps->asked = calloc(n, sizeof(*ps->asked));
    ps->asked_by = calloc(n, sizeof(*ps->asked_by));
    if (!ps->rules || !ps->asked || !ps->asked_by) {
        policies_done(ps);
        return -ENOMEM;
    }
    return 0;
}

int policies_reserve(struct policies *ps, const struct model_plan *plan)
{
    size_t n_have = plan->n_before[MODEL_PROPERTY], n = plan->n[MODEL_PROPERTY];

    return ROOM_GROW(ps->rules, n_have, n) && ROOM_GROW(ps->asked, n_have, n) &&
                   ROOM_GROW(ps->asked_by, n_have, n)
               ? 0
               : -ENOMEM;
}

void policies_done(struct policies *ps)
{
    free(ps->rules);
    free(ps->asked);
    free(ps->asked_by);
    *ps = (struct policies){0};
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const event_types[MODEL_EVENT_TYPE_COUNT_] = {
    [MODEL_EVENT_INFO] = "info",
    [MODEL_EVENT_ALERT] = "alert",
    [MODEL_EVENT_FAULT] = "fault",
};

const char *model_event_type_name(enum model_event_type type)
{
    return event_types[type];
}

static void params_free(struct model_param *params, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(params[i].id);
        thing_define_done(&params[i].define);
    }
    free(params);
}

struct model *model_free(struct model *m)
{
    if (!m)
        return NULL;

    for (size_t i = 0; i < m->n_properties; i++) {
        free(m->properties[i].id);
        thing_define_done(&m->properties[i].define);
    }
    for (size_t i = 0; i < m->n_events; i++) {
        free(m->events[i].id);
        params_free(m->events[i].params, m->events[i].n_params);
    }
    for (size_t i = 0; i < m->n_actions; i++) {
        free(m->actions[i].id);
        params_free(m->actions[i].inputs, m->actions[i].n_inputs);
        params_free(m->actions[i].outputs, m->actions[i].n_outputs);
    }
    free(m->properties);
    free(m->events);
    free(m->actions);
    free(m->text);
    free(m);
    return NULL;
}

/* The id is the first member of each kind, so one search serves all. */
static int find(const void *items, size_t n, size_t size, const char *id)
{
    for (size_t i = 0; i < n; i++) {
        const char *have;

        memcpy(&have, (const char *) items + i * size, sizeof(have));
        if (strcmp(have, id) == 0)
            return (int) i;
    }
    return -ENOENT;
}

int model_find_property(const struct model *m, const char *id)
{
    return find(m->properties, m->n_properties, sizeof(*m->properties), id);
}

int model_find_event(const struct model *m, const char *id)
{
    return find(m->events, m->n_events, sizeof(*m->events), id);
}

int model_find_action(const struct model *m, const char *id)
{
    return find(m->actions, m->n_actions, sizeof(*m->actions), id);
}

int model_find_param(const struct model_param *params, size_t n_params, const char *id)
{
    return find(params, n_params, sizeof(*params), id);
}

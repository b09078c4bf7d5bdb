/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/model_reader.h"

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
    free(m->sorted);
    free(m->properties);
    free(m->events);
    free(m->actions);
    free(m->text);
    free(m);
    return NULL;
}

/* What the kinds begin with, so that one search serves all. */
static struct model_head head_of(const void *items, size_t size, size_t i)
{
    struct model_head head;

    memcpy(&head, (const char *) items + i * size, sizeof(head));
    return head;
}

/* Halves the list until one is left. */
static int find(const void *items, size_t n, size_t size, const uint16_t *sorted, const char *id)
{
    size_t from = 0, to = n;

    while (from < to) {
        size_t middle = (from + to) / 2;
        struct model_head head = head_of(items, size, sorted[middle]);
        int r = strcmp(id, head.id);

        if (r == 0)
            return head.is_gone ? -ENOENT : sorted[middle];
        if (r < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return -ENOENT;
}

int model_find_property(const struct model *m, const char *id)
{
    return find(m->properties, m->n_properties, sizeof(*m->properties), m->sorted, id);
}

int model_find_event(const struct model *m, const char *id)
{
    return find(m->events, m->n_events, sizeof(*m->events), m->sorted + m->n_properties, id);
}

int model_find_action(const struct model *m, const char *id)
{
    return find(m->actions, m->n_actions, sizeof(*m->actions),
                m->sorted + m->n_properties + m->n_events, id);
}

/* Few: one after the other. */
int model_find_param(const struct model_param *params, size_t n_params, const char *id)
{
    for (size_t i = 0; i < n_params; i++) {
        if (strcmp(params[i].id, id) == 0)
            return (int) i;
    }
    return -ENOENT;
}

/* qsort() with what it needs to know to compare. */
struct sorting {
    const void *items;
    size_t size;
};

static int compare(const void *a, const void *b, void *userdata)
{
    const struct sorting *s = userdata;
    const uint16_t *x = a, *y = b;

    return strcmp(head_of(s->items, s->size, *x).id, head_of(s->items, s->size, *y).id);
}

static void sort(uint16_t *sorted, const void *items, size_t n, size_t size)
{
    struct sorting s = {items, size};

    for (size_t i = 0; i < n; i++)
        sorted[i] = (uint16_t) i;
    qsort_r(sorted, n, sizeof(*sorted), compare, &s);
}

void model_sort_into(struct model *m, uint16_t *sorted)
{
    free(m->sorted);
    m->sorted = sorted;
    sort(m->sorted, m->properties, m->n_properties, sizeof(*m->properties));
    sort(m->sorted + m->n_properties, m->events, m->n_events, sizeof(*m->events));
    sort(m->sorted + m->n_properties + m->n_events, m->actions, m->n_actions, sizeof(*m->actions));
}

int model_sort(struct model *m)
{
    size_t n = m->n_properties + m->n_events + m->n_actions;
    uint16_t *sorted = calloc(n ? n : 1, sizeof(*sorted));

    if (!sorted)
        return -ENOMEM;
    model_sort_into(m, sorted);
    return 0;
}

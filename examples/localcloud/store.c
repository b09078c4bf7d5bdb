/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct property {
    struct list link;
    struct list points;
    size_t n_points;
    char *id;
    json_t *desired; /* NULL when confirmed */
    uint64_t write;  /* that wanted it */
};

struct device_state {
    struct list properties; /* in the order of their first report */
    struct list events;
    size_t n_events;
    json_t *info;
    char version[STORE_VERSION_MAX + 1];
};

struct store {
    const struct config *config;
    struct device_state *devices;
    uint64_t last_seq;
    uint64_t last_write;
};

static void point_free(struct store_point *p)
{
    json_decref(p->value);
    free(p);
}

static struct store_event *event_free(struct store_event *e)
{
    if (!e)
        return NULL;
    free(e->id);
    free(e->data);
    free(e);
    return NULL;
}
DEFINE_FREEP(struct store_event, event_free)

static struct property *property_free(struct property *p)
{
    if (!p)
        return NULL;
    LIST_FOR_EACH_SAFE (n, &p->points)
        point_free(LIST_ENTRY(n, struct store_point, link));
    json_decref(p->desired);
    free(p->id);
    free(p);
    return NULL;
}
DEFINE_FREEP(struct property, property_free)

int store_new(struct store **ret_store, const struct config *config)
{
    CLEANUP(store_freep) struct store *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    s->config = config;
    s->devices = calloc(config->n_devices + 1, sizeof(*s->devices));
    if (!s->devices)
        return -ENOMEM;
    for (size_t i = 0; i < config->n_devices; i++) {
        list_init(&s->devices[i].properties);
        list_init(&s->devices[i].events);
    }
    *ret_store = TAKE(s);
    return 0;
}

struct store *store_free(struct store *s)
{
    if (!s)
        return NULL;

    for (size_t i = 0; s->devices && i < s->config->n_devices; i++) {
        struct device_state *d = &s->devices[i];

        LIST_FOR_EACH_SAFE (n, &d->properties)
            property_free(LIST_ENTRY(n, struct property, link));
        LIST_FOR_EACH_SAFE (n, &d->events)
            event_free(LIST_ENTRY(n, struct store_event, link));
        json_decref(d->info);
    }
    free(s->devices);
    free(s);
    return NULL;
}

static struct device_state *state_of(const struct store *s, const struct config_device *device)
{
    return &s->devices[device->index];
}

static struct property *property_find(const struct store *s, const struct config_device *device,
                                      const char *id)
{
    LIST_FOR_EACH (n, &state_of(s, device)->properties) {
        struct property *p = LIST_ENTRY(n, struct property, link);

        if (strcmp(p->id, id) == 0)
            return p;
    }
    return NULL;
}

/* Bounded by the thing model: only ids that were checked against it come here. */
static struct property *property_get(struct store *s, const struct config_device *device,
                                     const char *id)
{
    CLEANUP(property_freep) struct property *p = NULL;
    struct property *found = property_find(s, device, id);

    if (found)
        return found;
    p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    list_init(&p->points);
    p->id = strdup(id);
    if (!p->id)
        return NULL;
    list_append(&state_of(s, device)->properties, &p->link);
    return TAKE(p);
}

int store_report(struct store *s, const struct config_device *device, const char *id, json_t *value,
                 uint64_t time_ms)
{
    struct property *p = property_get(s, device, id);
    struct store_point *point = p ? calloc(1, sizeof(*point)) : NULL;

    if (!point)
        return -ENOMEM;
    point->seq = ++s->last_seq;
    point->time_ms = time_ms;
    point->value = json_incref(value);
    list_append(&p->points, &point->link);
    if (++p->n_points > STORE_POINTS_MAX) {
        struct store_point *oldest = LIST_ENTRY(p->points.next, struct store_point, link);

        list_remove(&oldest->link);
        p->n_points--;
        point_free(oldest);
    }
    return 0;
}

static const struct store_point *newest(const struct property *p)
{
    return list_is_empty(&p->points) ? NULL : LIST_ENTRY(p->points.prev, struct store_point, link);
}

json_t *store_reported(const struct store *s, const struct config_device *device)
{
    json_t *o = json_object();

    LIST_FOR_EACH (n, &state_of(s, device)->properties) {
        const struct property *p = LIST_ENTRY(n, struct property, link);

        if (newest(p))
            (void) json_object_set(o, p->id, newest(p)->value);
    }
    return o;
}

uint64_t store_reported_ms(const struct store *s, const struct config_device *device,
                           const char *id)
{
    const struct property *p = property_find(s, device, id);

    return p && newest(p) ? newest(p)->time_ms : 0;
}

const struct list *store_points(const struct store *s, const struct config_device *device,
                                const char *id)
{
    const struct property *p = property_find(s, device, id);

    return p ? &p->points : NULL;
}

/* Members of a struct that were desired before stay desired. */
static json_t *merge_desired(json_t *desired, json_t *value)
{
    json_t *merged = json_is_object(desired) && json_is_object(value) ? json_copy(desired) : NULL;

    if (merged && json_object_update(merged, value) == 0)
        return merged;
    json_decref(merged);
    return json_incref(value);
}

int store_desire(struct store *s, const struct config_device *device, json_t *params,
                 uint64_t *ret_write)
{
    const char *id;
    json_t *value;

    /* First everything that can fail. */
    json_object_foreach(params, id, value)
    {
        if (!property_get(s, device, id))
            return -ENOMEM;
    }
    s->last_write++;
    json_object_foreach(params, id, value)
    {
        struct property *p = property_find(s, device, id);
        json_t *desired = merge_desired(p->desired, value);

        json_decref(p->desired);
        p->desired = desired;
        p->write = s->last_write;
    }
    *ret_write = s->last_write;
    return 0;
}

json_t *store_desired(const struct store *s, const struct config_device *device)
{
    json_t *o = json_object();

    LIST_FOR_EACH (n, &state_of(s, device)->properties) {
        const struct property *p = LIST_ENTRY(n, struct property, link);

        if (p->desired)
            (void) json_object_set(o, p->id, p->desired);
    }
    if (json_object_size(o) > 0)
        return o;
    json_decref(o);
    return NULL;
}

uint64_t store_last_write(const struct store *s)
{
    return s->last_write;
}

void store_confirm(struct store *s, const struct config_device *device, uint64_t write,
                   bool and_older)
{
    LIST_FOR_EACH (n, &state_of(s, device)->properties) {
        struct property *p = LIST_ENTRY(n, struct property, link);

        if (p->desired && (p->write == write || (and_older && p->write < write))) {
            json_decref(p->desired);
            p->desired = NULL;
        }
    }
}

int store_add_event(struct store *s, const struct config_device *device, const char *id,
                    const char *type, const json_t *params, uint64_t time_ms)
{
    CLEANUP(event_freep) struct store_event *e = calloc(1, sizeof(*e));
    struct device_state *d = state_of(s, device);

    if (!e)
        return -ENOMEM;
    e->id = strdup(id);
    e->data = json_dumps(params, JSON_COMPACT);
    if (!e->id || !e->data)
        return -ENOMEM;
    e->seq = ++s->last_seq;
    e->time_ms = time_ms;
    e->type = type;
    list_append(&d->events, &TAKE(e)->link);
    if (++d->n_events > STORE_EVENTS_MAX) {
        struct store_event *oldest = LIST_ENTRY(d->events.next, struct store_event, link);

        list_remove(&oldest->link);
        d->n_events--;
        event_free(oldest);
    }
    return 0;
}

const struct list *store_events(const struct store *s, const struct config_device *device)
{
    return &state_of(s, device)->events;
}

void store_set_info(struct store *s, const struct config_device *device, json_t *info)
{
    struct device_state *d = state_of(s, device);

    json_incref(info);
    json_decref(d->info);
    d->info = info;
}

json_t *store_info(const struct store *s, const struct config_device *device)
{
    return state_of(s, device)->info;
}

void store_set_version(struct store *s, const struct config_device *device, const char *version)
{
    struct device_state *d = state_of(s, device);

    (void) snprintf(d->version, sizeof(d->version), "%s", version);
}

const char *store_version(const struct store *s, const struct config_device *device)
{
    return state_of(s, device)->version;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/base/name.h"
#include "libiotclient/base/utf8.h"
#include "libiotclient/client.h"
#include "libiotclient/value.h"

struct iotc_event {
    struct list link;
    iotc_client *client; /* borrowed; NULL: gone */
    char id[LIMIT_FEATURE_ID + 1];
    struct value_list params;
    uint64_t timestamp_s; /* 0: none */
};

void events_init(struct events *events)
{
    list_init(&events->drafts);
}

void events_done(iotc_client *client)
{
    if (!client->events.drafts.next)
        return; /* never initialised */
    while (!list_is_empty(&client->events.drafts)) {
        iotc_event *event = LIST_ENTRY(client->events.drafts.next, iotc_event, link);

        list_remove(&event->link);
        event->client = NULL;
    }
}

int iotc_event_new(iotc_client *client, iotc_event **ret_event, const char *id)
{
    iotc_event *event;
    int r;

    r = client_check(client);
    if (r < 0)
        return r;
    if (!ret_event || !name_is_feature_id(id))
        return -EINVAL;
    event = calloc(1, sizeof(*event));
    if (!event)
        return -ENOMEM;
    event->client = client;
    memcpy(event->id, id, strlen(id) + 1); /* the form was checked: it fits */
    list_append(&client->events.drafts, &event->link);
    *ret_event = event;
    return 0;
}

iotc_event *iotc_event_free(iotc_event *event)
{
    if (event) {
        list_remove(&event->link);
        value_list_done(&event->params);
        free(event);
    }
    return NULL;
}

static int set(iotc_event *event, const char *param, struct value v)
{
    return event ? value_list_set(&event->params, param, &v, LIMIT_EVENT_PARAMS) : -EINVAL;
}

int iotc_event_set_bool(iotc_event *event, const char *param, bool value)
{
    return set(event, param, value_of_bool(value));
}

int iotc_event_set_int(iotc_event *event, const char *param, int64_t value)
{
    return set(event, param, value_of_int(value));
}

int iotc_event_set_double(iotc_event *event, const char *param, double value)
{
    return set(event, param, value_of_double(value));
}

int iotc_event_set_string(iotc_event *event, const char *param, const char *value)
{
    return set(event, param, value_of_string(value));
}

int iotc_event_set_value(iotc_event *event, const char *param, const iotc_value *value)
{
    return value ? set(event, param, value_of_nested(value)) : -EINVAL;
}

int iotc_event_set_timestamp(iotc_event *event, uint64_t real_s)
{
    if (!event)
        return -EINVAL;
    event->timestamp_s = real_s;
    return 0;
}

/* iotd reads it: here it has to be text that can travel. */
static int post_json(iotc_client *client, enum post_kind kind, const char *json, uint32_t flags,
                     iotc_done_fn done, void *userdata)
{
    CLEANUP(content_done) struct content c = {.kind = kind, .id = "", .flags = flags};
    int r = client_check(client);

    if (r < 0)
        return r;
    if (!json || (flags & ~IOTC_POST_STORED))
        return -EINVAL;
    if (strlen(json) > LIMIT_MQTT_PAYLOAD)
        return -EMSGSIZE;
    if (!utf8_is_valid(json, strlen(json)))
        return -EINVAL;
    c.json = strdup(json);
    return c.json ? posts_add(client, &c, done, userdata) : -ENOMEM;
}

int iotc_events_post_json(iotc_client *client, const char *json, uint32_t flags, iotc_done_fn done,
                          void *userdata)
{
    return post_json(client, POST_EVENTS, json, flags, done, userdata);
}

int iotc_report_json(iotc_client *client, const char *json, iotc_done_fn done, void *userdata)
{
    return post_json(client, POST_REPORT, json, 0, done, userdata);
}

int iotc_event_post(iotc_event *event, uint32_t flags, iotc_done_fn done, void *userdata)
{
    CLEANUP(content_done) struct content c = {.kind = POST_EVENT, .flags = flags};
    int r;

    if (!event || (flags & ~IOTC_POST_STORED))
        return -EINVAL;
    if (!event->client)
        return -ESHUTDOWN;
    r = client_check(event->client);
    if (r >= 0)
        r = value_list_copy(&c.params, &event->params);
    if (r < 0)
        return r;
    c.id = event->id;
    c.timestamp_s = event->timestamp_s;
    return posts_add(event->client, &c, done, userdata);
}

int iotc_event_claim(iotc_client *client, iotc_slot **ret_slot, const char *id)
{
    if (!id)
        return -EINVAL;
    return serve_new(client, ret_slot, SERVE_KIND_EVENT, &id, 1, NULL, NULL, NULL);
}

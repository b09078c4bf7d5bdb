/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Actions: newest values and histories. */

#include <stdio.h>
#include <string.h>

#include "examples/localcloud/app_request.h"
#include "libiotclient/base/num.h"

#define PAGE_MAX 1000
#define PAGE_DEFAULT 10

static enum app_outcome get_device_data(struct appapi_request *rq)
{
    const struct store *store = rq->api->deps.store;
    const struct config_device *device;
    json_t *reported, *data, *value;
    const char *id;
    char *text;

    if (!app_get_device(rq, &device))
        return APP_DONE;
    reported = store_reported(store, device);
    data = json_object();
    json_object_foreach(reported, id, value)
    {
        json_int_t ms = (json_int_t) store_reported_ms(store, device, id);

        (void) json_object_set_new(data, id,
                                   json_pack("{s:O, s:I}", "Value", value, "LastUpdate", ms));
    }
    text = json_dumps(data, JSON_COMPACT);
    app_set(rq, "Data", json_string(text));
    free(text);
    json_decref(data);
    json_decref(reported);
    return APP_DONE;
}

/* A page goes from new to old; the cursor is the number of the last entry that was shown. */
struct page {
    uint64_t below; /* only entries with a lower number */
    uint64_t min_ms;
    uint64_t max_ms;
    size_t size;
    json_t *items;
    uint64_t last; /* number of the last item */
    bool more;
};

static bool get_context(struct appapi_request *rq, struct page *page)
{
    const char *context;

    if (!app_get_optional_text(rq, "Context", &context))
        return false;
    page->below = UINT64_MAX;
    if (context && num_parse_u64(context, &page->below) < 0) {
        (void) app_fail(rq, "InvalidParameterValue", "Context is not from an earlier answer");
        return false;
    }
    return true;
}

/* True if the entry belongs on the page; notes whether there would be more. */
static bool page_takes(struct page *page, uint64_t seq, uint64_t time_ms)
{
    if (seq >= page->below || time_ms < page->min_ms || time_ms > page->max_ms)
        return false;
    if (json_array_size(page->items) < page->size) {
        page->last = seq;
        return true;
    }
    page->more = true;
    return false;
}

/* Listover: true is the end, as in the other lists; the table of one page says the opposite. */
static void set_page(struct appapi_request *rq, const struct page *page, const char *key)
{
    char context[24] = "";

    if (page->more)
        (void) snprintf(context, sizeof(context), "%llu", (unsigned long long) page->last);
    app_set(rq, "Context", json_string(context));
    app_set(rq, "Listover", json_boolean(!page->more));
    app_set(rq, key, page->items);
}

/* Numbers as their text, strings as they are. */
static json_t *value_as_text(const json_t *value)
{
    char *text;
    json_t *string;

    if (json_is_string(value))
        return json_string(json_string_value(value));
    text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    string = json_string(text);
    free(text);
    return string;
}

static enum app_outcome get_device_data_history(struct appapi_request *rq)
{
    struct page page = {0};
    const struct config_device *device;
    const struct list *points;
    const char *field;
    json_int_t min, max, limit;

    if (!app_get_device(rq, &device) || !app_get_text(rq, "FieldName", &field) ||
        !app_get_int(rq, "MinTime", 0, INT64_MAX, &min) ||
        !app_get_int(rq, "MaxTime", 0, INT64_MAX, &max) ||
        !app_get_int(rq, "Limit", 1, PAGE_MAX, &limit) || !get_context(rq, &page))
        return APP_DONE;
    if (!model_has_property(device->product->model, field))
        return app_fail(rq, "InvalidParameterValue", "no property %.64s in the thing model", field);

    page.min_ms = (uint64_t) min;
    page.max_ms = (uint64_t) max;
    page.size = (size_t) limit;
    page.items = json_array();
    points = store_points(rq->api->deps.store, device, field);
    for (const struct list *n = points ? points->prev : NULL; n && n != points; n = n->prev) {
        const struct store_point *p = LIST_ENTRY(n, struct store_point, link);
        char time[24];

        if (!page_takes(&page, p->seq, p->time_ms))
            continue;
        (void) snprintf(time, sizeof(time), "%llu", (unsigned long long) p->time_ms);
        (void) json_array_append_new(
            page.items, json_pack("{s:s, s:o}", "Time", time, "Value", value_as_text(p->value)));
    }
    app_set(rq, "FieldName", json_string(field));
    set_page(rq, &page, "Results");
    return APP_DONE;
}

static bool get_event_span(struct appapi_request *rq, struct page *page)
{
    json_int_t start = 0, end = 0, size = PAGE_DEFAULT;

    if (!app_get_optional_int(rq, "StartTime", 0, INT64_MAX / 1000 - 1, &start) ||
        !app_get_optional_int(rq, "EndTime", 0, INT64_MAX / 1000 - 1, &end) ||
        !app_get_optional_int(rq, "Size", 1, PAGE_MAX, &size) || !get_context(rq, page))
        return false;
    page->min_ms = (uint64_t) start * 1000;
    page->max_ms = end > 0 ? (uint64_t) end * 1000 + 999 : UINT64_MAX;
    page->size = (size_t) size;
    return true;
}

static json_t *event_json(const struct config_device *device, const struct store_event *e)
{
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s}", "Time", (json_int_t) (e->time_ms / 1000),
                     "ProductId", device->product->id, "DeviceName", device->name, "EventId", e->id,
                     "Type", e->type, "Data", e->data);
}

static enum app_outcome list_event_history(struct appapi_request *rq)
{
    struct page page = {0};
    const struct config_device *device;
    const struct list *events;
    const char *type, *id;
    json_int_t total = 0;

    if (!app_get_device(rq, &device) || !app_get_optional_text(rq, "Type", &type) ||
        !app_get_optional_text(rq, "EventId", &id) || !get_event_span(rq, &page))
        return APP_DONE;
    if (type && strcmp(type, "info") != 0 && strcmp(type, "alert") != 0 &&
        strcmp(type, "fault") != 0)
        return app_fail(rq, "InvalidParameterValue", "Type must be info, alert or fault");

    page.items = json_array();
    events = store_events(rq->api->deps.store, device);
    for (const struct list *n = events->prev; n != events; n = n->prev) {
        const struct store_event *e = LIST_ENTRY(n, struct store_event, link);

        if ((type && strcmp(type, e->type) != 0) || (id && strcmp(id, e->id) != 0))
            continue;
        if (e->time_ms >= page.min_ms && e->time_ms <= page.max_ms)
            total++;
        if (page_takes(&page, e->seq, e->time_ms))
            (void) json_array_append_new(page.items, event_json(device, e));
    }
    app_set(rq, "Total", json_integer(total));
    set_page(rq, &page, "EventHistory");
    return APP_DONE;
}

const struct app_action app_data_actions[] = {
    {"AppGetDeviceData", APP_NEEDS_TOKEN, get_device_data},
    {"AppGetDeviceDataHistory", APP_NEEDS_TOKEN, get_device_data_history},
    {"AppListEventHistory", APP_NEEDS_TOKEN, list_event_history},
    {NULL, 0, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Up messages of the thing model: check, remember, answer. */

#include "examples/localcloud/thing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "examples/localcloud/thing_state.h"
#include "libiotclient/base/limits.h"

#define TIME_IS_MS 100000000000LL /* the documents say seconds, most devices send milliseconds */
#define EVENTS_PER_POST_MAX 100

/* A reply that the hold_replies fault keeps back. */
struct held_reply {
    struct list link;
    const struct config_device *device;
    const char *head; /* of the topic */
    json_t *message;
};

/* One up message while it is worked on. */
struct request {
    struct thing *thing;
    const struct config_device *device;
    const struct model *model;
    const char *head; /* of the reply's topic */
    json_t *message;
    uint64_t time_ms; /* of the message, or now */
};

int thing_new(struct thing **ret_thing, const struct thing_deps *deps)
{
    CLEANUP(thing_freep) struct thing *t = calloc(1, sizeof(*t));

    if (!t)
        return -ENOMEM;
    t->deps = *deps;
    list_init(&t->calls);
    list_init(&t->held);
    list_init(&t->fences);
    t->devices = calloc(deps->config->n_devices + 1, sizeof(*t->devices));
    if (!t->devices)
        return -ENOMEM;
    for (size_t i = 0; i < deps->config->n_devices; i++)
        list_init(&t->devices[i].writes);
    *ret_thing = TAKE(t);
    return 0;
}

static void held_free(struct thing *t, struct held_reply *h)
{
    list_remove(&h->link);
    t->n_held--;
    json_decref(h->message);
    free(h);
}

struct thing *thing_free(struct thing *t)
{
    if (!t)
        return NULL;

    if (t->devices)
        thing_down_done(t);
    thing_service_done(t);
    LIST_FOR_EACH_SAFE (n, &t->held)
        held_free(t, LIST_ENTRY(n, struct held_reply, link));
    free(t->devices);
    free(t);
    return NULL;
}

enum broker_outcome thing_send(struct thing *t, const struct config_device *device,
                               const char *head, json_t *message, uint8_t qos)
{
    CLEANUP(freep) char *text = json_dumps(message, JSON_COMPACT);
    char topic[LIMIT_MQTT_TOPIC + 1];

    json_decref(message);
    if (!text)
        return BROKER_NOT_DELIVERED;
    (void) snprintf(topic, sizeof(topic), "%s/%s/%s", head, device->product->id, device->name);
    return broker_publish(t->deps.broker, device, topic, text, strlen(text), qos);
}

static bool hold(struct thing *t, const struct config_device *device, const char *head,
                 json_t *message)
{
    struct held_reply *h;

    if (!faults_holds_replies(t->deps.faults, device) || t->n_held >= THING_HELD_REPLIES_MAX)
        return false;
    h = calloc(1, sizeof(*h));
    if (!h)
        return false;
    *h = (struct held_reply){.device = device, .head = head, .message = message};
    list_append(&t->held, &h->link);
    t->n_held++;
    return true;
}

void thing_release_replies(struct thing *t)
{
    LIST_FOR_EACH_SAFE (n, &t->held) {
        struct held_reply *h = LIST_ENTRY(n, struct held_reply, link);

        if (faults_holds_replies(t->deps.faults, h->device))
            continue;
        /* QoS 0 like every reply */
        (void) thing_send(t, h->device, h->head, json_incref(h->message), 0);
        held_free(t, h);
    }
}

void thing_send_reply(struct thing *t, const struct config_device *device, const char *head,
                      json_t *message)
{
    if (!hold(t, device, head, message))
        (void) thing_send(t, device, head, message, 0); /* the journal tells what became of it */
}

/* {"method","clientToken","code","status"}; the token comes back as it was, whatever it is. */
static json_t *make_reply(const struct request *rq, const char *method,
                          const struct model_verdict *v)
{
    json_t *reply = json_object();
    json_t *token = json_object_get(rq->message, "clientToken");
    const char *status = v->text;
    int code = (int) v->code;

    if (faults_take_wrong_code(rq->thing->deps.faults, rq->device, method, &code))
        status = "fault";
    (void) json_object_set_new(reply, "method", json_string(method));
    if (token)
        (void) json_object_set(reply, "clientToken", token);
    (void) json_object_set_new(reply, "code", json_integer(code));
    (void) json_object_set_new(reply, "status", json_string(status));
    return reply;
}

static void reply(const struct request *rq, const char *method, const struct model_verdict *v)
{
    thing_send_reply(rq->thing, rq->device, rq->head, make_reply(rq, method, v));
}

/* Missing is now. Sets 405 when it is too far off. */
static void check_time(const struct request *rq, const json_t *timestamp, uint64_t *ret_ms,
                       struct model_verdict *v)
{
    uint64_t now = clock_real_ms(rq->thing->deps.clock), ms, off;

    *ret_ms = now;
    model_verdict_set(v, MODEL_CODE_OK, "success");
    if (!timestamp)
        return;
    if (!json_is_integer(timestamp) || json_integer_value(timestamp) < 0) {
        model_verdict_set(v, MODEL_CODE_TIME, "timestamp must be a time in seconds");
        return;
    }
    ms = (uint64_t) json_integer_value(timestamp);
    if (json_integer_value(timestamp) < TIME_IS_MS)
        ms *= 1000;
    off = ms > now ? ms - now : now - ms;
    if (off > LIMIT_TIME_SKEW_S * 1000ULL)
        model_verdict_set(v, MODEL_CODE_TIME, "timestamp is more than 24 hours off");
    *ret_ms = ms;
}

static void on_report(struct request *rq)
{
    json_t *params = json_object_get(rq->message, "params"), *value;
    struct model_verdict v;
    const char *id;

    check_time(rq, json_object_get(rq->message, "timestamp"), &rq->time_ms, &v);
    if (v.code == MODEL_CODE_OK)
        model_check_properties(rq->model, params, false, &v);
    if (v.code == MODEL_CODE_OK) {
        json_object_foreach(params, id, value)
        {
            if (store_report(rq->thing->deps.store, rq->device, id, value, rq->time_ms) < 0)
                model_verdict_set(&v, MODEL_CODE_INTERNAL, "no memory");
        }
    }
    reply(rq, "report_reply", &v);
}

static void on_report_info(struct request *rq)
{
    json_t *params = json_object_get(rq->message, "params");
    struct model_verdict v;

    model_verdict_set(&v, MODEL_CODE_OK, "success");
    if (json_is_object(params))
        store_set_info(rq->thing->deps.store, rq->device, params);
    else
        model_verdict_set(&v, MODEL_CODE_VALUE, "params must be an object");
    reply(rq, "report_info_reply", &v);
}

static json_t *reported_metadata(const struct request *rq, const json_t *reported)
{
    json_t *metadata = json_object(), *value;
    const char *id;

    json_object_foreach((json_t *) (uintptr_t) reported, id, value)
    {
        uint64_t ms = store_reported_ms(rq->thing->deps.store, rq->device, id);

        (void) json_object_set_new(metadata, id, json_pack("{s:I}", "timestamp", (json_int_t) ms));
    }
    return json_pack("{s:o}", "reported", metadata);
}

static json_t *status_data(const struct request *rq, bool with_reported)
{
    struct thing *t = rq->thing;
    json_t *token = json_object_get(rq->message, "clientToken");
    json_t *desired = store_desired(t->deps.store, rq->device);
    json_t *data = json_object();

    if (with_reported)
        (void) json_object_set_new(data, "reported", store_reported(t->deps.store, rq->device));
    if (desired) {
        (void) json_object_set_new(data, "control", desired);
        if (token) /* the C client answers with the token of its get_status */
            thing_remember_write(t, rq->device, token, store_last_write(t->deps.store), true);
    }
    return data;
}

static void on_get_status(struct request *rq)
{
    const json_t *type_member = json_object_get(rq->message, "type");
    const char *type = type_member ? json_string_value(type_member) : "report";
    const json_t *showmeta = json_object_get(rq->message, "showmeta");
    struct model_verdict v;
    json_t *message, *data;

    model_verdict_set(&v, MODEL_CODE_OK, "success");
    if (!type || (strcmp(type, "report") != 0 && strcmp(type, "control") != 0)) {
        model_verdict_set(&v, MODEL_CODE_VALUE, "type must be report or control");
        reply(rq, "get_status_reply", &v);
        return;
    }
    message = make_reply(rq, "get_status_reply", &v);
    data = status_data(rq, strcmp(type, "report") == 0);
    (void) json_object_set_new(message, "type", json_string(type));
    (void) json_object_set_new(message, "data", data);
    if (json_integer_value(showmeta) == 1 && json_object_get(data, "reported"))
        (void) json_object_set_new(message, "metadata",
                                   reported_metadata(rq, json_object_get(data, "reported")));
    thing_send_reply(rq->thing, rq->device, rq->head, message);
}

static void on_clear_control(struct request *rq)
{
    struct store *store = rq->thing->deps.store;
    struct model_verdict v;

    store_confirm(store, rq->device, store_last_write(store), true);
    model_verdict_set(&v, MODEL_CODE_OK, "success");
    reply(rq, "clear_control_reply", &v);
}

static void on_control_reply(struct request *rq)
{
    thing_on_control_reply(rq->thing, rq->device, rq->message);
}

static void on_action_reply(struct request *rq)
{
    thing_on_action_reply(rq->thing, rq->device, rq->message);
}

static void on_bind_token(struct request *rq)
{
    struct model_verdict v;

    thing_take_bind_token(rq->thing, rq->device, rq->message, &v);
    reply(rq, "app_bind_token_reply", &v);
}

static void on_unbind_request(struct request *rq)
{
    struct model_verdict v;

    thing_take_unbind(rq->thing, rq->device, rq->message, &v);
    reply(rq, "unbind_device_reply", &v);
}

static void on_fence_reply(struct request *rq)
{
    thing_on_fence_reply(rq->thing, rq->device, rq->message);
}

static void check_event(const struct request *rq, const json_t *event, uint64_t *ret_ms,
                        struct model_verdict *v)
{
    const char *id = json_string_value(json_object_get(event, "eventId"));
    const char *type = json_string_value(json_object_get(event, "type"));

    check_time(rq, json_object_get(event, "timestamp"), ret_ms, v);
    if (v->code != MODEL_CODE_OK)
        return;
    if (!id) {
        model_verdict_set(v, MODEL_CODE_UNKNOWN, "eventId is missing");
        return;
    }
    model_check_event(rq->model, id, type, json_object_get(event, "params"), v);
    if (v->code == MODEL_CODE_OK && !type)
        model_verdict_set(v, MODEL_CODE_VALUE, "type must be info, alert or fault");
}

static void keep_event(const struct request *rq, const json_t *event, uint64_t ms,
                       struct model_verdict *v)
{
    const char *id = json_string_value(json_object_get(event, "eventId"));

    if (store_add_event(rq->thing->deps.store, rq->device, id, model_event_type(rq->model, id),
                        json_object_get(event, "params"), ms) < 0)
        model_verdict_set(v, MODEL_CODE_INTERNAL, "no memory");
}

static void event_reply(const struct request *rq, const char *method, const struct model_verdict *v)
{
    json_t *message = make_reply(rq, method, v);

    (void) json_object_set_new(message, "version", json_string("1.0"));
    (void) json_object_set_new(message, "data", json_object());
    thing_send_reply(rq->thing, rq->device, rq->head, message);
}

/* All or nothing: the first bad event is the verdict on the message. */
static void take_events(struct request *rq, const char *method, const json_t *events)
{
    struct model_verdict v;
    uint64_t ms;
    size_t n = json_array_size(events);

    if (!json_is_array(events) || n == 0 || n > EVENTS_PER_POST_MAX) {
        model_verdict_set(&v, MODEL_CODE_VALUE, "events must be a list of 1 to %d events",
                          EVENTS_PER_POST_MAX);
        event_reply(rq, method, &v);
        return;
    }
    model_verdict_set(&v, MODEL_CODE_OK, "success");
    for (size_t i = 0; i < n && v.code == MODEL_CODE_OK; i++)
        check_event(rq, json_array_get(events, i), &ms, &v);
    for (size_t i = 0; i < n && v.code == MODEL_CODE_OK; i++) {
        struct model_verdict time_verdict;

        check_time(rq, json_object_get(json_array_get(events, i), "timestamp"), &ms, &time_verdict);
        keep_event(rq, json_array_get(events, i), ms, &v);
    }
    event_reply(rq, method, &v);
}

static void on_event_post(struct request *rq)
{
    json_t *events = json_object_get(rq->message, "events");
    struct model_verdict v;

    /* The Python client puts its one event into a list. */
    if (events && !json_object_get(rq->message, "eventId")) {
        take_events(rq, "event_reply", events);
        return;
    }
    check_event(rq, rq->message, &rq->time_ms, &v);
    if (v.code == MODEL_CODE_OK)
        keep_event(rq, rq->message, rq->time_ms, &v);
    event_reply(rq, "event_reply", &v);
}

static void on_events_post(struct request *rq)
{
    take_events(rq, "events_reply", json_object_get(rq->message, "events"));
}

static const struct {
    enum topic_kind kind;
    const char *method;
    void (*fn)(struct request *rq);
} methods[] = {
    {TOPIC_KIND_PROPERTY, "report", on_report},
    {TOPIC_KIND_PROPERTY, "report_info", on_report_info},
    {TOPIC_KIND_PROPERTY, "get_status", on_get_status},
    {TOPIC_KIND_PROPERTY, "clear_control", on_clear_control},
    {TOPIC_KIND_PROPERTY, "control_reply", on_control_reply},
    {TOPIC_KIND_EVENT, "event_post", on_event_post},
    {TOPIC_KIND_EVENT, "events_post", on_events_post},
    {TOPIC_KIND_ACTION, "action_reply", on_action_reply},
    {TOPIC_KIND_SERVICE, "app_bind_token", on_bind_token},
    {TOPIC_KIND_SERVICE, "unbind_device_request", on_unbind_request},
    {TOPIC_KIND_SERVICE, "alert_fence_event_reply", on_fence_reply},
};

void thing_set_service(struct thing *t, thing_service_fn fn, void *userdata)
{
    t->service = fn;
    t->service_userdata = userdata;
}

static void unknown(struct request *rq, const char *default_method, enum model_code code,
                    const char *text)
{
    struct model_verdict v;

    model_verdict_set(&v, code, "%s", text);
    journal_event(rq->thing->deps.journal, rq->device->id, "bad_message", "%d: %s", (int) code,
                  text);
    /* On the others the device answers, too; an answer is not answered. */
    if (default_method)
        reply(rq, default_method, &v);
}

void thing_on_message(struct thing *t, const struct config_device *device, enum topic_kind kind,
                      const uint8_t *payload, size_t len)
{
    struct request rq = {.thing = t, .device = device, .model = device->product->model};
    const char *default_method = NULL, *method;
    size_t i = 0;

    if (kind == TOPIC_KIND_PROPERTY) {
        rq.head = "$thing/down/property";
        default_method = "report_reply";
    } else if (kind == TOPIC_KIND_EVENT) {
        rq.head = "$thing/down/event";
        default_method = "event_reply";
    } else if (kind == TOPIC_KIND_SERVICE) {
        rq.head = "$thing/down/service";
    } else {
        rq.head = "$thing/down/action";
    }

    rq.message = json_loadb((const char *) payload, len, 0, NULL);
    if (!json_is_object(rq.message)) {
        unknown(&rq, default_method, MODEL_CODE_NOT_JSON, "not a JSON object");
        json_decref(rq.message);
        return;
    }
    method = json_string_value(json_object_get(rq.message, "method"));
    while (method && i < ARRAY_SIZE(methods) &&
           (methods[i].kind != kind || strcmp(methods[i].method, method) != 0))
        i++;
    if (method && i < ARRAY_SIZE(methods))
        methods[i].fn(&rq);
    else if (!method || kind != TOPIC_KIND_SERVICE || !t->service ||
             !t->service(device, method, rq.message, t->service_userdata))
        unknown(&rq, default_method, MODEL_CODE_UNKNOWN,
                method ? "unknown method" : "method is missing");
    json_decref(rq.message);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/desk.h"

#include <errno.h>
#include <string.h>

#include "examples/localcloud/desk_files.h"

#define STATUS_OK 200
#define STATUS_BAD_REQUEST 400
#define WAIT_MAX_MS 60000

/* An application-side call that waits for a device. */
struct app_wait {
    struct http_request *rq;
    struct appapi_request *call;
};

/* A reader of the journal that waits for news. */
struct journal_wait {
    struct desk *desk;
    struct http_request *rq;
    struct journal_waiter waiter;
    struct loop_timer deadline;
    uint64_t since;
};

static void answer_json(struct http_request *rq, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);

    json_decref(value);
    http_request_answer(rq, STATUS_OK, text);
}

static void on_app_answer(char *answer, void *userdata)
{
    struct app_wait *w = userdata;

    http_request_answer(w->rq, STATUS_OK, answer);
    free(w);
}

static void on_app_cancel(void *userdata)
{
    struct app_wait *w = userdata;

    appapi_cancel(w->call);
    free(w);
}

static void on_app(struct http_request *rq, void *userdata)
{
    struct desk *d = userdata;
    CLEANUP(freep) struct app_wait *w = calloc(1, sizeof(*w));
    char *answer = NULL;
    const char *body;
    size_t len;
    int e = -ENOMEM;

    body = http_request_body(rq, &len);
    if (w) {
        w->rq = rq;
        e = appapi_start(d->appapi, (enum appapi_endpoint) http_request_route(rq)->tag, body, len,
                         on_app_answer, w, &answer, &w->call);
    }
    if (e == APPAPI_PENDING)
        http_request_on_cancel(rq, on_app_cancel, TAKE(w));
    else
        http_request_answer(rq, STATUS_OK, e < 0 ? NULL : answer);
}

static void wait_free(struct journal_wait *w)
{
    journal_wait_cancel(&w->waiter);
    loop_timer_cancel(&w->deadline);
    free(w);
}

static void wait_answer(struct journal_wait *w)
{
    struct http_request *rq = w->rq;
    json_t *page = journal_page(w->desk->journal, w->since);

    wait_free(w);
    answer_json(rq, page);
}

static void on_journal_news(struct journal_waiter *waiter, void *userdata)
{
    (void) waiter;
    wait_answer(userdata);
}

static void on_journal_deadline(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    wait_answer(userdata);
}

static void on_journal_cancel(void *userdata)
{
    wait_free(userdata);
}

static void on_journal(struct http_request *rq, void *userdata)
{
    struct desk *d = userdata;
    uint64_t since = 0, wait_ms = 0;
    struct journal_wait *w;

    if (http_request_number(rq, "since", INT64_MAX, &since) < 0 ||
        http_request_number(rq, "wait_ms", WAIT_MAX_MS, &wait_ms) < 0) {
        http_request_fail(rq, STATUS_BAD_REQUEST,
                          "since must be a number, wait_ms a number up to 60000");
        return;
    }
    if (wait_ms == 0 || since < journal_next(d->journal)) {
        answer_json(rq, journal_page(d->journal, since));
        return;
    }
    w = calloc(1, sizeof(*w));
    if (!w) {
        http_request_answer(rq, STATUS_OK, NULL);
        return;
    }
    w->desk = d;
    w->rq = rq;
    w->since = since;
    w->waiter.fn = on_journal_news;
    w->waiter.userdata = w;
    journal_wait(d->journal, &w->waiter);
    loop_timer_arm(d->loop, &w->deadline, wait_ms * USEC_PER_MSEC, on_journal_deadline, w);
    http_request_on_cancel(rq, on_journal_cancel, w);
}

static json_t *device_state(const struct desk *d, const struct config_device *device)
{
    json_t *o = broker_device_json(d->broker, device);
    json_t *faults = faults_json(d->faults, device);
    json_t *desired = store_desired(d->store, device);
    json_t *info = store_info(d->store, device);
    json_t *twecall = twecall_json(d->twecall, device);
    json_t *resources = resources_json(d->resources, device);
    json_t *files = filesvc_json(d->filesvc, device);
    const struct bind *bind = binds_get(d->binds, device);

    (void) json_object_set_new(o, "reported", store_reported(d->store, device));
    if (desired)
        (void) json_object_set_new(o, "desired", desired);
    if (info)
        (void) json_object_set(o, "info", info);
    if (*store_version(d->store, device))
        (void) json_object_set_new(o, "version", json_string(store_version(d->store, device)));
    if (bind)
        (void) json_object_set_new(o, "bound",
                                   json_pack("{s:s, s:s, s:s}", "family", bind->family, "room",
                                             bind->room, "user", bind->user));
    if (twecall)
        (void) json_object_set_new(o, "twecall", twecall);
    if (resources)
        (void) json_object_set_new(o, "resources", resources);
    if (files)
        (void) json_object_set_new(o, "device_files", files);
    if (faults)
        (void) json_object_set_new(o, "faults", faults);
    return o;
}

/*
 * The members of "data" that the platform sends: those of the request as they are, so that devices
 * can be tried with what is no good, too; what is missing is made up.
 */
static bool fence_data(const json_t *request, json_t *data)
{
    static const char *const members[] = {
        "alert_type", "alert_condition", "alarm_time", "fence_name", "long", "lat"};
    json_t *type = json_object_get(request, "alert_type");
    size_t n_known = 1; /* "device" */

    if (!type)
        return false;
    (void) json_object_set(data, "alert_condition", type);
    (void) json_object_set_new(data, "fence_name", json_string("fence"));
    (void) json_object_set_new(data, "long", json_real(0));
    (void) json_object_set_new(data, "lat", json_real(0));
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        json_t *value = json_object_get(request, members[i]);

        if (!value)
            continue;
        (void) json_object_set(data, members[i], value);
        n_known++;
    }
    return json_object_size(request) == n_known;
}

static void on_fence(struct http_request *rq, void *userdata)
{
    struct desk *d = userdata;
    const struct config_device *device = NULL;
    char token[THING_TOKEN_MAX];
    json_t *request, *data = json_object();
    const char *body, *id;
    size_t len;
    int e;

    body = http_request_body(rq, &len);
    request = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
    id = json_string_value(json_object_get(request, "device"));
    if (id)
        device = config_find_device_id(d->config, id);
    if (!device) {
        http_request_fail(rq, STATUS_BAD_REQUEST, "device must name a device, as \"PID/DN\"");
    } else if (!fence_data(request, data)) {
        http_request_fail(rq, STATUS_BAD_REQUEST,
                          "alert_type is missing (In, Out, InOrOut), or a member is not one of "
                          "alert_condition, alarm_time, fence_name, long, lat");
    } else {
        e = thing_fence(d->thing, device, data, token);
        if (e < 0)
            http_request_answer(rq, STATUS_OK, NULL);
        else
            answer_json(rq, json_pack("{s:s}", "clientToken", token));
    }
    json_decref(data);
    json_decref(request);
}

static void on_state(struct http_request *rq, void *userdata)
{
    struct desk *d = userdata;
    json_t *devices = json_array();
    json_t *state = broker_json(d->broker);
    json_t *faults = faults_json(d->faults, NULL);

    for (size_t i = 0; i < d->config->n_devices; i++)
        (void) json_array_append_new(devices, device_state(d, &d->config->devices[i]));
    if (faults)
        (void) json_object_set_new(state, "faults", faults);
    (void) json_object_set_new(state, "files", files_json(d->files));
    (void) json_object_set_new(state, "journal_next",
                               json_integer((json_int_t) journal_next(d->journal)));
    (void) json_object_set_new(state, "devices", devices);
    answer_json(rq, state);
}

static void on_fault(struct http_request *rq, void *userdata)
{
    struct desk *d = userdata;
    char error[FAULTS_ERROR_MAX];
    json_t *request;
    const char *body;
    size_t len;
    int e;

    body = http_request_body(rq, &len);
    request = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
    if (!request) {
        http_request_fail(rq, STATUS_BAD_REQUEST, "the body is not JSON");
        return;
    }
    e = faults_apply(d->faults, request, error);
    json_decref(request);
    if (e < 0)
        http_request_fail(rq, STATUS_BAD_REQUEST, error);
    else
        answer_json(rq, json_pack("{s:b}", "ok", 1));
}

static void on_register(struct http_request *rq, void *userdata)
{
    const struct desk *d = userdata;
    struct dynreg_request request = {
        .host = http_request_header(rq, "host"),
        .algorithm = http_request_header(rq, "x-tc-algorithm"),
        .timestamp = http_request_header(rq, "x-tc-timestamp"),
        .nonce = http_request_header(rq, "x-tc-nonce"),
        .signature = http_request_header(rq, "x-tc-signature"),
    };

    request.body = http_request_body(rq, &request.len);
    http_request_answer(rq, STATUS_OK, dynreg_new_style(&d->dynreg, &request));
}

static void on_register_old(struct http_request *rq, void *userdata)
{
    const struct desk *d = userdata;
    size_t len;
    const char *body = http_request_body(rq, &len);

    http_request_answer(rq, STATUS_OK, dynreg_old_style(&d->dynreg, body, len));
}

const struct http_route desk_routes[] = {
    {"POST", "/api/exploreropen/appapi", on_app, APPAPI_ENDPOINT_SIGNED, NULL},
    {"POST", "/api/exploreropen/tokenapi", on_app, APPAPI_ENDPOINT_TOKEN, NULL},
    {"POST", DYNREG_PATH_NEW, on_register, 0, NULL},
    {"POST", DYNREG_PATH_OLD, on_register_old, 0, NULL},
    {"GET", "/journal", on_journal, 0, NULL},
    {"GET", "/state", on_state, 0, NULL},
    {"POST", "/fault", on_fault, 0, NULL},
    {"POST", "/fence", on_fence, 0, NULL},
    {"POST", "/resource", desk_on_resource, 0, NULL},
    {"POST", "/device-file", desk_on_device_file, 0, NULL},
    {"POST", "/file", desk_on_file_url, 0, NULL},
    {"GET", "/firmware", desk_on_firmware_get, 0, NULL},
    {"POST", "/firmware", desk_on_firmware_post, DESK_FIRMWARE_ADD, NULL},
    {"POST", "/firmware/remove", desk_on_firmware_post, DESK_FIRMWARE_REMOVE, NULL},
    {"POST", "/firmware/task", desk_on_firmware_post, DESK_FIRMWARE_TASK, NULL},
    {"POST", "/firmware/cancel", desk_on_firmware_post, DESK_FIRMWARE_CANCEL, NULL},
    {"POST", "/firmware/retry", desk_on_firmware_post, DESK_FIRMWARE_RETRY, NULL},
    {"GET", "/files/", desk_on_file_get, false, NULL},
    {"HEAD", "/files/", desk_on_file_get, true, NULL},
    {"PUT", "/files/", NULL, 0, desk_on_file_put},
    {NULL, NULL, NULL, 0, NULL},
};

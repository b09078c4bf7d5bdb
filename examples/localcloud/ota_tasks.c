/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks: which devices they are for, when the order is sent, and how each device ends. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "examples/localcloud/ota_state.h"

/* Console guide: when a device says nothing, the order is sent again. */
#define TIMEOUT_SILENT_S 900
#define TIMEOUT_CONFIRM_S 120
#define TIMEOUT_MAX_S 604800
#define DEVICES_MAX 10000 /* console guide */

static struct ota_job *job_free(struct ota_job *job)
{
    if (!job)
        return NULL;
    loop_timer_cancel(&job->timer);
    list_remove(&job->link);
    free(job);
    return NULL;
}

struct ota_task *ota_task_free(struct ota_task *t)
{
    if (!t)
        return NULL;
    LIST_FOR_EACH_SAFE (n, &t->jobs)
        job_free(LIST_ENTRY(n, struct ota_job, link));
    list_remove(&t->link);
    json_decref(t->from);
    json_decref(t->devices);
    free(t);
    return NULL;
}

int ota_job_new(struct ota_job **ret_job, struct ota_task *task, const struct config_device *device)
{
    const struct ota *o = task->ota;
    struct ota_job *job = calloc(1, sizeof(*job));

    if (!job)
        return -ENOMEM;
    job->task = task;
    job->device = device;
    job->confirmed = !task->confirm;
    job->state = task->confirm ? OTA_STATE_confirming : OTA_STATE_pending;
    job->changed_ms = clock_real_ms(o->deps.clock);
    (void) snprintf(job->from, sizeof(job->from), "%s", store_version(o->deps.store, device));
    list_append(&task->jobs, &job->link);
    *ret_job = job;
    return 0;
}

static struct ota_job *find_job(const struct ota_task *t, const struct config_device *device)
{
    LIST_FOR_EACH (n, &t->jobs) {
        struct ota_job *job = LIST_ENTRY(n, struct ota_job, link);

        if (job->device == device)
            return job;
    }
    return NULL;
}

struct ota_job *ota_newest_job(const struct ota *o, const struct config_device *device)
{
    struct ota_job *newest = NULL;

    LIST_FOR_EACH (n, &o->tasks) {
        struct ota_job *job = find_job(LIST_ENTRY(n, struct ota_task, link), device);

        newest = job ? job : newest;
    }
    return newest;
}

static void on_timeout(struct loop_timer *timer, void *userdata);

void ota_job_touch(struct ota_job *job)
{
    loop_timer_arm(job->task->ota->deps.loop, &job->timer, job->task->timeout_s * USEC_PER_SEC,
                   on_timeout, job);
}

void ota_job_set(struct ota_job *job, enum ota_state state, int code, const char *fmt, ...)
{
    const struct ota *o = job->task->ota;
    va_list ap;

    job->state = state;
    job->code = code;
    job->changed_ms = clock_real_ms(o->deps.clock);
    va_start(ap, fmt);
    (void) vsnprintf(job->text, sizeof(job->text), fmt, ap);
    va_end(ap);
    if (ota_is_over(state))
        loop_timer_cancel(&job->timer);
    journal_event(o->deps.journal, job->device->id, "ota_state", "task %llu to version %s: %s%s%s",
                  (unsigned long long) job->task->id, job->task->version, ota_state_names[state],
                  *job->text ? ": " : "", job->text);
    ota_save(o);
}

static json_t *make_order(const struct ota *o, const struct ota_firmware *f,
                          const struct blob *blob)
{
    CLEANUP(freep) char *url = NULL;
    json_t *order;

    if (blobs_get_url(o->deps.blobs, f->key, 0, &url) < 0)
        return NULL;
    /* user_defined is always there: a vendor's client drops an order without it. */
    order = json_pack("{s:s, s:s, s:s, s:I, s:s, s:s}", "type", "update_firmware", "version",
                      f->version, "url", url, "file_size", (json_int_t) blob->size, "md5sum",
                      blob->md5, "user_defined", f->custom);
    if (order && *f->fw_type)
        (void) json_object_set_new(order, "fw_type", json_string(f->fw_type));
    if (order && f->extra)
        (void) json_object_update(order, f->extra);
    return order;
}

/* QoS 1, so that an order is not lost on its way; none is sent to a device that is not there. */
static bool send_order(const struct ota_job *job, const struct ota_firmware *f,
                       const struct blob *blob)
{
    const struct ota *o = job->task->ota;
    json_t *order = make_order(o, f, blob);
    CLEANUP(freep) char *text = order ? json_dumps(order, JSON_COMPACT) : NULL;
    char topic[CONFIG_DEVICE_ID_MAX + 32];

    json_decref(order);
    if (!text)
        return false;
    (void) snprintf(topic, sizeof(topic), "$ota/update/%s", job->device->id);
    return broker_publish(o->deps.broker, job->device, topic, text, strlen(text), 1) == BROKER_SENT;
}

/* Sends the order if it is time for it. */
static void dispatch(struct ota_job *job)
{
    const struct ota *o = job->task->ota;
    const struct ota_firmware *f = ota_find_firmware(o, job->task->product, job->task->version);
    const struct blob *blob = f ? ota_firmware_blob(o, f) : NULL;

    if (strcmp(store_version(o->deps.store, job->device), job->task->version) == 0) {
        ota_job_set(job, OTA_STATE_succeeded, 0, "%s", "");
        return;
    }
    if (!job->confirmed || !broker_is_online(o->deps.broker, job->device))
        return;
    if (!blob) {
        ota_job_set(job, OTA_STATE_failed, 0, "%s", "the firmware is gone");
        return;
    }
    ota_job_touch(job);
    if (send_order(job, f, blob))
        ota_job_set(job, OTA_STATE_pushed, 0, "%s", "");
}

static void on_timeout(struct loop_timer *timer, void *userdata)
{
    struct ota_job *job = userdata;

    (void) timer;
    journal_event(job->task->ota->deps.journal, job->device->id, "ota_timeout",
                  "nothing heard of version %s for %llu s", job->task->version,
                  (unsigned long long) job->task->timeout_s);
    dispatch(job);
}

static bool has_text(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (strcmp(json_string_value(json_array_get(list, i)), text) == 0)
            return true;
    }
    return false;
}

/* Whether a device is in a task; those that name devices take them with any version. */
static bool is_for(const struct ota_task *t, const struct config_device *device)
{
    const char *version = store_version(t->ota->deps.store, device);

    if (device->product != t->product || (t->devices && !has_text(t->devices, device->name)))
        return false;
    if (t->from)
        return has_text(t->from, version);
    return t->devices || (*version && strcmp(version, t->version) != 0);
}

/* A device has one task at a time, the newest. */
static int join(struct ota_task *t, const struct config_device *device)
{
    struct ota_job *older = ota_newest_job(t->ota, device), *job;
    int e;

    if (older && !ota_is_over(older->state))
        ota_job_set(older, OTA_STATE_failed, 0, "replaced by task %llu",
                    (unsigned long long) t->id);
    e = ota_job_new(&job, t, device);
    if (e == 0)
        dispatch(job);
    return e;
}

void ota_on_version(struct ota *o, const struct config_device *device)
{
    struct ota_job *job = ota_newest_job(o, device);

    if (job && !ota_is_over(job->state)) {
        if (!*job->from)
            (void) snprintf(job->from, sizeof(job->from), "%s",
                            store_version(o->deps.store, device));
        dispatch(job);
        return;
    }
    LIST_FOR_EACH (n, &o->tasks) {
        struct ota_task *t = LIST_ENTRY(n, struct ota_task, link);

        if (!t->dynamic || find_job(t, device) || !is_for(t, device))
            continue;
        if (join(t, device) < 0)
            journal_event(o->deps.journal, device->id, "ota_state", "no memory for task %llu",
                          (unsigned long long) t->id);
    }
}

/* NULL, or a list of texts. */
static int get_list(const json_t *request, const char *key, json_t **ret_list, char *error)
{
    json_t *list = json_object_get(request, key);
    size_t n = json_array_size(list);

    if (list && (!json_is_array(list) || n == 0 || n > DEVICES_MAX))
        return ota_wrong(error, -EINVAL, "%s must be a list of 1 to %d", key, DEVICES_MAX);
    for (size_t i = 0; i < n; i++) {
        if (!json_is_string(json_array_get(list, i)))
            return ota_wrong(error, -EINVAL, "%s must hold strings", key);
    }
    *ret_list = json_incref(list);
    return 0;
}

static int check_devices(const struct ota_task *t, char *error)
{
    for (size_t i = 0; i < json_array_size(t->devices); i++) {
        const char *name = json_string_value(json_array_get(t->devices, i));

        if (!config_find_device(t->ota->deps.config, t->product->id, name))
            return ota_wrong(error, -EINVAL, "there is no device %.48s", name);
    }
    return 0;
}

static int get_switches(struct ota_task *t, const json_t *request, char *error)
{
    const json_t *mode = json_object_get(request, "mode"), *v;
    const char *name = mode ? json_string_value(mode) : "static";

    if (!name || (strcmp(name, "static") != 0 && strcmp(name, "dynamic") != 0))
        return ota_wrong(error, -EINVAL, "mode must be static or dynamic");
    t->dynamic = strcmp(name, "dynamic") == 0;
    v = json_object_get(request, "confirm");
    if (v && !json_is_boolean(v))
        return ota_wrong(error, -EINVAL, "confirm must be true or false");
    t->confirm = json_is_true(v);
    t->timeout_s = t->confirm ? TIMEOUT_CONFIRM_S : TIMEOUT_SILENT_S;
    v = json_object_get(request, "timeout_s");
    if (v &&
        (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > TIMEOUT_MAX_S))
        return ota_wrong(error, -EINVAL, "timeout_s must be 1 to %d", TIMEOUT_MAX_S);
    if (v)
        t->timeout_s = (uint64_t) json_integer_value(v);
    return 0;
}

int ota_parse_task(struct ota *o, const json_t *request, struct ota_task **ret_task,
                   char error[OTA_ERROR_MAX])
{
    CLEANUP(ota_task_freep) struct ota_task *t = calloc(1, sizeof(*t));
    const char *product = json_string_value(json_object_get(request, "product"));
    const char *version = json_string_value(json_object_get(request, "version"));
    int e;

    if (!t)
        return -ENOMEM;
    list_init(&t->link);
    list_init(&t->jobs);
    t->ota = o;
    t->product = product ? config_find_product(o->deps.config, product) : NULL;
    if (!t->product || !ota_is_version(version))
        return ota_wrong(error, -EINVAL, "product and version must name an image");
    (void) snprintf(t->version, sizeof(t->version), "%s", version);
    e = get_list(request, "from", &t->from, error);
    if (e == 0)
        e = get_list(request, "devices", &t->devices, error);
    if (e == 0)
        e = check_devices(t, error);
    if (e == 0)
        e = get_switches(t, request, error);
    if (e < 0)
        return e;
    *ret_task = TAKE(t);
    return 0;
}

/* Members of a request that nobody knows are mistakes. */
static int check_members(const json_t *request, char *error)
{
    static const char *const known[] = {"product", "version", "from",     "devices",
                                        "mode",    "confirm", "timeout_s"};
    const char *key;
    json_t *value;

    json_object_foreach((json_t *) (uintptr_t) request, key, value)
    {
        size_t i = 0;

        while (i < ARRAY_SIZE(known) && strcmp(known[i], key) != 0)
            i++;
        if (i == ARRAY_SIZE(known))
            return ota_wrong(error, -EINVAL, "a task has no member \"%.48s\"", key);
    }
    return 0;
}

int ota_add_task(struct ota *o, const json_t *request, json_t **ret_answer,
                 char ret_error[OTA_ERROR_MAX])
{
    CLEANUP(ota_task_freep) struct ota_task *t = NULL;
    const struct ota_firmware *f;
    struct ota_task *task;
    int e = check_members(request, ret_error);

    if (e == 0)
        e = ota_parse_task(o, request, &t, ret_error);
    if (e < 0)
        return e;
    f = ota_find_firmware(o, t->product, t->version);
    if (!f || !ota_firmware_blob(o, f))
        return ota_wrong(ret_error, -ENOENT,
                         f ? "the file of version %s was not uploaded yet"
                           : "there is no version %s",
                         t->version);
    if (o->n_tasks >= OTA_TASKS_MAX)
        ota_task_free(LIST_ENTRY(o->tasks.next, struct ota_task, link));
    else
        o->n_tasks++;
    t->id = ++o->last_task;
    t->time_s = clock_real_ms(o->deps.clock) / 1000;
    task = TAKE(t);
    list_append(&o->tasks, &task->link);
    for (size_t i = 0; e == 0 && i < o->deps.config->n_devices; i++) {
        if (is_for(task, &o->deps.config->devices[i]))
            e = join(task, &o->deps.config->devices[i]);
    }
    ota_save(o);
    *ret_answer = ota_task_json(task);
    return e < 0 || !*ret_answer ? -ENOMEM : 0;
}

/* "task" and, perhaps, "device": does fn to each job, and counts. */
static int for_jobs(struct ota *o, const json_t *request, bool (*fn)(struct ota_job *job),
                    json_t **ret_answer, char *error)
{
    const json_t *id = json_object_get(request, "task");
    const char *device = json_string_value(json_object_get(request, "device"));
    struct ota_task *task = NULL;
    int n_jobs = 0;

    LIST_FOR_EACH (n, &o->tasks) {
        struct ota_task *t = LIST_ENTRY(n, struct ota_task, link);

        if (json_is_integer(id) && (uint64_t) json_integer_value(id) == t->id)
            task = t;
    }
    if (!task)
        return ota_wrong(error, -ENOENT, "task must be the number of one");
    LIST_FOR_EACH (n, &task->jobs) {
        struct ota_job *job = LIST_ENTRY(n, struct ota_job, link);

        if (!device || strcmp(job->device->id, device) == 0)
            n_jobs += fn(job);
    }
    *ret_answer = json_pack("{s:i}", "devices", n_jobs);
    return *ret_answer ? 0 : -ENOMEM;
}

static bool cancel(struct ota_job *job)
{
    if (ota_is_over(job->state))
        return false;
    ota_job_set(job, OTA_STATE_failed, 0, "%s", "cancelled");
    return true;
}

static bool retry(struct ota_job *job)
{
    if (job->state != OTA_STATE_failed || ota_newest_job(job->task->ota, job->device) != job)
        return false;
    job->percent = 0;
    ota_job_set(job, job->confirmed ? OTA_STATE_pending : OTA_STATE_confirming, 0, "%s", "");
    dispatch(job);
    return true;
}

int ota_cancel(struct ota *o, const json_t *request, json_t **ret_answer,
               char ret_error[OTA_ERROR_MAX])
{
    return for_jobs(o, request, cancel, ret_answer, ret_error);
}

int ota_retry(struct ota *o, const json_t *request, json_t **ret_answer,
              char ret_error[OTA_ERROR_MAX])
{
    return for_jobs(o, request, retry, ret_answer, ret_error);
}

int ota_confirm(struct ota *o, const struct config_device *device)
{
    struct ota_job *job = ota_newest_job(o, device);

    if (!job || job->state == OTA_STATE_succeeded)
        return -ENOENT;
    if (!broker_is_online(o->deps.broker, device))
        return -ENOTCONN;
    job->confirmed = true;
    job->percent = 0;
    dispatch(job);
    return 0;
}

int ota_get_status(const struct ota *o, const struct config_device *device,
                   struct ota_status *ret_status)
{
    const struct ota_job *job = ota_newest_job(o, device);

    if (!job)
        return -ENOENT;
    *ret_status = (struct ota_status){
        .state = job->state,
        .from = job->from,
        .target = job->task->version,
        .text = job->text,
        .code = job->code,
        .percent = job->percent,
    };
    return 0;
}

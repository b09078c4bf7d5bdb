/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Images and tasks as JSON: shown on the desk, and kept, in the words of the requests. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "examples/localcloud/ota_state.h"
#include "examples/localcloud/persist.h"

#define DOCUMENT "firmware.json"

json_t *ota_firmware_json(const struct ota *o, const struct ota_firmware *f)
{
    const struct blob *blob = ota_firmware_blob(o, f);
    json_t *v =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "product", f->product->id, "version",
                  f->version, "name", f->name, "description", f->description, "custom", f->custom,
                  "fw_type", f->fw_type, "key", f->key, "time", (json_int_t) f->time_s);

    if (v && f->extra)
        (void) json_object_set(v, "extra", f->extra);
    if (v && blob) {
        (void) json_object_set_new(v, "size", json_integer((json_int_t) blob->size));
        (void) json_object_set_new(v, "md5", json_string(blob->md5));
    }
    return v;
}

static json_t *job_json(const struct ota_job *job)
{
    json_t *v = json_pack("{s:s, s:s, s:s, s:b, s:I}", "device", job->device->id, "state",
                          ota_state_names[job->state], "from", job->from, "confirmed",
                          job->confirmed, "changed_ms", (json_int_t) job->changed_ms);

    if (v && (job->state == OTA_STATE_downloading || job->state == OTA_STATE_burning))
        (void) json_object_set_new(v, "percent", json_integer(job->percent));
    if (v && job->state == OTA_STATE_failed) {
        (void) json_object_set_new(v, "code", json_integer(job->code));
        (void) json_object_set_new(v, "text", json_string(job->text));
    }
    return v;
}

json_t *ota_task_json(const struct ota_task *t)
{
    json_t *jobs = json_array(), *v;

    LIST_FOR_EACH (n, &t->jobs)
        (void) json_array_append_new(jobs, job_json(LIST_ENTRY(n, struct ota_job, link)));
    v = json_pack("{s:I, s:s, s:s, s:s, s:b, s:I, s:I, s:o}", "task", (json_int_t) t->id, "product",
                  t->product->id, "version", t->version, "mode", t->dynamic ? "dynamic" : "static",
                  "confirm", t->confirm, "timeout_s", (json_int_t) t->timeout_s, "time",
                  (json_int_t) t->time_s, "states", jobs);
    if (v && t->from)
        (void) json_object_set(v, "from", t->from);
    if (v && t->devices)
        (void) json_object_set(v, "devices", t->devices);
    return v;
}

json_t *ota_json(const struct ota *o)
{
    json_t *firmware = json_array(), *tasks = json_array();

    LIST_FOR_EACH (n, &o->firmware)
        (void) json_array_append_new(
            firmware, ota_firmware_json(o, LIST_ENTRY(n, struct ota_firmware, link)));
    LIST_FOR_EACH (n, &o->tasks)
        (void) json_array_append_new(tasks, ota_task_json(LIST_ENTRY(n, struct ota_task, link)));
    return json_pack("{s:o, s:o, s:I}", "firmware", firmware, "tasks", tasks, "last_task",
                     (json_int_t) o->last_task);
}

void ota_save(const struct ota *o)
{
    json_t *document;
    int e;

    if (o->deps.dir < 0)
        return;
    document = ota_json(o);
    e = document ? persist_save(o->deps.dir, DOCUMENT, document) : -ENOMEM;
    json_decref(document);
    if (e < 0)
        journal_event(o->deps.journal, "", "not_kept", "%s: %s", DOCUMENT, strerror(-e));
}

/* Devices that are not configured any more are forgotten. */
static int load_job(struct ota_task *t, const json_t *v)
{
    const char *id = json_string_value(json_object_get(v, "device"));
    const char *state = json_string_value(json_object_get(v, "state"));
    const char *from = json_string_value(json_object_get(v, "from"));
    const char *text = json_string_value(json_object_get(v, "text"));
    const struct config_device *device = id ? config_find_device_id(t->ota->deps.config, id) : NULL;
    struct ota_job *job;
    int e;

    if (!state || !from)
        return -EINVAL;
    if (!device)
        return 0;
    e = ota_job_new(&job, t, device);
    if (e < 0)
        return e;
    for (unsigned i = 0; i < OTA_STATE_COUNT_; i++) {
        if (strcmp(ota_state_names[i], state) == 0)
            job->state = (enum ota_state) i;
    }
    job->confirmed = json_is_true(json_object_get(v, "confirmed"));
    job->code = (int) json_integer_value(json_object_get(v, "code"));
    job->percent = (unsigned) json_integer_value(json_object_get(v, "percent"));
    job->changed_ms = (uint64_t) json_integer_value(json_object_get(v, "changed_ms"));
    (void) snprintf(job->from, sizeof(job->from), "%s", from);
    (void) snprintf(job->text, sizeof(job->text), "%s", text ? text : "");
    if (!ota_is_over(job->state))
        ota_job_touch(job);
    return 0;
}

static int load_task(struct ota *o, const json_t *v)
{
    CLEANUP(ota_task_freep) struct ota_task *t = NULL;
    const json_t *jobs = json_object_get(v, "states");
    char error[OTA_ERROR_MAX];
    int e = ota_parse_task(o, v, &t, error);

    for (size_t i = 0; e == 0 && i < json_array_size(jobs); i++)
        e = load_job(t, json_array_get(jobs, i));
    if (e < 0)
        return e == -EINVAL ? 0 : e; /* of a product or device that is gone */
    t->id = (uint64_t) json_integer_value(json_object_get(v, "task"));
    t->time_s = (uint64_t) json_integer_value(json_object_get(v, "time"));
    list_append(&o->tasks, &t->link);
    o->n_tasks++;
    t = NULL;
    return 0;
}

static int load_firmware(struct ota *o, const json_t *v)
{
    struct ota_firmware *f = NULL;
    char error[OTA_ERROR_MAX];
    int e = ota_parse_firmware(o, v, &f, error);

    if (e < 0)
        return e == -EINVAL ? 0 : e; /* of a product that is gone */
    f->time_s = (uint64_t) json_integer_value(json_object_get(v, "time"));
    list_append(&o->firmware, &f->link);
    o->n_firmware++;
    return 0;
}

int ota_load(struct ota *o)
{
    json_t *document, *firmware, *tasks;
    int e = persist_load(o->deps.dir, DOCUMENT, &document);

    if (e < 0)
        return e == -ENOENT ? 0 : e;
    firmware = json_object_get(document, "firmware");
    tasks = json_object_get(document, "tasks");
    o->last_task = (uint64_t) json_integer_value(json_object_get(document, "last_task"));
    for (size_t i = 0; e == 0 && i < json_array_size(firmware); i++)
        e = load_firmware(o, json_array_get(firmware, i));
    for (size_t i = 0; e == 0 && i < json_array_size(tasks); i++)
        e = load_task(o, json_array_get(tasks, i));
    json_decref(document);
    return e;
}

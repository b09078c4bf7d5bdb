/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What devices say on $ota/report, and what the platform makes of it. */

#include "examples/localcloud/ota.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "examples/localcloud/ota_state.h"
#include "libiotclient/base/num.h"

#define RESULT_INVALID (-1) /* our number: the documents name none */
#define PERCENT_MAX 100

#define X(name) #name,
const char *const ota_state_names[OTA_STATE_COUNT_ + 1] = {OTA_STATES NULL};
#undef X

bool ota_is_version(const char *text)
{
    size_t len = text ? strlen(text) : 0;

    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char) text[i]) && !strchr(".-_", text[i]))
            return false;
    }
    return len >= 1 && len <= STORE_VERSION_MAX;
}

int ota_wrong(char error[OTA_ERROR_MAX], int e, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(error, OTA_ERROR_MAX, fmt, ap);
    va_end(ap);
    return e;
}

int ota_new(struct ota **ret_ota, const struct ota_deps *deps)
{
    CLEANUP(ota_freep) struct ota *o = calloc(1, sizeof(*o));
    int e;

    if (!o)
        return -ENOMEM;
    o->deps = *deps;
    list_init(&o->firmware);
    list_init(&o->tasks);
    e = ota_load(o);
    if (e < 0)
        return e;
    *ret_ota = TAKE(o);
    return 0;
}

struct ota *ota_free(struct ota *o)
{
    if (!o)
        return NULL;
    LIST_FOR_EACH_SAFE (n, &o->tasks)
        ota_task_free(LIST_ENTRY(n, struct ota_task, link));
    LIST_FOR_EACH_SAFE (n, &o->firmware)
        ota_firmware_free(LIST_ENTRY(n, struct ota_firmware, link));
    free(o);
    return NULL;
}

static void PRINTF_LIKE(3, 4)
    bad_message(const struct ota *o, const struct config_device *device, const char *fmt, ...)
{
    char text[OTA_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    journal_event(o->deps.journal, device->id, "bad_message", "$ota: %s", text);
}

/* result_code is a number here, as the vendor's own client reads it. */
static void on_report_version(struct ota *o, const struct config_device *device,
                              const json_t *message)
{
    const json_t *report = json_object_get(message, "report");
    const char *version = json_string_value(json_object_get(report, "version"));
    const char *text = "success";
    json_t *reply = json_object();
    int code = 0;

    if (ota_is_version(version)) {
        store_set_version(o->deps.store, device, version);
    } else {
        code = RESULT_INVALID;
        text = "report.version must be 1 to 32 of letters, digits, '.', '-', '_'";
        bad_message(o, device, "%s", text);
    }
    if (faults_take_wrong_code(o->deps.faults, device, "report_version_rsp", &code))
        text = "fault";
    (void) json_object_set_new(reply, "type", json_string("report_version_rsp"));
    (void) json_object_set_new(reply, "result_code", json_integer(code));
    (void) json_object_set_new(reply, "result_msg", json_string(text));
    if (version)
        (void) json_object_set_new(reply, "version", json_string(version));
    thing_send_reply(o->deps.thing, device, "$ota/update", reply);
    if (ota_is_version(version))
        ota_on_version(o, device);
}

/* Numbers are texts here; the newer clients' own numbers are taken, too. */
static bool get_number(const json_t *progress, const char *key, int64_t *ret_value)
{
    const json_t *v = json_object_get(progress, key);

    if (json_is_integer(v))
        *ret_value = json_integer_value(v);
    else if (!json_is_string(v) || num_parse_i64(json_string_value(v), ret_value) < 0)
        return false;
    return true;
}

/* A checked report_progress. */
struct progress {
    enum ota_state state; /* succeeded is done */
    int64_t percent;
    int64_t code;
    const char *text;
};

static const char *parse_progress(const json_t *message, struct progress *p)
{
    static const struct {
        const char *name;
        enum ota_state state;
    } states[] = {
        {"downloading", OTA_STATE_downloading},
        {"burning", OTA_STATE_burning},
        {"done", OTA_STATE_succeeded},
        {"fail", OTA_STATE_failed},
    };
    const json_t *o = json_object_get(json_object_get(message, "report"), "progress");
    const char *name = json_string_value(json_object_get(o, "state"));
    size_t i = 0;

    while (name && i < ARRAY_SIZE(states) && strcmp(states[i].name, name) != 0)
        i++;
    if (!name || i == ARRAY_SIZE(states))
        return "progress.state must be downloading, burning, done or fail";
    *p = (struct progress){.state = states[i].state};
    if (!get_number(o, "result_code", &p->code) || p->code < INT32_MIN || p->code > INT32_MAX)
        return "progress.result_code must be a number in a string";
    if ((p->code == 0) == (p->state == OTA_STATE_failed))
        return "progress.result_code must be 0, except for fail";
    if (p->state == OTA_STATE_downloading &&
        (!get_number(o, "percent", &p->percent) || p->percent < 0 || p->percent > PERCENT_MAX))
        return "progress.percent must be 0 to 100 in a string";
    p->text = json_string_value(json_object_get(o, "result_msg"));
    if (!p->text)
        return "progress.result_msg must be a string";
    return NULL;
}

/* The vendor's meaning of a failure. */
static const char *code_text(int64_t code)
{
    static const char *const texts[] = {
        [1] = "download timed out", [2] = "no such file",  [3] = "signature expired",
        [4] = "MD5 does not match", [5] = "update failed",
    };

    return code < 0 && code >= -5 ? texts[-code] : "unknown code";
}

/* A device is believed what it does, but not that it is done before it runs the new version. */
static void take_progress(struct ota_job *job, const struct progress *p)
{
    const struct ota *o = job->task->ota;

    ota_job_touch(job);
    switch (p->state) {
    case OTA_STATE_downloading:
        job->percent = (unsigned) p->percent;
        if (job->state != OTA_STATE_downloading)
            ota_job_set(job, OTA_STATE_downloading, 0, "%s", "");
        break;
    case OTA_STATE_burning:
        job->percent = PERCENT_MAX;
        if (job->state != OTA_STATE_burning)
            ota_job_set(job, OTA_STATE_burning, 0, "%s", "");
        break;
    case OTA_STATE_failed:
        if (p->code > -1 || p->code < -5)
            bad_message(o, job->device, "progress.result_code of fail must be -1 to -5");
        ota_job_set(job, OTA_STATE_failed, (int) p->code, "%s: %.64s", code_text(p->code), p->text);
        break;
    case OTA_STATE_succeeded: /* report_version alone closes a task */
    case OTA_STATE_pending:
    case OTA_STATE_confirming:
    case OTA_STATE_pushed:
    case OTA_STATE_COUNT_:
        journal_event(o->deps.journal, job->device->id, "ota_not_done",
                      "done, but version %s was not reported", job->task->version);
        break;
    }
}

static void on_report_progress(struct ota *o, const struct config_device *device,
                               const json_t *message)
{
    struct ota_job *job = ota_newest_job(o, device);
    const json_t *report = json_object_get(message, "report");
    const char *version = json_string_value(json_object_get(report, "version"));
    struct progress p;
    const char *problem = parse_progress(message, &p);

    if (!version) /* the vendor's samples can be read both ways */
        version = json_string_value(json_object_get(message, "version"));
    if (problem)
        bad_message(o, device, "%s", problem);
    else if (!version)
        bad_message(o, device, "report.version is missing");
    else if (!job || strcmp(job->task->version, version) != 0)
        journal_event(o->deps.journal, device->id, "ota_unexpected",
                      "no task wants version %.32s of it", version);
    else if (p.state == OTA_STATE_succeeded && job->state == OTA_STATE_succeeded)
        journal_event(o->deps.journal, device->id, "ota_done", "version %s", version);
    else if (ota_is_over(job->state))
        journal_event(o->deps.journal, device->id, "ota_unexpected", "the task %s already",
                      ota_state_names[job->state]);
    else
        take_progress(job, &p);
}

void ota_on_message(struct ota *o, const struct config_device *device, const uint8_t *payload,
                    size_t len)
{
    json_t *message = json_loadb((const char *) payload, len, 0, NULL);
    const char *type = json_string_value(json_object_get(message, "type"));

    if (!type)
        bad_message(o, device, "not an object with a type");
    else if (strcmp(type, "report_version") == 0)
        on_report_version(o, device, message);
    else if (strcmp(type, "report_progress") == 0)
        on_report_progress(o, device, message);
    else
        bad_message(o, device, "no known type");
    json_decref(message);
}

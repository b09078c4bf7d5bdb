/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/ota.h"

#include <ctype.h>
#include <string.h>

#define RESULT_INVALID (-1) /* our number: the documents name none */

/* 1 to 32 of [A-Za-z0-9.-_] (console guide, firmware version). */
static bool is_version(const char *text)
{
    size_t len = text ? strlen(text) : 0;

    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char) text[i]) && !strchr(".-_", text[i]))
            return false;
    }
    return len >= 1 && len <= STORE_VERSION_MAX;
}

/* result_code is a number here, as the vendor's own client reads it. */
static void on_report_version(const struct ota_deps *deps, const struct config_device *device,
                              const json_t *message)
{
    const json_t *report = json_object_get(message, "report");
    const char *version = json_string_value(json_object_get(report, "version"));
    const char *text = "success";
    json_t *reply = json_object();
    int code = 0;

    if (is_version(version)) {
        store_set_version(deps->store, device, version);
    } else {
        code = RESULT_INVALID;
        text = "report.version must be 1 to 32 of letters, digits, '.', '-', '_'";
        journal_event(deps->journal, device->id, "bad_message", "$ota: %s", text);
    }
    if (faults_take_wrong_code(deps->faults, device, "report_version_rsp", &code))
        text = "fault";
    (void) json_object_set_new(reply, "type", json_string("report_version_rsp"));
    (void) json_object_set_new(reply, "result_code", json_integer(code));
    (void) json_object_set_new(reply, "result_msg", json_string(text));
    if (version)
        (void) json_object_set_new(reply, "version", json_string(version));
    thing_send_reply(deps->thing, device, "$ota/update", reply);
}

void ota_on_message(const struct ota_deps *deps, const struct config_device *device,
                    const uint8_t *payload, size_t len)
{
    json_t *message = json_loadb((const char *) payload, len, 0, NULL);
    const char *type = json_string_value(json_object_get(message, "type"));

    if (!type)
        journal_event(deps->journal, device->id, "bad_message", "$ota: not an object with a type");
    else if (strcmp(type, "report_version") == 0)
        on_report_version(deps, device, message);
    else if (strcmp(type, "report_progress") != 0) /* which is in the journal */
        journal_event(deps->journal, device->id, "bad_message", "$ota: no known type");
    json_decref(message);
}

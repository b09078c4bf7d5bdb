/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/report-steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/suite.h"

static struct rig *const rig = &crig.rig;

struct report_seen report_seen;

int report_try(const char *peer, size_t index, int64_t value, uint64_t timestamp_s,
               uint64_t *ret_token)
{
    struct prop_update u = {index, {.kind = VALUE_INT, .i = value}};

    if (index == P_POWER)
        u.value = (struct value){.kind = VALUE_BOOL, .b = value};
    return reports_submit(&crig.core->reports, peer, &u, 1, timestamp_s, NULL, NULL, ret_token);
}

uint64_t report(const char *peer, size_t index, int64_t value)
{
    uint64_t token = 0;

    CHECK_INT(report_try(peer, index, value, 0, &token), 0);
    return token;
}

struct value *report_table(size_t index)
{
    return &crig.core->props.all[index].value;
}

const char *report_next(void)
{
    static char params[4096];
    json_t *json = rig_next_json(rig, rig_up_topic("property"));
    char *text;

    params[0] = report_seen.token[0] = '\0';
    if (!json)
        return params;
    CHECK_STR(rig_text(json, "method"), "report");
    text = json_dumps(json_object_get(json, "params"), JSON_COMPACT);
    (void) snprintf(params, sizeof(params), "%s", text ? text : "?");
    (void) snprintf(report_seen.token, sizeof(report_seen.token), "%s",
                    rig_text(json, "clientToken"));
    report_seen.timestamp = json_integer_value(json_object_get(json, "timestamp"));
    free(text);
    json_decref(json);
    return params;
}

void report_reply(const char *token, int code, const char *text)
{
    rig_push_reply(rig, "property", "report_reply", token, code, text);
    rig_advance(rig, 0);
}

int report_code_of(uint64_t token)
{
    const struct crig_told *t = crig_end_of(token);

    return t ? t->code : -1;
}

void report_begin_up(void)
{
    crig_begin();
    rig_connect(rig, true);
    rig_advance(rig, S);
}

void report_begin_big(void)
{
    static char text[4096];
    size_t n = 0;

    n += (size_t) snprintf(text, sizeof(text), "{\"properties\":[");
    for (int i = 0; i < 15; i++)
        n += (size_t) snprintf(text + n, sizeof(text) - n,
                               "%s{\"id\":\"p%d\",\"mode\":\"rw\",\"define\":{\"type\":"
                               "\"string\"}}",
                               i ? "," : "", i);
    (void) snprintf(text + n, sizeof(text) - n, "]}");
    crig_begin_with(text);
}

uint64_t report_texts(const char *peer, size_t first, size_t n, char *text)
{
    struct prop_update u[15];
    uint64_t token = 0;

    for (size_t i = 0; i < n; i++)
        u[i] = (struct prop_update){first + i, {.kind = VALUE_STRING, .s = text}};
    CHECK_INT(reports_submit(&crig.core->reports, peer, u, n, 0, NULL, NULL, &token), 0);
    return token;
}

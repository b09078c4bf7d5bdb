/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fence alarms: checked, told, answered at once. */

#include <errno.h>
#include <math.h>
#include <string.h>

#include "daemon/core/call.h"

LOG_AREA("call");

#define TEXT_MAX 256 /* own choice: bytes of one text; the console allows 10 characters */

/* NULL stays where there is none. */
static int take_text(const json_t *data, const char *key, const char **ret_text)
{
    const char *text;
    int r = jx_get_string(data, key, &text);

    if (r == -ENOENT)
        return 0;
    if (r < 0 || strlen(text) > TEXT_MAX)
        return -EINVAL;
    *ret_text = text;
    return 0;
}

static int take_degrees(const json_t *data, const char *key, double max, double *ret_degrees)
{
    const json_t *v = json_object_get(data, key);
    double degrees = json_number_value(v);

    if (!json_is_number(v) || !(fabs(degrees) <= max))
        return -EINVAL;
    *ret_degrees = degrees;
    return 0;
}

static int take_alarm(const json_t *data, struct fence_alarm *alarm)
{
    int r = jx_get_number_or_text(data, "alarm_time", &alarm->alarm_time);

    if (r < 0 && r != -ENOENT)
        return r;
    alarm->has_time = r == 0;
    r = take_text(data, "alert_type", &alarm->alert_type);
    if (r == 0)
        r = take_text(data, "alert_condition", &alarm->condition);
    if (r == 0)
        r = take_text(data, "fence_name", &alarm->fence_name);
    if (r < 0 || (!json_object_get(data, "long") && !json_object_get(data, "lat")))
        return r;
    r = take_degrees(data, "long", 180, &alarm->longitude);
    if (r == 0)
        r = take_degrees(data, "lat", 90, &alarm->latitude);
    alarm->has_place = r == 0;
    return r;
}

void calls_on_fence(struct calls *cs, const char *token, uint64_t timestamp_s, const json_t *data)
{
    uint64_t content = calls_fingerprint("alert_fence_event", data);
    struct fence_alarm alarm = {.timestamp_s = timestamp_s};
    int code = 0;

    if (calls_is_known(cs, token, content))
        return;
    if (!data)
        code = CODE_BAD_MESSAGE;
    else if (take_alarm(data, &alarm) < 0)
        code = CODE_RANGE;
    /* Told before it is remembered: rather twice after a kill than never. */
    if (code == 0)
        cs->front->fence(&alarm, cs->userdata);
    else
        log_warn("fence alarm not understood token=\"%.40s\" code=%d", token, code);
    calls_give_answer(cs, token, content, ANSWER_FENCE, code,
                      code == 0                  ? "ok"
                      : code == CODE_BAD_MESSAGE ? "data is missing"
                                                 : "data has a member of another type or range",
                      NULL);
}

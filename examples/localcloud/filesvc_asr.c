/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Speech recognition of a file that the device has sent up: what was said is what the desk wants
 * to have been said. It comes back as a control of a property (vendor SDK).
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/localcloud/filesvc_state.h"

#define PROPERTY "_sys_asr_response"
#define CODE_NO_FILE 1 /* our number: the documents name none */

static const char *check(const json_t *params)
{
    static const char *const realtime[] = {"res_type", "voice_format", "seq", "end", NULL};
    static const char *const others[] = {"channel_num", NULL};
    const json_t *type = json_object_get(params, "req_type");

    if (!json_is_integer(type) || json_integer_value(type) < 0 || json_integer_value(type) > 2)
        return "req_type must be 0, 1 or 2";
    if (!json_is_string(json_object_get(params, "engine_type")) ||
        !json_is_string(json_object_get(params, "resource_token")))
        return "engine_type and resource_token must be texts";
    for (const char *const *key = json_integer_value(type) == 0 ? others : realtime; *key; key++) {
        if (!json_is_integer(json_object_get(params, *key)))
            return "a number is missing, of channel_num, or of res_type, voice_format, seq, end";
    }
    return NULL;
}

static bool has_bytes(const struct filesvc *f, const struct config_device *device,
                      const char *token)
{
    const struct item *item = items_find_token(f->items, device, token);
    char key[BLOBS_KEY_MAX + 1];

    if (!item)
        return false;
    items_key(f->items, item, key);
    return blobs_find(f->deps.blobs, key) != NULL;
}

const char *filesvc_take_asr(struct filesvc *f, const struct config_device *device,
                             const json_t *message)
{
    const json_t *params = json_object_get(message, "params");
    const char *problem = check(params), *token;
    CLEANUP(freep) char *text = NULL;
    struct model_verdict v;
    json_t *answer, *control;
    bool known;

    if (problem)
        return problem;
    token = json_string_value(json_object_get(params, "resource_token"));
    known = has_bytes(f, device, token);
    answer = json_pack("{s:i, s:s, s:i, s:i, s:s}", "result_code",
                       known ? f->asr_code : CODE_NO_FILE, "resource_token", token, "total_num", 1,
                       "seq", 1, "res_text", known && f->asr_code == 0 ? f->asr_text : "");
    text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
    json_decref(answer);
    if (!text)
        return "there is no memory";
    control = json_pack("{s:s}", PROPERTY, text);
    model_check_properties(device->product->model, control, true, &v);
    if (v.code != MODEL_CODE_OK)
        problem = "the thing model has no writable text _sys_asr_response that is long enough";
    else if (thing_control(f->deps.thing, device, control) < 0)
        problem = "the answer cannot be sent";
    json_decref(control);
    return problem;
}

int filesvc_set_asr(struct filesvc *f, const char *text, int code)
{
    if (strlen(text) > FILESVC_ASR_TEXT_MAX)
        return -EMSGSIZE;
    (void) snprintf(f->asr_text, sizeof(f->asr_text), "%s", text);
    f->asr_code = code;
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>

#include <iotclient/action.h>

#include "libiotclient/client.h"
#include "libiotclient/serve.h"

int iotc_serve_action(iotc_client *client, iotc_slot **ret_slot, const char *action_id,
                      iotc_call_fn fn, void *userdata, iotc_free_fn destroy)
{
    if (!fn || !action_id)
        return -EINVAL;
    return serve_new(client, ret_slot, SERVE_KIND_ACTION, &action_id, 1, (slot_fn) fn, userdata,
                     destroy);
}

const char *iotc_call_get_id(iotc_call *call)
{
    return call ? call->request.id : NULL;
}

bool iotc_call_has(iotc_call *call, const char *param)
{
    return call && param && value_list_get(&call->request.input, param);
}

static int want(iotc_call *call, const char *param, enum value_kind kind,
                const struct value **ret_value)
{
    return call ? value_list_want(&call->request.input, param, kind, ret_value) : -EINVAL;
}

int iotc_call_get_bool(iotc_call *call, const char *param, bool *ret_value)
{
    const struct value *v;
    int r = ret_value ? want(call, param, VALUE_KIND_BOOL, &v) : -EINVAL;

    if (r >= 0)
        *ret_value = v->b;
    return r;
}

int iotc_call_get_int(iotc_call *call, const char *param, int64_t *ret_value)
{
    const struct value *v;
    int r = ret_value ? want(call, param, VALUE_KIND_INT, &v) : -EINVAL;

    if (r >= 0)
        *ret_value = v->i;
    return r;
}

int iotc_call_get_double(iotc_call *call, const char *param, double *ret_value)
{
    const struct value *v;
    int r = ret_value ? want(call, param, VALUE_KIND_DOUBLE, &v) : -EINVAL;

    if (r >= 0)
        *ret_value = v->d;
    return r;
}

int iotc_call_get_string(iotc_call *call, const char *param, const char **ret_value)
{
    const struct value *v;
    int r = ret_value ? want(call, param, VALUE_KIND_STRING, &v) : -EINVAL;

    if (r >= 0)
        *ret_value = v->s;
    return r;
}

int iotc_call_get_value(iotc_call *call, const char *param, const iotc_value **ret_value)
{
    const struct value *v;
    int r;

    if (!call || !ret_value)
        return -EINVAL;
    r = value_list_want_nested(&call->request.input, param, &v);
    if (r >= 0)
        *ret_value = v->n;
    return r;
}

static int set(iotc_call *call, const char *param, struct value v)
{
    if (!call)
        return -EINVAL;
    if (call->request.answered)
        return -EALREADY;
    return value_list_set(&call->request.output, param, &v, LIMIT_EVENT_PARAMS);
}

int iotc_call_set_bool(iotc_call *call, const char *param, bool value)
{
    return set(call, param, value_of_bool(value));
}

int iotc_call_set_int(iotc_call *call, const char *param, int64_t value)
{
    return set(call, param, value_of_int(value));
}

int iotc_call_set_double(iotc_call *call, const char *param, double value)
{
    return set(call, param, value_of_double(value));
}

int iotc_call_set_string(iotc_call *call, const char *param, const char *value)
{
    return set(call, param, value_of_string(value));
}

int iotc_call_set_value(iotc_call *call, const char *param, const iotc_value *value)
{
    return value ? set(call, param, value_of_nested(value)) : -EINVAL;
}

int iotc_call_answer(iotc_call *call, int code, const char *text)
{
    return request_answer(call ? &call->request : NULL, code, text);
}

iotc_call *iotc_call_ref(iotc_call *call)
{
    if (call)
        request_ref(&call->request);
    return call;
}

iotc_call *iotc_call_unref(iotc_call *call)
{
    if (call)
        request_unref(&call->request);
    return NULL;
}

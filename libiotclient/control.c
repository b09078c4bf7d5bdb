/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Controls: the part of prop.h that serves. */

#include <errno.h>

#include <iotclient/prop.h>

#include "libiotclient/client.h"
#include "libiotclient/serve.h"

int iotc_serve_control(iotc_client *client, iotc_slot **ret_slot, const char *const *ids,
                       size_t n_ids, iotc_control_fn fn, void *userdata, iotc_free_fn destroy)
{
    if (!fn)
        return -EINVAL;
    return serve_new(client, ret_slot, SERVE_KIND_CONTROL, ids, n_ids, (slot_fn) fn, userdata,
                     destroy);
}

static int want(iotc_control *control, const char *id, enum value_kind kind,
                const struct value **ret_value)
{
    return control ? value_list_want(&control->request.input, id, kind, ret_value) : -EINVAL;
}

bool iotc_control_has(iotc_control *control, const char *id)
{
    return control && id && value_list_get(&control->request.input, id);
}

int iotc_control_get_bool(iotc_control *control, const char *id, bool *ret_value)
{
    const struct value *v;
    int r = ret_value ? want(control, id, VALUE_KIND_BOOL, &v) : -EINVAL;

    if (r >= 0)
        *ret_value = v->b;
    return r;
}

int iotc_control_get_int(iotc_control *control, const char *id, int64_t *ret_value)
{
    const struct value *v;
    int r = ret_value ? want(control, id, VALUE_KIND_INT, &v) : -EINVAL;

    if (r >= 0)
        *ret_value = v->i;
    return r;
}

int iotc_control_get_double(iotc_control *control, const char *id, double *ret_value)
{
    const struct value *v;
    int r = ret_value ? want(control, id, VALUE_KIND_DOUBLE, &v) : -EINVAL;

    if (r >= 0)
        *ret_value = v->d;
    return r;
}

int iotc_control_get_string(iotc_control *control, const char *id, const char **ret_value)
{
    const struct value *v;
    int r = ret_value ? want(control, id, VALUE_KIND_STRING, &v) : -EINVAL;

    if (r >= 0)
        *ret_value = v->s;
    return r;
}

int iotc_control_get_value(iotc_control *control, const char *id, const iotc_value **ret_value)
{
    const struct value *v;
    int r;

    if (!control || !ret_value)
        return -EINVAL;
    r = value_list_want_nested(&control->request.input, id, &v);
    if (r >= 0)
        *ret_value = v->n;
    return r;
}

int iotc_control_answer(iotc_control *control, int code, const char *text)
{
    return request_answer(control ? &control->request : NULL, code, text);
}

iotc_control *iotc_control_ref(iotc_control *control)
{
    if (control)
        request_ref(&control->request);
    return control;
}

iotc_control *iotc_control_unref(iotc_control *control)
{
    if (control)
        request_unref(&control->request);
    return NULL;
}

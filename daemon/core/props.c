/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/props.h"

#include <errno.h>
#include <stdlib.h>

void prop_updates_free(struct prop_update *updates, size_t n)
{
    for (size_t i = 0; updates && i < n; i++)
        value_done(&updates[i].value);
    free(updates);
}

int props_init(struct props *ps, const struct model *model)
{
    size_t n = model->n_properties ? model->n_properties : 1;

    *ps = (struct props){.model = model};
    ps->all = calloc(n, sizeof(*ps->all));
    ps->scratch = calloc(n, sizeof(*ps->scratch));
    if (!ps->all || !ps->scratch) {
        props_done(ps);
        return -ENOMEM;
    }
    return 0;
}

void props_done(struct props *ps)
{
    for (size_t i = 0; ps->all && i < ps->model->n_properties; i++) {
        value_done(&ps->all[i].value);
        value_done(&ps->all[i].desired);
    }
    free(ps->all);
    free(ps->scratch);
    *ps = (struct props){0};
}

void props_listen(struct props *ps, props_changed_fn fn, void *userdata)
{
    ps->on_changed = fn;
    ps->userdata = userdata;
}

static int copy_values(const struct prop_update *updates, size_t n, struct value **ret_values)
{
    struct value *values = calloc(n ? n : 1, sizeof(*values));

    if (!values)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (value_copy(&values[i], &updates[i].value) < 0) {
            while (i-- > 0)
                value_done(&values[i]);
            free(values);
            return -ENOMEM;
        }
    }
    *ret_values = values;
    return 0;
}

int props_write(struct props *ps, const struct prop_update *updates, size_t n, uint64_t real_us)
{
    CLEANUP(freep) struct value *values = NULL;
    size_t n_changed = 0;
    int r;

    r = copy_values(updates, n, &values);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        struct prop *p = &ps->all[updates[i].index];

        if (!value_equal(&p->value, &values[i]))
            ps->scratch[n_changed++] = updates[i].index;
        value_done(&p->value);
        p->value = values[i];
        p->stamp_real_us = real_us;
        p->version++;
        value_done(&p->desired);
    }
    if (n_changed > 0 && ps->on_changed)
        ps->on_changed(ps->scratch, n_changed, ps->userdata);
    return 0;
}

int props_set_desired(struct props *ps, const struct prop_update *updates, size_t n)
{
    CLEANUP(freep) struct value *values = NULL;
    int r;

    r = copy_values(updates, n, &values);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        struct prop *p = &ps->all[updates[i].index];

        value_done(&p->desired);
        p->desired = values[i];
    }
    return 0;
}

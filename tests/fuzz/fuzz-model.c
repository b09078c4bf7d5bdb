/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thing model as anybody may write it: taken whole, or refused with at least one mistake. */

#include <errno.h>
#include <string.h>

#include "daemon/cloud/model.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/name.h"
#include "tests/fuzz/fuzz.h"

static void on_mistake(const char *path, const char *what, void *userdata)
{
    FUZZ_CHECK(path && what && *what);
    ++*(unsigned *) userdata;
}

static void check_define(const struct thing_define *d)
{
    FUZZ_CHECK(d->type < THING_TYPE_COUNT_);
    if (d->type == THING_INT)
        FUZZ_CHECK(d->i.min <= d->i.max);
    else if (d->type == THING_FLOAT)
        FUZZ_CHECK(d->f.min <= d->f.max);
    else if (d->type == THING_STRING)
        FUZZ_CHECK(d->s.min <= d->s.max && d->s.max <= LIMIT_STRING_VALUE);
    else if (d->type == THING_ENUM)
        FUZZ_CHECK(d->e.n_keys > 0);
    for (size_t i = 1; d->type == THING_ENUM && i < d->e.n_keys; i++)
        FUZZ_CHECK(d->e.keys[i - 1] < d->e.keys[i]);
    if (d->type == THING_STRINGENUM) {
        FUZZ_CHECK(d->se.n_keys > 0 && d->se.n_keys <= LIMIT_ENUM_VALUES);
        for (size_t i = 0; i < d->se.n_keys; i++)
            FUZZ_CHECK(*d->se.keys[i] && strlen(d->se.keys[i]) <= LIMIT_STRINGENUM_KEY);
    }
    if (d->type == THING_ARRAY) {
        FUZZ_CHECK(d->a.element->type != THING_ARRAY);
        check_define(d->a.element);
    }
    if (d->type == THING_STRUCT) {
        FUZZ_CHECK(d->st.n_members > 0 && d->st.n_members <= LIMIT_STRUCT_MEMBERS);
        for (size_t i = 0; i < d->st.n_members; i++) {
            FUZZ_CHECK(name_is_feature_id(d->st.members[i].id));
            FUZZ_CHECK(d->st.members[i].define.type < THING_STRUCT);
            check_define(&d->st.members[i].define);
        }
    }
}

static void check_params(const struct model_param *params, size_t n)
{
    FUZZ_CHECK(n <= LIMIT_EVENT_PARAMS);
    for (size_t i = 0; i < n; i++) {
        FUZZ_CHECK(name_is_feature_id(params[i].id));
        FUZZ_CHECK(model_find_param(params, n, params[i].id) == (int) i);
        check_define(&params[i].define);
    }
}

static void check_model(const struct model *m)
{
    FUZZ_CHECK(m->n_properties + m->n_events + m->n_actions <= LIMIT_MODEL_IDS);
    for (size_t i = 0; i < m->n_properties; i++) {
        FUZZ_CHECK(name_is_feature_id(m->properties[i].id));
        FUZZ_CHECK(model_find_property(m, m->properties[i].id) == (int) i);
        check_define(&m->properties[i].define);
    }
    for (size_t i = 0; i < m->n_events; i++) {
        FUZZ_CHECK(model_find_event(m, m->events[i].id) == (int) i);
        FUZZ_CHECK(m->events[i].type < MODEL_EVENT_TYPE_COUNT_);
        check_params(m->events[i].params, m->events[i].n_params);
    }
    for (size_t i = 0; i < m->n_actions; i++) {
        FUZZ_CHECK(model_find_action(m, m->actions[i].id) == (int) i);
        check_params(m->actions[i].inputs, m->actions[i].n_inputs);
        check_params(m->actions[i].outputs, m->actions[i].n_outputs);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model *m = NULL;
    unsigned n_mistakes = 0;
    int r = model_parse(&m, (const char *) data, size, "ABCDE12345", on_mistake, &n_mistakes);

    FUZZ_CHECK(r == 0 || r == -EINVAL);
    FUZZ_CHECK((r == 0) == (n_mistakes == 0) && (r == 0) == (m != NULL));
    if (m) {
        FUZZ_CHECK(strlen(m->text) == size && memcmp(m->text, data, size) == 0);
        check_model(m);
    }
    model_free(m);
    return 0;
}

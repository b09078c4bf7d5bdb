/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/props.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/core/room.h"
#include "daemon/store/facts.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/limits.h"

LOG_AREA("report");

void prop_updates_free(struct prop_update *updates, size_t n)
{
    for (size_t i = 0; updates && i < n; i++)
        value_done(&updates[i].value);
    free(updates);
}

static void mark_unsaved(struct props *ps, struct prop *p)
{
    p->unsaved = true;
    persist_request(ps->persist, false);
}

void props_confirm(struct props *ps, size_t index, uint64_t version)
{
    struct prop *p = &ps->all[index];

    if (p->version != version || p->confirmed)
        return;
    p->confirmed = true;
    mark_unsaved(ps, p);
}

bool props_reopen(struct props *ps, size_t index, uint64_t version)
{
    struct prop *p = &ps->all[index];

    if (p->version != version)
        return false;
    p->confirmed = false;
    mark_unsaved(ps, p);
    return true;
}

void props_drop_desired(struct props *ps, size_t index)
{
    struct prop *p = &ps->all[index];

    if (p->desired.kind == VALUE_NONE)
        return;
    value_done(&p->desired);
    mark_unsaved(ps, p);
}

/* --- what survives a restart --- */

static char *to_text(const struct value *v)
{
    struct strbuf sb;
    char *text = NULL;

    if (v->kind == VALUE_NONE)
        return NULL;
    strbuf_init(&sb, LIMIT_MQTT_PAYLOAD);
    value_to_json(&sb, v);
    return strbuf_finish(&sb, &text) < 0 ? NULL : text;
}

static int save_one(struct db *db, const char *id, const struct prop *p)
{
    CLEANUP(freep) char *value = to_text(&p->value);
    CLEANUP(freep) char *desired = to_text(&p->desired);
    const struct fact_property fact = {
        .id = id,
        .value = value,
        .desired = desired,
        .stamp_us = (int64_t) p->stamp_real_us,
        .confirmed = p->confirmed,
    };

    if ((p->value.kind != VALUE_NONE && !value) || (p->desired.kind != VALUE_NONE && !desired))
        return -ENOMEM;
    return facts_put_property(db, &fact);
}

static int save(struct db *db, void *userdata)
{
    struct props *ps = userdata;

    for (size_t i = 0; i < ps->model->n_properties; i++) {
        int r;

        if (!ps->all[i].unsaved)
            continue;
        r = save_one(db, ps->model->properties[i].id, &ps->all[i]);
        if (r < 0)
            return r;
        ps->all[i].saving = true;
    }
    return 0;
}

static void saved(int result, void *userdata)
{
    struct props *ps = userdata;

    for (size_t i = 0; i < ps->model->n_properties; i++) {
        if (ps->all[i].saving && result == 0)
            ps->all[i].unsaved = false;
        ps->all[i].saving = false;
    }
}

/* A value of an earlier model may not fit any more: then there is none. */
static int load_value(const struct thing_define *def, const char *text, struct value *ret_value)
{
    int r;

    *ret_value = (struct value){0};
    if (!text)
        return 0;
    r = value_from_json_text(def, text, ret_value, NULL);
    return r == -ENOMEM ? r : 0;
}

static int on_row(const struct fact_property *fact, void *userdata)
{
    struct props *ps = userdata;
    int index = model_find_property(ps->model, fact->id);
    const struct thing_define *def;
    struct prop *p;
    int r;

    if (index < 0 || (size_t) index < ps->n_loaded)
        return 0;
    def = &ps->model->properties[index].define;
    p = &ps->all[index];
    r = load_value(def, fact->value, &p->value);
    if (r == 0)
        r = load_value(def, fact->desired, &p->desired);
    p->stamp_real_us = p->value.kind == VALUE_NONE ? 0 : (uint64_t) fact->stamp_us;
    p->confirmed = fact->confirmed;
    return r;
}

static int load(struct props *ps)
{
    int r = facts_load_properties(ps->persist->db, on_row, ps);

    ps->n_loaded = ps->model->n_properties;
    return r;
}

int props_init(struct props *ps, const struct model *model, struct persist *persist)
{
    size_t n = model->n_properties ? model->n_properties : 1;

    *ps = (struct props){
        .model = model,
        .persist = persist,
        .part = {.save = save, .saved = saved, .userdata = ps},
    };
    ps->all = calloc(n, sizeof(*ps->all));
    ps->news = calloc(n, sizeof(*ps->news));
    if (!ps->all || !ps->news) {
        props_done(ps);
        return -ENOMEM;
    }
    persist_add(persist, &ps->part);
    return load(ps);
}

int props_reserve(struct props *ps, const struct model_plan *plan)
{
    size_t n_have = plan->n_before[MODEL_PROPERTY], n = plan->n[MODEL_PROPERTY];

    return ROOM_GROW(ps->all, n_have, n) && ROOM_GROW(ps->news, n_have, n) ? 0 : -ENOMEM;
}

/* What the new definition makes of a value; one that does not fit is none. */
static void refit(const struct thing_define *def, struct value *v)
{
    CLEANUP(freep) char *text = to_text(v);

    value_done(v);
    if (text && load_value(def, text, v) < 0)
        log_warn("value dropped: out of memory");
}

void props_on_model(struct props *ps, const struct model_plan *plan)
{
    for (size_t i = 0; i < plan->n_before[MODEL_PROPERTY]; i++) {
        struct prop *p = &ps->all[i];

        if (model_plan_fate(plan, MODEL_PROPERTY, i) != MODEL_DIFFERS)
            continue;
        refit(&ps->model->properties[i].define, &p->value);
        refit(&ps->model->properties[i].define, &p->desired);
        if (p->value.kind == VALUE_NONE)
            p->stamp_real_us = 0;
        p->version++;
        mark_unsaved(ps, p);
    }
    if (load(ps) < 0)
        log_warn("values of an earlier run not taken up");
}

void props_done(struct props *ps)
{
    for (size_t i = 0; ps->all && i < ps->model->n_properties; i++) {
        value_done(&ps->all[i].value);
        value_done(&ps->all[i].desired);
    }
    loop_timer_cancel(&ps->news_timer);
    free(ps->all);
    free(ps->news);
    *ps = (struct props){0};
}

void props_listen(struct props *ps, props_written_fn on_written, props_changed_fn on_changed,
                  void *userdata)
{
    ps->on_written = on_written;
    ps->on_changed = on_changed;
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

/* --- news --- */

static void add_news(struct props *ps, size_t index)
{
    if (ps->all[index].is_news)
        return;
    ps->all[index].is_news = true;
    ps->news[ps->n_news++] = index;
}

static void tell_news(struct props *ps)
{
    size_t n = ps->n_news;

    loop_timer_cancel(&ps->news_timer);
    ps->n_news = 0;
    for (size_t i = 0; i < n; i++)
        ps->all[ps->news[i]].is_news = false;
    if (n > 0 && ps->on_changed)
        ps->on_changed(ps->news, n, ps->userdata);
}

static void on_news_timer(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    tell_news(userdata);
}

void props_hold(struct props *ps)
{
    ps->is_holding = true;
}

void props_release(struct props *ps)
{
    ps->is_holding = false;
    if (ps->n_news > 0 && !loop_timer_is_armed(&ps->news_timer))
        loop_timer_arm(ps->persist->loop, &ps->news_timer, PROPS_NEWS_US, on_news_timer, ps);
}

int props_write(struct props *ps, const struct prop_update *updates, size_t n, uint64_t real_us)
{
    CLEANUP(freep) struct value *values = NULL;
    int r;

    r = copy_values(updates, n, &values);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        struct prop *p = &ps->all[updates[i].index];

        if (!value_equal(&p->value, &values[i]))
            add_news(ps, updates[i].index);
        value_done(&p->value);
        p->value = values[i];
        p->stamp_real_us = real_us;
        p->version++;
        p->confirmed = false;
        value_done(&p->desired);
        mark_unsaved(ps, p);
    }
    if (n > 0 && ps->on_written)
        ps->on_written(updates, n, ps->userdata);
    if (!ps->is_holding)
        tell_news(ps);
    return 0;
}

static int merge(const struct props *ps, size_t index, const struct value *base,
                 struct value *value)
{
    struct value merged;
    int r = value_merge(&ps->model->properties[index].define, base, value, &merged);

    if (r < 0)
        return r;
    value_done(value);
    *value = merged;
    return 0;
}

int props_merge(const struct props *ps, struct prop_update *update)
{
    return merge(ps, update->index, &ps->all[update->index].value, &update->value);
}

int props_set_desired(struct props *ps, const struct prop_update *updates, size_t n)
{
    CLEANUP(freep) struct value *values = NULL;
    int r;

    r = copy_values(updates, n, &values);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = merge(ps, updates[i].index, &ps->all[updates[i].index].desired, &values[i]);
    if (r < 0) {
        for (size_t i = 0; values && i < n; i++)
            value_done(&values[i]);
        return r;
    }
    for (size_t i = 0; i < n; i++) {
        struct prop *p = &ps->all[updates[i].index];

        value_done(&p->desired);
        p->desired = values[i];
        mark_unsaved(ps, p);
    }
    return 0;
}

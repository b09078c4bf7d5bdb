/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/core-rig.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/memory-db.h"
#include "tests/lib/suite.h"

struct crig crig;

static void on_completed(const char *peer, uint64_t token, int code, const char *text,
                         void *userdata)
{
    struct crig_told *t = &crig.told[crig.n_told++];

    (void) userdata;
    assert(crig.n_told < CRIG_TOLD);
    (void) snprintf(t->peer, sizeof(t->peer), "%s", peer);
    (void) snprintf(t->text, sizeof(t->text), "%s", text);
    t->token = token;
    t->code = code;
}

static void show_value(char *buf, size_t size, const char *id, const struct value *v)
{
    size_t n = strlen(buf);
    char *text = NULL;
    struct strbuf sb;

    strbuf_init(&sb, 65536);
    value_to_json(&sb, v);
    if (strbuf_finish(&sb, &text) == 0)
        (void) snprintf(buf + n, size - n, "%s%s=%.40s", n ? " " : "", id, text);
    free(text);
}

static void show_updates(char *buf, size_t size, const struct prop_update *updates, size_t n)
{
    buf[0] = '\0';
    for (size_t i = 0; i < n; i++)
        show_value(buf, size, crig.model->properties[updates[i].index].id, &updates[i].value);
}

static int deliver(struct call_part *part)
{
    if (crig.deliver_result < 0)
        return crig.deliver_result;
    assert(crig.n_parts < ARRAY_SIZE(crig.parts));
    crig.parts[crig.n_parts++] = part;
    crig.n_delivered++;
    return 0;
}

static int front_control(struct call_part *part, void *userdata)
{
    (void) userdata;
    show_updates(crig.delivered, sizeof(crig.delivered), part->updates, part->n_updates);
    return deliver(part);
}

static int front_invoke(struct call_part *part, const struct model_action *action,
                        const struct value *inputs, void *userdata)
{
    (void) userdata;
    (void) snprintf(crig.delivered, sizeof(crig.delivered), "%s", action->id);
    for (size_t i = 0; i < action->n_inputs; i++)
        show_value(crig.delivered, sizeof(crig.delivered), action->inputs[i].id, &inputs[i]);
    return deliver(part);
}

static void forget(unsigned i)
{
    crig.n_parts--;
    memmove(&crig.parts[i], &crig.parts[i + 1], (crig.n_parts - i) * sizeof(crig.parts[0]));
}

static void front_cancel(struct call_part *part, void *userdata)
{
    (void) userdata;
    for (unsigned i = 0; i < crig.n_parts; i++) {
        if (crig.parts[i] == part) {
            forget(i);
            crig.n_cancelled++;
            return;
        }
    }
    suite_fail(__FILE__, __LINE__, "a part was cancelled that was not out");
}

static int front_start(const char *bus_name, void *userdata)
{
    (void) userdata;
    crig.n_started++;
    (void) snprintf(crig.started, sizeof(crig.started), "%s", bus_name);
    return crig.start_result;
}

static void front_controlled(const struct prop_update *updates, size_t n, void *userdata)
{
    (void) userdata;
    crig.n_controlled++;
    show_updates(crig.controlled, sizeof(crig.controlled), updates, n);
}

static void front_fence(const struct fence_alarm *a, void *userdata)
{
    (void) userdata;
    crig.n_fences++;
    (void) snprintf(crig.fence, sizeof(crig.fence), "%s %s \"%s\" %d %g/%g %d",
                    a->alert_type ? a->alert_type : "-", a->condition ? a->condition : "-",
                    a->fence_name ? a->fence_name : "-", a->has_time ? (int) a->alarm_time : -1,
                    a->has_place ? a->longitude : -1, a->has_place ? a->latitude : -1,
                    (int) a->timestamp_s);
}

static const struct calls_front front = {
    .control = front_control,
    .invoke = front_invoke,
    .cancel = front_cancel,
    .start = front_start,
    .controlled = front_controlled,
    .fence = front_fence,
};

void crig_begin(void)
{
    crig_begin_with(rig_model_text);
}

void crig_begin_with(const char *model_text)
{
    const struct core_config config = {
        .report_rate = 5,
        .accept_unowned = true,
        .control_timeout_us = 10 * USEC_PER_SEC,
        .action_timeout_us = 10 * USEC_PER_SEC,
        .events = {.max_events = 10000, .max_bytes = 16777216, .rate = 10},
    };
    int r;

    memset(&crig, 0, sizeof(crig));
    rig_init(&crig.rig);
    crig.db = memory_db();
    crig.model = rig_model_of(model_text);
    r = core_new(&crig.core, &crig.rig.fl.loop, crig.rig.link, crig.rig.ident, crig.model, &config,
                 crig.db);
    assert(r == 0);
    crig.core->completion.fn = on_completed;
    crig.core->calls.front = &front;
    r = clients_add(&crig.core->clients, ":1.1", 1000, 1, &crig.lamp);
    assert(r == 0);
    r = clients_add(&crig.core->clients, ":1.2", 1000, 2, &crig.door);
    assert(r == 0);
}

void crig_remove(struct client **c)
{
    if (*c)
        core_remove_client(crig.core, *c);
    *c = NULL;
}

void crig_end(void)
{
    crig_remove(&crig.lamp);
    crig_remove(&crig.door);
    crig.core = core_free(crig.core);
    crig.db = db_free(crig.db);
    rig_done(&crig.rig);
    crig.model = model_free(crig.model);
}

void crig_serve(struct client *c, enum feature f, const char *id)
{
    struct owners_ids ids = {0};
    const char *bad;

    ids.ids[f] = &id;
    ids.n[f] = 1;
    CHECK_INT(owners_register(&crig.core->owners, c, &ids, "/handler", &bad), 0);
}

const struct crig_told *crig_end_of(uint64_t token)
{
    const struct crig_told *found = NULL;

    for (unsigned i = 0; i < crig.n_told; i++) {
        if (crig.told[i].token != token)
            continue;
        if (found)
            suite_fail(__FILE__, __LINE__, "token %llu ended twice", (unsigned long long) token);
        found = &crig.told[i];
    }
    return found;
}

void crig_answer(unsigned i, int code, const char *text, const struct value *outputs)
{
    struct call_part *part = crig.parts[i];

    CHECK(i < crig.n_parts);
    if (i >= crig.n_parts)
        return;
    forget(i);
    calls_answer(part, code, text, outputs);
}

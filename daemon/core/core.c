/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/core.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/facts.h"
#include "daemon/sys/clock.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/num.h"

LOG_AREA("core");

static void on_control(const char *token, uint64_t timestamp_s, json_t *params, void *userdata)
{
    struct core *core = userdata;

    calls_on_control(&core->calls, token, timestamp_s, params);
}

static void on_action(const char *token, uint64_t timestamp_s, const char *id, json_t *params,
                      void *userdata)
{
    struct core *core = userdata;

    calls_on_action(&core->calls, token, timestamp_s, id, params);
}

static void on_desired(const char *token, json_t *params, void *userdata)
{
    struct core *core = userdata;

    calls_on_desired(&core->calls, token, params);
}

static void on_fence(const char *token, uint64_t timestamp_s, const json_t *data, void *userdata)
{
    struct core *core = userdata;

    calls_on_fence(&core->calls, token, timestamp_s, data);
}

static void on_bound(bool bound, uint64_t timestamp_s, void *userdata)
{
    struct core *core = userdata;

    log_notice(bound ? "a user bound the device" : "the user unbound the device");
    core->bound = bound;
    core->bound_unsaved = true;
    persist_request(&core->persist, false);
    if (core->on_bound)
        core->on_bound(bound, timestamp_s, core->bound_userdata);
}

static void on_time(void *userdata)
{
    struct core *core = userdata;

    if (core->on_time)
        core->on_time(core->time_userdata);
}

static uint64_t get_session_filters(void *userdata)
{
    const struct core *core = userdata;

    return core->session_filters;
}

static void set_session_filters(uint64_t filters, void *userdata)
{
    struct core *core = userdata;

    if (core->session_filters == filters)
        return;
    core->session_filters = filters;
    core->session_unsaved = true;
    if (filters == 0)
        (void) !persist_now(&core->persist, true); /* told there */
    else
        persist_request(&core->persist, false);
}

static const struct thing_events thing_events = {
    .on_control = on_control,
    .on_action = on_action,
    .on_bound = on_bound,
    .on_desired = on_desired,
    .on_fence = on_fence,
};

void core_configure(struct core *core, const struct core_config *config)
{
    core->quota = config->quota;
    core->clients.max_per_user = config->quota.attachments;
    core->owners.max_ids = config->quota.ids;
    core->calls.max_per_client = config->quota.calls;
    core->calls.accept_unowned = config->accept_unowned;
    core->calls.control_timeout_us = config->control_timeout_us;
    core->calls.action_timeout_us = config->action_timeout_us;
    events_configure(&core->events, &config->events);
    pace_init(&core->pace, config->report_rate);
    policies_configure(&core->policies, &config->policy, config->policy_rules,
                       config->n_policy_rules);
    if (update_configure(core->update, &config->update) < 0)
        log_err("out of memory: the settings of firmware stay as they were");
    reports_review(&core->reports);
}

static int save_facts(struct db *db, void *userdata)
{
    struct core *core = userdata;
    char number[24];
    int r = 0;

    if (core->bound_unsaved)
        r = facts_put(db, "bound", core->bound ? "1" : "0");
    (void) snprintf(number, sizeof(number), "%" PRIu64, core->session_filters);
    if (r == 0 && core->session_unsaved)
        r = facts_put(db, "session_filters", number);
    if (r == 0 && core->model_unsaved)
        r = facts_put(db, CORE_MODEL_FACT, core->model->text);
    return r;
}

static void saved_facts(int result, void *userdata)
{
    struct core *core = userdata;

    if (result == 0)
        core->bound_unsaved = core->session_unsaved = core->model_unsaved = false;
}

static int load_facts(struct core *core)
{
    CLEANUP(freep) char *bound = NULL;
    CLEANUP(freep) char *filters = NULL;
    int r = facts_get(core->db, "bound", &bound);

    if (r == 0)
        r = facts_get(core->db, "session_filters", &filters);
    if (r < 0)
        return r;
    core->bound = strcmp(bound, "1") == 0;
    if (num_parse_u64(filters, &core->session_filters) < 0)
        core->session_filters = 0; /* not known: subscribed again */
    return 0;
}

/* What the cloud has not confirmed goes out again. */
static void mark_unconfirmed(struct core *core)
{
    for (size_t i = 0; i < core->model->n_properties; i++) {
        const struct prop *p = &core->props.all[i];

        if (p->value.kind != VALUE_NONE && !p->confirmed)
            reports_mark(&core->reports, i);
    }
}

/*
 * After each connect, in this order (design, what programs may rely on): here, then events, then
 * reports, whose watches are younger. Nothing waits for the answer to what was before it.
 */
static void on_up(void *userdata)
{
    struct core *core = userdata;

    update_link_up(core->update);
    info_send(&core->info);
    if (thing_get_status(core->thing) < 0)
        log_warn("cannot ask what was set meanwhile; asked again after the next connect");
}

static int make_update(struct core *core, struct loop *loop, const struct core_config *config)
{
    struct update_parts parts = {
        .loop = loop,
        .link = core->link,
        .persist = &core->persist,
        .ops = config->update_ops,
        .ops_data = config->update_data,
        .boot_id = config->boot_id,
    };
    int r = firmware_new(&core->firmware, core->link, core->ident);

    parts.firmware = core->firmware;
    return r < 0 ? r : update_new(&core->update, &parts, &config->update);
}

static int make_calls(struct core *core, struct loop *loop)
{
    core->calls.model = core->model;
    core->calls.thing = core->thing;
    core->calls.access = &core->access;
    core->calls.ntp = core->ntp;
    core->calls.owners = &core->owners;
    core->calls.props = &core->props;
    core->calls.reports = &core->reports;
    core->calls.loop = loop;
    return calls_init(&core->calls, &core->persist);
}

static int make_reports(struct core *core, struct loop *loop)
{
    core->reports = (struct reports){
        .loop = loop,
        .cloud = core->link,
        .thing = core->thing,
        .events = &core->events,
        .props = &core->props,
        .policies = &core->policies,
        .completion = &core->completion,
        .pace = &core->pace,
    };
    return reports_init(&core->reports);
}

int core_new(struct core **ret_core, struct loop *loop, struct link *link,
             const struct ident *ident, struct model *model, const struct core_config *config,
             struct db *db)
{
    CLEANUP(core_freep) struct core *core = NULL;
    int r;

    core = calloc(1, sizeof(*core));
    if (!core)
        return -ENOMEM;
    core->model = model;
    core->ident = ident;
    core->link = link;
    core->signer = config->signer;
    core->completion.last_token = clock_real_us(); /* beyond those of runs without events */
    clients_init(&core->clients);
    core->db = db;
    persist_init(&core->persist, loop, db);
    core->part = (struct persist_part){.save = save_facts, .saved = saved_facts, .userdata = core};
    persist_add(&core->persist, &core->part);
    r = load_facts(core);
    if (r == 0)
        r = thing_new(&core->thing, loop, link, ident, &thing_events, core);
    if (r == 0)
        service_init(&core->service, link, ident, core->thing);
    if (r == 0)
        r = ntp_new(&core->ntp, link, ident, on_time, core);
    if (r == 0)
        r = make_update(core, loop, config);
    if (r == 0)
        r = twecall_init(&core->twecall, loop, link, ident, core->thing, core->ntp);
    if (r == 0)
        r = info_init(&core->info, loop, core->thing, &core->persist, db);
    if (r == 0) {
        core->watch = (struct link_watch){.on_up = on_up, .userdata = core};
        link_watch(link, &core->watch);
    }
    if (r == 0)
        r = owners_init(&core->owners, model);
    if (r == 0)
        r = policies_init(&core->policies, model, &core->owners);
    if (r == 0) /* before the properties: it restores some */
        r = make_calls(core, loop);
    if (r == 0)
        r = props_init(&core->props, model, &core->persist);
    if (r == 0)
        r = events_init(&core->events, loop, link, core->thing, core->ntp, &core->completion,
                        &core->persist, &core->pace, &core->clients, &config->events);
    if (r == 0)
        r = make_reports(core, loop);
    if (r < 0)
        return r;
    core_configure(core, config);
    calls_resume(&core->calls);
    mark_unconfirmed(core);
    link_set_memory(link, &(struct link_memory){.get_filters = get_session_filters,
                                                .set_filters = set_session_filters,
                                                .userdata = core});
    *ret_core = TAKE(core);
    return 0;
}

void core_save(struct core *core)
{
    service_done(&core->service);
    twecall_done(&core->twecall);
    (void) !persist_now(&core->persist, true); /* told there */
}

struct unbinding {
    struct core *core;
    service_fn fn;
    void *userdata;
};

static void on_unbound(int code, const char *text, void *userdata)
{
    struct unbinding *u = userdata;

    if (code == 0)
        on_bound(false, 0, u->core);
    u->fn(code, text, u->userdata);
    free(u);
}

int core_unbind(struct core *core, service_fn fn, void *userdata)
{
    struct unbinding *u = malloc(sizeof(*u));
    int r;

    if (!u)
        return -ENOMEM;
    *u = (struct unbinding){core, fn, userdata};
    r = service_unbind(&core->service, on_unbound, u);
    if (r < 0)
        free(u);
    return r;
}

struct core *core_free(struct core *core)
{
    if (!core)
        return NULL;

    link_set_memory(core->link, NULL);
    service_done(&core->service);
    twecall_done(&core->twecall);
    calls_done(&core->calls);
    events_done(&core->events);
    reports_done(&core->reports);
    if (core->props.model)
        props_done(&core->props);
    policies_done(&core->policies);
    owners_done(&core->owners);
    link_unwatch(&core->watch);
    info_done(&core->info);
    update_free(core->update);
    firmware_free(core->firmware);
    ntp_free(core->ntp);
    thing_free(core->thing);
    persist_done(&core->persist);
    clients_done(&core->clients);
    free(core);
    return NULL;
}

void core_remove_client(struct core *core, struct client *client)
{
    calls_release(&core->calls, client);
    owners_release(&core->owners, client);
    clients_remove(&core->clients, client);
}

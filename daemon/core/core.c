/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/core.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/sys/log.h"

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

static void on_bound(bool bound, uint64_t timestamp_s, void *userdata)
{
    struct core *core = userdata;

    log_notice(bound ? "a user bound the device" : "the user unbound the device");
    core->bound = bound;
    if (core->on_bound)
        core->on_bound(bound, timestamp_s, core->bound_userdata);
}

static const struct thing_events thing_events = {
    .on_control = on_control,
    .on_action = on_action,
    .on_bound = on_bound,
};

void core_configure(struct core *core, const struct core_config *config)
{
    core->calls.accept_unowned = config->accept_unowned;
    core->calls.control_timeout_us = config->control_timeout_us;
    core->calls.action_timeout_us = config->action_timeout_us;
    core->events.max_events = config->max_events;
    core->events.max_bytes = config->max_bytes;
    reports_set_rate(&core->reports, config->report_rate);
}

int core_new(struct core **ret_core, struct loop *loop, struct link *link,
             const struct ident *ident, const struct model *model, const struct core_config *config)
{
    CLEANUP(core_freep) struct core *core = NULL;
    int r;

    core = calloc(1, sizeof(*core));
    if (!core)
        return -ENOMEM;
    core->model = model;
    core->ident = ident;
    core->link = link;
    clients_init(&core->clients);
    r = thing_new(&core->thing, loop, link, ident, &thing_events, core);
    if (r == 0)
        r = owners_init(&core->owners, model);
    if (r == 0)
        r = props_init(&core->props, model);
    if (r == 0)
        r = reports_init(&core->reports, loop, link, core->thing, &core->props, &core->completion,
                         config->report_rate);
    if (r < 0)
        return r;
    events_init(&core->events, loop, link, core->thing, &core->completion, config->max_events,
                config->max_bytes);
    core->calls.loop = loop;
    core->calls.model = model;
    core->calls.thing = core->thing;
    core->calls.owners = &core->owners;
    core->calls.props = &core->props;
    core->calls.reports = &core->reports;
    calls_init(&core->calls);
    core_configure(core, config);
    *ret_core = TAKE(core);
    return 0;
}

struct core *core_free(struct core *core)
{
    if (!core)
        return NULL;

    calls_done(&core->calls);
    events_done(&core->events);
    reports_done(&core->reports);
    if (core->props.model)
        props_done(&core->props);
    owners_done(&core->owners);
    thing_free(core->thing);
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

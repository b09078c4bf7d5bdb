/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another thing model in a running core. */

#include "daemon/core/core.h"

void core_keep_model(struct core *core)
{
    core->model_unsaved = true;
    (void) !persist_now(&core->persist, true); /* told there; the programs bring it again */
}

static int reserve(struct core *core, const struct model_plan *plan)
{
    int r = owners_reserve(&core->owners, plan);

    if (r == 0)
        r = policies_reserve(&core->policies, plan);
    if (r == 0)
        r = props_reserve(&core->props, plan);
    return r < 0 ? r : reports_reserve(&core->reports, plan);
}

int core_set_model(struct core *core, struct model *newer)
{
    CLEANUP(model_plan_done) struct model_plan plan = {0};
    int r;

    r = model_plan_make(&plan, core->model, newer);
    if (r == 0)
        r = reserve(core, &plan);
    if (r < 0)
        return r;
    /* Nothing fails from here on. */
    calls_on_model(&core->calls, &plan);
    owners_on_model(&core->owners, &plan);
    model_plan_carry_out(&plan, core->model, newer);
    props_on_model(&core->props, &plan);
    reports_on_model(&core->reports);
    return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/front/handler_answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/cloud/model.h"
#include "daemon/sys/log.h"

LOG_AREA("bus");

#define CODE_BAD_ANSWER 503
#define CODE_MAX 599 /* org.iotd1.Handler.xml */

int handler_answer_begin(struct handler_answer *a, struct call_part *part)
{
    const struct model_action *action = call_action(part->call);

    *a = (struct handler_answer){.part = part, .detail = "wrong signature"};
    if (!action)
        return 0;
    a->outputs = calloc(action->n_outputs ? action->n_outputs : 1, sizeof(*a->outputs));
    return a->outputs ? 0 : -ENOMEM;
}

int handler_answer_output(struct handler_answer *a, const char *id, struct value **ret_value,
                          const struct thing_define **ret_define)
{
    const struct model_action *action = call_action(a->part->call);
    int i = model_find_param(action->outputs, action->n_outputs, id);

    if (i < 0) {
        (void) snprintf(a->detail, sizeof(a->detail), "unknown output %.32s", id);
        return i;
    }
    value_done(&a->outputs[i]);
    *ret_value = &a->outputs[i];
    *ret_define = &action->outputs[i].define;
    return 0;
}

void handler_answer_end(struct handler_answer *a, int r, int64_t code, const char *text)
{
    const struct model_action *action = call_action(a->part->call);
    struct value *outputs = TAKE(a->outputs);
    size_t n_outputs = outputs ? action->n_outputs : 0;

    if (r == 0 && (code < 0 || code > CODE_MAX)) {
        (void) snprintf(a->detail, sizeof(a->detail), "code %lld", (long long) code);
        r = -ERANGE;
    }
    if (r < 0) {
        log_warn("bad answer app=%s what=\"%s\"", a->part->client->app_id, a->detail);
        calls_answer(a->part, CODE_BAD_ANSWER, "the program answered badly", NULL);
    } else {
        calls_answer(a->part, (int) code, text, outputs);
    }
    for (size_t i = 0; i < n_outputs; i++)
        value_done(&outputs[i]);
    free(outputs);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FRONT_HANDLER_ANSWER_H
#define IOTD_FRONT_HANDLER_ANSWER_H

/*
 * What a program answers to a control or an action, whichever way it comes: begin; for an action a
 * place for each output; end, which hands it to core/calls.h.
 */

#include "daemon/core/calls.h"
#include "daemon/front/bus_value.h"

struct handler_answer {
    struct call_part *part;
    struct value *outputs;         /* of an action, parallel to its outputs */
    char detail[BUS_VALUE_DETAIL]; /* of what is wrong, for the log */
};

/* 0; -ENOMEM. handler_answer_end() follows in any case. */
int handler_answer_begin(struct handler_answer *a, struct call_part *part) MUST_CHECK;
/* Where an output goes; a later one of the same id takes its place. -ENOENT */
int handler_answer_output(struct handler_answer *a, const char *id, struct value **ret_value,
                          const struct thing_define **ret_define) MUST_CHECK;
/* r is the result so far: whether code, text and outputs could be read. */
void handler_answer_end(struct handler_answer *a, int r, int64_t code, const char *text);

#endif /* IOTD_FRONT_HANDLER_ANSWER_H */

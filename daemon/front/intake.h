/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FRONT_INTAKE_H
#define IOTD_FRONT_INTAKE_H

/*
 * What a program hands in, whichever way it comes: its rate, the owners of ids, the rules of
 * access, the fit of values, events as they travel. All of it is checked before any takes effect.
 * Who reads values fills what intake_update() and intake_param() point to.
 */

#include "daemon/front/bus_access.h"
#include "daemon/front/bus_internal.h"
#include "daemon/front/bus_value.h"

struct intake {
    struct bus *bus;
    struct core *core; /* = bus->core */
    struct bus_peer *peer;
    const char *sender;
    struct prop_update *updates; /* report */
    size_t n_updates;
    const struct model_event *event; /* event */
    struct value *params;            /* parallel to event->params */
    uint64_t timestamp_s;            /* 0: now */
    bool is_over_rate;               /* quota.rate refused it */
    char detail[BUS_ACCESS_DETAIL];  /* of what is wrong, for people; at least BUS_VALUE_DETAIL */
};

/* peer may be NULL: nobody that is known. */
void intake_init(struct intake *in, struct bus *bus, struct bus_peer *peer, const char *sender);
void intake_done(struct intake *in);

/* Says what is wrong; returns error. */
PRINTF_LIKE(3, 4) int intake_wrong(struct intake *in, int error, const char *fmt, ...);
/* The error as programs hear it: what is the queue's becomes -ENOBUFS. */
int intake_error(struct intake *in, int r);
/* What programs hear of a post that did not get to the disk; NULL: what the error says. */
const char *intake_posted_text(int result);
/* Not more of them than quota.rate: 0; -ENOBUFS; -EACCES */
int intake_take_rate(struct intake *in) MUST_CHECK;
/* In Unix seconds. */
int intake_set_timestamp(struct intake *in, uint64_t timestamp_s) MUST_CHECK;
/* 0; -EMSGSIZE; -EPROTO no object; -ENOMEM */
int intake_parse(struct intake *in, const char *text, size_t len, json_t **ret_json) MUST_CHECK;

/* --- reports --- */

/* Takes the rate. */
int intake_begin_updates(struct intake *in) MUST_CHECK;
/*
 * Where the value of a property goes; each once. It counts once it is filled, which
 * intake_updated() says with its result, and gets back.
 */
int intake_update(struct intake *in, const char *id, struct value **ret_value,
                  const struct thing_define **ret_define) MUST_CHECK;
/* The same by the index in the model. */
int intake_update_at(struct intake *in, size_t index, struct value **ret_value,
                     const struct thing_define **ret_define) MUST_CHECK;
int intake_updated(struct intake *in, int r) MUST_CHECK;
int intake_update_json(struct intake *in, const json_t *object) MUST_CHECK;
/* As reports_submit(). -EINVAL: nothing to report */
int intake_submit(struct intake *in, events_posted_fn fn, void *userdata,
                  uint64_t *ret_token) MUST_CHECK;

/* --- events --- */

/* Takes the rate. */
int intake_begin_event(struct intake *in, const char *id) MUST_CHECK;
/* Where the value of a parameter goes; each once. */
int intake_param(struct intake *in, const char *id, struct value **ret_value,
                 const struct thing_define **ret_define) MUST_CHECK;
int intake_params_json(struct intake *in, const json_t *object) MUST_CHECK;
/* fn runs once, later, if 0 is returned: when the event is on disk, or not. */
int intake_post(struct intake *in, events_posted_fn fn, void *userdata) MUST_CHECK;
/* Several in one message; list as "events" of PostEventsJson. Takes the rate of each. */
int intake_post_list(struct intake *in, const json_t *list, events_posted_fn fn,
                     void *userdata) MUST_CHECK;

#endif /* IOTD_FRONT_INTAKE_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_CALLS_H
#define IOTD_CORE_CALLS_H

/*
 * Controls and actions in flight: exactly one answer to the cloud for each, whether programs
 * serve it, nobody does, a program refuses, hangs or dies. The only place that counts them.
 */

#include "daemon/cloud/ntp.h"
#include "daemon/cloud/thing.h"
#include "daemon/core/access.h"
#include "daemon/core/answers.h"
#include "daemon/core/owners.h"
#include "daemon/core/props.h"
#include "daemon/core/reports.h"

struct call;

/* A user's fence was crossed (device guide, fence alarm). Texts are NULL where there was none. */
struct fence_alarm {
    uint64_t timestamp_s;   /* 0: none */
    const char *alert_type; /* "In", "Out", "InOrOut" */
    const char *condition;  /* the same: what the fence is set to */
    const char *fence_name;
    int64_t alarm_time;
    double longitude, latitude; /* degrees */
    bool has_time, has_place;
};

/* The part of a call that one program works on. */
struct call_part {
    struct list link; /* in its call */
    struct call *call;
    struct registration *owner;  /* whom it goes to; NULL once it is delivered */
    struct client *client;       /* who works on it; NULL once answered */
    char *service;               /* that is to serve it and does not yet; NULL: none */
    struct prop_update *updates; /* control: the values for this program */
    uint64_t *versions;          /* of these properties when the control came */
    size_t n_updates;
    void *front; /* of the front that delivers it */
};

/*
 * How a command of this device itself ended. response: an object as JSON text, NULL if there is
 * none; borrowed like text.
 */
typedef void (*calls_done_fn)(int code, const char *text, const char *response, void *userdata);

struct calls_front {
    /* Delivers; calls_answer() follows later, never inside. 0 or -errno: then the part failed. */
    int (*control)(struct call_part *part, void *userdata);
    /* inputs are parallel to the inputs of the action. */
    int (*invoke)(struct call_part *part, const struct model_action *action,
                  const struct value *inputs, void *userdata);
    /* The answer does not matter any more. */
    void (*cancel)(struct call_part *part, void *userdata);
    /*
     * Starts the program of that name on the bus, which registers then; or calls_not_started()
     * follows, never inside. Again for the same while it is being started: nothing more.
     */
    int (*start)(const char *bus_name, void *userdata);
    /* A fence alarm of the location service. */
    void (*fence)(const struct fence_alarm *alarm, void *userdata);
    /* Values that no program serves were accepted. */
    void (*controlled)(const struct prop_update *updates, size_t n, void *userdata);
};

struct calls {
    struct loop *loop;
    const struct model *model; /* borrowed: manager */
    struct thing *thing;       /* borrowed: core, as the next five */
    const struct ntp *ntp;
    struct access *access;
    struct owners *owners;
    struct props *props;
    struct reports *reports;
    const struct calls_front *front;
    void *userdata;
    struct list pending;
    unsigned n_pending;
    struct answers answers;
    struct list deliveries;  /* answers that the session has */
    struct loop_timer retry; /* of answers that it had no room for */
    unsigned max_per_client; /* that one program works on, quota.calls; 0: no limit */
    bool accept_unowned;
    uint64_t control_timeout_us;
    uint64_t action_timeout_us;
};

/* Takes up the answers of an earlier run. */
int calls_init(struct calls *cs, struct persist *persist) MUST_CHECK;
/*
 * Answers what an earlier run left without one, and sends those whose arrival it did not see. Once,
 * before the link is switched on.
 */
void calls_resume(struct calls *cs);
void calls_done(struct calls *cs);

/* From the cloud. */
void calls_on_control(struct calls *cs, const char *token, uint64_t timestamp_s, json_t *params);
void calls_on_action(struct calls *cs, const char *token, uint64_t timestamp_s, const char *id,
                     json_t *params);

/* data is NULL when it is missing or no object. */
void calls_on_fence(struct calls *cs, const char *token, uint64_t timestamp_s, const json_t *data);

/*
 * From this device, with or without a cloud: the same checks, programs and deadlines. fn runs once,
 * perhaps before these return, at the latest from calls_done().
 */
void calls_control(struct calls *cs, json_t *params, calls_done_fn fn, void *userdata);
void calls_invoke(struct calls *cs, const char *id, json_t *params, calls_done_fn fn,
                  void *userdata);

/*
 * get_status brought values that were set while the device was away: those that differ are taken
 * as a control. params is changed.
 */
void calls_on_desired(struct calls *cs, const char *token, json_t *params);
/* A program has registered: it gets the desired values that wait for its ids. */
void calls_offer_desired(struct calls *cs, struct client *client);

/* A program has registered: it gets the commands that waited for one of its ids. */
void calls_registered(struct calls *cs);
/* There is no such program: what waits for it fails. */
void calls_not_started(struct calls *cs, const char *bus_name, const char *why);

/* What the front may ask of a part. */
const char *call_token(const struct call *call);
uint64_t call_timestamp_s(const struct call *call);
const struct model_action *call_action(const struct call *call); /* NULL: a control */

/*
 * A program answered a part, or its front says why it cannot (negative errno). outputs are
 * parallel to the outputs of the action, VALUE_NONE where missing; NULL for a control.
 */
void calls_answer(struct call_part *part, int code, const char *text, const struct value *outputs);
/*
 * Another model is about to take the place of this one: what is in flight for ids that go or
 * differ is answered. The plan is carried out next, before anything else.
 */
void calls_on_model(struct calls *cs, const struct model_plan *plan);
/* A program is gone: its parts fail. Before owners_release(). */
void calls_release(struct calls *cs, struct client *c);

#endif /* IOTD_CORE_CALLS_H */

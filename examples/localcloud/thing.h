/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_THING_H
#define IOTD_LOCALCLOUD_THING_H

/*
 * The thing-model service: answers what devices send on $thing/up/…, and sends controls and
 * actions down. Up messages: thing.c; calls down and their answers: thing_down.c; bindings and
 * fences: thing_service.c.
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "examples/localcloud/binds.h"
#include "examples/localcloud/broker.h"
#include "examples/localcloud/store.h"

#define THING_CALLS_MAX 256         /* actions that wait for an answer */
#define THING_CONTROLS_MAX 64       /* per device: unconfirmed controls that are remembered */
#define THING_HELD_REPLIES_MAX 1000 /* while the hold_replies fault is on */
#define THING_TOKEN_MAX 64

struct thing;
struct thing_call;

/* Takes the methods of the service topic that thing.c does not know; false: nor does it. */
typedef bool (*thing_service_fn)(const struct config_device *device, const char *method,
                                 const json_t *message, void *userdata);

struct thing_deps {
    struct loop *loop;
    const struct cloud_clock *clock;
    const struct config *config;
    struct journal *journal;
    struct faults *faults;
    struct broker *broker;
    struct store *store;
    struct binds *binds;
};

int thing_new(struct thing **ret_thing, const struct thing_deps *deps) MUST_CHECK;
struct thing *thing_free(struct thing *t);
DEFINE_FREEP(struct thing, thing_free)

void thing_set_service(struct thing *t, thing_service_fn fn, void *userdata);
void thing_on_message(struct thing *t, const struct config_device *device, enum topic_kind kind,
                      const uint8_t *payload, size_t len);
/*
 * Sends a reply (taken) with QoS 0, or keeps it back as the fault wants. head, not copied, is the
 * topic without the device: "$ota/update".
 */
void thing_send_reply(struct thing *t, const struct config_device *device, const char *head,
                      json_t *message);
/* Sends a message (taken), which is no reply; head as above. How it was delivered is in the
 * journal. */
enum broker_outcome thing_send(struct thing *t, const struct config_device *device,
                               const char *head, json_t *message, uint8_t qos);
/* Sends the held replies of devices that hold no more. */
void thing_release_replies(struct thing *t);

/*
 * Keeps params (checked by the caller) as desired and sends them. -ENOMEM, -EIO. How it was
 * delivered is in the journal; an offline device finds them later.
 */
int thing_control(struct thing *t, const struct config_device *device, json_t *params) MUST_CHECK;

/* bind_device or unbind_device. */
void thing_tell_bound(struct thing *t, const struct config_device *device, bool bound);
/* Sends a fence alarm, of now if data does not say; its answer is noted in the journal. -ENOMEM,
 * -EIO. */
int thing_fence(struct thing *t, const struct config_device *device, json_t *data,
                char ret_token[THING_TOKEN_MAX]) MUST_CHECK;

/* How an action ended. */
struct thing_result {
    bool timed_out;
    json_int_t code;
    const char *status;
    json_t *response;    /* borrowed; may be NULL */
    const char *invalid; /* the answer breaks the thing model, and how; or NULL */
};
typedef void (*thing_result_fn)(struct thing_call *call, const struct thing_result *result,
                                void *userdata);

/*
 * Sends an action. fn runs once, later, unless the call is cancelled; NULL when nobody waits.
 * The call is gone after fn. -ENOTCONN the device cannot be reached, -ENOBUFS too many calls.
 */
int thing_action(struct thing *t, const struct config_device *device, const char *action_id,
                 json_t *params, thing_result_fn fn, void *userdata,
                 struct thing_call **ret_call) MUST_CHECK;
const char *thing_call_token(const struct thing_call *call);
/* Nobody waits any more; the answer will only be noted. */
void thing_call_cancel(struct thing_call *call);

#endif /* IOTD_LOCALCLOUD_THING_H */

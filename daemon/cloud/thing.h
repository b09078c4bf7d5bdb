/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_THING_H
#define IOTD_CLOUD_THING_H

/*
 * The thing-model messages of the device on their topics (device guide, thing model): builds
 * what goes up, takes apart what comes down, pairs replies by clientToken. Knows neither
 * programs nor policy.
 */

#include "daemon/cloud/link.h"
#include "daemon/cloud/requests.h"
#include "daemon/json/jx.h"

struct thing;

/* "$thing/up/property/PID/DN" and its siblings. */
enum thing_channel {
    THING_CHANNEL_PROPERTY,
    THING_CHANNEL_EVENT,
    THING_CHANNEL_ACTION,
    THING_CHANNEL_SERVICE,
    THING_CHANNEL_COUNT_,
};

/* What the cloud asks; json_t and texts are borrowed for the call. */
struct thing_events {
    /* params is NULL when it is missing or no object. token is "" when there was none. */
    void (*on_control)(const char *token, uint64_t timestamp_s, json_t *params, void *userdata);
    void (*on_action)(const char *token, uint64_t timestamp_s, const char *action_id,
                      json_t *params, void *userdata);
    /* get_status told of values that were set while the device was away. */
    void (*on_desired)(const char *token, json_t *params, void *userdata);
    /* data is NULL when it is missing or no object. */
    void (*on_fence)(const char *token, uint64_t timestamp_s, const json_t *data, void *userdata);
    void (*on_bound)(bool bound, uint64_t timestamp_s, void *userdata);
};

/*
 * Who shares the service topic with it, for methods of his own; storage is the caller's. Nobody of
 * them is asked about a method that is known here.
 */
struct thing_sharer {
    struct list link;
    /* False: it is none of his. */
    bool (*on_message)(const char *method, const json_t *json, void *userdata);
    void *userdata;
};

/* Adds its topics to the link's filters. link and ident are borrowed. */
int thing_new(struct thing **ret_thing, struct loop *loop, struct link *link,
              const struct ident *ident, const struct thing_events *events,
              void *userdata) MUST_CHECK;
struct thing *thing_free(struct thing *t);
DEFINE_FREEP(struct thing, thing_free)

void thing_share(struct thing *t, struct thing_sharer *sharer);
void thing_unshare(struct thing_sharer *sharer); /* harmless when it does not share */
/* A whole message on the service topic; as link_publish(). */
int thing_publish_service(struct thing *t, const char *text, uint8_t qos, mqtt_acked_fn acked,
                          void *userdata) MUST_CHECK;

/* A clientToken that no other run of any program made. */
void thing_new_token(struct thing *t, char token[REQUEST_TOKEN]);

/* A message that the cloud replies to. */
struct thing_question {
    enum thing_channel channel;
    const char *method;
    const char *members; /* what follows method and clientToken, as JSON text: "\"params\":{}" */
    const char *token;   /* NULL: a new one */
    uint64_t timeout_us; /* of the reply */
    uint8_t qos;
};

/*
 * Sends a message and waits for the reply with its clientToken.
 * @param request  of the caller; an older one that is still waiting is forgotten
 * @return as link_publish(), -ENOBUFS
 */
int thing_ask(struct thing *t, const struct thing_question *question, struct request *request,
              request_fn fn, void *userdata) MUST_CHECK;
/* The same with QoS 0, a new token and 5 s. */
int thing_request(struct thing *t, enum thing_channel channel, const char *method,
                  const char *members, struct request *request, request_fn fn,
                  void *userdata) MUST_CHECK;

/* Asks what was set while the device was away; on_desired may follow. Same results. */
int thing_get_status(struct thing *t) MUST_CHECK;

/*
 * Sends a report with params, an object as JSON text, and waits for report_reply.
 * @param timestamp_s  0: now, as the cloud sees it
 * @return as link_publish()
 */
int thing_report(struct thing *t, const char *params, uint64_t timestamp_s, uint8_t qos,
                 struct request *request, request_fn fn, void *userdata) MUST_CHECK;

struct thing_event {
    const char *token;
    const char *id; /* "": several events, params is the list of them */
    const char *type;
    const char *params;   /* object as JSON text */
    uint64_t timestamp_s; /* 0: not sent, the cloud takes its own time */
};

/*
 * Sends an event with QoS 1. acked runs when the server took the packet; the reply is waited for
 * from then on with a deadline.
 */
int thing_post_event(struct thing *t, const struct thing_event *event, mqtt_acked_fn acked,
                     struct request *request, request_fn fn, void *userdata) MUST_CHECK;
struct thing_sample {
    const char *token;
    const char *params;   /* object as JSON text */
    uint64_t timestamp_s; /* as above */
};

/* Sends property values of one moment as a report, as thing_post_event() does an event. */
int thing_post_sample(struct thing *t, const struct thing_sample *sample, mqtt_acked_fn acked,
                      struct request *request, request_fn fn, void *userdata) MUST_CHECK;
/* The deadline for the reply of a request whose packet was acknowledged. */
void thing_await_reply(struct request *request);

/* Within on_control or on_action, as mqtt_session_answer_follows(). */
void thing_answer_follows(struct thing *t);
/*
 * Answers; code 0 is success. QoS 1: they go out after a reconnect if need be; acked may be NULL.
 */
int thing_answer_control(struct thing *t, const char *token, int code, const char *text,
                         mqtt_acked_fn acked, void *userdata) MUST_CHECK;
/* response: object as JSON text. */
int thing_answer_action(struct thing *t, const char *token, int code, const char *text,
                        const char *response, mqtt_acked_fn acked, void *userdata) MUST_CHECK;
/* Of a fence alarm. timestamp_s: Unix seconds of the answer. */
int thing_answer_fence(struct thing *t, const char *token, uint64_t timestamp_s, int code,
                       const char *text, mqtt_acked_fn acked, void *userdata) MUST_CHECK;

#endif /* IOTD_CLOUD_THING_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_CALL_H
#define IOTD_CORE_CALL_H

/* One command in flight; for calls*.c only. */

#include "daemon/core/calls.h"
#include "daemon/sys/log.h"

/* Codes of answers: the platform's where it has one (device guide), ours from errors.def. */
#define CODE_BAD_MESSAGE 400
#define CODE_UNKNOWN 403 /* id not in the model, or nobody serves it */
#define CODE_REFUSED 405
#define CODE_RANGE 406
#define CODE_TIMEOUT 408
#define CODE_READ_ONLY 423
#define CODE_FULL 429
#define CODE_INTERNAL 503

struct call {
    struct list link; /* in calls.pending once it is started */
    struct calls *owner;
    struct list parts;
    unsigned n_open; /* parts without an answer */
    struct loop_timer timer;
    char token[LIMIT_CLIENT_TOKEN + 1];
    uint64_t timestamp_s;
    uint64_t content;
    bool is_action;
    const struct model_action *action; /* NULL: a control, or an action that is none */
    struct value *inputs;              /* parallel to those of the action */
    bool is_offer; /* of desired values to a program that came later; the cloud waits for nothing */
    int code;      /* of the first part that failed */
    char text[LIMIT_STATUS_TEXT + 1];
    char *response;     /* action: JSON object; control: what it set, as answers_give() has it */
    calls_done_fn done; /* NULL: the cloud asked */
    void *userdata;
};

int call_new(struct call **ret_call, struct calls *cs, const char *token, uint64_t timestamp_s,
             uint64_t content) MUST_CHECK;
struct call *call_free(struct call *c);
DEFINE_FREEP(struct call, call_free)
void call_part_free(struct call_part *p);
/* The part of that owner, or that waits for that service; a new one when there is none. */
int call_part_get(struct call *c, struct registration *owner, const char *service,
                  size_t max_updates, struct call_part **ret_part) MUST_CHECK;
/* Whether the program may get one more. */
bool calls_has_room(const struct calls *cs, const struct client *client);
/* Gives it to its owner; counts the failure when it cannot. True: it is on its way. */
bool call_part_deliver(struct call_part *p);
/* Has the service of the part started. The same. */
bool call_part_wait(struct call_part *p);
/* It is in flight from now on, until the deadline. */
void call_start(struct calls *cs, struct call *c, uint64_t timeout_us);
/* The first failure counts. */
void call_fail(struct call *c, int code, const char *text);
/* Answers and frees. */
void call_finish(struct call *c);
/* An offer ended, taken or not: it is not made again. */
void call_settle_offer(struct call *c);

/* The one answer of a command; remembered for its redelivery. */
void calls_give_answer(struct calls *cs, const char *token, uint64_t content, enum answer_kind kind,
                       int code, const char *text, const char *response);
/* Answered before (then the same answer once more), in work, or new? True: nothing more to do. */
bool calls_is_known(struct calls *cs, const char *token, uint64_t content);
/* Tells contents apart; params may be NULL. */
uint64_t calls_fingerprint(const char *method, const json_t *params);

#endif /* IOTD_CORE_CALL_H */

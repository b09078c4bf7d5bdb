/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_SERVE_H
#define IOTD_LIBIOTCLIENT_SERVE_H

/*
 * Ids that the program serves: one registration and one handler object for each slot, made again
 * after each attach; and the requests that come in for them, each answered exactly once.
 */

#include <iotclient/action.h>
#include <iotclient/prop.h>

#include "dbus/msg.h"
#include "libiotclient/base/list.h"
#include "libiotclient/slot.h"
#include "libiotclient/value.h"

enum serve_kind { SERVE_KIND_CONTROL, SERVE_KIND_EVENT, SERVE_KIND_ACTION, SERVE_KIND_COUNT_ };

struct serves {
    struct slot_list slots;
    struct list requests; /* unanswered or still held by the program */
    unsigned n_requests;
    uint32_t next_number; /* of handler objects */
};

/* One call of a handler object. iotc_control and iotc_call are this under other names. */
struct request {
    struct list link;
    unsigned n_ref;
    iotc_client *client; /* borrowed; NULL: gone */
    uint64_t epoch;      /* of the iotd that waits for the answer */
    DBusMessage *msg;    /* NULL: it came as a record */
    uint32_t record;
    enum serve_kind kind;
    bool answered;
    char id[LIMIT_FEATURE_ID + 1]; /* of the action */
    struct value_list input;
    struct value_list output;
};

struct iotc_control {
    struct request request;
};

struct iotc_call {
    struct request request;
};

void serves_init(struct serves *serves);
/* Ends floating slots, cuts off the others and the requests. */
void serves_done(iotc_client *client);
void serves_on_attached(iotc_client *client);
void serves_on_detached(iotc_client *client);
/* Whether iotd has not answered to a registration; the client is flushed when it has. */
bool serves_are_registering(const iotc_client *client);
/* A method call of org.iotd1.Handler from iotd. */
void serves_on_call(iotc_client *client, DBusMessage *msg);
/* The same as a record. Negative: it is none. */
int serves_on_record(iotc_client *client, enum serve_kind kind, uint32_t id,
                     struct pack_reader items) MUST_CHECK;

/* -EEXIST: another slot of this client serves one of the ids. */
int serve_new(iotc_client *client, iotc_slot **ret_slot, enum serve_kind kind,
              const char *const *ids, size_t n_ids, slot_fn fn, void *userdata,
              iotc_free_fn destroy) MUST_CHECK;

/* The model has arrived: tells its properties which of them keep all values. */
void serves_on_model(iotc_client *client);

int request_answer(struct request *request, int code, const char *text);
void request_ref(struct request *request);
void request_unref(struct request *request);

#endif /* IOTD_LIBIOTCLIENT_SERVE_H */

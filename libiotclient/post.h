/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_POST_H
#define IOTD_LIBIOTCLIENT_POST_H

/*
 * What travels in order and counts one by one: events, samples of properties with a history, and
 * JSON. Queued, sent, accepted by iotd (it gave a token), completed. What was not accepted when
 * iotd goes away is queued again, in order and with the time of its post. What was accepted is on
 * its disk, and its token good with the next iotd: Attach asks whether it still is.
 *
 * Samples come from any thread, so all posts wait in the inbox, under the lock, for the client's
 * thread.
 */

#include <iotclient/event.h>
#include <iotclient/prop.h>

#include "dbus/msg.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/list.h"
#include "libiotclient/slot.h"
#include "libiotclient/value.h"

enum post_kind { POST_EVENT, POST_SAMPLE, POST_EVENTS, POST_REPORT, POST_KIND_COUNT_ };

struct posts {
    struct list queue; /* in order of posting; the client's thread only */
    /* Under the lock. */
    struct list inbox;
    unsigned n_posts; /* of both lists */
    bool is_attached; /* iotd's clock stands for the time of a post */
    bool was_full;    /* somebody heard -ENOBUFS and nobody yet that there is room */
    struct slot_list writable;
};

/* What a post is made of. */
struct content {
    enum post_kind kind;
    const char *id;           /* of an event, else ""; its form was checked: it fits */
    struct value_list params; /* of an event; of a sample: the property. Taken over */
    char *json;               /* taken over */
    uint64_t timestamp_s;     /* 0: the time of the post */
    uint32_t flags;           /* IOTC_POST_... */
};
void content_done(struct content *content);

void posts_init(struct posts *posts);
/* Completes what waits with -ECANCELED. */
void posts_done(iotc_client *client);

/* -ENOBUFS, -ENOMEM */
int posts_add(iotc_client *client, struct content *content, iotc_done_fn done,
              void *userdata) MUST_CHECK;
/* Any thread, with the lock. Takes the dones over; ret_dones is where they are. */
int posts_add_sample(iotc_prop *prop, const struct value *value, struct list *dones,
                     struct list **ret_dones) MUST_CHECK;

/* False: something had to stay, and what comes after it waits too. It is tried again by itself. */
bool posts_flush(iotc_client *client);
void posts_on_detached(iotc_client *client);
/* Adds the tokens that wait to the options of Attach. */
int posts_on_attaching(iotc_client *client, DBusMessageIter *options) MUST_CHECK;
/* Completes those that this iotd knows nothing of. */
void posts_on_attached(iotc_client *client, DBusMessage *reply);
/* The answer to a record: 0 with the token. False: it is none of ours. */
bool posts_on_token(iotc_client *client, uint32_t id, int result, uint64_t token);
bool posts_on_completed(iotc_client *client, uint64_t token, int result);
/* The end of a turn: tells those who heard -ENOBUFS that there is room again. */
void posts_tell_room(iotc_client *client);

#endif /* IOTD_LIBIOTCLIENT_POST_H */

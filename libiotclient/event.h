/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_EVENT_H
#define IOTD_LIBIOTCLIENT_EVENT_H

/*
 * Events on their way: queued, sent, accepted by iotd (it gave a token), completed. What was not
 * accepted when iotd goes away is queued again, in order and with the time of its post. What was
 * accepted is on its disk, and its token good with the next iotd: Attach asks whether it still is.
 * Samples of properties with a history go the same way.
 */

#include <iotclient/event.h>

#include "dbus/msg.h"
#include "libiotclient/base/list.h"
#include "libiotclient/value.h"

struct events {
    struct list drafts; /* struct iotc_event */
    struct list posts;  /* in order of posting */
    unsigned n_posts;
};

void events_init(struct events *events);
/* Completes what waits with -ECANCELED and cuts off the drafts. */
void events_done(iotc_client *client);
void events_flush(iotc_client *client);
void events_on_detached(iotc_client *client);
/* Adds the tokens that wait to the options of Attach. */
int events_on_attaching(iotc_client *client, DBusMessageIter *options);
/* Completes those that this iotd knows nothing of. */
void events_on_attached(iotc_client *client, DBusMessage *reply);
/* A value of a property that keeps all of them; as iotc_event_post(). */
int events_post_sample(iotc_client *client, const char *id, const struct value *value,
                       iotc_done_fn done, void *userdata) MUST_CHECK;
bool events_on_completed(iotc_client *client, uint64_t token, int result);

#endif /* IOTD_LIBIOTCLIENT_EVENT_H */

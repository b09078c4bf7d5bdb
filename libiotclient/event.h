/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_EVENT_H
#define IOTD_LIBIOTCLIENT_EVENT_H

/* Events as the program fills them; what is posted goes on as post.h says. */

#include <iotclient/event.h>

#include "libiotclient/base/list.h"
#include "libiotclient/post.h"

struct events {
    struct list drafts; /* struct iotc_event */
};

void events_init(struct events *events);
/* Cuts off the drafts. */
void events_done(iotc_client *client);

#endif /* IOTD_LIBIOTCLIENT_EVENT_H */

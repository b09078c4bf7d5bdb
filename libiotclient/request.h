/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_REQUEST_H
#define IOTD_LIBIOTCLIENT_REQUEST_H

/* Between serve.c and request.c: whom a request is for. */

#include "libiotclient/serve.h"

/* The slot of a handler object; NULL. */
iotc_slot *serve_find(iotc_client *client, const char *path);
bool serve_owns(iotc_slot *slot, enum serve_kind kind, const char *id);
enum serve_kind serve_get_kind(iotc_slot *slot);

/* The client goes: requests that programs hold are cut off. */
void request_cut_all(iotc_client *client);

#endif /* IOTD_LIBIOTCLIENT_REQUEST_H */

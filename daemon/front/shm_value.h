/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FRONT_SHM_VALUE_H
#define IOTD_FRONT_SHM_VALUE_H

/* Values of the thing model as items of pack.h, as bus_value.h has them as D-Bus values. */

#include "daemon/cloud/value.h"
#include "daemon/core/props.h"
#include "daemon/front/bus_value.h"
#include "libiotclient/ipc/pack.h"

void shm_value_put(struct pack_writer *w, const char *key, const struct value *v);
/* What is inside of a struct or an array, without an item around it. */
void shm_value_put_content(struct pack_writer *w, const struct value *v);
/* A struct by property. */
void shm_value_put_updates(struct pack_writer *w, const char *key, const struct model *model,
                           const struct prop_update *updates, size_t n);

/* As pack_next(); -EPROTO: the key is not UTF-8, and could not be told to anybody. */
int shm_value_next(struct pack_reader *r, struct pack_item *ret_item) MUST_CHECK;
/*
 * Fits an item to the definition. As value_fit(); *reterr_detail is filled on failure.
 * -EBADMSG: what is inside of it are no items.
 */
int shm_value_read(const struct pack_item *item, const struct thing_define *def, const char *id,
                   struct value *ret_value, char reterr_detail[BUS_VALUE_DETAIL]) MUST_CHECK;

#endif /* IOTD_FRONT_SHM_VALUE_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_PERSIST_H
#define IOTD_LOCALCLOUD_PERSIST_H

/*
 * JSON documents in the directory of --data-dir: each is replaced as a whole. They outlive the
 * program, however it ends; nothing is done against a loss of power.
 */

#include <jansson.h>

#include "libiotclient/base/macro.h"

/* dir -1: nothing is kept. Both may fail with a system error. */
int persist_save(int dir, const char *name, const json_t *document) MUST_CHECK;
/* A new reference. -ENOENT when there is none yet, or no directory; -EINVAL when it is no JSON. */
int persist_load(int dir, const char *name, json_t **ret_document) MUST_CHECK;

#endif /* IOTD_LOCALCLOUD_PERSIST_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_SYS_ACCOUNTS_H
#define IOTD_SYS_ACCOUNTS_H

/*
 * Users and groups of the system, by name. Looking up may ask services of the network: only where
 * settings are read, and for a person who asks what they mean.
 */

#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

/* 0; -ENOENT there is none; another negative errno when it cannot be said. */
int accounts_user(const char *name, uint32_t *ret_uid) MUST_CHECK;
int accounts_group(const char *name, uint32_t *ret_gid) MUST_CHECK;
/* All groups that a user is in. -ENOENT, -ENOMEM; the list is the caller's. */
int accounts_groups_of(uint32_t uid, uint32_t **ret_gids, size_t *ret_n) MUST_CHECK;

#endif /* IOTD_SYS_ACCOUNTS_H */

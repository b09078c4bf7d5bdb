/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_STATE_H
#define IOTD_STATE_H

#include "daemon/cloud/ident.h"
#include "daemon/store/db.h"

/*
 * Opens the state of this device. That of another one - the credentials were changed - is moved
 * aside: what it queued must not go out in the name of this one. What was accepted before there
 * were credentials belongs to the device that they are for. Mistakes are told on the log.
 * @return 0; as db_open()
 */
int state_open(struct db **ret_db, const char *dir, const struct ident *ident) MUST_CHECK;

#endif /* IOTD_STATE_H */

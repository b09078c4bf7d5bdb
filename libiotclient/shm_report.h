/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_SHM_REPORT_H
#define IOTD_LIBIOTCLIENT_SHM_REPORT_H

/*
 * The report slots: a short value is written where iotd finds it, over the one before, and iotd is
 * rung for only if it sleeps. A property keeps its slot to the end of the attach. All of these want
 * the lock of the client, but for the three of a turn.
 */

#include <iotclient/prop.h>

#include "libiotclient/base/list.h"
#include "libiotclient/base/macro.h"
#include "libiotclient/value.h"

/* Whether iotd keeps every value of it: no value of it may take a slot. */
bool shm_report_keeps_all(iotc_prop *prop);

/*
 * @return 0 it has its slot, and done waits for it; -EXFULL it has to go another way: it is too
 *         long, there is no slot, or no shared memory; -ENOMEM
 */
int shm_report_write(iotc_prop *prop, iotc_type type, const struct value *value, iotc_done_fn done,
                     void *userdata) MUST_CHECK;
/*
 * A newer value goes another way: what iotd has not taken yet is taken back, and its dones go to
 * ret_dones.
 */
void shm_report_take_back(iotc_prop *prop, struct list *ret_dones);
/*
 * iotd is gone: what it had not confirmed is pending, dones that wait go with it, and no property
 * has a slot any more. Dones of what had ended go to ret_ended, with their own results.
 */
void shm_reports_requeue(iotc_client *client, struct list *ret_ended);
/* The client goes: all dones that wait. */
void shm_reports_done(iotc_client *client, struct list *ret_dones);

/* --- a turn of the client's thread, without the lock --- */

/* Runs the dones of what iotd has ended. */
void shm_reports_dispatch(iotc_client *client);
bool shm_reports_have_work(iotc_client *client);

#endif /* IOTD_LIBIOTCLIENT_SHM_REPORT_H */

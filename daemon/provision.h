/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_PROVISION_H
#define IOTD_PROVISION_H

/*
 * New credentials for this device: what a person hands over on the bus, and what the cloud gives
 * at a dynamic registration. Both are checked before anything on the disk changes; iotd starts
 * over with them afterwards.
 */

#include "daemon/cloud/dynreg.h"
#include "daemon/front/bus.h"
#include "daemon/inputs.h"

/*
 * @param problem  on failure what is wrong, without any secret
 * @return 0; -EINVAL what was given is no good; -EMSGSIZE; -ENOMEM; -EIO
 */
int provision_run(const struct inputs *in, const struct bus_provision *request,
                  struct bus_provisioned *ret_result, char problem[BUS_PROBLEM]) MUST_CHECK;

/* Keeps what the cloud gave to the device of the inputs. */
int provision_register(const struct inputs *in, const struct dynreg_answer *answer,
                       char problem[DYNREG_PROBLEM]) MUST_CHECK;

#endif /* IOTD_PROVISION_H */

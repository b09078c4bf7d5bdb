/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_SYS_H
#define IOTD_LOCALCLOUD_SYS_H

/* The platform's own service on $sys/operation: the time. */

#include <stddef.h>
#include <stdint.h>

#include "examples/localcloud/broker.h"

struct sys_deps {
    const struct cloud_clock *clock;
    struct journal *journal;
    struct broker *broker;
};

/* Answers {"type":"get","resource":["time"]}. Other types are for services that are not here. */
void sys_on_message(const struct sys_deps *deps, const struct config_device *device,
                    const uint8_t *payload, size_t len);

#endif /* IOTD_LOCALCLOUD_SYS_H */

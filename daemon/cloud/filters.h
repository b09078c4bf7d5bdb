/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_FILTERS_H
#define IOTD_CLOUD_FILTERS_H

/* The topic filters of the device, in the order in which they are subscribed. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/base/macro.h"

struct filter {
    char topic[LIMIT_MQTT_TOPIC + 1];
    uint8_t qos;
    bool optional; /* refused, the device goes without */
};

/* Zero-initialised memory is an empty list. */
struct filters {
    struct filter *all;
    size_t n;
};

/* One that is there already stays as it is. 0; -EINVAL too long or too many; -ENOMEM */
int filters_add(struct filters *fs, const char *topic, uint8_t qos, bool optional) MUST_CHECK;
void filters_done(struct filters *fs);

#endif /* IOTD_CLOUD_FILTERS_H */

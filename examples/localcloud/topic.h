/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_TOPIC_H
#define IOTD_LOCALCLOUD_TOPIC_H

/*
 * Topic names, filters, and who may use which: every device has the same list of topics, each
 * with its own product id and device name in it.
 */

#include <stdbool.h>
#include <stddef.h>

/* What stands behind a topic on the platform's side. */
enum topic_kind {
    TOPIC_KIND_NONE, /* not one of this device's topics */
    TOPIC_KIND_PROPERTY,
    TOPIC_KIND_EVENT,
    TOPIC_KIND_ACTION,
    TOPIC_KIND_SERVICE,
    TOPIC_KIND_OTA, /* firmware */
    TOPIC_KIND_SYS, /* time */
    TOPIC_KIND_TWECALL,
    TOPIC_KIND_RESOURCE,
    TOPIC_KIND_DATA,  /* PID/DN/data: comes back to the device if it subscribed */
    TOPIC_KIND_OTHER, /* allowed, but no service of the stand-in listens */
};

/* MQTT 3.1.1, 4.7: names have no wildcard; '+' and '#' fill a level, '#' only the last. */
bool topic_is_name(const char *name);
bool topic_is_filter(const char *filter);
/* Both valid. A leading wildcard does not match names that start with '$' [MQTT-4.7.2-1]. */
bool topic_matches(const char *filter, const char *name);

/* TOPIC_KIND_NONE: the device may not publish there. */
enum topic_kind topic_publish_kind(const char *name, const char *product_id,
                                   const char *device_name);
/*
 * A filter may hold wildcards as long as product id and device name are spelled out, and at
 * least one topic that the device may subscribe to is covered.
 */
bool topic_may_subscribe(const char *filter, const char *product_id, const char *device_name);

#endif /* IOTD_LOCALCLOUD_TOPIC_H */

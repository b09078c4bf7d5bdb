/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/filters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int filters_add(struct filters *fs, const char *topic, uint8_t qos, bool optional)
{
    struct filter *f;

    for (size_t i = 0; i < fs->n; i++) {
        if (strcmp(fs->all[i].topic, topic) == 0)
            return 0;
    }
    if (strlen(topic) > LIMIT_MQTT_TOPIC || fs->n >= LIMIT_SUBSCRIPTIONS)
        return -EINVAL;
    f = reallocarray(fs->all, fs->n + 1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    fs->all = f;
    f += fs->n++;
    *f = (struct filter){.qos = qos, .optional = optional};
    strcpy(f->topic, topic);
    return 0;
}

void filters_done(struct filters *fs)
{
    free(fs->all);
    *fs = (struct filters){0};
}

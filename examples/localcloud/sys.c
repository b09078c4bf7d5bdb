/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/sys.h"

#include <stdio.h>
#include <string.h>

#include "libiotclient/base/limits.h"

static bool asks_for_time(const json_t *message)
{
    const json_t *resource = json_object_get(message, "resource");

    for (size_t i = 0; i < json_array_size(resource); i++) {
        const char *name = json_string_value(json_array_get(resource, i));

        if (name && strcmp(name, "time") == 0)
            return true;
    }
    return false;
}

/* ntptime1 is when the question came, ntptime2 when the answer left. */
static void send_time(const struct sys_deps *deps, const struct config_device *device,
                      uint64_t came_ms)
{
    uint64_t now_ms = clock_real_ms(deps->clock);
    char topic[LIMIT_MQTT_TOPIC + 1], text[128];
    int n;

    (void) snprintf(topic, sizeof(topic), "$sys/operation/result/%s/%s", device->product->id,
                    device->name);
    n = snprintf(text, sizeof(text),
                 "{\"type\":\"get\",\"time\":%llu,\"ntptime1\":%llu,\"ntptime2\":%llu}",
                 (unsigned long long) (now_ms / 1000), (unsigned long long) came_ms,
                 (unsigned long long) now_ms);
    (void) broker_publish(deps->broker, device, topic, text, (size_t) n, 0);
}

void sys_on_message(const struct sys_deps *deps, const struct config_device *device,
                    const uint8_t *payload, size_t len)
{
    uint64_t came_ms = clock_real_ms(deps->clock);
    json_t *message = json_loadb((const char *) payload, len, 0, NULL);
    const char *type = json_string_value(json_object_get(message, "type"));

    if (!type)
        journal_event(deps->journal, device->id, "bad_message", "$sys: not an object with a type");
    else if (strcmp(type, "get") == 0 && asks_for_time(message))
        send_time(deps, device, came_ms);
    else if (strcmp(type, "get") == 0)
        journal_event(deps->journal, device->id, "bad_message", "$sys: get of no known resource");
    json_decref(message);
}

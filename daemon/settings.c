/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "libiotclient/base/loop.h"

static uint64_t interval_us(double seconds)
{
    return (uint64_t) (seconds * USEC_PER_SEC + 0.5);
}

static struct policy policy_of(const struct conf *c)
{
    return (struct policy){
        .history = c->property_history,
        .min_interval_us = interval_us(c->property_min_interval),
        .max_interval_us = interval_us(c->property_max_interval),
        .dead_band = c->property_dead_band,
        .dead_band_percent = c->property_dead_band_percent,
        .qos = (uint8_t) c->property_qos,
    };
}

static struct policy_rule policy_rule_of(const struct conf_property *p)
{
    return (struct policy_rule){
        .id = p->id,
        .wish.given = (p->has_history ? POLICY_HISTORY : 0U) |
                      (p->has_min_interval ? POLICY_MIN_INTERVAL : 0U) |
                      (p->has_max_interval ? POLICY_MAX_INTERVAL : 0U) |
                      (p->has_dead_band ? POLICY_DEAD_BAND : 0U) |
                      (p->has_dead_band_percent ? POLICY_DEAD_BAND_PERCENT : 0U) |
                      (p->has_qos ? POLICY_QOS : 0U),
        .wish.policy =
            {
                .history = p->history,
                .min_interval_us = interval_us(p->min_interval),
                .max_interval_us = interval_us(p->max_interval),
                .dead_band = p->dead_band,
                .dead_band_percent = p->dead_band_percent,
                .qos = (uint8_t) p->qos,
            },
    };
}

int settings_policy_rules(const struct conf *c, struct policy_rule **ret_rules)
{
    struct policy_rule *rules = calloc(c->n_properties ? c->n_properties : 1, sizeof(*rules));

    if (!rules)
        return -ENOMEM;
    for (size_t i = 0; i < c->n_properties; i++)
        rules[i] = policy_rule_of(&c->properties[i]);
    *ret_rules = rules;
    return 0;
}

static enum update_auto auto_of(const char *text)
{
    if (strcmp(text, "download") == 0)
        return UPDATE_AUTO_DOWNLOAD;
    return strcmp(text, "no") == 0 ? UPDATE_AUTO_NO : UPDATE_AUTO_YES;
}

void settings_core_config(const struct conf *c, const struct policy_rule *rules,
                          struct core_config *ret_config)
{
    *ret_config = (struct core_config){
        .quota =
            {
                .ids = (unsigned) c->quota_ids,
                .calls = (unsigned) c->quota_calls,
                .rate = (unsigned) c->quota_rate,
                .attachments = (unsigned) c->quota_attachments,
            },
        .report_rate = (unsigned) c->report_rate,
        .policy = policy_of(c),
        .policy_rules = rules,
        .n_policy_rules = c->n_properties,
        .accept_unowned = strcmp(c->thing_unowned_control, "accept") == 0,
        .control_timeout_us = (uint64_t) c->thing_control_timeout * USEC_PER_SEC,
        .action_timeout_us = (uint64_t) c->thing_action_timeout * USEC_PER_SEC,
        .events =
            {
                .max_events = c->outbox_max_events,
                .max_bytes = c->outbox_max_bytes,
                .rate = (unsigned) c->outbox_rate,
                .share = (unsigned) c->quota_outbox_share,
                .drop_oldest_info = strcmp(c->outbox_info_policy, "drop-oldest") == 0,
            },
        .update =
            {
                .automatic = auto_of(c->firmware_auto),
                .version = c->firmware_version,
                .version_file = c->firmware_version_file,
                .install_timeout_us = (uint64_t) c->firmware_install_timeout * USEC_PER_SEC,
                .rate = (uint64_t) c->firmware_rate * 1024,
            },
    };
}

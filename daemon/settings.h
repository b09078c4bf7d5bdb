/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_SETTINGS_H
#define IOTD_SETTINGS_H

/* Settings in the terms of the core. What is text in them is borrowed. */

#include "daemon/core/core.h"

struct conf;

/* What the administrator wants for single properties; the rules are the caller's. */
int settings_policy_rules(const struct conf *c, struct policy_rule **ret_rules) MUST_CHECK;
/* rules: of the same settings; borrowed. */
void settings_core_config(const struct conf *c, const struct policy_rule *rules,
                          struct core_config *ret_config);

#endif /* IOTD_SETTINGS_H */

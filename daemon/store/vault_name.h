/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_STORE_VAULT_NAME_H
#define IOTD_STORE_VAULT_NAME_H

#include <stdbool.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/base/macro.h"

/*
 * Device names that the device itself has to know, so that all devices of a product get the same
 * file: "mac:eth0" (12 lower-case hexadecimal digits), "imei:/path" (15 digits), "file:/path"
 * (the first line).
 */
bool vault_name_is_source(const char *text);

/*
 * sysfs: "/sys"; tests have their own.
 * @param ret_problem  static, only set on failure
 * @return 0; -ENOENT not there (yet); -EINVAL there is no such kind of source, or what is there is
 *         no device name; what the system says
 */
int vault_name_read(const char *source, const char *sysfs, char name[LIMIT_DEVICE_NAME + 1],
                    const char **ret_problem) MUST_CHECK;

#endif /* IOTD_STORE_VAULT_NAME_H */

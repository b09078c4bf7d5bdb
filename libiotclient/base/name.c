/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/base/name.h"

#include <string.h>

#include "libiotclient/base/limits.h"

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool is_of(const char *name, const char *set, size_t max)
{
    size_t len;

    if (!name)
        return false;
    len = strnlen(name, max + 1);
    return len >= 1 && len <= max && strspn(name, set) == len;
}

bool name_is_feature_id(const char *name)
{
    return is_of(name, LOWER UPPER DIGITS "_", LIMIT_FEATURE_ID) && !strchr(DIGITS, name[0]);
}

bool name_is_product_id(const char *name)
{
    return is_of(name, LOWER UPPER DIGITS, LIMIT_PRODUCT_ID);
}

bool name_is_device_name(const char *name)
{
    return is_of(name, LOWER UPPER DIGITS "_-", LIMIT_DEVICE_NAME);
}

bool name_is_app_id(const char *name)
{
    return is_of(name, LOWER DIGITS "._-", LIMIT_APP_ID);
}

bool name_is_version(const char *name)
{
    return is_of(name, LOWER UPPER DIGITS "._-", LIMIT_VERSION);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/base/name.h"

#include <string.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/base/utf8.h"

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

/* UTF-8 without U+0000 to U+001F and U+007F to U+009F. */
static bool is_text(const char *name, size_t max)
{
    size_t len = name ? strnlen(name, max + 1) : 0;

    if (len == 0 || len > max || !utf8_is_valid(name, len))
        return false;
    for (const unsigned char *c = (const unsigned char *) name; *c; c++) {
        if (*c < 0x20 || *c == 0x7f || (*c == 0xc2 && c[1] < 0xa0))
            return false;
    }
    return true;
}

bool name_is_file(const char *name)
{
    return is_text(name, LIMIT_FILE_NAME) && name[0] != '.' && !strchr(name, '/');
}

bool name_is_file_type(const char *name)
{
    return is_of(name, LOWER UPPER DIGITS "_-", LIMIT_FILE_TYPE);
}

bool name_is_file_version(const char *name)
{
    return is_text(name, LIMIT_VERSION);
}

bool name_is_md5(const char *name)
{
    return is_of(name, DIGITS "abcdefABCDEF", 32) && strlen(name) == 32;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dbus/errmap.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "dbus/names.h"
#include "libiotclient/base/macro.h"

struct error_row {
    int err;
    const char *name;
    int32_t code;
    const char *text;
};

static const struct error_row rows[] = {
#define ERROR(err, name, code, text) {(err), IOTD_ERROR_PREFIX name, (code), (text)},
#include "dbus/errors.def"
#undef ERROR
};

/* The bus has a name for this; the cloud's code is that of "not understood". */
static const struct error_row row_invalid = {
    EINVAL,
    "org.freedesktop.DBus.Error.InvalidArgs",
    400,
    "the arguments are not valid",
};

/* What the bus and libdbus say by themselves (D-Bus specification, dbus-protocol.h). */
static const struct {
    const char *name;
    int err;
} bus_names[] = {
    {"AccessDenied", EACCES},
    {"AuthFailed", EACCES},
    {"Disconnected", ENOTCONN},
    {"Failed", EIO},
    {"FileNotFound", EIO},
    {"IOError", EIO},
    {"InconsistentMessage", EPROTO},
    {"InteractiveAuthorizationRequired", EACCES},
    {"InvalidArgs", EINVAL},
    {"InvalidSignature", EPROTO},
    {"LimitsExceeded", ENOBUFS},
    {"NameHasNoOwner", ENOTCONN},
    {"NoMemory", ENOMEM},
    {"NoNetwork", ENOTCONN},
    {"NoReply", ETIMEDOUT},
    {"NoServer", ENOTCONN},
    {"NotSupported", EOPNOTSUPP},
    {"ObjectPathInUse", EEXIST},
    {"PropertyReadOnly", EROFS},
    {"ServiceUnknown", ENOTCONN},
    {"TimedOut", ETIMEDOUT},
    {"Timeout", ETIMEDOUT},
    {"UnknownInterface", EOPNOTSUPP},
    {"UnknownMethod", EOPNOTSUPP},
    {"UnknownObject", EOPNOTSUPP},
    {"UnknownProperty", EOPNOTSUPP},
};

static const struct error_row *row_of(int err)
{
    const struct error_row *io = NULL;

    if (err == -EINVAL)
        return &row_invalid;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].err == -err)
            return &rows[i];
        if (rows[i].err == EIO)
            io = &rows[i];
    }
    return io;
}

const char *errmap_name(int err)
{
    return err == 0 ? NULL : row_of(err)->name;
}

int32_t errmap_code(int err)
{
    return err == 0 ? 0 : row_of(err)->code;
}

const char *errmap_text(int err)
{
    return err == 0 ? "done" : row_of(err)->text;
}

int errmap_from_name(const char *name)
{
    static const char prefix[] = "org.freedesktop.DBus.Error.";

    if (!name)
        return -EIO;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (strcmp(rows[i].name, name) == 0)
            return -rows[i].err;
    }
    if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
        return -EIO;
    for (size_t i = 0; i < ARRAY_SIZE(bus_names); i++) {
        if (strcmp(bus_names[i].name, name + sizeof(prefix) - 1) == 0)
            return -bus_names[i].err;
    }
    return -EIO;
}

static const struct error_row *row_of_code(int32_t code)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].code == code)
            return &rows[i];
    }
    return NULL;
}

int errmap_from_code(int32_t code)
{
    const struct error_row *row;

    if (code == 0)
        return 0;
    row = row_of_code(code);
    return row ? -row->err : -ECONNREFUSED;
}

bool errmap_is_known_code(int32_t code)
{
    return row_of_code(code) != NULL;
}

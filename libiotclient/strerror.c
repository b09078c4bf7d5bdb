/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stddef.h>

#include <iotclient/client.h>

#include "dbus/errmap.h"
#include "libiotclient/base/macro.h"

#define MAX_ERRNO 4095 /* as the kernel has it */

/* What does not come from iotd; the rest is dbus/errors.def. */
static const struct {
    int err;
    const char *text;
} texts[] = {
    {EALREADY, "it was answered before"},
    {EBUSY, "not inside of a callback"},
    {ECANCELED, "the client ended before"},
    {ECONNRESET, "iotd went away in the meantime"},
    {EHOSTDOWN, "the system bus cannot be reached"},
    {EINPROGRESS, "not done yet"},
    {EINTR, "a signal came in between"},
    {EMFILE, "too many open files in this program"},
    {ENFILE, "too many open files in the system"},
    {ENODATA, "there is no value yet"},
    {ENOTCONN, "iotd was not reached yet"},
    {ESHUTDOWN, "the client has ended"},
};

const char *iotc_strerror(int error)
{
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (error < 0 && error >= -MAX_ERRNO && texts[i].err == -error)
            return texts[i].text;
    }
    if (error > 0 || error < -MAX_ERRNO)
        return "unknown error";
    /* errmap counts what it does not know as EIO. */
    if (error && error != -EIO && errmap_from_name(errmap_name(error)) == -EIO)
        return "unknown error";
    return errmap_text(error);
}

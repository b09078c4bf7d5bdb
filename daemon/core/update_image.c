/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/core/update_impl.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/fdutil.h"

LOG_AREA("firmware");

#define SUFFIX ".image"
#define LOCAL "local"

/* Of another image it is another one: what is there of the one before is not taken up. */
void update_image_name(const struct update *u, char name[UPDATE_NAME])
{
    (void) snprintf(name, UPDATE_NAME, "%.32s" SUFFIX, u->rec.local ? LOCAL : u->rec.order->md5);
}

int update_open_dir(const struct update *u)
{
    int fd;

    if (!u->dir)
        return -ENOENT;
    if (mkdir(u->dir, 0700) < 0 && errno != EEXIST)
        return -errno;
    fd = open(u->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* One of ours: the directory may be somebody else's, too. */
static bool is_image(const char *name)
{
    if (strcmp(name, LOCAL SUFFIX) == 0)
        return true;
    return strspn(name, "0123456789abcdef") == FIRMWARE_MD5_SIZE - 1 &&
           strcmp(name + FIRMWARE_MD5_SIZE - 1, SUFFIX) == 0;
}

static void closedirp(DIR **dir)
{
    if (*dir)
        (void) closedir(*dir); /* was only read */
}

void update_clean(const struct update *u, const char *keep)
{
    CLEANUP(closedirp) DIR *dir = u->dir ? opendir(u->dir) : NULL;
    const struct dirent *entry;

    if (!dir)
        return; /* there is nothing */
    for (entry = readdir(dir); entry; entry = readdir(dir)) {
        if (!is_image(entry->d_name) || (keep && strcmp(entry->d_name, keep) == 0))
            continue;
        if (unlinkat(dirfd(dir), entry->d_name, 0) < 0)
            log_warn("cannot remove %s/%s: %s", u->dir, entry->d_name, strerror(errno));
    }
}

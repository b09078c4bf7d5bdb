/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/sys/accounts.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>

#define MAX_GROUPS 65536 /* NGROUPS_MAX of Linux */

/* No entry is no error for some sources, one of these for others (getpwnam(3)). */
static int error_of(int e)
{
    return e == 0 || e == ENOENT || e == ESRCH || e == EBADF || e == EPERM ? -ENOENT : -e;
}

int accounts_user(const char *name, uint32_t *ret_uid)
{
    const struct passwd *pw;

    errno = 0;
    pw = getpwnam(name);
    if (!pw)
        return error_of(errno);
    *ret_uid = pw->pw_uid;
    return 0;
}

int accounts_group(const char *name, uint32_t *ret_gid)
{
    const struct group *gr;

    errno = 0;
    gr = getgrnam(name);
    if (!gr)
        return error_of(errno);
    *ret_gid = gr->gr_gid;
    return 0;
}

int accounts_groups_of(uint32_t uid, uint32_t **ret_gids, size_t *ret_n)
{
    CLEANUP(freep) gid_t *gids = NULL;
    const struct passwd *pw;
    int n = 0;

    _Static_assert(sizeof(gid_t) == sizeof(uint32_t), "a list of groups is passed on as it is");
    errno = 0;
    pw = getpwuid(uid);
    if (!pw)
        return error_of(errno);
    (void) getgrouplist(pw->pw_name, pw->pw_gid, NULL, &n); /* how many */
    if (n <= 0 || n > MAX_GROUPS)
        return -ENOENT;
    gids = calloc((size_t) n, sizeof(*gids));
    if (!gids)
        return -ENOMEM;
    if (getgrouplist(pw->pw_name, pw->pw_gid, gids, &n) < 0)
        return -ENOENT; /* more than a moment ago */
    *ret_gids = TAKE(gids);
    *ret_n = (size_t) n;
    return 0;
}

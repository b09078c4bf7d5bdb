/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/access_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sys/accounts.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/limits.h"

LOG_AREA("main");

#define DEFAULT_DIR IOTD_SYSCONFDIR "/iotd/access.d"
#define DEFAULT_GROUP "iotd"
#define SUFFIX ".conf"

static void on_mistake(const char *file, unsigned line, const char *key, const char *what,
                       void *userdata)
{
    (void) userdata;
    if (line)
        log_err("%s:%u: %s%s%s", file, line, key, *key ? ": " : "", what);
    else
        log_err("%s: %s%s%s", file, key, *key ? ": " : "", what);
}

static int add_file(struct access_conf *access, const char *path)
{
    static const struct access_names names = {accounts_user, accounts_group};
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    CLEANUP(freep) char *data = NULL;
    size_t len;
    int r = fd < 0 ? -errno : fd_read_file(fd, LIMIT_ACCESS_FILE, &data, &len);

    if (r < 0) {
        log_err("%s: %s", path, strerror(-r));
        return r == -ENOMEM ? r : -EINVAL;
    }
    return access_conf_add(access, path, data, len, &names, on_mistake, NULL);
}

/* Names that begin with a dot are those of editors and package managers. */
static int is_rules(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name), suffix = sizeof(SUFFIX) - 1;

    return entry->d_name[0] != '.' && len > suffix &&
           strcmp(entry->d_name + len - suffix, SUFFIX) == 0;
}

/* By bytes, whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_all(struct access_conf *access, const char *dir, struct dirent **entries, int n)
{
    int result = 0;

    if (n > LIMIT_ACCESS_FILES) {
        log_err("%s: more than %d files", dir, LIMIT_ACCESS_FILES);
        return -EINVAL;
    }
    for (int i = 0; i < n; i++) { /* the mistakes of all */
        CLEANUP(freep) char *path = NULL;
        int r;

        if (asprintf(&path, "%s/%s", dir, entries[i]->d_name) < 0)
            return -ENOMEM;
        r = add_file(access, path);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            result = r;
    }
    return result;
}

/* The default one need not be there: then only rules let others in. */
static int find_group(const char *name, struct access_conf *access)
{
    int r;

    if (!*name)
        return 0;
    r = accounts_group(name, &access->group);
    if (r == -ENOENT && strcmp(name, DEFAULT_GROUP) == 0)
        return 0;
    if (r < 0) {
        log_err("access.group: there is no group \"%s\"", name);
        return -EINVAL;
    }
    access->has_group = true;
    return 0;
}

int access_files_load(const struct conf *conf, struct access_conf **ret_access)
{
    const char *dir = *conf->access_dir ? conf->access_dir : DEFAULT_DIR;
    CLEANUP(access_conf_freep) struct access_conf *access = NULL;
    struct dirent **entries = NULL;
    int n, r, group;

    r = access_conf_new(&access);
    if (r < 0)
        return r;
    group = find_group(conf->access_group, access);
    n = scandir(dir, &entries, is_rules, by_name);
    r = n < 0 ? -errno : 0;
    if (r == -ENOENT && !*conf->access_dir)
        r = 0;
    else if (r < 0)
        log_err("access.dir: %s: %s", dir, strerror(-r));
    if (n >= 0)
        r = add_all(access, dir, entries, n);
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
    if (r == 0)
        r = group;
    if (r < 0)
        return r == -ENOMEM ? r : -EINVAL;
    *ret_access = TAKE(access);
    return 0;
}

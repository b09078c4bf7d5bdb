/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/filer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/sys/log.h"

LOG_AREA("files");

#define NAME "files"

static const struct files_net_ops net_ops = {
    .fetch_start = fetch_start,
    .fetch_free = fetch_free,
    .put_start = put_start,
    .put_free = put_free,
};

static uint64_t bytes(int64_t mib)
{
    return (uint64_t) mib << 20;
}

/* The caller's. */
static char *find_path(const struct conf *conf, const char *state_dir)
{
    size_t size = strlen(state_dir) + sizeof("/" NAME);
    char *path;

    if (*conf->files_dir)
        return strdup(conf->files_dir);
    path = malloc(size);
    if (path)
        (void) snprintf(path, size, "%s/" NAME, state_dir);
    return path;
}

int filer_new(struct files **ret_files, struct loop *loop, const struct core *core,
              struct fetcher *fetcher, const struct conf *conf, const char *state_dir)
{
    CLEANUP(freep) char *path = find_path(conf, state_dir);
    const struct files_net net = {.ops = &net_ops, .fetcher = fetcher};
    const struct files_config config = {
        .path = path,
        .quota = bytes(conf->files_quota),
        .max_size = bytes(conf->files_max_size),
    };
    int r = path ? files_new(ret_files, loop, core->link, core->ident, core->thing, core->db, &net,
                             &config)
                 : -ENOMEM;

    if (r == 0 || r == -ENOMEM)
        return r;
    log_err("files.dir \"%s\": %s; going on without files", path, strerror(-r));
    return 0;
}

void filer_configure(struct files *files, const struct conf *conf)
{
    files_configure(files, bytes(conf->files_quota), bytes(conf->files_max_size));
}

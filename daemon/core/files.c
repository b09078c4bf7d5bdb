/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sys/log.h"

LOG_AREA("files");

#define SETTLE_US USEC_PER_SEC /* own choice: after a connect, what is more urgent goes first */

struct files {
    struct loop *loop;
    struct link *link;
    struct link_watch watch;
    struct loop_timer settle;
    struct filesvc *filesvc;
    struct resource *resource;
    struct files_dir dir;
    struct transfers transfers;
    struct files_down *down;
    struct files_up *up;
    const struct files_front *front; /* NULL: nobody listens */
    void *front_userdata;
};

/* --- what is told to the cloud --- */

/* A file that is not here would look as if it were. */
static void report_versions(struct files *f)
{
    CLEANUP(freep) struct file_record *records = calloc(LIMIT_FILES, sizeof(*records));
    size_t n_here = 0;

    if (!records) {
        log_warn("cannot report the versions of the files");
        return;
    }
    LIST_FOR_EACH (n, &f->dir.files) {
        const struct file *file = LIST_ENTRY(n, struct file, link);

        if (file->kind == FILE_KIND_FILE && file->is_here && n_here < LIMIT_FILES)
            records[n_here++] = (struct file_record){file->name, file->type, file->version};
    }
    filesvc_report_versions(f->filesvc, records, n_here);
}

static void on_settled(struct loop_timer *timer, void *userdata)
{
    struct files *f = userdata;

    (void) timer;
    report_versions(f);
    if (resource_check(f->resource) < 0)
        log_warn("cannot ask for resources; asked again after the next connect");
    files_down_go(f->down);
}

static void on_up(void *userdata)
{
    struct files *f = userdata;

    loop_timer_arm(f->loop, &f->settle, SETTLE_US, on_settled, f);
}

static void on_down(void *userdata)
{
    struct files *f = userdata;

    loop_timer_cancel(&f->settle);
}

static void on_progress(const struct file_order *o, unsigned percent, void *userdata)
{
    struct files *f = userdata;

    if (o->kind == FILE_KIND_FILE) /* lost while the link is down: the next one tells more */
        (void) !filesvc_report_progress(f->filesvc, o->name, o->version, percent);
    else
        (void) !resource_report_progress(f->resource, false, o->name, percent);
}

static void on_end(const struct file_order *o, int code, const char *text, void *userdata)
{
    struct files *f = userdata;
    int r = o->kind == FILE_KIND_FILE
                ? filesvc_report_result(f->filesvc, o->name, o->version, code, text)
                : resource_report_end(f->resource, false, o->name, code, text);

    if (r < 0) /* the next report of versions does */
        log_warn("the cloud is not told of a download name=\"%.64s\" error=\"%s\"", o->name,
                 strerror(-r));
}

static void report_deleted(struct files *f, const char *name, const char *version, int r)
{
    int code = r < 0 ? FILE_CODE_NOT_DELETED : 0;

    r = filesvc_report_deleted(f->filesvc, name, version, code, "the device cannot delete it");
    if (r < 0)
        log_warn("the cloud is not told of a file that went name=\"%.64s\" error=\"%s\"", name,
                 strerror(-r));
}

/* --- what the cloud asks --- */

static void on_order(const struct file_order *o, void *userdata)
{
    struct files *f = userdata;

    files_down_order(f->down, o);
}

static int remove_file(struct files *f, struct file *file)
{
    const enum file_kind kind = file->kind;
    const bool was_here = file->is_here;
    char name[LIMIT_FILE_NAME + 1];
    int r;

    (void) snprintf(name, sizeof(name), "%s", file->name);
    r = files_dir_remove(&f->dir, file);
    if (r < 0) {
        log_err("cannot delete name=\"%s\" error=\"%s\"", name, strerror(-r));
        return r;
    }
    log_info("deleted name=\"%s\"", name);
    if (was_here && f->front)
        f->front->removed(kind, name, f->front_userdata);
    return 0;
}

/*
 * What is not here is deleted, says the guide, or the cloud would have it on record for ever. Also
 * another version of what is here: that one stays.
 */
static void on_delete(const struct file_record *record, void *userdata)
{
    struct files *f = userdata;
    struct file *file = files_dir_find(&f->dir, FILE_KIND_FILE, record->name);
    const struct download *d = files_down_find(f->down, FILE_KIND_FILE, record->name);
    int r = 0;

    if (d && (!*record->version || strcmp(download_file(d)->version, record->version) == 0))
        (void) files_down_forget(f->down, FILE_KIND_FILE, record->name, "the cloud deleted it");
    if (file && (!*record->version || strcmp(file->version, record->version) == 0))
        r = remove_file(f, file);
    report_deleted(f, record->name, record->version, r);
}

static void on_recorded(const struct file_record *record, void *userdata)
{
    struct files *f = userdata;
    int r = files_dir_note(&f->dir, FILE_KIND_FILE, record);

    if (r < 0)
        log_warn("a file that the cloud has on record is left out name=\"%.64s\" error=\"%s\"",
                 record->name, strerror(-r));
}

static void on_file_url(const char *request_id, int code, const char *text, const char *url,
                        const char *token, void *userdata)
{
    files_up_on_file_url(((struct files *) userdata)->up, request_id, code, text, url, token);
}

static void on_resource_url(const char *name, const char *md5, int code, const char *text,
                            const char *url, void *userdata)
{
    files_up_on_resource_url(((struct files *) userdata)->up, name, md5, code, text, url);
}

static void on_received(const struct file *file, void *userdata)
{
    struct files *f = userdata;

    if (f->front)
        f->front->received(file, f->front_userdata);
}

static const struct filesvc_events filesvc_events = {
    .on_update = on_order,
    .on_delete = on_delete,
    .on_recorded = on_recorded,
    .on_url = on_file_url,
};

static const struct resource_events resource_events = {
    .on_download = on_order,
    .on_url = on_resource_url,
};

/* --- what programs ask --- */

void files_listen(struct files *f, const struct files_front *front, void *userdata)
{
    f->front = front;
    f->front_userdata = userdata;
}

struct transfers *files_transfers(struct files *f)
{
    return &f->transfers;
}

void files_configure(struct files *f, uint64_t quota, uint64_t max_size)
{
    f->dir.quota = quota;
    f->dir.max_size = max_size;
}

int files_walk(const struct files *f, enum file_kind kind,
               int (*fn)(const struct file *f, enum file_state state, void *userdata),
               void *userdata)
{
    int r = 0;

    LIST_FOR_EACH (n, &f->dir.files) {
        const struct file *file = LIST_ENTRY(n, struct file, link);
        bool comes = files_down_find(f->down, kind, file->name) != NULL;

        if (r == 0 && file->kind == kind)
            r = fn(file,
                   file->is_here ? comes ? FILE_STATE_RENEWED : FILE_STATE_HERE
                   : comes       ? FILE_STATE_COMING
                                 : FILE_STATE_AWAY,
                   userdata);
    }
    for (const struct download *d = files_down_next(f->down, NULL); r == 0 && d;
         d = files_down_next(f->down, d)) {
        const struct file *file = download_file(d);

        if (file->kind == kind && !files_dir_find(&f->dir, kind, file->name))
            r = fn(file, FILE_STATE_COMING, userdata);
    }
    return r;
}

int files_open(const struct files *f, enum file_kind kind, const char *name, int *ret_fd,
               const struct file **ret_file)
{
    const struct file *file = files_dir_find(&f->dir, kind, name);
    int r = file ? files_dir_open(&f->dir, file, ret_fd) : -ENOENT;

    if (r == 0)
        *ret_file = file;
    return r;
}

int files_delete(struct files *f, enum file_kind kind, const char *name)
{
    struct file *file = files_dir_find(&f->dir, kind, name);
    const struct download *d = files_down_find(f->down, kind, name);
    char version[LIMIT_VERSION + 1];
    int r = 0;

    if (!file && !d)
        return -ENOENT;
    (void) snprintf(version, sizeof(version), "%s",
                    file ? file->version : download_file(d)->version);
    (void) files_down_forget(f->down, kind, name, "deleted on the device");
    if (file)
        r = remove_file(f, file);
    if (r == 0 && kind == FILE_KIND_FILE)
        report_deleted(f, name, version, 0);
    return r;
}

int files_upload(struct files *f, const struct files_up_request *request,
                 struct transfer **ret_transfer)
{
    return files_up_start(f->up, request, ret_transfer);
}

int files_check(struct files *f)
{
    return resource_check(f->resource);
}

int files_request_asr(struct files *f, const char *token, const char *params)
{
    CLEANUP(jx_decrefp) json_t *json = NULL;
    CLEANUP(freep) char *text = NULL;
    int r;

    if (!*token || strlen(token) > LIMIT_FILE_TOKEN)
        return -EINVAL;
    if (strlen(params) > LIMIT_ASR_REQUEST)
        return -EMSGSIZE;
    if (!link_is_up(f->link))
        return -ENETDOWN;
    r = *params ? jx_parse_object(params, strlen(params), &json, NULL)
                : jx_parse_object("{}", 2, &json, NULL);
    if (r < 0)
        return r == -ENOMEM ? r : -EINVAL;
    if (json_object_set_new(json, "resource_token", json_string(token)) < 0)
        return -ENOMEM;
    text = json_dumps(json, JSON_COMPACT);
    return text ? filesvc_request_asr(f->filesvc, text) : -ENOMEM;
}

/* --- life --- */

static int make_transfers(struct files *f, const struct files_net *net)
{
    const struct files_down_config down = {
        .loop = f->loop,
        .dir = &f->dir,
        .net = *net,
        .transfers = &f->transfers,
        .events = {on_progress, on_end, on_received, f},
    };
    const struct files_up_config up = {
        .loop = f->loop,
        .link = f->link,
        .net = *net,
        .transfers = &f->transfers,
        .filesvc = f->filesvc,
        .resource = f->resource,
    };
    int r = files_down_new(&f->down, &down);

    return r < 0 ? r : files_up_new(&f->up, &up);
}

int files_new(struct files **ret_files, struct loop *loop, struct link *link,
              const struct ident *ident, struct thing *thing, struct db *db,
              const struct files_net *net, const struct files_config *config)
{
    CLEANUP(files_freep) struct files *f = calloc(1, sizeof(*f));
    int r;

    if (!f)
        return -ENOMEM;
    f->loop = loop;
    f->link = link;
    transfers_init(&f->transfers, loop);
    r = files_dir_init(&f->dir, db, config->path);
    files_configure(f, config->quota, config->max_size);
    if (r == 0)
        r = filesvc_new(&f->filesvc, link, thing, &filesvc_events, f);
    if (r == 0)
        r = resource_new(&f->resource, link, ident, &resource_events, f);
    if (r == 0)
        r = make_transfers(f, net);
    if (r < 0)
        return r;
    f->watch = (struct link_watch){.on_up = on_up, .on_down = on_down, .userdata = f};
    link_watch(link, &f->watch);
    *ret_files = TAKE(f);
    return 0;
}

struct files *files_free(struct files *f)
{
    if (!f)
        return NULL;

    link_unwatch(&f->watch);
    loop_timer_cancel(&f->settle);
    files_up_free(f->up);
    files_down_free(f->down);
    resource_free(f->resource);
    filesvc_free(f->filesvc);
    transfers_done(&f->transfers);
    files_dir_done(&f->dir);
    free(f);
    return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/files_down.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/files_down_impl.h"
#include "daemon/store/file_rows.h"
#include "daemon/sys/log.h"

LOG_AREA("files");

static struct file_order order_of(const struct download *d)
{
    return (struct file_order){
        .kind = d->file.kind,
        .name = d->file.name,
        .type = d->file.type,
        .version = d->file.version,
        .url = d->url,
        .md5 = d->file.md5,
        .size = d->file.size,
    };
}

void files_down_tell(struct files_down *down, const struct file_order *o, int code,
                     const char *text)
{
    if (code == 0)
        log_info("received name=\"%s\" version=\"%s\" size=%llu", o->name, o->version,
                 (unsigned long long) o->size);
    else
        log_warn("not received name=\"%.64s\" version=\"%.32s\" code=%d: %s", o->name, o->version,
                 code, text);
    down->config.events.end(o, code, text, down->config.events.userdata);
}

/* --- the database --- */

static int put_row(struct db *db, void *userdata)
{
    const struct download *d = userdata;
    const struct download_row row = {
        .kind = (int) d->file.kind,
        .name = d->file.name,
        .type = d->file.type,
        .version = d->file.version,
        .md5 = d->file.md5,
        .url = d->state == DOWNLOAD_BROKEN ? "" : d->url,
        .size = (int64_t) d->file.size,
    };

    return download_rows_put(db, &row);
}

static int remove_row(struct db *db, void *userdata)
{
    const struct download *d = userdata;

    return download_rows_remove(db, (int) d->file.kind, d->file.name);
}

/* Not saved, an order is forgotten or tried again at the next start: both do no harm. */
static void save(struct download *d, int (*fn)(struct db *db, void *userdata))
{
    int r = file_rows_transact(d->owner->config.dir->db, fn, d);

    if (r < 0)
        log_warn("cannot keep the state of a download name=\"%s\" error=\"%s\"", d->file.name,
                 strerror(-r));
}

void download_save(struct download *d)
{
    save(d, put_row);
}

void download_unsave(struct download *d)
{
    save(d, remove_row);
}

/* --- the list --- */

struct download *files_down_get(const struct files_down *down, enum file_kind kind,
                                const char *name)
{
    LIST_FOR_EACH (n, &down->downloads) {
        struct download *d = LIST_ENTRY(n, struct download, link);

        if (d->file.kind == kind && strcmp(d->file.name, name) == 0)
            return d;
    }
    return NULL;
}

unsigned files_down_count(const struct files_down *down, enum download_state state)
{
    unsigned n_found = 0;

    LIST_FOR_EACH (n, &down->downloads)
        n_found += LIST_ENTRY(n, struct download, link)->state == state;
    return n_found;
}

static void stop(struct download *d)
{
    if (d->fetch)
        d->fetch = d->owner->config.net.ops->fetch_free(d->fetch);
}

void download_forget(struct download *d, bool drop_part)
{
    stop(d);
    if (drop_part)
        files_dir_drop_part(d->owner->config.dir, d->file.part);
    list_remove(&d->link);
    free(d);
}

void download_end_transfer(struct download *d, enum transfer_state state, int code,
                           const char *text)
{
    if (d->transfer)
        transfer_end(d->transfer, state, code, text);
    d->transfer = NULL;
}

/* Ends it for good: its partial file and its row go. */
static void give_up(struct download *d, enum transfer_state state, int code, const char *text)
{
    download_end_transfer(d, state, code, text);
    download_unsave(d);
    download_forget(d, true);
}

void files_down_limit_broken(struct files_down *down, unsigned max)
{
    while (files_down_count(down, DOWNLOAD_BROKEN) > max) {
        LIST_FOR_EACH (n, &down->downloads) {
            struct download *d = LIST_ENTRY(n, struct download, link);

            if (d->state != DOWNLOAD_BROKEN)
                continue;
            download_unsave(d);
            download_forget(d, true);
            break;
        }
    }
}

/* --- running --- */

static void go_on(struct loop_timer *timer, void *userdata);

void files_down_schedule(struct files_down *down)
{
    if (!loop_timer_is_armed(&down->timer))
        loop_timer_arm(down->config.loop, &down->timer, 0, go_on, down);
}

/* A partial file is worth keeping unless it is wrong, or nobody will ask for it again. */
static void fail(struct download *d, int code, const char *text)
{
    struct files_down *down = d->owner;
    const struct file_order o = order_of(d);

    download_end_transfer(d, TRANSFER_STATE_FAILED, code, text);
    files_down_tell(down, &o, code, text);
    stop(d); /* the text may be of it */
    if (code == FILE_CODE_MISMATCH || code == FILE_CODE_NOT_FOUND || code == FILE_CODE_NO_SPACE) {
        give_up(d, TRANSFER_STATE_FAILED, code, text);
    } else {
        d->state = DOWNLOAD_BROKEN;
        d->url[0] = '\0';
        download_save(d);
        list_remove(&d->link);
        list_append(&down->downloads, &d->link);
        files_down_limit_broken(down, LIMIT_DOWNLOADS_BROKEN);
    }
    files_down_schedule(down);
}

static void take(struct download *d)
{
    struct files_down *down = d->owner;
    struct files_down_events *events = &down->config.events;
    const struct file_order o = order_of(d);
    int r = files_dir_take(down->config.dir, &d->file, d->file.part);

    if (r < 0) {
        fail(d, r == -ENOSPC ? FILE_CODE_NO_SPACE : FILE_CODE_FAILED,
             r == -ENOSPC ? "space not enough" : "the device cannot keep the file");
        return;
    }
    download_end_transfer(d, TRANSFER_STATE_DONE, 0, "");
    files_down_tell(down, &o, 0, "success");
    events->received(files_dir_find(down->config.dir, d->file.kind, d->file.name),
                     events->userdata);
    download_forget(d, false); /* its row went with the file's */
    files_down_schedule(down);
}

static void on_progress(uint64_t done, void *userdata)
{
    struct download *d = userdata;
    struct files_down *down = d->owner;
    const struct file_order o = order_of(d);
    unsigned percent;

    transfer_progress(d->transfer, done);
    if (transfer_pace_pass(&d->pace, loop_now_us(down->config.loop), done, d->file.size, &percent))
        down->config.events.progress(&o, percent, down->config.events.userdata);
}

static void on_done(const struct fetch_end *end, void *userdata)
{
    struct download *d = userdata;

    if (end->result == TRANSFER_OK) {
        on_progress(d->file.size, d);
        stop(d);
        take(d);
    } else {
        fail(d, -(int) end->result, end->text);
    }
}

static const struct fetch_events fetch_events = {.progress = on_progress, .done = on_done};

static void run(struct download *d)
{
    struct files_down_config *c = &d->owner->config;
    const struct fetch_request request = {
        .url = d->url,
        .dir = c->dir->partial,
        .name = d->file.part,
        .size = d->file.size,
        .md5 = d->file.md5,
    };
    int r;

    d->state = DOWNLOAD_RUNNING;
    r = c->net.ops->fetch_start(&d->fetch, c->net.fetcher, &request, &fetch_events, d);
    if (r < 0)
        fail(d, FILE_CODE_FAILED,
             r == -EINVAL ? "the address cannot be" : "the device cannot begin the download");
    else
        on_progress(0, d);
}

static struct download *find_waiting(const struct files_down *down)
{
    LIST_FOR_EACH (n, &down->downloads) {
        struct download *d = LIST_ENTRY(n, struct download, link);

        if (d->state == DOWNLOAD_WAITING)
            return d;
    }
    return NULL;
}

static void go_on(struct loop_timer *timer, void *userdata)
{
    struct files_down *down = userdata;
    struct download *d;

    while (down->can_go && files_down_count(down, DOWNLOAD_RUNNING) < LIMIT_DOWNLOADS_RUN &&
           (d = find_waiting(down))) {
        uint64_t wait = ratelimit_take(&down->rate, loop_now_us(down->config.loop));

        if (wait > 0) {
            loop_timer_arm(down->config.loop, timer, wait, go_on, down);
            return;
        }
        run(d);
    }
}

void files_down_go(struct files_down *down)
{
    down->can_go = true;
    files_down_schedule(down);
}

/* --- the beginning and the end --- */

static void on_cancel(struct transfer *t, void *userdata)
{
    struct download *d = userdata;
    struct files_down *down = d->owner;
    const struct file_order o = order_of(d);

    (void) t;
    files_down_tell(down, &o, FILE_CODE_FAILED, "cancelled on the device");
    give_up(d, TRANSFER_STATE_CANCELLED, 0, "");
    files_down_schedule(down);
}

static int begin_transfer(struct download *d)
{
    enum transfer_kind kind = d->file.kind == FILE_KIND_FILE ? TRANSFER_KIND_FILE_DOWNLOAD
                                                             : TRANSFER_KIND_RESOURCE_DOWNLOAD;
    int r = transfer_new(&d->transfer, d->owner->config.transfers, kind, d->file.name, "",
                         d->file.size);

    if (r < 0)
        return r;
    d->transfer->cancel = on_cancel;
    d->transfer->userdata = d;
    return 0;
}

struct download *files_down_add(struct files_down *down, const struct file *f, const char *url)
{
    struct download *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    d->owner = down;
    d->file = *f;
    (void) snprintf(d->url, sizeof(d->url), "%s", url);
    d->state = *url ? DOWNLOAD_WAITING : DOWNLOAD_BROKEN;
    if (*url && begin_transfer(d) < 0) {
        free(d);
        return NULL;
    }
    list_append(&down->downloads, &d->link);
    return d;
}

const struct download *files_down_find(const struct files_down *down, enum file_kind kind,
                                       const char *name)
{
    const struct download *d = files_down_get(down, kind, name);

    return d && d->state != DOWNLOAD_BROKEN ? d : NULL;
}

const struct download *files_down_next(const struct files_down *down, const struct download *after)
{
    const struct list *n = after ? after->link.next : down->downloads.next;

    for (; n != &down->downloads; n = n->next) {
        const struct download *d = LIST_ENTRY(n, const struct download, link);

        if (d->state != DOWNLOAD_BROKEN)
            return d;
    }
    return NULL;
}

const struct file *download_file(const struct download *d)
{
    return &d->file;
}

bool files_down_forget(struct files_down *down, enum file_kind kind, const char *name,
                       const char *why)
{
    struct download *d = files_down_get(down, kind, name);
    bool was_active = d && d->state != DOWNLOAD_BROKEN;

    if (d)
        give_up(d, TRANSFER_STATE_CANCELLED, 0, why);
    files_down_schedule(down);
    return was_active;
}

/* --- life --- */

static int on_row(const struct download_row *row, void *userdata)
{
    struct files_down *down = userdata;
    const struct file_order o = {
        .kind = (enum file_kind) row->kind,
        .name = row->name,
        .type = row->type,
        .version = row->version,
        .url = *row->url ? row->url : "-", /* broken: checked as if there were one */
        .md5 = row->md5,
        .size = row->size > 0 ? (uint64_t) row->size : 0,
    };
    struct file f;
    int code;

    if (row->kind < 0 || row->kind >= FILE_KIND_COUNT_ || files_down_get(down, o.kind, o.name) ||
        files_down_check(down, &o, &code))
        return 0; /* damaged, or the settings are others */
    files_down_fill(&f, &o);
    return files_down_add(down, &f, row->url) ? 0 : -ENOMEM;
}

static bool is_wanted(const char *part, void *userdata)
{
    const struct files_down *down = userdata;

    LIST_FOR_EACH (n, &down->downloads) {
        if (strcmp(LIST_ENTRY(n, struct download, link)->file.part, part) == 0)
            return true;
    }
    return false;
}

int files_down_new(struct files_down **ret_down, const struct files_down_config *config)
{
    CLEANUP(files_down_freep) struct files_down *down = calloc(1, sizeof(*down));
    int r;

    if (!down)
        return -ENOMEM;
    down->config = *config;
    list_init(&down->downloads);
    ratelimit_init(&down->rate, LIMIT_DOWNLOADS_RATE, USEC_PER_SEC, LIMIT_DOWNLOADS_RATE);
    r = download_rows_load(config->dir->db, on_row, down);
    if (r < 0)
        return r;
    files_dir_sweep(config->dir, is_wanted, down);
    *ret_down = TAKE(down);
    return 0;
}

struct files_down *files_down_free(struct files_down *down)
{
    if (!down)
        return NULL;

    loop_timer_cancel(&down->timer);
    while (!list_is_empty(&down->downloads)) {
        struct download *d = LIST_ENTRY(down->downloads.next, struct download, link);

        download_end_transfer(d, TRANSFER_STATE_CANCELLED, 0, "iotd is stopping");
        download_forget(d, false);
    }
    free(down);
    return NULL;
}

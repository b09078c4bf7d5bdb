/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/files_down.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/file_rows.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/name.h"

LOG_AREA("files");

enum download_state {
    DOWNLOAD_WAITING,
    DOWNLOAD_RUNNING,
    DOWNLOAD_BROKEN, /* over; its partial file waits for the next order */
};

struct download {
    struct list link;
    struct files_down *owner;
    enum download_state state;
    struct file file; /* what it will be; part is its partial file */
    char url[LIMIT_URL + 1];
    struct fetch *fetch;
    struct transfer *transfer; /* NULL: broken */
    struct transfer_pace pace;
};

struct files_down {
    struct files_down_config config;
    struct list downloads; /* the oldest first */
    struct loop_timer timer;
    bool can_go;
};

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

static void tell_end(struct files_down *down, const struct file_order *o, int code,
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

/* --- the list --- */

static struct download *find(const struct files_down *down, enum file_kind kind, const char *name)
{
    LIST_FOR_EACH (n, &down->downloads) {
        struct download *d = LIST_ENTRY(n, struct download, link);

        if (d->file.kind == kind && strcmp(d->file.name, name) == 0)
            return d;
    }
    return NULL;
}

static unsigned count(const struct files_down *down, enum download_state state)
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

/* The row is the caller's. */
static void forget(struct download *d, bool drop_part)
{
    stop(d);
    if (drop_part)
        files_dir_drop_part(d->owner->config.dir, d->file.part);
    list_remove(&d->link);
    free(d);
}

static void end_transfer(struct download *d, enum transfer_state state, int code, const char *text)
{
    if (d->transfer)
        transfer_end(d->transfer, state, code, text);
    d->transfer = NULL;
}

/* Ends it for good: its partial file and its row go. */
static void give_up(struct download *d, enum transfer_state state, int code, const char *text)
{
    end_transfer(d, state, code, text);
    save(d, remove_row);
    forget(d, true);
}

static void limit_broken(struct files_down *down, unsigned max)
{
    while (count(down, DOWNLOAD_BROKEN) > max) {
        LIST_FOR_EACH (n, &down->downloads) {
            struct download *d = LIST_ENTRY(n, struct download, link);

            if (d->state != DOWNLOAD_BROKEN)
                continue;
            save(d, remove_row);
            forget(d, true);
            break;
        }
    }
}

/* --- running --- */

static void go_on(struct loop_timer *timer, void *userdata);

static void schedule(struct files_down *down)
{
    if (!loop_timer_is_armed(&down->timer))
        loop_timer_arm(down->config.loop, &down->timer, 0, go_on, down);
}

/* A partial file is worth keeping unless it is wrong, or nobody will ask for it again. */
static void fail(struct download *d, int code, const char *text)
{
    struct files_down *down = d->owner;
    const struct file_order o = order_of(d);

    end_transfer(d, TRANSFER_STATE_FAILED, code, text);
    tell_end(down, &o, code, text);
    stop(d); /* the text may be of it */
    if (code == FILE_CODE_MISMATCH || code == FILE_CODE_NOT_FOUND || code == FILE_CODE_NO_SPACE) {
        give_up(d, TRANSFER_STATE_FAILED, code, text);
    } else {
        d->state = DOWNLOAD_BROKEN;
        d->url[0] = '\0';
        save(d, put_row);
        list_remove(&d->link);
        list_append(&down->downloads, &d->link);
        limit_broken(down, LIMIT_DOWNLOADS_BROKEN);
    }
    schedule(down);
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
    end_transfer(d, TRANSFER_STATE_DONE, 0, "");
    tell_end(down, &o, 0, "success");
    events->received(files_dir_find(down->config.dir, d->file.kind, d->file.name),
                     events->userdata);
    forget(d, false); /* its row went with the file's */
    schedule(down);
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

    (void) timer;
    while (down->can_go && count(down, DOWNLOAD_RUNNING) < LIMIT_DOWNLOADS_RUN &&
           (d = find_waiting(down)))
        run(d);
}

void files_down_go(struct files_down *down)
{
    down->can_go = true;
    schedule(down);
}

/* --- orders --- */

static const char *check(const struct files_down *down, const struct file_order *o, int *ret_code)
{
    const bool is_file = o->kind == FILE_KIND_FILE;

    *ret_code = FILE_CODE_FAILED;
    if (!name_is_file(o->name))
        return "the name cannot be";
    if (is_file && !name_is_file_type(o->type))
        return "the type cannot be";
    if (is_file && !name_is_file_version(o->version))
        return "the version cannot be";
    if (!name_is_md5(o->md5))
        return "md5sum is none";
    if (o->size == 0)
        return "the size cannot be";
    if (strlen(o->url) > LIMIT_URL || !*o->url)
        return "the address cannot be";
    if (o->size <= down->config.dir->max_size)
        return NULL;
    *ret_code = FILE_CODE_NO_SPACE;
    return "space not enough: the file is larger than files.max_size";
}

/* Bytes that are taken or promised, but for the order of that name. */
static uint64_t promised(const struct files_down *down, const struct file *f)
{
    uint64_t bytes = down->config.dir->used;

    LIST_FOR_EACH (n, &down->downloads) {
        const struct download *d = LIST_ENTRY(n, struct download, link);

        if (d->file.kind != f->kind || strcmp(d->file.name, f->name) != 0)
            bytes += d->file.size;
    }
    return bytes;
}

static unsigned n_kept(const struct files_down *down)
{
    unsigned n_files = down->config.dir->n;

    LIST_FOR_EACH (n, &down->downloads) {
        const struct file *f = &LIST_ENTRY(n, struct download, link)->file;

        n_files += !files_dir_find(down->config.dir, f->kind, f->name);
    }
    return n_files;
}

/* What failed before makes room. */
static const char *find_room(struct files_down *down, const struct file *f, int *ret_code)
{
    const uint64_t quota = down->config.dir->quota;

    *ret_code = FILE_CODE_NO_SPACE;
    while (count(down, DOWNLOAD_BROKEN) > 0 && promised(down, f) + f->size > quota)
        limit_broken(down, count(down, DOWNLOAD_BROKEN) - 1);
    if (promised(down, f) + f->size > quota)
        return "space not enough: files.quota";
    if (!files_dir_find(down->config.dir, f->kind, f->name) && n_kept(down) >= LIMIT_FILES)
        return "space not enough: too many files";
    *ret_code = FILE_CODE_FAILED;
    if (count(down, DOWNLOAD_WAITING) + count(down, DOWNLOAD_RUNNING) >= LIMIT_DOWNLOADS)
        return "too many downloads at the same time";
    return NULL;
}

static void fill(struct file *f, const struct file_order *o)
{
    *f = (struct file){.kind = o->kind, .size = o->size};
    (void) snprintf(f->name, sizeof(f->name), "%s", o->name);
    (void) snprintf(f->type, sizeof(f->type), "%s", o->type);
    (void) snprintf(f->version, sizeof(f->version), "%s", o->version);
    (void) snprintf(f->md5, sizeof(f->md5), "%s", o->md5);
    for (char *c = f->md5; *c; c++)
        *c = (char) tolower((unsigned char) *c);
    files_dir_part(f, f->part);
}

static void on_cancel(struct transfer *t, void *userdata)
{
    struct download *d = userdata;
    struct files_down *down = d->owner;
    const struct file_order o = order_of(d);

    (void) t;
    tell_end(down, &o, FILE_CODE_FAILED, "cancelled on the device");
    give_up(d, TRANSFER_STATE_CANCELLED, 0, "");
    schedule(down);
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

static struct download *add(struct files_down *down, const struct file *f, const char *url)
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

/* The content is here already; true: the order is done. */
static bool has_it(struct files_down *down, const struct file *f, const struct file_order *o)
{
    struct file *there = files_dir_find(down->config.dir, f->kind, f->name);
    int r = 0;

    if (!there || !there->is_here || there->size != f->size || strcmp(there->md5, f->md5) != 0)
        return false;
    if (strcmp(there->version, f->version) != 0 || strcmp(there->type, f->type) != 0) {
        r = files_dir_rename_version(down->config.dir, there, f->type, f->version);
        if (r == 0)
            down->config.events.received(there, down->config.events.userdata);
    }
    tell_end(down, o, r < 0 ? FILE_CODE_FAILED : 0,
             r < 0 ? "the device cannot keep the version" : "success");
    return true;
}

/* An order for the same file is known; true: nothing new begins. */
static bool follows(struct download *d, const struct file *f, const struct file_order *o)
{
    const bool is_same = strcmp(d->file.part, f->part) == 0;

    if (is_same && d->state != DOWNLOAD_BROKEN && strcmp(d->file.version, f->version) == 0) {
        if (d->state == DOWNLOAD_WAITING) {
            (void) snprintf(d->url, sizeof(d->url), "%s", o->url);
            save(d, put_row);
        }
        return true;
    }
    end_transfer(d, TRANSFER_STATE_CANCELLED, 0, "the cloud sends another version");
    save(d, remove_row);
    forget(d, !is_same);
    return false;
}

void files_down_order(struct files_down *down, const struct file_order *o)
{
    struct download *d;
    const char *problem;
    struct file f;
    int code;

    problem = check(down, o, &code);
    if (problem) {
        tell_end(down, o, code, problem);
        return;
    }
    fill(&f, o);
    d = find(down, f.kind, f.name);
    if (d && follows(d, &f, o))
        return;
    if (has_it(down, &f, o)) {
        files_dir_drop_part(down->config.dir, f.part);
        return;
    }
    problem = find_room(down, &f, &code);
    d = problem ? NULL : add(down, &f, o->url);
    if (!d) {
        files_dir_drop_part(down->config.dir, f.part);
        tell_end(down, o, code, problem ? problem : "out of memory");
        return;
    }
    save(d, put_row);
    schedule(down);
}

const struct download *files_down_find(const struct files_down *down, enum file_kind kind,
                                       const char *name)
{
    const struct download *d = find(down, kind, name);

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
    struct download *d = find(down, kind, name);
    bool was_active = d && d->state != DOWNLOAD_BROKEN;

    if (d)
        give_up(d, TRANSFER_STATE_CANCELLED, 0, why);
    schedule(down);
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

    if (row->kind < 0 || row->kind >= FILE_KIND_COUNT_ || find(down, o.kind, o.name) ||
        check(down, &o, &code))
        return 0; /* damaged, or the settings are others */
    fill(&f, &o);
    return add(down, &f, row->url) ? 0 : -ENOMEM;
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

        end_transfer(d, TRANSFER_STATE_CANCELLED, 0, "iotd is stopping");
        forget(d, false);
    }
    free(down);
    return NULL;
}

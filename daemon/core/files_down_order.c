/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether an order can be accepted, and what it means for one that is known. */

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "daemon/core/files_down_impl.h"
#include "libiotclient/base/name.h"

const char *files_down_check(const struct files_down *down, const struct file_order *o,
                             int *ret_code)
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
    while (files_down_count(down, DOWNLOAD_BROKEN) > 0 && promised(down, f) + f->size > quota)
        files_down_limit_broken(down, files_down_count(down, DOWNLOAD_BROKEN) - 1);
    if (promised(down, f) + f->size > quota)
        return "space not enough: files.quota";
    if (!files_dir_find(down->config.dir, f->kind, f->name) && n_kept(down) >= LIMIT_FILES)
        return "space not enough: too many files";
    *ret_code = FILE_CODE_FAILED;
    if (files_down_count(down, DOWNLOAD_WAITING) + files_down_count(down, DOWNLOAD_RUNNING) >=
        LIMIT_DOWNLOADS)
        return "too many downloads at the same time";
    return NULL;
}

void files_down_fill(struct file *f, const struct file_order *o)
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
    files_down_tell(down, o, r < 0 ? FILE_CODE_FAILED : 0,
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
            download_save(d);
        }
        return true;
    }
    download_end_transfer(d, TRANSFER_STATE_CANCELLED, 0, "the cloud sends another version");
    download_unsave(d);
    download_forget(d, !is_same);
    return false;
}

void files_down_order(struct files_down *down, const struct file_order *o)
{
    struct download *d;
    const char *problem;
    struct file f;
    int code;

    problem = files_down_check(down, o, &code);
    if (problem) {
        files_down_tell(down, o, code, problem);
        return;
    }
    files_down_fill(&f, o);
    d = files_down_get(down, f.kind, f.name);
    if (d && follows(d, &f, o))
        return;
    if (has_it(down, &f, o)) {
        files_dir_drop_part(down->config.dir, f.part);
        return;
    }
    problem = find_room(down, &f, &code);
    d = problem ? NULL : files_down_add(down, &f, o->url);
    if (!d) {
        files_dir_drop_part(down->config.dir, f.part);
        files_down_tell(down, o, code, problem ? problem : "out of memory");
        return;
    }
    download_save(d);
    files_down_schedule(down);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/files_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/file_rows.h"
#include "daemon/sys/clock.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/name.h"

LOG_AREA("files");

static const char *const kind_names[FILE_KIND_COUNT_] = {"file", "resource"};

/* --- the disk --- */

static int open_below(int dir, const char *name, int *ret_fd)
{
    int fd;

    if (mkdirat(dir, name, 0700) < 0 && errno != EEXIST)
        return -errno;
    fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}

static int open_dirs(struct files_dir *d, const char *path)
{
    CLEANUP(fd_closep) int top = -1;
    int r = 0;

    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return -errno;
    top = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (top < 0)
        return -errno;
    for (int k = 0; r == 0 && k < FILE_KIND_COUNT_; k++)
        r = open_below(top, kind_names[k], &d->kinds[k]);
    return r < 0 ? r : open_below(top, "partial", &d->partial);
}

/* A regular file of that size is there. */
static bool has(int dir, const char *name, uint64_t size)
{
    struct stat st;

    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           (uint64_t) st.st_size == size;
}

int files_dir_open(const struct files_dir *d, const struct file *f, int *ret_fd)
{
    CLEANUP(fd_closep) int fd = -1;
    struct stat st;

    if (!f->is_here)
        return -ENOENT;
    /* Not blocking, should somebody have put a FIFO there. */
    fd = openat(d->kinds[f->kind], f->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT || errno == EMFILE || errno == ENFILE ? -errno : -EIO;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t) st.st_size != f->size)
        return -EIO;
    *ret_fd = fd;
    fd = -1;
    return 0;
}

void files_dir_drop_part(const struct files_dir *d, const char *part)
{
    if (*part && unlinkat(d->partial, part, 0) < 0 && errno != ENOENT)
        log_warn("cannot remove a partial file name=%s error=\"%s\"", part, strerror(errno));
}

/* What is not wanted goes; directories and names that begin with a dot are none of ours. */
static void sweep(int dir, bool (*wanted)(const char *name, void *userdata), void *userdata)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *e;

    if (!d) {
        (void) fd_close(fd);
        return;
    }
    while ((e = readdir(d))) {
        if (e->d_name[0] == '.' || wanted(e->d_name, userdata))
            continue;
        if (unlinkat(dir, e->d_name, 0) == 0)
            log_info("removed what nobody knows name=\"%s\"", e->d_name);
    }
    (void) closedir(d); /* it was only read */
}

void files_dir_sweep(const struct files_dir *d, bool (*wanted)(const char *part, void *userdata),
                     void *userdata)
{
    sweep(d->partial, wanted, userdata);
}

/* FNV-1a: names are told apart, nobody is kept from anything. */
static uint64_t number_of(const char *name)
{
    uint64_t h = 14695981039346656037ULL;

    for (; *name; name++)
        h = (h ^ (unsigned char) *name) * 1099511628211ULL;
    return h;
}

void files_dir_part(const struct file *f, char part[FILES_PART])
{
    (void) snprintf(part, FILES_PART, "%d-%016llx-%s-%llx", (int) f->kind,
                    (unsigned long long) number_of(f->name), f->md5, (unsigned long long) f->size);
}

/* --- what is known --- */

struct file *files_dir_find(const struct files_dir *d, enum file_kind kind, const char *name)
{
    LIST_FOR_EACH (n, &d->files) {
        struct file *f = LIST_ENTRY(n, struct file, link);

        if (f->kind == kind && strcmp(f->name, name) == 0)
            return f;
    }
    return NULL;
}

static int put(struct db *db, const struct file *f)
{
    const struct file_row row = {
        .kind = (int) f->kind,
        .name = f->name,
        .type = f->type,
        .version = f->version,
        .md5 = f->is_here ? f->md5 : "",
        .part = f->part,
        .size = (int64_t) f->size,
        .stamp_us = (int64_t) f->stamp_us,
    };

    return file_rows_put(db, &row);
}

static int put_here(struct db *db, void *userdata)
{
    const struct file *f = userdata;
    int r = put(db, f);

    return r == 0 ? download_rows_remove(db, (int) f->kind, f->name) : r;
}

static int put_only(struct db *db, void *userdata)
{
    return put(db, userdata);
}

static int remove_row(struct db *db, void *userdata)
{
    const struct file *f = userdata;

    return file_rows_remove(db, (int) f->kind, f->name);
}

static void append(struct files_dir *d, struct file *copy, const struct file *f)
{
    *copy = *f;
    list_append(&d->files, &copy->link);
    d->n++;
    if (copy->is_here)
        d->used += copy->size;
}

static bool add(struct files_dir *d, const struct file *f)
{
    struct file *copy = malloc(sizeof(*copy));

    if (copy)
        append(d, copy, f);
    return copy != NULL;
}

/* Takes over what *f says about the file that is there already. */
static void update(struct files_dir *d, struct file *there, const struct file *f)
{
    struct list link = there->link;

    if (there->is_here)
        d->used -= there->size;
    *there = *f;
    there->link = link;
    if (there->is_here)
        d->used += there->size;
}

/*
 * Programs get it to read, and nobody shall write it by another way. Not before it is in its place:
 * a download that goes on writes to it.
 */
static int move_in(const struct files_dir *d, const struct file *f)
{
    if (renameat(d->partial, f->part, d->kinds[f->kind], f->name) < 0)
        return -errno;
    if (fchmodat(d->kinds[f->kind], f->name, 0400, 0) < 0)
        log_warn("cannot protect a file name=\"%s\" error=\"%s\"", f->name, strerror(errno));
    return 0;
}

/* As it was before files_dir_take(). */
static void put_back(struct files_dir *d, struct file *newer, struct file *there)
{
    int r = there ? file_rows_transact(d->db, put_only, there)
                  : file_rows_transact(d->db, remove_row, newer);

    if (r < 0)
        log_err("cannot forget a file that could not be kept name=\"%s\" error=\"%s\"", newer->name,
                strerror(-r));
}

/*
 * The row first, with the name of the partial file, then the rename: killed in between, the next
 * start finds that file and renames it.
 */
int files_dir_take(struct files_dir *d, const struct file *f, const char *part)
{
    struct file *there = files_dir_find(d, f->kind, f->name);
    CLEANUP(freep) struct file *fresh = there ? NULL : malloc(sizeof(*fresh));
    struct file newer = *f;
    int r;

    if (!there && !fresh) /* nothing but the disk must fail from here on */
        return -ENOMEM;
    newer.is_here = true;
    newer.stamp_us = clock_real_us();
    (void) snprintf(newer.part, sizeof(newer.part), "%s", part);
    r = file_rows_transact(d->db, put_here, &newer);
    if (r < 0)
        return r;
    r = move_in(d, &newer);
    if (r < 0) {
        put_back(d, &newer, there);
        return r;
    }
    if (there)
        update(d, there, &newer);
    else
        append(d, TAKE(fresh), &newer);
    return 0;
}

int files_dir_rename_version(struct files_dir *d, struct file *f, const char *type,
                             const char *version)
{
    struct file newer = *f;
    int r;

    (void) snprintf(newer.type, sizeof(newer.type), "%s", type);
    (void) snprintf(newer.version, sizeof(newer.version), "%s", version);
    newer.part[0] = '\0'; /* it was renamed long ago */
    r = file_rows_transact(d->db, put_here, &newer);
    if (r == 0)
        update(d, f, &newer);
    return r;
}

int files_dir_note(struct files_dir *d, enum file_kind kind, const struct file_record *record)
{
    struct file f = {.kind = kind};
    int r;

    if (!name_is_file(record->name) || !name_is_file_type(record->type) ||
        !name_is_file_version(record->version))
        return -EINVAL;
    if (files_dir_find(d, kind, record->name))
        return 0;
    if (d->n >= LIMIT_FILES)
        return -ENOSPC;
    (void) snprintf(f.name, sizeof(f.name), "%s", record->name);
    (void) snprintf(f.type, sizeof(f.type), "%s", record->type);
    (void) snprintf(f.version, sizeof(f.version), "%s", record->version);
    r = file_rows_transact(d->db, put_only, &f);
    if (r < 0)
        return r;
    return add(d, &f) ? 0 : -ENOMEM;
}

int files_dir_remove(struct files_dir *d, struct file *f)
{
    int r;

    if (f->is_here && unlinkat(d->kinds[f->kind], f->name, 0) < 0 && errno != ENOENT)
        return -errno;
    r = file_rows_transact(d->db, remove_row, f);
    if (r < 0) /* the next start finds that the file is gone */
        log_warn("cannot forget a file name=\"%s\" error=\"%s\"", f->name, strerror(-r));
    if (f->is_here)
        d->used -= f->size;
    list_remove(&f->link);
    d->n--;
    free(f);
    return 0;
}

/* --- life --- */

/* Makes the disk and the row agree; false: there is nothing left of it. */
static bool reconcile(struct files_dir *d, struct file *f)
{
    if (!f->is_here)
        return true;
    if (*f->part && has(d->partial, f->part, f->size) && move_in(d, f) < 0)
        log_err("cannot take up a file name=\"%s\" error=\"%s\"", f->name, strerror(errno));
    f->part[0] = '\0';
    if (has(d->kinds[f->kind], f->name, f->size))
        return true;
    log_warn("a file is gone, or another one name=\"%s\"", f->name);
    f->is_here = false;
    f->size = f->stamp_us = 0;
    return f->kind == FILE_KIND_FILE; /* which the cloud has on record */
}

static int on_row(const struct file_row *row, void *userdata)
{
    struct files_dir *d = userdata;
    struct file f = {
        .kind = (enum file_kind) row->kind,
        .is_here = *row->md5 != '\0',
        .size = (uint64_t) row->size,
        .stamp_us = (uint64_t) row->stamp_us,
    };

    if (row->kind < 0 || row->kind >= FILE_KIND_COUNT_ || !name_is_file(row->name) ||
        row->size < 0 || d->n >= LIMIT_FILES || strchr(row->part, '/'))
        return 0; /* damaged, or of another release */
    (void) snprintf(f.name, sizeof(f.name), "%s", row->name);
    (void) snprintf(f.type, sizeof(f.type), "%s", row->type);
    (void) snprintf(f.version, sizeof(f.version), "%s", row->version);
    (void) snprintf(f.md5, sizeof(f.md5), "%s", row->md5);
    (void) snprintf(f.part, sizeof(f.part), "%s", row->part);
    return !reconcile(d, &f) || add(d, &f) ? 0 : -ENOMEM;
}

struct kept {
    const struct files_dir *dir;
    enum file_kind kind;
};

static bool is_known(const char *name, void *userdata)
{
    const struct kept *k = userdata;
    const struct file *f = files_dir_find(k->dir, k->kind, name);

    return f && f->is_here;
}

/* Of another device, whose database was moved away: it would take room for ever. */
static void sweep_unknown(const struct files_dir *d)
{
    for (int k = 0; k < FILE_KIND_COUNT_; k++) {
        struct kept kept = {d, (enum file_kind) k};

        sweep(d->kinds[k], is_known, &kept);
    }
}

int files_dir_init(struct files_dir *d, struct db *db, const char *path)
{
    int r;

    *d = (struct files_dir){.db = db, .partial = -1};
    for (int k = 0; k < FILE_KIND_COUNT_; k++)
        d->kinds[k] = -1;
    list_init(&d->files);
    r = open_dirs(d, path);
    if (r == 0)
        r = file_rows_load(db, on_row, d);
    if (r == 0)
        sweep_unknown(d);
    return r;
}

void files_dir_done(struct files_dir *d)
{
    if (!d->db)
        return;
    LIST_FOR_EACH_SAFE (n, &d->files) {
        list_remove(n);
        free(LIST_ENTRY(n, struct file, link));
    }
    for (int k = 0; k < FILE_KIND_COUNT_; k++)
        d->kinds[k] = fd_close(d->kinds[k]);
    d->partial = fd_close(d->partial);
    d->db = NULL;
}

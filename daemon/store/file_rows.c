/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/store/file_rows.h"

#include <errno.h>

int file_rows_put(struct db *db, const struct file_row *f)
{
    return db_run(db,
                  "INSERT OR REPLACE INTO files (kind, name, type, version, md5, size, stamp_us,"
                  " part) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                  NULL, NULL, "issssiis", (int64_t) f->kind, f->name, f->type, f->version, f->md5,
                  f->size, f->stamp_us, f->part);
}

int file_rows_remove(struct db *db, int kind, const char *name)
{
    return db_run(db, "DELETE FROM files WHERE kind = ? AND name = ?", NULL, NULL, "is",
                  (int64_t) kind, name);
}

struct load_files {
    int (*fn)(const struct file_row *row, void *userdata);
    void *userdata;
};

static int on_file(const struct db_row *row, void *userdata)
{
    const struct load_files *load = userdata;
    const struct file_row f = {
        .kind = (int) db_row_i64(row, 0),
        .name = db_row_text(row, 1),
        .type = db_row_text(row, 2),
        .version = db_row_text(row, 3),
        .md5 = db_row_text(row, 4),
        .size = db_row_i64(row, 5),
        .stamp_us = db_row_i64(row, 6),
        .part = db_row_text(row, 7),
    };

    return load->fn(&f, load->userdata);
}

int file_rows_load(struct db *db, int (*fn)(const struct file_row *row, void *userdata),
                   void *userdata)
{
    struct load_files load = {fn, userdata};

    return db_run(db,
                  "SELECT kind, name, type, version, md5, size, stamp_us, part FROM files"
                  " ORDER BY kind, name",
                  on_file, &load, "");
}

int download_rows_put(struct db *db, const struct download_row *d)
{
    return db_run(db,
                  "INSERT OR REPLACE INTO downloads (kind, name, type, version, md5, size, url)"
                  " VALUES (?, ?, ?, ?, ?, ?, ?)",
                  NULL, NULL, "issssis", (int64_t) d->kind, d->name, d->type, d->version, d->md5,
                  d->size, d->url);
}

int download_rows_remove(struct db *db, int kind, const char *name)
{
    return db_run(db, "DELETE FROM downloads WHERE kind = ? AND name = ?", NULL, NULL, "is",
                  (int64_t) kind, name);
}

struct load_downloads {
    int (*fn)(const struct download_row *row, void *userdata);
    void *userdata;
};

static int on_download(const struct db_row *row, void *userdata)
{
    const struct load_downloads *load = userdata;
    const struct download_row d = {
        .kind = (int) db_row_i64(row, 0),
        .name = db_row_text(row, 1),
        .type = db_row_text(row, 2),
        .version = db_row_text(row, 3),
        .md5 = db_row_text(row, 4),
        .size = db_row_i64(row, 5),
        .url = db_row_text(row, 6),
    };

    return load->fn(&d, load->userdata);
}

int download_rows_load(struct db *db, int (*fn)(const struct download_row *row, void *userdata),
                       void *userdata)
{
    struct load_downloads load = {fn, userdata};

    return db_run(db, "SELECT kind, name, type, version, md5, size, url FROM downloads",
                  on_download, &load, "");
}

static int transact_once(struct db *db, int (*fn)(struct db *db, void *userdata), void *userdata)
{
    int r = db_begin(db, true);

    if (r < 0)
        return r;
    r = fn(db, userdata);
    if (r == 0)
        r = db_commit(db);
    if (r < 0)
        db_rollback(db);
    return r;
}

int file_rows_transact(struct db *db, int (*fn)(struct db *db, void *userdata), void *userdata)
{
    int r = transact_once(db, fn, userdata);

    return r == -ENOSPC && db_make_room(db) == 0 ? transact_once(db, fn, userdata) : r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_STORE_FILE_ROWS_H
#define IOTD_STORE_FILE_ROWS_H

/* What the database knows of files: those that are here, and the orders to download some. */

#include "daemon/store/db.h"

/* Texts are never NULL; see schema.h. */
struct file_row {
    int kind;
    const char *name, *type, *version, *md5, *part;
    int64_t size, stamp_us;
};

struct download_row {
    int kind;
    const char *name, *type, *version, *md5, *url;
    int64_t size;
};

/* Writing: in a transaction. */
int file_rows_put(struct db *db, const struct file_row *row) MUST_CHECK;
int file_rows_remove(struct db *db, int kind, const char *name) MUST_CHECK;
int file_rows_load(struct db *db, int (*fn)(const struct file_row *row, void *userdata),
                   void *userdata) MUST_CHECK;
int download_rows_put(struct db *db, const struct download_row *row) MUST_CHECK;
int download_rows_remove(struct db *db, int kind, const char *name) MUST_CHECK;
int download_rows_load(struct db *db, int (*fn)(const struct download_row *row, void *userdata),
                       void *userdata) MUST_CHECK;

/*
 * One transaction around fn, durable; the log is made shorter when the disk is full, and it is
 * tried again.
 */
int file_rows_transact(struct db *db, int (*fn)(struct db *db, void *userdata),
                       void *userdata) MUST_CHECK;

#endif /* IOTD_STORE_FILE_ROWS_H */

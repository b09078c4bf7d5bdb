/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_FILES_DIR_H
#define IOTD_CORE_FILES_DIR_H

/*
 * The directory of received files and what is known of them. Below files.dir: "file" and
 * "resource" with the files under their names, "partial" with what is being downloaded under names
 * of our own. Files are reached by their names in these three descriptors alone, and never through
 * a link. The database says what is here; after a kill at any point the next start makes both
 * agree.
 */

#include <stdbool.h>

#include "daemon/cloud/file_order.h"
#include "daemon/store/db.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/list.h"

#define FILES_MD5 33  /* with NUL */
#define FILES_PART 72 /* name of a partial file, with NUL */

struct file {
    struct list link;
    enum file_kind kind;
    bool is_here; /* else the cloud has it on record */
    char name[LIMIT_FILE_NAME + 1];
    char type[LIMIT_FILE_TYPE + 1];
    char version[LIMIT_VERSION + 1];
    char md5[FILES_MD5];     /* lower case */
    char part[FILES_PART];   /* where it came from, while that may be there */
    uint64_t size, stamp_us; /* 0 while it is not here */
};

struct files_dir {
    struct db *db;               /* borrowed */
    int kinds[FILE_KIND_COUNT_]; /* descriptors */
    int partial;
    struct list files;
    unsigned n;
    uint64_t used;     /* bytes of what is here */
    uint64_t quota;    /* bytes */
    uint64_t max_size; /* of one */
};

/* Zero-initialised memory is legal for files_dir_done() only. */
int files_dir_init(struct files_dir *d, struct db *db, const char *path) MUST_CHECK;
void files_dir_done(struct files_dir *d);

struct file *files_dir_find(const struct files_dir *d, enum file_kind kind, const char *name);
/* The file open for reading. -ENOENT it is not here any more; -EIO it is another one; -EMFILE */
int files_dir_open(const struct files_dir *d, const struct file *f, int *ret_fd) MUST_CHECK;

/* The name of the partial file of an order: the same for the same content of the same file. */
void files_dir_part(const struct file *f, char part[FILES_PART]);
void files_dir_drop_part(const struct files_dir *d, const char *part);
/* Drops those that are not wanted. */
void files_dir_sweep(const struct files_dir *d, bool (*wanted)(const char *part, void *userdata),
                     void *userdata);
/*
 * The partial file is whole: it takes the place of the file of that name. On the disk on return.
 * @param f  names, version, md5 and size; the stamp is filled in
 */
int files_dir_take(struct files_dir *d, const struct file *f, const char *part) MUST_CHECK;
/* The same content is another version. */
int files_dir_rename_version(struct files_dir *d, struct file *f, const char *type,
                             const char *version) MUST_CHECK;
/* The cloud has it on record. -EINVAL, -ENOSPC too many; what the database failed with */
int files_dir_note(struct files_dir *d, enum file_kind kind,
                   const struct file_record *record) MUST_CHECK;
/* Frees f. What unlinkat(2) or the database failed with: then nothing changed. */
int files_dir_remove(struct files_dir *d, struct file *f) MUST_CHECK;

#endif /* IOTD_CORE_FILES_DIR_H */

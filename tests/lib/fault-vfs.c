/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <sqlite3.h>

#include "tests/lib/fault-vfs.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/macro.h"

#define MAX_FILES 8
#define MAX_NAME 64
#define SECTOR 512

struct image {
    uint8_t *data;
    size_t len;
    size_t size; /* allocated: files grow by pages, copying each time would be slow */
};

struct disk_file {
    char name[MAX_NAME]; /* "": free */
    struct image now;    /* as the process sees it */
    struct image synced;
};

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *before; /* the default without us */
    struct disk_file files[MAX_FILES];
    enum fault_vfs_mode mode;
    unsigned at, n_operations, n_syncs;
    bool stopped;
    size_t limit;
} disk;

struct handle {
    sqlite3_file base;
    struct disk_file *file;
};

enum operation { OP_OPEN, OP_READ, OP_WRITE, OP_TRUNCATE, OP_SYNC, OP_DELETE };

/* SQLITE_OK to go on. */
static int hit(enum operation op)
{
    static const int errors[] = {
        [OP_OPEN] = SQLITE_CANTOPEN,     [OP_READ] = SQLITE_IOERR_READ,
        [OP_WRITE] = SQLITE_IOERR_WRITE, [OP_TRUNCATE] = SQLITE_IOERR_TRUNCATE,
        [OP_SYNC] = SQLITE_IOERR_FSYNC,  [OP_DELETE] = SQLITE_IOERR_DELETE,
    };

    disk.n_operations++;
    disk.n_syncs += op == OP_SYNC;
    if (disk.mode != FAULT_VFS_NONE && disk.n_operations == disk.at) {
        disk.stopped = disk.mode == FAULT_VFS_STOP;
        return disk.mode == FAULT_VFS_FULL && op == OP_WRITE ? SQLITE_FULL : errors[op];
    }
    return disk.stopped ? errors[op] : SQLITE_OK;
}

static void image_resize(struct image *image, size_t len)
{
    if (!image->data || len > image->size) {
        size_t size = 2 * len + 4096;
        uint8_t *data = realloc(image->data, size);

        assert(data);
        image->data = data;
        image->size = size;
    }
    if (len > image->len)
        memset(image->data + image->len, 0, len - image->len);
    image->len = len;
}

static void image_copy(struct image *to, const struct image *from)
{
    image_resize(to, from->len);
    if (from->len > 0)
        memcpy(to->data, from->data, from->len);
}

static struct disk_file *find(const char *name)
{
    for (unsigned i = 0; i < MAX_FILES; i++) {
        if (strcmp(disk.files[i].name, name) == 0)
            return &disk.files[i];
    }
    return NULL;
}

static void remove_file(struct disk_file *f)
{
    free(f->now.data);
    free(f->synced.data);
    *f = (struct disk_file){0};
}

/* --- one file --- */

static struct disk_file *file_of(sqlite3_file *base)
{
    return ((struct handle *) (void *) base)->file;
}

static int on_close(sqlite3_file *base)
{
    (void) base;
    return SQLITE_OK;
}

static int on_read(sqlite3_file *base, void *data, int n, sqlite3_int64 offset)
{
    const struct image *image = &file_of(base)->now;
    size_t at = (size_t) offset, len = (size_t) n, there;
    int rc = hit(OP_READ);

    if (rc != SQLITE_OK)
        return rc;
    there = at >= image->len ? 0 : image->len - at;
    if (there > len)
        there = len;
    if (there > 0)
        memcpy(data, image->data + at, there);
    memset((uint8_t *) data + there, 0, len - there);
    return there < len ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

static size_t used(void)
{
    size_t len = 0;

    for (unsigned i = 0; i < MAX_FILES; i++)
        len += disk.files[i].now.len;
    return len;
}

static int on_write(sqlite3_file *base, const void *data, int n, sqlite3_int64 offset)
{
    struct image *image = &file_of(base)->now;
    size_t at = (size_t) offset, len = (size_t) n;
    int rc = hit(OP_WRITE);

    if (rc != SQLITE_OK && disk.stopped && disk.n_operations == disk.at)
        len /= 2; /* the blow came in the middle */
    else if (rc != SQLITE_OK)
        return rc;
    if (at + len > image->len && disk.limit && used() - image->len + at + len > disk.limit)
        return SQLITE_FULL;
    if (at + len > image->len)
        image_resize(image, at + len);
    memcpy(image->data + at, data, len);
    return rc;
}

static int on_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    int rc = hit(OP_TRUNCATE);

    if (rc == SQLITE_OK)
        image_resize(&file_of(base)->now, (size_t) size);
    return rc;
}

static int on_sync(sqlite3_file *base, int flags)
{
    struct disk_file *f = file_of(base);
    int rc = hit(OP_SYNC);

    (void) flags;
    if (rc == SQLITE_OK)
        image_copy(&f->synced, &f->now);
    return rc;
}

static int on_file_size(sqlite3_file *base, sqlite3_int64 *size)
{
    *size = (sqlite3_int64) file_of(base)->now.len;
    return SQLITE_OK;
}

/* One connection only. */
static int on_lock(sqlite3_file *base, int level)
{
    (void) base;
    (void) level;
    return SQLITE_OK;
}

static int on_check_lock(sqlite3_file *base, int *result)
{
    (void) base;
    *result = 0;
    return SQLITE_OK;
}

static int on_control(sqlite3_file *base, int op, void *arg)
{
    (void) base;
    (void) op;
    (void) arg;
    return SQLITE_NOTFOUND;
}

static int on_sector_size(sqlite3_file *base)
{
    (void) base;
    return SECTOR;
}

static int on_characteristics(sqlite3_file *base)
{
    (void) base;
    return 0;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_file_size,
    .xLock = on_lock,
    .xUnlock = on_lock,
    .xCheckReservedLock = on_check_lock,
    .xFileControl = on_control,
    .xSectorSize = on_sector_size,
    .xDeviceCharacteristics = on_characteristics,
};

/* --- the disk --- */

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags,
                   int *ret_flags)
{
    struct handle *h = (struct handle *) (void *) base;
    int rc = hit(OP_OPEN);

    (void) vfs;
    h->base.pMethods = NULL;
    if (rc != SQLITE_OK)
        return rc;
    assert(name && strlen(name) < MAX_NAME); /* temporary files are in memory */
    h->file = find(name);
    if (!h->file && !(flags & SQLITE_OPEN_CREATE))
        return SQLITE_CANTOPEN;
    if (!h->file) {
        h->file = find("");
        assert(h->file);
        (void) snprintf(h->file->name, MAX_NAME, "%s", name);
    }
    h->base.pMethods = &methods;
    if (ret_flags)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int on_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
    struct disk_file *f = find(name);
    int rc = hit(OP_DELETE);

    (void) vfs;
    (void) sync_dir;
    if (rc != SQLITE_OK)
        return rc;
    if (!f)
        return SQLITE_IOERR_DELETE_NOENT;
    remove_file(f);
    return SQLITE_OK;
}

static int on_access(sqlite3_vfs *vfs, const char *name, int flags, int *result)
{
    (void) vfs;
    (void) flags;
    *result = find(name) != NULL;
    return SQLITE_OK;
}

static int on_full_name(sqlite3_vfs *vfs, const char *name, int size, char *ret_name)
{
    (void) vfs;
    (void) snprintf(ret_name, (size_t) size, "%s", name);
    return SQLITE_OK;
}

static int on_random(sqlite3_vfs *vfs, int n, char *bytes)
{
    (void) vfs;
    return disk.before->xRandomness(disk.before, n, bytes);
}

static int on_sleep(sqlite3_vfs *vfs, int us)
{
    (void) vfs;
    return us; /* nobody to wait for */
}

static int on_time(sqlite3_vfs *vfs, double *now)
{
    (void) vfs;
    return disk.before->xCurrentTime(disk.before, now);
}

void fault_vfs_init(void)
{
    memset(&disk, 0, sizeof(disk));
    disk.before = sqlite3_vfs_find(NULL);
    assert(disk.before);
    disk.vfs = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = sizeof(struct handle),
        .mxPathname = MAX_NAME,
        .zName = "fault",
        .xOpen = on_open,
        .xDelete = on_delete,
        .xAccess = on_access,
        .xFullPathname = on_full_name,
        .xRandomness = on_random,
        .xSleep = on_sleep,
        .xCurrentTime = on_time,
    };
    (void) sqlite3_vfs_register(&disk.vfs, 1);
}

void fault_vfs_format(void)
{
    for (unsigned i = 0; i < MAX_FILES; i++)
        remove_file(&disk.files[i]);
    disk.stopped = false;
}

void fault_vfs_done(void)
{
    fault_vfs_format();
    (void) sqlite3_vfs_unregister(&disk.vfs);
    (void) sqlite3_vfs_register(disk.before, 1);
}

void fault_vfs_limit(size_t len)
{
    disk.limit = len;
}

void fault_vfs_arm(enum fault_vfs_mode mode, unsigned n)
{
    disk.mode = mode;
    disk.at = n;
    disk.n_operations = 0;
    disk.n_syncs = 0;
}

unsigned fault_vfs_n_operations(void)
{
    return disk.n_operations;
}

unsigned fault_vfs_n_syncs(void)
{
    return disk.n_syncs;
}

/* Each sector is the one or the other; the length is the new one. */
static void tear(struct disk_file *f, uint64_t *seed)
{
    image_resize(&f->synced, f->now.len);
    for (size_t at = 0; at < f->now.len; at += SECTOR) {
        size_t len = f->now.len - at < SECTOR ? f->now.len - at : SECTOR;

        *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
        if (*seed >> 63)
            memcpy(f->synced.data + at, f->now.data + at, len);
    }
}

void fault_vfs_boot(enum fault_vfs_boot boot, uint64_t seed)
{
    disk.mode = FAULT_VFS_NONE;
    disk.stopped = false;
    for (unsigned i = 0; i < MAX_FILES; i++) {
        struct disk_file *f = &disk.files[i];

        if (!f->name[0])
            continue;
        if (boot == FAULT_VFS_BOOT_TORN)
            tear(f, &seed);
        if (boot == FAULT_VFS_BOOT_PROCESS)
            image_copy(&f->synced, &f->now);
        else
            image_copy(&f->now, &f->synced);
    }
}

uint8_t *fault_vfs_contents(const char *name, size_t *ret_len)
{
    struct disk_file *f = find(name);

    if (!f)
        return NULL;
    *ret_len = f->now.len;
    return f->now.data;
}

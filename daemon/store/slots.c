/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Through SQLite's own door to files: the same disk as the database's, also in tests that make it
 * fail. No lock: whoever has the database has its neighbours.
 */

#include <sqlite3.h>

#include "daemon/store/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"

#define RECORD_SIZE 512U            /* a divisor of the page size: no record is in two pages */
#define MAGIC 0x32746f6c73746f69ULL /* "iotslot2" */

/* What a record begins with; in the byte order of this machine, of another one it is not whole. */
struct head {
    uint64_t check; /* of all that follows */
    uint16_t len;
    uint16_t place;  /* a block that the disk put elsewhere is none of its new place */
    uint32_t number; /* of the puts of this slot: the later record counts */
};

/* The record of place 0; two for each slot come behind. */
struct label {
    uint64_t magic;
    uint64_t id;
    uint32_t n_slots;
    uint32_t record_size;
};

struct slots {
    sqlite3_file *file;
    uint8_t *map; /* the whole file; NULL: records are written with write(2) */
    unsigned n_slots;
    uint32_t *numbers; /* of the latest record of each slot */
    char name[DB_MOVED + 16];
};

_Static_assert(sizeof(struct head) == 16 && sizeof(struct label) == 24, "no holes");
_Static_assert(SLOTS_RECORD + sizeof(struct head) <= RECORD_SIZE, "a record fits into its place");

static int to_errno(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
        return 0;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
        return -EACCES;
    default:
        return -EIO;
    }
}

static size_t size_of(const struct slots *s)
{
    return (size_t) (1 + 2 * s->n_slots) * RECORD_SIZE;
}

/* As FNV-1a, but by words, the upper bits into the lower: tells a torn record, nothing more. */
static uint64_t checksum(const uint8_t *data, size_t len)
{
    uint64_t h = 0xcbf29ce484222325ULL;

    for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
        uint64_t word = 0;

        memcpy(&word, data + i, len - i < sizeof(word) ? len - i : sizeof(word));
        h = (h ^ word) * 0x100000001b3ULL;
        h ^= h >> 32;
    }
    return h;
}

/*
 * A kill between any two stores: until the last one the old checksum stands before what is new,
 * and this record is none. The other one of the slot is not touched.
 */
static void store_record(struct slots *s, unsigned place, const struct head *head,
                         const uint8_t *buf, size_t len)
{
    uint8_t *at = s->map + (size_t) place * RECORD_SIZE;

    memcpy(at + sizeof(head->check), buf + sizeof(head->check), len - sizeof(head->check));
    __atomic_store_n((uint64_t *) (void *) at, head->check, __ATOMIC_RELEASE);
}

static int write_record(struct slots *s, unsigned place, uint32_t number, const void *data,
                        size_t len)
{
    uint8_t buf[RECORD_SIZE];
    struct head head = {.len = (uint16_t) len, .place = (uint16_t) place, .number = number};

    memcpy(buf, &head, sizeof(head));
    memcpy(buf + sizeof(head), data, len);
    head.check = checksum(buf + sizeof(head.check), sizeof(head) - sizeof(head.check) + len);
    if (s->map) {
        store_record(s, place, &head, buf, sizeof(head) + len);
        return 0;
    }
    memcpy(buf, &head.check, sizeof(head.check));
    return to_errno(s->file->pMethods->xWrite(s->file, buf, (int) (sizeof(head) + len),
                                              (sqlite3_int64) place * RECORD_SIZE));
}

static int read_record(struct slots *s, unsigned place, struct head *ret_head,
                       uint8_t data[SLOTS_RECORD])
{
    uint8_t buf[RECORD_SIZE];
    struct head head;
    int rc =
        s->file->pMethods->xRead(s->file, buf, sizeof(buf), (sqlite3_int64) place * RECORD_SIZE);

    if (rc == SQLITE_IOERR_SHORT_READ)
        return -ENODATA;
    if (rc != SQLITE_OK)
        return to_errno(rc);
    memcpy(&head, buf, sizeof(head));
    if (head.len > SLOTS_RECORD || head.place != place ||
        head.check !=
            checksum(buf + sizeof(head.check), sizeof(head) - sizeof(head.check) + head.len))
        return -ENODATA;
    memcpy(data, buf + sizeof(head), head.len);
    *ret_head = head;
    return 0;
}

static unsigned place_of(unsigned slot, uint32_t number)
{
    return 1 + 2 * slot + number % 2;
}

int slots_put(struct slots *s, unsigned slot, const void *data, size_t len)
{
    uint32_t number;
    int r;

    if (len > SLOTS_RECORD || slot >= s->n_slots)
        return -EMSGSIZE;
    number = s->numbers[slot] + 1;
    r = write_record(s, place_of(slot, number), number, data, len);
    if (r == 0)
        s->numbers[slot] = number;
    return r;
}

/* Leaves the later of the two in data; -ENODATA when neither is whole. */
static int read_later(struct slots *s, unsigned slot, struct head *ret_head,
                      uint8_t data[SLOTS_RECORD])
{
    uint8_t other_data[SLOTS_RECORD];
    struct head head, other;
    int r = read_record(s, place_of(slot, 0), &head, data);
    int q = read_record(s, place_of(slot, 1), &other, other_data);

    if (r < 0 && q < 0)
        return r == -ENODATA ? q : r;
    if (r < 0 || (q == 0 && (int32_t) (other.number - head.number) > 0)) {
        memcpy(data, other_data, other.len);
        head = other;
    }
    *ret_head = head;
    return 0;
}

int slots_get(struct slots *s, unsigned slot, uint8_t data[SLOTS_RECORD], size_t *ret_len)
{
    struct head head;
    int r = slot < s->n_slots ? read_later(s, slot, &head, data) : -ENODATA;

    if (r == 0)
        *ret_len = head.len;
    return r;
}

/* The label comes last: before it, the file is none. */
static int format(struct slots *s, const struct label *label)
{
    static const uint8_t nothing[RECORD_SIZE];
    int r = to_errno(s->file->pMethods->xTruncate(s->file, 0));

    for (unsigned i = 0; r == 0 && i <= 2 * s->n_slots; i++)
        r = to_errno(s->file->pMethods->xWrite(s->file, nothing, sizeof(nothing),
                                               (sqlite3_int64) i * RECORD_SIZE));
    return r < 0 ? r : write_record(s, 0, 0, label, sizeof(*label));
}

static int open_file(struct slots *s)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

    s->file = calloc(1, (size_t) vfs->szOsFile);
    if (!s->file)
        return -ENOMEM;
    /* Of this kind because it gets owner and mode of the database. */
    return to_errno(vfs->xOpen(vfs, s->name, s->file,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW |
                                   SQLITE_OPEN_MAIN_JOURNAL,
                               NULL));
}

/*
 * Where a block of a file, once it is there, is written in place: only there a store never needs
 * room. Elsewhere (copy on write, logs, compression) a full disk would be a SIGBUS, not an error.
 */
static bool is_written_in_place(int fd)
{
    static const long types[] = {0xef53 /* ext2, 3, 4 */, 0x01021994 /* tmpfs */};
    struct statfs fs;

    for (size_t i = 0; fstatfs(fd, &fs) == 0 && i < ARRAY_SIZE(types); i++) {
        if ((long) fs.f_type == types[i])
            return true;
    }
    return false;
}

/* The file that SQLite opened: a disk of a test is not found here. */
static int open_again(const struct slots *s)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

    return strcmp(vfs->zName, "unix") == 0 ? open(s->name, O_RDWR | O_NOFOLLOW | O_CLOEXEC) : -1;
}

/*
 * Saves a write(2) for each record where that can be done; else everything stays as it is. Two
 * things remain that end iotd with SIGBUS: a disk that dies, or whose file system becomes read-only
 * for an error, and somebody who cuts the file, in a directory that is iotd's alone.
 */
static void map_file(struct slots *s)
{
    CLEANUP(fd_closep) int fd = open_again(s);
    void *map;

    if (fd < 0 || !is_written_in_place(fd) || posix_fallocate(fd, 0, (off_t) size_of(s)) != 0)
        return;
    map = mmap(NULL, size_of(s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED)
        s->map = map;
}

/* Makes it anew unless it is the one that the label says. */
static int check_label(struct slots *s, const struct label *label)
{
    uint8_t data[SLOTS_RECORD];
    struct head head;
    int r = read_record(s, 0, &head, data);

    if (r < 0 && r != -ENODATA)
        return r;
    if (r == 0 && head.len == sizeof(*label) && memcmp(data, label, sizeof(*label)) == 0)
        return 0;
    return format(s, label);
}

static void find_numbers(struct slots *s)
{
    for (unsigned i = 0; i < s->n_slots; i++) {
        uint8_t data[SLOTS_RECORD];
        struct head head;

        if (read_later(s, i, &head, data) == 0)
            s->numbers[i] = head.number;
    }
}

int slots_open(struct slots **ret_slots, const struct db *db, const char *suffix, unsigned n_slots,
               uint64_t id)
{
    CLEANUP(slots_freep) struct slots *s = NULL;
    const struct label label = {MAGIC, id, n_slots, RECORD_SIZE};
    int r;

    if (!db_path(db)[0])
        return -ENOENT;
    s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->n_slots = n_slots;
    s->numbers = calloc(n_slots, sizeof(*s->numbers));
    if (!s->numbers)
        return -ENOMEM;
    (void) snprintf(s->name, sizeof(s->name), "%s-%s", db_path(db), suffix);
    r = open_file(s);
    if (r == 0)
        r = check_label(s, &label);
    if (r < 0)
        return r;
    map_file(s);
    find_numbers(s);
    *ret_slots = TAKE(s);
    return 0;
}

struct slots *slots_free(struct slots *s)
{
    if (!s)
        return NULL;

    if (s->map)
        (void) munmap(s->map, size_of(s));
    if (s->file && s->file->pMethods)
        (void) s->file->pMethods->xClose(s->file);
    free(s->file);
    free(s->numbers);
    free(s);
    return NULL;
}

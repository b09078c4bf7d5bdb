/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Through SQLite's own door to files: the same disk as the database's, also in tests that make it
 * fail. No lock: whoever has the database has its neighbours.
 */

#include <sqlite3.h>

#include "daemon/store/slots.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_SIZE 512U            /* a divisor of the page size: no record is in two pages */
#define MAGIC 0x31746f6c73746f69ULL /* "iotslot1" */

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

/* FNV-1a, 64 bits: tells a torn record, nothing more. */
static uint64_t checksum(const uint8_t *data, size_t len)
{
    uint64_t h = 0xcbf29ce484222325ULL;

    for (size_t i = 0; i < len; i++)
        h = (h ^ data[i]) * 0x100000001b3ULL;
    return h;
}

static int write_record(struct slots *s, unsigned place, uint32_t number, const void *data,
                        size_t len)
{
    uint8_t buf[RECORD_SIZE];
    struct head head = {.len = (uint16_t) len, .place = (uint16_t) place, .number = number};

    memcpy(buf, &head, sizeof(head));
    memcpy(buf + sizeof(head), data, len);
    head.check = checksum(buf + sizeof(head.check), sizeof(head) - sizeof(head.check) + len);
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
    find_numbers(s);
    *ret_slots = TAKE(s);
    return 0;
}

struct slots *slots_free(struct slots *s)
{
    if (!s)
        return NULL;

    if (s->file && s->file->pMethods)
        (void) s->file->pMethods->xClose(s->file);
    free(s->file);
    free(s->numbers);
    free(s);
    return NULL;
}

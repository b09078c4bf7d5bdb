/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_FAULT_VFS_H
#define IOTD_TESTS_FAULT_VFS_H

/*
 * A disk for SQLite that lives in memory and fails on demand. It knows what was synced: a power
 * failure takes away the rest, whole or sector by sector. Becomes the default of SQLite.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault_vfs_mode {
    FAULT_VFS_NONE,
    FAULT_VFS_FAIL, /* one operation fails: I/O error */
    FAULT_VFS_FULL, /* one write fails: no space; of other operations as FAIL */
    FAULT_VFS_STOP, /* from then on nothing reaches the disk and all operations fail */
};

/* How the machine came back. */
enum fault_vfs_boot {
    FAULT_VFS_BOOT_PROCESS, /* only the process died: all that was written is there */
    FAULT_VFS_BOOT_SYNCED,  /* only what was synced */
    FAULT_VFS_BOOT_TORN,    /* of what was not synced, some sectors */
};

/* An empty disk. */
void fault_vfs_init(void);
/* Frees it, and gives SQLite its own disk back. */
void fault_vfs_done(void);
/* Forgets all files. */
void fault_vfs_format(void);

/* The size of the disk; 0: without end. A write that does not fit fails. */
void fault_vfs_limit(size_t len);

/* Counts operations (open, read, write, truncate, sync, delete) from 1; the n-th is hit. */
void fault_vfs_arm(enum fault_vfs_mode mode, unsigned n);
unsigned fault_vfs_n_operations(void);
/* The syncs since the count began. */
unsigned fault_vfs_n_syncs(void);
/* Works again; no connection may be open. seed: which sectors of a torn disk survived. */
void fault_vfs_boot(enum fault_vfs_boot boot, uint64_t seed);

/* The contents of a file, borrowed and writable, for a test that damages it; NULL: no such file. */
uint8_t *fault_vfs_contents(const char *name, size_t *ret_len);

#endif /* IOTD_TESTS_FAULT_VFS_H */

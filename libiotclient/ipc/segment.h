/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_IPC_SEGMENT_H
#define IOTD_IPC_SEGMENT_H

/*
 * Segments of memory: made and sealed by iotd, verified before they are mapped by a program. The
 * only file that maps memory.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

struct layout_head;

struct segment_range;

/* A mapping. Zero-initialised memory is none. */
struct segment {
    void *base;    /* NULL: not mapped */
    size_t size;   /* of what is in use */
    size_t mapped; /* bytes that may be read: no less than any segment here had */
    size_t room;   /* of the range of addresses that is kept for it; at least mapped */
    struct segment_range *retired; /* ranges that were too small, readable until the end */
};

/* The owner's side: zeroed memory, mapped for writing, with its head filled in. */
struct segment_spec {
    const char *name; /* for /proc/PID/maps */
    uint32_t kind;
    size_t size;
    uint64_t epoch;
    bool is_read_only; /* for all others: nobody else can ever write or map it for writing */
};
/*
 * The descriptor is sealed against resizing and against new seals, with is_read_only also against
 * writers. Close it once it is handed over.
 * @return 0; -ENOSYS not on this machine (LAYOUT_IS_USABLE); -ENOMEM, -EMFILE and others of
 *         memfd_create(2)
 */
int segment_create(struct segment *ret_segment, int *ret_fd,
                   const struct segment_spec *spec) MUST_CHECK;

/*
 * The other side. Size and seals are verified first, then the head: magic, kind, major, size.
 * A segment that is mapped already is replaced at the same address if there is room for it: threads
 * that read it meanwhile see the old one or the new one, never neither, and zeros where the old one
 * was longer. Else it stays mapped where it is until segment_done(), and the new one gets a range
 * of its own, twice as large as it needs (at most max_size).
 * @param writable  whether this side writes
 * @return 0; -EPROTO it is not what it should be; -ENOSYS; -ENOMEM; -EMFILE and others of mmap(2).
 * On failure all is as it was.
 */
int segment_map(struct segment *segment, int fd, uint32_t kind, size_t min_size, size_t max_size,
                bool writable) MUST_CHECK;
/* Unmaps; harmless on none. */
void segment_done(struct segment *segment);

#endif /* IOTD_IPC_SEGMENT_H */

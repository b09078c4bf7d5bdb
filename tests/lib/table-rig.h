/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_TABLE_RIG_H
#define IOTD_TESTS_TABLE_RIG_H

/*
 * iotd's end of the shared memory of one client, without a bus: the test plays iotd in its own
 * process, and what Attach would answer goes to the client by hand.
 */

#include <iotclient/iotclient.h>

#include "libiotclient/ipc/layout.h"
#include "libiotclient/ipc/segment.h"
#include "libiotclient/ipc/table.h"

struct table_rig {
    struct table_writer *writer;
    struct segment raw; /* a table without a writer, for lies */
    struct segment up_segment;
    struct segment down_segment;
    struct layout_up *up;
    struct layout_down *down;
    int fds[LAYOUT_FD_COUNT_]; /* the client's */
    int bell_up;               /* iotd's ends */
    int bell_down;
};

/* A client that finds no bus. */
iotc_client *table_rig_client(void);

/* blobs_len 0: no room for long values. Ends the program on failure. */
void table_rig_open(struct table_rig *rig, size_t n_places, size_t blobs_len, uint64_t epoch);
/* A table of size bytes of zeros behind its head, to be filled by the test. */
void table_rig_open_raw(struct table_rig *rig, size_t size, uint64_t epoch);
void table_rig_close(struct table_rig *rig);

/* What shm_on_attached() makes of the answer: these descriptors, and that layout (may be NULL). */
int table_rig_attach(struct table_rig *rig, iotc_client *client);
int table_rig_attach_with(iotc_client *client, const int *fds, size_t n_fds, const char *layout);

/* Writes a place, alone in its batch, and rings if the client watches it. */
void table_rig_put(struct table_rig *rig, size_t place, uint32_t type, const void *value,
                   size_t len, uint64_t stamp_us);
void table_rig_put_int(struct table_rig *rig, size_t place, int64_t value);
void table_rig_put_text(struct table_rig *rig, size_t place, const char *text);
/* Names a place and says what it is; without a value. */
void table_rig_name(struct table_rig *rig, size_t place, const char *id, uint32_t type,
                    uint32_t flags);

/* The property of that id; fails the test without. */
iotc_prop *table_rig_prop(iotc_client *client, const char *id);

#endif /* IOTD_TESTS_TABLE_RIG_H */

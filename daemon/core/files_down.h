/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_FILES_DOWN_H
#define IOTD_CORE_FILES_DOWN_H

/*
 * Orders of the cloud to download a file or resource: checked, kept in the database until they
 * end, a few at a time. One that failed leaves its partial file for the next order of the same
 * content.
 */

#include "daemon/core/files_dir.h"
#include "daemon/core/files_net.h"
#include "daemon/core/transfers.h"

struct files_down;
struct download;

/* Texts are borrowed for the call. */
struct files_down_events {
    /* How an order goes, for the cloud. code: enum file_code. */
    void (*progress)(const struct file_order *order, unsigned percent, void *userdata);
    void (*end)(const struct file_order *order, int code, const char *text, void *userdata);
    /* A file came, or is another version. */
    void (*received)(const struct file *f, void *userdata);
    void *userdata;
};

struct files_down_config {
    struct loop *loop;
    struct files_dir *dir; /* borrowed, as all of it */
    struct files_net net;
    struct transfers *transfers;
    struct files_down_events events;
};

/* Knows the orders of earlier runs then, and begins none of them. 0; -ENOMEM; of the database */
int files_down_new(struct files_down **ret_down, const struct files_down_config *config) MUST_CHECK;
/* What runs ends, its order stays. */
struct files_down *files_down_free(struct files_down *down);
DEFINE_FREEP(struct files_down, files_down_free)

/* The cloud can hear: what waits begins. */
void files_down_go(struct files_down *down);
/* Its outcome is told by the events, some of them before this returns. */
void files_down_order(struct files_down *down, const struct file_order *order);
/* An order that waits or runs; NULL: none. */
const struct download *files_down_find(const struct files_down *down, enum file_kind kind,
                                       const char *name);
/* Ends an order without telling the cloud; true if there was one that waited or ran. */
bool files_down_forget(struct files_down *down, enum file_kind kind, const char *name,
                       const char *why);
/* The next after it that waits or runs, NULL: the first; NULL at the end. */
const struct download *files_down_next(const struct files_down *down, const struct download *after);
/* What it will be; is_here is false. */
const struct file *download_file(const struct download *download);

#endif /* IOTD_CORE_FILES_DOWN_H */

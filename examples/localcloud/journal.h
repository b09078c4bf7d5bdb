/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_JOURNAL_H
#define IOTD_LOCALCLOUD_JOURNAL_H

/*
 * Everything that happened, newest last, in a bounded ring: messages up and down as they
 * travelled, and what became of connections. Tests and people wait on it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "examples/localcloud/clock.h"
#include "libiotclient/base/list.h"
#include "libiotclient/base/macro.h"

#define JOURNAL_ENTRIES_MAX 10000
#define JOURNAL_BYTES_MAX (16 * 1024 * 1024)
#define JOURNAL_PAGE_MAX 1000 /* entries of one answer */

struct journal;

/* Wakes once, on the next entry. Storage is the waiter's; zero-initialised plus list_init. */
struct journal_waiter {
    struct list link;
    void (*fn)(struct journal_waiter *w, void *userdata);
    void *userdata;
};

/* trace: a stream that shows events, and messages too when verbose; NULL for none. */
int journal_new(struct journal **ret_journal, const struct cloud_clock *clock, FILE *trace,
                bool verbose) MUST_CHECK;
struct journal *journal_free(struct journal *j);
DEFINE_FREEP(struct journal, journal_free)

/* A lack of memory loses the entry and counts it as lost; nobody else suffers. */
void journal_message(struct journal *j, bool up, const char *device, const char *topic,
                     const void *payload, size_t len, uint8_t qos, bool dup);
/* device may be "". name is one of the README's list. */
void journal_event(struct journal *j, const char *device, const char *name, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* The number that the next entry will have; the first is 1. */
uint64_t journal_next(const struct journal *j);
/* {"next":N,"lost":N,"entries":[…]} with the entries numbered since or above. */
json_t *journal_page(const struct journal *j, uint64_t since);

void journal_wait(struct journal *j, struct journal_waiter *w);
void journal_wait_cancel(struct journal_waiter *w);

#endif /* IOTD_LOCALCLOUD_JOURNAL_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_BENCH_BARE_OUTBOX_H
#define IOTD_TESTS_BENCH_BARE_OUTBOX_H

/* The bare mechanism under the outbox: SQLite with iotd's schema, and nothing around it. */

#include <stdint.h>

struct bare_outbox;

/* A new file of that name in the test's directory: WAL, synchronous = FULL. */
struct bare_outbox *bare_outbox_new(const char *name);
struct bare_outbox *bare_outbox_free(struct bare_outbox *b);

void bare_outbox_begin(struct bare_outbox *b);
/* The row that iotd writes for the event of stack.h, with texts of the same length. */
void bare_outbox_insert(struct bare_outbox *b, int64_t number);
void bare_outbox_remove(struct bare_outbox *b, int64_t number);
void bare_outbox_commit(struct bare_outbox *b);

#endif /* IOTD_TESTS_BENCH_BARE_OUTBOX_H */

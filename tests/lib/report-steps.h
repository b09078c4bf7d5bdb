/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_REPORT_STEPS_H
#define IOTD_TESTS_REPORT_STEPS_H

/* The core rig for tests of reports: reporting, and the cloud's side of it. */

#include "tests/lib/core-rig.h"

#define S USEC_PER_SEC
#define LAMP ":1.1"
#define DOOR ":1.2"

/* The report that was on the wire last. */
struct report_seen {
    char token[64];
    int64_t timestamp;
};

extern struct report_seen report_seen;

/* A core whose link is up. */
void report_begin_up(void);
/* Fifteen properties with texts, p0 to p14: the longest are more than one message takes. */
void report_begin_big(void);

/* Reports a number; what comes of it, or the token. */
int report_try(const char *peer, size_t index, int64_t value, uint64_t timestamp_s,
               uint64_t *ret_token);
uint64_t report(const char *peer, size_t index, int64_t value);
/* Reports one text for n properties. */
uint64_t report_texts(const char *peer, size_t first, size_t n, char *text);
struct value *report_table(size_t index);

/* The params of the next report on the wire; "" when there is none. */
const char *report_next(void);
void report_reply(const char *token, int code, const char *text);
/* How it ended; -1 while it has not. */
int report_code_of(uint64_t token);

#endif /* IOTD_TESTS_REPORT_STEPS_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_STORE_FACTS_H
#define IOTD_STORE_FACTS_H

/* Small state that survives a restart: property values, answers, single facts. */

#include "daemon/store/db.h"

struct fact_property {
    const char *id;
    const char *value;   /* JSON; NULL: none */
    const char *desired; /* JSON; NULL: none */
    int64_t stamp_us;
    bool confirmed; /* the cloud has it */
};

struct fact_answer {
    int64_t slot;
    int64_t taken;
    const char *token;
    int64_t content;
    int state;
    int code;
    const char *text;
    const char *response; /* NULL: a control */
};

/* Writing: in a transaction. */
int facts_put_property(struct db *db, const struct fact_property *p) MUST_CHECK;
int facts_load_properties(struct db *db, int (*fn)(const struct fact_property *p, void *userdata),
                          void *userdata) MUST_CHECK;
int facts_put_answer(struct db *db, const struct fact_answer *a) MUST_CHECK;
int facts_load_answers(struct db *db, int (*fn)(const struct fact_answer *a, void *userdata),
                       void *userdata) MUST_CHECK;
int facts_put(struct db *db, const char *name, const char *value) MUST_CHECK;
/* 0 with *ret_value "" when there is none; the text is the caller's. */
int facts_get(struct db *db, const char *name, char **ret_value) MUST_CHECK;

#endif /* IOTD_STORE_FACTS_H */

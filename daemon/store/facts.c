/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/store/facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *text_or_null(const struct db_row *row, int column)
{
    return db_row_is_null(row, column) ? NULL : db_row_text(row, column);
}

int facts_put_property(struct db *db, const struct fact_property *p)
{
    return db_run(db,
                  "INSERT OR REPLACE INTO properties (id, value, desired, stamp_us, confirmed)"
                  " VALUES (?, ?, ?, ?, ?)",
                  NULL, NULL, "sssii", p->id, p->value, p->desired, p->stamp_us,
                  (int64_t) p->confirmed);
}

struct load_properties {
    int (*fn)(const struct fact_property *p, void *userdata);
    void *userdata;
};

static int on_property(const struct db_row *row, void *userdata)
{
    const struct load_properties *load = userdata;
    const struct fact_property p = {
        .id = db_row_text(row, 0),
        .value = text_or_null(row, 1),
        .desired = text_or_null(row, 2),
        .stamp_us = db_row_i64(row, 3),
        .confirmed = db_row_i64(row, 4) != 0,
    };

    return load->fn(&p, load->userdata);
}

int facts_load_properties(struct db *db, int (*fn)(const struct fact_property *p, void *userdata),
                          void *userdata)
{
    struct load_properties load = {fn, userdata};

    return db_run(db, "SELECT id, value, desired, stamp_us, confirmed FROM properties", on_property,
                  &load, "");
}

int facts_put_answer(struct db *db, const struct fact_answer *a)
{
    return db_run(db,
                  "INSERT OR REPLACE INTO answers (slot, taken, token, content, state, code, text,"
                  " response) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                  NULL, NULL, "iisiiiss", a->slot, a->taken, a->token, a->content,
                  (int64_t) a->state, (int64_t) a->code, a->text, a->response);
}

struct load_answers {
    int (*fn)(const struct fact_answer *a, void *userdata);
    void *userdata;
};

static int on_answer(const struct db_row *row, void *userdata)
{
    const struct load_answers *load = userdata;
    const struct fact_answer a = {
        .slot = db_row_i64(row, 0),
        .token = db_row_text(row, 1),
        .content = db_row_i64(row, 2),
        .state = (int) db_row_i64(row, 3),
        .code = (int) db_row_i64(row, 4),
        .text = db_row_text(row, 5),
        .response = text_or_null(row, 6),
        .taken = db_row_i64(row, 7),
    };

    return load->fn(&a, load->userdata);
}

int facts_load_answers(struct db *db, int (*fn)(const struct fact_answer *a, void *userdata),
                       void *userdata)
{
    struct load_answers load = {fn, userdata};

    return db_run(db,
                  "SELECT slot, token, content, state, code, text, response, taken FROM answers",
                  on_answer, &load, "");
}

int facts_put(struct db *db, const char *name, const char *value)
{
    return db_run(db, "INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", NULL, NULL, "ss",
                  name, value);
}

static int on_fact(const struct db_row *row, void *userdata)
{
    char **value = userdata;

    free(*value);
    *value = strdup(db_row_text(row, 0));
    return *value ? 0 : -ENOMEM;
}

int facts_get(struct db *db, const char *name, char **ret_value)
{
    char *value = strdup("");
    int r;

    if (!value)
        return -ENOMEM;
    r = db_run(db, "SELECT value FROM facts WHERE name = ?", on_fact, &value, "s", name);
    if (r < 0) {
        free(value);
        return r;
    }
    *ret_value = value;
    return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/store/outbox.h"

int outbox_add(struct db *db, const struct outbox_entry *e)
{
    return db_run(db,
                  "INSERT INTO outbox (token, class, client_token, event_id, type, timestamp_s,"
                  " params, peer, scope, account, bytes, turn)"
                  " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  NULL, NULL, "iissiissssii", e->token, (int64_t) e->class, e->client_token,
                  e->event_id, (int64_t) e->type, e->timestamp_s, e->params, e->peer, e->scope,
                  e->account ? e->account : "", e->bytes, e->turn);
}

int outbox_remove(struct db *db, int64_t token)
{
    return db_run(db, "DELETE FROM outbox WHERE token = ?", NULL, NULL, "i", token);
}

struct load {
    int (*fn)(const struct outbox_entry *entry, void *userdata);
    void *userdata;
};

static int on_row(const struct db_row *row, void *userdata)
{
    const struct load *load = userdata;
    const struct outbox_entry e = {
        .token = db_row_i64(row, 0),
        .class = (int) db_row_i64(row, 1),
        .client_token = db_row_text(row, 2),
        .event_id = db_row_text(row, 3),
        .type = (int) db_row_i64(row, 4),
        .timestamp_s = db_row_i64(row, 5),
        .params = db_row_text(row, 6),
        .peer = db_row_text(row, 7),
        .scope = db_row_text(row, 8),
        .account = db_row_text(row, 9),
        .bytes = db_row_i64(row, 10),
        .turn = db_row_i64(row, 11),
    };

    return load->fn(&e, load->userdata);
}

int outbox_load(struct db *db, int class, int64_t turn, int64_t token, int64_t max,
                int (*fn)(const struct outbox_entry *entry, void *userdata), void *userdata)
{
    struct load load = {fn, userdata};

    return db_run(
        db,
        "SELECT token, class, client_token, event_id, type, timestamp_s, params, peer,"
        " scope, account, bytes, turn FROM outbox WHERE class = ? AND (turn, token) > (?, ?)"
        " ORDER BY turn, token LIMIT ?",
        on_row, &load, "iiii", (int64_t) class, turn, token, max);
}

static int on_found(const struct db_row *row, void *userdata)
{
    (void) row;
    *(bool *) userdata = true;
    return 0;
}

int outbox_find(struct db *db, int64_t token, const char *peer, const char *scope, bool *ret_found)
{
    bool found = false;
    int r;

    r = db_run(db, "SELECT 1 FROM outbox WHERE token = ? AND peer = ? AND scope = ?", on_found,
               &found, "iss", token, peer, scope);
    if (r == 0)
        *ret_found = found;
    return r;
}

static int on_totals(const struct db_row *row, void *userdata)
{
    struct outbox_totals *t = userdata;

    t->n = db_row_i64(row, 0);
    t->bytes = db_row_i64(row, 1);
    t->last_turn = db_row_i64(row, 2);
    t->last_token = db_row_i64(row, 3);
    return 0;
}

int outbox_get_totals(struct db *db, int class, struct outbox_totals *ret_totals)
{
    return db_run(db,
                  "SELECT count(*), coalesce(sum(bytes), 0), coalesce(max(turn), 0),"
                  " (SELECT coalesce(max(token), 0) FROM outbox) FROM outbox WHERE class = ?",
                  on_totals, ret_totals, "i", (int64_t) class);
}

struct accounts {
    int (*fn)(const char *account, int64_t n, int64_t bytes, void *userdata);
    void *userdata;
};

static int on_account(const struct db_row *row, void *userdata)
{
    const struct accounts *a = userdata;

    return a->fn(db_row_text(row, 0), db_row_i64(row, 1), db_row_i64(row, 2), a->userdata);
}

int outbox_get_accounts(struct db *db,
                        int (*fn)(const char *account, int64_t n, int64_t bytes, void *userdata),
                        void *userdata)
{
    struct accounts a = {fn, userdata};

    return db_run(db,
                  "SELECT account, count(*), sum(bytes) FROM outbox WHERE account != ''"
                  " GROUP BY account",
                  on_account, &a, "");
}

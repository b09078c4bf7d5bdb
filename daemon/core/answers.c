/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/answers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/answers_file.h"
#include "daemon/store/facts.h"
#include "daemon/sys/clock.h"

LOG_AREA("store");

/* As the database tells the kinds apart; an action has at least "{}". */
static const char *stored_response(const struct answer *a)
{
    switch (a->kind) {
    case ANSWER_ACTION:
        return a->response ? a->response : "{}";
    case ANSWER_FENCE:
        return "";
    case ANSWER_CONTROL:
        break;
    }
    return NULL;
}

static enum answer_kind stored_kind(const char *response)
{
    return !response ? ANSWER_CONTROL : response[0] ? ANSWER_ACTION : ANSWER_FENCE;
}

static int save(struct db *db, void *userdata)
{
    struct answers *as = userdata;

    for (unsigned i = 0; i < LIMIT_REMEMBERED_ANSWERS; i++) {
        struct answer *a = &as->ring[i];
        const struct fact_answer fact = {
            .slot = i,
            .taken = (int64_t) a->taken,
            .token = a->token,
            .content = (int64_t) a->content,
            .state = (int) a->state,
            .code = a->code,
            .text = a->text,
            .response = stored_response(a),
        };
        int r;

        if (!a->unsaved)
            continue;
        r = facts_put_answer(db, &fact);
        if (r < 0)
            return r;
        a->saving = true;
    }
    return 0;
}

static void saved(int result, void *userdata)
{
    struct answers *as = userdata;

    for (unsigned i = 0; i < LIMIT_REMEMBERED_ANSWERS; i++) {
        struct answer *a = &as->ring[i];

        if (a->saving && result == 0) {
            a->unsaved = false;
            if (a->kind == ANSWER_CONTROL) /* the properties went with it */
                free(TAKE(a->response));
        }
        a->saving = false;
    }
}

static struct list *bucket_of(struct answers *as, const char *token)
{
    uint32_t h = 0x811c9dc5U; /* FNV-1a */

    for (; *token; token++)
        h = (h ^ (unsigned char) *token) * 0x01000193U;
    return &as->buckets[h % ANSWERS_BUCKETS];
}

/* Puts content in the place of what was there, and takes its response. */
static void set(struct answers *as, struct answer *a, struct answer content)
{
    content.order = a->order;
    content.unsent = a->unsent;
    list_remove(&a->bucket);
    free(a->response);
    *a = content;
    list_append(bucket_of(as, a->token), &a->bucket);
    if (a->taken > as->n_taken)
        as->n_taken = a->taken;
}

static int on_row(const struct fact_answer *fact, void *userdata)
{
    struct answers *as = userdata;
    struct answer a = {
        .state = (enum answer_state) fact->state,
        .taken = (uint64_t) fact->taken,
        .content = (uint64_t) fact->content,
        .kind = stored_kind(fact->response),
        .code = fact->code,
    };

    if (fact->slot < 0 || fact->slot >= LIMIT_REMEMBERED_ANSWERS || fact->state <= ANSWER_FREE ||
        fact->state > ANSWER_ARRIVED)
        return 0; /* of a release with another ring */
    (void) snprintf(a.token, sizeof(a.token), "%s", fact->token);
    (void) snprintf(a.text, sizeof(a.text), "%s", fact->text);
    if (a.kind == ANSWER_ACTION)
        a.response = strdup(fact->response); /* without memory: answered without it */
    set(as, &as->ring[fact->slot], a);
    return 0;
}

/* What the database does not have yet. */
static void take_newer(struct answers *as, unsigned slot, struct answer *newer)
{
    struct answer *a = &as->ring[slot];

    if (newer->taken < a->taken || (newer->taken == a->taken && newer->state <= a->state)) {
        free(newer->response);
        return;
    }
    if (newer->taken == a->taken && newer->kind == ANSWER_CONTROL)
        free(TAKE(newer->response)); /* it has the values */
    newer->unsaved = true;
    set(as, a, *newer);
}

/* After a power failure a slot may be older than others: of one token the latest counts. */
static void drop_older(struct answers *as, const struct answer *latest)
{
    LIST_FOR_EACH_SAFE (n, bucket_of(as, latest->token)) {
        struct answer *a = LIST_ENTRY(n, struct answer, bucket);

        if (a->taken < latest->taken && strcmp(a->token, latest->token) == 0)
            set(as, a, (struct answer){.state = ANSWER_FREE});
    }
}

static int compare(const void *a, const void *b)
{
    const struct answer *x = *(struct answer *const *) a, *y = *(struct answer *const *) b;

    return (x->taken > y->taken) - (x->taken < y->taken);
}

/* Free ones were never taken, so before all others. */
static void make_lists(struct answers *as)
{
    struct answer *sorted[LIMIT_REMEMBERED_ANSWERS];

    for (unsigned i = 0; i < LIMIT_REMEMBERED_ANSWERS; i++)
        sorted[i] = &as->ring[i];
    qsort(sorted, LIMIT_REMEMBERED_ANSWERS, sizeof(struct answer *), compare);
    for (unsigned i = 0; i < LIMIT_REMEMBERED_ANSWERS; i++) {
        list_append(&as->order, &sorted[i]->order);
        if (sorted[i]->state == ANSWER_GIVEN)
            list_append(&as->unsent, &sorted[i]->unsent);
    }
}

static int restore_values(struct db *db, const struct answer *a)
{
    CLEANUP(freep) char *lines = strdup(a->response);
    char *next = lines, *line;
    int r = lines ? 0 : -ENOMEM;

    while (r == 0 && (line = strsep(&next, "\n"))) {
        struct fact_property p = {.id = line, .stamp_us = (int64_t) a->stamp_us};
        char *value = strchr(line, '=');

        if (!value)
            continue; /* behind the last line */
        *value = '\0';
        p.value = value + 1;
        r = facts_put_property(db, &p);
    }
    return r;
}

static int restore_all(struct answers *as)
{
    LIST_FOR_EACH (n, &as->order) {
        const struct answer *a = LIST_ENTRY(n, struct answer, order);
        int r = a->unsaved && a->kind == ANSWER_CONTROL && a->response
                    ? restore_values(as->persist->db, a)
                    : 0;

        if (r < 0)
            return r;
    }
    return save(as->persist->db, as);
}

/* The values of controls that the database does not have, in their order, and these with them. */
static void restore(struct answers *as)
{
    struct db *db = as->persist->db;
    int r = db_begin(db, false);

    if (r == 0)
        r = restore_all(as);
    if (r == 0)
        r = db_commit(db);
    if (r < 0) {
        db_rollback(db);
        log_err("values set by controls before the restart are not known error=\"%s\"",
                strerror(-r));
    }
    saved(r, as);
}

static void load_file(struct answers *as)
{
    int r = answers_file_open(&as->file, as->persist->db);

    if (r < 0 && r != -ENOENT)
        log_warn("cannot use the file of answers error=\"%s\"; they go into the database alone",
                 strerror(-r));
    for (unsigned i = 0; r == 0 && i < LIMIT_REMEMBERED_ANSWERS; i++) {
        struct answer a;

        if (answers_file_get(as->file, i, &a) == 0)
            take_newer(as, i, &a);
    }
    for (unsigned i = 0; i < LIMIT_REMEMBERED_ANSWERS; i++) {
        if (as->ring[i].state != ANSWER_FREE)
            drop_older(as, &as->ring[i]);
    }
}

int answers_init(struct answers *as, struct persist *persist)
{
    int r;

    memset(as, 0, sizeof(*as));
    as->persist = persist;
    list_init(&as->order);
    list_init(&as->unsent);
    for (unsigned i = 0; i < ANSWERS_BUCKETS; i++)
        list_init(&as->buckets[i]);
    for (unsigned i = 0; i < LIMIT_REMEMBERED_ANSWERS; i++) {
        list_init(&as->ring[i].order);
        list_init(&as->ring[i].unsent);
        list_init(&as->ring[i].bucket);
    }
    log_limit_init(&as->log_limit);
    as->part = (struct persist_part){.save = save, .saved = saved, .userdata = as};
    persist_add(persist, &as->part);
    r = facts_load_answers(persist->db, on_row, as);
    if (r == 0)
        load_file(as);
    make_lists(as);
    if (r == 0)
        restore(as);
    return r;
}

void answers_done(struct answers *as)
{
    slots_free(as->file);
    for (unsigned i = 0; i < LIMIT_REMEMBERED_ANSWERS; i++)
        free(as->ring[i].response);
    memset(as, 0, sizeof(*as));
}

static struct answer *find_token(struct answers *as, const char *token)
{
    LIST_FOR_EACH (n, bucket_of(as, token)) {
        struct answer *a = LIST_ENTRY(n, struct answer, bucket);

        if (a->state != ANSWER_FREE && strcmp(a->token, token) == 0)
            return a;
    }
    return NULL;
}

const struct answer *answers_find(struct answers *as, const char *token, uint64_t content)
{
    const struct answer *a = find_token(as, token);

    return a && a->content == content ? a : NULL;
}

/* Into its slot of the file; false: only a transaction can keep it. */
static bool put(struct answers *as, struct answer *a)
{
    int r = as->file ? answers_file_put(as->file, (unsigned) (a - as->ring), a) : -ENOENT;

    a->unsaved = true;
    if (r < 0 && r != -ENOENT && r != -EMSGSIZE)
        log_warn_limited(&as->log_limit, "cannot write the file of answers error=\"%s\"",
                         strerror(-r));
    return r == 0;
}

static void keep(struct answers *as, struct answer *a)
{
    if (!put(as, a))
        (void) !persist_now(as->persist, false); /* told there; then a restart does not know it */
}

/* The slot of this token, or the oldest that nobody works on. */
static struct answer *take_slot(struct answers *as, const char *token)
{
    struct answer *a = find_token(as, token), next = {0};

    LIST_FOR_EACH (n, &as->order) {
        if (a)
            break;
        a = LIST_ENTRY(n, struct answer, order);
        if (a->state == ANSWER_PENDING)
            a = NULL;
    }
    if (!a)
        return NULL; /* cannot be: LIMIT_PENDING_CALLS is smaller */
    if (a->kind == ANSWER_CONTROL && a->response)
        (void) !persist_now(as->persist, false); /* what it set is in no other place; told there */
    next.taken = as->n_taken + 1;
    list_remove(&a->order);
    list_remove(&a->unsent);
    (void) snprintf(next.token, sizeof(next.token), "%s", token);
    set(as, a, next);
    list_append(&as->order, &a->order);
    return a;
}

void answers_begin(struct answers *as, const char *token, uint64_t content, enum answer_kind kind)
{
    struct answer *a = token[0] ? take_slot(as, token) : NULL;

    if (!a)
        return;
    a->state = ANSWER_PENDING;
    a->content = content;
    a->kind = kind;
    keep(as, a); /* the acknowledgement of the message follows when we return */
}

bool answers_give(struct answers *as, const char *token, uint64_t content, enum answer_kind kind,
                  int code, const char *text, const char *response)
{
    char *copy = response ? strdup(response) : NULL;
    struct answer *a = token[0] && (copy || !response) ? take_slot(as, token) : NULL;

    if (!a) {
        free(copy);
        return false;
    }
    a->state = ANSWER_GIVEN;
    a->content = content;
    a->kind = kind;
    a->code = code;
    a->response = copy;
    a->stamp_us = clock_real_us();
    (void) snprintf(a->text, sizeof(a->text), "%s", text);
    list_append(&as->unsent, &a->unsent);
    keep(as, a);
    return true;
}

struct answer *answers_next_unsent(struct answers *as)
{
    return list_is_empty(&as->unsent) ? NULL : LIST_ENTRY(as->unsent.next, struct answer, unsent);
}

void answers_sending(struct answer *a)
{
    list_remove(&a->unsent);
}

void answers_arrived(struct answers *as, uint64_t taken)
{
    struct answer *a = NULL;

    /* One of the latest, as a rule. */
    for (struct list *n = as->order.prev; n != &as->order; n = n->prev) {
        a = LIST_ENTRY(n, struct answer, order);
        if (a->taken <= taken)
            break;
    }
    if (!a || a->taken != taken || a->state != ANSWER_GIVEN)
        return; /* its slot was given away */
    a->state = ANSWER_ARRIVED;
    list_remove(&a->unsent);
    if (!put(as, a))
        persist_request(as->persist, false);
}

const struct answer *answers_next_pending(const struct answers *as)
{
    for (unsigned i = 0; i < LIMIT_REMEMBERED_ANSWERS; i++) {
        if (as->ring[i].state == ANSWER_PENDING)
            return &as->ring[i];
    }
    return NULL;
}

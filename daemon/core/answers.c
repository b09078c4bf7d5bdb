/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/facts.h"

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
        if (as->ring[i].saving && result == 0)
            as->ring[i].unsaved = false;
        as->ring[i].saving = false;
    }
}

static int on_row(const struct fact_answer *fact, void *userdata)
{
    struct answers *as = userdata;
    struct answer *a;

    if (fact->slot < 0 || fact->slot >= LIMIT_REMEMBERED_ANSWERS || fact->state <= ANSWER_FREE ||
        fact->state > ANSWER_ARRIVED)
        return 0; /* of a release with another ring */
    a = &as->ring[fact->slot];
    a->state = (enum answer_state) fact->state;
    a->taken = (uint64_t) fact->taken;
    if (a->taken > as->n_taken)
        as->n_taken = a->taken;
    a->content = (uint64_t) fact->content;
    a->code = fact->code;
    a->kind = stored_kind(fact->response);
    (void) snprintf(a->token, sizeof(a->token), "%s", fact->token);
    (void) snprintf(a->text, sizeof(a->text), "%s", fact->text);
    if (a->kind == ANSWER_ACTION)
        a->response = strdup(fact->response); /* without memory: answered without it */
    return 0;
}

int answers_init(struct answers *as, struct persist *persist)
{
    memset(as, 0, sizeof(*as));
    as->persist = persist;
    as->part = (struct persist_part){.save = save, .saved = saved, .userdata = as};
    persist_add(persist, &as->part);
    return facts_load_answers(persist->db, on_row, as);
}

void answers_done(struct answers *as)
{
    for (unsigned i = 0; i < LIMIT_REMEMBERED_ANSWERS; i++)
        free(as->ring[i].response);
    memset(as, 0, sizeof(*as));
}

static int find_token(const struct answers *as, const char *token)
{
    for (int i = 0; i < LIMIT_REMEMBERED_ANSWERS; i++) {
        if (as->ring[i].state != ANSWER_FREE && strcmp(as->ring[i].token, token) == 0)
            return i;
    }
    return -1;
}

const struct answer *answers_find(const struct answers *as, const char *token, uint64_t content)
{
    int i = find_token(as, token);

    return i >= 0 && as->ring[i].content == content ? &as->ring[i] : NULL;
}

/* The slot of this token, or the oldest that nobody works on. */
static struct answer *take_slot(struct answers *as, const char *token)
{
    int i = find_token(as, token);
    struct answer *a = i >= 0 ? &as->ring[i] : NULL;

    for (unsigned n = 0; i < 0 && n < LIMIT_REMEMBERED_ANSWERS; n++) {
        struct answer *other = &as->ring[n];

        if (other->state != ANSWER_PENDING && (!a || other->taken < a->taken))
            a = other; /* a free one was taken never, so before all others */
    }
    if (!a)
        return NULL; /* cannot be: LIMIT_PENDING_CALLS is smaller */
    free(a->response);
    *a = (struct answer){.unsaved = true, .taken = ++as->n_taken};
    (void) snprintf(a->token, sizeof(a->token), "%s", token);
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
    /* The acknowledgement of the message follows when we return. */
    (void) !persist_now(as->persist, false); /* told there; then a restart executes it again */
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
    (void) snprintf(a->text, sizeof(a->text), "%s", text);
    (void) !persist_now(as->persist, false); /* told there; then a restart answers otherwise */
    return true;
}

struct answer *answers_next_unsent(struct answers *as)
{
    struct answer *oldest = NULL;

    for (unsigned i = 0; i < LIMIT_REMEMBERED_ANSWERS; i++) {
        struct answer *a = &as->ring[i];

        if (a->state == ANSWER_GIVEN && !a->sending && (!oldest || a->taken < oldest->taken))
            oldest = a;
    }
    return oldest;
}

void answers_arrived(struct answers *as, uint64_t taken)
{
    for (unsigned i = 0; i < LIMIT_REMEMBERED_ANSWERS; i++) {
        struct answer *a = &as->ring[i];

        if (a->state != ANSWER_GIVEN || a->taken != taken)
            continue;
        a->state = ANSWER_ARRIVED;
        a->sending = false;
        a->unsaved = true;
        persist_request(as->persist, false);
    }
}

const struct answer *answers_next_pending(const struct answers *as)
{
    for (unsigned i = 0; i < LIMIT_REMEMBERED_ANSWERS; i++) {
        if (as->ring[i].state == ANSWER_PENDING)
            return &as->ring[i];
    }
    return NULL;
}

uint64_t answers_fingerprint(const char *method, const char *text)
{
    const char *const parts[] = {method, text};
    uint64_t h = 0xcbf29ce484222325ULL;

    for (unsigned i = 0; i < 2; i++) {
        for (const char *p = parts[i]; *p; p++)
            h = (h ^ (unsigned char) *p) * 0x100000001b3ULL;
        h = (h ^ 0xff) * 0x100000001b3ULL;
    }
    return h;
}

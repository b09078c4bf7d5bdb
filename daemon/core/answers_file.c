/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/answers_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/facts.h"
#include "daemon/sys/rand.h"
#include "libiotclient/base/num.h"

#define SUFFIX "answers"
#define FACT "answers_file" /* the id of the file */

/* The texts follow: token, text, response, without their ends. */
struct record {
    uint64_t taken;
    uint64_t content;
    uint64_t stamp_us;
    int32_t code;
    uint16_t state, kind;
    uint16_t token_len, text_len, response_len;
    uint16_t has_response;
};

_Static_assert(sizeof(struct record) == 40, "no holes");
_Static_assert(sizeof(struct record) + LIMIT_CLIENT_TOKEN + LIMIT_STATUS_TEXT < SLOTS_RECORD,
               "each command fits before it is answered, and each answer to a control");

static int new_id(struct db *db, uint64_t *ret_id)
{
    uint64_t id = rand_u64();
    char text[24];
    int r = db_begin(db, true);

    if (r < 0)
        return r;
    (void) snprintf(text, sizeof(text), "%" PRIu64, id);
    r = facts_put(db, FACT, text);
    if (r == 0)
        r = db_commit(db);
    if (r < 0) {
        db_rollback(db);
        return r;
    }
    *ret_id = id;
    return 0;
}

int answers_file_open(struct slots **ret_slots, struct db *db)
{
    CLEANUP(freep) char *text = NULL;
    uint64_t id = 0;
    int r;

    if (!db_path(db)[0])
        return -ENOENT;
    r = facts_get(db, FACT, &text);
    if (r == 0 && num_parse_u64(text, &id) < 0)
        r = new_id(db, &id);
    return r < 0 ? r : slots_open(ret_slots, db, SUFFIX, LIMIT_REMEMBERED_ANSWERS, id);
}

static uint8_t *add(uint8_t *at, const char *text, size_t len)
{
    memcpy(at, text, len);
    return at + len;
}

int answers_file_put(struct slots *s, unsigned slot, const struct answer *a)
{
    const size_t response_len = a->response ? strlen(a->response) : 0;
    const struct record rec = {
        .taken = a->taken,
        .content = a->content,
        .stamp_us = a->stamp_us,
        .code = a->code,
        .state = (uint16_t) a->state,
        .kind = (uint16_t) a->kind,
        .token_len = (uint16_t) strlen(a->token),
        .text_len = (uint16_t) strlen(a->text),
        .response_len = (uint16_t) response_len,
        .has_response = a->response != NULL,
    };
    uint8_t buf[SLOTS_RECORD], *at = buf + sizeof(rec);

    if (sizeof(rec) + rec.token_len + rec.text_len + response_len > sizeof(buf))
        return -EMSGSIZE;
    memcpy(buf, &rec, sizeof(rec));
    at = add(at, a->token, rec.token_len);
    at = add(at, a->text, rec.text_len);
    if (a->response)
        at = add(at, a->response, response_len);
    return slots_put(s, slot, buf, (size_t) (at - buf));
}

static bool is_sane(const struct record *rec, size_t len)
{
    return rec->token_len <= LIMIT_CLIENT_TOKEN && rec->text_len <= LIMIT_STATUS_TEXT &&
           len == sizeof(*rec) + rec->token_len + rec->text_len + rec->response_len &&
           rec->state > ANSWER_FREE && rec->state <= ANSWER_ARRIVED && rec->kind <= ANSWER_FENCE;
}

int answers_file_get(struct slots *s, unsigned slot, struct answer *ret_answer)
{
    uint8_t buf[SLOTS_RECORD];
    const char *texts = (const char *) buf + sizeof(struct record);
    struct answer a = {.state = ANSWER_FREE};
    struct record rec;
    size_t len = 0;
    int r = slots_get(s, slot, buf, &len);

    if (r < 0)
        return r;
    if (len < sizeof(rec))
        return -ENODATA;
    memcpy(&rec, buf, sizeof(rec));
    if (!is_sane(&rec, len))
        return -ENODATA;
    a.state = (enum answer_state) rec.state;
    a.kind = (enum answer_kind) rec.kind;
    a.taken = rec.taken;
    a.content = rec.content;
    a.stamp_us = rec.stamp_us;
    a.code = rec.code;
    memcpy(a.token, texts, rec.token_len);
    memcpy(a.text, texts + rec.token_len, rec.text_len);
    if (rec.has_response) {
        a.response = strndup(texts + rec.token_len + rec.text_len, rec.response_len);
        if (!a.response)
            return -ENOMEM;
    }
    *ret_answer = a;
    return 0;
}

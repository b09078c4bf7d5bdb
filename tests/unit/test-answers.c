/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/answers.h"
#include "tests/lib/memory-db.h"
#include "tests/lib/suite.h"

static struct answers as; /* too large for a stack frame */
static struct memory_persist mp;

static void begin(void)
{
    memory_persist_init(&mp);
    CHECK_INT(answers_init(&as, &mp.persist), 0);
}

static void end(void)
{
    answers_done(&as);
    memory_persist_done(&mp);
}

/* The daemon ends without a word and starts again. */
static void restart(void)
{
    answers_done(&as);
    persist_done(&mp.persist);
    persist_init(&mp.persist, &mp.fl.loop, mp.db);
    CHECK_INT(answers_init(&as, &mp.persist), 0);
}

static void test_restart(void)
{
    const struct answer *a;

    begin();
    answers_begin(&as, "hangs", 3, ANSWER_ACTION); /* on disk at once */
    CHECK(answers_next_pending(&as) != NULL);
    restart();
    a = answers_next_pending(&as);
    CHECK(a && a->kind == ANSWER_ACTION && a->content == 3);
    if (a)
        CHECK_STR(a->token, "hangs");
    answers_give(&as, "hangs", 3, ANSWER_ACTION, 503, "restarted", "{}");
    answers_give(&as, "done", 4, ANSWER_CONTROL, 0, "ok", NULL);
    answers_give(&as, "fence", 5, ANSWER_FENCE, 0, "ok", NULL);
    fake_loop_advance(&mp.fl, 0); /* the end of the turn */
    restart();
    CHECK(!answers_next_pending(&as));
    a = answers_find(&as, "fence", 5);
    CHECK(a && a->kind == ANSWER_FENCE && !a->response);
    a = answers_find(&as, "hangs", 3);
    CHECK(a && a->code == 503 && a->kind == ANSWER_ACTION);
    if (a)
        CHECK_STR(a->response, "{}");
    a = answers_find(&as, "done", 4);
    CHECK(a && a->code == 0 && a->kind == ANSWER_CONTROL && !a->response);
    if (a)
        CHECK_STR(a->text, "ok");
    end();
}

/* Until the cloud has it, an answer is there to be sent, oldest first. */
static void test_arrived(void)
{
    uint64_t taken[3];
    struct answer *a;

    begin();
    CHECK(!answers_next_unsent(&as));
    CHECK(answers_give(&as, "one", 1, ANSWER_CONTROL, 0, "", NULL)); /* on disk at once */
    CHECK(answers_give(&as, "two", 2, ANSWER_ACTION, 0, "", "{}"));
    CHECK(answers_give(&as, "three", 3, ANSWER_CONTROL, 406, "range", NULL));
    CHECK(!answers_give(&as, "", 4, ANSWER_CONTROL, 0, "", NULL));
    for (int i = 0; i < 3; i++) {
        static const char *const tokens[] = {"one", "two", "three"};

        a = answers_next_unsent(&as);
        CHECK(a != NULL);
        if (!a)
            break;
        CHECK_STR(a->token, tokens[i]);
        taken[i] = a->taken;
        answers_sending(a);
    }
    CHECK(!answers_next_unsent(&as));
    answers_arrived(&as, taken[0]);
    answers_arrived(&as, taken[2]);
    answers_arrived(&as, 12345); /* of a slot that was given away */
    fake_loop_advance(&mp.fl, 0);
    restart();
    a = answers_next_unsent(&as);
    CHECK(a && a->taken == taken[1] && a->kind == ANSWER_ACTION);
    if (a)
        answers_sending(a);
    CHECK(!answers_next_unsent(&as));
    CHECK(answers_find(&as, "one", 1) && answers_find(&as, "three", 3)); /* still remembered */
    end();
}

static void test_find(void)
{
    const struct answer *a;

    begin();
    CHECK(!answers_find(&as, "t", 1));
    CHECK(!answers_find(&as, "", 0));
    answers_give(&as, "t", 1, ANSWER_CONTROL, 406, "range", NULL);
    answers_give(&as, "u", 1, ANSWER_ACTION, 0, "", "{\"a\":1}");
    a = answers_find(&as, "t", 1);
    CHECK(a && a->code == 406 && !a->response);
    if (a)
        CHECK_STR(a->text, "range");
    a = answers_find(&as, "u", 1);
    CHECK(a && a->code == 0);
    if (a)
        CHECK_STR(a->response, "{\"a\":1}");
    CHECK(!answers_find(&as, "t", 2)); /* same token, other content: another command */
    CHECK(!answers_find(&as, "T", 1));
    answers_give(&as, "", 7, ANSWER_CONTROL, 0, "",
                 NULL); /* without a token there is nothing to find again */
    CHECK(!answers_find(&as, "", 7));
    end();
}

/* The newest content of a token only, in its old place. */
static void test_same_token(void)
{
    const struct answer *a;

    begin();
    for (unsigned i = 0; i < 1000; i++)
        answers_give(&as, "0", i, ANSWER_ACTION, (int) i, "", "{}");
    CHECK(!answers_find(&as, "0", 998));
    a = answers_find(&as, "0", 999);
    CHECK(a && a->code == 999);
    CHECK(as.ring[1].state == ANSWER_FREE);
    end();
}

static void test_ring(void)
{
    char token[16];

    begin();
    for (unsigned i = 0; i < LIMIT_REMEMBERED_ANSWERS + 10; i++) {
        (void) snprintf(token, sizeof(token), "t%u", i);
        answers_give(&as, token, i, i % 2, 0, "", i % 2 ? "{}" : NULL);
    }
    for (unsigned i = 0; i < LIMIT_REMEMBERED_ANSWERS + 10; i++) {
        (void) snprintf(token, sizeof(token), "t%u", i);
        CHECK_INT(answers_find(&as, token, i) != NULL, i >= 10);
    }
    end();
}

static void test_long(void)
{
    char token[LIMIT_CLIENT_TOKEN + 1], text[LIMIT_STATUS_TEXT + 30];
    const struct answer *a;

    memset(token, 't', sizeof(token));
    token[LIMIT_CLIENT_TOKEN] = '\0';
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    begin();
    answers_give(&as, token, 1, ANSWER_CONTROL, 0, text, NULL);
    a = answers_find(&as, token, 1);
    CHECK(a && strlen(a->text) == LIMIT_STATUS_TEXT);
    end();
}

const char *const suite_name = "answers";
const struct suite_test suite_tests[] = {
    {"find", test_find}, {"same_token", test_same_token}, {"ring", test_ring},
    {"long", test_long}, {"restart", test_restart},       {"arrived", test_arrived},
    {NULL, NULL},
};

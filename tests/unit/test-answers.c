/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/answers.h"
#include "tests/lib/suite.h"

static struct answers as; /* too large for a stack frame */

static void test_find(void)
{
    const struct answer *a;

    answers_init(&as);
    CHECK(!answers_find(&as, "t", 1));
    CHECK(!answers_find(&as, "", 0));
    answers_add(&as, "t", 1, 406, "range", NULL);
    answers_add(&as, "u", 1, 0, "", "{\"a\":1}");
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
    answers_add(&as, "", 7, 0, "", NULL); /* without a token there is nothing to find again */
    CHECK(!answers_find(&as, "", 7));
    answers_done(&as);
}

/* The newest content of a token only, in its old place. */
static void test_same_token(void)
{
    const struct answer *a;

    answers_init(&as);
    for (unsigned i = 0; i < 1000; i++)
        answers_add(&as, "0", i, (int) i, "", "{}");
    CHECK(!answers_find(&as, "0", 998));
    a = answers_find(&as, "0", 999);
    CHECK(a && a->code == 999);
    CHECK_INT(as.next, 1);
    answers_done(&as);
}

static void test_ring(void)
{
    char token[16];

    answers_init(&as);
    for (unsigned i = 0; i < LIMIT_REMEMBERED_ANSWERS + 10; i++) {
        (void) snprintf(token, sizeof(token), "t%u", i);
        answers_add(&as, token, i, 0, "", i % 2 ? "{}" : NULL);
    }
    for (unsigned i = 0; i < LIMIT_REMEMBERED_ANSWERS + 10; i++) {
        (void) snprintf(token, sizeof(token), "t%u", i);
        CHECK_INT(answers_find(&as, token, i) != NULL, i >= 10);
    }
    answers_done(&as);
    CHECK(!answers_find(&as, "t20", 20));
}

static void test_long(void)
{
    char token[LIMIT_CLIENT_TOKEN + 1], text[LIMIT_STATUS_TEXT + 30];
    const struct answer *a;

    memset(token, 't', sizeof(token));
    token[LIMIT_CLIENT_TOKEN] = '\0';
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    answers_init(&as);
    answers_add(&as, token, 1, 0, text, NULL);
    a = answers_find(&as, token, 1);
    CHECK(a && strlen(a->text) == LIMIT_STATUS_TEXT);
    answers_done(&as);
}

/* FNV-1a: the two parts are told apart, and the same text gives the same number. */
static void test_fingerprint(void)
{
    static const char *const parts[][2] = {
        {"", ""},
        {"a", ""},
        {"", "a"},
        {"a", "b"},
        {"b", "a"},
        {"ab", ""},
        {"", "ab"},
        {"control", "{\"a\":1}"},
        {"control", "{\"a\":2}"},
    };
    const size_t n = sizeof(parts) / sizeof(parts[0]);

    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n; k++)
            CHECK_INT(answers_fingerprint(parts[i][0], parts[i][1]) ==
                          answers_fingerprint(parts[k][0], parts[k][1]),
                      i == k);
    }
}

const char *const suite_name = "answers";
const struct suite_test suite_tests[] = {
    {"find", test_find}, {"same_token", test_same_token},   {"ring", test_ring},
    {"long", test_long}, {"fingerprint", test_fingerprint}, {NULL, NULL},
};

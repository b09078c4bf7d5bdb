/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cloud/requests.h"
#include "tests/lib/fake-loop.h"
#include "tests/lib/suite.h"

#define S USEC_PER_SEC

struct asked {
    struct request request;
    unsigned n;
    int code;
    char text[64];
    struct requests *again; /* asks once more from inside */
};

static void on_end(int code, const char *text, void *userdata)
{
    struct asked *a = userdata;

    a->n++;
    a->code = code;
    strncpy(a->text, text, sizeof(a->text) - 1);
    CHECK(!request_is_pending(&a->request));
    if (a->again) {
        struct requests *rs = TAKE(a->again);

        request_start(rs, &a->request, "again", S, on_end, a);
    }
}

static void test_answer(void)
{
    struct asked a = {0}, b = {0};
    struct fake_loop fl;
    struct requests rs;

    fake_loop_init(&fl);
    requests_init(&rs, &fl.loop);
    CHECK(!request_is_pending(&a.request));
    request_cancel(&a.request); /* harmless when idle */
    request_arm(&a.request, S);
    request_start(&rs, &a.request, "one", 5 * S, on_end, &a);
    request_start(&rs, &b.request, "two", 5 * S, on_end, &b);
    CHECK(request_is_pending(&a.request) && rs.n_pending == 2);
    CHECK(!requests_answer(&rs, "on", 0, ""));
    CHECK(!requests_answer(&rs, "", 0, ""));
    CHECK(requests_answer(&rs, "two", 406, "range"));
    CHECK(b.n == 1 && b.code == 406 && a.n == 0 && rs.n_pending == 1);
    CHECK_STR(b.text, "range");
    CHECK(!requests_answer(&rs, "two", 0, "")); /* once */
    fake_loop_advance(&fl, 5 * S);
    CHECK(a.n == 1 && a.code == -ETIMEDOUT && rs.n_pending == 0);
    CHECK(b.n == 1);
    CHECK(!requests_answer(&rs, "one", 0, ""));
    fake_loop_done(&fl);
}

static void test_deadlines(void)
{
    struct asked a = {0};
    struct fake_loop fl;
    struct requests rs;

    fake_loop_init(&fl);
    requests_init(&rs, &fl.loop);
    request_start(&rs, &a.request, "t", 0, on_end, &a);
    fake_loop_advance(&fl, 1000 * S);
    CHECK(a.n == 0 && request_is_pending(&a.request)); /* without a deadline */
    request_arm(&a.request, 2 * S);
    fake_loop_advance(&fl, 2 * S - 1);
    CHECK_INT(a.n, 0);
    request_arm(&a.request, 2 * S); /* longer */
    fake_loop_advance(&fl, 2 * S - 1);
    CHECK_INT(a.n, 0);
    fake_loop_advance(&fl, 1);
    CHECK(a.n == 1 && a.code == -ETIMEDOUT);
    CHECK_STR(a.text, "no reply from the cloud in time");
    fake_loop_done(&fl);
}

static void test_cancel(void)
{
    struct asked a = {0};
    struct fake_loop fl;
    struct requests rs;

    fake_loop_init(&fl);
    requests_init(&rs, &fl.loop);
    request_start(&rs, &a.request, "t", S, on_end, &a);
    request_cancel(&a.request);
    request_cancel(&a.request);
    CHECK(rs.n_pending == 0 && !request_is_pending(&a.request));
    CHECK(!requests_answer(&rs, "t", 0, ""));
    fake_loop_advance(&fl, 10 * S);
    CHECK_INT(a.n, 0);

    request_start(&rs, &a.request, "t", S, on_end, &a);
    request_start(&rs, &a.request, "u", S, on_end, &a); /* the later one counts */
    CHECK_INT(rs.n_pending, 1);
    CHECK(!requests_answer(&rs, "t", 0, ""));
    CHECK(requests_answer(&rs, "u", 0, ""));
    CHECK_INT(a.n, 1);
    fake_loop_done(&fl);
}

/* The end of one is the place to ask again. */
static void test_again(void)
{
    struct fake_loop fl;
    struct requests rs;
    struct asked a = {.again = &rs};

    fake_loop_init(&fl);
    requests_init(&rs, &fl.loop);
    request_start(&rs, &a.request, "t", S, on_end, &a);
    CHECK(requests_answer(&rs, "t", 0, ""));
    CHECK(a.n == 1 && rs.n_pending == 1);
    a.again = &rs;
    CHECK(requests_answer(&rs, "again", 0, ""));
    fake_loop_advance(&fl, S);
    CHECK(a.n == 3 && a.code == -ETIMEDOUT && rs.n_pending == 0);
    fake_loop_done(&fl);
}

const char *const suite_name = "requests";
const struct suite_test suite_tests[] = {
    {"answer", test_answer},
    {"deadlines", test_deadlines},
    {"cancel", test_cancel},
    {"again", test_again},
    {NULL, NULL},
};

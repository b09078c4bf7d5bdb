/* SPDX-License-Identifier: GPL-2.0-or-later */
/* client → iotd: Call.GetTicket, Activate, GetState; each function runs once, whatever happens. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/suite.h"
#include "tests/lib/world.h"

static struct {
    unsigned n;
    int result, code;
    char text[64];
    int64_t expire_s;
} got;

static void keep(int result, int code, const char *text, int64_t expire_s)
{
    got.n++;
    got.result = result;
    got.code = code;
    got.expire_s = expire_s;
    (void) snprintf(got.text, sizeof(got.text), "%s", text ? text : "(null)");
}

static void on_ticket(iotc_client *client, int result, const char *ticket, void *userdata)
{
    (void) client;
    (void) userdata;
    keep(result, 0, ticket, 0);
}

static void on_activated(iotc_client *client, int result, int code, const char *text,
                         void *userdata)
{
    (void) client;
    (void) userdata;
    keep(result, code, text, 0);
}

static void on_state(iotc_client *client, int result, const char *sn, int64_t expire_s,
                     void *userdata)
{
    (void) client;
    (void) userdata;
    keep(result, 0, sn, expire_s);
}

static bool is_one(void *userdata)
{
    (void) userdata;
    return got.n == 1;
}

static bool is_held(void *userdata)
{
    return ((struct world *) userdata)->fake->held_call;
}

static void begin(struct world *w)
{
    memset(&got, 0, sizeof(got));
    world_init_attached(w);
}

static int ticket(struct world *w)
{
    got.n = 0;
    return iotc_twecall_get_ticket(w->client, "m1", "wx1", on_ticket, w);
}

static void test_answers(void)
{
    struct world w;

    begin(&w);
    CHECK_INT(ticket(&w), 0);
    CHECK_INT(got.n, 0);
    WORLD_UNTIL(&w, is_one);
    CHECK_INT(got.result, 0);
    CHECK_STR(got.text, "ticket of m1 wx1");

    got.n = 0;
    w.fake->call_code = 7;
    CHECK_INT(iotc_twecall_activate(w.client, "m1", "wx1", IOTC_TWECALL_INTERCOM, on_activated, &w),
              0);
    WORLD_UNTIL(&w, is_one);
    CHECK(got.result == 0 && got.code == 7);
    CHECK_STR(got.text, "package 4");

    got.n = 0;
    CHECK_INT(iotc_twecall_get_state(w.client, "m1", "wx1", on_state, &w), 0);
    WORLD_UNTIL(&w, is_one);
    CHECK(got.result == 0 && got.expire_s == 1730425600);
    CHECK_STR(got.text, "sn of m1 wx1");
    world_fini(&w);
}

static void test_errors(void)
{
    static const int errors[] = {-ECONNREFUSED, -ENETDOWN, -ETIMEDOUT, -EACCES,
                                 -EAGAIN,       -ENOBUFS,  -EPROTO};
    struct world w;

    begin(&w);
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        w.fake->call_error = errors[i];
        CHECK_INT(ticket(&w), 0);
        WORLD_UNTIL(&w, is_one);
        CHECK_INT(got.result, errors[i]);
        CHECK_STR(got.text, "(null)");
    }
    got.n = 0;
    CHECK_INT(iotc_twecall_activate(w.client, "m", "a", 0, on_activated, &w), 0);
    WORLD_UNTIL(&w, is_one);
    CHECK(got.result == -EPROTO && got.code == -1);
    CHECK_STR(got.text, "");
    world_fini(&w);
}

static void test_checked_here(void)
{
    char name[130];
    struct world w;
    unsigned n = 0;
    int r;

    begin(&w);
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    CHECK_INT(iotc_twecall_get_ticket(w.client, "", "a", on_ticket, NULL), -EINVAL);
    CHECK_INT(iotc_twecall_get_ticket(w.client, "m", NULL, on_ticket, NULL), -EINVAL);
    CHECK_INT(iotc_twecall_get_ticket(w.client, name, "a", on_ticket, NULL), -EINVAL);
    CHECK_INT(iotc_twecall_get_ticket(w.client, "\xff", "a", on_ticket, NULL), -EINVAL);
    CHECK_INT(iotc_twecall_get_ticket(w.client, "m", "a", NULL, NULL), -EINVAL);
    CHECK_INT(iotc_twecall_get_ticket(NULL, "m", "a", on_ticket, NULL), -EINVAL);
    CHECK_INT(iotc_twecall_activate(w.client, "m", "a", 5, on_activated, NULL), -EINVAL);
    name[128] = '\0';
    while ((r = iotc_twecall_get_ticket(w.client, name, "a", on_ticket, NULL)) == 0)
        n++;
    CHECK_INT(r, -ENOBUFS);
    CHECK_INT(n, LIMIT_PENDING_CALLS);
    world_settle(&w);
    CHECK_INT(got.n, n);
    CHECK_INT(got.result, 0);
    world_fini(&w);
}

/* What waits ends with iotd; without iotd nothing is taken. */
static void test_away(void)
{
    struct world w;

    begin(&w);
    w.fake->hold_call = true;
    CHECK_INT(ticket(&w), 0);
    WORLD_UNTIL(&w, is_held);
    world_kill_fake(&w);
    WORLD_UNTIL(&w, is_one);
    CHECK_INT(got.result, -ECONNRESET);
    WORLD_UNTIL(&w, world_is_absent);
    CHECK_INT(ticket(&w), -ENOTCONN);
    world_start_fake(&w);
    WORLD_UNTIL(&w, world_is_up);
    CHECK_INT(got.n, 0); /* it was not kept for later */
    world_fini(&w);
}

static void on_ticket_end(iotc_client *client, int result, const char *text, void *userdata)
{
    on_ticket(client, result, text, userdata);
    CHECK_INT(iotc_twecall_get_ticket(client, "m", "a", on_ticket, NULL), -ESHUTDOWN);
}

static void test_client_ends(void)
{
    struct world w;

    begin(&w);
    w.fake->hold_call = true;
    CHECK_INT(iotc_twecall_get_ticket(w.client, "m", "a", on_ticket_end, NULL), 0);
    WORLD_UNTIL(&w, is_held);
    world_drop_client(&w);
    CHECK(got.n == 1 && got.result == -ECANCELED);
    world_fini(&w);
}

/* From inside of the function: another one, and the end of the client. */
static void on_ticket_again(iotc_client *client, int result, const char *text, void *userdata)
{
    struct world *w = userdata;

    keep(result, 0, text, 0);
    CHECK_INT(iotc_twecall_get_state(client, "m", "a", on_state, w), 0);
    world_drop_client(w);
}

static bool is_two(void *userdata)
{
    (void) userdata;
    return got.n == 2;
}

static void test_inside(void)
{
    struct world w;

    begin(&w);
    CHECK_INT(iotc_twecall_get_ticket(w.client, "m", "a", on_ticket_again, &w), 0);
    WORLD_UNTIL(&w, is_two);
    CHECK_INT(got.result, -ECANCELED);
    world_fini(&w);
}

const char *const suite_name = "22-call-client";
const struct suite_test suite_tests[] = {
    {"answers", test_answers},
    {"errors", test_errors},
    {"checked-here", test_checked_here},
    {"away", test_away},
    {"client-ends", test_client_ends},
    {"inside", test_inside},
    {NULL, NULL},
};

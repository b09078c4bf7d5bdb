/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client → iotd: Register(actions); iotd → client: Handler.Invoke(action, input, context)
 * client → iotd: (code, text, output)
 */

#include <errno.h>
#include <string.h>

#include "tests/lib/suite.h"
#include "tests/lib/world.h"

struct server {
    struct world w;
    iotc_slot *slot;
    iotc_call *kept;
    unsigned n;
    bool keep;
    bool end_slot;
    bool open;
    char user[32];
    int n_freed;
};

static void answer(iotc_call *call)
{
    CHECK_INT(iotc_call_set_string(call, "user", "wrong"), 0);
    CHECK_INT(iotc_call_set_string(call, "user", "ann"), 0);
    CHECK_INT(iotc_call_set_int(call, "time", 1700000000), 0);
    CHECK_INT(iotc_call_set_bool(call, "state", true), 0);
    CHECK_INT(iotc_call_set_double(call, "level", 0.5), 0);
    CHECK_INT(iotc_call_set_double(call, "level", 1.0 / 0.0), -ERANGE);
    CHECK_INT(iotc_call_answer(call, 0, "open"), 0);
    CHECK_INT(iotc_call_answer(call, 0, NULL), -EALREADY);
    CHECK_INT(iotc_call_set_bool(call, "state", false), -EALREADY);
}

static void on_call(iotc_client *client, iotc_call *call, void *userdata)
{
    struct server *s = userdata;
    const char *user;
    int64_t i;
    double d;

    CHECK(client == s->w.client);
    s->n++;
    CHECK_STR(iotc_call_get_id(call), "unlock");
    CHECK(iotc_call_has(call, "open"));
    CHECK(!iotc_call_has(call, "nothing"));
    CHECK_INT(iotc_call_get_bool(call, "open", &s->open), 0);
    CHECK_INT(iotc_call_get_string(call, "user", &user), 0);
    CHECK_INT(iotc_call_get_int(call, "user", &i), -EPROTOTYPE);
    CHECK_INT(iotc_call_get_double(call, "level", &d), -ENOENT);
    CHECK_INT(iotc_call_get_double(NULL, "level", &d), -EINVAL);
    (void) snprintf(s->user, sizeof(s->user), "%s", user);
    if (s->end_slot)
        s->slot = iotc_slot_unref(s->slot);
    CHECK_INT(s->n_freed, 0); /* not while the callback runs */
    if (s->keep)
        s->kept = iotc_call_ref(call);
    else
        answer(call);
}

static void on_free(void *userdata)
{
    struct server *s = userdata;

    s->n_freed++;
}

static bool is_served(void *userdata)
{
    struct server *s = userdata;

    return iotc_slot_get_error(s->slot) == 0;
}

static bool is_answered(void *userdata)
{
    struct server *s = userdata;

    return s->w.fake->n_answers > 0;
}

static bool is_called(void *userdata)
{
    struct server *s = userdata;

    return s->n > 0;
}

static void server_init(struct server *s)
{
    *s = (struct server){.n = 0};
    world_init_attached(&s->w);
    CHECK_INT(iotc_serve_action(s->w.client, &s->slot, NULL, on_call, s, on_free), -EINVAL);
    CHECK_INT(iotc_serve_action(s->w.client, &s->slot, "unlock", NULL, s, on_free), -EINVAL);
    CHECK_INT(iotc_serve_action(s->w.client, &s->slot, "unlock", on_call, s, on_free), 0);
    world_until(&s->w, is_served, s, "the registration");
}

static void server_fini(struct server *s)
{
    s->kept = iotc_call_unref(s->kept);
    s->slot = iotc_slot_unref(s->slot);
    CHECK_INT(s->n_freed, 1);
    world_fini(&s->w);
}

static void invoke(struct server *s)
{
    CLEANUP(value_list_done) struct value_list input = {NULL, 0};
    struct value open = value_of_bool(true), user = value_of_string("ann");

    CHECK_INT(value_list_set(&input, "open", &open, 2), 0);
    CHECK_INT(value_list_set(&input, "user", &user, 2), 0);
    CHECK(fake_invoke(s->w.fake, "unlock", &input));
}

static void check_output(struct server *s)
{
    const struct value_list *out = &s->w.fake->answer_output;

    world_until(&s->w, is_answered, s, "the answer");
    CHECK_INT(s->w.fake->answer_error, 0);
    CHECK_INT(s->w.fake->answer_code, 0);
    CHECK_STR(s->w.fake->answer_text, "open");
    CHECK_INT(out->n_items, 4);
    CHECK_STR(value_list_get(out, "user")->s, "ann");
    CHECK_INT(value_list_get(out, "time")->i, 1700000000);
    CHECK(value_list_get(out, "state")->b);
    CHECK(value_list_get(out, "level")->kind == VALUE_KIND_DOUBLE);
}

static void test_now(void)
{
    struct server s;

    server_init(&s);
    invoke(&s);
    check_output(&s);
    CHECK(s.open);
    CHECK_STR(s.user, "ann");
    server_fini(&s);
}

static void test_later(void)
{
    struct server s;

    server_init(&s);
    s.keep = true;
    invoke(&s);
    world_until(&s.w, is_called, &s, "the call");
    world_settle(&s.w);
    CHECK_INT(s.w.fake->n_answers, 0);
    answer(s.kept);
    check_output(&s);
    server_fini(&s);
}

static void test_never(void)
{
    struct server s;

    server_init(&s);
    s.keep = true;
    invoke(&s);
    world_until(&s.w, is_called, &s, "the call");
    s.kept = iotc_call_unref(s.kept);
    world_until(&s.w, is_answered, &s, "the answer");
    CHECK_INT(s.w.fake->answer_code, 405);
    CHECK_INT(s.w.fake->answer_output.n_items, 0);
    server_fini(&s);
}

/* The callback ends its own subscription, and still answers. */
static void test_end_in_callback(void)
{
    struct server s;

    server_init(&s);
    s.end_slot = true;
    invoke(&s);
    check_output(&s);
    world_settle(&s.w);
    CHECK(!fake_is_claimed(s.w.fake, 'a', "unlock"));
    server_fini(&s);
}

static void test_iotd_goes(void)
{
    struct server s;

    server_init(&s);
    s.keep = true;
    invoke(&s);
    world_until(&s.w, is_called, &s, "the call");
    world_kill_fake(&s.w);
    WORLD_UNTIL(&s.w, world_is_absent);
    CHECK_INT(iotc_call_answer(s.kept, 0, NULL), -ECONNRESET);
    server_fini(&s);
}

/* More calls than any iotd has in flight are refused, not hoarded. */
static void test_bounded(void)
{
    iotc_call *calls[LIMIT_PENDING_CALLS];
    struct server s;

    server_init(&s);
    s.keep = true;
    for (int i = 0; i < LIMIT_PENDING_CALLS; i++) {
        invoke(&s);
        world_settle(&s.w);
        calls[i] = s.kept;
        s.kept = NULL;
    }
    CHECK_INT(s.n, LIMIT_PENDING_CALLS);
    CHECK_INT(s.w.fake->n_answers, 0);
    invoke(&s);
    world_until(&s.w, is_answered, &s, "the answer");
    CHECK_INT(s.w.fake->answer_error, -ENOBUFS);
    for (int i = 0; i < LIMIT_PENDING_CALLS; i++)
        iotc_call_unref(calls[i]);
    server_fini(&s);
}

const char *const suite_name = "client-action";
const struct suite_test suite_tests[] = {
    {"now", test_now},
    {"later", test_later},
    {"never", test_never},
    {"end_in_callback", test_end_in_callback},
    {"iotd_goes", test_iotd_goes},
    {"bounded", test_bounded},
    {NULL, NULL},
};

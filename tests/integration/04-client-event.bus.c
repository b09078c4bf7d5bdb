/* SPDX-License-Identifier: GPL-2.0-or-later */
/* client → iotd: PostEvent(id, params, options) → token (stored); iotd → client: Completed */

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "tests/lib/suite.h"
#include "tests/lib/world.h"

static bool is_done(void *userdata)
{
    struct world *w = userdata;

    return w->n_done > 0;
}

static bool is_posted(void *userdata)
{
    struct world *w = userdata;

    return w->fake->n_post > 0;
}

static iotc_event *low_voltage(struct world *w)
{
    iotc_event *event = NULL;

    CHECK_INT(iotc_event_new(w->client, &event, "low_voltage"), 0);
    CHECK_INT(iotc_event_set_double(event, "voltage", 2.5), 0);
    return event;
}

static void test_completed(void)
{
    iotc_event *event;
    struct world w;

    world_init_attached(&w);
    CHECK_INT(iotc_event_new(w.client, &event, "status_report"), 0);
    CHECK_INT(iotc_event_set_bool(event, "status", true), 0);
    CHECK_INT(iotc_event_set_string(event, "message", "first"), 0);
    CHECK_INT(iotc_event_set_string(event, "message", "second"), 0);
    CHECK_INT(iotc_event_set_int(event, "n", -7), 0);
    CHECK_INT(iotc_event_set_timestamp(event, 1700000000), 0);
    w.fake->hold_completed = true;
    CHECK_INT(iotc_event_post(event, 0, world_done, &w), 0);
    event = iotc_event_free(event); /* what was posted goes on */
    WORLD_UNTIL(&w, is_posted);
    world_settle(&w);
    CHECK_INT(w.n_done, 0);
    CHECK_STR(w.fake->event_id, "status_report");
    CHECK_INT(w.fake->event_timestamp_s, 1700000000);
    CHECK_INT(w.fake->event.n_items, 3);
    CHECK_STR(value_list_get(&w.fake->event, "message")->s, "second");
    CHECK(value_list_get(&w.fake->event, "status")->b);
    CHECK_INT(value_list_get(&w.fake->event, "n")->i, -7);
    fake_complete(w.fake, 0);
    WORLD_UNTIL(&w, is_done);
    CHECK_INT(w.done_result, 0);
    CHECK_INT(w.n_done, 1);
    world_fini(&w);
}

static void test_stored(void)
{
    iotc_event *event;
    struct world w;

    world_init_attached(&w);
    w.fake->hold_completed = true;
    event = low_voltage(&w);
    CHECK_INT(iotc_event_post(event, IOTC_POST_STORED, world_done, &w), 0);
    WORLD_UNTIL(&w, is_done); /* without Completed */
    CHECK_INT(w.done_result, 0);
    CHECK_INT(w.fake->event_timestamp_s, 0); /* iotd takes the time of arrival */
    fake_complete(w.fake, 406);
    world_settle(&w);
    CHECK_INT(w.n_done, 1);
    iotc_event_free(event);
    world_fini(&w);
}

static void test_refused(void)
{
    iotc_event *event, *unknown;
    struct world w;

    world_init_attached(&w);
    CHECK_INT(iotc_event_new(w.client, &unknown, "unknown"), 0);
    CHECK_INT(iotc_event_post(unknown, 0, world_done, &w), 0);
    WORLD_UNTIL(&w, is_done);
    CHECK_INT(w.done_result, -ENOENT);

    event = low_voltage(&w);
    w.fake->post_error = -ENOBUFS;
    w.n_done = 0;
    CHECK_INT(iotc_event_post(event, IOTC_POST_STORED, world_done, &w), 0);
    WORLD_UNTIL(&w, is_done);
    CHECK_INT(w.done_result, -ENOBUFS);

    w.fake->post_error = 0;
    w.fake->completed_code = 406;
    w.n_done = 0;
    CHECK_INT(iotc_event_post(event, 0, world_done, &w), 0);
    WORLD_UNTIL(&w, is_done);
    CHECK_INT(w.done_result, -ERANGE);
    CHECK_INT(w.n_done, 1);
    iotc_event_free(event);
    iotc_event_free(unknown);
    world_fini(&w);
}

static void test_checked_here(void)
{
    iotc_event *event = NULL;
    char param[16];
    struct world w;
    int r = 0;

    world_init_attached(&w);
    CHECK_INT(iotc_event_new(w.client, &event, "no-id"), -EINVAL);
    CHECK_INT(iotc_event_new(NULL, &event, "id"), -EINVAL);
    event = low_voltage(&w);
    CHECK_INT(iotc_event_set_double(event, "voltage", NAN), -ERANGE);
    CHECK_INT(iotc_event_set_string(event, "voltage", "\xc0\x80"), -EINVAL);
    CHECK_INT(iotc_event_set_string(event, "voltage", NULL), -EINVAL);
    CHECK_INT(iotc_event_set_int(event, "", 1), -EINVAL);
    CHECK_INT(iotc_event_set_int(NULL, "x", 1), -EINVAL);
    CHECK_INT(iotc_event_set_timestamp(NULL, 1), -EINVAL);
    CHECK_INT(iotc_event_post(event, 2, world_done, &w), -EINVAL);
    CHECK_INT(iotc_event_post(NULL, 0, world_done, &w), -EINVAL);
    for (int i = 0; i < 300 && r == 0; i++) {
        (void) snprintf(param, sizeof(param), "p%d", i);
        r = iotc_event_set_int(event, param, i);
    }
    CHECK_INT(r, -EMSGSIZE);
    for (int i = 0; i < 2 * LIMIT_CLIENT_POSTS; i++)
        r = iotc_event_post(event, 0, world_done, &w);
    CHECK_INT(r, -ENOBUFS);
    world_drop_client(&w);
    CHECK_INT(w.n_done, LIMIT_CLIENT_POSTS);
    CHECK_INT(w.done_result, -ECANCELED);
    CHECK_INT(iotc_event_set_int(event, "voltage", 1), 0);
    CHECK_INT(iotc_event_post(event, 0, world_done, &w), -ESHUTDOWN);
    iotc_event_free(event);
    CHECK(iotc_event_free(NULL) == NULL);
    world_fini(&w);
}

/* Posted while iotd is away: it leaves after the attach, with the time of its post. */
static void test_while_away(void)
{
    iotc_event *event;
    struct world w;
    uint64_t before = (uint64_t) time(NULL);

    world_init(&w);
    event = low_voltage(&w);
    CHECK_INT(iotc_event_post(event, 0, world_done, &w), 0);
    world_settle(&w);
    CHECK_INT(w.n_done, 0);
    world_start_fake(&w);
    WORLD_UNTIL(&w, is_done);
    CHECK_INT(w.done_result, 0);
    CHECK_INT(w.fake->n_post, 1);
    CHECK(w.fake->event_timestamp_s >= before);
    CHECK(w.fake->event_timestamp_s <= (uint64_t) time(NULL));
    iotc_event_free(event);
    world_fini(&w);
}

struct filler {
    struct world *world;
    iotc_event *event;
    unsigned n_writable;
    unsigned n_posted;
    bool fills; /* whenever it is told that there is room */
};

static int fill(struct filler *f)
{
    int r = 0;

    for (int i = 0; i < 2 * LIMIT_CLIENT_POSTS && r == 0; i++) {
        r = iotc_event_post(f->event, 0, world_done, f->world);
        f->n_posted += r == 0;
    }
    return r;
}

static void on_writable(iotc_client *client, void *userdata)
{
    struct filler *f = userdata;

    CHECK(client == f->world->client);
    f->n_writable++;
    if (f->fills)
        CHECK_INT(fill(f), -ENOBUFS);
}

static bool is_writable(void *userdata)
{
    const struct filler *f = userdata;

    return f->n_writable > 0;
}

static bool is_through(void *userdata)
{
    const struct filler *f = userdata;

    return f->n_posted > 3 * LIMIT_CLIENT_POSTS;
}

/* Full: told once when there is room, and again after each further refusal. */
static void test_writable(void)
{
    struct filler f = {.n_writable = 0};
    iotc_slot *slot = NULL;
    struct world w;

    world_init_attached(&w);
    f.world = &w;
    f.event = low_voltage(&w);
    CHECK_INT(iotc_client_watch_writable(NULL, &slot, on_writable, &f, NULL), -EINVAL);
    CHECK_INT(iotc_client_watch_writable(w.client, &slot, NULL, &f, NULL), -EINVAL);
    CHECK_INT(iotc_client_watch_writable(w.client, &slot, on_writable, &f, NULL), 0);
    CHECK_INT(iotc_event_post(f.event, 0, world_done, &w), 0);
    WORLD_UNTIL(&w, is_done);
    CHECK_INT(f.n_writable, 0); /* it was never full */

    w.fake->hold_completed = true;
    CHECK_INT(fill(&f), -ENOBUFS);
    CHECK_INT(f.n_posted, LIMIT_CLIENT_POSTS);
    world_settle(&w);
    CHECK_INT(f.n_writable, 0);
    w.fake->hold_completed = false;
    fake_complete(w.fake, 0);
    world_until(&w, is_writable, &f, "told that there is room");
    world_settle(&w);
    CHECK_INT(f.n_writable, 1);

    f.fills = true;
    CHECK_INT(fill(&f), -ENOBUFS);
    world_until(&w, is_through, &f, "filled again and again");
    iotc_slot_unref(slot);
    world_drop_client(&w);
    CHECK_INT(w.n_done, f.n_posted + 1);
    iotc_event_free(f.event);
    world_fini(&w);
}

static bool is_claimed(void *userdata)
{
    struct world *w = userdata;

    return fake_is_claimed(w->fake, 'e', "low_voltage");
}

static void test_claim(void)
{
    iotc_slot *slot = NULL;
    struct world w;

    world_init_attached(&w);
    CHECK_INT(iotc_event_claim(w.client, &slot, NULL), -EINVAL);
    CHECK_INT(iotc_event_claim(w.client, &slot, "low_voltage"), 0);
    WORLD_UNTIL(&w, is_claimed);
    slot = iotc_slot_unref(slot);
    world_settle(&w);
    CHECK(!is_claimed(&w));
    world_fini(&w);
}

const char *const suite_name = "client-event";
const struct suite_test suite_tests[] = {
    {"completed", test_completed},   {"stored", test_stored},
    {"refused", test_refused},       {"checked_here", test_checked_here},
    {"while_away", test_while_away}, {"writable", test_writable},
    {"claim", test_claim},           {NULL, NULL},
};

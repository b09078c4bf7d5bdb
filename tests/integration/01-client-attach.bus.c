/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client → bus: Hello, AddMatch, GetNameOwner
 * iotd appears: NameOwnerChanged; client → iotd: Attach, ListProperties, Get(Link.State)
 * iotd goes: the client is ABSENT, its last values stay readable
 */

#include <errno.h>
#include <string.h>

#include "tests/lib/suite.h"
#include "tests/lib/world.h"

static bool is_not_on_bus(void *userdata)
{
    struct world *w = userdata;

    return iotc_client_get_error(w->client) == -ENOENT;
}

static void test_without_iotd(void)
{
    iotc_prop *prop = NULL;
    struct world w;
    int fd;

    world_init(&w);
    fd = iotc_client_get_fd(w.client);
    CHECK(fd >= 0);
    CHECK_INT(iotc_client_get_error(w.client), -EINPROGRESS);
    WORLD_UNTIL(&w, is_not_on_bus);
    CHECK_INT(iotc_client_get_link_state(w.client), IOTC_LINK_ABSENT);
    CHECK_INT(iotc_prop_lookup(w.client, "brightness", &prop), -ENOTCONN);
    CHECK(prop == NULL);
    CHECK_INT(iotc_client_get_fd(w.client), fd);
    world_fini(&w);
}

static void test_attach(void)
{
    iotc_prop *prop = NULL, *again = NULL;
    struct world w;

    world_init_attached(&w);
    CHECK_INT(iotc_client_get_error(w.client), 0);
    CHECK_INT(w.fake->n_attach, 1);
    CHECK_STR(w.fake->app_id, "world");
    CHECK_INT(iotc_prop_lookup(w.client, "brightness", &prop), 0);
    CHECK_INT(iotc_prop_lookup(w.client, "brightness", &again), 0);
    CHECK(prop == again);
    CHECK_STR(iotc_prop_get_id(prop), "brightness");
    CHECK_INT(iotc_prop_get_type(prop), IOTC_TYPE_INT);
    CHECK(iotc_prop_is_writable(prop));
    CHECK(!iotc_prop_is_writable(world_prop(&w, "cpu_load")));
    CHECK_INT(iotc_prop_get_type(world_prop(&w, "color")), IOTC_TYPE_ENUM);
    CHECK_INT(iotc_prop_get_type(world_prop(&w, "boot_time")), IOTC_TYPE_TIMESTAMP);
    CHECK_INT(iotc_prop_lookup(w.client, "nothing", &prop), -ENOENT);
    CHECK_INT(iotc_prop_lookup(w.client, NULL, &prop), -EINVAL);
    CHECK_INT(iotc_prop_lookup(NULL, "brightness", &prop), -EINVAL);
    world_fini(&w);
}

struct link_log {
    int n;
    iotc_link_state states[8];
    int n_freed;
};

static void on_link(iotc_client *client, iotc_link_state state, void *userdata)
{
    struct link_log *log = userdata;

    CHECK_INT(iotc_client_get_link_state(client), state);
    CHECK_INT(iotc_client_dispatch(client), -EBUSY);
    CHECK_INT(iotc_client_wait(client, 0), -EBUSY);
    if (log->n < 8)
        log->states[log->n++] = state;
}

static void on_free(void *userdata)
{
    struct link_log *log = userdata;

    log->n_freed++;
}

static bool is_down(void *userdata)
{
    struct world *w = userdata;

    return iotc_client_get_link_state(w->client) == IOTC_LINK_DOWN;
}

static void test_link_states(void)
{
    static const iotc_link_state wanted[] = {IOTC_LINK_UP, IOTC_LINK_DOWN, IOTC_LINK_UP,
                                             IOTC_LINK_ABSENT};
    struct link_log log = {.n = 0}, floating = {.n = 0};
    iotc_slot *slot = NULL;
    struct world w;

    world_init(&w);
    CHECK_INT(iotc_client_watch_link(w.client, &slot, NULL, NULL, NULL), -EINVAL);
    CHECK_INT(iotc_client_watch_link(w.client, &slot, on_link, &log, on_free), 0);
    CHECK_INT(iotc_client_watch_link(w.client, NULL, on_link, &floating, on_free), 0);
    world_start_fake(&w);
    WORLD_UNTIL(&w, world_is_up);
    fake_set_link(w.fake, "connecting");
    WORLD_UNTIL(&w, is_down);
    fake_set_link(w.fake, "some new state"); /* still down: no call */
    world_settle(&w);
    fake_set_link(w.fake, "up");
    WORLD_UNTIL(&w, world_is_up);
    world_kill_fake(&w);
    WORLD_UNTIL(&w, world_is_absent);
    CHECK_INT(log.n, 4);
    for (int i = 0; i < 4; i++)
        CHECK_INT(log.states[i], wanted[i]);

    slot = iotc_slot_unref(slot);
    CHECK_INT(log.n_freed, 1);
    world_start_fake(&w);
    WORLD_UNTIL(&w, world_is_up);
    CHECK_INT(log.n, 4);
    CHECK_INT(floating.n, 5);
    CHECK_INT(floating.n_freed, 0);
    world_fini(&w);
    CHECK_INT(floating.n_freed, 1);
}

struct chain {
    iotc_slot *own;
    iotc_slot *other;
    int n;
};

static void on_link_end_both(iotc_client *client, iotc_link_state state, void *userdata)
{
    struct chain *chain = userdata;

    (void) client;
    (void) state;
    chain->n++;
    chain->own = iotc_slot_unref(chain->own);
    chain->other = iotc_slot_unref(chain->other);
}

static void test_slots_end_in_callback(void)
{
    struct chain chain = {.n = 0};
    struct link_log last = {.n = 0}, victim = {.n = 0};
    iotc_slot *slot = NULL;
    struct world w;

    world_init(&w);
    CHECK_INT(iotc_client_watch_link(w.client, &chain.own, on_link_end_both, &chain, NULL), 0);
    CHECK_INT(iotc_client_watch_link(w.client, &chain.other, on_link, &victim, on_free), 0);
    CHECK_INT(iotc_client_watch_link(w.client, &slot, on_link, &last, on_free), 0);
    world_start_fake(&w);
    WORLD_UNTIL(&w, world_is_up);
    CHECK_INT(chain.n, 1);
    CHECK_INT(victim.n, 0);
    CHECK_INT(victim.n_freed, 1);
    CHECK_INT(last.n, 1);
    world_fini(&w);
    /* A slot may outlive its client: it is cut off, and its userdata is freed. */
    CHECK_INT(last.n_freed, 1);
    CHECK_INT(iotc_slot_get_error(slot), -ESHUTDOWN);
    iotc_slot_unref(slot);
    CHECK_INT(last.n_freed, 1);
}

static void on_link_unref(iotc_client *client, iotc_link_state state, void *userdata)
{
    struct world *w = userdata;

    (void) state;
    w->n_done++;
    loop_io_stop(&w->io);
    w->client = iotc_client_unref(client);
}

static bool is_client_gone(void *userdata)
{
    struct world *w = userdata;

    return !w->client;
}

static void test_unref_in_callback(void)
{
    struct link_log after = {.n = 0};
    struct world w;

    world_init(&w);
    CHECK_INT(iotc_client_watch_link(w.client, NULL, on_link_unref, &w, NULL), 0);
    CHECK_INT(iotc_client_watch_link(w.client, NULL, on_link, &after, on_free), 0);
    world_start_fake(&w);
    WORLD_UNTIL(&w, is_client_gone);
    CHECK_INT(w.n_done, 1);
    CHECK_INT(after.n, 0);
    CHECK_INT(after.n_freed, 1);
    world_fini(&w);
}

static bool is_refused(void *userdata)
{
    struct world *w = userdata;

    return iotc_client_get_error(w->client) == -EACCES;
}

static void test_attach_refused(void)
{
    struct world w;

    world_init(&w);
    world_start_fake(&w);
    w.fake->attach_error = -EACCES;
    WORLD_UNTIL(&w, is_refused);
    CHECK_INT(iotc_client_get_link_state(w.client), IOTC_LINK_ABSENT);
    w.fake->attach_error = 0;
    WORLD_UNTIL(&w, world_is_up); /* it tries again by itself */
    CHECK(w.fake->n_attach >= 2);
    world_fini(&w);
}

static void test_list_refused(void)
{
    struct world w;

    world_init(&w);
    world_start_fake(&w);
    w.fake->list_error = -EACCES;
    WORLD_UNTIL(&w, is_refused);
    w.fake->list_error = 0;
    WORLD_UNTIL(&w, world_is_up);
    world_fini(&w);
}

static void test_reattach(void)
{
    char name[16];
    struct world w;
    int64_t value;
    bool on;
    uint64_t stamp, later;
    iotc_prop *brightness, *text;

    world_init_attached(&w);
    brightness = world_prop(&w, "brightness");
    text = world_prop(&w, "name");
    fake_change(w.fake, "brightness", value_of_int(40));
    fake_change(w.fake, "name", value_of_string("desk"));
    world_settle(&w);
    world_kill_fake(&w);
    WORLD_UNTIL(&w, world_is_absent);
    CHECK_INT(iotc_client_get_error(w.client), -ENOENT);

    /* Reading goes on from memory. */
    CHECK_INT(iotc_prop_get_int(brightness, &value, &stamp), 0);
    CHECK_INT(value, 40);
    CHECK_INT(iotc_prop_get_string(text, name, sizeof(name), NULL), 4);
    CHECK_STR(name, "desk");

    world_start_fake(&w);
    w.fake->without_prop = "name";
    fake_change(w.fake, "brightness", value_of_int(41));
    WORLD_UNTIL(&w, world_is_up);
    CHECK_INT(iotc_prop_get_int(brightness, &value, &later), 0);
    CHECK_INT(value, 41);
    CHECK(later >= stamp);
    CHECK_INT(iotc_prop_lookup(w.client, "name", &text), -ENOENT);
    CHECK_INT(iotc_prop_get_bool(brightness, &on, NULL), -EPROTOTYPE);
    world_fini(&w);
}

static void test_wait(void)
{
    iotc_client *client = NULL;
    int r = 0;

    CHECK_INT(iotc_client_new(&client, "Not An Id"), -EINVAL);
    CHECK_INT(iotc_client_new(&client, NULL), -EINVAL);
    CHECK_INT(iotc_client_new(NULL, "wait"), -EINVAL);
    CHECK_INT(iotc_client_new(&client, "wait"), 0);
    CHECK(iotc_client_ref(client) == client);
    iotc_client_unref(client);
    while (r >= 0 && iotc_client_get_error(client) != -ENOENT)
        r = iotc_client_wait(client, 10000);
    CHECK_INT(r, 0);
    CHECK_INT(iotc_client_wait(client, 0), 0); /* idle: nothing is pending */
    CHECK_INT(iotc_client_wait(NULL, 0), -EINVAL);
    CHECK(iotc_client_unref(client) == NULL);
    CHECK(iotc_client_unref(NULL) == NULL);
    CHECK_INT(iotc_version(), IOTC_VERSION);
}

const char *const suite_name = "client-attach";
const struct suite_test suite_tests[] = {
    {"without_iotd", test_without_iotd},
    {"attach", test_attach},
    {"link_states", test_link_states},
    {"slots_end_in_callback", test_slots_end_in_callback},
    {"unref_in_callback", test_unref_in_callback},
    {"attach_refused", test_attach_refused},
    {"list_refused", test_list_refused},
    {"reattach", test_reattach},
    {"wait", test_wait},
    {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/world.h"

#include <stdlib.h>

#include "tests/lib/proc.h"
#include "tests/lib/suite.h"

static void on_client(struct loop_io *io, uint32_t events, void *userdata)
{
    struct world *w = userdata;
    int r;

    (void) io;
    (void) events;
    r = iotc_client_dispatch(w->client);
    if (r < w->last_dispatch)
        w->last_dispatch = r;
}

void world_add_client(struct world *w)
{
    int r = iotc_client_new(&w->client, "world");

    if (r < 0)
        fixture_fatal("iotc_client_new: %s", iotc_strerror(r));
    r = loop_io_start(&w->tl.loop, &w->io, iotc_client_get_fd(w->client), LOOP_READ, on_client, w);
    if (r < 0)
        fixture_fatal("cannot watch the client: %d", r);
}

void world_drop_client(struct world *w)
{
    loop_io_stop(&w->io);
    w->client = iotc_client_unref(w->client);
}

void world_start_fake_at(struct world *w, const char *address)
{
    w->fake = calloc(1, sizeof(*w->fake));
    if (!w->fake || !fake_init(w->fake, &w->tl, address))
        fixture_fatal("the fake iotd does not start");
}

void world_start_fake(struct world *w)
{
    world_start_fake_at(w, getenv("DBUS_SYSTEM_BUS_ADDRESS"));
}

void world_kill_fake(struct world *w)
{
    if (w->fake)
        fake_done(w->fake);
    free(w->fake);
    w->fake = NULL;
}

void world_init(struct world *w)
{
    *w = (struct world){.fake = NULL};
    test_loop_init(&w->tl);
    world_add_client(w);
}

void world_init_attached(struct world *w)
{
    world_init(w);
    world_start_fake(w);
    WORLD_UNTIL(w, world_is_up);
}

void world_fini(struct world *w)
{
    CHECK_INT(w->last_dispatch, 0);
    world_drop_client(w);
    world_kill_fake(w);
    test_loop_done(&w->tl);
}

bool world_until(struct world *w, bool (*fn)(void *userdata), void *userdata, const char *what)
{
    bool ok = test_loop_until(&w->tl, fn, userdata);

    if (!ok)
        suite_fail(__FILE__, __LINE__, "waited in vain for %s", what);
    return ok;
}

/* A round trip through the bus daemon: what was sent before has arrived after it. */
static void round_trip(DBusConnection *bus)
{
    DBusMessage *call = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
                                                     DBUS_INTERFACE_DBUS, "GetId");

    DBusMessage *reply = dbus_connection_send_with_reply_and_block(bus, call, -1, NULL);

    dbus_message_unref(call);
    if (reply)
        dbus_message_unref(reply);
}

void world_settle(struct world *w)
{
    /* Client to fake, and its answer, and what the client does about that. */
    for (int i = 0; i < 4; i++) {
        test_loop_settle(&w->tl);
        if (w->fake)
            round_trip(w->fake->bus);
        test_loop_settle(&w->tl);
    }
}

bool world_is_up(void *userdata)
{
    struct world *w = userdata;

    return iotc_client_get_link_state(w->client) == IOTC_LINK_UP;
}

bool world_is_absent(void *userdata)
{
    struct world *w = userdata;

    return iotc_client_get_link_state(w->client) == IOTC_LINK_ABSENT;
}

iotc_prop *world_prop(struct world *w, const char *id)
{
    iotc_prop *prop = NULL;
    int r = iotc_prop_lookup(w->client, id, &prop);

    if (r < 0)
        fixture_fatal("iotc_prop_lookup(%s): %s", id, iotc_strerror(r));
    return prop;
}

void world_done(iotc_client *client, int result, void *userdata)
{
    struct world *w = userdata;

    (void) client;
    w->n_done++;
    w->done_result = result;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/msg.h"
#include "dbus/watch.h"
#include "tests/lib/peer.h"
#include "tests/lib/suite.h"

/* What a filter on the near end does with messages. */
struct near_end {
    struct peer *peer;
    unsigned n_calls;
    unsigned n_signals;
    unsigned n_disconnected;
    size_t n_bytes;
    bool inside_turn_only; /* false once a message came outside of test_loop_turn() */
    bool answer;
    bool detach_on_call;
    bool in_turn;
};

static DBusHandlerResult on_near_message(DBusConnection *conn, DBusMessage *msg, void *data)
{
    struct near_end *ne = data;
    DBusMessageIter it;
    const char *text;

    ne->inside_turn_only &= ne->in_turn;
    if (dbus_message_is_signal(msg, DBUS_INTERFACE_LOCAL, "Disconnected")) {
        ne->n_disconnected++;
        return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
    }
    if (dbus_message_get_type(msg) == DBUS_MESSAGE_TYPE_SIGNAL) {
        dbus_message_iter_init(msg, &it);
        ne->n_bytes += msg_read_string(&it, &text) < 0 ? 0 : strlen(text);
        ne->n_signals++;
        return DBUS_HANDLER_RESULT_HANDLED;
    }
    if (dbus_message_get_type(msg) != DBUS_MESSAGE_TYPE_METHOD_CALL)
        return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;

    ne->n_calls++;
    if (ne->detach_on_call)
        ne->peer->near_watch = bus_watch_detach(ne->peer->near_watch);
    if (ne->answer) {
        CLEANUP(msg_unrefp) DBusMessage *reply = dbus_message_new_method_return(msg);

        CHECK(dbus_connection_send(conn, reply, NULL));
    }
    return DBUS_HANDLER_RESULT_HANDLED;
}

static void setup(struct peer *p, struct near_end *ne)
{
    peer_init(p);
    *ne = (struct near_end){.peer = p, .answer = true, .inside_turn_only = true, .in_turn = true};
    CHECK(dbus_connection_add_filter(p->near, on_near_message, ne, NULL));
}

static void teardown(struct peer *p, struct near_end *ne)
{
    dbus_connection_remove_filter(p->near, on_near_message, ne);
    peer_done(p);
}

static void send_signal(DBusConnection *conn, const char *text)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = dbus_message_new_signal("/a", "a.b", "S");
    DBusMessageIter it;

    dbus_message_iter_init_append(msg, &it);
    CHECK_INT(msg_append_string(&it, text), 0);
    CHECK(dbus_connection_send(conn, msg, NULL));
}

static void test_call(void)
{
    struct near_end ne;
    struct peer p;

    setup(&p, &ne);
    CHECK_STR(peer_call_error(&p, peer_new_call("/a", "a.b", "M")), "");
    CHECK_INT(ne.n_calls, 1);
    CHECK_INT(p.tl.n_ios, 2); /* one entry for each end, though libdbus has two watches */
    teardown(&p, &ne);
}

/* Messages are handed out from the loop only, never from a call that sends. */
static void test_dispatch_from_loop(void)
{
    struct near_end ne;
    struct peer p;

    setup(&p, &ne);
    for (int i = 0; i < 40; i++)
        send_signal(p.far, "x");
    dbus_connection_flush(p.far);
    ne.in_turn = false;
    send_signal(p.near, "y");
    dbus_connection_flush(p.near); /* reads and writes, but dispatches nothing */
    CHECK_INT(ne.n_signals, 0);
    ne.in_turn = true;
    test_loop_settle(&p.tl);
    CHECK_INT(ne.n_signals, 40);
    CHECK(ne.inside_turn_only);
    teardown(&p, &ne);
}

/* One turn takes a bounded number of messages, so that others get their turn. */
static void test_bounded_turn(void)
{
    struct near_end ne;
    struct peer p;
    unsigned before, most = 0;

    setup(&p, &ne);
    for (int i = 0; i < 200; i++)
        send_signal(p.far, "x");
    dbus_connection_flush(p.far);
    while (ne.n_signals < 200) {
        before = ne.n_signals;
        test_loop_turn(&p.tl, 0);
        most = ne.n_signals - before > most ? ne.n_signals - before : most;
    }
    CHECK(most < 200);
    teardown(&p, &ne);
}

static bool has_all(void *userdata)
{
    const struct near_end *ne = userdata;

    return ne->n_signals == 8;
}

/* More than a socket buffer holds: the write watch has to go on, and off again. */
static void test_large(void)
{
    CLEANUP(freep) char *text = malloc(900001);
    struct near_end ne;
    struct peer p;

    memset(text, 'x', 900000);
    text[900000] = '\0';
    setup(&p, &ne);
    for (int i = 0; i < 8; i++)
        send_signal(p.far, text);
    CHECK(dbus_connection_has_messages_to_send(p.far));
    CHECK(test_loop_until(&p.tl, has_all, &ne));
    CHECK_INT(ne.n_bytes, 8 * 900000);
    test_loop_settle(&p.tl);
    CHECK(!dbus_connection_has_messages_to_send(p.far));
    for (size_t i = 0; i < TEST_LOOP_MAX_IOS; i++)
        CHECK(!p.tl.ios[i] || p.tl.ios[i]->events == LOOP_READ);
    teardown(&p, &ne);
}

static void on_notify(DBusPendingCall *pending, void *data)
{
    DBusMessage *reply = dbus_pending_call_steal_reply(pending);

    *(int *) data = msg_get_error(reply, NULL);
    dbus_message_unref(reply);
}

static bool is_set(void *userdata)
{
    return *(int *) userdata != 0;
}

static void test_timeout(void)
{
    DBusPendingCall *pending = NULL;
    DBusMessage *call;
    struct near_end ne;
    struct peer p;
    int result = 0;

    setup(&p, &ne);
    ne.answer = false;
    call = peer_new_call("/a", "a.b", "M");
    CHECK(dbus_connection_send_with_reply(p.far, call, &pending, 20));
    dbus_message_unref(call);
    CHECK(dbus_pending_call_set_notify(pending, on_notify, &result, NULL));
    CHECK(test_loop_until(&p.tl, is_set, &result));
    CHECK_INT(result, -ETIMEDOUT);
    CHECK_INT(ne.n_calls, 1);
    CHECK(list_is_empty(&p.tl.loop.timers)); /* an expired timeout does not stay */
    dbus_pending_call_unref(pending);
    teardown(&p, &ne);
}

/* The far end goes while messages of it are unread: they come first, then the news. */
static void test_disconnect(void)
{
    struct near_end ne;
    struct peer p;

    setup(&p, &ne);
    for (int i = 0; i < 3; i++)
        send_signal(p.far, "last words");
    dbus_connection_flush(p.far);
    dbus_connection_close(p.far);
    test_loop_settle(&p.tl);
    CHECK_INT(ne.n_signals, 3);
    CHECK_INT(ne.n_disconnected, 1); /* and the program still runs */
    CHECK(!dbus_connection_get_is_connected(p.near));
    CHECK_INT(p.tl.n_ios, 0);
    teardown(&p, &ne);
}

static void test_detach_in_handler(void)
{
    struct near_end ne;
    struct peer p;

    setup(&p, &ne);
    ne.detach_on_call = true;
    for (int i = 0; i < 3; i++) {
        DBusMessage *call = peer_new_call("/a", "a.b", "M");

        CHECK(dbus_connection_send(p.far, call, NULL));
        dbus_message_unref(call);
    }
    dbus_connection_flush(p.far);
    test_loop_settle(&p.tl);
    CHECK_INT(ne.n_calls, 1);
    CHECK(p.near_watch == NULL);

    /* What was left is still there for the next one who attaches. */
    ne.detach_on_call = false;
    CHECK_INT(bus_watch_attach(&p.near_watch, p.near, &p.tl.loop), 0);
    test_loop_settle(&p.tl);
    CHECK_INT(ne.n_calls, 3);
    teardown(&p, &ne);
}

static void test_detach_idle(void)
{
    struct near_end ne;
    struct peer p;

    setup(&p, &ne);
    p.near_watch = bus_watch_detach(p.near_watch);
    CHECK(bus_watch_detach(NULL) == NULL);
    CHECK_INT(p.tl.n_ios, 1);
    CHECK(dbus_connection_get_is_connected(p.near));
    teardown(&p, &ne);
}

static void test_attach_fails(void)
{
    struct bus_watch *watch = NULL;
    struct near_end ne;
    struct peer p;

    setup(&p, &ne);
    p.near_watch = bus_watch_detach(p.near_watch);
    p.tl.fail_io_start_in = 1;
    CHECK_INT(bus_watch_attach(&watch, p.near, &p.tl.loop), -ENOSPC);
    CHECK(watch == NULL);
    CHECK_INT(p.tl.n_ios, 1);
    CHECK_INT(bus_watch_attach(&p.near_watch, p.near, &p.tl.loop), 0);
    CHECK_STR(peer_call_error(&p, peer_new_call("/a", "a.b", "M")), "");
    teardown(&p, &ne);
}

const char *const suite_name = "dbus-watch";
const struct suite_test suite_tests[] = {
    {"call", test_call},
    {"dispatch-from-loop", test_dispatch_from_loop},
    {"bounded-turn", test_bounded_turn},
    {"large", test_large},
    {"timeout", test_timeout},
    {"disconnect", test_disconnect},
    {"detach-in-handler", test_detach_in_handler},
    {"detach-idle", test_detach_idle},
    {"attach-fails", test_attach_fails},
    {NULL, NULL},
};

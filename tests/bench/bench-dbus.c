/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls of iotd on the bus, against a program that answers at once and does nothing else, on the
 * same bus: ReportValue one at a time; PostEvent, which is answered when the event is on disk,
 * with 1, 10 and 100 calls in flight. iotd has a cloud for the reports, none for the events.
 *
 *   bench-dbus --echo     that other program; prints its name on the bus
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dbus/dbus.h>

#include "dbus/msg.h"
#include "dbus/names.h"
#include "tests/bench/bench.h"
#include "tests/bench/stack.h"
#include "tests/lib/daemon-fixture.h"

#define ROUNDS 15
#define N_CALLS 300 /* of a round */
#define N_POSTS 1000

static DBusConnection *connect_bus(void)
{
    const char *address = getenv("DBUS_SYSTEM_BUS_ADDRESS");
    DBusError error = DBUS_ERROR_INIT;
    DBusConnection *conn = address ? dbus_connection_open_private(address, &error) : NULL;

    if (!conn || !dbus_bus_register(conn, &error))
        bench_fatal("no bus: %s", address ? error.message : "run it with tests/lib/with-bus");
    return conn;
}

static void send(DBusConnection *conn, DBusMessage *msg)
{
    if (!msg || !dbus_connection_send(conn, msg, NULL))
        bench_fatal("out of memory");
    dbus_message_unref(msg);
}

/* The next message, whatever it is. */
static DBusMessage *next_message(DBusConnection *conn)
{
    DBusMessage *msg;

    while (!(msg = dbus_connection_pop_message(conn))) {
        if (!dbus_connection_read_write(conn, -1))
            bench_fatal("the bus is gone");
    }
    return msg;
}

/* --- the program that does nothing --- */

static int run_echo(void)
{
    DBusConnection *conn = connect_bus();

    printf("%s\n", dbus_bus_get_unique_name(conn));
    (void) fflush(stdout);
    for (;;) {
        CLEANUP(msg_unrefp) DBusMessage *msg = next_message(conn);
        dbus_uint64_t token = 1;
        DBusMessage *reply;

        if (dbus_message_get_type(msg) != DBUS_MESSAGE_TYPE_METHOD_CALL)
            continue;
        reply = dbus_message_new_method_return(msg);
        if (!reply || !dbus_message_append_args(reply, DBUS_TYPE_UINT64, &token, DBUS_TYPE_INVALID))
            bench_fatal("out of memory");
        send(conn, reply);
        dbus_connection_flush(conn);
    }
}

/* --- calls --- */

struct caller {
    DBusConnection *conn;
    const char *destination;
};

static DBusMessage *new_call(const struct caller *c, const char *member, DBusMessageIter *ret_args)
{
    DBusMessage *msg =
        dbus_message_new_method_call(c->destination, IOTD_DEVICE_PATH, IOTD_IFACE_THING, member);

    if (!msg)
        bench_fatal("out of memory");
    dbus_message_iter_init_append(msg, ret_args);
    return msg;
}

/* Passes over signals. */
static void wait_reply(const struct caller *c)
{
    for (;;) {
        CLEANUP(msg_unrefp) DBusMessage *msg = next_message(c->conn);
        const char *text;
        int r = msg_get_error(msg, &text);

        if (r < 0)
            bench_fatal("%s: %s", dbus_message_get_error_name(msg), text);
        if (dbus_message_get_type(msg) == DBUS_MESSAGE_TYPE_METHOD_RETURN)
            return;
    }
}

static void report(const struct caller *c, int value)
{
    DBusMessageIter args;
    DBusMessage *msg = new_call(c, "ReportValue", &args);

    bench_must(msg_append_string(&args, "brightness"), "append");
    bench_must(msg_append_variant_int64(&args, value), "append");
    send(c->conn, msg);
    dbus_connection_flush(c->conn);
}

static void post(const struct caller *c)
{
    DBusMessageIter args, dict;
    DBusMessage *msg = new_call(c, "PostEvent", &args);
    int r;

    bench_must(msg_append_string(&args, STACK_EVENT), "append");
    r = msg_open_dict(&args, &dict);
    if (r == 0)
        r = msg_dict_bool(&dict, "status", false);
    if (r == 0)
        r = msg_dict_string(&dict, "message", "the door to the garden was left open!!!!");
    bench_must(msg_close(&args, &dict, r), "append");
    bench_must(msg_open_dict(&args, &dict), "append");
    bench_must(msg_close(&args, &dict, 0), "append");
    send(c->conn, msg);
}

/* --- measurements --- */

static double time_reports(const struct caller *c, struct bench_series *latency)
{
    uint64_t begin = bench_now_ns();

    for (int i = 0; i < N_CALLS; i++) {
        uint64_t start = bench_now_ns();

        report(c, i % 100);
        wait_reply(c);
        bench_add(latency, (double) (bench_now_ns() - start) / 1000);
    }
    return bench_rate(N_CALLS, begin);
}

static double time_posts(const struct caller *c, unsigned in_flight)
{
    uint64_t begin = bench_now_ns();

    for (unsigned i = 0; i < in_flight; i++)
        post(c);
    dbus_connection_flush(c->conn);
    for (unsigned i = in_flight; i < N_POSTS + in_flight; i++) {
        wait_reply(c);
        if (i < N_POSTS)
            post(c);
    }
    return bench_rate(N_POSTS, begin);
}

static void measure_reports(const struct caller *iotd, const struct caller *echo)
{
    struct bench_series latency = {.name = "dbus.report_value", .unit = "us"};
    struct bench_series echo_latency = {.name = "dbus.echo", .unit = "us"};
    struct bench_series rate = {.name = "dbus.reports", .unit = "calls/s"};
    struct bench_series echo_rate = {.name = "dbus.echos", .unit = "calls/s"};

    for (unsigned i = 0; i < ROUNDS; i++) {
        bench_add(&rate, time_reports(iotd, &latency));
        bench_add(&echo_rate, time_reports(echo, &echo_latency));
    }
    bench_print(&latency, &echo_latency);
    bench_print(&echo_latency, NULL);
    bench_print_pairs(&rate, &echo_rate);
    bench_print(&echo_rate, NULL);
    bench_clear(&latency);
    bench_clear(&echo_latency);
    bench_clear(&rate);
    bench_clear(&echo_rate);
}

static void measure_posts(const struct caller *iotd, const struct caller *echo)
{
    static const struct {
        unsigned in_flight;
        const char *name, *baseline;
    } cases[] = {
        {1, "dbus.post_1", "dbus.echo_1"},
        {10, "dbus.post_10", "dbus.echo_10"},
        {100, "dbus.post_100", "dbus.echo_100"},
    };

    for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
        struct bench_series rate = {.name = cases[c].name, .unit = "events/s"};
        struct bench_series echo_rate = {.name = cases[c].baseline, .unit = "calls/s"};

        for (unsigned i = 0; i < ROUNDS; i++) {
            bench_add(&rate, time_posts(iotd, cases[c].in_flight));
            bench_add(&echo_rate, time_posts(echo, cases[c].in_flight));
        }
        bench_print_pairs(&rate, &echo_rate);
        bench_print(&echo_rate, NULL);
        bench_clear(&rate);
        bench_clear(&echo_rate);
    }
}

int main(int argc, char **argv)
{
    DBusConnection *conn;
    struct cloud_fixture *cloud;
    struct daemon_fixture *iotd;
    struct proc *echo;
    CLEANUP(freep) char *echo_name = NULL;

    if (argc == 2 && strcmp(argv[1], "--echo") == 0)
        return run_echo();
    conn = connect_bus();
    echo = proc_start((const char *const[]){argv[0], "--echo", NULL});
    echo_name = proc_wait_line(echo, PROC_STDOUT, ":");

    cloud = cloud_start(NULL);
    iotd = daemon_start(&(struct daemon_options){.endpoint = cloud_ws_url(cloud),
                                                 .settings = "[report]\nrate = 20\n"});
    (void) daemon_wait_link(iotd, "up");
    measure_reports(&(struct caller){conn, IOTD_BUS_NAME}, &(struct caller){conn, echo_name});
    iotd = daemon_stop(iotd);
    cloud = cloud_stop(cloud);

    iotd = daemon_start(&(struct daemon_options){
        .endpoint = "ws://127.0.0.1:9/mqtt",
        .settings = "[outbox]\nmax_events = 1000000\nmax_bytes = 1000000000\n[quota]\nrate = 0\n"});
    measure_posts(&(struct caller){conn, IOTD_BUS_NAME}, &(struct caller){conn, echo_name});
    daemon_stop(iotd);

    proc_kill(echo);
    dbus_connection_close(conn);
    dbus_connection_unref(conn);
    return 0;
}

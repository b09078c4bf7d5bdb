/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long it takes through iotd, on loopback, against the same way without it (bare-device.h):
 *
 *   control   a command of the cloud, from the socket of iotd to the program and its answer back
 *   event     from the program's post to the disk, to the cloud, and its reply back to the program
 *   report    the same for a value, which need not wait for the disk
 *
 * The control also goes to a program that has no shared memory but a handler on the bus. The cloud
 * is this process, as thin as it can be, and the same for all.
 *
 * Messages take turns, one at a time; controls run by run, with a rest between: what one kind
 * leaves to be done (news to the bus, which is slow) is not counted to another.
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <iotclient/iotclient.h>

#include "tests/bench/bare-device.h"
#include "tests/bench/bus-handler.h"
#include "tests/bench/cloud-peer.h"
#include "tests/bench/stack.h"
#include "tests/lib/daemon-fixture.h"

#define N_RUNS 150 /* of controls */
#define RUN 20
#define REST_MS 5 /* news wait for 1 ms */
#define N_EVENTS 1000
#define N_REPORTS 200
#define PAUSE_MS 60 /* before a report, above the 50 of the fastest report.rate */
#define SERVED "brightness"
#define SERVED_ON_BUS "color"
#define N_COLORS 3

/* --- the program that posts and reports --- */

struct poster {
    iotc_client *client;
    iotc_prop *prop;
    iotc_event *event;
    bool done;
    int result;
};

static void on_done(iotc_client *client, int result, void *userdata)
{
    struct poster *p = userdata;

    (void) client;
    p->done = true;
    p->result = result;
}

static void wait_done(struct poster *p)
{
    while (!p->done)
        bench_must(iotc_client_wait(p->client, -1), "wait");
    bench_must(p->result, "the end");
    p->done = false;
}

/* Whatever else there is, until the time has come. */
static void rest(struct poster *p, int ms)
{
    uint64_t until = fixture_now_ms() + (uint64_t) ms, now;

    while ((now = fixture_now_ms()) < until)
        bench_must(iotc_client_wait(p->client, (int) (until - now)), "wait");
}

static void poster_init(struct poster *p)
{
    memset(p, 0, sizeof(*p));
    bench_must(iotc_client_new(&p->client, "poster"), "client");
    bench_must(iotc_event_new(p->client, &p->event, STACK_EVENT), "event");
    bench_must(iotc_event_set_bool(p->event, "status", false), "status");
    bench_must(
        iotc_event_set_string(p->event, "message", "the door to the garden was left open!!!!"),
        "message");
    while (iotc_prop_lookup(p->client, "uptime", &p->prop) < 0)
        bench_must(iotc_client_wait(p->client, -1), "wait");
}

static int run_poster(int fd, void *arg)
{
    struct poster p;
    uint64_t request;
    int64_t number = 0;

    (void) arg;
    poster_init(&p);
    helper_tell(fd, 1);
    while (helper_hear(fd, &request)) {
        struct bench_series values = {0};
        bool is_event = request % 2;

        for (uint64_t i = 0; i < request / 2; i++) {
            uint64_t start;

            if (!is_event)
                rest(&p, PAUSE_MS);
            start = bench_now_ns();
            bench_must(is_event ? iotc_event_post(p.event, 0, on_done, &p)
                                : iotc_prop_report_int(p.prop, ++number, on_done, &p),
                       "send");
            wait_done(&p);
            bench_add(&values, (double) (bench_now_ns() - start) / 1000);
        }
        helper_give(fd, &values);
        bench_clear(&values);
    }
    return 0;
}

/* --- the cloud --- */

struct stage {
    struct cloud_peer cloud;        /* of iotd */
    struct bare_ws *bare_serving;   /* of bare_device_serve() */
    struct cloud_peer bare_sending; /* of bare_device_send() */
    struct bare_device serving, sending;
    struct helper poster, handler;
    unsigned number;
};

static void time_control(struct stage *s, const char *property, int value,
                         struct bench_series *values)
{
    uint64_t start = bench_now_ns();

    cloud_peer_control(&s->cloud, property, value, ++s->number);
    cloud_peer_await_reply(&s->cloud, s->number);
    bench_add(values, (double) (bench_now_ns() - start) / 1000);
}

static void time_echo(struct stage *s, struct bench_series *values)
{
    static const char text[] =
        "{\"method\":\"control_reply\",\"clientToken\":\"peer::00000000\",\"code\":0,"
        "\"status\":\"\"}";
    uint8_t packet[512];
    size_t n = cloud_encode_publish(packet, "$thing/down/property/IOTDLIGHT1/lamp_001", text,
                                    sizeof(text) - 1);
    uint64_t start = bench_now_ns();
    const uint8_t *data;
    size_t len;

    bare_ws_write(s->bare_serving, packet, n);
    if (!bare_ws_read(s->bare_serving, &data, &len) || len != n)
        bench_fatal("no echo");
    bench_add(values, (double) (bench_now_ns() - start) / 1000);
}

/* Answers what comes up while a process measures a message. */
static void time_message(struct cloud_peer *cloud, int fd, bool is_event,
                         struct bench_series *values)
{
    struct pollfd fds[] = {{.fd = bare_ws_fd(cloud->ws), .events = POLLIN},
                           {.fd = fd, .events = POLLIN}};

    helper_tell(fd, 1 * 2 + is_event);
    for (;;) {
        while (cloud_peer_has_message(cloud)) {
            struct cloud_message m = cloud_peer_read(cloud);

            cloud_peer_answer(cloud, &m);
        }
        if (poll(fds, 2, -1) < 0)
            bench_fatal("poll: %s", strerror(errno));
        if (fds[1].revents)
            break;
        if (fds[0].revents) {
            struct cloud_message m = cloud_peer_read(cloud);

            cloud_peer_answer(cloud, &m);
        }
    }
    helper_take(fd, values);
}

/* --- measurements --- */

static void measure_controls(struct stage *s)
{
    struct bench_series shm = {.name = "latency.control", .unit = "us"};
    struct bench_series bus = {.name = "latency.control_dbus", .unit = "us"};
    struct bench_series bare = {.name = "latency.bare_control", .unit = "us"};

    for (int i = 0; i < N_RUNS; i++) {
        (void) poll(NULL, 0, REST_MS);
        for (int k = 0; k < RUN; k++)
            time_control(s, SERVED, (i + k) % 100, &shm);
        (void) poll(NULL, 0, REST_MS);
        for (int k = 0; k < RUN; k++)
            time_echo(s, &bare);
        (void) poll(NULL, 0, REST_MS);
        for (int k = 0; k < RUN; k++)
            time_control(s, SERVED_ON_BUS, (i + k) % N_COLORS, &bus);
    }
    bench_print_pairs(&shm, &bare);
    bench_print(&bare, NULL);
    bench_print_pairs(&bus, &shm);
    bench_clear(&shm);
    bench_clear(&bus);
    bench_clear(&bare);
}

static void measure_messages(struct stage *s, bool is_event)
{
    struct bench_series ours = {.name = is_event ? "latency.event" : "latency.report",
                                .unit = "us"};
    struct bench_series bare = {.name = is_event ? "latency.bare_event" : "latency.bare_report",
                                .unit = "us"};
    unsigned n = is_event ? N_EVENTS : N_REPORTS;

    for (unsigned i = 0; i < n; i++) {
        time_message(&s->cloud, s->poster.fd, is_event, &ours);
        time_message(&s->bare_sending, s->sending.program.fd, is_event, &bare);
    }
    bench_print_pairs(&ours, &bare);
    bench_print(&bare, NULL);
    bench_clear(&ours);
    bench_clear(&bare);
}

static struct proc *start_program(void)
{
    CLEANUP(freep) char *path = fixture_build_path("tests/bench/program");
    CLEANUP(freep) char *line = NULL;
    struct proc *p = proc_start((const char *const[]){path, "latency", SERVED, NULL});

    line = proc_wait_line(p, PROC_STDOUT, "ready");
    if (!line)
        bench_fatal("the program did not start");
    return p;
}

int main(void)
{
    struct stage s = {.number = 0};
    struct daemon_fixture *iotd;
    struct proc *program;
    uint16_t port, bare_port;
    uint64_t ready;
    char url[64];
    int fd = bare_ws_listen(&port), bare_fd = bare_ws_listen(&bare_port);

    bare_device_serve(&s.serving, bare_port);
    s.bare_serving = bare_ws_accept(bare_fd);
    bare_device_send(&s.sending, bare_port, PAUSE_MS);
    s.bare_sending.ws = bare_ws_accept(bare_fd);
    s.bare_sending.product = "IOTDLIGHT1";
    s.bare_sending.device = "lamp_001";

    (void) snprintf(url, sizeof(url), "ws://127.0.0.1:%u/mqtt", port);
    iotd = daemon_start(&(struct daemon_options){
        .endpoint = url,
        .settings = "[report]\nrate = 20\n[outbox]\nrate = 0\n[quota]\nrate = 0\n"});
    cloud_peer_init(&s.cloud, fd, "IOTDLIGHT1", "lamp_001");
    program = start_program();
    bus_handler_start(&s.handler, SERVED_ON_BUS);
    helper_start(&s.poster, run_poster, NULL);
    if (!helper_hear(s.poster.fd, &ready))
        bench_fatal("no program that posts");

    measure_controls(&s);
    measure_messages(&s, true);
    measure_messages(&s, false);

    helper_kill(&s.poster);
    helper_kill(&s.handler);
    proc_kill(program);
    daemon_stop(iotd);
    bare_device_kill(&s.serving);
    bare_device_kill(&s.sending);
    return 0;
}

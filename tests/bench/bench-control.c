/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A control from the socket of the cloud through iotd to a program and its answer back to that
 * socket, without the doors of iotd: the program is a process behind two eventfds. It is compared
 * with its bare parts, measured in turns: the same program asked directly, and a libwebsockets
 * client that sends each frame back. The second comparison is a libwebsockets client that speaks
 * MQTT: it acknowledges each message and publishes one with QoS 1.
 */

#include <libwebsockets.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "tests/bench/bench.h"
#include "tests/bench/stack.h"
#include "tests/bench/ws-peer.h"

#define ROUNDS 15
#define N_LATENCY 1000 /* of a round */
#define DOWN "$thing/down/property/" CLOUD_PRODUCT "/bench_0"
#define UP "$thing/up/property/" CLOUD_PRODUCT "/bench_0"
#define TOKEN_KEY "\"clientToken\":\""

/* --- the program --- */

struct program {
    pid_t pid;
    int to, from; /* eventfds */
};

static pid_t fork_child(void)
{
    pid_t pid = fork();

    if (pid < 0)
        bench_fatal("fork: %s", strerror(errno));
    if (pid == 0)
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    return pid;
}

static void ring(int fd)
{
    if (eventfd_write(fd, 1) < 0)
        bench_fatal("eventfd: %s", strerror(errno));
}

static void answer(int fd)
{
    eventfd_t count;

    if (eventfd_read(fd, &count) < 0)
        bench_fatal("eventfd: %s", strerror(errno));
}

static void program_start(struct program *p)
{
    p->to = eventfd(0, EFD_CLOEXEC);
    p->from = eventfd(0, EFD_CLOEXEC);
    p->pid = fork_child();
    while (p->pid == 0) {
        answer(p->to);
        ring(p->from);
    }
}

/* --- iotd --- */

struct iotd {
    struct stack stack;
    struct program *program;
    struct loop_io io;
    struct call_part *part; /* that the program works on */
};

static int control(struct call_part *part, void *userdata)
{
    struct iotd *d = userdata;

    d->part = part;
    ring(d->program->to);
    return 0;
}

static void cancel(struct call_part *part, void *userdata)
{
    (void) part;
    (void) userdata;
    bench_fatal("a control was not answered");
}

static void on_answer(struct loop_io *io, uint32_t events, void *userdata)
{
    struct iotd *d = userdata;
    struct call_part *part = TAKE(d->part);

    (void) events;
    answer(io->fd);
    calls_answer(part, 0, "", NULL);
}

static const struct calls_front front = {.control = control, .cancel = cancel};

static void on_completed(const char *peer, uint64_t token, int code, const char *text,
                         void *userdata)
{
    (void) peer;
    (void) token;
    (void) code;
    (void) text;
    (void) userdata;
}

static pid_t iotd_start(struct program *program, const char *url)
{
    static const char *const ids[] = {"power_switch"};
    static const struct owners_ids owned = {.ids = {ids}, .n = {1}};
    pid_t pid = fork_child();
    struct iotd d = {.program = program};
    struct loop_lws *loop;
    struct client *client;
    const char *id;

    if (pid != 0)
        return pid;
    bench_must(loop_lws_new(&loop), "loop");
    stack_init_link(&d.stack, loop, url, 0);
    stack_init_core(&d.stack, "control.db");
    d.stack.core->completion.fn = on_completed;
    d.stack.core->calls.front = &front;
    d.stack.core->calls.userdata = &d;
    bench_must(clients_add(&d.stack.core->clients, STACK_PEER, 0, 0, &client), "client");
    bench_must(owners_register(&d.stack.core->owners, client, &owned, "/", &id), "register");
    bench_must(loop_io_start(loop_lws_base(loop), &d.io, program->from, LOOP_READ, on_answer, &d),
               "watch");
    link_enable(d.stack.link);
    bench_must(loop_lws_run(loop), "loop");
    exit(0);
}

/* --- the bare clients --- */

struct bare {
    struct lws *wsi;
    bool is_mqtt;
    struct mqtt_stream stream;
    uint16_t id;
};

static int write_frame(struct bare *b, const void *data, size_t len)
{
    uint8_t frame[LWS_PRE + 1024];

    if (len > sizeof(frame) - LWS_PRE)
        bench_fatal("frame too large");
    memcpy(frame + LWS_PRE, data, len);
    return lws_write(b->wsi, frame + LWS_PRE, len, LWS_WRITE_BINARY) < 0 ? -1 : 0;
}

static int on_bare_packet(uint8_t first, const uint8_t *body, size_t len, size_t n_skipped,
                          void *userdata)
{
    struct bare *b = userdata;
    uint8_t buf[1024];
    struct bytes_writer w = {.data = buf, .size = sizeof(buf)};
    struct mqtt_packet p;

    (void) n_skipped;
    bench_must(mqtt_decode(first, body, len, &p), "decode");
    if (p.type != MQTT_PUBLISH)
        return 0;
    mqtt_encode_puback(&w, p.publish.id);
    if (write_frame(b, w.data, w.len) < 0)
        return -1;
    w.len = 0;
    p.publish.topic = UP;
    p.publish.topic_len = strlen(UP);
    p.publish.id = b->id++ % 1000 + 1;
    mqtt_encode_publish(&w, &p.publish);
    return write_frame(b, w.data, w.len);
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len)
{
    struct bare *b = wsi ? lws_get_opaque_user_data(wsi) : NULL;

    (void) user;
    if (!b)
        return 0;
    switch ((int) reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        b->wsi = wsi;
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return b->is_mqtt ? mqtt_stream_feed(&b->stream, in, len, on_bare_packet, b)
                          : write_frame(b, in, len);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_CLOSED:
        bench_fatal("the bare client lost its connection: %s", in ? (const char *) in : "closed");
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "mqtt", .callback = on_lws},
    {.name = NULL},
};

static pid_t bare_start(unsigned port, bool is_mqtt)
{
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .gid = (gid_t) -1,
        .uid = (uid_t) -1,
    };
    struct lws_client_connect_info connect = {
        .address = "127.0.0.1",
        .host = "127.0.0.1",
        .port = (int) port,
        .path = "/mqtt",
        .protocol = "mqtt",
    };
    pid_t pid = fork_child();
    struct bare b = {.is_mqtt = is_mqtt};

    if (pid != 0)
        return pid;
    lws_set_log_level(LLL_ERR, NULL);
    mqtt_stream_init(&b.stream, LIMIT_MQTT_PACKET);
    connect.opaque_user_data = &b;
    connect.context = lws_create_context(&info);
    if (!connect.context || !lws_client_connect_via_info(&connect))
        bench_fatal("the bare client cannot connect");
    while (lws_service(connect.context, 0) >= 0)
        ;
    exit(1);
}

/* --- the cloud --- */

struct cloud {
    struct ws_peer iotd, echo, mqtt;
    char token[32]; /* that is waited for */
    bool is_ready;  /* iotd has subscribed and asked what it wants to know */
    bool is_replied;
    uint64_t n_controls;
    uint16_t id;
};

static size_t encode_control(struct cloud *c, uint8_t *buf, size_t size)
{
    struct bytes_writer w = {.data = buf, .size = size};
    char payload[256];
    struct mqtt_publish p = {
        .topic = DOWN,
        .topic_len = strlen(DOWN),
        .payload = (const uint8_t *) payload,
        .qos = 1,
        .id = c->id,
    };

    c->id = c->id == UINT16_MAX ? 1 : (uint16_t) (c->id + 1);
    (void) snprintf(c->token, sizeof(c->token), "control-%llu",
                    (unsigned long long) ++c->n_controls);
    p.payload_len = (size_t) snprintf(payload, sizeof(payload),
                                      "{\"method\":\"control\"," TOKEN_KEY "%s\","
                                      "\"params\":{\"power_switch\":%u}}",
                                      c->token, (unsigned) (c->n_controls & 1));
    mqtt_encode_publish(&w, &p);
    if (w.full)
        bench_fatal("packet too large");
    return w.len;
}

static bool has(const struct mqtt_publish *p, const char *text)
{
    return memmem(p->payload, p->payload_len, text, strlen(text)) != NULL;
}

/* Without it iotd would ask again and again. */
static void reply_report(struct ws_peer *peer, const struct mqtt_publish *p)
{
    const char *token = memmem(p->payload, p->payload_len, TOKEN_KEY, strlen(TOKEN_KEY));
    uint8_t buf[512];
    struct bytes_writer w = {.data = buf, .size = sizeof(buf)};
    char payload[256];
    struct mqtt_publish reply = {
        .topic = DOWN, .topic_len = strlen(DOWN), .payload = (const uint8_t *) payload};

    if (!token)
        bench_fatal("a report without a token");
    token += strlen(TOKEN_KEY);
    reply.payload_len = (size_t) snprintf(
        payload, sizeof(payload), "{\"method\":\"report_reply\"," TOKEN_KEY "%.*s\",\"code\":0}",
        (int) strcspn(token, "\""), token);
    mqtt_encode_publish(&w, &reply);
    ws_peer_send(peer, buf, w.len);
}

static void on_iotd_publish(struct ws_peer *peer, const struct mqtt_publish *p, void *userdata)
{
    struct cloud *c = userdata;

    if (has(p, "\"control_reply\"")) {
        if (!has(p, c->token) || !has(p, "\"code\":0"))
            bench_fatal("%.*s", (int) p->payload_len, (const char *) p->payload);
        c->is_replied = true;
    } else if (has(p, "\"get_status\"")) {
        c->is_ready = true;
    } else if (has(p, "\"report\"")) {
        reply_report(peer, p);
    }
}

static void on_mqtt_publish(struct ws_peer *peer, const struct mqtt_publish *p, void *userdata)
{
    struct cloud *c = userdata;

    (void) peer;
    c->is_replied = has(p, c->token);
}

static double since_us(uint64_t start)
{
    return (double) (bench_now_ns() - start) / 1000;
}

static void measure_mqtt(struct cloud *c, struct ws_peer *peer, struct bench_series *series)
{
    uint8_t packet[512];

    for (unsigned i = 0; i < N_LATENCY; i++) {
        size_t len = encode_control(c, packet, sizeof(packet));
        unsigned n_acks = peer->n_acks;
        uint64_t start = bench_now_ns();

        ws_peer_send(peer, packet, len);
        c->is_replied = false;
        while (!c->is_replied)
            ws_peer_turn(peer);
        bench_add(series, since_us(start));
        while (peer->n_acks == n_acks)
            ws_peer_turn(peer);
    }
}

/* The parts of the bare mechanism are measured one after the other and added in pairs. */
static void measure_bare(struct cloud *c, struct program *program, struct bench_series *echo,
                         struct bench_series *pong, struct bench_series *sum)
{
    uint8_t packet[512];

    for (unsigned i = 0; i < N_LATENCY; i++) {
        size_t len = encode_control(c, packet, sizeof(packet));
        uint64_t start = bench_now_ns(), middle;

        ws_peer_send(&c->echo, packet, len);
        (void) ws_peer_receive(&c->echo, packet, sizeof(packet));
        bench_add(echo, since_us(start));
        middle = bench_now_ns();
        ring(program->to);
        answer(program->from);
        bench_add(pong, since_us(middle));
        bench_add(sum, since_us(start));
    }
}

static void measure(struct cloud *c, struct program *program)
{
    struct bench_series iotd = {.name = "control.iotd", .unit = "us"};
    struct bench_series mqtt = {.name = "control.bare_mqtt", .unit = "us"};
    struct bench_series echo = {.name = "control.bare_echo", .unit = "us"};
    struct bench_series pong = {.name = "control.bare_eventfd", .unit = "us"};
    struct bench_series sum = {.name = "control.bare_parts", .unit = "us"};

    for (unsigned i = 0; i < ROUNDS; i++) {
        measure_mqtt(c, &c->iotd, &iotd);
        measure_mqtt(c, &c->mqtt, &mqtt);
        measure_bare(c, program, &echo, &pong, &sum);
    }
    bench_print(&iotd, &sum);
    bench_print(&sum, NULL);
    bench_print(&echo, NULL);
    bench_print(&pong, NULL);
    bench_print(&mqtt, &sum);
    bench_clear(&iotd);
    bench_clear(&mqtt);
    bench_clear(&echo);
    bench_clear(&pong);
    bench_clear(&sum);
}

int main(void)
{
    struct cloud *c = calloc(1, sizeof(*c));
    struct program served, asked;
    unsigned port;
    int listener = ws_peer_listen(&port);
    char url[64];
    pid_t pids[3];

    if (!c)
        bench_fatal("out of memory");
    (void) snprintf(url, sizeof(url), "ws://127.0.0.1:%u/mqtt", port);
    program_start(&served);
    program_start(&asked);
    c->id = 1;
    c->iotd.on_publish = on_iotd_publish;
    c->mqtt.on_publish = on_mqtt_publish;
    c->iotd.userdata = c->mqtt.userdata = c;
    pids[0] = iotd_start(&served, url);
    ws_peer_accept(&c->iotd, listener);
    while (!c->is_ready)
        ws_peer_turn(&c->iotd);
    pids[1] = bare_start(port, false);
    ws_peer_accept(&c->echo, listener);
    pids[2] = bare_start(port, true);
    ws_peer_accept(&c->mqtt, listener);
    measure(c, &asked);
    (void) kill(served.pid, SIGTERM);
    (void) kill(asked.pid, SIGTERM);
    for (unsigned i = 0; i < ARRAY_SIZE(pids); i++)
        (void) kill(pids[i], SIGTERM);
    while (wait(NULL) > 0)
        ;
    ws_peer_close(&c->iotd);
    ws_peer_close(&c->echo);
    ws_peer_close(&c->mqtt);
    (void) close(listener);
    free(c);
    return 0;
}

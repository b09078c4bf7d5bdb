/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An event from its post to the event_reply of the cloud: through iotd (disk, MQTT session, link,
 * libwebsockets), against a client that does nothing but publish the same bytes over
 * libwebsockets and wait for the same reply. Both talk to the same local cloud from one loop, and
 * take turns. The round trip is measured with one event at a time, the rate with a full window.
 *
 * iotd's round trip has two parts. From "it is on disk" (which is when the program's post is
 * answered) to the reply it does what the bare client does. The whole has the disk's part before
 * it, so both are compared with a client that also does just that to the disk. What the wait for
 * a disk alone costs (a cold processor) is bare_stored_reply against bare_reply.
 */

#include <libwebsockets.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cloud/login.h"
#include "tests/bench/bare-outbox.h"
#include "tests/bench/bench.h"
#include "tests/bench/stack.h"

#define ROUNDS 15
#define N_LATENCY 300 /* events of a round */
#define N_RATE 10000
#define WINDOW 100

/* One run of events, and the two ways to send one. */
struct run {
    struct loop_lws *loop;
    void (*send)(struct run *run, unsigned slot);
    uint64_t sent_ns[WINDOW];
    unsigned n_left, n_open;
    struct bench_series *latency; /* NULL: not asked for */
};

static void send_next(struct run *run, unsigned slot)
{
    run->n_left--;
    run->n_open++;
    run->sent_ns[slot] = bench_now_ns();
    run->send(run, slot);
}

static void on_replied(struct run *run, unsigned slot)
{
    if (run->latency)
        bench_add(run->latency, (double) (bench_now_ns() - run->sent_ns[slot]) / 1000);
    run->n_open--;
    if (run->n_left > 0)
        send_next(run, slot);
    else if (run->n_open == 0)
        loop_lws_stop(run->loop);
}

/* n events, window of them at a time. */
static double run_events(struct run *run, unsigned n, unsigned window, struct bench_series *latency)
{
    uint64_t start = bench_now_ns();

    run->n_left = n;
    run->n_open = 0;
    run->latency = latency;
    for (unsigned i = 0; i < window; i++)
        send_next(run, i);
    bench_must(loop_lws_run(run->loop), "loop");
    return bench_rate(n, start);
}

/* --- iotd --- */

struct iotd {
    struct run run;
    struct stack stack;
    struct link_watch watch;
    uint64_t tokens[WINDOW];           /* by slot */
    uint64_t stored_ns;                /* the latest was on disk */
    struct bench_series *sent_latency; /* from there on; NULL: not asked for */
};

/* A post in a slot that waits for its token. */
struct posting {
    struct iotd *iotd;
    unsigned slot;
};

static void on_posted(int result, uint64_t token, void *userdata)
{
    struct posting *p = userdata;

    bench_must(result, "store");
    p->iotd->tokens[p->slot] = token;
    p->iotd->stored_ns = bench_now_ns();
    free(p);
}

static void iotd_send(struct run *run, unsigned slot)
{
    struct iotd *d = CONTAINER_OF(run, struct iotd, run);
    struct posting *p = malloc(sizeof(*p));

    if (!p)
        bench_fatal("out of memory");
    *p = (struct posting){d, slot};
    bench_must(events_post(&d->stack.core->events, STACK_PEER, d->stack.event, STACK_PARAMS, 0,
                           on_posted, p),
               "post");
}

static void on_completed(const char *peer, uint64_t token, int code, const char *text,
                         void *userdata)
{
    struct iotd *d = userdata;

    (void) peer;
    if (code != 0)
        bench_fatal("the cloud refused an event: %d %s", code, text);
    for (unsigned i = 0; i < WINDOW; i++) {
        if (d->tokens[i] == token) {
            d->tokens[i] = 0;
            if (d->sent_latency)
                bench_add(d->sent_latency, (double) (bench_now_ns() - d->stored_ns) / 1000);
            on_replied(&d->run, i);
            return;
        }
    }
    bench_fatal("an event ended twice");
}

static void on_up(void *userdata)
{
    loop_lws_stop(((struct iotd *) userdata)->stack.loop);
}

static void iotd_init(struct iotd *d, struct loop_lws *loop, const char *url)
{
    *d = (struct iotd){.run = {.loop = loop, .send = iotd_send}};
    stack_init_link(&d->stack, loop, url, 0);
    stack_init_core(&d->stack, "link.db");
    d->stack.core->completion.fn = on_completed;
    d->stack.core->completion.userdata = d;
    d->watch = (struct link_watch){.on_up = on_up, .userdata = d};
    link_watch(d->stack.link, &d->watch);
    link_enable(d->stack.link);
    bench_must(loop_lws_run(loop), "loop");
    link_unwatch(&d->watch);
}

/* --- the bare client --- */

struct bare {
    struct run run;
    struct ident *ident;
    struct lws *wsi;
    char up[96], down[96];
    struct mqtt_stream stream;
    unsigned queue[2 * WINDOW]; /* slots whose event waits for the socket */
    unsigned head, tail;
    uint16_t id;
    bool greeted;               /* CONNECT and SUBSCRIBE are through */
    struct bare_outbox *outbox; /* NULL: sends at once */
    int64_t number;
    uint64_t stored_ns;                /* the latest was on disk */
    struct bench_series *sent_latency; /* from there on; with an outbox */
    uint8_t packet[LWS_PRE + 1024];
};

static int write_packet(struct bare *b, const struct bytes_writer *w)
{
    if (w->full)
        bench_fatal("packet too large");
    return lws_write(b->wsi, b->packet + LWS_PRE, w->len, LWS_WRITE_BINARY) < 0 ? -1 : 0;
}

static struct bytes_writer packet_writer(struct bare *b)
{
    return (struct bytes_writer){.data = b->packet + LWS_PRE, .size = sizeof(b->packet) - LWS_PRE};
}

static int greet(struct bare *b)
{
    struct bytes_writer w = packet_writer(b);
    struct signer *signer;
    struct login login;
    struct mqtt_connect connect = {
        .client_id = login.client_id,
        .username = login.username,
        .password = login.password,
        .keepalive_s = 240,
        .clean_session = true,
    };

    signer = stack_signer_new(b->ident);
    bench_must(login_make(&login, b->ident, signer, "abcde", login_expiry_s(0)), "login");
    signer_free(signer);
    mqtt_encode_connect(&w, &connect);
    return write_packet(b, &w);
}

static int subscribe(struct bare *b)
{
    struct bytes_writer w = packet_writer(b);

    mqtt_encode_subscribe(&w, 1, b->down, 1);
    return write_packet(b, &w);
}

static int publish(struct bare *b, unsigned slot)
{
    struct bytes_writer w = packet_writer(b);
    char payload[512];
    struct mqtt_publish p = {
        .topic = b->up,
        .topic_len = strlen(b->up),
        .payload = (const uint8_t *) payload,
        .qos = 1,
        .id = b->id,
    };

    b->id = b->id == UINT16_MAX ? 1 : (uint16_t) (b->id + 1);
    p.payload_len = (size_t) snprintf(
        payload, sizeof(payload),
        "{\"method\":\"event_post\",\"clientToken\":\"%08u-1000\",\"version\":\"1.0\","
        "\"eventId\":\"" STACK_EVENT "\",\"type\":\"info\",\"params\":" STACK_PARAMS "}",
        slot);
    mqtt_encode_publish(&w, &p);
    return write_packet(b, &w);
}

static int on_packet(uint8_t first, const uint8_t *body, size_t len, size_t n_skipped,
                     void *userdata)
{
    static const char key[] = "\"clientToken\":\"";
    struct bare *b = userdata;
    struct mqtt_packet p;
    const char *token;

    (void) n_skipped;
    bench_must(mqtt_decode(first, body, len, &p), "decode");
    if (p.type == MQTT_CONNACK)
        return subscribe(b);
    if (p.type == MQTT_SUBACK) {
        b->greeted = true;
        loop_lws_stop(b->run.loop);
    }
    if (p.type != MQTT_PUBLISH)
        return 0;
    token = memmem(p.publish.payload, p.publish.payload_len, key, sizeof(key) - 1);
    if (!token)
        bench_fatal("a reply without a token");
    if (b->outbox)
        bench_add(b->sent_latency, (double) (bench_now_ns() - b->stored_ns) / 1000);
    on_replied(&b->run, (unsigned) strtoul(token + sizeof(key) - 1, NULL, 10));
    return 0;
}

static int on_writable(struct bare *b)
{
    if (b->greeted && b->head != b->tail) {
        if (publish(b, b->queue[b->head++ % ARRAY_SIZE(b->queue)]) < 0)
            return -1;
        if (b->head != b->tail)
            lws_callback_on_writable(b->wsi);
    }
    return 0;
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
        return greet(b);
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return mqtt_stream_feed(&b->stream, in, len, on_packet, b) < 0 ? -1 : 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return on_writable(b);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_CLOSED:
        bench_fatal("the bare client lost its connection: %s", in ? (const char *) in : "closed");
    default:
        return 0;
    }
}

/* As iotd with one event at a time: the end of an event waits for the next commit. */
static void bare_store(struct bare *b)
{
    bare_outbox_begin(b->outbox);
    if (b->number > 0)
        bare_outbox_remove(b->outbox, b->number);
    bare_outbox_insert(b->outbox, ++b->number);
    bare_outbox_commit(b->outbox);
    b->stored_ns = bench_now_ns();
}

static void bare_send(struct run *run, unsigned slot)
{
    struct bare *b = CONTAINER_OF(run, struct bare, run);

    if (b->outbox)
        bare_store(b);
    b->queue[b->tail++ % ARRAY_SIZE(b->queue)] = slot;
    lws_callback_on_writable(b->wsi);
}

static const struct lws_protocols protocols[] = {
    {.name = "mqtt", .callback = on_lws},
    {.name = NULL},
};

static void bare_init(struct bare *b, struct loop_lws *loop, const char *url)
{
    static const struct lws_context_creation_info vhost_info = {
        .vhost_name = "bare",
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
    };
    struct lws_client_connect_info info = {
        .context = loop_lws_context(loop),
        .protocol = "mqtt",
        .opaque_user_data = b,
    };
    struct endpoint endpoint;
    const char *problem = "";

    *b = (struct bare){
        .run = {.loop = loop, .send = bare_send}, .ident = stack_ident_new(1), .id = 2};
    if (endpoint_parse(&endpoint, url, &problem) < 0)
        bench_fatal("%s: %s", url, problem);
    (void) snprintf(b->up, sizeof(b->up), "$thing/up/event/" CLOUD_PRODUCT "/%s",
                    b->ident->device_name);
    (void) snprintf(b->down, sizeof(b->down), "$thing/down/event/" CLOUD_PRODUCT "/%s",
                    b->ident->device_name);
    mqtt_stream_init(&b->stream, LIMIT_MQTT_PACKET);
    info.vhost = lws_create_vhost(info.context, &vhost_info);
    info.address = info.host = endpoint.host;
    info.port = endpoint.port;
    info.path = endpoint.path;
    if (!info.vhost || !lws_client_connect_via_info(&info))
        bench_fatal("the bare client cannot connect");
    bench_must(loop_lws_run(loop), "loop");
}

static void bare_done(struct bare *b)
{
    lws_set_opaque_user_data(b->wsi, NULL); /* goes with the loop */
    mqtt_stream_done(&b->stream);
    b->ident = ident_free(b->ident);
}

/* --- both in turns --- */

static void measure_latency(struct iotd *d, struct bare *b)
{
    struct bench_series all = {.name = "link.event_reply", .unit = "us"};
    struct bench_series sent = {.name = "link.stored_reply", .unit = "us"};
    struct bench_series bare = {.name = "link.bare_reply", .unit = "us"};
    struct bench_series bare_all = {.name = "link.bare_disk_reply", .unit = "us"};
    struct bench_series bare_sent = {.name = "link.bare_stored_reply", .unit = "us"};
    struct bare_outbox *outbox = bare_outbox_new("bare.db");

    d->sent_latency = &sent;
    b->sent_latency = &bare_sent;
    for (unsigned i = 0; i < ROUNDS; i++) {
        (void) run_events(&d->run, N_LATENCY, 1, &all);
        (void) run_events(&b->run, N_LATENCY, 1, &bare);
        b->outbox = outbox;
        (void) run_events(&b->run, N_LATENCY, 1, &bare_all);
        b->outbox = NULL;
    }
    d->sent_latency = NULL;
    bench_print(&all, &bare_all);
    bench_print(&bare_all, NULL);
    bench_print(&sent, &bare_sent);
    bench_print(&bare, NULL);
    bench_print(&bare_sent, &bare);
    bench_clear(&all);
    bench_clear(&sent);
    bench_clear(&bare);
    bench_clear(&bare_sent);
    bench_clear(&bare_all);
    bare_outbox_free(outbox);
}

static void measure_rate(struct iotd *d, struct bare *b)
{
    struct bench_series rate = {.name = "link.events", .unit = "events/s"};
    struct bench_series bare_rate = {.name = "link.bare_events", .unit = "events/s"};

    for (unsigned i = 0; i < ROUNDS; i++) {
        bench_add(&rate, run_events(&d->run, N_RATE, WINDOW, NULL));
        bench_add(&bare_rate, run_events(&b->run, N_RATE, WINDOW, NULL));
    }
    bench_print_pairs(&rate, &bare_rate);
    bench_print(&bare_rate, NULL);
    bench_clear(&rate);
    bench_clear(&bare_rate);
}

int main(void)
{
    struct stack_cloud *cloud = stack_cloud_start(2);
    struct iotd *iotd = calloc(1, sizeof(*iotd));
    struct bare *bare = calloc(1, sizeof(*bare));
    struct loop_lws *loop;

    if (!iotd || !bare)
        bench_fatal("out of memory");
    bench_must(loop_lws_new(&loop), "loop");
    iotd_init(iotd, loop, stack_cloud_url(cloud));
    bare_init(bare, loop, stack_cloud_url(cloud));
    measure_latency(iotd, bare);
    measure_rate(iotd, bare);
    bare_done(bare);
    stack_done(&iotd->stack);
    loop_lws_free(loop);
    free(iotd);
    free(bare);
    stack_cloud_stop(cloud);
    return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/fake-cloud.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/localcloud/sign.h"
#include "tests/lib/suite.h"

/* The secret is base64 of "0123456789abcdef". */
static const char config_text[] =
    "{\"products\":[{\"product_id\":\"P1\",\"product_secret\":\"desk-only-product-secret\","
    "\"model\":{\"version\":\"1.0\",\"properties\":["
    "{\"id\":\"sw\",\"mode\":\"rw\",\"define\":{\"type\":\"bool\"}},"
    "{\"id\":\"lvl\",\"mode\":\"rw\",\"define\":{\"type\":\"int\",\"min\":\"0\",\"max\":\"100\"}},"
    "{\"id\":\"_sys_asr_response\",\"mode\":\"rw\",\"define\":{\"type\":\"string\",\"min\":\"0\","
    "\"max\":\"2048\"}},"
    "{\"id\":\"temp\",\"mode\":\"r\",\"define\":{\"type\":\"float\",\"min\":\"-40\","
    "\"max\":\"80.5\"}}],"
    "\"events\":[{\"id\":\"low\",\"type\":\"alert\",\"params\":[{\"id\":\"v\",\"define\":"
    "{\"type\":\"float\",\"min\":\"0\",\"max\":\"24\"}}]}],"
    "\"actions\":[{\"id\":\"blink\",\"input\":[{\"id\":\"n\",\"define\":{\"type\":\"int\","
    "\"min\":\"1\",\"max\":\"9\"}}],\"output\":[{\"id\":\"done\",\"define\":{\"type\":\"bool\"}}]}"
    "]},\"devices\":[{\"device_name\":\"d1\",\"secret\":\"MDEyMzQ1Njc4OWFiY2RlZg==\"},"
    "{\"device_name\":\"d2\",\"secret\":\"MDEyMzQ1Njc4OWFiY2RlZg==\",\"enabled\":false}]}],"
    "\"apps\":[{\"app_key\":\"key\",\"app_secret\":\"secret\"}],\"limits\":%s}";

static struct fake_cloud *cloud_of(struct loop *loop)
{
    return CONTAINER_OF(loop, struct fake_cloud, loop);
}

static uint64_t fake_now_us(struct loop *loop)
{
    return cloud_of(loop)->now_us;
}

static void fake_wake_at(struct loop *loop, uint64_t due_us)
{
    (void) loop;
    (void) due_us; /* fake_cloud_pass_ms() looks at the timers itself */
}

static const struct loop_ops fake_loop_ops = {.now_us = fake_now_us, .wake_at = fake_wake_at};

static uint64_t fake_real_ms(const struct cloud_clock *clock)
{
    return CONTAINER_OF(clock, struct fake_cloud, clock)->real_ms;
}

static void on_message(const struct config_device *device, enum topic_kind kind, const char *topic,
                       const uint8_t *payload, size_t len, void *userdata)
{
    struct fake_cloud *f = userdata;

    if (kind == TOPIC_KIND_DATA)
        (void) broker_publish(f->broker, device, topic, payload, len, 1);
    else if (kind == TOPIC_KIND_SYS)
        sys_on_message(&f->sys, device, payload, len);
    else if (kind == TOPIC_KIND_OTA)
        ota_on_message(f->ota, device, payload, len);
    else if (kind == TOPIC_KIND_TWECALL)
        twecall_on_message(f->twecall, device, payload, len);
    else if (kind == TOPIC_KIND_RESOURCE)
        resources_on_message(f->resources, device, payload, len);
    else if (kind != TOPIC_KIND_OTHER)
        thing_on_message(f->thing, device, kind, payload, len);
}

static const struct broker_events events = {on_message};

static void do_drop(const struct config_device *device, void *userdata)
{
    broker_drop(((struct fake_cloud *) userdata)->broker, device);
}

static void do_changed(void *userdata)
{
    struct fake_cloud *f = userdata;

    broker_faults_changed(f->broker);
    thing_release_replies(f->thing);
}

static void do_garbage(const struct config_device *device, const uint8_t *data, size_t len,
                       bool below_framing, void *userdata)
{
    broker_send_garbage(((struct fake_cloud *) userdata)->broker, device, data, len, below_framing);
}

static void do_oversized(const struct config_device *device, size_t len, bool whole, void *userdata)
{
    broker_send_oversized(((struct fake_cloud *) userdata)->broker, device, len, whole);
}

static void do_refuse_tcp(bool on, void *userdata)
{
    ((struct fake_cloud *) userdata)->refuses_tcp = on;
}

static const struct faults_ops fault_ops = {do_drop, do_changed, do_garbage, do_oversized,
                                            do_refuse_tcp};

/* A fixture that cannot be made ends the program: nothing after it would mean anything. */
static void must(int e)
{
    if (e < 0) {
        fprintf(stderr, "fixture: %s\n", strerror(-e));
        exit(99);
    }
}

void fake_cloud_init(struct fake_cloud *f, const char *limits)
{
    char text[sizeof(config_text) + 512];
    CLEANUP(freep) char *error = NULL;

    memset(f, 0, sizeof(*f));
    f->now_us = 1000000;
    f->real_ms = FAKE_NOW_S * 1000;
    f->clock.real_ms = fake_real_ms;
    loop_init(&f->loop, &fake_loop_ops);
    (void) snprintf(text, sizeof(text), config_text, limits ? limits : "{}");
    if (config_parse(&f->config, text, &error) < 0)
        fprintf(stderr, "%s\n", error ? error : "");
    must(f->config ? 0 : -EINVAL);
    must(journal_new(&f->journal, &f->clock, NULL, false));
    must(faults_new(&f->faults, f->config, &f->loop, &f->clock));
    must(broker_new(&f->broker,
                    &(struct broker_deps){&f->loop, &f->clock, f->config, f->journal, f->faults}));
    must(store_new(&f->store, f->config));
    must(binds_new(&f->binds, f->config, &f->clock));
    must(thing_new(&f->thing,
                   &(struct thing_deps){&f->loop, faults_clock(f->faults), f->config, f->journal,
                                        f->faults, f->broker, f->store, f->binds}));
    must(blobs_new(&f->blobs, &(struct blobs_deps){&f->clock, f->journal, -1, 3600}));
    must(blobs_set_base(f->blobs, "http://cloud"));
    must(twecall_new(&f->twecall, &(struct twecall_deps){f->config, faults_clock(f->faults),
                                                         f->journal, f->faults, f->thing}));
    must(resources_new(&f->resources, &(struct resources_deps){f->config, f->journal, f->faults,
                                                               f->thing, f->blobs, -1}));
    must(filesvc_new(&f->filesvc, &(struct filesvc_deps){f->config, f->journal, f->faults, f->thing,
                                                         f->blobs, -1}));
    must(ota_new(&f->ota, &(struct ota_deps){&f->loop, &f->clock, f->config, f->journal, f->faults,
                                             f->broker, f->store, f->thing, f->blobs, -1}));
    must(appapi_new(&f->appapi, &(struct appapi_deps){&f->clock, f->config, f->broker, f->store,
                                                      f->thing, f->binds, f->blobs, f->ota}));
    f->sys = (struct sys_deps){faults_clock(f->faults), f->journal, f->broker};
    broker_set_events(f->broker, &events, f);
    faults_set_ops(f->faults, &fault_ops, f);
}

void fake_cloud_done(struct fake_cloud *f)
{
    filesvc_free(f->filesvc);
    resources_free(f->resources);
    twecall_free(f->twecall);
    thing_free(f->thing);
    appapi_free(f->appapi);
    ota_free(f->ota);
    blobs_free(f->blobs);
    binds_free(f->binds);
    store_free(f->store);
    broker_free(f->broker);
    faults_free(f->faults);
    journal_free(f->journal);
    config_free(f->config);
    loop_done(&f->loop);
}

void fake_cloud_put(struct fake_cloud *f, char *url, const char *data)
{
    const char *start = url ? strstr(url, "/files/") : NULL;
    struct blobs_writer *w = NULL;
    char key[BLOBS_KEY_MAX + 1] = "";

    if (start)
        (void) snprintf(key, sizeof(key), "%.*s", (int) strcspn(start + 7, "?"), start + 7);
    CHECK_INT(blobs_write_start(&w, f->blobs, key), 0);
    if (w) {
        CHECK_INT(blobs_write(w, data, strlen(data)), 0);
        CHECK_INT(blobs_write_end(w, "", true), 0);
    }
    free(url);
}

void fake_cloud_pass_ms(struct fake_cloud *f, uint64_t ms)
{
    uint64_t end = f->now_us + ms * 1000, start = f->now_us;

    while (!list_is_empty(&f->loop.timers)) {
        uint64_t due = LIST_ENTRY(f->loop.timers.next, struct loop_timer, link)->due_us;

        if (due > end)
            break;
        if (due > f->now_us)
            f->now_us = due;
        (void) loop_run_timers(&f->loop);
    }
    f->now_us = end;
    f->real_ms += (end - start) / 1000;
}

const char *fake_cloud_event(struct fake_cloud *f, const char *name)
{
    static char text[512];
    json_t *page = journal_page(f->journal, 0);
    const json_t *list = json_object_get(page, "entries");

    text[0] = '\0';
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *e = json_array_get(list, i);
        const char *event = json_string_value(json_object_get(e, "event"));

        if (event && strcmp(event, name) == 0)
            (void) snprintf(text, sizeof(text), "%s",
                            json_string_value(json_object_get(e, "reason")));
    }
    json_decref(page);
    return text;
}

void fake_cloud_fault(struct fake_cloud *f, const char *request)
{
    char error[FAULTS_ERROR_MAX] = "";
    json_t *o = json_loads(request, 0, NULL);

    if (faults_apply(f->faults, o, error) < 0)
        suite_fail(__FILE__, __LINE__, "%s: %s", request, error);
    json_decref(o);
}

static int link_send(void *handle, const uint8_t *data, size_t len)
{
    struct fake_link *l = handle;

    if (l->jammed || l->n_in + len > sizeof(l->in))
        return -ENOBUFS;
    memcpy(l->in + l->n_in, data, len);
    l->n_in += len;
    return 0;
}

static void link_close(void *handle, bool abort)
{
    struct fake_link *l = handle;

    l->closed = true;
    l->aborted = abort;
}

static int link_send_unframed(void *handle, const uint8_t *data, size_t len)
{
    ((struct fake_link *) handle)->n_unframed += len;
    return link_send(handle, data, len);
}

static void link_pause(void *handle, bool on)
{
    ((struct fake_link *) handle)->paused = on;
}

static const struct broker_transport transport = {"fake",     link_send,          link_close,
                                                  link_pause, link_send_unframed, NULL};

void fake_link_open(struct fake_link *l, struct fake_cloud *f)
{
    memset(l, 0, sizeof(*l));
    l->cloud = f;
    must(broker_conn_new(&l->conn, f->broker, &transport, l, "test"));
}

void fake_link_close(struct fake_link *l)
{
    l->conn = broker_conn_free(l->conn);
}

void fake_link_bytes(struct fake_link *l, const void *data, size_t len)
{
    broker_conn_input(l->conn, data, len);
}

/* A packet under construction. */
struct packet {
    uint8_t data[300 * 1024];
    size_t len;
};

static void put_bytes(struct packet *p, const void *data, size_t len)
{
    memcpy(p->data + p->len, data, len);
    p->len += len;
}

static void put_u16(struct packet *p, unsigned v)
{
    p->data[p->len++] = (uint8_t) (v >> 8);
    p->data[p->len++] = (uint8_t) v;
}

static void put_string(struct packet *p, const char *s)
{
    put_u16(p, (unsigned) strlen(s));
    put_bytes(p, s, strlen(s));
}

static void send_packet(struct fake_link *l, uint8_t first, const struct packet *p)
{
    static uint8_t whole[301 * 1024];
    size_t n = 0, rest = p->len;

    whole[n++] = first;
    do {
        whole[n++] = (uint8_t) (rest % 128 + (rest > 127 ? 128 : 0));
        rest /= 128;
    } while (rest > 0);
    memcpy(whole + n, p->data, p->len);
    fake_link_bytes(l, whole, n + p->len);
}

void fake_link_connect(struct fake_link *l, const struct fake_connect *c)
{
    static struct packet p;
    char user_name[256], password[128];
    struct sign_digest d;
    const char *user = c->user_name ? c->user_name : user_name;
    uint8_t flags = c->flags ? c->flags : 0xc2;
    int n = 0;

    (void) snprintf(user_name, sizeof(user_name), "%s;12010126;abcde;%llu", c->client_id,
                    FAKE_NOW_S + 1000000);
    must(sign_hmac(SIGN_METHOD_HMACSHA256, "0123456789abcdef", 16, user, strlen(user), &d));
    for (size_t i = 0; i < d.len; i++)
        n += snprintf(password + n, sizeof(password) - (size_t) n, "%02x", d.bytes[i]);
    (void) snprintf(password + n, sizeof(password) - (size_t) n, ";hmacsha256");

    p.len = 0;
    put_string(&p, c->protocol ? c->protocol : "MQTT");
    p.data[p.len++] = c->level ? c->level : 4;
    p.data[p.len++] = flags;
    put_u16(&p, c->keepalive);
    put_string(&p, c->client_id);
    if (flags & 4) {
        put_string(&p, "will");
        put_string(&p, "gone");
    }
    if (flags & 0x80)
        put_string(&p, user);
    if (flags & 0x40)
        put_string(&p, c->password ? c->password : password);
    send_packet(l, 0x10, &p);
}

bool fake_link_login(struct fake_link *l, bool clean)
{
    struct fake_packet *p;

    fake_link_connect(l, &(struct fake_connect){.client_id = "P1d1", .flags = clean ? 0xc2 : 0xc0});
    p = fake_link_next(l);
    CHECK_INT(p->type, 2);
    CHECK_INT(p->body[1], 0);
    return p->body[0] & 1;
}

void fake_link_publish(struct fake_link *l, const char *topic, const char *payload, uint8_t flags,
                       uint16_t id)
{
    static struct packet p;

    p.len = 0;
    put_string(&p, topic);
    if (flags & 6)
        put_u16(&p, id);
    put_bytes(&p, payload, strlen(payload));
    send_packet(l, 0x30 | flags, &p);
}

void fake_link_subscribe(struct fake_link *l, uint16_t id, const char *const *filters, uint8_t qos)
{
    static struct packet p;

    p.len = 0;
    put_u16(&p, id);
    for (; *filters; filters++) {
        put_string(&p, *filters);
        p.data[p.len++] = qos;
    }
    send_packet(l, 0x82, &p);
}

void fake_link_puback(struct fake_link *l, uint16_t id)
{
    const uint8_t ack[] = {0x40, 2, (uint8_t) (id >> 8), (uint8_t) id};

    fake_link_bytes(l, ack, sizeof(ack));
}

static void parse_publish(struct fake_packet *p)
{
    size_t topic_len = (size_t) p->body[0] * 256 + p->body[1], at = 2 + topic_len;

    memcpy(p->topic, p->body + 2, topic_len);
    p->topic[topic_len] = '\0';
    if (p->flags & 6) {
        p->id = (uint16_t) (p->body[at] * 256 + p->body[at + 1]);
        at += 2;
    }
    memcpy(p->payload, p->body + at, p->len - at);
    p->payload[p->len - at] = '\0';
}

struct fake_packet *fake_link_next(struct fake_link *l)
{
    static struct fake_packet p;
    size_t n = 1, len = 0, shift = 0;

    memset(&p, 0, sizeof(p));
    if (l->n_in == 0)
        return &p;
    do {
        len |= (size_t) (l->in[n] & 127) << shift;
        shift += 7;
    } while (l->in[n++] & 128);
    p.type = l->in[0] >> 4;
    p.flags = l->in[0] & 15;
    p.len = len;
    memcpy(p.body, l->in + n, len);
    l->n_in -= n + len;
    memmove(l->in, l->in + n + len, l->n_in);
    if (p.type == 3)
        parse_publish(&p);
    return &p;
}

void fake_link_subscribe_all(struct fake_link *l)
{
    static const char *const channels[] = {"property", "event", "action"};

    for (size_t i = 0; i < ARRAY_SIZE(channels); i++) {
        char filter[64];
        const char *filters[] = {filter, NULL};

        (void) snprintf(filter, sizeof(filter), "$thing/down/%s/P1/d1", channels[i]);
        fake_link_subscribe(l, (uint16_t) (i + 1), filters, 1);
        CHECK_INT(fake_link_next(l)->body[2], 1);
    }
}

json_t *fake_link_next_json(struct fake_link *l, const char *topic)
{
    struct fake_packet *p = fake_link_next(l);

    if (p->type == 0)
        return NULL;
    CHECK_INT(p->type, 3);
    CHECK_STR(p->topic, topic);
    if (p->flags & 2)
        fake_link_puback(l, p->id);
    return json_loads(p->payload, 0, NULL);
}

const char *fake_text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? s : "";
}

json_int_t fake_int(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    return json_is_integer(v) ? json_integer_value(v) : -1;
}

int fake_link_ask(struct fake_link *l, const char *topic, const char *payload, const char *method)
{
    char down[64];
    json_t *reply;
    int code;

    (void) snprintf(down, sizeof(down), "$thing/down/%s", topic + strlen("$thing/up/"));
    fake_link_publish(l, topic, payload, 0, 0);
    if (l->n_in == 0)
        return -1;
    reply = fake_link_next_json(l, down);
    code = (int) fake_int(reply, "code");
    CHECK_STR(fake_text(reply, "method"), method);
    if (code == 0)
        CHECK_STR(fake_text(reply, "status"), "success");
    json_decref(reply);
    return code;
}

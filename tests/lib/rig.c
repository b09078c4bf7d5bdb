/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/rig.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/suite.h"

#define SECRET "MDEyMzQ1Njc4OWFiY2RlZg=="

const char rig_model_text[] =
    "{\"version\":\"1.0\",\"profile\":{\"ProductId\":\"ABCDE12345\",\"CategoryId\":\"1\"},"
    "\"properties\":["
    "{\"id\":\"power\",\"mode\":\"rw\",\"define\":{\"type\":\"bool\"}},"
    "{\"id\":\"level\",\"mode\":\"rw\",\"define\":{\"type\":\"int\",\"min\":\"0\",\"max\":\"100\"}}"
    ","
    "{\"id\":\"color\",\"mode\":\"rw\",\"define\":{\"type\":\"enum\","
    "\"mapping\":{\"0\":\"red\",\"1\":\"green\"}}},"
    "{\"id\":\"name\",\"mode\":\"rw\",\"define\":{\"type\":\"string\",\"min\":\"0\",\"max\":"
    "\"2048\"}},"
    "{\"id\":\"temp\",\"mode\":\"r\",\"define\":{\"type\":\"float\",\"min\":\"-40\",\"max\":\"85\"}"
    "},"
    "{\"id\":\"since\",\"mode\":\"r\",\"define\":{\"type\":\"timestamp\"}}],"
    "\"events\":["
    "{\"id\":\"status\",\"type\":\"info\",\"params\":["
    "{\"id\":\"ok\",\"define\":{\"type\":\"bool\"}},"
    "{\"id\":\"text\",\"define\":{\"type\":\"string\",\"min\":\"0\",\"max\":\"64\"}}]},"
    "{\"id\":\"low\",\"type\":\"alert\",\"params\":["
    "{\"id\":\"volt\",\"define\":{\"type\":\"float\",\"min\":\"0\",\"max\":\"24\"}}]},"
    "{\"id\":\"broken\",\"type\":\"fault\",\"params\":[]}],"
    "\"actions\":["
    "{\"id\":\"unlock\","
    "\"input\":[{\"id\":\"open\",\"define\":{\"type\":\"bool\"}},"
    "{\"id\":\"user\",\"define\":{\"type\":\"string\",\"min\":\"1\",\"max\":\"16\"}}],"
    "\"output\":[{\"id\":\"state\",\"define\":{\"type\":\"bool\"}},"
    "{\"id\":\"note\",\"define\":{\"type\":\"string\",\"min\":\"0\",\"max\":\"2048\"}}]},"
    "{\"id\":\"ping\",\"input\":[],\"output\":[]}]}";

static void on_mistake(const char *path, const char *what, void *userdata)
{
    (void) userdata;
    suite_fail(__FILE__, __LINE__, "model: %s: %s", path, what);
}

struct model *rig_model(void)
{
    return rig_model_of(rig_model_text);
}

struct model *rig_model_of(const char *text)
{
    struct model *m = NULL;
    int r = model_parse(&m, text, strlen(text), RIG_PRODUCT, on_mistake, NULL);

    assert(r == 0);
    return m;
}

static void on_up(void *userdata)
{
    ((struct rig *) userdata)->n_up++;
}

static void on_down(void *userdata)
{
    ((struct rig *) userdata)->n_down++;
}

static void on_changed(void *userdata)
{
    ((struct rig *) userdata)->n_changed++;
}

static struct ident *new_ident(void)
{
    struct ident *id = calloc(1, sizeof(*id));
    int r;

    assert(id);
    strcpy(id->product_id, RIG_PRODUCT);
    strcpy(id->device_name, RIG_DEVICE);
    strcpy(id->region, "china");
    r = secret_new_base64(&id->device_secret, SECRET);
    assert(r == 0);
    return id;
}

void rig_init_with(struct rig *rig, const struct link_config *config, enum hmac_kind sign)
{
    struct link_config c = *config;
    const char *problem = "";
    int r = 0;

    fake_clock_reset();
    fake_rand_reset();
    *rig = (struct rig){
        .watch = {.on_up = on_up, .on_down = on_down, .on_changed = on_changed, .userdata = rig},
    };
    fake_loop_init(&rig->fl);
    rig->ident = new_ident();
    r = signer_new_hmac(&rig->signer, sign, rig->ident->device_secret);
    assert(r == 0);
    c.ident = rig->ident;
    c.signer = rig->signer;
    if (!c.endpoint.host[0])
        r = endpoint_parse(&c.endpoint, "ws://192.0.2.7:8080/mqtt", &problem);
    assert(r == 0);
    c.keepalive_s = c.keepalive_s ? c.keepalive_s : 240;
    c.probe_max_us = c.probe_max_us ? c.probe_max_us : 8 * USEC_PER_SEC;
    c.backoff_max_us = c.backoff_max_us ? c.backoff_max_us : 60 * USEC_PER_SEC;
    rig->config = c;
    rig_remake_link(rig);
}

void rig_remake_link(struct rig *rig)
{
    int r = link_new(&rig->link, &rig->fl.loop, &rig->config);

    assert(r == 0);
    fake_transport_done(&rig->net);
    fake_transport_init(&rig->net, &link_transport_events, rig->link);
    link_set_transport(rig->link, &rig->net.transport);
    link_watch(rig->link, &rig->watch);
}

void rig_init(struct rig *rig)
{
    const struct link_config config = {
        .connect_interval_us = 5 * USEC_PER_SEC,
    };

    rig_init_with(rig, &config, HMAC_SHA256);
}

void rig_done(struct rig *rig)
{
    link_unwatch(&rig->watch);
    rig->link = link_free(rig->link);
    rig->signer = signer_free(rig->signer);
    rig->ident = ident_free(rig->ident);
    fake_transport_done(&rig->net);
    fake_loop_done(&rig->fl);
}

void rig_advance(struct rig *rig, uint64_t us)
{
    fake_loop_advance(&rig->fl, us);
}

bool rig_next(struct rig *rig, struct wire_packet *ret_packet)
{
    do {
        if (!wire_read(rig->net.sent, rig->net.sent_len, ret_packet))
            return false;
        fake_transport_drop(&rig->net, ret_packet->len);
    } while (!rig->show_status && ret_packet->type == 3 &&
             (strstr(ret_packet->payload, "\"method\":\"get_status\"") ||
              strncmp(ret_packet->topic, "$sys/", 5) == 0));
    return true;
}

void rig_feed_connack(struct rig *rig, bool session_present, unsigned code)
{
    const uint8_t packet[] = {0x20, 2, session_present, (uint8_t) code};

    fake_transport_feed(&rig->net, packet, sizeof(packet));
}

void rig_feed_ack(struct rig *rig, unsigned type, unsigned id)
{
    const uint8_t packet[] = {(uint8_t) (type << 4), 2, (uint8_t) (id >> 8), (uint8_t) id};

    fake_transport_feed(&rig->net, packet, sizeof(packet));
}

void rig_feed_suback(struct rig *rig, unsigned id, unsigned code)
{
    const uint8_t packet[] = {0x90, 3, (uint8_t) (id >> 8), (uint8_t) id, (uint8_t) code};

    fake_transport_feed(&rig->net, packet, sizeof(packet));
}

void rig_connect(struct rig *rig, bool session_present)
{
    struct wire_packet p;

    link_enable(rig->link);
    rig_advance(rig, 0);
    for (int i = 0; i < 100 && !rig->net.opening; i++)
        rig_advance(rig, USEC_PER_SEC);
    fake_transport_accept(&rig->net);
    CHECK(rig_next(rig, &p) && p.type == 1);
    rig_feed_connack(rig, session_present, 0);
    while (!link_is_up(rig->link) && rig_next(rig, &p)) {
        CHECK_INT(p.type, 8);
        rig_feed_suback(rig, p.id, p.qos);
    }
    CHECK(link_is_up(rig->link));
    rig_advance(rig, 0);
}

void rig_drop(struct rig *rig)
{
    fake_transport_hang_up(&rig->net, true, "the server closed");
}

bool rig_next_publish(struct rig *rig, struct wire_packet *ret_packet, bool acknowledge)
{
    while (rig_next(rig, ret_packet)) {
        if (ret_packet->type != 3)
            continue;
        if (acknowledge && ret_packet->qos)
            rig_feed_ack(rig, 4, ret_packet->id);
        return true;
    }
    return false;
}

json_t *rig_next_json(struct rig *rig, const char *topic)
{
    struct wire_packet p;
    json_error_t error;
    json_t *json;

    if (!rig_next_publish(rig, &p, true))
        return NULL;
    CHECK_STR(p.topic, topic);
    json = json_loadb(p.payload, p.payload_len, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        suite_fail(__FILE__, __LINE__, "not JSON: %s: %.200s", error.text, p.payload);
    return json;
}

unsigned rig_count_publishes(struct rig *rig)
{
    struct wire_packet p;
    unsigned n = 0;

    while (rig_next_publish(rig, &p, false))
        n++;
    return n;
}

void rig_push(struct rig *rig, const char *channel, const char *text)
{
    char topic[128];

    (void) snprintf(topic, sizeof(topic), "$thing/down/%s/" RIG_PRODUCT "/" RIG_DEVICE, channel);
    rig_push_topic(rig, topic, text);
}

void rig_push_topic(struct rig *rig, const char *topic, const char *text)
{
    uint8_t *buf = malloc(strlen(text) + strlen(topic) + 16);
    size_t n;

    assert(buf);
    n = wire_publish(buf, topic, text, strlen(text), 1, ++rig->last_id, false);
    fake_transport_feed(&rig->net, buf, n);
    free(buf);
}

void rig_push_reply(struct rig *rig, const char *channel, const char *method, const char *token,
                    int code, const char *status)
{
    char text[512];

    (void) snprintf(text, sizeof(text),
                    "{\"method\":\"%s\",\"clientToken\":\"%s\",\"code\":%d,\"status\":\"%s\"}",
                    method, token, code, status);
    rig_push(rig, channel, text);
}

const char *rig_up_topic(const char *channel)
{
    static char topic[128];

    (void) snprintf(topic, sizeof(topic), "$thing/up/%s/" RIG_PRODUCT "/" RIG_DEVICE, channel);
    return topic;
}

const char *rig_text(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text ? text : "";
}

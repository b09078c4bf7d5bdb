/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_FAKE_CLOUD_H
#define IOTD_TESTS_FAKE_CLOUD_H

/*
 * The stand-in's services without sockets and with a clock that the test turns. The device side
 * of MQTT is written out here a second time, so that the codec under test is not its own judge.
 */

#include <stdbool.h>
#include <stdint.h>

#include "examples/localcloud/appapi.h"
#include "examples/localcloud/filesvc.h"
#include "examples/localcloud/ota.h"
#include "examples/localcloud/resources.h"
#include "examples/localcloud/sys.h"
#include "examples/localcloud/twecall.h"

#define FAKE_NOW_S 1700000000ULL

struct fake_cloud {
    struct loop loop;
    uint64_t now_us;
    struct cloud_clock clock;
    uint64_t real_ms;
    struct config *config;
    struct journal *journal;
    struct faults *faults;
    struct broker *broker;
    struct store *store;
    struct binds *binds;
    struct thing *thing;
    struct twecall *twecall;
    struct blobs *blobs;
    struct resources *resources;
    struct filesvc *filesvc;
    struct appapi *appapi;
    struct sys_deps sys;
    struct ota *ota;
    bool refuses_tcp;
};

/* limits is the text of the "limits" object, or NULL. Two devices: P1/d1, P1/d2 (disabled). */
void fake_cloud_init(struct fake_cloud *f, const char *limits);
void fake_cloud_done(struct fake_cloud *f);
/* Bytes come from outside to what a URL of PUT, taken, is for. */
void fake_cloud_put(struct fake_cloud *f, char *url, const char *data);
/* Lets time pass, running each timer at its moment. */
void fake_cloud_pass_ms(struct fake_cloud *f, uint64_t ms);
/* The reason of the newest journal event of that name, or "". Valid until the next call. */
const char *fake_cloud_event(struct fake_cloud *f, const char *name);

/* One POST /fault, which must be accepted. */
void fake_cloud_fault(struct fake_cloud *f, const char *request);

/* A device's end of a connection. */
struct fake_link {
    struct fake_cloud *cloud;
    struct broker_conn *conn;
    uint8_t in[65536]; /* from the cloud, not read yet */
    size_t n_in;
    size_t n_unframed; /* of them below the framing */
    bool closed;
    bool aborted;
    bool paused; /* not read */
    bool jammed; /* send says -ENOBUFS */
};

void fake_link_open(struct fake_link *l, struct fake_cloud *f);
void fake_link_close(struct fake_link *l); /* the peer goes away */
void fake_link_bytes(struct fake_link *l, const void *data, size_t len);

struct fake_connect {
    const char *client_id;
    const char *user_name; /* NULL: made for the client id */
    const char *password;  /* NULL: made with the secret of P1/d1 */
    const char *protocol;  /* NULL: MQTT */
    uint8_t level;         /* 0: 4 */
    uint8_t flags;         /* 0: 0xc2, user name, password, clean session */
    uint16_t keepalive;
};
void fake_link_connect(struct fake_link *l, const struct fake_connect *c);
/* CONNECT of P1/d1 that must be accepted; true if the session was present. */
bool fake_link_login(struct fake_link *l, bool clean);
void fake_link_publish(struct fake_link *l, const char *topic, const char *payload, uint8_t flags,
                       uint16_t id);
/* filters end with NULL. */
void fake_link_subscribe(struct fake_link *l, uint16_t id, const char *const *filters, uint8_t qos);
void fake_link_puback(struct fake_link *l, uint16_t id);

/* Next packet from the cloud; type 0 when there is none. */
struct fake_packet {
    uint8_t type;
    uint8_t flags;
    uint8_t body[32768];
    size_t len;
    /* PUBLISH */
    char topic[256];
    char payload[32768];
    uint16_t id;
};
struct fake_packet *fake_link_next(struct fake_link *l);

/* The three channels of the thing model, QoS 1. */
void fake_link_subscribe_all(struct fake_link *l);
/* The next message as JSON, a new reference; NULL when there is none. PUBACK is sent. */
json_t *fake_link_next_json(struct fake_link *l, const char *topic);
/* Publishes, checks the method of the answer and returns its code; -1 when none came. */
int fake_link_ask(struct fake_link *l, const char *topic, const char *payload, const char *method);
/* A member, or "" and -1. */
const char *fake_text(const json_t *o, const char *key);
json_int_t fake_int(const json_t *o, const char *key);

#endif /* IOTD_TESTS_FAKE_CLOUD_H */

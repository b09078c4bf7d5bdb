/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_RIG_H
#define IOTD_TESTS_RIG_H

/*
 * The cloud side of the daemon with everything around it faked: link on a fake transport, clock
 * and chance. The test is the server; helpers speak for it.
 */

#include <jansson.h>

#include "daemon/cloud/ident.h"
#include "daemon/cloud/link.h"
#include "daemon/cloud/model.h"
#include "tests/lib/fake-clock.h"
#include "tests/lib/fake-loop.h"
#include "tests/lib/fake-rand.h"
#include "tests/lib/fake-transport.h"
#include "tests/lib/wire.h"

#define RIG_PRODUCT "ABCDE12345"
#define RIG_DEVICE "dev_001"

struct rig {
    struct fake_loop fl;
    struct fake_transport net;
    struct ident *ident;
    struct signer *signer;
    struct link *link;
    struct link_config config;
    struct link_watch watch;
    unsigned n_up, n_down, n_changed;
    uint16_t last_id; /* of publishes of the server */
    bool
        show_status; /* rig_next() does not pass over what follows each connect: get_status, time */
};

/* Clocks and chance begin anew. */
void rig_init(struct rig *rig);
/* A new link in the place of one that was freed, as after a restart; the clock goes on. */
void rig_remake_link(struct rig *rig);
/* The same with other settings; endpoint, ident, signer and times of config are filled in. */
void rig_init_with(struct rig *rig, const struct link_config *config, enum hmac_kind sign);
/* After everything that uses the link is gone. */
void rig_done(struct rig *rig);

void rig_advance(struct rig *rig, uint64_t us);

/* Enables the link if need be and answers until it is up. */
void rig_connect(struct rig *rig, bool session_present);
/* The connection breaks. */
void rig_drop(struct rig *rig);
void rig_feed_connack(struct rig *rig, bool session_present, unsigned code);
void rig_feed_ack(struct rig *rig, unsigned type, unsigned id); /* PUBACK 4 */
void rig_feed_suback(struct rig *rig, unsigned id, unsigned code);

/* The next packet that the client sent, false when there is none. */
bool rig_next(struct rig *rig, struct wire_packet *ret_packet);
/* The next PUBLISH; others before it are dropped, a QoS 1 one is acknowledged if asked. */
bool rig_next_publish(struct rig *rig, struct wire_packet *ret_packet, bool acknowledge);
/* The same, its topic compared, as JSON; a new reference, NULL when there is none. */
json_t *rig_next_json(struct rig *rig, const char *topic);
/* Counts what waits, and forgets it. */
unsigned rig_count_publishes(struct rig *rig);

/* Sends text to "$thing/down/<channel>/PID/DN" with QoS 1. */
void rig_push(struct rig *rig, const char *channel, const char *text);
void rig_push_topic(struct rig *rig, const char *topic, const char *text);
/* {"method":<method>,"clientToken":<token>,"code":<code>,"status":<status>} */
void rig_push_reply(struct rig *rig, const char *channel, const char *method, const char *token,
                    int code, const char *status);
/* "$thing/up/<channel>/PID/DN"; static, valid until the next call. */
const char *rig_up_topic(const char *channel);

/* Every type, every kind of event, one action with inputs and outputs. */
extern const char rig_model_text[];
struct model *rig_model(void);
struct model *rig_model_of(const char *text);
/* The text of member key; "" when it is missing. */
const char *rig_text(const json_t *json, const char *key);

#endif /* IOTD_TESTS_RIG_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_LINK_H
#define IOTD_CLOUD_LINK_H

/*
 * The one connection to the cloud: runs the actions of link_fsm on resolver, transport, timers
 * and MQTT session. Nobody else touches the transport. Owned by the manager.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/cloud/ident.h"
#include "daemon/cloud/link_fsm.h"
#include "daemon/cloud/registrar.h"
#include "daemon/crypto/signer.h"
#include "daemon/mqtt/session.h"
#include "daemon/net/endpoint.h"
#include "daemon/net/transport.h"
#include "libiotclient/base/loop.h"

struct link;

struct link_config {
    struct endpoint endpoint;
    const struct ident *ident;   /* borrowed, outlives the link */
    const struct signer *signer; /* the same; NULL while the identity is not complete */
    struct registrar *registrar; /* borrowed; NULL: no registration is needed, or none possible */
    uint16_t keepalive_s;
    bool clean_session;
    uint64_t connect_interval_us; /* never two CONNECTs within */
    uint64_t probe_max_us;
    uint64_t backoff_max_us;
};

/* A watcher; storage is the caller's. Members may be NULL. */
struct link_watch {
    struct list link;
    void (*on_up)(void *userdata);
    void (*on_down)(void *userdata);
    /* State, reason or next attempt changed. */
    void (*on_changed)(void *userdata);
    void (*on_message)(const struct mqtt_publish *publish, void *userdata);
    /* Each PUBLISH as it travels, both ways. */
    void (*on_traffic)(bool up, const struct mqtt_publish *publish, void *userdata);
    void *userdata;
};

/*
 * What of the session at the server has to be known after a restart of this process: the filters
 * that it has, as a number made of all of them and the server; 0: not all of them, it broke while
 * they were being subscribed.
 */
struct link_memory {
    uint64_t (*get_filters)(void *userdata);
    void (*set_filters)(uint64_t filters, void *userdata); /* 0 is kept when this returns */
    void *userdata;
};

struct link_info {
    enum link_state state;
    const char *reason; /* for people; "" when there is nothing to say */
    uint64_t since_real_us;
    uint64_t next_try_real_us; /* 0: none planned */
    bool session_present;
    uint64_t rtt_us;
    uint64_t sent, received, reconnects;
};

int link_new(struct link **ret_link, struct loop *loop,
             const struct link_config *config) MUST_CHECK;
struct link *link_free(struct link *link);
DEFINE_FREEP(struct link, link_free)

/* The transport is made with these events and the link as userdata, and then given over. */
extern const struct transport_events link_transport_events;
void link_set_transport(struct link *link, struct transport *transport);

/* Copied; NULL: none any more. Without one, the session that the first CONNACK tells of is whole.
 */
void link_set_memory(struct link *link, const struct link_memory *memory);

/* Subscribed, one by one, whenever the server has no session of ours, or one without all of them.
 * Before the first start. */
int link_add_filter(struct link *link, const char *filter, uint8_t qos) MUST_CHECK;
/* The same for what the device can do without: refused, it is told and goes without. */
int link_add_optional_filter(struct link *link, const char *filter, uint8_t qos) MUST_CHECK;

void link_watch(struct link *link, struct link_watch *watch);
void link_unwatch(struct link_watch *watch);

/*
 * Tries from now on, for ever. Again: tries at once. Stays off where there is neither a secret
 * nor a registrar to get one.
 */
void link_enable(struct link *link);
/*
 * The network changed, or the machine has slept: a link that waits tries at once, an attempt under
 * way begins anew, one that is up is asked whether it still is. Whom the cloud has refused waits
 * on: that has nothing to do with the network.
 */
void link_network_changed(struct link *link);
/* Somebody set the clock: what failed may have failed for that. */
void link_clock_stepped(struct link *link, int64_t by_us);
/* A clean DISCONNECT; the state is LINK_STATE_OFF when it is through. */
void link_disable(struct link *link);

bool link_is_up(const struct link *link);
void link_get_info(const struct link *link, struct link_info *ret_info);

/* As mqtt_session_publish(): QoS 1 is taken without a connection, QoS 0 is not. */
int link_publish(struct link *link, const char *topic, const void *payload, size_t len, uint8_t qos,
                 mqtt_acked_fn acked, void *userdata) MUST_CHECK;

/* Within on_message, as mqtt_session_answer_follows(). */
void link_answer_follows(struct link *link);

#endif /* IOTD_CLOUD_LINK_H */

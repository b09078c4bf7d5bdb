/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_BROKER_SCENE_H
#define IOTD_TESTS_BROKER_SCENE_H

/* iotd at a broker that is not ours, where the test plays the cloud: it may send whatever it
 * likes. Payloads in C texts are written with single quotes. */

#include "tests/lib/scene.h"

struct broker_scene {
    struct mosquitto_fixture *broker;
    struct daemon_fixture *iotd;
    struct proc *up;        /* sees all that iotd publishes */
    struct bus_client *bus; /* borrowed: iotd */
    unsigned n_barriers;
};

/* settings after SCENE_LINK, or NULL. The link is up on return. Skips without mosquitto. */
void broker_start(struct broker_scene *b, const char *settings, bool websocket);
/* The same with a model of the test's own; a path or NULL. */
void broker_start_with(struct broker_scene *b, const char *settings, bool websocket,
                       const char *model);
void broker_stop(struct broker_scene *b);

/* To $thing/down/CHANNEL/PRODUCT/DEVICE. */
void broker_send(struct broker_scene *b, const char *channel, const char *payload);
/* The same as it is, of any size. */
void broker_send_raw(struct broker_scene *b, const char *channel, const char *payload);
/* The next message of iotd on that channel with that method, parsed. */
json_t *broker_take(struct broker_scene *b, const char *channel, const char *method);
/* All that iotd sent on the channel with that text in it. */
unsigned broker_count(struct broker_scene *b, const char *channel, const char *contains);
/* What was sent down before has been answered after it. */
void broker_barrier(struct broker_scene *b);

/* The next answer of that method has token, code, and this text in its status. */
#define CHECK_REPLY(b, channel, method, token, code, text)                                         \
    broker_check_reply(__FILE__, __LINE__, b, channel, method, token, code, text)
void broker_check_reply(const char *file, int line, struct broker_scene *b, const char *channel,
                        const char *method, const char *token, int code, const char *text);

#endif /* IOTD_TESTS_BROKER_SCENE_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_THING_STATE_H
#define IOTD_LOCALCLOUD_THING_STATE_H

/* What thing.c, thing_down.c and thing_service.c share; for them only. */

#include "examples/localcloud/thing.h"

/* A control, or a get_status answer with desired values, that control_reply may confirm. */
struct thing_write {
    struct list link;
    json_t *token;
    uint64_t write;
    bool and_older;
};

struct thing_device {
    struct list writes; /* newest last */
    size_t n_writes;
};

struct thing {
    struct thing_deps deps;
    struct thing_device *devices;
    struct list calls;
    size_t n_calls;
    struct list held; /* replies */
    size_t n_held;
    thing_service_fn service; /* NULL: nobody */
    void *service_userdata;
    struct list fences; /* alarms without an answer */
    size_t n_fences;
};

/* A control_reply or clear_control with this token refers to that write from now on. */
void thing_remember_write(struct thing *t, const struct config_device *device, json_t *token,
                          uint64_t write, bool and_older);
void thing_on_control_reply(struct thing *t, const struct config_device *device,
                            const json_t *message);
void thing_on_action_reply(struct thing *t, const struct config_device *device,
                           const json_t *message);
void thing_down_done(struct thing *t);
/* As in the vendor's logs: "clientToken-" and a UUID. -EIO. */
int thing_make_token(char token[THING_TOKEN_MAX]) MUST_CHECK;

void thing_take_bind_token(struct thing *t, const struct config_device *device,
                           const json_t *message, struct model_verdict *v);
void thing_take_unbind(struct thing *t, const struct config_device *device, const json_t *message,
                       struct model_verdict *v);
void thing_on_fence_reply(struct thing *t, const struct config_device *device,
                          const json_t *message);
void thing_service_done(struct thing *t);

#endif /* IOTD_LOCALCLOUD_THING_STATE_H */

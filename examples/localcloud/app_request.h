/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_APP_REQUEST_H
#define IOTD_LOCALCLOUD_APP_REQUEST_H

/* One call while an action works on it; for appapi.c and the app_*.c files with actions. */

#include "examples/localcloud/app_users.h"
#include "examples/localcloud/appapi.h"

struct appapi {
    struct appapi_deps deps;
    struct app_users *users;
    struct list pending;
    size_t n_pending;
};

struct appapi_request {
    struct list link;
    struct appapi *api;
    json_t *body;
    json_t *response;             /* what an action fills in */
    const struct config_app *app; /* signed calls */
    struct app_user *user;        /* calls with a token */
    const char *error;            /* code; NULL while all is well */
    char error_text[256];
    appapi_answer_fn fn;
    void *userdata;
    struct thing_call *call; /* of a pending request */
};

enum app_outcome {
    APP_DONE,  /* response is filled, or app_fail() was called */
    APP_LATER, /* app_finish() will be called */
};

typedef enum app_outcome (*app_action_fn)(struct appapi_request *rq);

#define APP_NEEDS_SIGNATURE 1U
#define APP_NEEDS_TOKEN 2U

/* A table of actions ends with a NULL name. */
struct app_action {
    const char *name;
    unsigned needs;
    app_action_fn fn;
};

extern const struct app_action app_login_actions[];
extern const struct app_action app_device_actions[];
extern const struct app_action app_data_actions[];
extern const struct app_action app_bind_actions[];
extern const struct app_action app_firmware_actions[];

/* code is a literal of the vendor's lists. */
enum app_outcome app_fail(struct appapi_request *rq, const char *code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* Sets a member of the response; the reference is taken. */
void app_set(struct appapi_request *rq, const char *key, json_t *value);
/* Ends a request that answered APP_LATER. */
void app_finish(struct appapi_request *rq);

/* Getters: false after app_fail() was called. Integers may come as strings. */
bool app_get_text(struct appapi_request *rq, const char *key, const char **ret_text);
bool app_get_optional_text(struct appapi_request *rq, const char *key, const char **ret_text);
bool app_get_int(struct appapi_request *rq, const char *key, json_int_t min, json_int_t max,
                 json_int_t *ret_value);
/* value keeps its default when the member is missing. */
bool app_get_optional_int(struct appapi_request *rq, const char *key, json_int_t min,
                          json_int_t max, json_int_t *value);
/* A string that holds a JSON object; a new reference. Missing: {} if optional. */
bool app_get_json(struct appapi_request *rq, const char *key, bool optional, json_t **ret_object);
/* ProductId and DeviceName, or DeviceId. */
bool app_get_device(struct appapi_request *rq, const struct config_device **ret_device);

#endif /* IOTD_LOCALCLOUD_APP_REQUEST_H */

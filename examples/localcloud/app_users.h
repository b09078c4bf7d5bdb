/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_APP_USERS_H
#define IOTD_LOCALCLOUD_APP_USERS_H

/* Users of apps and their access tokens; both bounded, oldest dropped. */

#include <stdint.h>

#include "examples/localcloud/config.h"
#include "libiotclient/base/list.h"

#define APP_USERS_MAX 1000
#define APP_TOKENS_MAX 1000
#define APP_TOKEN_LEN 32

struct app_user {
    struct list link;
    const struct config_app *app;
    char id[24];
    char *open_id;
    char *nick_name;
    char *avatar;
};

struct app_users;

int app_users_new(struct app_users **ret_users) MUST_CHECK;
struct app_users *app_users_free(struct app_users *u);
DEFINE_FREEP(struct app_users, app_users_free)

/* Registers with the first login; the names are those of the last one. */
int app_users_login(struct app_users *u, const struct config_app *app, const char *open_id,
                    const char *nick_name, const char *avatar,
                    struct app_user **ret_user) MUST_CHECK;
int app_users_add_token(struct app_users *u, struct app_user *user, uint64_t expire_s,
                        char ret_token[APP_TOKEN_LEN + 1]) MUST_CHECK;
/* NULL when there is no such token or it has expired. */
struct app_user *app_users_find_token(struct app_users *u, const char *token, uint64_t now_s);

#endif /* IOTD_LOCALCLOUD_APP_USERS_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Actions: users and login. */

#include <string.h>

#include "examples/localcloud/app_request.h"

#define NICK_NAME_MAX 64 /* own choice: the documents name the error, not the length */

static enum app_outcome get_token_by_weixin(struct appapi_request *rq)
{
    const struct appapi_deps *deps = &rq->api->deps;
    uint64_t expire_s = clock_real_ms(deps->clock) / 1000 + deps->config->limits.token_life_s;
    const char *open_id, *nick_name, *avatar;
    char token[APP_TOKEN_LEN + 1];
    struct app_user *user;

    if (!app_get_text(rq, "WxOpenID", &open_id) || !app_get_text(rq, "NickName", &nick_name) ||
        !app_get_text(rq, "Avatar", &avatar))
        return APP_DONE;
    if (strlen(nick_name) > NICK_NAME_MAX)
        return app_fail(rq, "InvalidParameterValue.NickNameLengthInvalid",
                        "NickName is longer than %d bytes", NICK_NAME_MAX);
    if (app_users_login(rq->api->users, rq->app, open_id, nick_name, avatar, &user) < 0 ||
        app_users_add_token(rq->api->users, user, expire_s, token) < 0)
        return app_fail(rq, "InternalError", "cannot make a token");
    app_set(rq, "Data", json_pack("{s:I, s:s}", "ExpireAt", (json_int_t) expire_s, "Token", token));
    return APP_DONE;
}

const struct app_action app_login_actions[] = {
    {"AppGetTokenByWeiXin", APP_NEEDS_SIGNATURE, get_token_by_weixin},
    {NULL, 0, NULL},
};

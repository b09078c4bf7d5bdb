/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/app_users.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "examples/localcloud/sign.h"

struct token {
    struct list link; /* oldest first */
    struct app_user *user;
    uint64_t expire_s;
    char text[APP_TOKEN_LEN + 1];
};

struct app_users {
    struct list users; /* oldest first */
    struct list tokens;
    size_t n_users;
    size_t n_tokens;
    uint64_t last_id;
};

int app_users_new(struct app_users **ret_users)
{
    struct app_users *u = calloc(1, sizeof(*u));

    if (!u)
        return -ENOMEM;
    list_init(&u->users);
    list_init(&u->tokens);
    *ret_users = u;
    return 0;
}

static void token_free(struct app_users *u, struct token *t)
{
    list_remove(&t->link);
    u->n_tokens--;
    free(t);
}

static struct app_user *user_free(struct app_user *user)
{
    if (!user)
        return NULL;
    free(user->open_id);
    free(user->nick_name);
    free(user->avatar);
    free(user);
    return NULL;
}
DEFINE_FREEP(struct app_user, user_free)

static void user_remove(struct app_users *u, struct app_user *user)
{
    LIST_FOR_EACH_SAFE (n, &u->tokens) {
        struct token *t = LIST_ENTRY(n, struct token, link);

        if (t->user == user)
            token_free(u, t);
    }
    list_remove(&user->link);
    u->n_users--;
    user_free(user);
}

struct app_users *app_users_free(struct app_users *u)
{
    if (!u)
        return NULL;

    while (!list_is_empty(&u->users))
        user_remove(u, LIST_ENTRY(u->users.next, struct app_user, link));
    free(u);
    return NULL;
}

static int user_rename(struct app_user *user, const char *nick_name, const char *avatar)
{
    CLEANUP(freep) char *nick = strdup(nick_name);
    CLEANUP(freep) char *picture = strdup(avatar);

    if (!nick || !picture)
        return -ENOMEM;
    free(user->nick_name);
    free(user->avatar);
    user->nick_name = TAKE(nick);
    user->avatar = TAKE(picture);
    return 0;
}

int app_users_login(struct app_users *u, const struct config_app *app, const char *open_id,
                    const char *nick_name, const char *avatar, struct app_user **ret_user)
{
    CLEANUP(user_freep) struct app_user *user = NULL;
    int e;

    LIST_FOR_EACH (n, &u->users) {
        struct app_user *known = LIST_ENTRY(n, struct app_user, link);

        if (known->app == app && strcmp(known->open_id, open_id) == 0) {
            e = user_rename(known, nick_name, avatar);
            if (e == 0)
                *ret_user = known;
            return e;
        }
    }

    user = calloc(1, sizeof(*user));
    if (!user)
        return -ENOMEM;
    user->app = app;
    user->open_id = strdup(open_id);
    if (!user->open_id)
        return -ENOMEM;
    e = user_rename(user, nick_name, avatar);
    if (e < 0)
        return e;
    (void) snprintf(user->id, sizeof(user->id), "%llu", 100000 + (unsigned long long) ++u->last_id);
    if (u->n_users == APP_USERS_MAX)
        user_remove(u, LIST_ENTRY(u->users.next, struct app_user, link));
    list_append(&u->users, &user->link);
    u->n_users++;
    *ret_user = TAKE(user);
    return 0;
}

int app_users_add_token(struct app_users *u, struct app_user *user, uint64_t expire_s,
                        char ret_token[APP_TOKEN_LEN + 1])
{
    CLEANUP(freep) struct token *t = calloc(1, sizeof(*t));
    int e;

    if (!t)
        return -ENOMEM;
    e = sign_random_hex(t->text, APP_TOKEN_LEN);
    if (e < 0)
        return e;
    t->user = user;
    t->expire_s = expire_s;
    memcpy(ret_token, t->text, sizeof(t->text));
    if (u->n_tokens == APP_TOKENS_MAX)
        token_free(u, LIST_ENTRY(u->tokens.next, struct token, link));
    list_append(&u->tokens, &t->link);
    u->n_tokens++;
    t = NULL;
    return 0;
}

struct app_user *app_users_find_token(struct app_users *u, const char *token, uint64_t now_s)
{
    LIST_FOR_EACH_SAFE (n, &u->tokens) {
        struct token *t = LIST_ENTRY(n, struct token, link);

        if (t->expire_s <= now_s)
            token_free(u, t);
        else if (strcmp(t->text, token) == 0)
            return t->user;
    }
    return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_BINDS_H
#define IOTD_LOCALCLOUD_BINDS_H

/*
 * Which family a device belongs to, and the tokens by which apps pair devices over Wi-Fi. In
 * memory; tokens are bounded, oldest dropped.
 */

#include <stdbool.h>
#include <stdint.h>

#include "examples/localcloud/clock.h"
#include "examples/localcloud/config.h"
#include "libiotclient/base/list.h"

#define BINDS_TOKENS_MAX 1000
#define BINDS_TOKEN_LEN 32     /* the vendor's clients take no more */
#define BINDS_TOKEN_LIFE_S 600 /* own choice */
#define BINDS_NAME_MAX 64      /* own choice: family and room */

struct binds;

struct bind {
    char family[BINDS_NAME_MAX + 1]; /* "": not bound */
    char room[BINDS_NAME_MAX + 1];
    char user[24];
    uint64_t time_s;
};

struct bind_token {
    struct list link; /* oldest first */
    uint64_t expire_s;
    const struct config_device *device; /* that sent it: usable; NULL: initial */
    char text[BINDS_TOKEN_LEN + 1];
};

int binds_new(struct binds **ret_binds, const struct config *config,
              const struct cloud_clock *clock) MUST_CHECK;
struct binds *binds_free(struct binds *b);
DEFINE_FREEP(struct binds, binds_free)

/* NULL when it is bound to nobody. */
const struct bind *binds_get(const struct binds *b, const struct config_device *device);
/* Takes the place of a binding before. -EINVAL: a name is too long or empty. */
int binds_set(struct binds *b, const struct config_device *device, const char *family,
              const char *room, const char *user) MUST_CHECK;
void binds_clear(struct binds *b, const struct config_device *device);

int binds_new_token(struct binds *b, char ret_token[BINDS_TOKEN_LEN + 1]) MUST_CHECK;
/* -ENOENT; -ETIME: it has expired. */
int binds_find_token(struct binds *b, const char *text, struct bind_token **ret_token) MUST_CHECK;
void binds_remove_token(struct binds *b, struct bind_token *token);

#endif /* IOTD_LOCALCLOUD_BINDS_H */

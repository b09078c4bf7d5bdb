/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_ANSWERS_H
#define IOTD_CORE_ANSWERS_H

/*
 * What was answered to the latest commands, so that a redelivered one is answered again and not
 * executed again. A command is the same when its clientToken and its content are: tokens alone
 * repeat, since some clients count from 0 at each start.
 */

#include <stdbool.h>
#include <stdint.h>

#include "libiotclient/base/limits.h"

struct answer {
    char token[LIMIT_CLIENT_TOKEN + 1];
    uint64_t content; /* fingerprint of what was asked */
    int code;
    char text[LIMIT_STATUS_TEXT + 1];
    char *response; /* of an action; NULL for a control */
};

struct answers {
    struct answer ring[LIMIT_REMEMBERED_ANSWERS];
    unsigned next;
};

void answers_init(struct answers *as);
void answers_done(struct answers *as);
/* NULL when this command was not answered lately. */
const struct answer *answers_find(const struct answers *as, const char *token, uint64_t content);
/* Keeps the newest content of a token only. Without memory it is not remembered. */
void answers_add(struct answers *as, const char *token, uint64_t content, int code,
                 const char *text, const char *response);

/* FNV-1a over a text, to tell contents apart; not for anything that must withstand an attacker. */
uint64_t answers_fingerprint(const char *method, const char *text);

#endif /* IOTD_CORE_ANSWERS_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void answers_init(struct answers *as)
{
    memset(as, 0, sizeof(*as));
}

void answers_done(struct answers *as)
{
    for (unsigned i = 0; i < LIMIT_REMEMBERED_ANSWERS; i++)
        free(as->ring[i].response);
    answers_init(as);
}

static struct answer *find_token(const struct answers *as, const char *token)
{
    for (unsigned i = 0; i < LIMIT_REMEMBERED_ANSWERS; i++) {
        const struct answer *a = &as->ring[i];

        if (a->token[0] && strcmp(a->token, token) == 0)
            return (struct answer *) (uintptr_t) a;
    }
    return NULL;
}

const struct answer *answers_find(const struct answers *as, const char *token, uint64_t content)
{
    const struct answer *a = find_token(as, token);

    return a && a->content == content ? a : NULL;
}

void answers_add(struct answers *as, const char *token, uint64_t content, int code,
                 const char *text, const char *response)
{
    struct answer *a;
    char *copy = NULL;

    if (!token[0])
        return;
    if (response) {
        copy = strdup(response);
        if (!copy)
            return;
    }
    a = find_token(as, token);
    if (!a) {
        a = &as->ring[as->next];
        as->next = (as->next + 1) % LIMIT_REMEMBERED_ANSWERS;
    }
    free(a->response);
    *a = (struct answer){.content = content, .code = code, .response = copy};
    (void) snprintf(a->token, sizeof(a->token), "%s", token);
    (void) snprintf(a->text, sizeof(a->text), "%s", text);
}

uint64_t answers_fingerprint(const char *method, const char *text)
{
    const char *const parts[] = {method, text};
    uint64_t h = 0xcbf29ce484222325ULL;

    for (unsigned i = 0; i < 2; i++) {
        for (const char *p = parts[i]; *p; p++)
            h = (h ^ (unsigned char) *p) * 0x100000001b3ULL;
        h = (h ^ 0xff) * 0x100000001b3ULL;
    }
    return h;
}

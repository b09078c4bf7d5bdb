/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_ANSWERS_H
#define IOTD_CORE_ANSWERS_H

/*
 * What was answered to the latest commands, so that a redelivered one is answered again and not
 * executed again, also after a restart; and until the cloud has acknowledged an answer, so that
 * it is sent even if the daemon dies before. A command is the same when its clientToken and its
 * content are: tokens alone repeat, since some clients count from 0 at each start.
 *
 * Each change goes at once into a slot of a file beside the database, and goes into the database
 * with whatever is saved there next. What does not fit into a slot is a transaction of its own.
 * The one of the two that was taken later, or is further on, is the truth.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/core/persist.h"
#include "libiotclient/base/limits.h"

enum answer_kind {
    ANSWER_CONTROL,
    ANSWER_ACTION,
    ANSWER_FENCE, /* to a fence alarm */
};

enum answer_state {
    ANSWER_FREE,
    ANSWER_PENDING, /* a program works on it */
    ANSWER_GIVEN,   /* the cloud may not have it yet */
    ANSWER_ARRIVED,
};

struct answer {
    struct list order;  /* of all slots by the time of taking, the oldest first */
    struct list unsent; /* of those given, until they are given to the session */
    struct list bucket; /* of tokens like its own */
    enum answer_state state;
    bool unsaved;
    bool saving;
    uint64_t taken;
    char token[LIMIT_CLIENT_TOKEN + 1];
    uint64_t content; /* fingerprint of what was asked */
    enum answer_kind kind;
    int code;
    char text[LIMIT_STATUS_TEXT + 1];
    /*
     * Of an action. Of a control that was accepted, until the database has them: the values that it
     * set, a line "id=JSON" each.
     */
    char *response;
    uint64_t stamp_us; /* of the answer, CLOCK_REALTIME */
};

#define ANSWERS_BUCKETS 128

struct slots;

struct answers {
    struct answer ring[LIMIT_REMEMBERED_ANSWERS];
    struct list buckets[ANSWERS_BUCKETS]; /* all slots, by token */
    struct list order, unsent;
    uint64_t n_taken;
    struct persist *persist; /* borrowed: core */
    struct persist_part part;
    struct slots *file; /* beside the database; NULL: each change is a transaction */
    struct log_limit log_limit;
};

/* Takes up those of an earlier run. */
int answers_init(struct answers *as, struct persist *persist) MUST_CHECK;
void answers_done(struct answers *as);

/* NULL when this command is not known. */
const struct answer *answers_find(struct answers *as, const char *token, uint64_t content);
/* A command is begun: known as pending when this returned, also after a kill. */
void answers_begin(struct answers *as, const char *token, uint64_t content, enum answer_kind kind);
/*
 * It is answered, and known as that when this returned, also after a kill: nobody ever hears two
 * different answers. Of a token the newest content is kept. response may be NULL; of a control it
 * has the values that it set, for persist_relax(): they are properties after a kill, too.
 * false: without memory, or a token, it is not remembered; nobody sends it later.
 */
bool answers_give(struct answers *as, const char *token, uint64_t content, enum answer_kind kind,
                  int code, const char *text, const char *response);
/* One that was pending when an earlier run ended; NULL when there is none left. */
const struct answer *answers_next_pending(const struct answers *as);
/* The oldest that was given and not to the session yet; NULL when there is none. */
struct answer *answers_next_unsent(struct answers *as);
/* The session has it, and repeats it until it is acknowledged. */
void answers_sending(struct answer *a);
/* The cloud has the one that took its slot with that number. */
void answers_arrived(struct answers *as, uint64_t taken);

#endif /* IOTD_CORE_ANSWERS_H */

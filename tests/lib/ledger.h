/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_LEDGER_H
#define IOTD_TESTS_LEDGER_H

/*
 * The books of a storm: what programs posted and were promised, what programs were asked to do,
 * and what the cloud saw of both over all of its lives. Events are counted by an id that the
 * programs put into a parameter, "program.class.number".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "tests/lib/cloud-fixture.h"

#define LEDGER_PROGRAMS 3
#define LEDGER_CLASSES 2 /* info, alert */
#define LEDGER_TOKEN 130
#define LEDGER_ID 32

enum ledger_state {
    LEDGER_SENT,
    LEDGER_PROMISED, /* the post was answered with a token */
    LEDGER_REFUSED,  /* it failed, or iotd died: may or may not be there */
};

struct ledger_post {
    enum ledger_state state;
    uint32_t serial; /* of the D-Bus call */
    uint64_t token;
    char client_token[LEDGER_TOKEN]; /* under which the cloud saw it */
    unsigned arrival;                /* of the first time; 0: not seen */
    unsigned n_seen;
    unsigned n_others; /* under another clientToken: twice */
    unsigned n_ended;  /* completions */
    unsigned last_run; /* of iotd that told one */
    int code;
};

struct ledger_control {
    char token[LEDGER_TOKEN];
    unsigned life; /* of the cloud that sent it last; 0: none was seen to */
    unsigned n_down;
    unsigned n_executed[LEDGER_PROGRAMS]; /* one may be split among programs */
    unsigned n_replies;
    int code;
    bool contradicted; /* replies that differ */
};

struct ledger {
    struct ledger_post *posts[LEDGER_PROGRAMS][LEDGER_CLASSES];
    size_t n_posts[LEDGER_PROGRAMS][LEDGER_CLASSES];
    struct ledger_control *controls;
    size_t n_controls;
    unsigned n_arrivals;
    size_t n_sent, n_promised, n_refused, n_ended; /* posts */
    unsigned life;                                 /* of the cloud, from 1 */
    unsigned run;                                  /* of iotd, from 1 */
    uint64_t journal_next;
};

void ledger_init(struct ledger *l);
void ledger_done(struct ledger *l);

/* A new post, and the text that is its id. Valid until the next one. */
struct ledger_post *ledger_new_post(struct ledger *l, unsigned program, unsigned class,
                                    char ret_id[LEDGER_ID]);
/* NULL when it is none of the program's. */
struct ledger_post *ledger_find_serial(struct ledger *l, unsigned program, uint32_t serial);
struct ledger_post *ledger_find_token(struct ledger *l, unsigned program, uint64_t token);
/* How the post was answered. */
void ledger_promised(struct ledger *l, struct ledger_post *post, uint64_t token);
void ledger_refused(struct ledger *l, struct ledger_post *post);
/* Its program heard how it ended. */
void ledger_ended(struct ledger *l, struct ledger_post *post, int code);
/* The program was asked to do what has this clientToken. */
void ledger_executed(struct ledger *l, unsigned program, const char *token);
/* What the cloud's journal has since the last time. */
void ledger_read(struct ledger *l, struct cloud_fixture *cloud);
/* The cloud was started again, and knows nothing. */
void ledger_new_life(struct ledger *l);

/* Down controls of the cloud's last life that wait for a reply. */
size_t ledger_n_open_controls(const struct ledger *l);
/* Everything that was promised; what is wrong fails the running test. */
void ledger_check(const struct ledger *l);

#endif /* IOTD_TESTS_LEDGER_H */

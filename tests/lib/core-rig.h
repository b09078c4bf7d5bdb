/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_CORE_RIG_H
#define IOTD_TESTS_CORE_RIG_H

/* A rig with the core on top: two programs, a front that does what the test says. */

#include "daemon/core/core.h"
#include "tests/lib/rig.h"

/* Indices of rig_model_text. */
enum { P_POWER, P_LEVEL, P_COLOR, P_NAME, P_TEMP, P_SINCE };
enum { E_STATUS, E_LOW, E_BROKEN };
enum { A_UNLOCK, A_PING };

#define CRIG_TOLD 2048

struct crig_told {
    char peer[16];
    uint64_t token;
    int code;
    char text[80];
};

struct crig {
    struct rig rig;
    struct model *model;
    struct db *db;
    struct core *core;
    struct client *lamp, *door; /* ":1.1", ":1.2" */
    struct crig_told told[CRIG_TOLD];
    unsigned n_told;
    /* The front. */
    int deliver_result;
    struct call_part *parts[128]; /* delivered and neither answered nor cancelled */
    unsigned n_parts, n_delivered, n_cancelled, n_controlled;
    char delivered[256]; /* the latest: "level=5 name=x", "unlock open=1 user=me" */
    int start_result;
    unsigned n_started;
    char started[256]; /* the latest program that is to be started */
    unsigned n_fences;
    char fence[320]; /* the latest: type, condition, name, time, long/lat, timestamp; - and -1 */
    char controlled[256]; /* the latest that no program serves */
};

extern struct crig crig;

/* Link down, no program registered; the settings are the defaults of the daemon. */
void crig_begin(void);
/* The same with another model. */
void crig_begin_with(const char *model_text);
void crig_end(void);
/* Registers ids (of one kind) with a handler. */
void crig_serve(struct client *c, enum feature f, const char *id);
/* A program ends. The lamp or the door is NULL then. */
void crig_remove(struct client **c);

/* The end of a token, NULL while it is open. */
const struct crig_told *crig_end_of(uint64_t token);
/* Answers a delivered part, and takes it out of the list. */
void crig_answer(unsigned i, int code, const char *text, const struct value *outputs);

#endif /* IOTD_TESTS_CORE_RIG_H */

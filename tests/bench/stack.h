/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_BENCH_STACK_H
#define IOTD_TESTS_BENCH_STACK_H

/*
 * iotd without its doors, in the program that measures: the real loop, the real link and, where
 * asked for, the core on a real database. One device of a local cloud each.
 */

#include "daemon/core/core.h"
#include "daemon/sys/loop_lws.h"
#include "tests/lib/cloud-fixture.h"

/* The local cloud with these many devices, and without a limit of messages. */
struct cloud_fixture *stack_cloud_start(unsigned n_devices);

struct ident *stack_ident_new(unsigned device);
struct signer *stack_signer_new(const struct ident *ident);

struct stack {
    struct loop_lws *loop; /* borrowed */
    struct ident *ident;
    struct signer *signer;
    struct link *link;
    struct model *model;
    struct db *db;
    struct core *core;
    const struct model_event *event; /* "status_report" */
};

/* url: of the cloud; the settings are the defaults of the daemon. The link is off. */
void stack_init_link(struct stack *s, struct loop_lws *loop, const char *url, unsigned device);
/* Adds the core, with a new database file of that name in the test's directory and no outbox.rate.
 */
void stack_init_core(struct stack *s, const char *db_name);
void stack_done(struct stack *s);

/* The event that all benchmarks post: a bool and 40 characters, params as it travels. */
#define STACK_EVENT "status_report"
#define STACK_PARAMS "{\"status\":0,\"message\":\"the door to the garden was left open!!!!\"}"

#endif /* IOTD_TESTS_BENCH_STACK_H */

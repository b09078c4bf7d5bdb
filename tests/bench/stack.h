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

/*
 * The local cloud with these many devices, without a limit of messages, and without a journal
 * that somebody reads meanwhile, as that of lib/cloud-fixture.h has. It listens on return.
 */
struct stack_cloud;
struct stack_cloud *stack_cloud_start(unsigned n_devices);
struct stack_cloud *stack_cloud_stop(struct stack_cloud *c);
/* As a crash; and starting it again on the same port. */
void stack_cloud_kill(struct stack_cloud *c);
void stack_cloud_run(struct stack_cloud *c);
const char *stack_cloud_url(const struct stack_cloud *c); /* borrowed */

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
#define STACK_PEER ":1.42"
#define STACK_SCOPE "bench"
#define STACK_EVENT "status_report"
#define STACK_PARAMS "{\"status\":0,\"message\":\"the door to the garden was left open!!!!\"}"

#endif /* IOTD_TESTS_BENCH_STACK_H */

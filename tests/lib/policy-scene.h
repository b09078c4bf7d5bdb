/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_POLICY_SCENE_H
#define IOTD_TESTS_POLICY_SCENE_H

/*
 * iotd without a cloud on a bus with dbus/org.iotd1.conf, and programs of several users. The
 * policy names the user and the group iotd, which the machine need not have: users that every
 * Debian has play them. Only root can be other users, so it skips for others.
 */

#include "tests/lib/bus-client.h"
#include "tests/lib/proc.h"

#define POLICY_OWNER "daemon" /* iotd's user */
#define POLICY_GROUP "games"  /* who may talk to it: access.group, too */
#define POLICY_PERSON "nobody"
#define POLICY_GUEST "bin"

struct policy {
    char dir[64]; /* others can read it */
    char address[128];
    struct proc *bus;
    struct proc *daemon;
    struct bus_client *root;
};

void policy_start(struct policy *p);
void policy_stop(struct policy *p);

/* A file of access.d; iotd does not hear of it. */
void policy_rules(const struct policy *p, const char *name, const char *text);

/* Runs as user; group: one that it is also in, or NULL. */
struct proc *policy_start_as(const char *user, const char *group, const char *const *args);
/* A connection of the test's own, as that user. */
struct bus_client *policy_client_as(const char *user, const char *group);
/* The name of the error that a call of somebody gets; "" for a reply. */
char *policy_call_as(const char *user, const char *group, const char *destination, const char *path,
                     const char *member, const char *a, const char *b);

#endif /* IOTD_TESTS_POLICY_SCENE_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_LINK_STEPS_H
#define IOTD_TESTS_LINK_STEPS_H

/*
 * The steps of a link from off to up, one at a time, for tests of the link itself. Linked into
 * the program, since its resolver takes the place of daemon/net/resolve.c.
 */

#include "tests/lib/rig.h"

extern struct rig steps_rig;
extern struct wire_packet steps_p; /* the packet that a step or a test looked at last */
extern int steps_resolve_result;   /* what the next resolve_start() returns */
extern char steps_host[256];       /* that was asked for last */

/* A rig with the filters "a/+" QoS 1 and "b" QoS 0. */
void steps_begin(void);
void steps_end(void);

struct link_info steps_info(void);
enum link_state steps_state(void);

void steps_enable(void);
bool steps_is_resolving(void);
/* The resolver answers with 192.0.2.1 and so on. */
void steps_resolved(unsigned n_addresses, const char *reason);
/* Each from the state resolving on. */
void steps_reach_opening(void);
void steps_reach_login(void);
void steps_reach_up(bool session_present);
/* Waits for the next attempt, and how long it took. */
uint64_t steps_wait_us(void);

#endif /* IOTD_TESTS_LINK_STEPS_H */

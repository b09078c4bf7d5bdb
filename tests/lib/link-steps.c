/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/link-steps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/net/resolve.h"
#include "daemon/sys/clock.h"
#include "tests/lib/suite.h"

struct resolve {
    resolve_fn fn;
    void *userdata;
};

static struct resolve *resolving; /* NULL: nobody asks */

struct rig steps_rig;
struct wire_packet steps_p;
int steps_resolve_result;
char steps_host[256];

int resolve_start(struct resolve **ret_resolve, struct loop *loop, const char *host, resolve_fn fn,
                  void *userdata)
{
    struct resolve *r;

    (void) loop;
    if (steps_resolve_result < 0)
        return steps_resolve_result;
    r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    *r = (struct resolve){fn, userdata};
    (void) snprintf(steps_host, sizeof(steps_host), "%s", host);
    resolving = *ret_resolve = r;
    return 0;
}

struct resolve *resolve_free(struct resolve *r)
{
    if (r == resolving)
        resolving = NULL;
    free(r);
    return NULL;
}

bool steps_is_resolving(void)
{
    return resolving;
}

void steps_resolved(unsigned n_addresses, const char *reason)
{
    struct resolve_result result = {.n_addresses = n_addresses};
    struct resolve *r = resolving;

    CHECK(r);
    if (!r)
        return;
    for (unsigned i = 0; i < n_addresses; i++)
        (void) snprintf(result.addresses[i], sizeof(result.addresses[i]), "192.0.2.%u", i + 1);
    resolving = NULL;
    r->fn(&result, reason, r->userdata);
}

struct link_info steps_info(void)
{
    struct link_info i;

    link_get_info(steps_rig.link, &i);
    return i;
}

enum link_state steps_state(void)
{
    return steps_info().state;
}

void steps_begin(void)
{
    steps_resolve_result = 0;
    rig_init(&steps_rig);
    CHECK_INT(link_add_filter(steps_rig.link, "a/+", 1), 0);
    CHECK_INT(link_add_filter(steps_rig.link, "b", 0), 0);
}

void steps_end(void)
{
    rig_done(&steps_rig);
    CHECK(!resolving);
}

void steps_enable(void)
{
    link_enable(steps_rig.link);
    rig_advance(&steps_rig, 0);
}

void steps_reach_opening(void)
{
    CHECK_INT(steps_state(), LINK_STATE_RESOLVING);
    steps_resolved(1, NULL);
    CHECK_INT(steps_state(), LINK_STATE_OPENING);
    CHECK(steps_rig.net.opening);
}

void steps_reach_login(void)
{
    steps_reach_opening();
    fake_transport_accept(&steps_rig.net);
    CHECK_INT(steps_state(), LINK_STATE_LOGIN);
    CHECK(rig_next(&steps_rig, &steps_p) && steps_p.type == 1);
}

void steps_reach_up(bool session_present)
{
    steps_reach_login();
    rig_feed_connack(&steps_rig, session_present, 0);
    while (steps_state() == LINK_STATE_SUBSCRIBING && rig_next(&steps_rig, &steps_p))
        rig_feed_suback(&steps_rig, steps_p.id, steps_p.qos);
    CHECK_INT(steps_state(), LINK_STATE_UP);
}

uint64_t steps_wait_us(void)
{
    uint64_t next = steps_info().next_try_real_us, now = clock_real_us();
    uint64_t us = next > now ? next - now : 0;

    CHECK(next > 0 && us <= 120 * USEC_PER_SEC);
    if (us > 0)
        rig_advance(&steps_rig, us - 1);
    CHECK(us == 0 || steps_state() >= LINK_STATE_WAITING);
    rig_advance(&steps_rig, us > 0);
    CHECK_INT(steps_state(), LINK_STATE_RESOLVING);
    CHECK_INT(steps_info().next_try_real_us, 0);
    return us;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/front/bus_access.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front/bus_internal.h"
#include "daemon/sys/log.h"

LOG_AREA("access");

static struct access_verdict decide(const struct bus *bus, const struct bus_peer *p,
                                    enum access_verb verb, const char *id)
{
    const struct access_subject subject = {
        .uid = p->uid,
        .gids = p->gids,
        .n_gids = p->n_gids,
        .has_gids = p->has_gids,
        .exe = p->exe,
    };

    return access_decide(&bus->core->access, &subject, verb, id);
}

bool bus_access_may(const struct bus *bus, const struct bus_peer *p, enum access_verb verb,
                    const char *id)
{
    return p && p->known && decide(bus, p, verb, id).allowed;
}

/* The same refusal of the same peer is told once; it remembers some. */
static bool is_told(struct bus_peer *p, enum access_verb verb, const char *id)
{
    struct bus_refusal *r;

    for (size_t i = 0; i < ARRAY_SIZE(p->refusals); i++) {
        if (p->refusals[i].is_used && p->refusals[i].verb == verb &&
            strcmp(p->refusals[i].id, id) == 0)
            return true;
    }
    r = &p->refusals[p->n_refusals++ % ARRAY_SIZE(p->refusals)];
    *r = (struct bus_refusal){.is_used = true, .verb = verb};
    (void) snprintf(r->id, sizeof(r->id), "%s", id);
    return false;
}

int bus_access_check(struct bus *bus, struct bus_peer *p, enum access_verb verb, const char *id,
                     char detail[BUS_ACCESS_DETAIL])
{
    struct access_verdict v;

    if (!p || !p->known) {
        (void) snprintf(detail, BUS_ACCESS_DETAIL, "the bus does not say who the caller is");
        return -EACCES;
    }
    v = decide(bus, p, verb, id);
    if (v.allowed)
        return 0;
    (void) snprintf(detail, BUS_ACCESS_DETAIL, "%s%s%s: %s", access_verb_name(verb), *id ? " " : "",
                    id, v.rule);
    if (!is_told(p, verb, id))
        log_warn_limited(&bus->refusals, "refused name=%s uid=%u pid=%u verb=%s id=%s rule=\"%s\"",
                         p->name, p->uid, p->pid, access_verb_name(verb), id, v.rule);
    return -EACCES;
}

static void share_with(struct bus *bus, const struct bus_peer *p, const struct bus_news *news,
                       const size_t *hidden, size_t n_hidden, size_t *scratch)
{
    size_t n = 0;

    for (size_t i = 0; i < n_hidden; i++) {
        if (bus_access_may(bus, p, ACCESS_READ, news->id(hidden[i], news->data)))
            scratch[n++] = hidden[i];
    }
    if (n > 0)
        news->send(bus, p->name, scratch, n, news->data);
}

void bus_access_share(struct bus *bus, const struct bus_news *news, size_t n)
{
    CLEANUP(freep) size_t *indices = calloc(n ? 2 * n : 1, sizeof(*indices));
    size_t n_open = 0, n_hidden = 0, *hidden;

    if (!indices) {
        log_warn("news not told error=\"%s\"", strerror(ENOMEM));
        return;
    }
    hidden = indices + n;
    for (size_t i = 0; i < n; i++) {
        if (access_hides(&bus->core->access, news->id(i, news->data)))
            hidden[n_hidden++] = i;
        else
            indices[n_open++] = i;
    }
    if (n_open > 0)
        news->send(bus, NULL, indices, n_open, news->data);
    if (n_hidden == 0)
        return;
    LIST_FOR_EACH (node, &bus->peers.list)
        share_with(bus, LIST_ENTRY(node, struct bus_peer, link), news, hidden, n_hidden, indices);
}

void bus_access_changed(struct bus *bus)
{
    bus_peers_review(bus);
    bus_peers_limit(bus);
    LIST_FOR_EACH (node, &bus->peers.list) {
        struct bus_peer *p = LIST_ENTRY(node, struct bus_peer, link);

        memset(p->refusals, 0, sizeof(p->refusals)); /* a new rule says so */
        if (!bus_access_may(bus, p, ACCESS_MONITOR, ""))
            bus_link_forget_monitor(bus, p->name);
    }
    bus_shm_review(bus);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FRONT_BUS_ACCESS_H
#define IOTD_FRONT_BUS_ACCESS_H

/* The rules of core/access for the peers of the bus: refusing, telling the log, sharing news. */

#include "daemon/core/access.h"
#include "daemon/front/bus_peer.h"

#define BUS_ACCESS_DETAIL 512

/*
 * @param p       NULL: nobody that is known
 * @param detail  on a refusal: what was refused, and which rule said so
 * @return 0; -EACCES, which is on the log
 */
int bus_access_check(struct bus *bus, struct bus_peer *p, enum access_verb verb, const char *id,
                     char detail[BUS_ACCESS_DETAIL]) MUST_CHECK;
/* The same without a word. */
bool bus_access_may(const struct bus *bus, const struct bus_peer *p, enum access_verb verb,
                    const char *id);

/* News about n ids: those at the indices go to one peer, or to everybody (NULL). */
struct bus_news {
    const char *(*id)(size_t i, const void *data);
    void (*send)(struct bus *bus, const char *peer, const size_t *indices, size_t n,
                 const void *data);
    const void *data;
};

/*
 * What no rule hides is sent to everybody at once, the rest to each peer that may read it. A peer
 * is known once it has attached, or called.
 */
void bus_access_share(struct bus *bus, const struct bus_news *news, size_t n);

#endif /* IOTD_FRONT_BUS_ACCESS_H */

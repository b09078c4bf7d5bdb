/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_SHM_RING_H
#define IOTD_LIBIOTCLIENT_SHM_RING_H

/*
 * The rings, as the client's thread uses them: records up (reports, posts, answers), records down
 * (tokens, completions, controls and calls).
 *
 * What has to keep its order but is too large for a record goes over the bus, where it would not
 * be in order with records: it waits until all that was sent before is answered, and what comes
 * after it waits until it is.
 */

#include <iotclient/client.h>

#include "libiotclient/base/list.h"
#include "libiotclient/base/macro.h"
#include "libiotclient/ipc/pack.h"

/* A completion that came before the token that it is of: that one goes over the bus. */
struct early_completion {
    uint64_t token;
    int result;
};

struct rings {
    uint8_t *record;     /* that is being handled */
    uint32_t last_id;    /* of what was sent */
    bool wants_room;     /* something waits for room in the ring up */
    bool must_ring;      /* something was written since the bell */
    bool is_broken;      /* found while sending; the next turn ends it */
    bool is_held_up;     /* something waits for what was sent before */
    bool wants_bus;      /* a large one does: nothing is sent before it any more */
    bool reports_first;  /* it is a report: posts do not come before it for once */
    unsigned n_sent;     /* records that want a token and have none yet */
    unsigned n_by_bus;   /* the same of what went over the bus */
    struct list answers; /* wait for room */
    unsigned n_answers;
    struct early_completion *early; /* while n_by_bus; NULL else */
    size_t n_early;
};

/* Writes the items of a record; the same bytes each time. */
typedef void (*shm_fill_fn)(struct pack_writer *w, const void *data);

void shm_ring_init(struct rings *rings);
void shm_ring_done(iotc_client *client);
/* There is shared memory. -ENOMEM */
int shm_ring_on_attached(iotc_client *client) MUST_CHECK;
/* What waited for that iotd is forgotten; posts and reports know themselves. */
void shm_ring_on_detached(iotc_client *client);

/*
 * Sends what wants a token.
 * @param type  LAYOUT_UP_...
 * @return 0; -EBUSY not now: the client is flushed when it is time; -EMSGSIZE: shm_ring_may_bus()
 */
int shm_ring_send(iotc_client *client, uint32_t type, shm_fill_fn fill, const void *data,
                  uint32_t *ret_id) MUST_CHECK;
/* The token of a record, or the refusal, has come. */
void shm_ring_answered(iotc_client *client);
/* Whether it may go over the bus now: else the client is flushed when it is time. */
bool shm_ring_may_bus(iotc_client *client, bool is_report);
void shm_ring_by_bus(iotc_client *client);
/* The bus has answered. If it was a token: whether its completion has come already. */
bool shm_ring_bus_answered(iotc_client *client, uint64_t token, int *ret_result);

/* Answers a record of iotd, once there is room. 0; -EMSGSIZE; -ENOMEM */
int shm_ring_answer(iotc_client *client, uint32_t id, int32_t code, shm_fill_fn fill,
                    const void *data) MUST_CHECK;

/* Rings for what was written: once for all of a turn. */
void shm_ring_bell(iotc_client *client);
/* Handles records of iotd, a bounded number. */
void shm_ring_dispatch(iotc_client *client);
bool shm_ring_has_work(const iotc_client *client);

#endif /* IOTD_LIBIOTCLIENT_SHM_RING_H */

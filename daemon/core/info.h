/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_INFO_H
#define IOTD_CORE_INFO_H

/*
 * What programs tell about the device itself (device guide, basic information): kept over
 * restarts, sent as report_info whenever it is not what the cloud has.
 */

#include "daemon/cloud/thing.h"
#include "daemon/core/persist.h"
#include "daemon/store/db.h"

#define INFO_MAX 2048     /* own choice: bytes of all of it as JSON */
#define INFO_TEXT_MAX 128 /* own choice: bytes of one member */
#define INFO_PROBLEM_MAX 96

struct info {
    struct loop *loop;   /* borrowed: manager */
    struct thing *thing; /* borrowed: core, as persist */
    struct persist *persist;
    struct persist_part part;
    json_t *members;  /* owned; an object of texts, and of objects of texts */
    unsigned version; /* of members */
    unsigned sent;    /* the version that request is about */
    bool confirmed;   /* the cloud has these */
    bool refused;     /* it does not want them: not sent again before they change */
    bool unsaved;
    struct request request;
    struct loop_timer timer; /* sends */
    uint64_t sent_us;
};

/* Loads what was kept. */
int info_init(struct info *info, struct loop *loop, struct thing *thing, struct persist *persist,
              struct db *db) MUST_CHECK;
void info_done(struct info *info);

/*
 * Changes members; the rest stays. A member that is null or "" is forgotten. On disk on return; on
 * failure nothing changed.
 * @param update  an object; borrowed
 * @param problem filled when it is refused
 * @return 0; -EPROTOTYPE another type; -EINVAL no such member; -EMSGSIZE too long; -EIO;
 *         -ENOMEM
 */
int info_update(struct info *info, const json_t *update, char problem[INFO_PROBLEM_MAX]) MUST_CHECK;
/* All of it as JSON text, "{}" when there is none; the text is the caller's. */
int info_text(const struct info *info, char **ret_text) MUST_CHECK;
/* Sends what the cloud does not have, after each connect. */
void info_send(struct info *info);

#endif /* IOTD_CORE_INFO_H */

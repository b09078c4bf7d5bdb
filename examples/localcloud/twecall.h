/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_TWECALL_H
#define IOTD_LOCALCLOUD_TWECALL_H

/*
 * The platform's side of $twecall/up/service: tickets with which a device registers itself for
 * calls to WeChat, and the licence that it activates for them. What really happens behind it is
 * WeChat's; here a ticket is made of chance, and a licence lasts a year.
 */

#include <stddef.h>
#include <stdint.h>

#include "examples/localcloud/faults.h"
#include "examples/localcloud/journal.h"
#include "examples/localcloud/thing.h"

#define TWECALL_NAME_MAX 128                  /* own choice: model and mini-program ids */
#define TWECALL_LICENCE_S (365LL * 24 * 3600) /* own choice: the documents name none */

struct twecall;

struct twecall_deps {
    const struct config *config;
    const struct cloud_clock *clock;
    struct journal *journal;
    struct faults *faults;
    struct thing *thing;
};

int twecall_new(struct twecall **ret_twecall, const struct twecall_deps *deps) MUST_CHECK;
struct twecall *twecall_free(struct twecall *t);
DEFINE_FREEP(struct twecall, twecall_free)

void twecall_on_message(struct twecall *t, const struct config_device *device,
                        const uint8_t *payload, size_t len);
/* The licence of a device, or NULL; a new reference. */
json_t *twecall_json(const struct twecall *t, const struct config_device *device);

#endif /* IOTD_LOCALCLOUD_TWECALL_H */

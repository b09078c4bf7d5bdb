/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_UPDATER_H
#define IOTD_UPDATER_H

/*
 * What the update of the firmware has others do: downloads, signatures, installers.
 * Wiring: the core knows none of them.
 */

#include "daemon/core/update_parts.h"
#include "daemon/crypto/verify.h"

struct conf;
struct updater;

extern const struct update_ops updater_ops; /* their data is an updater */

/*
 * fetcher, key are borrowed; key NULL: images need no signature.
 * @param state_dir  where the image goes unless the settings say otherwise
 * @return 0; -ENOMEM; what finding state_dir failed with
 */
int updater_new(struct updater **ret_updater, struct loop *loop, struct fetcher *fetcher,
                const struct verify_key *key, const struct conf *conf,
                const char *state_dir) MUST_CHECK;
/* After the core. */
struct updater *updater_free(struct updater *updater);
DEFINE_FREEP(struct updater, updater_free)

/* Of the image, absolute; borrowed. */
const char *updater_dir(const struct updater *updater);
/* The one of the settings; NULL: a program registers. */
struct installer *updater_installer(const struct updater *updater);
/* The same where it is RAUC, for the bus; else NULL. */
struct installer *updater_rauc(const struct updater *updater);

/* Whether firmware.installer is one of the three; a text for people if not. */
const char *updater_installer_problem(const char *text);

#endif /* IOTD_UPDATER_H */

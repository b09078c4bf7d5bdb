/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FILER_H
#define IOTD_FILER_H

/* Files with the network and the settings of this daemon. Wiring: the core knows neither. */

#include "daemon/core/core.h"

struct conf;

/*
 * A device whose directory cannot be used does all the rest: it is told on the log, and there are
 * no files.
 * @param core       as fetcher borrowed; not changed
 * @param state_dir  where they go unless the settings say otherwise
 * @return 0; -ENOMEM
 */
int filer_new(struct files **ret_files, struct loop *loop, const struct core *core,
              struct fetcher *fetcher, const struct conf *conf, const char *state_dir) MUST_CHECK;
/* What can change at run time. */
void filer_configure(struct files *files, const struct conf *conf);

#endif /* IOTD_FILER_H */

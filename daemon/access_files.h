/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_ACCESS_FILES_H
#define IOTD_ACCESS_FILES_H

#include "daemon/conf/access_conf.h"
#include "daemon/conf/conf.h"

/*
 * Reads the rules: all *.conf of access.dir, in the order of their names. Mistakes are told on the
 * log, all of them. The installed directory need not be there.
 * @return 0; -EINVAL after telling; -ENOMEM
 */
int access_files_load(const struct conf *conf, struct access_conf **ret_access) MUST_CHECK;

#endif /* IOTD_ACCESS_FILES_H */

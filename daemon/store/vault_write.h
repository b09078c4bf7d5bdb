/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_STORE_VAULT_WRITE_H
#define IOTD_STORE_VAULT_WRITE_H

#include <stddef.h>

#include "libiotclient/base/macro.h"

/*
 * Replaces the file, or makes it: mode 0600, all of it or nothing, on the disk when this returns
 * (a power loss may bring the old file back before, never a part). A link is followed, so that
 * it stays a link.
 * @return 0; -ENAMETOOLONG; what the system says
 */
int vault_write(const char *path, const void *data, size_t len) MUST_CHECK;

/* Removes the file, also from the disk; one that is not there is removed. */
int vault_remove(const char *path) MUST_CHECK;

#endif /* IOTD_STORE_VAULT_WRITE_H */

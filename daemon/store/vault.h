/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_STORE_VAULT_H
#define IOTD_STORE_VAULT_H

#include "daemon/cloud/ident.h"

#define VAULT_PROBLEM 256

/*
 * Reads the vendor's device_info.json (device guide, device information file). The file must
 * belong to root or the caller and be readable by nobody else; in $CREDENTIALS_DIRECTORY its group
 * may read it, since systemd's ACLs look so. The secret of the device may be
 * missing when that of the product is there: the device has to register then. deviceName may be
 * a source of vault_name.h.
 * A certificate device names two PEM files relative to it: the certificate, and the private key,
 * which only the owner may read as well.
 * @param problem  on failure what is wrong and what to do, without the file's name
 * @return 0; -EACCES others may read it; -EINVAL malformed, a field is missing or bad; what
 *         opening failed with; -ENOMEM
 */
int vault_load(struct ident **ret_ident, const char *path, char problem[VAULT_PROBLEM]) MUST_CHECK;

/*
 * Reads the two files that a certificate device names; a path that is not absolute is relative to
 * path, the credentials. Nothing to do for others. As vault_load().
 */
int vault_load_files(struct ident *ident, const char *path, char problem[VAULT_PROBLEM]) MUST_CHECK;

/* The checked file as text; the caller wipes and frees it. */
int vault_read(const char *path, char **ret_data, size_t *ret_len,
               char problem[VAULT_PROBLEM]) MUST_CHECK;
/*
 * What a text says, without the files that it names; the caller wipes data. -EINVAL, -ENOMEM
 */
int vault_parse(struct ident **ret_ident, const char *data, size_t len,
                char problem[VAULT_PROBLEM]) MUST_CHECK;

#endif /* IOTD_STORE_VAULT_H */

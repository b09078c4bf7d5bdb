/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_STORE_VAULT_H
#define IOTD_STORE_VAULT_H

#include "daemon/cloud/ident.h"

#define VAULT_PROBLEM 256

/*
 * Reads the vendor's device_info.json (device guide, device information file). The file must
 * belong to root or the caller and be readable by nobody else.
 * A certificate device names two PEM files relative to it: the certificate, and the private key,
 * which only the owner may read as well.
 * @param problem  on failure what is wrong and what to do, without the file's name
 * @return 0; -EACCES others may read it; -EINVAL malformed, a field is missing or bad; what
 *         opening failed with; -ENOMEM
 */
int vault_load(struct ident **ret_ident, const char *path, char problem[VAULT_PROBLEM]) MUST_CHECK;

/*
 * The same from what the file holds, without the files that it names; the caller wipes data.
 * -EINVAL, -ENOMEM
 */
int vault_parse(struct ident **ret_ident, const char *data, size_t len,
                char problem[VAULT_PROBLEM]) MUST_CHECK;

#endif /* IOTD_STORE_VAULT_H */

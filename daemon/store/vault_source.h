/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_STORE_VAULT_SOURCE_H
#define IOTD_STORE_VAULT_SOURCE_H

/*
 * Where the credentials of this device are. There is the file that the operator gives (an option,
 * a systemd credential, the default), and a copy in the state directory for what iotd learns
 * where it may not write that file. The copy remembers which file it replaces, and counts while
 *  - there is no such file, or it is still the same; or
 *  - the file has no secret of its own and is for the same device.
 * So a file that the operator changes later wins again.
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/json/jx.h"
#include "daemon/store/vault.h"

#define VAULT_PATH 512

struct vault_source {
    char file[VAULT_PATH];
    char copy[VAULT_PATH];
    bool is_read_only; /* file is never written: a systemd credential */
};

/*
 * @param ret_path  the file that counts, or on failure the one with the mistake; borrowed
 * @return 0; -ENOENT there are none; as vault_load()
 */
int vault_source_load(const struct vault_source *source, struct ident **ret_ident,
                      const char **ret_path, char problem[VAULT_PROBLEM]) MUST_CHECK;

/* A file that the credentials name, written beside them. */
struct vault_file {
    const char *name;
    const void *data;
    size_t len;
};

/*
 * Keeps a document with its files: instead of the file if that may be written, else as the copy.
 * Whatever happens meanwhile, the credentials are the old or the new ones.
 * @param ret_path  where it is now; borrowed
 * @return 0; what the system says
 */
int vault_source_save(const struct vault_source *source, json_t *document,
                      const struct vault_file *files, size_t n_files, const char **ret_path,
                      char problem[VAULT_PROBLEM]) MUST_CHECK;

/* What the cloud gave to a device that registered; texts. psk, or certificate and key. */
struct vault_registration {
    const struct secret *psk;
    const struct secret *certificate, *key;
};

/*
 * Completes the credentials that ident came from, and keeps them.
 * -ESTALE when they are for another device by now.
 */
int vault_source_complete(const struct vault_source *source, const struct ident *ident,
                          const struct vault_registration *registration, const char **ret_path,
                          char problem[VAULT_PROBLEM]) MUST_CHECK;

#endif /* IOTD_STORE_VAULT_SOURCE_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_STORE_VAULT_CSV_H
#define IOTD_STORE_VAULT_CSV_H

#include <stdint.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/base/macro.h"

/*
 * One device of the file that the console gives out for a batch (console guide, mass production):
 * "ProductId, DeviceName, ProductSecret, DevicePsk, Status, QRCode". Columns are found by their
 * names, in any order; case, blanks and underscores do not matter, DeviceSecret and Psk are
 * DevicePsk. Without such a first line: ProductId, DeviceName, DevicePsk.
 */
struct vault_csv_device {
    char product_id[LIMIT_PRODUCT_ID + 1]; /* "" when there is none, also below */
    char device_name[LIMIT_DEVICE_NAME + 1];
    char product_secret[LIMIT_PRODUCT_SECRET + 1];
    char device_secret[LIMIT_DEVICE_SECRET + 1];
};

/*
 * text ends with a NUL at len.
 * @param line         1: the first device (not the line with the names); 0: not given
 * @param device_name  NULL: not given. Without both the file must have one device only.
 * @param problem      on failure what is wrong, without any secret
 * @return 0; -ENOENT no such device; -EINVAL
 */
#define VAULT_CSV_PROBLEM 160
int vault_csv_find(struct vault_csv_device *ret_device, const char *text, size_t len, uint64_t line,
                   const char *device_name, char problem[VAULT_CSV_PROBLEM]) MUST_CHECK;

#endif /* IOTD_STORE_VAULT_CSV_H */

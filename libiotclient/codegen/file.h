/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_CODEGEN_FILE_H
#define IOTD_CODEGEN_FILE_H

#include <stddef.h>

#include "libiotclient/base/macro.h"

/* The whole file. -ENOENT, …; -EFBIG above max; -EINVAL not a regular file. */
int file_read(const char *path, size_t max, char **ret_text, size_t *ret_len) MUST_CHECK;
/* In one step: who reads path sees the old or the new content. */
int file_write(const char *path, const char *text) MUST_CHECK;

#endif /* IOTD_CODEGEN_FILE_H */

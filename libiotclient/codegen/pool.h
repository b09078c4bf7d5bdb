/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_CODEGEN_POOL_H
#define IOTD_CODEGEN_POOL_H

/* Memory that lives as long as the model: freed all at once. */

#include <stddef.h>

#include "libiotclient/base/macro.h"

struct pool {
    struct pool_chunk *chunks;
};

void pool_done(struct pool *pool);
/* Zeroes; NULL without memory. */
void *pool_alloc(struct pool *pool, size_t n, size_t size);
/* NULL without memory. */
char *pool_printf(struct pool *pool, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif /* IOTD_CODEGEN_POOL_H */

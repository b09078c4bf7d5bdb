/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_ROOM_H
#define IOTD_CORE_ROOM_H

/* Arrays by index of the model, for a model that gets more places. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/macro.h"

static inline void *room_grow(void *items, size_t size, size_t n_have, size_t n)
{
    char *grown = reallocarray(items, n ? n : 1, size);

    if (grown && n > n_have)
        memset(grown + n_have * size, 0, (n - n_have) * size);
    return grown;
}

/* Room for n items, those behind n_have zero. True when it is there; else nothing has changed. */
#define ROOM_GROW(array, n_have, n)                                                                \
    __extension__({                                                                                \
        __typeof__(array) grown_ = room_grow((array), sizeof(*(array)), (n_have), (n));            \
        if (grown_)                                                                                \
            (array) = grown_;                                                                      \
        grown_ != NULL;                                                                            \
    })

#endif /* IOTD_CORE_ROOM_H */

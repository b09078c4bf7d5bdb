/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_BASE_MACRO_H
#define IOTD_BASE_MACRO_H

/* The few macros that every directory uses. */

#include <stddef.h>
#include <stdlib.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define CONTAINER_OF(ptr, type, member) ((type *) (void *) ((char *) (ptr) -offsetof(type, member)))

#define UNUSED __attribute__((unused))
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* A local that owns something is declared with its destructor. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Moves a pointer out of a CLEANUP variable. */
#define TAKE(p)                                                                                    \
    __extension__({                                                                                \
        __typeof__(p) take_ = (p);                                                                 \
        (p) = NULL;                                                                                \
        take_;                                                                                     \
    })

/* Makes fn##p() for use with CLEANUP; fn must accept NULL. */
#define DEFINE_FREEP(type, fn)                                                                     \
    static inline void fn##p(type **p)                                                             \
    {                                                                                              \
        fn(*p);                                                                                    \
    }

static inline void freep(void *p)
{
    free(*(void **) p);
}

#define USEC_PER_SEC 1000000ULL
#define USEC_PER_MSEC 1000ULL

#endif /* IOTD_BASE_MACRO_H */

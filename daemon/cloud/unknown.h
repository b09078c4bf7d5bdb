/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_UNKNOWN_H
#define IOTD_CLOUD_UNKNOWN_H

/*
 * Which names that we do not know were told already: a platform that is newer than we are says
 * the same ones again and again. Of bounded size: beyond it nothing is told any more.
 */

#include <stdbool.h>

#define UNKNOWN_NAMES 64 /* own choice; the vendor's clients know 60 methods of all topics */
#define UNKNOWN_NAME 40  /* own choice: bytes of a name that count */

/* Zero-initialised memory is empty. */
struct unknown_names {
    unsigned n;
    struct {
        unsigned scope;
        char name[UNKNOWN_NAME + 1];
    } names[UNKNOWN_NAMES];
};

/* True once for a name within its scope. */
bool unknown_names_add(struct unknown_names *u, unsigned scope, const char *name);

#endif /* IOTD_CLOUD_UNKNOWN_H */

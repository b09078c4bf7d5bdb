/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/unknown.h"

#include <stdio.h>
#include <string.h>

bool unknown_names_add(struct unknown_names *u, unsigned scope, const char *name)
{
    for (unsigned i = 0; i < u->n; i++) {
        if (u->names[i].scope == scope && strncmp(u->names[i].name, name, UNKNOWN_NAME) == 0)
            return false;
    }
    if (u->n == UNKNOWN_NAMES)
        return false;
    u->names[u->n].scope = scope;
    (void) snprintf(u->names[u->n].name, sizeof(u->names[u->n].name), "%s", name);
    u->n++;
    return true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CONF_INI_H
#define IOTD_CONF_INI_H

/* The form of our settings files: [section], key = value, lines that begin with # or ; */

#include <stddef.h>

#include "libiotclient/base/macro.h"

struct ini_events {
    /* name NULL: a line that should have been one, after on_mistake. Negative ends the reading. */
    int (*on_section)(unsigned line, const char *name, void *userdata);
    int (*on_key)(unsigned line, const char *name, const char *value, void *userdata);
    /* line 0: about the whole file. key may be "". */
    void (*on_mistake)(unsigned line, const char *key, const char *what, void *userdata);
};

/* 0 also after mistakes; -ENOMEM; what a handler returned. */
int ini_parse(const char *text, size_t len, const struct ini_events *events,
              void *userdata) MUST_CHECK;

#endif /* IOTD_CONF_INI_H */

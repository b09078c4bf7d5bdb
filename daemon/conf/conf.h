/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CONF_CONF_H
#define IOTD_CONF_CONF_H

/* The settings: one value, read from iotd.conf (ini; # and ; begin a comment line). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/base/macro.h"

/* A section [property.ID]; has_KEY says whether KEY was given. */
struct conf_property {
    char id[LIMIT_FEATURE_ID + 1];
#define CONF_PROPERTY_KEYS
#define KEY_INT(section, name, ...)                                                                \
    int64_t name;                                                                                  \
    bool has_##name;
#define KEY_BOOL(section, name, ...)                                                               \
    bool name;                                                                                     \
    bool has_##name;
#define KEY_NUMBER(section, name, ...)                                                             \
    double name;                                                                                   \
    bool has_##name;
#include "daemon/conf/conf_keys.def"
#undef KEY_INT
#undef KEY_BOOL
#undef KEY_NUMBER
#undef CONF_PROPERTY_KEYS
};

struct conf {
    struct conf_property *properties; /* those that have a section of their own */
    size_t n_properties;
#define KEY_TEXT(section, name, ...) char *section##_##name;
#define KEY_INT(section, name, ...) int64_t section##_##name;
#define KEY_BOOL(section, name, ...) bool section##_##name;
#define KEY_CHOICE(section, name, ...) char *section##_##name;
#define KEY_NUMBER(section, name, ...) double section##_##name;
#define KEY_VERSION(section, name, ...) char *section##_##name;
#include "daemon/conf/conf_keys.def"
#undef KEY_TEXT
#undef KEY_INT
#undef KEY_BOOL
#undef KEY_CHOICE
#undef KEY_NUMBER
#undef KEY_VERSION
};

/* line 0: about the whole file. key may be "". */
typedef void (*conf_mistake_fn)(unsigned line, const char *key, const char *what, void *userdata);

/* 0 with all defaults; -ENOMEM */
int conf_new(struct conf **ret_conf) MUST_CHECK;
struct conf *conf_free(struct conf *conf);
DEFINE_FREEP(struct conf, conf_free)

/*
 * Defaults, then the text over them.
 * @return 0; -EINVAL after all mistakes were told; -ENOMEM
 */
int conf_parse(struct conf **ret_conf, const char *text, size_t len, conf_mistake_fn on_mistake,
               void *userdata) MUST_CHECK;

/* Sets "section.key" from text, as an option of the command line does. -EINVAL, -ENOMEM */
int conf_set(struct conf *conf, const char *key, const char *text, conf_mistake_fn on_mistake,
             void *userdata) MUST_CHECK;

/*
 * Takes over from a newer value what can change at run time; calls fn with "section.key" for
 * each key that differs and cannot.
 */
int conf_reload(struct conf *conf, const struct conf *newer,
                void (*fn)(const char *key, void *userdata), void *userdata) MUST_CHECK;

/* The commented file with all defaults, as it is installed. */
int conf_print_defaults(char **ret_text) MUST_CHECK;

#endif /* IOTD_CONF_CONF_H */

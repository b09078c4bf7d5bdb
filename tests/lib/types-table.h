/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_TYPES_TABLE_H
#define IOTD_TESTS_TYPES_TABLE_H

/*
 * What the thing model allows, once: values within, at and beyond every limit, and definitions.
 * Each side (iotd's core, its D-Bus front, the local cloud, …) has to come to the same verdict.
 */

#include <stdbool.h>
#include <stddef.h>

/* One value of a property of tests/data/types.json. */
struct types_value {
    const char *id;
    /*
     * As it travels, with single quotes for double ones; <N*text> is text N times with commas
     * between, <N+text> the same without.
     */
    const char *json;
    int code;          /* of the platform; 0: good */
    const char *error; /* of D-Bus, below org.iotd1.Error.; NULL: good */
    /* Not of the platform's form, but plain: programs may give it, and it is put into form. */
    const char *becomes;
};

extern const struct types_value types_values[];
extern const size_t types_n_values;
/* The JSON of a value in full. The text is the caller's. */
char *types_json(const char *json);

/* A definition, as the "define" of a property, in the same writing. */
struct types_define {
    const char *json;
    bool good;
};

extern const struct types_define types_defines[];
extern const size_t types_n_defines;
/* A model with that definition for the property "a". The text is the caller's. */
char *types_model(const char *define);

#endif /* IOTD_TESTS_TYPES_TABLE_H */

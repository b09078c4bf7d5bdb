/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_FUZZ_H
#define IOTD_TESTS_FUZZ_H

/*
 * A fuzz target is a file fuzz-NAME.c with this one function, seeds in corpus/NAME/ and, if it
 * helps, words in dict/NAME.dict. It aborts on what must not happen, and always returns 0.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(cond)                                                                           \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif /* IOTD_TESTS_FUZZ_H */

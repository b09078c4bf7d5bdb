/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_FAKE_RAND_H
#define IOTD_TESTS_FAKE_RAND_H

/* daemon/sys/rand.h without chance: a fixed sequence, or one number again and again. */

#include <stdint.h>

/* Texts count from 1 again: "00001", "00002". Numbers come from the sequence. */
void fake_rand_reset(void);
/* rand_u64() gives this from now on. */
void fake_rand_fix(uint64_t value);

#endif /* IOTD_TESTS_FAKE_RAND_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_SYS_RAND_H
#define IOTD_SYS_RAND_H

#include <stddef.h>
#include <stdint.h>

/* Random bits from the kernel; tests link their own. */
uint64_t rand_u64(void);
/* len characters of [0-9A-Za-z] and a NUL. */
void rand_text(char *buf, size_t len);

#endif /* IOTD_SYS_RAND_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_SHM_TEXT_H
#define IOTD_TESTS_SHM_TEXT_H

/* Records of the rings as text: "CONTROL 1 0 handler="/handler" values={level=5}". */

#include <stdlib.h>

#include "libiotclient/ipc/layout.h"
#include "libiotclient/ipc/pack.h"

#define SHM_TEXT 4096

/* Type, id, code, items; longer ones are cut. Items that are none fail the running test. */
void shm_text(char buf[SHM_TEXT], const struct layout_record *record, struct pack_reader items);
/* The number behind "token=" in such a text; 0: none. */
uint64_t shm_text_token(const char *text);

#endif /* IOTD_TESTS_SHM_TEXT_H */

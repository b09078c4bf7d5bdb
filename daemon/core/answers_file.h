/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_ANSWERS_FILE_H
#define IOTD_CORE_ANSWERS_FILE_H

/* How an answer lies in its slot beside the database. */

#include "daemon/core/answers.h"
#include "daemon/store/slots.h"

/*
 * The file that belongs to this database, which knows its id.
 * @return as slots_open(), and what the database says
 */
int answers_file_open(struct slots **ret_slots, struct db *db) MUST_CHECK;
/* 0; -EMSGSIZE its response is too long; -EIO, -ENOSPC */
int answers_file_put(struct slots *s, unsigned slot, const struct answer *a) MUST_CHECK;
/* The response belongs to the caller. 0; -ENODATA; -EIO; -ENOMEM */
int answers_file_get(struct slots *s, unsigned slot, struct answer *ret_answer) MUST_CHECK;

#endif /* IOTD_CORE_ANSWERS_FILE_H */

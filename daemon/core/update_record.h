/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_UPDATE_RECORD_H
#define IOTD_CORE_UPDATE_RECORD_H

/* What of an update survives the process, and its text in the database; pure. */

#include "daemon/cloud/firmware_order.h"
#include "daemon/core/update.h"
#include "daemon/sys/boot.h"

struct update_record {
    enum update_state state;
    struct firmware_order *order; /* NULL in IDLE only */
    bool local;                   /* a program handed it in, the cloud does not know of it */
    bool accepted;                /* nobody is asked any more */
    bool told;                    /* FAILED: the cloud knows it */
    bool by_program;              /* INSTALLED: a program has told which version runs */
    unsigned n_boots;             /* that ended in the middle of installing */
    uint64_t postponed_real_us;   /* 0: not */
    int code;                     /* FAILED */
    char text[INSTALLER_TEXT + 1];
    char boot[BOOT_ID_SIZE]; /* in which it came to INSTALLING, or INSTALLED; "" not known */
    uint64_t boot_us;        /* the age of that boot then */
};

/* As nothing; frees the order. */
void update_record_done(struct update_record *rec);
/* "" for IDLE; the text is the caller's. */
int update_record_text(const struct update_record *rec, char **ret_text) MUST_CHECK;
/* 0; -EBADMSG not such a text, nothing is filled in; -ENOMEM */
int update_record_parse(struct update_record *ret_rec, const char *text) MUST_CHECK;

#endif /* IOTD_CORE_UPDATE_RECORD_H */

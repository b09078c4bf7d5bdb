/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_FAKE_FIRMWARE_H
#define IOTD_TESTS_FAKE_FIRMWARE_H

/* org.iotd1.Firmware of the fake: what the test sets is told, what is called is remembered. */

#include <stdbool.h>
#include <stdint.h>

#include "dbus/tree.h"
#include "libiotclient/base/loop.h"

struct fake_firmware {
    /* What the test wants. */
    const char *state, *target, *custom, *extra, *reason, *installer;
    uint64_t size, done;
    uint32_t percent;
    int32_t code;
    bool confirm;
    int error;        /* of every method */
    bool hold_finish; /* Finish is not answered */
    /* An order waits; Accept and Install set off an update that takes one step each time that the
     * state was read. "6.6.6" fails. Postpone and Refuse are told in Reason. */
    bool plays;

    /* What it saw. */
    char version[64];
    char program[64], handler[64]; /* of the installer; "" */
    char last[256];                /* the last method, and its arguments */
    unsigned step;                 /* of plays; 0: not set off */
    bool is_telling;               /* the state is read for a signal */
    struct loop_timer timer;
    char finish[128]; /* the last Finish, as last */
    unsigned n_register, n_progress, n_finish;
    struct tree_call *held;

    /* Answers of Installer.Install. */
    unsigned n_answers;
    int answer_error;
};

struct fake;

int fake_add_firmware(struct fake *f, const char **reterr_member);
void fake_play_firmware(struct fake *f);
void fake_firmware_done(struct fake *f);
/* What of the above is told may be another. */
void fake_firmware_changed(struct fake *f);
/* Calls the program; false: there is none. */
bool fake_offer(struct fake *f, const char *version);
bool fake_install(struct fake *f, int fd, const char *version, const char *md5);
bool fake_cancel(struct fake *f, const char *version);

#endif /* IOTD_TESTS_FAKE_FIRMWARE_H */

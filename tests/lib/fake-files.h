/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_FAKE_FILES_H
#define IOTD_TESTS_FAKE_FILES_H

/* org.iotd1.Files, Resources and one Transfer of the fake: what the test sets is told. */

#include <stdbool.h>
#include <stdint.h>

#include "dbus/tree.h"

#define FAKE_TRANSFER "/org/iotd1/transfer/7"

struct fake_files {
    /* What the test wants. */
    int error;         /* of every method */
    bool hold;         /* the next method is not answered */
    unsigned n_files;  /* of List: "f0", "f1", … with the states 0, 1, … */
    const char *state; /* of the transfer; NULL: "running" */
    const char *text;  /* NULL: "" */
    const char *token; /* NULL: "" */
    uint64_t size, done;
    int32_t code;

    /* What it saw. */
    char last[256]; /* the last method, and its arguments */
    unsigned n_cancels;
    struct tree_call *held;
    struct tree_object *transfer;
};

struct fake;

int fake_add_files(struct fake *f, const char **reterr_member);
void fake_files_done(struct fake *f);
/* What of the transfer is told may be another. */
void fake_transfer_changed(struct fake *f);
/* Received with the size 5, or Removed. */
void fake_file_news(struct fake *f, bool is_resource, bool is_here, const char *name);

#endif /* IOTD_TESTS_FAKE_FILES_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_FAKE_IOTD_H
#define IOTD_TESTS_FAKE_IOTD_H

/*
 * The contract of org.iotd1 without a cloud behind it, for tests of its callers: it lives in the
 * loop of the test, does what the test tells it and remembers what it saw. The object tree is the
 * daemon's own, so every call is checked against the interface XML.
 */

#include <stdbool.h>
#include <stdint.h>

#include "dbus/tree.h"
#include "dbus/watch.h"
#include "libiotclient/value.h"
#include "tests/lib/fake-files.h"
#include "tests/lib/fake-firmware.h"
#include "tests/lib/test-loop.h"

#define FAKE_MAX_TOKENS 128
#define FAKE_MAX_CLAIMS 32
#define FAKE_N_PROPS 6

struct fake_prop {
    struct value value; /* NONE: no value yet */
    uint64_t stamp_us;
};

struct fake_token {
    uint64_t token;
    char sender[64];
};

struct fake_claim {
    char id[LIMIT_FEATURE_ID + 1];
    char kind; /* 'p' 'e' 'a' */
    char owner[64];
    char handler[64];
};

struct fake {
    struct test_loop *tl; /* borrowed */
    DBusConnection *bus;
    struct bus_watch *watch;
    struct tree *tree;
    struct tree_object *root;
    struct tree_object *device;
    struct tree_object *client; /* of the last Attach */

    /* What the test wants. */
    const char *link_state;
    const char *without_prop; /* the model lacks it */
    int attach_error;
    int register_error;
    int list_error;
    int post_error;
    int completed_code;
    bool hold_report;    /* Report is not answered */
    int call_error;      /* of the methods of org.iotd1.Call */
    int call_code;       /* Activate answers it */
    bool hold_call;      /* the methods of org.iotd1.Call are not answered */
    bool hold_completed; /* Completed waits for fake_complete() */
    bool knows_tokens;   /* those that Attach asks for are taken over */

    /* What it saw. */
    unsigned n_attach, n_register, n_unregister, n_report, n_post, n_ignored_values;
    char app_id[LIMIT_APP_ID + 1];
    char sender[64]; /* of the last Attach */
    bool monitors;   /* somebody called Monitor(true) */
    struct value_list last_report;
    char event_id[LIMIT_FEATURE_ID + 1];
    struct value_list event;
    uint64_t event_timestamp_s;
    struct tree_call *held;
    struct tree_call *held_call;

    struct fake_prop props[FAKE_N_PROPS];
    uint64_t next_token;
    struct fake_token tokens[FAKE_MAX_TOKENS];
    size_t n_tokens;
    struct fake_claim claims[FAKE_MAX_CLAIMS];
    size_t n_claims;

    struct fake_firmware firmware;
    struct fake_files files;

    /* Answers of handlers. */
    unsigned n_answers;
    int answer_error; /* of an error reply */
    int32_t answer_code;
    char answer_text[128];
    struct value_list answer_output;
};

/* Connects to the bus at address and takes the name; false says why on stderr. */
bool fake_init(struct fake *f, struct test_loop *tl, const char *address);
/* Goes away as a killed daemon does. */
void fake_done(struct fake *f);

void fake_set_link(struct fake *f, const char *state);
/* Sets a value and emits Changed. */
void fake_change(struct fake *f, const char *id, struct value v);
/* Completed for all tokens. */
void fake_complete(struct fake *f, int code);
/* Calls the handler that registered the first id; false: nobody did. */
bool fake_control(struct fake *f, const struct value_list *values);
bool fake_invoke(struct fake *f, const char *action, const struct value_list *input);
bool fake_is_claimed(const struct fake *f, char kind, const char *id);
/* To whoever called Link.Monitor(true) last. */
void fake_send_message(struct fake *f, const char *direction, const char *topic,
                       const void *payload, size_t len);

#endif /* IOTD_TESTS_FAKE_IOTD_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_FAKE_RAUC_H
#define IOTD_TESTS_FAKE_RAUC_H

/*
 * de.pengutronix.rauc.Installer on a D-Bus connection, as RAUC 1.8 has it: it does what it is
 * told. The connection is dispatched by whoever made it.
 */

#include <stdbool.h>
#include <stddef.h>

#include <dbus/dbus.h>

#define FAKE_RAUC_NAME "de.pengutronix.rauc"
#define FAKE_RAUC_SENDER ":1.7" /* without a bus: as if one had delivered it */

struct fake_rauc {
    DBusConnection *conn;
    bool has_bus;
    const char *operation;  /* "idle", "installing" */
    const char *last_error; /* "" */
    const char *refusal;    /* of InstallBundle: the text of the error; NULL: it is accepted */
    const char *missing;    /* all calls get this error; NULL: none does */
    bool is_mute;           /* nothing is answered */
    unsigned n_asked, n_orders;
    char path[512];                                         /* of the latest order */
    size_t n_options;                                       /* and the length of its dictionary */
    void (*on_order)(struct fake_rauc *fr, void *userdata); /* after the answer; or NULL */
    void *userdata;
};

/* With has_bus the name is asked for; false: it cannot be had. */
bool fake_rauc_init(struct fake_rauc *fr, DBusConnection *conn, bool has_bus);
void fake_rauc_done(struct fake_rauc *fr);

/* PropertiesChanged with what Progress is then. */
void fake_rauc_progress(struct fake_rauc *fr, int percent, const char *text);
/* Sets it, and tells it. */
void fake_rauc_operation(struct fake_rauc *fr, const char *operation);
/* As at the end of an installation: LastError, Completed, then Operation "idle". */
void fake_rauc_completed(struct fake_rauc *fr, int result, const char *last_error);
/* A signal from RAUC's object with one argument of that type, for what RAUC never sends. */
void fake_rauc_odd(struct fake_rauc *fr, const char *member, int type, const void *value);
/* Without a bus: what it says when the owner of RAUC's name changes. */
void fake_rauc_owner(struct fake_rauc *fr, const char *before, const char *now);

#endif /* IOTD_TESTS_FAKE_RAUC_H */

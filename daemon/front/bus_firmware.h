/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FRONT_BUS_FIRMWARE_H
#define IOTD_FRONT_BUS_FIRMWARE_H

/*
 * Firmware updates on the bus: who says yes, and the program that installs. A part of struct bus.
 */

#include "daemon/core/installer.h"
#include "daemon/core/update.h"
#include "dbus/tree.h"
#include "libiotclient/base/loop.h"

struct bus;
struct bus_call;

/* The program that registered as installer: bus_installer.c. One job at a time. */
struct bus_installer {
    struct installer installer;
    struct bus *bus;
    char *peer;                         /* unique name; NULL: there is none */
    char *handler;                      /* path of its object */
    struct bus_call *call;              /* Install, until it is answered */
    const struct installer_events *job; /* NULL: it has none */
    void *job_userdata;
    char *version; /* of the job */
    char *offered; /* version that it was asked about; NULL: none */
    enum update_state offered_in;
};

/* What was last told in PropertiesChanged. */
struct bus_firmware_told {
    enum update_state state;
    uint64_t size, done;
    unsigned percent;
    int code;
    bool confirm;
    char *texts[6]; /* NULL: could not be kept, counts as another one */
};

struct bus_firmware {
    struct update *update; /* borrowed: core */
    struct bus_installer program;
    struct bus_firmware_told told;
    struct loop_timer pause; /* runs between two that tell only of progress */
};

void bus_firmware_init(struct bus *bus);
void bus_firmware_done(struct bus *bus);
/* The interface org.iotd1.Firmware; -ENOSYS, -EINVAL as tree_add_interface(). */
int bus_firmware_add(struct bus *bus) MUST_CHECK;
/* A program has left the bus. */
void bus_firmware_forget(struct bus *bus, const char *peer);
/* Whether the program is the one that installs. */
bool bus_firmware_is_installer(const struct bus *bus, const char *peer);
/* As much of a text as fits, without control characters. */
void bus_firmware_text(char *buf, size_t size, const char *text);

/* bus_installer.c */
void bus_installer_init(struct bus_installer *bi, struct bus *bus);
void bus_installer_clear(struct bus_installer *bi);
/* Asks the program about the update, unless it was asked already. */
void bus_installer_offer(struct bus_installer *bi, const struct update_info *info);
void bus_installer_register(struct tree_call *call, void *userdata);
void bus_installer_unregister(struct tree_call *call, void *userdata);
void bus_installer_set_version(struct tree_call *call, void *userdata);
void bus_installer_progress(struct tree_call *call, void *userdata);
void bus_installer_finish(struct tree_call *call, void *userdata);

#endif /* IOTD_FRONT_BUS_FIRMWARE_H */

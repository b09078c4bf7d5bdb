/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_UPDATE_H
#define IOTD_CORE_UPDATE_H

/*
 * The update of this device's firmware, from the cloud's order to the report that the new version
 * runs: one order at a time. Owns the order, its state and the image file, and keeps them over a
 * kill and a reboot. Knows neither how an image is fetched nor who installs it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/core/installer.h"
#include "libiotclient/base/macro.h"

/* X(constant, name on the bus) */
#define UPDATE_STATES(X)                                                                           \
    X(IDLE, "idle")               /* no order */                                                   \
    X(OFFERED, "offered")         /* asks before the download */                                   \
    X(DOWNLOADING, "downloading") /* also while what is there is checked */                        \
    X(READY, "ready")             /* checked; asks, or waits for an installer */                   \
    X(INSTALLING, "installing")                                                                    \
    X(INSTALLED, "installed") /* until the new version runs and the cloud knows it */              \
    X(FAILED, "failed")       /* until the next order */

enum update_state {
#define X(constant, name) UPDATE_##constant,
    UPDATE_STATES(X)
#undef X
        UPDATE_STATE_COUNT_
};

const char *update_state_name(enum update_state state);

struct update; /* struct core has it: core->update */

/* Texts are never NULL, and borrowed until the loop goes on. */
struct update_info {
    enum update_state state;
    const char *running;   /* version; "" when it is not known */
    const char *target;    /* version of the order; "" without one */
    const char *custom;    /* user_defined of the order, as it came; "" if none */
    const char *extra;     /* JSON object of its members that are not the documented ones */
    const char *reason;    /* for people: why it failed, or what it waits for; "" */
    const char *installer; /* "", "program", "exec", "rauc": who installs, and is there */
    uint64_t size, done;   /* bytes of the image; 0 without an order */
    unsigned percent;      /* of the download, then of the installation */
    int code;              /* of the failure, the vendor's: -1 to -5; else 0 */
    bool confirm;          /* waits for update_accept(), and is not postponed */
};

void update_get_info(const struct update *u, struct update_info *ret_info);
/* One listener; called whenever something of update_get_info() may have changed, also from inside
 * the calls below, and often while bytes come. NULL: none. */
void update_listen(struct update *u, void (*changed)(void *userdata), void *userdata);

/*
 * version: what the caller saw, so that nobody says yes to another one. All three:
 * @return 0; -ENOENT no order waits; -ESTALE it is another version; -EALREADY it is not to be
 *         asked about (any more); -EINVAL
 */
/* In OFFERED: downloads, then installs without asking again. In READY: installs. */
int update_accept(struct update *u, const char *version) MUST_CHECK;
/* Asks again after that time, also over a restart. */
#define UPDATE_POSTPONE_MIN_S 60
#define UPDATE_POSTPONE_MAX_S (7 * 86400)
int update_postpone(struct update *u, const char *version, uint64_t seconds) MUST_CHECK;
/* Also while it is downloaded. The cloud hears code -5 and the text; it may order the same again.
 */
int update_refuse(struct update *u, const char *version, const char *text) MUST_CHECK;

/*
 * Installs an image that a program hands in: copied, checked as one of the cloud is, given to the
 * same installer, at once. The cloud hears of the new version only. Ends when iotd does.
 * @param fd                a regular file or memfd, read from its beginning; duplicated
 * @param signature_base64  NULL: none
 * @return 0; -EBUSY an order or another image is being worked on; -EINVAL version, or not such a
 *         file, or empty; -EFBIG above LIMIT_FIRMWARE; -ENOENT there is no installer; what opening
 *         the directory failed with
 */
int update_install_local(struct update *u, int fd, const char *version,
                         const char *signature_base64) MUST_CHECK;

/*
 * Who installs: the one of the settings, or a program that registered. NULL: it is gone; a job
 * that it had is not ended by that, and is given to it again when it is back.
 * @param version  what it says runs here, counts above all settings; "": it does not say
 * @return 0; -EBUSY there is another one; -EINVAL version
 */
int update_set_installer(struct update *u, struct installer *installer,
                         const char *version) MUST_CHECK;
/* As the version of update_set_installer(). A name that is none is not taken. */
void update_set_version(struct update *u, const char *version);

#endif /* IOTD_CORE_UPDATE_H */

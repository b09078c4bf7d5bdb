/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/update_impl.h"
#include "daemon/sys/clock.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/name.h"

LOG_AREA("firmware");

#define BUSY_US                                                                                    \
    (30 * USEC_PER_SEC) /* own choice: until an installer without time is asked again              \
                         */

#define GRACE_US (10 * USEC_PER_SEC) /* own choice: in which an installer ends itself */

static void stamp_boot(struct update *u)
{
    memcpy(u->rec.boot, u->boot, sizeof(u->rec.boot));
    u->rec.boot_us = clock_boot_us();
}

static void on_progress(unsigned percent, const char *text, void *userdata)
{
    struct update *u = userdata;

    u->percent = percent > 100 ? 100 : percent;
    update_say(u, "%s", text);
    update_changed(u);
}

static void installed(struct update *u)
{
    update_enter(u, UPDATE_EVENT_DONE);
    stamp_boot(u);
    u->rec.by_program = *u->program_version != '\0';
    u->was_gone = false;
    u->percent = 100;
    update_say(u, "waits for the restart");
    log_notice("the update is installed version=%s", u->rec.order->version);
    if (update_save(u) == 0)
        update_clean(u, NULL);
    update_read_version(u); /* some need no restart */
    update_check_running(u, false);
    update_changed(u);
    if (u->put_off)
        firmware_report_version(u->parts.firmware); /* the cloud sends the other one again */
    u->put_off = false;
}

static void on_done(int result, const char *text, void *userdata)
{
    struct update *u = userdata;

    u->has_job = false;
    if (result == 0)
        installed(u);
    else
        update_fail(u, -5, "%s", *text ? text : strerror(-result));
}

static const struct installer_events installer_events = {.progress = on_progress, .done = on_done};

static void on_deadline(struct loop_timer *timer, void *userdata)
{
    struct update *u = userdata;

    (void) timer;
    update_fail(u, -5, "not installed within %llu s",
                (unsigned long long) (u->config.install_timeout_us / USEC_PER_SEC));
}

/* The image is opened anew each time: whoever had it before may have moved its offset. */
static int start_job(struct update *u)
{
    const struct firmware_order *o = u->rec.order;
    CLEANUP(fd_closep) int dir = update_open_dir(u);
    CLEANUP(fd_closep) int fd = -1;
    CLEANUP(freep) char *path = NULL;
    char name[UPDATE_NAME];
    struct install_job job = {
        .version = o->version,
        .size = o->size,
        .md5 = o->md5,
        .sha256 = u->sha256_hex,
        .custom = o->custom,
        .extra = o->extra,
    };

    if (dir < 0)
        return dir;
    update_image_name(u, name);
    if (asprintf(&path, "%s/%s", u->dir, name) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    job.fd = fd;
    job.path = path;
    return installer_start(u->installer, &job, &installer_events, u);
}

static bool has_no_time(int r)
{
    return r == -EBUSY || r == -ENOTCONN;
}

static void on_retry(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    update_ready(userdata);
}

/* The state is on the disk before the installer begins. */
static void begin(struct update *u)
{
    int r;

    update_enter(u, UPDATE_EVENT_BEGIN);
    stamp_boot(u);
    u->percent = 0;
    r = update_save(u);
    if (r < 0) {
        update_fail(u, -5, "that it is being installed cannot be kept: %s", strerror(-r));
        return;
    }
    r = start_job(u);
    if (has_no_time(r)) {
        update_enter(u, UPDATE_EVENT_BUSY);
        update_say(u, "waits for the installer");
        loop_timer_arm(u->parts.loop, &u->timer, BUSY_US, on_retry, u);
        update_save_later(u);
    } else if (r < 0) {
        update_fail(u, -5, "the installer cannot begin: %s", strerror(-r));
        return;
    } else {
        u->has_job = true;
        loop_timer_arm(u->parts.loop, &u->timer, u->config.install_timeout_us + GRACE_US,
                       on_deadline, u);
        update_tell_burning(u);
    }
    update_changed(u);
}

static void on_turn(struct loop_timer *timer, void *userdata);

/* It was away, and has not said how its job ended. */
static void begin_again(struct update *u)
{
    int r;

    log_notice("the installer gets the image again version=%s", u->rec.order->version);
    r = start_job(u);
    if (has_no_time(r))
        loop_timer_arm(u->parts.loop, &u->start, BUSY_US, on_turn, u);
    else if (r < 0)
        update_fail(u, -5, "the installer cannot begin: %s", strerror(-r));
    else
        u->has_job = true;
}

/* Not from inside of the call that made it possible: its caller has the answer first. */
static void on_turn(struct loop_timer *timer, void *userdata)
{
    struct update *u = userdata;

    (void) timer;
    if (!u->installer || u->has_job)
        return;
    if (u->rec.state == UPDATE_READY && u->rec.accepted)
        begin(u);
    else if (u->rec.state == UPDATE_INSTALLING)
        begin_again(u);
}

static void begin_soon(struct update *u)
{
    loop_timer_arm(u->parts.loop, &u->start, 0, on_turn, u);
}

void update_ready(struct update *u)
{
    if (u->rec.accepted && u->installer)
        begin_soon(u);
    else if (u->rec.accepted)
        update_say(u, "waits for the program that installs");
    else
        update_wait_postponed(u);
    update_changed(u);
}

int update_set_installer(struct update *u, struct installer *installer, const char *version)
{
    if (!installer) {
        u->has_job = false;
        u->was_gone = true;
        u->installer = NULL;
        if (u->rec.state == UPDATE_INSTALLING)
            update_say(u, "the installer is gone, it is waited for");
        update_changed(u);
        return 0;
    }
    if (*version && !name_is_version(version))
        return -EINVAL;
    if (u->installer && u->installer != installer)
        return -EBUSY;
    u->installer = installer;
    log_info("there is an installer name=%s version=\"%s\"", installer->ops->name, version);
    if (*version)
        update_set_program_version(u, version);
    if (!u->started)
        return 0;
    /* After its own restart it would be the new version that speaks. */
    if (*version && u->was_gone && u->rec.state == UPDATE_INSTALLED)
        update_check_running(u, true);
    if (u->rec.state == UPDATE_READY)
        update_ready(u);
    else if (u->rec.state == UPDATE_INSTALLING)
        begin_soon(u);
    update_changed(u);
    return 0;
}

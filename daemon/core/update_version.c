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

#define FILE_MAX 4096 /* own choice: of a file with one line */

/* The first line, without blanks around it. "" if that is no version. */
static void read_file(const char *path, char version[FIRMWARE_VERSION_SIZE])
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    CLEANUP(freep) char *data = NULL;
    const char *line;
    size_t len;
    int r = fd < 0 ? -errno : fd_read_file(fd, FILE_MAX, &data, &len);

    version[0] = '\0';
    if (r < 0) {
        log_warn("%s: %s", path, strerror(-r));
        return;
    }
    for (len = strcspn(data, "\r\n"); len > 0 && strchr(" \t", data[len - 1]); len--)
        continue;
    data[len] = '\0';
    line = data + strspn(data, " \t");
    if (name_is_version(line))
        (void) snprintf(version, FIRMWARE_VERSION_SIZE, "%s", line);
    else
        log_warn("%s: its first line is not a version", path);
}

static void choose(struct update *u)
{
    const char *version = u->version;

    if (*u->file_version)
        version = u->file_version;
    if (*u->program_version)
        version = u->program_version;
    if (strcmp(version, u->running) == 0)
        return;
    (void) snprintf(u->running, sizeof(u->running), "%s", version);
    u->reported[0] = '\0';
    log_info("what runs here version=\"%s\"", u->running);
    firmware_set_version(u->parts.firmware, u->running);
    if (!u->started)
        return;
    update_check_running(u, false);
    update_changed(u);
}

void update_read_version(struct update *u)
{
    u->file_version[0] = '\0';
    if (*u->version_file)
        read_file(u->version_file, u->file_version);
    choose(u);
}

void update_set_program_version(struct update *u, const char *version)
{
    if (*version && !name_is_version(version))
        return;
    (void) snprintf(u->program_version, sizeof(u->program_version), "%s", version);
    choose(u);
    if (*version && u->started && u->rec.state == UPDATE_INSTALLED && update_is_other_boot(u))
        update_check_running(u, true);
}

void update_set_version(struct update *u, const char *version)
{
    update_set_program_version(u, version);
}

bool update_is_other_boot(const struct update *u)
{
    if (*u->boot && *u->rec.boot)
        return strcmp(u->boot, u->rec.boot) != 0;
    return clock_boot_us() < u->rec.boot_us; /* without its name: it is younger */
}

static void on_late(struct loop_timer *timer, void *userdata)
{
    struct update *u = userdata;

    (void) timer;
    update_fail(u, -5, "nobody says that version %s runs", u->rec.order->version);
}

#define LATE_US (600 * USEC_PER_SEC) /* own choice: after a restart, for the program that knows */

void update_check_running(struct update *u, bool is_verdict)
{
    const struct update_record *rec = &u->rec;

    if (rec->state == UPDATE_IDLE || !*u->running)
        return;
    if (strcmp(u->running, rec->order->version) == 0) {
        if (rec->state == UPDATE_INSTALLING && u->has_job)
            return; /* until the installer says so, too */
        if (rec->state != UPDATE_INSTALLED) {
            update_cancel(u);
            update_enter(u, UPDATE_EVENT_RUNS);
            u->percent = 100;
            update_save_later(u);
        }
        loop_timer_cancel(&u->timer);
        update_say(u, "version %s runs", u->running);
        update_tell_result(u);
        update_changed(u);
        return;
    }
    if (is_verdict && rec->state == UPDATE_INSTALLED)
        update_fail(u, -5, "still version %s", u->running);
}

/* After a restart of iotd. */
void update_judge_restart(struct update *u)
{
    if (u->rec.state != UPDATE_INSTALLED || strcmp(u->running, u->rec.order->version) == 0)
        return;
    if (!update_is_other_boot(u)) {
        update_say(u, "waits for the restart");
        return;
    }
    if ((u->rec.by_program && !*u->program_version) || !*u->running) {
        update_say(u, "waits to hear which version runs");
        loop_timer_arm(u->parts.loop, &u->timer, LATE_US, on_late, u);
        return;
    }
    update_check_running(u, true);
}

void update_on_reported(const char *version, void *userdata)
{
    struct update *u = userdata;

    (void) snprintf(u->reported, sizeof(u->reported), "%s", version);
    if (u->started)
        update_tell_result(u);
}

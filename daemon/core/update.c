/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/update_impl.h"
#include "daemon/store/facts.h"
#include "daemon/sys/clock.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/name.h"
#include "libiotclient/base/utf8.h"

LOG_AREA("firmware");

#define FACT "firmware_update"

void update_changed(struct update *u)
{
    if (u->changed)
        u->changed(u->userdata);
}

void update_say(struct update *u, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(u->reason, sizeof(u->reason), fmt, ap);
    va_end(ap);
    utf8_trim(u->reason);
}

void update_enter(struct update *u, enum update_event event)
{
    enum update_state next = UPDATE_IDLE;
    int r = update_fsm_next(u->rec.state, event, &next);

    assert(r == 0); /* the callers know where they are */
    (void) r;
    log_info("%s → %s (%s)", update_state_name(u->rec.state), update_state_name(next),
             update_event_name(event));
    loop_timer_cancel(&u->timer);
    u->rec.state = next;
    u->n_change++;
    u->reason[0] = '\0';
    if (next != UPDATE_FAILED) {
        u->rec.code = 0;
        u->rec.text[0] = '\0';
        u->rec.told = false;
    }
}

int update_save(struct update *u)
{
    u->unsaved = true;
    return persist_now(u->parts.persist, true);
}

void update_save_later(struct update *u)
{
    u->unsaved = true;
    persist_request(u->parts.persist, true);
}

void update_cancel(struct update *u)
{
    loop_timer_cancel(&u->timer);
    u->wait = UPDATE_WAIT_NONE;
    if (u->fetch)
        u->fetch = u->parts.ops->fetch_free(u->fetch);
    if (u->text)
        u->text = u->parts.ops->text_free(u->text);
    u->copy = image_copy_free(u->copy);
    if (u->has_job && u->installer)
        installer_cancel(u->installer);
    u->has_job = false;
}

void update_fail(struct update *u, int code, const char *fmt, ...)
{
    char text[sizeof(u->rec.text)];
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, ap); /* before what it may be in is gone */
    va_end(ap);
    update_cancel(u);
    utf8_trim(text);
    update_enter(u, UPDATE_EVENT_FAIL);
    u->rec.code = code;
    memcpy(u->rec.text, text, sizeof(text));
    u->rec.told = u->rec.local;
    log_err("the update failed version=%s code=%d: %s", u->rec.order->version, code, text);
    if (u->rec.local)
        update_clean(u, NULL);
    update_save_later(u);
    update_tell_result(u);
    if (u->put_off)
        firmware_report_version(u->parts.firmware); /* the cloud sends it again */
    u->put_off = false;
    update_changed(u);
}

static int save(struct db *db, void *userdata)
{
    struct update *u = userdata;
    CLEANUP(freep) char *text = NULL;
    int r;

    if (!u->unsaved)
        return 0;
    r = update_record_text(&u->rec, &text);
    return r < 0 ? r : facts_put(db, FACT, text);
}

static void saved(int result, void *userdata)
{
    struct update *u = userdata;

    if (result == 0)
        u->unsaved = false;
}

static int load(struct update *u)
{
    CLEANUP(freep) char *text = NULL;
    int r = facts_get(u->parts.persist->db, FACT, &text);

    if (r == 0)
        r = update_record_parse(&u->rec, text);
    if (r == -EBADMSG)
        log_warn("the order of an update cannot be read any more, it is forgotten");
    return r == -EBADMSG ? 0 : r;
}

static void on_start(struct loop_timer *timer, void *userdata)
{
    struct update *u = userdata;

    (void) timer;
    u->started = true;
    update_resume(u);
}

static const struct firmware_events firmware_events = {
    .on_order = update_on_order,
    .on_reported = update_on_reported,
};

int update_new(struct update **ret_update, const struct update_parts *parts,
               const struct update_config *config)
{
    CLEANUP(update_freep) struct update *u = calloc(1, sizeof(*u));
    int r;

    if (!u)
        return -ENOMEM;
    u->parts = *parts;
    u->parts.boot_id = NULL;
    u->n_change = 1;
    (void) snprintf(u->boot, sizeof(u->boot), "%s", parts->boot_id ? parts->boot_id : "");
    u->dir = config->dir ? strdup(config->dir) : NULL;
    if (config->dir && !u->dir)
        return -ENOMEM;
    r = load(u);
    if (r == 0)
        r = update_configure(u, config);
    if (r < 0)
        return r;
    u->part = (struct persist_part){.save = save, .saved = saved, .userdata = u};
    persist_add(u->parts.persist, &u->part);
    firmware_set_events(u->parts.firmware, &firmware_events, u);
    loop_timer_arm(u->parts.loop, &u->start, 0, on_start, u);
    *ret_update = TAKE(u);
    return 0;
}

struct update *update_free(struct update *u)
{
    if (!u)
        return NULL;

    update_cancel(u);
    loop_timer_cancel(&u->start);
    loop_timer_cancel(&u->pace);
    firmware_set_events(u->parts.firmware, NULL, NULL);
    if (u->part.userdata)
        list_remove(&u->part.link);
    update_record_done(&u->rec);
    free(u->signature);
    free(u->version_file);
    free(u->dir);
    free(u);
    return NULL;
}

static int set_version_file(struct update *u, const char *path)
{
    char *copy;

    if (u->version_file && strcmp(u->version_file, path) == 0)
        return 0;
    copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    free(u->version_file);
    u->version_file = copy;
    return 0;
}

int update_configure(struct update *u, const struct update_config *config)
{
    int r = set_version_file(u, config->version_file ? config->version_file : "");

    if (r < 0)
        return r;
    u->config = *config;
    u->config.dir = u->config.version = u->config.version_file = NULL;
    (void) snprintf(u->version, sizeof(u->version), "%s", config->version ? config->version : "");
    update_read_version(u);
    return 0;
}

void update_link_up(struct update *u)
{
    update_read_version(u);
    firmware_report_version(u->parts.firmware);
    if (!u->started)
        return;
    update_download_link_up(u);
    update_tell_again(u);
}

static bool is_asked(const struct update *u)
{
    const struct update_record *rec = &u->rec;

    return (rec->state == UPDATE_OFFERED || rec->state == UPDATE_READY) && !rec->accepted;
}

void update_get_info(const struct update *u, struct update_info *ret_info)
{
    const struct firmware_order *o = u->rec.order;

    *ret_info = (struct update_info){
        .state = u->rec.state,
        .running = u->running,
        .target = o ? o->version : "",
        .custom = o ? o->custom : "",
        .extra = o ? o->extra : "{}",
        .reason = u->rec.state == UPDATE_FAILED ? u->rec.text : u->reason,
        .installer = u->installer ? u->installer->ops->name : "",
        .size = o ? o->size : 0,
        .done = o ? u->done : 0,
        .percent = u->percent,
        .code = u->rec.code,
        .confirm = is_asked(u) && u->rec.postponed_real_us == 0,
    };
    if (o && u->rec.state == UPDATE_DOWNLOADING)
        ret_info->percent = (unsigned) (u->done * 100 / o->size);
    else if (u->rec.state == UPDATE_READY)
        ret_info->percent = 100;
}

void update_listen(struct update *u, void (*changed)(void *userdata), void *userdata)
{
    u->changed = changed;
    u->userdata = userdata;
}

/* Whether version is the one that waits, in whatever state. */
static int check_version(const struct update *u, const char *version)
{
    if (!version || !name_is_version(version))
        return -EINVAL;
    if (!u->rec.order || u->rec.state == UPDATE_FAILED)
        return -ENOENT;
    return strcmp(version, u->rec.order->version) == 0 ? 0 : -ESTALE;
}

int update_accept(struct update *u, const char *version)
{
    int r = check_version(u, version);

    if (r < 0)
        return r;
    if (!is_asked(u))
        return -EALREADY;
    log_notice("the update was accepted version=%s", version);
    u->rec.accepted = true;
    u->rec.postponed_real_us = 0;
    loop_timer_cancel(&u->timer);
    update_save_later(u);
    if (u->rec.state == UPDATE_READY) {
        update_ready(u);
        return 0;
    }
    update_enter(u, UPDATE_EVENT_GO);
    update_download_first(u);
    return 0;
}

static void on_asked_again(struct loop_timer *timer, void *userdata)
{
    struct update *u = userdata;

    (void) timer;
    u->rec.postponed_real_us = 0;
    u->reason[0] = '\0';
    update_save_later(u);
    update_changed(u);
}

/* A clock that was set since counts as at most the longest time. */
void update_wait_postponed(struct update *u)
{
    const uint64_t now_us = clock_real_us(), until_us = u->rec.postponed_real_us;
    uint64_t left_us = until_us > now_us ? until_us - now_us : 0;

    if (!until_us)
        return;
    if (left_us > UPDATE_POSTPONE_MAX_S * USEC_PER_SEC)
        left_us = UPDATE_POSTPONE_MAX_S * USEC_PER_SEC;
    update_say(u, "postponed");
    loop_timer_arm(u->parts.loop, &u->timer, left_us, on_asked_again, u);
}

int update_postpone(struct update *u, const char *version, uint64_t seconds)
{
    int r = check_version(u, version);

    if (seconds < UPDATE_POSTPONE_MIN_S || seconds > UPDATE_POSTPONE_MAX_S)
        return -EINVAL;
    if (r < 0)
        return r;
    if (!is_asked(u))
        return -EALREADY;
    u->rec.postponed_real_us = clock_real_us() + seconds * USEC_PER_SEC;
    update_wait_postponed(u);
    update_save_later(u);
    update_changed(u);
    return 0;
}

int update_refuse(struct update *u, const char *version, const char *text)
{
    int r = check_version(u, version);

    if (r < 0)
        return r;
    if (!text || !utf8_is_valid(text, strlen(text)))
        return -EINVAL;
    if (u->rec.state != UPDATE_OFFERED && u->rec.state != UPDATE_READY &&
        u->rec.state != UPDATE_DOWNLOADING)
        return -EALREADY;
    update_fail(u, -5, "%s", *text ? text : "refused");
    update_clean(u, NULL);
    return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <string.h>

#include "daemon/core/update_impl.h"
#include "daemon/sys/log.h"

LOG_AREA("firmware");

#define INTERVAL_US USEC_PER_SEC /* vendor SDK: at most one message a second */
#define STEP_PERCENT 5           /* own choice */

static void send_waiting(struct update *u);

static int send(struct update *u, enum firmware_step step, mqtt_acked_fn acked)
{
    const struct firmware_progress progress = {
        .step = step,
        .version = u->rec.order->version,
        .fw_type = u->rec.order->fw_type,
        .percent = u->told_percent,
        .code = u->rec.code,
        .text = u->rec.text,
    };

    return firmware_report_progress(u->parts.firmware, &progress, acked, u);
}

static unsigned percent_of(const struct update *u)
{
    return (unsigned) (u->done * 100 / u->rec.order->size);
}

static void on_pace(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    send_waiting(userdata);
    update_tell_result(userdata);
}

/* A percentage that has to be told waits for its second, and what follows it waits for it. What
 * cannot be sent for want of a link is told by update_tell_again(). */
static void send_waiting(struct update *u)
{
    const uint64_t now_us = loop_now_us(u->parts.loop);

    if (u->wants_percent) {
        if (u->told_us && now_us - u->told_us < INTERVAL_US) {
            loop_timer_arm(u->parts.loop, &u->pace, u->told_us + INTERVAL_US - now_us, on_pace, u);
            return;
        }
        u->wants_percent = false;
        u->told_percent = percent_of(u);
        u->has_percent = send(u, FIRMWARE_STEP_DOWNLOADING, NULL) == 0;
        u->told_us = now_us;
    }
    if (u->wants_burning)
        (void) send(u, FIRMWARE_STEP_BURNING, NULL); /* the same */
    u->wants_burning = false;
}

void update_tell_percent(struct update *u)
{
    const unsigned percent = percent_of(u);

    if (u->rec.local)
        return;
    if (!u->has_percent || percent >= u->told_percent + STEP_PERCENT || percent < u->told_percent ||
        (percent == 100 && u->told_percent < 100))
        u->wants_percent = true;
    if (u->wants_percent && !loop_timer_is_armed(&u->pace))
        send_waiting(u);
}

void update_tell_burning(struct update *u)
{
    if (u->rec.local)
        return;
    u->wants_burning = true;
    if (!loop_timer_is_armed(&u->pace))
        send_waiting(u);
}

void update_tell_again(struct update *u)
{
    if (!u->rec.order || u->rec.local)
        return;
    switch (u->rec.state) {
    case UPDATE_DOWNLOADING:
        u->has_percent = false;
        if (u->done > 0) /* after a restart it is not known yet */
            update_tell_percent(u);
        return;
    case UPDATE_INSTALLING:
    case UPDATE_INSTALLED:
        if (strcmp(u->running, u->rec.order->version) != 0)
            update_tell_burning(u);
        update_tell_result(u);
        return;
    case UPDATE_FAILED:
        update_tell_result(u);
        return;
    case UPDATE_IDLE:
    case UPDATE_OFFERED:
    case UPDATE_READY:
    case UPDATE_STATE_COUNT_:
        return;
    }
}

static void finish(struct update *u)
{
    log_notice("the update is done version=%s", u->rec.order->version);
    update_enter(u, UPDATE_EVENT_END);
    update_record_done(&u->rec);
    update_tell_reset(u);
    u->done = 0;
    u->percent = 0;
    update_say(u, "%s", "");
    update_clean(u, NULL);
    update_save_later(u);
    update_changed(u);
}

/* The server has the result, or does not want it. */
static void on_acked(int result, void *userdata)
{
    struct update *u = userdata;
    unsigned n_result;

    if (result == -ECANCELED) /* the session is being freed, and we may be gone */
        return;
    n_result = u->n_result;
    u->n_result = 0;
    if (n_result != u->n_change) { /* of what is over since */
        update_tell_result(u);
        return;
    }
    if (result < 0)
        log_warn("the server closes over the result of the update, it is not told");
    if (u->rec.state == UPDATE_FAILED && !u->rec.told) {
        u->rec.told = true;
        update_save_later(u);
    } else if (u->rec.state == UPDATE_INSTALLED) {
        finish(u);
    }
}

/* Done is told when the cloud knows already that this version runs. */
void update_tell_result(struct update *u)
{
    const struct update_record *rec = &u->rec;
    const bool failed = rec->state == UPDATE_FAILED && !rec->told;
    const bool runs =
        rec->state == UPDATE_INSTALLED && strcmp(u->running, rec->order->version) == 0;

    if (runs && rec->local) {
        finish(u);
        return;
    }
    if (loop_timer_is_armed(&u->pace)) /* that comes first */
        return;
    if (u->n_result || (!failed && (!runs || strcmp(u->reported, rec->order->version) != 0)))
        return;
    /* Not sent for lack of memory, it is told after the next connect. */
    if (send(u, failed ? FIRMWARE_STEP_FAIL : FIRMWARE_STEP_DONE, on_acked) < 0)
        log_warn("cannot tell the cloud how the update ended");
    else
        u->n_result = u->n_change;
}

void update_tell_reset(struct update *u)
{
    loop_timer_cancel(&u->pace);
    u->wants_percent = u->wants_burning = u->has_percent = false;
    u->told_percent = 0;
}

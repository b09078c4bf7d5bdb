/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/update_impl.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/fdutil.h"

LOG_AREA("firmware");

#define MAX_BOOTS 3 /* own choice: in the middle of installing; then it is its fault */

/* What the settings say about asking is decided here, once for each order. */
static void start(struct update *u)
{
    const bool asks = !u->rec.local && u->config.automatic == UPDATE_AUTO_NO;
    int r;

    u->rec.accepted = u->rec.local || u->config.automatic == UPDATE_AUTO_YES;
    u->rec.n_boots = 0;
    u->rec.postponed_real_us = 0;
    u->done = 0;
    u->percent = 0;
    u->asked_url = false;
    u->sha256_hex[0] = '\0';
    update_enter(u, asks ? UPDATE_EVENT_ASK : UPDATE_EVENT_GO);
    update_tell_reset(u);
    r = update_save(u);
    if (r < 0) {
        update_fail(u, -5, "the order cannot be kept: %s", strerror(-r));
        return;
    }
    if (!update_expects_signature(u))
        return;
    if (!asks && !u->rec.local)
        update_download_first(u);
    else
        update_changed(u);
}

void update_begin(struct update *u, struct firmware_order *order, bool local)
{
    char name[UPDATE_NAME];

    update_cancel(u);
    firmware_order_free(u->rec.order);
    u->rec.order = order;
    u->rec.local = local;
    update_image_name(u, name);
    update_clean(u, name);
    start(u);
}

/* The cloud repeats its order after each report of a version; the URL is another one then. */
static void order_again(struct update *u, struct firmware_order **order)
{
    const enum update_state state = u->rec.state;
    struct firmware_order *old = u->rec.order;

    if (state == UPDATE_INSTALLING || state == UPDATE_INSTALLED) {
        update_tell_again(u);
        return;
    }
    u->rec.order = *order;
    *order = old;
    if (state == UPDATE_FAILED) {
        log_notice("the order comes again version=%s", u->rec.order->version);
        start(u);
        return;
    }
    update_save_later(u);
    if (state == UPDATE_DOWNLOADING && u->wait != UPDATE_WAIT_NONE)
        update_download(u);
    update_tell_again(u);
    update_changed(u);
}

static bool is_in_work(enum update_state state)
{
    return state == UPDATE_DOWNLOADING || state == UPDATE_READY || state == UPDATE_INSTALLING;
}

static bool is_being_installed(const struct update *u)
{
    return u->rec.state == UPDATE_INSTALLING || (u->rec.local && is_in_work(u->rec.state));
}

void update_on_order(struct firmware_order *order, void *userdata)
{
    CLEANUP(firmware_order_freep) struct firmware_order *o = order;
    struct update *u = userdata;

    if (!u->started) { /* the link is not up before that */
        log_warn("an order came too early, it comes again");
        return;
    }
    if (strcmp(o->version, u->running) == 0) {
        log_info("the version that the cloud orders runs already version=%s", o->version);
        return;
    }
    if (u->rec.order && !u->rec.local && firmware_order_is_same(u->rec.order, o)) {
        order_again(u, &o);
        return;
    }
    if (is_being_installed(u)) {
        log_notice("another order has to wait until this update is over version=%s", o->version);
        u->put_off = true;
        return;
    }
    log_notice("the cloud orders an update version=%s size=%llu", o->version,
               (unsigned long long) o->size);
    update_begin(u, TAKE(o), false);
}

/* Its image, if there is all of it, is checked again; then it goes on where it was. */
static void take_up(struct update *u)
{
    if (u->rec.state == UPDATE_INSTALLING && update_is_other_boot(u) &&
        ++u->rec.n_boots >= MAX_BOOTS) {
        update_fail(u, -5, "the device restarted %u times while it was installed", u->rec.n_boots);
        return;
    }
    log_notice("the update goes on version=%s state=%s", u->rec.order->version,
               update_state_name(u->rec.state));
    if (u->rec.state != UPDATE_DOWNLOADING) {
        update_enter(u, UPDATE_EVENT_GO);
        update_save_later(u);
    }
    if (update_expects_signature(u))
        update_download(u);
}

void update_resume(struct update *u)
{
    struct update_record *rec = &u->rec;
    char name[UPDATE_NAME] = "";

    if (rec->order)
        update_image_name(u, name);
    update_clean(u, name);
    if (!rec->order)
        return;
    update_check_running(u, false);
    if (rec->local && is_in_work(rec->state)) {
        update_fail(u, -5, "iotd was restarted while it was being installed");
        return;
    }
    switch (rec->state) {
    case UPDATE_OFFERED:
        update_wait_postponed(u);
        break;
    case UPDATE_DOWNLOADING:
    case UPDATE_READY:
    case UPDATE_INSTALLING:
        take_up(u);
        break;
    case UPDATE_INSTALLED:
        u->done = rec->order->size;
        u->percent = 100;
        update_judge_restart(u);
        break;
    case UPDATE_FAILED:
        update_tell_result(u);
        break;
    case UPDATE_IDLE:
    case UPDATE_STATE_COUNT_:
        break;
    }
    update_changed(u);
}

static const char *local_problem(int r)
{
    return r == -ENOSPC || r == -EDQUOT ? "no space for the image" : strerror(-r);
}

static void on_copied(int result, const struct image_digests *digests, void *userdata)
{
    struct update *u = userdata;

    u->copy = image_copy_free(u->copy);
    if (result < 0) {
        update_fail(u, -5, "%s", local_problem(result));
        return;
    }
    u->done = u->rec.order->size;
    memcpy(u->rec.order->md5, digests->md5, sizeof(u->rec.order->md5));
    memcpy(u->sha256, digests->sha256, sizeof(u->sha256));
    update_check_signature(u);
}

static void on_copying(uint64_t done, void *userdata)
{
    struct update *u = userdata;

    u->done = done;
    update_changed(u);
}

static const struct image_events copy_events = {.progress = on_copying, .done = on_copied};

static bool is_idle(const struct update *u)
{
    return u->rec.state == UPDATE_IDLE || u->rec.state == UPDATE_FAILED ||
           u->rec.state == UPDATE_INSTALLED;
}

int update_install_local(struct update *u, int fd, const char *version,
                         const char *signature_base64)
{
    CLEANUP(firmware_order_freep) struct firmware_order *order = NULL;
    CLEANUP(image_copy_freep) struct image_copy *copy = NULL;
    CLEANUP(freep) char *signature = signature_base64 ? strdup(signature_base64) : NULL;
    CLEANUP(fd_closep) int dir = -1;
    const struct update_ops *ops = u->parts.ops;
    uint64_t size;
    int r;

    if (signature_base64 && !signature)
        return -ENOMEM;
    r = image_size(fd, &size);
    if (r < 0)
        return r;
    if (size > LIMIT_FIRMWARE)
        return -EFBIG;
    r = firmware_order_local(&order, version, size);
    if (r < 0)
        return r;
    if (!is_idle(u) || !u->started)
        return -EBUSY;
    if (!u->installer || !ops)
        return -ENOENT;
    if (!signature && ops->needs_signature(u->parts.ops_data))
        return -EKEYREJECTED;
    dir = update_open_dir(u);
    if (dir < 0)
        return dir;
    r = image_copy_start(&copy, u->parts.loop, fd, size, dir, "local.image", &copy_events, u);
    if (r < 0)
        return r;
    log_notice("an image is handed in version=%s size=%llu", version, (unsigned long long) size);
    free(u->signature);
    u->signature = TAKE(signature);
    update_begin(u, TAKE(order), true);
    if (u->rec.state != UPDATE_DOWNLOADING)
        return -EIO; /* told there */
    u->copy = TAKE(copy);
    update_changed(u);
    return 0;
}

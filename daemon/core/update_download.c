/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/update_impl.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/fdutil.h"

LOG_AREA("firmware");

#define PROOF_US (7 * USEC_PER_SEC)  /* own choice: above the 5 s in which a link proves itself */
#define URL_US (10 * USEC_PER_SEC)   /* own choice: in which the cloud sends a newer one */
#define LINK_US (300 * USEC_PER_SEC) /* own choice: tried meanwhile, without the link */

/* The vendor's codes by what a transfer ended with. */
static int code_of(enum transfer_result result)
{
    switch (result) {
    case TRANSFER_TIMEOUT:
        return -1;
    case TRANSFER_NOT_FOUND:
        return -2;
    case TRANSFER_DENIED:
        return -3;
    case TRANSFER_MISMATCH:
        return -4;
    case TRANSFER_OK:
    case TRANSFER_FAILED:
    case TRANSFER_NO_SPACE:
    case TRANSFER_RESULT_COUNT_:
        break;
    }
    return -5;
}

static void on_progress(uint64_t done, void *userdata)
{
    struct update *u = userdata;

    if (done > u->done)
        u->asked_url = false; /* this address is good */
    u->done = done;
    update_tell_percent(u);
    update_changed(u);
}

static void on_waited(struct loop_timer *timer, void *userdata);

static void wait_for(struct update *u, enum update_wait wait, uint64_t us)
{
    u->wait = wait;
    loop_timer_arm(u->parts.loop, &u->timer, us, on_waited, u);
    update_changed(u);
}

static void wait_for_link(struct update *u)
{
    log_notice("the download waits for the network version=%s", u->rec.order->version);
    wait_for(u, UPDATE_WAIT_LINK, LINK_US);
}

static void on_waited(struct loop_timer *timer, void *userdata)
{
    struct update *u = userdata;
    const enum update_wait wait = u->wait;
    char text[UPDATE_REASON];

    (void) timer;
    u->wait = UPDATE_WAIT_NONE;
    memcpy(text, u->reason, sizeof(text));
    if (wait == UPDATE_WAIT_LINK)
        update_download(u);
    else if (wait == UPDATE_WAIT_PROOF && !link_is_up(u->parts.link))
        wait_for_link(u);
    else
        update_fail(u, u->code, "%s", text);
}

/*
 * Where the network is gone the cloud will not hear of a failure, and there is none: it goes on
 * when the link is back. An address that has expired is asked for anew, once.
 */
static void on_failed(struct update *u, const struct fetch_end *end)
{
    const bool is_network = end->result == TRANSFER_FAILED || end->result == TRANSFER_TIMEOUT;

    u->code = code_of(end->result);
    update_say(u, "%s", end->text);
    if (is_network && link_is_up(u->parts.link)) {
        link_network_changed(u->parts.link); /* it proves that it is up */
        wait_for(u, UPDATE_WAIT_PROOF, PROOF_US);
    } else if (is_network) {
        wait_for_link(u);
    } else if (end->result == TRANSFER_DENIED && !u->asked_url && link_is_up(u->parts.link)) {
        log_notice("the address of the image has expired, another one is asked for");
        u->asked_url = true;
        wait_for(u, UPDATE_WAIT_URL, URL_US);
        firmware_report_version(u->parts.firmware);
    } else {
        update_fail(u, u->code, "%s", end->text);
    }
}

static void on_done(const struct fetch_end *end, void *userdata)
{
    struct update *u = userdata;

    if (end->result == TRANSFER_OK) {
        u->done = u->rec.order->size;
        memcpy(u->sha256, end->sha256, sizeof(u->sha256));
    } else {
        on_failed(u, end);
    }
    if (u->fetch)
        u->fetch = u->parts.ops->fetch_free(u->fetch); /* and with it the text */
    if (u->rec.state == UPDATE_DOWNLOADING && u->wait == UPDATE_WAIT_NONE)
        update_check_signature(u);
}

static const struct fetch_events fetch_events = {.progress = on_progress, .done = on_done};

static uint64_t total_us(const struct update *u)
{
    const uint64_t rate = u->config.rate;
    const uint64_t slow_us = rate ? u->rec.order->size / rate * 2 * USEC_PER_SEC : 0;

    return slow_us > FETCH_TOTAL_US ? slow_us : 0;
}

void update_download(struct update *u)
{
    const struct update_ops *ops = u->parts.ops;
    CLEANUP(fd_closep) int dir = -1;
    char name[UPDATE_NAME];
    struct fetch_request request = {
        .url = u->rec.order->url,
        .name = name,
        .size = u->rec.order->size,
        .md5 = u->rec.order->md5,
        .rate = u->config.rate,
        .total_us = total_us(u),
    };
    int r;

    u->wait = UPDATE_WAIT_NONE;
    loop_timer_cancel(&u->timer);
    u->reason[0] = '\0';
    if (!ops) {
        update_fail(u, -5, "this device downloads nothing");
        return;
    }
    request.want_sha256 = ops->needs_signature(u->parts.ops_data);
    dir = update_open_dir(u);
    if (dir < 0) {
        update_fail(u, -5, "%s: %s", u->dir ? u->dir : "firmware.dir", strerror(-dir));
        return;
    }
    request.dir = dir;
    update_image_name(u, name);
    r = ops->fetch_start(&u->fetch, u->parts.ops_data, &request, &fetch_events, u);
    if (r == -EACCES) { /* an installer has made the file its own */
        update_clean(u, NULL);
        r = ops->fetch_start(&u->fetch, u->parts.ops_data, &request, &fetch_events, u);
    }
    if (r < 0) {
        update_fail(u, -5, "the download cannot begin: %s", strerror(-r));
        return;
    }
    update_changed(u);
}

void update_download_first(struct update *u)
{
    update_download(u);
    if (u->rec.state == UPDATE_DOWNLOADING)
        update_tell_percent(u);
}

void update_download_link_up(struct update *u)
{
    if (u->rec.state == UPDATE_DOWNLOADING &&
        (u->wait == UPDATE_WAIT_LINK || u->wait == UPDATE_WAIT_PROOF))
        update_download(u);
}

static void checked(struct update *u)
{
    log_notice("the image is what it should be version=%s", u->rec.order->version);
    update_enter(u, UPDATE_EVENT_CHECKED);
    update_save_later(u);
    update_ready(u);
}

static void verify(struct update *u, const char *base64)
{
    int r = u->parts.ops->verify(u->parts.ops_data, u->sha256, base64);

    if (r == 0) {
        for (size_t i = 0; i < sizeof(u->sha256); i++)
            (void) snprintf(&u->sha256_hex[2 * i], 3, "%02x", u->sha256[i]);
        checked(u);
        return;
    }
    if (r == -ENOMEM) {
        update_fail(u, -5, "%s", strerror(-r));
        return;
    }
    update_clean(u, NULL); /* nobody shall install it */
    update_fail(u, -4, "the signature of the image is %s",
                r == -EBADMSG ? "not base64" : "wrong: it is not from who may sign");
}

static void on_text(int result, const char *text, void *userdata)
{
    struct update *u = userdata;
    CLEANUP(freep) char *copy = result == 0 ? strdup(text) : NULL;

    if (result < 0)
        update_fail(u, -4, "the signature cannot be fetched: %s", text);
    else if (copy)
        verify(u, copy);
    else
        update_fail(u, -5, "%s", strerror(ENOMEM));
    if (u->text)
        u->text = u->parts.ops->text_free(u->text);
}

void update_check_signature(struct update *u)
{
    const struct update_ops *ops = u->parts.ops;
    CLEANUP(freep) char *base64 = NULL;
    CLEANUP(freep) char *url = NULL;
    int r = 0;

    u->sha256_hex[0] = '\0';
    if (!ops->needs_signature(u->parts.ops_data)) {
        checked(u);
        return;
    }
    if (u->rec.local)
        base64 = u->signature ? strdup(u->signature) : NULL;
    else
        r = firmware_order_signature(u->rec.order, &base64, &url);
    if (base64) {
        verify(u, base64);
        return;
    }
    if (url)
        r = ops->text_start(&u->text, u->parts.ops_data, url, on_text, u);
    if (url && r == 0)
        return;
    if (r == -ENOMEM || (r == 0 && u->signature))
        update_fail(u, -5, "%s", strerror(ENOMEM));
    else
        update_fail(u, -4, "the image has no signature, and this device wants one");
}

bool update_expects_signature(struct update *u)
{
    CLEANUP(freep) char *base64 = NULL;
    CLEANUP(freep) char *url = NULL;

    if (u->rec.local || !u->parts.ops || !u->parts.ops->needs_signature(u->parts.ops_data))
        return true;
    if (firmware_order_signature(u->rec.order, &base64, &url) != -ENOENT)
        return true;
    update_fail(u, -4, "the image has no signature, and this device wants one");
    return false;
}

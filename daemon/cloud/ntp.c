/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/ntp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/json/jx.h"
#include "daemon/sys/clock.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/limits.h"

LOG_AREA("time");

#define REQUEST "{\"type\":\"get\",\"resource\":[\"time\"]}" /* vendor SDK, system service */
#define TOLD_US (60 * USEC_PER_SEC)           /* own choice: a clock so far off is worth a line */
#define MAX_ROUND_TRIP_US (10 * USEC_PER_SEC) /* own choice: an answer so late says little */
#define CLOCK_END_MS 253402300800000          /* the year 10000 */

struct ntp {
    struct link *link; /* borrowed: manager */
    struct link_watch watch;
    void (*changed)(void *userdata);
    void *userdata;
    uint64_t asked_real_us; /* 0: no request is out */
    uint64_t asked_boot_us;
    int64_t offset_us;
    bool known;
    char up[64 + LIMIT_PRODUCT_ID + LIMIT_DEVICE_NAME];
    char down[64 + LIMIT_PRODUCT_ID + LIMIT_DEVICE_NAME];
};

int64_t ntp_offset_us(const struct ntp *n)
{
    return n->offset_us;
}

uint64_t ntp_now_s(const struct ntp *n)
{
    uint64_t now = clock_real_us();

    if (n->known)
        return (now + (uint64_t) n->offset_us) / USEC_PER_SEC;
    return clock_is_set(now) ? now / USEC_PER_SEC : 0;
}

/*
 * ntptime1 and ntptime2 are the cloud's milliseconds of receiving and answering; their mean
 * belongs to the middle of our wait. Without them there is time, in seconds.
 */
static int read_cloud_us(const json_t *json, int64_t *ret_us)
{
    int64_t first, second, s;

    if (jx_get_number_or_text(json, "ntptime1", &first) == 0 &&
        jx_get_number_or_text(json, "ntptime2", &second) == 0 && first > 0 && second >= first &&
        second < CLOCK_END_MS) {
        *ret_us = first * 500 + second * 500;
        return 0;
    }
    if (jx_get_number_or_text(json, "time", &s) < 0 || s <= 0 || s >= CLOCK_END_MS / 1000)
        return -EBADMSG;
    *ret_us = s * (int64_t) USEC_PER_SEC;
    return 0;
}

static void on_time(struct ntp *n, const json_t *json)
{
    uint64_t waited = clock_boot_us() - n->asked_boot_us;
    int64_t cloud_us, middle_us = (int64_t) (n->asked_real_us + waited / 2);

    if (!n->asked_real_us || waited > MAX_ROUND_TRIP_US || read_cloud_us(json, &cloud_us) < 0)
        return;
    n->asked_real_us = 0;
    n->offset_us = cloud_us - middle_us;
    n->known = true;
    if (n->offset_us > (int64_t) TOLD_US || n->offset_us < -(int64_t) TOLD_US)
        log_warn("the clock is off offset=%llds",
                 (long long) (n->offset_us / (int64_t) USEC_PER_SEC));
    else
        log_debug("offset=%lldus", (long long) n->offset_us);
    n->changed(n->userdata);
}

static void on_message(const struct mqtt_publish *publish, void *userdata)
{
    struct ntp *n = userdata;
    CLEANUP(jx_decrefp) json_t *json = NULL;

    if (strlen(n->down) != publish->topic_len ||
        memcmp(n->down, publish->topic, publish->topic_len) != 0 ||
        jx_parse_object((const char *) publish->payload, publish->payload_len, &json, NULL) < 0)
        return;
    /* Other types on this topic, remote login for one, are not ours. */
    if (strcmp(jx_string_or(json, "type", ""), "get") == 0)
        on_time(n, json);
}

static void ask(struct ntp *n)
{
    n->asked_real_us = clock_real_us();
    n->asked_boot_us = clock_boot_us();
    if (link_publish(n->link, n->up, REQUEST, strlen(REQUEST), 0, NULL, NULL) < 0)
        n->asked_real_us = 0; /* asked again after the next connect */
}

static void on_up(void *userdata)
{
    ask(userdata);
}

void ntp_clock_stepped(struct ntp *n, int64_t by_us)
{
    if (n->known) {
        n->offset_us -= by_us;
        n->changed(n->userdata);
    }
    n->asked_real_us = 0; /* an answer to come is reckoned from the old time */
    if (link_is_up(n->link))
        ask(n);
}

int ntp_new(struct ntp **ret_ntp, struct link *link, const struct ident *ident,
            void (*changed)(void *userdata), void *userdata)
{
    CLEANUP(ntp_freep) struct ntp *n = calloc(1, sizeof(*n));
    int r;

    if (!n)
        return -ENOMEM;
    n->link = link;
    n->changed = changed;
    n->userdata = userdata;
    (void) snprintf(n->up, sizeof(n->up), "$sys/operation/%s/%s", ident->product_id,
                    ident->device_name);
    (void) snprintf(n->down, sizeof(n->down), "$sys/operation/result/%s/%s", ident->product_id,
                    ident->device_name);
    r = link_add_optional_filter(link, n->down, 0);
    if (r < 0)
        return r;
    n->watch = (struct link_watch){.on_up = on_up, .on_message = on_message, .userdata = n};
    link_watch(link, &n->watch);
    *ret_ntp = TAKE(n);
    return 0;
}

struct ntp *ntp_free(struct ntp *n)
{
    if (!n)
        return NULL;

    link_unwatch(&n->watch);
    free(n);
    return NULL;
}

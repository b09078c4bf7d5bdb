/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/firmware.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/json/jx.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/name.h"
#include "libiotclient/base/strbuf.h"
#include "libiotclient/base/utf8.h"

LOG_AREA("firmware");

#define MESSAGE_MAX (512 + FIRMWARE_TEXT_MAX * 6)
#define TOPIC_SIZE (32 + LIMIT_PRODUCT_ID + LIMIT_DEVICE_NAME)

struct firmware {
    struct link *link; /* borrowed: manager */
    struct link_watch watch;
    const struct firmware_events *events; /* borrowed: who set it; or NULL */
    void *userdata;
    struct log_limit bad_messages;
    bool in_session; /* the session has a report, and repeats it after a reconnect */
    bool outdated;   /* that one tells an older version */
    bool given_up;   /* the server closes over it: told again when it is another one */
    char version[FIRMWARE_VERSION_SIZE];
    char told[FIRMWARE_VERSION_SIZE]; /* by the report in the session */
    char up[TOPIC_SIZE];
    char down[TOPIC_SIZE];
};

static void on_acked(int result, void *userdata)
{
    struct firmware *f = userdata;
    char told[FIRMWARE_VERSION_SIZE];

    if (result == -ECANCELED) /* the session is being freed, and we may be gone */
        return;
    memcpy(told, f->told, sizeof(told));
    f->in_session = false;
    f->given_up = result < 0 && !f->outdated;
    if (f->given_up)
        log_warn("the server closes over the version, it is not told version=\"%s\"", f->version);
    else if (f->outdated)
        firmware_report_version(f);
    if (result == 0 && f->events && f->events->on_reported)
        f->events->on_reported(told, f->userdata);
}

/* One at a time, or a link that breaks again and again would fill the session with them. */
void firmware_report_version(struct firmware *f)
{
    CLEANUP(freep) char *text = NULL;
    struct strbuf sb;

    if (!*f->version || !link_is_up(f->link) || f->in_session || f->given_up)
        return;
    strbuf_init(&sb, MESSAGE_MAX);
    strbuf_adds(&sb, "{\"type\":\"report_version\",\"report\":{\"version\":");
    strbuf_add_json(&sb, f->version);
    strbuf_adds(&sb, "}}");
    /* Not sent for lack of memory, it is told after the next connect. */
    if (strbuf_finish(&sb, &text) < 0 ||
        link_publish(f->link, f->up, text, strlen(text), 1, on_acked, f) < 0) {
        log_warn("cannot report the version version=\"%s\"", f->version);
        return;
    }
    f->in_session = true;
    f->outdated = false;
    (void) snprintf(f->told, sizeof(f->told), "%s", f->version);
}

void firmware_set_version(struct firmware *f, const char *version)
{
    if (strcmp(f->version, version) == 0)
        return;
    (void) snprintf(f->version, sizeof(f->version), "%s", version);
    f->outdated = f->in_session;
    f->given_up = false;
    firmware_report_version(f);
}

static void on_reported(struct firmware *f, const json_t *json)
{
    int64_t code = 0;

    if (jx_get_number_or_text(json, "result_code", &code) < 0 || code != 0)
        log_warn_limited(&f->bad_messages,
                         "the cloud refused the version code=%lld message=\"%.64s\"",
                         (long long) code, jx_string_or(json, "result_msg", ""));
}

/* As the vendor's clients: numbers are texts here. */
static int progress_text(const struct firmware_progress *p, char **ret_text)
{
    static const char *const names[] = {"downloading", "burning", "done", "fail"};
    char text[FIRMWARE_TEXT_MAX + 1];
    struct strbuf sb;

    strbuf_init(&sb, MESSAGE_MAX);
    strbuf_addf(&sb, "{\"type\":\"report_progress\",\"report\":{\"progress\":{\"state\":\"%s\"",
                names[p->step]);
    if (p->step == FIRMWARE_STEP_DOWNLOADING)
        strbuf_addf(&sb, ",\"percent\":\"%u\"", p->percent);
    strbuf_addf(&sb, ",\"result_code\":\"%d\",\"result_msg\":",
                p->step == FIRMWARE_STEP_FAIL ? p->code : 0);
    (void) snprintf(text, sizeof(text), "%s", p->step == FIRMWARE_STEP_FAIL ? p->text : "");
    utf8_trim(text);
    strbuf_add_json(&sb, text);
    strbuf_addf(&sb, "},\"version\":\"%s\"", p->version);
    if (*p->fw_type) {
        strbuf_adds(&sb, ",\"fw_type\":");
        strbuf_add_json(&sb, p->fw_type);
    }
    strbuf_adds(&sb, "}}");
    return strbuf_finish(&sb, ret_text);
}

int firmware_report_progress(struct firmware *f, const struct firmware_progress *progress,
                             mqtt_acked_fn acked, void *userdata)
{
    const bool is_result =
        progress->step == FIRMWARE_STEP_DONE || progress->step == FIRMWARE_STEP_FAIL;
    CLEANUP(freep) char *text = NULL;
    int r = progress_text(progress, &text);

    return r < 0 ? r : link_publish(f->link, f->up, text, strlen(text), is_result, acked, userdata);
}

/* The cloud hears of it where it says at least for which version. */
static void refuse_order(struct firmware *f, const json_t *json, const char *problem)
{
    const struct firmware_progress progress = {
        .step = FIRMWARE_STEP_FAIL,
        .version = jx_string_or(json, "version", ""),
        .fw_type = "",
        .code = -5,
        .text = problem,
    };

    log_warn_limited(&f->bad_messages, "an order of the cloud is refused: %s", problem);
    if (name_is_version(progress.version) && firmware_report_progress(f, &progress, NULL, NULL) < 0)
        log_warn_limited(&f->bad_messages, "cannot tell the cloud so");
}

static void on_order(struct firmware *f, const json_t *json)
{
    struct firmware_order *order = NULL;
    const char *problem;
    int r;

    if (!f->events || !f->events->on_order) {
        log_warn_limited(&f->bad_messages, "the cloud orders an update, nothing here takes it");
        return;
    }
    r = firmware_order_parse(&order, json, &problem);
    if (r < 0)
        refuse_order(f, json, r == -EINVAL ? problem : strerror(-r));
    else
        f->events->on_order(order, f->userdata);
}

static void on_message(const struct mqtt_publish *publish, void *userdata)
{
    struct firmware *f = userdata;
    CLEANUP(jx_decrefp) json_t *json = NULL;
    const char *type;

    if (strlen(f->down) != publish->topic_len ||
        memcmp(f->down, publish->topic, publish->topic_len) != 0)
        return;
    if (jx_parse_object((const char *) publish->payload, publish->payload_len, &json, NULL) < 0) {
        log_warn_limited(&f->bad_messages, "message is not JSON");
        return;
    }
    type = jx_string_or(json, "type", "");
    if (strcmp(type, "report_version_rsp") == 0)
        on_reported(f, json);
    else if (strcmp(type, "update_firmware") == 0)
        on_order(f, json);
    else
        log_warn_limited(&f->bad_messages, "unknown message type=\"%.40s\"", type);
}

int firmware_new(struct firmware **ret_firmware, struct link *link, const struct ident *ident)
{
    CLEANUP(firmware_freep) struct firmware *f = calloc(1, sizeof(*f));
    int r;

    if (!f)
        return -ENOMEM;
    f->link = link;
    log_limit_init(&f->bad_messages);
    (void) snprintf(f->up, sizeof(f->up), "$ota/report/%s/%s", ident->product_id,
                    ident->device_name);
    (void) snprintf(f->down, sizeof(f->down), "$ota/update/%s/%s", ident->product_id,
                    ident->device_name);
    r = link_add_optional_filter(link, f->down, 1);
    if (r < 0)
        return r;
    f->watch = (struct link_watch){.on_message = on_message, .userdata = f};
    link_watch(link, &f->watch);
    *ret_firmware = TAKE(f);
    return 0;
}

void firmware_set_events(struct firmware *f, const struct firmware_events *events, void *userdata)
{
    f->events = events;
    f->userdata = userdata;
}

struct firmware *firmware_free(struct firmware *f)
{
    if (!f)
        return NULL;

    link_unwatch(&f->watch);
    free(f);
    return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/firmware.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/json/jx.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/strbuf.h"

LOG_AREA("firmware");

#define MESSAGE_MAX 256
#define TOPIC_SIZE (32 + LIMIT_PRODUCT_ID + LIMIT_DEVICE_NAME)

struct firmware {
    struct link *link; /* borrowed: manager */
    struct link_watch watch;
    struct log_limit bad_messages;
    bool in_session; /* the session has a report, and repeats it after a reconnect */
    bool outdated;   /* that one tells an older version */
    bool given_up;   /* the server closes over it: told again when it is another one */
    char version[FIRMWARE_VERSION_SIZE];
    char up[TOPIC_SIZE];
    char down[TOPIC_SIZE];
};

static void on_acked(int result, void *userdata)
{
    struct firmware *f = userdata;

    if (result == -ECANCELED) /* the session is being freed, and we may be gone */
        return;
    f->in_session = false;
    f->given_up = result < 0 && !f->outdated;
    if (f->given_up)
        log_warn("the server closes over the version, it is not told version=\"%s\"", f->version);
    else if (f->outdated)
        firmware_report_version(f);
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
        log_warn_limited(&f->bad_messages,
                         "the cloud offers an update, nothing here installs it version=\"%.32s\"",
                         jx_string_or(json, "version", ""));
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

struct firmware *firmware_free(struct firmware *f)
{
    if (!f)
        return NULL;

    link_unwatch(&f->watch);
    free(f);
    return NULL;
}

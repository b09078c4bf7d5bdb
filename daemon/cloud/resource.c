/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/resource.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cloud/unknown.h"
#include "daemon/json/jx.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/strbuf.h"

LOG_AREA("files");

#define TOPIC_SIZE (40 + LIMIT_PRODUCT_ID + LIMIT_DEVICE_NAME)

struct resource {
    struct link *link; /* borrowed: core */
    struct link_watch watch;
    const struct resource_events *events;
    void *userdata;
    struct log_limit bad_messages;
    struct unknown_names unknown; /* types */
    bool is_checking;             /* the session has the question, and repeats it by itself */
    char up[TOPIC_SIZE];
    char down[TOPIC_SIZE];
};

/* --- down --- */

static void on_download(struct resource *r, const json_t *json)
{
    struct file_order order = {
        .kind = FILE_KIND_RESOURCE,
        .name = jx_string_or(json, "name", ""),
        .type = "",
        .version = "",
        .url = jx_string_or(json, "url", ""),
        .md5 = jx_string_or(json, "md5sum", ""),
    };
    int64_t size = 0;

    if (jx_get_number_or_text(json, "size", &size) < 0 || size < 0)
        size = 0;
    order.size = (uint64_t) size;
    r->events->on_download(&order, r->userdata);
}

/* Without a name, there is nothing that waits. */
static void on_task(struct resource *r, const json_t *json)
{
    if (*jx_string_or(json, "name", "") && *jx_string_or(json, "url", ""))
        on_download(r, json);
}

static int code_of(const json_t *json)
{
    int64_t code;
    int result = jx_get_number_or_text(json, "result_code", &code);

    if (result == -ENOENT)
        return 0; /* answers that went well have none */
    return result < 0 || code < INT32_MIN || code > INT32_MAX ? FILE_CODE_FAILED : (int) code;
}

static void on_url(struct resource *r, const json_t *json)
{
    const char *url = jx_string_or(json, "url", "");
    int code = code_of(json);

    if (code == 0 && !*url)
        code = FILE_CODE_FAILED;
    r->events->on_url(jx_string_or(json, "name", ""), jx_string_or(json, "md5sum", ""), code,
                      jx_string_or(json, "result_msg", ""), url, r->userdata);
}

static void on_heard(struct resource *r, const json_t *json)
{
    int code = code_of(json);

    if (code != 0)
        log_warn_limited(&r->bad_messages,
                         "the cloud refused a report about a resource type=%s code=%d "
                         "message=\"%.64s\"",
                         jx_string_or(json, "type", ""), code,
                         jx_string_or(json, "result_msg", ""));
}

static const struct {
    const char *name;
    void (*fn)(struct resource *r, const json_t *json);
} types[] = {
    {"download", on_download}, /* pushed; not in the guide, vendor SDK */
    {"get_download_task_rsp", on_task},
    {"create_upload_task_rsp", on_url},
    {"report_upload_progress_rsp", on_heard},
    {"report_download_progress_rsp", on_heard},
    {"upload_result", on_heard}, /* as the first */
};

static void on_message(const struct mqtt_publish *publish, void *userdata)
{
    struct resource *r = userdata;
    CLEANUP(jx_decrefp) json_t *json = NULL;
    const char *type;

    if (strlen(r->down) != publish->topic_len ||
        memcmp(r->down, publish->topic, publish->topic_len) != 0)
        return;
    if (jx_parse_object((const char *) publish->payload, publish->payload_len, &json, NULL) < 0) {
        log_warn_limited(&r->bad_messages, "message about resources is not JSON");
        return;
    }
    type = jx_string_or(json, "type", "");
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (strcmp(types[i].name, type) == 0) {
            types[i].fn(r, json);
            return;
        }
    }
    if (unknown_names_add(&r->unknown, 0, type))
        log_warn("unknown message about resources, told once type=\"%.40s\"", type);
}

/* --- up --- */

static void begin(struct strbuf *sb, const char *type)
{
    strbuf_init(sb, LIMIT_MQTT_PAYLOAD);
    strbuf_addf(sb, "{\"type\":\"%s\"", type);
}

static int send(struct resource *r, struct strbuf *sb, uint8_t qos, mqtt_acked_fn acked)
{
    CLEANUP(freep) char *text = NULL;
    int result = strbuf_finish(sb, &text);

    if (result < 0)
        return result;
    return link_publish(r->link, r->up, text, strlen(text), qos, acked, r);
}

static void on_asked(int result, void *userdata)
{
    struct resource *r = userdata;

    if (result == -ECANCELED) /* the session is being freed, and we may be gone */
        return;
    r->is_checking = false;
    if (result < 0)
        log_warn("the server closes over the question for resources");
}

int resource_check(struct resource *r)
{
    struct strbuf sb;
    int result;

    if (!link_is_up(r->link))
        return -ENETDOWN;
    if (r->is_checking)
        return 0;
    begin(&sb, "get_download_task");
    strbuf_addc(&sb, '}');
    result = send(r, &sb, 1, on_asked);
    r->is_checking = result == 0;
    return result;
}

static void begin_progress(struct strbuf *sb, bool up, const char *name, const char *state,
                           int code, const char *text)
{
    begin(sb, up ? "report_upload_progress" : "report_download_progress");
    strbuf_adds(sb, ",\"name\":");
    strbuf_add_json(sb, name);
    strbuf_addf(sb, ",\"progress\":{\"state\":\"%s\",\"result_code\":%d,\"result_msg\":", state,
                code);
    strbuf_add_json(sb, text);
}

int resource_report_progress(struct resource *r, bool up, const char *name, unsigned percent)
{
    struct strbuf sb;

    begin_progress(&sb, up, name, up ? "uploading" : "downloading", 0, "");
    strbuf_addf(&sb, ",\"percent\":%u}}", percent);
    return send(r, &sb, 0, NULL);
}

int resource_report_end(struct resource *r, bool up, const char *name, int code, const char *text)
{
    struct strbuf sb;

    begin_progress(&sb, up, name, code ? "fail" : "done", code, code ? text : "");
    strbuf_adds(&sb, "}}");
    return send(r, &sb, 1, NULL);
}

int resource_request_upload(struct resource *r, const char *name, uint64_t size, const char *md5)
{
    struct strbuf sb;

    begin(&sb, "create_upload_task");
    strbuf_addf(&sb, ",\"size\":%" PRIu64 ",\"name\":", size);
    strbuf_add_json(&sb, name);
    strbuf_addf(&sb, ",\"md5sum\":\"%s\"}", md5);
    return send(r, &sb, 1, NULL);
}

/* --- life --- */

int resource_new(struct resource **ret_resource, struct link *link, const struct ident *ident,
                 const struct resource_events *events, void *userdata)
{
    CLEANUP(resource_freep) struct resource *r = calloc(1, sizeof(*r));
    int result;

    if (!r)
        return -ENOMEM;
    r->link = link;
    r->events = events;
    r->userdata = userdata;
    log_limit_init(&r->bad_messages);
    (void) snprintf(r->up, sizeof(r->up), "$resource/up/service/%s/%s", ident->product_id,
                    ident->device_name);
    (void) snprintf(r->down, sizeof(r->down), "$resource/down/service/%s/%s", ident->product_id,
                    ident->device_name);
    r->watch = (struct link_watch){.on_message = on_message, .userdata = r};
    link_watch(link, &r->watch);
    result = link_add_optional_filter(link, r->down, 1);
    if (result < 0)
        return result;
    *ret_resource = TAKE(r);
    return 0;
}

struct resource *resource_free(struct resource *r)
{
    if (!r)
        return NULL;

    link_unwatch(&r->watch);
    free(r);
    return NULL;
}

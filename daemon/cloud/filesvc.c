/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/filesvc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sys/log.h"
#include "daemon/sys/rand.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/strbuf.h"

LOG_AREA("files");

#define REPORT_ROOM 512 /* of a message with versions, for one more and the end */

struct filesvc {
    struct link *link;   /* borrowed: core */
    struct thing *thing; /* the same */
    struct thing_sharer sharer;
    const struct filesvc_events *events;
    void *userdata;
    struct log_limit bad_messages;
    uint64_t last_id;   /* of requests */
    unsigned n_reports; /* messages with versions in the session, which repeats them by itself */
    bool asks_all;      /* nothing was reported: the reply is what the cloud has on record */
};

/* --- down --- */

static void read_record(const json_t *json, struct file_record *r)
{
    *r = (struct file_record){
        .name = jx_string_or(json, "resource_name", ""),
        .type = jx_string_or(json, "resource_type", ""),
        .version = jx_string_or(json, "version", ""),
    };
}

static int code_of(const json_t *json)
{
    int64_t code;

    if (jx_get_number_or_text(json, "result_code", &code) < 0 || code < INT32_MIN ||
        code > INT32_MAX)
        return FILE_CODE_FAILED;
    return (int) code;
}

static void on_update(struct filesvc *s, const json_t *json)
{
    struct file_record r;
    int64_t size = 0;
    struct file_order order;

    read_record(json, &r);
    if (jx_get_number_or_text(json, "file_size", &size) < 0 || size < 0)
        size = 0;
    order = (struct file_order){
        .kind = FILE_KIND_FILE,
        .name = r.name,
        .type = r.type,
        .version = r.version,
        .url = jx_string_or(json, "url", ""),
        .md5 = jx_string_or(json, "md5sum", ""),
        .size = (uint64_t) size,
    };
    s->events->on_update(&order, s->userdata);
}

static void on_delete(struct filesvc *s, const json_t *json)
{
    struct file_record r;

    read_record(json, &r);
    s->events->on_delete(&r, s->userdata);
}

static void on_versions(struct filesvc *s, const json_t *json)
{
    int code = code_of(json);
    json_t *list;

    if (code != 0)
        log_warn_limited(&s->bad_messages,
                         "the cloud refused the versions of the files code=%d message=\"%.64s\"",
                         code, jx_string_or(json, "result_msg", ""));
    if (code != 0 || !s->asks_all || jx_get_array(json, "resource_list", &list) < 0)
        return;
    s->asks_all = false;
    for (size_t i = 0; i < json_array_size(list) && i < LIMIT_FILES; i++) {
        const json_t *entry = json_array_get(list, i);
        struct file_record r;

        if (!json_is_object(entry))
            continue;
        read_record(entry, &r);
        s->events->on_recorded(&r, s->userdata);
    }
}

static void on_url(struct filesvc *s, const json_t *json)
{
    const char *url = jx_string_or(json, "resource_url", "");
    int code = code_of(json);

    if (code == 0 && !*url)
        code = FILE_CODE_FAILED;
    s->events->on_url(jx_string_or(json, "request_id", ""), code,
                      jx_string_or(json, "result_msg", ""), url,
                      jx_string_or(json, "resource_token", ""), s->userdata);
}

static const struct {
    const char *name;
    void (*fn)(struct filesvc *s, const json_t *json);
} methods[] = {
    {"update_resource", on_update},
    {"del_resource", on_delete},
    {"report_version_rsp", on_versions},
    {"request_url_resp", on_url},
};

static bool on_message(const char *method, const json_t *json, void *userdata)
{
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
        if (strcmp(methods[i].name, method) == 0) {
            methods[i].fn(userdata, json);
            return true;
        }
    }
    return false;
}

/* --- up --- */

static int send(struct filesvc *s, struct strbuf *sb, uint8_t qos, mqtt_acked_fn acked)
{
    CLEANUP(freep) char *text = NULL;
    int r = strbuf_finish(sb, &text);

    return r < 0 ? r : thing_publish_service(s->thing, text, qos, acked, s);
}

static void begin(struct strbuf *sb, const char *method)
{
    strbuf_init(sb, LIMIT_MQTT_PAYLOAD);
    strbuf_addf(sb, "{\"method\":\"%s\"", method);
}

static void add_request_id(struct filesvc *s, struct strbuf *sb, char id[FILESVC_REQUEST_ID])
{
    (void) snprintf(id, FILESVC_REQUEST_ID, "%" PRIu64, ++s->last_id);
    strbuf_addf(sb, ",\"request_id\":\"%s\"", id);
}

static void add_record(struct strbuf *sb, const struct file_record *r)
{
    strbuf_adds(sb, "{\"resource_name\":");
    strbuf_add_json(sb, r->name);
    strbuf_adds(sb, ",\"version\":");
    strbuf_add_json(sb, r->version);
    strbuf_adds(sb, ",\"resource_type\":");
    strbuf_add_json(sb, r->type);
    strbuf_addc(sb, '}');
}

static void on_reported(int result, void *userdata)
{
    struct filesvc *s = userdata;

    if (result == -ECANCELED) /* the session is being freed, and we may be gone */
        return;
    s->n_reports--;
    if (result < 0)
        log_warn("the server closes over the versions of the files, they are not told");
}

/* The next message; *i goes on. */
static int report_some(struct filesvc *s, const struct file_record *records, size_t n, size_t *i)
{
    char id[FILESVC_REQUEST_ID];
    struct strbuf sb;

    begin(&sb, "report_version");
    add_request_id(s, &sb, id);
    strbuf_adds(&sb, ",\"report\":{\"resource_list\":[");
    for (bool first = true; *i < n && (first || sb.len < sb.cap - REPORT_ROOM); first = false) {
        if (!first)
            strbuf_addc(&sb, ',');
        add_record(&sb, &records[(*i)++]);
    }
    strbuf_adds(&sb, "]}}");
    return send(s, &sb, 1, on_reported);
}

void filesvc_report_versions(struct filesvc *s, const struct file_record *records, size_t n)
{
    size_t i = 0;

    if (s->n_reports > 0 || !link_is_up(s->link))
        return;
    s->asks_all = n == 0;
    do {
        /* Not sent for lack of memory, they are told after the next connect. */
        if (report_some(s, records, n, &i) < 0) {
            log_warn("cannot report the versions of the files");
            return;
        }
        s->n_reports++;
    } while (i < n);
}

static void add_progress(struct strbuf *sb, const char *key, const char *name, const char *state,
                         int code, const char *text)
{
    strbuf_addf(sb, ",\"report\":{\"progress\":{\"%s\":", key);
    strbuf_add_json(sb, name);
    strbuf_addf(sb, ",\"state\":\"%s\",\"result_code\":\"%d\",\"result_msg\":", state, code);
    strbuf_add_json(sb, text);
}

static void end_with_version(struct strbuf *sb, const char *version)
{
    strbuf_adds(sb, "},\"version\":");
    strbuf_add_json(sb, version);
    strbuf_adds(sb, "}}");
}

int filesvc_report_progress(struct filesvc *s, const char *name, const char *version,
                            unsigned percent)
{
    struct strbuf sb;

    begin(&sb, "report_progress");
    add_progress(&sb, "resource_name", name, "downloading", 0, "");
    strbuf_addf(&sb, ",\"percent\":\"%u\"", percent);
    end_with_version(&sb, version);
    return send(s, &sb, 0, NULL);
}

static int report_end(struct filesvc *s, const char *method, const char *name, const char *version,
                      int code, const char *text)
{
    struct strbuf sb;

    begin(&sb, method);
    add_progress(&sb, "resource_name", name, "done", code, code ? text : "success");
    end_with_version(&sb, version);
    return send(s, &sb, 1, NULL);
}

int filesvc_report_result(struct filesvc *s, const char *name, const char *version, int code,
                          const char *text)
{
    return report_end(s, "report_result", name, version, code, text);
}

int filesvc_report_deleted(struct filesvc *s, const char *name, const char *version, int code,
                           const char *text)
{
    return report_end(s, "del_result", name, version, code, text);
}

int filesvc_request_url(struct filesvc *s, const struct file_record *record,
                        char ret_id[FILESVC_REQUEST_ID])
{
    struct strbuf sb;

    begin(&sb, "request_url");
    add_request_id(s, &sb, ret_id);
    strbuf_adds(&sb, ",\"report\":");
    add_record(&sb, record);
    strbuf_addc(&sb, '}');
    return send(s, &sb, 1, NULL);
}

int filesvc_report_posted(struct filesvc *s, const char *token, int code, const char *text)
{
    struct strbuf sb;

    begin(&sb, "report_post_result");
    add_progress(&sb, "resource_token", token, "done", code, code ? text : "success");
    strbuf_adds(&sb, "}}}");
    return send(s, &sb, 1, NULL);
}

int filesvc_request_asr(struct filesvc *s, const char *params)
{
    struct strbuf sb;

    begin(&sb, "request_asr");
    strbuf_addf(&sb, ",\"params\":%s}", params);
    return send(s, &sb, 1, NULL);
}

/* --- life --- */

int filesvc_new(struct filesvc **ret_svc, struct link *link, struct thing *thing,
                const struct filesvc_events *events, void *userdata)
{
    struct filesvc *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    s->link = link;
    s->thing = thing;
    s->events = events;
    s->userdata = userdata;
    s->last_id = rand_u64() % 1000000000; /* late answers to an earlier run are none to this one */
    log_limit_init(&s->bad_messages);
    s->sharer = (struct thing_sharer){.on_message = on_message, .userdata = s};
    thing_share(thing, &s->sharer);
    *ret_svc = s;
    return 0;
}

struct filesvc *filesvc_free(struct filesvc *s)
{
    if (!s)
        return NULL;

    thing_unshare(&s->sharer);
    free(s);
    return NULL;
}

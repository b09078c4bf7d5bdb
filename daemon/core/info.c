/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/info.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/facts.h"
#include "libiotclient/base/strbuf.h"

LOG_AREA("info");

#define FACT "info"
#define FACT_CONFIRMED "info_confirmed"
#define RETRY_US (60 * USEC_PER_SEC) /* own choice: the next connect tries too */
#define CODE_INTERNAL 503            /* device guide: internal error, may pass */
#define PAUSE_US USEC_PER_SEC        /* own choice: changes of one second go together */

/* Device guide, basic information; vendor SDK, reporting of basic information. */
static const struct {
    const char *name;
    bool nested; /* of the maker's own members */
} members[] = {
    {"name", false},
    {"imei", false},
    {"mac", false},
    {"module_hardinfo", false},
    {"module_softinfo", false},
    {"fw_ver", false},
    {"lat", false},
    {"lon", false},
    {"device_label", true},
};

static void schedule_send(struct info *info, uint64_t delay_us);

static int fail(char problem[INFO_PROBLEM_MAX], int r, const char *key, const char *what)
{
    (void) snprintf(problem, INFO_PROBLEM_MAX, "%.40s: %s", key, what);
    return r;
}

/* text "": forgotten. */
static int set_text(json_t *object, const char *key, const json_t *value,
                    char problem[INFO_PROBLEM_MAX])
{
    if (json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0)) {
        (void) json_object_del(object, key); /* it may not be there */
        return 0;
    }
    if (!json_is_string(value))
        return fail(problem, -EPROTOTYPE, key, "must be a text");
    if (json_string_length(value) > INFO_TEXT_MAX)
        return fail(problem, -EMSGSIZE, key, "is longer than 128 bytes");
    return json_object_set(object, key, (json_t *) (uintptr_t) value) < 0 ? -ENOMEM : 0;
}

static int set_nested(json_t *object, const char *key, const json_t *value,
                      char problem[INFO_PROBLEM_MAX])
{
    CLEANUP(jx_decrefp) json_t *nested = NULL;
    const char *name;
    json_t *text;
    int r = 0;

    if (json_is_null(value)) {
        (void) json_object_del(object, key); /* it may not be there */
        return 0;
    }
    if (!json_is_object(value))
        return fail(problem, -EPROTOTYPE, key, "must hold names and texts");
    nested = json_object_get(object, key) ? json_copy(json_object_get(object, key)) : json_object();
    if (!nested)
        return -ENOMEM;
    json_object_foreach((json_t *) (uintptr_t) value, name, text)
    {
        r = strlen(name) > INFO_TEXT_MAX
                ? fail(problem, -EMSGSIZE, key, "has a name above 128 bytes")
                : set_text(nested, name, text, problem);
        if (r < 0)
            return r;
    }
    if (json_object_size(nested) == 0) {
        (void) json_object_del(object, key); /* it may not be there */
        return 0;
    }
    return json_object_set(object, key, nested) < 0 ? -ENOMEM : 0;
}

static int set_member(json_t *object, const char *key, const json_t *value,
                      char problem[INFO_PROBLEM_MAX])
{
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        if (strcmp(members[i].name, key) == 0)
            return members[i].nested ? set_nested(object, key, value, problem)
                                     : set_text(object, key, value, problem);
    }
    return fail(problem, -EINVAL, key, "is not a member of the basic information");
}

static int to_text(const json_t *object, char **ret_text)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);

    if (!text)
        return -ENOMEM;
    *ret_text = text;
    return 0;
}

int info_text(const struct info *info, char **ret_text)
{
    return to_text(info->members, ret_text);
}

/* Takes *newer over when it is on disk. */
static int replace(struct info *info, json_t **newer)
{
    const bool was_confirmed = info->confirmed;
    json_t *old = info->members;
    int r;

    info->members = *newer;
    info->confirmed = false;
    info->unsaved = true;
    r = persist_now(info->persist, true);
    if (r < 0) {
        info->members = old;
        info->confirmed = was_confirmed;
        return r == -ENOMEM ? r : -EIO;
    }
    *newer = old;
    info->version++;
    info->refused = false;
    return 0;
}

int info_update(struct info *info, const json_t *update, char problem[INFO_PROBLEM_MAX])
{
    CLEANUP(jx_decrefp) json_t *newer = json_copy(info->members);
    CLEANUP(freep) char *text = NULL;
    const char *key;
    json_t *value;
    int r = newer ? 0 : -ENOMEM;

    json_object_foreach((json_t *) (uintptr_t) update, key, value)
    {
        if (r == 0)
            r = set_member(newer, key, value, problem);
    }
    if (r == 0)
        r = to_text(newer, &text);
    if (r < 0)
        return r;
    if (strlen(text) > INFO_MAX)
        return fail(problem, -EMSGSIZE, "all of it", "is longer than 2048 bytes as JSON");
    if (json_equal(newer, info->members))
        return 0;
    r = replace(info, &newer);
    if (r < 0)
        return r;
    schedule_send(info, loop_now_us(info->loop) - info->sent_us < PAUSE_US ? PAUSE_US : 0);
    return 0;
}

static void on_reply(int code, const char *text, void *userdata)
{
    struct info *info = userdata;

    if (info->sent != info->version) /* about what is not so any more; the newer is scheduled */
        return;
    if (code == -ETIMEDOUT || code == CODE_INTERNAL) {
        log_info("report_info was not taken code=%d status=\"%.64s\"", code, text);
        schedule_send(info, RETRY_US);
        return;
    }
    info->refused = code != 0;
    info->confirmed = code == 0;
    if (code != 0) {
        log_warn("the cloud refused the basic information code=%d status=\"%.64s\"", code, text);
        return;
    }
    info->unsaved = true;
    persist_request(info->persist, false);
}

void info_send(struct info *info)
{
    CLEANUP(freep) char *text = NULL;
    struct strbuf sb;
    char *params;
    int r;

    loop_timer_cancel(&info->timer);
    if (info->confirmed || info->refused)
        return;
    strbuf_init(&sb, INFO_MAX + sizeof("\"params\":"));
    if (info_text(info, &text) < 0) {
        schedule_send(info, RETRY_US);
        return;
    }
    strbuf_addf(&sb, "\"params\":%s", text);
    if (strbuf_finish(&sb, &params) < 0) {
        schedule_send(info, RETRY_US);
        return;
    }
    info->sent_us = loop_now_us(info->loop);
    info->sent = info->version;
    r = thing_request(info->thing, THING_CHANNEL_PROPERTY, "report_info", params, &info->request,
                      on_reply, info);
    free(params);
    if (r < 0 && r != -ENETDOWN) /* without a link the next connect sends it */
        schedule_send(info, RETRY_US);
}

static void on_timer(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    info_send(userdata);
}

static void schedule_send(struct info *info, uint64_t delay_us)
{
    loop_timer_arm(info->loop, &info->timer, delay_us, on_timer, info);
}

/* --- disk --- */

static int save(struct db *db, void *userdata)
{
    const struct info *info = userdata;
    CLEANUP(freep) char *text = NULL;
    int r;

    if (!info->unsaved)
        return 0;
    r = info_text(info, &text);
    if (r == 0)
        r = facts_put(db, FACT, text);
    if (r == 0)
        r = facts_put(db, FACT_CONFIRMED, info->confirmed ? "1" : "0");
    return r;
}

static void saved(int result, void *userdata)
{
    struct info *info = userdata;

    if (result == 0)
        info->unsaved = false;
}

int info_init(struct info *info, struct loop *loop, struct thing *thing, struct persist *persist,
              struct db *db)
{
    CLEANUP(freep) char *text = NULL, *confirmed = NULL;
    int r;

    *info = (struct info){.loop = loop, .thing = thing, .persist = persist};
    r = facts_get(db, FACT, &text);
    if (r == 0)
        r = facts_get(db, FACT_CONFIRMED, &confirmed);
    if (r < 0)
        return r;
    if (*text && jx_parse_object(text, strlen(text), &info->members, NULL) < 0)
        log_warn("what was kept of the basic information is not readable");
    info->confirmed = strcmp(confirmed, "1") == 0;
    if (!info->members) {
        info->members = json_object();
        info->confirmed = true; /* nothing is known that the cloud would have to know */
    }
    if (!info->members)
        return -ENOMEM;
    info->part = (struct persist_part){.save = save, .saved = saved, .userdata = info};
    persist_add(persist, &info->part);
    return 0;
}

void info_done(struct info *info)
{
    if (!info->members)
        return;

    request_cancel(&info->request);
    loop_timer_cancel(&info->timer);
    json_decref(info->members);
    info->members = NULL;
}

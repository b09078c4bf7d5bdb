/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/update_record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/strbuf.h"

#define TEXT_MAX (64 * 1024) /* own choice: above anything that fits into a message */

void update_record_done(struct update_record *rec)
{
    firmware_order_free(rec->order);
    *rec = (struct update_record){0};
}

static const char *bool_text(bool value)
{
    return value ? "true" : "false";
}

int update_record_text(const struct update_record *rec, char **ret_text)
{
    CLEANUP(freep) char *order = NULL;
    struct strbuf sb;
    int r;

    strbuf_init(&sb, TEXT_MAX);
    if (rec->state == UPDATE_IDLE) {
        strbuf_adds(&sb, "");
        return strbuf_finish(&sb, ret_text);
    }
    r = firmware_order_text(rec->order, &order);
    if (r < 0)
        return r;
    strbuf_addf(&sb, "{\"state\":\"%s\",\"order\":%s", update_state_name(rec->state), order);
    strbuf_addf(&sb, ",\"local\":%s,\"accepted\":%s,\"told\":%s,\"by_program\":%s",
                bool_text(rec->local), bool_text(rec->accepted), bool_text(rec->told),
                bool_text(rec->by_program));
    strbuf_addf(&sb, ",\"n_boots\":%u,\"postponed_real_us\":%" PRIu64 ",\"code\":%d", rec->n_boots,
                rec->postponed_real_us, rec->code);
    strbuf_addf(&sb, ",\"boot\":\"%s\",\"boot_us\":%" PRIu64 ",\"text\":", rec->boot, rec->boot_us);
    strbuf_add_json(&sb, rec->text);
    strbuf_addc(&sb, '}');
    return strbuf_finish(&sb, ret_text);
}

static int parse_state(const json_t *json, enum update_state *ret_state)
{
    const char *name = jx_string_or(json, "state", "");

    for (unsigned i = UPDATE_IDLE + 1; i < UPDATE_STATE_COUNT_; i++) {
        if (strcmp(update_state_name(i), name) == 0) {
            *ret_state = i;
            return 0;
        }
    }
    return -EBADMSG;
}

static int parse_order(const json_t *json, bool local, struct firmware_order **ret_order)
{
    const char *problem;
    json_t *order;
    int64_t size;
    int r;

    if (jx_get_object(json, "order", &order) < 0)
        return -EBADMSG;
    if (!local)
        r = firmware_order_parse(ret_order, order, &problem);
    else if (jx_get_i64(order, "file_size", &size) < 0 || size < 0)
        r = -EBADMSG;
    else
        r = firmware_order_local(ret_order, jx_string_or(order, "version", ""), (uint64_t) size);
    return r == -EINVAL ? -EBADMSG : r;
}

static uint64_t number_of(const json_t *json, const char *key)
{
    int64_t value = 0;

    return jx_get_i64(json, key, &value) < 0 || value < 0 ? 0 : (uint64_t) value;
}

int update_record_parse(struct update_record *ret_rec, const char *text)
{
    CLEANUP(jx_decrefp) json_t *json = NULL;
    struct update_record rec = {0};
    int64_t code = 0;
    int r;

    if (!*text) {
        *ret_rec = rec;
        return 0;
    }
    r = jx_parse_object(text, strlen(text), &json, NULL);
    if (r == 0)
        r = parse_state(json, &rec.state);
    if (r < 0)
        return r;
    rec.local = json_is_true(json_object_get(json, "local"));
    rec.accepted = json_is_true(json_object_get(json, "accepted"));
    rec.told = json_is_true(json_object_get(json, "told"));
    rec.by_program = json_is_true(json_object_get(json, "by_program"));
    rec.n_boots = (unsigned) number_of(json, "n_boots");
    rec.postponed_real_us = number_of(json, "postponed_real_us");
    rec.boot_us = number_of(json, "boot_us");
    if (jx_get_i64(json, "code", &code) == 0 && code < 0 && code >= -5)
        rec.code = (int) code;
    (void) snprintf(rec.text, sizeof(rec.text), "%s", jx_string_or(json, "text", ""));
    (void) snprintf(rec.boot, sizeof(rec.boot), "%s", jx_string_or(json, "boot", ""));
    r = parse_order(json, rec.local, &rec.order);
    if (r < 0)
        return r;
    *ret_rec = rec;
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What iotctl prints. */

#include "libiotclient/iotctl.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libiotclient/base/num.h"

static void add_double(struct strbuf *sb, double d)
{
    char buf[NUM_DOUBLE_TEXT];

    if (!isfinite(d)) {
        strbuf_adds(sb, "null"); /* JSON has no such numbers */
        return;
    }
    num_format_double(buf, d);
    strbuf_adds(sb, buf);
}

static void add_json_array(struct strbuf *sb, DBusMessageIter *array)
{
    const char *sep = "[";
    DBusMessageIter at;

    dbus_message_iter_recurse(array, &at);
    while (dbus_message_iter_get_arg_type(&at) != DBUS_TYPE_INVALID) {
        strbuf_adds(sb, sep);
        ctl_add_json(sb, &at);
        sep = ",";
    }
    strbuf_adds(sb, sep[0] == '[' ? "[]" : "]");
}

static void add_json_key(struct strbuf *sb, DBusMessageIter *it)
{
    struct strbuf key;
    char *text;

    if (dbus_message_iter_get_arg_type(it) == DBUS_TYPE_STRING ||
        dbus_message_iter_get_arg_type(it) == DBUS_TYPE_OBJECT_PATH) {
        ctl_add_json(sb, it);
        return;
    }
    strbuf_init(&key, CTL_TEXT_MAX);
    ctl_add_json(&key, it);
    if (strbuf_finish(&key, &text) < 0)
        return;
    strbuf_add_json(sb, text);
    free(text);
}

static void add_json_dict(struct strbuf *sb, DBusMessageIter *dict)
{
    const char *sep = "{";
    DBusMessageIter at, entry;

    dbus_message_iter_recurse(dict, &at);
    for (; dbus_message_iter_get_arg_type(&at) == DBUS_TYPE_DICT_ENTRY;
         dbus_message_iter_next(&at)) {
        dbus_message_iter_recurse(&at, &entry);
        strbuf_adds(sb, sep);
        add_json_key(sb, &entry);
        strbuf_addc(sb, ':');
        ctl_add_json(sb, &entry);
        sep = ",";
    }
    strbuf_adds(sb, sep[0] == '{' ? "{}" : "}");
}

static void add_json_other(struct strbuf *sb, DBusMessageIter *it, int type)
{
    const char *text;
    dbus_uint64_t u64;

    switch (type) {
    case DBUS_TYPE_UINT64: /* the upper half does not fit into struct msg_value */
        dbus_message_iter_get_basic(it, &u64);
        strbuf_addf(sb, "%" PRIu64, (uint64_t) u64);
        break;
    case DBUS_TYPE_OBJECT_PATH:
    case DBUS_TYPE_SIGNATURE:
        dbus_message_iter_get_basic(it, &text);
        strbuf_add_json(sb, text);
        break;
    case DBUS_TYPE_ARRAY:
        if (dbus_message_iter_get_element_type(it) == DBUS_TYPE_DICT_ENTRY)
            add_json_dict(sb, it);
        else
            add_json_array(sb, it);
        break;
    case DBUS_TYPE_STRUCT:
        add_json_array(sb, it);
        break;
    default:
        strbuf_adds(sb, "null");
    }
}

void ctl_add_json(struct strbuf *sb, DBusMessageIter *it)
{
    DBusMessageIter at = *it;
    struct msg_value v = {.kind = MSG_KIND_OTHER};
    int type;

    while ((type = dbus_message_iter_get_arg_type(&at)) == DBUS_TYPE_VARIANT) {
        DBusMessageIter sub;

        dbus_message_iter_recurse(&at, &sub);
        at = sub;
    }
    dbus_message_iter_next(it);
    if (type != DBUS_TYPE_UINT64) {
        DBusMessageIter copy = at;

        if (msg_read_value(&copy, &v) < 0)
            v.kind = MSG_KIND_OTHER;
    }
    switch (v.kind) {
    case MSG_KIND_BOOL:
        strbuf_adds(sb, v.b ? "true" : "false");
        break;
    case MSG_KIND_INT:
        strbuf_addf(sb, "%" PRId64, v.i);
        break;
    case MSG_KIND_DOUBLE:
        add_double(sb, v.d);
        break;
    case MSG_KIND_STRING:
        strbuf_add_json(sb, v.s);
        break;
    case MSG_KIND_OTHER:
    case MSG_KIND_COUNT_:
        add_json_other(sb, &at, type);
        break;
    }
}

void ctl_add_human(struct strbuf *sb, DBusMessageIter *it)
{
    DBusMessageIter at = *it;
    struct msg_value v;

    if (msg_read_value(&at, &v) < 0 || v.kind != MSG_KIND_STRING) {
        ctl_add_json(sb, it);
        return;
    }
    *it = at;
    ctl_add_text(sb, v.s, strlen(v.s));
}

void ctl_add_text(struct strbuf *sb, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char) text[i];
        /* C1 controls are 0xc2 0x80 to 0xc2 0x9f in UTF-8. */
        bool is_c1 = c == 0xc2 && i + 1 < len && ((unsigned char) text[i + 1] & 0xe0) == 0x80;

        if (c < 0x20 || c == 0x7f || is_c1)
            strbuf_addf(sb, "\\x%02x", c);
        else
            strbuf_addc(sb, text[i]);
        if (is_c1)
            strbuf_addf(sb, "\\x%02x", (unsigned char) text[++i]);
    }
}

uint64_t ctl_now_us(void)
{
    struct timespec ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail for this clock */
    return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

void ctl_add_clock(struct strbuf *sb, uint64_t real_us)
{
    time_t s = (time_t) (real_us / USEC_PER_SEC);
    struct tm tm;

    if (!localtime_r(&s, &tm)) {
        strbuf_adds(sb, "?");
        return;
    }
    strbuf_addf(sb, "%02d:%02d:%02d.%03u", tm.tm_hour, tm.tm_min, tm.tm_sec,
                (unsigned) (real_us % USEC_PER_SEC / 1000));
}

void ctl_add_age(struct strbuf *sb, uint64_t us)
{
    static const struct {
        uint64_t from_s;
        uint64_t unit_s;
        const char *name;
    } units[] = {
        {2 * 86400, 86400, "d"},
        {2 * 3600, 3600, "h"},
        {120, 60, "min"},
        {0, 1, "s"},
    };
    uint64_t s = us / USEC_PER_SEC;
    size_t i = 0;

    while (s < units[i].from_s)
        i++;
    strbuf_addf(sb, "%" PRIu64 " %s", s / units[i].unit_s, units[i].name);
}

int ctl_print(struct ctl *ctl, struct strbuf *sb)
{
    CLEANUP(freep) char *text = NULL;
    int r;

    (void) ctl;
    r = strbuf_finish(sb, &text);
    if (r < 0) {
        fprintf(stderr, "iotctl: cannot format the output\n");
        return CTL_FAILED;
    }
    /* A line at a time, so that pipes see it at once; main() looks at the outcome. */
    puts(text);
    (void) fflush(stdout);
    return CTL_OK;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/topic.h"

#include <string.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/base/macro.h"

#define MAY_PUB 1U
#define MAY_SUB 2U

/*
 * %p product id, %d device name, + any one level. Sources: the device guide's default topics and
 * the vendor's own client code. An array, not code: later services add rows.
 */
static const struct {
    const char *pattern;
    unsigned may;
    enum topic_kind kind;
} rules[] = {
    {"$thing/up/property/%p/%d", MAY_PUB, TOPIC_KIND_PROPERTY},
    {"$thing/up/event/%p/%d", MAY_PUB, TOPIC_KIND_EVENT},
    {"$thing/up/action/%p/%d", MAY_PUB, TOPIC_KIND_ACTION},
    {"$thing/up/service/%p/%d", MAY_PUB, TOPIC_KIND_SERVICE},
    {"$thing/up/raw/%p/%d", MAY_PUB, TOPIC_KIND_OTHER},
    {"$thing/down/property/%p/%d", MAY_SUB, TOPIC_KIND_OTHER},
    {"$thing/down/event/%p/%d", MAY_SUB, TOPIC_KIND_OTHER},
    {"$thing/down/action/%p/%d", MAY_SUB, TOPIC_KIND_OTHER},
    {"$thing/down/service/%p/%d", MAY_SUB, TOPIC_KIND_OTHER},
    {"$thing/down/raw/%p/%d", MAY_SUB, TOPIC_KIND_OTHER},
    {"%p/%d/control", MAY_SUB, TOPIC_KIND_OTHER},
    {"%p/%d/event", MAY_PUB, TOPIC_KIND_OTHER},
    {"%p/%d/data", MAY_PUB | MAY_SUB, TOPIC_KIND_DATA},
    {"$ota/report/%p/%d", MAY_PUB, TOPIC_KIND_OTA},
    {"$ota/update/%p/%d", MAY_SUB, TOPIC_KIND_OTHER},
    {"$gateway/operation/%p/%d", MAY_PUB, TOPIC_KIND_OTHER},
    {"$gateway/operation/result/%p/%d", MAY_SUB, TOPIC_KIND_OTHER},
    {"$shadow/operation/%p/%d", MAY_PUB, TOPIC_KIND_OTHER},
    {"$shadow/operation/result/%p/%d", MAY_SUB, TOPIC_KIND_OTHER},
    {"$resource/up/service/%p/%d", MAY_PUB, TOPIC_KIND_RESOURCE},
    {"$resource/down/service/%p/%d", MAY_SUB, TOPIC_KIND_OTHER},
    {"$sys/operation/%p/%d", MAY_PUB, TOPIC_KIND_SYS},
    {"$sys/operation/result/%p/%d", MAY_SUB, TOPIC_KIND_OTHER},
    {"$log/operation/%p/%d", MAY_PUB, TOPIC_KIND_OTHER},
    {"$log/operation/result/%p/%d", MAY_SUB, TOPIC_KIND_OTHER},
    {"$config/operation/%p/%d", MAY_PUB, TOPIC_KIND_OTHER},
    {"$config/operation/result/%p/%d", MAY_SUB, TOPIC_KIND_OTHER},
    {"$twecall/up/service/%p/%d", MAY_PUB, TOPIC_KIND_TWECALL},
    {"$twecall/down/service/%p/%d", MAY_SUB, TOPIC_KIND_OTHER},
    {"$broadcast/rxd/%p/%d", MAY_SUB, TOPIC_KIND_OTHER},
    {"$rrpc/txd/%p/%d/+", MAY_PUB, TOPIC_KIND_OTHER},
    {"$rrpc/rxd/%p/%d/+", MAY_SUB, TOPIC_KIND_OTHER},
};

bool topic_is_name(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= LIMIT_MQTT_TOPIC && !strpbrk(name, "+#");
}

bool topic_is_filter(const char *filter)
{
    size_t len = strlen(filter);

    if (len == 0 || len > LIMIT_MQTT_TOPIC)
        return false;

    for (const char *p = filter; *p; p++) {
        bool starts = p == filter || p[-1] == '/';

        if (*p == '#' && (!starts || p[1]))
            return false;
        if (*p == '+' && (!starts || (p[1] && p[1] != '/')))
            return false;
    }
    return true;
}

/* One level of a topic. */
struct level {
    const char *text;
    size_t len;
    bool last;
};

static struct level level_at(const char *text)
{
    size_t len = strcspn(text, "/");

    return (struct level){.text = text, .len = len, .last = !text[len]};
}

static bool level_is(struct level l, const char *text)
{
    return strlen(text) == l.len && memcmp(l.text, text, l.len) == 0;
}

bool topic_matches(const char *filter, const char *name)
{
    if (*name == '$' && (*filter == '+' || *filter == '#'))
        return false;

    for (;;) {
        struct level f = level_at(filter), n = level_at(name);

        if (level_is(f, "#"))
            return true;
        if (!level_is(f, "+") && (f.len != n.len || memcmp(f.text, n.text, f.len) != 0))
            return false;
        if (n.last)
            /* "a/#" also matches "a" [4.7.1.2]. */
            return f.last || strcmp(filter + f.len, "/#") == 0;
        if (f.last)
            return false;
        filter += f.len + 1;
        name += n.len + 1;
    }
}

static bool pattern_covers(const char *pattern, const char *name, const char *product_id,
                           const char *device_name)
{
    for (;;) {
        struct level p = level_at(pattern), n = level_at(name);
        const char *wanted = level_is(p, "%p")   ? product_id
                             : level_is(p, "%d") ? device_name
                                                 : NULL;

        if (wanted && !level_is(n, wanted))
            return false;
        if (!wanted && level_is(p, "+") && n.len == 0)
            return false;
        if (!wanted && !level_is(p, "+") && (p.len != n.len || memcmp(p.text, n.text, p.len) != 0))
            return false;
        if (p.last || n.last)
            return p.last && n.last;
        pattern += p.len + 1;
        name += n.len + 1;
    }
}

enum topic_kind topic_publish_kind(const char *name, const char *product_id,
                                   const char *device_name)
{
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        if (rules[i].may & MAY_PUB &&
            pattern_covers(rules[i].pattern, name, product_id, device_name))
            return rules[i].kind;
    }
    return TOPIC_KIND_NONE;
}

/* Like pattern_covers(), but the other side may hold wildcards too. */
static bool pattern_meets(const char *pattern, const char *filter, const char *product_id,
                          const char *device_name)
{
    unsigned n_owner = 0; /* how many of %p and %d were spelled out */

    for (;;) {
        struct level p = level_at(pattern), f = level_at(filter);
        const char *wanted = level_is(p, "%p")   ? product_id
                             : level_is(p, "%d") ? device_name
                                                 : NULL;

        if (wanted) {
            if (!level_is(f, wanted))
                return false;
            n_owner++;
        } else if (level_is(f, "#")) {
            return n_owner == 2;
        } else if (!level_is(f, "+") && !level_is(p, "+") &&
                   (p.len != f.len || memcmp(p.text, f.text, p.len) != 0)) {
            return false;
        }
        if (p.last || f.last)
            return (p.last && f.last) || (p.last && strcmp(filter + f.len, "/#") == 0);
        pattern += p.len + 1;
        filter += f.len + 1;
    }
}

bool topic_may_subscribe(const char *filter, const char *product_id, const char *device_name)
{
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        if (rules[i].may & MAY_SUB &&
            pattern_meets(rules[i].pattern, filter, product_id, device_name))
            return true;
    }
    return false;
}

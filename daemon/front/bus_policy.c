/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/front/bus_policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/msg.h"

static int read_number(DBusMessageIter *it, double max, double *ret_number)
{
    double number;
    int r = msg_read_double(it, &number);

    if (r < 0)
        return r;
    if (!(number >= 0 && number <= max))
        return -ERANGE;
    *ret_number = number;
    return 0;
}

static int read_interval(DBusMessageIter *it, uint64_t *ret_us)
{
    double seconds;
    int r = read_number(it, POLICY_MAX_INTERVAL_S, &seconds);

    if (r == 0)
        *ret_us = (uint64_t) (seconds * USEC_PER_SEC + 0.5);
    return r;
}

static int read_history(DBusMessageIter *it, struct policy *p)
{
    return msg_read_bool(it, &p->history);
}

static int read_min_interval(DBusMessageIter *it, struct policy *p)
{
    return read_interval(it, &p->min_interval_us);
}

static int read_max_interval(DBusMessageIter *it, struct policy *p)
{
    return read_interval(it, &p->max_interval_us);
}

static int read_dead_band(DBusMessageIter *it, struct policy *p)
{
    return read_number(it, POLICY_MAX_DEAD_BAND, &p->dead_band);
}

static int read_dead_band_percent(DBusMessageIter *it, struct policy *p)
{
    return read_number(it, POLICY_MAX_PERCENT, &p->dead_band_percent);
}

static int read_qos(DBusMessageIter *it, struct policy *p)
{
    uint64_t qos;
    int r = msg_read_uint64(it, &qos);

    if (r < 0)
        return r;
    p->qos = qos == 1;
    return qos <= 1 ? 0 : -ERANGE;
}

static const struct {
    const char *name;
    enum policy_key key;
    int (*read)(DBusMessageIter *it, struct policy *p);
} keys[] = {
    {"history", POLICY_HISTORY, read_history},
    {"min_interval", POLICY_MIN_INTERVAL, read_min_interval},
    {"max_interval", POLICY_MAX_INTERVAL, read_max_interval},
    {"dead_band", POLICY_DEAD_BAND, read_dead_band},
    {"dead_band_percent", POLICY_DEAD_BAND_PERCENT, read_dead_band_percent},
    {"qos", POLICY_QOS, read_qos},
};

static int read_one(DBusMessageIter *it, struct policy_wish *ret_wish)
{
    DBusMessageIter value;
    struct msg_dict dict;
    const char *key;
    int r = msg_read_dict(it, &dict);

    while (r == 0 && msg_dict_next(&dict, &key, &value)) {
        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(keys); i++) {
            if (strcmp(keys[i].name, key) != 0)
                continue;
            r = keys[i].read(&value, &ret_wish->policy);
            ret_wish->given |= keys[i].key;
        }
    }
    return r;
}

int bus_policy_read(DBusMessageIter *it, const char *const *ids, size_t n_ids,
                    struct policy_wish **ret_wishes, const char **ret_detail)
{
    CLEANUP(freep) struct policy_wish *wishes = calloc(n_ids ? n_ids : 1, sizeof(*wishes));
    DBusMessageIter value;
    struct msg_dict dict;
    const char *id;
    int r;

    if (!wishes)
        return -ENOMEM;
    r = msg_read_dict(it, &dict);
    if (r < 0)
        *ret_detail = "option policy";
    while (r == 0 && msg_dict_next(&dict, &id, &value)) {
        size_t i = 0;

        while (i < n_ids && strcmp(ids[i], id) != 0)
            i++;
        r = i == n_ids ? -EINVAL : read_one(&value, &wishes[i]);
        if (r < 0)
            *ret_detail = id;
    }
    if (r < 0)
        return r;
    *ret_wishes = TAKE(wishes);
    return 0;
}

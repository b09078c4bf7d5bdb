/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/policy.h"

#include <errno.h>

#define ALL_KEYS                                                                                   \
    (IOTC_POLICY_HISTORY | IOTC_POLICY_MIN_INTERVAL | IOTC_POLICY_MAX_INTERVAL |                   \
     IOTC_POLICY_DEAD_BAND | IOTC_POLICY_DEAD_BAND_PERCENT | IOTC_POLICY_QOS)

/* Also false for what is not a number. iotd has the other bounds. */
static bool is_positive(double number)
{
    return number >= 0;
}

int policy_copy(iotc_policy *to, const iotc_policy *from)
{
    iotc_policy p = {.given = from->given};

    if (from->given & ~ALL_KEYS)
        return -EINVAL;
    if (from->given & IOTC_POLICY_HISTORY)
        p.history = from->history;
    if (from->given & IOTC_POLICY_MIN_INTERVAL)
        p.min_interval_ms = from->min_interval_ms;
    if (from->given & IOTC_POLICY_MAX_INTERVAL)
        p.max_interval_ms = from->max_interval_ms;
    if (from->given & IOTC_POLICY_DEAD_BAND)
        p.dead_band = from->dead_band;
    if (from->given & IOTC_POLICY_DEAD_BAND_PERCENT)
        p.dead_band_percent = from->dead_band_percent;
    if (from->given & IOTC_POLICY_QOS)
        p.qos = from->qos;
    if (!is_positive(p.dead_band) || !is_positive(p.dead_band_percent) || p.qos < 0 || p.qos > 1)
        return -EINVAL;
    *to = p;
    return 0;
}

static int append_keys(DBusMessageIter *it, const iotc_policy *p)
{
    DBusMessageIter dict;
    int r = msg_open_dict(it, &dict);

    if (r < 0)
        return r;
    if (p->given & IOTC_POLICY_HISTORY)
        r = msg_dict_bool(&dict, "history", p->history);
    if (r >= 0 && (p->given & IOTC_POLICY_MIN_INTERVAL))
        r = msg_dict_double(&dict, "min_interval", p->min_interval_ms / 1000.0);
    if (r >= 0 && (p->given & IOTC_POLICY_MAX_INTERVAL))
        r = msg_dict_double(&dict, "max_interval", p->max_interval_ms / 1000.0);
    if (r >= 0 && (p->given & IOTC_POLICY_DEAD_BAND))
        r = msg_dict_double(&dict, "dead_band", p->dead_band);
    if (r >= 0 && (p->given & IOTC_POLICY_DEAD_BAND_PERCENT))
        r = msg_dict_double(&dict, "dead_band_percent", p->dead_band_percent);
    if (r >= 0 && (p->given & IOTC_POLICY_QOS))
        r = msg_dict_int64(&dict, "qos", p->qos);
    return msg_close(it, &dict, r);
}

static int append_all(DBusMessageIter *it, const char *const *ids, const iotc_policy *policies,
                      size_t n)
{
    DBusMessageIter dict;
    int r = msg_open_dict(it, &dict);

    if (r < 0)
        return r;
    for (size_t i = 0; r >= 0 && i < n; i++) {
        struct msg_entry entry;

        if (!policies[i].given)
            continue;
        r = msg_dict_open_entry(&dict, ids[i], "a{sv}", &entry);
        if (r >= 0)
            r = msg_dict_close_entry(&dict, &entry, append_keys(&entry.variant, &policies[i]));
    }
    return msg_close(it, &dict, r);
}

int policy_append(DBusMessageIter *options, const char *const *ids, const iotc_policy *policies,
                  size_t n)
{
    struct msg_entry entry;
    int r;

    if (!policies)
        return 0;
    r = msg_dict_open_entry(options, "policy", "a{sv}", &entry);
    if (r < 0)
        return r;
    return msg_dict_close_entry(options, &entry, append_all(&entry.variant, ids, policies, n));
}

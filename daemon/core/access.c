/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/access.h"

#include <string.h>

static bool has_number(const struct access_numbers *numbers, uint32_t number)
{
    for (size_t i = 0; i < numbers->n; i++) {
        if (numbers->all[i] == number)
            return true;
    }
    return false;
}

static bool has_word(const struct access_words *words, const char *word)
{
    for (size_t i = 0; i < words->n; i++) {
        if (strcmp(words->all[i], word) == 0)
            return true;
    }
    return false;
}

static bool fits_groups(const struct access_rule *rule, const struct access_subject *s)
{
    if (rule->gids.n == 0)
        return true;
    if (!s->has_gids)
        return !rule->allow;
    for (size_t i = 0; i < s->n_gids; i++) {
        if (has_number(&rule->gids, s->gids[i]))
            return true;
    }
    return false;
}

static bool fits_exe(const struct access_rule *rule, const struct access_subject *s)
{
    if (rule->exes.n == 0)
        return true;
    return s->exe ? has_word(&rule->exes, s->exe) : !rule->allow;
}

static bool fits_id(const struct access_words *ids, const char *id)
{
    for (size_t i = 0; i < ids->n; i++) {
        if (access_glob(ids->all[i], id))
            return true;
    }
    return ids->n == 0;
}

static bool fits(const struct access_rule *rule, const struct access_subject *s,
                 enum access_verb verb, const char *id)
{
    return rule->verbs & 1U << verb && (rule->uids.n == 0 || has_number(&rule->uids, s->uid)) &&
           fits_groups(rule, s) && fits_exe(rule, s) && fits_id(&rule->ids, id);
}

static struct access_verdict decide_by_default(const struct access *a,
                                               const struct access_subject *s,
                                               enum access_verb verb)
{
    if (s->uid == 0)
        return (struct access_verdict){true, "default: root"};
    if (s->uid == a->own_uid)
        return (struct access_verdict){true, "default: the user of iotd"};
    if (!access_verb_has_id(verb))
        return (struct access_verdict){false, "default: root and the user of iotd only"};
    for (size_t i = 0; a->conf && a->conf->has_group && i < s->n_gids; i++) {
        if (s->gids[i] == a->conf->group)
            return (struct access_verdict){true, "default: a member of the group of access.group"};
    }
    return (struct access_verdict){false, "default: members of the group of access.group only"};
}

struct access_verdict access_decide(const struct access *a, const struct access_subject *s,
                                    enum access_verb verb, const char *id)
{
    for (size_t i = 0; a->conf && i < a->conf->n_rules; i++) {
        const struct access_rule *rule = &a->conf->rules[i];

        if (fits(rule, s, verb, id))
            return (struct access_verdict){rule->allow, rule->place};
    }
    return decide_by_default(a, s, verb);
}

static bool is_for_everybody(const struct access_rule *rule)
{
    return rule->uids.n == 0 && rule->gids.n == 0 && rule->exes.n == 0;
}

bool access_hides(const struct access *a, const char *id)
{
    if (!a->conf || a->conf->n_rules == 0)
        return false;
    for (size_t i = 0; i < a->conf->n_rules; i++) {
        const struct access_rule *rule = &a->conf->rules[i];

        if (!(rule->verbs & 1U << ACCESS_READ) || !fits_id(&rule->ids, id))
            continue;
        if (!rule->allow || is_for_everybody(rule))
            return !rule->allow;
    }
    return true;
}

bool access_names_exe(const struct access *a, const char *exe)
{
    for (size_t i = 0; a->conf && i < a->conf->n_rules; i++) {
        if (has_word(&a->conf->rules[i].exes, exe))
            return true;
    }
    return false;
}

const char *access_service_of(const struct access *a, const char *id)
{
    for (size_t i = 0; a->conf && i < a->conf->n_services; i++) {
        if (fits_id(&a->conf->services[i].ids, id))
            return a->conf->services[i].bus_name;
    }
    return NULL;
}

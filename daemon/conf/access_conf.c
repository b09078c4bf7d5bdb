/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/conf/access_conf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/ini.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/num.h"

#define BLANKS " \t"

static const struct {
    const char *name;
    bool has_id, may_have_id;
} verbs[] = {
#define ACCESS_VERB(id, name, has_id, may_have_id) {name, has_id, may_have_id},
#include "daemon/conf/access_verbs.def"
#undef ACCESS_VERB
};

const char *access_verb_name(enum access_verb verb)
{
    return verbs[verb].name;
}

bool access_verb_has_id(enum access_verb verb)
{
    return verbs[verb].has_id;
}

bool access_verb_may_have_id(enum access_verb verb)
{
    return verbs[verb].may_have_id;
}

int access_verb_parse(const char *name, enum access_verb *ret_verb)
{
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            *ret_verb = (enum access_verb) i;
            return 0;
        }
    }
    return -EINVAL;
}

/* Goes back to the last star only: never more than the product of both lengths. */
bool access_glob(const char *pattern, const char *text)
{
    const char *star = NULL, *from = NULL;

    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            from = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star;
            text = ++from;
        } else {
            return false;
        }
    }
    pattern += strspn(pattern, "*");
    return !*pattern;
}

static void words_done(struct access_words *words)
{
    for (size_t i = 0; i < words->n; i++)
        free(words->all[i]);
    free(words->all);
}

int access_conf_new(struct access_conf **ret_conf)
{
    struct access_conf *conf = calloc(1, sizeof(*conf));

    if (!conf)
        return -ENOMEM;
    *ret_conf = conf;
    return 0;
}

struct access_conf *access_conf_free(struct access_conf *conf)
{
    if (!conf)
        return NULL;

    for (size_t i = 0; i < conf->n_rules; i++) {
        struct access_rule *r = &conf->rules[i];

        free(r->place);
        free(r->uids.all);
        free(r->gids.all);
        words_done(&r->exes);
        words_done(&r->ids);
    }
    for (size_t i = 0; i < conf->n_services; i++) {
        free(conf->services[i].place);
        words_done(&conf->services[i].ids);
        free(conf->services[i].bus_name);
    }
    free(conf->rules);
    free(conf->services);
    free(conf);
    return NULL;
}

enum section { SECTION_NONE, SECTION_RULE, SECTION_SERVE };

struct parser {
    struct access_conf *conf;
    const char *file;
    const struct access_names *names;
    access_mistake_fn on_mistake;
    void *userdata;
    enum section section;
    unsigned section_line;
    unsigned seen; /* keys of the section, by number */
    unsigned n_mistakes;
};

static void mistake(struct parser *p, unsigned line, const char *key, const char *what)
{
    p->n_mistakes++;
    p->on_mistake(p->file, line, key, what, p->userdata);
}

PRINTF_LIKE(4, 5)
static void mistakef(struct parser *p, unsigned line, const char *key, const char *fmt, ...)
{
    char what[200];
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    mistake(p, line, key, what);
}

static struct access_rule *rule_of(struct parser *p)
{
    return &p->conf->rules[p->conf->n_rules - 1];
}

static struct access_service *service_of(struct parser *p)
{
    return &p->conf->services[p->conf->n_services - 1];
}

/* --- values: words with blanks between --- */

typedef int (*word_fn)(struct parser *p, unsigned line, const char *key, const char *word);

static int for_each_word(struct parser *p, unsigned line, const char *key, const char *value,
                         word_fn fn)
{
    CLEANUP(freep) char *copy = strdup(value);
    size_t n = 0;
    int r = 0;

    if (!copy)
        return -ENOMEM;
    for (char *rest = copy, *word; r == 0 && (word = strsep(&rest, BLANKS));) {
        if (!*word)
            continue;
        if (++n > LIMIT_ACCESS_WORDS) {
            mistakef(p, line, key, "more than %d words", LIMIT_ACCESS_WORDS);
            return 0;
        }
        r = fn(p, line, key, word);
    }
    if (r == 0 && n == 0)
        mistake(p, line, key, "is empty");
    return r;
}

static int add_word(struct access_words *words, const char *word)
{
    char **all = reallocarray(words->all, words->n + 1, sizeof(*all));

    if (!all)
        return -ENOMEM;
    words->all = all;
    all[words->n] = strdup(word);
    if (!all[words->n])
        return -ENOMEM;
    words->n++;
    return 0;
}

static int add_number(struct access_numbers *numbers, uint32_t number)
{
    uint32_t *all = reallocarray(numbers->all, numbers->n + 1, sizeof(*all));

    if (!all)
        return -ENOMEM;
    numbers->all = all;
    all[numbers->n++] = number;
    return 0;
}

/* A name, or a number as it is. */
static int add_account(struct parser *p, unsigned line, const char *key, const char *word,
                       int (*look_up)(const char *name, uint32_t *ret_id),
                       struct access_numbers *numbers)
{
    uint64_t number;
    uint32_t id = 0;
    int r = num_parse_u64(word, &number);

    if (r == 0 && number < UINT32_MAX) {
        id = (uint32_t) number;
    } else if (r == 0 || r == -ERANGE) {
        mistakef(p, line, key, "\"%.64s\" is too large", word);
        return 0;
    } else {
        r = look_up(word, &id);
        if (r == -ENOENT)
            mistakef(p, line, key, "there is no %s \"%.64s\"", key, word);
        else if (r < 0)
            mistakef(p, line, key, "\"%.64s\" cannot be looked up: %s", word, strerror(-r));
        if (r < 0)
            return 0;
    }
    return add_number(numbers, id);
}

static int add_user(struct parser *p, unsigned line, const char *key, const char *word)
{
    return add_account(p, line, key, word, p->names->user, &rule_of(p)->uids);
}

static int add_group(struct parser *p, unsigned line, const char *key, const char *word)
{
    return add_account(p, line, key, word, p->names->group, &rule_of(p)->gids);
}

static int add_exe(struct parser *p, unsigned line, const char *key, const char *word)
{
    if (*word != '/') {
        mistakef(p, line, key, "\"%.64s\" is not an absolute path", word);
        return 0;
    }
    return add_word(&rule_of(p)->exes, word);
}

static int add_verb(struct parser *p, unsigned line, const char *key, const char *word)
{
    enum access_verb verb;

    if (access_verb_parse(word, &verb) < 0)
        mistakef(p, line, key,
                 "\"%.64s\" is not one of register, report, post, read, files, monitor, firmware, "
                 "call, manage",
                 word);
    else
        rule_of(p)->verbs |= 1U << verb;
    return 0;
}

static bool is_pattern(const char *word)
{
    size_t len = strlen(word);

    return len <= LIMIT_FEATURE_ID && strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                   "abcdefghijklmnopqrstuvwxyz"
                                                   "0123456789_*?") == len;
}

static int add_id_to(struct parser *p, unsigned line, const char *key, const char *word,
                     struct access_words *ids)
{
    if (!is_pattern(word)) {
        mistakef(p, line, key, "\"%.64s\" is not an id or a pattern with * and ?", word);
        return 0;
    }
    return add_word(ids, word);
}

static int add_id(struct parser *p, unsigned line, const char *key, const char *word)
{
    return add_id_to(p, line, key, word, &rule_of(p)->ids);
}

static int add_served_id(struct parser *p, unsigned line, const char *key, const char *word)
{
    return add_id_to(p, line, key, word, &service_of(p)->ids);
}

/* Elements of letters, digits, - and _, at least two of them (D-Bus specification, bus names). */
static bool is_bus_name(const char *name)
{
    size_t len = strlen(name), in_element = 0, n_dots = 0;

    for (size_t i = 0; i < len; i++) {
        char c = name[i];

        if (c == '.') {
            if (in_element == 0)
                return false;
            n_dots++;
            in_element = 0;
        } else if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-') {
            in_element++;
        } else if (c >= '0' && c <= '9' && in_element > 0) {
            in_element++;
        } else {
            return false;
        }
    }
    return len <= LIMIT_BUS_NAME && n_dots > 0 && in_element > 0;
}

static int set_bus_name(struct parser *p, unsigned line, const char *key, const char *value)
{
    struct access_service *service = service_of(p);

    if (!is_bus_name(value)) {
        mistakef(p, line, key, "\"%.64s\" is not a name on the bus", value);
        return 0;
    }
    free(service->bus_name);
    service->bus_name = strdup(value);
    return service->bus_name ? 0 : -ENOMEM;
}

/* --- sections --- */

static const struct {
    enum section section;
    const char *name;
    word_fn each; /* NULL: the value is one */
    word_fn whole;
} keys[] = {
    {SECTION_RULE, "user", add_user, NULL}, {SECTION_RULE, "group", add_group, NULL},
    {SECTION_RULE, "exe", add_exe, NULL},   {SECTION_RULE, "verbs", add_verb, NULL},
    {SECTION_RULE, "ids", add_id, NULL},    {SECTION_SERVE, "bus_name", NULL, set_bus_name},
};

static bool is_about_no_id(unsigned set)
{
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (!verbs[i].may_have_id && set & 1U << i)
            return true;
    }
    return false;
}

/* What can only be said when a section is over. */
static void end_section(struct parser *p)
{
    unsigned n_before = p->n_mistakes;

    if (p->section == SECTION_SERVE && !service_of(p)->bus_name && !p->seen)
        mistake(p, p->section_line, "bus_name", "is missing");
    if (p->section == SECTION_RULE && n_before == p->n_mistakes) {
        const struct access_rule *rule = rule_of(p);

        if (!(p->seen & 1U << 3))
            mistake(p, p->section_line, "verbs", "is missing");
        else if (rule->ids.n > 0 && is_about_no_id(rule->verbs))
            mistake(p, p->section_line, "ids",
                    "monitor, firmware and call are about no ids: they need a rule of their own");
    }
    p->section = SECTION_NONE;
    p->seen = 0;
}

static char *place_of(const struct parser *p, unsigned line)
{
    char *place;

    return asprintf(&place, "%s:%u", p->file, line) < 0 ? NULL : place;
}

static int begin_rule(struct parser *p, unsigned line, bool allow)
{
    struct access_conf *conf = p->conf;
    struct access_rule *rules;

    if (conf->n_rules >= LIMIT_ACCESS_RULES) {
        mistakef(p, line, "", "more than %d rules", LIMIT_ACCESS_RULES);
        return 0;
    }
    rules = reallocarray(conf->rules, conf->n_rules + 1, sizeof(*rules));
    if (!rules)
        return -ENOMEM;
    conf->rules = rules;
    rules[conf->n_rules] = (struct access_rule){.allow = allow, .place = place_of(p, line)};
    if (!rules[conf->n_rules++].place)
        return -ENOMEM;
    p->section = SECTION_RULE;
    return 0;
}

static int begin_service(struct parser *p, unsigned line, const char *ids)
{
    struct access_conf *conf = p->conf;
    struct access_service *services;

    if (conf->n_services >= LIMIT_ACCESS_RULES) {
        mistakef(p, line, "", "more than %d services", LIMIT_ACCESS_RULES);
        return 0;
    }
    services = reallocarray(conf->services, conf->n_services + 1, sizeof(*services));
    if (!services)
        return -ENOMEM;
    conf->services = services;
    services[conf->n_services] = (struct access_service){.place = place_of(p, line)};
    if (!services[conf->n_services++].place)
        return -ENOMEM;
    p->section = SECTION_SERVE;
    return for_each_word(p, line, "serve", ids, add_served_id);
}

static int on_section(unsigned line, const char *name, void *userdata)
{
    struct parser *p = userdata;

    end_section(p);
    p->section_line = line;
    if (!name)
        return 0;
    if (strcmp(name, "allow") == 0 || strcmp(name, "deny") == 0)
        return begin_rule(p, line, *name == 'a');
    if (strncmp(name, "serve", 5) == 0 && (!name[5] || strchr(BLANKS, name[5])))
        return begin_service(p, line, name + 5);
    mistake(p, line, name, "is not allow, deny or serve ID...");
    return 0;
}

static int on_key(unsigned line, const char *name, const char *value, void *userdata)
{
    struct parser *p = userdata;

    if (p->section == SECTION_NONE) {
        mistake(p, line, name, "not in a known section");
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (keys[i].section != p->section || strcmp(keys[i].name, name) != 0)
            continue;
        if (p->seen & 1U << i) {
            mistake(p, line, name, "given twice");
            return 0;
        }
        p->seen |= 1U << i;
        return keys[i].each ? for_each_word(p, line, name, value, keys[i].each)
                            : keys[i].whole(p, line, name, value);
    }
    mistake(p, line, name, "unknown key in this section");
    return 0;
}

static void on_ini_mistake(unsigned line, const char *key, const char *what, void *userdata)
{
    mistake(userdata, line, key, what);
}

int access_conf_add(struct access_conf *conf, const char *file, const char *text, size_t len,
                    const struct access_names *names, access_mistake_fn on_mistake, void *userdata)
{
    static const struct ini_events events = {
        .on_section = on_section,
        .on_key = on_key,
        .on_mistake = on_ini_mistake,
    };
    struct parser p = {
        .conf = conf,
        .file = file,
        .names = names,
        .on_mistake = on_mistake,
        .userdata = userdata,
    };
    int r = ini_parse(text, len, &events, &p);

    if (r < 0)
        return r;
    end_section(&p);
    return p.n_mistakes > 0 ? -EINVAL : 0;
}

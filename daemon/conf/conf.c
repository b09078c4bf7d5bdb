/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/conf/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/ini.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/name.h"
#include "libiotclient/base/num.h"
#include "libiotclient/base/strbuf.h"

enum key_type {
    KEY_TYPE_TEXT,
    KEY_TYPE_INT,
    KEY_TYPE_BOOL,
    KEY_TYPE_CHOICE,
    KEY_TYPE_NUMBER,
    KEY_TYPE_VERSION,
};

struct key {
    const char *section;
    const char *name;
    enum key_type type;
    size_t offset;            /* in struct conf, or in struct conf_property */
    size_t has_offset;        /* in the latter */
    const char *text_default; /* text, choice, version */
    int64_t int_default;      /* int, bool */
    int64_t min, max;
    double number_default, number_min, number_max;
    const char *unit;
    const char *choices;
    bool reload;
    const char *help;
};

#define COMMON(s, n, t)                                                                            \
    .section = #s, .name = #n, .type = t, .offset = offsetof(struct conf, s##_##n)
#define KEY_TEXT(s, n, def, rl, h)                                                                 \
    {COMMON(s, n, KEY_TYPE_TEXT), .text_default = (def), .reload = (rl), .help = (h)},
#define KEY_INT(s, n, def, lo, hi, u, rl, h)                                                       \
    {COMMON(s, n, KEY_TYPE_INT),                                                                   \
     .int_default = (def),                                                                         \
     .min = (lo),                                                                                  \
     .max = (hi),                                                                                  \
     .unit = (u),                                                                                  \
     .reload = (rl),                                                                               \
     .help = (h)},
#define KEY_NUMBER(s, n, def, lo, hi, u, rl, h)                                                    \
    {COMMON(s, n, KEY_TYPE_NUMBER),                                                                \
     .number_default = (def),                                                                      \
     .number_min = (lo),                                                                           \
     .number_max = (hi),                                                                           \
     .unit = (u),                                                                                  \
     .reload = (rl),                                                                               \
     .help = (h)},
#define KEY_BOOL(s, n, def, rl, h)                                                                 \
    {COMMON(s, n, KEY_TYPE_BOOL), .int_default = (def), .reload = (rl), .help = (h)},
#define KEY_CHOICE(s, n, def, ch, rl, h)                                                           \
    {COMMON(s, n, KEY_TYPE_CHOICE), .text_default = (def), .choices = (ch), .reload = (rl),        \
     .help = (h)},
#define KEY_VERSION(s, n, def, rl, h)                                                              \
    {COMMON(s, n, KEY_TYPE_VERSION), .text_default = (def), .reload = (rl), .help = (h)},
static const struct key keys[] = {
#include "daemon/conf/conf_keys.def"
};

#undef COMMON
#define COMMON(s, n, t)                                                                            \
    .section = #s, .name = #n, .type = t, .offset = offsetof(struct conf_property, n),             \
    .has_offset = offsetof(struct conf_property, has_##n)
#define CONF_PROPERTY_KEYS
static const struct key property_keys[] = {
#include "daemon/conf/conf_keys.def"
};

/* base: a struct conf or struct conf_property, as the key is of. */
static char **text_of(void *base, const struct key *k)
{
    return (char **) (void *) ((char *) base + k->offset);
}

static int64_t *int_of(void *base, const struct key *k)
{
    return (int64_t *) (void *) ((char *) base + k->offset);
}

static bool *bool_of(void *base, const struct key *k)
{
    return (bool *) (void *) ((char *) base + k->offset);
}

static double *number_of(void *base, const struct key *k)
{
    return (double *) (void *) ((char *) base + k->offset);
}

static bool *has_of(struct conf_property *p, const struct key *k)
{
    return (bool *) (void *) ((char *) p + k->has_offset);
}

static bool has_text(const struct key *k)
{
    return k->type == KEY_TYPE_TEXT || k->type == KEY_TYPE_CHOICE || k->type == KEY_TYPE_VERSION;
}

static int set_text(void *c, const struct key *k, const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        return -ENOMEM;
    free(*text_of(c, k));
    *text_of(c, k) = copy;
    return 0;
}

struct conf *conf_free(struct conf *conf)
{
    if (!conf)
        return NULL;

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (has_text(&keys[i]))
            free(*text_of(conf, &keys[i]));
    }
    free(conf->properties);
    free(conf);
    return NULL;
}

int conf_new(struct conf **ret_conf)
{
    CLEANUP(conf_freep) struct conf *c = calloc(1, sizeof(*c));

    if (!c)
        return -ENOMEM;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const struct key *k = &keys[i];

        if (has_text(k) && set_text(c, k, k->text_default) < 0)
            return -ENOMEM;
        if (k->type == KEY_TYPE_INT)
            *int_of(c, k) = k->int_default;
        else if (k->type == KEY_TYPE_BOOL)
            *bool_of(c, k) = k->int_default;
        else if (k->type == KEY_TYPE_NUMBER)
            *number_of(c, k) = k->number_default;
    }
    *ret_conf = TAKE(c);
    return 0;
}

static bool is_choice(const char *choices, const char *text)
{
    size_t len = strlen(text);

    while (*choices) {
        size_t n = strcspn(choices, "|");

        if (n == len && strncmp(choices, text, len) == 0)
            return true;
        choices += n + (choices[n] == '|');
    }
    return false;
}

static int parse_bool(const char *text, bool *ret_value)
{
    static const char *const words[2][3] = {{"no", "false", "0"}, {"yes", "true", "1"}};

    for (int v = 0; v < 2; v++) {
        for (int i = 0; i < 3; i++) {
            if (strcmp(words[v][i], text) == 0) {
                *ret_value = v;
                return 0;
            }
        }
    }
    return -EINVAL;
}

static int set_number(double *number, const struct key *k, const char *text, char *what,
                      size_t size)
{
    double v;

    if (num_parse_double(text, &v) == 0 && v >= k->number_min && v <= k->number_max) {
        *number = v;
        return 0;
    }
    (void) snprintf(what, size, "\"%.64s\" is not a number from %.15g to %.15g (%s)", text,
                    k->number_min, k->number_max, k->unit);
    return -EINVAL;
}

/* -EINVAL with what filled in. */
static int set_key(void *c, const struct key *k, const char *text, char *what, size_t size)
{
    int64_t v;

    switch (k->type) {
    case KEY_TYPE_TEXT:
        return set_text(c, k, text);
    case KEY_TYPE_CHOICE:
        if (is_choice(k->choices, text))
            return set_text(c, k, text);
        (void) snprintf(what, size, "\"%.64s\" is not one of %s", text, k->choices);
        return -EINVAL;
    case KEY_TYPE_VERSION:
        if (!*text || name_is_version(text))
            return set_text(c, k, text);
        (void) snprintf(what, size, "\"%.64s\" is not 1 to %d of A-Za-z0-9._-", text,
                        LIMIT_VERSION);
        return -EINVAL;
    case KEY_TYPE_BOOL:
        if (parse_bool(text, bool_of(c, k)) == 0)
            return 0;
        (void) snprintf(what, size, "\"%.64s\" is neither yes nor no", text);
        return -EINVAL;
    case KEY_TYPE_INT:
        if (num_parse_i64(text, &v) < 0 || v < k->min || v > k->max) {
            (void) snprintf(what, size, "\"%.64s\" is not a number from %lld to %lld (%s)", text,
                            (long long) k->min, (long long) k->max, k->unit);
            return -EINVAL;
        }
        *int_of(c, k) = v;
        return 0;
    case KEY_TYPE_NUMBER:
        return set_number(number_of(c, k), k, text, what, size);
    }
    return -EINVAL;
}

static const struct key *find_property_key(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(property_keys); i++) {
        if (strcmp(property_keys[i].name, name) == 0)
            return &property_keys[i];
    }
    return NULL;
}

static const struct key *find_key(const char *section, size_t section_len, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (strlen(keys[i].section) == section_len &&
            strncmp(keys[i].section, section, section_len) == 0 && strcmp(keys[i].name, name) == 0)
            return &keys[i];
    }
    return NULL;
}

#define PROPERTY_SECTION "property."

struct parser {
    struct conf *conf;
    char section[32];               /* "" after a mistake */
    struct conf_property *property; /* in a section of its own; else NULL */
    conf_mistake_fn on_mistake;
    void *userdata;
    unsigned n_mistakes;
    bool seen[ARRAY_SIZE(keys)];
};

static void mistake(struct parser *p, unsigned line, const char *key, const char *what)
{
    p->n_mistakes++;
    p->on_mistake(line, key, what, p->userdata);
}

static bool is_section(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (strcmp(keys[i].section, name) == 0)
            return true;
    }
    return false;
}

static int find_property(struct conf *c, const char *id, struct conf_property **ret_property)
{
    struct conf_property *all;

    for (size_t i = 0; i < c->n_properties; i++) {
        if (strcmp(c->properties[i].id, id) == 0) {
            *ret_property = &c->properties[i];
            return 0;
        }
    }
    if (c->n_properties >= LIMIT_MODEL_IDS)
        return -ENOBUFS;
    all = reallocarray(c->properties, c->n_properties + 1, sizeof(*all));
    if (!all)
        return -ENOMEM;
    c->properties = all;
    *ret_property = &all[c->n_properties++];
    **ret_property = (struct conf_property){0};
    strcpy((*ret_property)->id, id); /* the caller checked the form */
    return 0;
}

static int parse_property(struct parser *p, unsigned line, const char *section)
{
    const char *id = section + strlen(PROPERTY_SECTION);
    int r;

    if (!name_is_feature_id(id)) {
        mistake(p, line, section, "not the id of a property");
        return 0;
    }
    r = find_property(p->conf, id, &p->property);
    if (r == -ENOBUFS)
        mistake(p, line, section, "more sections than a thing model has ids");
    else if (r == 0)
        strcpy(p->section, "property");
    return r == -ENOBUFS ? 0 : r;
}

static int on_section(unsigned line, const char *name, void *userdata)
{
    struct parser *p = userdata;

    p->section[0] = '\0';
    p->property = NULL;
    if (!name)
        return 0;
    if (strncmp(name, PROPERTY_SECTION, strlen(PROPERTY_SECTION)) == 0)
        return parse_property(p, line, name);
    if (!is_section(name) || strlen(name) >= sizeof(p->section))
        mistake(p, line, name, "unknown section");
    else
        strcpy(p->section, name);
    return 0;
}

/* Whether the key is given for the first time. */
static bool see(struct parser *p, const struct key *k)
{
    bool *seen = p->property ? has_of(p->property, k) : &p->seen[k - keys];
    bool was_seen = *seen;

    *seen = true;
    return !was_seen;
}

static int on_key(unsigned line, const char *name, const char *value, void *userdata)
{
    struct parser *p = userdata;
    const struct key *k;
    char what[200];
    int r;

    if (!p->section[0]) {
        mistake(p, line, name, "not in a known section");
        return 0;
    }
    k = p->property ? find_property_key(name) : find_key(p->section, strlen(p->section), name);
    if (!k) {
        mistake(p, line, name, "unknown key in this section");
        return 0;
    }
    if (!see(p, k))
        mistake(p, line, name, "given twice");
    r = set_key(p->property ? (void *) p->property : p->conf, k, value, what, sizeof(what));
    if (r == -EINVAL)
        mistake(p, line, name, what);
    return r == -EINVAL ? 0 : r;
}

static void on_ini_mistake(unsigned line, const char *key, const char *what, void *userdata)
{
    mistake(userdata, line, key, what);
}

int conf_parse(struct conf **ret_conf, const char *text, size_t len, conf_mistake_fn on_mistake,
               void *userdata)
{
    static const struct ini_events events = {
        .on_section = on_section,
        .on_key = on_key,
        .on_mistake = on_ini_mistake,
    };
    CLEANUP(conf_freep) struct conf *c = NULL;
    struct parser p = {.on_mistake = on_mistake, .userdata = userdata};
    int r;

    r = conf_new(&c);
    if (r < 0)
        return r;
    p.conf = c;
    r = ini_parse(text, len, &events, &p);
    if (r < 0)
        return r;
    if (p.n_mistakes > 0)
        return -EINVAL;
    *ret_conf = TAKE(c);
    return 0;
}

int conf_set(struct conf *conf, const char *key, const char *text, conf_mistake_fn on_mistake,
             void *userdata)
{
    const char *dot = strchr(key, '.');
    const struct key *k = dot ? find_key(key, (size_t) (dot - key), dot + 1) : NULL;
    char what[200] = "unknown key";
    int r = k ? set_key(conf, k, text, what, sizeof(what)) : -EINVAL;

    if (r == -EINVAL)
        on_mistake(0, key, what, userdata);
    return r;
}

static bool is_same(struct conf *a, struct conf *b, const struct key *k)
{
    if (has_text(k))
        return strcmp(*text_of(a, k), *text_of(b, k)) == 0;
    if (k->type == KEY_TYPE_BOOL)
        return *bool_of(a, k) == *bool_of(b, k);
    if (k->type == KEY_TYPE_NUMBER) /* parsed from the same text it is the same */
        return !(*number_of(a, k) < *number_of(b, k)) && !(*number_of(a, k) > *number_of(b, k));
    return *int_of(a, k) == *int_of(b, k);
}

/* They can all change at run time. */
static int reload_properties(struct conf *conf, const struct conf *newer)
{
    size_t n = newer->n_properties;
    struct conf_property *all = calloc(n ? n : 1, sizeof(*all));

    if (!all)
        return -ENOMEM;
    if (n > 0)
        memcpy(all, newer->properties, n * sizeof(*all));
    free(conf->properties);
    conf->properties = all;
    conf->n_properties = n;
    return 0;
}

int conf_reload(struct conf *conf, const struct conf *newer,
                void (*fn)(const char *key, void *userdata), void *userdata)
{
    struct conf *from = (struct conf *) (uintptr_t) newer; /* only read below */

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const struct key *k = &keys[i];
        char name[80];

        if (is_same(conf, from, k))
            continue;
        if (!k->reload) {
            (void) snprintf(name, sizeof(name), "%s.%s", k->section, k->name);
            fn(name, userdata);
        } else if (has_text(k)) {
            if (set_text(conf, k, *text_of(from, k)) < 0)
                return -ENOMEM;
        } else if (k->type == KEY_TYPE_BOOL) {
            *bool_of(conf, k) = *bool_of(from, k);
        } else if (k->type == KEY_TYPE_NUMBER) {
            *number_of(conf, k) = *number_of(from, k);
        } else {
            *int_of(conf, k) = *int_of(from, k);
        }
    }
    return reload_properties(conf, newer);
}

static void print_section(struct strbuf *sb, const char *section)
{
    if (strcmp(section, "property") == 0)
        strbuf_adds(
            sb, "\n# Of all properties, where their programs do not ask for something else; in a "
                "section\n# [property.ID] the same keys are of one, whatever its program "
                "asks for.");
    strbuf_addf(sb, "\n[%s]\n", section);
}

static void print_key(struct strbuf *sb, const struct key *k)
{
    strbuf_addf(sb, "# %s", k->help);
    if (k->type == KEY_TYPE_INT)
        strbuf_addf(sb, "; %s, %lld to %lld", k->unit, (long long) k->min, (long long) k->max);
    else if (k->type == KEY_TYPE_NUMBER)
        strbuf_addf(sb, "; %s, %.15g to %.15g", k->unit, k->number_min, k->number_max);
    else if (k->type == KEY_TYPE_CHOICE)
        strbuf_addf(sb, "; one of %s", k->choices);
    else if (k->type == KEY_TYPE_BOOL)
        strbuf_adds(sb, "; yes or no");
    strbuf_addf(sb, "%s\n#%s =", k->reload ? "; taken over by a reload" : "", k->name);
    if (has_text(k))
        strbuf_addf(sb, "%s%s\n", *k->text_default ? " " : "", k->text_default);
    else if (k->type == KEY_TYPE_BOOL)
        strbuf_addf(sb, " %s\n", k->int_default ? "yes" : "no");
    else if (k->type == KEY_TYPE_NUMBER)
        strbuf_addf(sb, " %.15g\n", k->number_default);
    else
        strbuf_addf(sb, " %lld\n", (long long) k->int_default);
}

int conf_print_defaults(char **ret_text)
{
    const char *section = "";
    struct strbuf sb;

    strbuf_init(&sb, 65536);
    strbuf_adds(&sb,
                "# SPDX-License-Identifier: GPL-2.0-or-later\n"
                "# Settings of iotd; see iotd.conf(5). Each key stands here with its default.\n");
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (strcmp(section, keys[i].section) != 0)
            print_section(&sb, keys[i].section);
        section = keys[i].section;
        print_key(&sb, &keys[i]);
    }
    return strbuf_finish(&sb, ret_text);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "tests/lib/suite.h"

/* The keys once more, as text: what every one of them must do. */
static const struct key {
    const char *name; /* section.key */
    const char *fallback;
    const char *other; /* a good value that is not the default */
    const char *bad;   /* NULL: every text is good */
    bool reload;
} keys[] = {
#define KEY_TEXT(s, n, def, rl, h) {#s "." #n, def, "another text", NULL, rl},
#define KEY_INT(s, n, def, lo, hi, u, rl, h)                                                       \
    {#s "." #n, #def, (def) != (hi) ? #hi : #lo, "many", rl},
#define KEY_NUMBER(s, n, def, lo, hi, u, rl, h) {#s "." #n, #def, #hi, "much", rl},
#define KEY_BOOL(s, n, def, rl, h) {#s "." #n, #def, (def) ? "no" : "yes", "maybe", rl},
#define KEY_CHOICE(s, n, def, ch, rl, h) {#s "." #n, def, ch, "neither", rl},
#define KEY_VERSION(s, n, def, rl, h) {#s "." #n, def, "1.2-a_b", "1.2 3", rl},
#include "daemon/conf/conf_keys.def"
#undef KEY_TEXT
#undef KEY_INT
#undef KEY_BOOL
#undef KEY_CHOICE
#undef KEY_NUMBER
#undef KEY_VERSION
};

static char *other_of(const struct key *k)
{
    const char *bar = strchr(k->other, '|');

    if (!bar)
        return strdup(k->other);
    /* The first of the choices that is not the default. */
    if (strncmp(k->other, k->fallback, (size_t) (bar - k->other)) != 0)
        return strndup(k->other, (size_t) (bar - k->other));
    return strndup(bar + 1, strcspn(bar + 1, "|"));
}

/* A key of a conf as text. */
static const char *show(const struct conf *c, const char *name, char buf[32])
{
#define KEY_TEXT(s, n, ...)                                                                        \
    if (strcmp(name, #s "." #n) == 0)                                                              \
        return c->s##_##n;
#define KEY_CHOICE KEY_TEXT
#define KEY_VERSION KEY_TEXT
#define KEY_INT(s, n, ...)                                                                         \
    if (strcmp(name, #s "." #n) == 0) {                                                            \
        (void) snprintf(buf, 32, "%lld", (long long) c->s##_##n);                                  \
        return buf;                                                                                \
    }
#define KEY_NUMBER(s, n, ...)                                                                      \
    if (strcmp(name, #s "." #n) == 0) {                                                            \
        (void) snprintf(buf, 32, "%.15g", c->s##_##n);                                             \
        return buf;                                                                                \
    }
#define KEY_BOOL(s, n, def, rl, h)                                                                 \
    if (strcmp(name, #s "." #n) == 0)                                                              \
        return c->s##_##n ? ((def) ? "true" : "yes") : ((def) ? "no" : "false");
#include "daemon/conf/conf_keys.def"
#undef KEY_TEXT
#undef KEY_INT
#undef KEY_BOOL
#undef KEY_CHOICE
#undef KEY_NUMBER
#undef KEY_VERSION
    return "(no such key)";
}

struct mistakes {
    unsigned n;
    unsigned line[8];
    char key[8][32];
    char what[8][160];
};

static void on_mistake(unsigned line, const char *key, const char *what, void *userdata)
{
    struct mistakes *m = userdata;

    if (m->n < 8) {
        m->line[m->n] = line;
        (void) snprintf(m->key[m->n], sizeof(m->key[0]), "%s", key);
        (void) snprintf(m->what[m->n], sizeof(m->what[0]), "%s", what);
    }
    m->n++;
}

static int parse(const char *text, struct conf **ret_conf, struct mistakes *m)
{
    *m = (struct mistakes){0};
    return conf_parse(ret_conf, text, strlen(text), on_mistake, m);
}

static void test_defaults(void)
{
    CLEANUP(conf_freep) struct conf *fresh = NULL, *parsed = NULL;
    struct mistakes m;
    char buf[32];

    CHECK_INT(conf_new(&fresh), 0);
    CHECK_INT(parse("", &parsed, &m), 0);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        CHECK_STR(show(fresh, keys[i].name, buf), keys[i].fallback);
        CHECK_STR(show(parsed, keys[i].name, buf), keys[i].fallback);
    }
    /* Names that people rely on. */
    CHECK_STR(fresh->link_endpoint, "");
    CHECK_INT(fresh->link_keepalive, 240);
    CHECK_INT(fresh->link_connect_interval, 5);
    CHECK_INT(fresh->link_probe_max, 8);
    CHECK_INT(fresh->link_backoff_max, 60);
    CHECK(!fresh->link_clean_session);
    CHECK_STR(fresh->link_sign, "hmacsha256");
    CHECK_INT(fresh->report_rate, 5);
    CHECK_STR(fresh->thing_unowned_control, "accept");
    CHECK_INT(fresh->thing_control_timeout, 10);
    CHECK_INT(fresh->thing_action_timeout, 10);
}

/* Each key alone: its other value is read, its bad value refused with its line. */
static void test_each_key(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        CLEANUP(conf_freep) struct conf *c = NULL, *bad = NULL;
        CLEANUP(freep) char *other = other_of(&keys[i]);
        const char *dot = strchr(keys[i].name, '.');
        char text[256], buf[32];
        struct mistakes m;

        (void) snprintf(text, sizeof(text), "[%.*s]\n%s = %s\n", (int) (dot - keys[i].name),
                        keys[i].name, dot + 1, other);
        CHECK_INT(parse(text, &c, &m), 0);
        if (!c)
            continue;
        CHECK(strcmp(other, keys[i].fallback) != 0);
        for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
            CHECK_STR(show(c, keys[k].name, buf), k == i ? other : keys[k].fallback);
        if (!keys[i].bad)
            continue;
        (void) snprintf(text, sizeof(text), "\n[%.*s]\n%s=%s", (int) (dot - keys[i].name),
                        keys[i].name, dot + 1, keys[i].bad);
        CHECK_INT(parse(text, &bad, &m), -EINVAL);
        CHECK(!bad && m.n == 1 && m.line[0] == 3);
        CHECK_STR(m.key[0], dot + 1);
        CHECK(strstr(m.what[0], keys[i].bad)); /* quoted, with what would do */
    }
}

static void test_mistakes(void)
{
    static const struct {
        const char *text;
        unsigned n, line;
        const char *key, *what;
    } cases[] = {
        {"keepalive = 100", 1, 1, "keepalive", "not in a known section"},
        {"[link]\nkeepalive 100", 1, 2, "keepalive 100", "neither a section nor key = value"},
        {"[link]\nkeepaliv = 100", 1, 2, "keepaliv", "unknown key in this section"},
        {"[link]\nrate = 1", 1, 2, "rate", "unknown key in this section"},
        {"[link]\n= 1", 1, 2, "", "unknown key in this section"},
        {"[link\nkeepalive = 100", 2, 1, "[link", "section without closing bracket"},
        {"[]", 1, 1, "", "unknown section"},
        {"[", 1, 1, "[", "section without closing bracket"},
        {"[links]", 1, 1, "links", "unknown section"},
        {"[lin]", 1, 1, "lin", "unknown section"},
        {"[Link]", 1, 1, "Link", "unknown section"},
        {"[link]\nkeepalive = 59", 1, 2, "keepalive", "\"59\" is not a number from 60 to 690 (s)"},
        {"[link]\nkeepalive = 691", 1, 2, "keepalive",
         "\"691\" is not a number from 60 to 690 (s)"},
        {"[link]\nkeepalive = 1e2", 1, 2, "keepalive",
         "\"1e2\" is not a number from 60 to 690 (s)"},
        {"[link]\nkeepalive =", 1, 2, "keepalive", "\"\" is not a number from 60 to 690 (s)"},
        {"[link]\nkeepalive = 99999999999999999999", 1, 2, "keepalive",
         "\"99999999999999999999\" is not a number from 60 to 690 (s)"},
        {"[link]\nsign = md5", 1, 2, "sign", "\"md5\" is not one of hmacsha256|hmacsha1"},
        {"[link]\nsign = hmacsha", 1, 2, "sign", "\"hmacsha\" is not one of hmacsha256|hmacsha1"},
        {"[link]\nsign =", 1, 2, "sign", "\"\" is not one of hmacsha256|hmacsha1"},
        {"[link]\nsign = hmacsha256|hmacsha1", 1, 2, "sign",
         "\"hmacsha256|hmacsha1\" is not one of hmacsha256|hmacsha1"},
        {"[link]\nclean_session = 2", 1, 2, "clean_session", "\"2\" is neither yes nor no"},
        {"[firmware]\nversion = 1+2", 1, 2, "version", "\"1+2\" is not 1 to 32 of A-Za-z0-9._-"},
        {"[report]\nrate = 1\n\nrate = 2", 1, 4, "rate", "given twice"},
        {"[report]\nrate = 1\n[link]\n[report]\nrate = 2", 1, 5, "rate", "given twice"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct conf *c = NULL;
        struct mistakes m;

        CHECK_INT(parse(cases[i].text, &c, &m), -EINVAL);
        CHECK(!c);
        if (m.n != cases[i].n || m.line[0] != cases[i].line ||
            strcmp(m.key[0], cases[i].key) != 0 || strcmp(m.what[0], cases[i].what) != 0)
            suite_fail(__FILE__, __LINE__, "case %zu: %u, line %u, \"%s\": %s", i, m.n, m.line[0],
                       m.key[0], m.what[0]);
    }
}

/* One run names all of them. */
static void test_all_told(void)
{
    struct conf *c = NULL;
    struct mistakes m;

    CHECK_INT(parse("[link]\nsign = x\n[nothing]\nrate = 1\n[report]\nrate = 0\n", &c, &m),
              -EINVAL);
    CHECK_INT(m.n, 4);
    CHECK(m.line[0] == 2 && m.line[1] == 3 && m.line[2] == 4 && m.line[3] == 6);

    m = (struct mistakes){0};
    CHECK_INT(conf_parse(&c, "[link]\0\n", 8, on_mistake, &m), -EINVAL);
    CHECK(m.n == 1 && m.line[0] == 0);
    CHECK_STR(m.what[0], "contains a NUL byte");
    CHECK(!c);
}

static void test_layout(void)
{
    CLEANUP(conf_freep) struct conf *c = NULL;
    struct mistakes m;

    CHECK_INT(parse("# comment\r\n; another\n\n \t[link]\t\r\n\tendpoint\t=  ws://h:1/x?a=b \r\n"
                    "  # indented\n keepalive=60\n[report]\n[link]\nclean_session = true",
                    &c, &m),
              0);
    if (!c)
        return;
    CHECK_STR(c->link_endpoint, "ws://h:1/x?a=b");
    CHECK_INT(c->link_keepalive, 60);
    CHECK(c->link_clean_session);
}

static void test_set(void)
{
    CLEANUP(conf_freep) struct conf *c = NULL;
    struct mistakes m = {0};

    CHECK_INT(conf_new(&c), 0);
    CHECK_INT(conf_set(c, "link.endpoint", "mqtt://h", on_mistake, &m), 0);
    CHECK_STR(c->link_endpoint, "mqtt://h");
    CHECK_INT(conf_set(c, "report.rate", "7", on_mistake, &m), 0);
    CHECK_INT(c->report_rate, 7);
    CHECK_INT(m.n, 0);
    CHECK_INT(conf_set(c, "report.rate", "0", on_mistake, &m), -EINVAL);
    CHECK_INT(c->report_rate, 7);
    CHECK_INT(conf_set(c, "report", "0", on_mistake, &m), -EINVAL);
    CHECK_INT(conf_set(c, "repor.rate", "1", on_mistake, &m), -EINVAL);
    CHECK_INT(conf_set(c, "report.rat", "1", on_mistake, &m), -EINVAL);
    CHECK_INT(m.n, 4);
    CHECK_STR(m.what[1], "unknown key");
    CHECK_STR(m.key[1], "report");
}

struct stays {
    unsigned n;
    char keys[512];
};

static void on_stays(const char *key, void *userdata)
{
    struct stays *s = userdata;

    s->n++;
    strcat(s->keys, key);
    strcat(s->keys, " ");
}

/* What may change does, what may not is named and stays. */
static void test_reload(void)
{
    CLEANUP(conf_freep) struct conf *now = NULL, *newer = NULL;
    struct mistakes m = {0};
    struct stays s = {0};
    unsigned n_fixed = 0;
    char buf[32];

    CHECK_INT(conf_new(&now), 0);
    CHECK_INT(conf_new(&newer), 0);
    CHECK_INT(conf_reload(now, newer, on_stays, &s), 0);
    CHECK_INT(s.n, 0);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        CLEANUP(freep) char *other = other_of(&keys[i]);

        CHECK_INT(conf_set(newer, keys[i].name, other, on_mistake, &m), 0);
    }
    CHECK_INT(conf_reload(now, newer, on_stays, &s), 0);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        CLEANUP(freep) char *other = other_of(&keys[i]);

        CHECK_STR(show(now, keys[i].name, buf), keys[i].reload ? other : keys[i].fallback);
        CHECK((strstr(s.keys, keys[i].name) != NULL) == !keys[i].reload);
        n_fixed += !keys[i].reload;
    }
    CHECK_INT(s.n, n_fixed);
    CHECK(n_fixed > 0 && n_fixed < ARRAY_SIZE(keys));
}

/* Sections of single properties: what is given, what is not, what is wrong. */
static void test_properties(void)
{
    static const struct {
        const char *text, *key, *what;
        unsigned line;
    } bad[] = {
        {"[property.]", "property.", "not the id of a property", 1},
        {"[property.1a]", "property.1a", "not the id of a property", 1},
        {"[property.a b]", "property.a b", "not the id of a property", 1},
        {"[property.a]\nrate = 1", "rate", "unknown key in this section", 2},
        {"[property.a]\ndead_band = -1", "dead_band",
         "\"-1\" is not a number from 0 to 1000000000 (of its unit)", 2},
        {"[property.a]\nmin_interval = 86400.1", "min_interval",
         "\"86400.1\" is not a number from 0 to 86400 (s)", 2},
        {"[property.a]\nmin_interval = nan", "min_interval",
         "\"nan\" is not a number from 0 to 86400 (s)", 2},
        {"[property.a]\nqos = 2", "qos", "\"2\" is not a number from 0 to 1 (MQTT QoS)", 2},
        {"[property.a]\nhistory = maybe", "history", "\"maybe\" is neither yes nor no", 2},
        {"[property.a]\nhistory = no\n[link]\n[property.a]\nhistory = no", "history", "given twice",
         5},
    };
    CLEANUP(conf_freep) struct conf *c = NULL, *now = NULL, *none = NULL;
    struct mistakes m = {0};
    struct stays s = {0};

    CHECK_INT(parse("[property.a]\nhistory = yes\n[property.b]\n[property]\nhistory = yes\n"
                    "[property.c]\nhistory = no\ndead_band = 0.25\nqos = 1\n",
                    &c, &m),
              0);
    CHECK_INT(c->n_properties, 3);
    CHECK(c->property_history);
    CHECK_STR(c->properties[0].id, "a");
    CHECK(c->properties[0].has_history && c->properties[0].history);
    CHECK(!c->properties[1].has_history);
    CHECK(c->properties[2].has_history && !c->properties[2].history);
    CHECK(c->properties[2].has_dead_band && c->properties[2].dead_band == 0.25);
    CHECK(c->properties[2].has_qos && c->properties[2].qos == 1);
    CHECK(!c->properties[2].has_min_interval);

    CHECK_INT(conf_new(&now), 0);
    CHECK_INT(conf_reload(now, c, on_stays, &s), 0);
    CHECK_INT(now->n_properties, 3);
    CHECK_STR(now->properties[2].id, "c");
    CHECK_INT(conf_new(&none), 0);
    CHECK_INT(conf_reload(now, none, on_stays, &s), 0);
    CHECK(now->n_properties == 0 && !now->property_history && s.n == 0);

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct conf *refused = NULL;

        CHECK_INT(parse(bad[i].text, &refused, &m), -EINVAL);
        CHECK(!refused && m.n == 1 && m.line[0] == bad[i].line);
        CHECK_STR(m.key[0], bad[i].key);
        CHECK_STR(m.what[0], bad[i].what);
    }
}

/* The printed file says nothing as it is, and with each key uncommented the defaults. */
static void test_print(void)
{
    CLEANUP(conf_freep) struct conf *as_is = NULL, *bare = NULL;
    CLEANUP(freep) char *text = NULL;
    struct mistakes m;
    char buf[32];
    size_t n = 0;

    CHECK_INT(conf_print_defaults(&text), 0);
    CHECK_INT(parse(text, &as_is, &m), 0);
    for (char *p = text; *p; p++) {
        bool begins = p == text || p[-1] == '\n';

        CHECK((unsigned char) *p < 0x7f && (*p >= ' ' || *p == '\n'));
        if (begins && *p == '#' && p[1] != ' ') {
            *p = ' ';
            n++;
        }
    }
    CHECK_INT(n, ARRAY_SIZE(keys));
    CHECK_INT(parse(text, &bare, &m), 0);
    for (size_t i = 0; bare && i < ARRAY_SIZE(keys); i++)
        CHECK_STR(show(bare, keys[i].name, buf), keys[i].fallback);
}

/* The installed file is what iotd --print-config prints. */
static void test_installed(void)
{
    CLEANUP(freep) char *text = NULL;
    const char *srcdir = getenv("IOTD_SRCDIR");
    static char file[65536];
    char path[512];
    FILE *f;
    size_t n;

    (void) snprintf(path, sizeof(path), "%s/packaging/iotd.conf", srcdir ? srcdir : ".");
    f = fopen(path, "re");
    CHECK(f);
    if (!f)
        return;
    n = fread(file, 1, sizeof(file) - 1, f);
    fclose(f);
    file[n] = '\0';
    CHECK_INT(conf_print_defaults(&text), 0);
    if (text && strcmp(text, file) != 0)
        suite_fail(__FILE__, __LINE__, "%s is not what iotd --print-config prints", path);
}

const char *const suite_name = "conf";
const struct suite_test suite_tests[] = {
    {"defaults", test_defaults},
    {"each_key", test_each_key},
    {"mistakes", test_mistakes},
    {"all_told", test_all_told},
    {"layout", test_layout},
    {"set", test_set},
    {"reload", test_reload},
    {"print", test_print},
    {"installed", test_installed},
    {"properties", test_properties},
    {NULL, NULL},
};

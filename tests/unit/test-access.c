/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/access.h"
#include "libiotclient/base/limits.h"
#include "tests/lib/suite.h"

#define OWN 900U   /* iotd's own user */
#define GROUP 901U /* whose members may use ids */
#define LAMP 1001U
#define DOOR 1002U
#define HOME 2000U /* a group of rules */

static int fake_user(const char *name, uint32_t *ret_uid)
{
    static const struct {
        const char *name;
        uint32_t uid;
    } users[] = {{"root", 0}, {"lamp", LAMP}, {"door", DOOR}};

    for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
        if (strcmp(users[i].name, name) == 0) {
            *ret_uid = users[i].uid;
            return 0;
        }
    }
    return strcmp(name, "remote") == 0 ? -EIO : -ENOENT;
}

static int fake_group(const char *name, uint32_t *ret_gid)
{
    if (strcmp(name, "home") != 0)
        return -ENOENT;
    *ret_gid = HOME;
    return 0;
}

static const struct access_names names = {fake_user, fake_group};

struct mistakes {
    unsigned n;
    char first[256];
};

static void on_mistake(const char *file, unsigned line, const char *key, const char *what,
                       void *userdata)
{
    struct mistakes *m = userdata;

    if (m->n++ == 0)
        (void) snprintf(m->first, sizeof(m->first), "%s:%u: %s: %s", file, line, key, what);
}

static struct access_conf *parse(const char *text)
{
    struct access_conf *conf = NULL;
    struct mistakes m = {0};

    CHECK_INT(access_conf_new(&conf), 0);
    CHECK_INT(access_conf_add(conf, "f", text, strlen(text), &names, on_mistake, &m), 0);
    CHECK_STR(m.first, "");
    conf->has_group = true;
    conf->group = GROUP;
    return conf;
}

/* Subjects of the tables, by a letter. */
static struct access_subject subject_of(char who)
{
    static const uint32_t member[] = {7, GROUP}, home[] = {HOME};
    struct access_subject s = {.uid = LAMP, .has_gids = true, .exe = ""};

    switch (who) {
    case 'r': /* root */
        s.uid = 0;
        break;
    case 'o': /* iotd's own user */
        s.uid = OWN;
        break;
    case 'm': /* a member of the group */
        s.gids = member;
        s.n_gids = 2;
        break;
    case 'd': /* another one of them */
        s.uid = DOOR;
        s.gids = member;
        s.n_gids = 2;
        break;
    case 'h': /* of the group home */
        s.uid = 5;
        s.gids = home;
        s.n_gids = 1;
        break;
    case 'x': /* a member of the group that runs a known program */
        s.gids = member;
        s.n_gids = 2;
        s.exe = "/usr/bin/lamp";
        break;
    case '?': /* nothing is known but the uid */
        s.has_gids = false;
        s.exe = NULL;
        break;
    default: /* 's': a stranger */
        s.uid = 6;
        break;
    }
    return s;
}

static void check_decision(const char *rules, char who, enum access_verb verb, const char *id,
                           const char *want)
{
    struct access_conf *conf = parse(rules);
    const struct access a = {.conf = conf, .own_uid = OWN};
    const struct access_subject s = subject_of(who);
    struct access_verdict v = access_decide(&a, &s, verb, id);
    char got[128];

    (void) snprintf(got, sizeof(got), "%s %s", v.allowed ? "yes" : "no", v.rule);
    if (strcmp(got, want) != 0)
        suite_fail(__FILE__, __LINE__, "%c %s %s by %s: %s, wanted %s", who, access_verb_name(verb),
                   id, rules, got, want);
    access_conf_free(conf);
}

#define YES_ROOT "yes default: root"
#define YES_OWN "yes default: the user of iotd"
#define YES_GROUP "yes default: a member of the group of access.group"
#define NO_GROUP "no default: members of the group of access.group only"
#define NO_MANAGE "no default: root and the user of iotd only"

static void test_defaults(void)
{
    static const struct {
        char who;
        const char *with_id, *without;
    } cases[] = {
        {'r', YES_ROOT, YES_ROOT},   {'o', YES_OWN, YES_OWN},    {'m', YES_GROUP, NO_MANAGE},
        {'x', YES_GROUP, NO_MANAGE}, {'h', NO_GROUP, NO_MANAGE}, {'s', NO_GROUP, NO_MANAGE},
        {'?', NO_GROUP, NO_MANAGE},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (int v = 0; v < ACCESS_VERB_COUNT_; v++) {
            bool has_id = access_verb_has_id((enum access_verb) v);

            check_decision("", cases[i].who, (enum access_verb) v, has_id ? "level" : "",
                           has_id ? cases[i].with_id : cases[i].without);
        }
    }
}

/* Without any configuration the group does not count. */
static void test_without_conf(void)
{
    const struct access a = {.own_uid = OWN};
    const struct access_subject member = subject_of('m'), root = subject_of('r');

    CHECK(!access_decide(&a, &member, ACCESS_READ, "level").allowed);
    CHECK(access_decide(&a, &root, ACCESS_READ, "level").allowed);
    CHECK(!access_hides(&a, "level"));
    CHECK(!access_names_exe(&a, "/usr/bin/lamp"));
    CHECK(!access_service_of(&a, "level"));
}

static void test_rules(void)
{
    static const char lamp[] = "[allow]\n"
                               "user = lamp\n"
                               "verbs = register report\n"
                               "ids = level color_*\n"
                               "[deny]\n"
                               "verbs = register report\n"
                               "ids = level color_* \n";
    static const char twice[] = "[deny]\nverbs = read\nids = a*\n[allow]\nverbs = read\n";
    static const char groups[] = "[allow]\ngroup = home 77\nverbs = monitor firmware\n"
                                 "[deny]\ngroup = home\nverbs = read\n";
    static const char exe[] = "[allow]\nexe = /usr/bin/lamp /usr/bin/other\nverbs = manage\n"
                              "[deny]\nexe = /usr/bin/lamp\nverbs = post\nids = low\n";
    static const char commands[] = "[allow]\ngroup = home\nverbs = manage\nids = lamp_*\n";
    static const char both[] = "[deny]\nuser = lamp 1002\ngroup = home\nverbs = read\n";
    static const struct {
        const char *rules;
        char who;
        enum access_verb verb;
        const char *id;
        const char *want;
    } cases[] = {
        /* The first that fits; others of the group are kept out by the second. */
        {lamp, 'm', ACCESS_REPORT, "level", "yes f:1"},
        {lamp, 'm', ACCESS_REGISTER, "color_red", "yes f:1"},
        {lamp, 'd', ACCESS_REPORT, "level", "no f:5"},
        {lamp, 'r', ACCESS_REPORT, "color_", "no f:5"},
        {lamp, 'o', ACCESS_REPORT, "level", "no f:5"},
        /* What no rule is about. */
        {lamp, 'd', ACCESS_REPORT, "other", YES_GROUP},
        {lamp, 'd', ACCESS_READ, "level", YES_GROUP},
        {lamp, 'd', ACCESS_MANAGE, "", NO_MANAGE},
        {twice, 'm', ACCESS_READ, "abc", "no f:1"},
        {twice, 'm', ACCESS_READ, "bc", "yes f:4"},
        {twice, 's', ACCESS_READ, "bc", "yes f:4"},
        {twice, 's', ACCESS_POST, "bc", NO_GROUP},
        /* Groups; those that are not known fit what denies. */
        {groups, 'h', ACCESS_MONITOR, "", "yes f:1"},
        {groups, 'm', ACCESS_MONITOR, "", NO_MANAGE},
        {groups, 'h', ACCESS_FIRMWARE, "", "yes f:1"},
        {groups, 'm', ACCESS_FIRMWARE, "", NO_MANAGE},
        {groups, 'h', ACCESS_READ, "a", "no f:4"},
        {groups, 'm', ACCESS_READ, "a", YES_GROUP},
        {groups, '?', ACCESS_MONITOR, "", NO_MANAGE},
        {groups, '?', ACCESS_READ, "a", "no f:4"},
        /* Executables, the same. */
        {exe, 'x', ACCESS_MANAGE, "", "yes f:1"},
        {exe, 'm', ACCESS_MANAGE, "", NO_MANAGE},
        {exe, '?', ACCESS_MANAGE, "", NO_MANAGE},
        {exe, 'x', ACCESS_POST, "low", "no f:4"},
        {exe, 'x', ACCESS_POST, "high", YES_GROUP},
        {exe, 'm', ACCESS_POST, "low", YES_GROUP},
        {exe, '?', ACCESS_POST, "low", "no f:4"},
        /* Commands of these ids and nothing else. */
        {commands, 'h', ACCESS_MANAGE, "lamp_color", "yes f:1"},
        {commands, 'h', ACCESS_MANAGE, "lock", NO_MANAGE},
        {commands, 'h', ACCESS_MANAGE, "", NO_MANAGE},
        {commands, 'm', ACCESS_MANAGE, "lamp_color", NO_MANAGE},
        {commands, 'r', ACCESS_MANAGE, "lamp_color", YES_ROOT},
        /* A user and a group: both. */
        {both, 'm', ACCESS_READ, "a", YES_GROUP},
        {both, 'h', ACCESS_READ, "a", NO_GROUP},
        {both, '?', ACCESS_READ, "a", "no f:1"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        check_decision(cases[i].rules, cases[i].who, cases[i].verb, cases[i].id, cases[i].want);
}

/* Files are one list of rules, in the order in which they were added. */
static void test_files(void)
{
    static const char deny[] = "[deny]\nverbs = read\n", allow[] = "\n\n[allow]\nverbs = read\n";
    struct access_conf *conf = NULL;
    struct access a = {.own_uid = OWN};
    struct access_subject s = subject_of('m');
    struct mistakes m = {0};

    CHECK_INT(access_conf_new(&conf), 0);
    CHECK_INT(access_conf_add(conf, "10-a.conf", allow, strlen(allow), &names, on_mistake, &m), 0);
    CHECK_INT(access_conf_add(conf, "20-b.conf", deny, strlen(deny), &names, on_mistake, &m), 0);
    a.conf = conf;
    CHECK_STR(access_decide(&a, &s, ACCESS_READ, "a").rule, "10-a.conf:3");
    CHECK_INT(m.n, 0);
    access_conf_free(conf);
}

static void test_glob(void)
{
    static const struct {
        const char *pattern, *text;
        bool fits;
    } cases[] = {
        {"level", "level", true},
        {"level", "levels", false},
        {"level", "lev", false},
        {"*", "", true},
        {"*", "anything", true},
        {"lev*", "level", true},
        {"lev*", "lev", true},
        {"lev*", "le", false},
        {"*el", "level", true},
        {"*el", "levels", false},
        {"l*e*l", "level", true},
        {"l?vel", "level", true},
        {"l?vel", "lvel", false},
        {"?", "", false},
        {"a*b*c", "aXbXbXc", true},
        {"a*b*c", "aXbXbX", false},
        {"**a", "ba", true},
        {"", "", true},
        {"", "a", false},
        {"*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (access_glob(cases[i].pattern, cases[i].text) != cases[i].fits)
            suite_fail(__FILE__, __LINE__, "%s of %s", cases[i].pattern, cases[i].text);
    }
}

static void test_hides(void)
{
    static const struct {
        const char *rules, *id;
        bool hides;
    } cases[] = {
        {"", "a", false},
        {"[serve a]\nbus_name = a.b\n", "a", false},
        {"[allow]\nverbs = read\n", "a", false},
        {"[allow]\nverbs = read\nids = b*\n", "a", true},
        {"[allow]\nverbs = read\nids = b*\n", "bell", false},
        {"[allow]\nuser = lamp\nverbs = read\n", "a", true},
        {"[allow]\nuser = lamp\nverbs = read\n[allow]\nverbs = read\n", "a", false},
        {"[deny]\nuser = lamp\nverbs = read\nids = a\n[allow]\nverbs = read\n", "a", true},
        {"[deny]\nuser = lamp\nverbs = read\nids = a\n[allow]\nverbs = read\n", "b", false},
        {"[allow]\nverbs = read\n[deny]\nverbs = read\n", "a", false},
        {"[allow]\nuser = lamp\nverbs = manage\n", "a", true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct access_conf *conf = parse(cases[i].rules);
        const struct access a = {.conf = conf, .own_uid = OWN};

        if (access_hides(&a, cases[i].id) != cases[i].hides)
            suite_fail(__FILE__, __LINE__, "%s by %s", cases[i].id, cases[i].rules);
        access_conf_free(conf);
    }
}

static void test_services(void)
{
    struct access_conf *conf = parse("[serve thermo* target]\nbus_name = com.example.Thermostat\n"
                                     "[serve *]\nbus_name = com.example.Rest-1\n");
    const struct access a = {.conf = conf, .own_uid = OWN};

    CHECK_STR(access_service_of(&a, "thermometer"), "com.example.Thermostat");
    CHECK_STR(access_service_of(&a, "target"), "com.example.Thermostat");
    CHECK_STR(access_service_of(&a, "targets"), "com.example.Rest-1");
    access_conf_free(conf);
    conf = parse("[allow]\nexe = /bin/a\nverbs = read\n[serve x]\nbus_name = a.b\n");
    CHECK(access_names_exe(&(struct access){.conf = conf}, "/bin/a"));
    CHECK(!access_names_exe(&(struct access){.conf = conf}, "/bin/b"));
    CHECK(!access_service_of(&(struct access){.conf = conf}, "y"));
    access_conf_free(conf);
}

static void test_mistakes(void)
{
    static const struct {
        const char *text, *first;
        unsigned n;
    } cases[] = {
        {"verbs = read\n", "f:1: verbs: not in a known section", 1},
        {"[permit]\nverbs = read\n", "f:1: permit: is not allow, deny or serve ID...", 2},
        {"[server x]\n", "f:1: server x: is not allow, deny or serve ID...", 1},
        {"[allow\nverbs = read\n", "f:1: [allow: section without closing bracket", 2},
        {"[allow]\n", "f:1: verbs: is missing", 1},
        {"[allow]\nuser = lamp\n\n[deny]\nverbs = read\n", "f:1: verbs: is missing", 1},
        {"[allow]\nverbs =\n", "f:2: verbs: is empty", 1},
        {"[allow]\nverbs = read write\n",
         "f:2: verbs: \"write\" is not one of register, report, post, read, files, monitor, "
         "firmware, call, manage",
         1},
        {"[allow]\nverbs = read\nverbs = post\n", "f:3: verbs: given twice", 1},
        {"[allow]\nverbs = read\nuid = 5\n", "f:3: uid: unknown key in this section", 1},
        {"[allow]\nverbs = read\nbus_name = a.b\n", "f:3: bus_name: unknown key in this section",
         1},
        {"[allow]\nverbs = read\nuser = nobody_here\n",
         "f:3: user: there is no user \"nobody_here\"", 1},
        {"[allow]\nverbs = read\nuser = remote\n",
         "f:3: user: \"remote\" cannot be looked up: Input/output error", 1},
        {"[allow]\nverbs = read\nuser = 4294967295\n", "f:3: user: \"4294967295\" is too large", 1},
        {"[allow]\nverbs = read\nuser = 99999999999999999999\n",
         "f:3: user: \"99999999999999999999\" is too large", 1},
        {"[allow]\nverbs = read\nuser = -1\n", "f:3: user: there is no user \"-1\"", 1},
        {"[allow]\nverbs = read\ngroup = lamp\n", "f:3: group: there is no group \"lamp\"", 1},
        {"[allow]\nverbs = read\nexe = bin/lamp\n",
         "f:3: exe: \"bin/lamp\" is not an absolute path", 1},
        {"[allow]\nverbs = read\nids = a-b\n",
         "f:3: ids: \"a-b\" is not an id or a pattern with * and ?", 1},
        {"[allow]\nverbs = read\nids = abcdefghijklmnopqrstuvwxyz1234567\n",
         "f:3: ids: \"abcdefghijklmnopqrstuvwxyz1234567\" is not an id or a pattern with * and ?",
         1},
        {"[allow]\nids = a\nverbs = read monitor\n",
         "f:1: ids: monitor, firmware and call are about no ids: they need a rule of their own", 1},
        {"[allow]\nids = a\nverbs = firmware\n",
         "f:1: ids: monitor, firmware and call are about no ids: they need a rule of their own", 1},
        {"[serve]\nbus_name = a.b\n", "f:1: serve: is empty", 1},
        {"[serve a]\n", "f:1: bus_name: is missing", 1},
        {"[serve a]\nbus_name = a\n", "f:2: bus_name: \"a\" is not a name on the bus", 1},
        {"[serve a]\nbus_name = :1.5\n", "f:2: bus_name: \":1.5\" is not a name on the bus", 1},
        {"[serve a]\nbus_name = a..b\n", "f:2: bus_name: \"a..b\" is not a name on the bus", 1},
        {"[serve a]\nbus_name = a.1b\n", "f:2: bus_name: \"a.1b\" is not a name on the bus", 1},
        {"[serve a]\nbus_name = a.b c.d\n", "f:2: bus_name: \"a.b c.d\" is not a name on the bus",
         1},
        {"[serve a]\nverbs = read\nbus_name = a.b\n", "f:2: verbs: unknown key in this section", 1},
        {"[allow]\nverbs\n", "f:2: verbs: neither a section nor key = value", 2},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct access_conf *conf = NULL;
        struct mistakes m = {0};
        size_t len = strlen(cases[i].text);

        CHECK_INT(access_conf_new(&conf), 0);
        CHECK_INT(access_conf_add(conf, "f", cases[i].text, len, &names, on_mistake, &m), -EINVAL);
        CHECK_STR(m.first, cases[i].first);
        CHECK_INT(m.n, cases[i].n);
        access_conf_free(conf);
    }
}

/* As many as there may be, and one more. */
static void test_bounds(void)
{
    struct access_conf *conf = NULL;
    struct mistakes m = {0};
    char text[1024] = "[allow]\nverbs = read\nids =";
    size_t len = strlen(text);

    CHECK_INT(access_conf_new(&conf), 0);
    for (int i = 0; i < LIMIT_ACCESS_WORDS; i++)
        len += (size_t) snprintf(text + len, sizeof(text) - len, " a");
    CHECK_INT(access_conf_add(conf, "f", text, len, &names, on_mistake, &m), 0);
    len += (size_t) snprintf(text + len, sizeof(text) - len, " a\n");
    CHECK_INT(access_conf_add(conf, "f", text, len, &names, on_mistake, &m), -EINVAL);
    CHECK_STR(m.first, "f:3: ids: more than 64 words");
    m = (struct mistakes){0};
    for (size_t i = conf->n_rules; i < LIMIT_ACCESS_RULES; i++)
        CHECK_INT(access_conf_add(conf, "f", "[deny]\nverbs=read", 17, &names, on_mistake, &m), 0);
    CHECK_INT(access_conf_add(conf, "f", "[deny]\nverbs=read", 17, &names, on_mistake, &m),
              -EINVAL);
    CHECK_STR(m.first, "f:1: : more than 512 rules");
    access_conf_free(conf);
}

const char *const suite_name = "access";
const struct suite_test suite_tests[] = {
    {"defaults", test_defaults}, {"without-conf", test_without_conf},
    {"rules", test_rules},       {"files", test_files},
    {"glob", test_glob},         {"hides", test_hides},
    {"services", test_services}, {"mistakes", test_mistakes},
    {"bounds", test_bounds},     {NULL, NULL},
};

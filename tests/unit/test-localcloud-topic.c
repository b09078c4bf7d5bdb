/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdlib.h>
#include <string.h>

#include "examples/localcloud/topic.h"
#include "libiotclient/base/macro.h"
#include "tests/lib/suite.h"

static void test_syntax(void)
{
    char longest[257];

    CHECK(topic_is_filter("a/+/b"));
    CHECK(topic_is_filter("#"));
    CHECK(topic_is_filter("+"));
    CHECK(topic_is_filter("a/#"));
    CHECK(topic_is_filter("/"));
    CHECK(!topic_is_filter(""));
    CHECK(!topic_is_filter("a/#/b"));
    CHECK(!topic_is_filter("a#"));
    CHECK(!topic_is_filter("a+/b"));
    CHECK(!topic_is_filter("a/+b"));
    CHECK(topic_is_name("a/b"));
    CHECK(!topic_is_name("a/+"));
    CHECK(!topic_is_name("#"));
    CHECK(!topic_is_name(""));
    memset(longest, 'x', 256);
    longest[256] = '\0';
    CHECK(!topic_is_name(longest));
    longest[255] = '\0';
    CHECK(topic_is_name(longest));
}

static void test_matching(void)
{
    /* MQTT 3.1.1, 4.7 */
    static const struct {
        const char *filter;
        const char *name;
        bool matches;
    } cases[] = {
        {"sport/tennis/player1/#", "sport/tennis/player1", true},
        {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
        {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
        {"sport/tennis/player1/#", "sport/tennis/player12", false},
        {"sport/#", "sport", true},
        {"#", "a/b", true},
        {"#", "$thing/down", false},
        {"+/down", "$thing/down", false},
        {"$thing/#", "$thing/down", true},
        {"sport/tennis/+", "sport/tennis/player1", true},
        {"sport/tennis/+", "sport/tennis/player1/ranking", false},
        {"sport/+", "sport", false},
        {"sport/+", "sport/", true},
        {"+/+", "/finance", true},
        {"/+", "/finance", true},
        {"+", "/finance", false},
        {"a/b", "a/b", true},
        {"a/b", "a/b/c", false},
        {"a/b/c", "a/b", false},
        {"A/b", "a/b", false},
        {"a/+/c", "a//c", true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (topic_matches(cases[i].filter, cases[i].name) != cases[i].matches)
            suite_fail(__FILE__, __LINE__, "%s, %s", cases[i].filter, cases[i].name);
    }
}

static void test_publish_rights(void)
{
    static const struct {
        const char *name;
        enum topic_kind kind;
    } cases[] = {
        {"$thing/up/property/P1/d1", TOPIC_KIND_PROPERTY},
        {"$thing/up/event/P1/d1", TOPIC_KIND_EVENT},
        {"$thing/up/action/P1/d1", TOPIC_KIND_ACTION},
        {"$ota/report/P1/d1", TOPIC_KIND_OTA},
        {"P1/d1/event", TOPIC_KIND_OTHER},
        {"P1/d1/data", TOPIC_KIND_DATA},
        {"$rrpc/txd/P1/d1/12", TOPIC_KIND_OTHER},
        {"$rrpc/txd/P1/d1/", TOPIC_KIND_NONE},
        {"$rrpc/txd/P1/d1", TOPIC_KIND_NONE},
        {"P1/d1/control", TOPIC_KIND_NONE},
        {"$thing/down/property/P1/d1", TOPIC_KIND_NONE},
        {"$thing/up/property/P1/d2", TOPIC_KIND_NONE},
        {"$thing/up/property/P2/d1", TOPIC_KIND_NONE},
        {"$thing/up/property/P1/d1/x", TOPIC_KIND_NONE},
        {"$thing/up/property/P1", TOPIC_KIND_NONE},
        {"P1/d1", TOPIC_KIND_NONE},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (topic_publish_kind(cases[i].name, "P1", "d1") != cases[i].kind)
            suite_fail(__FILE__, __LINE__, "%s", cases[i].name);
    }
}

static void test_subscribe_rights(void)
{
    static const char *const good[] = {
        "$thing/down/property/P1/d1",
        "$thing/down/+/P1/d1",
        "$thing/down/property/P1/d1/#",
        "$ota/update/P1/d1",
        "P1/d1/control",
        "P1/d1/data",
        "P1/d1/#",
        "P1/d1/+",
        "$rrpc/rxd/P1/d1/+",
        "$rrpc/rxd/P1/d1/#",
        "$rrpc/rxd/P1/d1/7",
        "$broadcast/rxd/P1/d1",
    };
    static const char *const bad[] = {
        "#",       "+/#",           "$thing/#",
        "P1/#",    "P1/+/data",     "$thing/down/property/P1/d2",
        "P1/d2/#", "P1/d1/event",   "$thing/down/property/P1/+",
        "P2/d1/#", "$thing/down/#", "$thing/up/property/P1/d1",
        "P1/d1",   "+/d1/control",  "$thing/down/property/P1/d1/x",
    };

    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        if (!topic_may_subscribe(good[i], "P1", "d1"))
            suite_fail(__FILE__, __LINE__, "%s is refused", good[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (topic_may_subscribe(bad[i], "P1", "d1"))
            suite_fail(__FILE__, __LINE__, "%s is allowed", bad[i]);
    }
}

const char *const suite_name = "localcloud-topic";
const struct suite_test suite_tests[] = {
    {"syntax", test_syntax},
    {"matching", test_matching},
    {"publish_rights", test_publish_rights},
    {"subscribe_rights", test_subscribe_rights},
    {NULL, NULL},
};

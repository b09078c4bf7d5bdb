/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/net/endpoint.h"
#include "tests/lib/suite.h"

static void test_good(void)
{
    static const struct {
        const char *url;
        bool websocket, tls;
        const char *host;
        uint16_t port;
        const char *path;
        const char *header;
    } cases[] = {
        {"ws://h", true, false, "h", 80, "/mqtt", "h"},
        {"ws://h/", true, false, "h", 80, "/", "h"},
        {"ws://h:80/mqtt", true, false, "h", 80, "/mqtt", "h"},
        {"ws://h:8080/a/b?c=d", true, false, "h", 8080, "/a/b?c=d", "h:8080"},
        {"wss://h.example.com", true, true, "h.example.com", 443, "/mqtt", "h.example.com"},
        {"wss://h:80", true, true, "h", 80, "/mqtt", "h:80"},
        {"mqtt://127.0.0.1", false, false, "127.0.0.1", 1883, "/mqtt", "127.0.0.1"},
        {"mqtt://h:1", false, false, "h", 1, "/mqtt", "h:1"},
        {"mqtt://h/", false, false, "h", 1883, "/", "h"},
        {"mqtts://h_1-x:65535", false, true, "h_1-x", 65535, "/mqtt", "h_1-x:65535"},
        {"mqtts://h", false, true, "h", 8883, "/mqtt", "h"},
        {"ws://[::1]", true, false, "::1", 80, "/mqtt", "[::1]"},
        {"ws://[fe80::1%eth0]:81/x", true, false, "fe80::1%eth0", 81, "/x", "[fe80::1%eth0]:81"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char header[ENDPOINT_HOST_TEXT];
        const char *problem = NULL;
        struct endpoint e;

        if (endpoint_parse(&e, cases[i].url, &problem) < 0) {
            suite_fail(__FILE__, __LINE__, "%s: %s", cases[i].url, problem);
            continue;
        }
        CHECK(!problem);
        CHECK_INT(e.websocket, cases[i].websocket);
        CHECK_INT(e.tls, cases[i].tls);
        CHECK_STR(e.host, cases[i].host);
        CHECK_INT(e.port, cases[i].port);
        CHECK_STR(e.path, cases[i].path);
        endpoint_host_header(&e, header);
        CHECK_STR(header, cases[i].header);
    }
}

static void test_bad(void)
{
    static const struct {
        const char *url;
        const char *problem;
    } cases[] = {
        {"", "must begin with ws://, wss://, mqtt:// or mqtts://"},
        {"h", "must begin with ws://, wss://, mqtt:// or mqtts://"},
        {"http://h", "must begin with ws://, wss://, mqtt:// or mqtts://"},
        {"WS://h", "must begin with ws://, wss://, mqtt:// or mqtts://"},
        {"ws:/h", "must begin with ws://, wss://, mqtt:// or mqtts://"},
        {"ws://", "bad host"},
        {"ws:///mqtt", "bad host"},
        {"ws://:80", "bad host"},
        {"ws://user@h", "bad host"},
        {"ws://h h", "bad host"},
        {"ws://h\r\nX: y", "bad host"},
        {"ws://[]", "bad host"},
        {"ws://[::1", "bad host"},
        {"ws://[::1]80", "bad port"},
        {"ws://h:", "bad port"},
        {"ws://h:0", "bad port"},
        {"ws://h:65536", "bad port"},
        {"ws://h:-1", "bad port"},
        {"ws://h:8o", "bad port"},
        {"ws://h:00000000000080", "bad port"},
        {"ws://::1", "bad host"},
        {"mqtt://h/topic", "mqtt:// and mqtts:// have no path"},
        {"ws://h/a b", "bad path"},
        {"ws://h/a\r\nX: y", "bad path"},
        {"ws://h/\xc3\xa9", "bad path"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct endpoint e = {.port = 7};
        const char *problem = "";

        CHECK_INT(endpoint_parse(&e, cases[i].url, &problem), -EINVAL);
        if (strcmp(problem, cases[i].problem) != 0)
            suite_fail(__FILE__, __LINE__, "%s: %s", cases[i].url, problem);
        CHECK_INT(e.port, 7);
    }
}

static void test_lengths(void)
{
    const char *problem = "";
    struct endpoint e;
    char url[1024];

    (void) snprintf(url, sizeof(url), "ws://%0253d", 0);
    CHECK_INT(endpoint_parse(&e, url, &problem), 0);
    CHECK_INT(strlen(e.host), 253);
    (void) snprintf(url, sizeof(url), "ws://%0254d", 0);
    CHECK_INT(endpoint_parse(&e, url, &problem), -EINVAL);
    CHECK_STR(problem, "bad host");
    (void) snprintf(url, sizeof(url), "ws://h/%0254d", 0);
    CHECK_INT(endpoint_parse(&e, url, &problem), 0);
    CHECK_INT(strlen(e.path), 255);
    (void) snprintf(url, sizeof(url), "ws://h/%0255d", 0);
    CHECK_INT(endpoint_parse(&e, url, &problem), -EINVAL);
    CHECK_STR(problem, "path too long");
}

static void test_long(void)
{
    const char *problem = "", *path = NULL;
    struct endpoint e;
    static char url[4096];

    (void) snprintf(url, sizeof(url), "https://h:444/%03000d?a=b", 0); /* pre-signed */
    CHECK_INT(endpoint_parse_long(&e, url, &path, &problem), 0);
    CHECK(e.tls && e.http && e.port == 444);
    CHECK_STR(e.host, "h");
    CHECK_STR(e.path, "");
    CHECK(path == url + strlen("https://h:444"));
    CHECK_INT(endpoint_parse_long(&e, "http://h", &path, &problem), 0);
    CHECK_STR(path, "/");
    path = NULL;
    CHECK_INT(endpoint_parse_long(&e, "http://h/a b", &path, &problem), -EINVAL);
    CHECK_STR(problem, "bad path");
    CHECK_INT(endpoint_parse_long(&e, "ftp://h/", &path, &problem), -EINVAL);
    CHECK_STR(problem, "must begin with http:// or https://");
    CHECK(!path);
}

const char *const suite_name = "endpoint";
const struct suite_test suite_tests[] = {
    {"good", test_good}, {"bad", test_bad}, {"lengths", test_lengths},
    {"long", test_long}, {NULL, NULL},
};

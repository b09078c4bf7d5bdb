/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/net/web_answer.h"
#include "tests/lib/suite.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define UNKNOWN WEB_UNKNOWN

static void test_head(void)
{
    static const struct {
        const char *text;
        int result;
        unsigned status;
        uint64_t length, from, to, total;
        const char *location;
    } cases[] = {
        {OK "\r\n", 0, 200, UNKNOWN, 0, 0, 0, ""},
        {"HTTP/1.0 404\r\n\r\n", 0, 404, UNKNOWN, 0, 0, 0, ""},
        {"HTTP/1.1 206 P C\nCONTENT-LENGTH:5\ncontent-range: bytes 5-9/10\n\n", 0, 206, 5, 5, 9, 10,
         ""},
        {OK "Content-Range: bytes 5-9/*\r\n\r\n", 0, 200, UNKNOWN, 5, 9, UNKNOWN, ""},
        {OK "Content-Range: bytes */10\r\n\r\n", 0, 200, UNKNOWN, UNKNOWN, UNKNOWN, 10, ""},
        {OK "Content-Length: 7\r\nContent-Length: 7\r\n\r\n", 0, 200, 7, 0, 0, 0, ""},
        {OK "Transfer-Encoding: chunked\r\nContent-Length: 7\r\n\r\n", 0, 200, UNKNOWN, 0, 0, 0,
         ""},
        {OK "Location: \t/a?b=c \r\n\r\n", 0, 200, UNKNOWN, 0, 0, 0, "/a?b=c"},
        {"HTTP/2 200 OK\r\n\r\n", .result = -EPROTO},
        {"HTTP/1.1 20 OK\r\n\r\n", .result = -EPROTO},
        {"HTTP/1.1 2000 OK\r\n\r\n", .result = -EPROTO},
        {"HTTP/1.1 099 OK\r\n\r\n", .result = -EPROTO},
        {"SSH-2.0-OpenSSH\r\n\r\n", .result = -EPROTO},
        {OK "no colon\r\n\r\n", .result = -EPROTO},
        {OK ": no name\r\n\r\n", .result = -EPROTO},
        {OK "Content-Length: -1\r\n\r\n", .result = -EPROTO},
        {OK "Content-Length: 18446744073709551616\r\n\r\n", .result = -EPROTO},
        {OK "Content-Length: 18446744073709551615\r\n\r\n", .result = -EPROTO},
        {OK "Content-Length: 7\r\nContent-Length: 8\r\n\r\n", .result = -EPROTO},
        {OK "Content-Length: 7, 7\r\n\r\n", .result = -EPROTO},
        {OK "Transfer-Encoding: gzip, chunked\r\n\r\n", .result = -EPROTO},
        {OK "Content-Range: bytes 9-5/10\r\n\r\n", .result = -EPROTO},
        {OK "Content-Range: bytes 5/10\r\n\r\n", .result = -EPROTO},
        {OK "Content-Range: lines 5-9/10\r\n\r\n", .result = -EPROTO},
        {OK "Content-Range: bytes 5-9\r\n\r\n", .result = -EPROTO},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct web_answer a = {.status = 7};
        size_t len = strlen(cases[i].text);

        CHECK_INT(web_head_len(cases[i].text, len), len);
        for (size_t n = 0; n < len; n++)
            CHECK_INT(web_head_len(cases[i].text, n), 0);
        if (web_head_parse(&a, cases[i].text, len) != cases[i].result)
            suite_fail(__FILE__, __LINE__, "case %zu: %s", i, cases[i].text);
        CHECK_INT(a.status, cases[i].result == 0 ? cases[i].status : 7);
        if (cases[i].result < 0)
            continue;
        CHECK_INT(a.length, cases[i].length);
        CHECK_INT(a.has_range ? a.from : 0, cases[i].from);
        CHECK_INT(a.has_range ? a.to : 0, cases[i].to);
        CHECK_INT(a.has_range ? a.total : 0, cases[i].total);
        CHECK_STR(a.location, cases[i].location);
    }
    CHECK_INT(web_head_len(OK "\r\nbody", strlen(OK) + 6), strlen(OK) + 2);
}

static void test_long_values(void)
{
    static char text[8192];
    struct web_answer a;
    int n;

    n = snprintf(text, sizeof(text), OK "Location: %0*d\r\n\r\n", LIMIT_URL, 0);
    CHECK_INT(web_head_parse(&a, text, (size_t) n), 0);
    CHECK_INT(strlen(a.location), LIMIT_URL);
    n = snprintf(text, sizeof(text), OK "Location: %0*d\r\nX: y\r\n\r\n", LIMIT_URL + 1, 0);
    CHECK_INT(web_head_parse(&a, text, (size_t) n), 0);
    CHECK_STR(a.location, "");
    n = snprintf(text, sizeof(text), OK "Content-Length: %0200d\r\n\r\n", 5);
    CHECK_INT(web_head_parse(&a, text, (size_t) n), -EPROTO);
    n = snprintf(text, sizeof(text), OK "X: y%cz\r\n\r\n", 0);
    CHECK_INT(web_head_parse(&a, text, (size_t) n), -EPROTO);
}

/* Fed in pieces of that many bytes. The result, and what was in the chunks. */
static int feed(const char *text, size_t piece, char *out)
{
    struct web_chunks c = {0};
    size_t total = strlen(text), at = 0, n_out = 0;
    int r = 0;

    while (r == 0 && at < total) {
        const uint8_t *p = (const uint8_t *) text + at, *body = NULL;
        size_t len = total - at < piece ? total - at : piece, left = len, n = 0;

        while (r == 0 && left > 0) {
            r = web_chunks_next(&c, &p, &left, &body, &n);
            memcpy(out + n_out, n > 0 ? (const char *) body : "", n);
            n_out += n;
        }
        at += len - left;
    }
    out[n_out] = '\0';
    return r;
}

static void test_chunks(void)
{
    static const struct {
        const char *text;
        int result;
        const char *out;
    } cases[] = {
        {"5\r\nhello\r\n0\r\n\r\n", WEB_CHUNKS_END, "hello"},
        {"5;a=b\r\nhello\r\nA\r\n, world!!!\r\n0;x\r\nT: u\r\nV: w\r\n\r\n", WEB_CHUNKS_END,
         "hello, world!!!"},
        {"1\na\n0\n\n", WEB_CHUNKS_END, "a"},
        {"5\r\nhe", 0, "he"},
        {"5\r\nhello", 0, "hello"},
        {"5\r\nhellox\r\n0\r\n\r\n", -EPROTO, "hello"},
        {"\r\n", -EPROTO, ""},
        {";x\r\n", -EPROTO, ""},
        {"-5\r\nhello", -EPROTO, ""},
        {"0x5\r\nhello", -EPROTO, ""},
        {"ffffffffffffffff\r\nhello", -EPROTO, ""},
    };
    char out[64];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (size_t piece = 1; piece < 40; piece++) {
            CHECK_INT(feed(cases[i].text, piece, out), cases[i].result);
            CHECK_STR(out, cases[i].out);
        }
    }
}

/* Lines without end are no body. */
static void test_endless_lines(void)
{
    static const char *const begins[] = {"1;", "0\r\nT: ", "0\r\n"};

    for (size_t i = 0; i < ARRAY_SIZE(begins); i++) {
        struct web_chunks c = {0};
        unsigned n = 0;
        int r = 0;

        for (n = 0; r == 0 && n < 100000; n++) {
            size_t len = n == 0 ? strlen(begins[i]) : 2, piece_len;
            const uint8_t *p = (const uint8_t *) (n == 0 ? begins[i] : "x\t"), *piece;

            r = web_chunks_next(&c, &p, &len, &piece, &piece_len);
        }
        CHECK_INT(r, -EPROTO);
        CHECK(n < 10000);
    }
}

static void test_join(void)
{
    static const struct {
        const char *base, *location, *url; /* NULL: it cannot be */
    } cases[] = {
        {"http://h/a/b?c", "https://i/x", "https://i/x"},
        {"http://h/a/b?c", "//i/x", "http://i/x"},
        {"https://h:8/a/b?c", "/x?y=z", "https://h:8/x?y=z"},
        {"https://h/a/b?c=/d/e", "x", "https://h/a/x"},
        {"https://h/a/b", "x/y?u=http://v", "https://h/a/x/y?u=http://v"},
        {"https://h", "x", "https://h/x"},
        {"https://h", "/x#part", "https://h/x"},
        {"http://h/a", "", NULL},
        {"http://h/a", "#x", NULL},
        {"http://h/a", "ftp://i/x", NULL},
        {"http://h/a", "file:/etc/passwd", NULL},
        {"http://h/a", "javascript:x", NULL},
    };
    static char url[LIMIT_URL + 1], long_one[LIMIT_URL + 1];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CHECK_INT(web_url_join(url, cases[i].base, cases[i].location), cases[i].url ? 0 : -EINVAL);
        if (cases[i].url)
            CHECK_STR(url, cases[i].url);
    }
    (void) snprintf(long_one, sizeof(long_one), "/%0*d", LIMIT_URL - 9, 0);
    CHECK_INT(web_url_join(url, "http://h/a", long_one), 0);
    CHECK_INT(web_url_join(url, "https://hh/a", long_one), -EINVAL);
}

const char *const suite_name = "web-answer";
const struct suite_test suite_tests[] = {
    {"head", test_head},     {"long_values", test_long_values},
    {"chunks", test_chunks}, {"endless_lines", test_endless_lines},
    {"join", test_join},     {NULL, NULL},
};

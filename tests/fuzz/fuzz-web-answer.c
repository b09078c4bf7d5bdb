/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an HTTP server sends: a head, and a body in chunks, which has to come out the same whole and
 * in pieces. Where it leads is an http(s) URL or nowhere.
 */

#include <errno.h>
#include <string.h>

#include "daemon/net/endpoint.h"
#include "daemon/net/web_answer.h"
#include "tests/fuzz/fuzz.h"

struct sum {
    int result;
    size_t len;
    uint32_t hash;
};

static struct sum take_chunks(const uint8_t *data, size_t size, size_t piece)
{
    struct web_chunks c = {0};
    struct sum s = {0};

    for (size_t at = 0; s.result == 0 && at < size; at += piece) {
        size_t len = size - at < piece ? size - at : piece;
        const uint8_t *p = data + at, *end = p + len, *body = NULL;

        while (s.result == 0 && len > 0) {
            size_t n = 0;

            s.result = web_chunks_next(&c, &p, &len, &body, &n);
            FUZZ_CHECK(p <= end && p + len == end);
            FUZZ_CHECK(n == 0 || (body >= data + at && body + n <= p));
            for (size_t i = 0; i < n; i++)
                s.hash = s.hash * 31 + body[i];
            s.len += n;
        }
    }
    FUZZ_CHECK(s.result == 0 || s.result == WEB_CHUNKS_END || s.result == -EPROTO);
    FUZZ_CHECK(s.len <= size);
    return s;
}

static void check_location(const char *location)
{
    char url[LIMIT_URL + 1];
    const char *path = NULL, *why;
    struct endpoint e;

    if (web_url_join(url, "https://h.example:8/a/b?c=/d", location) < 0)
        return;
    FUZZ_CHECK(strlen(url) <= LIMIT_URL && !strchr(url, '#'));
    FUZZ_CHECK(strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0);
    if (endpoint_parse_long(&e, url, &path, &why) == 0)
        FUZZ_CHECK(e.http && *e.host && path[0] == '/' && !strpbrk(path, " \r\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t head = web_head_len((const char *) data, size);
    static struct web_answer a;
    struct sum whole, bytes;

    FUZZ_CHECK(head <= size);
    if (head > 0 && web_head_parse(&a, (const char *) data, head) == 0) {
        FUZZ_CHECK(a.status >= 100 && a.status <= 999);
        FUZZ_CHECK(!a.chunked || a.length == WEB_UNKNOWN);
        FUZZ_CHECK(!a.has_range || a.from == WEB_UNKNOWN || a.from <= a.to);
        FUZZ_CHECK(strlen(a.location) <= LIMIT_URL);
        check_location(a.location);
    }
    whole = take_chunks(data + head, size - head, size - head + 1);
    bytes = take_chunks(data + head, size - head, 1);
    FUZZ_CHECK(whole.result == bytes.result && whole.len == bytes.len && whole.hash == bytes.hash);
    return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/backoff.h"
#include "libiotclient/base/bytes.h"
#include "libiotclient/base/list.h"
#include "libiotclient/base/name.h"
#include "libiotclient/base/num.h"
#include "libiotclient/base/ratelimit.h"
#include "libiotclient/base/strbuf.h"
#include "libiotclient/base/utf8.h"
#include "tests/lib/suite.h"

static void test_list(void)
{
    struct list head, other, n[3];
    int count = 0;

    list_init(&head);
    list_init(&other);
    CHECK(list_is_empty(&head));
    for (int i = 0; i < 3; i++)
        list_append(&head, &n[i]);
    LIST_FOR_EACH_SAFE (p, &head) {
        if (p == &n[1])
            list_remove(p);
        count++;
    }
    CHECK_INT(count, 3);
    CHECK(head.next == &n[0] && n[0].next == &n[2]);
    list_remove(&n[1]); /* again is harmless */
    list_splice(&other, &head);
    CHECK(list_is_empty(&head));
    CHECK(other.next == &n[0] && other.prev == &n[2]);
}

static void test_strbuf(void)
{
    struct strbuf sb;
    char *text;

    strbuf_init(&sb, 64);
    strbuf_addf(&sb, "%d-", 7);
    strbuf_add_json(&sb, "a\"\\\n\x01\xc3\xa9");
    CHECK_INT(strbuf_finish(&sb, &text), 0);
    CHECK_STR(text, "7-\"a\\\"\\\\\\n\\u0001\xc3\xa9\"");
    free(text);

    strbuf_init(&sb, 200); /* more than there is room for at first, and as much as there may be */
    strbuf_adds(&sb, "1");
    strbuf_addf(&sb, "%0150d", 2);
    strbuf_addf(&sb, "%049d", 3);
    CHECK_INT(strbuf_finish(&sb, &text), 0);
    CHECK(strlen(text) == 200 && text[0] == '1' && text[150] == '2' && text[199] == '3');
    free(text);
    strbuf_init(&sb, 4);
    strbuf_addf(&sb, "%d", 123);
    strbuf_addf(&sb, "%d", 45); /* would have room, but may not */
    CHECK_STR(sb.data, "123");
    CHECK_INT(strbuf_finish(&sb, &text), -EMSGSIZE);
    strbuf_init(&sb, 64);
    strbuf_add_json(&sb, "\t\r\x1f\x7f/");
    CHECK_INT(strbuf_finish(&sb, &text), 0);
    CHECK_STR(text, "\"\\t\\r\\u001f\\u007f/\"");
    free(text);

    strbuf_init(&sb, 4);
    strbuf_adds(&sb, "1234");
    strbuf_addc(&sb, '5');
    strbuf_adds(&sb, ""); /* the first failure sticks */
    CHECK_INT(strbuf_finish(&sb, &text), -EMSGSIZE);

    strbuf_init(&sb, 4);
    CHECK_INT(strbuf_finish(&sb, &text), 0);
    CHECK_STR(text, "");
    free(text);
}

static void test_bytes(void)
{
    const uint8_t in[] = {1, 2, 3, 4};
    struct bytes_reader r = {in, sizeof(in)};
    uint8_t out[3];
    struct bytes_writer w = {out, sizeof(out), 0, false};
    const uint8_t *slice;
    uint16_t u16;
    uint8_t u8;

    CHECK_INT(bytes_get_u8(&r, &u8), 0);
    CHECK_INT(u8, 1);
    CHECK_INT(bytes_get_u16(&r, &u16), 0);
    CHECK_INT(u16, 0x0203);
    CHECK_INT(bytes_get_u16(&r, &u16), -EBADMSG);
    CHECK_INT(bytes_get_slice(&r, 1, &slice), 0);
    CHECK_INT(slice[0], 4);
    CHECK_INT(bytes_get_slice(&r, 0, &slice), 0);

    bytes_put_u16(&w, 0xabcd);
    bytes_put_u16(&w, 1);
    CHECK(w.full);
    CHECK_INT(w.len, 2);
    CHECK_INT(out[0], 0xab);
}

static void test_utf8(void)
{
    static const struct {
        const char *text;
        size_t len;
        bool valid;
    } cases[] = {
        {"", 0, true},
        {"plain", 5, true},
        {"\xe7\x81\xaf", 3, true},
        {"\xf0\x9f\x92\xa1", 4, true},
        {"a\0b", 3, false},             /* MQTT-1.5.3-2 */
        {"\xed\xa0\x80", 3, false},     /* surrogate, MQTT-1.5.3-1 */
        {"\xc0\x80", 2, false},         /* overlong NUL */
        {"\xe0\x80\xaf", 3, false},     /* overlong */
        {"\xf4\x90\x80\x80", 4, false}, /* above U+10FFFF */
        {"\xe7\x81", 2, false},         /* cut */
        {"\x80", 1, false},
        {"\xff", 1, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        CHECK_INT(utf8_is_valid(cases[i].text, cases[i].len), cases[i].valid);
}

/* Eight bytes at a time: whatever spoils a text is seen at each place. */
static void test_utf8_places(void)
{
    static const char wrong[] = {'\0', '\x80', '\xc3', '\xff'};
    char text[27];

    for (size_t len = 1; len < sizeof(text); len++) {
        memset(text, 'x', sizeof(text));
        CHECK(utf8_is_valid(text, len));
        for (size_t at = 0; at < len; at++) {
            for (size_t i = 0; i < sizeof(wrong); i++) {
                text[at] = wrong[i];
                CHECK(!utf8_is_valid(text, len));
            }
            text[at] = '\x7f';
            CHECK(utf8_is_valid(text, len));
        }
        for (size_t at = 0; at + 1 < len; at++) {
            memcpy(text + at, "\xc3\xa4", 2);
            CHECK(utf8_is_valid(text, len));
            CHECK(!utf8_is_valid(text, at + 1));
            memset(text, 'x', sizeof(text));
        }
    }
}

static void test_utf8_trim(void)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"", ""},
        {"abc", "abc"},
        {"ab\xe7\x81\xaf", "ab\xe7\x81\xaf"},
        {"ab\xe7\x81", "ab"},
        {"ab\xe7", "ab"},
        {"\xf0\x9f\x92", ""},
        {"\xc3\xa9\xc3", "\xc3\xa9"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char buf[16];

        strcpy(buf, cases[i].text);
        utf8_trim(buf);
        CHECK_STR(buf, cases[i].wanted);
    }
}

static void test_utf8_clean(void)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", ""},
        {"plain text", "plain text"},
        {"a\tb\n\x1b[2J\x7f", "a b  [2J "},
        {"\303\251t\303\251", "\303\251t\303\251"},
        {"\303\251 \377", "?? ?"},
        {"cut \303", "cut ?"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char buf[32];

        (void) snprintf(buf, sizeof(buf), "%s", cases[i].in);
        utf8_clean(buf);
        CHECK_STR(buf, cases[i].out);
    }
}

static void test_names(void)
{
    CHECK(name_is_feature_id("power_switch"));
    CHECK(name_is_feature_id("_sys_volume"));
    CHECK(name_is_feature_id("a2345678901234567890123456789012"));
    CHECK(!name_is_feature_id("a23456789012345678901234567890123"));
    CHECK(!name_is_feature_id("1a"));
    CHECK(!name_is_feature_id(""));
    CHECK(!name_is_feature_id(NULL));
    CHECK(!name_is_feature_id("a-b"));
    CHECK(name_is_product_id("ABCDE12345"));
    CHECK(!name_is_product_id("ABCDE123456"));
    CHECK(!name_is_product_id("AB/DE"));
    CHECK(name_is_device_name("dev_001"));
    CHECK(!name_is_device_name("dev/001"));
    CHECK(name_is_app_id("org.example.lamp-1"));
    CHECK(!name_is_app_id("Lamp"));
    CHECK(name_is_version("1.0.0-rc_2"));
    CHECK(name_is_version("12345678901234567890123456789012"));
    CHECK(!name_is_version("123456789012345678901234567890123"));
    CHECK(!name_is_version("") && !name_is_version("1+2") && !name_is_version(NULL));
}

static void test_numbers(void)
{
    char buf[NUM_DOUBLE_TEXT];
    int64_t i;
    uint64_t u;
    double d;

    CHECK_INT(num_parse_i64("-9223372036854775808", &i), 0);
    CHECK_INT(i, INT64_MIN);
    CHECK_INT(num_parse_i64("9223372036854775808", &i), -ERANGE);
    CHECK_INT(num_parse_i64("-9223372036854775809", &i), -ERANGE);
    CHECK_INT(num_parse_i64("12 ", &i), -EINVAL);
    CHECK_INT(num_parse_i64("", &i), -EINVAL);
    CHECK_INT(num_parse_i64("-", &i), -EINVAL);
    CHECK_INT(num_parse_u64("18446744073709551615", &u), 0);
    CHECK_INT(num_parse_u64("18446744073709551616", &u), -ERANGE);
    CHECK_INT(num_parse_double("-24.5", &d), 0);
    CHECK(d < -24.4 && d > -24.6);
    CHECK_INT(num_parse_double("nan", &d), -EINVAL);
    CHECK_INT(num_parse_double("0x10", &d), -EINVAL);
    CHECK_INT(num_parse_double("1e999", &d), -ERANGE);
    CHECK_INT(num_parse_double("1,5", &d), -EINVAL);
    num_format_double(buf, 0.1);
    CHECK_STR(buf, "0.1");
    num_format_double(buf, 1.0 / 3.0);
    CHECK_INT(num_parse_double(buf, &d), 0);
    CHECK(memcmp(&d, &(double){1.0 / 3.0}, sizeof(d)) == 0);
}

static void test_backoff(void)
{
    struct backoff b;

    backoff_init(&b, 1000, 8000);
    CHECK_INT(backoff_next_us(&b, 1000), 1000); /* at most the base */
    CHECK_INT(backoff_next_us(&b, 1001), 1001); /* at most twice that */
    CHECK_INT(backoff_next_us(&b, 4001), 0);    /* wraps above 4000 */
    CHECK_INT(backoff_next_us(&b, 8000), 8000);
    CHECK_INT(backoff_next_us(&b, 8001), 0); /* never above max */
    backoff_reset(&b);
    CHECK_INT(backoff_next_us(&b, 1001), 0);
    for (int i = 0; i < 100; i++)
        CHECK(backoff_next_us(&b, (uint64_t) i * 0x9e3779b97f4a7c15U) <= 8000);
}

static void test_ratelimit(void)
{
    struct ratelimit rl;

    ratelimit_init(&rl, 5, USEC_PER_SEC, 2);
    CHECK_INT(ratelimit_take(&rl, 1000000), 0);
    CHECK_INT(ratelimit_take(&rl, 1000000), 0);
    CHECK_INT(ratelimit_take(&rl, 1000000), 200000);
    CHECK_INT(ratelimit_take(&rl, 1150000), 50000);
    CHECK_INT(ratelimit_take(&rl, 1200000), 0);
    CHECK_INT(ratelimit_take(&rl, 1200000), 200000);
    CHECK_INT(ratelimit_take(&rl, 90000000), 0); /* a long pause earns no more than the burst */
    CHECK_INT(ratelimit_take(&rl, 90000000), 0);
    CHECK(ratelimit_take(&rl, 90000000) > 0);
    ratelimit_init(&rl, 0, USEC_PER_SEC, 1);
    for (int i = 0; i < 10; i++)
        CHECK_INT(ratelimit_take(&rl, 0), 0);
}

const char *const suite_name = "base";
const struct suite_test suite_tests[] = {
    {"list", test_list},
    {"strbuf", test_strbuf},
    {"bytes", test_bytes},
    {"utf8", test_utf8},
    {"utf8-places", test_utf8_places},
    {"utf8-trim", test_utf8_trim},
    {"utf8-clean", test_utf8_clean},
    {"names", test_names},
    {"numbers", test_numbers},
    {"backoff", test_backoff},
    {"ratelimit", test_ratelimit},
    {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration, and the journal, which is as small. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/localcloud/config.h"
#include "examples/localcloud/journal.h"
#include "tests/lib/suite.h"

#define PRODUCT(devices)                                                                           \
    "{\"products\":[{\"product_id\":\"P1\",\"model\":{\"events\":[]},\"devices\":[" devices "]}]}"
#define DEVICE "{\"device_name\":\"d1\",\"secret\":\"Zm9v\"}"

static void test_defaults(void)
{
    struct config *c = NULL;
    char *error = NULL;

    CHECK_INT(config_parse(&c, PRODUCT(DEVICE), &error), 0);
    CHECK_INT(c->n_devices, 1);
    CHECK_STR(c->devices[0].id, "P1/d1");
    CHECK_STR(c->devices[0].client_id, "P1d1");
    CHECK_INT(c->devices[0].secret_len, 3);
    CHECK(c->devices[0].enabled);
    CHECK_INT(c->limits.up_rate, 20);
    CHECK_INT(c->limits.session_messages, 150);
    CHECK_INT(c->limits.subscribe_filters, 1);
    CHECK(config_find_device(c, "P1", "d1") == &c->devices[0]);
    CHECK(config_find_device_id(c, "P1/d1") == &c->devices[0]);
    CHECK(config_find_client(c, "P1d1") == &c->devices[0]);
    CHECK(!config_find_device(c, "P1", "d2"));
    CHECK(!config_find_product(c, "P2"));
    config_free(c);
}

static void test_mistakes(void)
{
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        {"{", "text: not JSON: line 1: string or '}' expected near end of file"},
        {"[]", "text: $: must be an object"},
        {"{}", "text: $: products must be a list"},
        {"{\"products\":[],\"product\":1}", "text: $: unknown member \"product\""},
        {"{\"products\":[{\"product_id\":\"P/1\"}]}",
         "text: $.products[0]: product_id must be 1 to 10 letters and digits"},
        {"{\"products\":[{\"product_id\":\"P1\"}]}",
         "text: $.products[0]: model must be a file name or an object"},
        {"{\"products\":[{\"product_id\":\"P1\",\"model\":{\"events\":1},\"devices\":[]}]}",
         "text: $.products[0]: model: $.events: must be a list"},
        {PRODUCT("{\"device_name\":\"d1\"}"),
         "text: $.products[0].devices[0]: secret must be a string of 1 to 256 bytes"},
        {PRODUCT("{\"device_name\":\"d1\",\"secret\":\"Zm9v\",\"cert\":\"c.pem\"}"),
         "text: $.products[0].devices[0]: secret and cert exclude each other"},
        {PRODUCT("{\"device_name\":\"d1\",\"cert\":\"/no/such/c.pem\"}"),
         "text: $.products[0].devices[0]: no certificate in /no/such/c.pem"},
        {PRODUCT("{\"device_name\":\"d1\",\"secret\":\"!\"}"),
         "text: $.products[0].devices[0]: secret must be base64 of 1 to 48 bytes"},
        {PRODUCT("{\"device_name\":\"d 1\",\"secret\":\"Zm9v\"}"),
         "text: $.products[0].devices[0]: device_name must be 1 to 48 letters, digits, '_' or '-'"},
        {PRODUCT(DEVICE "," DEVICE), "text: $.products[0].devices[1]: device d1 is there twice"},
        {"{\"products\":[],\"apps\":[{\"app_key\":\"a\"}]}",
         "text: $.apps[0]: app_secret must be a string of 1 to 256 bytes"},
        {"{\"products\":[],\"limits\":{\"up_rate\":-1}}",
         "text: $.limits: up_rate must be 0 to 1000000"},
        {"{\"products\":[],\"limits\":{\"uprate\":1}}",
         "text: $.limits: unknown member \"uprate\""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct config *c = NULL;
        char *error = NULL;

        CHECK_INT(config_parse(&c, cases[i].text, &error), -EINVAL);
        CHECK_STR(error, cases[i].error);
        free(error);
        config_free(c);
    }
}

static void test_no_file(void)
{
    struct config *c = NULL;
    char *error = NULL;

    CHECK_INT(config_load(&c, "/nonexistent/localcloud.json", &error), -ENOENT);
    CHECK(error && strstr(error, "/nonexistent/localcloud.json"));
    free(error);
}

static uint64_t fixed_ms(const struct cloud_clock *clock)
{
    (void) clock;
    return 5;
}

static void count_news(struct journal_waiter *w, void *userdata)
{
    (void) w;
    ++*(unsigned *) userdata;
}

static json_int_t page_int(json_t *page, const char *key)
{
    return json_integer_value(json_object_get(page, key));
}

static void test_journal(void)
{
    static const struct cloud_clock clock = {fixed_ms};
    unsigned n_news = 0;
    struct journal_waiter w = {.fn = count_news, .userdata = &n_news};
    struct journal *j = NULL;
    json_t *page, *entry;

    CHECK_INT(journal_new(&j, &clock, NULL, false), 0);
    journal_wait(j, &w);
    journal_message(j, true, "P1/d1", "a/b", "{\"x\":1}", 7, 1, true);
    journal_message(j, false, "P1/d1", "a/b", "\xff\x00", 2, 0, false);
    journal_event(j, "", "refused", "code %d", 4);
    CHECK_INT(n_news, 1); /* once, until asked for again */

    page = journal_page(j, 0);
    CHECK_INT(page_int(page, "next"), 4);
    CHECK_INT(page_int(page, "lost"), 0);
    entry = json_array_get(json_object_get(page, "entries"), 0);
    CHECK_STR(json_string_value(json_object_get(entry, "payload")), "{\"x\":1}");
    CHECK_INT(page_int(entry, "time_ms"), 5);
    CHECK(json_is_true(json_object_get(entry, "dup")));
    entry = json_array_get(json_object_get(page, "entries"), 1);
    CHECK_STR(json_string_value(json_object_get(entry, "payload_base64")), "/wA=");
    entry = json_array_get(json_object_get(page, "entries"), 2);
    CHECK_STR(json_string_value(json_object_get(entry, "event")), "refused");
    CHECK_STR(json_string_value(json_object_get(entry, "reason")), "code 4");
    json_decref(page);

    for (int i = 0; i < JOURNAL_ENTRIES_MAX; i++)
        journal_event(j, "", "tick", "%d", i);
    page = journal_page(j, 1);
    CHECK_INT(page_int(page, "lost"), 3);
    CHECK_INT(json_array_size(json_object_get(page, "entries")), JOURNAL_PAGE_MAX);
    CHECK_INT(page_int(page, "next"), 4 + JOURNAL_PAGE_MAX);
    json_decref(page);
    page = journal_page(j, journal_next(j));
    CHECK_INT(json_array_size(json_object_get(page, "entries")), 0);
    CHECK_INT(page_int(page, "next"), (json_int_t) journal_next(j));
    json_decref(page);
    journal_free(j);
}

static void test_journal_bytes(void)
{
    static const struct cloud_clock clock = {fixed_ms};
    static char big[LIMIT_MQTT_PACKET];
    struct journal *j = NULL;
    json_t *page;
    json_int_t lost;

    memset(big, 'x', sizeof(big));
    CHECK_INT(journal_new(&j, &clock, NULL, false), 0);
    for (int i = 0; i < 100; i++)
        journal_message(j, true, "P1/d1", "a", big, sizeof(big), 0, false);
    page = journal_page(j, 1);
    lost = page_int(page, "lost");
    CHECK(lost >= 100 - (json_int_t) (JOURNAL_BYTES_MAX / sizeof(big)) && lost < 100);
    json_decref(page);
    journal_free(j);
}

const char *const suite_name = "localcloud-config";
const struct suite_test suite_tests[] = {
    {"defaults", test_defaults}, {"mistakes", test_mistakes},           {"no_file", test_no_file},
    {"journal", test_journal},   {"journal_bytes", test_journal_bytes}, {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service topic: bind signatures, bind tokens, unbinding, fence alarms, what is unknown. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cloud/binding.h"
#include "daemon/cloud/unknown.h"
#include "tests/lib/core-rig.h"
#include "tests/lib/keys.h"
#include "tests/lib/suite.h"

#define S USEC_PER_SEC

static struct rig *rig;
static struct {
    unsigned n;
    int code;
    char text[80];
} end_of;

static void begin(void)
{
    memset(&end_of, 0, sizeof(end_of));
    crig_begin();
    rig = &crig.rig;
    rig_connect(rig, true);
    (void) rig_count_publishes(rig);
}

static void on_end(int code, const char *text, void *userdata)
{
    (void) userdata;
    end_of.n++;
    end_of.code = code;
    (void) snprintf(end_of.text, sizeof(end_of.text), "%s", text);
}

/* --- bind signatures --- */

/* Computed with openssl dgst -mac HMAC over the texts, with the decoded secret of the rig. */
static void test_signatures(void)
{
    static const struct {
        const char *kind;
        enum hmac_kind method;
        const char *text, *hex;
    } cases[] = {
        {"wifi", HMAC_SHA1,
         "DeviceName=dev_001&DeviceTimestamp=1694141664&ProductId=ABCDE12345&ConnId=12345",
         "c18fbf27e31a0e7ea8ebee4227016d3243639b84"},
        {"wifi", HMAC_SHA256,
         "DeviceName=dev_001&DeviceTimestamp=1694141664&ProductId=ABCDE12345&ConnId=12345",
         "8a1dbf6f5128d354ad35d8a8eb1ef1c4a83f51187baa9c13754f6dc2840e2332"},
        {"bluetooth", HMAC_SHA1, "ABCDE12345dev_001;12345;1694141664",
         "bb44eeeaa88492efaa38e5669d2fe64ab37d2a45"},
        {"other", HMAC_SHA256, "ABCDE12345dev_001;12345;1694141664",
         "c52ac7976a6ee13006c48f066884c03b1f3a5f2b9ed1e668d2dd7510f34aaa05"},
    };

    begin();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct binding_signature s = {.text = ""};
        enum binding_kind kind;
        char type[32];

        CHECK_INT(binding_kind_parse(cases[i].kind, &kind), 0);
        (void) snprintf(type, sizeof(type), "%s_sign", cases[i].kind);
        CHECK_STR(binding_type(kind), type);
        CHECK_INT(
            binding_sign(&s, rig->signer, rig->ident, kind, cases[i].method, "12345", 1694141664),
            0);
        CHECK_STR(s.text, cases[i].text);
        CHECK_STR(s.hex, cases[i].hex);
    }
    crig_end();
}

static void test_signature_limits(void)
{
    static const char *const bad[] = {
        "", "a;b", "a&b", "a=b", "a b", "\xc3\xa4", "123456789012345678901234567890123"};
    CLEANUP(secret_freep) struct secret *key = NULL;
    CLEANUP(signer_freep) struct signer *signer = NULL;
    struct binding_signature s = {.text = ""};
    struct ident longest = {.product_id = "0123456789"};
    enum binding_kind kind;

    begin();
    CHECK_INT(binding_kind_parse("Wifi", &kind), -EINVAL);
    CHECK_INT(binding_kind_parse("", &kind), -EINVAL);
    CHECK(binding_conn_id_is_good("aZ09-_") && binding_conn_id_is_good("1"));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK(!binding_conn_id_is_good(bad[i]));
    memset(longest.device_name, 'd', LIMIT_DEVICE_NAME);
    CHECK_INT(binding_sign(&s, rig->signer, &longest, BINDING_WIFI, HMAC_SHA1,
                           "12345678901234567890123456789012", UINT64_MAX),
              0);
    CHECK(strstr(s.text, "ConnId=12345678901234567890123456789012"));

    CHECK_INT(rsa_key_parse(&key, KEYS_RSA, strlen(KEYS_RSA)), 0);
    CHECK_INT(signer_new_rsa(&signer, key), 0);
    CHECK_INT(binding_sign(&s, signer, rig->ident, BINDING_OTHER, HMAC_SHA1, "1", 1), -EOPNOTSUPP);
    crig_end();
}

/* --- what is asked of the cloud --- */

/* The next message on the service topic, which is that method; its token is kept. */
static char asked_token[REQUEST_TOKEN];

static json_t *next(const char *method)
{
    json_t *json = rig_next_json(rig, rig_up_topic("service"));

    CHECK_STR(rig_text(json, "method"), method);
    (void) snprintf(asked_token, sizeof(asked_token), "%s", rig_text(json, "clientToken"));
    return json;
}

static void check_token_message(const char *want)
{
    json_t *json = next("app_bind_token");
    char *text = json_dumps(json_object_get(json, "params"), JSON_COMPACT);

    CHECK_STR(text ? text : "", want);
    free(text);
    json_decref(json);
}

static void test_bind_token(void)
{
    json_t *times = json_pack("{s:s, s:i}", "type", "softap", "start", 0);

    begin();
    CHECK_INT(service_send_bind_token(&crig.core->service, "to\"ken", times, on_end, NULL), 0);
    check_token_message("{\"token\":\"to\\\"ken\",\"pairTime\":{\"type\":\"softap\",\"start\":0}}");
    CHECK_INT(end_of.n, 0);
    rig_push_reply(rig, "service", "app_bind_token_reply", asked_token, 0, "");
    CHECK(end_of.n == 1 && end_of.code == 0);

    CHECK_INT(service_send_bind_token(&crig.core->service, "1", NULL, on_end, NULL), 0);
    check_token_message("{\"token\":\"1\"}");
    rig_push_reply(rig, "service", "app_bind_token_reply", asked_token, 406, "no such token");
    CHECK(end_of.n == 2 && end_of.code == 406);
    CHECK_STR(end_of.text, "no such token");
    json_decref(times);
    crig_end();
}

/* Three tries with one token: an answer to the first is good while the second waits. */
static void test_tries(void)
{
    char first[REQUEST_TOKEN];

    begin();
    CHECK_INT(service_send_bind_token(&crig.core->service, "t", NULL, on_end, NULL), 0);
    check_token_message("{\"token\":\"t\"}");
    (void) snprintf(first, sizeof(first), "%s", asked_token);
    rig_advance(rig, 10 * S - 1);
    CHECK_INT(rig_count_publishes(rig), 0);
    rig_advance(rig, 1);
    check_token_message("{\"token\":\"t\"}");
    CHECK_STR(asked_token, first);
    rig_push_reply(rig, "service", "app_bind_token_reply", first, 0, "");
    CHECK(end_of.n == 1 && end_of.code == 0);

    CHECK_INT(service_send_bind_token(&crig.core->service, "t", NULL, on_end, NULL), 0);
    for (unsigned i = 0; i < 3; i++) {
        check_token_message("{\"token\":\"t\"}");
        CHECK_INT(end_of.n, 1);
        rig_advance(rig, i < 2 ? 10 * S : 10 * S - 1);
    }
    CHECK_INT(end_of.n, 1);
    rig_advance(rig, 1);
    CHECK(end_of.n == 2 && end_of.code == -ETIMEDOUT);
    CHECK_INT(rig_count_publishes(rig), 0);
    rig_push_reply(rig, "service", "app_bind_token_reply", first, 0, "");
    CHECK_INT(end_of.n, 2);
    crig_end();
}

static void test_token_refused(void)
{
    static const char *const bad[] = {"", "123456789012345678901234567890123", "a b", "a\n",
                                      "\xc3\xa4"};
    struct service *s;
    json_t *list = json_array(), *times = json_object();
    char text[SERVICE_PAIR_TIME + 1];

    begin();
    s = &crig.core->service;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK_INT(service_send_bind_token(s, bad[i], NULL, on_end, NULL), -EINVAL);
    CHECK_INT(service_send_bind_token(s, "t", list, on_end, NULL), -EINVAL);
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    CHECK_INT(json_object_set_new(times, "type", json_string(text)), 0);
    CHECK_INT(service_send_bind_token(s, "t", times, on_end, NULL), -EMSGSIZE);
    CHECK_INT(rig_count_publishes(rig), 0);
    for (unsigned i = 0; i < SERVICE_REQUESTS; i++)
        CHECK_INT(service_send_bind_token(s, "t", NULL, on_end, NULL), 0);
    CHECK_INT(service_send_bind_token(s, "t", NULL, on_end, NULL), -ENOBUFS);
    CHECK_INT(end_of.n, 0);

    rig_drop(rig);
    CHECK_INT(service_unbind(s, on_end, NULL), -ENOBUFS);
    rig_advance(rig, 10 * S); /* the fake cloud takes no connection */
    CHECK(end_of.n == SERVICE_REQUESTS && end_of.code == -ENETDOWN);
    CHECK_INT(service_send_bind_token(s, "t", NULL, on_end, NULL), -ENETDOWN);
    json_decref(list);
    json_decref(times);
    crig_end();
}

/* Who waits hears of the end. */
static void test_stop(void)
{
    begin();
    CHECK_INT(core_unbind(crig.core, on_end, NULL), 0);
    CHECK_INT(service_send_bind_token(&crig.core->service, "t", NULL, on_end, NULL), 0);
    crig_end();
    CHECK(end_of.n == 2 && end_of.code == -ECANCELED);
}

static void on_bound(bool bound, uint64_t timestamp_s, void *userdata)
{
    (void) timestamp_s;
    *(int *) userdata = bound ? 1 : 2;
}

static void test_unbind(void)
{
    int told = 0;
    json_t *json;

    begin();
    crig.core->on_bound = on_bound;
    crig.core->bound_userdata = &told;
    rig_push(rig, "service", "{\"method\":\"bind_device\",\"timestamp\":1}");
    CHECK(crig.core->bound && told == 1);
    CHECK_INT(core_unbind(crig.core, on_end, NULL), 0);
    json = next("unbind_device_request");
    CHECK_STR(rig_text(json, "deviceName"), RIG_DEVICE);
    CHECK_STR(rig_text(json, "productId"), RIG_PRODUCT);
    rig_push_reply(rig, "service", "unbind_device_reply", asked_token, 503, "later");
    CHECK(end_of.n == 1 && end_of.code == 503 && crig.core->bound);
    json_decref(json);
    CHECK_INT(core_unbind(crig.core, on_end, NULL), 0);
    json_decref(next("unbind_device_request"));
    rig_push_reply(rig, "service", "unbind_device_reply", asked_token, 0, "");
    CHECK(end_of.n == 2 && end_of.code == 0 && !crig.core->bound && told == 2);
    CHECK_INT(core_unbind(crig.core, on_end, NULL), 0);
    rig_advance(rig, 5 * S);
    CHECK(end_of.n == 3 && end_of.code == -ETIMEDOUT);
    crig_end();
}

/* --- fence alarms --- */

#define ALARM                                                                                      \
    "\"data\":{\"alert_type\":\"In\",\"alert_condition\":\"InOrOut\",\"alarm_time\":1700000001,"   \
    "\"fence_name\":\"home\",\"long\":113.5,\"lat\":22}"

static void push_alarm(const char *token, const char *data)
{
    char text[512];

    (void) snprintf(text, sizeof(text),
                    "{\"method\":\"alert_fence_event\",\"clientToken\":\"%s\","
                    "\"timestamp\":1700000002%s%s}",
                    token, *data ? "," : "", data);
    rig_push(rig, "service", text);
}

/* Numbers are texts, as the vendor's client has them. */
static void check_answer(const char *token, const char *code)
{
    json_t *json = next("alert_fence_event_reply");

    CHECK_STR(asked_token, token);
    CHECK_STR(rig_text(json, "code"), code);
    CHECK(strtoull(rig_text(json, "timestamp"), NULL, 10) >= LIMIT_CLOCK_MIN_S);
    if (strcmp(code, "0") == 0)
        CHECK_STR(rig_text(json, "status"), "ok");
    json_decref(json);
}

static void test_fence(void)
{
    begin();
    push_alarm("f1", ALARM);
    CHECK_INT(crig.n_fences, 1);
    CHECK_STR(crig.fence, "In InOrOut \"home\" 1700000001 113.5/22 1700000002");
    check_answer("f1", "0");
    push_alarm("f1", ALARM); /* the same again */
    CHECK_INT(crig.n_fences, 1);
    check_answer("f1", "0");
    push_alarm("f1", "\"data\":{\"alert_type\":\"Out\"}"); /* another with an old token */
    CHECK_INT(crig.n_fences, 2);
    CHECK_STR(crig.fence, "Out - \"-\" -1 -1/-1 1700000002");
    check_answer("f1", "0");
    CHECK_INT(rig_count_publishes(rig), 0);
    crig_end();
}

static void test_fence_refused(void)
{
    static const struct {
        const char *data, *code;
    } cases[] = {
        {"", "400"},
        {"\"data\":[]", "400"},
        {"\"data\":{\"alert_type\":1}", "406"},
        {"\"data\":{\"fence_name\":{}}", "406"},
        {"\"data\":{\"alarm_time\":\"soon\"}", "406"},
        {"\"data\":{\"long\":113.5}", "406"},
        {"\"data\":{\"long\":180.5,\"lat\":0}", "406"},
        {"\"data\":{\"long\":0,\"lat\":-91}", "406"},
        {"\"data\":{\"long\":\"1\",\"lat\":1}", "406"},
    };

    begin();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char token[8];

        (void) snprintf(token, sizeof(token), "r%u", (unsigned) i);
        push_alarm(token, cases[i].data);
        check_answer(token, cases[i].code);
    }
    CHECK_INT(crig.n_fences, 0);
    push_alarm("ok", "\"data\":{\"alarm_time\":\"5\"}");
    check_answer("ok", "0");
    CHECK_STR(crig.fence, "- - \"-\" 5 -1/-1 1700000002");
    crig_end();
}

/* An answer that did not get through leaves after the next connect. */
static void test_fence_resent(void)
{
    struct wire_packet p;

    begin();
    push_alarm("f1", ALARM);
    CHECK(rig_next_publish(rig, &p, false)); /* not acknowledged */
    rig_drop(rig);
    rig_connect(rig, true);
    CHECK(rig_next_publish(rig, &p, true));
    CHECK(strstr(p.payload, "alert_fence_event_reply") && p.qos == 1);
    CHECK_INT(crig.n_fences, 1);
    crig_end();
}

/* --- what is unknown --- */

static void test_unknown_names(void)
{
    struct unknown_names u = {0};
    char name[64];

    CHECK(unknown_names_add(&u, 0, "a"));
    CHECK(!unknown_names_add(&u, 0, "a"));
    CHECK(unknown_names_add(&u, 1, "a")); /* of another topic */
    CHECK(unknown_names_add(&u, 0, ""));
    CHECK(!unknown_names_add(&u, 0, ""));
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    CHECK(unknown_names_add(&u, 0, name));
    name[UNKNOWN_NAME] = 'y'; /* beyond what counts */
    CHECK(!unknown_names_add(&u, 0, name));
    for (unsigned i = u.n; i < UNKNOWN_NAMES; i++) {
        (void) snprintf(name, sizeof(name), "n%u", i);
        CHECK(unknown_names_add(&u, 0, name));
    }
    CHECK(!unknown_names_add(&u, 0, "one more"));
    CHECK(!unknown_names_add(&u, 0, "one more"));
    CHECK_INT(u.n, UNKNOWN_NAMES);
}

const char *const suite_name = "service";
const struct suite_test suite_tests[] = {
    {"signatures", test_signatures},
    {"signature-limits", test_signature_limits},
    {"bind-token", test_bind_token},
    {"tries", test_tries},
    {"token-refused", test_token_refused},
    {"stop", test_stop},
    {"unbind", test_unbind},
    {"fence", test_fence},
    {"fence-refused", test_fence_refused},
    {"fence-resent", test_fence_resent},
    {"unknown-names", test_unknown_names},
    {NULL, NULL},
};

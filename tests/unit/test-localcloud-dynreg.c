/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dynamic registration. Signatures and the payload were made with other programs (openssl). */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/localcloud/dynreg.h"
#include "examples/localcloud/sign.h"
#include "tests/lib/fake-cloud.h"
#include "tests/lib/suite.h"

#define BODY "{\"ProductId\":\"P1\",\"DeviceName\":\"d1\"}"
#define SIGNATURE "Cowfo2SaZKtHGpPEgM8RXT1DUIfzcnHKaW0wPOP2WKs="
#define PAYLOAD                                                                                    \
    "1hLCrqgN6HuCuRr9gLwg6T5e/I6QOGmRcnFaABAhqnNXj1OBZJty3aEWfVoBCum8+96rbg3PuAI7QS4DxQrESA=="

static struct fake_cloud cloud;

static void start(void)
{
    fake_cloud_init(&cloud, NULL);
}

static void end(void)
{
    fake_cloud_done(&cloud);
}

static struct dynreg_deps deps(void)
{
    return (struct dynreg_deps){cloud.config, cloud.broker, cloud.journal};
}

static struct dynreg_request good(void)
{
    return (struct dynreg_request){
        .host = "127.0.0.1:8081",
        .algorithm = "hmacsha256",
        .timestamp = "1600000000",
        .nonce = "5456",
        .signature = SIGNATURE,
        .body = BODY,
        .len = strlen(BODY),
    };
}

/* "" when it was answered with a payload, else the code. */
static const char *ask(const struct dynreg_request *rq)
{
    static char code[64];
    struct dynreg_deps d = deps();
    CLEANUP(freep) char *text = dynreg_new_style(&d, rq);
    json_t *answer = json_loads(text ? text : "", 0, NULL);
    const json_t *response = json_object_get(answer, "Response");
    const char *error =
        json_string_value(json_object_get(json_object_get(response, "Error"), "Code"));

    CHECK(json_string_value(json_object_get(response, "RequestId")));
    CHECK(!error == !!json_object_get(response, "Payload"));
    (void) snprintf(code, sizeof(code), "%s", error ? error : "");
    if (!error) {
        CHECK_INT(json_integer_value(json_object_get(response, "Len")), 53);
        CHECK_STR(json_string_value(json_object_get(response, "Payload")), PAYLOAD);
    }
    json_decref(answer);
    return code;
}

static void test_new_style(void)
{
    struct dynreg_request rq;

    start();
    rq = good();
    CHECK_STR(ask(&rq), "");
    CHECK_STR(fake_cloud_event(&cloud, "registered"), "the device got its secret");
    CHECK_STR(ask(&rq), ""); /* again, as long as it has not connected */
    rq.host = "127.0.0.1";
    CHECK_STR(ask(&rq), "");
    rq.algorithm = "HmacSha256"; /* the guide's sample, signed as either */
    CHECK_STR(ask(&rq), "");
    rq.signature = "yjTGydr4fXxhqTY1aigdSbpTbGh1otv5HuMdhROReC0=";
    CHECK_STR(ask(&rq), "");
    rq.algorithm = "hmacsha1";
    rq.signature = "kcsyIg84m+fdfX6TDt+FkxHHY1c=";
    CHECK_STR(ask(&rq), "");
    end();
}

static void test_refused(void)
{
    static const char no_device[] = "{\"ProductId\":\"P1\",\"DeviceName\":\"d9\"}";
    static const char no_product[] = "{\"ProductId\":\"P9\",\"DeviceName\":\"d1\"}";
    struct dynreg_request rq;

    start();
    rq = good();
    rq.signature = "";
    CHECK_STR(ask(&rq), "AuthFailure.SignatureFailure");
    CHECK_STR(fake_cloud_event(&cloud, "register_refused"),
              "AuthFailure.SignatureFailure: the signature does not match");
    rq = good();
    rq.nonce = "5457";
    CHECK_STR(ask(&rq), "AuthFailure.SignatureFailure");
    rq = good();
    rq.timestamp = "now";
    CHECK_STR(ask(&rq), "AuthFailure.SignatureFailure");
    rq = good();
    rq.algorithm = "md5";
    CHECK_STR(ask(&rq), "AuthFailure.SignatureFailure");
    rq = good();
    rq.host = "other.example";
    CHECK_STR(ask(&rq), "AuthFailure.SignatureFailure");
    rq = good();
    rq.body = "no JSON";
    rq.len = 7;
    CHECK_STR(ask(&rq), "InvalidParameter");
    rq.body = no_product;
    rq.len = strlen(no_product);
    CHECK_STR(ask(&rq), "ResourceNotFound.StudioProductNotExist");
    rq.body = no_device;
    rq.len = strlen(no_device);
    CHECK_STR(ask(&rq), "AuthFailure.SignatureFailure"); /* says nothing to strangers */
    rq.signature = "bwXxu2nvDpEugr8NsckPPD2xF8buJBW9rnXVp0jepHo=";
    CHECK_STR(ask(&rq), "ResourceNotFound.DeviceNotExist");
    end();
}

static void test_activated(void)
{
    static struct fake_link link;
    struct dynreg_request rq;

    start();
    rq = good();
    CHECK_STR(ask(&rq), "");
    fake_link_open(&link, &cloud);
    (void) fake_link_login(&link, true);
    CHECK_STR(ask(&rq), "FailedOperation.DeviceAlreadyActivated");
    fake_link_close(&link);
    CHECK_STR(ask(&rq), "FailedOperation.DeviceAlreadyActivated");
    cloud.config->products[0].registration = CONFIG_REGISTRATION_ANY;
    CHECK_STR(ask(&rq), "");
    cloud.config->products[0].registration = CONFIG_REGISTRATION_OFF;
    CHECK_STR(ask(&rq), "UnsupportedOperation");
    end();
}

/* The number of the answer; 0 with a payload. */
static int ask_old(const char *body)
{
    struct dynreg_deps d = deps();
    CLEANUP(freep) char *text = dynreg_old_style(&d, body, strlen(body));
    json_t *answer = json_loads(text ? text : "", 0, NULL);
    int code = (int) json_integer_value(json_object_get(answer, "code"));

    CHECK(json_string_value(json_object_get(answer, "message")));
    if (code == 0) {
        CHECK_INT(json_integer_value(json_object_get(answer, "len")), 53);
        CHECK_STR(json_string_value(json_object_get(answer, "payload")), PAYLOAD);
    }
    json_decref(answer);
    return code;
}

#define OLD(product, device)                                                                       \
    "{\"deviceName\":\"" device "\",\"nonce\":211270262,\"productId\":\"" product "\","            \
    "\"timestamp\":1795254159,\"signature\":"                                                      \
    "\"OGNmNWI1Y2IxNTQxOGFlYTVkMTU3NWEwNGZkNDgxYTcxY2U2NTcxYg==\"}"

static void test_old_style(void)
{
    start();
    CHECK_INT(ask_old(OLD("P1", "d1")), 0);
    CHECK_INT(ask_old(OLD("P1", "d2")), 4);
    CHECK_INT(ask_old(OLD("P9", "d1")), 2);
    CHECK_INT(ask_old("[]"), 1);
    CHECK_INT(ask_old("{\"productId\":\"P1\"}"), 4);
    end();
}

static struct config *parse(const char *product, const char *device, char **error)
{
    struct config *c = NULL;
    char text[512];

    (void) snprintf(text, sizeof(text),
                    "{\"products\":[{\"product_id\":\"P1\",\"model\":{\"version\":\"1.0\","
                    "\"properties\":[],\"events\":[],\"actions\":[]},%s\"devices\":[%s]}]}",
                    product, device);
    (void) !config_parse(&c, text, error); /* the caller looks */
    return c;
}

#define PRODUCT_SECRET "\"product_secret\":\"desk-only-product-secret\","

/* A device without a secret has one that stays the same over restarts. */
static void test_made_secret(void)
{
    CLEANUP(freep) char *error = NULL, *text = NULL;
    struct config *c = parse(PRODUCT_SECRET, "{\"device_name\":\"d1\"}", &error);

    CHECK(c);
    if (!c)
        return;
    CHECK_INT(c->products[0].registration, CONFIG_REGISTRATION_ONCE);
    CHECK_INT(sign_base64_encode(c->devices[0].secret, c->devices[0].secret_len, &text), 0);
    CHECK_STR(text, "lOPaJj0LvJkB1OEpeU7jHQ==");
    config_free(c);
}

static void test_config(void)
{
    static const struct {
        const char *product, *device, *error;
    } cases[] = {
        {"", "{\"device_name\":\"d1\"}", "secret must be a string"},
        {"\"product_secret\":\"short\",", "{\"device_name\":\"d1\"}", "secret must be a string"},
        {PRODUCT_SECRET "\"registration\":\"off\",", "{\"device_name\":\"d1\"}",
         "secret must be a string"},
        {"\"registration\":\"once\",", "", "registration needs a product_secret"},
        {PRODUCT_SECRET "\"registration\":\"x\",", "", "registration must be off, once or any"},
        {PRODUCT_SECRET, "{\"device_name\":\"d1\",\"key\":\"k.pem\"}", "key is for devices with"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(freep) char *error = NULL;
        struct config *c = parse(cases[i].product, cases[i].device, &error);

        if (c || !error || !strstr(error, cases[i].error))
            suite_fail(__FILE__, __LINE__, "case %zu: \"%s\"", i, error ? error : "");
        config_free(c);
    }
}

const char *const suite_name = "localcloud-dynreg";
const struct suite_test suite_tests[] = {
    {"new_style", test_new_style},
    {"refused", test_refused},
    {"activated", test_activated},
    {"old_style", test_old_style},
    {"made_secret", test_made_secret},
    {"config", test_config},
    {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cloud/dynreg.h"
#include "tests/lib/suite.h"

/* The secret of the device guide's sample; everything encrypted here is with it. */
#define GUIDE_SECRET "hzvf5LF9S0isvBhDSauWMaIk"
#define GUIDE_PAYLOAD                                                                              \
    "s6FB3a1BA/YYbcmSE12XpeDVmQNDcf1QgVD141RRbmmAnFwQfp1ECAu5O016mCOvYlJJ6V59yM4OqQSiWphfTg=="

static struct ident *new_ident(const char *secret)
{
    struct ident *id = calloc(1, sizeof(*id));

    CHECK(id);
    strcpy(id->product_id, "ABCDE12345");
    strcpy(id->device_name, "dev_003");
    strcpy(id->region, "china");
    CHECK_INT(secret_new(&id->product_secret, secret, strlen(secret)), 0);
    return id;
}

/* The signature was made with another program: openssl dgst -sha256 -hmac … | base64. */
static void test_request(void)
{
    CLEANUP(ident_freep) struct ident *id = new_ident(GUIDE_SECRET);
    struct dynreg_request rq;

    CHECK_INT(dynreg_make(&rq, id, "ap-guangzhou.gateway.tencentdevices.com", DYNREG_PATH,
                          1600000000, 5456),
              0);
    CHECK_STR(rq.body, "{\"ProductId\":\"ABCDE12345\",\"DeviceName\":\"dev_003\"}");
    CHECK_STR(rq.timestamp, "1600000000");
    CHECK_STR(rq.nonce, "5456");
    CHECK_STR(rq.signature, "Mnb/6kndYJ2/K4/Ejantd+4IHhS/o2l8YqqU9ATpgww=");
}

/* The longest names and numbers still fit. */
static void test_request_edges(void)
{
    CLEANUP(ident_freep) struct ident *id = new_ident(GUIDE_SECRET);
    char host[254], path[256];
    struct dynreg_request rq;

    memset(id->product_id, 'A', LIMIT_PRODUCT_ID);
    memset(id->device_name, 'd', LIMIT_DEVICE_NAME);
    memset(host, 'h', sizeof(host) - 1);
    host[sizeof(host) - 1] = '\0';
    memset(path, '/', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    CHECK_INT(dynreg_make(&rq, id, host, path, UINT64_MAX, UINT32_MAX), 0);
    CHECK_STR(rq.timestamp, "18446744073709551615");
    CHECK_STR(rq.nonce, "4294967295");
    CHECK_INT(strlen(rq.body), 49 - 7 + 48);
    CHECK_INT(strlen(rq.signature), 44);
}

static int read_body(const struct ident *id, unsigned status, const char *body, char *problem)
{
    struct dynreg_answer answer = {0};
    int r;

    problem[0] = '\0';
    r = dynreg_read(&answer, id, status, body, strlen(body), problem);
    CHECK((r == 0) == (answer.psk || answer.certificate));
    CHECK((r < 0) == (problem[0] != '\0'));
    dynreg_answer_done(&answer);
    return r;
}

static int read_payload(const struct ident *id, const char *payload, int len, char *problem)
{
    char body[1024];

    (void) snprintf(body, sizeof(body),
                    "{\"Response\":{\"Len\":%d,\"Payload\":\"%s\",\"RequestId\":\"x\"}}", len,
                    payload);
    return read_body(id, 200, body, problem);
}

static bool is_text(const struct secret *s, const char *text)
{
    return s && secret_len(s) == strlen(text) && memcmp(secret_data(s), text, strlen(text)) == 0;
}

/* Device guide, dynamic registration, "parsing the payload". */
static void test_psk(void)
{
    CLEANUP(ident_freep) struct ident *id = new_ident(GUIDE_SECRET);
    static const char body[] =
        "{\"Response\":{\"Len\":53,\"Payload\":\"" GUIDE_PAYLOAD "\",\"RequestId\":\"f4da\"}}";
    struct dynreg_answer answer = {0};
    char problem[DYNREG_PROBLEM];

    CHECK_INT(dynreg_read(&answer, id, 200, body, strlen(body), problem), 0);
    CHECK(is_text(answer.psk, "lDZ6Uqt+I9E0wW7rvDUs7Q=="));
    CHECK(!answer.certificate && !answer.key);
    dynreg_answer_done(&answer);
    CHECK(!answer.psk);
}

static void test_certificate(void)
{
    CLEANUP(ident_freep) struct ident *id = new_ident(GUIDE_SECRET);
    static const char body[] =
        "{\"Response\":{\"Len\":183,\"Payload\":\""
        "s6FB3a1BA/YYbcmSE12Xpa12FEZoAz/xyrjcIoEmp1gNmKzj8h4qV47KSWcM9agfN/oZn9bos8oWowjqTuA4UqO7"
        "S8K14K6EyXdAIW8TRtj+ZUoNIUPy4+A46TqSsCablipNrK9Rtj/wQ2X3khTeBkpjY6ehS3hhxV4Mwk8ITVZiXYIP"
        "qEpE1LpzjMFe0KKs3c5ZJV+j9dYB8WfLGgc/c9jNIkaDY4cU3oz/DhSqWdBqloRPh05FJnS9McDMdmGr"
        "\"}}";
    struct dynreg_answer answer = {0};
    char problem[DYNREG_PROBLEM];

    CHECK_INT(dynreg_read(&answer, id, 200, body, strlen(body), problem), 0);
    CHECK(is_text(answer.certificate,
                  "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"));
    CHECK(is_text(answer.key,
                  "-----BEGIN RSA PRIVATE KEY-----\nMIIC\n-----END RSA PRIVATE KEY-----\n"));
    CHECK(!answer.psk);
    dynreg_answer_done(&answer);
}

static void test_payloads(void)
{
    static const struct {
        const char *name;
        const char *payload;
        int len;
        int result;
        const char *problem;
    } cases[] = {
        {"whole blocks", "s6FB3a1BA/YYbcmSE12XpV1+j17gjycyhxRJMARYk/QIdpX4X8xj9cCko8E+0z6T", 48, 0,
         ""},
        {"a block of padding",
         "s6FB3a1BA/YYbcmSE12XpV1+j17gjycyhxRJMARYk/QIdpX4X8xj9cCko8E+0z6TPnraExedR9gDj4aLPu630w==",
         48, 0, ""},
        {"unknown type", "s6FB3a1BA/YYbcmSE12XpQyum14Z/JR+21yOR47HalVBuQW5n3Bww90EIGxzUdX/", 33,
         -EBADMSG, "encryptionType"},
        {"no type", "1zc4Q5jzkme7kYhb7z6UiQ==", 14, -EBADMSG, "product secret right?"},
        {"not JSON", "7QEn8TVKVb4Uww8lRZgErQ==", 5, -EBADMSG, "product secret right?"},
        {"no psk", "s6FB3a1BA/YYbcmSE12XpdAfW6UN/MdTD3t8z/bOEoM=", 20, -EBADMSG,
         "no device secret"},
        {"psk that is no base64",
         "s6FB3a1BA/YYbcmSE12XpWfo9giU6JRcZBiaZ1NMt+AOCHPoSy7GHXXAoXN94sKQ", 39, -EBADMSG,
         "not base64"},
        {"long psk",
         "s6FB3a1BA/"
         "YYbcmSE12XpXe06tiwCYJSPueqQfxmY5SrVkEj7OMdYqiyZLAUneWidccJF2NlH1KibRQhIWmqpv9DCt"
         "Y+WEURaK7j9+ExCcV72eT/Ig+MFmdV8CSdbMhk8LvUElvNHy2II76uAvWLGQ==",
         97, -EBADMSG, "no device secret"},
        {"no key",
         "s6FB3a1BA/YYbcmSE12Xpa12FEZoAz/"
         "xyrjcIoEmp1gNmKzj8h4qV47KSWcM9agfvluVs+vQCxK+aeIQFVBw4Q==",
         63, -EBADMSG, "no clientKey"},
        {"no PEM",
         "s6FB3a1BA/YYbcmSE12Xpa12FEZoAz/xyrjcIoEmp1gK4zJsaB20aKQgCUbC3m6iPLFBSkXCLdX7POB7xrtYFA==",
         53, -EBADMSG, "no clientCert"},
        {"length of nothing", GUIDE_PAYLOAD, 0, -EBADMSG, "length"},
        {"length too long", GUIDE_PAYLOAD, 65, -EBADMSG, "length"},
        {"length far too long", GUIDE_PAYLOAD, 2147483647, -EBADMSG, "length"},
        {"negative length", GUIDE_PAYLOAD, -1, -EBADMSG, "no Payload or Len"},
        {"length too short", GUIDE_PAYLOAD, 47, -EBADMSG, "length"},
        {"length in the text", GUIDE_PAYLOAD, 52, -EBADMSG, "product secret right?"},
        {"length in the padding", GUIDE_PAYLOAD, 54, -EBADMSG, "product secret right?"},
        {"half a block", "s6FB3a1BA/YYbcmSE12XpeDVmQNDcf1Q", 20, -EBADMSG, "length"},
        {"no base64", "####", 3, -EBADMSG, "not base64"},
        {"nothing", "", 0, -EBADMSG, "not base64"},
    };
    CLEANUP(ident_freep) struct ident *id = new_ident(GUIDE_SECRET);

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char problem[DYNREG_PROBLEM];
        int r = read_payload(id, cases[i].payload, cases[i].len, problem);

        if (r != cases[i].result || !strstr(problem, cases[i].problem))
            suite_fail(__FILE__, __LINE__, "%s: %d \"%s\"", cases[i].name, r, problem);
    }
}

static void test_wrong_secret(void)
{
    CLEANUP(ident_freep) struct ident *id = new_ident("another secret of the product");
    CLEANUP(ident_freep) struct ident *small = new_ident("short");
    char problem[DYNREG_PROBLEM];

    CHECK_INT(read_payload(id, GUIDE_PAYLOAD, 53, problem), -EBADMSG);
    CHECK(strstr(problem, "is the product secret right?"));
    CHECK_INT(read_payload(small, GUIDE_PAYLOAD, 53, problem), -EACCES);
}

static void test_envelope(void)
{
    static const struct {
        unsigned status;
        const char *body;
        int result;
    } cases[] = {
        {200, "", -EBADMSG},
        {200, "<html>", -EBADMSG},
        {502, "<html>Bad Gateway</html>", -EAGAIN},
        {503, "{}", -EAGAIN},
        {302, "", -EBADMSG},
        {200, "[]", -EBADMSG},
        {200, "{}", -EBADMSG},
        {200, "{\"Response\":7}", -EBADMSG},
        {200, "{\"Response\":{}}", -EBADMSG},
        {200, "{\"Response\":{\"Len\":\"x\",\"Payload\":\"" GUIDE_PAYLOAD "\"}}", -EBADMSG},
        {200, "{\"Response\":{\"Len\":53,\"Payload\":7}}", -EBADMSG},
        {200, "{\"Response\":{\"Len\":\"53\",\"Payload\":\"" GUIDE_PAYLOAD "\"}}", 0},
        {200, "{\"Response\":{\"Error\":{}}}", -EACCES},
        {500, "{\"Response\":{\"Error\":{\"Code\":\"InternalError\"}}}", -EAGAIN},
        {200, "{\"Response\":{\"Len\":53,\"Len\":53,\"Payload\":\"" GUIDE_PAYLOAD "\"}}", -EBADMSG},
    };
    CLEANUP(ident_freep) struct ident *id = new_ident(GUIDE_SECRET);

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char problem[DYNREG_PROBLEM];
        int r = read_body(id, cases[i].status, cases[i].body, problem);

        if (r != cases[i].result)
            suite_fail(__FILE__, __LINE__, "%u %s: %d \"%s\"", cases[i].status, cases[i].body, r,
                       problem);
    }
}

static void test_codes(void)
{
    static const struct {
        const char *code;
        int result;
        const char *problem;
    } cases[] = {
        {"AuthFailure", -EACCES, "product secret"},
        {"AuthFailure.SignatureFailure", -EACCES, "product secret"},
        {"AuthFailure.SignatureExpire", -EACCES, "clock"},
        {"AuthFailure.Whatever", -EACCES, "product secret"},
        {"ResourceNotFound.DeviceNotExist", -EACCES, "device does not exist"},
        {"ResourceNotFound.StudioProductNotExist", -EACCES, "product id"},
        {"ResourceNotFound.Other", -EACCES, "product or device"},
        {"FailedOperation.DeviceAlreadyActivated", -EACCES, "activated before"},
        {"UnsupportedOperation", -EACCES, "switched on"},
        {"UnauthorizedOperation.NoPermission", -EACCES, "switched on"},
        {"LimitExceeded", -EACCES, "used up"},
        {"RequestLimitExceeded.IPLimitExceeded", -EAGAIN, "too many"},
        {"InternalError", -EAGAIN, "internal"},
        {"InternalErrorButOther", -EACCES, "refuses"},
        {"Unheard.Of", -EACCES, "the cloud refuses (code Unheard.Of, \"words\")"},
    };
    CLEANUP(ident_freep) struct ident *id = new_ident(GUIDE_SECRET);

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char problem[DYNREG_PROBLEM], body[256];
        int r;

        (void) snprintf(body, sizeof(body),
                        "{\"Response\":{\"Error\":{\"Code\":\"%s\",\"Message\":\"words\"}}}",
                        cases[i].code);
        r = read_body(id, 200, body, problem);
        if (r != cases[i].result || !strstr(problem, cases[i].problem) ||
            !strstr(problem, cases[i].code))
            suite_fail(__FILE__, __LINE__, "%s: %d \"%s\"", cases[i].code, r, problem);
    }
}

/* The cloud's words are cut at a character and cannot steer a terminal or forge a line. */
static void test_words(void)
{
    CLEANUP(ident_freep) struct ident *id = new_ident(GUIDE_SECRET);
    char problem[DYNREG_PROBLEM], body[1200];

    CHECK_INT(
        read_body(id, 200,
                  "{\"Response\":{\"Error\":{\"Code\":\"A\\nB\",\"Message\":\"\\u001b[2J\"}}}",
                  problem),
        -EACCES);
    CHECK_STR(problem, "the cloud refuses (code A B, \" [2J\")");

    strcpy(body, "{\"Response\":{\"Error\":{\"Code\":\"C\",\"Message\":\"");
    for (int i = 0; i < 200; i++)
        strcat(body, "\xe7\x81\xaf");
    strcat(body, "\"}}}");
    CHECK_INT(read_body(id, 200, body, problem), -EACCES);
    CHECK(strlen(problem) < DYNREG_PROBLEM);
}

const char *const suite_name = "dynreg";
const struct suite_test suite_tests[] = {
    {"request", test_request},   {"request_edges", test_request_edges},
    {"psk", test_psk},           {"certificate", test_certificate},
    {"payloads", test_payloads}, {"wrong_secret", test_wrong_secret},
    {"envelope", test_envelope}, {"codes", test_codes},
    {"words", test_words},       {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/cloud/login.h"
#include "tests/lib/keys.h"
#include "tests/lib/rig.h"
#include "tests/lib/suite.h"

static void make_ident(struct ident *id, const char *product, const char *device)
{
    *id = (struct ident){.region = "china"};
    (void) snprintf(id->product_id, sizeof(id->product_id), "%s", product);
    (void) snprintf(id->device_name, sizeof(id->device_name), "%s", device);
    CHECK_INT(secret_new_base64(&id->device_secret, "MDEyMzQ1Njc4OWFiY2RlZg=="), 0);
}

static void make(struct login *l, const struct ident *id, enum hmac_kind kind, const char *connid,
                 uint64_t expiry_s)
{
    CLEANUP(signer_freep) struct signer *signer = NULL;

    CHECK_INT(signer_new_hmac(&signer, kind, id->device_secret), 0);
    CHECK_INT(login_make(l, id, signer, connid, expiry_s), 0);
}

/* Digests computed with openssl dgst -hmac. */
static void test_fields(void)
{
    struct login l;
    struct ident id;

    make_ident(&id, "ABCDE12345", "dev_001");
    make(&l, &id, HMAC_SHA256, "257ZU", 2147483647);
    CHECK_STR(l.client_id, "ABCDE12345dev_001");
    CHECK_STR(l.username, "ABCDE12345dev_001;12010126;257ZU;2147483647");
    CHECK_STR(l.password,
              "e2136efe6537bc7aafedadd83db6c725134e45fed76b2f70fa7823b2829f6231;hmacsha256");
    make(&l, &id, HMAC_SHA1, "257ZU", 2147483647);
    CHECK_STR(l.password, "7acacff6becbbb0163bcfd99bc88db59a22609e9;hmacsha1");
    secret_free(id.device_secret);
}

/* A certificate device; signature computed with openssl dgst -sign. */
static void test_certificate(void)
{
    CLEANUP(secret_freep) struct secret *key = NULL;
    CLEANUP(signer_freep) struct signer *signer = NULL;
    struct ident id = {.product_id = "ABCDE12345", .device_name = "dev_001"};
    struct login l;

    CHECK_INT(rsa_key_parse(&key, KEYS_RSA, strlen(KEYS_RSA)), 0);
    CHECK_INT(signer_new_rsa(&signer, key), 0);
    CHECK_INT(login_make(&l, &id, signer, "257ZU", 2147483647), 0);
    CHECK_STR(l.username, KEYS_SIGNED_TEXT);
    CHECK_STR(l.password, KEYS_SIGNATURE ";rsa-sha256");
}

/* The longest of everything is not cut. */
static void test_longest(void)
{
    struct login l;
    struct ident id;
    char device[LIMIT_DEVICE_NAME + 1], want[256];

    memset(device, 'd', LIMIT_DEVICE_NAME);
    device[LIMIT_DEVICE_NAME] = '\0';
    make_ident(&id, "0123456789", device);
    make(&l, &id, HMAC_SHA256, "ABCDE", UINT64_MAX);
    (void) snprintf(want, sizeof(want), "0123456789%s", device);
    CHECK_STR(l.client_id, want);
    (void) snprintf(want, sizeof(want), "0123456789%s;12010126;ABCDE;18446744073709551615", device);
    CHECK_STR(l.username, want);
    CHECK_INT(strlen(l.password), 64 + strlen(";hmacsha256"));
    CHECK_STR(l.password + 64, ";hmacsha256");
    secret_free(id.device_secret);
}

static void test_wipe(void)
{
    static const struct login zero;
    struct login l;
    struct ident id;

    make_ident(&id, "ABCDE12345", "dev_001");
    make(&l, &id, HMAC_SHA256, "257ZU", 1);
    login_wipe(&l);
    CHECK_INT(memcmp(&l, &zero, sizeof(l)), 0);
    secret_free(id.device_secret);
}

static void test_expiry(void)
{
    const uint64_t year = 365ULL * 86400, far = 2147483647ULL;

    CHECK_INT(login_expiry_s(0), far); /* the clock was never set */
    CHECK_INT(login_expiry_s(1700000000 * USEC_PER_SEC), far);
    CHECK_INT(login_expiry_s((far - year) * USEC_PER_SEC), far);
    CHECK_INT(login_expiry_s((far - year + 1) * USEC_PER_SEC), far + 1);
    CHECK_INT(login_expiry_s(4000000000 * USEC_PER_SEC), 4000000000 + year); /* after 2038 */
}

static void test_endpoints(void)
{
    static const struct {
        const char *region;
        const char *url; /* NULL: refused */
    } cases[] = {
        {"china", "ws://ABCDE12345.ap-guangzhou.iothub.tencentdevices.com:80/mqtt"},
        {"us-east", "ws://ABCDE12345.us-east.iothub.tencentdevices.com:80/mqtt"},
        {"europe", "ws://ABCDE12345.europe.iothub.tencentdevices.com:80/mqtt"},
        {"ap-bangkok", "ws://ABCDE12345.ap-bangkok.iothub.tencentdevices.com:80/mqtt"},
        {"", NULL},
        {"China", NULL},
        {"china2", NULL},
    };
    struct ident id = {.product_id = "ABCDE12345"};
    char tls_file[] = "cert.pem";

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char url[IDENT_URL] = "";
        struct endpoint e;
        const char *problem;

        strcpy(id.region, cases[i].region);
        CHECK_INT(ident_endpoint(&id, url), cases[i].url ? 0 : -EINVAL);
        CHECK_STR(url, cases[i].url ? cases[i].url : "");
        if (cases[i].url)
            CHECK_INT(endpoint_parse(&e, url, &problem), 0);

        /* A certificate device: the same host over TLS. */
        id.cert_file = tls_file;
        CHECK_INT(ident_endpoint(&id, url), cases[i].url ? 0 : -EINVAL);
        id.cert_file = NULL;
        if (cases[i].url) {
            struct endpoint plain = e;

            CHECK(strncmp(url, "wss://", 6) == 0);
            CHECK_INT(endpoint_parse(&e, url, &problem), 0);
            CHECK(e.tls && e.port == 443);
            CHECK_STR(e.host, plain.host);
            CHECK_STR(e.path, plain.path);
        }
    }
}

const char *const suite_name = "login";
const struct suite_test suite_tests[] = {
    {"fields", test_fields},
    {"certificate", test_certificate},
    {"longest", test_longest},
    {"wipe", test_wipe},
    {"expiry", test_expiry},
    {"endpoints", test_endpoints},
    {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "daemon/crypto/base64.h"
#include "daemon/crypto/hmac.h"
#include "daemon/crypto/rsa.h"
#include "daemon/crypto/secret.h"
#include "daemon/crypto/signer.h"
#include "libiotclient/base/limits.h"
#include "tests/lib/keys.h"
#include "tests/lib/suite.h"

/* RFC 2202, section 3, and RFC 4231, section 4: the same keys and data for both digests. */
static void test_hmac(void)
{
    static const struct {
        const char *name;
        int key_byte; /* -1: key is text */
        const char *key;
        size_t key_len;
        int data_byte;
        const char *data;
        size_t data_len;
        const char *sha1, *sha256;
    } cases[] = {
        {"case 1", 0x0b, NULL, 20, -1, "Hi There", 8, "b617318655057264e28bc0b6fb378c8ef146be00",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"case 2", -1, "Jefe", 4, -1, "what do ya want for nothing?", 28,
         "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {"case 3", 0xaa, NULL, 20, 0xdd, NULL, 50, "125d7342b9ac11cd91a39af48aa17b4f63f175d3",
         "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {"case 6, SHA-1", 0xaa, NULL, 80, -1,
         "Test Using Larger Than Block-Size Key - Hash Key First", 54,
         "aa4ae5e15272d00e95705637ce8a3b55ed402112", NULL},
        {"case 6, SHA-256", 0xaa, NULL, 131, -1,
         "Test Using Larger Than Block-Size Key - Hash Key First", 54, NULL,
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(secret_freep) struct secret *key = NULL;
        uint8_t k[131], d[64];
        char hex[HMAC_MAX_HEX];

        memset(k, cases[i].key_byte, sizeof(k));
        memset(d, cases[i].data_byte, sizeof(d));
        CHECK_INT(
            secret_new(&key, cases[i].key ? (const void *) cases[i].key : k, cases[i].key_len), 0);
        if (cases[i].data)
            memcpy(d, cases[i].data, cases[i].data_len);
        if (cases[i].sha1) {
            CHECK_INT(hmac_sign_hex(HMAC_SHA1, key, d, cases[i].data_len, hex), 0);
            CHECK_STR(hex, cases[i].sha1);
        }
        if (cases[i].sha256) {
            CHECK_INT(hmac_sign_hex(HMAC_SHA256, key, d, cases[i].data_len, hex), 0);
            CHECK_STR(hex, cases[i].sha256);
        }
    }
}

static void test_hmac_raw(void)
{
    CLEANUP(secret_freep) struct secret *key = NULL;
    uint8_t digest[HMAC_MAX_BYTES];

    CHECK_INT(secret_new(&key, "Jefe", 4), 0);
    CHECK_INT(hmac_sign(HMAC_SHA1, key, "what do ya want for nothing?", 28, digest), 20);
    CHECK(digest[0] == 0xef && digest[19] == 0x79);
    CHECK_INT(hmac_sign(HMAC_SHA256, key, "what do ya want for nothing?", 28, digest), 32);
    CHECK(digest[0] == 0x5b && digest[31] == 0x43);
    CHECK_INT(hmac_sign(HMAC_SHA256, key, "", 0, digest), 32);
}

/* What the vendor's C client sends for this secret. */
static void test_vendor_vector(void)
{
    const char *user = "ABCDE12345dev_001;21010406;257ZU;92233720368547758";
    CLEANUP(secret_freep) struct secret *key = NULL;
    char hex[HMAC_MAX_HEX];

    CHECK_INT(secret_new_base64(&key, "MDEyMzQ1Njc4OWFiY2RlZg=="), 0);
    CHECK_INT(secret_len(key), 16);
    CHECK_INT(memcmp(secret_data(key), "0123456789abcdef", 16), 0);
    CHECK_INT(hmac_sign_hex(HMAC_SHA1, key, user, strlen(user), hex), 0);
    CHECK_STR(hex, "041ea29e6909c1309bfc761c05888e308cbfc12b");
}

static void test_kinds(void)
{
    enum hmac_kind kind = HMAC_SHA1;

    for (int i = 0; i < HMAC_KIND_COUNT_; i++) {
        CHECK_INT(hmac_kind_parse(hmac_kind_name((enum hmac_kind) i), &kind), 0);
        CHECK_INT(kind, i);
    }
    CHECK_STR(hmac_kind_name(HMAC_SHA1), "hmacsha1");
    CHECK_STR(hmac_kind_name(HMAC_SHA256), "hmacsha256");
    CHECK_INT(hmac_kind_parse("HMACSHA1", &kind), -EINVAL);
    CHECK_INT(hmac_kind_parse("", &kind), -EINVAL);
    CHECK_INT(hmac_kind_parse("hmacsha", &kind), -EINVAL);
}

/* RFC 4648, section 10, and what a strict reader refuses. */
static void test_base64(void)
{
    static const struct {
        const char *text;
        int result;
        const char *data;
    } cases[] = {
        {"Zg==", 1, "f"},
        {"Zm8=", 2, "fo"},
        {"Zm9v", 3, "foo"},
        {"Zm9vYg==", 4, "foob"},
        {"Zm9vYmE=", 5, "fooba"},
        {"Zm9vYmFy", 6, "foobar"},
        {"+/+/", 3, "\xfb\xff\xbf"},
        {"", -EBADMSG, NULL},
        {"Zg", -EBADMSG, NULL},
        {"Zg=", -EBADMSG, NULL},
        {"Zm9", -EBADMSG, NULL},
        {"====", -EBADMSG, NULL},
        {"Z===", -EBADMSG, NULL},
        {"=Zm9", -EBADMSG, NULL},
        {"Zg=v", -EBADMSG, NULL},
        {"Zg==Zg==", -EBADMSG, NULL},
        {"Zm9v\n", -EBADMSG, NULL},
        {"Zm\n9vYg", -EBADMSG, NULL},
        {" Zm9vYg", -EBADMSG, NULL},
        {"Zm 9vYg=", -EBADMSG, NULL},
        {"Zm-_", -EBADMSG, NULL},
        {"Zm9\xc3", -EBADMSG, NULL},
    };
    uint8_t data[64];
    static char text[LIMIT_BASE64_TEXT + 5];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int n = base64_decode(cases[i].text, data, sizeof(data));

        if (n != cases[i].result)
            suite_fail(__FILE__, __LINE__, "\"%s\": %d", cases[i].text, n);
        else if (n > 0)
            CHECK_INT(memcmp(data, cases[i].data, (size_t) n), 0);
    }
    memset(text, 'A', sizeof(text) - 1);
    text[64] = '\0';
    CHECK_INT(base64_decode(text, data, 48), 48);
    CHECK_INT(base64_decode(text, data, 47), -EMSGSIZE);
    text[64] = 'A';
    text[sizeof(text) - 1] = '\0';
    CHECK_INT(base64_decode(text, data, sizeof(data)), -EBADMSG);
}

/* A result that fills the buffer fits, also with padding. */
static void test_base64_exact(void)
{
    static const char *const texts[] = {"Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        uint8_t data[8];

        memset(data, 0x55, sizeof(data));
        CHECK_INT(base64_decode(texts[i], data, i + 1), i + 1);
        CHECK_INT(memcmp(data, "foobar", i + 1), 0);
        CHECK_INT(data[i + 1], 0x55);
        CHECK_INT(base64_decode(texts[i], data, i), -EMSGSIZE);
    }
}

static void test_secret(void)
{
    CLEANUP(secret_freep) struct secret *s = NULL;
    static const uint8_t data[4097] = {1, 2, 3};
    char text[80];

    CHECK_INT(secret_new(&s, data, 0), -EINVAL);
    CHECK_INT(secret_new(&s, data, sizeof(data)), -EINVAL);
    CHECK(!s);
    CHECK_INT(secret_new(&s, data, 4096), 0);
    CHECK_INT(secret_len(s), 4096);
    CHECK_INT(memcmp(secret_data(s), data, 4096), 0);
    s = secret_free(s);
    CHECK(!s);
    CHECK(!secret_free(NULL));

    memset(text, 'A', sizeof(text));
    text[LIMIT_DEVICE_SECRET] = '\0';
    CHECK_INT(secret_new_base64(&s, text), 0);
    CHECK_INT(secret_len(s), LIMIT_SECRET_BYTES);
    s = secret_free(s);
    text[LIMIT_DEVICE_SECRET] = 'A';
    text[LIMIT_DEVICE_SECRET + 4] = '\0';
    CHECK_INT(secret_new_base64(&s, text), -EMSGSIZE);
    CHECK_INT(secret_new_base64(&s, ""), -EBADMSG);
    CHECK_INT(secret_new_base64(&s, "no base64"), -EBADMSG);
    CHECK(!s);
}

static void test_room(void)
{
    CLEANUP(secret_freep) struct secret *s = NULL;
    uint8_t *room;

    CHECK_INT(secret_new_room(&s, 0), -EINVAL);
    CHECK_INT(secret_new_room(&s, 65537), -EINVAL);
    CHECK_INT(secret_new_room(&s, 20000), 0);
    room = secret_room(s);
    CHECK_INT((uintptr_t) room % _Alignof(max_align_t), 0);
    CHECK(room[0] == 0 && room[19999] == 0);
    memset(room, 1, 20000);
    CHECK(secret_data(s) == room);
    CHECK_INT(secret_len(s), 20000);
}

static void test_rsa_parse(void)
{
    static const struct {
        const char *pem;
        int result;
    } cases[] = {
        {KEYS_RSA, 0},
        {KEYS_RSA_PKCS1, 0},
        {"some text before\n" KEYS_RSA, 0},
        {KEYS_SMALL, -ERANGE},
        {KEYS_ENCRYPTED, -EBADMSG},
        {KEYS_EC, -EBADMSG},
        {KEYS_CERT, -EBADMSG},
        {"", -EBADMSG},
        {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", -EBADMSG},
        {"-----BEGIN RSA PRIVATE KEY-----\n", -EBADMSG},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(secret_freep) struct secret *key = NULL;
        int r = rsa_key_parse(&key, cases[i].pem, strlen(cases[i].pem));

        if (r != cases[i].result)
            suite_fail(__FILE__, __LINE__, "case %zu: %d", i, r);
        CHECK((key != NULL) == (r == 0));
    }
    /* Cut anywhere it is no key, and nothing bad happens. */
    for (size_t len = 0; len + 2 < strlen(KEYS_RSA); len += 13) {
        CLEANUP(secret_freep) struct secret *key = NULL;

        CHECK_INT(rsa_key_parse(&key, KEYS_RSA, len), -EBADMSG);
    }
}

static void test_rsa_check(void)
{
    CLEANUP(secret_freep) struct secret *key = NULL;

    CHECK_INT(rsa_key_parse(&key, KEYS_RSA_PKCS1, strlen(KEYS_RSA_PKCS1)), 0);
    CHECK_INT(rsa_key_check(key, KEYS_CERT, strlen(KEYS_CERT)), 0);
    CHECK_INT(rsa_key_check(key, KEYS_CERT KEYS_OTHER_CERT, strlen(KEYS_CERT KEYS_OTHER_CERT)), 0);
    CHECK_INT(rsa_key_check(key, KEYS_OTHER_CERT, strlen(KEYS_OTHER_CERT)), -EKEYREJECTED);
    CHECK_INT(rsa_key_check(key, KEYS_EC_CERT, strlen(KEYS_EC_CERT)), -EBADMSG);
    CHECK_INT(rsa_key_check(key, KEYS_RSA, strlen(KEYS_RSA)), -EBADMSG);
    CHECK_INT(rsa_key_check(key, "", 0), -EBADMSG);
}

/* Computed with openssl dgst. */
static void test_signer(void)
{
    CLEANUP(secret_freep) struct secret *key = NULL, *secret = NULL;
    CLEANUP(signer_freep) struct signer *rsa = NULL, *hmac = NULL;
    char hex[SIGNER_MAX_HEX], expected[HMAC_MAX_HEX];

    CHECK_INT(rsa_key_parse(&key, KEYS_RSA, strlen(KEYS_RSA)), 0);
    CHECK_INT(signer_new_rsa(&rsa, key), 0);
    CHECK_STR(signer_method(rsa), "rsa-sha256");
    CHECK_INT(signer_sign_hex(rsa, KEYS_SIGNED_TEXT, strlen(KEYS_SIGNED_TEXT), hex), 0);
    CHECK_STR(hex, KEYS_SIGNATURE);

    CHECK_INT(secret_new(&secret, "Jefe", 4), 0);
    CHECK_INT(signer_new_hmac(&hmac, HMAC_SHA1, secret), 0);
    CHECK_STR(signer_method(hmac), "hmacsha1");
    CHECK_INT(signer_sign_hex(hmac, "text", 4, hex), 0);
    CHECK_INT(hmac_sign_hex(HMAC_SHA1, secret, "text", 4, expected), 0);
    CHECK_STR(hex, expected);
    CHECK(!signer_free(NULL));
}

const char *const suite_name = "crypto";
const struct suite_test suite_tests[] = {
    {"hmac", test_hmac},
    {"hmac_raw", test_hmac_raw},
    {"vendor_vector", test_vendor_vector},
    {"kinds", test_kinds},
    {"base64", test_base64},
    {"base64_exact", test_base64_exact},
    {"secret", test_secret},
    {"room", test_room},
    {"rsa_parse", test_rsa_parse},
    {"rsa_check", test_rsa_check},
    {"signer", test_signer},
    {NULL, NULL},
};

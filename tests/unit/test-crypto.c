/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "daemon/crypto/aes_cbc.h"
#include "daemon/crypto/base64.h"
#include "daemon/crypto/digest.h"
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

/* NIST SP 800-38A, F.2.2, and the sample of the device guide. */
static void test_aes_cbc(void)
{
    static const uint8_t key[] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                  0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
    static const uint8_t iv[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    static const uint8_t cipher[] = {0x76, 0x49, 0xab, 0xac, 0x81, 0x19, 0xb2, 0x46,
                                     0xce, 0xe9, 0x8e, 0x9b, 0x12, 0xe9, 0x19, 0x7d,
                                     0x50, 0x86, 0xcb, 0x9b, 0x50, 0x72, 0x19, 0xee,
                                     0x95, 0xdb, 0x11, 0x3a, 0x91, 0x76, 0x78, 0xb2};
    static const uint8_t plain[] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96,
                                    0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a,
                                    0xae, 0x2d, 0x8a, 0x57, 0x1e, 0x03, 0xac, 0x9c,
                                    0x9e, 0xb7, 0x6f, 0xac, 0x45, 0xaf, 0x8e, 0x51};
    uint8_t data[64] = {0};
    int n;

    CHECK_INT(aes_cbc_decrypt(key, iv, cipher, sizeof(cipher), data), 0);
    CHECK_INT(memcmp(data, plain, sizeof(plain)), 0);
    memcpy(data, cipher, sizeof(cipher)); /* in place */
    CHECK_INT(aes_cbc_decrypt(key, iv, data, sizeof(cipher), data), 0);
    CHECK_INT(memcmp(data, plain, sizeof(plain)), 0);
    CHECK_INT(aes_cbc_decrypt(key, iv, cipher, 0, data), -EINVAL);
    CHECK_INT(aes_cbc_decrypt(key, iv, cipher, 17, data), -EINVAL);

    n = base64_decode("s6FB3a1BA/YYbcmSE12XpeDVmQNDcf1QgVD141RRbmmAnFwQfp1ECAu5O016mCOv"
                      "YlJJ6V59yM4OqQSiWphfTg==",
                      data, sizeof(data));
    CHECK_INT(n, 64);
    CHECK_INT(aes_cbc_decrypt((const uint8_t *) "hzvf5LF9S0isvBhD",
                              (const uint8_t *) "0000000000000000", data, 64, data),
              0);
    CHECK_INT(
        strcmp((const char *) data, "{\"encryptionType\":2,\"psk\":\"lDZ6Uqt+I9E0wW7rvDUs7Q==\"}"),
        0);
}

/* FIPS 180-4, examples. */
/* RFC 1321, A.5, and FIPS 180-4; whole, and piece by piece. */
static void test_digest_pieces(void)
{
    static const struct {
        enum digest_kind kind;
        const char *text, *hex;
    } cases[] = {
        {DIGEST_MD5, "", "d41d8cd98f00b204e9800998ecf8427e"},
        {DIGEST_MD5, "message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
        {DIGEST_MD5,
         "1234567890123456789012345678901234567890123456789012345678901234567890123456789"
         "0",
         "57edf4a22be3c955ac49da2e2107b67a"},
        {DIGEST_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {DIGEST_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char hex[DIGEST_MAX_HEX], piece_hex[DIGEST_MAX_HEX];
        uint8_t value[DIGEST_MAX];
        struct digest *d = NULL;

        CHECK_INT(digest_hex(cases[i].kind, cases[i].text, strlen(cases[i].text), hex), 0);
        CHECK_STR(hex, cases[i].hex);
        CHECK_INT(digest_new(&d, cases[i].kind), 0);
        digest_add(d, "forgotten", 9);
        digest_restart(d);
        for (unsigned round = 0; round < 2; round++) { /* it can be used again */
            for (const char *p = cases[i].text; *p; p++)
                digest_add(d, p, 1);
            CHECK_INT(digest_finish(d, value), 0);
            for (size_t n = 0; n < strlen(hex) / 2; n++)
                (void) snprintf(piece_hex + 2 * n, 3, "%02x", value[n]);
            CHECK_STR(piece_hex, cases[i].hex);
        }
        CHECK(!digest_free(d));
    }
    CHECK(!digest_free(NULL));
}

static void test_digest(void)
{
    char hex[DIGEST_MAX_HEX];

    CHECK_INT(digest_hex(DIGEST_SHA1, "abc", 3, hex), 0);
    CHECK_STR(hex, "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK_INT(digest_hex(DIGEST_SHA256, "abc", 3, hex), 0);
    CHECK_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK_INT(digest_hex(DIGEST_SHA256, NULL, 0, hex), 0);
    CHECK_STR(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void test_base64_encode(void)
{
    static const char *const cases[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    char text[16];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t len = strlen(cases[i][0]), want = strlen(cases[i][1]);

        CHECK_INT(base64_encode(cases[i][0], len, text, want + 1), 0);
        CHECK_STR(text, cases[i][1]);
        CHECK_INT(base64_encode(cases[i][0], len, text, want), -EMSGSIZE);
    }
}

const char *const suite_name = "crypto";
const struct suite_test suite_tests[] = {
    {"hmac", test_hmac},
    {"hmac_raw", test_hmac_raw},
    {"vendor_vector", test_vendor_vector},
    {"kinds", test_kinds},
    {"base64", test_base64},
    {"base64_exact", test_base64_exact},
    {"base64_encode", test_base64_encode},
    {"aes_cbc", test_aes_cbc},
    {"digest", test_digest},
    {"digest_pieces", test_digest_pieces},
    {"secret", test_secret},
    {"room", test_room},
    {"rsa_parse", test_rsa_parse},
    {"rsa_check", test_rsa_check},
    {"signer", test_signer},
    {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Public keys and signatures of firmware: what openssl made is good, what is damaged is not. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/crypto/base64.h"
#include "daemon/crypto/verify.h"
#include "tests/lib/suite.h"
#include "tests/lib/verify-vectors.h"

const char *const suite_name = "verify";

/* SHA-256 of VECTOR_IMAGE, by openssl */
static const uint8_t image_digest[VERIFY_DIGEST] = {
    0x1d, 0x54, 0x6c, 0x2b, 0x9e, 0x03, 0xc3, 0x1f, 0x53, 0x91, 0x57, 0x93, 0xc2, 0xd0, 0xce, 0x39,
    0x34, 0x3e, 0x44, 0x2a, 0xc9, 0x8d, 0xae, 0x2d, 0x63, 0x68, 0xfd, 0x0a, 0x6f, 0x58, 0x3f, 0xe2};

static struct verify_key *load(const char *pem)
{
    struct verify_key *key = NULL;
    char problem[VERIFY_PROBLEM] = "";

    CHECK_INT(verify_key_load(&key, pem, strlen(pem), problem), 0);
    CHECK_STR(problem, "");
    return key;
}

struct signature {
    uint8_t data[VERIFY_MAX_SIGNATURE];
    size_t len;
};

static struct signature decode(const char *base64)
{
    struct signature s = {.len = 0};
    int n = base64_decode(base64, s.data, sizeof(s.data));

    CHECK(n > 0);
    s.len = n > 0 ? (size_t) n : 0;
    return s;
}

static int verify(const struct verify_key *key, const struct signature *s)
{
    return verify_digest(key, image_digest, s->data, s->len);
}

static void test_signatures(void)
{
    static const struct {
        const char *pem, *kind, *signature;
        int r;
    } cases[] = {
        {VECTOR_ED25519, "ed25519", VECTOR_ED25519_SIGNATURE, 0},
        {VECTOR_ED25519_OTHER, "ed25519", VECTOR_ED25519_SIGNATURE, -EKEYREJECTED},
        {VECTOR_ED25519, "ed25519", VECTOR_ED25519_MALLEABLE, -EKEYREJECTED},
        {VECTOR_ED25519, "ed25519", VECTOR_RSA_SIGNATURE, -EKEYREJECTED},
        {VECTOR_RSA, "rsa-pss", VECTOR_RSA_SIGNATURE, 0},
        {VECTOR_RSA, "rsa-pss", VECTOR_RSA_SIGNATURE_DGST, 0},
        {VECTOR_RSA, "rsa-pss", VECTOR_RSA_PKCS1, -EKEYREJECTED},
        {VECTOR_RSA, "rsa-pss", VECTOR_RSA_SALT_20, -EKEYREJECTED},
        {VECTOR_RSA, "rsa-pss", VECTOR_RSA_MGF_SHA1, -EKEYREJECTED},
        {VECTOR_RSA, "rsa-pss", VECTOR_ED25519_SIGNATURE, -EKEYREJECTED},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(verify_key_freep) struct verify_key *key = load(cases[i].pem);
        struct signature s = decode(cases[i].signature);

        CHECK_STR(verify_key_kind(key), cases[i].kind);
        CHECK_INT(verify(key, &s), cases[i].r);
    }
}

/* Each bit of the signature and of the digest, each length. */
static void damage(const char *pem, const char *signature, size_t step)
{
    CLEANUP(verify_key_freep) struct verify_key *key = load(pem);
    const struct signature good = decode(signature);
    uint8_t digest[VERIFY_DIGEST];

    for (size_t bit = 0; bit < good.len * 8; bit += step) {
        struct signature bad = good;

        bad.data[bit / 8] ^= (uint8_t) (1U << (bit % 8));
        CHECK_INT(verify(key, &bad), -EKEYREJECTED);
    }
    for (size_t bit = 0; bit < sizeof(digest) * 8; bit += step) {
        memcpy(digest, image_digest, sizeof(digest));
        digest[bit / 8] ^= (uint8_t) (1U << (bit % 8));
        CHECK_INT(verify_digest(key, digest, good.data, good.len), -EKEYREJECTED);
    }
    for (size_t len = 0; len <= sizeof(good.data); len++) {
        if (len != good.len)
            CHECK_INT(verify_digest(key, image_digest, good.data, len), -EKEYREJECTED);
    }
    CHECK_INT(verify(key, &good), 0); /* the key is as it was */
}

static void test_damaged_ed25519(void)
{
    damage(VECTOR_ED25519, VECTOR_ED25519_SIGNATURE, 1);
}

static void test_damaged_rsa(void)
{
    damage(VECTOR_RSA, VECTOR_RSA_SIGNATURE, 5);
}

/* What is as long as a signature and is none: zeros, ones, as great as the modulus can be. */
static void test_no_signature(void)
{
    static const char *const pems[] = {VECTOR_ED25519, VECTOR_RSA};
    static const size_t lens[] = {64, 256};

    for (size_t i = 0; i < ARRAY_SIZE(pems); i++) {
        CLEANUP(verify_key_freep) struct verify_key *key = load(pems[i]);
        struct signature s = {.len = lens[i]};

        CHECK_INT(verify(key, &s), -EKEYREJECTED);
        s.data[s.len - 1] = 1;
        CHECK_INT(verify(key, &s), -EKEYREJECTED);
        memset(s.data, 0xff, s.len);
        CHECK_INT(verify(key, &s), -EKEYREJECTED);
    }
}

static void test_refused_keys(void)
{
    static const struct {
        const char *pem;
        int r;
        const char *problem; /* a part of it */
    } cases[] = {
        {"", -EBADMSG, "not PEM"},
        {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ", -EBADMSG, "not PEM"},
        {"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", -EBADMSG, "damaged"},
        {"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n", -EBADMSG,
         "neither"},
        {"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n",
         -EBADMSG, "private"},
        {"-----BEGIN RSA PRIVATE KEY-----\n", -EBADMSG, "private"},
        {"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", -EBADMSG, "begin with"},
        {VECTOR_ED25519 VECTOR_ED25519_OTHER, -EBADMSG, "more than one"},
        {VECTOR_ED25519 "-----BEGIN PRIVATE KEY-----\n", -EBADMSG, "private"},
        {VECTOR_RSA_1024, -ERANGE, "2048"},
        {VECTOR_RSA_EXPONENT_1, -EKEYREJECTED, "no good"},
        {VECTOR_RSA_EXPONENT_2, -EKEYREJECTED, "no good"},
        {VECTOR_RSA_TAIL, -EBADMSG, "neither"},
        {VECTOR_RSA_PSS, -EBADMSG, "neither"},
        {VECTOR_EC, -EBADMSG, "neither"},
        {VECTOR_ED25519_NO_POINT, -EKEYREJECTED, "no good"},
        {VECTOR_ED25519_NEUTRAL, -EKEYREJECTED, "no good"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct verify_key *key = NULL;
        char problem[VERIFY_PROBLEM] = "";
        int r = verify_key_load(&key, cases[i].pem, strlen(cases[i].pem), problem);

        if (r != cases[i].r || !strstr(problem, cases[i].problem) || key)
            suite_fail(__FILE__, __LINE__, "case %zu: %d \"%s\"", i, r, problem);
        verify_key_free(key);
    }
}

/* A text that was cut anywhere, or has another character anywhere, is another key or none. */
static void damage_key(const char *pem, const char *signature)
{
    const struct signature good = decode(signature);
    size_t len = strlen(pem);
    const char *end = strstr(pem, "-----END PUBLIC KEY-----");
    char *copy = malloc(len);

    CHECK(copy && end);
    for (size_t n = 0; copy && end && n < (size_t) (end - pem); n++) {
        struct verify_key *key = NULL;
        char problem[VERIFY_PROBLEM] = "";

        CHECK(verify_key_load(&key, pem, n, problem) < 0 && problem[0] != '\0');
        memcpy(copy, pem, len);
        copy[n] = copy[n] == 'A' ? 'B' : copy[n] == '\n' ? ' ' : 'A';
        if (copy[n] != ' ' && verify_key_load(&key, copy, len, problem) == 0)
            CHECK_INT(verify(key, &good), -EKEYREJECTED);
        verify_key_free(key);
    }
    free(copy);
}

static void test_damaged_keys(void)
{
    damage_key(VECTOR_ED25519, VECTOR_ED25519_SIGNATURE);
    damage_key(VECTOR_RSA, VECTOR_RSA_SIGNATURE);
}

/* Comments before and after the key, as openssl x509 -text prints them, and line ends of DOS. */
static void test_around(void)
{
    static const char *const pems[] = {
        "the key of the build machine\n" VECTOR_ED25519,
        VECTOR_ED25519 "\n\n",
        "-----BEGIN PUBLIC KEY-----\r\n"
        "MCowBQYDK2VwAyEA/Stu2cogXowzucFY0iNv7qoNFjwykFmI9P18iujjec4=\r\n"
        "-----END PUBLIC KEY-----\r\n",
    };
    const struct signature good = decode(VECTOR_ED25519_SIGNATURE);

    for (size_t i = 0; i < ARRAY_SIZE(pems); i++) {
        CLEANUP(verify_key_freep) struct verify_key *key = load(pems[i]);

        CHECK(key && verify(key, &good) == 0);
    }
}

const struct suite_test suite_tests[] = {
    {"signatures", test_signatures},
    {"damaged-ed25519", test_damaged_ed25519},
    {"damaged-rsa", test_damaged_rsa},
    {"no-signature", test_no_signature},
    {"refused-keys", test_refused_keys},
    {"damaged-keys", test_damaged_keys},
    {"around", test_around},
    {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Login of devices and signatures of apps, with the vectors of the vendor's code and documents. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "examples/localcloud/app_sign.h"
#include "examples/localcloud/ident.h"
#include "examples/localcloud/sign.h"
#include "tests/lib/keys.h"
#include "tests/lib/suite.h"

#define NOW 1700000000

static void test_base64(void)
{
    static const struct {
        const char *text;
        int result;
        const char *bytes;
    } cases[] = {
        {"", 0, ""},           {"Zg==", 0, "f"},           {"YWI=", 0, "ab"},
        {"Zm9v", 0, "foo"},    {"Zm9vYg==", 0, "foob"},    {"Zg=", -EINVAL, ""},
        {"Zh==", -EINVAL, ""}, {"====", -EINVAL, ""},      {"Zg==Zg==", -EINVAL, ""},
        {"Z g=", -EINVAL, ""}, {"Zm9vYmFy", -ENOBUFS, ""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint8_t buf[5];
        size_t len = 0;
        int e = sign_base64_decode(cases[i].text, buf, sizeof(buf), &len);

        if (e != cases[i].result)
            suite_fail(__FILE__, __LINE__, "\"%s\": %d", cases[i].text, e);
        else if (e == 0)
            CHECK(len == strlen(cases[i].bytes) && memcmp(buf, cases[i].bytes, len) == 0);
    }
}

static const struct ident_peer no_tls;

static struct config_device device_abc(void)
{
    struct config_device d = {.client_id = "ABCDE12345dev_001", .enabled = true, .secret_len = 16};

    memcpy(d.secret, "0123456789abcdef", 16); /* MDEyMzQ1Njc4OWFiY2RlZg== */
    return d;
}

/* Seen on the wire of the vendor's C client. */
#define VENDOR_USER "ABCDE12345dev_001;21010406;257ZU;92233720368547758"
#define VENDOR_HEX "041ea29e6909c1309bfc761c05888e308cbfc12b"

/* "" when it is let in. */
static const char *why_not(const struct config_device *d, const char *user, const char *password,
                           const struct ident_peer *peer, char why[IDENT_WHY_MAX])
{
    enum ident_code code = ident_check(d, user, password, peer, NOW, why);

    CHECK(code == IDENT_CODE_OK || code == IDENT_CODE_CREDENTIALS ||
          code == IDENT_CODE_NOT_AUTHORIZED);
    return code == IDENT_CODE_OK ? "" : why;
}

static void test_vendor_login(void)
{
    struct config_device d = device_abc();
    char why[IDENT_WHY_MAX];

    CHECK_INT(ident_check(&d, VENDOR_USER, VENDOR_HEX ";hmacsha1", &no_tls, NOW, why),
              IDENT_CODE_OK);
    CHECK_INT(ident_check(&d, VENDOR_USER, "041EA29E6909C1309BFC761C05888E308CBFC12B;hmacsha1",
                          &no_tls, NOW, why),
              IDENT_CODE_OK);
    d.enabled = false;
    CHECK_INT(ident_check(&d, VENDOR_USER, VENDOR_HEX ";hmacsha1", &no_tls, NOW, why),
              IDENT_CODE_NOT_AUTHORIZED);
}

#define CERT_USER "ABCDE12345dev_001;12010126;257ZU;2147483647"

/* A certificate device signs, or shows its certificate to TLS. */
static void test_certificate_login(void)
{
    char path[] = "/tmp/test-localcloud-sign-XXXXXX", why[IDENT_WHY_MAX],
         upper[sizeof(KEYS_SIGNATURE)];
    struct config_device d = {.client_id = "ABCDE12345dev_001", .enabled = true};
    struct ident_peer tls = {.needs_cert = true};
    int fd = mkstemp(path);

    CHECK_INT(write(fd, KEYS_CERT, strlen(KEYS_CERT)), strlen(KEYS_CERT));
    CHECK_INT(close(fd), 0);
    CHECK_INT(cert_load(&d.cert, path), 0);
    CHECK_INT(unlink(path), 0);
    if (!d.cert)
        return;
    for (size_t i = 0; i < sizeof(upper); i++)
        upper[i] = (char) toupper(KEYS_SIGNATURE[i]);
    CHECK_STR(why_not(&d, CERT_USER, KEYS_SIGNATURE ";rsa-sha256", &no_tls, why), "");
    CHECK(cert_signed(d.cert, CERT_USER, upper)); /* as the Java SDK writes it */
    CHECK_STR(why_not(&d, "ABCDE12345dev_001;12010126;257ZV;2147483647",
                      KEYS_SIGNATURE ";rsa-sha256", &no_tls, why),
              "signature does not match the certificate");
    CHECK_STR(why_not(&d, CERT_USER, KEYS_SIGNATURE "00;rsa-sha256", &no_tls, why),
              "signature does not match the certificate");
    CHECK_STR(why_not(&d, CERT_USER, ";rsa-sha256", &no_tls, why),
              "signature does not match the certificate");
    CHECK_STR(why_not(&d, CERT_USER, "any", &no_tls, why), "password is not hex;rsa-sha256");
    CHECK_STR(why_not(&d, CERT_USER, KEYS_SIGNATURE ";hmacsha256", &no_tls, why),
              "password is not hex;rsa-sha256");

    CHECK_STR(why_not(&d, CERT_USER, KEYS_SIGNATURE ";rsa-sha256", &tls, why),
              "the TLS client showed no certificate");
    tls.key = cert_key(d.cert, &tls.key_len);
    CHECK_STR(why_not(&d, CERT_USER, "any", &tls, why), "");
    tls.key_len--;
    CHECK_STR(why_not(&d, CERT_USER, "any", &tls, why), "the TLS certificate is another device's");
    cert_free(d.cert);
}

/* Signs user and logs in. */
static enum ident_code login(const char *user, const char *method, char *why)
{
    struct config_device d = device_abc();
    struct sign_digest digest;
    enum sign_method m;
    char password[128];
    int n = 0;

    CHECK_INT(sign_method_parse(method, &m), 0);
    CHECK_INT(sign_hmac(m, d.secret, d.secret_len, user, strlen(user), &digest), 0);
    for (size_t i = 0; i < digest.len; i++)
        n += snprintf(password + n, sizeof(password) - (size_t) n, "%02x", digest.bytes[i]);
    (void) snprintf(password + n, sizeof(password) - (size_t) n, ";%s", method);
    return ident_check(&d, user, password, &no_tls, NOW, why);
}

static void test_user_names(void)
{
    /* all of them are signed as they stand, so only the content decides */
    static const struct {
        const char *user;
        enum ident_code code;
    } cases[] = {
        {"ABCDE12345dev_001;12010126;abcde;2147483647", IDENT_CODE_OK},
        {"ABCDE12345dev_001;12010126;abcde;1700000001", IDENT_CODE_OK},
        {"ABCDE12345dev_001;1;x;9223372036854775807", IDENT_CODE_OK}, /* 19 digits */
        {"ABCDE12345dev_001;1;x;9999999999999999999", IDENT_CODE_OK},
        {"ABCDE12345dev_001;1;x;1795254435000", IDENT_CODE_OK}, /* the Python client's ms */
        {"ABCDE12345dev_001;12010126;abcde;1700000000", IDENT_CODE_CREDENTIALS}, /* now */
        {"ABCDE12345dev_001;1;x;10000000000000000000", IDENT_CODE_CREDENTIALS},  /* 20 digits */
        {"ABCDE12345dev_001;12010126;abcde;", IDENT_CODE_CREDENTIALS},
        {"ABCDE12345dev_001;12010126;abcde;-1", IDENT_CODE_CREDENTIALS},
        {"ABCDE12345dev_001;12010126;abcde;21474x", IDENT_CODE_CREDENTIALS},
        {"ABCDE12345dev_001;12010126;abcde", IDENT_CODE_CREDENTIALS},
        {"ABCDE12345dev_001;12010126;abcde;2147483647;", IDENT_CODE_CREDENTIALS},
        {"ABCDE12345dev_001;app;abcde;2147483647", IDENT_CODE_CREDENTIALS},
        {"ABCDE12345dev_001;;abcde;2147483647", IDENT_CODE_CREDENTIALS},
        {"ABCDE12345dev_001;12010126;;2147483647", IDENT_CODE_CREDENTIALS},
        {"ABCDE12345dev_002;12010126;abcde;2147483647", IDENT_CODE_CREDENTIALS},
        {"", IDENT_CODE_CREDENTIALS},
    };
    char why[IDENT_WHY_MAX];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        enum ident_code code = login(cases[i].user, i % 2 ? "hmacsha1" : "hmacsha256", why);

        if (code != cases[i].code)
            suite_fail(__FILE__, __LINE__, "%s: %d %s", cases[i].user, (int) code, why);
    }
}

static void test_passwords(void)
{
    static const char *const bad[] = {
        "",
        VENDOR_HEX,
        VENDOR_HEX ";",
        VENDOR_HEX ";hmacsha256",
        VENDOR_HEX ";hmacmd5",
        VENDOR_HEX ";hmacsha1;",
        ";hmacsha1",
        "041ea29e6909c1309bfc761c05888e308cbfc12;hmacsha1",
        "041ea29e6909c1309bfc761c05888e308cbfc12c;hmacsha1",
        "041ea29e6909c1309bfc761c05888e308cbfc12bb;hmacsha1",
    };
    struct config_device d = device_abc();
    char why[IDENT_WHY_MAX], huge[600];

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (ident_check(&d, VENDOR_USER, bad[i], &no_tls, NOW, why) != IDENT_CODE_CREDENTIALS)
            suite_fail(__FILE__, __LINE__, "accepted \"%s\"", bad[i]);
    }
    memset(huge, '1', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = '\0';
    CHECK_INT(ident_check(&d, VENDOR_USER, huge, &no_tls, NOW, why), IDENT_CODE_CREDENTIALS);
    CHECK_INT(ident_check(&d, huge, VENDOR_HEX ";hmacsha1", &no_tls, NOW, why),
              IDENT_CODE_CREDENTIALS);
    CHECK_INT(ident_check(&d, NULL, NULL, &no_tls, NOW, why), IDENT_CODE_CREDENTIALS);
    CHECK_INT(ident_check(NULL, VENDOR_USER, VENDOR_HEX ";hmacsha1", &no_tls, NOW, why),
              IDENT_CODE_CLIENT_ID);
}

static void test_app_signature(void)
{
    json_t *params =
        json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:s, s:i, s:s, s:s}", "Action",
                  "AppCreateCellphoneUser", "PhoneNumber", "13900000000", "CountryCode", "86",
                  "Password", "My!P@ssword", "Timestamp", 1546315200, "VerificationCode", "123456",
                  "AppKey", "ahPxdK****TGrejd", "Empty", "", "Nonce", 71087795, "RequestId",
                  "8b8d499bbba1ac28b6da21b4", "Signature", "not signed");
    CLEANUP(freep) char *text = NULL, *signature = NULL, *other = NULL;

    CHECK_INT(app_sign_text(params, &text), 0);
    CHECK_STR(text, "Action=AppCreateCellphoneUser&AppKey=ahPxdK****TGrejd&CountryCode=86&"
                    "Nonce=71087795&Password=My!P@ssword&PhoneNumber=13900000000&"
                    "RequestId=8b8d499bbba1ac28b6da21b4&Timestamp=1546315200&"
                    "VerificationCode=123456");
    CHECK_INT(app_sign(params, "NcbHgk****TCGbKnQH", &signature), 0);
    CHECK_STR(signature, "qs/VsyRGegQ/SuWaavQfb6Em0wQ=");
    json_decref(params);

    /* '_' in names becomes '.', values stay; sorted by the name as it was sent */
    params = json_pack("{s:s, s:s, s:b}", "b_c", "x_y", "a", "1", "d", 1);
    CHECK_INT(app_sign_text(params, &other), 0);
    CHECK_STR(other, "a=1&b.c=x_y&d=true");
    json_decref(params);
}

const char *const suite_name = "localcloud-sign";
const struct suite_test suite_tests[] = {
    {"base64", test_base64},
    {"vendor_login", test_vendor_login},
    {"user_names", test_user_names},
    {"passwords", test_passwords},
    {"app_signature", test_app_signature},
    {"certificate_login", test_certificate_login},
    {NULL, NULL},
};

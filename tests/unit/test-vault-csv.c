/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/vault_csv.h"
#include "tests/lib/suite.h"

/* As the console guide shows it, mass production. */
#define NAMES "ProductId, DeviceName, ProductSecret, DevicePsk, Status, QRCode\n"
#define QR(n) ",,\"{\"\"ProductId\"\":\"\"8E4RA7CJ2F\"\",\"\"DeviceName\"\":\"\"" n "\"\"}\""
#define BATCH                                                                                      \
    NAMES "8E4RA7CJ2F,0000000000,,PKpb04tDA865x9Ro8rGgKA==" QR(                                    \
        "0000000000") "\n"                                                                         \
                      "8E4RA7CJ2F,0000000001,,E0y414IoabZVIC8mV6kfwQ==" QR("0000000001") "\n"

static int find(struct vault_csv_device *d, const char *text, unsigned line, const char *name,
                char *problem)
{
    int r;

    problem[0] = '\0';
    r = vault_csv_find(d, text, strlen(text), line, name, problem);
    CHECK((r < 0) == (problem[0] != '\0'));
    return r;
}

static void test_console(void)
{
    struct vault_csv_device d;
    char problem[VAULT_CSV_PROBLEM];

    CHECK_INT(find(&d, BATCH, 2, NULL, problem), 0);
    CHECK_STR(d.product_id, "8E4RA7CJ2F");
    CHECK_STR(d.device_name, "0000000001");
    CHECK_STR(d.product_secret, "");
    CHECK_STR(d.device_secret, "E0y414IoabZVIC8mV6kfwQ==");
    CHECK_INT(find(&d, BATCH, 0, "0000000000", problem), 0);
    CHECK_STR(d.device_secret, "PKpb04tDA865x9Ro8rGgKA==");
    CHECK_INT(find(&d, BATCH, 1, "0000000000", problem), 0);
    CHECK_INT(find(&d, BATCH, 2, "0000000000", problem), -ENOENT);
    CHECK_INT(find(&d, BATCH, 3, NULL, problem), -ENOENT);
    CHECK_INT(find(&d, BATCH, 0, "0000000002", problem), -ENOENT);
    CHECK_INT(find(&d, BATCH, 0, NULL, problem), -EINVAL);
    CHECK(strstr(problem, "2 devices"));
}

static void test_shapes(void)
{
    static const struct {
        const char *name;
        const char *text;
        const char *want; /* product name product-secret device-secret */
    } cases[] = {
        {"no names", "P1,dev,c2VjcmV0", "P1 dev  c2VjcmV0"},
        {"names in another order", "Device Secret;x,device_name,PRODUCTID\nignored,dev,P1\n",
         "P1 dev  "},
        {"other spelling", "DeviceSecret,DEVICE_NAME,Product ID\nc2VjcmV0,dev,P1\n",
         "P1 dev  c2VjcmV0"},
        {"product secret", "productid,devicename,productsecret\nP1,dev,0123456789abcdef\n",
         "P1 dev 0123456789abcdef "},
        {"byte order mark, CRLF",
         "\xef\xbb\xbf"
         "DeviceName,Psk\r\ndev,c2VjcmV0\r\n",
         " dev  c2VjcmV0"},
        {"blank lines", "\n\r\nP1,dev,c2VjcmV0\n\n\n", "P1 dev  c2VjcmV0"},
        {"quotes and blanks", " \"P1\" ,\"dev\", \"c2VjcmV0\" ,x", "P1 dev  c2VjcmV0"},
        {"a line end in quotes", "DeviceName,Note,Psk\ndev,\"a\nb,\"\"c\",c2VjcmV0",
         " dev  c2VjcmV0"},
        {"a quote that does not begin", "DeviceName,Note,Psk\ndev,5\" tall,c2VjcmV0",
         " dev  c2VjcmV0"},
        {"many columns", "P1,dev,c2VjcmV0,,,,,,,,,,,,,,,,,,,,,,,", "P1 dev  c2VjcmV0"},
        {"few columns", "P1,dev", "P1 dev  "},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char problem[VAULT_CSV_PROBLEM], text[256];
        struct vault_csv_device d;
        int r = find(&d, cases[i].text, 0, NULL, problem);

        (void) snprintf(text, sizeof(text), "%s %s %s %s", d.product_id, d.device_name,
                        d.product_secret, d.device_secret);
        if (r < 0)
            suite_fail(__FILE__, __LINE__, "%s: %d %s", cases[i].name, r, problem);
        else if (strcmp(text, cases[i].want) != 0)
            suite_fail(__FILE__, __LINE__, "%s: \"%s\"", cases[i].name, text);
    }
}

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void test_bad(void)
{
    static const struct {
        const char *text;
        int result;
    } cases[] = {
        {"", -ENOENT},
        {"\n\n", -ENOENT},
        {NAMES, -ENOENT},
        {"P1", -EINVAL},                     /* no name */
        {"P1,bad name,c2VjcmV0", -EINVAL},   /* a blank in it */
        {"P1," X64 ",c2VjcmV0", -EINVAL},    /* name too long */
        {"P1234567890,dev,c2Vj", -EINVAL},   /* product too long */
        {"P1,dev,x" X64, -EINVAL},           /* secret too long */
        {"P1,\"dev,c2VjcmV0", -EINVAL},      /* quote without end */
        {"P1,a,c2Vj\nP1,b,c2Vj", -EINVAL},   /* two devices */
        {"P1,a,c2Vj\nP1,b c,c2Vj", -EINVAL}, /* a bad line, and it might be the one */
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct vault_csv_device d = {.device_name = "untouched"};
        char problem[VAULT_CSV_PROBLEM];
        int r = find(&d, cases[i].text, 0, NULL, problem);

        if (r != cases[i].result)
            suite_fail(__FILE__, __LINE__, "\"%s\": %d %s", cases[i].text, r, problem);
        CHECK_STR(d.device_name, "untouched");
        CHECK(!strstr(problem, "c2Vj")); /* no secret in it */
    }
}

/* What is wrong in other lines does not matter when the line is given. */
static void test_line(void)
{
    struct vault_csv_device d;
    char problem[VAULT_CSV_PROBLEM];

    CHECK_INT(find(&d, "P1,bad name,x\nP1,b,c2Vj\n", 2, NULL, problem), 0);
    CHECK_STR(d.device_name, "b");
}

/* Every cut of a good file ends in a result, and reads nothing behind it. */
static void test_cuts(void)
{
    size_t len = strlen(BATCH);

    for (size_t i = 0; i <= len; i++) {
        CLEANUP(freep) char *copy = malloc(i + 1);
        struct vault_csv_device d;
        char problem[VAULT_CSV_PROBLEM];
        int r;

        CHECK(copy);
        memcpy(copy, BATCH, i);
        copy[i] = '\0';
        r = vault_csv_find(&d, copy, i, 2, NULL, problem);
        CHECK(r == 0 || r == -EINVAL || r == -ENOENT);
    }
}

const char *const suite_name = "vault-csv";
const struct suite_test suite_tests[] = {
    {"console", test_console}, {"shapes", test_shapes}, {"bad", test_bad},
    {"line", test_line},       {"cuts", test_cuts},     {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/vault.h"
#include "libiotclient/base/fdutil.h"
#include "tests/lib/keys.h"
#include "tests/lib/suite.h"

#define GOOD                                                                                       \
    "{\"auth_mode\":\"KEY\",\"productId\":\"ABCDE12345\",\"productSecret\":\"\","                  \
    "\"deviceName\":\"dev_001\",\"key_deviceinfo\":{"                                              \
    "\"deviceSecret\":\"MDEyMzQ1Njc4OWFiY2RlZg==\"},\"region\":\"us-east\"}"
#define KEY "\"key_deviceinfo\":{\"deviceSecret\":\"MDEyMzQ1Njc4OWFiY2RlZg==\"}"

static char dir[64];

static void make_dir(void)
{
    strcpy(dir, "/tmp/test-vault-XXXXXX");
    CHECK(mkdtemp(dir));
}

static const char *path_of(const char *name)
{
    static char path[128];

    (void) snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void remove_dir(void)
{
    static const char *const names[] = {"file", "link", "fifo", "dir", "c.pem", "k.pem"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        (void) remove(path_of(names[i]));
    CHECK_INT(rmdir(dir), 0);
}

static void write_to(const char *name, const char *text, size_t len, mode_t mode)
{
    FILE *f = fopen(path_of(name), "we");

    CHECK(f);
    if (!f)
        return;
    CHECK_INT(fwrite(text, 1, len, f), len);
    CHECK_INT(fclose(f), 0);
    CHECK_INT(chmod(path_of(name), mode), 0);
}

static void write_file(const char *text, size_t len, mode_t mode)
{
    write_to("file", text, len, mode);
}

static int load(const char *name, char problem[VAULT_PROBLEM])
{
    struct ident *id = NULL;
    int r;

    problem[0] = '\0';
    r = vault_load(&id, path_of(name), problem);
    CHECK((r == 0) == (id != NULL));
    CHECK((r == 0) == !problem[0]);
    ident_free(id);
    return r;
}

static void test_good(void)
{
    struct ident *id = NULL;
    char problem[VAULT_PROBLEM];

    CHECK_INT(vault_parse(&id, GOOD, strlen(GOOD), problem), 0);
    if (!id)
        return;
    CHECK_STR(id->product_id, "ABCDE12345");
    CHECK_STR(id->device_name, "dev_001");
    CHECK_STR(id->region, "us-east");
    CHECK_INT(secret_len(id->device_secret), 16);
    CHECK_INT(memcmp(secret_data(id->device_secret), "0123456789abcdef", 16), 0);
    CHECK(!ident_free(id));
    CHECK(!ident_free(NULL));
}

/* Each field alone: missing, of a wrong type, with a wrong value. */
static void test_fields(void)
{
    static const struct {
        const char *text;
        const char *problem; /* NULL: good */
    } cases[] = {
        {"{\"productId\":\"P\",\"deviceName\":\"d\"," KEY "}", NULL}, /* the least */
        {"{\"productId\":\"P\",\"deviceName\":\"d-1\",\"x\":[1]," KEY "}", NULL},
        {"{\"deviceName\":\"d\"," KEY "}", "\"productId\" is missing"},
        {"{\"productId\":\"\",\"deviceName\":\"d\"," KEY "}", "\"productId\" is missing"},
        {"{\"productId\":1,\"deviceName\":\"d\"," KEY "}", "\"productId\" is not a text"},
        {"{\"productId\":\"P/\",\"deviceName\":\"d\"," KEY "}",
         "\"productId\" is not 1 to 10 letters and digits"},
        {"{\"productId\":\"P1234567890\",\"deviceName\":\"d\"," KEY "}",
         "\"productId\" is not 1 to 10 letters and digits"},
        {"{\"productId\":\"P\"," KEY "}", "\"deviceName\" is missing"},
        {"{\"productId\":\"P\",\"deviceName\":\"\"," KEY "}", "\"deviceName\" is missing"},
        {"{\"productId\":\"P\",\"deviceName\":null," KEY "}", "\"deviceName\" is not a text"},
        {"{\"productId\":\"P\",\"deviceName\":\"a;b\"," KEY "}",
         "\"deviceName\" is not 1 to 48 letters, digits, underscores, dashes"},
        {"{\"productId\":\"P\",\"deviceName\":"
         "\"1234567890123456789012345678901234567890123456789\"," KEY "}",
         "\"deviceName\" is not 1 to 48 letters, digits, underscores, dashes"},
        {"{\"productId\":\"P\",\"deviceName\":\"d\",\"region\":\"mars\"," KEY "}",
         "\"region\" is not one of china, us-east, europe, ap-bangkok"},
        {"{\"productId\":\"P\",\"deviceName\":\"d\",\"region\":\"\"," KEY "}",
         "\"region\" is not one of china, us-east, europe, ap-bangkok"},
        {"{\"productId\":\"P\",\"deviceName\":\"d\",\"region\":7," KEY "}",
         "\"region\" is not one of china, us-east, europe, ap-bangkok"},
        {"{\"productId\":\"P\",\"deviceName\":\"d\",\"region\":\"chinachinachinachina\"," KEY "}",
         "\"region\" is not one of china, us-east, europe, ap-bangkok"},
        {"{\"productId\":\"P\",\"deviceName\":\"d\",\"auth_mode\":\"TOKEN\"," KEY "}",
         "\"auth_mode\" is \"TOKEN\": neither KEY nor CERT"},
        {"{\"productId\":\"P\",\"deviceName\":\"d\",\"auth_mode\":\"CERT\"," KEY "}",
         "\"cert_deviceinfo\" is missing"},
        {"{\"productId\":\"P\",\"deviceName\":\"d\",\"auth_mode\":\"CERT\",\"cert_deviceinfo\":{}}",
         "\"cert_deviceinfo.devCertFile\" is missing"},
        {"{\"productId\":\"P\",\"deviceName\":\"d\",\"auth_mode\":\"CERT\",\"cert_deviceinfo\":"
         "{\"devCertFile\":\"c\",\"devPrivateKeyFile\":\"\"}}",
         "\"cert_deviceinfo.devPrivateKeyFile\" is missing"},
        {"{\"productId\":\"P\",\"deviceName\":\"d\",\"auth_mode\":\"CERT\",\"cert_deviceinfo\":"
         "{\"devCertFile\":1,\"devPrivateKeyFile\":\"k\"}}",
         "\"cert_deviceinfo.devCertFile\" is not a text"},
        {"{\"productId\":\"P\",\"deviceName\":\"d\",\"auth_mode\":0," KEY "}",
         "\"auth_mode\" is not a text"},
        {"{\"productId\":\"P\",\"deviceName\":\"d\"}", "\"key_deviceinfo\" is missing"},
        {"{\"productId\":\"P\",\"deviceName\":\"d\",\"key_deviceinfo\":\"x\"}",
         "\"key_deviceinfo\" is missing"},
        {"{\"productId\":\"P\",\"deviceName\":\"d\",\"key_deviceinfo\":{}}",
         "\"key_deviceinfo.deviceSecret\" is missing"},
        {"{\"productId\":\"P\",\"deviceName\":\"d\",\"key_deviceinfo\":{\"deviceSecret\":[]}}",
         "\"key_deviceinfo.deviceSecret\" is not a text"},
        {"{\"productId\":\"P\",\"deviceName\":\"d\",\"key_deviceinfo\":{\"deviceSecret\":\"top "
         "secret\"}}",
         "\"key_deviceinfo.deviceSecret\" is not base64"},
        {"{\"productId\":\"P\",\"deviceName\":\"d\",\"key_deviceinfo\":{\"deviceSecret\":"
         "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}}",
         "\"key_deviceinfo.deviceSecret\" is longer than 64 bytes"},
        {"", "not a JSON object (line 1, column 0)"},
        {"[]", "not a JSON object (line 0, column 0)"},
        {"{\"productId\":\"P\",\"productId\":\"P\"}", "not a JSON object (line 1, column 28)"},
        {"{\n  \"deviceSecret\" \"MDEy\"}", "not a JSON object (line 2, column 23)"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct ident *id = NULL;
        char problem[VAULT_PROBLEM] = "";
        int r = vault_parse(&id, cases[i].text, strlen(cases[i].text), problem);

        CHECK_INT(r, cases[i].problem ? -EINVAL : 0);
        CHECK((id != NULL) == (r == 0));
        if (strcmp(problem, cases[i].problem ? cases[i].problem : "") != 0)
            suite_fail(__FILE__, __LINE__, "%s: %s", cases[i].text, problem);
        if (id)
            CHECK_STR(id->region, "china");
        ident_free(id);
    }
}

/* No text that goes to the log quotes what may be the secret. */
static void test_no_quote(void)
{
    static const char *const texts[] = {
        "{\"productId\":\"P\",\"deviceName\":\"d\",\"key_deviceinfo\":{\"deviceSecret\":\"hush!\"}"
        "}",
        "{\"deviceSecret\":\"hush!\" x}",
        "{\"deviceSecret\":hush!}",
        "{\"hush!\":1,\"hush!\":2}",
    };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct ident *id = NULL;
        char problem[VAULT_PROBLEM] = "";

        CHECK_INT(vault_parse(&id, texts[i], strlen(texts[i]), problem), -EINVAL);
        CHECK(problem[0] && !strstr(problem, "hush"));
    }
}

static void test_mode(void)
{
    char problem[VAULT_PROBLEM];

    make_dir();
    for (unsigned mode = 0; mode <= 0777; mode++) {
        bool open_to_others = mode & 077;

        if (!(mode & 0400)) /* root could read it all the same */
            continue;
        write_file(GOOD, strlen(GOOD), 0600);
        CHECK_INT(chmod(path_of("file"), mode), 0);
        CHECK_INT(load("file", problem), open_to_others ? -EACCES : 0);
        if (open_to_others)
            CHECK(strstr(problem, "chmod 0600"));
    }
    CHECK_INT(chmod(path_of("file"), 0644), 0);
    CHECK_INT(load("file", problem), -EACCES);
    CHECK_STR(problem, "mode 0644 lets others read the secret: change it with chmod 0600");
    remove_dir();
}

/* 0440 in the directory of systemd, and nowhere else. */
static void test_systemd(void)
{
    static const struct {
        const char *dir; /* below the test's; NULL: none */
        mode_t mode;
        int result;
    } cases[] = {
        {"", 0400, 0},         {"", 0440, 0},       {"", 0600, 0},        {"", 0460, -EACCES},
        {"", 0441, -EACCES},   {"", 0444, -EACCES}, {"/", 0440, -EACCES}, {"/sub", 0440, -EACCES},
        {NULL, 0440, -EACCES}, {NULL, 0400, 0},
    };
    char problem[VAULT_PROBLEM], where[160];

    make_dir();
    write_file(GOOD, strlen(GOOD), 0600);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        (void) snprintf(where, sizeof(where), "%s", path_of("file"));
        *strrchr(where, '/') = '\0';
        (void) strcat(where, cases[i].dir ? cases[i].dir : "");
        if (cases[i].dir)
            CHECK_INT(setenv("CREDENTIALS_DIRECTORY", where, 1), 0);
        else
            CHECK_INT(unsetenv("CREDENTIALS_DIRECTORY"), 0);
        CHECK_INT(chmod(path_of("file"), cases[i].mode), 0);
        CHECK_INT(load("file", problem), cases[i].result);
    }
    (void) unsetenv("CREDENTIALS_DIRECTORY");
    remove_dir();
}

static void test_owner(void)
{
    char problem[VAULT_PROBLEM];

    make_dir();
    write_file(GOOD, strlen(GOOD), 0600);
    if (geteuid() == 0) { /* nobody else can give a file away */
        CHECK_INT(chown(path_of("file"), 65534, 65534), 0);
        CHECK_INT(load("file", problem), -EACCES);
        CHECK_STR(problem, "belongs to uid 65534: it must belong to root or to iotd's user");
        CHECK_INT(chown(path_of("file"), 0, 65534), 0);
    }
    CHECK_INT(load("file", problem), 0);
    remove_dir();
}

static void test_kinds(void)
{
    char problem[VAULT_PROBLEM], target[128];

    make_dir();
    CHECK_INT(load("file", problem), -ENOENT);
    CHECK_STR(problem, "No such file or directory");
    CHECK_INT(mkdir(path_of("dir"), 0700), 0);
    CHECK_INT(load("dir", problem), -EINVAL);
    CHECK_STR(problem, "not a regular file");
    CHECK_INT(mkfifo(path_of("fifo"), 0600), 0);
    CHECK_INT(load("fifo", problem), -EINVAL); /* and does not wait for a writer */
    CHECK_STR(problem, "not a regular file");

    /* A link leads to what is checked: systemd's and a secret store's files are such. */
    write_file(GOOD, strlen(GOOD), 0600);
    (void) snprintf(target, sizeof(target), "%s", path_of("file"));
    CHECK_INT(symlink(target, path_of("link")), 0);
    CHECK_INT(load("link", problem), 0);
    CHECK_INT(chmod(target, 0640), 0);
    CHECK_INT(load("link", problem), -EACCES);
    CHECK_INT(remove(path_of("link")), 0);
    CHECK_INT(symlink("/nowhere/at/all", path_of("link")), 0);
    CHECK_INT(load("link", problem), -ENOENT);
    remove_dir();
}

static void test_size(void)
{
    static char text[65537 + 1];
    char problem[VAULT_PROBLEM];

    make_dir();
    write_file("", 0, 0600);
    CHECK_INT(load("file", problem), -EINVAL);
    memset(text, ' ', sizeof(text));
    memcpy(text, GOOD, strlen(GOOD));
    write_file(text, 65536, 0600);
    CHECK_INT(load("file", problem), 0);
    write_file(text, 65537, 0600);
    CHECK_INT(load("file", problem), -EINVAL);
    CHECK_STR(problem, "File too large");
    write_file(GOOD "\0", strlen(GOOD) + 1, 0600);
    CHECK_INT(load("file", problem), -EINVAL);
    remove_dir();
}

#define CERT                                                                                       \
    "{\"auth_mode\":\"CERT\",\"productId\":\"P\",\"deviceName\":\"d\","                            \
    "\"cert_deviceinfo\":{\"devCertFile\":\"c.pem\",\"devPrivateKeyFile\":\"k.pem\"}}"

/* The files beside the credentials, the only way to a certificate device. */
static void test_certificate(void)
{
    static const struct {
        const char *cert, *key;
        mode_t mode;
        int result;
        const char *problem;
    } cases[] = {
        {KEYS_CERT, KEYS_RSA, 0600, 0, ""},
        {KEYS_CERT, KEYS_RSA_PKCS1, 0400, 0, ""},
        {KEYS_CERT, KEYS_RSA, 0640, -EACCES,
         "\"k.pem\": mode 0640 lets others read the secret: change it with chmod 0600"},
        {KEYS_OTHER_CERT, KEYS_RSA, 0600, -EINVAL, "\"k.pem\" is not the key of \"c.pem\""},
        {KEYS_EC_CERT, KEYS_RSA, 0600, -EINVAL, "\"c.pem\": no certificate of an RSA key in PEM"},
        {"", KEYS_RSA, 0600, -EINVAL, "\"c.pem\": no certificate of an RSA key in PEM"},
        {KEYS_CERT, KEYS_EC, 0600, -EINVAL,
         "\"k.pem\": no RSA private key in PEM, or an encrypted one"},
        {KEYS_CERT, KEYS_ENCRYPTED, 0600, -EINVAL,
         "\"k.pem\": no RSA private key in PEM, or an encrypted one"},
        {KEYS_CERT, KEYS_SMALL, 0600, -EINVAL, "\"k.pem\": the RSA key has not 2048 to 4096 bits"},
    };
    char problem[VAULT_PROBLEM];

    make_dir();
    write_file(CERT, strlen(CERT), 0600);
    CHECK_INT(load("file", problem), -EINVAL);
    CHECK_STR(problem, "\"k.pem\": No such file or directory");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        write_to("c.pem", cases[i].cert, strlen(cases[i].cert), 0644);
        write_to("k.pem", cases[i].key, strlen(cases[i].key), cases[i].mode);
        CHECK_INT(load("file", problem), cases[i].result);
        CHECK_STR(problem, cases[i].problem);
        CHECK_INT(remove(path_of("k.pem")), 0);
    }
    write_to("k.pem", KEYS_RSA, strlen(KEYS_RSA), 0600);
    CHECK_INT(remove(path_of("c.pem")), 0);
    CHECK_INT(load("file", problem), -EINVAL);
    CHECK_STR(problem, "\"c.pem\": No such file or directory");
    remove_dir();
}

/* Absolute names are taken as they are; what is read is what the cloud and TLS get. */
static void test_certificate_ident(void)
{
    char text[512], problem[VAULT_PROBLEM] = "";
    struct ident *id = NULL;

    make_dir();
    write_to("c.pem", KEYS_CERT, strlen(KEYS_CERT), 0644);
    write_to("k.pem", KEYS_RSA, strlen(KEYS_RSA), 0600);
    (void) snprintf(text, sizeof(text),
                    "{\"auth_mode\":\"CERT\",\"productId\":\"P\",\"deviceName\":\"d\","
                    "\"cert_deviceinfo\":{\"devCertFile\":\"%s/c.pem\","
                    "\"devPrivateKeyFile\":\"%s/k.pem\"}}",
                    dir, dir);
    write_file(text, strlen(text), 0600);
    CHECK_INT(vault_load(&id, path_of("file"), problem), 0);
    CHECK_STR(problem, "");
    if (id) {
        CHECK(!id->device_secret);
        CHECK_STR(id->certificate, KEYS_CERT);
        CHECK(secret_len(id->private_key) > 1000);
    }
    ident_free(id);
    remove_dir();
}

const char *const suite_name = "vault";
const struct suite_test suite_tests[] = {
    {"good", test_good},
    {"fields", test_fields},
    {"no_quote", test_no_quote},
    {"mode", test_mode},
    {"systemd", test_systemd},
    {"owner", test_owner},
    {"kinds", test_kinds},
    {"size", test_size},
    {"certificate", test_certificate},
    {"certificate_ident", test_certificate_ident},
    {NULL, NULL},
};

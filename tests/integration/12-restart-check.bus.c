/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What iotd says about its three files, each mistake with the file, and where in it:
 *
 *   iotd --check …   → exit 0, 66 (not there), 77 (others may read the secret), 78 (mistakes)
 *                      stderr: FILE:LINE: KEY: what is wrong with it
 *
 * The same mistakes keep it from starting, and none of them shows the secret.
 */

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tests/lib/scene.h"

#define SECRET "ZGVzay1vbmx5LXNlY3JldA=="

struct files {
    const char *settings;    /* NULL: none */
    const char *credentials; /* NULL: good ones */
    mode_t mode;             /* of the credentials; 0: 0600 */
    const char *model;       /* NULL: the example's */
};

/* Exit status; what it said in *ret_text. */
static int check(const struct files *f, const char *option, char **ret_text)
{
    CLEANUP(freep) char *program = fixture_build_path("iotd"), *model = NULL, *good = NULL;
    CLEANUP(freep)
    char *settings = fixture_write_file("check.conf", 0600, f->settings ? f->settings : "");
    CLEANUP(freep) char *credentials = NULL, *state = fixture_test_path("checked");
    static const char script[] = "exec \"$@\" 2>&1";

    good = scene_edited_file("good.json", "examples/device_info.json", "KEY", "KEY");
    credentials = f->credentials
                      ? fixture_write_file("check.json", f->mode ? f->mode : 0600, f->credentials)
                      : TAKE(good);
    model = f->model ? fixture_write_file("check-model.json", 0600, f->model)
                     : fixture_source_path("examples/smart-light.json");
    return proc_run((const char *const[]){"sh", "-c", script, "sh", program, "--config", settings,
                                          "--credentials", credentials, "--model", model,
                                          "--state-dir", state, "--bus", "session", option, NULL},
                    ret_text);
}

static void check_says(const struct files *f, int status, const char *text)
{
    CLEANUP(freep) char *out = NULL;
    int got = check(f, "--check", &out);

    if (got != status || !out || !strstr(out, text))
        suite_fail(__FILE__, __LINE__, "exit %d, wanted %d; \"%s\", wanted \"%s\"", got, status,
                   out ? out : "", text);
    CHECK(out && !strstr(out, SECRET));
}

static void test_settings(void)
{
    static const struct {
        const char *text, *says;
    } mistakes[] = {
        {"[link]\nkeepalive = 5\n", "check.conf:2: keepalive: "},
        {"[link]\nkeepalive = 691\n", "60"},
        {"\n# comment\n[link]\nkeepalive = many\n", "check.conf:4: keepalive: "},
        {"[link]\nkeepalive = 99999999999999999999\n", "check.conf:2: keepalive: "},
        {"[link]\nkeepalive =\n", "check.conf:2: keepalive: "},
        {"[link]\nkeepalife = 60\n", "check.conf:2: keepalife: unknown key"},
        {"[lnik]\nkeepalive = 60\n", "check.conf:1: lnik: unknown section"},
        {"[link\n", "check.conf:1: "},
        {"[]\n", "check.conf:1: "},
        {"[\n", "check.conf:1: "},
        {"keepalive = 60\n", "check.conf:1: keepalive: "},
        {"[link]\nkeepalive\n", "check.conf:2: keepalive"},
        {"[link]\nkeepalive = 60\nkeepalive = 61\n", "check.conf:3: keepalive: given twice"},
        {"[link]\nsign = md5\n", "check.conf:2: sign: "},
        {"[link]\nclean_session = maybe\n", "check.conf:2: clean_session: "},
        {"[thing]\nunowned_control = perhaps\n", "check.conf:2: unowned_control: "},
        {"[report]\nrate = 0\n", "check.conf:2: rate: "},
        {"[link]\nendpoint = http://localhost\n", "http://localhost"},
        {"[link]\nendpoint = ws://\n", "link.endpoint"},
        {"[link]\nendpoint = ws://host:99999\n", "link.endpoint"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++)
        check_says(&(struct files){.settings = mistakes[i].text}, EX_CONFIG, mistakes[i].says);
    /* All of them in one run, and the other files, too. */
    check_says(&(struct files){.settings = "[link]\nkeepalive = 5\nno_key = 1\n"}, EX_CONFIG,
               "check.conf:3: no_key");
    check_says(&(struct files){.settings = "[link]\nkeepalive = 5\n", .model = "{"}, EX_CONFIG,
               "check-model.json");
    check_says(&(struct files){.settings = "[link]\nkeepalive = 60 \n\n[re port]\n"}, EX_CONFIG,
               "check.conf:4");
    check_says(&(struct files){.settings = "[ link ]\nkeepalive = 5\n"}, EX_CONFIG, "check.conf:2");
    check_says(&(struct files){.settings = " [link] \r\n\tkeepalive=60\r\n; x\n"}, 0, "in order");
}

static void test_credentials(void)
{
#define ID "\"productId\":\"IOTDLIGHT1\",\"deviceName\":\"lamp_001\""
#define KEY "\"key_deviceinfo\":{\"deviceSecret\":\"" SECRET "\"}"
    static const struct {
        const char *text;
        mode_t mode;
        int status;
        const char *says;
    } cases[] = {
        {"{" ID "," KEY "}", 0600, 0, "in order"},
        {"{" ID "," KEY "}", 0400, 0, "in order"},
        {"{" ID "," KEY "}", 0644, EX_NOPERM, "check.json: mode 0644 lets others read"},
        {"{" ID "," KEY "}", 0640, EX_NOPERM, "mode 0640"},
        {"{" ID "," KEY "}", 0602, EX_NOPERM, "mode 0602"},
        {"{" ID "," KEY, 0600, EX_CONFIG, "check.json: not a JSON object"},
        {"", 0600, EX_NOINPUT, "check.json: No such file or directory, or it is empty"},
        {"[]", 0600, EX_CONFIG, "not a JSON object"},
        {"\"" SECRET "\"", 0600, EX_CONFIG, "not a JSON object"},
        {"{\"deviceName\":\"lamp_001\"," KEY "}", 0600, EX_CONFIG, "\"productId\" is missing"},
        {"{\"productId\":\"IOTDLIGHT1\"," KEY "}", 0600, EX_CONFIG, "\"deviceName\" is missing"},
        {"{\"productId\":\"../../x\",\"deviceName\":\"a\"," KEY "}", 0600, EX_CONFIG,
         "\"productId\" is not"},
        {"{\"productId\":\"IOTDLIGHT1\",\"deviceName\":\"a/b\"," KEY "}", 0600, EX_CONFIG,
         "\"deviceName\" is not"},
        {"{\"productId\":5,\"deviceName\":\"a\"," KEY "}", 0600, EX_CONFIG,
         "\"productId\" is not a text"},
        {"{" ID "}", 0600, EX_CONFIG, "\"key_deviceinfo\" is missing"},
        {"{" ID ",\"key_deviceinfo\":{}}", 0600, EX_CONFIG, "deviceSecret\" is missing"},
        {"{" ID ",\"key_deviceinfo\":{\"deviceSecret\":\"*\"}}", 0600, EX_CONFIG,
         "deviceSecret\" is not base64"},
        {"{" ID ",\"auth_mode\":\"PSK\"," KEY "}", 0600, EX_CONFIG, "neither KEY nor CERT"},
        {"{" ID ",\"auth_mode\":\"CERT\"," KEY "}", 0600, EX_CONFIG, "cert_deviceinfo"},
        {"{" ID ",\"region\":\"moon\"," KEY "}", 0600, EX_CONFIG, "region"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        check_says(&(struct files){.credentials = cases[i].text, .mode = cases[i].mode},
                   cases[i].status, cases[i].says);
#undef ID
#undef KEY
}

static void test_model(void)
{
    static const struct {
        const char *text, *says;
    } mistakes[] = {
        {"", "check-model.json: not JSON"},
        {"{}", "has neither properties"},
        {"[]", "check-model.json: "},
        {"{\"properties\":5}", "properties: must be a list"},
        {"{\"properties\":[{\"id\":\"a b\",\"mode\":\"rw\",\"define\":{\"type\":\"int\","
         "\"min\":\"0\",\"max\":\"1\"}}]}",
         "is not an id"},
        {"{\"properties\":[{\"id\":\"a\",\"mode\":\"w\",\"define\":{\"type\":\"bool\"}}]}",
         "properties[0].mode"},
        {"{\"properties\":[{\"id\":\"a\",\"mode\":\"r\",\"define\":{\"type\":\"colour\"}}]}",
         "\"colour\" is not a type"},
        {"{\"properties\":[{\"id\":\"a\",\"mode\":\"r\",\"define\":{\"type\":\"int\","
         "\"min\":\"9\",\"max\":\"1\"}}]}",
         "max: is below min"},
        {"{\"profile\":{\"ProductId\":\"OTHER\"},\"properties\":[{\"id\":\"a\",\"mode\":\"r\","
         "\"define\":{\"type\":\"bool\"}}]}",
         "profile.ProductId"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++)
        check_says(&(struct files){.model = mistakes[i].text}, EX_CONFIG, mistakes[i].says);
}

static void check_missing(const char *option, int status)
{
    CLEANUP(freep)
    char *program = fixture_build_path("iotd"), *out = NULL,
         *model = fixture_source_path("examples/smart-light.json"),
         *good = scene_edited_file("good.json", "examples/device_info.json", "KEY", "KEY");

    CHECK_INT(proc_run((const char *const[]){"sh", "-c", "exec \"$@\" 2>&1", "sh", program,
                                             "--credentials", good, "--model", model, option,
                                             "/no/such/file", "--check", NULL},
                       &out),
              status);
    CHECK(out && strstr(out, "/no/such/file: No such file or directory"));
}

static void test_missing(void)
{
    check_missing("--config", EX_CONFIG);
    check_missing("--credentials", EX_NOINPUT);
    check_missing("--model", EX_NOINPUT);
}

/* Without --check the same mistakes end it before it is on the bus. */
static void test_start(void)
{
    CLEANUP(freep) char *out = NULL;
    struct bus_client *bc = bus_client_new();

    CHECK_INT(check(&(struct files){.settings = "[link]\nkeepalive = 5\n"}, "--debug=", &out),
              EX_CONFIG);
    CHECK(out && strstr(out, "check.conf:2: keepalive"));
    CHECK(bus_client_wait_owner(bc, IOTD_BUS_NAME, false));
    bc = bus_client_free(bc);
}

const char *const suite_name = "12-restart-check";
const struct suite_test suite_tests[] = {
    {"settings", test_settings}, {"credentials", test_credentials},
    {"model", test_model},       {"missing", test_missing},
    {"start", test_start},       {NULL, NULL},
};

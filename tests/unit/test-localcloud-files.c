/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File management at the stand-in: lists, files both ways, deletion, speech; what is kept. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/fdutil.h"
#include "tests/lib/fake-cloud.h"
#include "tests/lib/suite.h"

#define UP "$thing/up/service/P1/d1"
#define DOWN "$thing/down/service/P1/d1"
#define PROPERTY "$thing/down/property/P1/d1"
#define MD5_ABC "900150983cd24fb0d6963f7d28e17f72" /* of "abc" (RFC 1321) */
#define FILE_A "\"resource_name\":\"a.wav\",\"version\":\"1.0.0\",\"resource_type\":\"AUDIO\""
#define FILE_B "\"resource_name\":\"b\",\"version\":\"2\",\"resource_type\":\"FILE\""

static struct fake_cloud cloud;
static struct fake_link a;
static const struct config_device *device;

static void start(void)
{
    static const char *const filters[][2] = {{DOWN, NULL}, {PROPERTY, NULL}};

    fake_cloud_init(&cloud, "{\"up_rate\":0}");
    device = &cloud.config->devices[0];
    fake_link_open(&a, &cloud);
    (void) fake_link_login(&a, false);
    for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
        fake_link_subscribe(&a, 7, filters[i], 1);
        CHECK_INT(fake_link_next(&a)->type, 9);
    }
}

static void end(void)
{
    fake_link_close(&a);
    fake_cloud_done(&cloud);
}

static json_t *ask(const char *payload, const char *method)
{
    json_t *reply;

    fake_link_publish(&a, UP, payload, 0, 0);
    reply = fake_link_next_json(&a, DOWN);
    CHECK_STR(fake_text(reply, "method"), method);
    return reply;
}

/* Takes o. */
static void check_json(json_t *o, const char *want)
{
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

    CHECK_STR(text ? text : "", want);
    free(text);
    json_decref(o);
}

/* What no reply comes to. */
static void tell(const char *payload, const char *problem)
{
    char before[256];

    (void) snprintf(before, sizeof(before), "%s", fake_cloud_event(&cloud, "bad_message"));
    fake_link_publish(&a, UP, payload, 0, 0);
    CHECK_INT(fake_link_next(&a)->type, 0);
    CHECK_STR(fake_cloud_event(&cloud, "bad_message"), problem ? problem : before);
}

static void check_list(const char *report, const char *want)
{
    char payload[512];
    json_t *reply;

    (void) snprintf(payload, sizeof(payload), "{\"method\":\"report_version\",\"report\":{%s}}",
                    report);
    reply = ask(payload, "report_version_rsp");
    CHECK_INT(fake_int(reply, "result_code"), 0);
    CHECK_STR(fake_text(reply, "result_msg"), "success");
    check_json(json_incref(json_object_get(reply, "resource_list")), want);
    json_decref(reply);
}

static void test_list(void)
{
    start();
    check_list("\"resource_list\":[]", "[]");
    check_list(FILE_A, "[{" FILE_A "}]");
    check_list("\"resource_list\":[{" FILE_B "}]", "[{" FILE_B "}]");
    check_list("\"resource_list\":[]", "[{" FILE_A "},{" FILE_B "}]"); /* recovery */
    check_list("\"resource_name\":\"b\",\"version\":\"3\",\"resource_type\":\"FILE\"",
               "[{\"resource_name\":\"b\",\"version\":\"3\",\"resource_type\":\"FILE\"}]");
    check_list("\"resource_list\":[]",
               "[{" FILE_A
               "},{\"resource_name\":\"b\",\"version\":\"3\",\"resource_type\":\"FILE\"}]");
    end();
}

static void test_list_refused(void)
{
    static const struct {
        const char *report, *text;
    } cases[] = {
        {"{\"resource_list\":[{" FILE_A "},{}]}", "resource_name must be 1 to 64 characters"},
        {"{\"resource_list\":{}}", "resource_list must be a list of at most 64 files"},
        {"{\"resource_name\":\"a\",\"version\":\"\",\"resource_type\":\"FILE\"}",
         "version must be 1 to 32 characters"},
        {"{\"resource_name\":\"a\",\"version\":\"1\",\"resource_type\":\"12345678901\"}",
         "resource_type must be 1 to 10 characters"},
        {"7", "resource_name must be 1 to 64 characters"},
    };

    start();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char payload[256];
        json_t *reply;

        (void) snprintf(payload, sizeof(payload),
                        "{\"method\":\"report_version\",\"request_id\":\"9\",\"report\":%s}",
                        cases[i].report);
        reply = ask(payload, "report_version_rsp");
        CHECK_INT(fake_int(reply, "result_code"), -1);
        CHECK_STR(fake_text(reply, "result_msg"), cases[i].text);
        CHECK_STR(fake_text(reply, "request_id"), "9");
        json_decref(reply);
    }
    end();
}

static void check_status(size_t i, const char *kind, const char *status)
{
    json_t *list = filesvc_json(cloud.filesvc, device);

    CHECK_STR(fake_text(json_array_get(list, i), "kind"), kind);
    CHECK_STR(fake_text(json_array_get(list, i), "status"), status);
    json_decref(list);
}

/* Sends the file, and checks what the device gets. */
static void push(const char *version)
{
    const struct filesvc_file file = {"a.wav", "AUDIO", version, NULL};
    char *url = NULL;
    json_t *order;

    CHECK_INT(filesvc_send(cloud.filesvc, device, &file, &url), 0);
    CHECK_INT(fake_link_next(&a)->type, 0);
    fake_cloud_put(&cloud, url, "abc");
    order = fake_link_next_json(&a, DOWN);
    CHECK_STR(fake_text(order, "method"), "update_resource");
    CHECK_STR(fake_text(order, "resource_name"), "a.wav");
    CHECK_STR(fake_text(order, "resource_type"), "AUDIO");
    CHECK_STR(fake_text(order, "version"), version);
    CHECK_STR(fake_text(order, "md5sum"), MD5_ABC);
    CHECK_INT(fake_int(order, "file_size"), 3);
    CHECK(strncmp(fake_text(order, "url"), "http://cloud/files/devicefile/P1/d1/", 36) == 0);
    json_decref(order);
}

#define PROGRESS(method, rest)                                                                     \
    "{\"method\":\"" method "\",\"report\":{\"progress\":{\"resource_name\":\"a.wav\"," rest       \
    "},\"version\":\"1\"}}"

static void test_down(void)
{
    start();
    push("1");
    tell(PROGRESS("report_progress",
                  "\"state\":\"downloading\",\"percent\":\"10\",\"result_code\":\"0\""),
         NULL);
    check_status(0, "down", "running");
    tell(PROGRESS("report_progress", "\"state\":\"done\",\"result_code\":\"0\""), NULL);
    check_status(0, "down", "running"); /* the result is another message */
    check_list("\"resource_list\":[]", "[]");
    tell(PROGRESS("report_result",
                  "\"state\":\"done\",\"result_code\":\"0\",\"result_msg\":\"success\""),
         NULL);
    check_status(0, "down", "done");
    check_list("\"resource_list\":[]",
               "[{\"resource_name\":\"a.wav\",\"version\":\"1\",\"resource_type\":\"AUDIO\"}]");

    push("2");
    tell(PROGRESS("report_result", "\"state\":\"done\",\"result_code\":\"-6\","
                                   "\"result_msg\":\"space not enough\""),
         NULL);
    check_status(2, "down", "failed");
    check_list("\"resource_list\":[]",
               "[{\"resource_name\":\"a.wav\",\"version\":\"1\",\"resource_type\":\"AUDIO\"}]");
    CHECK_INT(filesvc_retry(cloud.filesvc, device, "a.wav"), 0);
    json_decref(fake_link_next_json(&a, DOWN));
    check_status(2, "down", "pending");
    CHECK_INT(filesvc_retry(cloud.filesvc, device, "nothing"), -ENOENT);
    end();
}

static void test_down_refused(void)
{
    start();
    tell(PROGRESS("report_progress", "\"state\":\"downloading\",\"result_code\":0"),
         "report_progress: a report of no file that is on its way");
    tell("{\"method\":\"report_result\"}", "report_result: a report of no file that is on its way");
    push("1");
    tell(PROGRESS("report_result", "\"state\":\"done\""),
         "report_result: progress must have a state, result_code, and a percent of 0 to 100");
    check_status(0, "down", "pending");
    CHECK_INT(filesvc_send(cloud.filesvc, device,
                           &(struct filesvc_file){"n", "12345678901", "1", NULL}, NULL),
              -EINVAL);
    end();
}

static void test_delete(void)
{
    const struct filesvc_file file = {"a.wav", NULL, NULL, NULL};

    start();
    check_list(FILE_A, "[{" FILE_A "}]");
    CHECK_INT(filesvc_delete(cloud.filesvc, device, &file), 0);
    check_json(fake_link_next_json(&a, DOWN),
               "{\"method\":\"del_resource\",\"resource_name\":\"a.wav\",\"resource_type\":"
               "\"AUDIO\",\"version\":\"1.0.0\"}");
    tell(PROGRESS("del_result", "\"state\":\"done\",\"result_code\":\"-7\""), NULL);
    check_list("\"resource_list\":[]", "[{" FILE_A "}]");
    CHECK_INT(filesvc_delete(cloud.filesvc, device, &file), 0);
    json_decref(fake_link_next_json(&a, DOWN));
    tell(PROGRESS("del_result", "\"state\":\"done\",\"result_code\":\"0\""), NULL);
    check_list("\"resource_list\":[]", "[]");

    CHECK_INT(
        filesvc_delete(cloud.filesvc, device, &(struct filesvc_file){"../x", NULL, NULL, NULL}), 0);
    check_json(fake_link_next_json(&a, DOWN),
               "{\"method\":\"del_resource\",\"resource_name\":\"../x\",\"resource_type\":"
               "\"FILE\",\"version\":\"1.0\"}");
    end();
}

/* The token of an upload whose bytes have come, or not. */
static void upload(char token[ITEMS_TOKEN_MAX + 1], bool with_bytes)
{
    json_t *reply =
        ask("{\"method\":\"request_url\",\"request_id\":\"12\",\"report\":{" FILE_A "}}",
            "request_url_resp");

    CHECK_INT(fake_int(reply, "result_code"), 0);
    CHECK_STR(fake_text(reply, "request_id"), "12");
    (void) snprintf(token, ITEMS_TOKEN_MAX + 1, "%s", fake_text(reply, "resource_token"));
    CHECK_INT(strlen(token), ITEMS_TOKEN_MAX);
    CHECK(strstr(fake_text(reply, "resource_url"), "/files/devicefile/P1/d1/"));
    if (with_bytes)
        fake_cloud_put(&cloud, strdup(fake_text(reply, "resource_url")), "abc");
    json_decref(reply);
}

static void post_result(const char *token, const char *code, const char *problem)
{
    char payload[256];

    (void) snprintf(payload, sizeof(payload),
                    "{\"method\":\"report_post_result\",\"report\":{\"progress\":{"
                    "\"resource_token\":\"%s\",\"state\":\"done\",\"result_code\":\"%s\"}}}",
                    token, code);
    tell(payload, problem);
}

static void test_up(void)
{
    char first[ITEMS_TOKEN_MAX + 1], second[ITEMS_TOKEN_MAX + 1];
    json_t *list, *reply;

    start();
    upload(first, true);
    upload(second, false);
    CHECK(strcmp(first, second) != 0);
    post_result(first, "0", NULL);
    check_status(0, "up", "done");
    post_result(second, "0", "report_post_result: report_post_result of what was not uploaded");
    check_status(1, "up", "failed");
    post_result("nothing", "0",
                "report_post_result: report_post_result with a resource_token of no upload");
    list = filesvc_json(cloud.filesvc, device);
    CHECK_INT(fake_int(json_array_get(list, 0), "size"), 3);
    CHECK_STR(fake_text(json_array_get(list, 0), "md5"), MD5_ABC);
    CHECK(strstr(fake_text(json_array_get(list, 0), "url"), "/files/devicefile/P1/d1/1?"));
    CHECK_STR(fake_text(json_array_get(list, 1), "url"), "");
    json_decref(list);

    reply = ask("{\"method\":\"request_url\",\"report\":{" FILE_A "}}", "request_url_resp");
    CHECK_INT(fake_int(reply, "result_code"), -1);
    CHECK_STR(fake_text(reply, "result_msg"), "request_id is missing");
    CHECK_STR(fake_text(reply, "resource_url"), "");
    json_decref(reply);
    end();
}

/* The control's text, a new string. */
static char *ask_asr(const char *token)
{
    char payload[256], *text;
    json_t *control;

    (void) snprintf(payload, sizeof(payload),
                    "{\"method\":\"request_asr\",\"params\":{\"req_type\":0,\"engine_type\":"
                    "\"16k_zh\",\"channel_num\":1,\"resource_token\":\"%s\"}}",
                    token);
    fake_link_publish(&a, UP, payload, 0, 0);
    control = fake_link_next_json(&a, PROPERTY);
    CHECK_STR(fake_text(control, "method"), "control");
    text = strdup(fake_text(json_object_get(control, "params"), "_sys_asr_response"));
    json_decref(control);
    return text;
}

static void check_asr(const char *token, int code, const char *said)
{
    char want[256], *text = ask_asr(token);

    (void) snprintf(want, sizeof(want),
                    "{\"result_code\":%d,\"resource_token\":\"%s\",\"total_num\":1,\"seq\":1,"
                    "\"res_text\":\"%s\"}",
                    code, token, said);
    CHECK_STR(text ? text : "", want);
    free(text);
}

static void test_asr(void)
{
    char token[ITEMS_TOKEN_MAX + 1], empty[ITEMS_TOKEN_MAX + 1];

    start();
    upload(token, true);
    upload(empty, false);
    check_asr(token, 0, "hello");
    CHECK_INT(filesvc_set_asr(cloud.filesvc, "turn on the light", 0), 0);
    check_asr(token, 0, "turn on the light");
    CHECK_INT(filesvc_set_asr(cloud.filesvc, "", 5), 0);
    check_asr(token, 5, "");
    check_asr(empty, 1, "");
    tell("{\"method\":\"request_asr\",\"params\":{\"req_type\":3}}",
         "request_asr: req_type must be 0, 1 or 2");
    tell("{\"method\":\"request_asr\",\"params\":{\"req_type\":1,\"engine_type\":\"16k_zh\","
         "\"resource_token\":\"x\"}}",
         "request_asr: a number is missing, of channel_num, or of res_type, voice_format, seq, "
         "end");
    end();
}

/* What a directory keeps: another stand-in on it knows the same. */
static void test_kept(void)
{
    const struct filesvc_file file = {"a.wav", "AUDIO", "1", NULL};
    char dir[] = "/tmp/test-localcloud-files.XXXXXX", path[64], *url = NULL;
    struct blobs *blobs = NULL;
    struct filesvc *first = NULL, *second = NULL;
    json_t *before, *after;
    int fd;

    start();
    CHECK(mkdtemp(dir) != NULL);
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK_INT(blobs_new(&blobs, &(struct blobs_deps){&cloud.clock, cloud.journal, fd, 600}), 0);
    CHECK_INT(blobs_set_base(blobs, "http://cloud"), 0);
    CHECK_INT(filesvc_new(&first, &(struct filesvc_deps){cloud.config, cloud.journal, cloud.faults,
                                                         cloud.thing, blobs, fd}),
              0);
    check_list(FILE_B, "[{" FILE_B "}]");
    CHECK_INT(filesvc_send(first, device, &file, &url), 0);
    free(url);
    before = filesvc_json(first, device);
    CHECK_INT(json_array_size(before), 2);
    CHECK_INT(filesvc_new(&second, &(struct filesvc_deps){cloud.config, cloud.journal, cloud.faults,
                                                          cloud.thing, blobs, fd}),
              0);
    after = filesvc_json(second, device);
    CHECK(json_equal(before, after));
    json_decref(before);
    json_decref(after);
    filesvc_free(first);
    filesvc_free(second);
    blobs_free(blobs);
    for (const char *const *n = (const char *const[]){"devicefile.json", "blobs.json", NULL}; *n;
         n++) {
        (void) snprintf(path, sizeof(path), "%s/%s", dir, *n);
        (void) remove(path);
    }
    CHECK_INT(remove(dir), 0);
    (void) fd_close(fd);
    end();
}

const char *const suite_name = "localcloud-files";
const struct suite_test suite_tests[] = {
    {"list", test_list},
    {"list-refused", test_list_refused},
    {"down", test_down},
    {"down-refused", test_down_refused},
    {"delete", test_delete},
    {"up", test_up},
    {"asr", test_asr},
    {"kept", test_kept},
    {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource management at the stand-in: both ways, what is refused, faults, what a desk may do. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fake-cloud.h"
#include "tests/lib/suite.h"

#define UP "$resource/up/service/P1/d1"
#define DOWN "$resource/down/service/P1/d1"
#define MD5_ABC "900150983cd24fb0d6963f7d28e17f72" /* of "abc" (RFC 1321) */

static struct fake_cloud cloud;
static struct fake_link a;
static const struct config_device *device;

static void start(void)
{
    static const char *const filters[] = {DOWN, NULL};

    fake_cloud_init(&cloud, "{\"up_rate\":0}");
    device = &cloud.config->devices[0];
    fake_link_open(&a, &cloud);
    (void) fake_link_login(&a, false);
    fake_link_subscribe(&a, 7, filters, 1);
    CHECK_INT(fake_link_next(&a)->type, 9);
}

static void end(void)
{
    fake_link_close(&a);
    fake_cloud_done(&cloud);
}

static json_t *ask(const char *payload, const char *type)
{
    json_t *reply;

    fake_link_publish(&a, UP, payload, 0, 0);
    reply = fake_link_next_json(&a, DOWN);
    CHECK_STR(fake_text(reply, "type"), type);
    return reply;
}

/* Takes reply. */
static void check_result(json_t *reply, int code, const char *text)
{
    CHECK_INT(fake_int(reply, "result_code"), code);
    CHECK_STR(fake_text(reply, "result_msg"), text);
    json_decref(reply);
}

static void check_status(size_t i, const char *status)
{
    json_t *list = resources_json(cloud.resources, device);

    CHECK_STR(fake_text(json_array_get(list, i), "status"), status);
    json_decref(list);
}

static void report(const char *direction, const char *name, const char *progress, int code,
                   const char *text)
{
    char payload[256], type[64];

    (void) snprintf(payload, sizeof(payload),
                    "{\"type\":\"report_%s_progress\",\"name\":\"%s\",\"progress\":{%s}}",
                    direction, name, progress);
    (void) snprintf(type, sizeof(type), "report_%s_progress_rsp", direction);
    check_result(ask(payload, type), code, text);
}

/* Takes message; its URL is good for GET. */
static void check_offer(json_t *message, const char *type, const char *name, int size)
{
    CHECK_STR(fake_text(message, "type"), type);
    CHECK_STR(fake_text(message, "name"), name);
    CHECK_INT(fake_int(message, "size"), size);
    CHECK_STR(fake_text(message, "md5sum"), MD5_ABC);
    CHECK(strncmp(fake_text(message, "url"), "http://cloud/files/resource/P1/d1/", 34) == 0);
    json_decref(message);
}

static void test_down(void)
{
    char *url = NULL;

    start();
    CHECK_INT(resources_send(cloud.resources, device, "faces", NULL, &url), 0);
    CHECK_INT(fake_link_next(&a)->type, 0); /* its bytes are not there */
    check_status(0, "waiting");
    CHECK_INT(resources_retry(cloud.resources, device, "faces"), -EAGAIN);
    fake_cloud_put(&cloud, url, "abc");
    check_offer(fake_link_next_json(&a, DOWN), "download", "faces", 3);
    check_status(0, "pending");
    check_offer(ask("{\"type\":\"get_download_task\"}", "get_download_task_rsp"),
                "get_download_task_rsp", "faces", 3);

    report("download", "faces",
           "\"state\":\"downloading\",\"percent\":89,\"result_code\":0,\"result_msg\":\"\"", 0,
           "ok");
    check_status(0, "running");
    report("download", "faces", "\"state\":\"done\",\"result_code\":0,\"result_msg\":\"\"", 0,
           "ok");
    check_status(0, "done");
    fake_link_publish(&a, UP, "{\"type\":\"get_download_task\"}", 0, 0);
    CHECK_INT(fake_link_next(&a)->type, 0); /* without a task there is no answer */

    CHECK_INT(resources_retry(cloud.resources, device, "faces"), 0);
    check_offer(fake_link_next_json(&a, DOWN), "download", "faces", 3);
    report("download", "faces",
           "\"state\":\"fail\",\"result_code\":-4,\"result_msg\":\"md5 check fail\"", 0, "ok");
    check_status(0, "failed");
    CHECK_INT(resources_remove(cloud.resources, device, "faces"), 0);
    CHECK_INT(resources_remove(cloud.resources, device, "faces"), -ENOENT);
    CHECK(resources_json(cloud.resources, device) == NULL);
    end();
}

/* A device that is away finds it in its session. */
static void test_away(void)
{
    char *url = NULL;

    start();
    fake_link_close(&a);
    CHECK_INT(resources_send(cloud.resources, device, "music", NULL, &url), 0);
    fake_cloud_put(&cloud, url, "abc");
    fake_link_open(&a, &cloud);
    CHECK(fake_link_login(&a, false));
    fake_cloud_pass_ms(&cloud, 1000);
    check_offer(fake_link_next_json(&a, DOWN), "download", "music", 3);
    end();
}

static void test_up(void)
{
    static const char create[] = "{\"type\":\"create_upload_task\",\"size\":3,\"name\":\"log\","
                                 "\"md5sum\":\"" MD5_ABC "\"}";
    json_t *reply, *list;
    char *url;

    start();
    reply = ask(create, "create_upload_task_rsp");
    url = strdup(fake_text(reply, "url"));
    CHECK(url && strstr(url, "&size=3&md5=" MD5_ABC));
    CHECK_STR(fake_text(reply, "name"), "log");
    CHECK_INT(fake_int(reply, "size"), 3);
    CHECK_STR(fake_text(reply, "md5sum"), MD5_ABC);
    check_result(reply, 0, "ok");
    report("upload", "log", "\"state\":\"uploading\",\"percent\":50,\"result_code\":0", 0, "ok");
    check_status(0, "running");
    report("upload", "log", "\"state\":\"done\",\"result_code\":0", -1, "nothing was uploaded");
    check_status(0, "failed");
    fake_cloud_put(&cloud, url, "abc");
    CHECK_INT(fake_link_next(&a)->type, 0);
    report("upload", "log", "\"state\":\"done\",\"result_code\":\"0\"", 0, "ok");
    check_status(0, "done");

    check_result(ask(create, "create_upload_task_rsp"), 0, "ok"); /* takes its place */
    list = resources_json(cloud.resources, device);
    CHECK_INT(json_array_size(list), 1);
    CHECK_STR(fake_text(json_array_get(list, 0), "status"), "waiting");
    CHECK_STR(fake_text(json_array_get(list, 0), "url"), "");
    json_decref(list);
    end();
}

static void test_refused(void)
{
    static const struct {
        const char *payload, *type, *text;
    } cases[] = {
        {"{\"type\":\"create_upload_task\",\"size\":3,\"md5sum\":\"" MD5_ABC "\"}",
         "create_upload_task_rsp", "name must be 1 to 64 characters"},
        {"{\"type\":\"create_upload_task\",\"size\":0,\"name\":\"n\",\"md5sum\":\"" MD5_ABC "\"}",
         "create_upload_task_rsp", "size must be a number of bytes, at most 1024 MB"},
        {"{\"type\":\"create_upload_task\",\"size\":1073741825,\"name\":\"n\",\"md5sum\":\"" MD5_ABC
         "\"}",
         "create_upload_task_rsp", "size must be a number of bytes, at most 1024 MB"},
        {"{\"type\":\"create_upload_task\",\"size\":3,\"name\":\"n\",\"md5sum\":\"abc\"}",
         "create_upload_task_rsp", "md5sum must be 32 hexadecimal digits"},
        {"{\"type\":\"report_upload_progress\",\"name\":\"n\"}", "report_upload_progress_rsp",
         "there is no such task"},
        {"{\"type\":\"report_download_progress\"}", "report_download_progress_rsp",
         "there is no such task"},
    };
    static const char *const silent[] = {"", "[]", "{\"method\":\"get_download_task\"}",
                                         "{\"type\":\"download\"}"};

    start();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *reply = ask(cases[i].payload, cases[i].type);

        CHECK_STR(fake_text(reply, "url"), "");
        check_result(reply, -1, cases[i].text);
    }
    CHECK(resources_json(cloud.resources, device) == NULL);
    for (size_t i = 0; i < ARRAY_SIZE(silent); i++) {
        fake_link_publish(&a, UP, silent[i], 0, 0);
        CHECK_INT(fake_link_next(&a)->type, 0);
        CHECK_STR(fake_cloud_event(&cloud, "bad_message"),
                  "$resource: not an object with a known type");
    }
    end();
}

static void test_bad_progress(void)
{
    static const char *const bad[] = {
        "",
        "\"state\":1,\"result_code\":0",
        "\"state\":\"downloading\"",
        "\"state\":\"downloading\",\"result_code\":\"x\"",
        "\"state\":\"downloading\",\"result_code\":0,\"percent\":101",
        "\"state\":\"downloading\",\"result_code\":0,\"percent\":\"1x\"",
        "\"state\":\"12345678901234567\",\"result_code\":0",
    };
    char *url = NULL;

    start();
    CHECK_INT(resources_send(cloud.resources, device, "n", NULL, &url), 0);
    fake_cloud_put(&cloud, url, "abc");
    json_decref(fake_link_next_json(&a, DOWN));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        report("download", "n", bad[i], -1,
               "progress must have a state, result_code, and a percent of 0 to 100");
    check_status(0, "pending");
    end();
}

/* A desk sends what no console would. */
static void test_desk(void)
{
    json_t *set = json_pack("{s:i, s:s}", "size", -1, "extra", "x"), *message;
    char name[ITEMS_NAME_MAX + 2], *url = NULL;
    unsigned n = 0;
    int e;

    start();
    CHECK_INT(resources_send(cloud.resources, device, "../../etc/passwd", set, &url), 0);
    json_decref(set);
    fake_cloud_put(&cloud, url, "abc");
    message = fake_link_next_json(&a, DOWN);
    CHECK_STR(fake_text(message, "name"), "../../etc/passwd");
    CHECK_INT(fake_int(message, "size"), -1);
    CHECK_STR(fake_text(message, "extra"), "x");
    json_decref(message);

    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    CHECK_INT(resources_send(cloud.resources, device, name, NULL, &url), -EMSGSIZE);
    do {
        url = NULL;
        e = resources_send(cloud.resources, device, "n", NULL, &url);
        free(url);
    } while (e == 0 && ++n < 2 * ITEMS_MAX);
    CHECK_INT(e, -ENOSPC);
    CHECK_INT(n, ITEMS_MAX - 1);
    report("download", "../../etc/passwd", "\"state\":\"done\",\"result_code\":0", 0, "ok");
    CHECK_INT(resources_send(cloud.resources, device, "n", NULL, &url), 0); /* in its place */
    free(url);
    CHECK_INT(resources_remove(cloud.resources, device, "../../etc/passwd"), -ENOENT);
    end();
}

static void test_faults(void)
{
    char *url = NULL;

    start();
    CHECK_INT(resources_send(cloud.resources, device, "n", NULL, &url), 0);
    fake_cloud_put(&cloud, url, "abc");
    json_decref(fake_link_next_json(&a, DOWN));
    fake_cloud_fault(&cloud, "{\"fault\":\"wrong_code\",\"method\":\"report_download_progress_rsp\""
                             ",\"code\":-7,\"count\":1}");
    report("download", "n", "\"state\":\"downloading\",\"result_code\":0", -7, "fault");
    check_status(0, "running");
    fake_cloud_fault(&cloud, "{\"fault\":\"hold_replies\",\"on\":true}");
    fake_link_publish(&a, UP, "{\"type\":\"get_download_task\"}", 0, 0);
    CHECK_INT(fake_link_next(&a)->type, 0);
    fake_cloud_fault(&cloud, "{\"fault\":\"hold_replies\",\"on\":false}");
    check_offer(fake_link_next_json(&a, DOWN), "get_download_task_rsp", "n", 3);
    end();
}

const char *const suite_name = "localcloud-resources";
const struct suite_test suite_tests[] = {
    {"down", test_down},
    {"away", test_away},
    {"up", test_up},
    {"refused", test_refused},
    {"bad-progress", test_bad_progress},
    {"desk", test_desk},
    {"faults", test_faults},
    {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files and firmware of the stand-in where the clock matters or numbers are large: expiry to the
 * second, silence of a device, limits. The cycle over real sockets: localcloud-firmware.py.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/fake-cloud.h"
#include "tests/lib/suite.h"

#define REPORT "$ota/report/P1/d1"
#define UPDATE "$ota/update/P1/d1"
#define IMAGE "the image"
#define IMAGE_MD5 "a151f9dbaeda54527e10abd9b3096279"

static struct fake_cloud cloud;
static struct fake_link device;

typedef int (*request_fn)(struct ota *o, const json_t *request, json_t **ret_answer,
                          char error[OTA_ERROR_MAX]);

/* The answer, a new reference; NULL after the error that was expected. */
static json_t *ask(request_fn fn, const char *text, int want)
{
    json_t *request = json_loads(text, 0, NULL), *answer = NULL;
    char error[OTA_ERROR_MAX] = "";

    CHECK(request != NULL);
    CHECK_INT(fn(cloud.ota, request, &answer, error), want);
    CHECK((*error != '\0') == (want < 0));
    json_decref(request);
    return answer;
}

static void add_image(const char *version)
{
    char request[128], key[BLOBS_KEY_MAX];

    (void) snprintf(request, sizeof(request), "{\"product\":\"P1\",\"version\":\"%s\"}", version);
    (void) snprintf(key, sizeof(key), "firmware/P1/%s", version);
    json_decref(ask(ota_add_firmware, request, 0));
    CHECK_INT(blobs_put(cloud.blobs, key, IMAGE, strlen(IMAGE)), 0);
}

static json_int_t add_task(const char *members)
{
    char request[256];
    json_t *task;
    json_int_t id;

    (void) snprintf(request, sizeof(request), "{\"product\":\"P1\",\"version\":\"2.0\"%s}",
                    members);
    task = ask(ota_add_task, request, 0);
    id = fake_int(task, "task");
    json_decref(task);
    return id;
}

/* P1/d1 is there and has told its version; version 2.0 is in the store. */
static void begin(void)
{
    fake_cloud_init(&cloud, NULL);
    fake_link_open(&device, &cloud);
    (void) fake_link_login(&device, true);
    fake_link_subscribe(&device, 1, (const char *const[]){UPDATE, NULL}, 1);
    CHECK_INT(fake_link_next(&device)->type, 9);
    add_image("2.0");
}

static void end(void)
{
    fake_link_close(&device);
    fake_cloud_done(&cloud);
}

static void report_version(const char *version)
{
    char text[128];
    json_t *rsp;

    (void) snprintf(text, sizeof(text),
                    "{\"type\":\"report_version\",\"report\":{\"version\":\"%s\"}}", version);
    fake_link_publish(&device, REPORT, text, 0, 0);
    rsp = fake_link_next_json(&device, UPDATE);
    CHECK_STR(fake_text(rsp, "type"), "report_version_rsp");
    json_decref(rsp);
}

static void report_progress(const char *progress)
{
    char text[256];

    (void) snprintf(text, sizeof(text),
                    "{\"type\":\"report_progress\",\"report\":{\"progress\":{%s,"
                    "\"result_msg\":\"\"},\"version\":\"2.0\"}}",
                    progress);
    fake_link_publish(&device, REPORT, text, 0, 0);
}

static void check_order(void)
{
    json_t *order = fake_link_next_json(&device, UPDATE);

    CHECK_STR(fake_text(order, "type"), "update_firmware");
    CHECK_STR(fake_text(order, "version"), "2.0");
    CHECK_STR(fake_text(order, "md5sum"), IMAGE_MD5);
    CHECK_STR(fake_text(order, "user_defined"), "");
    CHECK_INT(fake_int(order, "file_size"), strlen(IMAGE));
    CHECK(strncmp(fake_text(order, "url"), "http://cloud/files/firmware/P1/2.0?", 35) == 0);
    json_decref(order);
}

static void check_quiet(void)
{
    CHECK_INT(device.n_in, 0);
}

static void check_state(enum ota_state state)
{
    struct ota_status s = {.state = OTA_STATE_COUNT_};

    CHECK_INT(ota_get_status(cloud.ota, config_find_device(cloud.config, "P1", "d1"), &s), 0);
    CHECK_INT(s.state, state);
}

/* Silence is counted from the last message that fits. */
static void test_silence(void)
{
    begin();
    report_version("1.0");
    (void) add_task("");
    check_order();
    fake_cloud_pass_ms(&cloud, 899999);
    check_quiet();
    report_progress("\"state\":\"downloading\",\"percent\":\"1\",\"result_code\":\"0\"");
    fake_cloud_pass_ms(&cloud, 899999);
    check_quiet();
    check_state(OTA_STATE_downloading);
    fake_cloud_pass_ms(&cloud, 1);
    check_order();
    check_state(OTA_STATE_pushed);
    CHECK_STR(fake_cloud_event(&cloud, "ota_timeout"), "nothing heard of version 2.0 for 900 s");
    fake_cloud_pass_ms(&cloud, 900000); /* and again */
    check_order();
    report_progress("\"state\":\"fail\",\"result_code\":\"-5\"");
    fake_cloud_pass_ms(&cloud, 10000000);
    check_quiet();
    check_state(OTA_STATE_failed);
    end();
}

static void test_silence_confirm(void)
{
    const struct config_device *d1;

    begin();
    d1 = config_find_device(cloud.config, "P1", "d1");
    report_version("1.0");
    (void) add_task(",\"confirm\":true");
    fake_cloud_pass_ms(&cloud, 1000000);
    check_quiet();
    check_state(OTA_STATE_confirming);
    CHECK_INT(ota_confirm(cloud.ota, d1), 0);
    check_order();
    fake_cloud_pass_ms(&cloud, 119999);
    check_quiet();
    fake_cloud_pass_ms(&cloud, 1);
    check_order();
    report_version("2.0");
    check_state(OTA_STATE_succeeded);
    fake_cloud_pass_ms(&cloud, 10000000);
    check_quiet();
    CHECK_INT(ota_confirm(cloud.ota, d1), -ENOENT);
    end();
}

/* A device that went away gets the order when it is back and says so. */
static void test_away(void)
{
    begin();
    report_version("1.0");
    (void) add_task("");
    check_order();
    fake_link_close(&device);
    fake_cloud_pass_ms(&cloud, 2000000);
    fake_link_open(&device, &cloud);
    (void) fake_link_login(&device, true);
    fake_link_subscribe(&device, 1, (const char *const[]){UPDATE, NULL}, 1);
    CHECK_INT(fake_link_next(&device)->type, 9);
    check_quiet();
    report_version("1.0");
    check_order();
    fake_cloud_pass_ms(&cloud, 900000);
    check_order();
    end();
}

/* A device without a version is taken by name only. */
static void test_unknown_version(void)
{
    struct ota_status s;

    begin();
    (void) add_task("");
    CHECK_INT(ota_get_status(cloud.ota, config_find_device(cloud.config, "P1", "d1"), &s), -ENOENT);
    (void) add_task(",\"devices\":[\"d1\",\"d2\"]");
    check_order();
    report_version("1.0");
    check_order();
    CHECK_INT(ota_get_status(cloud.ota, config_find_device(cloud.config, "P1", "d1"), &s), 0);
    CHECK_STR(s.from, "1.0");
    CHECK_INT(ota_get_status(cloud.ota, config_find_device(cloud.config, "P1", "d2"), &s), 0);
    CHECK_INT(s.state, OTA_STATE_pending);
    CHECK_INT(ota_confirm(cloud.ota, config_find_device(cloud.config, "P1", "d2")), -ENOTCONN);
    report_version("2.0");
    (void) add_task(",\"devices\":[\"d1\"]"); /* it runs that already */
    check_state(OTA_STATE_succeeded);
    check_quiet();
    end();
}

static void test_limits(void)
{
    char request[128];
    json_t *all;

    begin();
    for (unsigned i = 1; i < OTA_FIRMWARE_MAX; i++) {
        (void) snprintf(request, sizeof(request), "{\"product\":\"P1\",\"version\":\"1.%u\"}", i);
        json_decref(ask(ota_add_firmware, request, 0));
    }
    (void) ask(ota_add_firmware, "{\"product\":\"P1\",\"version\":\"9\"}", -ENOSPC);
    json_decref(ask(ota_remove_firmware, "{\"product\":\"P1\",\"version\":\"1.1\"}", 0));
    json_decref(ask(ota_add_firmware, "{\"product\":\"P1\",\"version\":\"9\"}", 0));
    report_version("1.0");
    for (unsigned i = 1; i <= OTA_TASKS_MAX + 5; i++) {
        CHECK_INT(add_task(""), i);
        check_order();
    }
    all = ota_json(cloud.ota);
    CHECK_INT(json_array_size(json_object_get(all, "firmware")), OTA_FIRMWARE_MAX);
    CHECK_INT(json_array_size(json_object_get(all, "tasks")), OTA_TASKS_MAX);
    CHECK_INT(fake_int(json_array_get(json_object_get(all, "tasks"), 0), "task"), 6);
    json_decref(all);
    (void) ask(ota_cancel, "{\"task\":5}", -ENOENT); /* forgotten */
    end();
}

/* The query of a URL, as files.c reads it. */
static struct blobs_ticket ticket_of(char *url, const char *method, const char *key)
{
    struct blobs_ticket t = {.method = method, .key = key, .md5 = ""};
    char *rest = strchr(url, '?') + 1, *pair;
    unsigned long long n;

    while ((pair = strsep(&rest, "&"))) {
        if (strncmp(pair, "sign=", 5) == 0)
            t.sign = pair + 5;
        else if (sscanf(pair, "expires=%llu", &n) == 1)
            t.expires_s = n;
        else if (sscanf(pair, "size=%llu", &n) == 1)
            t.size = n;
        else if (strncmp(pair, "md5=", 4) == 0)
            t.md5 = pair + 4;
    }
    return t;
}

static void test_urls(void)
{
    CLEANUP(freep) char *get = NULL, *put = NULL;
    struct blobs_ticket t;

    begin();
    CHECK_INT(blobs_get_url(cloud.blobs, "a/b", 0, &get), 0);
    t = ticket_of(get, "GET", "a/b");
    CHECK_INT(t.expires_s, FAKE_NOW_S + 3600);
    fake_cloud_pass_ms(&cloud, 3599999);
    CHECK_INT(blobs_check(cloud.blobs, &t), 0);
    fake_cloud_pass_ms(&cloud, 1);
    CHECK_INT(blobs_check(cloud.blobs, &t), -ETIMEDOUT);
    t.expires_s++;
    CHECK_INT(blobs_check(cloud.blobs, &t), -EACCES);

    CHECK_INT(blobs_put_url(cloud.blobs, "a/b", 9, IMAGE_MD5, 10, &put), 0);
    t = ticket_of(put, "PUT", "a/b");
    CHECK_INT(t.size, 9);
    CHECK_STR(t.md5, IMAGE_MD5);
    CHECK_INT(blobs_check(cloud.blobs, &t), 0);
    t.size = 10;
    CHECK_INT(blobs_check(cloud.blobs, &t), -EACCES);
    t.size = 9;
    t.method = "GET";
    CHECK_INT(blobs_check(cloud.blobs, &t), -EACCES);
    end();
}

static void on_upload(const struct blob *blob, void *userdata)
{
    CHECK_STR(blob->key, "up/1");
    CHECK_STR(blob->md5, IMAGE_MD5);
    ++*(unsigned *) userdata;
    blobs_remove(cloud.blobs, "up/1"); /* a listener may */
}

static void write_blob(const char *key, const char *md5, bool tell, int want)
{
    struct blobs_writer *w = NULL;

    CHECK_INT(blobs_write_start(&w, cloud.blobs, key), 0);
    CHECK_INT(blobs_write(w, IMAGE, 4), 0);
    CHECK_INT(blobs_write(w, IMAGE + 4, strlen(IMAGE) - 4), 0);
    CHECK_INT(blobs_write_end(w, md5, tell), want);
}

static void test_blobs(void)
{
    static const char *const bad[] = {"", "/a", "a//b", "../a", "a/..", "a b", "a\n", "a%20"};
    unsigned n_uploads = 0;
    struct blob *kept;
    char key[16];

    begin();
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK_INT(blobs_put(cloud.blobs, bad[i], "x", 1), -EINVAL);
    CHECK_INT(blobs_listen(cloud.blobs, "up/", on_upload, &n_uploads), 0);
    write_blob("up/1", "00000000000000000000000000000000", true, -EBADMSG);
    write_blob("down/1", IMAGE_MD5, true, 0);
    CHECK_INT(n_uploads, 0);
    write_blob("up/1", IMAGE_MD5, true, 0);
    CHECK_INT(n_uploads, 1);
    CHECK(blobs_find(cloud.blobs, "up/1") == NULL);

    kept = blobs_ref(blobs_find(cloud.blobs, "down/1")); /* as a download that goes on */
    CHECK_INT(blobs_put(cloud.blobs, "down/1", "another", 7), 0);
    CHECK_INT(kept->size, strlen(IMAGE));
    CHECK_INT(blobs_find(cloud.blobs, "down/1")->size, 7);
    blobs_unref(kept);

    for (unsigned i = 0; i < BLOBS_MAX - 2; i++) {
        (void) snprintf(key, sizeof(key), "many/%u", i);
        CHECK_INT(blobs_put(cloud.blobs, key, "x", 1), 0);
    }
    CHECK_INT(blobs_put(cloud.blobs, "more", "x", 1), -ENOSPC);
    CHECK_INT(blobs_put(cloud.blobs, "many/0", "y", 1), 0);
    end();
}

const char *const suite_name = "localcloud-ota";
const struct suite_test suite_tests[] = {
    {"silence", test_silence}, {"silence-confirm", test_silence_confirm},
    {"away", test_away},       {"unknown-version", test_unknown_version},
    {"limits", test_limits},   {"urls", test_urls},
    {"blobs", test_blobs},     {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that a user sends to the device:
 *
 *   cloud                              iotd                              program
 *   update_resource               →
 *                                 ←    GET, with Range after a kill
 *   ← report_progress 0 … 100
 *   ← report_result done                 Received                     →
 *                                        a descriptor                 ←  Open
 *   del_resource                  →      Removed                      →
 *   ← del_result
 *   … and names that cannot be, wrong contents, a quota, a device that has lost everything
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/file-scene.h"

static void test_receive(void)
{
    struct scene s;

    scene_start(&s, NULL);
    CHECK_LOCALCLOUD(&s, 0, "file", "send", DEVICE_ID, file_scene_file("hello.wav", 300000),
                     "hello world.wav", "AUDIO", "2.1");
    json_decref(cloud_wait(s.cloud, "up", "$thing/up/service", "\"percent\":\"0\""));
    CHECK_MSG(bus_client_wait_signal(s.bus, "Received"), "\"hello world.wav\" {*");
    json_decref(cloud_wait(s.cloud, "up", "$thing/up/service", "report_result"));
    CHECK_MSG(FILES(s.bus, "List", ""), "[(\"hello world.wav\",\"AUDIO\",\"2.1\",300000,*");
    CHECK_INT(file_scene_compare(&s, IOTD_IFACE_FILES, "hello world.wav", 300000), 0);
    file_scene_wait_status(&s, "file", "hello world.wav", "done");
    CHECK_LOCALCLOUD(&s, 0, "file", "delete", DEVICE_ID, "hello world.wav");
    CHECK_MSG(bus_client_wait_signal(s.bus, "Removed"), "\"hello world.wav\"");
    json_decref(cloud_wait(s.cloud, "up", "$thing/up/service", "del_result"));
    CHECK_MSG(FILES(s.bus, "List", ""), "[]");
    CHECK_ERROR(FILES(s.bus, "Open", "s", "hello world.wav"), ERR("UnknownId"), "no file");
    CHECK_ERROR(FILES(s.bus, "Delete", "s", "hello world.wav"), ERR("UnknownId"), "no file");
    scene_stop(&s);
}

/* No name leaves the directory, and the cloud is told of each. */
static void test_hostile(void)
{
    static const char *const names[] = {"../state.db", "/etc/passwd", "a/b", ".hidden", ".."};
    const char *path = file_scene_file("x", 10);
    struct scene s;

    scene_start(&s, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        CHECK_LOCALCLOUD(&s, 0, "file", "send", DEVICE_ID, path, names[i], "FILE", "1");
        json_decref(cloud_wait(s.cloud, "up", "$thing/up/service", "the name cannot be"));
    }
    CHECK_MSG(FILES(s.bus, "List", ""), "[]");
    CHECK_STR(file_scene_ls(&s, ""), "file partial resource ");
    CHECK_STR(file_scene_ls(&s, "file"), "");
    CHECK_STR(file_scene_ls(&s, "partial"), "");
    scene_stop(&s);
}

/* iotd is killed while it downloads; what it has is not fetched again. */
static void test_kill(void)
{
    enum { SIZE = 4 << 20 };
    struct scene s;

    scene_start(&s, NULL);
    cloud_fault(s.cloud, "{\"fault\":\"file\",\"kind\":\"slow\",\"bytes\":1500000,\"count\":3}");
    CHECK_LOCALCLOUD(&s, 0, "file", "send", DEVICE_ID, file_scene_file("big", SIZE), "big", "FILE",
                     "1");
    for (int i = 0; i < 2; i++) {
        file_scene_wait_partial(&s, (uint64_t) (i + 1) * 600000);
        daemon_kill(s.iotd);
        daemon_start_again(s.iotd);
        (void) daemon_wait_link(s.iotd, "up");
    }
    CHECK_MSG(bus_client_wait_signal(s.bus, "Received"), "\"big\" {*");
    CHECK_INT(file_scene_compare(&s, IOTD_IFACE_FILES, "big", SIZE), 0);
    CHECK(file_scene_sent_bytes(&s) <= SIZE / 20 * 21);
    CHECK_STR(file_scene_ls(&s, "partial"), "");
    file_scene_wait_status(&s, "file", "big", "done");
    scene_stop(&s);
}

/* Each ends with its code; the next order begins anew. */
static void test_faults(void)
{
    static const struct {
        const char *fault, *code;
    } cases[] = {
        {"{\"fault\":\"file\",\"kind\":\"not_found\"}", "\"result_code\":\"-2\""},
        {"{\"fault\":\"file\",\"kind\":\"expired\"}", "\"result_code\":\"-3\""},
        {"{\"fault\":\"file\",\"kind\":\"wrong_hash\"}", "\"result_code\":\"-4\""},
        {"{\"fault\":\"file\",\"kind\":\"wrong_length\",\"bytes\":5}", "\"result_code\":\"-"},
        {"{\"fault\":\"file\",\"kind\":\"redirect\",\"count\":20}", "\"result_code\":\"-5\""},
    };
    struct scene s;

    scene_start(&s, NULL);
    CHECK_LOCALCLOUD(&s, 0, "file", "send", DEVICE_ID, file_scene_file("a", 100000), "ok", "FILE",
                     "1");
    CHECK_MSG(bus_client_wait_signal(s.bus, "Received"), "\"ok\" {*");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(freep) char *name = scene_printf("f%zu", i);

        cloud_fault(s.cloud, cases[i].fault);
        CHECK_LOCALCLOUD(&s, 0, "file", "send", DEVICE_ID, file_scene_file("a", 100000), name,
                         "FILE", "1");
        json_decref(cloud_wait(s.cloud, "up", "$thing/up/service", cases[i].code));
        cloud_fault(s.cloud, "{\"fault\":\"none\"}");
        CHECK_LOCALCLOUD(&s, 0, "file", "retry", DEVICE_ID, name);
        CHECK_MSG(bus_client_wait_signal(s.bus, "Received"), "\"f*");
        CHECK_INT(file_scene_compare(&s, IOTD_IFACE_FILES, name, 100000), 0);
    }
    scene_stop(&s);
}

static void test_quota(void)
{
    struct scene s;

    scene_start(&s, "[files]\nquota = 2\nmax_size = 1\n");
    CHECK_LOCALCLOUD(&s, 0, "file", "send", DEVICE_ID, file_scene_file("a", (1 << 20) + 1), "a",
                     "FILE", "1");
    json_decref(cloud_wait(s.cloud, "up", "$thing/up/service", "files.max_size"));
    for (int i = 0; i < 2; i++) {
        CLEANUP(freep) char *name = scene_printf("b%d", i);

        CHECK_LOCALCLOUD(&s, 0, "file", "send", DEVICE_ID, file_scene_file("b", 1 << 20), name,
                         "FILE", "1");
        CHECK_MSG(bus_client_wait_signal(s.bus, "Received"), "\"b*");
    }
    CHECK_LOCALCLOUD(&s, 0, "file", "send", DEVICE_ID, file_scene_file("c", 1), "c", "FILE", "1");
    json_decref(cloud_wait(s.cloud, "up", "$thing/up/service", "files.quota"));
    scene_stop(&s);
}

/* The disk of the device is a new one: the cloud has on record what was there. */
static void test_recovery(void)
{
    struct scene s;

    scene_start(&s, NULL);
    CHECK_LOCALCLOUD(&s, 0, "file", "send", DEVICE_ID, file_scene_file("a", 10), "a", "FILE", "7");
    CHECK_MSG(bus_client_wait_signal(s.bus, "Received"), "\"a\" {*");
    json_decref(cloud_wait(s.cloud, "up", "$thing/up/service", "report_result"));
    file_scene_wait_status(&s, "file", "a", "done");
    daemon_kill(s.iotd);
    file_scene_lose_state(&s);
    daemon_start_again(s.iotd);
    (void) daemon_wait_link(s.iotd, "up");
    json_decref(cloud_wait(s.cloud, "down", "$thing/down/service", "report_version_rsp"));
    file_scene_wait_list(&s, "[(\"a\",\"FILE\",\"7\",0,0,3)]");
    scene_stop(&s);
}

/* Who may not use a name does not see it, and does not hear of it. */
static void test_access(void)
{
    CLEANUP(freep) char *dir = fixture_test_path("access.d");
    CLEANUP(freep) char *settings = scene_printf("[access]\ndir = %s\n", dir);
    CLEANUP(freep) char *rules = NULL;
    struct scene s;

    CHECK_INT(mkdir(dir, 0700), 0);
    rules = fixture_write_file("access.d/files.conf", 0600,
                               "[deny]\nverbs = files\nids = secret*\n"
                               "[allow]\nverbs = files\n");
    scene_start(&s, settings);
    CHECK_MSG(FILES(s.bus, "List", ""), "[]"); /* iotd knows us from now on */
    CHECK_LOCALCLOUD(&s, 0, "file", "send", DEVICE_ID, file_scene_file("a", 10), "secret.key",
                     "FILE", "1");
    file_scene_wait_status(&s, "file", "secret.key", "done");
    CHECK_LOCALCLOUD(&s, 0, "file", "send", DEVICE_ID, file_scene_file("a", 10), "open.txt", "FILE",
                     "1");
    CHECK_MSG(bus_client_wait_signal(s.bus, "Received"), "\"open.txt\" {*");
    CHECK_MSG(FILES(s.bus, "List", ""), "[(\"open.txt\",*");
    CHECK_ERROR(FILES(s.bus, "Open", "s", "secret.key"), ERR("NotAuthorized"),
                "access.d/files.conf:1");
    CHECK_ERROR(FILES(s.bus, "Delete", "s", "secret.key"), ERR("NotAuthorized"), "files.conf:1");
    CHECK_INT(file_scene_compare(&s, IOTD_IFACE_FILES, "open.txt", 10), 0);
    CHECK_MSG(FILES(s.bus, "Delete", "s", "open.txt"), "");
    CHECK_MSG(bus_client_wait_signal(s.bus, "Removed"), "\"open.txt\"");
    json_decref(cloud_wait(s.cloud, "up", "$thing/up/service", "del_result"));
    scene_stop(&s);
}

const char *const suite_name = "21-files-down";
const struct suite_test suite_tests[] = {
    {"receive", test_receive}, {"hostile names", test_hostile},
    {"kill", test_kill},       {"faults", test_faults},
    {"quota", test_quota},     {"recovery", test_recovery},
    {"access", test_access},   {NULL, NULL},
};

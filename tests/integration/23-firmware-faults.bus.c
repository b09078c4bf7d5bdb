/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cloud → iotd: update_firmware; cloud's file server: one fault of each code, breaks, a disk that
 * is full. iotd → cloud: report_progress fail with the documented code; iotd → user: the same code
 * and a reason, on the bus and by iotctl. The cloud's next order is carried out.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/firmware-scene.h"

#define SIZE 300000
#define SMALL 20000
#define FAULT(kind, more) "{\"fault\":\"file\",\"kind\":\"" kind "\",\"count\":1000" more "}"

static void stage_start(struct firmware_scene *fs)
{
    firmware_scene_start(fs, NULL);
    (void) file_scene_file("image.bin", SIZE);
}

/* What is there of an image is taken up, under whatever version: this one is another. */
static void alter_image(void)
{
    FILE *file = fopen("image.bin", "r+e");

    CHECK(file && fseek(file, SIZE / 2, SEEK_SET) == 0 && fprintf(file, "%d", rand()) > 0);
    CHECK(file && fclose(file) == 0);
}

/* The same task, after the fault is over. */
static void check_next_order(struct firmware_scene *fs, int task, const char *file)
{
    cloud_fault(fs->s.cloud, "{\"fault\":\"none\"}");
    firmware_scene_check_not_offered(fs);
    firmware_scene_retry(fs, task);
    firmware_scene_take_install(fs, file);
    firmware_scene_give_up(fs);
}

struct fault {
    const char *version;
    const char *json;
    int code;
    const char *reason;
};

static void check_faults(const struct fault *faults, size_t n_faults)
{
    struct firmware_scene fs;

    stage_start(&fs);
    for (size_t i = 0; i < n_faults; i++) {
        const struct fault *f = &faults[i];

        printf("%s\n", f->json);
        alter_image();
        firmware_scene_upload(&fs, "image.bin", f->version, NULL);
        cloud_fault(fs.s.cloud, f->json);
        firmware_scene_order(&fs, f->version);
        firmware_scene_check_failed(&fs, f->code, f->reason);
        check_next_order(&fs, (int) i + 1, "image.bin");
    }
    firmware_scene_stop(&fs);
}

/* Trying again would bring the same. */
static void test_at_once(void)
{
    static const struct fault faults[] = {
        {"2.0", FAULT("wrong_hash", ""), -4, "another MD5 than announced"},
        {"2.1", FAULT("not_found", ""), -2, "the server answers 404"},
        {"2.2", FAULT("expired", ""), -3, "the server answers 403"},
    };

    check_faults(faults, sizeof(faults) / sizeof(faults[0]));
}

/* The link has to prove that it is up before the cloud is told. */
static void test_refused(void)
{
    static const struct fault faults[] = {
        {"2.0", FAULT("wrong_length", ",\"bytes\":-1"), -5,
         "the file has 299999 bytes, announced were 300000"},
        {"2.1", FAULT("redirect", ""), -5, "more than 5 redirects"},
    };

    check_faults(faults, sizeof(faults) / sizeof(faults[0]));
}

/* No byte ever comes: five tries, with back-off. */
static void test_cut_for_ever(void)
{
    struct firmware_scene fs;

    stage_start(&fs);
    firmware_scene_upload(&fs, "image.bin", "2.0", NULL);
    cloud_fault(fs.s.cloud, FAULT("cut", ",\"bytes\":0"));
    firmware_scene_order(&fs, "2.0");
    for (int i = 0; i < 5; i++)
        json_decref(cloud_wait(fs.s.cloud, "event", "download", "from 0, 0 of 300000"));
    firmware_scene_check_failed(&fs, -5, "closed");
    check_next_order(&fs, 1, "image.bin");
    firmware_scene_stop(&fs);
}

/* Nobody listens where the image should be; the next order has another address. */
static void test_unreachable(void)
{
    struct firmware_scene fs;

    stage_start(&fs);
    firmware_scene_upload(&fs, "image.bin", "2.0", "extra:={\"url\":\"http://127.0.0.1:1/image\"}");
    firmware_scene_order(&fs, "2.0");
    CHECK(firmware_scene_wait(&fs, "State", "downloading"));
    CHECK(firmware_scene_wait(&fs, "Reason", "Connection refused"));
    firmware_scene_check_failed(&fs, -1, "refused");
    firmware_scene_upload(&fs, "image.bin", "2.1", NULL);
    firmware_scene_order(&fs, "2.1");
    firmware_scene_take_install(&fs, "image.bin");
    firmware_scene_stop(&fs);
}

/* Nothing behind the announced size is kept; here it is not the file. */
static void test_endless(void)
{
    struct firmware_scene fs;

    stage_start(&fs);
    firmware_scene_upload(&fs, "image.bin", "2.0", "extra:={\"file_size\":400000}");
    cloud_fault(fs.s.cloud, FAULT("endless", ""));
    firmware_scene_order(&fs, "2.0");
    firmware_scene_check_failed(&fs, -4, "another MD5 than announced");
    /* As announced it ends where it should. */
    firmware_scene_upload(&fs, "image.bin", "2.1", NULL);
    firmware_scene_order(&fs, "2.1");
    firmware_scene_take_install(&fs, "image.bin");
    firmware_scene_stop(&fs);
}

/* It breaks, and comes from the begin again: no failure. */
static void test_no_range(void)
{
    struct firmware_scene fs;

    stage_start(&fs);
    firmware_scene_upload(&fs, "image.bin", "2.0", NULL);
    cloud_fault(fs.s.cloud, FAULT("no_range", ""));
    cloud_fault(fs.s.cloud, "{\"fault\":\"file\",\"kind\":\"cut\",\"bytes\":100000,\"count\":1}");
    firmware_scene_order(&fs, "2.0");
    json_decref(cloud_wait(fs.s.cloud, "event", "download", "200, from 0, 100000 of 300000"));
    json_decref(cloud_wait(fs.s.cloud, "event", "download", "200, from 0, 300000 of 300000"));
    firmware_scene_take_install(&fs, "image.bin");
    firmware_scene_stop(&fs);
}

/* A disk of its own, which is full. */
static void test_disk_full(void)
{
    CLEANUP(freep) char *iotd = fixture_build_path("iotd"), *text = NULL, *path = NULL;
    struct firmware_scene fs;

    if (system("unshare -m mount -t tmpfs none /mnt 2>/dev/null") != 0) {
        printf("SKIP no mounts of one's own here\n");
        return;
    }
    text =
        scene_printf("#!/bin/sh\nexec unshare -m sh -c 'mount -t tmpfs -o size=200k none %s/full "
                     "&& exec \"$0\" \"$@\"' %s \"$@\"\n",
                     getenv("IOTD_TEST_DIR"), iotd);
    path = fixture_write_file("iotd-on-full-disk", 0700, text);
    CHECK_INT(chdir(getenv("IOTD_TEST_DIR")), 0);
    CHECK_INT(mkdir("full", 0700), 0);
    CHECK_INT(setenv("IOTD_TEST_IOTD", path, 1), 0);
    text = (free(text), scene_printf("dir = %s/full\n", getenv("IOTD_TEST_DIR")));
    firmware_scene_start(&fs, text);
    CHECK_INT(unsetenv("IOTD_TEST_IOTD"), 0);
    firmware_scene_upload(&fs, file_scene_file("image.bin", SIZE), "2.0", NULL);
    firmware_scene_order(&fs, "2.0");
    firmware_scene_check_failed(&fs, -5, "there is no room for it on the disk");
    firmware_scene_check_not_offered(&fs);
    firmware_scene_upload(&fs, file_scene_file("small.bin", SMALL), "2.1", NULL);
    firmware_scene_order(&fs, "2.1");
    firmware_scene_take_install(&fs, "small.bin");
    firmware_scene_stop(&fs);
}

const char *const suite_name = "firmware-faults";
const struct suite_test suite_tests[] = {
    {"at_once", test_at_once},           {"refused", test_refused},
    {"cut_for_ever", test_cut_for_ever}, {"unreachable", test_unreachable},
    {"endless", test_endless},           {"no_range", test_no_range},
    {"disk_full", test_disk_full},       {NULL, NULL},
};

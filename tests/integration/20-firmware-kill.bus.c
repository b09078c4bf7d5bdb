/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image of 256 MiB over a connection that is cut 20 times, by an iotd that is killed 5 times:
 *   cloud → iotd: update_firmware, once; iotd → cloud: GET with Range, report_progress
 *   iotd → command: the image; iotd → cloud: report_version of the new version, done
 * At the end the image is right, not much of it came twice, and iotd has not grown.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/scene.h"

#define MIB (1024LL * 1024)
#define SIZE (256 * MIB)
#define CUTS 20
#define KILL_EVERY 4 /* and once at the end */
#define GROWTH_KIB 1024

static struct scene s;
static long rss_at_start;

static void must(const char *fmt, const char *arg)
{
    CLEANUP(freep) char *command = scene_printf("%s%s", fmt, arg);

    if (system(command) != 0)
        fixture_fatal("%s", command);
}

static void localcloud(const char *const *argv)
{
    struct proc *p = proc_start(argv);

    CHECK_INT(proc_wait(p), 0);
    (void) proc_kill(p);
}

static void order(const char *image)
{
    CLEANUP(freep) char *lc = fixture_build_path("iot-localcloud");
    CLEANUP(freep) char *port = scene_printf("%d", cloud_http_port(s.cloud));
    const char *const upload[] = {lc,
                                  "firmware",
                                  "--http-port",
                                  port,
                                  "upload",
                                  image,
                                  "product=" CLOUD_PRODUCT,
                                  "version=2.0",
                                  NULL};
    const char *const task[] = {lc,
                                "firmware",
                                "--http-port",
                                port,
                                "task",
                                "product=" CLOUD_PRODUCT,
                                "version=2.0",
                                "devices:=[\"" CLOUD_DEVICE "\"]",
                                NULL};

    localcloud(upload);
    cloud_fault(s.cloud, "{\"fault\":\"file\",\"kind\":\"cut\",\"bytes\":12582912,\"count\":20}");
    /* So that the bytes on the way, which a kill loses, are few: as on a link that is slower than
     * the disk. */
    cloud_fault(s.cloud,
                "{\"fault\":\"file\",\"kind\":\"slow\",\"bytes\":33554432,\"count\":1000}");
    localcloud(task);
}

static void note_start(void)
{
    CHECK(daemon_wait_link(s.iotd, "up"));
    rss_at_start = proc_rss_kib(daemon_proc(s.iotd));
}

static void check_size(void)
{
    long grown = proc_rss_kib(daemon_proc(s.iotd)) - rss_at_start;

    if (PROC_RSS_IS_TELLING && grown > GROWTH_KIB)
        suite_fail(__FILE__, __LINE__, "iotd grew by %ld KiB", grown);
}

/* Bytes of all downloads. */
static long long downloaded(int *ret_n)
{
    json_t *state = cloud_state(s.cloud);
    const json_t *files = json_object_get(state, "files");
    long long bytes = json_integer_value(json_object_get(files, "bytes_sent"));

    *ret_n = scene_int(files, "downloads");
    json_decref(state);
    return bytes;
}

/* In the middle of what comes. */
static void kill_iotd(void)
{
    const uint64_t deadline_ms = fixture_deadline_ms();
    int n;
    const long long before = downloaded(&n);

    while (downloaded(&n) < before + 2 * MIB && fixture_left_ms(deadline_ms) > 0)
        continue;
    daemon_kill(s.iotd);
    daemon_start_again(s.iotd);
    note_start();
}

static void test_kill(void)
{
    CLEANUP(freep) char *image = fixture_test_path("image.bin");
    CLEANUP(freep) char *version = fixture_test_path("version");
    CLEANUP(freep) char *text = NULL;
    CLEANUP(freep) char *script = NULL;
    CLEANUP(freep) char *settings = NULL;
    long long bytes;
    int n;

    must("head -c 268435456 /dev/urandom >", image);
    must("echo 1.0 >", version);
    text = scene_printf("#!/bin/sh\nset -e\ncmp /proc/self/fd/3 %s >&2\necho 2.0 >%s\n", image,
                        version);
    script = fixture_write_file("install", 0755, text);
    settings =
        scene_printf("[firmware]\nversion_file = %s\ninstaller = exec:%s\n", version, script);
    scene_start(&s, settings);
    note_start();
    order(image);
    for (unsigned cut = 1; cut <= CUTS; cut++) {
        json_decref(cloud_wait(s.cloud, "event", "download", NULL));
        check_size();
        if (cut % KILL_EVERY == 0 && cut < CUTS)
            kill_iotd();
    }
    kill_iotd();
    json_decref(cloud_wait(s.cloud, "event", "ota_state", "succeeded"));
    check_size();
    bytes = downloaded(&n);
    printf("%d connections, %.1f %% of the image\n", n, 100.0 * (double) bytes / (double) SIZE);
    CHECK(n > CUTS);
    CHECK(bytes >= SIZE && bytes <= SIZE / 100 * 105);
    scene_stop(&s);
    must("rm ", image);
}

const char *const suite_name = "20-firmware-kill";
const struct suite_test suite_tests[] = {
    {"kill", test_kill},
    {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cloud → iotd: update_firmware with an image of 256 MiB; its connection breaks 20 times, and iotd
 * is killed 5 times. iotd asks for what is missing each time: the cloud sends at most 105 % of it,
 * a program gets it whole, and iotd needs no more memory than before.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/firmware-scene.h"

#define MIB (1024 * 1024ULL)
/* Each breaks off again before the next one is due: all of them happen. */
#define IMAGE_SIZE (PROC_RSS_IS_TELLING ? 256 * MIB : 64 * MIB)
#define N_CUTS 20
#define N_KILLS 5
#define CUT_SIZE (IMAGE_SIZE / 28)
#define RATE (IMAGE_SIZE / 12) /* bytes/s: little is under way when it is killed */
#define MORE_KIB 1024

struct stage {
    struct firmware_scene fs;
    char *image;                    /* where iotd keeps it */
    long iotd_kib, all_kib;         /* before the download */
    long iotd_max_kib, all_max_kib; /* while it ran */
};

/* Memory that this process alone has, and its part of what it shares with others; -1: no answer. */
static long anonymous_kib(int pid)
{
    CLEANUP(freep) char *path = scene_printf("/proc/%d/smaps_rollup", pid);
    FILE *file = fopen(path, "re");
    char line[256];
    long kib = -1;

    while (file && fgets(line, sizeof(line), file)) {
        if (strncmp(line, "Pss_Anon:", 9) == 0)
            kib = strtol(line + 9, NULL, 10);
    }
    if (file)
        (void) fclose(file);
    return kib;
}

/* iotd and its children, of which one hashes; -1: they may not be looked at. */
static long family_kib(struct stage *st)
{
    const int pid = (int) proc_pid(daemon_proc(st->fs.s.iotd));
    CLEANUP(freep) char *path = scene_printf("/proc/%d/task/%d/children", pid, pid);
    FILE *file = fopen(path, "re");
    long sum = anonymous_kib(pid);
    int child;

    if (!file)
        return -1;
    while (sum >= 0 && fscanf(file, "%d", &child) == 1) {
        long kib = anonymous_kib(child);

        sum += kib > 0 ? kib : 0; /* it has ended meanwhile */
    }
    (void) fclose(file);
    return sum;
}

static void look_at_memory(struct stage *st)
{
    const long iotd = proc_rss_kib(daemon_proc(st->fs.s.iotd)), all = family_kib(st);

    if (iotd > st->iotd_max_kib)
        st->iotd_max_kib = iotd;
    if (all > st->all_max_kib)
        st->all_max_kib = all;
}

static void check_memory(struct stage *st)
{
    printf("memory: iotd %ld KiB before, %ld at most; with its child %ld and %ld\n", st->iotd_kib,
           st->iotd_max_kib, st->all_kib, st->all_max_kib);
    CHECK(st->iotd_max_kib > 0);
    if (!PROC_RSS_IS_TELLING)
        return;
    CHECK(st->iotd_max_kib <= st->iotd_kib + MORE_KIB);
    CHECK(st->all_max_kib <= st->all_kib + MORE_KIB); /* 0 where nobody may look */
}

static uint64_t arrived(struct stage *st)
{
    struct stat sb;

    return stat(st->image, &sb) == 0 ? (uint64_t) sb.st_size : 0;
}

/* Until so many bytes are on the disk; each step has its own deadline. */
static void wait_arrived(struct stage *st, uint64_t size)
{
    uint64_t deadline = fixture_deadline_ms(), last = 0, now;

    while ((now = arrived(st)) < size) {
        if (fixture_left_ms(deadline) == 0)
            fixture_fatal("%llu of %llu bytes arrived", (unsigned long long) now,
                          (unsigned long long) size);
        if (now > last)
            deadline = fixture_deadline_ms();
        last = now;
        bus_client_round_trip(st->fs.s.bus, IOTD_BUS_NAME);
        look_at_memory(st);
    }
}

static void stage_start(struct stage *st)
{
    CLEANUP(freep) char *faults = NULL, *slow = NULL;
    const char *file;

    *st = (struct stage){.image = NULL};
    firmware_scene_start(&st->fs, NULL);
    file = file_scene_file("image.bin", IMAGE_SIZE);
    firmware_scene_upload(&st->fs, file, "2.0", NULL);
    faults = scene_printf("{\"fault\":\"file\",\"kind\":\"cut\",\"bytes\":%llu,\"count\":%d}",
                          (unsigned long long) CUT_SIZE, N_CUTS + N_KILLS);
    slow = scene_printf("{\"fault\":\"file\",\"kind\":\"slow\",\"bytes\":%llu,\"count\":1000}",
                        (unsigned long long) RATE);
    cloud_fault(st->fs.s.cloud, faults);
    cloud_fault(st->fs.s.cloud, slow);
    look_at_memory(st);
    st->iotd_kib = st->iotd_max_kib;
    st->all_kib = st->all_max_kib;
}

/* The name of the file is its MD5. */
static char *image_path(struct stage *st)
{
    CLEANUP(freep)
    char *command = scene_printf("echo \"%s/firmware/$(md5sum <image.bin | cut -c 1-32).image\"",
                                 daemon_state_dir(st->fs.s.iotd));
    const char *const argv[] = {"sh", "-c", command, NULL};
    char *out = NULL;

    CHECK_INT(proc_run(argv, &out), 0);
    out[strcspn(out, "\n")] = '\0';
    return out;
}

/* Downloads that did not come to their end, and how many of those the fault had cut. */
static void count_breaks(struct stage *st, unsigned *ret_broken, unsigned *ret_cut)
{
    CLEANUP(freep) char *journal = cloud_journal(st->fs.s.cloud);
    char *rest = journal, *line;

    *ret_broken = *ret_cut = 0;
    while ((line = strsep(&rest, "\n"))) {
        const char *text = strstr(line, "\"event\":\"download\"") ? strstr(line, ", from ") : NULL;
        unsigned long long from, sent, length;

        if (!text || sscanf(text, ", from %llu, %llu of %llu", &from, &sent, &length) != 3)
            continue;
        *ret_broken += sent < length;
        *ret_cut += sent < length && sent == CUT_SIZE;
    }
}

static void check_sent(struct stage *st)
{
    CLEANUP(json_decrefp) json_t *state = cloud_state(st->fs.s.cloud);
    const json_t *files = json_object_get(state, "files");
    const uint64_t sent = (uint64_t) json_integer_value(json_object_get(files, "bytes_sent"));
    unsigned n_broken, n_cut;

    count_breaks(st, &n_broken, &n_cut);
    printf("sent: %llu of %llu bytes, %u connections broke, %u of them cut\n",
           (unsigned long long) sent, (unsigned long long) IMAGE_SIZE, n_broken, n_cut);
    CHECK(sent >= IMAGE_SIZE);
    CHECK(sent <= IMAGE_SIZE + IMAGE_SIZE / 20);
    CHECK(n_cut >= N_CUTS);
    CHECK(n_broken >= N_CUTS + N_KILLS);
    CHECK(n_broken > n_cut); /* killed while bytes came */
}

static void test_cut_and_killed(void)
{
    struct stage st;

    stage_start(&st);
    st.image = image_path(&st);
    firmware_scene_order(&st.fs, "2.0");
    for (unsigned i = 0; i < N_KILLS; i++) {
        /* In the middle of the fourth connection since the last time. */
        wait_arrived(&st, arrived(&st) + 3 * CUT_SIZE + CUT_SIZE / 3);
        daemon_kill(st.fs.s.iotd);
        daemon_start_again(st.fs.s.iotd);
    }
    (void) daemon_wait_link(st.fs.s.iotd, "up");
    wait_arrived(&st, IMAGE_SIZE);
    CHECK(firmware_scene_wait(&st.fs, "State", "ready"));
    look_at_memory(&st);
    firmware_scene_register(&st.fs);
    firmware_scene_take_install(&st.fs, "image.bin");
    check_sent(&st);
    check_memory(&st);
    firmware_scene_stop(&st.fs);
    free(st.image);
}

const char *const suite_name = "firmware-breaks";
const struct suite_test suite_tests[] = {
    {"cut_and_killed", test_cut_and_killed},
    {NULL, NULL},
};

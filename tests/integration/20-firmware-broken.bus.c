/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image over a link that is cut 20 times, while iotd is killed 5 times: cloud → iotd:
 * update_firmware, once; iotd → file server: GET with Range, again and again; iotd → program:
 * Install with the right image. What comes twice is little, and iotd does not grow.
 *
 * IOTD_TEST_FIRMWARE_MIB is the size of the image, 32: 256 is what the promise was made for.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "tests/lib/scene.h"

#define PROGRAM "/program"
#define MIB (1024ULL * 1024)
#define N_CUTS 20
#define N_KILLS 5
/*
 * What lies in buffers of the kernel when iotd dies, ours and above all the server's, counts as
 * sent; of a small image it is much.
 */
#define IN_FLIGHT (3 * MIB)
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MAX_GROWTH_KIB (64 * 1024) /* freed memory is kept for a while */
#else
#define MAX_GROWTH_KIB 1024
#endif

struct stage {
    struct scene s;
    struct bus_client *program;
    uint64_t size;
    uint64_t peak_kib; /* of all runs: the most over what it had before the download went on */
};

static void start_program(struct stage *st)
{
    DBusMessage *msg;

    st->program = bus_client_new();
    msg = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_FIRMWARE, "RegisterInstaller");
    msg_add(msg, "oa{sv}", PROGRAM, 1, "version", "s", "1.0");
    CHECK_MSG(bus_client_call(st->program, msg), "");
}

static uint64_t number_of(struct stage *st, const char *name)
{
    CLEANUP(freep)
    char *text = bus_client_get(st->s.bus, IOTD_DEVICE_PATH, IOTD_IFACE_FIRMWARE, name);

    return text ? strtoull(text, NULL, 10) : 0;
}

/* In KiB, of iotd now. */
static uint64_t memory(struct stage *st, const char *key)
{
    CLEANUP(freep)
    char *path = scene_printf("/proc/%d/status", (int) proc_pid(daemon_proc(st->s.iotd)));
    char line[256];
    uint64_t value = 0;
    FILE *f = fopen(path, "re");

    while (f && value == 0 && fgets(line, sizeof(line), f)) {
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtoull(line + strlen(key), NULL, 10);
    }
    if (f)
        (void) fclose(f);
    CHECK(value > 0);
    return value;
}

/* What VmHWM has seen before is forgotten; not where iotd belongs to somebody else. */
static bool reset_peak(struct stage *st)
{
    CLEANUP(freep)
    char *path = scene_printf("/proc/%d/clear_refs", (int) proc_pid(daemon_proc(st->s.iotd)));
    CLEANUP(fd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

    return fd >= 0 && write(fd, "5", 1) == 1;
}

static void order(struct stage *st)
{
    CLEANUP(freep) char *program = fixture_build_path("iot-localcloud");
    CLEANUP(freep) char *port = scene_printf("%d", cloud_http_port(st->s.cloud));

    CHECK_INT(
        proc_run((const char *const[]){program, "firmware", "--http-port", port, "upload",
                                       "image.bin", "product=" CLOUD_PRODUCT, "version=2.0", NULL},
                 NULL),
        0);
    CHECK_INT(proc_run((const char *const[]){program, "firmware", "--http-port", port, "task",
                                             "product=" CLOUD_PRODUCT, "version=2.0",
                                             "devices:=[\"" CLOUD_DEVICE "\"]", NULL},
                       NULL),
              0);
}

/* Until so many bytes are there. */
static void wait_done(struct stage *st, uint64_t bytes)
{
    while (number_of(st, "Done") < bytes) {
        CLEANUP(msg_unrefp)
        DBusMessage *changed = bus_client_wait_signal(st->s.bus, "PropertiesChanged");

        if (!changed)
            fixture_fatal("the download does not go on at %llu bytes",
                          (unsigned long long) number_of(st, "Done"));
    }
}

static void take_install(struct stage *st)
{
    DBusMessage *call = bus_client_wait_call(st->program, "Install");
    CLEANUP(freep) char *command = NULL;
    CLEANUP(fd_closep) int fd = -1;
    DBusMessageIter it;

    if (!call || !dbus_message_iter_init(call, &it) || msg_read_fd(&it, &fd) < 0)
        fixture_fatal("no call of Install");
    command = scene_printf("cmp /proc/%d/fd/%d image.bin", (int) getpid(), fd);
    CHECK_INT(system(command), 0);
    scene_reply(st->program, call, "");
}

static void check_sent(struct stage *st)
{
    CLEANUP(json_decrefp) json_t *state = cloud_state(st->s.cloud);
    const json_t *files = json_object_get(state, "files");
    uint64_t sent = (uint64_t) json_integer_value(json_object_get(files, "bytes_sent"));

    printf("sent %.2f %%, %lld downloads, memory +%llu KiB\n",
           100.0 * (double) sent / (double) st->size,
           (long long) json_integer_value(json_object_get(files, "downloads")),
           (unsigned long long) st->peak_kib);
    CHECK(json_integer_value(json_object_get(files, "downloads")) > N_CUTS);
    CHECK(sent >= st->size);
    CHECK(sent <= st->size + st->size / 20 + (st->size < 256 * MIB ? N_KILLS * IN_FLIGHT : 0));
}

static void test_broken(void)
{
    const char *mib = getenv("IOTD_TEST_FIRMWARE_MIB");
    CLEANUP(freep) char *settings = NULL, *fault = NULL, *make = NULL;
    struct stage st = {.size = (mib ? strtoull(mib, NULL, 10) : 32) * MIB};

    CHECK_INT(chdir(getenv("IOTD_TEST_DIR")), 0);
    make = scene_printf("head -c %llu /dev/urandom >image.bin", (unsigned long long) st.size);
    CHECK_INT(system(make), 0);
    /* Six seconds and what the cuts take. */
    settings = scene_printf("[firmware]\nrate = %llu\n", (unsigned long long) (st.size / 1024 / 6));
    scene_start(&st.s, settings);
    start_program(&st);
    fault = scene_printf("{\"fault\":\"file\",\"kind\":\"cut\",\"bytes\":%llu,\"count\":%d}",
                         (unsigned long long) (st.size / (N_CUTS + N_KILLS + 1)), N_CUTS);
    cloud_fault(st.s.cloud, fault);
    order(&st);
    for (unsigned i = 1; i <= N_KILLS; i++) {
        uint64_t before, after;
        bool peak;

        wait_done(&st, st.size * (2 * i - 1) / (2 * N_KILLS + 2));
        CHECK(daemon_wait_link(st.s.iotd, "up")); /* or that would count, too */
        before = memory(&st, "VmRSS:");
        peak = reset_peak(&st);
        wait_done(&st, st.size * 2 * i / (2 * N_KILLS + 2));
        after = memory(&st, peak ? "VmHWM:" : "VmRSS:");
        if (after > before + st.peak_kib)
            st.peak_kib = after - before;
        st.program = bus_client_free(st.program);
        daemon_kill(st.s.iotd);
        daemon_start_again(st.s.iotd);
        st.s.bus = daemon_bus(st.s.iotd);
        start_program(&st);
    }
    take_install(&st);
    check_sent(&st);
    CHECK(st.peak_kib <= MAX_GROWTH_KIB);
    st.program = bus_client_free(st.program);
    scene_stop(&st.s);
}

const char *const suite_name = "firmware-broken";
const struct suite_test suite_tests[] = {
    {"broken", test_broken},
    {NULL, NULL},
};

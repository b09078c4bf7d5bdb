/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network of its own that the test switches on and off:
 *
 *   network        iotd                              cloud
 *   (off)          (starts; waits longer each time)  (there)
 *   on           →
 *                  CONNECT, long before its next try →
 *                                                    ← CONNACK
 *   off, on      →
 *                  PINGREQ                           →
 *                                                    ← PINGRESP; the same connection
 */

#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/scene.h"

#define PATIENT "[link]\nconnect_interval = 0\nprobe_max = 60\nbackoff_max = 60\n"
#define PATIENT_US 4000000ULL /* a wait so long is no chance */

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");

    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        fixture_skip("no namespaces of one's own here");
}

/* Everybody who is started from now on lives there; it has one interface, which is off. */
static void enter_network(void)
{
    CLEANUP(freep) char *uids = scene_printf("%d %d 1", (int) getuid(), (int) getuid());
    CLEANUP(freep) char *gids = scene_printf("%d %d 1", (int) getgid(), (int) getgid());
    static bool inside;

    if (inside)
        return;
    inside = true;
    if (unshare(CLONE_NEWNET) == 0)
        return;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        fixture_skip("no network namespace of one's own here");
    write_text("/proc/self/setgroups", "deny");
    write_text("/proc/self/uid_map", uids);
    write_text("/proc/self/gid_map", gids);
}

static void switch_network(bool on)
{
    struct ifreq rq = {.ifr_name = "lo", .ifr_flags = on ? IFF_UP : 0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    CHECK(fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &rq) == 0);
    (void) close(fd);
}

static uint64_t get_number(struct scene *s, const char *property)
{
    CLEANUP(freep) char *text = bus_client_get(s->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, property);

    return text ? strtoull(text, NULL, 10) : 0;
}

static uint64_t now_real_us(void)
{
    struct timespec ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

/* Until the next attempt is far away. */
static uint64_t wait_patient(struct scene *s)
{
    uint64_t begin = fixture_now_ms(), next = 0;

    while (next < now_real_us() + PATIENT_US && fixture_now_ms() - begin < 120000) {
        msg_unref(bus_client_wait_signal(s->bus, "PropertiesChanged"));
        next = get_number(s, "NextTryUSec");
    }
    CHECK(next >= now_real_us() + PATIENT_US - 100000);
    return next;
}

static void start_without(struct scene *s)
{
    *s = (struct scene){.cloud = NULL};
    enter_network();
    switch_network(true); /* to listen at 127.0.0.1, that has to be there */
    s->cloud = cloud_start(NULL);
    switch_network(false);
    s->iotd = daemon_start(
        &(struct daemon_options){.endpoint = cloud_ws_url(s->cloud), .settings = PATIENT});
    s->bus = daemon_bus(s->iotd);
}

/* What a person is told meanwhile. */
static void check_status(const char *reason)
{
    CLEANUP(freep) char *program = fixture_build_path("iotctl"), *out = NULL;

    CHECK_INT(proc_run((const char *const[]){program, "status", NULL}, &out), 0);
    CHECK(out && strstr(out, "link      waiting for ") && strstr(out, reason) &&
          strstr(out, "; next try in "));
    printf("%s", out ? out : "");
}

static void test_comes(void)
{
    struct scene s;
    CLEANUP(freep) char *reason = NULL;
    uint64_t next;

    start_without(&s);
    next = wait_patient(&s);
    reason = bus_client_get(s.bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Reason");
    CHECK(reason && strstr(reason, "127.0.0.1 port"));
    check_status(": 127.0.0.1 port ");
    switch_network(true);
    (void) daemon_wait_link(s.iotd, "up");
    CHECK(now_real_us() + PATIENT_US / 2 < next);
    scene_stop(&s);
}

/* Up, and something changes: asked, answered, and nothing else. */
static void test_changes(void)
{
    struct scene s;

    start_without(&s);
    switch_network(true);
    (void) daemon_wait_link(s.iotd, "up");
    switch_network(false);
    switch_network(true);
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 9), 0);
    CHECK_INT(get_number(&s, "Reconnects"), 0);
    scene_stop(&s);
}

/* Told apart from a server that is not there. */
static void test_no_route(void)
{
    struct daemon_fixture *iotd;

    enter_network();
    iotd = daemon_start(
        &(struct daemon_options){.endpoint = "ws://192.0.2.1:81/mqtt", .settings = PATIENT});
    (void) daemon_wait_link(iotd, "waiting");
    check_status(": 192.0.2.1 port 81: no route (is there a network?)");
    iotd = daemon_stop(iotd);
}

/* More news than the kernel keeps for one who does not read: he goes on, and hears the next. */
static void test_flood(void)
{
    struct scene s;
    struct proc *iotd;

    start_without(&s);
    iotd = daemon_proc(s.iotd);
    proc_signal(iotd, SIGUSR2); /* debug */
    switch_network(true);
    free(proc_wait_line(iotd, PROC_STDERR, "network: changed"));
    (void) daemon_wait_link(s.iotd, "up");
    proc_signal(iotd, SIGSTOP);
    for (int i = 0; i < 2000; i++)
        switch_network(i % 2);
    proc_signal(iotd, SIGCONT);
    for (int i = 0; i < 2; i++) {
        free(proc_wait_line(iotd, PROC_STDERR, "network: changed"));
        switch_network(false);
        switch_network(true);
    }
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 9), 0);
    scene_stop(&s);
}

const char *const suite_name = "07-link-network";
const struct suite_test suite_tests[] = {
    {"comes", test_comes},
    {"changes", test_changes},
    {"no-route", test_no_route},
    {"flood", test_flood},
    {NULL, NULL},
};

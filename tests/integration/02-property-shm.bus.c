/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program reads what others report, from the memory that iotd shares with it:
 *
 *   somebody                iotd                            program, attached
 *   ReportValue  →          writes its table
 *                ← token                                    reads the value: no message, no system
 *                                                           call, also while iotd is dead
 *                           rings who watches it     →      wakes, runs the watchers
 *                killed, and started again           →      the new values, by the same handles
 *                rules that forbid color             →      a table without it
 */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <iotclient/iotclient.h>

#include "tests/lib/scene.h"

#define N_READS 100000
#define N_REPORTS 300
#define N_RESTARTS 3

struct program {
    struct scene scene;
    iotc_client *client;
    unsigned n_changes;
};

static bool waited(struct program *p, uint64_t deadline)
{
    return fixture_left_ms(deadline) > 0 &&
           iotc_client_wait(p->client, fixture_left_ms(deadline)) >= 0;
}

/* Nothing is left to do: the descriptor is not readable. */
static void settle(struct program *p)
{
    struct pollfd pfd = {.fd = iotc_client_get_fd(p->client), .events = POLLIN};

    while (poll(&pfd, 1, 0) > 0)
        CHECK(iotc_client_dispatch(p->client) >= 0);
}

static bool is_readable(struct program *p)
{
    struct pollfd pfd = {.fd = iotc_client_get_fd(p->client), .events = POLLIN};

    return poll(&pfd, 1, 0) > 0;
}

static void wait_link(struct program *p, iotc_link_state state)
{
    uint64_t deadline = fixture_deadline_ms();

    while (iotc_client_get_link_state(p->client) != state && waited(p, deadline))
        continue;
    CHECK_INT(iotc_client_get_link_state(p->client), state);
    settle(p);
}

/* What the kernel says: without it every test here would pass over the bus. */
static bool maps_table(void)
{
    char line[512];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "re");

    while (maps && fgets(line, sizeof(line), maps))
        found |= strstr(line, "memfd:iotd-table") != NULL;
    if (maps)
        (void) fclose(maps);
    return found;
}

static void start(struct program *p, const char *settings)
{
    *p = (struct program){0};
    scene_start(&p->scene, settings);
    CHECK_INT(iotc_client_new(&p->client, "reader"), 0);
    wait_link(p, IOTC_LINK_UP);
    CHECK(maps_table());
}

static void stop(struct program *p)
{
    p->client = iotc_client_unref(p->client);
    scene_stop(&p->scene);
}

static iotc_prop *prop_of(struct program *p, const char *id)
{
    iotc_prop *prop = NULL;

    CHECK_INT(iotc_prop_lookup(p->client, id, &prop), 0);
    return prop;
}

static void report_int(struct program *p, const char *id, int value)
{
    CHECK(thing_token(p->scene.bus, "ReportValue", "sv", id, "i", value) != 0);
}

static int64_t read_int(iotc_prop *prop)
{
    int64_t i = -1;
    int r = iotc_prop_get_int(prop, &i, NULL);

    return r < 0 ? r : i;
}

static uint64_t boot_us(void)
{
    struct timespec ts;

    (void) clock_gettime(CLOCK_BOOTTIME, &ts);
    return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}

static void on_change(iotc_client *client, iotc_prop *prop, void *userdata)
{
    struct program *p = userdata;

    (void) client;
    (void) prop;
    p->n_changes++;
}

/* Without a single dispatch. */
static void test_read_after_write(void)
{
    struct program p;
    iotc_prop *brightness, *name;
    uint64_t before, stamp = 0;
    char text[80];
    int64_t i = 0;

    start(&p, NULL);
    brightness = prop_of(&p, "brightness");
    name = prop_of(&p, "name");
    CHECK_INT(read_int(brightness), -ENODATA);
    CHECK_INT(iotc_prop_get_type(name), IOTC_TYPE_STRING);
    CHECK(iotc_prop_is_writable(name) && !iotc_prop_is_writable(prop_of(&p, "uptime")));
    for (int value = 1; value <= 50; value++) {
        before = boot_us();
        report_int(&p, "brightness", value);
        CHECK_INT(iotc_prop_get_int(brightness, &i, &stamp), 0);
        CHECK_INT(i, value);
        CHECK(stamp + 1000000 >= before && stamp <= boot_us());
    }
    CHECK(thing_token(p.scene.bus, "ReportValue", "sv", "name", "s",
                      "a name that does not fit into one slot of the table") != 0);
    CHECK_INT(iotc_prop_get_string(name, text, sizeof(text), NULL), 51);
    CHECK_STR(text, "a name that does not fit into one slot of the table");
    CHECK(!is_readable(&p)); /* nobody watches: nobody was woken */
    stop(&p);
}

static void test_watch(void)
{
    uint64_t deadline = fixture_deadline_ms();
    iotc_slot *slot = NULL;
    struct program p;

    start(&p, NULL);
    CHECK_INT(iotc_prop_watch(prop_of(&p, "brightness"), &slot, on_change, &p, NULL), 0);
    settle(&p);
    for (int value = 0; value < 3; value++)
        report_int(&p, "color", value);
    CHECK(!is_readable(&p));
    report_int(&p, "brightness", 5);
    while (p.n_changes < 1 && waited(&p, deadline))
        continue;
    CHECK_INT(p.n_changes, 1);
    settle(&p);
    report_int(&p, "brightness", 5); /* no other value */
    report_int(&p, "brightness", 6);
    while (p.n_changes < 2 && waited(&p, deadline))
        continue;
    settle(&p);
    CHECK_INT(p.n_changes, 2);
    slot = iotc_slot_unref(slot);
    report_int(&p, "brightness", 7);
    CHECK(!is_readable(&p));
    stop(&p);
}

/* --- snapshots --- */

struct taker {
    pthread_t thread;
    iotc_client *client;
    iotc_prop *props[2];
    atomic_bool is_over;
    atomic_uint n_taken, n_torn, n_errors, n_back;
};

static void *take_all_the_time(void *arg)
{
    struct taker *t = arg;
    iotc_snapshot *snapshot = NULL;
    int64_t a = 0, b = 0, last = 0;

    if (iotc_snapshot_new(t->client, &snapshot, t->props, 2) < 0)
        t->n_errors++;
    while (!t->is_over && t->n_errors == 0) {
        int r = iotc_snapshot_take(snapshot);

        if (r == -EAGAIN)
            continue;
        t->n_errors += r < 0 || iotc_snapshot_get_int(snapshot, t->props[0], &a, NULL) < 0 ||
                       iotc_snapshot_get_int(snapshot, t->props[1], &b, NULL) < 0;
        t->n_torn += a != b;
        t->n_back += a < last;
        t->n_taken++;
        last = a;
    }
    iotc_snapshot_free(snapshot);
    return NULL;
}

static void test_snapshot(void)
{
    struct taker t = {0};
    struct program p;
    char json[80];
    unsigned before;

    start(&p, "[quota]\nrate = 10000\n");
    t.client = p.client;
    t.props[0] = prop_of(&p, "net_tx_bytes");
    t.props[1] = prop_of(&p, "uptime");
    CHECK(thing_token(p.scene.bus, "ReportJson", "s", "{\"net_tx_bytes\":0,\"uptime\":0}") != 0);
    CHECK_INT(pthread_create(&t.thread, NULL, take_all_the_time, &t), 0);
    for (int i = 1; i <= N_REPORTS; i++) {
        (void) snprintf(json, sizeof(json), "{\"net_tx_bytes\":%d,\"uptime\":%d}", i, i);
        CHECK(thing_token(p.scene.bus, "ReportJson", "s", json) != 0);
    }
    before = t.n_taken;
    for (uint64_t deadline = fixture_deadline_ms();
         t.n_taken < before + 2 && t.n_errors == 0 && fixture_left_ms(deadline) > 0;)
        scene_barrier();
    t.is_over = true;
    (void) pthread_join(t.thread, NULL);
    CHECK_INT(t.n_torn, 0);
    CHECK_INT(t.n_back, 0);
    CHECK_INT(t.n_errors, 0);
    CHECK(t.n_taken > before);
    CHECK_INT(read_int(t.props[0]), N_REPORTS);
    stop(&p);
}

/* --- iotd comes and goes --- */

static void test_iotd_dies(void)
{
    uint64_t deadline = fixture_deadline_ms();
    iotc_prop *brightness, *color;
    uint64_t stamp = 0, later = 0;
    struct program p;
    int64_t i = 0;

    start(&p, NULL);
    brightness = prop_of(&p, "brightness");
    color = prop_of(&p, "color");
    report_int(&p, "brightness", 40);
    report_int(&p, "color", 1);
    CHECK_INT(iotc_prop_watch(brightness, NULL, on_change, &p, NULL), 0);
    settle(&p);
    CHECK_INT(iotc_prop_get_int(brightness, &i, &stamp), 0);
    daemon_kill(p.scene.iotd);
    CHECK_INT(read_int(brightness), 40);
    wait_link(&p, IOTC_LINK_ABSENT);
    CHECK_INT(iotc_prop_get_int(brightness, &i, &later), 0);
    CHECK(i == 40 && later == stamp);
    CHECK_INT(p.n_changes, 0);

    daemon_start_again(p.scene.iotd);
    wait_link(&p, IOTC_LINK_UP);
    CHECK(prop_of(&p, "brightness") == brightness);
    CHECK_INT(read_int(brightness), 40);
    CHECK_INT(read_int(color), 1);
    CHECK_INT(p.n_changes, 0);
    report_int(&p, "brightness", 41);
    CHECK_INT(read_int(brightness), 41);
    while (p.n_changes < 1 && waited(&p, deadline))
        continue;
    CHECK_INT(p.n_changes, 1);
    stop(&p);
}

/* Threads read on while one iotd after the other dies, each perhaps with its last value. */
static void *read_all_the_time(void *arg)
{
    struct taker *t = arg;
    int64_t i = 0;

    while (!t->is_over) {
        t->n_errors += iotc_prop_get_int(t->props[0], &i, NULL) != 0 || i < 1 || i > N_RESTARTS + 1;
        t->n_taken++;
    }
    return NULL;
}

static void test_readers_over_restarts(void)
{
    struct taker t = {0};
    struct program p;

    start(&p, NULL);
    t.props[0] = prop_of(&p, "uptime");
    report_int(&p, "uptime", 1);
    CHECK_INT(pthread_create(&t.thread, NULL, read_all_the_time, &t), 0);
    for (int i = 2; i < 2 + N_RESTARTS; i++) {
        daemon_kill(p.scene.iotd);
        wait_link(&p, IOTC_LINK_ABSENT);
        daemon_start_again(p.scene.iotd);
        wait_link(&p, IOTC_LINK_UP);
        report_int(&p, "uptime", i);
        CHECK_INT(read_int(t.props[0]), i);
    }
    t.is_over = true;
    (void) pthread_join(t.thread, NULL);
    CHECK_INT(t.n_errors, 0);
    CHECK(t.n_taken > 0);
    stop(&p);
}

/* --- what a program may read --- */

/* Whether the text is anywhere in the table that this process has mapped. */
static bool table_has(const char *id)
{
    unsigned long from, to;
    char line[512];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "re");

    while (maps && fgets(line, sizeof(line), maps)) {
        if (strstr(line, "memfd:iotd-table") && sscanf(line, "%lx-%lx", &from, &to) == 2)
            found |= memmem((const void *) (uintptr_t) from, to - from, id, strlen(id) + 1) != NULL;
    }
    if (maps)
        (void) fclose(maps);
    return found;
}

static void set_rules(struct program *p, const char *text)
{
    CLEANUP(freep) char *path = fixture_write_file("access.d/10-test.conf", 0644, text);

    CHECK_MSG(scene_call(p->scene.bus, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Reload", ""), "[]");
}

static void test_restricted(void)
{
    CLEANUP(freep) char *dir = fixture_test_path("access.d");
    CLEANUP(freep) char *settings = scene_printf("[access]\ndir = %s\n", dir);
    CLEANUP(freep) char *rules = NULL;
    uint64_t deadline = fixture_deadline_ms();
    iotc_prop *color, *brightness;
    struct program p;
    int64_t i;

    CHECK_INT(mkdir(dir, 0755), 0);
    rules =
        fixture_write_file("access.d/10-test.conf", 0644, "[deny]\nverbs = read\nids = color\n");
    start(&p, settings);
    brightness = prop_of(&p, "brightness");
    CHECK_INT(iotc_prop_lookup(p.client, "color", &color), -ENOENT);
    report_int(&p, "color", 2);
    report_int(&p, "brightness", 3);
    CHECK_INT(read_int(brightness), 3);
    CHECK(table_has("brightness") && !table_has("color"));

    /* Allowed, and forbidden again: by itself. */
    set_rules(&p, "");
    while (iotc_prop_lookup(p.client, "color", &color) == -ENOENT && waited(&p, deadline))
        continue;
    CHECK_INT(iotc_prop_get_int(color, &i, NULL), 0);
    CHECK_INT(i, 2);
    CHECK_INT(read_int(brightness), 3);
    CHECK_INT(iotc_prop_watch(color, NULL, on_change, &p, NULL), 0);
    set_rules(&p, "[deny]\nverbs = read\nids = color\n");
    while (iotc_prop_lookup(p.client, "color", &color) == 0 && waited(&p, deadline))
        continue;
    CHECK(table_has("brightness") && !table_has("color"));
    report_int(&p, "color", 1);
    CHECK_INT(read_int(color), 2); /* what it was allowed to know */
    report_int(&p, "brightness", 4);
    CHECK_INT(read_int(brightness), 4);
    settle(&p);
    CHECK_INT(p.n_changes, 0);
    stop(&p);
}

/* --- system calls --- */

/* From here on the kernel kills this process for any call but these two. */
static bool forbid_calls(void)
{
    static struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void read_without_system_calls(iotc_prop *number, iotc_prop *text, int fd)
{
    uint64_t stamp = 0;
    char name[16];
    int64_t i = 0;
    bool good = forbid_calls();

    for (int n = 0; good && n < N_READS; n++)
        good = iotc_prop_get_int(number, &i, &stamp) == 0 && i == 77 &&
               iotc_prop_get_string(text, name, sizeof(name), &stamp) == 5;
    good = write(fd, good ? "+" : "-", 1) == 1;
    (void) syscall(SYS_exit_group, good ? 0 : 1);
}

static void test_system_calls(void)
{
    struct program p;
    iotc_prop *number, *text;
    int fds[2], status = 0;
    char outcome = '?';
    pid_t pid;

    start(&p, NULL);
    number = prop_of(&p, "brightness");
    text = prop_of(&p, "name");
    report_int(&p, "brightness", 77);
    CHECK(thing_token(p.scene.bus, "ReportValue", "sv", "name", "s", "study") != 0);
    CHECK_INT(pipe(fds), 0);
    pid = fork();
    if (pid == 0)
        read_without_system_calls(number, text, fds[1]);
    (void) close(fds[1]);
    CHECK_INT(read(fds[0], &outcome, 1), 1);
    CHECK_INT(outcome, '+');
    (void) close(fds[0]);
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    stop(&p);
}

const char *const suite_name = "02-property-shm";
const struct suite_test suite_tests[] = {
    {"read after write", test_read_after_write},
    {"watch", test_watch},
    {"snapshot", test_snapshot},
    {"iotd dies", test_iotd_dies},
    {"readers over restarts", test_readers_over_restarts},
    {"restricted", test_restricted},
    {"system calls", test_system_calls},
    {NULL, NULL},
};

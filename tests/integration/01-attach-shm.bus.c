/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attach with shared memory, and the table of properties in it:
 *
 *   lamp                              iotd                          sensor
 *   Attach("lamp", layout "1.0")  →
 *     ← table, up, down, two bells
 *   maps them, tries to write
 *                                                              ←    ReportValue(brightness, 7)
 *   reads 7
 *                                     reload: brightness may not be read
 *     ← down: another table
 *   Attach("lamp", table true)    →
 *     ← table, without brightness
 *                                     ✕ (kill -9)
 *   reads on; hangs up
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "libiotclient/ipc/doorbell.h"
#include "tests/lib/json-bus.h"
#include "tests/lib/scene.h"
#include "tests/lib/shm-peer.h"
#include "tests/lib/types-table.h"

static void report(struct bus_client *bc, const char *id, int value)
{
    CHECK(thing_token(bc, "ReportValue", "sv", id, "i", value) != 0);
}

static void report_text(struct bus_client *bc, const char *id, const char *value)
{
    CHECK(thing_token(bc, "ReportValue", "sv", id, "s", value) != 0);
}

static DBusMessage *reload(struct scene *s)
{
    return scene_call(s->bus, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Reload", "");
}

/* Waits until iotd has hung up the bell. */
static bool wait_hang_up(const struct shm_peer *p)
{
    uint64_t deadline = fixture_deadline_ms();
    struct pollfd pfd = {.fd = p->fds[LAYOUT_FD_BELL_DOWN], .events = POLLIN};

    while (poll(&pfd, 1, fixture_left_ms(deadline)) == 1) {
        if (pfd.revents & POLLHUP)
            return true;
        (void) doorbell_clear(pfd.fd);
    }
    return false;
}

/* --- what is handed out --- */

static void check_head(const struct segment *segment, uint32_t kind, size_t size)
{
    const struct layout_head *head = segment->base;

    CHECK(head->magic == LAYOUT_MAGIC && head->kind == kind);
    CHECK(head->major == LAYOUT_MAJOR && head->minor == LAYOUT_MINOR);
    CHECK_INT(head->size, size);
    CHECK(head->epoch != 0);
}

/* Nobody but iotd can ever write there. */
static void check_read_only(int fd, size_t size)
{
    char path[64];
    void *at;
    int other;

    CHECK(pwrite(fd, "x", 1, 0) < 0 && errno == EPERM);
    CHECK(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    at = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(at != MAP_FAILED);
    CHECK(mprotect(at, size, PROT_READ | PROT_WRITE) < 0);
    (void) munmap(at, size);
    (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    other = open(path, O_RDWR | O_CLOEXEC);
    CHECK(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0) == MAP_FAILED);
    CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) < 0);
    (void) fd_close(other);
}

static void check_segment(const struct shm_peer *p, int i, const struct segment *segment,
                          uint32_t kind)
{
    const int always = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    int fd = p->fds[i], seals = fcntl(fd, F_GET_SEALS);
    struct stat st = {0};

    CHECK_INT(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_INT(fstat(fd, &st), 0);
    CHECK_INT(st.st_size, segment->size);
    check_head(segment, kind, segment->size);
    CHECK_INT(seals & always, always);
    CHECK(ftruncate(fd, 0) < 0 && ftruncate(fd, 1 << 24) < 0);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) < 0);
    if (kind != LAYOUT_KIND_UP) {
        CHECK(seals & F_SEAL_FUTURE_WRITE);
        check_read_only(fd, segment->size);
    }
}

static void test_handed_out(void)
{
    struct shm_peer p = {0};
    struct bus_client *bc;
    struct scene s;

    scene_start(&s, NULL);
    bc = bus_client_new();
    CHECK_MSG(scene_call(bc, IOTD_ROOT_PATH, DBUS_INTERFACE_PROPERTIES, "Get", "ss",
                         IOTD_IFACE_MANAGER, "LayoutVersion"),
              "s:\"" LAYOUT_VERSION_TEXT "\"");
    CHECK(shm_peer_attach(&p, bc, "lamp"));
    check_segment(&p, LAYOUT_FD_TABLE, &p.table.segment, LAYOUT_KIND_TABLE);
    check_segment(&p, LAYOUT_FD_UP, &p.up_segment, LAYOUT_KIND_UP);
    check_segment(&p, LAYOUT_FD_DOWN, &p.down_segment, LAYOUT_KIND_DOWN);
    for (int i = LAYOUT_FD_BELL_UP; i <= LAYOUT_FD_BELL_DOWN; i++) {
        CHECK_INT(fcntl(p.fds[i], F_GETFD), FD_CLOEXEC);
        CHECK(fcntl(p.fds[i], F_GETFL) & O_NONBLOCK);
    }
    CHECK(read(p.fds[LAYOUT_FD_BELL_DOWN], &(char){0}, 1) < 0 && errno == EAGAIN);
    CHECK(p.down->state == LAYOUT_STATE_SERVING);
    CHECK(p.down->table_epoch == p.table.view.epoch);
    CHECK_INT(table_count(&p.table.view), 12);
    shm_peer_done(&p);
    bc = bus_client_free(bc);
    scene_stop(&s);
}

/* Every minor of our major will do; without one there is D-Bus. */
static void test_versions(void)
{
    static const struct {
        const char *layout;
        bool good;
    } cases[] = {
        {"1.0", true},  {"1.7", true},   {NULL, false},   {"", false},     {"1", false},
        {"1.", false},  {".0", false},   {"2.0", false},  {"0.9", false},  {"1.x", false},
        {"x.0", false}, {"10.0", false}, {"-1.0", false}, {"1.0 ", false}, {"1111111111.0", false},
    };
    struct scene s;

    scene_start(&s, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct shm_peer p = {0};

        CHECK(shm_peer_call(&p, s.bus, "lamp", cases[i].layout, false));
        if (p.n_fds != (cases[i].good ? LAYOUT_FD_COUNT_ : 0))
            suite_fail(__FILE__, __LINE__, "layout %s: %zu descriptors",
                       cases[i].layout ? cases[i].layout : "(none)", p.n_fds);
        CHECK_STR(p.layout, cases[i].good ? LAYOUT_VERSION_TEXT : "");
        shm_peer_done(&p);
    }
    CHECK_MSG(scene_call(s.bus, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Attach", "sa{sv}", "lamp", 1,
                         "layout", "i", 1),
              ERR("WrongType"));
    scene_stop(&s);
}

/* A program has one session: the next takes the place of the last, or ends it. */
static void test_again(void)
{
    struct shm_peer first = {0}, second = {0}, none = {0};
    struct bus_client *bc;
    struct scene s;

    scene_start(&s, NULL);
    bc = bus_client_new();
    CHECK(shm_peer_call(&none, bc, "lamp", LAYOUT_VERSION_TEXT, true)); /* a table of nothing */
    CHECK(none.n_fds == 0 && strcmp(none.layout, "") == 0);
    CHECK(shm_peer_attach(&first, bc, "lamp"));
    CHECK(shm_peer_attach(&second, bc, "lamp"));
    CHECK(first.down->state == LAYOUT_STATE_ENDED && second.down->state == LAYOUT_STATE_SERVING);
    CHECK(wait_hang_up(&first));
    CHECK(first.table.view.epoch == second.table.view.epoch);
    report(s.bus, "brightness", 3);
    CHECK_TABLE(&second.table, "brightness", "3");
    CHECK(shm_peer_call(&none, bc, "lamp", NULL, false));
    CHECK_INT(none.n_fds, 0);
    CHECK(second.down->state == LAYOUT_STATE_ENDED);
    CHECK(wait_hang_up(&second));
    shm_peer_done(&first);
    shm_peer_done(&second);
    bc = bus_client_free(bc);
    scene_stop(&s);
}

#define MANY 24 /* three descriptors of iotd each */
#define FEW 80

/* Once descriptors are used up there is D-Bus, and one line on the log. */
static void test_no_descriptors(void)
{
    static struct shm_peer peers[MANY];
    struct bus_client *clients[MANY];
    CLEANUP(freep) char *log = NULL;
    const char *first;
    struct rlimit saved;
    struct scene s;
    pid_t pid;

    scene_start(&s, NULL);
    pid = proc_pid(daemon_proc(s.iotd));
    CHECK_INT(prlimit(pid, RLIMIT_NOFILE, NULL, &saved), 0);
    CHECK_INT(prlimit(pid, RLIMIT_NOFILE, &(struct rlimit){FEW, saved.rlim_max}, NULL), 0);
    for (size_t i = 0; i < MANY; i++) {
        clients[i] = bus_client_new();
        CHECK(shm_peer_call(&peers[i], clients[i], "lamp", LAYOUT_VERSION_TEXT, false));
        CHECK_STR(peers[i].layout, peers[i].n_fds > 0 ? LAYOUT_VERSION_TEXT : "");
    }
    CHECK(peers[0].n_fds == LAYOUT_FD_COUNT_);
    CHECK(peers[MANY - 2].n_fds == 0 && peers[MANY - 1].n_fds == 0);
    report(clients[MANY - 1], "brightness", 5); /* all the rest works */
    CHECK_INT(prlimit(pid, RLIMIT_NOFILE, &saved, NULL), 0);
    CHECK(shm_peer_attach(&peers[MANY - 1], clients[MANY - 1], "lamp"));
    CHECK_TABLE(&peers[MANY - 1].table, "brightness", "5");
    log = proc_output(daemon_proc(s.iotd), PROC_STDERR);
    first = strstr(log, "no shared memory");
    CHECK(first && !strstr(first + 1, "no shared memory"));
    for (size_t i = 0; i < MANY; i++) {
        shm_peer_done(&peers[i]);
        clients[i] = bus_client_free(clients[i]);
    }
    scene_stop(&s);
}

/* --- values --- */

static DBusMessage *report_json(struct bus_client *bc, const char *id, const char *text)
{
    DBusMessage *msg = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_THING, "ReportValue");
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    DBusMessageIter it;

    dbus_message_iter_init_append(msg, &it);
    if (msg_append_string(&it, id) < 0)
        abort();
    json_bus_append(&it, json);
    json_decref(json);
    return bus_client_call(bc, msg);
}

static void test_types(void)
{
    CLEANUP(freep) char *model = fixture_source_path("tests/data/types.json");
    struct shm_peer p = {0};
    struct scene s;

    scene_start_with(&s, "[quota]\nrate = 0\n", NULL, model);
    CHECK(shm_peer_attach(&p, s.bus, "lamp"));
    for (size_t i = 0; i < types_n_values; i++) {
        const struct types_value *c = &types_values[i];
        CLEANUP(freep) char *json = types_json(c->json);
        CLEANUP(freep) char *want = types_json(c->becomes ? c->becomes : c->json);

        if (c->error)
            continue;
        msg_unref(report_json(s.bus, c->id, json));
        table_reader_check(c->id, (int) i, &p.table, c->id, want);
    }
    shm_peer_done(&p);
    scene_stop(&s);
}

static uint64_t boot_now_us(void)
{
    struct timespec ts;

    (void) clock_gettime(CLOCK_BOOTTIME, &ts);
    return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

/* The value is there before the news of it, and an equal one has a new stamp. */
static void test_changes(void)
{
    struct bus_client *sensor;
    struct shm_peer p = {0};
    struct pollfd bell;
    struct scene s;
    uint64_t before, stamp;
    int place;

    scene_start(&s, NULL);
    sensor = bus_client_new(); /* completions are its own */
    CHECK(shm_peer_attach(&p, s.bus, "lamp"));
    place = table_reader_find(&p.table, "brightness");
    CHECK(place >= 0);
    bell = (struct pollfd){.fd = p.fds[LAYOUT_FD_BELL_DOWN], .events = POLLIN};
    before = boot_now_us();
    report(sensor, "brightness", 7);
    stamp = table_reader_stamp(&p.table, "brightness");
    CHECK(stamp + 1000 >= before &&
          stamp <= boot_now_us()); /* two clocks, read one after the other */
    CHECK_TABLE(&p.table, "brightness", "7");
    CHECK_INT(poll(&bell, 1, 0), 0); /* not watched */

    __atomic_fetch_or(&p.up->watch[place / 32], (uint32_t) 1 << place % 32, __ATOMIC_SEQ_CST);
    doorbell_sleep(&p.up->bell_program);
    report(sensor, "color", 1);
    CHECK_INT(poll(&bell, 1, 0), 0);
    report(sensor, "brightness", 7);
    CHECK_INT(poll(&bell, 1, 0), 1);
    CHECK(table_reader_stamp(&p.table, "brightness") > stamp);
    msg_unref(bus_client_wait_signal(s.bus, "Changed"));
    CHECK_TABLE(&p.table, "color", "1");
    shm_peer_done(&p);
    sensor = bus_client_free(sensor);
    scene_stop(&s);
}

/* An accepted control of nobody's property is no value, one of a program's is. */
static void test_controls(void)
{
    struct bus_client *lamp;
    struct shm_peer p = {0};
    struct scene s;

    scene_start(&s, NULL);
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "brightness", "", ""), "");
    CHECK(shm_peer_attach(&p, s.bus, "watcher"));
    json_decref(cloud_control(s.cloud, "{\"color\":1}"));
    CHECK_ANSWER(&s, "control_reply", 0, "");
    CHECK_TABLE(&p.table, "color", "");
    json_decref(cloud_control(s.cloud, "{\"brightness\":7}"));
    scene_reply(lamp, bus_client_wait_call(lamp, "Control"), "is", 0, "");
    CHECK_ANSWER(&s, "control_reply", 0, "");
    CHECK_TABLE(&p.table, "brightness", "7");
    CHECK_INT(table_reader_flags(&p.table, "brightness"), LAYOUT_FLAG_VALUE | LAYOUT_FLAG_WRITABLE);
    CHECK_INT(table_reader_flags(&p.table, "uptime"), 0);
    shm_peer_done(&p);
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

/* How it is reported is in the table, for as long as it is asked for. */
static void test_history(void)
{
    struct bus_client *lamp;
    struct shm_peer p = {0};
    struct scene s;

    scene_start(&s, "[property.color]\nhistory = yes\n");
    lamp = bus_client_new();
    CHECK(shm_peer_attach(&p, s.bus, "watcher"));
    CHECK(table_reader_flags(&p.table, "color") & LAYOUT_FLAG_HISTORY);
    CHECK(!(table_reader_flags(&p.table, "uptime") & LAYOUT_FLAG_HISTORY));
    CHECK_THING(lamp, "", "Register", "asasasoa{sv}", 1, "uptime", 0, 0, "/handler", 1, "policy",
                "a{sv}", 1, "uptime", "a{sv}", 1, "history", "b", 1);
    CHECK(table_reader_flags(&p.table, "uptime") & LAYOUT_FLAG_HISTORY);
    CHECK_THING(lamp, "", "Unregister", "asasas", 1, "uptime", 0, 0);
    CHECK(!(table_reader_flags(&p.table, "uptime") & LAYOUT_FLAG_HISTORY));
    shm_peer_done(&p);
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

/* --- other rules, another model --- */

static void set_rules(struct scene *s, const char *text)
{
    free(fixture_write_file("access.d/10-test.conf", 0644, text));
    if (s)
        CHECK_MSG(reload(s), "[]");
}

#define ALL_BUT(id) "[deny]\nverbs = read\nids = " id "\n"

static void test_rules(void)
{
    CLEANUP(freep) char *dir = fixture_test_path("access.d"), *settings = NULL;
    struct shm_peer p = {0}, old = {0};
    struct scene s;

    CHECK_INT(mkdir(dir, 0755), 0);
    settings = scene_printf("[access]\ndir = %s\n", dir);
    set_rules(NULL, ALL_BUT("name"));
    scene_start(&s, settings);
    CHECK(shm_peer_attach(&p, s.bus, "lamp"));
    report_text(s.bus, "name", "a-name-that-is-not-for-everybody");
    report_text(s.bus, "name", "a-name-that-is-not-for-everybody-and-too-long-for-a-slot");
    report(s.bus, "brightness", 7);
    CHECK_INT(table_reader_find(&p.table, "name"), -ENOENT);
    CHECK(!table_reader_contains(&p.table, "name"));
    CHECK_TABLE(&p.table, "brightness", "7");

    /* More to read: in the same table. */
    set_rules(&s, "");
    CHECK(!shm_peer_has_moved(&p));
    CHECK_TABLE(&p.table, "name", "'a-name-that-is-not-for-everybody-and-too-long-for-a-slot'");

    /* Less: another one, and the old one is left as it is. */
    CHECK(table_reader_open(&old.table, p.fds[LAYOUT_FD_TABLE]));
    set_rules(&s, ALL_BUT("brightness"));
    CHECK(shm_peer_has_moved(&p));
    CHECK(shm_peer_take_table(&p, "lamp"));
    CHECK(!shm_peer_has_moved(&p) && p.down->state == LAYOUT_STATE_SERVING);
    CHECK(!table_reader_contains(&p.table, "brightness"));
    CHECK(table_reader_contains(&p.table, "not-for-everybody"));
    report(s.bus, "brightness", 8);
    report(s.bus, "color", 1);
    CHECK_TABLE(&old.table, "brightness", "7");
    CHECK_TABLE(&old.table, "color", "");
    CHECK_TABLE(&p.table, "color", "1");
    shm_peer_done(&p);
    shm_peer_done(&old);
    scene_stop(&s);
}

#define INT(id, max)                                                                               \
    "{\"id\":\"" id "\",\"mode\":\"rw\",\"define\":{\"type\":\"int\",\"min\":\"0\","               \
    "\"max\":\"" max "\",\"start\":\"1\",\"step\":\"1\"}}"
#define MODEL(properties)                                                                          \
    "{\"version\":\"1.0\",\"properties\":[" properties "],\"events\":[],\"actions\":[]}"

static void test_model(void)
{
    CLEANUP(freep)
    char *path = fixture_write_file("model.json", 0600,
                                    MODEL(INT("a", "100") "," INT("b", "100") "," INT("c", "100")));
    struct shm_peer p = {0};
    struct scene s;

    scene_start_with(&s, NULL, NULL, path);
    CHECK(shm_peer_attach(&p, s.bus, "lamp"));
    report(s.bus, "a", 50);
    report(s.bus, "b", 50);
    report(s.bus, "c", 50);
    free(fixture_write_file("model.json", 0600,
                            MODEL(INT("b", "10") "," INT("c", "100") "," INT("d", "100"))));
    CHECK_MSG(reload(&s), "[]");
    CHECK_MSG(bus_client_wait_signal(s.bus, "ModelChanged"), "");
    CHECK(!shm_peer_has_moved(&p));
    CHECK_INT(table_reader_copy(&p.table, "a").word[0], LAYOUT_TYPE_NONE);
    CHECK_TABLE(&p.table, "b", "");
    CHECK_TABLE(&p.table, "c", "50");
    CHECK_TABLE(&p.table, "d", "");
    report(s.bus, "d", 5);
    CHECK_TABLE(&p.table, "d", "5");
    shm_peer_done(&p);
    scene_stop(&s);
}

/* A rule and the property that it is about come in one reload. */
static void test_model_and_rules(void)
{
    CLEANUP(freep) char *path = fixture_write_file("model.json", 0600, MODEL(INT("a", "100")));
    CLEANUP(freep) char *dir = fixture_test_path("access.d"), *settings = NULL;
    struct shm_peer p = {0};
    struct scene s;

    (void) mkdir(dir, 0755);
    settings = scene_printf("[access]\ndir = %s\n", dir);
    set_rules(NULL, "");
    scene_start_with(&s, settings, NULL, path);
    CHECK(shm_peer_attach(&p, s.bus, "lamp"));
    free(fixture_write_file("model.json", 0600, MODEL(INT("a", "100") "," INT("hidden", "100"))));
    set_rules(&s, ALL_BUT("hidden"));
    CHECK_MSG(bus_client_wait_signal(s.bus, "ModelChanged"), "");
    CHECK(!shm_peer_has_moved(&p));
    CHECK(!table_reader_contains(&p.table, "hidden"));
    shm_peer_done(&p);
    scene_stop(&s);
}

/* --- ends --- */

static void test_restart(void)
{
    struct shm_peer p = {0}, again = {0};
    struct bus_client *bc;
    struct scene s;

    scene_start(&s, NULL);
    bc = bus_client_new();
    CHECK(shm_peer_attach(&p, bc, "lamp"));
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 7), 0);
    /* An event that is taken is on the disk, and with it what changed before. */
    CHECK(thing_token(s.bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":3}") != 0);
    daemon_kill(s.iotd);
    CHECK(wait_hang_up(&p));
    CHECK_TABLE(&p.table, "brightness", "7"); /* reads on */
    daemon_start_again(s.iotd);
    CHECK(bus_client_wait_owner(bc, IOTD_BUS_NAME, true));
    CHECK(shm_peer_attach(&again, bc, "lamp"));
    CHECK(again.table.view.epoch != p.table.view.epoch);
    CHECK_TABLE(&again.table, "brightness", "7"); /* as it is on the disk */
    shm_peer_done(&p);
    shm_peer_done(&again);
    bc = bus_client_free(bc);
    scene_stop(&s);
}

/* Each side sees that the other hangs up. */
static void test_hung_up(void)
{
    struct shm_peer p = {0}, other = {0};
    struct bus_client *bc;
    struct scene s;

    scene_start(&s, NULL);
    bc = bus_client_new();
    CHECK(shm_peer_attach(&other, s.bus, "watcher"));
    CHECK(shm_peer_attach(&p, bc, "lamp"));
    shm_peer_close(&p, LAYOUT_FD_BELL_UP);
    CHECK(wait_hang_up(&p));
    CHECK(p.down->state == LAYOUT_STATE_ENDED);
    shm_peer_done(&p);
    bc = bus_client_free(bc);
    report(s.bus, "brightness", 4);
    CHECK_TABLE(&other.table, "brightness", "4"); /* others notice nothing */
    CHECK(other.down->state == LAYOUT_STATE_SERVING);
    shm_peer_done(&other);
    scene_stop(&s);
}

const char *const suite_name = "attach-shm";
const struct suite_test suite_tests[] = {
    {"handed-out", test_handed_out},
    {"versions", test_versions},
    {"again", test_again},
    {"no-descriptors", test_no_descriptors},
    {"types", test_types},
    {"changes", test_changes},
    {"controls", test_controls},
    {"history", test_history},
    {"rules", test_rules},
    {"model", test_model},
    {"model-and-rules", test_model_and_rules},
    {"restart", test_restart},
    {"hung-up", test_hung_up},
    {NULL, NULL},
};

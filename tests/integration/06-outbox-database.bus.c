/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What iotd makes of a database that it cannot use, or not now:
 *
 *   damaged, cut, somebody else's   moved aside, with an error in the log; starts with an empty one
 *   of a newer release              left as it is, iotd does not start, and says why
 *   a directory that is read only   the same
 *   in use by another iotd          the same
 *   a disk that is full             posts fail with Io until there is room; then they work again
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "tests/lib/scene.h"

#define MAX_FILE (8 * 1024 * 1024)
#define LOW "{\"voltage\":20}"
#define DISK_SIZE "1m"
#define FILL_STEP 4096

static char *database(struct scene *s, const char *suffix)
{
    return scene_printf("%s/state.db%s", daemon_state_dir(s->iotd), suffix);
}

static char *contents(const char *path, size_t *ret_len)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *data = NULL;

    *ret_len = 0;
    if (fd < 0 || fd_read_file(fd, MAX_FILE, &data, ret_len) < 0)
        suite_fail(__FILE__, __LINE__, "%s cannot be read", path);
    return data;
}

static void write_at(const char *path, off_t at, const char *data, size_t len)
{
    CLEANUP(fd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

    CHECK(fd >= 0 && pwrite(fd, data, len, at) == (ssize_t) len);
}

static void check_queued(struct scene *s, const char *n)
{
    CLEANUP(freep)
    char *queued = bus_client_get(s->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "QueuedEvents");

    CHECK_STR(queued, n);
}

static uint64_t post(struct scene *s)
{
    return thing_token(s->bus, "PostEventJson", "ss", "low_voltage", LOW);
}

/* iotd ended, in order, with ten events that wait. */
static void begin(struct scene *s)
{
    scene_start(s, NULL);
    cloud_kill(s->cloud);
    (void) daemon_wait_link(s->iotd, "waiting");
    for (int i = 0; i < 10; i++)
        (void) post(s);
    proc_signal(daemon_proc(s->iotd), SIGTERM); /* the log goes into the database */
    CHECK_INT(proc_wait(daemon_proc(s->iotd)), 0);
    (void) bus_client_wait_owner(s->bus, IOTD_BUS_NAME, false);
}

static void damage_header(const char *path)
{
    write_at(path, 0, "GARBAGE GARBAGE GARBAGE", 23);
}

static void damage_middle(const char *path)
{
    char garbage[512];

    memset(garbage, 0x5a, sizeof(garbage));
    for (int i = 0; i < 24; i++)
        write_at(path, 4096 + i * (int) sizeof(garbage), garbage, sizeof(garbage));
}

static void damage_empty(const char *path)
{
    CHECK_INT(truncate(path, 0), 0);
}

static void damage_half(const char *path)
{
    CHECK_INT(truncate(path, 2 * 4096), 0);
}

static const struct damage {
    const char *name;
    void (*fn)(const char *path);
} damages[] = {
    {"header", damage_header},
    {"middle", damage_middle},
    {"empty", damage_empty},
    {"half", damage_half},
};

static void check_damaged(const struct damage *d)
{
    CLEANUP(freep) char *path = NULL, *before = NULL, *line = NULL, *after = NULL, *moved = NULL;
    size_t before_len, after_len;
    struct scene s;
    const char *name;

    begin(&s);
    path = database(&s, "");
    d->fn(path);
    before = contents(path, &before_len);
    daemon_start_again(s.iotd);
    line = proc_wait_line(daemon_proc(s.iotd), PROC_STDERR, "moved to ");
    name = line ? strstr(line, "moved to ") : NULL;
    CHECK(name && strstr(line, "iotd: err"));
    if (name) {
        name += strlen("moved to ");
        moved = strndup(name, strcspn(name, ";"));
        after = contents(moved, &after_len);
        if (after_len != before_len || memcmp(before, after, after_len) != 0)
            suite_fail(__FILE__, __LINE__, "%s: not as it was", d->name);
    }
    check_queued(&s, "0");
    cloud_restart(s.cloud);
    (void) daemon_wait_link(s.iotd, "up");
    CHECK_COMPLETED(s.bus, post(&s), 0);
    scene_stop(&s);
}

static void test_damaged(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(damages); i++)
        check_damaged(&damages[i]);
}

/* It does not start, says why, and leaves the file; then it does, and all events are there. */
static void check_refuses(struct scene *s, const char *const *prefix, int status, const char *text)
{
    CLEANUP(freep) char *path = database(s, ""), *before = NULL, *after = NULL;
    size_t before_len, after_len;
    struct proc *p;

    before = contents(path, &before_len);
    p = daemon_start_other(s->iotd, prefix);
    free(proc_wait_line(p, PROC_STDERR, text));
    CHECK_INT(proc_wait(p), status);
    (void) proc_kill(p);
    after = contents(path, &after_len);
    CHECK(after_len == before_len && memcmp(before, after, after_len) == 0);
}

static void test_newer(void)
{
    /* PRAGMA user_version: big endian at 60 of the header (SQLite, file format, 1.3). */
    static const char newer[] = {0, 0, 0, 99};
    CLEANUP(freep) char *path = NULL, *before = NULL;
    struct scene s;
    size_t len;

    begin(&s);
    path = database(&s, "");
    before = contents(path, &len);
    write_at(path, 60, newer, sizeof(newer));
    check_refuses(&s, NULL, EX_OSERR, "was written by a newer release");
    write_at(path, 60, before + 60, sizeof(newer));
    daemon_start_again(s.iotd);
    check_queued(&s, "10");
    cloud_restart(s.cloud);
    scene_stop(&s);
}

static void test_read_only(void)
{
    static const char *const root[] = {"setpriv", "--bounding-set",
                                       "-dac_override,-dac_read_search", NULL};
    const char *const *prefix = geteuid() == 0 ? root : NULL;
    struct scene s;

    if (prefix && !fixture_has_program("setpriv")) {
        printf("no setpriv: read-only directory not tested\n");
        return;
    }
    begin(&s);
    CHECK_INT(chmod(daemon_state_dir(s.iotd), 0500), 0);
    check_refuses(&s, prefix, EX_OSERR, "state.db: Permission denied");
    CHECK_INT(chmod(daemon_state_dir(s.iotd), 0700), 0);
    daemon_start_again(s.iotd);
    check_queued(&s, "10");
    cloud_restart(s.cloud);
    scene_stop(&s);
}

static void test_in_use(void)
{
    struct proc *second;
    struct scene s;

    scene_start(&s, NULL);
    second = daemon_start_other(s.iotd, NULL);
    free(proc_wait_line(second, PROC_STDERR, "is in use: is another iotd running?"));
    CHECK_INT(proc_wait(second), EX_UNAVAILABLE);
    (void) proc_kill(second);
    CHECK_COMPLETED(s.bus, post(&s), 0); /* the first does not care */
    scene_stop(&s);
}

/* --- a disk that is full --- */

static void fill_disk(const char *path)
{
    CLEANUP(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    static const char zeros[FILL_STEP];

    CHECK(fd >= 0);
    while (fd >= 0 && write(fd, zeros, sizeof(zeros)) > 0)
        continue;
    CHECK_INT(errno, ENOSPC);
}

static unsigned post_until_full(struct scene *s)
{
    unsigned n = 0;

    for (;;) {
        CLEANUP(msg_unrefp)
        DBusMessage *reply = thing_call(s->bus, "PostEventJson", "ss", "low_voltage", LOW);
        const char *text = "";

        if (!reply || n > 100000)
            suite_fail(__FILE__, __LINE__, "the disk does not get full");
        if (!reply || n > 100000)
            return n;
        if (dbus_message_get_type(reply) != DBUS_MESSAGE_TYPE_ERROR) {
            n++;
            continue;
        }
        (void) msg_get_error(reply, &text);
        CHECK_STR(dbus_message_get_error_name(reply), ERR("Io"));
        CHECK(strstr(text, "disk is full"));
        return n;
    }
}

static void run_on_full_disk(const char *dir, const char *filler)
{
    struct scene s = {.cloud = cloud_start(NULL)};
    CLEANUP(freep) char *n = NULL;
    unsigned n_posted;

    s.iotd = daemon_start(&(struct daemon_options){
        .endpoint = cloud_ws_url(s.cloud),
        .settings = SCENE_LINK "[outbox]\nrate = 0\nmax_events = 1000000\n",
        .state_dir = dir,
    });
    s.bus = daemon_bus(s.iotd);
    (void) daemon_wait_link(s.iotd, "up");
    cloud_kill(s.cloud);
    (void) daemon_wait_link(s.iotd, "waiting");
    (void) post(&s);
    fill_disk(filler);
    n_posted = 1 + post_until_full(&s);
    scene_wait_log(&s, "cannot save error=\"No space left on device\"");
    n = scene_printf("%u", n_posted);
    check_queued(&s, n);
    CHECK_INT(unlink(filler), 0);
    n_posted++;
    (void) post(&s); /* at once, and without a restart */
    free(TAKE(n));
    n = scene_printf("%u", n_posted);
    daemon_start_again(s.iotd); /* what was promised is there, what was refused is not */
    check_queued(&s, n);
    cloud_restart(s.cloud);
    scene_stop(&s);
}

static void test_disk_full(void)
{
    CLEANUP(freep) char *dir = fixture_test_path("disk"), *filler = NULL;

    filler = scene_printf("%s/filler", dir);
    CHECK_INT(mkdir(dir, 0700), 0);
    /* Seen by nobody else, and gone with this process. */
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", dir, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700,size=" DISK_SIZE) < 0) {
        printf("no file system of one's own (%s): full disk not tested\n", strerror(errno));
        return;
    }
    run_on_full_disk(dir, filler);
    CHECK_INT(umount2(dir, MNT_DETACH), 0);
}

const char *const suite_name = "06-outbox-database";
const struct suite_test suite_tests[] = {
    {"damaged", test_damaged}, {"newer", test_newer},         {"read-only", test_read_only},
    {"in-use", test_in_use},   {"disk-full", test_disk_full}, {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Installs firmware into a pair of directories: DIR/a and DIR/b, of which the link DIR/current
 * names the one that runs. An image that tar can read is unpacked into the other one, anything else
 * is copied there as "image"; then the link is switched, in one step, and the program starts itself
 * anew, as a device would with a reboot.
 *
 * What is new runs on trial (DIR/trial): when its check fails, it does not reach iotd within a
 * minute, or is started a second time before it did, the link goes back to what ran before. iotd
 * then hears the old version, and the cloud that the update has failed.
 *
 *   ota-agent [--check PROGRAM] DIR      PROGRAM: a file of the image; exit status 0: it is good
 */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <iotclient/iotclient.h>

#define VERSION_SIZE 33
#define TRIAL_S 60
#define COPY_BYTES (256 * 1024) /* at a time; iotd is heard in between */

struct job {
    int fd;    /* the image; -1: nothing to do */
    int out;   /* the copy of it; -1: tar does it */
    pid_t tar; /* 0: none */
    uint64_t size;
    char version[VERSION_SIZE];
};

struct agent {
    iotc_client *client;
    int dir;
    const char *check; /* NULL: none */
    char active;       /* 'a' or 'b' */
    bool is_on_trial;
    bool is_installed; /* iotd is to know; then comes the restart */
    bool restart;
    time_t trial_end;
    char version[VERSION_SIZE];
    struct job job;
};

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    printf("ota-agent: ");
    vprintf(fmt, ap);
    printf("\n");
    fflush(stdout);
    va_end(ap);
}

/* --- small files of DIR, whole or not at all --- */

static void read_line(int dir, const char *name, char *buf, size_t size)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

    buf[n < 0 ? 0 : n] = '\0';
    buf[strcspn(buf, "\n")] = '\0';
    if (fd >= 0)
        close(fd);
}

static int write_line(int dir, const char *name, const char *text)
{
    char temp[64];
    int fd, r = 0;

    snprintf(temp, sizeof(temp), "%s.new", name);
    fd = openat(dir, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    if (dprintf(fd, "%s\n", text) < 0 || fsync(fd) < 0)
        r = -EIO;
    close(fd);
    if (r == 0 && (renameat(dir, temp, dir, name) < 0 || fsync(dir) < 0))
        r = -errno;
    return r;
}

static int switch_to(struct agent *a, char slot)
{
    const char target[] = {slot, '\0'};

    (void) unlinkat(a->dir, "current.new", 0);
    if (symlinkat(target, a->dir, "current.new") < 0 ||
        renameat(a->dir, "current.new", a->dir, "current") < 0 || fsync(a->dir) < 0)
        return -errno;
    a->active = slot;
    return 0;
}

static char other(char slot)
{
    return slot == 'a' ? 'b' : 'a';
}

static int open_slot(const struct agent *a, char slot)
{
    const char name[] = {slot, '\0'};

    return openat(a->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void read_version(struct agent *a)
{
    int slot = open_slot(a, a->active);

    a->version[0] = '\0';
    if (slot >= 0) {
        read_line(slot, "version", a->version, sizeof(a->version));
        close(slot);
    }
    if (!a->version[0])
        strcpy(a->version, "0"); /* what the device came with */
}

/* --- the trial --- */

static void roll_back(struct agent *a, const char *why)
{
    int r = switch_to(a, other(a->active));

    if (r == 0 && unlinkat(a->dir, "trial", 0) < 0)
        r = -errno;
    read_version(a);
    a->is_on_trial = false;
    say("back to version %s: %s%s%s", a->version, why, r < 0 ? ": " : "",
        r < 0 ? iotc_strerror(r) : "");
}

static void confirm(struct agent *a)
{
    if (unlinkat(a->dir, "trial", 0) < 0 || fsync(a->dir) < 0)
        say("cannot end the trial: %s", strerror(errno));
    a->is_on_trial = false;
    say("version %s is confirmed", a->version);
}

/* Whether the program of the new version says that it is good. */
static bool is_good(const struct agent *a)
{
    int slot = open_slot(a, a->active), status = -1;
    pid_t pid = slot < 0 ? -1 : fork();

    if (pid == 0) {
        alarm(TRIAL_S); /* stays over the exec */
        if (fchdir(slot) == 0)
            execl(a->check, a->check, (char *) NULL);
        _exit(127);
    }
    if (slot >= 0)
        close(slot);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* "b 1": the slot that is tried, and how often it was started. */
static void look_at_trial(struct agent *a)
{
    char trial[16], started[16];

    read_line(a->dir, "trial", trial, sizeof(trial));
    if (!trial[0])
        return;
    if (trial[0] != a->active) { /* the power went before the link was switched */
        (void) unlinkat(a->dir, "trial", 0);
        return;
    }
    a->is_on_trial = true;
    snprintf(started, sizeof(started), "%c 1", a->active);
    if (strcmp(trial, started) == 0)
        roll_back(a, "it was started before and did not confirm");
    else if (write_line(a->dir, "trial", started) < 0)
        roll_back(a, "cannot write down that it was started");
    else if (a->check && !is_good(a))
        roll_back(a, "its check failed");
    else
        a->trial_end = time(NULL) + TRIAL_S;
}

/* --- the installation --- */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void) st;
    (void) flag;
    return ftw->level == 0 ? 0 : remove(path);
}

/* An empty directory for the slot that does not run. */
static int empty_slot(struct agent *a, char slot)
{
    const char name[] = {slot, '\0'};

    if (mkdirat(a->dir, name, 0755) < 0 && errno != EEXIST)
        return -errno;
    return nftw(name, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : -EIO; /* we are in DIR */
}

/* What tar is told to read it; NULL: no archive. */
static const char *archive_option(int fd)
{
    unsigned char head[512] = {0};

    if (pread(fd, head, sizeof(head), 0) < 6)
        return NULL;
    if (memcmp(head, "\x1f\x8b", 2) == 0)
        return "--gzip";
    if (memcmp(head,
               "\xfd"
               "7zXZ",
               5) == 0)
        return "--xz";
    return memcmp(head + 257, "ustar", 5) == 0 ? "--no-same-owner" : NULL;
}

static int start_tar(struct agent *a, char slot, const char *option)
{
    const char name[] = {slot, '\0'};
    pid_t pid = fork();

    if (pid < 0)
        return -errno;
    if (pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && dup2(a->job.fd, STDIN_FILENO) >= 0)
            execlp("tar", "tar", "--extract", "--no-same-owner", option, "--directory", name,
                   "--file", "-", (char *) NULL);
        _exit(127);
    }
    a->job.tar = pid;
    return 0;
}

static int start_copy(struct agent *a, char slot)
{
    int dir = open_slot(a, slot);

    a->job.out = dir < 0 ? -1 : openat(dir, "image", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (dir >= 0)
        close(dir);
    return a->job.out < 0 ? -errno : 0;
}

static void drop_job(struct job *job)
{
    if (job->tar > 0) {
        kill(job->tar, SIGKILL);
        waitpid(job->tar, NULL, 0);
    }
    if (job->out >= 0)
        close(job->out);
    if (job->fd >= 0)
        close(job->fd);
    *job = (struct job){.fd = -1, .out = -1};
}

/* All of it is on the disk before anything names it. */
static int activate(struct agent *a)
{
    char slot = other(a->active), trial[] = {slot, ' ', '0', '\0'};
    int fd = open_slot(a, slot), r = -EIO;

    if (fd >= 0 && syncfs(fd) == 0)
        r = write_line(fd, "version", a->job.version);
    if (fd >= 0)
        close(fd);
    if (r == 0)
        r = write_line(a->dir, "trial", trial);
    return r < 0 ? r : switch_to(a, slot);
}

static void end_job(struct agent *a, int result)
{
    if (result == 0)
        result = activate(a);
    if (result == 0)
        say("version %s is installed in %c", a->job.version, a->active);
    else
        say("version %s cannot be installed: %s", a->job.version, iotc_strerror(result));
    drop_job(&a->job);
    a->is_installed = result == 0;
    if (iotc_ota_finish(a->client, result, NULL) < 0)
        say("iotd does not want to know");
}

/* 1: there is more. */
static int copy_some(struct job *job)
{
    static char buf[COPY_BYTES];
    ssize_t n = read(job->fd, buf, sizeof(buf));

    for (ssize_t done = 0, w; n > 0 && done < n; done += w) {
        w = write(job->out, buf + done, (size_t) (n - done));
        if (w < 0)
            return -errno;
    }
    return n < 0 ? -errno : n > 0;
}

static int look_at_tar(struct job *job)
{
    int status;
    pid_t pid = waitpid(job->tar, &status, WNOHANG);

    if (pid == 0)
        return 1;
    job->tar = 0;
    return pid > 0 && status == 0 ? 0 : -EIO;
}

static void work(struct agent *a)
{
    struct job *job = &a->job;
    int r = job->tar > 0 ? look_at_tar(job) : copy_some(job);
    off_t at = lseek(job->fd, 0, SEEK_CUR); /* tar reads the same open file */

    if (r == 1 && at >= 0 && job->size > 0)
        iotc_ota_progress(a->client, (unsigned) ((uint64_t) at * 100 / job->size), NULL);
    else if (r != 1)
        end_job(a, r);
}

/* --- iotd --- */

static int on_install(iotc_client *client, const iotc_ota_image *image, void *userdata)
{
    struct agent *a = userdata;
    char slot = other(a->active);
    const char *option;
    int r;

    (void) client;
    if (a->is_on_trial)
        confirm(a); /* there is only one other slot */
    say("installing version %s", image->version);
    drop_job(&a->job);
    a->job.fd = fcntl(image->fd, F_DUPFD_CLOEXEC, 3);
    if (a->job.fd < 0)
        return -errno;
    a->job.size = image->size;
    snprintf(a->job.version, sizeof(a->job.version), "%s", image->version);
    option = archive_option(a->job.fd);
    r = empty_slot(a, slot);
    if (r == 0)
        r = option ? start_tar(a, slot, option) : start_copy(a, slot);
    if (r < 0)
        drop_job(&a->job);
    return r;
}

static void on_cancel(iotc_client *client, const char *version, void *userdata)
{
    struct agent *a = userdata;

    (void) client;
    say("version %s is not wanted any more", version);
    drop_job(&a->job);
}

static void on_info(iotc_client *client, const iotc_ota_info *info, void *userdata)
{
    struct agent *a = userdata;

    (void) client;
    a->restart = a->is_installed && info->state == IOTC_OTA_INSTALLED;
}

/* iotd has heard our version: so it works. */
static void on_state(iotc_client *client, iotc_slot *slot, int error, void *userdata)
{
    struct agent *a = userdata;

    (void) client;
    (void) slot;
    if (error == 0 && a->is_on_trial)
        confirm(a);
    if (error && error != -EINPROGRESS)
        say("not installing: %s", iotc_strerror(error));
}

static int serve(struct agent *a)
{
    static const iotc_ota_ops ops = {
        .size = sizeof(ops),
        .on_install = on_install,
        .on_cancel = on_cancel,
    };
    iotc_slot *slot = NULL; /* the client's: lives as long */
    int r;

    r = iotc_client_new(&a->client, "ota-agent");
    if (r >= 0)
        r = iotc_ota_serve(a->client, &slot, a->version, &ops, a, NULL);
    if (r >= 0)
        r = iotc_slot_watch(slot, on_state, a);
    if (r >= 0)
        r = iotc_ota_watch(a->client, NULL, on_info, a, NULL);
    while (r >= 0 && !a->restart) {
        if (a->is_on_trial && time(NULL) >= a->trial_end) {
            roll_back(a, "it did not reach iotd");
            a->restart = true;
            break;
        }
        if (a->job.fd >= 0)
            work(a);
        r = iotc_client_wait(a->client, a->job.tar > 0   ? 100
                                        : a->job.fd >= 0 ? 0
                                        : a->is_on_trial ? 1000
                                                         : -1);
    }
    drop_job(&a->job);
    iotc_slot_unref(slot);
    iotc_client_unref(a->client);
    return r;
}

static int open_dir(struct agent *a, const char *path)
{
    char target[2] = "";

    a->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (a->dir < 0 || fchdir(a->dir) < 0)
        return -errno;
    if ((mkdirat(a->dir, "a", 0755) < 0 || mkdirat(a->dir, "b", 0755) < 0) && errno != EEXIST)
        return -errno;
    if (readlinkat(a->dir, "current", target, sizeof(target)) < 0)
        return errno == ENOENT ? switch_to(a, 'a') : -errno;
    if (target[0] != 'a' && target[0] != 'b')
        return -EINVAL;
    a->active = target[0];
    return 0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"check", required_argument, NULL, 'c'}, {0}};
    struct agent a = {.dir = -1, .job = {.fd = -1, .out = -1}};
    int c, r, home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    while ((c = getopt_long(argc, argv, "", options, NULL)) == 'c')
        a.check = optarg;
    if (c != -1 || optind != argc - 1) {
        fprintf(stderr, "usage: ota-agent [--check PROGRAM] DIR\n");
        return 64;
    }
    r = open_dir(&a, argv[optind]);
    if (r >= 0) {
        read_version(&a);
        look_at_trial(&a);
        say("version %s runs from %c", a.version, a.active);
        r = serve(&a);
    }
    if (r >= 0) {
        say("starting anew");
        if (home >= 0 && fchdir(home) == 0) /* DIR may be relative */
            execv("/proc/self/exe", argv);
        r = -errno;
    }
    fprintf(stderr, "ota-agent: %s\n", iotc_strerror(r));
    return 1;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/install_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/sys/log.h"
#include "daemon/sys/spawn.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/num.h"
#include "libiotclient/base/utf8.h"

LOG_AREA("install");

#define GRACE_US (5 * USEC_PER_SEC) /* own choice: from SIGTERM to SIGKILL */
#define MAX_ENV 12

/* What a process is started with. */
struct job {
    int fd; /* -1: there is none in work */
    char *env[MAX_ENV + 1];
    size_t n_env;
    const struct installer_events *events;
    void *userdata;
};

struct install_exec {
    struct installer base;
    struct loop *loop;
    char *path;
    uint64_t timeout_us;
    struct job job;
    struct spawn *spawn; /* of the job, or of one before that is dying */
    bool is_dying;
    struct loop_timer deadline; /* of the job */
    struct loop_timer killer;   /* of a process that has got SIGTERM */
    struct loop_timer news;     /* progress waits, or the end of a job that could not begin */
    bool has_progress, timed_out;
    int failure;
    unsigned percent;
    char text[INSTALLER_TEXT + 1];  /* of the progress */
    char error[INSTALLER_TEXT + 1]; /* the last line on its standard error */
    struct log_limit lines;
};

static struct install_exec *of(struct installer *i)
{
    return CONTAINER_OF(i, struct install_exec, base);
}

/* What does not fit is cut. */
static void say(char text[INSTALLER_TEXT + 1], const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(char text[INSTALLER_TEXT + 1], const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void) vsnprintf(text, INSTALLER_TEXT + 1, fmt, args);
    va_end(args);
    utf8_trim(text);
}

/* --- the job --- */

static void job_done(struct job *job)
{
    job->fd = fd_close(job->fd);
    for (size_t i = 0; i < job->n_env; i++)
        free(job->env[i]);
    job->n_env = 0;
}

static void job_donep(struct job *job)
{
    job_done(job);
}

static int add_env(struct job *job, const char *name, const char *value)
{
    char *entry;

    if (job->n_env >= MAX_ENV)
        return -ENOBUFS;
    if (asprintf(&entry, "%s=%s", name, value) < 0)
        return -ENOMEM;
    job->env[job->n_env++] = entry;
    job->env[job->n_env] = NULL;
    return 0;
}

static int fill_env(struct job *to, const struct install_job *job)
{
    char size[24];
    const char *const env[][2] = {
        {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        {"LC_ALL", "C.UTF-8"},
        {"IOTD_VERSION", job->version},
        {"IOTD_SIZE", size},
        {"IOTD_MD5", job->md5},
        {"IOTD_SHA256", job->sha256},
        {"IOTD_CUSTOM", job->custom},
        {"IOTD_EXTRA", job->extra},
        {"IOTD_IMAGE", "/proc/self/fd/3"},
    };
    int r = 0;

    (void) snprintf(size, sizeof(size), "%" PRIu64, job->size);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(env); i++)
        r = add_env(to, env[i][0], env[i][1]);
    return r;
}

/* With an offset of its own, and for reading only whatever fd is. */
static int open_again(int fd)
{
    char path[40];
    int again;

    (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    again = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    return again < 0 ? -errno : again;
}

/* --- the end --- */

static void finish(struct install_exec *ie, int result, const char *text)
{
    const struct installer_events *events = ie->job.events;
    void *userdata = ie->job.userdata;

    loop_timer_cancel(&ie->deadline);
    loop_timer_cancel(&ie->news);
    job_done(&ie->job);
    if (result == 0)
        log_info("ended well path=\"%s\"", ie->path);
    else
        log_info("failed path=\"%s\" error=\"%s\"", ie->path, text);
    events->done(result, text, userdata);
}

static void send_progress(struct install_exec *ie)
{
    char text[INSTALLER_TEXT + 1];

    if (!ie->has_progress)
        return;
    ie->has_progress = false;
    memcpy(text, ie->text, sizeof(text));
    ie->job.events->progress(ie->percent, text, ie->job.userdata);
}

static void on_news(struct loop_timer *timer, void *userdata)
{
    struct install_exec *ie = userdata;
    char text[INSTALLER_TEXT + 1];

    (void) timer;
    if (ie->failure == 0) {
        send_progress(ie);
        return;
    }
    say(text, "%s cannot be run: %s", ie->path, strerror(-ie->failure));
    finish(ie, -ENOEXEC, text);
}

/* What the process came to. */
static int judge(const struct install_exec *ie, const struct spawn_end *end,
                 char text[INSTALLER_TEXT + 1])
{
    const char *colon = *ie->error ? ": " : "";

    text[0] = '\0';
    if (end->error) {
        say(text, "%s cannot be run: %s", ie->path, strerror(end->error));
        return -ENOEXEC;
    }
    if (end->signal) {
        say(text, "%s was ended by signal %d%s%s", ie->path, end->signal, colon, ie->error);
        return -EINTR;
    }
    if (end->status == 0)
        return 0;
    if (*ie->error)
        say(text, "%s", ie->error);
    else
        say(text, "%s ended with status %d", ie->path, end->status);
    return -ECANCELED;
}

static void finish_late(struct install_exec *ie)
{
    char text[INSTALLER_TEXT + 1];

    say(text, "%s was not done after %" PRIu64 " s%s%s", ie->path,
        (uint64_t) (ie->timeout_us / USEC_PER_SEC), *ie->error ? ": " : "", ie->error);
    finish(ie, -ETIMEDOUT, text);
}

static int launch(struct install_exec *ie);

static void on_ended(const struct spawn_end *end, void *userdata)
{
    struct install_exec *ie = userdata;
    char text[INSTALLER_TEXT + 1];
    int r;

    ie->spawn = spawn_free(ie->spawn);
    loop_timer_cancel(&ie->killer);
    if (ie->is_dying) {
        ie->is_dying = false;
        if (ie->job.fd < 0)
            return;
        ie->failure = launch(ie); /* the one that has waited for this end */
        if (ie->failure < 0)
            loop_timer_arm(ie->loop, &ie->news, 0, on_news, ie);
        return;
    }
    send_progress(ie);
    if (ie->job.fd < 0)
        return; /* cancelled from there */
    r = judge(ie, end, text);
    if (ie->timed_out)
        finish_late(ie);
    else
        finish(ie, r, text);
}

static void on_kill(struct loop_timer *timer, void *userdata)
{
    struct install_exec *ie = userdata;

    (void) timer;
    spawn_kill(ie->spawn, SIGKILL);
    if (ie->is_dying)
        return;
    /* It has time for its end, but nobody waits for it but the next one. */
    ie->is_dying = true;
    finish_late(ie);
}

static void begin_kill(struct install_exec *ie)
{
    spawn_kill(ie->spawn, SIGTERM);
    loop_timer_arm(ie->loop, &ie->killer, GRACE_US, on_kill, ie);
}

static void on_deadline(struct loop_timer *timer, void *userdata)
{
    struct install_exec *ie = userdata;

    (void) timer;
    if (!ie->spawn || ie->is_dying) { /* it never began */
        finish_late(ie);
        return;
    }
    ie->timed_out = true;
    begin_kill(ie);
}

/* --- what it says --- */

/* "percent N [text]"; false: it is something else. */
static bool take_progress(struct install_exec *ie, const char *line)
{
    static const char word[] = "percent ";
    char number[4] = "";
    uint64_t percent;
    size_t n;

    if (strncmp(line, word, strlen(word)) != 0)
        return false;
    line += strlen(word);
    n = strcspn(line, " ");
    if (n >= sizeof(number))
        return false;
    memcpy(number, line, n);
    if (num_parse_u64(number, &percent) < 0 || percent > 100)
        return false;
    line += n;
    line += strspn(line, " ");
    if (ie->percent == percent && strcmp(ie->text, line) == 0)
        return true;
    ie->percent = (unsigned) percent;
    say(ie->text, "%s", line);
    ie->has_progress = true;
    loop_timer_arm(ie->loop, &ie->news, 0, on_news, ie);
    return true;
}

static void on_line(enum spawn_stream stream, const char *text, void *userdata)
{
    struct install_exec *ie = userdata;

    if (ie->is_dying)
        return;
    if (stream == SPAWN_STDOUT) {
        if (!take_progress(ie, text))
            log_debug("said text=\"%s\"", text);
        return;
    }
    say(ie->error, "%s", text);
    log_warn_limited(&ie->lines, "said on its standard error text=\"%s\"", text);
}

static const struct spawn_events spawn_events = {.line = on_line, .ended = on_ended};

static int launch(struct install_exec *ie)
{
    char *const argv[] = {ie->path, NULL};
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    const struct spawn_request request = {
        .path = ie->path,
        .argv = argv,
        .env = ie->job.env,
        .fd = ie->job.fd,
        .cpu_s = (ie->timeout_us / USEC_PER_SEC + 1) * (processors > 1 ? (uint64_t) processors : 1),
    };

    return spawn_start(&ie->spawn, ie->loop, &request, &spawn_events, ie);
}

/* Looked at before a process is made, so that the usual mistakes have a name. */
static int check_program(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || (st.st_mode & S_IWOTH) || access(path, X_OK) < 0) {
        log_err("no program, not to be run, or everybody may write it path=\"%s\"", path);
        return -EACCES;
    }
    return 0;
}

static int start(struct installer *i, const struct install_job *request,
                 const struct installer_events *events, void *userdata)
{
    struct install_exec *ie = of(i);
    CLEANUP(job_donep) struct job job = {.fd = -1, .events = events, .userdata = userdata};
    int r;

    if (ie->job.fd >= 0)
        return -EBUSY;
    r = check_program(ie->path);
    if (r == 0)
        r = fill_env(&job, request);
    if (r < 0)
        return r;
    job.fd = open_again(request->fd);
    if (job.fd < 0)
        return job.fd;
    ie->job = job;
    ie->timed_out = ie->has_progress = false;
    ie->failure = 0;
    ie->percent = 0;
    ie->text[0] = ie->error[0] = '\0';
    r = ie->spawn ? 0 : launch(ie);
    if (r < 0) {
        ie->job = (struct job){.fd = -1};
        return r;
    }
    job = (struct job){.fd = -1}; /* taken over */
    log_info("started version=%s path=\"%s\"", request->version, ie->path);
    loop_timer_arm(ie->loop, &ie->deadline, ie->timeout_us, on_deadline, ie);
    return 0;
}

static void cancel(struct installer *i)
{
    struct install_exec *ie = of(i);

    if (ie->job.fd < 0)
        return;
    loop_timer_cancel(&ie->deadline);
    loop_timer_cancel(&ie->news);
    ie->has_progress = false;
    job_done(&ie->job);
    if (!ie->spawn || ie->is_dying)
        return;
    log_info("cancelled path=\"%s\"", ie->path);
    ie->is_dying = true;
    if (!loop_timer_is_armed(&ie->killer))
        begin_kill(ie);
}

static const struct installer_ops ops = {
    .name = "exec",
    .restarts_by_itself = false,
    .start = start,
    .cancel = cancel,
};

int install_exec_new(struct installer **ret_installer, struct loop *loop, const char *path,
                     uint64_t timeout_us)
{
    struct install_exec *ie;

    if (path[0] != '/')
        return -EINVAL;
    ie = calloc(1, sizeof(*ie));
    if (!ie)
        return -ENOMEM;
    ie->base.ops = &ops;
    ie->loop = loop;
    ie->timeout_us = timeout_us;
    ie->job.fd = -1;
    log_limit_init(&ie->lines);
    ie->path = strdup(path);
    if (!ie->path) {
        free(ie);
        return -ENOMEM;
    }
    *ret_installer = &ie->base;
    return 0;
}

struct installer *install_exec_free(struct installer *i)
{
    struct install_exec *ie;

    if (!i)
        return NULL;

    ie = of(i);
    loop_timer_cancel(&ie->deadline);
    loop_timer_cancel(&ie->killer);
    loop_timer_cancel(&ie->news);
    spawn_free(ie->spawn);
    job_done(&ie->job);
    free(ie->path);
    free(ie);
    return NULL;
}

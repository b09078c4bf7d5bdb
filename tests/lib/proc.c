/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "tests/lib/suite.h"
#include "tests/lib/test-loop.h"

#define DEADLINE_MS 20000U
#define MAX_OUTPUT (64 * 1024 * 1024)

struct proc {
    pid_t pid;
    int pidfd;
    int stdin_fd; /* or -1 */
    int status;   /* as proc_wait(), once `ended` */
    bool ended;
    char *name;
    char *paths[PROC_STREAM_COUNT_];
    size_t seen[PROC_STREAM_COUNT_]; /* bytes that proc_wait_line() is through with */
};

void fixture_fatal(const char *fmt, ...)
{
    va_list ap;

    printf("FAIL fixture: ");
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    exit(1);
}

void fixture_skip(const char *why)
{
    printf("SKIP %s\n", why);
    exit(77);
}

uint64_t fixture_now_ms(void)
{
    struct timespec ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}

uint64_t fixture_deadline_ms(void)
{
    return fixture_now_ms() + (uint64_t) DEADLINE_MS * test_timeout_scale();
}

int fixture_left_ms(uint64_t deadline_ms)
{
    uint64_t now = fixture_now_ms();

    return now >= deadline_ms ? 0 : (int) (deadline_ms - now);
}

static char *path_below(const char *variable, const char *name)
{
    const char *dir = getenv(variable);
    char *path;

    if (!dir)
        fixture_fatal("%s is not set: run it with tests/lib/with-bus", variable);
    if (asprintf(&path, "%s/%s", dir, name) < 0)
        fixture_fatal("out of memory");
    return path;
}

char *fixture_source_path(const char *name)
{
    return path_below("IOTD_SRCDIR", name);
}

char *fixture_build_path(const char *name)
{
    return path_below("IOTD_BUILDDIR", name);
}

char *fixture_test_path(const char *name)
{
    return path_below("IOTD_TEST_DIR", name);
}

char *fixture_write_file(const char *name, mode_t mode, const char *text)
{
    CLEANUP(freep) char *path = fixture_test_path(name);
    size_t len = strlen(text);
    int fd;

    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0 || fchmod(fd, mode) < 0 || write(fd, text, len) != (ssize_t) len)
        fixture_fatal("%s: %s", path, strerror(errno));
    (void) fd_close(fd);
    return TAKE(path);
}

bool fixture_has_program(const char *name)
{
    static const char system_dirs[] = ":/usr/sbin:/sbin"; /* where brokers live */
    const char *path = getenv("PATH");
    CLEANUP(freep) char *all = NULL;
    char *save = NULL;

    if (asprintf(&all, "%s%s", path ? path : "", system_dirs) < 0)
        return false;
    for (char *dir = strtok_r(all, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
        CLEANUP(freep) char *file = NULL;

        if (asprintf(&file, "%s/%s", dir, name) >= 0 && access(file, X_OK) == 0)
            return true;
    }
    return false;
}

static void run_child(const char *const *argv, pid_t parent, const int fds[3])
{
    sigset_t none;

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    (void) sigemptyset(&none);
    (void) sigprocmask(SIG_SETMASK, &none, NULL);
    for (int i = 0; i < 3; i++) {
        if (dup2(fds[i], i) < 0)
            _exit(127);
    }
    (void) execvp(argv[0], (char *const *) argv);
    (void) dprintf(2, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static int open_output(struct proc *p, enum proc_stream stream, unsigned number)
{
    static const char *const suffixes[] = {"out", "err"};
    char name[NAME_MAX];
    int fd;

    (void) snprintf(name, sizeof(name), "%03u-%s.%s", number, p->name, suffixes[stream]);
    p->paths[stream] = fixture_test_path(name);
    fd = open(p->paths[stream], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        fixture_fatal("%s: %s", p->paths[stream], strerror(errno));
    return fd;
}

static struct proc *start(const char *const *argv, bool with_stdin, int *ret_fd)
{
    static unsigned number; /* names the files of this test program's children */
    struct proc *p = calloc(1, sizeof(*p));
    const char *slash = strrchr(argv[0], '/');
    int fds[3], pipe_fds[2] = {-1, -1};
    pid_t parent = getpid();

    if (!p || !(p->name = strdup(slash ? slash + 1 : argv[0])))
        fixture_fatal("out of memory");
    number++;
    p->stdin_fd = -1;
    fds[1] = open_output(p, PROC_STDOUT, number);
    fds[2] = open_output(p, PROC_STDERR, number);
    if (with_stdin && pipe2(pipe_fds, O_CLOEXEC) == 0) {
        fds[0] = pipe_fds[0];
        p->stdin_fd = pipe_fds[1];
        *ret_fd = pipe_fds[1];
    } else {
        fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    if (fds[0] < 0)
        fixture_fatal("no standard input: %s", strerror(errno));

    fflush(NULL);
    p->pid = fork();
    if (p->pid < 0)
        fixture_fatal("fork: %s", strerror(errno));
    if (p->pid == 0)
        run_child(argv, parent, fds);
    for (int i = 0; i < 3; i++)
        (void) fd_close(fds[i]);
    p->pidfd = (int) syscall(SYS_pidfd_open, p->pid, 0);
    if (p->pidfd < 0)
        fixture_fatal("pidfd_open: %s", strerror(errno));
    return p;
}

struct proc *proc_start(const char *const *argv)
{
    return start(argv, false, NULL);
}

struct proc *proc_start_with_stdin(const char *const *argv, int *ret_fd)
{
    return start(argv, true, ret_fd);
}

pid_t proc_pid(const struct proc *p)
{
    return p->pid;
}

int proc_n_fds(const struct proc *p)
{
    char path[64];
    DIR *dir;
    int n = 0;

    (void) snprintf(path, sizeof(path), "/proc/%d/fd", (int) p->pid);
    dir = opendir(path);
    if (!dir)
        fixture_fatal("%s: %s", path, strerror(errno));
    while (readdir(dir))
        n++;
    (void) closedir(dir);
    return n - 2; /* . and .. */
}

long proc_rss_kib(const struct proc *p)
{
    char path[64], line[256];
    long kib = -1;
    FILE *file;

    (void) snprintf(path, sizeof(path), "/proc/%d/status", (int) p->pid);
    file = fopen(path, "re");
    if (!file)
        fixture_fatal("%s: %s", path, strerror(errno));
    while (fgets(line, sizeof(line), file)) {
        if (strncmp(line, "RssAnon:", 8) == 0)
            kib = strtol(line + 8, NULL, 10);
    }
    (void) fclose(file);
    return kib;
}

uint64_t proc_cpu_ms(const struct proc *p)
{
    unsigned long user = 0, kernel = 0;
    char path[64], line[1024] = "";
    const char *rest;
    FILE *file;

    (void) snprintf(path, sizeof(path), "/proc/%d/stat", (int) p->pid);
    file = fopen(path, "re");
    if (!file)
        fixture_fatal("%s: %s", path, strerror(errno));
    rest = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
    (void) fclose(file);
    /* Fields 14 and 15; the name before the bracket is field 2. */
    if (!rest || sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, //
                        &kernel) != 2)
        fixture_fatal("%s: not understood", path);
    return ((uint64_t) user + kernel) * 1000 / (uint64_t) sysconf(_SC_CLK_TCK);
}

char *proc_output(struct proc *p, enum proc_stream stream)
{
    char *data = NULL;
    size_t len;
    int fd;

    fd = open(p->paths[stream], O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fd_read_file(fd, MAX_OUTPUT, &data, &len) < 0)
        fixture_fatal("%s cannot be read", p->paths[stream]);
    (void) fd_close(fd);
    return data;
}

/* Reaps without waiting. */
static bool has_ended(struct proc *p)
{
    int status;

    if (!p->ended && waitpid(p->pid, &status, WNOHANG) == p->pid) {
        p->ended = true;
        p->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return p->ended;
}

/* A whole line with text that was not looked at yet, or NULL; skips the ones before. */
static char *find_line(struct proc *p, enum proc_stream stream, const char *text)
{
    CLEANUP(freep) char *all = proc_output(p, stream);
    char *line = all + p->seen[stream];
    char *end;

    while ((end = strchr(line, '\n'))) {
        *end = '\0';
        p->seen[stream] = (size_t) (end + 1 - all);
        if (!text || strstr(line, text))
            return strdup(line);
        line = end + 1;
    }
    return NULL;
}

char *proc_wait_line_or_end(struct proc *p, enum proc_stream stream, const char *text)
{
    uint64_t deadline = fixture_deadline_ms();
    CLEANUP(fd_closep) int notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    char *line = NULL;
    int r = 1;

    if (notify < 0 || inotify_add_watch(notify, p->paths[stream], IN_MODIFY) < 0)
        fixture_fatal("inotify: %s", strerror(errno));
    while (r > 0) {
        struct pollfd fds[] = {{.fd = notify, .events = POLLIN},
                               {.fd = p->pidfd, .events = POLLIN}};
        bool ended = has_ended(p);
        char events[1024];

        line = find_line(p, stream, text);
        if (line || ended)
            break;
        r = poll(fds, ARRAY_SIZE(fds), fixture_left_ms(deadline));
        while (read(notify, events, sizeof(events)) > 0)
            continue;
    }
    return line;
}

char *proc_wait_line(struct proc *p, enum proc_stream stream, const char *text)
{
    char *line = proc_wait_line_or_end(p, stream, text);

    if (!line)
        suite_fail(__FILE__, __LINE__, "%s did not print '%s' (%s)", p->name, text ? text : "",
                   p->ended ? "it ended" : "deadline");
    return line;
}

void proc_signal(struct proc *p, int signal)
{
    if (!has_ended(p) && kill(p->pid, signal) < 0)
        suite_fail(__FILE__, __LINE__, "kill %s: %s", p->name, strerror(errno));
}

int proc_wait(struct proc *p)
{
    uint64_t deadline = fixture_deadline_ms();

    while (!has_ended(p)) {
        struct pollfd fd = {.fd = p->pidfd, .events = POLLIN};

        if (poll(&fd, 1, fixture_left_ms(deadline)) == 0) {
            (void) kill(p->pid, SIGKILL);
            (void) waitpid(p->pid, NULL, 0);
            p->ended = true;
            p->status = -1;
        }
    }
    return p->status;
}

static struct proc *proc_free(struct proc *p)
{
    for (int i = 0; i < PROC_STREAM_COUNT_; i++)
        free(p->paths[i]);
    (void) fd_close(p->pidfd);
    (void) fd_close(p->stdin_fd);
    free(p->name);
    free(p);
    return NULL;
}

static void show_output(struct proc *p)
{
    for (int i = 0; i < PROC_STREAM_COUNT_; i++) {
        CLEANUP(freep) char *text = proc_output(p, (enum proc_stream) i);

        printf("--- %s %s\n%s", p->name, i == PROC_STDOUT ? "stdout" : "stderr", text);
    }
    printf("---\n");
}

struct proc *proc_stop(struct proc *p)
{
    int status;

    if (!p)
        return NULL;

    proc_signal(p, SIGTERM);
    status = proc_wait(p);
    if (status != 0)
        suite_fail(__FILE__, __LINE__, "%s ended with %d", p->name, status);
    if (status != 0 || getenv("IOTD_TEST_VERBOSE"))
        show_output(p);
    return proc_free(p);
}

struct proc *proc_kill(struct proc *p)
{
    if (!p)
        return NULL;

    proc_signal(p, SIGKILL);
    (void) proc_wait(p);
    return proc_free(p);
}

int proc_run(const char *const *argv, char **ret_out)
{
    struct proc *p = proc_start(argv);
    int status = proc_wait(p);

    if (ret_out)
        *ret_out = proc_output(p, PROC_STDOUT);
    if (getenv("IOTD_TEST_VERBOSE"))
        show_output(p);
    (void) proc_free(p);
    return status;
}

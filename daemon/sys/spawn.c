/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/utf8.h"

#define CHUNK 2048
#define CHUNKS_A_TURN 8                   /* own choice: then others have their turn … */
#define PAUSE_US (50 * USEC_PER_MSEC)     /* … and it waits: 320 KiB/s of lines are enough */
#define MAX_DRAIN (1024 * 1024 / CHUNK)   /* pipe(7): the largest that a pipe may be made */
#define CHILD_FDS 1024                    /* own choice */
#define CHILD_DATA (512ULL * 1024 * 1024) /* own choice: memory that it writes to */
#define CHILD_NICE 10                     /* own choice */
#define CHILD_STATUS 4                    /* the descriptor that says how execve(2) failed */
#define ABOVE_CHILD 16                    /* above all that the child has */

struct stream {
    struct spawn *spawn;
    struct loop_io io;
    struct loop_timer pause;
    int fd;
    char line[SPAWN_LINE + 1];
    size_t len;
};

struct spawn {
    struct loop *loop;
    const struct spawn_events *events;
    void *userdata;
    pid_t pid; /* 0: ended, or never begun */
    int pidfd, status_fd;
    struct loop_io io;
    struct stream streams[SPAWN_STREAM_COUNT_];
};

/* --- the child: after fork(2), nothing that allocates --- */

struct child {
    const struct spawn_request *request;
    pid_t parent;
    int null, image, status;
    int streams[SPAWN_STREAM_COUNT_];
};

static void limit(int what, rlim_t most)
{
    struct rlimit l;

    if (getrlimit((__rlimit_resource_t) what, &l) < 0)
        return;
    l.rlim_max = l.rlim_max == RLIM_INFINITY || l.rlim_max > most ? most : l.rlim_max;
    l.rlim_cur = l.rlim_max;
    (void) setrlimit((__rlimit_resource_t) what, &l);
}

static int close_above(int first)
{
    struct rlimit l;

#ifdef SYS_close_range
    if (syscall(SYS_close_range, (unsigned) first, ~0U, 0U) == 0)
        return 0;
#endif
    if (getrlimit(RLIMIT_NOFILE, &l) < 0)
        return -1;
    for (rlim_t fd = (rlim_t) first; fd < l.rlim_cur; fd++)
        (void) close((int) fd);
    return 0;
}

/* To their places by way of numbers that are nobody's place. */
static int place_descriptors(const struct child *c)
{
    const int from[] = {c->null, c->streams[SPAWN_STDOUT], c->streams[SPAWN_STDERR], c->image,
                        c->status};
    int above[ARRAY_SIZE(from)];

    for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
        above[i] = fcntl(from[i], F_DUPFD_CLOEXEC, ABOVE_CHILD);
        if (above[i] < 0)
            return -1;
    }
    for (int i = 0; i < (int) ARRAY_SIZE(from); i++) {
        if (dup3(above[i], i, i == CHILD_STATUS ? O_CLOEXEC : 0) < 0)
            return -1;
    }
    return close_above(CHILD_STATUS + 1);
}

static void reset_signals(void)
{
    sigset_t none;

    for (int n = 1; n < NSIG; n++)
        (void) signal(n, SIG_DFL); /* some cannot be, as those of libc's own */
    (void) sigemptyset(&none);
    (void) sigprocmask(SIG_SETMASK, &none, NULL);
}

static int confine(const struct child *c)
{
    (void) setpgid(0, 0);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return -1;
    if (getppid() != c->parent) /* it ended before that */
        return -1;
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, CHILD_FDS);
    limit(RLIMIT_DATA, CHILD_DATA);
    limit(RLIMIT_CPU, c->request->cpu_s);
    if (getpriority(PRIO_PROCESS, 0) < CHILD_NICE)
        (void) setpriority(PRIO_PROCESS, 0, CHILD_NICE);
    (void) umask(077);
    if (chdir("/") < 0)
        return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void run_child(const struct child *c) __attribute__((noreturn));
static void run_child(const struct child *c)
{
    int error;

    reset_signals();
    if (place_descriptors(c) < 0)
        _exit(EXIT_FAILURE);
    if (confine(c) == 0)
        (void) execve(c->request->path, c->request->argv, c->request->env);
    error = errno;
    if (write(CHILD_STATUS, &error, sizeof(error)) < 0) {
        /* nobody is there to be told */
    }
    _exit(EXIT_FAILURE);
}

/* --- lines --- */

static void end_line(struct stream *st)
{
    struct spawn *s = st->spawn;

    if (st->len == 0)
        return;
    st->line[st->len] = '\0';
    st->len = 0;
    utf8_trim(st->line);
    utf8_clean(st->line);
    s->events->line((enum spawn_stream)(st - s->streams), st->line, s->userdata);
}

static void take_bytes(struct stream *st, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] == '\n' || data[i] == '\r')
            end_line(st);
        else if (st->len < SPAWN_LINE)
            st->line[st->len++] = data[i] ? data[i] : ' ';
    }
}

static void stop_stream(struct stream *st)
{
    loop_timer_cancel(&st->pause);
    loop_io_stop(&st->io);
    st->fd = fd_close(st->fd);
}

/* At most that many chunks; whether more may be there. */
static bool read_stream(struct stream *st, unsigned chunks)
{
    char data[CHUNK];

    for (unsigned i = 0; i < chunks; i++) {
        ssize_t n = read(st->fd, data, sizeof(data));

        if (n < 0)
            return errno == EINTR;
        if (n == 0) {
            stop_stream(st);
            end_line(st);
            return false;
        }
        take_bytes(st, data, (size_t) n);
    }
    return true;
}

static void on_pause_over(struct loop_timer *timer, void *userdata)
{
    struct stream *st = userdata;

    (void) timer;
    loop_io_update(&st->io, LOOP_READ);
}

static void on_stream(struct loop_io *io, uint32_t events, void *userdata)
{
    struct stream *st = userdata;

    (void) io;
    if (events & LOOP_HUP) {
        /* Nobody writes any more, and it is told once. */
        if (read_stream(st, MAX_DRAIN) || st->fd >= 0)
            stop_stream(st);
        return;
    }
    if (!read_stream(st, CHUNKS_A_TURN) || st->fd < 0)
        return;
    loop_io_update(&st->io, 0);
    loop_timer_arm(st->spawn->loop, &st->pause, PAUSE_US, on_pause_over, st);
}

/* --- the parent --- */

static void reap(struct spawn *s, struct spawn_end *ret_end)
{
    siginfo_t info = {.si_pid = 0};

    *ret_end = (struct spawn_end){.status = -1};
    if (read(s->status_fd, &ret_end->error, sizeof(ret_end->error)) !=
        (ssize_t) sizeof(ret_end->error))
        ret_end->error = 0;
    /* Its number is its own until it is waited for: nobody else is hit. */
    (void) kill(-s->pid, SIGKILL);
    if (waitid(P_PID, (id_t) s->pid, &info, WEXITED | WNOHANG) == 0 && info.si_pid == s->pid) {
        if (info.si_code == CLD_EXITED)
            ret_end->status = info.si_status;
        else
            ret_end->signal = info.si_status;
    }
    s->pid = 0;
}

static void stop_all(struct spawn *s)
{
    loop_io_stop(&s->io);
    for (size_t i = 0; i < SPAWN_STREAM_COUNT_; i++)
        stop_stream(&s->streams[i]);
}

static void on_end(struct loop_io *io, uint32_t events, void *userdata)
{
    struct spawn *s = userdata;
    struct spawn_end end;

    (void) io;
    (void) events;
    /* What it wrote before its end is in the pipes. */
    for (size_t i = 0; i < SPAWN_STREAM_COUNT_; i++) {
        struct stream *st = &s->streams[i];

        if (st->fd < 0)
            continue;
        (void) read_stream(st, MAX_DRAIN);
        end_line(st);
    }
    reap(s, &end);
    stop_all(s);
    s->events->ended(&end, s->userdata);
}

void spawn_kill(struct spawn *spawn, int signal)
{
    if (spawn->pid > 0)
        (void) kill(-spawn->pid, signal);
}

struct spawn *spawn_free(struct spawn *spawn)
{
    struct spawn_end end;

    if (!spawn)
        return NULL;

    if (spawn->pid > 0)
        reap(spawn, &end); /* or who adopts it when iotd ends */
    stop_all(spawn);
    (void) fd_close(spawn->pidfd);
    (void) fd_close(spawn->status_fd);
    free(spawn);
    return NULL;
}

/* The reading end of a pipe does not block, the writing end does: that slows the program down. */
static int make_pipe(int *ret_read, int *ret_write)
{
    int fds[2], flags;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    *ret_read = fds[0];
    *ret_write = fds[1];
    flags = fcntl(fds[0], F_GETFL);
    return flags < 0 || fcntl(fds[0], F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

/* An inherited SIG_IGN would take the exit status away. */
static void want_status(void)
{
    const struct sigaction action = {.sa_handler = SIG_DFL};

    (void) sigaction(SIGCHLD, &action, NULL);
}

static int watch(struct spawn *s)
{
    int r;

    s->pidfd = (int) syscall(SYS_pidfd_open, s->pid, 0U);
    if (s->pidfd < 0)
        return -errno;
    (void) fcntl(s->pidfd, F_SETFD, FD_CLOEXEC);
    r = loop_io_start(s->loop, &s->io, s->pidfd, LOOP_READ, on_end, s);
    for (size_t i = 0; r == 0 && i < SPAWN_STREAM_COUNT_; i++)
        r = loop_io_start(s->loop, &s->streams[i].io, s->streams[i].fd, LOOP_READ, on_stream,
                          &s->streams[i]);
    return r;
}

static int run(struct spawn *s, struct child *c)
{
    int r;

    want_status();
    c->parent = getpid();
    s->pid = fork();
    if (s->pid < 0) {
        s->pid = 0;
        return -EAGAIN;
    }
    if (s->pid == 0)
        run_child(c);
    (void) setpgid(s->pid, s->pid); /* both do: whoever comes first */
    r = watch(s);
    if (r < 0) {
        (void) kill(-s->pid, SIGKILL);
        (void) waitpid(s->pid, NULL, 0); /* it has hardly begun, and ends at once */
        s->pid = 0;
    }
    return r;
}

static void child_done(struct child *c)
{
    (void) fd_close(c->null);
    (void) fd_close(c->status);
    for (size_t i = 0; i < SPAWN_STREAM_COUNT_; i++)
        (void) fd_close(c->streams[i]);
}

int spawn_start(struct spawn **ret_spawn, struct loop *loop, const struct spawn_request *request,
                const struct spawn_events *events, void *userdata)
{
    CLEANUP(spawn_freep) struct spawn *s = calloc(1, sizeof(*s));
    struct child c = {
        .request = request, .null = -1, .image = request->fd, .status = -1, .streams = {-1, -1}};
    int r;

    if (!s)
        return -ENOMEM;
    s->loop = loop;
    s->events = events;
    s->userdata = userdata;
    s->pidfd = s->status_fd = -1;
    for (size_t i = 0; i < SPAWN_STREAM_COUNT_; i++) {
        s->streams[i].spawn = s;
        s->streams[i].fd = -1;
    }
    c.null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    r = c.null < 0 ? -errno : make_pipe(&s->status_fd, &c.status);
    for (size_t i = 0; r == 0 && i < SPAWN_STREAM_COUNT_; i++)
        r = make_pipe(&s->streams[i].fd, &c.streams[i]);
    if (r == 0)
        r = run(s, &c);
    child_done(&c);
    if (r < 0)
        return r;
    *ret_spawn = TAKE(s);
    return 0;
}

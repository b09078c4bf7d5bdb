/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/net/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"

struct resolve {
    struct loop_io io;       /* on the pid descriptor */
    struct loop_timer timer; /* delivers a numeric address */
    pid_t pid;               /* 0: no child */
    int pid_fd;
    int pipe_fd;
    resolve_fn fn;
    void *userdata;
    struct resolve_result result;
};

/* The child: one line an address, or "!" and the reason. Small enough for the pipe at once. */
static void run_child(const char *host, int fd)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    char buf[RESOLVE_MAX * 64];
    size_t len = 0;
    unsigned n = 0;
    sigset_t none;
    int e;

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&none);
    (void) sigprocmask(SIG_SETMASK, &none, NULL);
    (void) dup2(fd, 3);
    (void) close_range(4, ~0U, 0);

    e = getaddrinfo(host, NULL, &hints, &list);
    if (e != 0)
        len = (size_t) snprintf(buf, sizeof(buf), "!%s", gai_strerror(e));
    for (struct addrinfo *a = list; a && n < RESOLVE_MAX; a = a->ai_next, n++) {
        char name[60];

        if (getnameinfo(a->ai_addr, a->ai_addrlen, name, sizeof(name), NULL, 0, NI_NUMERICHOST))
            continue;
        len += (size_t) snprintf(buf + len, sizeof(buf) - len, "%s\n", name);
    }
    e = write(3, buf, len) == (ssize_t) len ? 0 : 1;
    _exit(e);
}

static void parse_answer(struct resolve *r, char *text)
{
    char *save = NULL;

    for (char *line = strtok_r(text, "\n", &save); line && r->result.n_addresses < RESOLVE_MAX;
         line = strtok_r(NULL, "\n", &save)) {
        if (strlen(line) < sizeof(r->result.addresses[0]))
            strcpy(r->result.addresses[r->result.n_addresses++], line);
    }
}

static void on_exit_of_child(struct loop_io *io, uint32_t events, void *userdata)
{
    struct resolve *r = userdata;
    char buf[RESOLVE_MAX * 64 + 1];
    const char *reason = "the resolver died";
    ssize_t n;

    (void) events;
    loop_io_stop(io);
    (void) waitpid(r->pid, NULL, 0); /* has exited: the descriptor says so */
    r->pid = 0;
    n = read(r->pipe_fd, buf, sizeof(buf) - 1);
    buf[n > 0 ? n : 0] = '\0';
    if (buf[0] == '!')
        reason = buf + 1;
    else
        parse_answer(r, buf);
    r->fn(&r->result, r->result.n_addresses ? NULL : reason, r->userdata);
}

static void on_numeric(struct loop_timer *timer, void *userdata)
{
    struct resolve *r = userdata;

    (void) timer;
    r->fn(&r->result, NULL, r->userdata);
}

static int start_child(struct resolve *r, struct loop *loop, const char *host)
{
    CLEANUP(fd_closep) int write_fd = -1;
    int fds[2];

    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    r->pipe_fd = fds[0];
    write_fd = fds[1];

    r->pid = fork();
    if (r->pid < 0) {
        r->pid = 0;
        return -errno;
    }
    if (r->pid == 0)
        run_child(host, write_fd);

    r->pid_fd = pidfd_open(r->pid, 0);
    if (r->pid_fd < 0)
        return -errno;
    return loop_io_start(loop, &r->io, r->pid_fd, LOOP_READ, on_exit_of_child, r);
}

int resolve_start(struct resolve **ret_resolve, struct loop *loop, const char *host, resolve_fn fn,
                  void *userdata)
{
    CLEANUP(resolve_freep) struct resolve *r = NULL;
    uint8_t addr[16];
    int e;

    r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->pid_fd = r->pipe_fd = -1;
    r->fn = fn;
    r->userdata = userdata;

    if (strlen(host) < sizeof(r->result.addresses[0]) &&
        (inet_pton(AF_INET, host, addr) == 1 || inet_pton(AF_INET6, host, addr) == 1)) {
        strcpy(r->result.addresses[0], host);
        r->result.n_addresses = 1;
        loop_timer_arm(loop, &r->timer, 0, on_numeric, r);
    } else {
        e = start_child(r, loop, host);
        if (e < 0)
            return e;
    }
    *ret_resolve = TAKE(r);
    return 0;
}

struct resolve *resolve_free(struct resolve *r)
{
    if (!r)
        return NULL;

    loop_timer_cancel(&r->timer);
    loop_io_stop(&r->io);
    if (r->pid > 0) {
        (void) kill(r->pid, SIGKILL);
        (void) waitpid(r->pid, NULL, 0); /* cannot hang: the child was killed */
    }
    (void) fd_close(r->pid_fd);
    (void) fd_close(r->pipe_fd);
    free(r);
    return NULL;
}

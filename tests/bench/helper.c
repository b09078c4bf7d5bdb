/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/bench/helper.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

void helper_start(struct helper *h, int (*fn)(int fd, void *arg), void *arg)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0 || (h->pid = fork()) < 0)
        bench_fatal("no process: %s", strerror(errno));
    if (h->pid == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) close(fds[0]);
        _exit(fn(fds[1], arg));
    }
    (void) close(fds[1]);
    h->fd = fds[0];
}

void helper_kill(struct helper *h)
{
    (void) kill(h->pid, SIGKILL);
    (void) waitpid(h->pid, NULL, 0);
    (void) close(h->fd);
}

void helper_tell(int fd, uint64_t number)
{
    if (send(fd, &number, sizeof(number), MSG_NOSIGNAL) != (ssize_t) sizeof(number))
        bench_fatal("a process of the measurement has ended");
}

bool helper_hear(int fd, uint64_t *ret_number)
{
    return recv(fd, ret_number, sizeof(*ret_number), 0) == (ssize_t) sizeof(*ret_number);
}

void helper_give(int fd, const struct bench_series *s)
{
    helper_tell(fd, s->n);
    for (size_t i = 0; i < s->n; i++) {
        if (send(fd, &s->values[i], sizeof(s->values[i]), MSG_NOSIGNAL) < 0)
            bench_fatal("who measures has ended");
    }
}

void helper_take(int fd, struct bench_series *s)
{
    uint64_t n;
    double value;

    if (!helper_hear(fd, &n))
        bench_fatal("a process of the measurement has ended");
    while (n-- > 0) {
        if (recv(fd, &value, sizeof(value), 0) != (ssize_t) sizeof(value))
            bench_fatal("a process of the measurement has ended");
        bench_add(s, value);
    }
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/bench/syscalls.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "libiotclient/base/macro.h"
#include "tests/bench/bench.h"

static unsigned *counter; /* shared with the child; a signal handler has no other way to it */

static void on_call(int signo)
{
    (void) signo;
    ++*counter;
}

/* All but the end of a signal handler, and of the process. */
static int trap_calls(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = ARRAY_SIZE(code), .filter = code};
    struct sigaction sa = {.sa_handler = on_call};

    if (sigaction(SIGSYS, &sa, NULL) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        return -errno;
    return 0;
}

unsigned syscalls_count(void (*fn)(void *userdata), void *userdata)
{
    unsigned *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned n;
    int status;
    pid_t pid;

    if (shared == MAP_FAILED)
        bench_fatal("out of memory");
    counter = shared;
    pid = fork();
    if (pid == 0) {
        if (trap_calls() < 0)
            _exit(1);
        fn(userdata);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        bench_fatal("system calls cannot be counted");
    n = *shared;
    (void) munmap(shared, sizeof(*shared));
    return n;
}

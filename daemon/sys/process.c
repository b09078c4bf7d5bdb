/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"

#define MAX_PROC_FILE 2048 /* of the files below: a line, a few lines */
#define MAX_EXE 2048       /* own choice: a longer path is not known */
#define FIELD_START 22     /* proc(5), /proc/PID/stat: starttime */

static int read_at(int dir, const char *name, char text[MAX_PROC_FILE])
{
    CLEANUP(fd_closep) int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return -errno;
    n = read(fd, text, MAX_PROC_FILE - 1);
    if (n < 0)
        return -errno;
    text[n] = '\0';
    return 0;
}

/* pid_namespaces(7), pidfd_open(2): the line Pid of its fdinfo; -1 once it has ended. */
static int pid_of(int pidfd, uint32_t *ret_pid)
{
    char path[64], text[MAX_PROC_FILE];
    const char *line;
    int pid, r;

    (void) snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
    r = read_at(AT_FDCWD, path, text);
    if (r < 0)
        return r;
    line = strstr(text, "\nPid:");
    if (!line || sscanf(line, "\nPid: %d", &pid) != 1 || pid <= 0)
        return -ESRCH;
    *ret_pid = (uint32_t) pid;
    return 0;
}

static bool has_ended(int pidfd)
{
    struct pollfd p = {.fd = pidfd, .events = POLLIN};

    return poll(&p, 1, 0) != 0;
}

/* Since boot, by CLOCK_BOOTTIME, in microseconds. */
static int start_of(int dir, uint64_t *ret_us)
{
    long per_second = sysconf(_SC_CLK_TCK);
    char text[MAX_PROC_FILE];
    unsigned long long ticks;
    const char *at;
    int r = read_at(dir, "stat", text);

    if (r < 0)
        return r;
    at = strrchr(text, ')'); /* the name before may hold anything */
    for (int field = 2; at && field < FIELD_START; field++) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    if (!at || sscanf(at, "%llu", &ticks) != 1 || per_second <= 0)
        return -EIO;
    *ret_us = (uint64_t) ticks * USEC_PER_SEC / (uint64_t) per_second;
    return 0;
}

/* Without asking the file system, which may be one of the process's own and never answer. */
static int read_exe(int dir, struct process_exe *ret_exe)
{
    char path[MAX_EXE];
    struct statx st;
    ssize_t n = readlinkat(dir, "exe", path, sizeof(path));

    if (n < 0)
        return -errno;
    if (n == 0 || (size_t) n >= sizeof(path))
        return -ENAMETOOLONG;
    if (statx(dir, "exe", AT_STATX_DONT_SYNC, STATX_INO, &st) < 0)
        return -errno;
    ret_exe->path = strndup(path, (size_t) n);
    if (!ret_exe->path)
        return -ENOMEM;
    ret_exe->device = makedev(st.stx_dev_major, st.stx_dev_minor);
    ret_exe->inode = st.stx_ino;
    return 0;
}

void process_exe_done(struct process_exe *exe)
{
    free(exe->path);
    exe->path = NULL;
}

int process_get_exe(uint32_t pid, int pidfd, uint64_t seen_us, struct process_exe *ret_exe)
{
    CLEANUP(fd_closep) int dir = -1;
    uint64_t start_us;
    char path[32];
    int r = 0;

    if (pidfd >= 0)
        r = pid_of(pidfd, &pid);
    if (r < 0)
        return r;
    if (pid == 0)
        return -ESRCH;
    (void) snprintf(path, sizeof(path), "/proc/%u", pid);
    dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC); /* of this process, even after its end */
    if (dir < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    if (pidfd >= 0)
        return has_ended(pidfd) ? -ESRCH : read_exe(dir, ret_exe);
    r = start_of(dir, &start_us);
    if (r == 0 && start_us > seen_us)
        r = -ESRCH;
    return r < 0 ? r : read_exe(dir, ret_exe);
}

bool process_exe_is_ours(const struct process_exe *exe)
{
    struct stat st;

    return stat(exe->path, &st) == 0 && st.st_dev == exe->device && st.st_ino == exe->inode;
}

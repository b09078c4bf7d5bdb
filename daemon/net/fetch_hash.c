/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/net/fetch_hash.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"

#define READ_SIZE (64 * 1024)   /* own choice */
#define PUSH_SIZE (1024 * 1024) /* own choice: hashed, and not on its way to the disk yet */

struct fetch_hash {
    pid_t pid;
    int more_fd;   /* eventfd: bytes that are there and not hashed; the child waits on it */
    int answer_fd; /* one struct fetch_hash_result, or its end */
    struct loop_io io;
    fetch_hash_fn fn;
    void *userdata;
};

/* --- the child --- */

/* Its descriptors, numbered from 3 on. */
enum { CHILD_FILE = 3, CHILD_MORE, CHILD_ANSWER, CHILD_DIR, CHILD_END };

/* Connections, locks and the bus end when iotd ends them: nothing else stays open here. */
static void keep_only(const int fds[CHILD_END - CHILD_FILE])
{
    int high[CHILD_END - CHILD_FILE];

    for (int i = 0; i < CHILD_END - CHILD_FILE; i++) /* first out of the way */
        high[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD, CHILD_END);
    for (int i = 0; i < CHILD_END - CHILD_FILE; i++) {
        if (high[i] < 0)
            (void) close(CHILD_FILE + i);
        else
            (void) dup2(high[i], CHILD_FILE + i);
    }
    (void) close_range(CHILD_END, ~0U, 0);
}

/* Hashes len bytes at that place. */
static int hash_some(struct digest *md5, struct digest *sha256, uint8_t *buf, uint64_t at,
                     uint64_t len)
{
    while (len > 0) {
        ssize_t n = pread(CHILD_FILE, buf, len < READ_SIZE ? (size_t) len : READ_SIZE, (off_t) at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) /* it cannot be read, or has shrunk */
            return n < 0 ? -errno : -EIO;
        digest_add(md5, buf, (size_t) n);
        if (sha256)
            digest_add(sha256, buf, (size_t) n);
        at += (uint64_t) n;
        len -= (uint64_t) n;
    }
    return 0;
}

static int hash_all(const struct fetch_hash_spec *spec, struct digest *md5, struct digest *sha256)
{
    uint64_t done = 0, pushed = 0, more;
    uint8_t *buf = malloc(READ_SIZE);
    int r = buf ? 0 : -ENOMEM;

    while (r == 0 && done < spec->size) {
        if (read(CHILD_MORE, &more, sizeof(more)) != sizeof(more)) /* waits */
            return -EIO;
        for (uint64_t end = done + more; r == 0 && done < end;) {
            uint64_t n = end - done < PUSH_SIZE ? end - done : PUSH_SIZE;

            r = hash_some(md5, sha256, buf, done, n);
            done += n;
            if (spec->dir < 0 || done - pushed < PUSH_SIZE)
                continue;
            /* Only begun, so that little is left for the end; some file systems cannot. */
            (void) sync_file_range(CHILD_FILE, (off_t) pushed, (off_t) (done - pushed),
                                   SYNC_FILE_RANGE_WRITE);
            pushed = done;
        }
    }
    return r;
}

static int sync_all(void)
{
    if (fdatasync(CHILD_FILE) < 0)
        return -errno;
    if (fsync(CHILD_DIR) < 0 && errno != EINVAL) /* some file systems cannot */
        return -errno;
    return 0;
}

static int work(const struct fetch_hash_spec *spec, struct fetch_hash_result *result)
{
    struct digest *md5 = NULL, *sha256 = NULL; /* the process ends after it */
    uint8_t value[DIGEST_MAX];
    int r = digest_new(&md5, DIGEST_MD5);

    if (r == 0 && spec->want_sha256)
        r = digest_new(&sha256, DIGEST_SHA256);
    if (r == 0)
        r = hash_all(spec, md5, sha256);
    if (r == 0)
        r = digest_finish(md5, value);
    if (r < 0)
        return r;
    memcpy(result->md5, value, sizeof(result->md5));
    if (sha256)
        r = digest_finish(sha256, result->sha256);
    if (r == 0 && spec->md5 && memcmp(value, spec->md5, DIGEST_MD5_LEN) != 0)
        r = -EBADMSG;
    return r == 0 && spec->dir >= 0 ? sync_all() : r;
}

static void run_child(const struct fetch_hash_spec *spec, pid_t parent, int more_fd, int answer_fd)
{
    const int fds[] = {spec->fd, more_fd, answer_fd, spec->dir};
    struct fetch_hash_result result = {0};
    sigset_t all;

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    /* A terminal or a service manager stops all of a group: iotd says when this one is not wanted.
     */
    sigfillset(&all);
    (void) sigprocmask(SIG_SETMASK, &all, NULL);
    keep_only(fds);
    result.error = work(spec, &result);
    _exit(write(CHILD_ANSWER, &result, sizeof(result)) == sizeof(result) ? 0 : 1);
}

/* --- the daemon --- */

static void on_answer(struct loop_io *io, uint32_t events, void *userdata)
{
    struct fetch_hash *h = userdata;
    struct fetch_hash_result result;

    (void) events;
    loop_io_stop(io);
    if (read(h->answer_fd, &result, sizeof(result)) != sizeof(result))
        result = (struct fetch_hash_result){.error = -EIO}; /* it died */
    h->fn(&result, h->userdata);
}

int fetch_hash_start(struct fetch_hash **ret_hash, const struct fetch_hash_spec *spec,
                     fetch_hash_fn fn, void *userdata)
{
    CLEANUP(fetch_hash_freep) struct fetch_hash *h = NULL;
    CLEANUP(fd_closep) int write_fd = -1;
    pid_t parent = getpid();
    int fds[2], r;

    h = calloc(1, sizeof(*h));
    if (!h)
        return -ENOMEM;
    h->answer_fd = -1;
    h->fn = fn;
    h->userdata = userdata;
    h->more_fd = eventfd(0, EFD_CLOEXEC);
    if (h->more_fd < 0 || pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    h->answer_fd = fds[0];
    write_fd = fds[1];
    h->pid = fork();
    if (h->pid < 0) {
        r = -errno;
        h->pid = 0;
        return r;
    }
    if (h->pid == 0)
        run_child(spec, parent, h->more_fd, write_fd);
    r = loop_io_start(spec->loop, &h->io, h->answer_fd, LOOP_READ, on_answer, h);
    if (r < 0)
        return r;
    *ret_hash = TAKE(h);
    return 0;
}

struct fetch_hash *fetch_hash_free(struct fetch_hash *h)
{
    if (!h)
        return NULL;

    loop_io_stop(&h->io);
    if (h->pid > 0) {
        (void) kill(h->pid, SIGKILL);
        (void) waitpid(h->pid, NULL, 0);
    }
    (void) fd_close(h->more_fd);
    (void) fd_close(h->answer_fd);
    free(h);
    return NULL;
}

void fetch_hash_more(struct fetch_hash *h, uint64_t len)
{
    if (len > 0)
        (void) !write(h->more_fd, &len, sizeof(len)); /* sums up; cannot be full with a size */
}

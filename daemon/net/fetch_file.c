/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/net/fetch_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"

#define SLICE_US 2000           /* own choice: of one turn of the loop */
#define READ_SIZE (64 * 1024)   /* own choice */
#define PUSH_SIZE (1024 * 1024) /* own choice: written, and not on its way to the disk yet */

struct fetch_file {
    struct loop *loop;
    int dir;
    int fd;
    char name[NAME_MAX + 1];
    uint64_t size;
    uint64_t done;   /* hashed */
    uint64_t there;  /* taken up, not all of it hashed yet */
    uint64_t pushed; /* handed to the disk */
    struct digest *md5;
    struct digest *sha256; /* NULL: not wanted */
    uint8_t wanted[DIGEST_MD5_LEN];
    uint8_t *buf; /* while reading back */
    struct loop_timer timer;
    pid_t pid; /* of the child that syncs; 0 none */
    int pid_fd;
    struct loop_io io;
    fetch_file_fn fn;
    void *userdata;
};

static int open_file(struct fetch_file *f)
{
    struct stat st;

    f->fd = openat(f->dir, f->name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (f->fd < 0)
        return -errno;
    if (fstat(f->fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    if (fchmod(f->fd, 0600) < 0)
        return -errno;
    f->there = (uint64_t) st.st_size;
    return f->there > f->size ? fetch_file_start_over(f) : 0;
}

int fetch_file_open(struct fetch_file **ret_file, const struct fetch_file_spec *spec)
{
    CLEANUP(fetch_file_freep) struct fetch_file *f = NULL;
    int r;

    if (!*spec->name || strlen(spec->name) >= sizeof(f->name) || strchr(spec->name, '/') ||
        strcmp(spec->name, ".") == 0 || strcmp(spec->name, "..") == 0)
        return -EINVAL;
    f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    f->fd = f->pid_fd = -1;
    f->loop = spec->loop;
    f->size = spec->size;
    strcpy(f->name, spec->name);
    memcpy(f->wanted, spec->md5, sizeof(f->wanted));
    f->dir = fd_dup(spec->dir);
    if (f->dir < 0)
        return f->dir;
    r = digest_new(&f->md5, DIGEST_MD5);
    if (r == 0 && spec->want_sha256)
        r = digest_new(&f->sha256, DIGEST_SHA256);
    if (r == 0)
        r = open_file(f);
    if (r < 0)
        return r;
    *ret_file = TAKE(f);
    return 0;
}

struct fetch_file *fetch_file_free(struct fetch_file *f)
{
    if (!f)
        return NULL;

    loop_timer_cancel(&f->timer);
    loop_io_stop(&f->io);
    if (f->pid > 0) {
        (void) kill(f->pid, SIGKILL);
        (void) waitpid(f->pid, NULL, WNOHANG); /* in the disk's hands: whoever reaps, reaps */
    }
    (void) fd_close(f->pid_fd);
    (void) fd_close(f->fd);
    (void) fd_close(f->dir);
    digest_free(f->md5);
    digest_free(f->sha256);
    free(f->buf);
    free(f);
    return NULL;
}

uint64_t fetch_file_done(const struct fetch_file *f)
{
    return f->done;
}

static void hash(struct fetch_file *f, const uint8_t *data, size_t len)
{
    digest_add(f->md5, data, len);
    if (f->sha256)
        digest_add(f->sha256, data, len);
    f->done += len;
}

/* --- what is there already --- */

static void on_slice(struct loop_timer *timer, void *userdata)
{
    struct fetch_file *f = userdata;
    uint64_t until = loop_now_us(f->loop) + SLICE_US;
    int r = 0;

    while (f->done < f->there && loop_now_us(f->loop) < until) {
        size_t size = f->there - f->done < READ_SIZE ? (size_t) (f->there - f->done) : READ_SIZE;
        ssize_t n = pread(f->fd, f->buf, size, (off_t) f->done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) { /* it cannot be read, or has shrunk */
            r = n < 0 ? -errno : -EIO;
            break;
        }
        hash(f, f->buf, (size_t) n);
    }
    if (r == 0 && f->done < f->there) {
        loop_timer_arm(f->loop, timer, 0, on_slice, f);
        return;
    }
    free(f->buf);
    f->buf = NULL;
    f->pushed = f->done;
    f->fn(r, f->userdata);
}

static void on_no_memory(struct loop_timer *timer, void *userdata)
{
    struct fetch_file *f = userdata;

    (void) timer;
    f->fn(-ENOMEM, f->userdata);
}

void fetch_file_read_back(struct fetch_file *f, fetch_file_fn fn, void *userdata)
{
    f->fn = fn;
    f->userdata = userdata;
    f->buf = malloc(READ_SIZE);
    loop_timer_arm(f->loop, &f->timer, 0, f->buf ? on_slice : on_no_memory, f);
}

/* --- what comes --- */

int fetch_file_has_room(const struct fetch_file *f)
{
    struct statvfs st;

    if (fstatvfs(f->fd, &st) < 0 || st.f_blocks == 0)
        return 0; /* writing will tell */
    return st.f_bavail < (f->size - f->done) / (st.f_frsize ? st.f_frsize : 1) ? -ENOSPC : 0;
}

int fetch_file_add(struct fetch_file *f, const uint8_t *data, size_t len)
{
    if (len > f->size - f->done)
        return -EFBIG;
    while (len > 0) {
        ssize_t n = pwrite(f->fd, data, len, (off_t) f->done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        hash(f, data, (size_t) n);
        data += n;
        len -= (size_t) n;
    }
    if (f->done - f->pushed >= PUSH_SIZE) {
        /* Only begun, so that little is left for the end; some file systems cannot. */
        (void) sync_file_range(f->fd, (off_t) f->pushed, (off_t) (f->done - f->pushed),
                               SYNC_FILE_RANGE_WRITE);
        f->pushed = f->done;
    }
    return 0;
}

int fetch_file_start_over(struct fetch_file *f)
{
    if (ftruncate(f->fd, 0) < 0)
        return -errno;
    f->done = f->there = f->pushed = 0;
    digest_restart(f->md5);
    if (f->sha256)
        digest_restart(f->sha256);
    return 0;
}

int fetch_file_check(struct fetch_file *f, uint8_t ret_sha256[DIGEST_SHA256_LEN])
{
    uint8_t md5[DIGEST_MAX];
    int r = digest_finish(f->md5, md5);

    if (r == 0 && memcmp(md5, f->wanted, sizeof(f->wanted)) != 0)
        r = -EBADMSG;
    if (r == 0 && f->sha256)
        r = digest_finish(f->sha256, ret_sha256);
    return r;
}

void fetch_file_remove(struct fetch_file *f)
{
    (void) unlinkat(f->dir, f->name, 0);
}

/* --- to the disk --- */

static void on_child(struct loop_io *io, uint32_t events, void *userdata)
{
    struct fetch_file *f = userdata;
    int status = 0, r;

    (void) events;
    loop_io_stop(io);
    r = waitpid(f->pid, &status, 0) == f->pid && WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
    f->pid = 0;
    f->pid_fd = fd_close(f->pid_fd);
    f->fn(r, f->userdata);
}

static void run_child(int fd, int dir)
{
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (fd < dir) { /* both above 2, so nothing is covered before it is moved */
        fd = dup2(fd, 3);
        dir = dup2(dir, 4);
    } else {
        dir = dup2(dir, 3);
        fd = dup2(fd, 4);
    }
    (void) close_range(5, ~0U, 0); /* connections end when iotd ends them */
    if (fdatasync(fd) < 0 || (fsync(dir) < 0 && errno != EINVAL))
        _exit(errno);
    _exit(0);
}

int fetch_file_sync(struct fetch_file *f, fetch_file_fn fn, void *userdata)
{
    int r;

    f->fn = fn;
    f->userdata = userdata;
    f->pid = fork();
    if (f->pid < 0) {
        r = -errno;
        f->pid = 0;
        return r;
    }
    if (f->pid == 0)
        run_child(f->fd, f->dir);
    f->pid_fd = pidfd_open(f->pid, 0);
    r = f->pid_fd < 0 ? -errno : 0;
    return r < 0 ? r : loop_io_start(f->loop, &f->io, f->pid_fd, LOOP_READ, on_child, f);
}

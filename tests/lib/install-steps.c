/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/install-steps.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "tests/lib/suite.h"

void install_steps_write(const struct install_steps *st, const char *name, mode_t mode,
                         const char *text, char path[128])
{
    char other[160];
    FILE *f;

    (void) snprintf(path, 128, "%s/%s", st->dir, name);
    (void) snprintf(other, sizeof(other), "%s~", path);
    f = fopen(other, "we");
    CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
    CHECK(chmod(other, mode) == 0 && rename(other, path) == 0);
}

void install_steps_init(struct install_steps *st)
{
    const char *top = getenv("TMPDIR");

    *st = (struct install_steps){.fd = -1};
    test_loop_init(&st->tl);
    (void) snprintf(st->dir, sizeof(st->dir), "%.40s/iotd-install.XXXXXX", top ? top : "/tmp");
    CHECK(mkdtemp(st->dir) != NULL);
    install_steps_write(st, "image", 0600, INSTALL_IMAGE, st->image);
    st->fd = open(st->image, O_RDWR | O_CLOEXEC);
    CHECK(st->fd >= 0);
}

void install_steps_done(struct install_steps *st)
{
    DIR *dir = opendir(st->dir);
    const struct dirent *entry;

    CHECK(dir != NULL);
    while (dir && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.')
            CHECK(unlinkat(dirfd(dir), entry->d_name, 0) == 0);
    }
    if (dir)
        (void) closedir(dir);
    CHECK(rmdir(st->dir) == 0);
    st->fd = fd_close(st->fd);
    test_loop_done(&st->tl);
}

static void on_progress(unsigned percent, const char *text, void *userdata)
{
    struct install_steps *st = userdata;

    CHECK(st->n_done < st->n_started);
    if (st->n_progress < ARRAY_SIZE(st->percents))
        st->percents[st->n_progress] = percent;
    st->n_progress++;
    (void) snprintf(st->text, sizeof(st->text), "%s", text);
}

static void on_done(int result, const char *text, void *userdata)
{
    struct install_steps *st = userdata;

    st->n_done++;
    st->result = result;
    (void) snprintf(st->done_text, sizeof(st->done_text), "%s", text);
    if (st->on_done)
        st->on_done(st);
}

int install_steps_start(struct install_steps *st)
{
    static const struct installer_events events = {.progress = on_progress, .done = on_done};
    const struct install_job job = {
        .fd = st->fd,
        .path = st->image,
        .version = "1.2.3",
        .size = strlen(INSTALL_IMAGE),
        .md5 = "0123456789abcdef0123456789abcdef",
        .sha256 = "",
        .custom = "a word, \"quotes\"\nand $HOME",
        .extra = "{\"type\":\"mcu\"}",
    };

    int r = installer_start(st->installer, &job, &events, st);

    st->n_started += r == 0;
    return r;
}

struct wait {
    const struct install_steps *st;
    unsigned n;
};

static bool is_done(void *userdata)
{
    const struct wait *w = userdata;

    return w->st->n_done > w->n;
}

bool install_steps_wait(struct install_steps *st, unsigned n)
{
    struct wait w = {st, n};
    bool done = test_loop_until(&st->tl, is_done, &w);

    CHECK(done);
    return done;
}

struct look {
    char path[128];
    char *text;
};

static bool is_there(void *userdata)
{
    struct look *l = userdata;
    CLEANUP(fd_closep) int fd = open(l->path, O_RDONLY | O_CLOEXEC);
    size_t len;

    free(TAKE(l->text));
    return fd >= 0 && fd_read_file(fd, 65536, &l->text, &len) == 0 && len > 0;
}

static void on_again(struct loop_timer *timer, void *userdata)
{
    loop_timer_arm(userdata, timer, 5 * USEC_PER_MSEC, on_again, userdata);
}

bool install_steps_until(struct install_steps *st, bool (*fn)(void *userdata), void *userdata)
{
    struct loop_timer timer = {.loop = NULL};
    bool is_so;

    loop_timer_arm(&st->tl.loop, &timer, 0, on_again, &st->tl.loop);
    is_so = test_loop_until(&st->tl, fn, userdata);
    loop_timer_cancel(&timer);
    CHECK(is_so);
    return is_so;
}

char *install_steps_read(struct install_steps *st, const char *name)
{
    struct look l = {.text = NULL};

    (void) snprintf(l.path, sizeof(l.path), "%s/%s", st->dir, name);
    (void) install_steps_until(st, is_there, &l);
    return l.text ? l.text : strdup("");
}

static bool is_gone(void *userdata)
{
    const pid_t *pid = userdata;
    char path[32], state = 'X';
    FILE *f;

    (void) snprintf(path, sizeof(path), "/proc/%d/stat", (int) *pid);
    f = fopen(path, "re");
    if (!f)
        return true;
    if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
        state = 'X';
    (void) fclose(f);
    return state == 'Z' || state == 'X';
}

bool install_steps_gone(struct install_steps *st, pid_t pid)
{
    return pid > 0 && install_steps_until(st, is_gone, &pid);
}

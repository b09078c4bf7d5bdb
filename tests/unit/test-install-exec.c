/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command that installs, with real processes: what it gets, what it may do, how it ends. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/core/install_exec.h"
#include "daemon/sys/loop_lws.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/utf8.h"
#include "tests/lib/install-steps.h"
#include "tests/lib/suite.h"

const char *const suite_name = "install-exec";

#define LONG_US (60 * USEC_PER_SEC)

/* In the text of a script, @ is the directory of the test. */
static void begin_for(struct install_steps *st, const char *script, uint64_t timeout_us)
{
    char text[2048], path[128];
    size_t n = 0;

    install_steps_init(st);
    for (const char *c = script; *c && n + sizeof(st->dir) < sizeof(text); c++) {
        if (*c == '@')
            n += (size_t) snprintf(text + n, sizeof(text) - n, "%s", st->dir);
        else
            text[n++] = *c;
    }
    text[n] = '\0';
    install_steps_write(st, "hook", 0700, text, path);
    CHECK_INT(install_exec_new(&st->installer, &st->tl.loop, path, timeout_us), 0);
}

static void begin(struct install_steps *st, const char *script)
{
    begin_for(st, script, LONG_US);
}

static void end(struct install_steps *st)
{
    st->installer = install_exec_free(st->installer);
    install_steps_done(st);
}

static void run(struct install_steps *st, const char *script)
{
    begin(st, script);
    CHECK_INT(install_steps_start(st), 0);
    CHECK_INT(st->n_done, 0);
    (void) install_steps_wait(st, 0);
}

static pid_t read_pid(struct install_steps *st, const char *name)
{
    CLEANUP(freep) char *text = install_steps_read(st, name);

    return (pid_t) atoi(text);
}

static void test_image(void)
{
    struct install_steps st;
    char byte;

    run(&st, "#!/bin/sh\ncat <&3 >@/out~\ncmp \"$IOTD_IMAGE\" @/image || exit 1\n"
             "(echo more >&3) 2>/dev/null && exit 2\nmv @/out~ @/out\n");
    CHECK_INT(st.result, 0);
    CHECK_STR(st.done_text, "");
    CLEANUP(freep) char *out = install_steps_read(&st, "out");
    CHECK_STR(out, INSTALL_IMAGE);
    /* Its offset is not ours. */
    CHECK(read(st.fd, &byte, 1) == 1 && byte == INSTALL_IMAGE[0]);
    end(&st);
}

static void test_environment(void)
{
    struct install_steps st;

    CHECK(setenv("IOTD_SECRET", "of the parent", 1) == 0);
    run(&st,
        "#!/bin/sh\nenv | grep -v '^\\(PWD\\|_\\|SHLVL\\|OLDPWD\\)=' >@/out~ && mv @/out~ @/out\n");
    (void) unsetenv("IOTD_SECRET");
    CHECK_INT(st.result, 0);
    CLEANUP(freep) char *out = install_steps_read(&st, "out");
    CHECK(strstr(out, "PATH=/usr/local/sbin:") && strstr(out, "LC_ALL=C.UTF-8\n"));
    CHECK(strstr(out, "IOTD_VERSION=1.2.3\n") && strstr(out, "IOTD_SIZE=10\n"));
    CHECK(strstr(out, "IOTD_MD5=0123456789abcdef0123456789abcdef\n"));
    CHECK(strstr(out, "IOTD_SHA256=\n"));
    CHECK(strstr(out, "IOTD_CUSTOM=a word, \"quotes\"\nand $HOME\n"));
    CHECK(strstr(out, "IOTD_EXTRA={\"type\":\"mcu\"}\n"));
    CHECK(!strstr(out, "HOME=") && !strstr(out, "IOTD_SECRET"));
    end(&st);
}

/* Of the signals that this process ignores, those that belong to libc and stay ignored. */
static uint64_t ignored_by_libc(void)
{
    uint64_t ignored = 0;
    char line[128];
    FILE *f = fopen("/proc/self/status", "re");

    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, "SigIgn:", 7) == 0)
            ignored = strtoull(line + 7, NULL, 16);
    }
    if (f)
        (void) fclose(f);
    return ignored & 3ULL << 31; /* 32 and 33 */
}

/* Descriptors, user's file mask, directory, limits, signals. 10 is where dash has its script. */
static void test_confined(void)
{
    struct install_steps st;
    sigset_t blocked, before;
    int leak;

    begin(&st, "#!/bin/sh\nset -- /proc/$$/fd/*\nexec >@/out~\n"
               "for f; do [ ! -e $f ] || printf '%s ' \"${f##*/}\"; done; echo\n"
               "pwd; umask; ulimit -c; ulimit -n; cat <&0\n"
               "grep -E '^(NoNewPrivs|SigBlk|SigIgn):' /proc/$$/status | tr -d '\\t'\n"
               "nice; mv @/out~ @/out\n");
    leak = fcntl(st.fd, F_DUPFD, 57); /* it is not close-on-exec */
    CHECK(leak >= 57);
    (void) sigemptyset(&blocked);
    (void) sigaddset(&blocked, SIGUSR2);
    (void) sigprocmask(SIG_BLOCK, &blocked, &before);
    (void) signal(SIGHUP, SIG_IGN);
    CHECK_INT(install_steps_start(&st), 0);
    (void) sigprocmask(SIG_SETMASK, &before, NULL);
    (void) signal(SIGHUP, SIG_DFL);
    (void) install_steps_wait(&st, 0);
    (void) fd_close(leak);
    CHECK_INT(st.result, 0);
    CLEANUP(freep) char *out = install_steps_read(&st, "out");
    char wanted[256];
    int nice = getpriority(PRIO_PROCESS, 0);
    (void) snprintf(wanted, sizeof(wanted),
                    "0 1 10 2 3 \n/\n0077\n0\n1024\nSigBlk:%016d\nSigIgn:%016" PRIx64
                    "\nNoNewPrivs:1\n%d\n",
                    0, ignored_by_libc(), nice < 10 ? 10 : nice);
    CHECK_STR(out, wanted);
    end(&st);
}

static void test_progress(void)
{
    struct install_steps st;

    begin(&st, "#!/bin/sh\necho percent 10 unpacking the image\necho percent 101\n"
               "echo percent -1\necho percent\necho percent x\necho percents 3\necho hello\n"
               "until [ -e @/go1 ]; do sleep 0.01; done\nprintf 'percent 20\\rpercent 55  "
               "\\303\\251t\\303\\251\\r'\n"
               "until [ -e @/go2 ]; do sleep 0.01; done\n"
               "printf 'percent 60 bad \\377 \\033[1m\\n'\nprintf 'percent 100 no end of line'\n");
    CHECK_INT(install_steps_start(&st), 0);
    while (st.n_progress < 1)
        test_loop_turn(&st.tl, USEC_PER_SEC);
    CHECK_INT(st.percents[0], 10);
    CHECK_STR(st.text, "unpacking the image");
    char path[128];
    install_steps_write(&st, "go1", 0600, "", path);
    while (st.n_progress < 2)
        test_loop_turn(&st.tl, USEC_PER_SEC);
    CHECK_INT(st.percents[1], 55); /* of what comes at once, the last */
    CHECK_STR(st.text, "\303\251t\303\251");
    install_steps_write(&st, "go2", 0600, "", path);
    (void) install_steps_wait(&st, 0);
    CHECK_INT(st.result, 0);
    CHECK_INT(st.percents[st.n_progress - 1], 100);
    CHECK_STR(st.text, "no end of line");
    end(&st);
}

static void test_texts(void)
{
    static const struct {
        const char *script;
        int result;
        const char *text; /* the beginning; NULL: the path stands first */
    } cases[] = {
        {"#!/bin/sh\necho one >&2\necho 'no room on /dev/mmcblk0p3' >&2\nexit 3\n", -ECANCELED,
         "no room on /dev/mmcblk0p3"},
        {"#!/bin/sh\nprintf 'without an end' >&2\nexit 1\n", -ECANCELED, "without an end"},
        {"#!/bin/sh\nexit 3\n", -ECANCELED, "@/hook ended with status 3"},
        {"#!/bin/sh\necho last words >&2\nkill -SEGV $$\n", -EINTR,
         "@/hook was ended by signal 11: last words"},
        {"#!/nonexistent/sh\n", -ENOEXEC, "@/hook cannot be run: No such file or directory"},
        {"no program at all\n", -ENOEXEC, "@/hook cannot be run: Exec format error"},
        {"#!/bin/sh\nprintf 'bad \\377\\001 bytes\\n' >&2\nexit 1\n", -ECANCELED, "bad ?  bytes"},
        {"#!/bin/sh\necho warning >&2\nexit 0\n", 0, ""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct install_steps st;
        char wanted[256];
        const char *rest = cases[i].text;

        run(&st, cases[i].script);
        CHECK_INT(st.result, cases[i].result);
        (void) snprintf(wanted, sizeof(wanted), "%s%s", *rest == '@' ? st.dir : "",
                        *rest == '@' ? rest + 1 : rest);
        CHECK_STR(st.done_text, wanted);
        end(&st);
    }
}

/* Lines without end, of bytes that are cut in the middle of a letter. */
static void test_long_lines(void)
{
    struct install_steps st;

    run(&st,
        "#!/bin/sh\ni=0\nwhile [ $i -lt 300 ]; do printf '\\303\\251'; i=$((i + 1)); done >&2\n"
        "exit 1\n");
    CHECK_INT(st.result, -ECANCELED);
    CHECK_INT(strlen(st.done_text), 254);
    CHECK(utf8_is_valid(st.done_text, strlen(st.done_text)));
    end(&st);
}

static void test_refused(void)
{
    struct install_steps st;
    struct installer *none = NULL;
    char path[128];

    CHECK_INT(install_exec_new(&none, &st.tl.loop, "bin/sh", LONG_US), -EINVAL);
    CHECK(!none);
    begin(&st, "#!/bin/sh\n");
    install_steps_write(&st, "hook", 0600, "#!/bin/sh\n", path);
    CHECK_INT(install_steps_start(&st), -EACCES);
    install_steps_write(&st, "hook", 0707, "#!/bin/sh\n", path);
    CHECK_INT(install_steps_start(&st), -EACCES);
    CHECK(unlink(path) == 0);
    CHECK_INT(install_steps_start(&st), -ENOENT);
    CHECK(mkdir(path, 0700) == 0);
    CHECK_INT(install_steps_start(&st), -EACCES);
    CHECK(rmdir(path) == 0);
    install_steps_write(&st, "hook", 0700, "#!/bin/sh\n", path);
    CHECK_INT(install_steps_start(&st), 0);
    CHECK_INT(install_steps_start(&st), -EBUSY);
    (void) install_steps_wait(&st, 0);
    CHECK_INT(st.result, 0);
    CHECK_INT(st.n_done, 1);
    end(&st);
}

/* What it leaves behind, with its pipes open, is killed with it. */
static void test_group(void)
{
    struct install_steps st;
    pid_t pid;

    run(&st, "#!/bin/sh\nsleep 1000 &\necho $! >@/pid\necho percent 7\n");
    CHECK_INT(st.result, 0);
    CHECK_INT(st.percents[0], 7);
    pid = read_pid(&st, "pid");
    CHECK(install_steps_gone(&st, pid));
    end(&st);
}

static void test_deadline(void)
{
    struct install_steps st;
    char wanted[256];
    pid_t pid;

    begin_for(&st,
              "#!/bin/sh\ntrap 'echo interrupted >&2; exit 0' TERM\nsleep 1000 &\necho $! >@/pid\n"
              "wait\n",
              1 * USEC_PER_SEC);
    CHECK_INT(install_steps_start(&st), 0);
    pid = read_pid(&st, "pid");
    (void) install_steps_wait(&st, 0);
    CHECK_INT(st.result, -ETIMEDOUT); /* whatever it says then */
    (void) snprintf(wanted, sizeof(wanted), "%s/hook was not done after 1 s: interrupted", st.dir);
    CHECK_STR(st.done_text, wanted);
    CHECK(install_steps_gone(&st, pid));
    end(&st);
}

static void start_again(struct install_steps *st)
{
    st->on_done = NULL;
    CHECK_INT(install_steps_start(st), 0);
}

/*
 * It does not hear SIGTERM. The job ends with SIGKILL, and the next one, started at once, begins
 * after that: there are never two.
 */
static void test_deaf(void)
{
    struct install_steps st;
    char text[128], path[128];
    pid_t pid;

    begin_for(&st, "#!/bin/sh\ntrap '' TERM\necho $$ >@/pid\nwhile :; do sleep 1000; done\n",
              200 * USEC_PER_MSEC);
    st.on_done = start_again;
    CHECK_INT(install_steps_start(&st), 0);
    pid = read_pid(&st, "pid");
    (void) snprintf(text, sizeof(text),
                    "#!/bin/sh\n[ -e /proc/%d/exe ] && echo two >&2 && exit 1\nexit 0\n",
                    (int) pid);
    install_steps_write(&st, "hook", 0700, text, path);
    (void) install_steps_wait(&st, 0);
    CHECK_INT(st.result, -ETIMEDOUT);
    (void) install_steps_wait(&st, 1);
    CHECK_INT(st.result, 0);
    CHECK_STR(st.done_text, "");
    CHECK(install_steps_gone(&st, pid));
    end(&st);
}

static void test_cancel(void)
{
    struct install_steps st;
    pid_t pid;
    char path[128];

    begin(&st, "#!/bin/sh\necho $$ >@/pid\nwhile :; do echo percent 1; echo percent 2; done\n");
    installer_cancel(st.installer); /* of nothing */
    CHECK_INT(install_steps_start(&st), 0);
    pid = read_pid(&st, "pid");
    installer_cancel(st.installer);
    installer_cancel(st.installer);
    st.n_progress = 0;
    CHECK(install_steps_gone(&st, pid));
    install_steps_write(&st, "hook", 0700, "#!/bin/sh\nexit 0\n", path);
    CHECK_INT(install_steps_start(&st), 0);
    installer_cancel(st.installer); /* before it could begin, too */
    CHECK_INT(install_steps_start(&st), 0);
    (void) install_steps_wait(&st, 0);
    CHECK_INT(st.result, 0);
    CHECK_INT(st.n_done, 1);
    CHECK_INT(st.n_progress, 0);
    end(&st);
}

static void test_freed(void)
{
    struct install_steps st;
    pid_t pid;

    begin(&st, "#!/bin/sh\necho $$ >@/pid\nsleep 1000\n");
    CHECK_INT(install_steps_start(&st), 0);
    pid = read_pid(&st, "pid");
    st.installer = install_exec_free(st.installer);
    CHECK(install_steps_gone(&st, pid));
    CHECK_INT(st.n_done, 0);
    install_steps_done(&st);
}

/* A flood of lines is taken slowly, and what it says then counts. */
static void test_flood(void)
{
    struct install_steps st;
    unsigned turns = 0;

    begin(&st, "#!/bin/sh\nyes 'percent 3 of a flood' | head -n 10000\necho percent 4\nexit 0\n");
    CHECK_INT(install_steps_start(&st), 0);
    while (st.n_done == 0 && turns < 100000) {
        test_loop_turn(&st.tl, USEC_PER_SEC);
        turns++;
    }
    CHECK_INT(st.result, 0);
    CHECK_INT(st.percents[st.n_progress - 1], 4);
    CHECK(turns < 1000);
    CHECK(st.n_progress <= 4);
    end(&st);
}

/* Whoever started us may not have wanted to hear of its children. */
static void test_sigchld(void)
{
    struct install_steps st;

    (void) signal(SIGCHLD, SIG_IGN);
    run(&st, "#!/bin/sh\nexit 5\n");
    CHECK_INT(st.result, -ECANCELED);
    CHECK(strstr(st.done_text, "status 5"));
    (void) signal(SIGCHLD, SIG_DFL);
    end(&st);
}

static void test_faults(void)
{
    struct install_steps st;

    begin(&st, "#!/bin/sh\nexit 0\n");
    while (waitpid(-1, NULL, WNOHANG) > 0) {
        /* of other tests: what was killed when the installer was freed */
    }
    for (unsigned i = 1; i <= 3; i++) {
        st.tl.fail_io_start_in = i;
        CHECK_INT(install_steps_start(&st), -ENOSPC);
        CHECK_INT(st.tl.n_ios, 0);
        CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
    }
    CHECK_INT(install_steps_start(&st), 0);
    (void) install_steps_wait(&st, 0);
    CHECK_INT(st.result, 0);
    CHECK_INT(st.n_done, 1);
    end(&st);
}

struct on_lws {
    struct install_steps st;
    struct loop_lws *loop;
};

static void stop_lws(struct install_steps *st)
{
    loop_lws_stop(CONTAINER_OF(st, struct on_lws, st)->loop);
}

/* In the daemon's own loop, which hangs up pipes in its way. */
static void test_lws(void)
{
    struct on_lws o;
    char path[128];

    install_steps_init(&o.st);
    CHECK_INT(loop_lws_new(&o.loop), 0);
    install_steps_write(&o.st, "hook", 0700,
                        "#!/bin/sh\nyes 'percent 3 of a flood' | head -n 4000\nexec 1>&-\n"
                        "echo nothing more to say >&2\nexec 2>&-\nexit 1\n",
                        path);
    CHECK_INT(install_exec_new(&o.st.installer, loop_lws_base(o.loop), path, LONG_US), 0);
    o.st.on_done = stop_lws;
    (void) alarm(20); /* a loop that does not end cannot tell it otherwise */
    for (unsigned i = 1; i <= 3; i++) {
        CHECK_INT(install_steps_start(&o.st), 0);
        CHECK_INT(loop_lws_run(o.loop), 0);
        CHECK_INT(o.st.n_done, i);
        CHECK_INT(o.st.result, -ECANCELED);
        CHECK_STR(o.st.done_text, "nothing more to say");
        CHECK_INT(o.st.percents[0], 3);
    }
    (void) alarm(0);
    o.st.installer = install_exec_free(o.st.installer);
    o.loop = loop_lws_free(o.loop);
    install_steps_done(&o.st);
}

/* kill -9 of the daemon in the middle. */
static void test_orphan(void)
{
    struct install_steps st;
    pid_t pid;
    pid_t daemon;

    begin(&st, "#!/bin/sh\necho $$ >@/pid\nsleep 1000\n");
    daemon = fork();
    if (daemon == 0) {
        if (install_steps_start(&st) == 0)
            free(install_steps_read(&st, "pid"));
        (void) raise(SIGKILL);
    }
    pid = read_pid(&st, "pid");
    CHECK(install_steps_gone(&st, pid));
    CHECK(waitpid(daemon, NULL, 0) == daemon);
    end(&st);
}

const struct suite_test suite_tests[] = {
    {"image", test_image},       {"environment", test_environment},
    {"confined", test_confined}, {"progress", test_progress},
    {"texts", test_texts},       {"long-lines", test_long_lines},
    {"refused", test_refused},   {"group", test_group},
    {"deadline", test_deadline}, {"deaf", test_deaf},
    {"cancel", test_cancel},     {"freed", test_freed},
    {"flood", test_flood},       {"sigchld", test_sigchld},
    {"faults", test_faults},     {"lws", test_lws},
    {"orphan", test_orphan},     {NULL, NULL},
};

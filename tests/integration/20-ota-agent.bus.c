/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * examples/ota-agent against tests/lib/fake-iotd, which asks it to install one image: what is in
 * the two directories then, which of them runs, and what it says after its restart.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/proc.h"
#include "tests/lib/suite.h"

struct stage {
    struct proc *iotd, *agent;
    int input; /* of the fake iotd */
};

/* A command of the shell in the directory of the test. */
static void shell(const char *command)
{
    CHECK_INT(system(command), 0);
}

static void start_iotd(struct stage *s, const char *image, const char *version)
{
    char *path = fixture_build_path("tests/lib/fake-iotd");
    const char *argv[] = {path, "0", "install", image, version, NULL};

    s->iotd = proc_start_with_stdin(argv, &s->input);
    free(proc_wait_line(s->iotd, PROC_STDOUT, "ready"));
    free(path);
}

static void start_agent(struct stage *s, const char *check)
{
    char *path = fixture_build_path("examples/ota-agent");
    const char *argv[] = {path, "slots", NULL, NULL, NULL};

    if (check) {
        argv[1] = "--check";
        argv[2] = check;
        argv[3] = "slots";
    }
    s->agent = proc_start(argv);
    free(path);
}

static void expect_iotd(struct stage *s, const char *line)
{
    free(proc_wait_line(s->iotd, PROC_STDOUT, line));
}

static void expect_agent(struct stage *s, const char *line)
{
    free(proc_wait_line(s->agent, PROC_STDOUT, line));
}

static void stage_end(struct stage *s)
{
    s->agent = proc_kill(s->agent);
    CHECK_INT(write(s->input, "q", 1), 1);
    CHECK_INT(proc_wait(s->iotd), 0);
    s->iotd = proc_stop(s->iotd);
    shell("rm -rf slots image image.*");
}

/* A device that came with version 0 in slot a. */
static void prepare(void)
{
    CHECK_INT(chdir(getenv("IOTD_TEST_DIR")), 0);
    shell("rm -rf slots && mkdir -p slots/a image/bin && echo old >slots/a/greeting");
    shell("echo new >image/greeting");
    shell("printf '#!/bin/sh\\ngrep -q new greeting\\n' >image/bin/check");
    shell("printf '#!/bin/sh\\nexit 3\\n' >image/bin/bad && chmod +x image/bin/*");
    shell("tar -cf image.tar -C image . && tar -czf image.tar.gz -C image .");
}

static void test_archive(const char *image)
{
    struct stage s;

    prepare();
    start_iotd(&s, image, "2.0");
    start_agent(&s, "bin/check");
    expect_agent(&s, "ota-agent: version 0 runs from a");
    expect_iotd(&s, "registered 0");
    expect_iotd(&s, "Finish 0");
    expect_agent(&s, "ota-agent: version 2.0 is installed in b");
    expect_agent(&s, "ota-agent: version 2.0 runs from b");
    expect_iotd(&s, "registered 2.0");
    expect_agent(&s, "ota-agent: version 2.0 is confirmed");
    shell("grep -q new slots/current/greeting && grep -q old slots/a/greeting");
    shell("test \"$(readlink slots/current)\" = b && test ! -e slots/trial");
    stage_end(&s);
}

static void test_tar(void)
{
    test_archive("image.tar");
}

static void test_gzip(void)
{
    test_archive("image.tar.gz");
}

static void test_plain(void)
{
    struct stage s;

    prepare();
    shell("head -c 3000000 /dev/urandom >image.bin && mkdir slots/b && echo rest >slots/b/rest");
    start_iotd(&s, "image.bin", "2.0");
    start_agent(&s, NULL);
    expect_iotd(&s, "registered 2.0");
    expect_agent(&s, "ota-agent: version 2.0 is confirmed");
    shell("cmp image.bin slots/current/image && test ! -e slots/b/rest");
    stage_end(&s);
}

/* Half of an archive: what runs is not touched. */
static void test_broken(void)
{
    struct stage s;

    prepare();
    shell("head -c 100000 /dev/urandom >image/noise && tar -czf image.tar.gz -C image .");
    shell("head -c 50000 image.tar.gz >image.cut");
    start_iotd(&s, "image.cut", "2.0");
    start_agent(&s, NULL);
    expect_iotd(&s, "Finish 503");
    shell("grep -q old slots/current/greeting && test \"$(readlink slots/current)\" = a");
    shell("test ! -e slots/trial");
    stage_end(&s);
}

static void test_check_fails(void)
{
    struct stage s;

    prepare();
    start_iotd(&s, "image.tar", "2.0");
    start_agent(&s, "bin/bad");
    expect_iotd(&s, "Finish 0");
    expect_agent(&s, "ota-agent: back to version 0: its check failed");
    expect_iotd(&s, "registered 0");
    shell("grep -q old slots/current/greeting && test ! -e slots/trial");
    stage_end(&s);
}

/* It was started with the new version, and died before it had reached iotd. */
static void test_dies_on_trial(void)
{
    struct stage s;

    prepare();
    shell("mkdir slots/b && echo 2.0 >slots/b/version && ln -s b slots/current");
    shell("echo 'b 1' >slots/trial");
    start_iotd(&s, "image.none", "0"); /* there is nothing to install */
    start_agent(&s, NULL);
    expect_agent(&s, "ota-agent: back to version 0: it was started before and did not confirm");
    expect_iotd(&s, "registered 0");
    shell("grep -q old slots/current/greeting");
    stage_end(&s);
}

/* The power went before the link was switched. */
static void test_not_switched(void)
{
    struct stage s;

    prepare();
    shell("ln -s a slots/current && echo 'b 0' >slots/trial");
    start_iotd(&s, "image.none", "0");
    start_agent(&s, NULL);
    expect_agent(&s, "ota-agent: version 0 runs from a");
    expect_iotd(&s, "registered 0");
    shell("test ! -e slots/trial");
    stage_end(&s);
}

const char *const suite_name = "ota-agent";
const struct suite_test suite_tests[] = {
    {"tar", test_tar},
    {"gzip", test_gzip},
    {"plain", test_plain},
    {"broken", test_broken},
    {"check_fails", test_check_fails},
    {"dies_on_trial", test_dies_on_trial},
    {"not_switched", test_not_switched},
    {NULL, NULL},
};

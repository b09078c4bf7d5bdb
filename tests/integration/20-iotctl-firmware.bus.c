/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iotctl firmware against tests/lib/fake-iotd: what it prints and its exit status; an order of
 * version 2.0 waits for a yes, and goes through its states as they are read.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "tests/lib/proc.h"
#include "tests/lib/suite.h"

#define MAX_ARGS 16

struct result {
    int status;
    char *out;
    char *err;
};

static void result_done(struct result *r)
{
    free(r->out);
    free(r->err);
}

struct fake_program {
    struct proc *proc;
    int input;
};

static struct fake_program fake_start(void)
{
    char *path = fixture_build_path("tests/lib/fake-iotd");
    const char *argv[] = {path, "0", "firmware", NULL};
    struct fake_program f;

    f.proc = proc_start_with_stdin(argv, &f.input);
    free(proc_wait_line(f.proc, PROC_STDOUT, "ready"));
    free(path);
    return f;
}

static void fake_stop(struct fake_program *f)
{
    CHECK_INT(write(f->input, "q", 1), 1);
    CHECK_INT(proc_wait(f->proc), 0);
    f->proc = proc_stop(f->proc);
}

/* The arguments are texts, ended by NULL. */
static struct proc *start(const char *first, va_list ap)
{
    char *path = fixture_build_path("iotctl");
    const char *argv[MAX_ARGS] = {path};
    struct proc *p;
    size_t n = 1;

    for (const char *arg = first; arg && n + 1 < MAX_ARGS; arg = va_arg(ap, const char *))
        argv[n++] = arg;
    p = proc_start(argv);
    free(path);
    return p;
}

static struct result finish(struct proc *p)
{
    struct result r;

    r.status = proc_wait(p);
    r.out = proc_output(p, PROC_STDOUT);
    r.err = proc_output(p, PROC_STDERR);
    (void) proc_kill(p);
    return r;
}

static struct result iotctl(const char *first, ...) __attribute__((sentinel));
static struct result iotctl(const char *first, ...)
{
    struct proc *p;
    va_list ap;

    va_start(ap, first);
    p = start(first, ap);
    va_end(ap);
    return finish(p);
}

static void check_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        suite_fail(__FILE__, __LINE__, "\"%s\" is not in \"%s\"", part, text);
}

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);

    if (!json)
        suite_fail(__FILE__, __LINE__, "not JSON: %s: %s", error.text, text);
    return json;
}

static void test_usage(void)
{
    static const char *const cases[][5] = {
        {"firmware"},
        {"firmware", "bogus"},
        {"firmware", "status", "more"},
        {"firmware", "confirm", "not a version"},
        {"firmware", "confirm", "1", "2"},
        {"firmware", "postpone"},
        {"firmware", "postpone", "59"},
        {"firmware", "postpone", "604801"},
        {"firmware", "install", "file"},
        {"firmware", "install", "file", "../1"},
        {"firmware", "status", "--no-wait"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *const *c = cases[i];
        CLEANUP(result_done) struct result r = iotctl(c[0], c[1], c[2], c[3], c[4], NULL);

        CHECK_INT(r.status, 64);
        CHECK_STR(r.out, "");
    }
}

static void test_status(void)
{
    struct fake_program f = fake_start();
    CLEANUP(result_done) struct result text = iotctl("firmware", "status", NULL);
    CLEANUP(result_done) struct result json = iotctl("firmware", "status", "--json", NULL);
    CLEANUP(result_done) struct result offer = iotctl("firmware", "offer", NULL);
    json_t *object = parse(json.out);

    CHECK_INT(text.status, 0);
    check_has(text.out, "firmware  1.0\nupdate    2.0, offered, 2.0 MiB\n"
                        "custom    {\"color\":\"red\"}\nextra     {\"fw_type\":\"mcu\"}\n"
                        "installer program\n"
                        "waits for a yes: iotctl firmware confirm 2.0\n");
    CHECK_INT(json.status, 0);
    CHECK_STR(json_string_value(json_object_get(object, "TargetVersion")), "2.0");
    CHECK(json_is_true(json_object_get(object, "NeedsConfirmation")));
    CHECK_INT(json_integer_value(json_object_get(object, "Size")), 2048 * 1024);
    json_decref(object);
    CHECK_INT(offer.status, 0);
    CHECK_STR(offer.out, text.out);
    fake_stop(&f);
}

static void test_confirm(void)
{
    struct fake_program f = fake_start();
    CLEANUP(result_done) struct result r = iotctl("firmware", "confirm", NULL);
    CLEANUP(result_done) struct result none = iotctl("firmware", "offer", NULL);
    CLEANUP(result_done) struct result bad = iotctl("firmware", "confirm", "6.6.6", NULL);

    CHECK_INT(r.status, 0);
    CHECK_STR(r.out, "downloading 2.0\ninstalling 2.0\ninstalled 2.0\n");
    CHECK_STR(r.err, "");
    CHECK_INT(none.status, 1);
    check_has(none.err, "no update waits for a yes");
    CHECK_INT(bad.status, 1);
    check_has(bad.out, "failed 2.0: the hash is wrong\n");
    check_has(bad.err, "the update failed (-4): the hash is wrong");
    fake_stop(&f);
}

static void test_confirm_json(void)
{
    struct fake_program f = fake_start();
    CLEANUP(result_done) struct result r = iotctl("--json", "firmware", "confirm", "2.0", NULL);
    char *line = r.out, *end;
    const char *state = "";
    unsigned n = 0;

    CHECK_INT(r.status, 0);
    for (; (end = strchr(line, '\n')); line = end + 1, n++) {
        json_t *object;

        *end = '\0';
        object = parse(line);
        state = json_string_value(json_object_get(object, "State"));
        CHECK(state && (n < 3) == (strcmp(state, "installed") != 0));
        json_decref(object);
    }
    CHECK_INT(n, 4);
    fake_stop(&f);
}

static void test_no_wait(void)
{
    struct fake_program f = fake_start();
    CLEANUP(result_done) struct result r = iotctl("firmware", "confirm", "--no-wait", NULL);

    CHECK_INT(r.status, 0);
    CHECK_STR(r.out, "goes on with 2.0\n");
    fake_stop(&f);
}

static void test_later_and_no(void)
{
    struct fake_program f = fake_start();
    CLEANUP(result_done) struct result later = iotctl("firmware", "postpone", "3600", NULL);
    CLEANUP(result_done) struct result told = iotctl("firmware", "status", NULL);
    CLEANUP(result_done) struct result no = iotctl("firmware", "refuse", "not today", "2.0", NULL);
    CLEANUP(result_done) struct result told_no = iotctl("firmware", "status", NULL);
    CLEANUP(result_done) struct result plain = iotctl("firmware", "refuse", NULL);
    CLEANUP(result_done) struct result told_plain = iotctl("firmware", "status", NULL);

    CHECK_INT(later.status, 0);
    CHECK_STR(later.out, "asks again later about 2.0\n");
    check_has(told.out, "\nreason    Postpone 2.0 3600\n");
    CHECK_INT(no.status, 0);
    CHECK_STR(no.out, "refused 2.0\n");
    check_has(told_no.out, "\nreason    Refuse 2.0 not today\n");
    CHECK_INT(plain.status, 0);
    check_has(told_plain.out, "\nreason    Refuse 2.0 refused by the user\n");
    fake_stop(&f);
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");

    CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void test_install(void)
{
    struct fake_program f = fake_start();

    CHECK_INT(chdir(getenv("IOTD_TEST_DIR")), 0);
    write_file("image.bin", "the image");
    write_file("image.sig", "sig!");
    CLEANUP(result_done)
    struct result r = iotctl("firmware", "install", "image.bin", "3.0", "image.sig", NULL);
    CLEANUP(result_done) struct result none = iotctl("firmware", "install", "no.bin", "3.0", NULL);
    CLEANUP(result_done)
    struct result bad = iotctl("firmware", "install", "image.bin", "6.6.6", NULL);

    CHECK_INT(r.status, 0);
    check_has(r.out, "installed 2.0\n");
    CHECK_INT(none.status, 1);
    check_has(none.err, "no.bin: No such file");
    CHECK_INT(bad.status, 1);
    check_has(bad.err, "the hash is wrong");
    fake_stop(&f);
}

/* script(1) gives it a terminal. */
static void test_bar(void)
{
    struct fake_program f = fake_start();
    char *path = fixture_build_path("iotctl");
    char command[1024];
    const char *argv[] = {"script", "-qec", command, "/dev/null", NULL};

    (void) snprintf(command, sizeof(command), "stty cols 100; exec '%s' firmware confirm", path);
    CLEANUP(result_done) struct result r = finish(proc_start(argv));

    CHECK_INT(r.status, 0);
    check_has(r.out,
              "downloading [####################....................]  50 %  1.0 MiB of 2.0");
    check_has(r.out, "installing [##############################..........]  75 %");
    check_has(r.out, "installed 2.0");
    free(path);
    fake_stop(&f);
}

const char *const suite_name = "iotctl-firmware";
const struct suite_test suite_tests[] = {
    {"usage", test_usage},
    {"status", test_status},
    {"confirm", test_confirm},
    {"confirm_json", test_confirm_json},
    {"no_wait", test_no_wait},
    {"later_and_no", test_later_and_no},
    {"install", test_install},
    {"bar", test_bar},
    {NULL, NULL},
};

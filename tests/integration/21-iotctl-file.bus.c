/* SPDX-License-Identifier: GPL-2.0-or-later */
/* iotctl file and iotctl resource against iotd and a cloud: what it prints, its exit status. */

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/file-scene.h"

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

static struct result finish(struct proc *p)
{
    struct result r;

    r.status = proc_wait(p);
    r.out = proc_output(p, PROC_STDOUT);
    r.err = proc_output(p, PROC_STDERR);
    (void) proc_kill(p);
    return r;
}

/* The arguments are texts, ended by NULL. */
static struct result iotctl(const char *first, ...) __attribute__((sentinel));
static struct result iotctl(const char *first, ...)
{
    CLEANUP(freep) char *path = fixture_build_path("iotctl");
    const char *argv[MAX_ARGS] = {path};
    size_t n = 1;
    va_list ap;

    va_start(ap, first);
    for (const char *arg = first; arg && n + 1 < MAX_ARGS; arg = va_arg(ap, const char *))
        argv[n++] = arg;
    va_end(ap);
    return finish(proc_start(argv));
}

static void check_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        suite_fail(__FILE__, __LINE__, "\"%s\" is not in \"%s\"", part, text);
}

static void check_run(int line, struct result r, int status, const char *out, const char *err)
{
    if (r.status != status || !strstr(r.out, out) || !strstr(r.err, err))
        suite_fail(__FILE__, line, "exit %d, \"%s\", \"%s\"", r.status, r.out, r.err);
    result_done(&r);
}
/* Exit status, and parts of the output and of what is said about failures. */
#define RUN(status, out, err, ...) check_run(__LINE__, iotctl(__VA_ARGS__, NULL), status, out, err)

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
    static const char *const cases[][7] = {
        {"file"},
        {"resource"},
        {"file", "bogus"},
        {"file", "check"},
        {"file", "list", "more"},
        {"file", "get"},
        {"file", "get", "a/b"},
        {"file", "get", ".a"},
        {"file", "put"},
        {"file", "put", "a", ".a"},
        {"file", "put", "dir/"},
        {"file", "put", "a", "a", "1", "NO TYPE"},
        {"file", "put", "a", "a", "1", "FILE", "more"},
        {"file", "delete"},
        {"file", "delete", "a", "b"},
        {"file", "list", "--no-wait"},
        {"resource", "put", "a", "a", "1"},
        {"resource", "check", "a"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *const *c = cases[i];
        CLEANUP(result_done)
        struct result r = iotctl(c[0], c[1], c[2], c[3], c[4], c[5], c[6], NULL);

        CHECK_INT(r.status, 64);
        CHECK_STR(r.out, "");
    }
}

static void check_same(const char *path, const char *other)
{
    const char *argv[] = {"cmp", path, other, NULL};

    CHECK_INT(proc_run(argv, NULL), 0);
}

static void test_down(void)
{
    char target[32];
    const char *source = file_scene_file("source", 300000);
    CLEANUP(freep) char *wav = fixture_test_path("hello.wav");
    CLEANUP(result_done) struct result pipe = {.status = -1};
    struct scene s;
    struct stat st;
    json_t *json;

    CHECK_INT(chdir(getenv("IOTD_TEST_DIR")), 0);
    (void) umask(027);
    scene_start(&s, NULL);
    RUN(0, "nothing\n", "", "file", "list");
    RUN(0, "[]\n", "", "file", "list", "--json");
    CHECK_LOCALCLOUD(&s, 0, "file", "send", DEVICE_ID, source, "hello.wav", "AUDIO", "2.1");
    CHECK_MSG(bus_client_wait_signal(s.bus, "Received"), "\"hello.wav\" {*");
    RUN(0, "hello.wav  AUDIO 2.1  293.0 KiB  ", "", "file", "list");
    RUN(0, "  here\n", "", "file", "list");
    RUN(0, "nothing\n", "", "resource", "list");
    {
        CLEANUP(result_done) struct result r = iotctl("--json", "file", "list", NULL);

        json = parse(r.out);
        CHECK_INT(json_array_size(json), 1);
        CHECK_STR(scene_text(json_array_get(json, 0), "name"), "hello.wav");
        CHECK_INT(scene_int(json_array_get(json, 0), "size"), 300000);
        CHECK_INT(scene_int(json_array_get(json, 0), "state"), 0);
        json_decref(json);
    }
    RUN(0, "hello.wav is in hello.wav\n", "", "file", "get", "hello.wav");
    check_same(wav, source);
    CHECK(stat(wav, &st) == 0 && (st.st_mode & 0777) == 0640);
    RUN(0, "\"type\":\"AUDIO\"", "", "file", "get", "hello.wav", "./again", "--json");
    check_same("again", source);
    pipe = iotctl("file", "get", "hello.wav", "-", NULL);
    CHECK_INT(pipe.status, 0);
    CHECK_STR(pipe.err, "");
    RUN(1, "", "no such dir/x: No such file", "file", "get", "hello.wav", "no such dir/x");
    CHECK_INT(symlink("/dev/full", "full"), 0); /* written to, not replaced */
    RUN(1, "", "full: No space left", "file", "get", "hello.wav", "full");
    CHECK(readlink("full", target, sizeof(target)) == (ssize_t) strlen("/dev/full"));
    RUN(0, "deleted hello.wav\n", "", "file", "delete", "hello.wav");
    RUN(1, "", "there is no file of that name here", "file", "delete", "hello.wav");
    RUN(1, "\"error\":\"org.iotd1.Error.UnknownId\"", "", "--json", "file", "get", "hello.wav");
    scene_stop(&s);
}

static void test_up(void)
{
    const char *source = file_scene_file("word.wav", 500000);
    struct scene s;
    json_t *json;

    scene_start(&s, NULL);
    RUN(0, "word.wav is in the cloud, 488.3 KiB\ntoken  ", "", "file", "put", source);
    file_scene_wait_status(&s, "file", "word.wav", "done");
    {
        CLEANUP(result_done)
        struct result r = iotctl("file", "put", source, "other", "7", "AUDIO", "--json", NULL);

        json = parse(r.out);
        CHECK_INT(r.status, 0);
        CHECK_STR(scene_text(json, "Kind"), "file-upload");
        CHECK_STR(scene_text(json, "Name"), "other");
        CHECK_STR(scene_text(json, "State"), "done");
        CHECK_INT(scene_int(json, "Done"), 500000);
        json_decref(json);
    }
    RUN(0, "the transfer is /org/iotd1/transfer/", "", "file", "put", source, "--no-wait");
    cloud_fault(s.cloud, "{\"fault\":\"file\",\"kind\":\"expired\",\"direction\":\"up\"}");
    RUN(1, "", "the transfer failed (-3): ", "file", "put", source, "late");
    RUN(1, "", "no such file: No such file", "file", "put", "no such file");
    RUN(1, "", "InvalidArgs", "file", "put", "/tmp", "directory");
    scene_stop(&s);
}

static void test_resource(void)
{
    const char *source = file_scene_file("log", 1500);
    struct scene s;

    scene_start(&s, NULL);
    RUN(0, "log is in the cloud, 1.5 KiB\n", "", "resource", "put", source);
    file_scene_wait_status(&s, "resource", "log", "done");
    CHECK_LOCALCLOUD(&s, 0, "resource", "send", DEVICE_ID, file_scene_file("faces", 2000));
    CHECK_MSG(bus_client_wait_signal(s.bus, "Received"), "\"faces\" {*");
    RUN(0, "faces  2.0 KiB  ", "", "resource", "list");
    RUN(0, "asked the cloud for what waits\n", "", "resource", "check");
    RUN(0, "{}\n", "", "--json", "resource", "check");
    RUN(0, "deleted faces\n", "", "resource", "delete", "faces");
    RUN(0, "nothing\n", "", "resource", "list");
    cloud_kill(s.cloud);
    (void) daemon_wait_link(s.iotd, "waiting");
    RUN(1, "", "LinkDown", "resource", "check");
    scene_stop(&s);
}

/* script(1) gives it a terminal. */
static void test_bar(void)
{
    const char *source = file_scene_file("bar", 500000);
    CLEANUP(freep) char *path = fixture_build_path("iotctl");
    CLEANUP(freep)
    char *command = scene_printf("stty cols 100; exec '%s' file put '%s'", path, source);
    const char *argv[] = {"script", "-qec", command, "/dev/null", NULL};
    struct scene s;

    scene_start(&s, NULL);
    {
        CLEANUP(result_done) struct result r = finish(proc_start(argv));

        CHECK_INT(r.status, 0);
        check_has(r.out, "sending [");
        check_has(r.out, "488.3 KiB");
        check_has(r.out, "bar is in the cloud");
    }
    scene_stop(&s);
}

const char *const suite_name = "21-iotctl-file";
const struct suite_test suite_tests[] = {
    {"usage", test_usage},       {"down", test_down}, {"up", test_up},
    {"resource", test_resource}, {"bar", test_bar},   {NULL, NULL},
};

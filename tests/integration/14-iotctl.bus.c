/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iotctl as people and scripts meet it: what it prints, as text and as JSON, and its exit status
 * (0 done, 1 refused, 64 usage, 69 iotd is not reached), against tests/lib/fake-iotd.
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

static struct fake_program fake_start(const char *code)
{
    char *path = fixture_build_path("tests/lib/fake-iotd");
    const char *argv[] = {path, code, NULL};
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

static struct proc *iotctl_start(const char *first, ...) __attribute__((sentinel));
static struct proc *iotctl_start(const char *first, ...)
{
    struct proc *p;
    va_list ap;

    va_start(ap, first);
    p = start(first, ap);
    va_end(ap);
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
    static const char *const cases[][4] = {
        {NULL},
        {"bogus"},
        {"--bogus"},
        {"--timeout"},
        {"--timeout", "0", "status"},
        {"--count", "x", "watch"},
        {"get", "--count", "1"},
        {"watch", "--no-wait"},
        {"status", "more"},
        {"report"},
        {"event"},
        {"provision"},
        {"provision", "--file=f", "--csv=f"},
        {"provision", "--file=f", "--device=d"},
        {"provision", "--product-secret-file=f", "--product=p"},
        {"provision", "--file=f", "--line=1"},
        {"provision", "--csv=f", "--line=0"},
        {"status", "--csv=f"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(result_done)
        struct result r = iotctl(cases[i][0], cases[i][1], cases[i][2], cases[i][3], NULL);

        CHECK_INT(r.status, 64);
        CHECK_STR(r.out, "");
        check_has(r.err, "see iotctl --help");
    }
}

static void test_help_and_version(void)
{
    CLEANUP(result_done) struct result help = iotctl("--help", NULL);
    CLEANUP(result_done) struct result version = iotctl("--version", NULL);

    CHECK_INT(help.status, 0);
    check_has(help.out, "Exit status: 0 done, 1 refused or failed, 64 usage, 69");
    CHECK_INT(version.status, 0);
    CHECK_STR(version.out, "iotctl " PACKAGE_VERSION "\n");
}

static void test_no_iotd(void)
{
    CLEANUP(result_done) struct result plain = iotctl("status", NULL);
    CLEANUP(result_done)
    struct result no_bus = iotctl("--bus", "unix:path=/nonexistent", "status", NULL);
    CLEANUP(result_done) struct result as_json = iotctl("--json", "get", NULL);
    json_t *json;

    CHECK_INT(plain.status, 69);
    CHECK_STR(plain.out, "");
    check_has(plain.err, "iotd is not running on the system bus: start it with "
                         "\"systemctl start iotd\" or give --bus");
    CHECK_INT(no_bus.status, 69);
    check_has(no_bus.err, "cannot reach the bus \"unix:path=/nonexistent\"");
    CHECK_INT(as_json.status, 69);
    json = parse(as_json.out);
    CHECK(json_is_string(json_object_get(json, "error")));
    json_decref(json);
}

static void test_report_and_get(void)
{
    struct fake_program f = fake_start(NULL);
    CLEANUP(result_done)
    struct result report = iotctl("report", "brightness=32", "name=a \xe7\x81\xaf", NULL);
    CLEANUP(result_done) struct result all = iotctl("get", NULL);
    CLEANUP(result_done) struct result one = iotctl("get", "brightness", NULL);
    CLEANUP(result_done) struct result unknown = iotctl("get", "brightness", "nothing", NULL);

    CHECK_INT(report.status, 0);
    CHECK_STR(report.out, "the cloud took it\n");
    CHECK_INT(all.status, 0);
    check_has(all.out, "brightness   = 32  (");
    check_has(all.out, "name         = a \xe7\x81\xaf  (");
    check_has(all.out, "power_switch = -  (no value yet)");
    CHECK_INT(one.status, 0);
    CHECK_INT(strncmp(one.out, "brightness = 32  (", 18), 0);
    CHECK_INT(unknown.status, 1);
    CHECK_STR(unknown.out, "");
    check_has(unknown.err, "org.iotd1.Error.UnknownId");
    fake_stop(&f);
}

static void test_get_json(void)
{
    struct fake_program f = fake_start(NULL);
    CLEANUP(result_done)
    struct result report = iotctl("report", "power_switch=1", "cpu_load=0.1", "name=\"\x01", NULL);
    CLEANUP(result_done) struct result r = iotctl("--json", "get", NULL);
    json_t *json = parse(r.out);
    json_t *load = json_object_get(json, "cpu_load");

    CHECK_INT(report.status, 0);
    CHECK_INT(r.status, 0);
    CHECK_INT(json_object_size(json), 6);
    CHECK(json_is_true(json_object_get(json_object_get(json, "power_switch"), "value")));
    CHECK(json_is_null(json_object_get(json_object_get(json, "color"), "value")));
    CHECK_STR(json_string_value(json_object_get(json_object_get(json, "name"), "value")), "\"\x01");
    CHECK_STR(json_string_value(json_object_get(load, "type")), "float");
    CHECK_STR(json_string_value(json_object_get(load, "mode")), "r");
    CHECK(json_integer_value(json_object_get(load, "stamp_us")) > 0);
    check_has(r.out, "\"value\":0.1,");
    json_decref(json);
    fake_stop(&f);
}

static void test_report_refused(void)
{
    static const struct {
        const char *arg;
        int status;
        const char *err;
    } cases[] = {
        {"brightness=101", 1, "org.iotd1.Error.OutOfRange: "},
        {"brightness=much", 1, "org.iotd1.Error.WrongType: "},
        {"brightness:=\"32\"", 1, "org.iotd1.Error.WrongType: "},
        {"brightness:={", 1, "org.iotd1.Error.Protocol: "},
        {"nothing=1", 1, "org.iotd1.Error.UnknownId: "},
        {"brightness", 64, "\"brightness\" is neither ID=VALUE nor ID:=JSON"},
        {"=1", 64, "is neither"},
        {"1bad=1", 64, "is neither"},
    };
    struct fake_program f = fake_start(NULL);

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(result_done) struct result r = iotctl("report", cases[i].arg, NULL);

        CHECK_INT(r.status, cases[i].status);
        CHECK_STR(r.out, "");
        check_has(r.err, cases[i].err);
    }
    fake_stop(&f);
}

static void test_report_forms(void)
{
    struct fake_program f = fake_start(NULL);
    CLEANUP(result_done) struct result mixed = iotctl("report", "color=1", "brightness:=1", NULL);
    CLEANUP(result_done)
    struct result raw = iotctl("--json", "report", "color:=1", "name:=\"x=y\"", NULL);
    CLEANUP(result_done) struct result token = iotctl("report", "color=1", "--no-wait", NULL);
    CLEANUP(result_done)
    struct result json_token = iotctl("report", "--json", "--no-wait", "color=1", NULL);
    json_t *json = parse(raw.out), *second = parse(json_token.out);

    CHECK_INT(mixed.status, 64);
    check_has(mixed.err, "use either = or := for all of them");
    CHECK_INT(raw.status, 0);
    CHECK_INT(json_integer_value(json_object_get(json, "code")), 0);
    CHECK(json_is_integer(json_object_get(json, "token")));
    CHECK_INT(token.status, 0);
    check_has(token.out, "iotd took it (token ");
    CHECK_INT(json_token.status, 0);
    CHECK_INT(json_object_size(second), 1);
    json_decref(json);
    json_decref(second);
    fake_stop(&f);
}

static void test_cloud_refuses(void)
{
    struct fake_program f = fake_start("406");
    CLEANUP(result_done) struct result r = iotctl("report", "color=1", NULL);
    CLEANUP(result_done) struct result as_json = iotctl("--json", "report", "color=1", NULL);
    json_t *json = parse(as_json.out);

    CHECK_INT(r.status, 1);
    CHECK_STR(r.out, "the cloud answered 406: the cloud says no\n");
    CHECK_INT(as_json.status, 1);
    CHECK_INT(json_integer_value(json_object_get(json, "code")), 406);
    json_decref(json);
    fake_stop(&f);
}

static void test_event(void)
{
    struct fake_program f = fake_start(NULL);
    CLEANUP(result_done) struct result ok = iotctl("event", "low_voltage", "voltage=2.5", NULL);
    CLEANUP(result_done)
    struct result raw = iotctl("event", "low_voltage", "voltage:=2.5", NULL);
    CLEANUP(result_done) struct result empty = iotctl("event", "status_report", NULL);
    CLEANUP(result_done) struct result unknown = iotctl("event", "nothing", NULL);
    CLEANUP(result_done) struct result bad = iotctl("event", "no-id", NULL);

    CHECK_INT(ok.status, 0);
    CHECK_STR(ok.out, "the cloud took it\n");
    CHECK_INT(raw.status, 0);
    CHECK_INT(empty.status, 0);
    CHECK_INT(unknown.status, 1);
    check_has(unknown.err, "org.iotd1.Error.UnknownId");
    CHECK_INT(bad.status, 64);
    fake_stop(&f);
}

static void test_watch(void)
{
    struct fake_program f = fake_start(NULL);
    struct proc *text = iotctl_start("watch", "--count", "1", "brightness", NULL);
    struct proc *json = iotctl_start("--json", "watch", "--count", "2", NULL);
    struct proc *unknown = iotctl_start("watch", "nothing", NULL);
    json_t *first;
    char *line;

    free(proc_wait_line(text, PROC_STDERR, "watching"));
    free(proc_wait_line(json, PROC_STDERR, "watching"));
    {
        CLEANUP(result_done) struct result r = iotctl("report", "color=2", NULL);
        CLEANUP(result_done) struct result s = iotctl("report", "brightness=7", NULL);

        CHECK_INT(r.status, 0);
        CHECK_INT(s.status, 0);
    }
    line = proc_wait_line(json, PROC_STDOUT, NULL);
    first = parse(line ? line : "");
    CHECK_STR(json_string_value(json_object_get(first, "id")), "color");
    CHECK_INT(json_integer_value(json_object_get(first, "value")), 2);
    json_decref(first);
    free(line);
    {
        CLEANUP(result_done) struct result r = finish(text);
        CLEANUP(result_done) struct result s = finish(json);
        CLEANUP(result_done) struct result t = finish(unknown);

        CHECK_INT(r.status, 0);
        check_has(r.out, " brightness = 7\n");
        CHECK(!strstr(r.out, "color"));
        CHECK_INT(s.status, 0);
        CHECK_INT(t.status, 1);
    }
    fake_stop(&f);
}

static void test_iotd_goes(void)
{
    struct fake_program f = fake_start(NULL);
    struct proc *watch = iotctl_start("watch", NULL);
    struct proc *monitor = iotctl_start("monitor", NULL);

    free(proc_wait_line(watch, PROC_STDERR, "watching"));
    free(proc_wait_line(monitor, PROC_STDERR, "monitoring"));
    fake_stop(&f);
    {
        CLEANUP(result_done) struct result r = finish(watch);
        CLEANUP(result_done) struct result s = finish(monitor);

        CHECK_INT(r.status, 69);
        check_has(r.err, "iotd went away");
        CHECK_INT(s.status, 69);
    }
}

static void test_monitor(void)
{
    struct fake_program f = fake_start(NULL);
    CLEANUP(result_done) struct result r = iotctl("monitor", "--count", "3", NULL);
    CLEANUP(result_done) struct result as_json = iotctl("--json", "monitor", "--count", "3", NULL);
    char *save = NULL, *line;
    json_t *json[3];

    CHECK_INT(r.status, 0);
    check_has(r.out, " \xe2\x86\x91 $thing/up/property/P/D "
                     "{\"method\":\"report\",\"params\":{\"brightness\":1}}\n");
    /* What would clear the terminal is shown. */
    check_has(r.out, " \xe2\x86\x93 $thing/down/property/P/D "
                     "{\"method\":\"control\",\"text\":\"\\x1b[2J\"}\n");
    check_has(r.out, " \xe2\x86\x93 raw (2 bytes that are no text)\n");

    CHECK_INT(as_json.status, 0);
    line = strtok_r(as_json.out, "\n", &save);
    for (int i = 0; i < 3; i++, line = strtok_r(NULL, "\n", &save))
        json[i] = parse(line ? line : "");
    CHECK(line == NULL);
    CHECK_STR(json_string_value(json_object_get(json[0], "direction")), "up");
    CHECK_INT(json_integer_value(json_object_get(json[0], "qos")), 1);
    CHECK(json_is_false(json_object_get(json[0], "dup")));
    CHECK_STR(json_string_value(json_object_get(json[1], "payload")),
              "{\"method\":\"control\",\"text\":\"\x1b[2J\"}");
    CHECK_STR(json_string_value(json_object_get(json[2], "payload_hex")), "00ff");
    for (int i = 0; i < 3; i++)
        json_decref(json[i]);
    fake_stop(&f);
}

static void test_link(void)
{
    struct fake_program f = fake_start(NULL);
    CLEANUP(result_done) struct result off = iotctl("disconnect", NULL);
    CLEANUP(result_done) struct result down = iotctl("status", NULL);
    CLEANUP(result_done) struct result on = iotctl("--json", "connect", NULL);
    CLEANUP(result_done) struct result up = iotctl("status", NULL);
    CLEANUP(result_done) struct result reload = iotctl("reload", NULL);
    CLEANUP(result_done) struct result as_json = iotctl("--json", "reload", NULL);

    CHECK_INT(off.status, 0);
    CHECK_STR(off.out, "the link is switched off\n");
    check_has(down.out, "link      off for ");
    check_has(down.out, " s: for a test\n");
    CHECK_STR(on.out, "{}\n");
    check_has(up.out, "link      up for ");
    CHECK_INT(reload.status, 0);
    CHECK_STR(reload.out,
              "the settings were read; only a restart of iotd changes: link.endpoint\n");
    CHECK_STR(as_json.out, "{\"ignored\":[\"link.endpoint\"]}\n");
    fake_stop(&f);
}

static void test_access(void)
{
    struct fake_program f = fake_start(NULL);
    CLEANUP(result_done) struct result yes = iotctl("access", "test", "root", "manage", NULL);
    CLEANUP(result_done)
    struct result no = iotctl("access", "test", "1234", "report", "color", "--exe", "/a b", NULL);
    CLEANUP(result_done)
    struct result as_json = iotctl("--json", "access", "test", "7", "read", "x", NULL);
    CLEANUP(result_done)
    struct result nobody = iotctl("access", "test", "no_such_user", "read", "x", NULL);
    CLEANUP(result_done) struct result other = iotctl("access", "list", "root", "read", NULL);
    CLEANUP(result_done) struct result missing = iotctl("access", "test", "root", NULL);

    CHECK_INT(yes.status, 0);
    CHECK_STR(yes.out, "allowed by 0 manage  -\n");
    CHECK_INT(no.status, 1);
    CHECK_STR(no.out, "denied by 1234 report color /a b\n");
    CHECK_INT(as_json.status, 1);
    CHECK_STR(as_json.out, "{\"allowed\":false,\"rule\":\"7 read x -\"}\n");
    CHECK_INT(nobody.status, 1);
    check_has(nobody.err, "there is no user \"no_such_user\"");
    CHECK_INT(other.status, 64);
    CHECK_INT(missing.status, 64);
    fake_stop(&f);
}

static void test_status(void)
{
    struct fake_program f = fake_start(NULL);
    CLEANUP(result_done) struct result alone = iotctl("status", NULL);
    char *path = fixture_build_path("examples/lamp");
    const char *argv[] = {path, NULL};
    struct proc *lamp = proc_start(argv);
    json_t *json, *program;

    free(proc_wait_line(lamp, PROC_STDOUT, "serving unlock: done"));
    CHECK_INT(alone.status, 0);
    check_has(alone.out, "endpoint  ws://127.0.0.1:1/mqtt\n");
    check_has(alone.out, "device    IOTDLIGHT1/lamp_001, not known to be bound\n");
    check_has(alone.out, "clock     3 min ahead of the cloud's\n");
    check_has(alone.out, "program   none is attached\n");
    {
        CLEANUP(result_done) struct result r = iotctl("status", NULL);
        CLEANUP(result_done) struct result as_json = iotctl("--json", "status", NULL);

        check_has(r.out, "program   lamp  pid 7, uid 7, :1.");
        check_has(r.out, "properties: power_switch color brightness name\n");
        check_has(r.out, "actions: unlock\n");
        json = parse(as_json.out);
    }
    CHECK_STR(json_string_value(json_object_get(json_object_get(json, "link"), "State")), "up");
    CHECK_STR(json_string_value(json_object_get(json_object_get(json, "device"), "ProductId")),
              "IOTDLIGHT1");
    CHECK_INT(json_array_size(json_object_get(json, "programs")), 1);
    program = json_array_get(json_object_get(json, "programs"), 0);
    CHECK_STR(json_string_value(json_object_get(program, "AppId")), "lamp");
    CHECK_INT(json_array_size(json_object_get(program, "Properties")), 4);
    json_decref(json);
    lamp = proc_stop(lamp);
    free(path);
    fake_stop(&f);
}

const char *const suite_name = "iotctl";
/* The fake answers with what it got. */
static void test_provision(void)
{
    struct fake_program f = fake_start(NULL);
    CLEANUP(freep) char *path = fixture_write_file("given", 0600, "first line\nmore");
    CLEANUP(result_done) struct result file = iotctl("provision", "--file", path, NULL);
    CLEANUP(result_done)
    struct result csv = iotctl("provision", "--csv", path, "--line", "7", "--json", NULL);
    CLEANUP(result_done)
    struct result secret = iotctl("provision", "--product-secret-file", path, "--product",
                                  "IOTDLIGHT1", "--device", "mac:eth0", NULL);
    CLEANUP(result_done)
    struct result missing = iotctl("provision", "--file", "/nonexistent", NULL);

    CHECK_INT(file.status, 0);
    CHECK_STR(file.out, "stored in :0:first line\\x0amore: iotd starts over as IOTDLIGHT1/\n");
    CHECK_INT(csv.status, 0);
    CHECK_STR(csv.out, "{\"product_id\":\"IOTDLIGHT1\",\"device_name\":\"\","
                       "\"path\":\"csv:7:first line\\nmore\",\"registers\":false}\n");
    CHECK_INT(secret.status, 0);
    check_has(secret.out, "stored in product-secret:0:first line");
    check_has(secret.out, "IOTDLIGHT1/mac:eth0, and registers it at the cloud");
    CHECK_INT(missing.status, 1);
    check_has(missing.err, "/nonexistent: No such file or directory");
    fake_stop(&f);
}

const struct suite_test suite_tests[] = {
    {"usage", test_usage},
    {"access", test_access},
    {"help_and_version", test_help_and_version},
    {"no_iotd", test_no_iotd},
    {"report_and_get", test_report_and_get},
    {"get_json", test_get_json},
    {"report_refused", test_report_refused},
    {"report_forms", test_report_forms},
    {"cloud_refuses", test_cloud_refuses},
    {"event", test_event},
    {"watch", test_watch},
    {"iotd_goes", test_iotd_goes},
    {"monitor", test_monitor},
    {"provision", test_provision},
    {"link", test_link},
    {"status", test_status},
    {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fixtures themselves: a private bus, programs that are started, waited for and stopped. */

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/msg.h"
#include "tests/lib/bus-client.h"
#include "tests/lib/proc.h"
#include "tests/lib/suite.h"

static const char *const dbus_test_name = "org.iotd1.Test";

static void test_private_bus(void)
{
    const char *dir = getenv("IOTD_TEST_DIR");
    const char *address = getenv("DBUS_SYSTEM_BUS_ADDRESS");
    struct bus_client *bc = bus_client_new();
    struct stat st;

    CHECK(dir && stat(dir, &st) == 0 && (st.st_mode & 0777) == 0700);
    CHECK(address && strstr(address, "iotd-test") != NULL);
    CHECK_STR(address, getenv("DBUS_SESSION_BUS_ADDRESS"));
    CHECK_STR(bus_client_call_error(bc, bus_client_new_call("/org/iotd1", "a.b", "C")),
              "org.freedesktop.DBus.Error.ServiceUnknown");
    CHECK(bus_client_wait_owner(bc, "org.iotd1", false));
    bc = bus_client_free(bc);
}

static void request_name(struct bus_client *bc, const char *name)
{
    DBusMessage *call = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
                                                     DBUS_INTERFACE_DBUS, "RequestName");
    dbus_uint32_t flags = 0;

    CHECK(dbus_message_append_args(call, DBUS_TYPE_STRING, &name, DBUS_TYPE_UINT32, &flags,
                                   DBUS_TYPE_INVALID));
    CHECK_STR(bus_client_call_error(bc, call), "");
}

static void test_two_clients(void)
{
    struct bus_client *a = bus_client_new(), *b = bus_client_new();
    DBusMessage *msg;

    request_name(b, dbus_test_name);
    CHECK(bus_client_wait_owner(a, dbus_test_name, true));
    bus_client_subscribe(a, dbus_test_name);
    (void) bus_client_send(b, dbus_message_new_signal("/x", "a.b", "First"));
    (void) bus_client_send(b, dbus_message_new_signal("/x", "a.b", "Second"));
    msg = bus_client_wait_signal(a, "Second");
    CHECK_STR(dbus_message_get_sender(msg), bus_client_name(b));
    msg_unref(msg);
    msg = bus_client_take_signal(a, "First");
    CHECK(msg != NULL);
    msg_unref(msg);
    CHECK(bus_client_take_signal(a, "First") == NULL);

    (void) bus_client_send(a, dbus_message_new_method_call(dbus_test_name, "/x", "a.b", "Do"));
    msg = bus_client_wait_call(b, "Do");
    CHECK_STR(dbus_message_get_sender(msg), bus_client_name(a));
    msg_unref(msg);
    b = bus_client_free(b);
    CHECK(bus_client_wait_owner(a, dbus_test_name, false));
    a = bus_client_free(a);
}

static void test_lines(void)
{
    struct proc *p = proc_start((const char *const[]){
        "sh", "-c", "echo one; echo two; echo three >&2; printf 'no newline'; read -r x", NULL});
    CLEANUP(freep) char *line = proc_wait_line(p, PROC_STDOUT, "tw");
    CLEANUP(freep) char *err = proc_wait_line(p, PROC_STDERR, NULL);
    CLEANUP(freep) char *all = NULL;

    CHECK_STR(line, "two");
    CHECK_STR(err, "three");
    CHECK_INT(proc_wait(p), 1); /* its standard input is /dev/null: read fails */
    all = proc_output(p, PROC_STDOUT);
    CHECK_STR(all, "one\ntwo\nno newline");
    p = proc_kill(p);
}

static void test_stdin(void)
{
    CLEANUP(freep) char *line = NULL;
    struct proc *p;
    int fd = -1;

    p = proc_start_with_stdin(
        (const char *const[]){"sh", "-c", "read -r x; echo \"got $x\"; trap 'exit 0' TERM; cat",
                              NULL},
        &fd);
    CHECK_INT(write(fd, "word\n", 5), 5);
    line = proc_wait_line(p, PROC_STDOUT, "got");
    CHECK_STR(line, "got word");
    p = proc_kill(p);
}

static void test_ends(void)
{
    CLEANUP(freep) char *out = NULL;
    struct proc *p;

    CHECK_INT(proc_run((const char *const[]){"sh", "-c", "echo out; exit 3", NULL}, &out), 3);
    CHECK_STR(out, "out\n");
    CHECK_INT(proc_run((const char *const[]){"/no/such/program", NULL}, NULL), 127);
    p = proc_start((const char *const[]){"tail", "-f", "/dev/null", NULL});
    proc_signal(p, SIGTERM);
    CHECK_INT(proc_wait(p), 128 + SIGTERM);
    p = proc_kill(p);
    CHECK(proc_stop(NULL) == NULL);
    CHECK(fixture_has_program("sh"));
    CHECK(!fixture_has_program("no-such-program"));
}

static void test_files(void)
{
    CLEANUP(freep) char *path = fixture_write_file("secret", 0600, "text");
    CLEANUP(freep) char *source = fixture_source_path("configure.ac");
    CLEANUP(freep) char *build = fixture_build_path("config.h");
    struct stat st;

    CHECK_INT(stat(path, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    CHECK_INT(st.st_size, 4);
    CHECK_INT(access(source, R_OK), 0);
    CHECK_INT(access(build, R_OK), 0);
}

const char *const suite_name = "00-harness-bus";
const struct suite_test suite_tests[] = {
    {"private-bus", test_private_bus},
    {"two-clients", test_two_clients},
    {"lines", test_lines},
    {"stdin", test_stdin},
    {"ends", test_ends},
    {"files", test_files},
    {NULL, NULL},
};

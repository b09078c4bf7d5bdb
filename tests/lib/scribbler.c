/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *   scribbler MODE [SEED [N]]
 *
 * Attaches as "scribbler", registers, prints "attached", does it, prints what came of it, and waits
 * for the end of its standard input. N: how often, or with the modes die and stop, before which
 * store.
 */

#include "tests/lib/scribbler.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/msg.h"
#include "dbus/names.h"
#include "libiotclient/base/fdutil.h"

void scribbler_fatal(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    printf("fatal: ");
    vprintf(fmt, ap);
    printf("\n");
    va_end(ap);
    fflush(stdout);
    _exit(1);
}

void scribbler_say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vprintf(fmt, ap);
    printf("\n");
    va_end(ap);
    fflush(stdout);
}

bool scribbler_goes_on(void)
{
    struct pollfd pfd = {.fd = STDIN_FILENO, .events = POLLIN};

    return poll(&pfd, 1, 0) == 0;
}

static DBusMessage *new_call(const char *path, const char *iface, const char *member)
{
    DBusMessage *msg = dbus_message_new_method_call(IOTD_BUS_NAME, path, iface, member);

    if (!msg)
        scribbler_fatal("out of memory");
    return msg;
}

/* Takes call; the answer. */
static DBusMessage *ask(struct scribbler *s, DBusMessage *call)
{
    DBusError error = DBUS_ERROR_INIT;
    DBusMessage *reply =
        dbus_connection_send_with_reply_and_block(s->conn, call, DBUS_TIMEOUT_USE_DEFAULT, &error);

    if (!reply)
        scribbler_fatal("%s: %s: %s", dbus_message_get_member(call), error.name, error.message);
    dbus_message_unref(call);
    return reply;
}

static DBusMessage *new_attach(bool table_only)
{
    DBusMessage *call = new_call(IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Attach");
    DBusMessageIter it, options;
    int r;

    dbus_message_iter_init_append(call, &it);
    r = msg_append_string(&it, "scribbler");
    if (r == 0)
        r = msg_open_dict(&it, &options);
    if (r == 0) {
        r = msg_dict_string(&options, "layout", LAYOUT_VERSION_TEXT);
        if (r == 0 && table_only)
            r = msg_dict_bool(&options, "table", true);
        r = msg_close(&it, &options, r);
    }
    if (r < 0)
        scribbler_fatal("out of memory");
    return call;
}

static void read_fds(DBusMessage *reply, int *fds, size_t n_wanted)
{
    DBusMessageIter it, list;
    size_t n;

    dbus_message_iter_init(reply, &it);
    if (msg_read_array(&it, &list, &n) < 0 || n != n_wanted)
        scribbler_fatal("Attach: %zu descriptors, wanted %zu", n, n_wanted);
    for (size_t i = 0; i < n; i++) {
        if (msg_read_fd(&list, &fds[i]) < 0)
            scribbler_fatal("Attach: no descriptor");
    }
}

static void add_strings(DBusMessageIter *it, const char *const *strv, size_t n)
{
    if (msg_append_strv(it, strv, n) < 0)
        scribbler_fatal("out of memory");
}

static void register_ids(struct scribbler *s)
{
    static const char *const properties[] = {SCRIBBLER_PROPERTIES};
    DBusMessage *call = new_call(IOTD_DEVICE_PATH, IOTD_IFACE_THING, "Register");
    DBusMessageIter it, options;

    dbus_message_iter_init_append(call, &it);
    add_strings(&it, properties, ARRAY_SIZE(properties));
    add_strings(&it, NULL, 0);
    add_strings(&it, NULL, 0);
    if (msg_append_path(&it, "/handler") < 0 || msg_open_dict(&it, &options) < 0 ||
        msg_close(&it, &options, 0) < 0)
        scribbler_fatal("out of memory");
    dbus_message_unref(ask(s, call));
}

static size_t size_of(int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        scribbler_fatal("fstat: %s", strerror(errno));
    return (size_t) st.st_size;
}

static void *map(int fd, size_t size, int protection)
{
    void *base = mmap(NULL, size, protection, MAP_SHARED, fd, 0);

    if (base == MAP_FAILED)
        scribbler_fatal("mmap: %s", strerror(errno));
    return base;
}

static void unmap(struct scribbler *s)
{
    if (s->up)
        (void) munmap(s->up, sizeof(*s->up));
    if (s->down)
        (void) munmap((void *) (uintptr_t) s->down, sizeof(*s->down));
    if (s->table)
        (void) munmap((void *) (uintptr_t) s->table, s->table_size);
    s->up = NULL;
    s->down = NULL;
    s->table = NULL;
    for (size_t i = 0; i < LAYOUT_FD_COUNT_; i++)
        s->fds[i] = fd_close(s->fds[i]);
}

void scribbler_attach_again(struct scribbler *s)
{
    DBusMessage *reply = ask(s, new_attach(false));

    unmap(s);
    read_fds(reply, s->fds, LAYOUT_FD_COUNT_);
    dbus_message_unref(reply);
    if (size_of(s->fds[LAYOUT_FD_UP]) < sizeof(*s->up) ||
        size_of(s->fds[LAYOUT_FD_DOWN]) < sizeof(*s->down))
        scribbler_fatal("segments are too small");
    s->table_size = size_of(s->fds[LAYOUT_FD_TABLE]);
    s->up = map(s->fds[LAYOUT_FD_UP], sizeof(*s->up), PROT_READ | PROT_WRITE);
    s->down = map(s->fds[LAYOUT_FD_DOWN], sizeof(*s->down), PROT_READ);
    s->table = map(s->fds[LAYOUT_FD_TABLE], s->table_size, PROT_READ);
    s->up_head = 0;
    s->down_tail = 0;
    register_ids(s);
}

void scribbler_attach(struct scribbler *s)
{
    const char *address = getenv("DBUS_SYSTEM_BUS_ADDRESS");
    DBusError error = DBUS_ERROR_INIT;

    for (size_t i = 0; i < LAYOUT_FD_COUNT_; i++)
        s->fds[i] = -1;
    s->conn = dbus_connection_open_private(address ? address : "", &error);
    if (!s->conn || !dbus_bus_register(s->conn, &error))
        scribbler_fatal("%s", error.message);
    dbus_connection_set_exit_on_disconnect(s->conn, FALSE);
    scribbler_attach_again(s);
}

void scribbler_detach(struct scribbler *s)
{
    unmap(s);
    dbus_connection_close(s->conn);
    dbus_connection_unref(s->conn);
    s->conn = NULL;
}

int scribbler_ask_table(struct scribbler *s)
{
    DBusMessage *reply = ask(s, new_attach(true));
    int fd = -1;

    read_fds(reply, &fd, 1);
    dbus_message_unref(reply);
    return fd;
}

void scribbler_round_trip(struct scribbler *s)
{
    DBusMessage *call = new_call(IOTD_ROOT_PATH, DBUS_INTERFACE_PEER, "Ping");

    dbus_message_unref(ask(s, call));
}

static scribbler_fn find_mode(const char *name)
{
    static const struct scribbler_mode *const tables[] = {
        scribbler_memory_modes,
        scribbler_slot_modes,
        scribbler_ring_modes,
        scribbler_door_modes,
    };

    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        for (const struct scribbler_mode *m = tables[i]; m->name; m++) {
            if (strcmp(m->name, name) == 0)
                return m->fn;
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct scribbler s = {.random = 88172645463325252U};
    scribbler_fn fn = argc > 1 ? find_mode(argv[1]) : NULL;

    if (!fn)
        scribbler_fatal("usage: scribbler MODE [SEED [N]]");
    (void) signal(SIGPIPE, SIG_IGN);
    if (argc > 2)
        s.random ^= strtoull(argv[2], NULL, 10) * 0x9e3779b97f4a7c15U;
    if (argc > 3)
        s.n = (unsigned) strtoul(argv[3], NULL, 10);
    scribbler_attach(&s);
    scribbler_say("attached");
    scribbler_say("%s", fn(&s));
    while (scribbler_goes_on()) {
        struct pollfd pfd = {.fd = STDIN_FILENO, .events = POLLIN};

        (void) poll(&pfd, 1, -1);
    }
    scribbler_detach(&s);
    return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fake RAUC as a program on the private bus, for tests of iotd as a whole:
 *
 *   fake-rauc ok            installs: 0, 50, 100 percent, done
 *   fake-rauc fail TEXT     begins, and fails with that LastError
 *   fake-rauc refuse TEXT   does not begin
 *   fake-rauc hang          begins, and never ends
 *
 * Prints "ready", and for each order "install BYTES PATH", with the size of the file that it found
 * there (-1: it cannot read it). Runs until its standard input has something or ends.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/watch.h"
#include "tests/lib/fake-rauc.h"
#include "tests/lib/test-loop.h"

struct program {
    struct test_loop tl;
    struct fake_rauc rauc;
    struct bus_watch *watch;
    struct loop_io input;
    const char *what, *text;
    bool has_ended;
};

static void on_input(struct loop_io *io, uint32_t events, void *userdata)
{
    struct program *p = userdata;

    (void) events;
    p->has_ended = true;
    loop_io_stop(io);
}

static void on_order(struct fake_rauc *fr, void *userdata)
{
    const struct program *p = userdata;
    struct stat st;
    long bytes = -1;

    if (access(fr->path, R_OK) == 0 && stat(fr->path, &st) == 0)
        bytes = (long) st.st_size;
    printf("install %ld %s\n", bytes, fr->path);
    fflush(stdout);
    fake_rauc_progress(fr, 0, "Installing");
    if (strcmp(p->what, "hang") == 0)
        return;
    fake_rauc_progress(fr, 50, "Copying image to rootfs.1");
    if (strcmp(p->what, "fail") == 0) {
        fake_rauc_completed(fr, 1, p->text);
        return;
    }
    fake_rauc_progress(fr, 100, "Installing done.");
    fake_rauc_completed(fr, 0, "");
}

int main(int argc, char **argv)
{
    struct program p = {.what = argc > 1 ? argv[1] : "ok",
                        .text = argc > 2 ? argv[2] : "no reason"};
    DBusError error = DBUS_ERROR_INIT;
    const char *address = getenv("DBUS_SYSTEM_BUS_ADDRESS");
    DBusConnection *conn = address ? dbus_connection_open_private(address, &error) : NULL;

    test_loop_init(&p.tl);
    if (!conn || !dbus_bus_register(conn, &error) ||
        bus_watch_attach(&p.watch, conn, &p.tl.loop) < 0 ||
        loop_io_start(&p.tl.loop, &p.input, STDIN_FILENO, LOOP_READ, on_input, &p) < 0 ||
        !fake_rauc_init(&p.rauc, conn, true)) {
        fprintf(stderr, "fake-rauc: cannot be on the bus\n");
        return 1;
    }
    p.rauc.on_order = on_order;
    p.rauc.userdata = &p;
    if (strcmp(p.what, "refuse") == 0)
        p.rauc.refusal = p.text;
    printf("ready\n");
    fflush(stdout);
    while (!p.has_ended)
        test_loop_turn(&p.tl, USEC_PER_SEC);
    fake_rauc_done(&p.rauc);
    dbus_connection_close(conn);
    p.watch = bus_watch_detach(p.watch);
    dbus_connection_unref(conn);
    test_loop_done(&p.tl);
    return 0;
}

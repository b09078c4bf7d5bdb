/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fake iotd as a program, for tests of other programs: runs until its standard input has
 * something or ends.
 *
 *   fake-iotd [CODE [firmware]]    the cloud's answer to all that goes up (0); an update waits
 *
 * Prints "ready". Whoever switches the monitor on gets three messages.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/fake-iotd.h"

struct program {
    struct test_loop tl;
    struct fake fake;
    struct loop_io input;
    bool has_ended;
};

static void on_input(struct loop_io *io, uint32_t events, void *userdata)
{
    struct program *p = userdata;

    (void) events;
    p->has_ended = true;
    loop_io_stop(io);
}

static void send_messages(struct fake *f)
{
    static const char binary[] = {0x00, (char) 0xff};
    static const char control[] = "{\"method\":\"control\",\"text\":\"\x1b[2J\"}";
    static const char report[] = "{\"method\":\"report\",\"params\":{\"brightness\":1}}";

    fake_send_message(f, "up", "$thing/up/property/P/D", report, strlen(report));
    fake_send_message(f, "down", "$thing/down/property/P/D", control, strlen(control));
    fake_send_message(f, "down", "raw", binary, sizeof(binary));
}

static void run(struct program *p)
{
    while (!p->has_ended) {
        test_loop_turn(&p->tl, USEC_PER_SEC);
        if (p->fake.monitors) {
            p->fake.monitors = false;
            send_messages(&p->fake);
        }
    }
}

int main(int argc, char **argv)
{
    struct program *p = calloc(1, sizeof(*p));
    int r = 1;

    if (!p)
        return 1;
    test_loop_init(&p->tl);
    if (loop_io_start(&p->tl.loop, &p->input, STDIN_FILENO, LOOP_READ, on_input, p) >= 0 &&
        fake_init(&p->fake, &p->tl, getenv("DBUS_SYSTEM_BUS_ADDRESS"))) {
        p->fake.completed_code = argc > 1 ? atoi(argv[1]) : 0;
        if (argc > 2 && strcmp(argv[2], "firmware") == 0)
            fake_play_firmware(&p->fake);
        printf("ready\n");
        fflush(stdout);
        run(p);
        fake_done(&p->fake);
        test_loop_done(&p->tl);
        r = 0;
    }
    free(p);
    return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fake iotd as a program, for tests of other programs: runs until its standard input has
 * something or ends.
 *
 *   fake-iotd [CODE [firmware]]    the cloud's answer to all that goes up (0); an update waits
 *   fake-iotd CODE install FILE VERSION    the first program that registers has to install that
 *
 * Prints "ready", and of programs that install what they say. Whoever switches the monitor on gets
 * three messages.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/fake-iotd.h"

struct program {
    struct test_loop tl;
    struct fake fake;
    struct loop_io input;
    const char *image; /* NULL: nothing to install */
    const char *version;
    unsigned n_register, n_finish; /* that were looked at */
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

static void ask_to_install(struct program *p)
{
    int fd = open(p->image, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || !fake_install(&p->fake, fd, p->version, "0123456789abcdef0123456789abcdef"))
        fprintf(stderr, "fake iotd: nothing to install, or nobody who does\n");
    if (fd >= 0)
        (void) close(fd);
}

static void look_at_installer(struct program *p)
{
    struct fake_firmware *fw = &p->fake.firmware;

    if (p->n_register < fw->n_register) {
        printf("registered %s\n", fw->version);
        if (p->n_register == 0)
            ask_to_install(p);
        p->n_register = fw->n_register;
    }
    if (p->n_finish < fw->n_finish) {
        printf("%s\n", fw->finish);
        p->n_finish = fw->n_finish;
        fw->state = strncmp(fw->finish, "Finish 0", 8) == 0 ? "installed" : "failed";
        fake_firmware_changed(&p->fake);
    }
    fflush(stdout);
}

static void run(struct program *p)
{
    while (!p->has_ended) {
        test_loop_turn(&p->tl, USEC_PER_SEC);
        if (p->fake.monitors) {
            p->fake.monitors = false;
            send_messages(&p->fake);
        }
        if (p->image)
            look_at_installer(p);
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
        if (argc > 4 && strcmp(argv[2], "install") == 0) {
            p->image = argv[3];
            p->version = argv[4];
        }
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

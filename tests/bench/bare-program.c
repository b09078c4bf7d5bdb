/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program without any library but the C library: what a process costs before it does anything.
 * Prints "ready" and ends with its standard input. */

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};

    printf("ready\n");
    fflush(stdout);
    return poll(&fd, 1, -1) < 0;
}

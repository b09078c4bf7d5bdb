/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_BENCH_BARE_DEVICE_H
#define IOTD_TESTS_BENCH_BARE_DEVICE_H

/*
 * What a device with two processes costs at least: one of them has the socket of the cloud, the
 * other one does the work, and they wake each other with eventfds. Nothing is parsed or decided.
 */

#include "tests/bench/helper.h"

struct bare_device {
    struct helper link, program;
    int to_program, to_link; /* eventfds */
    uint16_t port;
};

/* Each frame of the cloud wakes the program, whose answer sends the frame back. */
void bare_device_serve(struct bare_device *d, uint16_t port);

/*
 * The program sends and waits for the reply. helper_tell(program.fd, n * 2 + is_event) asks for n
 * times, the values are for helper_take(). An event is written to SQLite before it leaves, and its
 * end with the next one, as iotd does. pause_ms: before each report.
 */
void bare_device_send(struct bare_device *d, uint16_t port, int pause_ms);

void bare_device_kill(struct bare_device *d);

#endif /* IOTD_TESTS_BENCH_BARE_DEVICE_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The broker fixture: what one client publishes, another one gets. */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/mosquitto-fixture.h"
#include "tests/lib/suite.h"

static void test_round_trip(void)
{
    struct mosquitto_fixture *m = mosquitto_start();
    struct proc *sub = mosquitto_subscribe(m, "a/+/c");
    char *line;

    CHECK(strncmp(mosquitto_tcp_url(m), "mqtt://127.0.0.1:", 17) == 0);
    CHECK(strncmp(mosquitto_ws_url(m), "ws://127.0.0.1:", 15) == 0);
    mosquitto_publish(m, "a/b/x", "missed");
    mosquitto_publish(m, "a/b/c", "{\"k\":1}");
    line = proc_wait_line(sub, PROC_STDOUT, "a/b/");
    CHECK_STR(line, "a/b/c {\"k\":1}");
    free(line);
    sub = proc_kill(sub);
    m = mosquitto_stop(m);
}

const char *const suite_name = "00-harness-mosquitto";
const struct suite_test suite_tests[] = {
    {"round-trip", test_round_trip},
    {NULL, NULL},
};

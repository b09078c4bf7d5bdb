/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events that were accepted while the cloud was away:
 *
 *   program                       iotd                            cloud
 *                                                                 (dead)
 *   PostEvent × 5000          →
 *                             ← 5000 tokens
 *                                                                 (starts)
 *                                 event_post × 5000, in order →
 *                             ← 5000 × Completed(…, 0, …)
 *
 * and the same with 500, iotd killed in between, and the program running on.
 */

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/ledger-scene.h"

#define MANY 5000
#define SOME 500
#define IN_FLIGHT 64 /* of D-Bus calls */
#define FAST "[outbox]\nrate = 0\n"

struct outage {
    struct scene scene;
    struct bus_client *program;
    struct ledger ledger;
};

static void begin(struct outage *o)
{
    ledger_init(&o->ledger);
    ledger_scene_start(&o->scene, FAST);
    o->program = bus_client_new();
    ledger_read(&o->ledger, o->scene.cloud);
    cloud_kill(o->scene.cloud);
    (void) daemon_wait_link(o->scene.iotd, "waiting");
}

static void end(struct outage *o)
{
    ledger_check(&o->ledger);
    o->program = bus_client_free(o->program);
    scene_stop(&o->scene);
    ledger_done(&o->ledger);
}

/* Takes what comes to the program, for so long at most; false when nothing came. */
static bool turn(struct outage *o, int wait_ms)
{
    struct pollfd fd = {.fd = bus_client_fd(o->program), .events = POLLIN};
    DBusMessage *msg = bus_client_next(o->program);

    if (!msg && poll(&fd, 1, wait_ms) == 0)
        return false;
    for (; msg; msg = bus_client_next(o->program)) {
        ledger_take(&o->ledger, 0, msg);
        dbus_message_unref(msg);
    }
    while ((msg = bus_client_next(o->scene.bus))) /* nobody wants them */
        dbus_message_unref(msg);
    return true;
}

static void post(struct outage *o, unsigned n)
{
    const struct ledger *l = &o->ledger;
    uint64_t deadline = fixture_deadline_ms();

    while (l->n_promised + l->n_refused < n) {
        while (l->n_sent < n && l->n_sent - l->n_promised - l->n_refused < IN_FLIGHT)
            ledger_post(&o->ledger, o->program, 0, l->n_sent % 5 == 0);
        if (!turn(o, fixture_left_ms(deadline)))
            break;
    }
    CHECK_INT(l->n_promised, n);
}

static void check_queued(struct outage *o, unsigned n)
{
    CLEANUP(freep)
    char *queued = bus_client_get(o->scene.bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "QueuedEvents");
    CLEANUP(freep) char *want = scene_printf("%u", n);

    CHECK_STR(queued, want);
}

/* The cloud comes back: everything arrives, and the program hears of all of it. */
static void deliver(struct outage *o, unsigned n)
{
    uint64_t deadline = fixture_deadline_ms();

    ledger_new_life(&o->ledger);
    cloud_restart(o->scene.cloud);
    while (o->ledger.n_ended < n && turn(o, fixture_left_ms(deadline)))
        ledger_read(&o->ledger, o->scene.cloud);
    ledger_read(&o->ledger, o->scene.cloud);
    CHECK_INT(o->ledger.n_ended, n);
    CHECK_INT(o->ledger.n_arrivals, n);
    check_queued(o, 0);
    bus_client_round_trip(o->program, IOTD_BUS_NAME);
    CHECK(bus_client_take_signal(o->program, "Completed") == NULL); /* once each */
}

static void test_5000(void)
{
    struct outage o;

    begin(&o);
    post(&o, MANY);
    check_queued(&o, MANY);
    deliver(&o, MANY);
    end(&o);
}

static void test_500_killed(void)
{
    struct outage o;

    begin(&o);
    post(&o, SOME);
    daemon_kill(o.scene.iotd);
    o.ledger.run++;
    daemon_start_again(o.scene.iotd);
    check_queued(&o, SOME);
    deliver(&o, SOME);
    end(&o);
}

/* Killed again and again, with some on their way each time. */
static void test_killed_often(void)
{
    struct outage o;

    begin(&o);
    post(&o, SOME);
    for (int i = 0; i < 5; i++) {
        daemon_kill(o.scene.iotd);
        o.ledger.run++;
        daemon_start_again(o.scene.iotd);
        post(&o, SOME + 20 * (unsigned) (i + 1));
    }
    check_queued(&o, SOME + 100);
    deliver(&o, SOME + 100);
    end(&o);
}

const char *const suite_name = "06-outbox-outage";
const struct suite_test suite_tests[] = {
    {"5000", test_5000},
    {"500-killed", test_500_killed},
    {"killed-often", test_killed_often},
    {NULL, NULL},
};

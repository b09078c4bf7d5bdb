/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bounds of the queue, and events that the cloud will never take:
 *
 *   program A            program B            iotd                        cloud
 *                                             (no link, max_events = 5, drop-oldest)
 *   PostEvent(info 1) →
 *                    ← token 1 …
 *                        PostEvent(info 6) →
 *   ← Completed(1, 429, dropped …)
 *                                          ← token 6
 *                                             (link)
 *                                             info 2 … info 6         →
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/ledger-scene.h"

static void link_call(struct scene *s, const char *member, const char *state)
{
    CHECK_MSG(scene_call(s->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, member, ""), "");
    (void) daemon_wait_link(s->iotd, state);
}

static char *params(int n)
{
    return scene_printf("{\"id\":\"%d\"}", n);
}

static uint64_t post(struct bus_client *bc, const char *event, int n)
{
    CLEANUP(freep) char *json = params(n);

    return thing_token(bc, "PostEventJson", "ss", event, json);
}

static void check_full(struct bus_client *bc, const char *event, int n)
{
    CLEANUP(freep) char *json = params(n);

    CHECK_MSG(thing_call(bc, "PostEventJson", "ss", event, json), ERR("Full"));
}

static void check_queued(struct scene *s, const char *n)
{
    CLEANUP(freep)
    char *queued = bus_client_get(s->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "QueuedEvents");

    CHECK_STR(queued, n);
}

/* The next event that the cloud sees. */
static void check_arrives(struct scene *s, const char *event, int n)
{
    CLEANUP(json_decrefp) json_t *message = cloud_wait_method(s->cloud, "up", "event_post");
    CLEANUP(freep) char *want = params(n);

    CHECK_STR(scene_text(message, "eventId"), event);
    CHECK_JSON(json_object_get(message, "params"), want);
}

#define WHOLE "[quota]\noutbox_share = 100\n" /* one program may fill it */

/* The size of what waits is bounded; each that was accepted arrives, and makes room. */
static void test_bytes(void)
{
    struct scene s;
    uint64_t tokens[400];
    int n = 0;

    ledger_scene_start(&s, "[outbox]\nmax_bytes = 65536\nrate = 0\n" WHOLE);
    link_call(&s, "Disconnect", "off");
    for (; n < (int) ARRAY_SIZE(tokens); n++) {
        CLEANUP(freep) char *json = params(n);
        CLEANUP(msg_unrefp)
        DBusMessage *reply = thing_call(s.bus, "PostEventJson", "ss", "note_0", json);
        dbus_uint64_t token = 0;
        const char *text = "";

        if (reply && dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_ERROR) {
            (void) msg_get_error(reply, &text);
            CHECK_STR(dbus_message_get_error_name(reply), ERR("Full"));
            break;
        }
        CHECK(reply &&
              dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT64, &token, DBUS_TYPE_INVALID));
        tokens[n] = token;
    }
    CHECK(n > 50 && n < (int) ARRAY_SIZE(tokens));
    check_full(s.bus, "alarm_0", n);
    link_call(&s, "Connect", "up");
    for (int i = 0; i < n; i++)
        check_arrives(&s, "note_0", i);
    for (int i = 0; i < n; i++)
        CHECK_COMPLETED(s.bus, tokens[i], 0);
    check_queued(&s, "0");
    CHECK_COMPLETED(s.bus, post(s.bus, "note_0", n), 0);
    scene_stop(&s);
}

static void test_drop_oldest(void)
{
    struct bus_client *other;
    struct scene s;
    uint64_t t[8];

    ledger_scene_start(&s, "[outbox]\nmax_events = 5\ninfo_policy = drop-oldest\n" WHOLE);
    other = bus_client_new();
    link_call(&s, "Disconnect", "off");
    for (int i = 0; i < 5; i++)
        t[i] = post(s.bus, "note_0", i);
    t[5] = post(other, "note_0", 5);
    CHECK_COMPLETED(s.bus, t[0], 429); /* whose it was */
    t[6] = post(other, "alarm_0", 6);
    CHECK_COMPLETED(s.bus, t[1], 429);
    bus_client_round_trip(other, IOTD_BUS_NAME);
    CHECK(bus_client_take_signal(other, "Completed") == NULL);
    check_queued(&s, "5");
    daemon_start_again(s.iotd); /* what was given up does not come back */
    check_queued(&s, "5");
    check_arrives(&s, "alarm_0", 6);
    for (int i = 2; i <= 5; i++)
        check_arrives(&s, "note_0", i);
    for (int i = 2; i <= 4; i++)
        CHECK_COMPLETED(s.bus, t[i], 0);
    CHECK_COMPLETED(other, t[6], 0); /* it runs on: told by the next iotd */
    CHECK_COMPLETED(other, t[5], 0);
    other = bus_client_free(other);
    scene_stop(&s);
}

/* Alerts are never given up: full of them is full. */
static void test_full_of_alerts(void)
{
    struct scene s;

    ledger_scene_start(&s, "[outbox]\nmax_events = 3\ninfo_policy = drop-oldest\n" WHOLE);
    link_call(&s, "Disconnect", "off");
    for (int i = 0; i < 3; i++)
        (void) post(s.bus, "alarm_0", i);
    check_full(s.bus, "note_0", 3);
    check_full(s.bus, "alarm_0", 4);
    check_queued(&s, "3");
    bus_client_round_trip(s.bus, IOTD_BUS_NAME);
    CHECK(bus_client_take_signal(s.bus, "Completed") == NULL);
    link_call(&s, "Connect", "up");
    for (int i = 0; i < 3; i++)
        check_arrives(&s, "alarm_0", i);
    scene_stop(&s);
}

/* Poison: told once, not tried again - not by the next iotd either - and nothing waits behind. */
static void test_poison(void)
{
    static const char *const settings = "[outbox]\nrate = 0\n";
    CLEANUP(freep)
    char *other = scene_edited_file("other.json", "examples/smart-light.json", "\"max\": \"24.0\"",
                                    "\"max\": \"12.0\"");
    CLEANUP(freep)
    char *config =
        scene_edited_file("cloud.json", "examples/localcloud.json", "smart-light.json", other);
    struct scene s;
    uint64_t t[3];

    scene_start_with(&s, settings, config, NULL);
    link_call(&s, "Disconnect", "off");
    t[0] = thing_token(s.bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":3}");
    t[1] = thing_token(s.bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":20}");
    t[2] = thing_token(s.bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":4}");
    daemon_start_again(s.iotd); /* from disk */
    CHECK_COMPLETED(s.bus, t[0], 0);
    CHECK_COMPLETED(s.bus, t[1], 406);
    CHECK_COMPLETED(s.bus, t[2], 0);
    scene_barrier();
    CHECK_INT(scene_count(&s, "up", "event_post", NULL), 3);
    check_queued(&s, "0");
    daemon_start_again(s.iotd);
    (void) daemon_wait_link(s.iotd, "up");
    check_queued(&s, "0");
    scene_barrier();
    CHECK_INT(scene_count(&s, "up", "event_post", NULL), 3);
    CHECK(bus_client_take_signal(s.bus, "Completed") == NULL);
    scene_stop(&s);
}

const char *const suite_name = "06-outbox-full";
const struct suite_test suite_tests[] = {
    {"bytes", test_bytes},
    {"drop-oldest", test_drop_oldest},
    {"full-of-alerts", test_full_of_alerts},
    {"poison", test_poison},
    {NULL, NULL},
};

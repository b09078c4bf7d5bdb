/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of the cloud: each line is one, a letter for its channel (p property, e event, a
 * action, s service) and the payload. They go through link, thing and core; programs answer,
 * hang or die as the letter's case and the line's number have it. Whatever comes, the link stays
 * up, no command stays without an end, and there are no more answers than messages.
 */

#include <string.h>

#include "daemon/sys/log.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/core-rig.h"

#define MAX_LINES 64

static struct rig *const rig = &crig.rig;

static const char *channel_of(uint8_t letter)
{
    switch (letter | 0x20) {
    case 'e':
        return "event";
    case 'a':
        return "action";
    case 's':
        return "service";
    default:
        return "property";
    }
}

static void push(const uint8_t *line, size_t len)
{
    static uint8_t packet[8192];
    char topic[64];
    size_t n;

    (void) snprintf(topic, sizeof(topic), "$thing/down/%s/" RIG_PRODUCT "/" RIG_DEVICE,
                    channel_of(line[0]));
    if (len > sizeof(packet) - 128)
        len = sizeof(packet) - 128;
    n = wire_publish(packet, topic, line + 1, len - 1, 1, ++rig->last_id, false);
    fake_transport_feed(&rig->net, packet, n);
}

/* What the programs do with what they got. */
static void work(unsigned line, bool answers)
{
    static const struct value outputs[] = {
        {.kind = VALUE_BOOL, .b = true},
        {.kind = VALUE_STRING, .s = (char *) (uintptr_t) "note"},
    };

    if (line % 17 == 16)
        crig_remove(&crig.door);
    while (answers && crig.n_parts > 0) {
        bool is_unlock = call_action(crig.parts[0]->call) == &crig.model->actions[A_UNLOCK];

        crig_answer(0, line % 3 == 2 ? 400 : 0, "", is_unlock ? outputs : NULL);
    }
}

static unsigned count_answers(void)
{
    struct wire_packet p;
    unsigned n = 0;

    while (rig_next_publish(rig, &p, true)) {
        json_t *json = json_loadb(p.payload, p.payload_len, JSON_REJECT_DUPLICATES, NULL);
        const char *method = rig_text(json, "method");

        FUZZ_CHECK(json); /* what we send is JSON whatever was sent to us */
        n += strcmp(method, "control_reply") == 0 || strcmp(method, "action_reply") == 0;
        json_decref(json);
    }
    return n;
}

static void begin(void)
{
    static const char *const served[] = {"power", "level", "color"};
    uint64_t token;
    const struct prop_update u = {P_LEVEL, {.kind = VALUE_INT, .i = 1}};

    log_set_level(LOG_LEVEL_ERR);
    crig_begin();
    for (size_t i = 0; i < ARRAY_SIZE(served); i++)
        crig_serve(i == 2 ? crig.door : crig.lamp, FEATURE_PROPERTY, served[i]);
    crig_serve(crig.door, FEATURE_ACTION, "unlock");
    rig_connect(rig, false);
    FUZZ_CHECK(reports_submit(&crig.core->reports, ":1.1", &u, 1, 0, NULL, NULL, &token) == 0);
    rig_advance(rig, 0);
    (void) count_answers();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned n_lines = 0, n_answers = 0;

    begin();
    while (size > 0 && n_lines < MAX_LINES) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t len = end ? (size_t) (end - data) : size;

        if (len > 0) {
            push(data, len);
            FUZZ_CHECK(link_is_up(rig->link));
            n_lines++;
            work(n_lines, data[0] & 0x20);
            rig_advance(rig, 10000);
            n_answers += count_answers();
        }
        data += len + (end != NULL);
        size -= len + (end != NULL);
    }
    for (int i = 0; i < 8; i++) { /* beyond every deadline; the cloud answers nothing else */
        rig_advance(rig, 3 * USEC_PER_SEC);
        n_answers += count_answers();
    }
    FUZZ_CHECK(link_is_up(rig->link));
    FUZZ_CHECK(crig.n_parts == 0 && crig.core->calls.n_pending == 0);
    FUZZ_CHECK(n_answers <= n_lines);
    crig_end();
    return 0;
}

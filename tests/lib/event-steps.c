/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/event-steps.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/suite.h"

static struct rig *const rig = &crig.rig;

struct event_seen event_seen;

static struct {
    unsigned n;
    int result;
    uint64_t token;
} posted;

static void on_posted(int result, uint64_t token, void *userdata)
{
    (void) userdata;
    posted.n++;
    posted.result = result;
    posted.token = token;
}

/* Posts and waits for the disk. */
int event_try_post(size_t event, const char *params, uint64_t timestamp_s, uint64_t *ret_token)
{
    unsigned n = posted.n;
    int r = events_post(&crig.core->events, LAMP, &crig.model->events[event], params, timestamp_s,
                        on_posted, NULL);

    CHECK_INT(posted.n, n); /* never inside */
    if (r < 0)
        return r;
    (void) persist_now(&crig.core->persist, true);
    CHECK_INT(posted.n, n + 1);
    *ret_token = posted.token;
    return posted.result;
}

/* Posts with its number as the content. */
uint64_t event_post(size_t event, unsigned number)
{
    uint64_t token = 0;
    char params[32];

    (void) snprintf(params, sizeof(params), "{\"n\":%u}", number);
    CHECK_INT(event_try_post(event, params, 0, &token), 0);
    return token;
}

/* The next event on the wire; false when there is none. Its PUBLISH is not acknowledged. */
bool event_next(void)
{
    struct wire_packet p;
    json_t *json;

    if (!rig_next_publish(rig, &p, false))
        return false;
    CHECK_STR(p.topic, rig_up_topic("event"));
    json = json_loads(p.payload, JSON_REJECT_DUPLICATES, NULL);
    CHECK(json);
    event_seen.id = p.id;
    event_seen.dup = p.flags & 8;
    event_seen.number =
        (unsigned) json_integer_value(json_object_get(json_object_get(json, "params"), "n"));
    event_seen.timestamp = json_integer_value(json_object_get(json, "timestamp"));
    (void) snprintf(event_seen.name, sizeof(event_seen.name), "%s", rig_text(json, "eventId"));
    (void) snprintf(event_seen.type, sizeof(event_seen.type), "%s", rig_text(json, "type"));
    (void) snprintf(event_seen.token, sizeof(event_seen.token), "%s",
                    rig_text(json, "clientToken"));
    json_decref(json);
    return true;
}

void event_ack(unsigned id)
{
    rig_feed_ack(rig, 4, id);
}

void event_reply(const char *token, int code)
{
    rig_push_reply(rig, "event", "event_reply", token, code, code ? "no" : "");
    rig_advance(rig, 0);
}

int event_code_of(uint64_t token)
{
    const struct crig_told *t = crig_end_of(token);

    return t ? t->code : -1;
}

/* Without a limit of the rate, which has its own test. */
void event_begin(void)
{
    struct events_config config;

    crig_begin();
    config = crig.core->events.config;
    config.rate = 0;
    events_configure(&crig.core->events, &config);
}

void event_begin_up(void)
{
    event_begin();
    rig_connect(rig, true);
}

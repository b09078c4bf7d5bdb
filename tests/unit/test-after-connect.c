/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What leaves after a connect, and in which order. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/event-steps.h"
#include "tests/lib/suite.h"

static struct rig *const rig = &crig.rig;

static struct {
    char token[REQUEST_TOKEN]; /* of get_status */
    char seen[512];
} sent;

static void on_posted(int result, uint64_t token, void *userdata)
{
    (void) result;
    (void) token;
    (void) userdata;
}

static void report(size_t index, int64_t level)
{
    const struct prop_update u = {.index = index, .value = {.kind = VALUE_INT, .i = level}};
    uint64_t token;

    CHECK_INT(reports_submit(&crig.core->reports, LAMP, &u, 1, 0, on_posted, NULL, &token), 0);
}

static void tell_info(const char *text)
{
    char detail[INFO_PROBLEM_MAX];
    json_t *json = json_loads(text, 0, NULL);

    CHECK_INT(info_update(&crig.core->info, json, detail), 0);
    json_decref(json);
}

/* Everything that can wait waits. */
static void begin(void)
{
    memset(&sent, 0, sizeof(sent));
    event_begin();
    rig->show_status = true;
    firmware_set_version(crig.core->firmware, "1.0");
    tell_info("{\"mac\":\"00:11\"}");
    report(P_LEVEL, 5);
    (void) event_post(E_LOW, 1);
    rig_advance(rig, 0);
}

static const char *name_of(const struct wire_packet *p, json_t *json)
{
    const char *method = rig_text(json, "method");

    if (p->type != 3)
        return NULL; /* acknowledgements of ours */
    return *method ? method : rig_text(json, "type");
}

/* The names of what left since the last time, "d" behind those that are marked as duplicates. */
static const char *seen(void)
{
    struct wire_packet p;

    sent.seen[0] = '\0';
    while (rig_next(rig, &p)) {
        json_t *json = p.type == 3 ? json_loadb(p.payload, p.payload_len, 0, NULL) : NULL;
        const char *name = name_of(&p, json);
        size_t len = strlen(sent.seen);

        if (name)
            (void) snprintf(sent.seen + len, sizeof(sent.seen) - len, "%s%s%s", len ? " " : "",
                            name, p.flags & 8 ? "d" : "");
        if (name && strcmp(name, "get_status") == 0)
            (void) snprintf(sent.token, sizeof(sent.token), "%s", rig_text(json, "clientToken"));
        json_decref(json);
    }
    return sent.seen;
}

static void answer_status(const char *members)
{
    char text[256];

    (void) snprintf(text, sizeof(text),
                    "{\"method\":\"get_status_reply\",\"clientToken\":\"%s\",%s}", sent.token,
                    members);
    rig_push(rig, "property", text);
    rig_advance(rig, 0);
}

/* "get" is the time. */
#define FIRST "get report_version report_info get_status"

static void test_order(void)
{
    begin();
    rig_connect(rig, false);
    CHECK_STR(seen(), FIRST " event_post report");
    crig_end();
}

/* What is not there is not sent. */
static void test_nothing(void)
{
    memset(&sent, 0, sizeof(sent));
    event_begin();
    rig->show_status = true;
    rig_connect(rig, false);
    CHECK_STR(seen(), "get get_status");
    crig_end();
}

/* What was set meanwhile is applied, and what it changed is told. */
static void test_desired(void)
{
    begin();
    rig_connect(rig, false);
    (void) seen();
    answer_status("\"code\":0,\"data\":{\"control\":{\"power\":1}}");
    CHECK_STR(crig.controlled, "power=1");
    CHECK(strncmp(seen(), "clear_control control_reply", 27) == 0);
    crig_end();
}

/* A cloud that answers nothing, or no. What is queued later leaves as ever. */
static void test_silence(void)
{
    static const char *const answers[] = {NULL, "\"code\":503", "\"data\":5"};

    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        begin();
        rig_connect(rig, false);
        CHECK_STR(seen(), FIRST " event_post report");
        if (answers[i])
            answer_status(answers[i]);
        (void) event_post(E_BROKEN, 2);
        rig_advance(rig, 0);
        CHECK_STR(seen(), "event_post");
        rig_advance(rig, 6 * S); /* nobody asks again for get_status on this connection */
        CHECK(!strstr(seen(), "get_status"));
        rig_drop(rig);
        rig_advance(rig, 0);
        crig_end();
    }
}

/* What had left and was not acknowledged the session repeats, before all others and once. */
static void test_resumed(void)
{
    begin();
    rig_connect(rig, false);
    CHECK_STR(seen(), FIRST " event_post report");
    (void) event_post(E_LOW, 2);
    rig_drop(rig);
    (void) event_post(E_BROKEN, 3);
    rig_connect(rig, true);
    CHECK_STR(seen(),
              "report_versiond event_postd get report_info get_status event_post event_post "
              "report");
    crig_end();
}

const char *const suite_name = "after-connect";
const struct suite_test suite_tests[] = {
    {"order", test_order},     {"nothing", test_nothing}, {"desired", test_desired},
    {"silence", test_silence}, {"resumed", test_resumed}, {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring up: what programs answer to commands. */

#include <stdio.h>
#include <string.h>

#include "tests/lib/report-steps.h"
#include "tests/lib/shm-rig.h"
#include "tests/lib/suite.h"

static struct rig *const rig = &crig.rig;

static void put_text(struct pack_writer *w, const char *key, const char *text)
{
    pack_put_string(w, key, text, strlen(text));
}

static void test_answer(void)
{
    char status[64] = "";

    srig_begin_served();
    srig_push_control("t1", "{\"level\":8}");
    CHECK_STR(srig_next(), "CONTROL 1 0 handler=\"/handler\" values={level=8}");
    CHECK_INT(srig_cloud_code(status), -1);
    put_text(srig_items(), "text", "fine");
    srig_send(LAYOUT_UP_ANSWER, 1, 0);
    srig_run();
    CHECK_INT(srig_cloud_code(status), 0);
    CHECK_STR(status, "fine");
    CHECK_INT(report_table(P_LEVEL)->i, 8);

    srig_push_control("t2", "{\"level\":9}");
    CHECK_STR(srig_next(), "CONTROL 2 0 handler=\"/handler\" values={level=9}");
    srig_items(); /* the text may be missing */
    srig_send(LAYOUT_UP_ANSWER, 2, 405);
    srig_run();
    CHECK_INT(srig_cloud_code(status), 405);
    CHECK_INT(report_table(P_LEVEL)->i, 8);
    CHECK_STR(srig_next(), "");
    srig_end();
}

static void test_action(void)
{
    struct pack_writer *w;
    size_t opened;
    json_t *json;

    srig_begin_served();
    srig_push_action("a1", "unlock", "{\"open\":1,\"user\":\"me\"}");
    CHECK_STR(srig_next(),
              "INVOKE 1 0 handler=\"/handler\" action=\"unlock\" input={open=true user=\"me\"}");
    w = srig_items();
    put_text(w, "text", "");
    opened = pack_open(w, "output", PACK_STRUCT);
    pack_put_bool(w, "state", true);
    put_text(w, "note", "done");
    pack_close(w, opened);
    srig_send(LAYOUT_UP_ANSWER, 1, 0);
    srig_run();
    json = rig_next_json(rig, rig_up_topic("action"));
    CHECK(json && json_integer_value(json_object_get(json, "code")) == 0);
    CHECK_STR(rig_text(json_object_get(json, "response"), "note"), "done");
    json_decref(json);
    srig_end();
}

/* Whatever an answer says that it may not, the cloud gets one; and the program stays. */
static void test_bad_answers(void)
{
    char token[8], status[64];

    srig_begin_served();
    for (int i = 0; i < 5; i++) {
        struct pack_writer *w;
        size_t opened;

        (void) snprintf(token, sizeof(token), "a%d", i);
        srig_push_action(token, "unlock", "{\"open\":1,\"user\":\"me\"}");
        CHECK(strncmp(srig_next(), "INVOKE", 6) == 0);
        w = srig_items();
        opened = i < 3 ? pack_open(w, "output", PACK_STRUCT) : 0;
        if (i == 0)
            pack_put_int(w, "state", 2);
        else if (i == 1)
            pack_put_int(w, "nothing", 0);
        else if (i == 2)
            pack_put_int(w, "\xff", 0);
        else if (i == 3)
            put_text(w, "text", "\xff");
        if (i < 3)
            pack_close(w, opened);
        srig_send(LAYOUT_UP_ANSWER, (uint32_t) i + 1, i < 4 ? 0 : 600);
        srig_run();
        CHECK_INT(srig_cloud_code(status), 503);
    }
    CHECK_INT(srig.n_offences, 0);
    srig_end();
}

/* Of nothing that was asked, twice, or too late. */
static void test_stray_answers(void)
{
    char status[64];

    srig_begin_served();
    srig_items();
    srig_send(LAYOUT_UP_ANSWER, 1, 0);
    srig_run();
    srig_push_control("t1", "{\"level\":8}");
    srig_items();
    srig_send(LAYOUT_UP_ANSWER, 1, 0);
    srig_send(LAYOUT_UP_ANSWER, 1, 405);
    srig_run();
    CHECK_INT(srig_cloud_code(status), 0);
    srig_push_control("t2", "{\"level\":9}");
    rig_advance(rig, 11 * S);
    CHECK_INT(srig_cloud_code(status), 408);
    CHECK(list_is_empty(&srig.p->calls));
    srig_items();
    srig_send(LAYOUT_UP_ANSWER, 2, 0);
    srig_run();
    CHECK_INT(srig_cloud_code(status), -1);
    CHECK_INT(srig.n_offences, 0);
    srig_end();
}

const char *const suite_name = "shm-answers";

const struct suite_test suite_tests[] = {
    {"answers", test_answer},
    {"answers of actions", test_action},
    {"bad answers", test_bad_answers},
    {"answers to nothing", test_stray_answers},
    {NULL, NULL},
};

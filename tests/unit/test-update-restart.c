/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An update while iotd is killed and the machine restarts, at each of its steps. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/update_fsm.h"
#include "daemon/core/update_record.h"
#include "daemon/store/facts.h"
#include "tests/lib/suite.h"
#include "tests/lib/update-stage.h"

#define S USEC_PER_SEC
#define URL ",\"url\":\"http://h/1\",\"user_defined\":\"x\",\"fw_type\":\"mcu\",\"more\":1"

static unsigned n_done, n_fail, n_burning;

/* Takes what is told. */
static void listen(void)
{
    for (const char *text = stage_told(); *text; text = stage_told()) {
        n_done += strcmp(text, "done") == 0;
        n_fail += strncmp(text, "fail", 4) == 0;
        n_burning += strcmp(text, "burning") == 0;
    }
}

enum step { ORDERED, HALF, WHOLE, BURNT, RESTARTED, REPORTED, N_STEPS };

static void take_step(enum step step)
{
    switch (step) {
    case ORDERED:
        stage_order(STAGE_NEW, '1', URL);
        break;
    case HALF:
        stage_progress(500);
        break;
    case WHOLE:
        stage_fetched(TRANSFER_OK, "");
        break;
    case BURNT:
        stage_installed(&stage.program, 0, "");
        break;
    case RESTARTED:
        stage.config.version = STAGE_NEW;
        stage_reboot("b1");
        stage_register(&stage.program, "");
        stage_connect();
        break;
    case REPORTED:
        rig_advance(&stage.rig, 2 * S);
        break;
    case N_STEPS:
        break;
    }
}

/* Where a step has to be made again after a kill: what was in work is done again. */
static void catch_up(void)
{
    if (stage.fetch)
        stage_fetched(TRANSFER_OK, "");
    if (stage.program.events && strcmp(stage_info().running, STAGE_NEW) != 0)
        CHECK_STATE("installing");
}

static void restart(bool reboot)
{
    if (reboot)
        stage_reboot("b-other");
    else
        stage_kill();
    stage_register(&stage.program, "");
    stage_connect();
}

/* The order comes once; the kill after any step loses nothing, and is not noticed by the cloud. */
static void run(enum step killed_after, bool reboot, unsigned n_kills)
{
    stage_begin(UPDATE_AUTO_YES);
    stage_register(&stage.program, "");
    n_done = n_fail = n_burning = 0;
    for (enum step step = ORDERED; step < N_STEPS; step++) {
        take_step(step);
        if (step != REPORTED)
            rig_advance(&stage.rig, 0);
        if (step == killed_after) {
            for (unsigned i = 0; i < n_kills; i++)
                restart(reboot);
            if (step == WHOLE)
                catch_up();
        }
        if (step == REPORTED || step >= RESTARTED)
            listen();
        else
            (void) rig_count_publishes(&stage.rig);
    }
    listen();
    CHECK_STATE("idle");
    CHECK_INT(n_done, 1);
    CHECK_INT(n_fail, 0);
    CHECK_INT(stage_n_images(), 0);
    CHECK(stage.program.n_jobs >= 1);
    CHECK_INT(stage.program.n_cancelled, 0);
    /* It stays forgotten. */
    stage_kill();
    CHECK_STATE("idle");
    stage_connect();
    CHECK_TOLD("version " STAGE_NEW);
    CHECK_TOLD("");
    stage_end();
}

static void test_kill(void)
{
    for (enum step step = ORDERED; step < REPORTED; step++) {
        run(step, false, 1);
        run(step, false, 5);
    }
    run(N_STEPS, false, 0);
}

static void test_power(void)
{
    for (enum step step = ORDERED; step <= WHOLE; step++)
        run(step, true, 1);
}

/* The order is on the disk when the download begins, with all that it brought. */
static void test_order_is_kept(void)
{
    stage_begin(UPDATE_AUTO_YES);
    stage_order(STAGE_NEW, '1', URL);
    CHECK(stage.fetch != NULL);
    stage_kill();
    CHECK_STATE("downloading");
    CHECK_STR(stage.fetch->url, "http://h/1");
    CHECK_STR(stage.fetch->name, "0123456789abcdef0123456789abcde1.image");
    CHECK_STR(stage_info().custom, "x");
    CHECK_STR(stage_info().extra, "{\"fw_type\":\"mcu\",\"more\":1}");
    CHECK_INT(stage_info().size, STAGE_SIZE);
    CHECK_INT(stage_n_images(), 1);
    stage_end();
}

/* What asks asks again, and a yes is a yes for ever. */
static void test_question(void)
{
    stage_begin(UPDATE_AUTO_NO);
    stage_order(STAGE_NEW, '1', URL);
    stage_kill();
    CHECK_STATE("offered");
    CHECK(stage_info().confirm);
    CHECK_INT(update_postpone(stage.update, STAGE_NEW, 3600), 0);
    rig_advance(&stage.rig, 0);
    stage_kill();
    CHECK(!stage_info().confirm);
    rig_advance(&stage.rig, 3600 * S);
    CHECK(stage_info().confirm);
    CHECK_INT(update_accept(stage.update, STAGE_NEW), 0);
    rig_advance(&stage.rig, 0);
    stage_kill();
    CHECK_STATE("downloading");
    stage_register(&stage.program, "");
    stage_fetched(TRANSFER_OK, "");
    CHECK_STATE("installing");
    stage_end();
}

static void begin_installed(const char *program_version)
{
    stage_begin(UPDATE_AUTO_YES);
    stage_register(&stage.program, program_version);
    stage_order(STAGE_NEW, '1', URL);
    stage_download();
    stage_installed(&stage.program, 0, "");
    CHECK_STATE("installed");
    rig_advance(&stage.rig, 2 * S);
    (void) rig_count_publishes(&stage.rig);
}

/* The old version after the restart: it did not work. */
static void test_rolled_back(void)
{
    begin_installed("");
    stage_kill(); /* not a restart of the machine */
    CHECK_STATE("installed");
    CHECK_STR(stage_info().reason, "waits for the restart");
    stage_connect();
    CHECK_TOLD("version " STAGE_OLD);
    CHECK_TOLD("burning");
    CHECK_TOLD("");
    stage_reboot("b1");
    CHECK_STATE("failed");
    CHECK_STR(stage_info().reason, "still version " STAGE_OLD);
    stage_kill(); /* the cloud has not heard it yet */
    CHECK_STATE("failed");
    stage_connect();
    CHECK_TOLD("fail -5 still version " STAGE_OLD);
    CHECK_TOLD("version " STAGE_OLD);
    CHECK_TOLD("");
    stage_kill();
    CHECK_STATE("failed"); /* for people */
    stage_connect();
    CHECK_TOLD("version " STAGE_OLD);
    CHECK_TOLD("");
    stage_end();
}

/* A program knows which version runs: it is waited for. */
static void test_program_tells(void)
{
    begin_installed(STAGE_OLD);
    stage_reboot("b1");
    CHECK_STATE("installed");
    rig_advance(&stage.rig, 60 * S);
    stage_register(&stage.program, STAGE_NEW);
    stage_connect();
    CHECK_TOLD("version " STAGE_NEW);
    CHECK_TOLD("done");
    stage_end();

    begin_installed(STAGE_OLD);
    stage_reboot("b1");
    stage_register(&stage.program, STAGE_OLD);
    CHECK_STATE("failed");
    stage_end();

    begin_installed(STAGE_OLD);
    stage_reboot("b1");
    rig_advance(&stage.rig, 600 * S);
    CHECK_STATE("failed");
    CHECK_STR(stage_info().reason, "nobody says that version " STAGE_NEW " runs");
    /* Late, but true. */
    stage_register(&stage.program, STAGE_NEW);
    CHECK_STATE("installed");
    stage_connect();
    for (const char *text = stage_told(); *text; text = stage_told()) {
        if (strcmp(text, "done") == 0)
            n_done = 100;
    }
    CHECK_INT(n_done, 100);
    CHECK_STATE("idle");
    stage_end();
}

/* A program that restarts itself is its own witness; iotd's restarts are not its. */
static void test_program_restarts(void)
{
    begin_installed(STAGE_OLD);
    stage_kill();
    stage_register(&stage.program, STAGE_OLD);
    CHECK_STATE("installed");
    stage_register(&stage.program, NULL);
    stage_register(&stage.program, STAGE_OLD);
    CHECK_STATE("failed");
    CHECK_STR(stage_info().reason, "still version " STAGE_OLD);
    stage_end();

    begin_installed(STAGE_OLD);
    stage_register(&stage.program, NULL);
    stage_register(&stage.program, STAGE_NEW);
    CHECK_TOLD("version " STAGE_NEW);
    CHECK_TOLD("done");
    CHECK_STATE("idle");
    stage_end();
}

/* An image with which the machine never gets through the installation. */
static void test_boot_loop(void)
{
    static const char *const boots[] = {"b1", "b2", "b3"};

    stage_begin(UPDATE_AUTO_YES);
    stage_register(&stage.program, "");
    stage_order(STAGE_NEW, '1', URL);
    stage_fetched(TRANSFER_OK, "");
    for (unsigned i = 0; i < 20; i++) { /* iotd's own end does not count */
        stage_kill();
        stage_register(&stage.program, "");
        stage_fetched(TRANSFER_OK, "");
        CHECK_STATE("installing");
    }
    for (size_t i = 0; i < 2; i++) {
        stage_reboot(boots[i]);
        stage_register(&stage.program, "");
        stage_fetched(TRANSFER_OK, "");
        CHECK_STATE("installing");
    }
    stage_reboot(boots[2]);
    CHECK_STATE("failed");
    CHECK_STR(stage_info().reason, "the device restarted 3 times while it was installed");
    stage_end();
}

/* Without the name of a boot its age says whether it is another one. */
static void test_no_boot_id(void)
{
    begin_installed("");
    stage.boot_id = "";
    stage_kill();
    CHECK_STATE("installed"); /* older than it was */
    stage_end();
}

/* The result is on its way when iotd is killed: told again, and once only in each run. */
static void test_result_again(void)
{
    struct wire_packet p;

    begin_installed("");
    stage.config.version = STAGE_NEW;
    stage_reboot("b1");
    stage_connect();
    CHECK_TOLD("version " STAGE_NEW);
    CHECK(rig_next_publish(&stage.rig, &p, false)); /* done, not acknowledged */
    CHECK_STATE("installed");
    stage_kill();
    CHECK_STATE("installed");
    stage_connect();
    CHECK_TOLD("version " STAGE_NEW);
    CHECK_TOLD("done");
    CHECK_TOLD("");
    stage_end();
}

static void test_local(void)
{
    FILE *file = tmpfile();

    stage_begin(UPDATE_AUTO_YES);
    CHECK(file && fputs("local image", file) >= 0 && fflush(file) == 0);
    stage_register(&stage.program, "");
    CHECK_INT(update_install_local(stage.update, fileno(file), "2.0", NULL), 0);
    rig_advance(&stage.rig, 0);
    CHECK_STATE("installing");
    stage_kill();
    CHECK_STATE("failed");
    CHECK_STR(stage_info().reason, "iotd was restarted while it was being installed");
    CHECK_INT(stage_n_images(), 0);
    stage_register(&stage.program, "");
    CHECK_INT(update_install_local(stage.update, fileno(file), "2.0", NULL), 0);
    rig_advance(&stage.rig, 0);
    stage_installed(&stage.program, 0, "");
    CHECK_STATE("installed");
    stage.config.version = "2.0";
    stage_reboot("b1");
    CHECK_STATE("idle");
    stage_connect();
    CHECK_TOLD("version 2.0");
    CHECK_TOLD("");
    fclose(file);
    stage_end();
}

/* What cannot be read is no order. */
static void test_bad_record(void)
{
    static const char *const texts[] = {
        "x",
        "{}",
        "{\"state\":\"idle\"}",
        "{\"state\":\"ready\"}",
        "{\"state\":\"ready\",\"order\":{}}",
        "{\"state\":\"ready\",\"order\":{\"version\":\"1\",\"file_size\":1,\"md5sum\":\"1\"}}",
        "{\"state\":\"installed\",\"local\":true,\"order\":{\"version\":\"1 2\",\"file_size\":1}}",
    };

    stage_begin(UPDATE_AUTO_YES);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        CHECK_INT(db_begin(stage.db, false), 0);
        CHECK_INT(facts_put(stage.db, "firmware_update", texts[i]), 0);
        CHECK_INT(db_commit(stage.db), 0);
        stage_kill();
        CHECK_STATE("idle");
    }
    stage_end();
}

/* All pairs: what leads where, and what cannot happen. */
static void test_matrix(void)
{
    static const char *const states = "iodrIDF"; /* as in enum update_state */
    static const char *const want[UPDATE_STATE_COUNT_] = {
        /* ask go checked begin busy done runs fail end */
        [UPDATE_IDLE] = "od.......",        [UPDATE_OFFERED] = "od....DF.",
        [UPDATE_DOWNLOADING] = "odr...DF.", [UPDATE_READY] = "od.I..DF.",
        [UPDATE_INSTALLING] = ".d..rDDF.",  [UPDATE_INSTALLED] = "od....DFi",
        [UPDATE_FAILED] = "od....D.i",
    };

    for (unsigned s = 0; s < UPDATE_STATE_COUNT_; s++) {
        for (unsigned e = 0; e < UPDATE_EVENT_COUNT_; e++) {
            enum update_state next = UPDATE_STATE_COUNT_;
            int r = update_fsm_next(s, e, &next);
            char seen = r < 0 ? '.' : states[next];

            if (seen != want[s][e])
                suite_fail(__FILE__, __LINE__, "%s, %s: %c, wanted %c", update_state_name(s),
                           update_event_name(e), seen, want[s][e]);
        }
    }
}

const char *const suite_name = "update-restart";
const struct suite_test suite_tests[] = {
    {"kill", test_kill},
    {"power", test_power},
    {"order_is_kept", test_order_is_kept},
    {"question", test_question},
    {"rolled_back", test_rolled_back},
    {"program_tells", test_program_tells},
    {"program_restarts", test_program_restarts},
    {"boot_loop", test_boot_loop},
    {"no_boot_id", test_no_boot_id},
    {"result_again", test_result_again},
    {"local", test_local},
    {"bad_record", test_bad_record},
    {"matrix", test_matrix},
    {NULL, NULL},
};

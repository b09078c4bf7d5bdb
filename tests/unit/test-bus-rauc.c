/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RAUC as the installer: orders, progress, refusals, others that are first, ends in the middle. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/front/bus_rauc.h"
#include "tests/lib/fake-rauc.h"
#include "tests/lib/peer.h"
#include "tests/lib/suite.h"

const char *const suite_name = "bus-rauc";

#define TIMEOUT_US (600 * USEC_PER_SEC)

struct rig {
    struct peer peer;
    struct fake_rauc rauc;
    struct installer *installer;
    unsigned n_progress, n_done, percent;
    char text[512], done_text[512];
    int result;
    bool cancels; /* from inside of progress */
    bool starts;  /* from inside of done */
};

static void settle(struct rig *rig)
{
    test_loop_settle(&rig->peer.tl);
    peer_clear(&rig->peer);
}

/* That much later. */
static void later(struct rig *rig, uint64_t us)
{
    settle(rig);
    rig->peer.tl.ahead_us += us;
    settle(rig);
}

static void on_progress(unsigned percent, const char *text, void *userdata)
{
    struct rig *rig = userdata;

    rig->n_progress++;
    rig->percent = percent;
    (void) snprintf(rig->text, sizeof(rig->text), "%s", text);
    if (rig->cancels)
        installer_cancel(rig->installer);
}

static int start(struct rig *rig);

static void on_done(int result, const char *text, void *userdata)
{
    struct rig *rig = userdata;

    rig->n_done++;
    rig->result = result;
    (void) snprintf(rig->done_text, sizeof(rig->done_text), "%s", text);
    if (rig->starts) {
        rig->starts = false;
        CHECK_INT(start(rig), 0);
    }
}

static int start(struct rig *rig)
{
    static const struct installer_events events = {.progress = on_progress, .done = on_done};
    static const struct install_job job = {
        .fd = -1,
        .path = "/var/lib/iotd/firmware/image",
        .version = "2.0",
        .size = 1,
        .md5 = "",
        .sha256 = "",
        .custom = "",
        .extra = "{}",
    };

    return installer_start(rig->installer, &job, &events, rig);
}

static void begin(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    peer_init(&rig->peer);
    CHECK(fake_rauc_init(&rig->rauc, rig->peer.far, false));
    CHECK_INT(bus_rauc_new(&rig->installer, &rig->peer.tl.loop, TIMEOUT_US), 0);
    CHECK_STR(rig->installer->ops->name, "rauc");
    CHECK_INT(bus_rauc_attach(rig->installer, rig->peer.near), 0);
    settle(rig);
}

static void end(struct rig *rig)
{
    rig->installer = bus_rauc_free(rig->installer);
    settle(rig);
    fake_rauc_done(&rig->rauc);
    peer_done(&rig->peer);
}

/* RAUC works for us then. */
static void begin_running(struct rig *rig)
{
    begin(rig);
    CHECK_INT(start(rig), 0);
    settle(rig);
    CHECK_INT(rig->rauc.n_orders, 1);
    CHECK_STR(rig->rauc.operation, "installing");
    CHECK_INT(rig->n_done, 0);
}

static void check_done(const struct rig *rig, int result, const char *text)
{
    CHECK_INT(rig->n_done, 1);
    CHECK_INT(rig->result, result);
    CHECK_STR(rig->done_text, text);
}

static void test_success(void)
{
    struct rig rig;

    begin_running(&rig);
    CHECK_STR(rig.rauc.path, "/var/lib/iotd/firmware/image");
    CHECK_INT(rig.rauc.n_options, 0);
    CHECK_INT(start(&rig), -EBUSY);
    fake_rauc_progress(&rig.rauc, 0, "Installing");
    fake_rauc_progress(&rig.rauc, 40, "Checking bundle done.");
    settle(&rig);
    CHECK_INT(rig.percent, 40);
    CHECK_STR(rig.text, "Checking bundle done.");
    fake_rauc_progress(&rig.rauc, 40, "Checking bundle done.");
    settle(&rig);
    CHECK_INT(rig.n_progress, 2);
    fake_rauc_completed(&rig.rauc, 0, "");
    settle(&rig);
    check_done(&rig, 0, "");
    end(&rig);
}

static void test_failure(void)
{
    static const struct {
        const char *last_error, *text;
    } cases[] = {
        {"Compatible mismatch: Expected 'a' but bundle manifest has 'b'",
         "Compatible mismatch: Expected 'a' but bundle manifest has 'b'"},
        {"", "RAUC failed and does not say why"},
        {"two\nlines\x1b[2J", "two lines [2J"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;

        begin_running(&rig);
        fake_rauc_completed(&rig.rauc, 1, cases[i].last_error);
        settle(&rig);
        check_done(&rig, -EREMOTEIO, cases[i].text);
        end(&rig);
    }
}

static void test_refused(void)
{
    struct rig rig;

    begin(&rig);
    rig.rauc.refusal = "Unsupported key: x";
    CHECK_INT(start(&rig), 0);
    settle(&rig);
    check_done(&rig, -EREMOTEIO, "Unsupported key: x");
    /* The next one may go well. */
    rig.rauc.refusal = NULL;
    CHECK_INT(start(&rig), 0);
    settle(&rig);
    fake_rauc_completed(&rig.rauc, 0, "");
    settle(&rig);
    CHECK_INT(rig.n_done, 2);
    CHECK_INT(rig.result, 0);
    end(&rig);
}

/* An administrator was first: his end is not ours. */
static void test_others_first(void)
{
    struct rig rig;

    begin(&rig);
    rig.rauc.operation = "installing";
    CHECK_INT(start(&rig), 0);
    settle(&rig);
    CHECK_INT(rig.rauc.n_orders, 0);
    CHECK_STR(rig.text, "RAUC works for somebody else");
    fake_rauc_progress(&rig.rauc, 80, "of his");
    settle(&rig);
    CHECK_INT(rig.n_progress, 1);
    fake_rauc_completed(&rig.rauc, 1, "his failure");
    later(&rig, USEC_PER_SEC);
    CHECK_INT(rig.rauc.n_orders, 1);
    CHECK_INT(rig.n_done, 0);
    fake_rauc_completed(&rig.rauc, 0, "");
    settle(&rig);
    check_done(&rig, 0, "");
    end(&rig);
}

/* No signal comes: it asks again. Nor does what it is told make it ask more often. */
static void test_others_silent(void)
{
    struct rig rig;

    begin(&rig);
    rig.rauc.operation = "installing";
    CHECK_INT(start(&rig), 0);
    settle(&rig);
    for (unsigned i = 0; i < 20; i++)
        fake_rauc_operation(&rig.rauc, "installing");
    settle(&rig);
    CHECK_INT(rig.rauc.n_asked, 1);
    later(&rig, USEC_PER_SEC);
    CHECK_INT(rig.rauc.n_asked, 2);
    rig.rauc.operation = "idle";
    later(&rig, 5 * USEC_PER_SEC);
    CHECK_INT(rig.rauc.n_asked, 2);
    later(&rig, 6 * USEC_PER_SEC);
    CHECK_INT(rig.rauc.n_orders, 1);
    CHECK_INT(rig.n_progress, 1);
    end(&rig);
}

/* It says "idle" and is not, as after a refusal. */
static void test_busy_all_the_same(void)
{
    struct rig rig;

    begin(&rig);
    rig.rauc.refusal = "Already processing a different method";
    CHECK_INT(start(&rig), 0);
    settle(&rig);
    CHECK_INT(rig.rauc.n_orders, 1);
    CHECK_INT(rig.n_done, 0);
    CHECK_STR(rig.text, "RAUC works for somebody else");
    rig.rauc.refusal = NULL;
    fake_rauc_completed(&rig.rauc, 0, "");
    later(&rig, USEC_PER_SEC);
    CHECK_INT(rig.rauc.n_orders, 2);
    CHECK_INT(rig.n_done, 0);
    fake_rauc_completed(&rig.rauc, 0, "");
    settle(&rig);
    check_done(&rig, 0, "");
    end(&rig);
}

static void test_absent(void)
{
    static const char *const errors[] = {
        DBUS_ERROR_SERVICE_UNKNOWN,
        DBUS_ERROR_NAME_HAS_NO_OWNER,
        "org.freedesktop.DBus.Error.Spawn.ChildExited",
    };

    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        struct rig rig;

        begin(&rig);
        rig.rauc.missing = errors[i];
        CHECK_INT(start(&rig), 0);
        for (unsigned s = 0; s < 29; s++)
            later(&rig, USEC_PER_SEC);
        CHECK_INT(rig.n_done, 0);
        for (unsigned s = 0; s < 12; s++)
            later(&rig, USEC_PER_SEC);
        check_done(&rig, -ENXIO, "RAUC is not on the bus");
        end(&rig);
    }
}

/* It is being restarted just now. */
static void test_appears(void)
{
    struct rig rig;

    begin(&rig);
    rig.rauc.missing = DBUS_ERROR_SERVICE_UNKNOWN;
    CHECK_INT(start(&rig), 0);
    later(&rig, USEC_PER_SEC);
    rig.rauc.missing = NULL;
    fake_rauc_owner(&rig.rauc, "", FAKE_RAUC_SENDER);
    later(&rig, USEC_PER_SEC);
    CHECK_INT(rig.rauc.n_orders, 1);
    end(&rig);
}

/* The end of RAUC, or a restart of it, is the end of what it did; that of others is not. */
static void test_vanishes(void)
{
    static const struct {
        const char *before, *now;
        bool ends;
    } cases[] = {
        {FAKE_RAUC_SENDER, "", true},
        {FAKE_RAUC_SENDER, ":1.99", true},
        {":1.5", "", false},
        {"", FAKE_RAUC_SENDER, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;

        begin_running(&rig);
        fake_rauc_owner(&rig.rauc, cases[i].before, cases[i].now);
        settle(&rig);
        CHECK_INT(rig.n_done, cases[i].ends);
        if (cases[i].ends)
            check_done(&rig, -ECONNRESET, "RAUC ended in the middle of the installation");
        end(&rig);
    }
}

static void test_no_answer(void)
{
    struct rig rig;

    begin(&rig);
    rig.rauc.missing = DBUS_ERROR_NO_REPLY;
    CHECK_INT(start(&rig), 0);
    settle(&rig);
    check_done(&rig, -ECONNRESET, "RAUC did not answer");
    rig.rauc.missing = DBUS_ERROR_ACCESS_DENIED;
    CHECK_INT(start(&rig), 0);
    settle(&rig);
    CHECK_INT(rig.n_done, 2);
    CHECK_INT(rig.result, -EREMOTEIO);
    end(&rig);
}

/* Anybody can send us a signal; who is not RAUC is not heard. */
static void test_strangers(void)
{
    static const struct {
        const char *sender, *path;
    } cases[] = {{NULL, "/"}, {":1.666", "/"}, {FAKE_RAUC_SENDER, "/other"}};
    struct rig rig;
    dbus_int32_t ok = 0;

    begin_running(&rig);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        DBusMessage *msg =
            dbus_message_new_signal(cases[i].path, "de.pengutronix.rauc.Installer", "Completed");

        CHECK(msg && dbus_message_append_args(msg, DBUS_TYPE_INT32, &ok, DBUS_TYPE_INVALID));
        CHECK(dbus_message_set_sender(msg, cases[i].sender));
        CHECK(dbus_connection_send(rig.peer.far, msg, NULL));
        dbus_message_unref(msg);
        settle(&rig);
        CHECK_INT(rig.n_done, 0);
    }
    end(&rig);
}

static void test_odd(void)
{
    struct rig rig;
    const char *text = "de.pengutronix.rauc.Installer";
    uint32_t number = 0;
    char longer[600];

    begin_running(&rig);
    fake_rauc_odd(&rig.rauc, "Completed", DBUS_TYPE_STRING, &text);
    fake_rauc_odd(&rig.rauc, "Completed", DBUS_TYPE_UINT32, &number);
    fake_rauc_odd(&rig.rauc, "PropertiesChanged", DBUS_TYPE_STRING, &text);
    fake_rauc_odd(&rig.rauc, "PropertiesChanged", DBUS_TYPE_UINT32, &number);
    settle(&rig);
    CHECK_INT(rig.n_done, 0);
    CHECK_INT(rig.n_progress, 0);
    fake_rauc_progress(&rig.rauc, 1000, "far");
    settle(&rig);
    CHECK_INT(rig.percent, 100);
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    memcpy(longer + 254, "\303\251", 2); /* cut in the middle of a letter */
    fake_rauc_progress(&rig.rauc, -5, longer);
    settle(&rig);
    CHECK_INT(rig.percent, 0);
    CHECK_INT(strlen(rig.text), 254);
    end(&rig);
}

static void test_bus_lost(void)
{
    struct rig rig;

    begin_running(&rig);
    bus_rauc_detach(rig.installer);
    CHECK_INT(rig.n_done, 0); /* not from inside of it */
    CHECK_INT(start(&rig), -EBUSY);
    settle(&rig);
    check_done(&rig, -ECONNRESET, "the connection to the bus broke in the middle");
    rig.rauc.operation = "idle";
    CHECK_INT(start(&rig), 0);
    settle(&rig);
    CHECK_INT(bus_rauc_attach(rig.installer, rig.peer.near), 0);
    settle(&rig);
    CHECK_INT(rig.rauc.n_orders, 2);
    fake_rauc_completed(&rig.rauc, 0, "");
    settle(&rig);
    CHECK_INT(rig.n_done, 2);
    CHECK_INT(rig.result, 0);
    end(&rig);
}

/* A job that comes before the bus, as after a restart; and one that never gets any. */
static void test_bus_late(void)
{
    struct rig rig;

    begin(&rig);
    bus_rauc_detach(rig.installer);
    CHECK_INT(start(&rig), 0);
    for (unsigned s = 0; s < 29; s++)
        later(&rig, USEC_PER_SEC);
    CHECK_INT(bus_rauc_attach(rig.installer, rig.peer.near), 0);
    settle(&rig);
    CHECK_INT(rig.rauc.n_orders, 1);
    fake_rauc_completed(&rig.rauc, 0, "");
    settle(&rig);
    check_done(&rig, 0, "");
    rig.rauc.operation = "installing";
    CHECK_INT(start(&rig), 0);
    settle(&rig);
    bus_rauc_detach(rig.installer); /* nothing has begun: it is waited for */
    later(&rig, USEC_PER_SEC);
    CHECK_INT(rig.n_done, 1);
    for (unsigned s = 0; s < 45; s++)
        later(&rig, USEC_PER_SEC);
    CHECK_INT(rig.n_done, 2);
    CHECK_INT(rig.result, -ENXIO);
    CHECK_STR(rig.done_text, "iotd is not on the bus");
    end(&rig);
}

/* It goes on after the deadline, and the next order waits until it is done. */
static void test_deadline(void)
{
    struct rig rig;

    begin_running(&rig);
    rig.starts = true;
    later(&rig, TIMEOUT_US);
    check_done(&rig, -ETIMEDOUT, "RAUC was not done after 600 s");
    CHECK_INT(rig.rauc.n_orders, 1);
    fake_rauc_completed(&rig.rauc, 0, "");
    later(&rig, USEC_PER_SEC);
    CHECK_INT(rig.rauc.n_orders, 2);
    CHECK_INT(rig.n_done, 1);
    later(&rig, TIMEOUT_US);
    CHECK_INT(rig.n_done, 2);
    CHECK_INT(rig.result, -ETIMEDOUT);
    end(&rig);
}

/* In each state: before an answer, while it waits, while it runs, while the error is read. */
static void test_cancel(void)
{
    struct rig rig;

    begin(&rig);
    installer_cancel(rig.installer);
    CHECK_INT(start(&rig), 0);
    installer_cancel(rig.installer);
    rig.rauc.operation = "installing";
    CHECK_INT(start(&rig), 0);
    settle(&rig);
    installer_cancel(rig.installer);
    later(&rig, 11 * USEC_PER_SEC);
    CHECK_INT(rig.rauc.n_orders, 0);
    rig.rauc.operation = "idle";
    CHECK_INT(start(&rig), 0);
    settle(&rig);
    installer_cancel(rig.installer);
    fake_rauc_progress(&rig.rauc, 10, "of nobody");
    fake_rauc_completed(&rig.rauc, 0, "");
    settle(&rig);
    CHECK_INT(start(&rig), 0);
    settle(&rig);
    rig.rauc.is_mute = true;
    fake_rauc_completed(&rig.rauc, 1, "lost");
    settle(&rig);
    installer_cancel(rig.installer);
    rig.rauc.is_mute = false;
    CHECK_INT(rig.n_done, 0);
    CHECK_INT(start(&rig), 0);
    settle(&rig);
    rig.cancels = true;
    fake_rauc_progress(&rig.rauc, 20, "cancelled from here");
    fake_rauc_completed(&rig.rauc, 0, "");
    settle(&rig);
    CHECK_INT(rig.percent, 20);
    CHECK_INT(rig.n_done, 0);
    end(&rig);
}

const struct suite_test suite_tests[] = {
    {"success", test_success},
    {"failure", test_failure},
    {"refused", test_refused},
    {"others-first", test_others_first},
    {"others-silent", test_others_silent},
    {"busy-all-the-same", test_busy_all_the_same},
    {"absent", test_absent},
    {"appears", test_appears},
    {"vanishes", test_vanishes},
    {"no-answer", test_no_answer},
    {"strangers", test_strangers},
    {"odd", test_odd},
    {"bus-lost", test_bus_lost},
    {"bus-late", test_bus_late},
    {"deadline", test_deadline},
    {"cancel", test_cancel},
    {NULL, NULL},
};

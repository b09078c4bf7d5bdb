/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports without memory: refused as a whole, and nothing that was taken is lost with iotd. */

#include <errno.h>
#include <string.h>

#include "libiotclient/client.h"
#include "libiotclient/ipc/latch.h"
#include "tests/lib/fault.h"
#include "tests/lib/shm-iotd.h"
#include "tests/lib/suite.h"

struct stage {
    struct shm_iotd d;
    iotc_prop *prop;
    unsigned n_done;
    int result;
};

static void on_done(iotc_client *client, int result, void *userdata)
{
    struct stage *s = userdata;

    (void) client;
    s->n_done++;
    s->result = result;
}

/* Fails allocation after allocation until the report gets through. How many there were. */
static unsigned report_at_last(struct stage *s, const char *text)
{
    const struct reports *reports = &s->d.client->reports;
    unsigned n_dones = reports->n_dones, n_posts = s->d.client->posts.n_posts;

    for (unsigned n = 1;; n++) {
        int r;

        fault_arm(n);
        r = iotc_prop_report_string(s->prop, text, on_done, s);
        if (!fault_disarm()) {
            CHECK_INT(r, 0);
            return n - 1;
        }
        CHECK_INT(r, -ENOMEM);
        CHECK_INT(reports->n_dones, n_dones);
        CHECK_INT(s->d.client->posts.n_posts, n_posts);
        CHECK(s->prop->report.pending == NULL);
        CHECK(!s->prop->report.is_in_slot);
    }
}

static void begin(struct stage *s)
{
    memset(s, 0, sizeof(*s));
    shm_iotd_open(&s->d, 1);
    s->prop = table_rig_prop(s->d.client, "name");
}

static void test_slot(void)
{
    struct shm_iotd_report report;
    struct stage s;

    begin(&s);
    CHECK(report_at_last(&s, "short") >= 3); /* slots, reserve, done */
    CHECK(shm_iotd_take(&s.d, PLACE_STRING, &report));
    shm_iotd_done(&s.d, &report, 0);
    shm_iotd_turns(&s.d);
    CHECK_INT(s.n_done, 1);
    /* From then on a report without a done needs none. */
    fault_arm(1);
    CHECK_INT(iotc_prop_report_string(s.prop, "again", NULL, NULL), 0);
    CHECK(!fault_disarm());
    shm_iotd_close(&s.d);
}

/* No memory at all when iotd dies: the value is there for the next one. */
static void test_iotd_dies(void)
{
    struct shm_iotd next;
    struct pack_item values, item;
    struct stage s;

    begin(&s);
    CHECK_INT(iotc_prop_report_string(s.prop, "kept", on_done, &s), 0);
    fault_arm(1);
    shm_iotd_die(&s.d);
    CHECK(!fault_disarm());
    shm_iotd_open_for(&next, s.d.client, 2);
    CHECK(shm_iotd_next(&next));
    CHECK_INT(pack_find(next.items, "values", PACK_STRUCT, &values), 0);
    CHECK_INT(pack_find(values.items, "name", PACK_STRING, &item), 0);
    CHECK_STR(item.s.text, "kept");
    CHECK_INT(s.n_done, 0);
    shm_iotd_close(&next);
    CHECK_INT(s.n_done, 1);
    CHECK_INT(s.result, -ECANCELED);
}

static void test_pending_and_samples(void)
{
    char text[LAYOUT_INLINE + 2];
    struct stage s;

    begin(&s);
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    CHECK(report_at_last(&s, text) >= 3); /* pending: itself, text, done */
    shm_iotd_turns(&s.d);
    CHECK(shm_iotd_next(&s.d));
    shm_iotd_token(&s.d, s.d.head.id, 0, 1);
    shm_iotd_turns(&s.d);
    reports_set_history(s.d.client, "name", true);
    CHECK(report_at_last(&s, "sample") >= 3); /* done, text, list, post */
    CHECK_INT(s.d.client->posts.n_posts, 1);
    shm_iotd_close(&s.d);
    CHECK_INT(s.n_done, 2);
}

const char *const suite_name = "client-report-memory";
const struct suite_test suite_tests[] = {
    {"slot", test_slot},
    {"iotd_dies", test_iotd_dies},
    {"pending_and_samples", test_pending_and_samples},
    {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each allocation fails once: an ordinary error, nothing lost, nothing half done. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/core/update_record.h"
#include "daemon/mqtt/session.h"
#include "daemon/mqtt/stream.h"
#include "daemon/store/vault.h"
#include "libiotclient/base/limits.h"
#include "tests/lib/core-rig.h"
#include "tests/lib/fault.h"
#include "tests/lib/suite.h"

/* --- codec --- */

static int on_packet(uint8_t first, const uint8_t *body, size_t len, size_t n_skipped,
                     void *userdata)
{
    (void) body;
    (void) n_skipped;
    *(unsigned *) userdata += first == 0x30 && len == 5;
    return 0;
}

static int run_stream(void *userdata)
{
    unsigned *n_packets = userdata;
    struct mqtt_stream s;
    int r;

    mqtt_stream_init(&s, 1024);
    r = mqtt_stream_feed(&s, (const uint8_t *) "\x30\x05\x00\x01", 4, on_packet, n_packets);
    if (r == 0)
        r = mqtt_stream_feed(&s, (const uint8_t *) "ahi", 3, on_packet, n_packets);
    mqtt_stream_done(&s);
    return r;
}

static void check_stream(void *userdata)
{
    CHECK_INT(*(unsigned *) userdata, 0);
}

static void test_stream(void)
{
    unsigned n_packets = 0;

    fault_sweep("mqtt_stream_feed", run_stream, check_stream, &n_packets);
    CHECK_INT(n_packets, 1);
}

static struct rig *const rig = &crig.rig;

static int run_publish(void *userdata)
{
    const uint8_t *qos = userdata;

    return link_publish(rig->link, "t", "x", 1, *qos, NULL, NULL);
}

static void check_publish(void *userdata)
{
    (void) userdata;
    CHECK_INT(rig_count_publishes(rig), 0);
}

static void test_publish(void)
{
    uint8_t qos;

    crig_begin();
    rig_connect(rig, true);
    (void) rig_count_publishes(rig);
    for (qos = 0; qos <= 1; qos++) {
        fault_sweep("link_publish", run_publish, check_publish, &qos);
        CHECK_INT(rig_count_publishes(rig), 1);
    }
    crig_end();
}

/* --- files --- */

static int run_json(void *userdata)
{
    json_t *json = NULL;
    int r = jx_parse_object(userdata, strlen(userdata), &json, NULL);

    CHECK((r == 0) == (json != NULL));
    json_decref(json);
    return r;
}

static void test_json(void)
{
    fault_include_json(true);
    fault_sweep("jx_parse_object", run_json, NULL, (char[]){"{}"});
    fault_include_json(false);
}

static void on_model_mistake(const char *path, const char *what, void *userdata)
{
    suite_fail(__FILE__, __LINE__, "%s: %s: %s", (const char *) userdata, path, what);
}

static int run_model(void *userdata)
{
    struct model *m = NULL;
    int r =
        model_parse(&m, rig_model_text, strlen(rig_model_text), NULL, on_model_mistake, userdata);

    CHECK((r == 0) == (m != NULL));
    model_free(m);
    return r;
}

static void test_model(void)
{
    fault_sweep("model_parse", run_model, NULL, (char[]){"model"});
}

/* A definition of definitions, and values of values. */
static const char nested_model[] =
    "{\"properties\":[{\"id\":\"a\",\"mode\":\"rw\",\"define\":{\"type\":\"array\",\"arrayInfo\":"
    "{\"type\":\"struct\",\"specs\":[{\"id\":\"s\",\"dataType\":{\"type\":\"string\"}},"
    "{\"id\":\"w\",\"dataType\":{\"type\":\"stringenum\",\"mapping\":{\"lo\":\"Low\"}}}]}}}]}";

static int run_nested_model(void *userdata)
{
    struct model *m = NULL;
    int r = model_parse(&m, nested_model, strlen(nested_model), NULL, on_model_mistake, userdata);

    CHECK((r == 0) == (m != NULL));
    model_free(m);
    return r;
}

static int run_nested_value(void *userdata)
{
    const struct model *m = userdata;
    const struct thing_define *def = &m->properties[0].define;
    struct value v = {0}, copy = {0};
    int r = value_from_json_text(def, "[{\"s\":\"x\",\"w\":\"lo\"},{}]", &v, NULL);

    if (r == 0)
        r = value_merge(def, &v, &v, &copy);
    CHECK((r == 0) == (copy.kind == VALUE_ARRAY));
    value_done(&v);
    value_done(&copy);
    return r;
}

static void test_nested(void)
{
    struct model *m = NULL;

    fault_sweep("model_parse, nested", run_nested_model, NULL, (char[]){"model"});
    CHECK_INT(model_parse(&m, nested_model, strlen(nested_model), NULL, on_model_mistake,
                          (char[]){"nested"}),
              0);
    if (m)
        fault_sweep("value_from_json_text, nested", run_nested_value, NULL, m);
    model_free(m);
}

static void on_conf_mistake(unsigned line, const char *key, const char *what, void *userdata)
{
    (void) userdata;
    suite_fail(__FILE__, __LINE__, "%u: %s: %s", line, key, what);
}

static int run_conf(void *userdata)
{
    static const char text[] = "[link]\nendpoint = ws://h\nsign = hmacsha1\n[log]\nlevel = err\n";
    struct conf *c = NULL;
    int r = conf_parse(&c, text, strlen(text), on_conf_mistake, userdata);

    CHECK((r == 0) == (c != NULL));
    conf_free(c);
    return r;
}

static int run_conf_set(void *userdata)
{
    return conf_set(userdata, "link.endpoint", "ws://new", on_conf_mistake, NULL);
}

static void check_conf_set(void *userdata)
{
    CHECK_STR(((struct conf *) userdata)->link_endpoint, "");
}

static void test_conf(void)
{
    CLEANUP(conf_freep) struct conf *c = NULL;

    fault_sweep("conf_parse", run_conf, NULL, NULL);
    CHECK_INT(conf_new(&c), 0);
    fault_sweep("conf_set", run_conf_set, check_conf_set, c);
    CHECK_STR(c->link_endpoint, "ws://new");
}

static int run_print(void *userdata)
{
    CLEANUP(freep) char *text = NULL;

    (void) userdata;
    return conf_print_defaults(&text);
}

static int run_vault(void *userdata)
{
    static const char text[] =
        "{\"productId\":\"P\",\"deviceName\":\"d\",\"region\":\"china\",\"key_deviceinfo\":"
        "{\"deviceSecret\":\"MDEyMzQ1Njc4OWFiY2RlZg==\"}}";
    struct ident *id = NULL;
    int r = vault_parse(&id, text, strlen(text), userdata);

    CHECK((r == 0) == (id != NULL));
    ident_free(id);
    return r;
}

static void test_vault(void)
{
    char problem[VAULT_PROBLEM];

    fault_sweep("vault_parse", run_vault, NULL, problem);
    fault_sweep("conf_print_defaults", run_print, NULL, NULL);
}

/* --- core --- */

static int run_register(void *userdata)
{
    static const char *const properties[] = {"level", "power"};
    static const char *const actions[] = {"unlock"};
    const struct owners_ids ids = {
        .ids = {[FEATURE_PROPERTY] = properties, [FEATURE_ACTION] = actions},
        .n = {[FEATURE_PROPERTY] = 2, [FEATURE_ACTION] = 1},
    };
    const char *id;

    (void) userdata;
    return owners_register(&crig.core->owners, crig.lamp, &ids, "/handler", &id);
}

static void check_register(void *userdata)
{
    (void) userdata;
    CHECK(crig.lamp->n_ids == 0 && list_is_empty(&crig.lamp->registrations));
    CHECK(!owners_get(&crig.core->owners, FEATURE_PROPERTY, P_LEVEL));
}

static void test_register(void)
{
    crig_begin();
    fault_sweep("owners_register", run_register, check_register, NULL);
    CHECK_INT(crig.lamp->n_ids, 3);
    crig_end();
}

static int run_client(void *userdata)
{
    struct client *c = NULL;
    int r = clients_add(&crig.core->clients, ":1.9", 0, 0, &c);

    (void) userdata;
    if (r == 0)
        clients_remove(&crig.core->clients, c);
    return r;
}

static void check_client(void *userdata)
{
    (void) userdata;
    CHECK_INT(crig.core->clients.n, 2);
}

static void test_client(void)
{
    crig_begin();
    fault_sweep("clients_add", run_client, check_client, NULL);
    crig_end();
}

static int run_submit(void *userdata)
{
    const uint64_t *timestamp_s = userdata;
    const struct prop_update u[] = {
        {P_LEVEL, {.kind = VALUE_INT, .i = 5}},
        {P_NAME, {.kind = VALUE_STRING, .s = (char *) (uintptr_t) "new"}},
    };
    uint64_t token = 77;
    int r = reports_submit(&crig.core->reports, ":1.1", u, 2, *timestamp_s, NULL, NULL, &token);

    CHECK((r == 0) == (token != 77));
    return r;
}

static void check_submit(void *userdata)
{
    (void) userdata;
    CHECK_INT(crig.core->props.all[P_LEVEL].value.kind, VALUE_NONE);
    CHECK_INT(crig.core->props.all[P_NAME].value.kind, VALUE_NONE);
    CHECK(crig.core->reports.n_waiters == 0 && crig.core->reports.n_dirty == 0);
    CHECK(list_is_empty(&crig.core->reports.timed));
}

static void test_submit(void)
{
    static const uint64_t timestamps[] = {0, 1600000000};

    for (size_t i = 0; i < ARRAY_SIZE(timestamps); i++) {
        uint64_t timestamp_s = timestamps[i];

        crig_begin();
        fault_sweep("reports_submit", run_submit, check_submit, &timestamp_s);
        CHECK_STR(crig.core->props.all[P_NAME].value.s, "new");
        CHECK_INT(crig.core->reports.n_waiters, 1);
        crig_end();
    }
}

static int run_sample(void *userdata)
{
    const struct prop_update u[] = {
        {P_LEVEL, {.kind = VALUE_INT, .i = 5}},
        {P_NAME, {.kind = VALUE_STRING, .s = (char *) (uintptr_t) "new"}},
    };
    uint64_t token;
    int r = reports_submit(&crig.core->reports, ":1.1", u, 2, 0, NULL, NULL, &token);

    (void) userdata;
    return r == REPORTS_KEEPING ? 0 : r;
}

static void check_sample(void *userdata)
{
    check_submit(userdata);
    CHECK(crig.core->events.n_all == 0 && crig.core->events.n_bytes == 0);
    CHECK(list_is_empty(&crig.core->events.posting));
    CHECK(list_is_empty(&crig.core->reports.keeping));
}

/* A report with a sample and without one: both or neither. */
static void test_sample(void)
{
    const struct policy_rule rule = {"level",
                                     {.given = POLICY_HISTORY, .policy = {.history = true}}};

    crig_begin();
    policies_configure(&crig.core->policies, &(struct policy){0}, &rule, 1);
    fault_sweep("sample", run_sample, check_sample, NULL);
    CHECK(crig.core->events.n_all == 1 && crig.core->reports.n_waiters == 1);
    CHECK_STR(crig.core->props.all[P_NAME].value.s, "new");
    crig_end();
}

static void on_posted(int result, uint64_t token, void *userdata)
{
    (void) token;
    CHECK_INT(result, 0);
    ++*(unsigned *) userdata;
}

static int run_post(void *userdata)
{
    return events_post(&crig.core->events, ":1.1", &crig.model->events[E_LOW], "{\"volt\":1}", 0,
                       on_posted, userdata);
}

static void check_post(void *userdata)
{
    CHECK_INT(*(unsigned *) userdata, 0);
    CHECK(crig.core->events.n_all == 0 && crig.core->events.n_bytes == 0);
    CHECK(list_is_empty(&crig.core->events.posting));
}

static void test_post(void)
{
    unsigned n_posted = 0;

    crig_begin();
    fault_sweep("events_post", run_post, check_post, &n_posted);
    rig_advance(rig, 0);
    CHECK_INT(n_posted, 1);
    crig_end();
}

/* Without memory a report or an event waits; it is neither lost nor told twice. */
static void test_sending(void)
{
    for (unsigned n = 1; n < 10000; n++) {
        uint64_t timestamp_s = 0;
        unsigned n_posted = 0;
        bool failed;

        crig_begin();
        CHECK_INT(run_submit(&timestamp_s), 0);
        CHECK_INT(run_post(&n_posted), 0);
        link_set_memory(rig->link, NULL); /* nothing to be subscribed */
        link_enable(rig->link);
        rig_advance(rig, 0);
        fake_transport_accept(&rig->net);
        rig_feed_connack(rig, true, 0);
        CHECK(link_is_up(rig->link));
        fault_arm(n);
        rig_advance(rig, 0);
        failed = fault_disarm();
        rig_advance(rig, 3 * USEC_PER_SEC);
        CHECK(rig_count_publishes(rig) >= 2);
        CHECK_INT(crig.n_told, 0);
        crig_end();
        if (!failed)
            break;
        CHECK(n < 9999);
    }
}

/* One command under each failure: at most one answer, nothing stays in work. */
static void sweep_command(bool is_action, const char *text)
{
    for (unsigned n = 1; n < 10000; n++) {
        json_t *params;
        bool failed;

        crig_begin();
        rig_connect(rig, true);
        crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
        crig_serve(crig.lamp, FEATURE_ACTION, "unlock");
        params = json_loads(text, 0, NULL);
        (void) rig_count_publishes(rig);
        fault_arm(n);
        if (is_action)
            calls_on_action(&crig.core->calls, "t", 0, "unlock", params);
        else
            calls_on_control(&crig.core->calls, "t", 0, params);
        failed = fault_disarm();
        json_decref(params);
        CHECK_INT(crig.n_cancelled, 0);
        if (crig.n_parts > 0) {
            CHECK_INT(rig_count_publishes(rig), 0);
            crig_answer(0, 0, "", NULL);
            CHECK_INT(rig_count_publishes(rig), 1);
        } else {
            CHECK(failed);
            CHECK(rig_count_publishes(rig) <= 1);
        }
        CHECK_INT(crig.core->calls.n_pending, 0);
        crig_end();
        if (!failed)
            break;
        CHECK(n < 9999);
    }
}

static void test_calls(void)
{
    sweep_command(false, "{\"level\":5,\"name\":\"x\"}");
    sweep_command(true, "{\"open\":1,\"user\":\"me\"}");
}

static int run_core(void *userdata)
{
    const struct core_config config = {
        .report_rate = 5,
        .events = {.max_events = 10, .max_bytes = 65536},
    };
    struct core *core = NULL;
    int r = core_new(&core, &rig->fl.loop, rig->link, rig->ident, crig.model, &config, crig.db);

    (void) userdata;
    CHECK((r == 0) == (core != NULL));
    core_free(core);
    return r;
}

/* Made a second time over the same link: what fails leaves no trace there either. */
static void test_core(void)
{
    crig_begin();
    crig_remove(&crig.lamp);
    crig_remove(&crig.door);
    crig.core = core_free(crig.core);
    /* The link keeps the filters of those that failed; their memory is taken before. */
    for (int i = 0; i < 60; i++)
        CHECK_INT(link_add_filter(rig->link, "f", 0), 0);
    fault_sweep("core_new", run_core, NULL, NULL);
    rig_connect(rig, true);
    crig_end();
}

/* --- firmware --- */

static void update_record_donep(struct update_record *rec)
{
    update_record_done(rec);
}

/* An order becomes a record, and that a text. */
static int run_order(void *userdata)
{
    CLEANUP(update_record_donep) struct update_record rec = {.state = UPDATE_READY};
    CLEANUP(freep) char *text = NULL;
    const char *problem;
    int r;

    fault_include_json(true);
    r = firmware_order_parse(&rec.order, userdata, &problem);
    if (r == 0)
        r = update_record_text(&rec, &text);
    fault_include_json(false);
    return r;
}

static void test_order(void)
{
    static const char text[] =
        "{\"version\":\"2\",\"file_size\":5,\"md5sum\":\"0123456789abcdef0123456789abcdef\","
        "\"url\":\"http://h/\",\"user_defined\":{\"signature\":\"x\"},\"more\":1}";
    CLEANUP(jx_decrefp) json_t *json = NULL;

    CHECK_INT(jx_parse_object(text, strlen(text), &json, NULL), 0);
    fault_sweep("update_record", run_order, NULL, json);
}

const char *const suite_name = "faults";
const struct suite_test suite_tests[] = {
    {"order", test_order},
    {"stream", test_stream},
    {"publish", test_publish},
    {"json", test_json},
    {"model", test_model},
    {"nested", test_nested},
    {"conf", test_conf},
    {"vault", test_vault},
    {"register", test_register},
    {"client", test_client},
    {"sample", test_sample},
    {"submit", test_submit},
    {"post", test_post},
    {"sending", test_sending},
    {"calls", test_calls},
    {"core", test_core},
    {NULL, NULL},
};

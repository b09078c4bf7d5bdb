/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests for faults, and the faults that are not about bytes (test-localcloud-broker-faults.c),
 * on a fake transport and clock; the listening sockets are real ones.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "examples/localcloud/listeners.h"
#include "libiotclient/base/fdutil.h"
#include "tests/lib/fake-cloud.h"
#include "tests/lib/suite.h"

#define UP "$thing/up/property/P1/d1"
#define EVENT "$thing/up/event/P1/d1"
#define SYS "$sys/operation/P1/d1"
#define LOW                                                                                        \
    "{\"method\":\"event_post\",\"clientToken\":\"e\",\"eventId\":\"low\",\"type\":\"alert\","     \
    "\"params\":{\"v\":3}}"

static struct fake_cloud cloud;
static struct fake_link a, b;

static const struct config_device *d1(void)
{
    return &cloud.config->devices[0];
}

static void start(bool clean)
{
    fake_cloud_init(&cloud, "{\"up_rate\":0}");
    fake_link_open(&a, &cloud);
    (void) fake_link_login(&a, clean);
    fake_link_subscribe_all(&a);
}

static void again(bool clean)
{
    fake_link_close(&a);
    fake_link_open(&a, &cloud);
    (void) fake_link_login(&a, clean);
}

static void end(void)
{
    fake_link_close(&a);
    fake_cloud_done(&cloud);
}

static bool has_event(const char *name, const char *part)
{
    return strstr(fake_cloud_event(&cloud, name), part) != NULL;
}

static int apply(const char *text, char error[FAULTS_ERROR_MAX])
{
    json_t *request = json_loads(text, JSON_DECODE_ANY, NULL);
    int e = faults_apply(cloud.faults, request, error);

    json_decref(request);
    return e;
}

/* What is switched on, as text; device NULL: for the cloud. */
static const char *switched(const struct config_device *device)
{
    static char text[512];
    json_t *o = faults_json(cloud.faults, device);
    char *dump = o ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

    (void) snprintf(text, sizeof(text), "%s", dump ? dump : "");
    free(dump);
    json_decref(o);
    return text;
}

static void test_mistakes(void)
{
    static const struct {
        const char *request;
        const char *error;
    } cases[] = {
        {"[]", "must be an object"},
        {"{}", "must be an object with a fault"},
        {"{\"fault\":1}", "must be an object with a fault"},
        {"{\"fault\":\"explode\"}", "unknown fault \"explode\"; there are drop, refuse,"},
        {"{\"fault\":\"explode\"}", ", clock, file, none"},
        {"{\"fault\":\"refuse\",\"code\":6,\"count\":1}", "code must be an integer from 1 to 5"},
        {"{\"fault\":\"refuse\",\"code\":0,\"count\":1}", "code must be"},
        {"{\"fault\":\"refuse\",\"code\":3}", "count is missing"},
        {"{\"fault\":\"refuse\",\"code\":3,\"count\":1.5}", "count must be an integer"},
        {"{\"fault\":\"mute\"}", "on is missing"},
        {"{\"fault\":\"mute\",\"on\":1}", "on must be true or false"},
        {"{\"fault\":\"mute\",\"on\":true,\"ms\":5}", "no member \"ms\""},
        {"{\"fault\":\"drop\",\"count\":1}", "need after_packets or after_bytes"},
        {"{\"fault\":\"drop\",\"after_packets\":1,\"after_bytes\":1}", "not both"},
        {"{\"fault\":\"drop\",\"after_packets\":0}", "after_packets must be"},
        {"{\"fault\":\"drop\",\"after_bytes\":1,\"direction\":\"left\"}",
         "direction must be one of both, up, down"},
        {"{\"fault\":\"drop\",\"device\":\"P1/d9\"}", "there is no device P1/d9"},
        {"{\"fault\":\"drop\",\"device\":7}", "device must be a string"},
        {"{\"fault\":\"duplicate\",\"count\":-1}", "count must be"},
        {"{\"fault\":\"delay\",\"ms\":600001}", "ms must be an integer from 0 to 600000"},
        {"{\"fault\":\"wrong_code\",\"method\":\"control\",\"code\":1,\"count\":1}",
         "method must be one of report_reply,"},
        {"{\"fault\":\"wrong_code\",\"method\":\"event_reply\",\"count\":1}", "code is missing"},
        {"{\"fault\":\"garbage\",\"bytes\":0}", "bytes must be an integer from 1 to 1024"},
        {"{\"fault\":\"garbage\",\"hex\":\"0\"}", "hex must be a string of 1 to 1024 bytes"},
        {"{\"fault\":\"garbage\",\"hex\":\"0g\"}", "hex must be"},
        {"{\"fault\":\"garbage\",\"hex\":\"\"}", "hex must be"},
        {"{\"fault\":\"garbage\",\"hex\":\"00\",\"seed\":1}", "hex needs no bytes"},
        {"{\"fault\":\"oversized\",\"bytes\":1000001,\"sent\":true}", "1000000 bytes can be sent"},
        {"{\"fault\":\"oversized\",\"bytes\":268435456}", "bytes must be"},
        {"{\"fault\":\"clock\"}", "offset_ms is missing"},
        {"{\"fault\":\"file\",\"kind\":\"melt\"}", "kind must be one of cut, stall,"},
        {"{\"fault\":\"file\",\"kind\":\"cut\"}", "cut needs bytes"},
        {"{\"fault\":\"file\",\"kind\":\"cut\",\"bytes\":-1}", "must not be negative"},
        {"{\"fault\":\"file\",\"kind\":\"slow\",\"bytes\":0}", "at least one byte"},
        {"{\"fault\":\"file\",\"kind\":\"status\"}", "status needs a code"},
        {"{\"fault\":\"file\",\"kind\":\"expired\",\"bytes\":1}", "expired has no bytes"},
        {"{\"fault\":\"file\",\"kind\":\"endless\",\"direction\":\"up\"}", "for downloads only"},
        {"{\"fault\":\"file\",\"kind\":\"expired\",\"direction\":\"both\"}", "up or down"},
        {"{\"fault\":\"file\",\"kind\":\"expired\",\"key\":\"\"}", "key must be a string"},
        {"{\"fault\":\"clock\",\"offset_ms\":1,\"device\":\"P1/d1\"}", "no member \"device\""},
        {"{\"fault\":\"refuse_tcp\"}", "needs on, or ms"},
        {"{\"fault\":\"refuse_tcp\",\"on\":true,\"ms\":1}", "needs on, or ms"},
        {"{\"fault\":\"none\",\"on\":true}", "no member \"on\""},
    };
    char error[FAULTS_ERROR_MAX];

    start(true);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        error[0] = '\0';
        if (apply(cases[i].request, error) != -EINVAL || !strstr(error, cases[i].error))
            suite_fail(__FILE__, __LINE__, "%s: \"%s\"", cases[i].request, error);
    }
    CHECK_STR(switched(d1()), "");
    CHECK_STR(switched(NULL), "");
    CHECK(!a.closed && a.n_in == 0 && !a.paused && !cloud.refuses_tcp);
    end();
}

/* Everything that can be on is shown, and none ends it. */
static void test_state(void)
{
    static const char *const requests[] = {
        "{\"fault\":\"drop\",\"after_bytes\":900,\"direction\":\"down\",\"count\":2}",
        "{\"fault\":\"refuse\",\"code\":3,\"count\":4}",
        "{\"fault\":\"duplicate\",\"count\":5}",
        "{\"fault\":\"reorder\",\"count\":6}",
        "{\"fault\":\"hold_replies\",\"on\":true}",
        "{\"fault\":\"hold_puback\",\"on\":true}",
        "{\"fault\":\"wrong_code\",\"method\":\"event_reply\",\"code\":503,\"count\":7}",
        "{\"fault\":\"delay\",\"ms\":8}",
        "{\"fault\":\"slow\",\"ms\":9}",
        "{\"fault\":\"half_open\",\"on\":true}",
        "{\"fault\":\"mute\",\"on\":true}",
    };

    start(true);
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
        fake_cloud_fault(&cloud, requests[i]);
    fake_cloud_fault(&cloud, "{\"fault\":\"clock\",\"offset_ms\":-5}");
    fake_cloud_fault(&cloud, "{\"fault\":\"refuse_tcp\",\"on\":true}");
    CHECK_STR(switched(d1()),
              "{\"delay\":8,\"drop\":{\"after_bytes\":900,\"count\":2,\"direction\":\"down\","
              "\"seen\":0},\"duplicate\":5,\"half_open\":true,\"hold_puback\":true,"
              "\"hold_replies\":true,\"mute\":true,\"refuse\":{\"code\":3,\"count\":4},"
              "\"reorder\":6,\"slow\":9,\"wrong_code\":{\"event_reply\":{\"code\":503,\"count\":7}}"
              "}");
    CHECK_STR(switched(NULL), "{\"clock\":{\"login\":false,\"offset_ms\":-5},\"refuse_tcp\":true}");
    CHECK_STR(switched(&cloud.config->devices[1]), switched(d1()));

    fake_cloud_fault(&cloud, "{\"fault\":\"none\",\"device\":\"P1/d2\"}");
    CHECK_STR(switched(&cloud.config->devices[1]), "");
    CHECK(*switched(d1()));
    CHECK(*switched(NULL));
    fake_cloud_fault(&cloud, "{\"fault\":\"none\"}");
    CHECK_STR(switched(d1()), "");
    CHECK_STR(switched(NULL), "");
    CHECK(!a.paused && !cloud.refuses_tcp);
    end();
}

static void test_counts(void)
{
    const struct config_device *d2;
    int code = 0;

    start(true);
    d2 = &cloud.config->devices[1];
    fake_cloud_fault(&cloud, "{\"fault\":\"refuse\",\"code\":3,\"count\":2,\"device\":\"P1/d1\"}");
    CHECK_INT(faults_take_refusal(cloud.faults, d2), 0);
    CHECK_INT(faults_take_refusal(cloud.faults, d1()), 3);
    CHECK_INT(faults_take_refusal(cloud.faults, d1()), 3);
    CHECK_INT(faults_take_refusal(cloud.faults, d1()), 0);
    fake_cloud_fault(&cloud, "{\"fault\":\"duplicate\",\"count\":1}");
    CHECK(faults_take_duplicate(cloud.faults, d2));
    CHECK(!faults_take_duplicate(cloud.faults, d2));
    CHECK(faults_take_duplicate(cloud.faults, d1()));
    fake_cloud_fault(
        &cloud, "{\"fault\":\"wrong_code\",\"method\":\"report_reply\",\"code\":-7,\"count\":1}");
    CHECK(!faults_take_wrong_code(cloud.faults, d1(), "event_reply", &code));
    CHECK(!faults_take_wrong_code(cloud.faults, d1(), "control", &code));
    CHECK(faults_take_wrong_code(cloud.faults, d1(), "report_reply", &code));
    CHECK_INT(code, -7);
    CHECK(!faults_take_wrong_code(cloud.faults, d1(), "report_reply", &code));
    end();
}

static void test_wrong_code(void)
{
    start(true);
    fake_cloud_fault(
        &cloud, "{\"fault\":\"wrong_code\",\"method\":\"event_reply\",\"code\":503,\"count\":2}");
    CHECK_INT(fake_link_ask(&a, UP, "{\"method\":\"report\",\"params\":{}}", "report_reply"), 0);
    CHECK_INT(fake_link_ask(&a, EVENT, LOW, "event_reply"), 503);
    CHECK_INT(fake_link_ask(&a, EVENT, LOW, "event_reply"), 503);
    CHECK_INT(fake_link_ask(&a, EVENT, LOW, "event_reply"), 0);
    fake_cloud_fault(
        &cloud,
        "{\"fault\":\"wrong_code\",\"method\":\"report_info_reply\",\"code\":1,\"count\":9}");
    fake_cloud_fault(
        &cloud,
        "{\"fault\":\"wrong_code\",\"method\":\"report_info_reply\",\"code\":1,\"count\":0}");
    CHECK_INT(
        fake_link_ask(&a, UP, "{\"method\":\"report_info\",\"params\":{}}", "report_info_reply"),
        0);
    end();
}

static void test_clock(void)
{
    char text[128];
    uint64_t now_ms = (FAKE_NOW_S + 365 * 86400) * 1000;

    start(true);
    (void) snprintf(text, sizeof(text), "{\"method\":\"report\",\"timestamp\":%llu,\"params\":{}}",
                    FAKE_NOW_S);
    CHECK_INT(fake_link_ask(&a, UP, text, "report_reply"), 0);
    fake_cloud_fault(&cloud, "{\"fault\":\"clock\",\"offset_ms\":31536000000}");
    CHECK_INT(fake_link_ask(&a, UP, text, "report_reply"), 405);
    CHECK_INT(
        fake_link_ask(&a, UP, "{\"method\":\"report\",\"params\":{\"sw\":1}}", "report_reply"), 0);
    CHECK_INT(store_reported_ms(cloud.store, d1(), "sw"), now_ms);

    again(true); /* logins follow only on demand */
    fake_cloud_fault(&cloud, "{\"fault\":\"clock\",\"offset_ms\":31536000000,\"login\":true}");
    fake_link_open(&b, &cloud);
    fake_link_connect(&b, &(struct fake_connect){.client_id = "P1d1"});
    CHECK_INT(fake_link_next(&b)->body[1], 4);
    CHECK(has_event("refused", "expiry has passed"));
    fake_link_close(&b);

    fake_cloud_fault(&cloud,
                     "{\"fault\":\"clock\",\"offset_ms\":-4000000000000}"); /* not before 1970 */
    CHECK_INT(clock_real_ms(faults_clock(cloud.faults)), 0);
    fake_cloud_fault(&cloud, "{\"fault\":\"none\"}");
    CHECK_INT(clock_real_ms(faults_clock(cloud.faults)), FAKE_NOW_S * 1000);
    end();
}

static void test_sys_time(void)
{
    static const char *const results[] = {"$sys/operation/result/P1/d1", NULL};
    static const char *const foreign[] = {"$sys/operation/result/P1/d2", NULL};
    static const char *const ignored[] = {
        "{\"type\":\"ssh\",\"switch\":1}",
        "{\"type\":\"get\"}",
        "{\"type\":\"get\",\"resource\":[1]}",
        "{\"type\":\"get\",\"resource\":\"time\"}",
        "[]",
        "{",
        "{\"type\":1}",
        "\xff",
    };
    json_t *reply;

    start(true);
    fake_link_subscribe(&a, 1, foreign, 0);
    CHECK_INT(fake_link_next(&a)->body[2], 0x80);
    fake_link_publish(&a, SYS, "{\"type\":\"get\",\"resource\":[\"time\"]}", 0, 0);
    CHECK_INT(a.n_in, 0); /* not subscribed */
    fake_link_subscribe(&a, 1, results, 1);
    CHECK_INT(fake_link_next(&a)->body[2], 1);
    for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
        fake_link_publish(&a, SYS, ignored[i], 0, 0);
    CHECK_INT(a.n_in, 0);
    CHECK(has_event("bad_message", "$sys"));
    fake_link_publish(&a, "$sys/operation/P1/d2", "{\"type\":\"get\",\"resource\":[\"time\"]}", 0,
                      0);
    CHECK(has_event("dropped", "may not publish"));

    fake_cloud_fault(&cloud, "{\"fault\":\"clock\",\"offset_ms\":-60500}");
    fake_link_publish(&a, SYS, "{\"type\":\"get\",\"resource\":[\"x\",\"time\"]}", 0, 0);
    reply = fake_link_next_json(&a, results[0]);
    CHECK_STR(fake_text(reply, "type"), "get");
    CHECK_INT(fake_int(reply, "time"), FAKE_NOW_S - 61);
    CHECK_INT(fake_int(reply, "ntptime1"), FAKE_NOW_S * 1000 - 60500);
    CHECK_INT(fake_int(reply, "ntptime2"), FAKE_NOW_S * 1000 - 60500);
    json_decref(reply);
    end();
}

static void test_refuse_tcp(void)
{
    start(true);
    fake_cloud_fault(&cloud, "{\"fault\":\"refuse_tcp\",\"on\":true}");
    CHECK(cloud.refuses_tcp);
    fake_cloud_pass_ms(&cloud, 86400000);
    CHECK(cloud.refuses_tcp);
    fake_cloud_fault(&cloud, "{\"fault\":\"refuse_tcp\",\"on\":false}");
    CHECK(!cloud.refuses_tcp);
    fake_cloud_fault(&cloud, "{\"fault\":\"refuse_tcp\",\"ms\":1000}");
    fake_cloud_pass_ms(&cloud, 999);
    CHECK(cloud.refuses_tcp);
    fake_cloud_pass_ms(&cloud, 1);
    CHECK(!cloud.refuses_tcp);
    fake_cloud_fault(&cloud, "{\"fault\":\"refuse_tcp\",\"ms\":1000}");
    fake_cloud_fault(&cloud, "{\"fault\":\"refuse_tcp\",\"on\":true}"); /* for ever after all */
    fake_cloud_pass_ms(&cloud, 5000);
    CHECK(cloud.refuses_tcp);
    fake_cloud_fault(&cloud, "{\"fault\":\"none\"}");
    CHECK(!cloud.refuses_tcp);
    fake_cloud_fault(&cloud, "{\"fault\":\"refuse_tcp\",\"ms\":1000}");
    end(); /* with a timer that runs */
}

/* A listening socket on any port of the loopback. */
static int listener(struct sockaddr_in *ret_address)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

    CHECK(fd >= 0);
    CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    CHECK_INT(bind(fd, (struct sockaddr *) &address, len), 0);
    CHECK_INT(listen(fd, 5), 0);
    CHECK_INT(getsockname(fd, (struct sockaddr *) &address, &len), 0);
    *ret_address = address;
    return fd;
}

/* A connected socket, or a negative errno. */
static int reach(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (const struct sockaddr *) address, sizeof(*address)) == 0)
        return fd;
    (void) fd_close(fd);
    return -errno;
}

static void test_listeners(void)
{
    struct listeners l = {0};
    struct sockaddr_in one, two;
    CLEANUP(fd_closep) int fd_one = listener(&one), fd_two = listener(&two);
    CLEANUP(fd_closep) int client = reach(&one), server = accept(fd_one, NULL, NULL);
    CLEANUP(fd_closep) int other = -1;
    char byte = 'x';

    CHECK(client >= 0 && server >= 0);
    CHECK_INT(listeners_close(&l, ntohs(two.sin_port)), 0);
    CHECK_INT(listeners_close(&l, ntohs(two.sin_port)), 0); /* again: nothing to do */
    CHECK_INT(reach(&one), -ECONNREFUSED);
    other = reach(&two); /* the one to keep */
    CHECK(other >= 0);
    CHECK_INT(write(server, &byte, 1), 1); /* connections stay */
    CHECK_INT(read(client, &byte, 1), 1);
    other = fd_close(other);

    CHECK_INT(listeners_open(&l), 0);
    other = reach(&one);
    CHECK(other >= 0);
    (void) fd_close(server);
    server = accept(fd_one, NULL, NULL); /* the same descriptor */
    CHECK(server >= 0);

    CHECK_INT(listeners_close(&l, ntohs(two.sin_port)), 0);
    listeners_done(&l);
    CHECK_INT(reach(&one), -ECONNREFUSED);
}

const char *const suite_name = "localcloud-faults";
const struct suite_test suite_tests[] = {
    {"mistakes", test_mistakes},     {"state", test_state},         {"counts", test_counts},
    {"wrong_code", test_wrong_code}, {"clock", test_clock},         {"sys_time", test_sys_time},
    {"refuse_tcp", test_refuse_tcp}, {"listeners", test_listeners}, {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cloud that sends whatever it likes (a broker that is not ours, and the test):
 *
 *   cloud                                              iotd
 *   not JSON, a hundred thousand brackets, 200 KB,
 *   no token, a token of 1000, wrong types         →
 *                                                      (a line in its log, or one answer)
 *   control                                        →
 *                                                  ← control_reply, as ever; no reconnect
 *   a packet of 300 KB                             →
 *                                                      (a line in its log)
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/broker-scene.h"

static void check_serves(struct broker_scene *b)
{
    broker_barrier(b);
    CHECK_THING(b->bus, "*", "GetAll", "");
}

static void check_reconnects(struct broker_scene *b, const char *n)
{
    CLEANUP(freep)
    char *text = bus_client_get(b->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Reconnects");

    CHECK_STR(text, n);
}

static void test_garbage(void)
{
    static const char *const payloads[] = {
        "",
        "x",
        "{",
        "}",
        "null",
        "5",
        "\"text\"",
        "[]",
        "{}",
        "{\"method\":5}",
        "{\"method\":null,\"clientToken\":\"g\"}",
        "{\"method\":{},\"clientToken\":\"g\"}",
        "{\"method\":\"\",\"clientToken\":\"g\"}",
        "{\"method\":\"no_such_method\",\"clientToken\":\"g\"}",
        "{\"method\":\"control_reply\",\"clientToken\":\"g\",\"code\":0}",
        "{\"method\":\"report\",\"clientToken\":\"g\",\"params\":{\"brightness\":1}}",
        "{\"method\":\"report_reply\",\"clientToken\":\"g\"}",
        "{\"method\":\"report_reply\",\"clientToken\":\"g\",\"code\":99999999999999999999}",
        "{\"method\":\"report_reply\",\"code\":0}",
        "{\"method\":\"control\",\"method\":\"control\",\"clientToken\":\"g\"}",
        "{\"method\":\"con\\u0000trol\",\"clientToken\":\"g\"}",
        "{\"method\":\"control\",\"clientToken\":\"\xff\xfe\"}",
        "\xc3\x28\xa0\xa1",
        "{\"method\":\"get_status_reply\",\"clientToken\":\"g\",\"data\":5}",
        "{\"method\":\"control\",\"clientToken\":\"g\"} trailing",
    };
    static const char *const channels[] = {"property", "event", "action", "service"};
    struct broker_scene b;

    broker_start(&b, NULL, true);
    for (size_t c = 0; c < ARRAY_SIZE(channels); c++) {
        for (size_t i = 0; i < ARRAY_SIZE(payloads); i++)
            broker_send_raw(&b, channels[c], payloads[i]);
        check_serves(&b);
    }
    CHECK_INT(broker_count(&b, "property", "\"g\""), 0);
    CHECK_INT(broker_count(&b, "event", "\"g\""), 0);
    check_reconnects(&b, "0");
    broker_stop(&b);
}

static char *repeated(const char *text, size_t n)
{
    size_t len = strlen(text);
    char *all = malloc(n * len + 1);

    if (!all)
        fixture_fatal("out of memory");
    for (size_t i = 0; i < n; i++)
        memcpy(all + i * len, text, len);
    all[n * len] = '\0';
    return all;
}

/* A control with this token and these params. */
static void send_control(struct broker_scene *b, const char *token, const char *params)
{
    CLEANUP(freep)
    char *payload = scene_printf("{\"method\":\"control\",\"clientToken\":\"%s\",\"params\":%s}",
                                 token, params);

    broker_send_raw(b, "property", payload);
}

static void test_deep(void)
{
    CLEANUP(freep)
    char *open = repeated("[", 100000), *close = repeated("]", 100000),
         *objects = repeated("{\"a\":", 40), *ends = repeated("}", 40);
    CLEANUP(freep)
    char *list = scene_printf("%s%s", open, close), *nested = scene_printf("%s1%s", objects, ends),
         *params = scene_printf("{\"name\":%s}", nested);
    struct broker_scene b;

    broker_start(&b, NULL, false);
    broker_send_raw(&b, "property", open);
    broker_send_raw(&b, "property", list);
    broker_send_raw(&b, "action", nested);
    send_control(&b, "g", params);
    check_serves(&b);
    CHECK_INT(broker_count(&b, "property", "\"g\""), 0);
    send_control(&b, "flat", "{\"name\":[[[[1]]]]}");
    CHECK_REPLY(&b, "property", "control_reply", "flat", 406, "name");
    check_reconnects(&b, "0");
    broker_stop(&b);
}

static void test_large(void)
{
    CLEANUP(freep)
    char *long_text = repeated("a", 200 * 1024), *many = NULL,
         *params = scene_printf("{\"name\":\"%s\"}", long_text),
         *id = scene_printf("{\"%s\":1}", long_text), *token = repeated("t", 1000),
         *fits = repeated("t", 128);
    struct broker_scene b;

    many = repeated("\"brightness2\":1,", 10000);
    many[strlen(many) - 1] = '\0';
    broker_start(&b, NULL, false);
    send_control(&b, "long", params);
    CHECK_REPLY(&b, "property", "control_reply", "long", 406, "name");
    send_control(&b, "id", id);
    CHECK_REPLY(&b, "property", "control_reply", "id", 403, "unknown property aaa");
    broker_send_raw(&b, "property", many);
    send_control(&b, token, "{\"color\":1}"); /* no answer could be told apart */
    check_serves(&b);
    CHECK_INT(broker_count(&b, "property", token), 0);
    send_control(&b, fits, "{\"color\":1}");
    CHECK_REPLY(&b, "property", "control_reply", fits, 0, "");
    check_reconnects(&b, "0");
    broker_stop(&b);
}

static void test_tokens(void)
{
    struct broker_scene b;

    broker_start(&b, NULL, false);
    broker_send(&b, "property", "{'method':'control','params':{'color':1}}");
    CHECK_REPLY(&b, "property", "control_reply", "", 0, "");
    broker_send(&b, "property", "{'method':'control','clientToken':5,'params':{'color':2}}");
    broker_send(&b, "property", "{'method':'control','clientToken':{},'params':{'color':2}}");
    check_serves(&b);
    send_control(&b, "\\\"\\\\\\n\\u4e66", "{\"color\":1}"); /* comes back as it was */
    CHECK_REPLY(&b, "property", "control_reply", "\"\\\n书", 0, "");
    check_reconnects(&b, "0");
    broker_stop(&b);
}

/* Longer than any packet may be: read, but not kept. */
static void test_too_long(void)
{
    CLEANUP(freep)
    char *huge = repeated("a", 300 * 1024), *path = fixture_write_file("huge", 0600, huge);
    struct broker_scene b;
    const char *port;

    broker_start(&b, NULL, false);
    port = strrchr(mosquitto_tcp_url(b.broker), ':') + 1;
    CHECK_INT(
        proc_run((const char *const[]){"mosquitto_pub", "-h", "127.0.0.1", "-p", port, "-q", "0",
                                       "-t", "$thing/down/property/" DEVICE_ID, "-f", path, NULL},
                 NULL),
        0);
    free(proc_wait_line(daemon_proc(b.iotd), PROC_STDERR,
                        "a message of 307200 bytes on \"$thing/down/property/" DEVICE_ID
                        "\" was thrown away"));
    check_serves(&b);
    check_reconnects(&b, "0");
    broker_stop(&b);
}

/*
 * The same while we are away: the broker keeps it for us until it is acknowledged. Once thrown
 * away it does not come again, and what came behind it arrives.
 */
static void test_too_long_kept(void)
{
    CLEANUP(freep) char *huge = repeated("a", 1024 * 1024), *log = NULL;
    struct broker_scene b;
    char *again;

    broker_start(&b, NULL, false);
    CHECK_MSG(scene_call(b.bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Disconnect", ""), "");
    (void) daemon_wait_link(b.iotd, "off");
    broker_send_raw(&b, "property", huge);
    send_control(&b, "behind", "{\"color\":1}");
    for (int i = 0; i < 2; i++) {
        CHECK_MSG(scene_call(b.bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Connect", ""), "");
        (void) daemon_wait_link(b.iotd, "up");
        if (i == 0)
            CHECK_REPLY(&b, "property", "control_reply", "behind", 0, "");
        check_serves(&b);
        CHECK_MSG(scene_call(b.bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Disconnect", ""), "");
        (void) daemon_wait_link(b.iotd, "off");
    }
    check_reconnects(&b, "2"); /* both asked for */
    log = proc_output(daemon_proc(b.iotd), PROC_STDERR);
    again = strstr(log, "was thrown away");
    CHECK(again && !strstr(again + 1, "was thrown away"));
    broker_stop(&b);
}

/* A thousand controls in a moment: each is answered, programs are served meanwhile. */
static void test_flood(void)
{
    CLEANUP(freep) char *lines = NULL, *path = NULL;
    struct broker_scene b;
    struct proc *flood;
    const char *port;

    lines = repeated("{\"method\":\"control\",\"params\":{\"color\":1}}\n", 1000);
    path = fixture_write_file("flood", 0600, lines);
    broker_start(&b, NULL, false);
    port = strrchr(mosquitto_tcp_url(b.broker), ':') + 1;
    flood = proc_start((const char *const[]){
        "sh", "-c",
        "exec mosquitto_pub -h 127.0.0.1 -p \"$1\" -q 0 -t '$thing/down/property/" DEVICE_ID
        "' -l <\"$2\"",
        "sh", port, path, NULL});
    for (int i = 0; i < 20; i++)
        CHECK_THING(b.bus, "{*", "GetAll", "");
    CHECK_INT(proc_wait(flood), 0);
    flood = proc_kill(flood);
    broker_barrier(&b);
    CHECK_INT(broker_count(&b, "property", "control_reply"), 1001);
    check_reconnects(&b, "0");
    broker_stop(&b);
}

const char *const suite_name = "13-limits-cloud";
const struct suite_test suite_tests[] = {
    {"garbage", test_garbage},   {"deep", test_deep},
    {"large", test_large},       {"tokens", test_tokens},
    {"too-long", test_too_long}, {"too-long-kept", test_too_long_kept},
    {"flood", test_flood},       {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The same as 07-tls-cloud with a broker that is not ours: it logs each CONNECT that reaches it.
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/certs.h"
#include "tests/lib/scene.h"
#include "tests/lib/tls-matrix.h"

typedef const char *(*url_fn)(const struct mosquitto_fixture *m);

static void check_no_login(struct mosquitto_fixture *m)
{
    CLEANUP(freep) char *log = mosquitto_log(m);

    CHECK(strstr(log, "New connection from") || strstr(log, "OpenSSL Error") || log[0]);
    if (strstr(log, "New client connected") || strstr(log, "Sending CONNACK"))
        suite_fail(__FILE__, __LINE__, "the broker saw a CONNECT: %s", log);
}

static void check_up(struct mosquitto_fixture *m, struct daemon_fixture *iotd)
{
    struct proc *sub = mosquitto_subscribe(m, "$thing/up/property/#");
    CLEANUP(freep) char *line = NULL;

    CHECK(daemon_wait_link(iotd, "up"));
    (void) thing_token(daemon_bus(iotd), "ReportValue", "sv", "brightness", "i", 32);
    line = proc_wait_line(sub, PROC_STDOUT, "\"brightness\"");
    CHECK(line && strstr(line, "\"method\":\"report\"") && strstr(line, "\"brightness\":32"));
    sub = proc_kill(sub);
}

static void run_case(const struct tls_case *tc, url_fn way)
{
    const struct mosquitto_tls tls = {.cert = tc->server};
    struct mosquitto_fixture *m = mosquitto_start_tls(&tls);
    struct daemon_fixture *iotd = tls_start_iotd(way(m), tc->trust, NULL);

    if (tc->reason) {
        tls_check_refused(iotd, tc->reason);
        check_no_login(m);
    } else {
        check_up(m, iotd);
    }
    iotd = daemon_stop(iotd);
    m = mosquitto_stop(m);
}

static void run_cases(url_fn way)
{
    certs_make();
    for (const struct tls_case *tc = tls_cases; tc->server; tc++)
        run_case(tc, way);
}

static void test_wss(void)
{
    run_cases(mosquitto_wss_url);
}

static void test_mqtts(void)
{
    run_cases(mosquitto_tls_url);
}

static void test_client_certificate(void)
{
    static const url_fn ways[] = {mosquitto_wss_url, mosquitto_tls_url};
    static const char credentials[] =
        "{\"auth_mode\":\"CERT\",\"productId\":\"" CLOUD_PRODUCT "\",\"deviceName\":\"" CLOUD_DEVICE
        "\",\"cert_deviceinfo\":"
        "{\"devCertFile\":\"client.pem\",\"devPrivateKeyFile\":\"client.key\"}}";
    const struct mosquitto_tls tls = {.cert = "right", .ca = "ca"};

    certs_make();
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        struct mosquitto_fixture *m = mosquitto_start_tls(&tls);
        struct daemon_fixture *iotd = tls_start_iotd(ways[i](m), "ca", NULL);

        tls_check_refused(iotd, "localhost asks for a client certificate: there is none to show, "
                                "auth_mode is not CERT");
        check_no_login(m);
        iotd = daemon_stop(iotd);

        iotd = tls_start_iotd(ways[i](m), "ca", credentials);
        check_up(m, iotd);
        iotd = daemon_stop(iotd);
        m = mosquitto_stop(m);
    }
}

const char *const suite_name = "07-tls-mosquitto";
const struct suite_test suite_tests[] = {
    {"wss", test_wss},
    {"mqtts", test_mqtts},
    {"client-certificate", test_client_certificate},
    {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iotd and a cloud over wss:// and mqtts://.
 *
 *   iotd                              cloud
 *   TLS, certificate and name good →
 *   CONNECT, SUBSCRIBE, report     →
 *                                  ←  report_reply
 *   TLS, anything else             →
 *   closes; Link.Reason says why      sees no CONNECT
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/certs.h"
#include "tests/lib/scene.h"
#include "tests/lib/tls-matrix.h"

typedef const char *(*url_fn)(const struct cloud_fixture *c);

static const url_fn ways[] = {cloud_wss_url, cloud_tls_url};

#define CERT_DEVICE "lamp_002"

static char *cert_credentials(const char *name)
{
    return scene_printf("{\"auth_mode\":\"CERT\",\"productId\":\"" CLOUD_PRODUCT
                        "\",\"deviceName\":\"" CERT_DEVICE "\",\"cert_deviceinfo\":"
                        "{\"devCertFile\":\"%s.pem\",\"devPrivateKeyFile\":\"%s.key\"}}",
                        name, name);
}

/* examples/localcloud.json with a device that has the certificate "client". */
static char *cert_config(void)
{
    CLEANUP(freep) char *model = fixture_source_path("examples/smart-light.json");
    CLEANUP(freep)
    char *text =
        scene_printf("{\"products\":[{\"product_id\":\"" CLOUD_PRODUCT "\",\"model\":\"%s\","
                     "\"devices\":[{\"device_name\":\"" CERT_DEVICE "\",\"cert\":\"client.pem\"}"
                     "]}],\"apps\":[]}",
                     model);

    return fixture_write_file("cert-cloud.json", 0600, text);
}

/* The cloud's journal has no trace of a login. */
static void check_no_login(struct cloud_fixture *c)
{
    CLEANUP(freep) char *journal = cloud_journal(c);

    if (strcasestr(journal, "connect") || strcasestr(journal, "refused"))
        suite_fail(__FILE__, __LINE__, "the cloud saw: %s", journal);
}

static void check_up(struct cloud_fixture *c, struct daemon_fixture *iotd)
{
    CLEANUP(json_decrefp) json_t *message = NULL;

    CHECK(daemon_wait_link(iotd, "up"));
    (void) thing_token(daemon_bus(iotd), "ReportValue", "sv", "brightness", "i", 32);
    message = cloud_wait_method(c, "up", "report");
    CHECK_JSON(json_object_get(message, "params"), "{'brightness':32}");
}

static void run_case(const struct tls_case *tc, url_fn way)
{
    const struct cloud_tls tls = {.cert = tc->server};
    struct cloud_fixture *c = cloud_start_tls(NULL, &tls);
    struct daemon_fixture *iotd = tls_start_iotd(way(c), tc->trust, NULL);

    if (tc->reason) {
        tls_check_refused(iotd, tc->reason);
        check_no_login(c);
    } else {
        check_up(c, iotd);
    }
    iotd = daemon_stop(iotd);
    c = cloud_stop(c);
}

static void run_cases(url_fn way)
{
    certs_make();
    for (const struct tls_case *tc = tls_cases; tc->server; tc++)
        run_case(tc, way);
}

static void test_wss(void)
{
    run_cases(cloud_wss_url);
}

static void test_mqtts(void)
{
    run_cases(cloud_tls_url);
}

/* An authority that the system knows; both TLS libraries look where SSL_CERT_DIR points. */
static void test_system_store(void)
{
    CLEANUP(freep) char *store = NULL;

    certs_make();
    store = certs_store();
    (void) setenv("SSL_CERT_DIR", store, 1);
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        const struct cloud_tls tls = {.cert = "right"};
        struct cloud_fixture *c = cloud_start_tls(NULL, &tls);
        struct daemon_fixture *iotd = tls_start_iotd(ways[i](c), NULL, NULL);

        check_up(c, iotd);
        iotd = daemon_stop(iotd);
        c = cloud_stop(c);
    }
    (void) unsetenv("SSL_CERT_DIR");
}

/* An address as host is looked for among the addresses of the certificate. */
static void test_address(void)
{
    static const struct {
        const char *server, *reason;
    } cases[] = {{"right", NULL},
                 {"wrong-host", "certificate of 127.0.0.1: made for another host"}};

    certs_make();
    for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
        const struct cloud_tls tls = {.cert = cases[i / 2].server};
        struct cloud_fixture *c = cloud_start_tls(NULL, &tls);
        const char *url = ways[i % 2](c), *port = strrchr(url, ':');
        CLEANUP(freep)
        char *endpoint = scene_printf("%s://127.0.0.1%s", i % 2 ? "mqtts" : "wss", port);
        struct daemon_fixture *iotd = tls_start_iotd(endpoint, "ca", NULL);

        if (cases[i / 2].reason) {
            tls_check_refused(iotd, cases[i / 2].reason);
            check_no_login(c);
        } else {
            check_up(c, iotd);
        }
        iotd = daemon_stop(iotd);
        c = cloud_stop(c);
    }
}

/* The server wants a certificate from every client. */
static void test_missing_client_certificate(void)
{
    const struct cloud_tls tls = {.cert = "right", .ca = "ca", .require_cert = true};

    certs_make();
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        struct cloud_fixture *c = cloud_start_tls(NULL, &tls);
        struct daemon_fixture *iotd = tls_start_iotd(ways[i](c), "ca", NULL);

        tls_check_refused(iotd, "localhost asks for a client certificate: there is none to show, "
                                "auth_mode is not CERT");
        check_no_login(c);
        iotd = daemon_stop(iotd);
        c = cloud_stop(c);
    }
}

/* A certificate device: over wss:// it signs, over mqtts:// it shows the certificate. */
static void test_certificate_device(void)
{
    const struct cloud_tls tls = {.cert = "right", .ca = "ca"};
    CLEANUP(freep) char *config = NULL, *credentials = cert_credentials("client");

    certs_make();
    config = cert_config();
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        struct cloud_fixture *c = cloud_start_tls(config, &tls);
        struct daemon_fixture *iotd = tls_start_iotd(ways[i](c), "ca", credentials);

        check_up(c, iotd);
        iotd = daemon_stop(iotd);
        c = cloud_stop(c);
    }
}

/* A good certificate, but of another device: TLS lets it in, the login does not. */
static void test_other_certificate(void)
{
    const struct cloud_tls tls = {.cert = "right", .ca = "ca"};
    CLEANUP(freep) char *config = NULL, *credentials = cert_credentials("other-client");

    certs_make();
    config = cert_config();
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        struct cloud_fixture *c = cloud_start_tls(config, &tls);
        struct daemon_fixture *iotd = tls_start_iotd(ways[i](c), "ca", credentials);
        CLEANUP(json_decrefp) json_t *entry = NULL;

        CHECK(daemon_wait_link(iotd, "refused"));
        entry = cloud_wait(c, "event", "refused", "certificate");
        CHECK(entry != NULL);
        iotd = daemon_stop(iotd);
        c = cloud_stop(c);
    }
}

/* A certificate that the server's authority did not sign. */
static void test_foreign_certificate(void)
{
    const struct cloud_tls tls = {.cert = "right", .ca = "ca"};
    CLEANUP(freep) char *config = NULL, *credentials = cert_credentials("foreign-client");

    certs_make();
    config = cert_config();
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        struct cloud_fixture *c = cloud_start_tls(config, &tls);
        struct daemon_fixture *iotd = tls_start_iotd(ways[i](c), "ca", credentials);

        tls_check_refused(iotd, "our certificate");
        check_no_login(c);
        iotd = daemon_stop(iotd);
        c = cloud_stop(c);
    }
}

/* A port that speaks no TLS is told apart from one where nobody listens. */
static void test_no_tls(void)
{
    const struct cloud_tls tls = {.cert = "right"};
    struct cloud_fixture *c;

    certs_make();
    c = cloud_start_tls(NULL, &tls);
    for (size_t i = 0; i < 2; i++) {
        const char *plain = i ? cloud_tcp_url(c) : cloud_ws_url(c);
        CLEANUP(freep)
        char *endpoint = scene_printf("%s://localhost%s", i ? "mqtts" : "wss", strrchr(plain, ':'));
        struct daemon_fixture *iotd = tls_start_iotd(endpoint, "ca", NULL);

        tls_check_refused(iotd, "no TLS handshake with localhost: is it a port for TLS?");
        iotd = daemon_stop(iotd);
    }
    c = cloud_stop(c);
}

/* A dropped link comes back with a shorter handshake, where iotd has that (OpenSSL). */
static void test_resumed(void)
{
    const struct cloud_tls tls = {.cert = "right"};

    certs_make();
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        struct cloud_fixture *c = cloud_start_tls(NULL, &tls);
        struct daemon_fixture *iotd = tls_start_iotd(ways[i](c), "ca", NULL);
        CLEANUP(freep) char *line = NULL;

        check_up(c, iotd);
        proc_signal(daemon_proc(iotd), SIGUSR2); /* debug messages from now on */
        cloud_fault(c, "{\"fault\":\"drop\"}");
        line = proc_wait_line(daemon_proc(iotd), PROC_STDERR, "debug tls: TLSv1.");
        CHECK(line && (!strstr(line, "resumed=") || strstr(line, "resumed=1")));
        check_up(c, iotd);
        iotd = daemon_stop(iotd);
        c = cloud_stop(c);
    }
}

const char *const suite_name = "07-tls-cloud";
const struct suite_test suite_tests[] = {
    {"wss", test_wss},
    {"mqtts", test_mqtts},
    {"system-store", test_system_store},
    {"address", test_address},
    {"missing-client-certificate", test_missing_client_certificate},
    {"certificate-device", test_certificate_device},
    {"other-certificate", test_other_certificate},
    {"foreign-certificate", test_foreign_certificate},
    {"no-tls", test_no_tls},
    {"resumed", test_resumed},
    {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What needs no server: settings, words, and a stream that is fed badly. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/crypto/rsa.h"
#include "daemon/net/tls.h"
#include "daemon/net/tls_stream.h"
#include "tests/lib/keys.h"
#include "tests/lib/suite.h"

static char ca_path[64];

static void write_ca(const char *text)
{
    int fd;

    strcpy(ca_path, "/tmp/test-tls-XXXXXX");
    fd = mkstemp(ca_path);
    CHECK(fd >= 0);
    CHECK_INT(write(fd, text, strlen(text)), strlen(text));
    CHECK_INT(close(fd), 0);
}

static struct tls *make_tls(const char *host)
{
    const struct tls_config config = {.host = host, .ca_file = ca_path};
    char problem[TLS_PROBLEM] = "";
    struct tls *tls = NULL;

    CHECK_INT(tls_new(&tls, &config, problem), 0);
    CHECK(tls && !tls_refusal(tls) && tls_native(tls));
    return tls;
}

static void test_settings(void)
{
    CLEANUP(secret_freep) struct secret *key = NULL;
    struct tls_config config = {.host = "h.example", .ca_file = ca_path};
    char problem[TLS_PROBLEM] = "", want[TLS_PROBLEM], host[300];
    struct tls *tls = NULL;

    config.ca_file = "/no/such/file";
    CHECK_INT(tls_new(&tls, &config, problem), -EINVAL);
    CHECK_STR(problem, "no PEM certificate can be read from \"/no/such/file\"");
    config.ca_file = ca_path;
    write_ca("no certificate\n");
    CHECK_INT(tls_new(&tls, &config, problem), -EINVAL);
    (void) snprintf(want, sizeof(want), "no PEM certificate can be read from \"%s\"", ca_path);
    CHECK_STR(problem, want);
    (void) unlink(ca_path);

    write_ca(KEYS_CERT);
    CHECK_INT(rsa_key_parse(&key, KEYS_RSA, strlen(KEYS_RSA)), 0);
    config.key = secret_data(key);
    config.key_len = secret_len(key);
    config.cert = "no certificate";
    CHECK_INT(tls_new(&tls, &config, problem), -EINVAL);
    CHECK_STR(problem, "the device certificate is not PEM");
    config.cert = KEYS_OTHER_CERT;
    CHECK_INT(tls_new(&tls, &config, problem), -EINVAL);
    CHECK_STR(problem, "the private key is not that of the device certificate");
    config.cert = KEYS_CERT KEYS_OTHER_CERT; /* with a chain */
    CHECK_INT(tls_new(&tls, &config, problem), 0);
    tls = tls_free(tls);

    memset(host, 'h', sizeof(host) - 1);
    host[sizeof(host) - 1] = '\0';
    config.host = host;
    CHECK_INT(tls_new(&tls, &config, problem), -EINVAL);
    CHECK(!tls && !tls_free(NULL));
    (void) unlink(ca_path);
}

/* Nothing is taken for proven that is not. */
static void test_unproven(void)
{
    char problem[TLS_PROBLEM] = "";
    struct tls_stream *s = NULL;
    struct tls *tls;

    write_ca(KEYS_CERT);
    tls = make_tls("h.example");
    CHECK(!tls_explain(tls, NULL, problem)); /* no connection has begun */
    CHECK_INT(tls_prove(tls, NULL, problem), -EPERM);
    CHECK_STR(problem, "certificate of h.example: not verified by the TLS library");
    CHECK(!tls_is_proven(tls));
    tls_begin(tls);
    CHECK(!tls_explain(tls, NULL, problem));

    CHECK_INT(tls_stream_new(&s, tls), 0);
    CHECK_INT(tls_stream_write(s, (const uint8_t *) "secret", 6), -EPROTO);
    CHECK(!tls_is_proven(tls));
    s = tls_stream_free(s);
    tls = tls_free(tls);
    (void) unlink(ca_path);
}

static void test_stream(void)
{
    static const uint8_t http[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    uint8_t buf[2048];
    char problem[TLS_PROBLEM] = "";
    struct tls_stream *s = NULL;
    struct tls *tls;
    size_t n;
    int r;

    write_ca(KEYS_CERT);
    tls = make_tls("h.example");
    CHECK_INT(tls_stream_new(&s, tls), 0);
    n = tls_stream_pending(s);
    CHECK(n > 50 && n < sizeof(buf));
    CHECK_INT(tls_stream_take(s, buf, sizeof(buf)), n);
    CHECK(buf[0] == 22 && buf[1] == 3);                      /* a handshake record, RFC 8446, 5.1 */
    CHECK(memmem(buf, n, "h.example", strlen("h.example"))); /* server name indication */
    CHECK_INT(tls_stream_pending(s), 0);
    CHECK_INT(tls_stream_take(s, buf, sizeof(buf)), 0);
    CHECK_INT(tls_stream_feed(s, http, 0), 0);
    CHECK_INT(tls_stream_feed(s, (const uint8_t[]){22}, 1), 0); /* half a header */
    CHECK_INT(tls_stream_read(s, buf, sizeof(buf)), 0);
    r = tls_stream_feed(s, http, sizeof(http) - 1);
    CHECK_INT(r, -EPROTO);
    CHECK(tls_stream_problem(s, problem));
    CHECK_STR(problem, "no TLS handshake with h.example: is it a port for TLS?");
    s = tls_stream_free(s);
    CHECK(!tls_stream_free(NULL));
    tls = tls_free(tls);
    (void) unlink(ca_path);
}

/* A fatal alert in place of the server's hello, RFC 8446, 6. */
static void test_alert(void)
{
    static const struct {
        uint8_t code;
        const char *problem;
    } cases[] = {
        {40, "h.example refuses the TLS handshake (handshake_failure)"},
        {70, "h.example speaks no TLS that iotd does (protocol_version)"},
        {112, "h.example does not know this name (unrecognized_name)"},
        {99, "h.example ended the connection with a TLS alert"},
    };

    write_ca(KEYS_CERT);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const uint8_t alert[] = {21, 3, 3, 0, 2, 2, cases[i].code};
        char problem[TLS_PROBLEM] = "";
        struct tls *tls = make_tls("h.example");
        struct tls_stream *s = NULL;

        CHECK_INT(tls_stream_new(&s, tls), 0);
        CHECK_INT(tls_stream_feed(s, alert, sizeof(alert)), -EPROTO);
        CHECK(tls_stream_problem(s, problem));
        CHECK_STR(problem, cases[i].problem);
        s = tls_stream_free(s);
        tls = tls_free(tls);
    }
    (void) unlink(ca_path);
}

/* An address is no name: it is not sent as one. */
static void test_address(void)
{
    static const char *const hosts[] = {"192.0.2.7", "2001:db8::7"};
    uint8_t buf[2048];

    write_ca(KEYS_CERT);
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        struct tls *tls = make_tls(hosts[i]);
        struct tls_stream *s = NULL;
        size_t n;

        CHECK_INT(tls_stream_new(&s, tls), 0);
        n = tls_stream_take(s, buf, sizeof(buf));
        CHECK(n > 50 && !memmem(buf, n, hosts[i], strlen(hosts[i])));
        s = tls_stream_free(s);
        tls = tls_free(tls);
    }
    (void) unlink(ca_path);
}

const char *const suite_name = "tls";
const struct suite_test suite_tests[] = {
    {"settings", test_settings}, {"unproven", test_unproven}, {"stream", test_stream},
    {"alert", test_alert},       {"address", test_address},   {NULL, NULL},
};

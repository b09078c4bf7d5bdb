/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iotd was built for one TLS library, and the libwebsockets that it finds at start uses another:
 * it cannot verify the server, so it does not connect, and says so.
 * IOTD_TEST_OTHER_LWS is a directory with such a libwebsockets (tests/build-lws-wolfssl).
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/certs.h"
#include "tests/lib/scene.h"
#include "tests/lib/tls-matrix.h"

static void test_other_library(void)
{
    static const char reason[] =
        "this libwebsockets does not use the TLS library that iotd was built for";
    const char *dir = getenv("IOTD_TEST_OTHER_LWS");
    const struct cloud_tls tls = {.cert = "right"};

    if (!dir)
        fixture_skip("no libwebsockets on another TLS library (tests/build-lws-wolfssl makes one)");
    certs_make();
    for (int i = 0; i < 2; i++) {
        struct cloud_fixture *c = cloud_start_tls(NULL, &tls);
        CLEANUP(freep) char *journal = NULL;
        struct daemon_fixture *iotd;

        (void) setenv("LD_LIBRARY_PATH", dir, 1);
        iotd = tls_start_iotd(i ? cloud_tls_url(c) : cloud_wss_url(c), "ca", NULL);
        (void) unsetenv("LD_LIBRARY_PATH");
        tls_check_refused(iotd, reason);
        journal = cloud_journal(c);
        CHECK(!strstr(journal, "connect"));
        iotd = daemon_stop(iotd);
        c = cloud_stop(c);
    }
}

/* Without TLS there is nothing to verify, and it works. */
static void test_plain(void)
{
    const char *dir = getenv("IOTD_TEST_OTHER_LWS");
    struct cloud_fixture *c;
    struct daemon_fixture *iotd;

    if (!dir)
        return;
    c = cloud_start(NULL);
    (void) setenv("LD_LIBRARY_PATH", dir, 1);
    iotd = tls_start_iotd(cloud_ws_url(c), NULL, NULL);
    (void) unsetenv("LD_LIBRARY_PATH");
    CHECK(daemon_wait_link(iotd, "up"));
    iotd = daemon_stop(iotd);
    c = cloud_stop(c);
}

const char *const suite_name = "07-tls-library";
const struct suite_test suite_tests[] = {
    {"other-library", test_other_library},
    {"plain", test_plain},
    {NULL, NULL},
};

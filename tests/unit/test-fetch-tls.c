/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Downloads over https: from the right server only. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/certs.h"
#include "tests/lib/fetch-rig.h"
#include "tests/lib/suite.h"

#define SIZE 1000000U

static void test_tls(void)
{
    static const struct {
        const char *server, *trust, *text;
    } tls[] = {
        {"right", "ca", "complete"},
        {"right", "other-ca",
         "certificate of localhost: signed by an authority that is not trusted"},
        {"wrong-host", "ca", "certificate of localhost: made for another host"},
        {"expired", "ca", "certificate of localhost: expired"},
        {"self-signed", "ca", "certificate of localhost: "},
    };
    static const struct file_server_step steps[] = {
        CUT(1), CUT(300000), CUT(70000), {.no_length = true}};

    for (size_t i = 0; i < ARRAY_SIZE(tls); i++) {
        CLEANUP(freep) char *cert = certs_pem(tls[i].server), *key = certs_key(tls[i].server);
        CLEANUP(freep) char *ca = certs_pem(tls[i].trust);
        struct file_server_config config = {
            .size = SIZE, .steps = steps, .n_steps = 4, .cert = cert, .key = key};
        struct fetch_rig g;

        fetch_rig_open(&g, &config, ca);
        fetch_rig_run(&g);
        CHECK_INT(g.end.result, i == 0 ? TRANSFER_OK : TRANSFER_FAILED);
        if (strncmp(g.text, tls[i].text, strlen(tls[i].text)) != 0)
            suite_fail(__FILE__, __LINE__, "%s for %s: %s", tls[i].server, tls[i].trust, g.text);
        CHECK_INT(file_server_seen(g.server)->n_connections, i == 0 ? 4 : 0);
        if (i == 0)
            fetch_rig_check_file(&g);
        fetch_rig_close(&g);
    }
}

/* From https to http: no; from http to https: yes. */
static void test_tls_redirect(void)
{
    CLEANUP(freep)
    char *cert = certs_pem("right"), *key = certs_key("right"), *ca = certs_pem("ca");
    char down[160], up[160];
    struct file_server_step step = WELL;
    struct file_server_config config = {.size = SIZE, .steps = &step, .n_steps = 1};
    struct fetch_rig plain, tls;

    fetch_rig_open(&plain, &config, ca);
    (void) snprintf(down, sizeof(down), "HTTP/1.1 302 Found\r\nLocation: %s\r\n\r\n", plain.url);
    step.answer = down;
    config.cert = cert;
    config.key = key;
    fetch_rig_open(&tls, &config, ca);
    fetch_rig_run(&tls);
    CHECK_INT(tls.end.result, TRANSFER_FAILED);
    CHECK_STR(tls.text, "a redirect from https to http");
    CHECK_INT(file_server_seen(plain.server)->n_connections, 0);
    fetch_rig_close(&tls);

    step.answer = NULL;
    fetch_rig_open(&tls, &config, ca);
    (void) snprintf(up, sizeof(up), "HTTP/1.1 302 Found\r\nLocation: %s\r\n\r\n", tls.url);
    step.answer = up;
    config.cert = config.key = NULL;
    fetch_rig_close(&plain);
    fetch_rig_open(&plain, &config, ca);
    fetch_rig_run(&plain);
    CHECK_INT(plain.end.result, TRANSFER_OK);
    CHECK_INT(file_server_seen(tls.server)->n_connections, 1);
    fetch_rig_check_file(&plain);
    fetch_rig_close(&plain);
    fetch_rig_close(&tls);
}

/* A trust store that cannot be read is said, not passed over. */
static void test_no_trust(void)
{
    struct file_server_config config = {.size = SIZE, STEPS(WELL)};
    struct fetch_rig g;

    fetch_rig_open(&g, &config, "/no/such/file.pem");
    g.rq.url = "https://localhost:1/";
    fetch_rig_run(&g);
    CHECK_INT(g.end.result, TRANSFER_FAILED);
    CHECK_STR(g.text, "no PEM certificate can be read from \"/no/such/file.pem\"");
    fetch_rig_close(&g);
}

static void test_certs(void)
{
    fetch_rig_make_certs();
    test_tls();
    test_tls_redirect();
    fetch_rig_remove_certs();
}

const char *const suite_name = "fetch-tls";
const struct suite_test suite_tests[] = {
    {"tls", test_certs},
    {"no_trust", test_no_trust},
    {NULL, NULL},
};

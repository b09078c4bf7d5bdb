/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registration over https://, and of a device that gets a certificate:
 *
 *   iotd                                                   cloud
 *   TLS, certificate and name good                       →
 *   POST /device/register                                →
 *                                                        ← psk, or certificate and key
 *   connects with it
 *
 *   TLS, anything else: closes, says why                    sees no request
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/lib/certs.h"
#include "tests/lib/dynreg-stage.h"
#include "tests/lib/tls-matrix.h"

#define CERT_DEVICE "lamp_003"

/* The cloud shows that certificate; iotd trusts that authority. */
static void begin(struct stage *st, const char *server, const char *trust)
{
    CLEANUP(freep) char *model = fixture_source_path("examples/smart-light.json");
    CLEANUP(freep)
    char *text = scene_printf(
        "{\"products\":[{\"product_id\":\"" CLOUD_PRODUCT "\",\"product_secret\":\"%s\","
        "\"model\":\"%s\",\"devices\":[{\"device_name\":\"" STAGE_DEVICE "\"},"
        "{\"device_name\":\"" CERT_DEVICE "\",\"cert\":\"client.pem\",\"key\":\"client.key\"}]}]}",
        STAGE_PRODUCT_SECRET, model);
    CLEANUP(freep) char *config = fixture_write_file("cloud.json", 0600, text);
    CLEANUP(freep) char *ca = trust ? certs_pem(trust) : strdup("");
    const struct cloud_tls tls = {.cert = server, .ca = "ca"};

    *st = (struct stage){.settings = NULL};
    st->scene.cloud = cloud_start_tls(config, &tls);
    st->settings = scene_printf("%sca_file = %s\n"
                                "register_url = https://localhost:%d/device/register\n",
                                SCENE_LINK, ca, cloud_https_port(st->scene.cloud));
    st->credentials = fixture_test_path("device_info.json");
}

static void test_good(void)
{
    struct stage s;

    begin(&s, "right", "ca");
    stage_boot(&s, STAGE_FIRST_BOOT);
    STAGE_WAIT(&s, "up", "");
    CHECK_INT(stage_count(&s, "registered"), 1);
    stage_done(&s);
}

/* The product secret proves nothing to a wrong server: not a byte goes there. */
static void test_matrix(void)
{
    for (const struct tls_case *tc = tls_cases; tc->server; tc++) {
        CLEANUP(freep) char *journal = NULL;
        struct stage s;

        if (!tc->reason)
            continue;
        begin(&s, tc->server, tc->trust);
        stage_boot(&s, STAGE_FIRST_BOOT);
        STAGE_WAIT(&s, "waiting", tc->reason);
        STAGE_WAIT(&s, "waiting", "dynamic registration: localhost port ");
        CHECK_INT(stage_count(&s, "registered"), 0);
        CHECK_INT(stage_count(&s, "register_refused"), 0);
        stage_done(&s);
    }
}

/* Certificate and key are kept beside the credentials, and work. */
static void test_certificate(void)
{
    CLEANUP(freep) char *cert = fixture_test_path(CERT_DEVICE "_cert.crt");
    CLEANUP(freep) char *key = fixture_test_path(CERT_DEVICE "_private.key");
    CLEANUP(json_decrefp) json_t *stored = NULL, *connect = NULL;
    struct stat st;
    struct stage s;

    begin(&s, "right", "ca");
    s.scene.iotd = daemon_start(&(struct daemon_options){
        .endpoint = cloud_wss_url(s.scene.cloud),
        .settings = s.settings,
        .credentials = STAGE_CREDENTIALS(CERT_DEVICE, STAGE_PRODUCT_SECRET),
    });
    s.scene.bus = daemon_bus(s.scene.iotd);
    STAGE_WAIT(&s, "up", "");
    stored = stage_read(s.credentials);
    CHECK_STR(scene_text(stored, "auth_mode"), "CERT");
    CHECK_STR(scene_text(json_object_get(stored, "cert_deviceinfo"), "devCertFile"),
              CERT_DEVICE "_cert.crt");
    CHECK_INT(stat(cert, &st), 0);
    CHECK_INT(stat(key, &st), 0);
    CHECK_INT(st.st_mode & 07777, 0600);
    connect = cloud_wait(s.scene.cloud, "event", "connect", NULL);
    CHECK_STR(scene_text(connect, "device"), CLOUD_PRODUCT "/" CERT_DEVICE);
    daemon_start_again(s.scene.iotd);
    STAGE_WAIT(&s, "up", "");
    CHECK_INT(stage_count(&s, "registered"), 1);
    stage_done(&s);
}

static void make_certs(void)
{
    certs_make();
}

const char *const suite_name = "dynreg-https";
const struct suite_test suite_tests[] = {
    {"certificates", make_certs},      {"good", test_good}, {"matrix", test_matrix},
    {"certificate", test_certificate}, {NULL, NULL},
};

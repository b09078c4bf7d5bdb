/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_CLOUD_FIXTURE_H
#define IOTD_TESTS_CLOUD_FIXTURE_H

/*
 * A running iot-localcloud and its application side. Results that are json_t are new references.
 * Waiting in vain fails the running test.
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "tests/lib/proc.h"

/* The product and device of examples/localcloud.json and examples/device_info.json. */
#define CLOUD_PRODUCT "IOTDLIGHT1"
#define CLOUD_DEVICE "lamp_001"

struct cloud_fixture;

/* config: a path, or NULL for examples/localcloud.json. Ready on return. */
struct cloud_fixture *cloud_start(const char *config);
/* The same with TLS ports; names as in certs.h, made before. */
struct cloud_tls {
    const char *cert;
    const char *ca; /* asks clients for a certificate; NULL: does not */
    bool require_cert;
};
struct cloud_fixture *cloud_start_tls(const char *config, const struct cloud_tls *tls);
/* Stops and asserts a clean end. Accepts NULL, always returns NULL. */
struct cloud_fixture *cloud_stop(struct cloud_fixture *c);
/* As a crash of the cloud; starting it again on the same ports. */
void cloud_kill(struct cloud_fixture *c);
void cloud_restart(struct cloud_fixture *c);
/* SIGSTOP and SIGCONT: its ports still take connections. */
void cloud_signal(struct cloud_fixture *c, int signal);

/* Endpoints for iotd; borrowed. */
const char *cloud_ws_url(const struct cloud_fixture *c);  /* ws://127.0.0.1:N/mqtt */
const char *cloud_tcp_url(const struct cloud_fixture *c); /* mqtt://127.0.0.1:N */
const char *cloud_wss_url(const struct cloud_fixture *c); /* wss://localhost:N/mqtt */
const char *cloud_tls_url(const struct cloud_fixture *c); /* mqtts://localhost:N */
int cloud_tcp_port(const struct cloud_fixture *c);
int cloud_http_port(const struct cloud_fixture *c);
int cloud_https_port(const struct cloud_fixture *c); /* for localhost; with TLS only */

/*
 * An application-side call for the device above; args are "Key=text" or "Key:=JSON", ended by
 * NULL, beside ProductId and DeviceName. The Response, also when it holds an Error.
 */
json_t *cloud_app(struct cloud_fixture *c, const char *action, const char *const *args);
/* The same in two steps, for calls that the device answers meanwhile. */
struct proc *cloud_app_start(struct cloud_fixture *c, const char *action, const char *const *args);
json_t *cloud_app_finish(struct proc *p);
/* AppControlDeviceData with that JSON object of values; its Response. */
json_t *cloud_control(struct cloud_fixture *c, const char *values);

/* A fault switch, as JSON (examples/localcloud/README.md). */
void cloud_fault(struct cloud_fixture *c, const char *json);
json_t *cloud_state(struct cloud_fixture *c);
/* All that the journal has so far, one JSON line each. The text is the caller's. */
char *cloud_journal(struct cloud_fixture *c);

/*
 * The journal: the next entry in that direction ("up", "down", "event") whose topic or event name
 * contains subject and whose payload or reason contains text (NULL: whatever). Entries before it
 * are skipped for good.
 */
json_t *cloud_wait(struct cloud_fixture *c, const char *direction, const char *subject,
                   const char *text);
/* The parsed payload of the next message with that "method". */
json_t *cloud_wait_method(struct cloud_fixture *c, const char *direction, const char *method);

#endif /* IOTD_TESTS_CLOUD_FIXTURE_H */

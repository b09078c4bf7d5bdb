/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_MOSQUITTO_FIXTURE_H
#define IOTD_TESTS_MOSQUITTO_FIXTURE_H

/* A broker that is not ours, which lets everybody in, on two free ports. */

#include "tests/lib/proc.h"

struct mosquitto_fixture;

/* Ends the test program as skipped (77) when there is no mosquitto. Ready on return. */
struct mosquitto_fixture *mosquitto_start(void);
/* The same with TLS ports as well; names as in certs.h, made before. */
struct mosquitto_tls {
    const char *cert;
    const char *ca; /* every client must show a certificate that it signed; NULL: need not */
};
struct mosquitto_fixture *mosquitto_start_tls(const struct mosquitto_tls *tls);
/* Stops and asserts a clean end. Accepts NULL, always returns NULL. */
struct mosquitto_fixture *mosquitto_stop(struct mosquitto_fixture *m);

const char *mosquitto_ws_url(const struct mosquitto_fixture *m);  /* ws://127.0.0.1:N/mqtt */
const char *mosquitto_tcp_url(const struct mosquitto_fixture *m); /* mqtt://127.0.0.1:N */

const char *mosquitto_wss_url(const struct mosquitto_fixture *m); /* wss://localhost:N/mqtt */
const char *mosquitto_tls_url(const struct mosquitto_fixture *m); /* mqtts://localhost:N */

/* What it logged so far. The text is the caller's. */
char *mosquitto_log(const struct mosquitto_fixture *m);

/* mosquitto_sub on a topic filter; each message is a line "topic payload". Subscribed on return. */
struct proc *mosquitto_subscribe(struct mosquitto_fixture *m, const char *filter);
/* mosquitto_pub, QoS 1. */
void mosquitto_publish(struct mosquitto_fixture *m, const char *topic, const char *payload);

#endif /* IOTD_TESTS_MOSQUITTO_FIXTURE_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/cloud-fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/macro.h"
#include "tests/lib/certs.h"
#include "tests/lib/suite.h"

#define MAX_ARGS 24

struct cloud_fixture {
    struct proc *proc;
    struct proc *journal; /* follows it: one line for each entry */
    char *program;
    char *config;
    int ws_port, tcp_port, http_port, wss_port, tls_port, https_port;
    char *cert, *key, *ca; /* cert NULL: no TLS */
    bool require_cert;
    char ws_url[64];
    char tcp_url[64];
    char wss_url[64];
    char tls_url[64];
    char http_text[16];
};

static int port_of(const json_t *ready, const char *key)
{
    json_int_t port = json_integer_value(json_object_get(ready, key));

    if (port < 1 || port > 65535)
        fixture_fatal("iot-localcloud says no %s", key);
    return (int) port;
}

/* Zero ports are chosen, and then known. */
static void run(struct cloud_fixture *c)
{
    CLEANUP(json_decrefp) json_t *ready = NULL;
    CLEANUP(freep) char *line = NULL;
    char ws[16], tcp[16], http[16], wss[16], tls[16], https[16];
    const char *argv[MAX_ARGS] = {c->program,   "--config", c->config,     "--ws-port", ws,
                                  "--tcp-port", tcp,        "--http-port", http};
    size_t n = 9;

    (void) snprintf(ws, sizeof(ws), "%d", c->ws_port);
    (void) snprintf(tcp, sizeof(tcp), "%d", c->tcp_port);
    (void) snprintf(http, sizeof(http), "%d", c->http_port);
    (void) snprintf(wss, sizeof(wss), "%d", c->wss_port);
    (void) snprintf(tls, sizeof(tls), "%d", c->tls_port);
    (void) snprintf(https, sizeof(https), "%d", c->https_port);
    if (c->cert) {
        const char *const more[] = {"--wss-port", wss,      "--tls-port", tls,     "--https-port",
                                    https,        "--cert", c->cert,      "--key", c->key};

        memcpy(argv + n, more, sizeof(more));
        n += ARRAY_SIZE(more);
    }
    if (c->ca) {
        argv[n++] = "--ca";
        argv[n++] = c->ca;
    }
    if (c->require_cert)
        argv[n++] = "--require-cert";
    c->proc = proc_start(argv);
    line = proc_wait_line(c->proc, PROC_STDOUT, "{");
    if (!line) {
        CLEANUP(freep) char *text = proc_output(c->proc, PROC_STDERR);

        fixture_fatal("iot-localcloud did not start: %s", text);
    }
    ready = json_loads(line, 0, NULL);
    c->ws_port = port_of(ready, "ws_port");
    c->tcp_port = port_of(ready, "tcp_port");
    c->http_port = port_of(ready, "http_port");
    if (c->cert) {
        c->wss_port = port_of(ready, "wss_port");
        c->tls_port = port_of(ready, "tls_port");
        c->https_port = port_of(ready, "https_port");
    }
    (void) snprintf(c->wss_url, sizeof(c->wss_url), "wss://localhost:%d/mqtt", c->wss_port);
    (void) snprintf(c->tls_url, sizeof(c->tls_url), "mqtts://localhost:%d", c->tls_port);
    (void) snprintf(c->ws_url, sizeof(c->ws_url), "ws://127.0.0.1:%d/mqtt", c->ws_port);
    (void) snprintf(c->tcp_url, sizeof(c->tcp_url), "mqtt://127.0.0.1:%d", c->tcp_port);
    (void) snprintf(c->http_text, sizeof(c->http_text), "%d", c->http_port);
    c->journal = proc_start((const char *const[]){c->program, "journal", "--http-port",
                                                  c->http_text, "--since", "1", "--follow", NULL});
}

static struct cloud_fixture *cloud_new(const char *config)
{
    struct cloud_fixture *c = calloc(1, sizeof(*c));

    if (!c)
        fixture_fatal("out of memory");
    c->program = fixture_build_path("iot-localcloud");
    c->config = config ? strdup(config) : fixture_source_path("examples/localcloud.json");
    return c;
}

struct cloud_fixture *cloud_start(const char *config)
{
    struct cloud_fixture *c = cloud_new(config);

    run(c);
    return c;
}

struct cloud_fixture *cloud_start_tls(const char *config, const struct cloud_tls *tls)
{
    struct cloud_fixture *c = cloud_new(config);

    c->cert = certs_pem(tls->cert);
    c->key = certs_key(tls->cert);
    c->ca = tls->ca ? certs_pem(tls->ca) : NULL;
    c->require_cert = tls->require_cert;
    run(c);
    return c;
}

struct cloud_fixture *cloud_stop(struct cloud_fixture *c)
{
    if (!c)
        return NULL;

    c->journal = proc_kill(c->journal); /* it would follow for ever */
    c->proc = proc_stop(c->proc);
    free(c->program);
    free(c->config);
    free(c->cert);
    free(c->key);
    free(c->ca);
    free(c);
    return NULL;
}

void cloud_kill(struct cloud_fixture *c)
{
    c->journal = proc_kill(c->journal);
    c->proc = proc_kill(c->proc);
}

void cloud_signal(struct cloud_fixture *c, int signal)
{
    proc_signal(c->proc, signal);
}

void cloud_restart(struct cloud_fixture *c)
{
    cloud_kill(c);
    run(c);
}

const char *cloud_ws_url(const struct cloud_fixture *c)
{
    return c->ws_url;
}

const char *cloud_tcp_url(const struct cloud_fixture *c)
{
    return c->tcp_url;
}

const char *cloud_wss_url(const struct cloud_fixture *c)
{
    return c->wss_url;
}

const char *cloud_tls_url(const struct cloud_fixture *c)
{
    return c->tls_url;
}

int cloud_tcp_port(const struct cloud_fixture *c)
{
    return c->tcp_port;
}

int cloud_https_port(const struct cloud_fixture *c)
{
    return c->https_port;
}

int cloud_http_port(const struct cloud_fixture *c)
{
    return c->http_port;
}

struct proc *cloud_app_start(struct cloud_fixture *c, const char *action, const char *const *args)
{
    const char *argv[MAX_ARGS + 1] = {c->program,
                                      "app",
                                      "--http-port",
                                      c->http_text,
                                      "--config",
                                      c->config,
                                      action,
                                      "ProductId=" CLOUD_PRODUCT,
                                      "DeviceName=" CLOUD_DEVICE};
    size_t n = 9;

    for (; args && *args && n < MAX_ARGS; args++)
        argv[n++] = *args;
    return proc_start(argv);
}

json_t *cloud_app_finish(struct proc *p)
{
    CLEANUP(freep) char *out = NULL;
    json_t *response = NULL;
    int status = proc_wait(p);

    /* 1 is an answer too: one with an Error in it. */
    out = proc_output(p, PROC_STDOUT);
    if (status == 0 || status == 1)
        response = json_loads(out, 0, NULL);
    if (!response) {
        CLEANUP(freep) char *err = proc_output(p, PROC_STDERR);

        suite_fail(__FILE__, __LINE__, "application call: exit %d, '%s' '%s'", status, out, err);
    }
    (void) proc_kill(p);
    return response;
}

json_t *cloud_app(struct cloud_fixture *c, const char *action, const char *const *args)
{
    return cloud_app_finish(cloud_app_start(c, action, args));
}

json_t *cloud_control(struct cloud_fixture *c, const char *values)
{
    CLEANUP(freep) char *data = NULL;

    if (asprintf(&data, "Data=%s", values) < 0)
        fixture_fatal("out of memory");
    return cloud_app(c, "AppControlDeviceData", (const char *const[]){data, NULL});
}

void cloud_fault(struct cloud_fixture *c, const char *json)
{
    CLEANUP(freep) char *out = NULL;
    int status = proc_run(
        (const char *const[]){c->program, "fault", "--http-port", c->http_text, json, NULL}, &out);

    if (status != 0)
        suite_fail(__FILE__, __LINE__, "fault %s: exit %d, %s", json, status, out);
}

json_t *cloud_state(struct cloud_fixture *c)
{
    CLEANUP(freep) char *out = NULL;
    json_t *state;

    (void) proc_run((const char *const[]){c->program, "state", "--http-port", c->http_text, NULL},
                    &out);
    state = json_loads(out, 0, NULL);
    if (!state)
        suite_fail(__FILE__, __LINE__, "no state: %s", out);
    return state;
}

char *cloud_journal(struct cloud_fixture *c)
{
    char *out = NULL;
    int status = proc_run(
        (const char *const[]){c->program, "journal", "--http-port", c->http_text, NULL}, &out);

    CHECK_INT(status, 0);
    return out;
}

static bool contains(const json_t *entry, const char *key, const char *other_key, const char *text)
{
    const char *value = json_string_value(json_object_get(entry, key));

    if (!value)
        value = json_string_value(json_object_get(entry, other_key));
    return !text || (value && strstr(value, text));
}

json_t *cloud_wait(struct cloud_fixture *c, const char *direction, const char *subject,
                   const char *text)
{
    CLEANUP(freep) char *quoted = NULL;
    uint64_t deadline = fixture_deadline_ms(); /* of the whole: others may keep the journal busy */

    if (asprintf(&quoted, "\"%s\"", direction) < 0)
        fixture_fatal("out of memory");
    for (;;) {
        CLEANUP(freep)
        char *line =
            fixture_left_ms(deadline) ? proc_wait_line(c->journal, PROC_STDOUT, quoted) : NULL;
        CLEANUP(json_decrefp) json_t *entry = line ? json_loads(line, 0, NULL) : NULL;

        if (!line) {
            suite_fail(__FILE__, __LINE__, "the cloud saw no %s %s %s", direction,
                       subject ? subject : "", text ? text : "");
            return NULL;
        }
        if (entry && contains(entry, "direction", "", direction) &&
            contains(entry, "topic", "event", subject) &&
            contains(entry, "payload", "reason", text))
            return TAKE(entry);
    }
}

json_t *cloud_wait_method(struct cloud_fixture *c, const char *direction, const char *method)
{
    for (;;) {
        CLEANUP(json_decrefp) json_t *entry = cloud_wait(c, direction, NULL, method);
        CLEANUP(json_decrefp) json_t *payload = NULL;
        const char *found;

        if (!entry)
            return NULL;
        payload = json_loads(json_string_value(json_object_get(entry, "payload")), 0, NULL);
        found = json_string_value(json_object_get(payload, "method"));
        if (found && strcmp(found, method) == 0)
            return TAKE(payload);
    }
}

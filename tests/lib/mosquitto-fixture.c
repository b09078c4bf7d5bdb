/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/mosquitto-fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/macro.h"
#include "tests/lib/certs.h"
#include "tests/lib/suite.h"

#define MAX_TRIES 5

struct mosquitto_fixture {
    struct proc *proc;
    int tcp_port, ws_port, tls_port, wss_port;
    char *tls; /* the lines of a listener that make it one for TLS; NULL: none */
    char tcp_text[16];
    char tcp_url[64];
    char ws_url[64];
    char tls_url[64];
    char wss_url[64];
};

/* A port that was free a moment ago; the broker cannot choose one itself. */
static int free_port(void)
{
    CLEANUP(fd_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);

    if (fd < 0 || bind(fd, (struct sockaddr *) &at, sizeof(at)) < 0 ||
        getsockname(fd, (struct sockaddr *) &at, &len) < 0)
        fixture_fatal("no free port");
    return ntohs(at.sin_port);
}

/* false: it did not come up, probably because a port was taken meanwhile. */
static bool try_start(struct mosquitto_fixture *m)
{
    const struct passwd *user = getpwuid(getuid());
    CLEANUP(freep) char *config = NULL, *path = NULL, *line = NULL, *more = NULL;

    m->tcp_port = free_port();
    m->ws_port = free_port();
    m->tls_port = free_port();
    m->wss_port = free_port();
    if (m->tls &&
        asprintf(&more, "listener %d 127.0.0.1\n%slistener %d 127.0.0.1\nprotocol websockets\n%s",
                 m->tls_port, m->tls, m->wss_port, m->tls) < 0)
        fixture_fatal("out of memory");
    if (asprintf(&config,
                 "user %s\npersistence false\nlog_dest stderr\nlog_type all\nallow_anonymous true\n"
                 "listener %d 127.0.0.1\n"
                 "listener %d 127.0.0.1\nprotocol websockets\n%s",
                 user ? user->pw_name : "root", m->tcp_port, m->ws_port, more ? more : "") < 0)
        fixture_fatal("out of memory");
    path = fixture_write_file("mosquitto.conf", 0600, config);
    /* Debian keeps it in a directory that users may not have in their PATH. */
    m->proc = proc_start((const char *const[]){
        "sh", "-c", "PATH=$PATH:/usr/sbin:/sbin exec mosquitto -c \"$1\"", "sh", path, NULL});
    line = proc_wait_line_or_end(m->proc, PROC_STDERR, " running");
    if (line)
        return true;
    m->proc = proc_kill(m->proc);
    return false;
}

static struct mosquitto_fixture *start(char *tls)
{
    struct mosquitto_fixture *m;
    int tries = 0;

    if (!fixture_has_program("mosquitto") || !fixture_has_program("mosquitto_sub"))
        fixture_skip("no mosquitto, mosquitto_sub (Debian: mosquitto, mosquitto-clients)");
    m = calloc(1, sizeof(*m));
    if (!m)
        fixture_fatal("out of memory");
    m->tls = tls;
    while (!try_start(m)) {
        if (++tries == MAX_TRIES)
            fixture_fatal("mosquitto does not start");
    }
    (void) snprintf(m->tcp_text, sizeof(m->tcp_text), "%d", m->tcp_port);
    (void) snprintf(m->tcp_url, sizeof(m->tcp_url), "mqtt://127.0.0.1:%d", m->tcp_port);
    (void) snprintf(m->ws_url, sizeof(m->ws_url), "ws://127.0.0.1:%d/mqtt", m->ws_port);
    (void) snprintf(m->tls_url, sizeof(m->tls_url), "mqtts://localhost:%d", m->tls_port);
    (void) snprintf(m->wss_url, sizeof(m->wss_url), "wss://localhost:%d/mqtt", m->wss_port);
    return m;
}

struct mosquitto_fixture *mosquitto_start(void)
{
    return start(NULL);
}

struct mosquitto_fixture *mosquitto_start_tls(const struct mosquitto_tls *tls)
{
    CLEANUP(freep) char *pem = certs_pem(tls->cert), *key = certs_key(tls->cert);
    CLEANUP(freep) char *ca = tls->ca ? certs_pem(tls->ca) : NULL;
    char *lines;

    if (asprintf(&lines, "certfile %s\nkeyfile %s\n%s%s%s", pem, key, ca ? "cafile " : "",
                 ca ? ca : "", ca ? "\nrequire_certificate true\n" : "") < 0)
        fixture_fatal("out of memory");
    return start(lines);
}

struct mosquitto_fixture *mosquitto_stop(struct mosquitto_fixture *m)
{
    if (!m)
        return NULL;

    m->proc = proc_stop(m->proc);
    free(m->tls);
    free(m);
    return NULL;
}

const char *mosquitto_ws_url(const struct mosquitto_fixture *m)
{
    return m->ws_url;
}

const char *mosquitto_tcp_url(const struct mosquitto_fixture *m)
{
    return m->tcp_url;
}

const char *mosquitto_wss_url(const struct mosquitto_fixture *m)
{
    return m->wss_url;
}

const char *mosquitto_tls_url(const struct mosquitto_fixture *m)
{
    return m->tls_url;
}

char *mosquitto_log(const struct mosquitto_fixture *m)
{
    return proc_output(m->proc, PROC_STDERR);
}

struct proc *mosquitto_subscribe(struct mosquitto_fixture *m, const char *filter)
{
    struct proc *p =
        proc_start((const char *const[]){"mosquitto_sub", "-h", "127.0.0.1", "-p", m->tcp_text,
                                         "-q", "1", "-t", filter, "-F", "%t %p", NULL});
    CLEANUP(freep) char *line = proc_wait_line(m->proc, PROC_STDERR, "Sending SUBACK");

    return p;
}

void mosquitto_publish(struct mosquitto_fixture *m, const char *topic, const char *payload)
{
    int status =
        proc_run((const char *const[]){"mosquitto_pub", "-h", "127.0.0.1", "-p", m->tcp_text, "-q",
                                       "1", "-t", topic, "-m", payload, NULL},
                 NULL);

    CHECK_INT(status, 0);
}

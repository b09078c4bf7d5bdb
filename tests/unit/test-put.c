/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Uploads to servers that take them, refuse, hang up early or never answer. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "daemon/net/put.h"
#include "daemon/sys/loop_lws.h"
#include "libiotclient/base/fdutil.h"
#include "tests/lib/certs.h"
#include "tests/lib/fake-rand.h"
#include "tests/lib/fetch-rig.h"
#include "tests/lib/file-server.h"
#include "tests/lib/suite.h"

#define SIZE 3000000U

struct rig {
    struct file_server *server;
    struct loop_lws *loop;
    struct fetcher *fetcher;
    struct put *put;
    struct put_request rq;
    int fd;
    char url[96];
    unsigned n_done, n_progress;
    uint64_t progress;
    bool cancel;
    struct put_end end;
    char text[300];
};

static void on_progress(uint64_t done, void *userdata)
{
    struct rig *g = userdata;

    CHECK(done <= g->rq.size);
    g->n_progress++;
    g->progress = done;
    if (g->cancel) {
        g->put = put_free(g->put); /* legal inside */
        loop_lws_stop(g->loop);
    }
}

static void on_done(const struct put_end *end, void *userdata)
{
    struct rig *g = userdata;

    g->n_done++;
    g->end = *end;
    (void) snprintf(g->text, sizeof(g->text), "%s", end->text);
    g->put = put_free(g->put); /* legal inside */
    loop_lws_stop(g->loop);
}

static const struct put_events events = {on_progress, on_done};

static void rig_open_at(struct rig *g, const struct file_server_config *config, uint64_t size,
                        const char *ca_file)
{
    char path[] = "/tmp/test-put-XXXXXX";
    CLEANUP(freep) uint8_t *buf = malloc(size + 1);

    memset(g, 0, sizeof(*g));
    g->fd = mkostemp(path, O_CLOEXEC);
    (void) unlink(path);
    file_server_bytes(buf, 0, size);
    CHECK_INT(write(g->fd, buf, size), size);
    g->server = file_server_start(config);
    (void) snprintf(g->url, sizeof(g->url), "http%s:%u/up/load?sign=x",
                    config->cert ? "s://localhost" : "://127.0.0.1", file_server_port(g->server));
    CHECK_INT(loop_lws_new(&g->loop), 0);
    CHECK_INT(fetcher_new(&g->fetcher, g->loop, ca_file), 0);
    g->rq = (struct put_request){.url = g->url, .fd = g->fd, .size = size};
    fake_rand_fix(0); /* no waiting between tries */
}

static void rig_open(struct rig *g, const struct file_server_step *steps, size_t n_steps,
                     uint64_t size)
{
    const struct file_server_config config = {.size = 1, .steps = steps, .n_steps = n_steps};

    rig_open_at(g, &config, size, "");
}

static void rig_close(struct rig *g)
{
    g->put = put_free(g->put);
    g->fetcher = fetcher_free(g->fetcher);
    g->loop = loop_lws_free(g->loop);
    g->server = file_server_stop(g->server);
    g->fd = fd_close(g->fd);
}

static void rig_run(struct rig *g)
{
    g->n_done = 0;
    CHECK_INT(put_start(&g->put, g->fetcher, &g->rq, &events, g), 0);
    CHECK_INT(g->n_done, 0);
    CHECK_INT(loop_lws_run(g->loop), 0);
}

#define ANSWER(status, body)                                                                       \
    {                                                                                              \
        .answer = "HTTP/1.1 " status "\r\nContent-Type: text/xml\r\n\r\n" body                     \
    }
#define STEPS(...)                                                                                 \
    .steps = (const struct file_server_step[]){__VA_ARGS__},                                       \
    .n_steps =                                                                                     \
        sizeof((const struct file_server_step[]){__VA_ARGS__}) / sizeof(struct file_server_step)

static const struct {
    const char *name;
    const struct file_server_step *steps;
    size_t n_steps;
    enum transfer_result result;
    unsigned status;
    const char *text;
    unsigned n_connections;
} cases[] = {
    {"well", STEPS(ANSWER("200 OK", "")), TRANSFER_OK, 200, "complete", 1},
    {"created", STEPS(ANSWER("201 Created", "<a/>")), TRANSFER_OK, 201, "complete", 1},
    {"no content", STEPS({.answer = "HTTP/1.1 204 No Content\r\n\r\n"}), TRANSFER_OK, 204,
     "complete", 1},
    {"wait for it", STEPS({.answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"}),
     TRANSFER_OK, 200, "complete", 1},
    {"busy", STEPS(ANSWER("503 Busy", ""), {.answer = ""}, ANSWER("200 OK", "")), TRANSFER_OK, 200,
     "complete", 3},
    {"busy for good", STEPS(ANSWER("500 Oops", "")), TRANSFER_FAILED, 500, "the server answers 500",
     5},
    {"hangs up", STEPS({.answer = ""}), TRANSFER_FAILED, 0, "the server closed the connection", 5},
    {"expired", STEPS(ANSWER("403 Forbidden", "<Code>AccessDenied</Code>")), TRANSFER_DENIED, 403,
     "the server answers 403", 1},
    {"not found", STEPS(ANSWER("404 Not Found", "")), TRANSFER_NOT_FOUND, 404,
     "the server answers 404", 1},
    {"damaged on the way",
     STEPS(ANSWER("400 Bad Request", "<Error><Code>BadDigest</Code></Error>")), TRANSFER_MISMATCH,
     400, "another MD5 arrived at the server", 1},
    {"bad request", STEPS(ANSWER("400 Bad Request", "<Code>Other</Code>")), TRANSFER_FAILED, 400,
     "the server answers 400", 1},
    {"redirect", STEPS(ANSWER("307 Elsewhere", "")), TRANSFER_FAILED, 307, "the server answers 307",
     1},
    {"not HTTP", STEPS({.answer = "hello\r\n\r\n"}), TRANSFER_FAILED, 0,
     "the server does not speak HTTP/1.1", 5},
};

static void test_servers(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct file_server_seen *seen;
        struct rig g;

        rig_open(&g, cases[i].steps, cases[i].n_steps, SIZE);
        rig_run(&g);
        seen = file_server_seen(g.server);
        if (g.n_done != 1 || g.end.result != cases[i].result || g.end.status != cases[i].status ||
            strcmp(g.text, cases[i].text) != 0 || seen->n_connections != cases[i].n_connections ||
            seen->got != (uint64_t) cases[i].n_connections * SIZE)
            suite_fail(__FILE__, __LINE__, "%s: %d %u \"%s\" connections %u got %llu",
                       cases[i].name, g.end.result, g.end.status, g.text, seen->n_connections,
                       (unsigned long long) seen->got);
        rig_close(&g);
    }
}

/* What goes over the wire. */
static void test_request(void)
{
    static const struct file_server_step step = ANSWER("200 OK", "");
    static const char body[] = "hello, cloud";
    uint8_t md5[16], base64[32], given[16] = {1, 2, 3};
    char want[128];
    struct rig g;

    for (unsigned i = 0; i < 2; i++) {
        rig_open(&g, &step, 1, 0);
        CHECK_INT(write(g.fd, body, strlen(body)), strlen(body));
        g.rq.size = strlen(body);
        g.rq.md5 = i == 0 ? NULL : given;
        g.rq.content_type = i == 0 ? NULL : "audio/wav";
        rig_run(&g);
        CHECK_INT(g.end.result, TRANSFER_OK);
        CHECK_INT(
            strncmp(file_server_seen(g.server)->request, "PUT /up/load?sign=x HTTP/1.1\r\n", 30),
            0);
        CHECK_INT(EVP_Digest(body, strlen(body), md5, NULL, EVP_md5(), NULL), 1);
        CHECK(memcmp(g.end.md5, i == 0 ? md5 : given, 16) == 0);
        (void) EVP_EncodeBlock(base64, i == 0 ? md5 : given, 16);
        (void) snprintf(want, sizeof(want), "\r\nContent-MD5: %s\r\n", (char *) base64);
        CHECK(strstr(file_server_seen(g.server)->request, want));
        CHECK(strstr(file_server_seen(g.server)->request, "\r\nContent-Length: 12\r\n"));
        CHECK(strstr(file_server_seen(g.server)->request,
                     i == 0 ? "\r\nContent-Type: application/octet-stream\r\n"
                            : "\r\nContent-Type: audio/wav\r\n"));
        CHECK(strstr(file_server_seen(g.server)->request, "\r\n\r\nhello, cloud"));
        rig_close(&g);
    }
}

static void test_empty(void)
{
    static const struct file_server_step step = ANSWER("200 OK", "");
    struct rig g;

    rig_open(&g, &step, 1, 0);
    rig_run(&g);
    CHECK_INT(g.end.result, TRANSFER_OK);
    CHECK(strstr(file_server_seen(g.server)->request, "\r\nContent-Length: 0\r\n"));
    CHECK(strstr(file_server_seen(g.server)->request,
                 "\r\nContent-MD5: 1B2M2Y8AsgTpgAmY7PhCfg==\r\n"));
    rig_close(&g);
}

/* A server that says no before it has seen the file: its answer is read all the same. */
static void test_early(void)
{
    static const struct file_server_step step = {
        .answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", .early = true};
    struct rig g;

    rig_open(&g, &step, 1, SIZE);
    rig_run(&g);
    CHECK_INT(g.end.result, TRANSFER_DENIED);
    CHECK_STR(g.text, "the server answers 403");
    CHECK_INT(file_server_seen(g.server)->n_connections, 1);
    rig_close(&g);
}

static void test_times(void)
{
    static const struct file_server_step silent = {.silent = true};
    struct rig g;

    rig_open(&g, &silent, 1, SIZE);
    g.rq.idle_us = 50 * USEC_PER_MSEC;
    rig_run(&g);
    CHECK_INT(g.end.result, TRANSFER_TIMEOUT);
    CHECK_STR(g.text, "the server has fallen silent");
    g.rq.idle_us = 0;
    g.rq.total_us = 100 * USEC_PER_MSEC;
    rig_run(&g);
    CHECK_INT(g.end.result, TRANSFER_TIMEOUT);
    CHECK_STR(g.text, "it takes too long");
    g.rq.total_us = 0;
    g.cancel = true;
    rig_run(&g);
    CHECK_INT(g.n_done, 0);
    CHECK(!g.put);
    rig_close(&g);
}

/* The file loses its end while it is sent. */
static void test_shrinks(void)
{
    static const struct file_server_step step = ANSWER("200 OK", "");
    static const uint8_t md5[16];
    struct rig g;

    rig_open(&g, &step, 1, SIZE);
    g.rq.md5 = md5;
    CHECK_INT(put_start(&g.put, g.fetcher, &g.rq, &events, &g), 0);
    CHECK_INT(ftruncate(g.fd, 1000), 0);
    CHECK_INT(loop_lws_run(g.loop), 0);
    CHECK_INT(g.end.result, TRANSFER_FAILED);
    CHECK_STR(g.text, "the file has become shorter");
    rig_close(&g);
}

static void test_refused(void)
{
    static const struct file_server_step step = ANSWER("200 OK", "");
    struct put_request rq;
    struct rig g;
    int fds[2];

    rig_open(&g, &step, 1, 100);
    rq = g.rq;
    rq.url = "ftp://h/";
    CHECK_INT(put_start(&g.put, g.fetcher, &rq, &events, &g), -EINVAL);
    rq = g.rq;
    rq.size = 101;
    CHECK_INT(put_start(&g.put, g.fetcher, &rq, &events, &g), -EINVAL);
    rq = g.rq;
    rq.content_type = "text/plain\r\nX: y";
    CHECK_INT(put_start(&g.put, g.fetcher, &rq, &events, &g), -EINVAL);
    rq = g.rq;
    rq.fd = 99999;
    CHECK_INT(put_start(&g.put, g.fetcher, &rq, &events, &g), -EINVAL);
    CHECK_INT(pipe(fds), 0);
    rq.fd = fds[0];
    CHECK_INT(put_start(&g.put, g.fetcher, &rq, &events, &g), -EINVAL);
    (void) close(fds[0]);
    (void) close(fds[1]);
    CHECK(!g.put);
    rig_close(&g);
}

/* The same through TLS, in records; and not to a server that is not the right one. */
static void test_tls(void)
{
    static const struct file_server_step steps[] = {{.answer = ""}, ANSWER("200 OK", "")};

    fetch_rig_make_certs();
    for (unsigned i = 0; i < 2; i++) {
        const char *name = i == 0 ? "right" : "wrong-host";
        CLEANUP(freep) char *cert = certs_pem(name), *key = certs_key(name), *ca = certs_pem("ca");
        const struct file_server_config config = {
            .size = 1, .steps = steps, .n_steps = 2, .cert = cert, .key = key};
        struct rig g;

        rig_open_at(&g, &config, SIZE, ca);
        rig_run(&g);
        CHECK_INT(g.end.result, i == 0 ? TRANSFER_OK : TRANSFER_FAILED);
        CHECK_STR(g.text, i == 0 ? "complete" : "certificate of localhost: made for another host");
        CHECK_INT(file_server_seen(g.server)->got, i == 0 ? 2 * SIZE : 0);
        rig_close(&g);
    }
    fetch_rig_remove_certs();
}

const char *const suite_name = "put";
const struct suite_test suite_tests[] = {
    {"servers", test_servers}, {"request", test_request}, {"empty", test_empty},
    {"early", test_early},     {"times", test_times},     {"shrinks", test_shrinks},
    {"refused", test_refused}, {"tls", test_tls},         {NULL, NULL},
};

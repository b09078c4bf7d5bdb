/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests to servers that answer well, badly, late or not at all, on the real loop. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/net/http.h"
#include "daemon/sys/loop_lws.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/macro.h"
#include "tests/lib/suite.h"

#define BODY "{\"ProductId\":\"A\"}"
#define OK(headers, body) "HTTP/1.1 200 OK\r\n" headers "\r\n" body

/* --- a server that says one thing to one client --- */

struct server {
    pid_t pid;
    int port;
    int seen; /* a pipe with what the client sent */
};

static void serve(int listen_fd, int seen_fd, const char *answer, bool stays)
{
    char buf[2048];
    size_t len = 0;
    ssize_t n;
    int fd = accept(listen_fd, NULL, NULL);

    while (len < sizeof(buf) - 1 && (n = read(fd, buf + len, sizeof(buf) - 1 - len)) > 0) {
        len += (size_t) n;
        buf[len] = '\0';
        if (strstr(buf, "\r\n\r\n") && strstr(buf, BODY))
            break;
    }
    (void) !write(seen_fd, buf, len);
    (void) close(seen_fd);
    (void) !write(fd, answer, strlen(answer));
    if (stays)
        (void) pause(); /* the test ends it */
    _exit(0);
}

static struct server server_start(const char *answer, bool stays)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CLEANUP(fd_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof(addr);
    struct server s;
    int seen[2];

    CHECK(fd >= 0);
    CHECK_INT(bind(fd, (struct sockaddr *) &addr, len), 0);
    CHECK_INT(listen(fd, 4), 0);
    CHECK_INT(getsockname(fd, (struct sockaddr *) &addr, &len), 0);
    CHECK_INT(pipe(seen), 0);
    s.port = ntohs(addr.sin_port);
    s.pid = fork();
    if (s.pid == 0)
        serve(fd, seen[1], answer, stays);
    (void) close(seen[1]);
    s.seen = seen[0];
    return s;
}

static void server_stop(struct server *s)
{
    (void) kill(s->pid, SIGKILL);
    CHECK_INT(waitpid(s->pid, NULL, 0), s->pid);
    (void) close(s->seen);
}

/* --- one request --- */

struct seen {
    struct loop_lws *loop;
    struct http_call *call;
    unsigned n;
    enum http_outcome outcome;
    unsigned status;
    char body[256];
    char reason[160];
};

static void on_result(const struct http_result *result, void *userdata)
{
    struct seen *s = userdata;

    s->n++;
    s->outcome = result->outcome;
    s->status = result->status;
    (void) snprintf(s->body, sizeof(s->body), "%s", result->body ? result->body : "");
    (void) snprintf(s->reason, sizeof(s->reason), "%s", result->reason ? result->reason : "");
    s->call = http_call_free(s->call); /* legal inside */
    loop_lws_stop(s->loop);
}

/* Runs it to its end. */
static struct seen request(const char *url, unsigned timeout_ms, size_t max_answer)
{
    static const struct http_header headers[] = {{"x-tc-nonce:", "5456"},
                                                 {"content-type:", "application/json"}};
    struct http_request rq = {
        .method = "POST",
        .headers = headers,
        .n_headers = ARRAY_SIZE(headers),
        .body = BODY,
        .body_len = strlen(BODY),
        .max_answer = max_answer,
        .timeout_us = timeout_ms * USEC_PER_MSEC,
    };
    struct seen s = {.n = 0};
    struct http *http = NULL;
    struct endpoint e;
    const char *why;

    CHECK_INT(endpoint_parse_http(&e, url, &why), 0);
    rq.url = &e;
    CHECK_INT(loop_lws_new(&s.loop), 0);
    CHECK_INT(http_new(&http, s.loop, NULL), 0);
    CHECK_INT(http_start(&s.call, http, &rq, on_result, &s), 0);
    CHECK_INT(s.n, 0);
    CHECK_INT(loop_lws_run(s.loop), 0);
    CHECK_INT(s.n, 1);
    http_free(http);
    s.loop = loop_lws_free(s.loop);
    return s;
}

static struct seen ask(const char *answer, bool stays, unsigned timeout_ms, size_t max_answer)
{
    struct server server = server_start(answer, stays);
    struct seen s;
    char url[64];

    (void) snprintf(url, sizeof(url), "http://127.0.0.1:%d/device/register?x=y", server.port);
    s = request(url, timeout_ms, max_answer);
    server_stop(&server);
    return s;
}

/* What goes over the wire. */
static void test_request(void)
{
    struct server server = server_start(OK("Content-Length: 2\r\n", "ok"), true);
    char url[64], want[64], buf[2048];
    struct seen s;
    ssize_t n;

    (void) snprintf(url, sizeof(url), "http://127.0.0.1:%d/a/b", server.port);
    s = request(url, 10000, 100);
    CHECK_INT(s.outcome, HTTP_ANSWERED);
    CHECK_INT(s.status, 200);
    CHECK_STR(s.body, "ok");
    n = read(server.seen, buf, sizeof(buf) - 1);
    CHECK(n > 0);
    buf[n > 0 ? n : 0] = '\0';
    CHECK_INT(strncmp(buf, "POST /a/b HTTP/1.1\r\n", 20), 0);
    (void) snprintf(want, sizeof(want), "\r\nHost: 127.0.0.1:%d\r\n", server.port);
    CHECK(strcasestr(buf, want));
    CHECK(strcasestr(buf, "\r\nx-tc-nonce: 5456\r\n"));
    CHECK(strcasestr(buf, "\r\ncontent-type: application/json\r\n"));
    CHECK(strcasestr(buf, "\r\ncontent-length: 17\r\n"));
    CHECK(strstr(buf, "\r\n\r\n" BODY));
    server_stop(&server);
}

static void test_answers(void)
{
    static const struct {
        const char *name, *answer;
        bool stays;
        enum http_outcome outcome;
        unsigned status;
        const char *body;
    } cases[] = {
        {"plain", OK("Content-Length: 5\r\n", "hello"), false, HTTP_ANSWERED, 200, "hello"},
        {"kept open", OK("Content-Length: 5\r\n", "hello"), true, HTTP_ANSWERED, 200, "hello"},
        {"chunked", OK("Transfer-Encoding: chunked\r\n", "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), true,
         HTTP_ANSWERED, 200, "hello"},
        {"an error with a body", "HTTP/1.1 503 Busy\r\nContent-Length: 3\r\n\r\nsoo", false,
         HTTP_ANSWERED, 503, "soo"},
        {"no redirect is followed",
         "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\nno",
         false, HTTP_ANSWERED, 302, "no"},
        {"too long",
         OK("Content-Length: 101\r\n", "0123456789012345678901234567890123456789"
                                       "01234567890123456789012345678901234567890123456"
                                       "7890123456789x"),
         true, HTTP_FAILED, 0, ""},
        {"cut", OK("Content-Length: 50\r\n", "hello"), false, HTTP_FAILED, 0, ""},
        {"garbage", "\x01\x02 not HTTP at all\r\n\r\n", false, HTTP_FAILED, 0, ""},
        {"nothing", "", false, HTTP_FAILED, 0, ""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct seen s = ask(cases[i].answer, cases[i].stays, 10000, 100);

        if (s.outcome != cases[i].outcome || s.status != cases[i].status ||
            strcmp(s.body, cases[i].body) != 0)
            suite_fail(__FILE__, __LINE__, "%s: %d %u \"%s\" (%s)", cases[i].name, s.outcome,
                       s.status, s.body, s.reason);
        CHECK((s.outcome == HTTP_ANSWERED) == !s.reason[0]);
    }
}

/* A server that says nothing, or only a part, costs the deadline and no more. */
static void test_deadline(void)
{
    struct seen silent = ask("", true, 200, 100);
    struct seen part = ask(OK("Content-Length: 5\r\n", "he"), true, 200, 100);

    CHECK_INT(silent.outcome, HTTP_FAILED);
    CHECK_STR(silent.reason, "no answer in time");
    CHECK_INT(part.outcome, HTTP_FAILED);
    CHECK_STR(part.reason, "no answer in time");
}

static void test_nobody(void)
{
    struct server server = server_start("", false);
    struct seen s;
    char url[64];

    server_stop(&server); /* its port is free now */
    (void) snprintf(url, sizeof(url), "http://127.0.0.1:%d/", server.port);
    s = request(url, 10000, 100);
    CHECK_INT(s.outcome, HTTP_UNREACHABLE);
    CHECK(s.reason[0]);
    s = request("http://does-not-exist.invalid/", 20000, 100);
    CHECK_INT(s.outcome, HTTP_UNREACHABLE);
    CHECK(s.reason[0]);
}

static void on_timer(struct loop_timer *timer, void *userdata)
{
    struct seen *s = userdata;

    (void) timer;
    s->call = http_call_free(s->call);
    loop_lws_stop(s->loop);
}

/* Given up at once, or while the answer is awaited: nobody hears of it. */
static void test_cancel(void)
{
    for (uint64_t delay_us = 0; delay_us <= 50000; delay_us += 10000) {
        struct server server = server_start("", true);
        struct http_request rq = {.method = "GET", .max_answer = 1, .timeout_us = USEC_PER_SEC};
        struct loop_timer timer = {0};
        struct seen s = {.n = 0};
        struct http *http = NULL;
        struct endpoint e;
        const char *why;
        char url[64];

        (void) snprintf(url, sizeof(url), "http://127.0.0.1:%d/", server.port);
        CHECK_INT(endpoint_parse_http(&e, url, &why), 0);
        rq.url = &e;
        CHECK_INT(loop_lws_new(&s.loop), 0);
        CHECK_INT(http_new(&http, s.loop, NULL), 0);
        CHECK_INT(http_start(&s.call, http, &rq, on_result, &s), 0);
        loop_timer_arm(loop_lws_base(s.loop), &timer, delay_us, on_timer, &s);
        CHECK_INT(loop_lws_run(s.loop), 0);
        CHECK_INT(s.n, 0);
        http_free(http);
        loop_lws_free(s.loop);
        server_stop(&server);
    }
}

static void test_refused(void)
{
    static const char long_text[4096] = {[0 ... 4094] = 'x'};
    const struct http_header header = {"x:", long_text};
    struct http_request rq = {.method = "GET", .headers = &header, .n_headers = 1};
    struct loop_lws *loop = NULL;
    struct http_call *call = NULL;
    struct http *http = NULL;
    struct endpoint e;
    const char *why;

    CHECK_INT(loop_lws_new(&loop), 0);
    CHECK_INT(http_new(&http, loop, NULL), 0);
    CHECK_INT(endpoint_parse_http(&e, "http://127.0.0.1/", &why), 0);
    rq.url = &e;
    CHECK_INT(http_start(&call, http, &rq, on_result, NULL), -EMSGSIZE);
    rq.n_headers = 0;
    rq.method = "TOO-LONG-A-METHOD";
    CHECK_INT(http_start(&call, http, &rq, on_result, NULL), -EMSGSIZE);
    CHECK(!call);
    http_free(http);
    loop_lws_free(loop);
}

const char *const suite_name = "http";
const struct suite_test suite_tests[] = {
    {"request", test_request},
    {"answers", test_answers},
    {"deadline", test_deadline},
    {"nobody", test_nobody},
    {"cancel", test_cancel},
    {"refused", test_refused},
    {NULL, NULL},
};

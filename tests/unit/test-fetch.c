/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Downloads from servers that serve well, badly, in part or for ever, on the real loop. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/sys/clock.h"
#include "libiotclient/base/fdutil.h"
#include "tests/lib/fetch-rig.h"
#include "tests/lib/suite.h"

#define SIZE 1000000U
#define KIB 1024U

/* --- what servers do --- */

#define ANSWER(status, more)                                                                       \
    {                                                                                              \
        .answer = "HTTP/1.1 " status "\r\n" more "Content-Length: 0\r\n\r\n"                       \
    }
#define REFUSE(status) ANSWER(status, "")

static const struct fetch_case {
    const char *name;
    const struct file_server_step *steps;
    size_t n_steps;
    enum transfer_result result;
    const char *text;
    unsigned n_connections;
    int64_t there; /* bytes of the file afterwards; -1: it is gone */
    uint64_t max_received;
} cases[] = {
    {"well", STEPS(WELL), TRANSFER_OK, "complete", 1, SIZE, SIZE},
    {"no length", STEPS({.no_length = true}), TRANSFER_OK, "complete", 1, SIZE, SIZE},
    {"chunked", STEPS({.chunked = true}), TRANSFER_OK, "complete", 1, SIZE, SIZE},
    {"chunked in bytes", STEPS({.chunked = true, .piece = 997}), TRANSFER_OK, "complete", 1, SIZE,
     SIZE},
    {"a redirect", STEPS(ANSWER("302 Found", "Location: %s\r\n"), WELL), TRANSFER_OK, "complete", 2,
     SIZE, SIZE},
    {"cuts", STEPS(CUT(1), CUT(300000), CUT(65536), CUT(123457), WELL), TRANSFER_OK, "complete", 5,
     SIZE, SIZE},
    {"cut in the answer", STEPS({.answer = "HTTP/1.1 200 OK\r\nContent-Le"}, CUT(10), WELL),
     TRANSFER_OK, "complete", 3, SIZE, SIZE},
    {"chunks cut", STEPS({.chunked = true, .cut_after = 500000}, {.chunked = true}), TRANSFER_OK,
     "complete", 2, SIZE, SIZE},
    {"cut without a length", STEPS({.no_length = true, .cut_after = 500000}, WELL), TRANSFER_OK,
     "complete", 2, SIZE, SIZE},
    {"no ranges", STEPS({.no_ranges = true, .cut_after = 600000}, {.no_ranges = true}), TRANSFER_OK,
     "complete", 2, SIZE, SIZE + 600000},
    {"ranges never", STEPS({.no_ranges = true, .cut_after = 600000}), TRANSFER_FAILED,
     "the server closed the connection", 6, 600000, 6 * 600000},
    {"busy for a while",
     STEPS(REFUSE("503 Busy"), REFUSE("429 Slow"), REFUSE("500 Oops"), REFUSE("502 Bad"), WELL),
     TRANSFER_OK, "complete", 5, SIZE, SIZE},
    {"busy for good", STEPS(REFUSE("503 Busy")), TRANSFER_FAILED, "the server answers 503", 5, 0,
     0},
    {"hangs up", STEPS({.answer = ""}), TRANSFER_FAILED, "the server closed the connection", 5, 0,
     0},
    {"no such range", STEPS(CUT(5000), REFUSE("416 Range"), WELL), TRANSFER_OK, "complete", 3, SIZE,
     SIZE + 5000},
    {"no such range again", STEPS(CUT(5000), REFUSE("416 Range"), CUT(5000), REFUSE("416 Range")),
     TRANSFER_FAILED, "the server answers 416", 4, 5000, 10000},
    {"not found", STEPS(REFUSE("404 Not Found")), TRANSFER_NOT_FOUND, "the server answers 404", 1,
     0, 0},
    {"gone", STEPS(CUT(5000), REFUSE("410 Gone")), TRANSFER_NOT_FOUND, "the server answers 410", 2,
     5000, 5000},
    {"expired", STEPS(REFUSE("403 Forbidden")), TRANSFER_DENIED, "the server answers 403", 1, 0, 0},
    {"who", STEPS(REFUSE("401 Unauthorized")), TRANSFER_DENIED, "the server answers 401", 1, 0, 0},
    {"teapot", STEPS(REFUSE("418 Teapot")), TRANSFER_FAILED, "the server answers 418", 1, 0, 0},
    {"redirect loop", STEPS(ANSWER("301 Moved", "Location: %s\r\n")), TRANSFER_FAILED,
     "more than 5 redirects", 6, 0, 0},
    {"redirect to nowhere", STEPS(ANSWER("307 Moved", "Location: ftp://h/\r\n")), TRANSFER_FAILED,
     "a redirect that leads nowhere", 1, 0, 0},
    {"redirect without", STEPS(REFUSE("308 Moved")), TRANSFER_FAILED,
     "a redirect that leads nowhere", 1, 0, 0},
    {"another file", STEPS({.garbled = true}), TRANSFER_MISMATCH,
     "the file has another MD5 than announced", 1, -1, SIZE},
    {"more than announced",
     STEPS({.head = "HTTP/1.1 200 OK\r\nContent-Length: 1000001\r\n", .extra = 1}), TRANSFER_FAILED,
     "the file has 1000001 bytes, announced were 1000000", 1, 0, 0},
    {"less than announced", STEPS({.head = "HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n"}),
     TRANSFER_FAILED, "the file has 999999 bytes, announced were 1000000", 1, 0, 0},
    {"more in chunks", STEPS({.chunked = true, .extra = 1}), TRANSFER_OK, "complete", 1, SIZE,
     SIZE + 1},
    {"endless", STEPS({.no_length = true, .extra = FILE_SERVER_ALL}), TRANSFER_OK, "complete", 1,
     SIZE, SIZE + 65536},
    {"endless in chunks", STEPS({.chunked = true, .extra = FILE_SERVER_ALL}), TRANSFER_OK,
     "complete", 1, SIZE, SIZE + 65536},
    {"endless and wrong", STEPS({.no_length = true, .garbled = true, .extra = FILE_SERVER_ALL}),
     TRANSFER_MISMATCH, "the file has another MD5 than announced", 1, -1, SIZE + 65536},
    {"another range",
     STEPS(CUT(5000), {.head = "HTTP/1.1 206 P\r\nContent-Range: bytes 4999-999999/1000000\r\n"}),
     TRANSFER_FAILED, "the server sends another range than asked for", 2, 5000, 5000},
    {"a range of more",
     STEPS(CUT(5000), {.head = "HTTP/1.1 206 P\r\nContent-Range: bytes 5000-1000000/*\r\n"}),
     TRANSFER_FAILED, "the server sends another range than asked for", 2, 5000, 5000},
    {"a range of another",
     STEPS(CUT(5000), {.head = "HTTP/1.1 206 P\r\nContent-Range: bytes 5000-9999/10000\r\n"}),
     TRANSFER_FAILED, "the file has 10000 bytes, announced were 1000000", 2, 5000, 5000},
    {"a range without", STEPS(CUT(5000), {.head = "HTTP/1.1 206 P\r\n"}), TRANSFER_FAILED,
     "206 without a Content-Range", 2, 5000, 5000},
    {"a range and its length",
     STEPS(
         CUT(5000),
         {.head =
              "HTTP/1.1 206 P\r\nContent-Length: 5\r\nContent-Range: bytes 5000-5999/1000000\r\n"}),
     TRANSFER_FAILED, "the server sends another range than asked for", 2, 5000, 5000},
    {"zipped", STEPS({.head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"}), TRANSFER_FAILED,
     "the server encodes what should come as it is", 1, 0, 0},
    {"not HTTP", STEPS({.answer = "220 smtp.example\r\n\r\n"}), TRANSFER_FAILED,
     "the server does not speak HTTP/1.1", 5, 0, 0},
    {"bad chunks",
     STEPS({.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}),
     TRANSFER_FAILED, "the server does not keep to its chunks", 5, 0, 0},
    {"answers before",
     STEPS(
         {.head = "HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 103 Hint\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\n"}),
     TRANSFER_OK, "complete", 1, SIZE, SIZE},
};

static void test_servers(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct fetch_case *c = &cases[i];
        struct file_server_config config = {.size = SIZE, .steps = c->steps, .n_steps = c->n_steps};
        struct fetch_rig g;

        fetch_rig_open(&g, &config, NULL);
        fetch_rig_run(&g);
        if (g.n_done != 1 || g.end.result != c->result || strcmp(g.text, c->text) != 0 ||
            file_server_seen(g.server)->n_connections != c->n_connections ||
            fetch_rig_there(&g) != c->there || g.end.received > c->max_received)
            suite_fail(__FILE__, __LINE__, "%s: %d \"%s\" connections %u file %lld received %llu",
                       c->name, g.end.result, g.text, file_server_seen(g.server)->n_connections,
                       (long long) fetch_rig_there(&g), (unsigned long long) g.end.received);
        if (g.end.result == TRANSFER_OK)
            fetch_rig_check_file(&g);
        fetch_rig_close(&g);
    }
}

/* What goes over the wire. */
static void test_request(void)
{
    static const struct file_server_step steps[] = {CUT(1234), WELL};
    struct file_server_config config = {.size = SIZE, .steps = steps, .n_steps = 2};
    static char path[LIMIT_URL], line[LIMIT_URL + 64], url[LIMIT_URL + 64];
    struct fetch_rig g;

    fetch_rig_open(&g, &config, NULL);
    (void) snprintf(path, sizeof(path), "/%0*d?sign=%%2F", LIMIT_URL - 40, 7);
    (void) snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", file_server_port(g.server), path);
    CHECK(strlen(url) > LIMIT_URL - 20 && strlen(url) <= LIMIT_URL);
    g.rq.url = url;
    fetch_rig_run(&g);
    CHECK_INT(g.end.result, TRANSFER_OK);
    (void) snprintf(line, sizeof(line), "GET %s HTTP/1.1\r\n", path);
    CHECK_INT(strncmp(file_server_seen(g.server)->request, line, strlen(line)), 0);
    (void) snprintf(line, sizeof(line), "\r\nHost: 127.0.0.1:%u\r\n", file_server_port(g.server));
    CHECK(strstr(file_server_seen(g.server)->request, line));
    CHECK(strstr(file_server_seen(g.server)->request, "\r\nRange: bytes=1234-\r\n"));
    CHECK(strstr(file_server_seen(g.server)->request, "\r\nAccept-Encoding: identity\r\n"));
    CHECK(!strcasestr(file_server_seen(g.server)->request, "\r\nContent-Length:"));
    fetch_rig_close(&g);
}

static void test_refused(void)
{
    static const char md5[] = "d41d8cd98f00b204e9800998ecf8427e";
    static const struct fetch_request bad[] = {
        {.url = "ftp://h/", .name = FETCH_RIG_NAME, .size = 1, .md5 = md5},
        {.url = "http://h h/", .name = FETCH_RIG_NAME, .size = 1, .md5 = md5},
        {.url = "http://h/\r\nX: y", .name = FETCH_RIG_NAME, .size = 1, .md5 = md5},
        {.url = "http://h/", .name = "../x", .size = 1, .md5 = md5},
        {.url = "http://h/", .name = "..", .size = 1, .md5 = md5},
        {.url = "http://h/", .name = "", .size = 1, .md5 = md5},
        {.url = "http://h/", .name = FETCH_RIG_NAME, .size = 0, .md5 = md5},
        {.url = "http://h/", .name = FETCH_RIG_NAME, .size = UINT64_MAX, .md5 = md5},
        {.url = "http://h/",
         .name = FETCH_RIG_NAME,
         .size = 1,
         .md5 = "d41d8cd98f00b204e9800998ecf8427"},
        {.url = "http://h/",
         .name = FETCH_RIG_NAME,
         .size = 1,
         .md5 = "g41d8cd98f00b204e9800998ecf8427e"},
    };
    struct file_server_config config = {.size = 1, STEPS(WELL)};
    struct fetch_request rq;
    char url[LIMIT_URL + 2];
    struct fetch_rig g;

    fetch_rig_open(&g, &config, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        rq = bad[i];
        rq.dir = g.dir_fd;
        CHECK_INT(fetch_start(&g.fetch, g.fetcher, &rq, &fetch_rig_events, &g), -EINVAL);
        CHECK(!g.fetch);
    }
    rq = g.rq;
    rq.url = url;
    (void) snprintf(url, sizeof(url), "http://h/%0*d", LIMIT_URL - 8, 0);
    CHECK_INT(fetch_start(&g.fetch, g.fetcher, &rq, &fetch_rig_events, &g), -EINVAL);
    rq = g.rq;
    rq.dir = 99999;
    CHECK_INT(fetch_start(&g.fetch, g.fetcher, &rq, &fetch_rig_events, &g), -EBADF);
    CHECK_INT(symlinkat("/etc/passwd", g.dir_fd, FETCH_RIG_NAME), 0);
    CHECK_INT(fetch_start(&g.fetch, g.fetcher, &g.rq, &fetch_rig_events, &g), -ELOOP);
    CHECK_INT(unlinkat(g.dir_fd, FETCH_RIG_NAME, 0), 0);
    CHECK_INT(mkfifoat(g.dir_fd, FETCH_RIG_NAME, 0600), 0);
    CHECK_INT(fetch_start(&g.fetch, g.fetcher, &g.rq, &fetch_rig_events, &g), -EINVAL);
    CHECK_INT(file_server_seen(g.server)->n_connections, 0);
    fetch_rig_close(&g);
}

/* --- a file that is there already --- */

static void put_there(struct fetch_rig *g, uint64_t size, bool damaged)
{
    CLEANUP(fd_closep)
    int fd = openat(g->dir_fd, FETCH_RIG_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    CLEANUP(freep) uint8_t *buf = malloc(size);

    file_server_bytes(buf, 0, size);
    if (damaged)
        buf[size / 2] ^= 1;
    CHECK_INT(write(fd, buf, size), size);
}

static void test_taken_up(void)
{
    static const struct {
        uint64_t there;
        bool damaged;
        unsigned n_connections;
        uint64_t received;
    } takes[] = {
        {1, false, 1, SIZE - 1},
        {SIZE / 2, false, 1, SIZE / 2},
        {SIZE, false, 0, 0},                  /* iotd was killed at the very end */
        {SIZE + 1, false, 1, SIZE},           /* not this file */
        {SIZE / 2, true, 2, SIZE / 2 + SIZE}, /* the disk lost something: from the begin */
        {SIZE, true, 1, SIZE},
    };
    struct file_server_config config = {.size = SIZE, STEPS(WELL)};

    for (size_t i = 0; i < ARRAY_SIZE(takes); i++) {
        struct fetch_rig g;

        fetch_rig_open(&g, &config, NULL);
        put_there(&g, takes[i].there, takes[i].damaged);
        fetch_rig_run(&g);
        CHECK_INT(g.end.result, TRANSFER_OK);
        CHECK_INT(g.end.received, takes[i].received);
        CHECK_INT(file_server_seen(g.server)->n_connections, takes[i].n_connections);
        fetch_rig_check_file(&g);
        fetch_rig_close(&g);
    }
}

/* A damaged one and a wrong one: once from the begin, not for ever. */
static void test_taken_up_wrong(void)
{
    struct file_server_config config = {.size = SIZE, STEPS({.garbled = true})};
    struct fetch_rig g;

    fetch_rig_open(&g, &config, NULL);
    put_there(&g, SIZE / 2, true);
    fetch_rig_run(&g);
    CHECK_INT(g.end.result, TRANSFER_MISMATCH);
    CHECK_INT(file_server_seen(g.server)->n_connections, 2);
    CHECK_INT(fetch_rig_there(&g), -1);
    fetch_rig_close(&g);
}

/* Cancelled, or killed with the process: the next run goes on where it was. */
static void test_cancelled(void)
{
    static const struct file_server_step steps[] = {{.stop_after = 400000}, WELL};
    struct file_server_config config = {.size = SIZE, .steps = steps, .n_steps = 1};
    struct fetch_rig g, h;

    fetch_rig_open(&g, &config, NULL);
    g.cancel_at = 400000;
    fetch_rig_run(&g);
    CHECK_INT(g.n_done, 0);
    CHECK(!g.fetch);
    CHECK_INT(fetch_rig_there(&g), 400000);
    config.steps = steps + 1;
    fetch_rig_open(&h, &config, NULL);
    g.rq.url = h.url;
    g.cancel_at = 0;
    fetch_rig_run(&g);
    CHECK_INT(g.end.result, TRANSFER_OK);
    CHECK_INT(g.end.received, SIZE - 400000);
    fetch_rig_check_file(&g);
    fetch_rig_close(&h);
    fetch_rig_close(&g);
}

static void on_killer(uint64_t done, void *userdata)
{
    (void) userdata;
    if (done >= 300000)
        (void) kill(getpid(), SIGKILL);
}

static void test_killed(void)
{
    const struct fetch_events killer = {on_killer, fetch_rig_events.done};
    static const struct file_server_step steps[] = {{.stop_after = 300000}, WELL};
    struct file_server_config config = {.size = SIZE, .steps = steps, .n_steps = 1};
    struct fetch_rig g, h;
    int status = 0;
    pid_t pid;

    fetch_rig_open(&g, &config, NULL);
    pid = fork();
    if (pid == 0) {
        struct loop_lws *loop = NULL;
        struct fetcher *fetcher = NULL;
        struct fetch *fetch = NULL;

        if (loop_lws_new(&loop) == 0 && fetcher_new(&fetcher, loop, "") == 0 &&
            fetch_start(&fetch, fetcher, &g.rq, &killer, &g) == 0)
            (void) !loop_lws_run(loop);
        _exit(1);
    }
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK_INT(fetch_rig_there(&g), 300000);
    config.steps = steps + 1;
    fetch_rig_open(&h, &config, NULL);
    g.rq.url = h.url;
    fetch_rig_run(&g);
    CHECK_INT(g.end.result, TRANSFER_OK);
    CHECK_INT(g.end.received, SIZE - 300000);
    fetch_rig_check_file(&g);
    fetch_rig_close(&h);
    fetch_rig_close(&g);
}

/* --- time and room --- */

static void test_times(void)
{
    static const struct {
        struct file_server_step step;
        uint64_t idle_ms, total_ms;
        const char *text;
        unsigned n_connections;
    } times[] = {
        {{.silent = true}, 50, 60000, "the server has fallen silent", 5},
        {{.silent = true}, 60000, 200, "it takes too long", 1},
        {{.stop_after = 5000}, 50, 300, "it takes too long", 0},
        {{.piece = 1, .pause_us = 5000}, 10000, 300, "it takes too long", 1}, /* drop by drop */
    };

    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        struct file_server_config config = {.size = SIZE, .steps = &times[i].step, .n_steps = 1};
        struct fetch_rig g;

        fetch_rig_open(&g, &config, NULL);
        g.rq.idle_us = times[i].idle_ms * USEC_PER_MSEC;
        g.rq.total_us = times[i].total_ms * USEC_PER_MSEC;
        /* A server that holds a connection does not take another one: these wait in its queue. */
        fetch_rig_run(&g);
        CHECK_INT(g.end.result, TRANSFER_TIMEOUT);
        CHECK_STR(g.text, times[i].text);
        fetch_rig_close(&g);
    }
}

static void test_nobody(void)
{
    struct file_server_config config = {.size = SIZE, STEPS(WELL)};
    struct fetch_rig g;

    fetch_rig_open(&g, &config, NULL);
    g.server = file_server_stop(g.server);
    fetch_rig_run(&g);
    CHECK_INT(g.end.result, TRANSFER_TIMEOUT);
    CHECK_STR(g.text, "Connection refused");
    g.rq.url = "http://no-such-host.invalid/";
    fetch_rig_run(&g);
    CHECK_INT(g.end.result, TRANSFER_TIMEOUT);
    CHECK(*g.text);
    fetch_rig_close(&g);
}

static void test_rate(void)
{
    struct file_server_config config = {.size = 100 * KIB, STEPS(WELL)};
    uint64_t begin_us, took_us;
    struct fetch_rig g;

    fetch_rig_open(&g, &config, NULL);
    g.rq.rate = 200 * KIB;
    g.rq.idle_us = 100 * USEC_PER_MSEC; /* waiting by ourselves is not idle */
    begin_us = clock_boot_us();
    fetch_rig_run(&g);
    took_us = clock_boot_us() - begin_us;
    CHECK_INT(g.end.result, TRANSFER_OK);
    CHECK(took_us > 350 * USEC_PER_MSEC);
    CHECK(g.n_progress > 0);
    fetch_rig_check_file(&g);
    fetch_rig_close(&g);
}

/* The disk is full: what was written stays, and the next one goes on from there. */
static void test_no_space(void)
{
    struct file_server_config config = {.size = SIZE, STEPS(WELL)};
    struct rlimit old, limit;
    struct fetch_rig g;

    fetch_rig_open(&g, &config, NULL);
    CHECK_INT(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = 300000;
    (void) signal(SIGXFSZ, SIG_IGN);
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
    fetch_rig_run(&g);
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &old), 0);
    CHECK_INT(g.end.result, TRANSFER_NO_SPACE);
    CHECK_STR(g.text, "there is no room for it on the disk");
    CHECK_INT(fetch_rig_there(&g), 300000);
    fetch_rig_run(&g);
    CHECK_INT(g.end.result, TRANSFER_OK);
    CHECK_INT(g.end.received, SIZE - 300000);
    fetch_rig_check_file(&g);
    g.rq.size = 1ULL << 60; /* no disk has that: not even begun */
    (void) unlinkat(g.dir_fd, FETCH_RIG_NAME, 0);
    fetch_rig_run(&g);
    CHECK_INT(g.end.result, TRANSFER_NO_SPACE);
    CHECK_INT(g.end.received, 0);
    fetch_rig_close(&g);
}

/* Several at the same time, from one server after the other. */
static void test_together(void)
{
    struct file_server_config config = {.size = SIZE, STEPS(CUT(250000))};
    struct fetch_rig a, b;

    fetch_rig_open(&a, &config, NULL);
    fetch_rig_open(&b, &config, NULL);
    loop_lws_free(b.loop);
    fetcher_free(b.fetcher);
    b.fetcher = a.fetcher;
    b.loop = a.loop;
    CHECK_INT(fetch_start(&a.fetch, a.fetcher, &a.rq, &fetch_rig_events, &a), 0);
    CHECK_INT(fetch_start(&b.fetch, b.fetcher, &b.rq, &fetch_rig_events, &b), 0);
    while (a.n_done + b.n_done < 2)
        CHECK_INT(loop_lws_run(a.loop), 0);
    CHECK_INT(a.end.result, TRANSFER_OK);
    CHECK_INT(b.end.result, TRANSFER_OK);
    CHECK_INT(a.end.received, SIZE);
    CHECK_INT(b.end.received, SIZE);
    fetch_rig_check_file(&a);
    fetch_rig_check_file(&b);
    b.fetcher = NULL;
    b.loop = NULL;
    fetch_rig_close(&b);
    fetch_rig_close(&a);
}

const char *const suite_name = "fetch";
const struct suite_test suite_tests[] = {
    {"servers", test_servers},
    {"request", test_request},
    {"refused", test_refused},
    {"taken_up", test_taken_up},
    {"taken_up_wrong", test_taken_up_wrong},
    {"cancelled", test_cancelled},
    {"killed", test_killed},
    {"times", test_times},
    {"nobody", test_nobody},
    {"rate", test_rate},
    {"no_space", test_no_space},
    {"together", test_together},
    {NULL, NULL},
};

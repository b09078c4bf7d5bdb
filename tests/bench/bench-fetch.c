/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Downloads: the verified one of iotd, with its file on the disk when it is told, and `curl -o
 * FILE` from the same iot-localcloud in turns; over http and https. "synced" is compared with curl
 * and fdatasync(2) of its file. And how much memory a download takes.
 *
 *   bench-fetch [--quick]     five rounds of 256 MiB, or two of 64
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "daemon/net/fetch.h"
#include "daemon/sys/loop_lws.h"
#include "libiotclient/base/fdutil.h"
#include "tests/bench/bench.h"
#include "tests/lib/certs.h"
#include "tests/lib/cloud-fixture.h"
#include "tests/lib/file-server.h"
#include "tests/lib/proc.h"

#define MIB (1024ULL * 1024)

struct bench {
    uint64_t size;
    struct cloud_fixture *cloud;
    char md5[33];
    int dir;
    struct loop_lws *loop;
    struct fetcher *fetcher;
    struct fetch *fetch;
    enum transfer_result result;
    char *ca;
};

/* --- the server: iot-localcloud --- */

/* A pre-signed URL; the end of it, from the path on. The text is the caller's. */
static char *ask_url(const struct bench *b, const char *method)
{
    CLEANUP(freep) char *order = NULL, *at = NULL, *answer = NULL;
    char *path = NULL;
    const char *url;
    json_t *json;

    if (asprintf(&order, "{\"key\":\"image\",\"method\":\"%s\",\"size\":%llu}", method,
                 (unsigned long long) b->size) < 0 ||
        asprintf(&at, "http://127.0.0.1:%d/file", cloud_http_port(b->cloud)) < 0)
        bench_fatal("out of memory");
    if (proc_run((const char *const[]){"curl", "-s", "--data", order, at, NULL}, &answer) != 0)
        bench_fatal("no curl, or no iot-localcloud");
    json = json_loads(answer, 0, NULL);
    url = json_string_value(json_object_get(json, "url"));
    url = url ? strstr(url, "/files/") : NULL;
    if (!url || !(path = strdup(url)))
        bench_fatal("no URL: %s", answer);
    json_decref(json);
    return path;
}

static void upload(const struct bench *b)
{
    CLEANUP(freep) char *path = ask_url(b, "PUT"), *file = fixture_test_path("image"), *url = NULL;

    if (asprintf(&url, "http://127.0.0.1:%d%s", cloud_http_port(b->cloud), path) < 0 ||
        proc_run((const char *const[]){"curl", "-s", "-f", "-T", file, url, NULL}, NULL) != 0)
        bench_fatal("iot-localcloud does not take the file");
}

/* --- the two --- */

static double rate_of(const struct bench *b, uint64_t start_ns)
{
    return (double) b->size / 1e6 / ((double) (bench_now_ns() - start_ns) / 1e9);
}

/* *ret_synced: the same, with its file on the disk as ours is. */
static double run_curl(const struct bench *b, const char *url, double *ret_synced)
{
    CLEANUP(freep) char *file = fixture_test_path("curl.out");
    uint64_t start_ns = bench_now_ns();
    CLEANUP(fd_closep) int fd = -1;
    int status = 0;
    double rate;
    pid_t pid = fork();

    if (pid == 0) {
        (void) execlp("curl", "curl", "--silent", "--show-error", "--cacert", b->ca, "-o", file,
                      url, (char *) NULL);
        _exit(127);
    }
    if (waitpid(pid, &status, 0) != pid || status != 0)
        bench_fatal("curl does not work");
    rate = rate_of(b, start_ns);
    fd = open(file, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || fdatasync(fd) < 0)
        bench_fatal("curl left no file");
    *ret_synced = rate_of(b, start_ns);
    (void) unlink(file);
    return rate;
}

static void on_done(const struct fetch_end *end, void *userdata)
{
    struct bench *b = userdata;

    b->result = end->result;
    if (end->result != TRANSFER_OK)
        bench_fatal("the download failed: %s", end->text);
    b->fetch = fetch_free(b->fetch);
    loop_lws_stop(b->loop);
}

static double run_fetch(struct bench *b, const char *url)
{
    static const struct fetch_events events = {NULL, on_done};
    struct fetch_request rq = {
        .url = url, .dir = b->dir, .name = "fetch.out", .size = b->size, .md5 = b->md5};
    uint64_t start_ns = bench_now_ns();
    double rate;

    bench_must(fetch_start(&b->fetch, b->fetcher, &rq, &events, b), "fetch_start");
    bench_must(loop_lws_run(b->loop), "loop");
    rate = rate_of(b, start_ns);
    (void) unlinkat(b->dir, rq.name, 0);
    return rate;
}

/* --- memory --- */

/* Of this process, in KiB: VmRSS, or VmHWM, the most since it was reset. */
static double memory(const char *key)
{
    char line[256];
    double value = -1;
    FILE *f = fopen("/proc/self/status", "re");

    while (f && value < 0 && fgets(line, sizeof(line), f)) {
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtod(line + strlen(key), NULL);
    }
    if (f)
        (void) fclose(f);
    return value;
}

static void reset_peak(void)
{
    CLEANUP(fd_closep) int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

    if (write(fd, "5", 1) != 1)
        bench_fatal("clear_refs");
}

static void measure(struct bench *b, bool tls, unsigned rounds)
{
    struct bench_series curl = {.name = tls ? "fetch.https_curl" : "fetch.http_curl",
                                .unit = "MB/s"};
    struct bench_series curl_synced = curl;
    struct bench_series ours = {.name = tls ? "fetch.https" : "fetch.http", .unit = "MB/s"};
    struct bench_series grown = {.name = tls ? "fetch.https_memory" : "fetch.http_memory",
                                 .unit = "KiB"};
    CLEANUP(freep) char *path = ask_url(b, "GET"), *url = NULL;
    double synced;

    if (asprintf(&url, "http%s://localhost:%d%s", tls ? "s" : "",
                 tls ? cloud_https_port(b->cloud) : cloud_http_port(b->cloud), path) < 0)
        bench_fatal("out of memory");
    (void) run_curl(b, url, &synced); /* both have run once */
    (void) run_fetch(b, url);
    for (unsigned i = 0; i < rounds; i++) {
        double before;

        bench_add(&curl, run_curl(b, url, &synced));
        bench_add(&curl_synced, synced);
        before = memory("VmRSS:");
        reset_peak();
        bench_add(&ours, run_fetch(b, url));
        bench_add(&grown, memory("VmHWM:") - before);
    }
    bench_print_pairs(&ours, &curl);
    ours.name = tls ? "fetch.https_synced" : "fetch.http_synced";
    bench_print_pairs(&ours, &curl_synced);
    bench_print(&grown, NULL);
    bench_clear(&curl);
    bench_clear(&curl_synced);
    bench_clear(&ours);
    bench_clear(&grown);
}

static void make_file(struct bench *b)
{
    CLEANUP(freep) char *path = fixture_test_path("image");
    CLEANUP(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    static uint8_t buf[MIB];

    for (uint64_t at = 0; at < b->size; at += MIB) {
        file_server_bytes(buf, at, sizeof(buf));
        if (write(fd, buf, sizeof(buf)) != (ssize_t) sizeof(buf))
            bench_fatal("no room for the file");
    }
    file_server_md5(b->size, b->md5);
    upload(b);
    (void) unlink(path);
}

int main(int argc, char **argv)
{
    bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    CLEANUP(freep) char *dir = fixture_test_path(".");
    struct bench b = {.size = (quick ? 64 : 256) * MIB};

    certs_make();
    b.ca = certs_pem("ca");
    b.cloud = cloud_start_tls(NULL, &(const struct cloud_tls){.cert = "right"});
    b.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    make_file(&b);
    bench_must(loop_lws_new(&b.loop), "loop");
    bench_must(fetcher_new(&b.fetcher, b.loop, b.ca), "fetcher");
    measure(&b, false, quick ? 2 : 5);
    measure(&b, true, quick ? 2 : 5);
    fetcher_free(b.fetcher);
    loop_lws_free(b.loop);
    (void) cloud_stop(b.cloud);
    free(b.ca);
    (void) close(b.dir);
    return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Downloads: the verified one of iotd, with the file on the disk when it is told, against
 * `curl -o FILE` from the same server in turns; over http and https. And how much memory a download
 * takes.
 *
 *   bench-fetch [--quick]     five rounds of 256 MiB, or two of 64
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "daemon/net/fetch.h"
#include "daemon/sys/loop_lws.h"
#include "libiotclient/base/fdutil.h"
#include "tests/bench/bench.h"
#include "tests/bench/helper.h"
#include "tests/lib/certs.h"
#include "tests/lib/file-server.h"
#include "tests/lib/proc.h"

#define MIB (1024ULL * 1024)

struct bench {
    uint64_t size;
    int file; /* what is served */
    char md5[33];
    int dir;
    struct loop_lws *loop;
    struct fetcher *fetcher;
    struct fetch *fetch;
    enum transfer_result result;
    char *ca, *cert, *key;
};

/* --- a server that does as little as it can --- */

struct server {
    const struct bench *bench;
    int listen_fd;
    bool tls;
};

static void serve_plain(const struct server *s, int fd, const char *head)
{
    off_t at = 0;

    (void) send(fd, head, strlen(head), MSG_MORE | MSG_NOSIGNAL);
    while ((uint64_t) at < s->bench->size &&
           sendfile(fd, s->bench->file, &at, s->bench->size - (uint64_t) at) > 0)
        ;
}

static void serve_tls(const struct server *s, SSL *ssl, const char *head, const char *data)
{
    uint64_t at = 0;

    (void) SSL_write(ssl, head, (int) strlen(head));
    while (at < s->bench->size) {
        uint64_t n = s->bench->size - at < MIB ? s->bench->size - at : MIB;

        if (SSL_write(ssl, data + at, (int) n) <= 0)
            return;
        at += n;
    }
    (void) SSL_shutdown(ssl);
}

static int run_server(int control, void *arg)
{
    const struct server *s = arg;
    const char *data =
        mmap(NULL, s->bench->size, PROT_READ, MAP_SHARED | MAP_POPULATE, s->bench->file, 0);
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    char head[128], request[2048];

    (void) signal(SIGPIPE, SIG_IGN);
    (void) snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n",
                    (unsigned long long) s->bench->size);
    if (data == MAP_FAILED || !ctx ||
        SSL_CTX_use_certificate_chain_file(ctx, s->bench->cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, s->bench->key, SSL_FILETYPE_PEM) != 1)
        return 1;
    helper_tell(control, 0);
    for (;;) {
        int fd = accept(s->listen_fd, NULL, NULL);
        SSL *ssl = s->tls ? SSL_new(ctx) : NULL;

        if (ssl)
            (void) SSL_set_fd(ssl, fd);
        if (ssl && SSL_accept(ssl) == 1 && SSL_read(ssl, request, sizeof(request)) > 0)
            serve_tls(s, ssl, head, data);
        else if (!ssl && read(fd, request, sizeof(request)) > 0)
            serve_plain(s, fd, head);
        SSL_free(ssl);
        (void) close(fd);
    }
}

static uint16_t listen_at(struct server *s)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(addr);

    s->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listen_fd < 0 || bind(s->listen_fd, (struct sockaddr *) &addr, len) < 0 ||
        listen(s->listen_fd, 4) < 0 ||
        getsockname(s->listen_fd, (struct sockaddr *) &addr, &len) < 0)
        bench_fatal("no server");
    return ntohs(addr.sin_port);
}

/* --- the two --- */

static double rate_of(const struct bench *b, uint64_t start_ns)
{
    return (double) b->size / 1e6 / ((double) (bench_now_ns() - start_ns) / 1e9);
}

static double run_curl(const struct bench *b, const char *url)
{
    CLEANUP(freep) char *file = fixture_test_path("curl.out");
    uint64_t start_ns = bench_now_ns();
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
    struct bench_series ours = {.name = tls ? "fetch.https" : "fetch.http", .unit = "MB/s"};
    struct bench_series grown = {.name = tls ? "fetch.https_memory" : "fetch.http_memory",
                                 .unit = "KiB"};
    struct server s = {.bench = b, .tls = tls};
    uint16_t port = listen_at(&s);
    struct helper h;
    uint64_t number;
    char url[64];

    (void) snprintf(url, sizeof(url), "http%s://127.0.0.1:%u/image", tls ? "s" : "", port);
    helper_start(&h, run_server, &s);
    if (!helper_hear(h.fd, &number))
        bench_fatal("the server does not start");
    (void) run_curl(b, url); /* both have run once */
    (void) run_fetch(b, url);
    for (unsigned i = 0; i < rounds; i++) {
        double before;

        bench_add(&curl, run_curl(b, url));
        before = memory("VmRSS:");
        reset_peak();
        bench_add(&ours, run_fetch(b, url));
        bench_add(&grown, memory("VmHWM:") - before);
    }
    bench_print_pairs(&ours, &curl);
    bench_print(&grown, NULL);
    helper_kill(&h);
    (void) close(s.listen_fd);
    bench_clear(&curl);
    bench_clear(&ours);
    bench_clear(&grown);
}

static void make_file(struct bench *b)
{
    CLEANUP(freep) char *path = fixture_test_path("image");
    static uint8_t buf[MIB];

    b->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    for (uint64_t at = 0; at < b->size; at += MIB) {
        file_server_bytes(buf, at, sizeof(buf));
        if (write(b->file, buf, sizeof(buf)) != (ssize_t) sizeof(buf))
            bench_fatal("no room for the file");
    }
    (void) fsync(b->file);
    file_server_md5(b->size, b->md5);
}

int main(int argc, char **argv)
{
    bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    CLEANUP(freep) char *dir = fixture_test_path(".");
    struct bench b = {.size = (quick ? 64 : 256) * MIB};

    certs_make();
    b.ca = certs_pem("ca");
    b.cert = certs_pem("right");
    b.key = certs_key("right");
    b.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    make_file(&b);
    bench_must(loop_lws_new(&b.loop), "loop");
    bench_must(fetcher_new(&b.fetcher, b.loop, b.ca), "fetcher");
    measure(&b, false, quick ? 2 : 5);
    measure(&b, true, quick ? 2 : 5);
    fetcher_free(b.fetcher);
    loop_lws_free(b.loop);
    free(b.ca);
    free(b.cert);
    free(b.key);
    (void) close(b.dir);
    (void) close(b.file);
    return 0;
}

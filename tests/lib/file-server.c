/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/file-server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/macro.h"
#include "tests/lib/proc.h"

#define PIECE (64 * 1024)

struct file_server {
    pid_t pid;
    uint16_t port;
    struct file_server_seen *seen;
};

/* In the child. */
struct conn {
    const struct file_server_config *config;
    struct file_server_seen *seen;
    uint16_t port;
    int fd;
    SSL *ssl;
    uint64_t from, left; /* of the body */
};

void file_server_bytes(uint8_t *buf, uint64_t offset, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint64_t at = offset + i;

        buf[i] = (uint8_t) (at * 131 + (at >> 8) * 31 + (at >> 16) * 7 + 1);
    }
}

void file_server_md5(uint64_t size, char hex[33])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    static uint8_t buf[PIECE];
    uint8_t md[16];

    EVP_DigestInit_ex(ctx, EVP_md5(), NULL);
    for (uint64_t at = 0; at < size; at += PIECE) {
        size_t n = size - at < PIECE ? (size_t) (size - at) : PIECE;

        file_server_bytes(buf, at, n);
        EVP_DigestUpdate(ctx, buf, n);
    }
    EVP_DigestFinal_ex(ctx, md, NULL);
    EVP_MD_CTX_free(ctx);
    for (size_t i = 0; i < sizeof(md); i++)
        (void) snprintf(hex + 2 * i, 3, "%02x", md[i]);
}

/* --- the child --- */

static bool put(struct conn *c, const void *data, size_t len)
{
    const char *p = data;

    while (len > 0) {
        ssize_t n = c->ssl ? SSL_write(c->ssl, p, (int) len) : send(c->fd, p, len, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        p += n;
        len -= (size_t) n;
    }
    return true;
}

static ssize_t get(struct conn *c, void *buf, size_t size)
{
    return c->ssl ? SSL_read(c->ssl, buf, (int) size) : read(c->fd, buf, size);
}

/* The head, and the body as Content-Length has it. */
static bool read_request(struct conn *c, bool early)
{
    char *buf = c->seen->request, *end, *length;
    size_t size = sizeof(c->seen->request) - 1, len = 0, have;
    unsigned long long want;
    static char rest[PIECE];
    ssize_t n;

    do {
        n = get(c, buf + len, size - len);
        if (n <= 0)
            return false;
        len += (size_t) n;
        buf[len] = '\0';
        end = strstr(buf, "\r\n\r\n");
    } while (!end && len < size);
    if (!end)
        return false;
    c->seen->n_connections++;
    length = strcasestr(buf, "\r\nContent-Length: ");
    want = length && length < end ? strtoull(length + 18, NULL, 10) : 0;
    have = len - (size_t) (end + 4 - buf);
    for (; have < want && !early; have += (size_t) n) {
        bool room = len < size; /* the begin of it is for the test to see */

        n = get(c, room ? buf + len : rest, room ? size - len : sizeof(rest));
        if (n <= 0)
            return false;
        len += room ? (size_t) n : 0;
        buf[len] = '\0';
    }
    c->seen->got += have;
    return true;
}

static void choose_range(struct conn *c, const struct file_server_step *s, char *head, size_t size)
{
    const char *range = strcasestr(c->seen->request, "\r\nRange: bytes=");
    uint64_t file = c->config->size;

    c->from = 0;
    c->left = file;
    if (!range || s->no_ranges) {
        (void) snprintf(head, size, "HTTP/1.1 200 OK\r\n");
        return;
    }
    c->from = strtoull(range + 15, NULL, 10);
    if (c->from >= file) {
        c->left = 0;
        (void) snprintf(head, size,
                        "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */%llu\r\n",
                        (unsigned long long) file);
        return;
    }
    c->left = file - c->from;
    (void) snprintf(
        head, size, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %llu-%llu/%llu\r\n",
        (unsigned long long) c->from, (unsigned long long) file - 1, (unsigned long long) file);
}

static bool put_body(struct conn *c, const uint8_t *data, size_t n, bool chunked)
{
    char line[32];

    (void) snprintf(line, sizeof(line), "%zx;x=y\r\n", n);
    if (chunked && !put(c, line, strlen(line)))
        return false;
    if (!put(c, data, n))
        return false;
    c->seen->sent += n;
    return !chunked || put(c, "\r\n", 2);
}

static void wait_us(unsigned us)
{
    struct timespec ts = {.tv_nsec = (long) us * 1000};

    (void) ppoll(NULL, 0, &ts, NULL);
}

static void serve_body(struct conn *c, const struct file_server_step *s)
{
    static uint8_t buf[PIECE];
    uint64_t sent = 0, left = c->left + s->extra,
             stop = s->cut_after ? s->cut_after : s->stop_after;

    if (s->extra == FILE_SERVER_ALL)
        left = FILE_SERVER_ALL;
    while (left > 0 && (stop == 0 || sent < stop)) {
        size_t n = s->piece > 0 ? s->piece : PIECE;

        if (n > left)
            n = (size_t) left;
        if (stop > 0 && n > stop - sent)
            n = (size_t) (stop - sent);
        file_server_bytes(buf, c->from + sent, n);
        if (s->garbled)
            buf[0] ^= 1;
        if (!put_body(c, buf, n, s->chunked))
            return;
        sent += n;
        left -= left == FILE_SERVER_ALL ? 0 : n;
        if (s->pause_us > 0)
            wait_us(s->pause_us);
    }
    if (s->chunked && left == 0)
        (void) put(c, "0\r\nTrailer: x\r\n\r\n", 17);
    if (s->stop_after > 0)
        (void) pause(); /* until the test ends it */
}

static void serve_one(struct conn *c, const struct file_server_step *s)
{
    char head[512], all[1024];
    size_t n;

    if (!read_request(c, s->early))
        return;
    if (s->silent)
        (void) pause();
    if (s->answer) {
        (void) snprintf(all, sizeof(all), "http%s://127.0.0.1:%u/again", c->ssl ? "s" : "",
                        c->port);
        n = strcspn(s->answer, "%");
        (void) put(c, s->answer, n);
        if (s->answer[n]) {
            (void) put(c, all, strlen(all));
            (void) put(c, s->answer + n + 2, strlen(s->answer + n + 2));
        }
        return;
    }
    choose_range(c, s, head, sizeof(head));
    n = strlen(s->head ? s->head : head);
    memcpy(all, s->head ? s->head : head, n);
    if (s->chunked)
        n += (size_t) snprintf(all + n, sizeof(all) - n, "Transfer-Encoding: chunked\r\n");
    else if (!s->no_length && !s->head)
        n += (size_t) snprintf(all + n, sizeof(all) - n, "Content-Length: %llu\r\n",
                               (unsigned long long) c->left);
    n += (size_t) snprintf(all + n, sizeof(all) - n, "Connection: close\r\n\r\n");
    if (put(c, all, n))
        serve_body(c, s);
}

static SSL_CTX *make_ctx(const struct file_server_config *config)
{
    SSL_CTX *ctx = config->cert ? SSL_CTX_new(TLS_server_method()) : NULL;

    if (ctx && (SSL_CTX_use_certificate_chain_file(ctx, config->cert) != 1 ||
                SSL_CTX_use_PrivateKey_file(ctx, config->key, SSL_FILETYPE_PEM) != 1))
        _exit(1);
    return ctx;
}

static void run(struct conn *c, int listen_fd)
{
    SSL_CTX *ctx = make_ctx(c->config);

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void) signal(SIGPIPE, SIG_IGN);
    for (;;) {
        size_t i = c->seen->n_connections;

        c->fd = accept(listen_fd, NULL, NULL);
        if (i >= c->config->n_steps)
            i = c->config->n_steps - 1;
        if (ctx) {
            c->ssl = SSL_new(ctx);
            (void) SSL_set_fd(c->ssl, c->fd);
        }
        if (!ctx || SSL_accept(c->ssl) == 1) {
            serve_one(c, &c->config->steps[i]);
            if (ctx)
                (void) SSL_shutdown(c->ssl);
        } else {
            c->seen->n_alarms++;
        }
        SSL_free(c->ssl);
        c->ssl = NULL;
        (void) shutdown(c->fd, SHUT_WR);
        (void) fd_close(c->fd);
    }
}

/* --- the test's side --- */

struct file_server *file_server_start(const struct file_server_config *config)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CLEANUP(fd_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct file_server *s = calloc(1, sizeof(*s));
    struct conn c = {.config = config};
    socklen_t len = sizeof(addr);

    if (fd < 0 || !s || bind(fd, (struct sockaddr *) &addr, len) < 0 || listen(fd, 8) < 0 ||
        getsockname(fd, (struct sockaddr *) &addr, &len) < 0)
        fixture_fatal("no server");
    s->port = c.port = ntohs(addr.sin_port);
    s->seen =
        mmap(NULL, sizeof(*s->seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s->seen == MAP_FAILED)
        fixture_fatal("no memory");
    c.seen = s->seen;
    s->pid = fork();
    if (s->pid < 0)
        fixture_fatal("no child");
    if (s->pid == 0)
        run(&c, fd);
    return s;
}

struct file_server *file_server_stop(struct file_server *s)
{
    if (!s)
        return NULL;

    (void) kill(s->pid, SIGKILL);
    (void) waitpid(s->pid, NULL, 0);
    (void) munmap(s->seen, sizeof(*s->seen));
    free(s);
    return NULL;
}

uint16_t file_server_port(const struct file_server *s)
{
    return s->port;
}

const struct file_server_seen *file_server_seen(const struct file_server *s)
{
    return s->seen;
}

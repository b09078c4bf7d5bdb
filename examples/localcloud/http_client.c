/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/http_client.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/num.h"
#include "libiotclient/base/strbuf.h"

#define ANSWER_MAX (32 * 1024 * 1024)
#define SENDFILE_MAX (1024 * 1024)

static int64_t now_ms(void)
{
    struct timespec ts = {0};

    (void) clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail with this clock */
    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int wait_for(int fd, short events, int64_t deadline_ms)
{
    struct pollfd p = {.fd = fd, .events = events};
    int n;

    do {
        int64_t left = deadline_ms - now_ms();

        n = left > 0 ? poll(&p, 1, (int) left) : 0;
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

static void freeaddrinfop(struct addrinfo **p)
{
    if (*p)
        freeaddrinfo(*p);
}

static int connect_to(const char *host, int port, int64_t deadline_ms, int *ret_fd)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    CLEANUP(freeaddrinfop) struct addrinfo *list = NULL;
    CLEANUP(fd_closep) int fd = -1;
    socklen_t len = sizeof(int);
    char service[12];
    int e = 0;

    (void) snprintf(service, sizeof(service), "%d", port);
    if (getaddrinfo(host, service, &hints, &list) != 0 || !list)
        return -EHOSTUNREACH;
    fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, list->ai_addr, list->ai_addrlen) < 0) {
        if (errno != EINPROGRESS)
            return -errno;
        e = wait_for(fd, POLLOUT, deadline_ms);
        if (e < 0)
            return e;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0)
            return -errno;
        if (e != 0)
            return -e;
    }
    *ret_fd = fd;
    fd = -1;
    return 0;
}

static int send_all(int fd, const char *data, size_t len, int64_t deadline_ms)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        int e;

        if (n >= 0) {
            data += n;
            len -= (size_t) n;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        e = wait_for(fd, POLLOUT, deadline_ms);
        if (e < 0)
            return e;
    }
    return 0;
}

static int send_file(int fd, const struct http_client_file *file, int64_t deadline_ms)
{
    uint64_t left = file->size;

    while (left > 0) {
        ssize_t n = sendfile(fd, file->fd, NULL, left > SENDFILE_MAX ? SENDFILE_MAX : left);
        int e;

        if (n == 0)
            return -EIO; /* it became shorter */
        if (n > 0) {
            left -= (uint64_t) n;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        e = wait_for(fd, POLLOUT, deadline_ms);
        if (e < 0)
            return e;
    }
    return 0;
}

/* Everything until the server closes, which the request asked for. */
static int receive_all(int fd, struct strbuf *sb, int64_t deadline_ms)
{
    char buf[2048];

    while (!sb->error) {
        ssize_t n = recv(fd, buf, sizeof(buf), 0);
        int e;

        if (n == 0)
            return 0;
        if (n > 0) {
            strbuf_add(sb, buf, (size_t) n);
            continue;
        }
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        e = wait_for(fd, POLLIN, deadline_ms);
        if (e < 0)
            return e;
    }
    return sb->error;
}

/* The status of the status line, and the Content-Length. */
static int parse_head(const char *answer, size_t head_len, int *ret_status, size_t *ret_length)
{
    static const char name[] = "content-length:";
    int status;

    if (sscanf(answer, "HTTP/1.%*1[01] %3d", &status) != 1)
        return -EPROTO;
    for (const char *p = answer; p && p < answer + head_len; p = strchr(p, '\n')) {
        char digits[24];
        uint64_t length;

        p += *p == '\n';
        if (strncasecmp(p, name, strlen(name)) != 0)
            continue;
        if (sscanf(p + strlen(name), "%23[0-9 ]", digits) != 1)
            return -EPROTO;
        if (num_parse_u64(digits + strspn(digits, " "), &length) < 0)
            return -EPROTO;
        *ret_status = status;
        *ret_length = (size_t) length;
        return 0;
    }
    return -EPROTO;
}

static int parse_answer(const struct strbuf *sb, int *ret_status, char **ret_body)
{
    const char *head_end = sb->data ? strstr(sb->data, "\r\n\r\n") : NULL;
    size_t head_len, length;
    char *body;
    int status, e;

    if (!head_end)
        return -EPROTO;
    head_len = (size_t) (head_end - sb->data) + 4;
    e = parse_head(sb->data, head_len, &status, &length);
    if (e < 0)
        return e;
    if (length > sb->len - head_len) /* cut */
        return -EPROTO;
    body = strndup(sb->data + head_len, length);
    if (!body)
        return -ENOMEM;
    *ret_status = status;
    *ret_body = body;
    return 0;
}

int http_client_run(const struct http_client_request *rq, int *ret_status, char **ret_body)
{
    int64_t deadline_ms = now_ms() + rq->timeout_ms;
    CLEANUP(fd_closep) int fd = -1;
    CLEANUP(freep) char *text = NULL;
    CLEANUP(strbuf_done) struct strbuf answer;
    struct strbuf request;
    int e;

    strbuf_init(&answer, ANSWER_MAX);
    strbuf_init(&request, ANSWER_MAX);
    strbuf_addf(&request, "%s %s HTTP/1.1\r\nHost: %s:%d\r\nConnection: close\r\n", rq->method,
                rq->path, rq->host, rq->port);
    if (rq->body)
        strbuf_addf(&request, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                    strlen(rq->body));
    if (rq->file)
        strbuf_addf(&request, "Content-Length: %llu\r\n", (unsigned long long) rq->file->size);
    strbuf_adds(&request, "\r\n");
    if (rq->body)
        strbuf_adds(&request, rq->body);
    e = strbuf_finish(&request, &text);
    if (e == 0)
        e = connect_to(rq->host, rq->port, deadline_ms, &fd);
    if (e == 0)
        e = send_all(fd, text, strlen(text), deadline_ms);
    if (e == 0 && rq->file)
        e = send_file(fd, rq->file, deadline_ms);
    if (e == 0)
        e = receive_all(fd, &answer, deadline_ms);
    return e < 0 ? e : parse_answer(&answer, ret_status, ret_body);
}

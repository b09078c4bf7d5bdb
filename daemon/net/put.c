/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An upload: the MD5 of the file by a child, then tries that each send all of it. */

#include "daemon/net/put.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/crypto/base64.h"
#include "daemon/net/fetch_hash.h"
#include "daemon/net/fetcher.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/fdutil.h"

LOG_AREA("net");

#define PROGRESS_US (20 * USEC_PER_MSEC) /* own choice, as of downloads */
#define MAX_TYPE 100                     /* own choice: of a content type */
#define MAX_ANSWER 512                   /* own choice: looked at for the reason of a refusal */

struct put {
    struct fetcher *fetcher;
    const struct put_events *events;
    void *userdata;
    int fd;
    uint64_t size;
    uint64_t idle_us;
    char url[LIMIT_URL + 1];
    char type[MAX_TYPE + 1];
    uint8_t md5[DIGEST_MD5_LEN];
    struct fetch_hash *hash; /* while it is reckoned */

    struct site site;
    struct web *web;
    struct tries tries;
    uint64_t sent; /* in this try */
    int error;     /* of the file, while it was read; 0 */
    unsigned status;
    char answer[MAX_ANSWER + 1];
    size_t answer_len;
    struct loop_timer total, next, progress;
};

static void try_now(struct put *p);

/* --- the end --- */

static void stop(struct put *p)
{
    p->web = web_free(p->web);
    p->hash = fetch_hash_free(p->hash);
    loop_timer_cancel(&p->total);
    loop_timer_cancel(&p->next);
    loop_timer_cancel(&p->progress);
}

/* Frees it, perhaps. */
static void finish(struct put *p, enum transfer_result result, const char *text)
{
    char copy[TLS_PROBLEM];
    struct put_end end = {.result = result, .text = copy, .status = p->status};

    (void) snprintf(copy, sizeof(copy), "%s", text);
    memcpy(end.md5, p->md5, sizeof(end.md5));
    stop(p);
    log_debug("upload ends result=%d status=%u reason=\"%s\"", result, p->status, copy);
    p->events->done(&end, p->userdata);
}

static void on_total(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    finish(userdata, TRANSFER_TIMEOUT, "it takes too long");
}

/* --- tries --- */

static void on_next(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    try_now(userdata);
}

static void try_later(struct put *p, enum transfer_result result, const char *why)
{
    uint64_t wait_us = tries_next_us(&p->tries, false);

    if (wait_us == UINT64_MAX)
        finish(p, result, why);
    else
        loop_timer_arm(p->fetcher->loop, &p->next, wait_us, on_next, p);
}

static int on_answer(const struct web_answer *a, void *userdata)
{
    struct put *p = userdata;

    p->status = a->status;
    /* Of a success nothing more is of interest. */
    return a->status >= 200 && a->status < 300 ? -1 : 0;
}

static int on_body(const uint8_t *data, size_t len, void *userdata)
{
    struct put *p = userdata;
    size_t room = MAX_ANSWER - p->answer_len;

    if (len > room)
        len = room;
    memcpy(p->answer + p->answer_len, data, len);
    p->answer_len += len;
    return p->answer_len < MAX_ANSWER ? 0 : -1;
}

static void on_progress(struct loop_timer *timer, void *userdata)
{
    struct put *p = userdata;

    (void) timer;
    p->events->progress(p->sent, p->userdata);
}

static int on_room(uint8_t *buf, size_t size, void *userdata)
{
    struct put *p = userdata;
    ssize_t n;

    do
        n = pread(p->fd, buf, size, (off_t) p->sent);
    while (n < 0 && errno == EINTR);
    if (n <= 0) {
        p->error = n < 0 ? -errno : -ENODATA;
        return -1;
    }
    p->sent += (uint64_t) n;
    if (p->events->progress && !loop_timer_is_armed(&p->progress))
        loop_timer_arm(p->fetcher->loop, &p->progress, PROGRESS_US, on_progress, p);
    return (int) n;
}

/* The server has said no, or not yet. */
static void refused(struct put *p)
{
    enum transfer_result result = transfer_result_of_status(p->status);
    char text[64];

    (void) snprintf(text, sizeof(text), "the server answers %u", p->status);
    if (p->status == 400 && strstr(p->answer, "Digest")) /* BadDigest, InvalidDigest */
        finish(p, TRANSFER_MISMATCH, "another MD5 arrived at the server");
    else if (result == TRANSFER_OK)
        try_later(p, TRANSFER_FAILED, text);
    else
        finish(p, result, text);
}

static void on_end(enum web_outcome outcome, const char *why, void *userdata)
{
    struct put *p = userdata;

    p->web = web_free(p->web);
    if (p->error < 0)
        finish(p, TRANSFER_FAILED,
               p->error == -ENODATA ? "the file has become shorter" : strerror(-p->error));
    else if (p->status == 0)
        try_later(p, transfer_result_of(outcome), why);
    else if (p->status >= 200 && p->status < 300 && p->sent < p->size)
        finish(p, TRANSFER_FAILED, "the server did not wait for the file");
    else if (p->status >= 200 && p->status < 300)
        finish(p, TRANSFER_OK, "complete");
    else
        refused(p);
}

static const struct web_events web_events = {
    .answer = on_answer,
    .body = on_body,
    .room = on_room,
    .end = on_end,
};

static void try_now(struct put *p)
{
    char headers[MAX_TYPE + 64], md5[32] = "", problem[TLS_PROBLEM] = "";
    struct endpoint url;
    struct web_request rq = {
        .method = "PUT",
        .headers = headers,
        .body_len = p->size,
        .idle_us = p->idle_us,
    };
    int r = base64_encode(p->md5, sizeof(p->md5), md5, sizeof(md5));

    (void) snprintf(headers, sizeof(headers), "Content-Type: %s\r\nContent-MD5: %s\r\n", p->type,
                    md5);
    if (r == 0)
        r = fetcher_aim(p->fetcher, &p->site, p->url, &url, &rq, problem);
    if (r < 0) {
        finish(p, TRANSFER_FAILED, problem[0] ? problem : strerror(-r));
        return;
    }
    p->sent = 0;
    p->status = 0;
    p->answer_len = 0;
    memset(p->answer, 0, sizeof(p->answer));
    r = web_start(&p->web, &rq, &web_events, p);
    if (r < 0)
        try_later(p, TRANSFER_FAILED, strerror(-r));
}

static void on_hashed(const struct fetch_hash_result *result, void *userdata)
{
    struct put *p = userdata;

    if (result->error < 0) {
        finish(p, TRANSFER_FAILED, strerror(-result->error));
        return;
    }
    memcpy(p->md5, result->md5, sizeof(p->md5));
    p->hash = fetch_hash_free(p->hash);
    try_now(p);
}

/* --- public --- */

static bool is_type(const char *type)
{
    for (const char *t = type; *t; t++) {
        if (*t < 0x20 || *t > 0x7e)
            return false;
    }
    return *type && strlen(type) <= MAX_TYPE;
}

static int fill(struct put *p, const struct put_request *rq)
{
    const char *type = rq->content_type ? rq->content_type : "application/octet-stream";
    const char *path, *why;
    struct endpoint url;
    struct stat st;
    int r;

    if (strlen(rq->url) > LIMIT_URL || !is_type(type) || fstat(rq->fd, &st) < 0 ||
        !S_ISREG(st.st_mode) || rq->size > (uint64_t) st.st_size)
        return -EINVAL;
    strcpy(p->url, rq->url);
    strcpy(p->type, type);
    r = endpoint_parse_long(&url, p->url, &path, &why);
    if (r < 0)
        return r;
    p->size = rq->size;
    p->fd = fd_dup(rq->fd);
    return p->fd < 0 ? p->fd : 0;
}

/* What comes first. */
static int start(struct put *p, const struct put_request *rq)
{
    const struct fetch_hash_spec spec = {
        .loop = p->fetcher->loop,
        .fd = p->fd,
        .size = p->size,
        .dir = -1,
    };
    int r;

    if (rq->md5) {
        memcpy(p->md5, rq->md5, sizeof(p->md5));
        loop_timer_arm(p->fetcher->loop, &p->next, 0, on_next, p);
        return 0;
    }
    r = fetch_hash_start(&p->hash, &spec, on_hashed, p);
    if (r == 0)
        fetch_hash_more(p->hash, p->size);
    return r;
}

int put_start(struct put **ret_put, struct fetcher *fetcher, const struct put_request *request,
              const struct put_events *events, void *userdata)
{
    CLEANUP(put_freep) struct put *p = NULL;
    int r;

    p = calloc(1, sizeof(*p));
    if (!p)
        return -ENOMEM;
    p->fetcher = fetcher;
    fetcher->n_users++;
    p->fd = -1;
    p->events = events;
    p->userdata = userdata;
    p->idle_us = request->idle_us > 0 ? request->idle_us : FETCH_IDLE_US;
    tries_init(&p->tries);
    r = fill(p, request);
    if (r == 0)
        r = start(p, request);
    if (r < 0)
        return r;
    loop_timer_arm(fetcher->loop, &p->total,
                   request->total_us > 0 ? request->total_us : FETCH_TOTAL_US, on_total, p);
    *ret_put = TAKE(p);
    return 0;
}

struct put *put_free(struct put *p)
{
    if (!p)
        return NULL;

    stop(p);
    (void) fd_close(p->fd);
    site_done(&p->site);
    p->fetcher->n_users--;
    free(p);
    return NULL;
}

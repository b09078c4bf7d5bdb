/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A download is a row of tries: each begins at the URL of the order, follows redirects, asks for
 * the bytes that are missing, and ends with a verdict. Owns the file and the connection; does not
 * know what the bytes are for.
 */

#include "daemon/net/fetch.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/crypto/digest.h"
#include "daemon/net/fetch_file.h"
#include "daemon/net/fetcher.h"
#include "daemon/sys/log.h"

LOG_AREA("net");

#define PROGRESS_US (20 * USEC_PER_MSEC) /* own choice: more is of no use to anybody */
#define RATE_SLACK_US (5 * USEC_PER_MSEC)
#define RATE_PIECE_MIN 1024U
/* Own choice: a server that knows no ranges and breaks sends the begin again and again. */
#define MAX_TIMES_SIZE 4

/* What one answer has come to. */
enum verdict {
    VERDICT_NONE,     /* it broke off, or is too short */
    VERDICT_AGAIN,    /* the server asks to come back later */
    VERDICT_REDIRECT, /* f->at */
    VERDICT_OVER,     /* what is there is of no use */
    VERDICT_WHOLE,    /* all bytes are there */
    VERDICT_FAILED,   /* f->result */
};

struct fetch {
    struct fetcher *fetcher;
    const struct fetch_events *events;
    void *userdata;
    uint64_t size;
    uint64_t idle_us;
    uint64_t rate;
    struct fetch_file *file;
    uint64_t taken_up; /* bytes of an earlier run */
    char url[LIMIT_URL + 1];
    char at[LIMIT_URL + 1]; /* after redirects */

    struct site site;
    struct web *web;
    struct tries tries;
    unsigned redirects;
    uint64_t done_before; /* this try */
    uint64_t skip;        /* bytes of this answer that are there already */
    uint64_t received;
    bool over;        /* has started over once */
    uint64_t paid_us; /* the time that the bytes so far may take at that rate */

    enum verdict verdict;
    enum transfer_result result;
    char text[TLS_PROBLEM + 64];
    uint8_t sha256[DIGEST_SHA256_LEN];
    struct loop_timer total, next, progress, resume;
};

static void try_now(struct fetch *f);
static void begin(struct fetch *f);

/* --- the end --- */

static void stop(struct fetch *f)
{
    f->web = web_free(f->web);
    loop_timer_cancel(&f->total);
    loop_timer_cancel(&f->next);
    loop_timer_cancel(&f->progress);
    loop_timer_cancel(&f->resume);
}

/* Frees it, perhaps. */
static void finish(struct fetch *f, enum transfer_result result, const char *text)
{
    struct fetch_end end = {.result = result, .received = f->received};
    char copy[sizeof(f->text)];

    (void) snprintf(copy, sizeof(copy), "%s", text);
    end.text = copy;
    memcpy(end.sha256, f->sha256, sizeof(end.sha256));
    stop(f);
    log_debug("download ends result=%d done=%llu received=%llu reason=\"%s\"", result,
              (unsigned long long) (f->file ? fetch_file_done(f->file) : 0),
              (unsigned long long) f->received, copy);
    f->events->done(&end, f->userdata);
}

static enum transfer_result result_of_errno(int error, const char **ret_text)
{
    if (error == -ENOSPC || error == -EDQUOT || error == -EFBIG) {
        *ret_text = "there is no room for it on the disk";
        return TRANSFER_NO_SPACE;
    }
    *ret_text = strerror(-error);
    return TRANSFER_FAILED;
}

static void fail_errno(struct fetch *f, int error)
{
    const char *text;
    enum transfer_result result = result_of_errno(error, &text);

    finish(f, result, text);
}

static void on_total(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    finish(userdata, TRANSFER_TIMEOUT, "it takes too long");
}

static void start_over(struct fetch *f)
{
    int r = fetch_file_start_over(f->file);

    f->over = true;
    f->taken_up = 0;
    f->web = web_free(f->web);
    if (r < 0)
        fail_errno(f, r);
    else
        begin(f);
}

/* The child has hashed all of it, or has failed. */
static void on_hashed(const struct fetch_hash_result *result, void *userdata)
{
    struct fetch *f = userdata;

    if (result->error == -EBADMSG && f->taken_up > 0 && !f->over) {
        log_info("the partial file of an earlier run was damaged: from the begin");
        start_over(f);
    } else if (result->error == -EBADMSG) {
        fetch_file_remove(f->file);
        finish(f, TRANSFER_MISMATCH, "the file has another MD5 than announced");
    } else if (result->error < 0) {
        fail_errno(f, result->error);
    } else {
        memcpy(f->sha256, result->sha256, sizeof(f->sha256));
        finish(f, TRANSFER_OK, "complete");
    }
}

/* --- what the server says --- */

static int verdict(struct fetch *f, enum verdict v, enum transfer_result result, const char *fmt,
                   ...) PRINTF_LIKE(4, 5);

static int verdict(struct fetch *f, enum verdict v, enum transfer_result result, const char *fmt,
                   ...)
{
    va_list ap;

    f->verdict = v;
    f->result = result;
    va_start(ap, fmt);
    (void) vsnprintf(f->text, sizeof(f->text), fmt, ap);
    va_end(ap);
    return -1;
}

static int on_redirect(struct fetch *f, const struct web_answer *a)
{
    char url[LIMIT_URL + 1];

    if (++f->redirects > LIMIT_REDIRECTS)
        return verdict(f, VERDICT_FAILED, TRANSFER_FAILED, "more than %d redirects",
                       LIMIT_REDIRECTS);
    if (web_url_join(url, f->at, a->location) < 0)
        return verdict(f, VERDICT_FAILED, TRANSFER_FAILED, "a redirect that leads nowhere");
    if (strncmp(f->at, "https:", 6) == 0 && strncmp(url, "https:", 6) != 0)
        return verdict(f, VERDICT_FAILED, TRANSFER_FAILED, "a redirect from https to http");
    strcpy(f->at, url);
    return verdict(f, VERDICT_REDIRECT, TRANSFER_FAILED, "redirected");
}

static int wrong_size(struct fetch *f, uint64_t size)
{
    return verdict(f, VERDICT_FAILED, TRANSFER_FAILED,
                   "the file has %llu bytes, announced were %llu", (unsigned long long) size,
                   (unsigned long long) f->size);
}

static int on_part(struct fetch *f, const struct web_answer *a)
{
    f->skip = 0;
    if (!a->has_range || a->from == WEB_UNKNOWN)
        return verdict(f, VERDICT_FAILED, TRANSFER_FAILED, "206 without a Content-Range");
    if (a->total != WEB_UNKNOWN && a->total != f->size)
        return wrong_size(f, a->total);
    if (a->from != fetch_file_done(f->file) || a->to >= f->size ||
        (a->length != WEB_UNKNOWN && a->length != a->to - a->from + 1))
        return verdict(f, VERDICT_FAILED, TRANSFER_FAILED,
                       "the server sends another range than asked for");
    return 0;
}

static int on_whole(struct fetch *f, const struct web_answer *a)
{
    if (a->length != WEB_UNKNOWN && a->length != f->size)
        return wrong_size(f, a->length);
    f->skip = fetch_file_done(f->file);
    if (f->skip > 0 && f->received / MAX_TIMES_SIZE > f->size)
        return verdict(f, VERDICT_FAILED, TRANSFER_FAILED,
                       "the server breaks off and knows no ranges");
    return 0;
}

static int on_answer(const struct web_answer *a, void *userdata)
{
    struct fetch *f = userdata;
    enum transfer_result result;

    switch (a->status) {
    case 200:
    case 206:
        if (a->encoded)
            return verdict(f, VERDICT_FAILED, TRANSFER_FAILED,
                           "the server encodes what should come as it is");
        return a->status == 206 ? on_part(f, a) : on_whole(f, a);
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        return on_redirect(f, a);
    case 416:
        if (fetch_file_done(f->file) > 0 && !f->over)
            return verdict(f, VERDICT_OVER, TRANSFER_FAILED, "no such range");
        break;
    default:
        break;
    }
    result = transfer_result_of_status(a->status);
    return verdict(f, result == TRANSFER_OK ? VERDICT_AGAIN : VERDICT_FAILED,
                   result == TRANSFER_OK ? TRANSFER_FAILED : result, "the server answers %u",
                   a->status);
}

/* --- the bytes --- */

static void on_progress(struct loop_timer *timer, void *userdata)
{
    struct fetch *f = userdata;

    (void) timer;
    f->events->progress(fetch_file_done(f->file), f->userdata);
}

static void on_resume(struct loop_timer *timer, void *userdata)
{
    struct fetch *f = userdata;

    (void) timer;
    web_pause(f->web, false);
}

static void keep_rate(struct fetch *f, size_t len)
{
    uint64_t now = loop_now_us(f->fetcher->loop);

    if (f->paid_us < now)
        f->paid_us = now;
    f->paid_us += len * USEC_PER_SEC / f->rate;
    if (f->paid_us <= now + RATE_SLACK_US)
        return;
    web_pause(f->web, true);
    loop_timer_arm(f->fetcher->loop, &f->resume, f->paid_us - now, on_resume, f);
}

static int on_body(const uint8_t *data, size_t len, void *userdata)
{
    struct fetch *f = userdata;
    uint64_t missing = f->size - fetch_file_done(f->file);
    const char *text;
    int r;

    f->received += len;
    if (f->rate > 0)
        keep_rate(f, len);
    if (f->skip >= len) {
        f->skip -= len;
        return 0;
    }
    data += f->skip;
    len -= (size_t) f->skip;
    f->skip = 0;
    if (len > missing) /* an endless body ends here */
        len = (size_t) missing;
    r = fetch_file_add(f->file, data, len);
    if (f->events->progress && !loop_timer_is_armed(&f->progress))
        loop_timer_arm(f->fetcher->loop, &f->progress, PROGRESS_US, on_progress, f);
    if (r < 0) {
        enum transfer_result result = result_of_errno(r, &text);

        return verdict(f, VERDICT_FAILED, result, "%s", text);
    }
    if (len == missing)
        return verdict(f, VERDICT_WHOLE, TRANSFER_OK, "complete");
    return 0;
}

/* --- tries --- */

static void on_next(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    begin(userdata);
}

static void try_later(struct fetch *f, enum transfer_result result, const char *why)
{
    uint64_t wait_us = tries_next_us(&f->tries, fetch_file_done(f->file) > f->done_before);

    log_debug("download breaks off done=%llu wait_ms=%lld reason=\"%s\"",
              (unsigned long long) fetch_file_done(f->file),
              wait_us == UINT64_MAX ? -1LL : (long long) (wait_us / USEC_PER_MSEC), why);
    if (wait_us == UINT64_MAX)
        finish(f, result, why);
    else
        loop_timer_arm(f->fetcher->loop, &f->next, wait_us, on_next, f);
}

static void on_end(enum web_outcome outcome, const char *why, void *userdata)
{
    struct fetch *f = userdata;

    f->web = web_free(f->web);
    loop_timer_cancel(&f->resume);
    switch (f->verdict) {
    case VERDICT_NONE:
        try_later(f, transfer_result_of(outcome),
                  outcome == WEB_COMPLETE ? "the server sent less than it has announced" : why);
        return;
    case VERDICT_AGAIN:
        try_later(f, f->result, f->text);
        return;
    case VERDICT_REDIRECT:
        try_now(f);
        return;
    case VERDICT_OVER:
        start_over(f);
        return;
    case VERDICT_WHOLE: /* the child will tell */
        return;
    case VERDICT_FAILED:
        finish(f, f->result, f->text);
        return;
    }
}

static const struct web_events web_events = {
    .answer = on_answer,
    .body = on_body,
    .end = on_end,
};

static size_t piece_of(uint64_t rate)
{
    if (rate == 0 || rate / 8 >= WEB_PIECE)
        return WEB_PIECE;
    return rate / 8 > RATE_PIECE_MIN ? (size_t) (rate / 8) : RATE_PIECE_MIN;
}

/* From f->at. */
static void try_now(struct fetch *f)
{
    char range[64] = "", problem[TLS_PROBLEM] = "";
    struct endpoint url;
    struct web_request rq = {
        .method = "GET",
        .headers = range,
        .idle_us = f->idle_us,
        .piece = piece_of(f->rate),
    };
    uint64_t done = fetch_file_done(f->file);
    int r = fetcher_aim(f->fetcher, &f->site, f->at, &url, &rq, problem);

    if (r < 0) {
        finish(f, TRANSFER_FAILED, r == -EINVAL ? problem : strerror(-r));
        return;
    }
    if (done > 0)
        (void) snprintf(range, sizeof(range), "Range: bytes=%llu-\r\n", (unsigned long long) done);
    f->verdict = VERDICT_NONE;
    r = web_start(&f->web, &rq, &web_events, f);
    if (r < 0)
        try_later(f, TRANSFER_FAILED, strerror(-r));
}

static void begin(struct fetch *f)
{
    f->done_before = fetch_file_done(f->file);
    if (f->done_before == f->size) /* the child will tell */
        return;
    strcpy(f->at, f->url);
    f->redirects = 0;
    try_now(f);
}

static void on_start(struct loop_timer *timer, void *userdata)
{
    struct fetch *f = userdata;

    (void) timer;
    if (fetch_file_has_room(f->file) < 0)
        fail_errno(f, -ENOSPC);
    else
        begin(f);
}

/* --- public --- */

static int parse_md5(uint8_t md5[DIGEST_MD5_LEN], const char *text)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";

    if (strlen(text) != 2 * DIGEST_MD5_LEN)
        return -EINVAL;
    for (size_t i = 0; i < 2 * DIGEST_MD5_LEN; i++) {
        const char *p = strchr(digits, text[i]);

        if (!p)
            return -EINVAL;
        md5[i / 2] = (uint8_t) (md5[i / 2] << 4 | ((p - digits) & 15));
    }
    return 0;
}

static int fill(struct fetch *f, const struct fetch_request *rq)
{
    struct fetch_file_spec spec = {
        .loop = f->fetcher->loop,
        .dir = rq->dir,
        .name = rq->name,
        .size = rq->size,
        .want_sha256 = rq->want_sha256,
    };
    struct endpoint url;
    const char *path, *why;
    int r;

    if (rq->size == 0 || rq->size > INT64_MAX || strlen(rq->url) > LIMIT_URL)
        return -EINVAL;
    strcpy(f->url, rq->url);
    r = endpoint_parse_long(&url, f->url, &path, &why);
    if (r == 0)
        r = parse_md5(spec.md5, rq->md5);
    if (r == 0)
        r = fetch_file_open(&f->file, &spec, on_hashed, f);
    return r;
}

int fetch_start(struct fetch **ret_fetch, struct fetcher *fetcher,
                const struct fetch_request *request, const struct fetch_events *events,
                void *userdata)
{
    CLEANUP(fetch_freep) struct fetch *f = NULL;
    int r;

    f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    f->fetcher = fetcher;
    fetcher->n_users++;
    f->events = events;
    f->userdata = userdata;
    f->size = request->size;
    f->rate = request->rate;
    f->idle_us = request->idle_us > 0 ? request->idle_us : FETCH_IDLE_US;
    tries_init(&f->tries);
    r = fill(f, request);
    if (r < 0)
        return r;
    loop_timer_arm(fetcher->loop, &f->total,
                   request->total_us > 0 ? request->total_us : FETCH_TOTAL_US, on_total, f);
    f->taken_up = fetch_file_done(f->file);
    loop_timer_arm(fetcher->loop, &f->next, 0, on_start, f);
    *ret_fetch = TAKE(f);
    return 0;
}

struct fetch *fetch_free(struct fetch *f)
{
    if (!f)
        return NULL;

    stop(f);
    f->file = fetch_file_free(f->file);
    site_done(&f->site);
    f->fetcher->n_users--;
    free(f);
    return NULL;
}

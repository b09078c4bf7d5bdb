/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/net/fetch_text.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/net/fetcher.h"

struct fetch_text {
    struct fetcher *fetcher; /* borrowed */
    char *url;
    size_t max, len;
    fetch_text_fn fn;
    void *userdata;
    struct site site;
    struct web *web;
    struct tries tries;
    struct loop_timer timer;
    enum transfer_result result; /* of the answer */
    bool is_final;               /* another try would bring the same */
    char why[TLS_PROBLEM];
    char data[FETCH_TEXT_MAX + 1];
};

static void on_timer(struct loop_timer *timer, void *userdata);

struct fetch_text *fetch_text_free(struct fetch_text *text)
{
    if (!text)
        return NULL;

    loop_timer_cancel(&text->timer);
    web_free(text->web);
    site_done(&text->site);
    text->fetcher->n_users--;
    free(text->url);
    free(text);
    return NULL;
}

static int stop(struct fetch_text *t, enum transfer_result result, bool is_final, const char *why)
{
    t->result = result;
    t->is_final = is_final;
    (void) snprintf(t->why, sizeof(t->why), "%.127s", why);
    return -1;
}

static int on_answer(const struct web_answer *a, void *userdata)
{
    struct fetch_text *t = userdata;
    enum transfer_result result;
    char why[64];

    t->len = 0;
    if (a->status == 200 && !a->encoded)
        return 0;
    result = transfer_result_of_status(a->status);
    (void) snprintf(why, sizeof(why), "the server answers %u", a->status);
    if (result == TRANSFER_OK)
        return stop(t, TRANSFER_FAILED, false, why);
    return stop(t, result, true, why);
}

static int on_body(const uint8_t *data, size_t len, void *userdata)
{
    struct fetch_text *t = userdata;

    if (len > t->max - t->len)
        return stop(t, TRANSFER_FAILED, true, "the server sends too much");
    memcpy(t->data + t->len, data, len);
    t->len += len;
    return 0;
}

static void finish(struct fetch_text *t, enum transfer_result result)
{
    t->data[t->len] = '\0';
    if (result == TRANSFER_OK)
        t->fn(result, t->data, t->len, t->userdata);
    else
        t->fn(result, t->why, 0, t->userdata);
}

static void try_later(struct fetch_text *t)
{
    uint64_t wait_us = t->is_final ? UINT64_MAX : tries_next_us(&t->tries, false);

    if (wait_us == UINT64_MAX)
        finish(t, t->result);
    else
        loop_timer_arm(t->fetcher->loop, &t->timer, wait_us, on_timer, t);
}

static void on_end(enum web_outcome outcome, const char *why, void *userdata)
{
    struct fetch_text *t = userdata;

    t->web = web_free(t->web);
    if (outcome == WEB_COMPLETE) {
        finish(t, TRANSFER_OK);
        return;
    }
    if (outcome != WEB_STOPPED)
        (void) stop(t, transfer_result_of(outcome), false, why);
    try_later(t);
}

static const struct web_events web_events = {.answer = on_answer, .body = on_body, .end = on_end};

/* 0; -EINVAL with t->why */
static int try_now(struct fetch_text *t)
{
    char problem[TLS_PROBLEM] = "";
    struct endpoint url;
    struct web_request rq = {.method = "GET", .headers = "", .idle_us = FETCH_IDLE_US};
    int r = fetcher_aim(t->fetcher, &t->site, t->url, &url, &rq, problem);

    if (r == 0)
        r = web_start(&t->web, &rq, &web_events, t);
    if (r < 0)
        (void) stop(t, TRANSFER_FAILED, r == -EINVAL, r == -EINVAL ? problem : strerror(-r));
    return r;
}

static void on_timer(struct loop_timer *timer, void *userdata)
{
    struct fetch_text *t = userdata;

    (void) timer;
    if (try_now(t) < 0)
        try_later(t);
}

int fetch_text_start(struct fetch_text **ret_text, struct fetcher *fetcher, const char *url,
                     size_t max, fetch_text_fn fn, void *userdata)
{
    CLEANUP(fetch_text_freep) struct fetch_text *t = NULL;
    int r;

    assert(max <= FETCH_TEXT_MAX);
    t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->fetcher = fetcher;
    fetcher->n_users++;
    t->max = max;
    t->fn = fn;
    t->userdata = userdata;
    tries_init(&t->tries);
    t->url = strdup(url);
    if (!t->url)
        return -ENOMEM;
    r = try_now(t);
    if (r < 0)
        return r;
    *ret_text = TAKE(t);
    return 0;
}

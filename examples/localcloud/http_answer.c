/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers: heads written out here, because the vendor's C client looks for "Content-Length" in
 * this spelling and libwebsockets writes small letters; bodies from a text or a source.
 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "examples/localcloud/http_state.h"

#define HEAD_MAX 4096
#define LOOK_AGAIN_US 500000 /* how soon a client that left is noticed */
#define SEND_TIMEOUT_S 600   /* for a client that takes nothing */
#define TLS_CHUNK (64 * 1024)
#define WRITES_AT_ONCE 8 /* so that others have their turn */

static const struct {
    int status;
    const char *text;
} reasons[] = {
    {200, "OK"},
    {206, "Partial Content"},
    {302, "Found"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {413, "Payload Too Large"},
    {416, "Range Not Satisfiable"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
};

static const char *reason_of(int status)
{
    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
        if (reasons[i].status == status)
            return reasons[i].text;
    }
    return "Status";
}

/*
 * libwebsockets does not read while an answer is due, but goes on polling for input: a client
 * that leaves would keep it spinning. So input is off meanwhile, and a timer looks for the end.
 */
void http_request_hold(struct http_request *rq)
{
    uint64_t now = (uint64_t) lws_now_usecs(), wait = LOOK_AGAIN_US;

    if (rq->due_us && rq->due_us < now + wait)
        wait = rq->due_us > now ? rq->due_us - now : 1;
    if (!rq->holding)
        (void) lws_rx_flow_control(rq->wsi, 0);
    rq->holding = true;
    lws_set_timeout(rq->wsi, NO_PENDING_TIMEOUT, 0);
    lws_set_timer_usecs(rq->wsi, (lws_usec_t) wait);
}

static void unhold(struct http_request *rq)
{
    rq->due_us = 0;
    if (!rq->holding)
        return;
    rq->holding = false;
    lws_set_timer_usecs(rq->wsi, LWS_SET_TIMER_USEC_CANCEL);
    (void) lws_rx_flow_control(rq->wsi, 1);
}

int http_answer_look(struct http_request *rq)
{
    char c;

    if (!rq->holding)
        return 0;
    if (recv(lws_get_socket_fd(rq->wsi), &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
        return -1;
    if (!rq->due_us || rq->due_us > (uint64_t) lws_now_usecs()) {
        http_request_hold(rq);
        return 0;
    }
    unhold(rq);
    lws_callback_on_writable(rq->wsi);
    return 0;
}

void http_request_reset(struct http_request *rq)
{
    if (rq->active && rq->on_cancel)
        rq->on_cancel(rq->cancel_userdata);
    if (rq->sink)
        rq->sink->cancel(rq->sink_userdata);
    if (rq->source)
        rq->source->done(rq->source_userdata);
    if (rq->wsi) {
        strbuf_done(&rq->body);
        strbuf_done(&rq->head);
    }
    free(rq->answer);
    memset(rq, 0, sizeof(*rq));
}

static void make_head(struct http_request *rq, const struct http_answer *answer)
{
    bool has_length = !answer->chunked && !answer->endless;

    strbuf_done(&rq->head);
    strbuf_init(&rq->head, HEAD_MAX);
    strbuf_addf(&rq->head, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n", answer->status,
                reason_of(answer->status), answer->type);
    if (has_length)
        strbuf_addf(&rq->head, "Content-Length: %llu\r\n", (unsigned long long) answer->length);
    else if (answer->chunked)
        strbuf_adds(&rq->head, "Transfer-Encoding: chunked\r\n");
    if (answer->endless)
        rq->closing = true;
    if (rq->closing)
        strbuf_adds(&rq->head, "Connection: close\r\n");
    if (answer->headers)
        strbuf_adds(&rq->head, answer->headers);
    strbuf_adds(&rq->head, "\r\n");
    rq->chunked = answer->chunked;
}

/* Everything that the answer needs is there. */
static void answer_ready(struct http_request *rq)
{
    rq->answered = true;
    rq->on_cancel = NULL;
    rq->active = false;
    unhold(rq); /* or the writable callback would not come */
    if (!rq->in_body)
        lws_callback_on_writable(rq->wsi);
}

void http_request_answer_text(struct http_request *rq, const struct http_answer *answer, char *text)
{
    struct http_answer whole = *answer;
    size_t len = text ? strlen(text) : 0;

    whole.length = len;
    make_head(rq, &whole);
    free(rq->answer);
    rq->answer = rq->head.error ? NULL : malloc(LWS_PRE + rq->head.len + len + 1);
    if (rq->answer) {
        memcpy(rq->answer + LWS_PRE, rq->head.data, rq->head.len);
        if (text && !rq->is_head)
            memcpy(rq->answer + LWS_PRE + rq->head.len, text, len);
        rq->answer_len = rq->head.len + (rq->is_head ? 0 : len);
    }
    free(text);
    answer_ready(rq);
}

void http_request_answer(struct http_request *rq, int status, char *text)
{
    struct http_answer answer = {.status = status, .type = "application/json"};

    if (!text) {
        answer.status = HTTP_STATUS_INTERNAL_SERVER_ERROR;
        text = strdup("{\"error\":\"no memory\"}");
    }
    http_request_answer_text(rq, &answer, text);
}

void http_request_fail(struct http_request *rq, int status, const char *text)
{
    struct strbuf sb;
    char *json = NULL;

    strbuf_init(&sb, 1024);
    strbuf_adds(&sb, "{\"error\":");
    strbuf_add_json(&sb, text);
    strbuf_addc(&sb, '}');
    if (strbuf_finish(&sb, &json) < 0)
        json = NULL;
    http_request_answer(rq, status, json);
}

void http_request_answer_source(struct http_request *rq, const struct http_answer *answer,
                                const struct http_source *source, void *userdata)
{
    make_head(rq, answer);
    rq->source = source;
    rq->source_userdata = userdata;
    answer_ready(rq);
}

static int finish(struct http_request *rq)
{
    struct lws *wsi = rq->wsi;
    bool closing = rq->closing;

    http_request_reset(rq);
    return closing || lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int write_text(struct http_request *rq)
{
    if (!rq->answer) /* no memory */
        return -1;
    if (lws_write(rq->wsi, rq->answer + LWS_PRE, rq->answer_len, LWS_WRITE_HTTP_FINAL) < 0)
        return -1;
    return finish(rq);
}

static int write_head(struct http_request *rq, struct http *h)
{
    uint8_t *to = h->chunk + LWS_PRE;

    if (rq->head.error)
        return -1;
    memcpy(to, rq->head.data, rq->head.len);
    rq->head_sent = true;
    return lws_write(rq->wsi, to, rq->head.len, LWS_WRITE_HTTP_HEADERS) < 0 ? -1 : 0;
}

/* data has room for a chunk's head before it and for its end behind it. */
static int write_body(struct http_request *rq, uint8_t *data, size_t len)
{
    char head[HTTP_CHUNK_HEAD + 1];
    size_t head_len;

    if (rq->chunked) {
        head_len = (size_t) snprintf(head, sizeof(head), "%zx\r\n", len);
        data[len] = '\r';
        data[len + 1] = '\n';
        data -= head_len;
        memcpy(data, head, head_len);
        len += head_len + 2;
    }
    return len > 0 && lws_write(rq->wsi, data, len, LWS_WRITE_HTTP) < 0 ? -1 : 0;
}

enum { STEP_ON, STEP_PAUSE, STEP_END };

/* One piece of the body; -1 or what comes next. */
static int write_step(struct http_request *rq, struct http *h)
{
    uint8_t *data = h->chunk + LWS_PRE + HTTP_CHUNK_HEAD;
    size_t len = 0, size = lws_is_ssl(rq->wsi) ? TLS_CHUNK : HTTP_CHUNK;
    uint64_t wait_us = 0;
    int e;

    if (!rq->head_sent)
        return write_head(rq, h) < 0 ? -1 : rq->is_head ? STEP_END : STEP_ON;
    e = rq->source->read(data, size, &len, &wait_us, rq->source_userdata);
    if (e == -EAGAIN) {
        rq->due_us = (uint64_t) lws_now_usecs() + wait_us;
        http_request_hold(rq);
        return STEP_PAUSE;
    }
    if (e < 0 || write_body(rq, data, len) < 0)
        return -1;
    return len > 0 ? STEP_ON : STEP_END;
}

int http_answer_write(struct http_request *rq)
{
    struct http *h;
    int step = STEP_ON;

    if (!rq->answered || rq->in_body || rq->holding)
        return 0; /* a writable callback for somebody else's reason */
    if (!rq->source)
        return write_text(rq);
    h = lws_vhost_user(lws_get_vhost(rq->wsi));
    lws_set_timeout(rq->wsi, PENDING_TIMEOUT_HTTP_CONTENT, SEND_TIMEOUT_S);
    for (unsigned i = 0; step == STEP_ON && i < WRITES_AT_ONCE; i++) {
        if (lws_send_pipe_choked(rq->wsi))
            break;
        step = write_step(rq, h);
    }
    if (step == STEP_END)
        return finish(rq);
    if (step == STEP_ON)
        lws_callback_on_writable(rq->wsi);
    return step < 0 ? -1 : 0;
}

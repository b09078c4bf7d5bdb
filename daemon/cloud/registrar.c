/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/registrar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/net/http.h"
#include "daemon/sys/clock.h"
#include "daemon/sys/log.h"
#include "daemon/sys/rand.h"

LOG_AREA("link");

#define TIMEOUT_US (15 * USEC_PER_SEC) /* own choice; vendor SDK: 2 s, without TLS */
#define PREFIX "dynamic registration: "

struct registrar {
    struct registrar_config config;
    struct http_call *call; /* NULL when nothing runs */
    registrar_fn fn;
    void *userdata;
};

int registrar_new(struct registrar **ret_registrar, const struct registrar_config *config)
{
    struct registrar *r = calloc(1, sizeof(*r));

    if (!r)
        return -ENOMEM;
    r->config = *config;
    *ret_registrar = r;
    return 0;
}

struct registrar *registrar_free(struct registrar *registrar)
{
    if (!registrar)
        return NULL;

    registrar_cancel(registrar);
    free(registrar);
    return NULL;
}

void registrar_cancel(struct registrar *registrar)
{
    registrar->call = http_call_free(registrar->call);
}

static enum registrar_outcome take_answer(struct registrar *rg, const struct http_result *result,
                                          char problem[DYNREG_PROBLEM])
{
    struct dynreg_answer answer = {0};
    int r;

    r = dynreg_read(&answer, rg->config.ident, result->status, result->body, result->len, problem);
    if (r == -EACCES)
        return REGISTRAR_REFUSED;
    if (r < 0)
        return REGISTRAR_FAILED;
    r = rg->config.store(&answer, problem, rg->config.userdata);
    dynreg_answer_done(&answer);
    return r < 0 ? REGISTRAR_FAILED : REGISTRAR_DONE;
}

static void on_result(const struct http_result *result, void *userdata)
{
    struct registrar *rg = userdata;
    const struct endpoint *url = &rg->config.url;
    char problem[DYNREG_PROBLEM] = "", reason[sizeof(PREFIX) + DYNREG_PROBLEM] = "";
    enum registrar_outcome outcome;

    switch (result->outcome) {
    case HTTP_ANSWERED:
        outcome = take_answer(rg, result, problem);
        break;
    case HTTP_UNREACHABLE:
    case HTTP_FAILED:
    default:
        (void) snprintf(problem, sizeof(problem), "%.80s port %u: %.120s", url->host, url->port,
                        result->reason);
        outcome = result->outcome == HTTP_FAILED ? REGISTRAR_FAILED : REGISTRAR_UNREACHABLE;
    }
    rg->call = http_call_free(rg->call);
    if (outcome != REGISTRAR_DONE)
        (void) snprintf(reason, sizeof(reason), PREFIX "%s", problem);
    rg->fn(outcome, reason, rg->userdata);
}

static int send_request(struct registrar *rg, const struct dynreg_request *request)
{
    const struct http_header headers[] = {
        {"content-type:", "application/json"},   {"x-tc-algorithm:", DYNREG_ALGORITHM},
        {"x-tc-timestamp:", request->timestamp}, {"x-tc-nonce:", request->nonce},
        {"x-tc-signature:", request->signature},
    };
    const struct http_request http = {
        .method = DYNREG_METHOD,
        .url = &rg->config.url,
        .headers = headers,
        .n_headers = ARRAY_SIZE(headers),
        .body = request->body,
        .body_len = strlen(request->body),
        .max_answer = LIMIT_DYNREG_ANSWER,
        .timeout_us = TIMEOUT_US,
    };

    return http_start(&rg->call, rg->config.http, &http, on_result, rg);
}

int registrar_start(struct registrar *rg, registrar_fn fn, void *userdata)
{
    const struct endpoint *url = &rg->config.url;
    const struct ident *ident = rg->config.ident;
    struct dynreg_request request;
    int r;

    if (rg->call)
        return -EALREADY;
    r = dynreg_make(&request, ident, url->host, url->path, clock_real_us() / USEC_PER_SEC,
                    (uint32_t) rand_u64());
    if (r < 0)
        return r;
    rg->fn = fn;
    rg->userdata = userdata;
    log_info("registering product=%s device=%s host=\"%s\"", ident->product_id, ident->device_name,
             url->host);
    return send_request(rg, &request);
}

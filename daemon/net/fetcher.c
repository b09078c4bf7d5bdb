/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/net/fetcher.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sys/loop_lws.h"
#include "daemon/sys/rand.h"

#define WAIT_FIRST_US (1 * USEC_PER_SEC) /* own choice */
#define WAIT_MAX_US (30 * USEC_PER_SEC)  /* own choice */

int fetcher_new(struct fetcher **ret_fetcher, struct loop_lws *loop, const char *ca_file)
{
    struct fetcher *f = calloc(1, sizeof(*f));

    if (!f)
        return -ENOMEM;
    f->loop = loop_lws_base(loop);
    f->ca_file = strdup(ca_file);
    if (!f->ca_file) {
        free(f);
        return -ENOMEM;
    }
    *ret_fetcher = f;
    return 0;
}

struct fetcher *fetcher_free(struct fetcher *f)
{
    if (!f)
        return NULL;

    assert(f->n_users == 0);
    free(f->ca_file);
    free(f);
    return NULL;
}

void site_done(struct site *site)
{
    site->tls = tls_free(site->tls);
    site->host[0] = '\0';
}

int fetcher_aim(struct fetcher *f, struct site *site, const char *url, struct endpoint *ret_url,
                struct web_request *rq, char problem[TLS_PROBLEM])
{
    struct tls_config config = {.host = ret_url->host, .ca_file = f->ca_file};
    const char *why = "";
    int r = endpoint_parse_long(ret_url, url, &rq->path, &why);

    if (r < 0) {
        (void) snprintf(problem, TLS_PROBLEM, "URL: %s", why);
        return r;
    }
    if (ret_url->tls && (!site->tls || strcmp(site->host, ret_url->host) != 0)) {
        site_done(site);
        r = tls_new(&site->tls, &config, problem);
        if (r < 0)
            return r;
        (void) snprintf(site->host, sizeof(site->host), "%s", ret_url->host);
    }
    rq->loop = f->loop;
    rq->url = ret_url;
    rq->tls = ret_url->tls ? site->tls : NULL;
    return 0;
}

void tries_init(struct tries *t)
{
    t->dry = 0;
    backoff_init(&t->backoff, WAIT_FIRST_US, WAIT_MAX_US);
}

uint64_t tries_next_us(struct tries *t, bool brought_something)
{
    if (brought_something)
        tries_init(t);
    else if (++t->dry >= LIMIT_FETCH_DRY)
        return UINT64_MAX;
    return backoff_next_us(&t->backoff, rand_u64());
}

enum transfer_result transfer_result_of(enum web_outcome outcome)
{
    return outcome == WEB_UNREACHABLE || outcome == WEB_TIMEOUT ? TRANSFER_TIMEOUT
                                                                : TRANSFER_FAILED;
}

enum transfer_result transfer_result_of_status(unsigned status)
{
    static const struct {
        unsigned status;
        enum transfer_result result;
    } known[] = {
        {401, TRANSFER_DENIED},    {403, TRANSFER_DENIED}, {404, TRANSFER_NOT_FOUND},
        {410, TRANSFER_NOT_FOUND}, {408, TRANSFER_OK},     {425, TRANSFER_OK},
        {429, TRANSFER_OK},
    };

    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (known[i].status == status)
            return known[i].result;
    }
    return status >= 500 ? TRANSFER_OK : TRANSFER_FAILED;
}

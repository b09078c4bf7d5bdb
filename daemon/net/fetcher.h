/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_NET_FETCHER_H
#define IOTD_NET_FETCHER_H

/* Between fetch.c and put.c: where connections come from, and when another try is worth it. */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/net/endpoint.h"
#include "daemon/net/fetch.h"
#include "daemon/net/tls.h"
#include "daemon/net/web.h"
#include "libiotclient/base/backoff.h"

struct fetcher {
    struct loop *loop;
    char *ca_file;
    unsigned n_users; /* fetches and puts */
};

/* The TLS context of one host; kept for the next connection to it, which may resume. */
struct site {
    struct tls *tls; /* NULL: none yet */
    char host[254];
};

/*
 * Fills in rq->loop, url and tls.
 * @return 0; -EINVAL with a text: the URL cannot be, or the trust store; -ENOMEM
 */
int fetcher_aim(struct fetcher *f, struct site *site, const char *url, struct endpoint *ret_url,
                struct web_request *rq, char problem[TLS_PROBLEM]) MUST_CHECK;
void site_done(struct site *site);

/* Tries, of which LIMIT_FETCH_DRY in a row may bring nothing. */
struct tries {
    struct backoff backoff;
    unsigned dry;
};

void tries_init(struct tries *t);
/* After a try that has failed. @return the time to wait, or UINT64_MAX: enough */
uint64_t tries_next_us(struct tries *t, bool brought_something);

/* What a connection came to, where nothing better is known. */
enum transfer_result transfer_result_of(enum web_outcome outcome);
/* Of an answer without success: what it means, or TRANSFER_OK: the same again later. */
enum transfer_result transfer_result_of_status(unsigned status);

#endif /* IOTD_NET_FETCHER_H */

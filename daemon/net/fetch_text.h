/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_NET_FETCH_TEXT_H
#define IOTD_NET_FETCH_TEXT_H

/* A few bytes from a URL, such as a signature: kept in memory. No redirects. */

#include "daemon/net/fetch.h"

struct fetch_text;

/* Once, from the loop. On anything but TRANSFER_OK text says why, for people, and len is 0. */
typedef void (*fetch_text_fn)(enum transfer_result result, const char *text, size_t len,
                              void *userdata);

/*
 * A longer answer than max, at most FETCH_TEXT_MAX, is a failure.
 * @return 0; -EINVAL the URL cannot be; -ENOMEM
 */
#define FETCH_TEXT_MAX 8192 /* own choice */
int fetch_text_start(struct fetch_text **ret_text, struct fetcher *fetcher, const char *url,
                     size_t max, fetch_text_fn fn, void *userdata) MUST_CHECK;
/* Cancels if it still runs. Legal inside fn. */
struct fetch_text *fetch_text_free(struct fetch_text *text);
DEFINE_FREEP(struct fetch_text, fetch_text_free)

#endif /* IOTD_NET_FETCH_TEXT_H */

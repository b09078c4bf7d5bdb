/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_NET_FETCH_H
#define IOTD_NET_FETCH_H

/*
 * Downloads a file of known size and MD5 over http:// or https:// into a directory, taking up what
 * is there of it already. Nothing is written beyond the announced size, whatever the server sends;
 * broken connections are made again with back-off; the result is on the disk before it is told.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/base/macro.h"

struct loop_lws;
struct fetcher;
struct fetch;

#define FETCH_IDLE_US (30 * USEC_PER_SEC)    /* own choice: without a byte, also of an answer */
#define FETCH_TOTAL_US (3600 * USEC_PER_SEC) /* own choice: all of it */

/* What makes connections; one for the daemon, and for uploads too (put.h). ca_file: PEM; "": the
 * system's store. -ENOMEM */
int fetcher_new(struct fetcher **ret_fetcher, struct loop_lws *loop,
                const char *ca_file) MUST_CHECK;
/* After all fetches and puts, before the loop. */
struct fetcher *fetcher_free(struct fetcher *fetcher);
DEFINE_FREEP(struct fetcher, fetcher_free)

/* The vendor's codes are 0, -1, -2 … in this order. */
enum transfer_result {
    TRANSFER_OK,
    TRANSFER_TIMEOUT,
    TRANSFER_NOT_FOUND,
    TRANSFER_DENIED, /* also an address that has expired */
    TRANSFER_MISMATCH,
    TRANSFER_FAILED,
    TRANSFER_NO_SPACE,
    TRANSFER_RESULT_COUNT_,
};

/* Borrowed for the time of the call. */
struct fetch_request {
    const char *url;  /* http:// or https://, at most LIMIT_URL bytes */
    int dir;          /* descriptor of the directory; is duplicated */
    const char *name; /* private file in it, made with mode 0600 */
    uint64_t size;    /* as announced, above 0 */
    const char *md5;  /* 32 hex digits */
    bool want_sha256;
    uint64_t rate;     /* bytes/s; 0: no limit */
    uint64_t idle_us;  /* without a byte; 0: FETCH_IDLE_US */
    uint64_t total_us; /* all of it; 0: FETCH_TOTAL_US */
};

struct fetch_end {
    enum transfer_result result;
    const char *text;   /* for people, also of an OK one */
    uint8_t sha256[32]; /* when wanted, of an OK one */
    uint64_t received;  /* bytes of bodies that came over the net in this run */
};

/* From the loop, never from inside a call; both may free the fetch. */
struct fetch_events {
    void (*progress)(uint64_t done, void *userdata); /* of size; once per turn at most; or NULL */
    void (*done)(const struct fetch_end *end, void *userdata); /* once, unless freed before */
};

/*
 * The events are borrowed for the life of the fetch. The file is taken up where it ends when it is
 * there, regular and not longer than size; it is removed when its MD5 turns out wrong.
 * @return 0; -EINVAL the URL, name, size or MD5 cannot be; -ENOMEM; what openat(2) failed with
 */
int fetch_start(struct fetch **ret_fetch, struct fetcher *fetcher,
                const struct fetch_request *request, const struct fetch_events *events,
                void *userdata) MUST_CHECK;
/* Cancels if it still runs; the partial file stays. Legal inside the events. */
struct fetch *fetch_free(struct fetch *fetch);
DEFINE_FREEP(struct fetch, fetch_free)

#endif /* IOTD_NET_FETCH_H */

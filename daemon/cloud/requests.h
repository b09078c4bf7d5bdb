/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_REQUESTS_H
#define IOTD_CLOUD_REQUESTS_H

/*
 * Requests to the cloud that wait for the reply with their clientToken. Each has a deadline and
 * ends exactly once: answered, timed out, or cancelled by its owner.
 */

#include <stdbool.h>
#include <stdint.h>

#include "libiotclient/base/list.h"
#include "libiotclient/base/loop.h"

#define REQUEST_TOKEN 32 /* our own tokens, with NUL */

struct requests {
    struct loop *loop;
    struct list pending;
    unsigned n_pending;
};

/* code: 0 or the cloud's; -ETIMEDOUT. text: the cloud's status, borrowed. */
typedef void (*request_fn)(int code, const char *text, void *userdata);

/* Embedded in what asks; zero-initialised memory is idle. */
struct request {
    struct requests *owner; /* NULL while idle */
    struct list link;
    struct loop_timer timer;
    char token[REQUEST_TOKEN];
    request_fn fn;
    void *userdata;
};

void requests_init(struct requests *rs, struct loop *loop);
/* Waits for the reply to token; timeout_us 0: without a deadline until request_arm(). */
void request_start(struct requests *rs, struct request *r, const char *token, uint64_t timeout_us,
                   request_fn fn, void *userdata);
void request_arm(struct request *r, uint64_t timeout_us);
void request_cancel(struct request *r); /* harmless when idle */
static inline bool request_is_pending(const struct request *r)
{
    return r->owner != NULL;
}
/* A reply came; false when nobody waits for this token. */
bool requests_answer(struct requests *rs, const char *token, int code, const char *text);

#endif /* IOTD_CLOUD_REQUESTS_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/ipc-pair.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/num.h"
#include "tests/lib/suite.h"

#define NEVER_MS 60000 /* a bell that has not rung by then was lost */

static unsigned n_failed;

void ipc_fail(const char *file, int line, const char *what)
{
    if (__atomic_fetch_add(&n_failed, 1, __ATOMIC_RELAXED) < 20)
        fprintf(stderr, "%s:%d: %s\n", file, line, what);
}

unsigned ipc_n_failed(void)
{
    return __atomic_load_n(&n_failed, __ATOMIC_RELAXED);
}

static void open_segment(struct segment both[2], uint32_t kind, size_t size, bool is_read_only)
{
    struct segment_spec spec = {
        .name = "test-ipc",
        .kind = kind,
        .size = size,
        .epoch = 1,
        .is_read_only = is_read_only,
    };
    CLEANUP(fd_closep) int fd = -1;

    CHECK_INT(segment_create(&both[0], &fd, &spec), 0);
    CHECK_INT(segment_map(&both[1], fd, kind, size, size, !is_read_only), 0);
}

void ipc_pair_open(struct ipc_pair *p, bool has_two_mappings)
{
    unsigned theirs = has_two_mappings ? 1 : 0;
    struct ipc_end *d = &p->iotd, *c = &p->program;

    memset(p, 0, sizeof(*p));
    open_segment(p->up, LAYOUT_KIND_UP, sizeof(struct layout_up), false);
    open_segment(p->down, LAYOUT_KIND_DOWN, sizeof(struct layout_down), true);
    d->up = p->up[0].base;
    d->down = p->down[0].base;
    c->up = p->up[theirs].base;
    c->down = p->down[theirs].base;
    CHECK_INT(doorbell_new(&d->bell, &c->other_bell), 0);
    CHECK_INT(doorbell_new(&c->bell, &d->other_bell), 0);
    ring_init(&d->in, d->up->ring, &d->up->ring_head, &d->down->up_tail);
    ring_init(&d->out, d->down->ring, &d->down->ring_head, &d->up->down_tail);
    ring_init(&c->in, c->down->ring, &c->down->ring_head, &c->up->down_tail);
    ring_init(&c->out, c->up->ring, &c->up->ring_head, &c->down->up_tail);
}

void ipc_pair_close(struct ipc_pair *p)
{
    for (int i = 0; i < 2; i++) {
        segment_done(&p->up[i]);
        segment_done(&p->down[i]);
    }
    (void) fd_close(p->iotd.bell);
    (void) fd_close(p->iotd.other_bell);
    (void) fd_close(p->program.bell);
    (void) fd_close(p->program.other_bell);
}

static int deadline_ms(void)
{
    const char *text = getenv("IOTD_TEST_TIMEOUT_SCALE");
    uint64_t scale = 1;

    if (text && num_parse_u64(text, &scale) < 0)
        scale = 1;
    return scale > 0 && scale <= 1000 ? NEVER_MS * (int) scale : NEVER_MS;
}

bool ipc_end_sleep(struct ipc_end *end)
{
    struct pollfd pollfd = {end->bell, POLLIN, 0};
    int n;

    do
        n = poll(&pollfd, 1, deadline_ms());
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return false;
    (void) doorbell_clear(end->bell);
    return true;
}

void ipc_threads_start(struct ipc_threads *t, void *(*fn)(void *), void *userdata)
{
    CHECK(t->n < ARRAY_SIZE(t->threads));
    CHECK_INT(pthread_create(&t->threads[t->n], NULL, fn, userdata), 0);
    t->n++;
}

void ipc_threads_join(struct ipc_threads *t)
{
    for (unsigned i = 0; i < t->n; i++)
        CHECK_INT(pthread_join(t->threads[i], NULL), 0);
    t->n = 0;
    CHECK_INT(ipc_n_failed(), 0);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each allocation of a download and of an upload fails once: told once, nothing left behind. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "daemon/net/put.h"
#include "libiotclient/base/fdutil.h"
#include "tests/lib/fault.h"
#include "tests/lib/fetch-rig.h"
#include "tests/lib/suite.h"

#define SIZE 200000U
#define MAX_ALLOCATIONS 500

static const struct file_server_step steps[] = {
    {.answer = "HTTP/1.1 302 Found\r\nLocation: %s\r\n\r\n"}, {.cut_after = 70000}, {.piece = 0}};
static const struct file_server_config config = {.size = SIZE, .steps = steps, .n_steps = 3};

static int run_start(void *userdata)
{
    struct fetch_rig *g = userdata;
    int r = fetch_start(&g->fetch, g->fetcher, &g->rq, &fetch_rig_events, g);

    CHECK((r == 0) == (g->fetch != NULL));
    g->fetch = fetch_free(g->fetch);
    return r;
}

static void test_start(void)
{
    struct fetch_rig g;

    fetch_rig_open(&g, &config, NULL);
    fault_sweep("fetch_start", run_start, NULL, &g);
    CHECK_INT(g.n_done, 0);
    fetch_rig_close(&g);
}

/* A failure in the middle is a try that failed, or the end with a reason. */
static void test_download(void)
{
    unsigned n = 0, n_failed = 0;
    bool hit = true;

    while (hit && ++n < MAX_ALLOCATIONS) {
        long live = fault_n_live();
        struct fetch_rig g;
        int r;

        fetch_rig_open(&g, &config, NULL);
        fault_arm(n);
        r = fetch_start(&g.fetch, g.fetcher, &g.rq, &fetch_rig_events, &g);
        if (r == 0)
            CHECK_INT(loop_lws_run(g.loop), 0);
        hit = fault_disarm();
        CHECK(r == 0 || (hit && r == -ENOMEM));
        CHECK_INT(g.n_done, r == 0 ? 1 : 0);
        if (r == 0 && g.end.result == TRANSFER_OK) {
            fetch_rig_check_file(&g);
        } else if (r == 0) {
            n_failed++;
            CHECK(hit);
            CHECK_INT(g.end.result, TRANSFER_FAILED);
            CHECK_STR(g.text, strerror(ENOMEM));
        }
        fetch_rig_close(&g); /* the loop lets go of descriptors in its own time */
        CHECK_INT(fault_n_live(), live);
    }
    CHECK(!hit && n > 5);
    CHECK(n_failed < n);
}

static void on_put(const struct put_end *end, void *userdata)
{
    struct fetch_rig *g = userdata;

    (void) end;
    g->n_done++;
    loop_lws_stop(g->loop);
}

static int run_put(void *userdata)
{
    static const struct put_events events = {NULL, on_put};
    struct fetch_rig *g = userdata;
    CLEANUP(fd_closep) int fd = openat(g->dir_fd, FETCH_RIG_NAME, O_RDWR | O_CREAT, 0600);
    const struct put_request rq = {.url = g->url, .fd = fd, .size = 0};
    struct put *put = NULL;
    int r = put_start(&put, g->fetcher, &rq, &events, g);

    CHECK((r == 0) == (put != NULL));
    put_free(put);
    return r;
}

static void test_put(void)
{
    struct fetch_rig g;

    fetch_rig_open(&g, &config, NULL);
    fault_sweep("put_start", run_put, NULL, &g);
    CHECK_INT(g.n_done, 0);
    fetch_rig_close(&g);
}

const char *const suite_name = "fetch-memory";
const struct suite_test suite_tests[] = {
    {"start", test_start},
    {"download", test_download},
    {"put", test_put},
    {NULL, NULL},
};

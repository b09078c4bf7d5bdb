/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/fetch-rig.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "libiotclient/base/fdutil.h"
#include "tests/lib/certs.h"
#include "tests/lib/fake-rand.h"
#include "tests/lib/suite.h"

static void on_progress(uint64_t done, void *userdata)
{
    struct fetch_rig *g = userdata;

    CHECK(done >= g->progress && done <= g->rq.size);
    g->n_progress++;
    g->progress = done;
    if (g->cancel_at > 0 && done >= g->cancel_at) {
        g->fetch = fetch_free(g->fetch); /* legal inside */
        loop_lws_stop(g->loop);
    }
}

static void on_done(const struct fetch_end *end, void *userdata)
{
    struct fetch_rig *g = userdata;

    g->n_done++;
    g->end = *end;
    (void) snprintf(g->text, sizeof(g->text), "%s", end->text);
    g->fetch = fetch_free(g->fetch); /* legal inside */
    loop_lws_stop(g->loop);
}

const struct fetch_events fetch_rig_events = {on_progress, on_done};

void fetch_rig_open(struct fetch_rig *g, const struct file_server_config *config,
                    const char *ca_file)
{
    memset(g, 0, sizeof(*g));
    strcpy(g->dir, "/tmp/test-fetch-XXXXXX");
    CHECK(mkdtemp(g->dir) != NULL);
    g->dir_fd = open(g->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g->server = file_server_start(config);
    (void) snprintf(g->url, sizeof(g->url), "http%s://%s:%u/files/image?sign=x",
                    config->cert ? "s" : "", config->cert ? "localhost" : "127.0.0.1",
                    file_server_port(g->server));
    file_server_md5(config->size, g->md5);
    CHECK_INT(loop_lws_new(&g->loop), 0);
    CHECK_INT(fetcher_new(&g->fetcher, g->loop, ca_file ? ca_file : ""), 0);
    g->rq = (struct fetch_request){
        .url = g->url,
        .dir = g->dir_fd,
        .name = FETCH_RIG_NAME,
        .size = config->size,
        .md5 = g->md5,
        .want_sha256 = true,
    };
    fake_rand_fix(0); /* no waiting between tries */
}

void fetch_rig_close(struct fetch_rig *g)
{
    (void) unlinkat(g->dir_fd, FETCH_RIG_NAME, 0);
    g->fetch = fetch_free(g->fetch);
    g->fetcher = fetcher_free(g->fetcher);
    g->loop = loop_lws_free(g->loop);
    g->server = file_server_stop(g->server);
    (void) fd_close(g->dir_fd);
    CHECK_INT(rmdir(g->dir), 0); /* nothing else was left there */
}

void fetch_rig_run(struct fetch_rig *g)
{
    g->n_done = 0;
    g->progress = 0;
    CHECK_INT(fetch_start(&g->fetch, g->fetcher, &g->rq, &fetch_rig_events, g), 0);
    CHECK_INT(g->n_done, 0);
    CHECK_INT(loop_lws_run(g->loop), 0);
}

int64_t fetch_rig_there(struct fetch_rig *g)
{
    struct stat st;

    return fstatat(g->dir_fd, FETCH_RIG_NAME, &st, 0) == 0 ? st.st_size : -1;
}

void fetch_rig_check_file(struct fetch_rig *g)
{
    CLEANUP(fd_closep) int fd = openat(g->dir_fd, FETCH_RIG_NAME, O_RDONLY | O_CLOEXEC);
    CLEANUP(freep) uint8_t *seen = malloc(g->rq.size), *want = malloc(g->rq.size);
    uint8_t sha256[32];
    struct stat st;

    CHECK_INT(fstat(fd, &st), 0);
    CHECK_INT(st.st_mode & 07777, 0600);
    CHECK_INT(st.st_size, g->rq.size);
    CHECK_INT(read(fd, seen, g->rq.size), g->rq.size);
    file_server_bytes(want, 0, g->rq.size);
    CHECK(memcmp(seen, want, g->rq.size) == 0);
    CHECK_INT(EVP_Digest(want, g->rq.size, sha256, NULL, EVP_sha256(), NULL), 1);
    CHECK(memcmp(sha256, g->end.sha256, sizeof(sha256)) == 0);
}

void fetch_rig_make_certs(void)
{
    char dir[] = "/tmp/test-fetch-certs-XXXXXX";

    CHECK(mkdtemp(dir) != NULL);
    CHECK_INT(setenv("IOTD_TEST_DIR", dir, 1), 0);
    certs_make();
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void) st;
    (void) type;
    (void) at;
    return remove(path);
}

void fetch_rig_remove_certs(void)
{
    CHECK_INT(nftw(getenv("IOTD_TEST_DIR"), remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

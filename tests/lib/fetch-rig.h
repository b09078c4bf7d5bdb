/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_FETCH_RIG_H
#define IOTD_TESTS_FETCH_RIG_H

/* A directory, a server, a loop, and one download after the other. No waiting between tries. */

#include "daemon/net/fetch.h"
#include "daemon/sys/loop_lws.h"
#include "tests/lib/file-server.h"

#define FETCH_RIG_NAME "image.part"

struct fetch_rig {
    char dir[64];
    int dir_fd;
    struct file_server *server;
    struct loop_lws *loop;
    struct fetcher *fetcher;
    struct fetch *fetch;
    struct fetch_request rq;
    char url[96], md5[33];
    unsigned n_done, n_progress;
    uint64_t progress, cancel_at;
    struct fetch_end end;
    char text[300]; /* of end */
};

/* ca_file: NULL: the system's store */
void fetch_rig_open(struct fetch_rig *g, const struct file_server_config *config,
                    const char *ca_file);
void fetch_rig_close(struct fetch_rig *g);

/* Starts g->rq and runs the loop until it is done, or cancelled at g->cancel_at. */
void fetch_rig_run(struct fetch_rig *g);
extern const struct fetch_events fetch_rig_events; /* userdata: the rig */

int64_t fetch_rig_there(struct fetch_rig *g); /* bytes of the file; -1: there is none */
/* It is the file of the server, and so is g->end.sha256. */
void fetch_rig_check_file(struct fetch_rig *g);

/* For https: those of certs.h, in a directory of their own. */
void fetch_rig_make_certs(void);
void fetch_rig_remove_certs(void);

/* Steps of the server. */
#define STEPS(...)                                                                                 \
    .steps = (const struct file_server_step[]){__VA_ARGS__},                                       \
    .n_steps =                                                                                     \
        sizeof((const struct file_server_step[]){__VA_ARGS__}) / sizeof(struct file_server_step)
#define CUT(n)                                                                                     \
    {                                                                                              \
        .cut_after = (n)                                                                           \
    }
#define WELL                                                                                       \
    {                                                                                              \
        .piece = 0                                                                                 \
    }

#endif /* IOTD_TESTS_FETCH_RIG_H */

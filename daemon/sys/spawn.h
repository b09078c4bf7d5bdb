/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_SYS_SPAWN_H
#define IOTD_SYS_SPAWN_H

/*
 * A program of somebody else, run as a child that has as little as possible: no descriptor but
 * those named here, an environment of its own, no way to more rights, limits, the idle end of the
 * processor. It is the leader of a process group; when it ends, or iotd does, the group is killed
 * (at the end of iotd the leader alone). Waiting is a pidfd in the loop, nothing blocks.
 */

#include <stdbool.h>
#include <stdint.h>

#include "libiotclient/base/loop.h"

#define SPAWN_LINE 512 /* own choice: bytes of a line that are kept */

enum spawn_stream { SPAWN_STDOUT, SPAWN_STDERR, SPAWN_STREAM_COUNT_ };

struct spawn;

/* Borrowed for the call. */
struct spawn_request {
    const char *path;  /* absolute */
    char *const *argv; /* ended by NULL, as the next */
    char *const *env;  /* all that is in its environment */
    int fd;            /* its descriptor 3 */
    uint64_t cpu_s;    /* of processor time, of each of its processes; then that is killed */
};

struct spawn_end {
    int error;  /* errno of execve(2); 0: it ran, and then: */
    int status; /* its exit status; -1: a signal ended it */
    int signal; /* which one; 0: none, or not known */
};

/* Never from inside of a function below. */
struct spawn_events {
    /*
     * A line that it wrote, with or without an end, as UTF-8 without control characters; of too
     * long ones the beginning. May call spawn_kill(), not spawn_free().
     */
    void (*line)(enum spawn_stream stream, const char *text, void *userdata);
    /* Once. The object is still to be freed, also from here. */
    void (*ended)(const struct spawn_end *end, void *userdata);
};

/* 0; -EMFILE, -EAGAIN, -ENOMEM, or what else fork(2) and pidfd_open(2) say. */
int spawn_start(struct spawn **ret_spawn, struct loop *loop, const struct spawn_request *request,
                const struct spawn_events *events, void *userdata) MUST_CHECK;
/* A signal to all of its group. */
void spawn_kill(struct spawn *spawn, int signal);
/* Kills the group if it still runs. */
struct spawn *spawn_free(struct spawn *spawn);
DEFINE_FREEP(struct spawn, spawn_free)

#endif /* IOTD_SYS_SPAWN_H */

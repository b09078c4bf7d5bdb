/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_INSTALL_STEPS_H
#define IOTD_TESTS_INSTALL_STEPS_H

/* A test of an installer: a directory, an image in it, what was heard of the job. */

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/core/installer.h"
#include "tests/lib/test-loop.h"

#define INSTALL_IMAGE "the image\n"

struct install_steps {
    struct test_loop tl;
    char dir[64];
    char image[128];
    int fd;
    struct installer *installer; /* NULL until the test has made one */
    unsigned n_started, n_progress, n_done;
    unsigned percents[64];         /* the first ones */
    char text[INSTALLER_TEXT + 1]; /* of the latest progress */
    int result;
    char done_text[INSTALLER_TEXT + 1];
    /* Called from inside of done; NULL. */
    void (*on_done)(struct install_steps *st);
};

void install_steps_init(struct install_steps *st);
/* The installer is gone already. */
void install_steps_done(struct install_steps *st);
/* Starts a job with that image; what start() returned. */
int install_steps_start(struct install_steps *st);
/* Until done was called once more than n times. */
bool install_steps_wait(struct install_steps *st, unsigned n);

/* A file of the directory; path has room for 128 bytes. */
void install_steps_write(const struct install_steps *st, const char *name, mode_t mode,
                         const char *text, char path[128]);
/* What stands in a file of the directory, until then: waits. The text is the caller's. */
char *install_steps_read(struct install_steps *st, const char *name);
/* Until that process, not a child that somebody waits for, has ended. */
bool install_steps_gone(struct install_steps *st, pid_t pid);
/* Until fn is true of what tells nobody that it has changed: it is looked at again and again. */
bool install_steps_until(struct install_steps *st, bool (*fn)(void *userdata), void *userdata);

#endif /* IOTD_TESTS_INSTALL_STEPS_H */

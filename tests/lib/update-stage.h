/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_UPDATE_STAGE_H
#define IOTD_TESTS_UPDATE_STAGE_H

/*
 * The update of the firmware with everything around it faked: the cloud is the test, images come
 * and are installed when it says so. Only the directory is a real one.
 */

#include "daemon/core/update_parts.h"
#include "tests/lib/rig.h"

#define STAGE_MD5 "0123456789abcdef0123456789abcdef"
#define STAGE_OLD "1.0"
#define STAGE_NEW "1.1"
#define STAGE_SIZE 1000

struct fetch {
    const struct fetch_events *events;
    void *userdata;
    char url[64], name[64], md5[64];
    uint64_t size;
    bool want_sha256;
};

struct update_text {
    update_text_fn fn;
    void *userdata;
    char url[64];
};

struct stage_installer {
    struct installer installer;
    const struct installer_events *events; /* NULL: no job */
    void *userdata;
    unsigned n_jobs, n_cancelled;
    int start_result;
    char job[256]; /* the latest: "version size md5 sha256? custom extra image" */
};

struct stage {
    struct rig rig;
    struct db *db;
    struct persist persist;
    struct firmware *firmware;
    struct update *update;
    struct update_config config;
    struct link_watch watch;
    const char *boot_id;
    char dir[64], version_file[80];
    struct fetch *fetch; /* the one that runs; NULL: none */
    struct update_text *text;
    unsigned n_fetches, n_changed;
    int fetch_result; /* of fetch_start() */
    bool needs_signature;
    struct stage_installer program, other;
};

extern struct stage stage;

/* Version STAGE_OLD runs and is told; connected. */
void stage_begin(enum update_auto automatic);
void stage_end(void);
/* iotd is killed with -9 and started again, in the same boot or in another one; not connected. */
void stage_kill(void);
void stage_reboot(const char *boot_id);
void stage_connect(void);

/* The cloud's order of a version, whose MD5 is STAGE_MD5 with the last digit in its place. */
void stage_order(const char *version, char digit, const char *members);
/* The next messages to the cloud, acknowledged, one word or two each, "" when there is none:
 * "version 1.0", "downloading 5", "burning", "done", "fail -5". */
const char *stage_told(void);
#define CHECK_TOLD(want) CHECK_STR(stage_told(), want)

/* The download. */
void stage_progress(uint64_t done);
void stage_fetched(enum transfer_result result, const char *text);
/* What was ordered has been downloaded; all that was told is dropped. */
void stage_download(void);

void stage_installed(struct stage_installer *i, int result, const char *text);
/* A program registers; "" or NULL: it says no version, it is gone. */
int stage_register(struct stage_installer *i, const char *version);
void stage_set_version_file(const char *text);
/* Images in the directory. */
unsigned stage_n_images(void);

struct update_info stage_info(void);
#define CHECK_STATE(want) CHECK_STR(update_state_name(stage_info().state), want)

#endif /* IOTD_TESTS_UPDATE_STAGE_H */

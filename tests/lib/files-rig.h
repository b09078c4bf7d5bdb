/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_FILES_RIG_H
#define IOTD_TESTS_FILES_RIG_H

/*
 * A rig with files on top: a directory and a database of their own, and in the place of the
 * network fetches and puts that end as the test says. JSON in C texts is written with single
 * quotes.
 */

#include "daemon/core/files.h"
#include "tests/lib/rig.h"

/* One that was begun; is_open until it ended or was freed. */
struct fetch {
    bool is_open;
    int dir;
    char url[LIMIT_URL + 1], name[FILES_PART], md5[FILES_MD5];
    uint64_t size;
    const struct fetch_events *events;
    void *userdata;
};

struct put {
    bool is_open;
    int fd; /* duplicated */
    char url[LIMIT_URL + 1];
    bool has_md5;
    uint8_t md5[16];
    uint64_t size;
    const struct put_events *events;
    void *userdata;
};

struct frig {
    struct rig rig;
    struct thing *thing;
    struct db *db;
    char dir[64];
    uint64_t quota, max_size; /* of the next start */
    struct files *files;
    struct fetch fetches[512];
    unsigned n_fetches;
    struct put puts[128];
    unsigned n_puts;
    int start_result; /* of the next fetch or put */
    char news[512];   /* "+name/version -name …" of files, "+r:name" of resources */
};

extern struct frig frig;

/* The link is up, what it says after a connect has gone, downloads run. */
void frig_begin(void);
void frig_end(void);
/* iotd is killed, and starts again: the link is down. */
void frig_restart(void);
/* Connects, and drops what is said then. */
void frig_connect(void);

/* The file comes whole: its contents are in its place, and the fetch ends. */
void frig_arrive(struct fetch *f, const char *contents);
void frig_fail(struct fetch *f, enum transfer_result result);
void frig_put_end(struct put *p, enum transfer_result result);

/* A message of the cloud on the service topic, or about resources. */
void frig_push_file(const char *json);
void frig_push_resource(const char *json);
/* The next message to the cloud is this one; "" none. */
#define CHECK_FILE_SENT(want) frig_check_sent(__FILE__, __LINE__, false, want)
#define CHECK_RESOURCE_SENT(want) frig_check_sent(__FILE__, __LINE__, true, want)
void frig_check_sent(const char *file, int line, bool is_resource, const char *want);
/* update_resource with that version, contents and URL: the size and MD5 are made of them. */
void frig_order(const char *name, const char *version, const char *contents);
/* "name/type/version/size/state …", in order. */
const char *frig_list(enum file_kind kind);
/* What is in the file; "?" and the errno when it cannot be opened. */
const char *frig_read(enum file_kind kind, const char *name);
/* The names in a directory below ours, sorted. */
const char *frig_ls(const char *sub);
/* The transfer of that name that was begun last; NULL: none. */
const struct transfer *frig_transfer(const char *name);
/* A descriptor with these contents. */
int frig_memfd(const char *contents);
/* MD5 in hex; static. */
const char *frig_md5(const char *contents);

#endif /* IOTD_TESTS_FILES_RIG_H */

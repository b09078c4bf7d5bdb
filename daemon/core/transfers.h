/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_TRANSFERS_H
#define IOTD_CORE_TRANSFERS_H

/*
 * The transfers of files and resources that run, and those that ended lately: what programs look
 * at. Who runs one adds it, tells how it goes, and ends it; from then on it is kept here alone.
 */

#include <stdbool.h>
#include <stdint.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/base/list.h"
#include "libiotclient/base/loop.h"

struct transfers;

enum transfer_kind {
    TRANSFER_KIND_FILE_DOWNLOAD,
    TRANSFER_KIND_FILE_UPLOAD,
    TRANSFER_KIND_RESOURCE_DOWNLOAD,
    TRANSFER_KIND_RESOURCE_UPLOAD,
    TRANSFER_KIND_COUNT_,
};
const char *transfer_kind_name(enum transfer_kind kind);

enum transfer_state {
    TRANSFER_STATE_RUNNING,
    TRANSFER_STATE_DONE,
    TRANSFER_STATE_FAILED,
    TRANSFER_STATE_CANCELLED,
    TRANSFER_STATE_COUNT_,
};
const char *transfer_state_name(enum transfer_state state);

#define TRANSFER_TEXT 128

struct transfer {
    struct list link;
    struct transfers *owner;
    unsigned number; /* never given twice in one run */
    enum transfer_kind kind;
    enum transfer_state state;
    char name[LIMIT_FILE_NAME + 1];
    char program[LIMIT_BUS_NAME + 1]; /* that began it; "": the cloud */
    uint64_t size, done;
    int result; /* enum file_code */
    char text[TRANSFER_TEXT];
    char token[LIMIT_FILE_TOKEN + 1];
    struct loop_timer timer; /* while it runs, news of done; then the end of its life */
    /* Of who runs it; ends the transfer. NULL once it has ended. */
    void (*cancel)(struct transfer *t, void *userdata);
    void *userdata;
    void *front; /* of the front */
};

struct transfers_front {
    void (*added)(struct transfer *t, void *userdata);
    void (*changed)(struct transfer *t, void *userdata); /* everything but done */
    void (*progressed)(struct transfer *t, void *userdata);
    void (*removed)(struct transfer *t, void *userdata);
};

struct transfers {
    struct loop *loop;
    struct list running;
    struct list ended; /* the oldest first */
    unsigned n_ended;
    unsigned last_number;
    const struct transfers_front *front; /* NULL: nobody looks */
    void *front_userdata;
};

void transfers_init(struct transfers *ts, struct loop *loop);
/* After all that ran were ended. */
void transfers_done(struct transfers *ts);
/* front NULL: it is gone. */
void transfers_listen(struct transfers *ts, const struct transfers_front *front, void *userdata);

/* Running ones of the program, "" for those of the cloud. */
unsigned transfers_count(const struct transfers *ts, enum transfer_kind kind, const char *program);
/* program "": the cloud's. -ENOMEM */
int transfer_new(struct transfer **ret_transfer, struct transfers *ts, enum transfer_kind kind,
                 const char *name, const char *program, uint64_t size) MUST_CHECK;
/* Told once a second. */
void transfer_progress(struct transfer *t, uint64_t done);
void transfer_set_token(struct transfer *t, const char *token);
/* result and text as in struct transfer; 60 s later it is gone. */
void transfer_end(struct transfer *t, enum transfer_state state, int result, const char *text);
/* -ENOENT it has ended. */
int transfer_cancel(struct transfer *t) MUST_CHECK;

/*
 * When the cloud hears of progress: first of 0 %, of 100 % at the end, and between them when it is
 * at least 5 % and a second since the last time.
 */
struct transfer_pace {
    bool begun;
    unsigned percent;
    uint64_t last_us;
};
/* True: to be told, with *ret_percent. size is above 0. */
bool transfer_pace_pass(struct transfer_pace *pace, uint64_t now_us, uint64_t done, uint64_t size,
                        unsigned *ret_percent);

#endif /* IOTD_CORE_TRANSFERS_H */

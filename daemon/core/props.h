/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_PROPS_H
#define IOTD_CORE_PROPS_H

/* The newest value and stamp of each property of the model; tells when values change. */

#include "daemon/cloud/model_update.h"
#include "daemon/core/persist.h"

struct prop {
    struct value value; /* VALUE_NONE: none yet */
    bool confirmed;     /* the cloud has answered to it */
    bool unsaved;       /* differs from its row */
    bool saving;
    bool is_news; /* in news of struct props */
    uint64_t stamp_real_us;
    uint64_t version;     /* counts the writes */
    struct value desired; /* by a control that no program served; VALUE_NONE: none */
};

struct prop_update {
    size_t index;
    struct value value; /* canonical */
};

void prop_updates_free(struct prop_update *updates, size_t n);

/* After values were written; indices of the properties whose value differs now, each once. */
typedef void (*props_changed_fn)(const size_t *indices, size_t n, void *userdata);
/* The same for all that was written, before it: an equal value has a new stamp. */
typedef void (*props_written_fn)(const struct prop_update *updates, size_t n, void *userdata);

struct props {
    const struct model *model; /* borrowed: manager */
    struct persist *persist;   /* borrowed: core */
    struct persist_part part;
    struct prop *all; /* by index of the model */
    size_t *news;     /* indices that on_changed has not heard of */
    size_t n_news;
    struct loop_timer news_timer;
    size_t n_loaded; /* those before it are not read from the disk again */
    props_written_fn on_written;
    props_changed_fn on_changed;
    bool is_holding; /* props_hold() */
    void *userdata;
};

/* Takes up the values of an earlier run that fit the model. 0; what the database failed with */
int props_init(struct props *ps, const struct model *model, struct persist *persist) MUST_CHECK;
void props_done(struct props *ps);
/*
 * Another model comes: room for it, 0 or -ENOMEM; then values that do not fit any more are
 * dropped, and those of an earlier run taken up for what is new.
 */
int props_reserve(struct props *ps, const struct model_plan *plan) MUST_CHECK;
void props_on_model(struct props *ps, const struct model_plan *plan);
/* One listener: the front. Either may be NULL. */
void props_listen(struct props *ps, props_written_fn on_written, props_changed_fn on_changed,
                  void *userdata);

/* Writes all; the updates keep their values. 0 or -ENOMEM with nothing written. */
int props_write(struct props *ps, const struct prop_update *updates, size_t n,
                uint64_t real_us) MUST_CHECK;
/* What a control makes of the newest value: members of a struct that it does not name stay. */
int props_merge(const struct props *ps, struct prop_update *update) MUST_CHECK;
/* The cloud answered to the value of that version. */
void props_confirm(struct props *ps, size_t index, uint64_t version);
/* It did not after all; whether that is still the version. */
bool props_reopen(struct props *ps, size_t index, uint64_t version);
void props_drop_desired(struct props *ps, size_t index);
/* Members of a struct that were desired before stay, as with props_merge(). */
int props_set_desired(struct props *ps, const struct prop_update *updates, size_t n) MUST_CHECK;

#define PROPS_NEWS_US 1000

/*
 * on_changed hears of what is written between the two PROPS_NEWS_US later, with all that is written
 * meanwhile, or with the next that is written outside: something leaves first that somebody waits
 * for, and the process has slept once, without which a peer on the same processor does not run.
 */
void props_hold(struct props *ps);
void props_release(struct props *ps);

#endif /* IOTD_CORE_PROPS_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/front/shm_table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sys/clock.h"
#include "daemon/sys/log.h"
#include "daemon/sys/rand.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/ipc/blobs.h"
#include "libiotclient/ipc/table.h"

LOG_AREA("shm");

_Static_assert(LIMIT_MODEL_PLACES % 32 == 0, "whole words of places");

#define BLOBS_MIN (64U * 1024) /* own choice; pages that nobody touches cost nothing */
#define BLOBS_MAX (LAYOUT_TABLE_MAX / 2)
#define BLOBS_FIRST (BLOBS_MAX / 4) /* own choice: the most that a table begins with */
/* Structs and arrays are bounded as JSON; packed, a member that is "a":0, there has 24 bytes. */
#define PACKED_MAX ((size_t) 5 * LIMIT_VALUE_TEXT)

/* What is in the tables about a place. */
struct shm_place {
    uint64_t version;
    uint64_t stamp_us; /* CLOCK_BOOTTIME, as of when it was written */
    uint32_t type;
    uint32_t flags;
    bool is_known;
};

struct shm_view {
    struct list link; /* in views, or in none: retired */
    struct shm_tables *tables;
    unsigned n_refs;
    struct shm_set set;
    struct table_writer *writer;
    int fd; /* for programs to come */
    size_t blobs_len;
    bool is_open; /* within a batch */
    bool is_full; /* a value had no room */
    bool is_lost; /* and there was no larger table */
};

bool shm_set_equal(const struct shm_set *a, const struct shm_set *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

bool shm_set_covers(const struct shm_set *whole, const struct shm_set *part)
{
    for (size_t i = 0; i < ARRAY_SIZE(whole->bits); i++) {
        if (part->bits[i] & ~whole->bits[i])
            return false;
    }
    return true;
}

void shm_tables_init(struct shm_tables *ts, const struct core *core)
{
    *ts = (struct shm_tables){.core = core, .blobs_first = BLOBS_FIRST};
    list_init(&ts->views);
}

static void forget(struct shm_tables *ts)
{
    free(ts->places);
    ts->places = NULL;
    ts->n_places = 0;
    shm_bytes_done(&ts->bytes);
}

void shm_tables_done(struct shm_tables *ts)
{
    assert(ts->n_views == 0);

    forget(ts);
}

/* --- what is to be written --- */

/* A stamp of the wall clock as CLOCK_BOOTTIME; in the future (the clock was set): now. */
static uint64_t boot_stamp(uint64_t real_us)
{
    uint64_t real_now = clock_real_us(), boot_now = clock_boot_us();
    uint64_t age = real_now > real_us ? real_now - real_us : 0;

    return boot_now > age ? boot_now - age : 0;
}

static struct shm_place describe(const struct core *core, size_t index)
{
    const struct model_property *property = &core->model->properties[index];
    const struct prop *prop = &core->props.all[index];
    struct shm_place place = {.version = prop->version, .is_known = true};

    if (property->is_gone)
        return place;
    place.type = shm_type_of(property->define.type);
    if (prop->value.kind != VALUE_NONE)
        place.flags |= LAYOUT_FLAG_VALUE;
    if (property->writable)
        place.flags |= LAYOUT_FLAG_WRITABLE;
    if (policies_get(&core->policies, index).history)
        place.flags |= LAYOUT_FLAG_HISTORY;
    return place;
}

static void open_view(struct shm_view *view)
{
    if (!view->is_open)
        table_begin(view->writer);
    view->is_open = true;
}

/* Writes what is known of a place; false: it has no room. */
static bool write_place(struct shm_view *view, size_t index)
{
    struct shm_tables *ts = view->tables;
    const struct shm_place *place = &ts->places[index];
    uint32_t flags = place->flags;
    int r = 0;

    open_view(view);
    if (flags & LAYOUT_FLAG_VALUE)
        r = shm_bytes_of(&ts->bytes, &ts->core->props.all[index].value);
    if (r == 0 && flags & LAYOUT_FLAG_VALUE)
        return table_write(view->writer, index, place->type, flags, ts->bytes.data, ts->bytes.len,
                           place->stamp_us) == 0;
    if (r < 0)
        log_warn("value not in shared memory id=%s error=\"%s\"",
                 ts->core->model->properties[index].id, strerror(-r));
    flags &= ~LAYOUT_FLAG_VALUE;
    return table_write(view->writer, index, place->type, flags, NULL, 0, 0) == 0;
}

static void put(struct shm_view *view, size_t index)
{
    if (!write_place(view, index))
        view->is_full = true;
}

/* Names and writes the places of more, from those that the model has. */
static void fill(struct shm_view *view, const struct shm_set *more)
{
    const struct shm_tables *ts = view->tables;

    open_view(view);
    for (size_t i = 0; i < ts->n_places; i++) {
        if (!shm_set_has(more, i))
            continue;
        table_name(view->writer, i, ts->core->model->properties[i].id);
        put(view, i);
    }
}

/* --- tables --- */

/* The most bytes of a value outside of its slot. */
static size_t bytes_of(const struct thing_define *def)
{
    size_t sum = 0;

    switch (def->type) {
    case THING_STRING:
        return def->s.max;
    case THING_STRINGENUM:
        return LIMIT_STRINGENUM_KEY;
    case THING_STRUCT:
        for (size_t i = 0; i < def->st.n_members; i++) {
            /* The item, its key, the value, and what pads the two. */
            sum += 8 + LIMIT_FEATURE_ID + 8 + 8 + bytes_of(&def->st.members[i].define);
        }
        return sum < PACKED_MAX ? sum : PACKED_MAX;
    case THING_ARRAY:
        return PACKED_MAX;
    case THING_BOOL:
    case THING_INT:
    case THING_FLOAT:
    case THING_ENUM:
    case THING_TIMESTAMP:
    case THING_TYPE_COUNT_:
        break;
    }
    return 8;
}

/*
 * Room for two of the largest of each, in chunks of powers of two; values that are no longer than a
 * slot holds need none.
 */
static size_t blobs_wanted(const struct shm_tables *ts, const struct shm_set *set)
{
    const struct model *m = ts->core->model;
    size_t sum = BLOBS_MIN;

    for (size_t i = 0; i < m->n_properties; i++) {
        size_t most = bytes_of(&m->properties[i].define);

        if (shm_set_has(set, i) && most > LAYOUT_INLINE)
            sum += (size_t) 2 << blobs_order(most);
    }
    return sum < ts->blobs_first ? sum : ts->blobs_first;
}

static uint64_t new_epoch(void)
{
    uint64_t epoch;

    do
        epoch = rand_u64();
    while (epoch == 0);
    return epoch;
}

/* A table with all that is in the set takes the place of what the view has, if it has one. */
static int make_table(struct shm_view *view, size_t blobs_len)
{
    struct table_writer *writer;
    int fd, r;

    /* As many places as there can be: no model needs another table for its number of ids. */
    r = table_writer_new(&writer, &fd, LIMIT_MODEL_PLACES, blobs_len, new_epoch());
    if (r < 0)
        return r;
    table_writer_free(view->writer);
    (void) fd_close(view->fd);
    view->writer = writer;
    view->fd = fd;
    view->blobs_len = blobs_len;
    view->is_full = false;
    fill(view, &view->set);
    table_end(view->writer);
    view->is_open = false;
    return 0;
}

/* Larger tables until one has room. */
static int grow(struct shm_view *view)
{
    while (view->is_full && view->blobs_len < BLOBS_MAX) {
        size_t blobs_len = view->blobs_len < BLOBS_MAX / 2 ? 2 * view->blobs_len : BLOBS_MAX;
        int r = make_table(view, blobs_len);

        if (r < 0)
            return r;
    }
    if (view->is_full)
        log_warn("values that have no room in shared memory are left out");
    return 0;
}

/* The end of a batch. */
static void close_views(struct shm_tables *ts)
{
    LIST_FOR_EACH_SAFE (node, &ts->views) {
        struct shm_view *view = LIST_ENTRY(node, struct shm_view, link);
        bool was_full = view->is_full;
        int r;

        if (!view->is_open)
            continue;
        table_end(view->writer);
        view->is_open = false;
        if (!was_full || view->blobs_len >= BLOBS_MAX)
            continue;
        r = grow(view);
        if (r == 0) {
            ts->on_moved(view, ts->userdata);
            continue;
        }
        log_warn("no larger table error=\"%s\"", strerror(-r));
        shm_view_retire(view);
        view->is_lost = true;
        ts->on_lost(view, ts->userdata);
    }
}

/* --- news --- */

static void put_everywhere(struct shm_tables *ts, size_t index)
{
    LIST_FOR_EACH (node, &ts->views) {
        struct shm_view *view = LIST_ENTRY(node, struct shm_view, link);

        if (shm_set_has(&view->set, index))
            put(view, index);
    }
}

void shm_tables_write(struct shm_tables *ts, const struct prop_update *updates, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t index = updates[i].index;

        if (index >= ts->n_places)
            continue; /* there is no table, or none with it yet */
        ts->places[index] = describe(ts->core, index);
        ts->places[index].stamp_us = boot_stamp(ts->core->props.all[index].stamp_real_us);
        put_everywhere(ts, index);
    }
    close_views(ts);
}

static void refresh_place(struct shm_tables *ts, size_t index)
{
    struct shm_place *old = &ts->places[index], new = describe(ts->core, index);
    bool is_same_value = old->is_known && old->version == new.version;

    if (is_same_value && old->type == new.type && old->flags == new.flags)
        return;
    new.stamp_us =
        is_same_value ? old->stamp_us : boot_stamp(ts->core->props.all[index].stamp_real_us);
    *old = new;
    put_everywhere(ts, index);
}

/* What a write needs, so that none fails for a lack of memory. */
static int reserve_bytes(struct shm_tables *ts)
{
    const struct model *m = ts->core->model;
    size_t most = 0;

    for (size_t i = 0; i < m->n_properties; i++) {
        size_t len = bytes_of(&m->properties[i].define);

        most = len > most ? len : most;
    }
    return shm_bytes_reserve(&ts->bytes, most);
}

static int make_places(struct shm_tables *ts)
{
    size_t n = ts->core->model->n_properties;
    struct shm_place *places;
    int r = reserve_bytes(ts);

    if (r < 0 || n <= ts->n_places)
        return r;
    places = reallocarray(ts->places, n, sizeof(*places));
    if (!places)
        return -ENOMEM;
    memset(&places[ts->n_places], 0, (n - ts->n_places) * sizeof(*places));
    ts->places = places;
    ts->n_places = n;
    return 0;
}

int shm_tables_refresh(struct shm_tables *ts)
{
    int r = ts->n_views > 0 ? make_places(ts) : 0;

    if (r < 0)
        return r;
    for (size_t i = 0; i < ts->n_places; i++)
        refresh_place(ts, i);
    close_views(ts);
    return 0;
}

/* --- views --- */

static struct shm_view *find(const struct shm_tables *ts, const struct shm_set *set)
{
    LIST_FOR_EACH (node, &ts->views) {
        struct shm_view *view = LIST_ENTRY(node, struct shm_view, link);

        if (shm_set_equal(&view->set, set))
            return view;
    }
    return NULL;
}

static int view_new(struct shm_tables *ts, const struct shm_set *set, struct shm_view **ret_view)
{
    CLEANUP(shm_view_unrefp) struct shm_view *view = calloc(1, sizeof(*view));
    int r;

    if (!view)
        return -ENOMEM;
    list_init(&view->link);
    view->tables = ts;
    view->n_refs = 1;
    view->fd = -1;
    view->set = *set;
    ts->n_views++;
    r = shm_tables_refresh(ts);
    if (r == 0)
        r = make_table(view, blobs_wanted(ts, set));
    if (r == 0)
        r = grow(view);
    if (r < 0)
        return r;
    list_append(&ts->views, &view->link);
    *ret_view = TAKE(view);
    return 0;
}

int shm_view_get(struct shm_tables *ts, const struct shm_set *set, struct shm_view **ret_view)
{
    struct shm_view *view = find(ts, set);

    if (!view)
        return view_new(ts, set, ret_view);
    *ret_view = shm_view_ref(view);
    return 0;
}

struct shm_view *shm_view_ref(struct shm_view *view)
{
    view->n_refs++;
    return view;
}

struct shm_view *shm_view_unref(struct shm_view *view)
{
    struct shm_tables *ts;

    if (!view || --view->n_refs > 0)
        return NULL;
    ts = view->tables;
    list_remove(&view->link);
    table_writer_free(view->writer);
    (void) fd_close(view->fd);
    free(view);
    if (--ts->n_views == 0)
        forget(ts);
    return NULL;
}

const struct shm_set *shm_view_set(const struct shm_view *view)
{
    return &view->set;
}

void shm_view_extend(struct shm_view *view, const struct shm_set *set)
{
    struct shm_set more;

    for (size_t i = 0; i < ARRAY_SIZE(more.bits); i++)
        more.bits[i] = set->bits[i] & ~view->set.bits[i];
    view->set = *set;
    fill(view, &more);
    close_views(view->tables);
}

void shm_view_retire(struct shm_view *view)
{
    list_remove(&view->link);
}

bool shm_view_is_lost(const struct shm_view *view)
{
    return view->is_lost;
}

int shm_view_dup_fd(const struct shm_view *view)
{
    return fd_dup(view->fd);
}

uint64_t shm_view_epoch(const struct shm_view *view)
{
    return table_writer_get_epoch(view->writer);
}

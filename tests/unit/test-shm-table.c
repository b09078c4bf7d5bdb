/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables that programs read: one for each set of readable places, and what is in them. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/front/shm_table.h"
#include "libiotclient/base/fdutil.h"
#include "tests/lib/core-rig.h"
#include "tests/lib/fault.h"
#include "tests/lib/suite.h"
#include "tests/lib/table-reader.h"
#include "tests/lib/types-table.h"

static struct shm_tables ts;
static unsigned n_moved, n_lost;
static struct shm_view *last_view;

static void on_moved(struct shm_view *view, void *userdata)
{
    (void) userdata;
    n_moved++;
    last_view = view;
}

static void on_lost(struct shm_view *view, void *userdata)
{
    (void) userdata;
    n_lost++;
    last_view = view;
}

static void begin_with(const char *model_text)
{
    crig_begin_with(model_text);
    shm_tables_init(&ts, crig.core);
    ts.on_moved = on_moved;
    ts.on_lost = on_lost;
    n_moved = n_lost = 0;
    last_view = NULL;
}

static void begin(void)
{
    begin_with(rig_model_text);
}

static void end(void)
{
    CHECK_INT(ts.n_views, 0);
    shm_tables_done(&ts);
    crig_end();
}

static struct shm_set all_but(int place)
{
    struct shm_set set = {{0}};

    for (size_t i = 0; i < crig.model->n_properties; i++) {
        if ((int) i != place)
            shm_set_add(&set, i);
    }
    return set;
}

/* A view of all but one place, and a mapping of it. */
static struct shm_view *open_view(int but, struct table_reader *ret_reader)
{
    const struct shm_set set = all_but(but);
    struct shm_view *view = NULL;
    int fd;

    CHECK_INT(shm_view_get(&ts, &set, &view), 0);
    fd = shm_view_dup_fd(view);
    CHECK(fd > 2);
    CHECK(table_reader_open(ret_reader, fd));
    CHECK(ret_reader->view.epoch == shm_view_epoch(view) && ret_reader->view.epoch != 0);
    (void) fd_close(fd);
    return view;
}

static void write_json(const char *id, const char *json, uint64_t real_us)
{
    int index = model_find_property(crig.model, id);
    struct prop_update update = {.index = (size_t) index};

    CHECK(index >= 0);
    CHECK_INT(
        value_from_json_text(&crig.model->properties[index].define, json, &update.value, NULL), 0);
    CHECK_INT(props_write(&crig.core->props, &update, 1, real_us), 0);
    shm_tables_write(&ts, &update, 1);
    value_done(&update.value);
}

#define NOW FAKE_CLOCK_REAL_US

/* --- values --- */

static void test_values(void)
{
    struct table_reader r;
    struct shm_view *view;

    begin();
    write_json("level", "5", NOW); /* before there is a table */
    view = open_view(-1, &r);
    CHECK_INT(table_count(&r.view), crig.model->n_properties);
    CHECK_TABLE(&r, "level", "5");
    CHECK_TABLE(&r, "power", "");
    CHECK_INT(table_reader_flags(&r, "level"), LAYOUT_FLAG_VALUE | LAYOUT_FLAG_WRITABLE);
    CHECK_INT(table_reader_flags(&r, "power"), LAYOUT_FLAG_WRITABLE);
    CHECK_INT(table_reader_flags(&r, "temp"), 0);
    CHECK_INT(table_reader_stamp(&r, "power"), 0);
    CHECK_INT(latch_type(table_reader_copy(&r, "power").word[0]), LAYOUT_TYPE_BOOL);
    CHECK_INT(latch_type(table_reader_copy(&r, "color").word[0]), LAYOUT_TYPE_ENUM);
    CHECK_INT(latch_type(table_reader_copy(&r, "since").word[0]), LAYOUT_TYPE_TIMESTAMP);
    write_json("level", "6", NOW);
    write_json("power", "1", NOW);
    write_json("temp", "-3.5", NOW);
    write_json("since", "1700000000", NOW);
    CHECK_TABLE(&r, "level", "6");
    CHECK_TABLE(&r, "power", "1");
    CHECK_TABLE(&r, "temp", "-3.5");
    CHECK_TABLE(&r, "since", "1700000000");
    table_reader_done(&r);
    shm_view_unref(view);
    end();
}

static char *read_model(void)
{
    const char *srcdir = getenv("IOTD_SRCDIR");
    char path[512], *text = calloc(1, 65536), *product;
    FILE *f;

    (void) snprintf(path, sizeof(path), "%s/tests/data/types.json", srcdir ? srcdir : ".");
    f = fopen(path, "re");
    CHECK(f && text && fread(text, 1, 65535, f) > 0);
    if (f)
        (void) fclose(f);
    product = text ? strstr(text, "IOTDLIGHT1") : NULL;
    if (product)
        memcpy(product, RIG_PRODUCT, strlen(RIG_PRODUCT));
    return text;
}

/* All that the thing model allows, also what does not fit into a slot. */
static void test_types(void)
{
    CLEANUP(freep) char *text = read_model();
    struct table_reader r;
    struct shm_view *view;

    begin_with(text);
    view = open_view(-1, &r);
    for (size_t i = 0; i < types_n_values; i++) {
        const struct types_value *c = &types_values[i];
        CLEANUP(freep) char *json = types_json(c->json);
        CLEANUP(freep) char *want = types_json(c->becomes ? c->becomes : c->json);

        if (c->error)
            continue;
        write_json(c->id, json, NOW);
        table_reader_check(c->id, (int) i, &r, c->id, want);
    }
    CHECK_INT(n_moved, 0);
    table_reader_done(&r);
    shm_view_unref(view);
    end();
}

/* The stamp counts, also of an equal value; and nothing else is touched. */
static void test_stamps(void)
{
    struct table_reader r;
    struct shm_view *view;
    uint32_t generation, seq;

    begin();
    view = open_view(-1, &r);
    generation = table_read_begin(&r.view);
    CHECK_INT(generation % 2, 0);
    write_json("level", "5", NOW);
    CHECK_INT(table_reader_stamp(&r, "level"), FAKE_CLOCK_BOOT_US);
    CHECK(!table_read_held(&r.view, generation));
    CHECK_INT(table_read_begin(&r.view), generation + 2);
    seq = latch_begin(&r.view.slots[P_LEVEL]);
    fake_clock_advance(70);
    write_json("level", "5", NOW + 70);
    CHECK_INT(table_reader_stamp(&r, "level"), FAKE_CLOCK_BOOT_US + 70);
    CHECK_INT(latch_begin(&r.view.slots[P_LEVEL]), seq + 1);
    write_json("level", "7", NOW - 5 * USEC_PER_SEC); /* a value of some time ago */
    CHECK_INT(table_reader_stamp(&r, "level"), FAKE_CLOCK_BOOT_US - 5 * USEC_PER_SEC);
    write_json("level", "7", NOW + USEC_PER_SEC); /* of the future: now */
    CHECK_INT(table_reader_stamp(&r, "level"), FAKE_CLOCK_BOOT_US + 70);
    write_json("level", "7", 1); /* before the machine ran */
    CHECK_INT(table_reader_stamp(&r, "level"), 0);
    CHECK_INT(latch_begin(&r.view.slots[P_POWER]), 1);
    table_reader_done(&r);
    shm_view_unref(view);
    end();
}

/* --- sets --- */

static void test_shared(void)
{
    struct table_reader all, less, again;
    struct shm_view *a, *b, *c;
    uint32_t generation;

    begin();
    a = open_view(-1, &all);
    b = open_view(P_NAME, &less);
    c = open_view(P_NAME, &again);
    CHECK(a != b && b == c);
    CHECK(shm_view_epoch(a) != shm_view_epoch(b));
    CHECK_INT(ts.n_views, 2);
    generation = table_read_begin(&less.view);
    write_json("name", "\"a-secret\"", NOW);
    write_json("name", "\"a-long-secret-that-no-slot-can-hold-by-itself\"", NOW);
    CHECK(table_read_held(&less.view, generation)); /* nothing there to wake for */
    write_json("level", "3", NOW);
    CHECK_TABLE(&all, "name", "'a-long-secret-that-no-slot-can-hold-by-itself'");
    CHECK_TABLE(&all, "level", "3");
    CHECK_TABLE(&less, "level", "3");
    CHECK_TABLE(&again, "level", "3");
    CHECK_INT(table_reader_find(&less, "name"), -ENOENT);
    CHECK(table_reader_contains(&all, "name") && table_reader_contains(&all, "secret"));
    CHECK(!table_reader_contains(&less, "name") && !table_reader_contains(&less, "secret"));
    shm_view_unref(a);
    CHECK_INT(ts.n_views, 1);
    shm_view_unref(b);
    write_json("level", "4", NOW);
    CHECK_TABLE(&again, "level", "4");
    CHECK_TABLE(&all, "level", "3"); /* as it was when iotd left it */
    shm_view_unref(c);
    CHECK(ts.n_views == 0 && !ts.places);
    write_json("level", "5", NOW);
    CHECK_TABLE(&again, "level", "4");
    table_reader_done(&all);
    table_reader_done(&less);
    table_reader_done(&again);
    end();
}

static void test_extended(void)
{
    struct table_reader r;
    struct shm_set set;
    struct shm_view *view, *other;
    uint64_t epoch;

    begin();
    write_json("name", "\"x\"", NOW);
    view = open_view(P_NAME, &r);
    epoch = shm_view_epoch(view);
    set = all_but(-1);
    CHECK(shm_set_covers(&set, shm_view_set(view)) && !shm_set_covers(shm_view_set(view), &set));
    shm_view_extend(view, &set);
    CHECK_TABLE(&r, "name", "'x'");
    write_json("name", "\"y\"", NOW);
    CHECK_TABLE(&r, "name", "'y'");
    CHECK(shm_view_epoch(view) == epoch);
    CHECK_INT(shm_view_get(&ts, &set, &other), 0);
    CHECK(other == view);
    shm_view_unref(other);

    /* Nobody gets a retired one, and nothing comes any more. */
    shm_view_retire(view);
    write_json("name", "\"z\"", NOW);
    CHECK_TABLE(&r, "name", "'y'");
    CHECK_INT(shm_view_get(&ts, &set, &other), 0);
    CHECK(other != view);
    shm_view_unref(view);
    shm_view_unref(other);
    table_reader_done(&r);
    end();
}

/* --- what the model and the policies are --- */

static void set_model(const char *text)
{
    struct model *newer = rig_model_of(text);

    CHECK_INT(core_set_model(crig.core, newer), 0);
    model_free(newer);
}

#define INT(id, max)                                                                               \
    "{\"id\":\"" id "\",\"mode\":\"r\",\"define\":{\"type\":\"int\",\"min\":\"0\","                \
    "\"max\":\"" max "\"}}"
#define TEXT(id)                                                                                   \
    "{\"id\":\"" id "\",\"mode\":\"rw\",\"define\":{\"type\":\"string\",\"min\":\"0\","            \
    "\"max\":\"64\"}}"
#define MODEL(properties)                                                                          \
    "{\"version\":\"1.0\",\"properties\":[" properties "],\"events\":[],\"actions\":[]}"

static void test_model(void)
{
    struct table_reader r;
    struct shm_set set;
    struct shm_view *view;
    uint32_t seq;

    begin_with(MODEL(INT("a", "100") "," INT("b", "100") "," INT("c", "100")));
    write_json("a", "50", NOW);
    write_json("b", "50", NOW);
    write_json("c", "50", NOW);
    view = open_view(-1, &r);
    seq = latch_begin(&r.view.slots[2]);

    /* One goes, one cannot keep its value, one stays, one is new. */
    set_model(MODEL(INT("b", "10") "," INT("c", "100") "," TEXT("d")));
    CHECK_INT(shm_tables_refresh(&ts), 0);
    CHECK_INT(table_reader_copy(&r, "a").word[0], LAYOUT_TYPE_NONE);
    CHECK_TABLE(&r, "a", "");
    CHECK_TABLE(&r, "b", "");
    CHECK_INT(table_reader_stamp(&r, "b"), 0);
    CHECK_TABLE(&r, "c", "50");
    CHECK_INT(latch_begin(&r.view.slots[2]), seq); /* nothing to tell */
    CHECK_INT(table_reader_find(&r, "d"), -ENOENT);
    write_json("d", "\"x\"", NOW); /* nobody may read it yet */
    CHECK_INT(table_count(&r.view), 3);
    set = all_but(-1);
    shm_view_extend(view, &set);
    CHECK_TABLE(&r, "d", "'x'");
    CHECK_INT(table_count(&r.view), 4);

    /* It is back, as something else. */
    set_model(MODEL(TEXT("a") "," INT("b", "10") "," INT("c", "100") "," TEXT("d")));
    CHECK_INT(shm_tables_refresh(&ts), 0);
    CHECK_INT(table_reader_copy(&r, "a").word[0], LAYOUT_TYPE_STRING | LAYOUT_FLAG_WRITABLE << 8);
    write_json("a", "\"now a text\"", NOW);
    CHECK_TABLE(&r, "a", "'now a text'");
    table_reader_done(&r);
    shm_view_unref(view);
    end();
}

static void set_history(const char *id)
{
    const struct policy general = {0};
    const struct policy_rule rule = {id, {.given = POLICY_HISTORY, .policy = {.history = true}}};

    policies_configure(&crig.core->policies, &general, &rule, 1);
    CHECK_INT(shm_tables_refresh(&ts), 0);
}

/* Whoever asked for it: the program that serves the property reports each sample then. */
static void test_history(void)
{
    const struct policy_wish wish = {.given = POLICY_HISTORY, .policy = {.history = true}};
    struct table_reader r;
    struct shm_view *view;

    begin();
    write_json("level", "5", NOW);
    fake_clock_advance(1000);
    view = open_view(-1, &r);
    CHECK(!(table_reader_flags(&r, "level") & LAYOUT_FLAG_HISTORY));
    fake_clock_advance(1000);
    set_history("level");
    CHECK(table_reader_flags(&r, "level") & LAYOUT_FLAG_HISTORY);
    CHECK_TABLE(&r, "level", "5");
    CHECK_INT(table_reader_stamp(&r, "level"), FAKE_CLOCK_BOOT_US);
    fake_clock_set_real(NOW + 1000 * USEC_PER_SEC);
    set_history("temp");
    CHECK(!(table_reader_flags(&r, "level") & LAYOUT_FLAG_HISTORY));
    CHECK(table_reader_flags(&r, "temp") & LAYOUT_FLAG_HISTORY);
    /* The clock was set: the age is what it was. */
    CHECK_INT(table_reader_stamp(&r, "level"), FAKE_CLOCK_BOOT_US);
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    policies_ask(&crig.core->policies, crig.lamp, P_LEVEL, &wish);
    CHECK_INT(shm_tables_refresh(&ts), 0);
    CHECK(table_reader_flags(&r, "level") & LAYOUT_FLAG_HISTORY);
    crig_remove(&crig.lamp);
    CHECK_INT(shm_tables_refresh(&ts), 0);
    CHECK(!(table_reader_flags(&r, "level") & LAYOUT_FLAG_HISTORY));
    table_reader_done(&r);
    shm_view_unref(view);
    end();
}

/* --- room --- */

#define LONG_TEXT 2000

static void write_long(const char *id, char c)
{
    char json[LONG_TEXT + 3];

    (void) snprintf(json, sizeof(json), "\"%0*d\"", LONG_TEXT, 0);
    memset(json + 1, c, LONG_TEXT);
    write_json(id, json, NOW);
}

#define LONG(id)                                                                                   \
    "{\"id\":\"" id "\",\"mode\":\"rw\",\"define\":{\"type\":\"string\",\"min\":\"0\","            \
    "\"max\":\"2048\"}}"

/* More than there is room for: everybody reads another table then, with all values. */
static void test_outgrown(void)
{
    struct table_reader r, larger;
    struct shm_view *view;
    uint64_t epoch;

    begin_with(MODEL(LONG("a") "," LONG("b") "," INT("c", "9")));
    ts.blobs_first = 4096;
    view = open_view(-1, &r);
    epoch = shm_view_epoch(view);
    write_long("a", 'a');
    write_json("c", "3", NOW);
    write_long("a", 'A');
    CHECK_INT(n_moved, 0);
    write_long("b", 'b');
    CHECK_INT(n_moved, 1);
    CHECK(last_view == view && shm_view_epoch(view) != epoch);
    CHECK_TABLE(&r, "b", "");
    CHECK(open_view(-1, &larger) == view);
    shm_view_unref(view);
    CHECK_TABLE(&larger, "c", "3");
    CHECK(table_reader_contains(&larger, "AAAAAAAA") && table_reader_contains(&larger, "bbbbbbb"));
    write_long("b", 'B');
    CHECK(table_reader_contains(&larger, "BBBBBBBB"));
    CHECK_INT(n_moved, 1);
    table_reader_done(&r);
    table_reader_done(&larger);
    shm_view_unref(view);
    end();
}

/* No further descriptor is to be had. */
static struct rlimit forbid_fds(void)
{
    struct rlimit saved = {0}, none;
    int lowest = dup(0);

    CHECK(lowest >= 0);
    (void) close(lowest);
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &saved), 0);
    none = saved;
    none.rlim_cur = (rlim_t) lowest;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &none), 0);
    return saved;
}

static void test_no_descriptors(void)
{
    struct shm_view *view = NULL, *none = NULL;
    struct table_reader r;
    struct rlimit saved;
    struct shm_set set;

    begin_with(MODEL(LONG("a") "," LONG("b") "," INT("c", "9")));
    ts.blobs_first = 4096;
    view = open_view(-1, &r);
    write_long("a", 'a');
    write_long("a", 'A');
    set = all_but(2);
    saved = forbid_fds();
    CHECK_INT(shm_view_get(&ts, &set, &none), -EMFILE);
    CHECK_INT(shm_view_dup_fd(view), -EMFILE);
    write_long("b", 'b');
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &saved), 0);
    CHECK(!none && n_moved == 0 && n_lost == 1 && last_view == view);
    CHECK(shm_view_is_lost(view));
    CHECK_INT(ts.n_views, 1);
    write_json("c", "3", NOW); /* lost: not written any more */
    CHECK_TABLE(&r, "c", "");
    shm_view_unref(view);
    table_reader_done(&r);
    end();
}

/* --- no memory --- */

static int run_get(void *userdata)
{
    const struct shm_set set = all_but(0);
    struct shm_view *view = NULL;
    int r = shm_view_get(&ts, &set, &view);

    (void) userdata;
    if (r < 0)
        CHECK(!view);
    shm_view_unref(view);
    return r;
}

static void check_get(void *userdata)
{
    (void) userdata;
    CHECK_INT(ts.n_views, 0);
    CHECK(!ts.places && !ts.bytes.room);
}

static void test_no_memory(void)
{
    CLEANUP(freep) char *text = read_model();

    begin_with(text);
    for (size_t i = 0; i < types_n_values; i++) {
        CLEANUP(freep) char *json = types_json(types_values[i].json);

        if (!types_values[i].error)
            write_json(types_values[i].id, json, NOW);
    }
    fault_sweep("shm_view_get", run_get, check_get, NULL);
    end();
}

const char *const suite_name = "shm-table";
const struct suite_test suite_tests[] = {
    {"values", test_values},
    {"types", test_types},
    {"stamps", test_stamps},
    {"shared", test_shared},
    {"extended", test_extended},
    {"model", test_model},
    {"history", test_history},
    {"outgrown", test_outgrown},
    {"no-descriptors", test_no_descriptors},
    {"no-memory", test_no_memory},
    {NULL, NULL},
};

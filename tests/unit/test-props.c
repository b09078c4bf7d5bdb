/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/props.h"
#include "tests/lib/memory-db.h"
#include "tests/lib/rig.h"
#include "tests/lib/suite.h"

#define INT(x)                                                                                     \
    {                                                                                              \
        .kind = VALUE_INT, .i = (x)                                                                \
    }
#define TEXT(x)                                                                                    \
    {                                                                                              \
        .kind = VALUE_STRING, .s = (char *) (uintptr_t) (x)                                        \
    }

enum { POWER, LEVEL, COLOR, NAME };

struct heard {
    unsigned n, n_written;
    size_t n_updates, n_indices, indices[8];
};

static void on_changed(const size_t *indices, size_t n, void *userdata)
{
    struct heard *h = userdata;

    h->n++;
    h->n_indices = n;
    memcpy(h->indices, indices, n * sizeof(*indices));
}

static void on_written(const struct prop_update *updates, size_t n, void *userdata)
{
    struct heard *h = userdata;

    CHECK(updates && n > 0);
    CHECK_INT(h->n, h->n_written); /* before on_changed */
    h->n_written++;
    h->n_updates = n;
}

/* What is written is told, also where nothing changes. */
static void test_written(void)
{
    CLEANUP(model_freep) struct model *m = rig_model();
    const struct prop_update a[] = {{LEVEL, INT(5)}, {NAME, TEXT("x")}};
    struct heard h = {0};
    struct memory_persist mp;
    struct props ps;

    memory_persist_init(&mp);
    CHECK_INT(props_init(&ps, m, &mp.persist), 0);
    props_listen(&ps, on_written, on_changed, &h);
    CHECK_INT(props_write(&ps, a, 2, 1), 0);
    CHECK(h.n_written == 1 && h.n_updates == 2 && h.n == 1);
    CHECK_INT(props_write(&ps, a, 0, 2), 0);
    CHECK(h.n_written == 1);
    CHECK_INT(props_write(&ps, a, 1, 2), 0);
    CHECK(h.n_written == 2 && h.n_updates == 1 && h.n == 1);
    props_confirm(&ps, LEVEL, ps.all[LEVEL].version);
    props_drop_desired(&ps, LEVEL);
    CHECK_INT(h.n_written, 2);
    props_done(&ps);
    memory_persist_done(&mp);
}

static void test_write(void)
{
    CLEANUP(model_freep) struct model *m = rig_model();
    const struct prop_update a[] = {{LEVEL, INT(5)}, {NAME, TEXT("x")}};
    const struct prop_update b[] = {{LEVEL, INT(5)}, {NAME, TEXT("y")}};
    struct heard h = {0};
    struct memory_persist mp;
    struct props ps;

    memory_persist_init(&mp);
    CHECK_INT(props_init(&ps, m, &mp.persist), 0);
    CHECK_INT(ps.all[LEVEL].value.kind, VALUE_NONE);
    CHECK_INT(props_write(&ps, a, 1, 1), 0); /* nobody listens yet */
    props_listen(&ps, NULL, on_changed, &h);
    CHECK_INT(props_write(&ps, a, 2, 2), 0);
    CHECK(h.n == 1 && h.n_indices == 1 && h.indices[0] == NAME); /* LEVEL was 5 before */
    CHECK_INT(props_write(&ps, b, 2, 3), 0);
    CHECK(h.n == 2 && h.n_indices == 1 && h.indices[0] == NAME);
    CHECK_INT(props_write(&ps, b, 2, 4), 0); /* the same again tells nobody */
    CHECK_INT(h.n, 2);
    CHECK_STR(ps.all[NAME].value.s, "y");
    CHECK(ps.all[NAME].value.s != b[1].value.s); /* the updates keep theirs */
    CHECK_INT(ps.all[NAME].stamp_real_us, 4);
    CHECK_INT(ps.all[LEVEL].stamp_real_us, 4);
    CHECK_INT(ps.all[POWER].stamp_real_us, 0);
    CHECK(ps.all[LEVEL].version > 0 && ps.all[POWER].version == 0);
    props_done(&ps);
    memory_persist_done(&mp);
}

/* News that wait, are told together and once. */
static void test_held(void)
{
    CLEANUP(model_freep) struct model *m = rig_model();
    const struct prop_update a[] = {{LEVEL, INT(5)}};
    const struct prop_update b[] = {{NAME, TEXT("x")}};
    const struct prop_update c[] = {{LEVEL, INT(6)}};
    struct heard h = {0};
    struct memory_persist mp;
    struct props ps;

    memory_persist_init(&mp);
    CHECK_INT(props_init(&ps, m, &mp.persist), 0);
    props_listen(&ps, NULL, on_changed, &h);
    props_listen(&ps, NULL, on_changed, &h);
    props_hold(&ps);
    CHECK_INT(props_write(&ps, a, 1, 1), 0);
    props_release(&ps);
    fake_loop_advance(&mp.fl, PROPS_NEWS_US - 1);
    CHECK_INT(h.n, 0);
    props_hold(&ps);
    CHECK_INT(props_write(&ps, b, 1, 2), 0);
    CHECK_INT(props_write(&ps, c, 1, 2), 0);
    props_release(&ps);
    fake_loop_advance(&mp.fl, 1); /* counted from the first */
    CHECK(h.n == 1 && h.n_indices == 2 && h.indices[0] == LEVEL && h.indices[1] == NAME);
    props_hold(&ps);
    CHECK_INT(props_write(&ps, c, 1, 3), 0); /* nothing new */
    props_release(&ps);
    fake_loop_advance(&mp.fl, PROPS_NEWS_US);
    CHECK_INT(h.n, 1);

    props_hold(&ps);
    CHECK_INT(props_write(&ps, a, 1, 4), 0);
    props_release(&ps);
    CHECK_INT(props_write(&ps, c, 1, 5), 0); /* nobody waits for this one */
    CHECK(h.n == 2 && h.n_indices == 1 && h.indices[0] == LEVEL);
    fake_loop_advance(&mp.fl, PROPS_NEWS_US);
    CHECK_INT(h.n, 2);
    props_hold(&ps);
    CHECK_INT(props_write(&ps, a, 1, 6), 0);
    props_release(&ps);
    props_done(&ps);
    CHECK_INT(h.n, 2);
    memory_persist_done(&mp);
}

static void test_desired(void)
{
    CLEANUP(model_freep) struct model *m = rig_model();
    const struct prop_update a[] = {{LEVEL, INT(5)}, {NAME, TEXT("x")}};
    const struct prop_update b[] = {{LEVEL, INT(6)}};
    struct heard h = {0};
    struct memory_persist mp;
    struct props ps;

    memory_persist_init(&mp);
    CHECK_INT(props_init(&ps, m, &mp.persist), 0);
    props_listen(&ps, NULL, on_changed, &h);
    CHECK_INT(props_set_desired(&ps, a, 2), 0);
    CHECK_INT(h.n, 0);
    CHECK(ps.all[LEVEL].desired.kind == VALUE_INT && ps.all[LEVEL].desired.i == 5);
    CHECK_INT(ps.all[LEVEL].value.kind, VALUE_NONE);
    CHECK_INT(props_set_desired(&ps, b, 1), 0);
    CHECK_INT(ps.all[LEVEL].desired.i, 6);
    CHECK_INT(props_write(&ps, b, 1, 1), 0); /* what is reported settles what was wished */
    CHECK_INT(ps.all[LEVEL].desired.kind, VALUE_NONE);
    CHECK_STR(ps.all[NAME].desired.s, "x");
    props_done(&ps);
    memory_persist_done(&mp);
}

static void test_restart(void)
{
    CLEANUP(model_freep) struct model *m = rig_model();
    const struct prop_update a[] = {{LEVEL, INT(5)}, {NAME, TEXT("x\"\xe4\xb9\xa6")}};
    struct memory_persist mp;
    struct props ps;

    memory_persist_init(&mp);
    CHECK_INT(props_init(&ps, m, &mp.persist), 0);
    CHECK_INT(props_write(&ps, a, 2, 7), 0);
    CHECK_INT(props_set_desired(&ps, a, 1), 0);
    props_confirm(&ps, LEVEL, ps.all[LEVEL].version);
    props_confirm(&ps, NAME, ps.all[NAME].version + 1); /* an older value was confirmed */
    fake_loop_advance(&mp.fl, 0);
    CHECK(!ps.all[LEVEL].unsaved && !ps.all[NAME].unsaved);
    props_done(&ps);
    persist_done(&mp.persist);

    persist_init(&mp.persist, &mp.fl.loop, mp.db);
    CHECK_INT(props_init(&ps, m, &mp.persist), 0);
    CHECK(ps.all[LEVEL].value.kind == VALUE_INT && ps.all[LEVEL].value.i == 5);
    CHECK(ps.all[LEVEL].desired.kind == VALUE_INT && ps.all[LEVEL].desired.i == 5);
    CHECK(ps.all[LEVEL].confirmed && !ps.all[NAME].confirmed);
    CHECK_STR(ps.all[NAME].value.s, "x\"\xe4\xb9\xa6");
    CHECK_INT(ps.all[NAME].stamp_real_us, 7);
    CHECK_INT(ps.all[POWER].value.kind, VALUE_NONE);
    props_done(&ps);
    memory_persist_done(&mp);
}

static void test_empty(void)
{
    struct model none = {0};
    struct memory_persist mp;
    struct props ps;

    memory_persist_init(&mp);
    CHECK_INT(props_init(&ps, &none, &mp.persist), 0);
    CHECK_INT(props_write(&ps, NULL, 0, 1), 0);
    props_done(&ps);
    memory_persist_done(&mp);
    prop_updates_free(NULL, 0);
    prop_updates_free(NULL, 3);
}

const char *const suite_name = "props";
const struct suite_test suite_tests[] = {
    {"write", test_write},
    {"written", test_written},
    {"held", test_held},
    {"desired", test_desired},
    {"restart", test_restart},
    {"empty", test_empty},
    {NULL, NULL},
};

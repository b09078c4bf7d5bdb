/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that read without a pause, while iotd writes and one table follows another at the same
 * addresses. Each value says whose it is and counts up: a reader sees no other's and nothing older
 * than what it saw. Snapshots see whole batches.
 */

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "libiotclient/client.h"
#include "tests/lib/suite.h"
#include "tests/lib/table-rig.h"

#define N_PROPS 4
#define N_TABLES 40
#define N_WRITES 100 /* in each table at least */
#define N_READS 50   /* the same */

/* Of place i in a table. */
struct stage {
    iotc_client *client;
    iotc_prop *numbers[N_PROPS];
    iotc_prop *texts[N_PROPS];
    bool is_over;
    unsigned n_reads, n_wrong, n_back, n_errors, n_again;
};

static void count(unsigned *n)
{
    (void) __atomic_fetch_add(n, 1, __ATOMIC_RELAXED);
}

static bool is_over(const struct stage *s)
{
    return __atomic_load_n(&s->is_over, __ATOMIC_ACQUIRE);
}

/* A number of property k at time t, and a text: short for one half of the properties. */
static int64_t number_of(unsigned k, unsigned t)
{
    return (int64_t) t * N_PROPS + k;
}

static void text_of(unsigned k, unsigned t, char *text, size_t size)
{
    (void) snprintf(text, size, "%u:%u:%s", k, t,
                    k % 2 ? "" : "and much more, so that it is with the long ones of the table");
}

static void *read_numbers(void *arg)
{
    struct stage *s = arg;
    int64_t last[N_PROPS] = {0};

    while (!is_over(s)) {
        for (unsigned k = 0; k < N_PROPS; k++) {
            int64_t i = -1;

            if (iotc_prop_get_int(s->numbers[k], &i, NULL) < 0)
                count(&s->n_errors);
            if (i % N_PROPS != k)
                count(&s->n_wrong);
            if (i < last[k])
                count(&s->n_back);
            last[k] = i;
            count(&s->n_reads);
        }
    }
    return NULL;
}

static void *read_texts(void *arg)
{
    struct stage *s = arg;
    unsigned last[N_PROPS] = {0};

    while (!is_over(s)) {
        for (unsigned k = 0; k < N_PROPS; k++) {
            char text[100] = "", want[100];
            unsigned whose = 99, t = 0;

            if (iotc_prop_get_string(s->texts[k], text, sizeof(text), NULL) < 0)
                count(&s->n_errors);
            if (sscanf(text, "%u:%u:", &whose, &t) != 2)
                count(&s->n_wrong);
            text_of(k, t, want, sizeof(want));
            if (strcmp(text, want) != 0)
                count(&s->n_wrong);
            if (t < last[k])
                count(&s->n_back);
            last[k] = t;
            count(&s->n_reads);
        }
    }
    return NULL;
}

/* All numbers are of one time. */
static void *take_snapshots(void *arg)
{
    struct stage *s = arg;
    iotc_snapshot *snapshot = NULL;
    int64_t last = 0;

    if (iotc_snapshot_new(s->client, &snapshot, s->numbers, N_PROPS) < 0)
        count(&s->n_errors);
    while (!is_over(s)) {
        int64_t first = 0, i = 0;
        int r = iotc_snapshot_take(snapshot);

        if (r == -EAGAIN) {
            count(&s->n_again);
            continue;
        }
        if (r < 0 || iotc_snapshot_get_int(snapshot, s->numbers[0], &first, NULL) < 0)
            count(&s->n_errors);
        for (unsigned k = 1; k < N_PROPS; k++) {
            if (iotc_snapshot_get_int(snapshot, s->numbers[k], &i, NULL) < 0)
                count(&s->n_errors);
            if (i != first + k)
                count(&s->n_wrong);
        }
        if (first < last)
            count(&s->n_back);
        last = first;
        count(&s->n_reads);
    }
    iotc_snapshot_free(snapshot);
    return NULL;
}

/* Places and sizes are others in each table; some are too large for what is kept. */
struct shape {
    size_t n_places;
    unsigned shift;
};

static struct shape shape_of(unsigned table)
{
    size_t n_places = 2 * N_PROPS + table % 3 * 40;

    if (table % 13 == 12)
        n_places = 100 + table * 12;
    return (struct shape){n_places, table % (2 * N_PROPS)};
}

static size_t place_of(struct shape shape, unsigned i)
{
    return (i + shape.shift) % (2 * N_PROPS);
}

/* All properties in one batch. */
static void write_all(struct table_rig *rig, struct shape shape, unsigned t)
{
    char text[100];

    table_begin(rig->writer);
    for (unsigned k = 0; k < N_PROPS; k++) {
        int64_t number = number_of(k, t);

        CHECK_INT(table_write(rig->writer, place_of(shape, k), LAYOUT_TYPE_INT, LAYOUT_FLAG_VALUE,
                              &number, sizeof(number), t),
                  0);
        text_of(k, t, text, sizeof(text));
        CHECK_INT(table_write(rig->writer, place_of(shape, N_PROPS + k), LAYOUT_TYPE_STRING,
                              LAYOUT_FLAG_VALUE, text, strlen(text), t),
                  0);
    }
    table_end(rig->writer);
}

static void open_table(struct table_rig *rig, unsigned table, unsigned t)
{
    struct shape shape = shape_of(table);
    char id[16];

    table_rig_open(rig, shape.n_places, 8192, table + 1);
    for (unsigned k = 0; k < N_PROPS; k++) {
        (void) snprintf(id, sizeof(id), "n%u", k);
        table_rig_name(rig, place_of(shape, k), id, LAYOUT_TYPE_INT, 0);
        (void) snprintf(id, sizeof(id), "t%u", k);
        table_rig_name(rig, place_of(shape, N_PROPS + k), id, LAYOUT_TYPE_STRING, 0);
    }
    write_all(rig, shape, t);
}

static void find_props(struct stage *s)
{
    char id[16];

    for (unsigned k = 0; k < N_PROPS; k++) {
        (void) snprintf(id, sizeof(id), "n%u", k);
        s->numbers[k] = table_rig_prop(s->client, id);
        (void) snprintf(id, sizeof(id), "t%u", k);
        s->texts[k] = table_rig_prop(s->client, id);
    }
}

/* The readers have read that often since, or will never do. */
static bool have_read(struct stage *s, unsigned before)
{
    return __atomic_load_n(&s->n_reads, __ATOMIC_RELAXED) - before >= N_READS ||
           __atomic_load_n(&s->n_errors, __ATOMIC_RELAXED) > 0;
}

/* Writes on while they read, so that both do it at the same time; then not without a pause. */
static void write_while_they_read(struct stage *s, struct table_rig *rig, unsigned table,
                                  unsigned *t)
{
    unsigned before = __atomic_load_n(&s->n_reads, __ATOMIC_RELAXED);

    for (int i = 0; i < N_WRITES || !have_read(s, before); i++) {
        write_all(rig, shape_of(table), ++*t);
        if (i >= N_WRITES)
            (void) sched_yield();
    }
}

static void run(void *(*reader)(void *arg), unsigned n_tables)
{
    struct stage s = {.client = table_rig_client()};
    struct table_rig rig;
    pthread_t threads[2];
    unsigned t = 1;

    open_table(&rig, 0, t);
    CHECK_INT(table_rig_attach(&rig, s.client), 0);
    find_props(&s);
    for (int i = 0; i < 2; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, reader, &s), 0);
    for (unsigned table = 0; table < n_tables; table++) {
        write_while_they_read(&s, &rig, table, &t);
        if (table + 1 == n_tables)
            break;
        shm_on_detached(s.client);
        table_rig_close(&rig);
        open_table(&rig, table + 1, ++t);
        CHECK_INT(table_rig_attach(&rig, s.client), 0);
    }
    __atomic_store_n(&s.is_over, true, __ATOMIC_RELEASE);
    for (int i = 0; i < 2; i++)
        (void) pthread_join(threads[i], NULL);
    CHECK(s.n_reads > 0);
    CHECK_INT(s.n_wrong, 0);
    CHECK_INT(s.n_back, 0);
    CHECK_INT(s.n_errors, 0);
    iotc_client_unref(s.client);
    table_rig_close(&rig);
}

static void test_numbers(void)
{
    run(read_numbers, N_TABLES);
}

static void test_texts(void)
{
    run(read_texts, N_TABLES);
}

static void test_snapshots(void)
{
    run(take_snapshots, N_TABLES);
}

/* --- snapshots, one step at a time --- */

static void test_snapshot_api(void)
{
    iotc_client *client = table_rig_client(), *other = table_rig_client();
    iotc_prop *props[3], *foreign;
    iotc_snapshot *snapshot = NULL;
    const iotc_value *value = NULL;
    const char *text = NULL;
    struct table_rig rig, rig2;
    uint64_t stamp = 0;
    int64_t i = 0;
    bool b;

    open_table(&rig, 0, 5);
    open_table(&rig2, 0, 5);
    CHECK_INT(table_rig_attach(&rig, client), 0);
    CHECK_INT(table_rig_attach(&rig2, other), 0);
    props[0] = table_rig_prop(client, "n3");
    props[1] = table_rig_prop(client, "t0");
    props[2] = props[0]; /* twice is fine */
    foreign = table_rig_prop(other, "n1");
    CHECK_INT(iotc_snapshot_new(NULL, &snapshot, props, 2), -EINVAL);
    CHECK_INT(iotc_snapshot_new(client, NULL, props, 2), -EINVAL);
    CHECK_INT(iotc_snapshot_new(client, &snapshot, NULL, 2), -EINVAL);
    CHECK_INT(iotc_snapshot_new(client, &snapshot, props, 0), -EINVAL);
    CHECK_INT(iotc_snapshot_new(client, &snapshot, props, LIMIT_SNAPSHOT_PROPS + 1), -EMSGSIZE);
    CHECK_INT(iotc_snapshot_new(client, &snapshot, &foreign, 1), -EINVAL);
    CHECK(!snapshot && !iotc_snapshot_free(NULL));
    CHECK_INT(iotc_snapshot_take(NULL), -EINVAL);

    CHECK_INT(iotc_snapshot_new(client, &snapshot, props, 3), 0);
    CHECK_INT(iotc_snapshot_get_int(snapshot, props[0], &i, NULL), -ENODATA);
    CHECK_INT(iotc_snapshot_take(snapshot), 0);
    write_all(&rig, shape_of(0), 6);
    CHECK_INT(iotc_snapshot_get_int(snapshot, props[0], &i, &stamp), 0);
    CHECK(i == number_of(3, 5) && stamp == 5);
    CHECK_INT(iotc_snapshot_get_string(snapshot, props[1], &text, NULL), 0);
    CHECK_INT(strncmp(text, "0:5:and", 7), 0);
    CHECK_INT(iotc_snapshot_get_int(snapshot, props[1], &i, NULL), -EPROTOTYPE);
    CHECK_INT(iotc_snapshot_get_bool(snapshot, props[0], &b, NULL), -EPROTOTYPE);
    CHECK_INT(iotc_snapshot_get_value(snapshot, props[0], &value, NULL), -EPROTOTYPE);
    CHECK_INT(iotc_snapshot_get_int(snapshot, foreign, &i, NULL), -ENOENT);
    CHECK_INT(iotc_snapshot_get_int(snapshot, props[0], NULL, NULL), -EINVAL);
    CHECK_INT(iotc_snapshot_get_int(NULL, props[0], &i, NULL), -EINVAL);

    /* iotd stops, or dies, in the middle of a batch: nothing half, and the last one stays. */
    table_begin(rig.writer);
    CHECK_INT(iotc_snapshot_take(snapshot), -EAGAIN);
    CHECK_INT(iotc_snapshot_get_int(snapshot, props[0], &i, NULL), 0);
    CHECK_INT(i, number_of(3, 5));
    CHECK_INT(iotc_prop_get_int(props[0], &i, NULL), 0); /* one alone is never half */
    CHECK_INT(i, number_of(3, 6));
    table_end(rig.writer);
    CHECK_INT(iotc_snapshot_take(snapshot), 0);
    CHECK_INT(iotc_snapshot_get_int(snapshot, props[0], &i, NULL), 0);
    CHECK_INT(i, number_of(3, 6));

    /* Without a table: what was seen last. */
    shm_on_detached(client);
    CHECK_INT(table_rig_attach_with(client, NULL, 0, ""), 0);
    CHECK_INT(iotc_snapshot_take(snapshot), 0);
    CHECK_INT(iotc_snapshot_get_int(snapshot, props[0], &i, NULL), 0);
    CHECK_INT(i, number_of(3, 6));
    iotc_client_unref(client);
    CHECK_INT(iotc_snapshot_take(snapshot), -ESHUTDOWN);
    iotc_snapshot_free(snapshot);
    iotc_client_unref(other);
    table_rig_close(&rig);
    table_rig_close(&rig2);
}

const char *const suite_name = "client-shm-threads";
const struct suite_test suite_tests[] = {
    {"numbers", test_numbers},           {"texts", test_texts}, {"snapshots", test_snapshots},
    {"snapshot api", test_snapshot_api}, {NULL, NULL},
};

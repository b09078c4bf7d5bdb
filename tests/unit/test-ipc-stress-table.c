/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table that is written in batches without pause, numbers and strings of all lengths, with too
 * little room for all of them at once; readers of one value see it whole, readers of several see
 * one batch. Then another: whole tables that are exchanged below readers.
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "libiotclient/ipc/table.h"
#include "tests/lib/ipc-pair.h"
#include "tests/lib/suite.h"

#define N_PLACES 8U
#define N_BATCHES 20000U
#define BLOBS_LEN 10240U
#define LONGEST 1600U
#define N_TABLES 4000U

struct scene {
    struct table_writer *writer;
    struct table_view view;
    uint32_t n_left_out; /* the writer's: values without room */
};

/* Of the value of a place in a batch; the first half of the places are numbers. */
static size_t len_of(uint64_t batch, size_t place)
{
    uint64_t mix = ipc_mix(batch * N_PLACES + place);

    if (place < N_PLACES / 2)
        return 8;
    if (place == N_PLACES - 1)
        return LONGEST; /* always: what is filled again is what somebody reads */
    return mix % 3 == 0 ? mix % LAYOUT_INLINE : mix % LONGEST;
}

static void fill(uint8_t *to, uint64_t batch, size_t place)
{
    uint64_t word = ipc_mix(batch << 8 | place);

    for (size_t i = 0; i < LONGEST; i += sizeof(word))
        memcpy(to + i, &word, sizeof(word));
}

static void write_batch(struct scene *scene, uint64_t batch)
{
    uint8_t value[LONGEST];

    table_begin(scene->writer);
    for (size_t place = 0; place < N_PLACES; place++) {
        int r;

        fill(value, batch, place);
        r = table_write(scene->writer, place, LAYOUT_TYPE_STRING, LAYOUT_FLAG_VALUE, value,
                        len_of(batch, place), batch);
        IPC_CHECK(r == 0 || r == -ENOBUFS);
        scene->n_left_out += r == -ENOBUFS;
    }
    table_end(scene->writer);
}

static void *write_all(void *userdata)
{
    for (uint64_t batch = 1; batch <= N_BATCHES; batch++)
        write_batch(userdata, batch);
    return NULL;
}

/* One value: its batch, or what table_read() said. */
static int64_t read_one(const struct scene *scene, size_t place)
{
    uint8_t wanted[LONGEST], got[LONGEST];
    struct layout_copy copy;
    uint64_t meta;
    int r = table_read(&scene->view, place, &copy, got, sizeof(got));

    if (r != 0) {
        IPC_CHECK(r == -EAGAIN);
        return r;
    }
    meta = copy.word[0];
    if (copy.word[1] == 0) /* never written yet */
        return 0;
    if (!(latch_flags(meta) & LAYOUT_FLAG_VALUE)) {
        IPC_CHECK(latch_len(meta) == 0 && len_of(copy.word[1], place) > LAYOUT_INLINE);
        return (int64_t) copy.word[1];
    }
    fill(wanted, copy.word[1], place);
    if (!IPC_CHECK(latch_len(meta) == len_of(copy.word[1], place)))
        return -EPROTO;
    IPC_CHECK(memcmp(wanted,
                     latch_flags(meta) & LAYOUT_FLAG_BLOB ? (const void *) got : &copy.word[2],
                     latch_len(meta)) == 0);
    return (int64_t) copy.word[1];
}

static void *read_values(void *userdata)
{
    const struct scene *scene = userdata;
    int64_t newest[N_PLACES] = {0};
    size_t n_done = 0;

    for (size_t place = 0; n_done < N_PLACES; place = (place + 1) % N_PLACES) {
        int64_t batch = read_one(scene, place);

        if (batch < 0)
            continue;
        if (!IPC_CHECK(batch >= newest[place]))
            break;
        n_done += batch == N_BATCHES && newest[place] != N_BATCHES;
        newest[place] = batch;
    }
    return NULL;
}

static void *read_batches(void *userdata)
{
    const struct scene *scene = userdata;
    struct latch_scalar scalars[N_PLACES / 2];
    uint64_t newest = 0;

    while (newest < N_BATCHES) {
        uint32_t generation = table_read_begin(&scene->view);
        bool is_good = true;

        for (size_t place = 0; place < N_PLACES / 2; place++)
            is_good &= table_read_scalar(&scene->view, place, &scalars[place]) == 0;
        if (!is_good || !table_read_held(&scene->view, generation))
            continue;
        for (size_t place = 0; place < N_PLACES / 2; place++)
            IPC_CHECK(scalars[place].stamp == generation / 2 &&
                      (generation == 0 ||
                       scalars[place].value == ipc_mix(scalars[place].stamp << 8 | place)));
        if (!IPC_CHECK(generation / 2 >= newest))
            break;
        newest = generation / 2;
    }
    return NULL;
}

static void test_one_table(void)
{
    struct ipc_threads threads = {.n = 0};
    struct segment segment = {.base = NULL};
    struct scene scene = {.n_left_out = 0};
    int fd = -1;

    CHECK_INT(table_writer_new(&scene.writer, &fd, N_PLACES, BLOBS_LEN, 1), 0);
    CHECK_INT(segment_map(&segment, fd, LAYOUT_KIND_TABLE, sizeof(struct layout_table),
                          LAYOUT_TABLE_MAX, false),
              0);
    CHECK_INT(table_view_init(&scene.view, &segment), 0);
    (void) close(fd);
    ipc_threads_start(&threads, read_values, &scene);
    ipc_threads_start(&threads, read_batches, &scene);
    ipc_threads_start(&threads, read_values, &scene);
    ipc_threads_start(&threads, write_all, &scene);
    ipc_threads_join(&threads);
    CHECK(scene.n_left_out > 0 && scene.n_left_out < N_BATCHES);
    segment_done(&segment);
    scene.writer = table_writer_free(scene.writer);
}

/* --- tables that are exchanged --- */

struct exchange {
    struct segment segment;
    size_t mapped;       /* bytes that can be read, whatever table is there */
    uint64_t *published; /* epoch of the newest table; readers end with the last */
};

/* As the library reads: by the address alone, and the epoch tells whether it was the same table. */
static void *read_exchanged(void *userdata)
{
    const struct exchange *x = userdata;
    uint64_t n_held = 0, newest = 0;

    while (newest < N_TABLES) {
        uint64_t epoch = __atomic_load_n(x->published, __ATOMIC_ACQUIRE);
        const struct layout_table *table = x->segment.base;
        struct table_view view;
        struct latch_scalar scalar;
        uint64_t seen;

        /* The numbers of the table may be those of the next one, or zeros: then it is not good. */
        struct segment now = {.base = x->segment.base, .size = x->mapped};
        if (table_view_init(&view, &now) < 0 || view.n_places == 0 ||
            table_read_scalar(&view, view.n_places - 1, &scalar) < 0)
            continue;
        fence_acquire();
        seen = word_load(&table->head.epoch);
        if (seen != epoch || view.epoch != epoch)
            continue;
        IPC_CHECK(scalar.value == ipc_mix(epoch) && view.n_places == 1 + epoch % 3);
        n_held++;
        newest = epoch;
    }
    IPC_CHECK(n_held > 0);
    return NULL;
}

static void show_table(struct exchange *x, uint64_t epoch)
{
    struct table_writer *writer = NULL;
    uint64_t value = ipc_mix(epoch);
    size_t n_places = 1 + epoch % 3;
    int fd = -1;

    IPC_CHECK(table_writer_new(&writer, &fd, n_places, 8192 * (1 + epoch % 5), epoch) == 0);
    IPC_CHECK(table_write(writer, n_places - 1, LAYOUT_TYPE_INT, LAYOUT_FLAG_VALUE, &value, 8,
                          epoch) == 0);
    IPC_CHECK(segment_map(&x->segment, fd, LAYOUT_KIND_TABLE, sizeof(struct layout_table),
                          64 * 1024, false) == 0);
    (void) close(fd);
    (void) table_writer_free(writer); /* what is mapped stays */
    __atomic_store_n(x->published, epoch, __ATOMIC_RELEASE);
}

static void test_exchanged(void)
{
    struct ipc_threads threads = {.n = 0};
    uint64_t published = 0;
    struct exchange x = {.published = &published};
    void *base;

    show_table(&x, 4); /* the largest first, so that all fit */
    base = x.segment.base;
    x.mapped = x.segment.mapped;
    ipc_threads_start(&threads, read_exchanged, &x);
    ipc_threads_start(&threads, read_exchanged, &x);
    for (uint64_t epoch = 5; epoch <= N_TABLES; epoch++)
        show_table(&x, epoch);
    ipc_threads_join(&threads);
    CHECK(x.segment.base == base && x.segment.mapped == x.mapped && !x.segment.retired);
    segment_done(&x.segment);
}

const char *const suite_name = "ipc-stress-table";
const struct suite_test suite_tests[] = {
    {"one table", test_one_table},
    {"exchanged", test_exchanged},
    {NULL, NULL},
};

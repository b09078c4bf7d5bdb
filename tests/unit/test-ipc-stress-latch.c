/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thread writes a value without pause, others read it: never a mixture, never an older one
 * after a newer one, and the last one is there in the end.
 */

#include "libiotclient/ipc/latch.h"
#include "tests/lib/ipc-pair.h"
#include "tests/lib/suite.h"

#define N_WRITES 300000U
#define N_READERS 3
#define TRIES 100

struct scene {
    struct layout_slot *writer;
    const struct layout_slot *reader;
};

static void *write_all(void *userdata)
{
    struct scene *scene = userdata;
    struct layout_copy copy;

    for (uint32_t n = 1; n <= N_WRITES; n++) {
        for (unsigned i = 0; i < LAYOUT_COPY_WORDS; i++)
            copy.word[i] = ipc_mix((uint64_t) n << 8 | i);
        copy.word[1] = n;
        IPC_CHECK(latch_write(scene->writer, &copy) == n);
    }
    return NULL;
}

static void check_copy(const struct layout_copy *copy, uint64_t n)
{
    for (unsigned i = 0; i < LAYOUT_COPY_WORDS; i++)
        IPC_CHECK(copy->word[i] == (i == 1 ? n : ipc_mix(n << 8 | i)));
}

static void *read_whole(void *userdata)
{
    struct scene *scene = userdata;
    struct layout_copy copy;
    uint64_t newest = 0;
    uint32_t seq;

    while (newest < N_WRITES) {
        if (!latch_read(scene->reader, TRIES, &copy, &seq) || seq == 0)
            continue;
        if (!IPC_CHECK(copy.word[1] == seq && seq >= newest))
            break;
        check_copy(&copy, seq);
        newest = seq;
    }
    return NULL;
}

static void *read_scalar(void *userdata)
{
    struct scene *scene = userdata;
    struct latch_scalar scalar;
    uint64_t newest = 0;

    while (newest < N_WRITES) {
        if (!latch_read_scalar(scene->reader, TRIES, &scalar) || scalar.stamp == 0)
            continue;
        if (!IPC_CHECK(scalar.stamp >= newest && scalar.meta == ipc_mix(scalar.stamp << 8) &&
                       scalar.value == ipc_mix(scalar.stamp << 8 | 2)))
            break;
        newest = scalar.stamp;
    }
    return NULL;
}

static void run(bool has_two_mappings)
{
    struct ipc_threads threads = {.n = 0};
    struct ipc_pair pair;
    struct scene scene;

    ipc_pair_open(&pair, has_two_mappings);
    scene = (struct scene){&pair.program.up->slots[5], &pair.iotd.up->slots[5]};
    for (int i = 0; i < N_READERS; i++)
        ipc_threads_start(&threads, i % 2 ? read_scalar : read_whole, &scene);
    ipc_threads_start(&threads, write_all, &scene);
    ipc_threads_join(&threads);
    ipc_pair_close(&pair);
}

static void test_two_mappings(void)
{
    run(true);
}

static void test_one_mapping(void)
{
    run(false);
}

const char *const suite_name = "ipc-stress-latch";
const struct suite_test suite_tests[] = {
    {"two mappings", test_two_mappings},
    {"one mapping", test_one_mapping},
    {NULL, NULL},
};

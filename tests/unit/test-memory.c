/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is given back leaves the process; and everything goes on. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sys/memory.h"
#include "libiotclient/base/macro.h"
#include "tests/lib/proc.h"
#include "tests/lib/suite.h"

#define N_BLOCKS 4096
#define BLOCK 1024

/* A number of /proc/self/status in KiB. */
static long status(const char *key)
{
    char line[128];
    long value = -1;
    FILE *f = fopen("/proc/self/status", "re");

    while (f && value < 0 && fgets(line, sizeof(line), f)) {
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtol(line + strlen(key), NULL, 10);
    }
    if (f)
        (void) fclose(f);
    return value;
}

static void test_code(void)
{
    long before = status("RssFile:"), after;

    CHECK(before > 0);
    memory_give_back();
    after = status("RssFile:");
    CHECK(after >= 0);
    CHECK(after < before);
}

/* All but the last block, so that the heap does not shrink by itself. */
static void test_heap(void)
{
    static char *blocks[N_BLOCKS];
    long before, after;

    for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
        blocks[i] = malloc(BLOCK);
        CHECK(blocks[i]);
        if (blocks[i])
            memset(blocks[i], 'x', BLOCK);
    }
    for (size_t i = 0; i + 1 < ARRAY_SIZE(blocks); i++)
        free(blocks[i]);
    before = status("RssAnon:");
    memory_give_back();
    after = status("RssAnon:");
    if (PROC_RSS_IS_TELLING)
        CHECK(after + N_BLOCKS * BLOCK / 1024 / 2 < before);
    CHECK_INT(blocks[ARRAY_SIZE(blocks) - 1][BLOCK - 1], 'x');
    free(blocks[ARRAY_SIZE(blocks) - 1]);
}

const char *const suite_name = "memory";
const struct suite_test suite_tests[] = {
    {"code", test_code},
    {"heap", test_heap},
    {NULL, NULL},
};

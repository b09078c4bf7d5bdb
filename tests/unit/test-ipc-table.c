/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "libiotclient/ipc/table.h"
#include "tests/lib/suite.h"

struct pair {
    struct table_writer *writer;
    struct segment segment;
    struct table_view view;
};

static void pair_open(struct pair *p, size_t n_places, size_t blobs_len)
{
    int fd = -1;

    memset(p, 0, sizeof(*p));
    CHECK_INT(table_writer_new(&p->writer, &fd, n_places, blobs_len, 7), 0);
    CHECK_INT(segment_map(&p->segment, fd, LAYOUT_KIND_TABLE, sizeof(struct layout_table),
                          LAYOUT_TABLE_MAX, false),
              0);
    (void) close(fd);
    CHECK_INT(table_view_init(&p->view, &p->segment), 0);
}

static void pair_close(struct pair *p)
{
    segment_done(&p->segment);
    p->writer = table_writer_free(p->writer);
}

static void test_values(void)
{
    char id[LIMIT_FEATURE_ID + 1], text[300], buf[300];
    struct layout_copy copy = {{0}};
    struct latch_scalar scalar = {0};
    struct pair p;
    int64_t number = -5;

    pair_open(&p, 3, 4096);
    CHECK_INT(p.view.epoch, 7);
    CHECK_INT(table_count(&p.view), 0);
    CHECK(!table_id(&p.view, 0, id));
    memset(text, 'x', sizeof(text));

    table_begin(p.writer);
    table_name(p.writer, 1, "power");
    CHECK_INT(table_write(p.writer, 1, LAYOUT_TYPE_INT, LAYOUT_FLAG_VALUE, &number, 8, 99), 0);
    CHECK_INT(table_write(p.writer, 2, LAYOUT_TYPE_STRING, LAYOUT_FLAG_VALUE, text, 300, 98), 0);
    table_end(p.writer);

    CHECK_INT(table_count(&p.view), 2);
    CHECK(!table_id(&p.view, 0, id));
    CHECK(table_id(&p.view, 1, id));
    CHECK_STR(id, "power");
    CHECK_INT(table_read_scalar(&p.view, 1, &scalar), 0);
    CHECK_INT(latch_type(scalar.meta), LAYOUT_TYPE_INT);
    CHECK_INT((int64_t) scalar.value, -5);
    CHECK_INT(scalar.stamp, 99);
    CHECK_INT(table_read(&p.view, 2, &copy, (uint8_t *) buf, sizeof(buf)), 0);
    CHECK_INT(latch_len(copy.word[0]), 300);
    CHECK(memcmp(buf, text, 300) == 0);
    pair_close(&p);
}

const char *const suite_name = "ipc-table";
const struct suite_test suite_tests[] = {
    {"values", test_values},
    {NULL, NULL},
};

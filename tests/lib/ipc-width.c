/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both sides of the shared memory as one program, so that tests/check/widths can build it twice:
 *
 *   ipc-width OTHER                  is iotd, and starts OTHER as the program
 *   ipc-width TABLE UP DOWN BELL BELL   is the program, with these descriptors
 *
 * iotd fills the table and asks through the ring down; the program checks all of it, reports in a
 * slot and answers through the ring up. Exit status 0 if both are content.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libiotclient/ipc/doorbell.h"
#include "libiotclient/ipc/pack.h"
#include "libiotclient/ipc/report_slots.h"
#include "libiotclient/ipc/ring.h"
#include "libiotclient/ipc/table.h"

#define DEADLINE_MS 30000
#define LONG_LEN 1001
#define SLOT 1000U

static uint64_t payload[LAYOUT_RECORD_MAX / 8];

#define NEED(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "%d bits, line %d: %s\n", (int) sizeof(void *) * 8, __LINE__, #cond);  \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* The next record of a ring; sleeps on the bell until it is there. */
static struct pack_reader await_record(struct ring *ring, uint32_t *word, int bell,
                                       struct layout_record *ret_record)
{
    struct pollfd pollfd = {bell, POLLIN, 0};
    size_t len = 0;
    int n;

    while ((n = ring_peek(ring, ret_record, (uint8_t *) payload, &len)) == 0) {
        doorbell_sleep(word);
        if (!ring_is_empty(ring))
            continue;
        NEED(poll(&pollfd, 1, DEADLINE_MS) == 1);
        NEED(!doorbell_clear(bell));
    }
    NEED(n == 1);
    ring_pop(ring, ret_record);
    return (struct pack_reader){(const uint8_t *) payload, len, 0};
}

/* The same items in both directions. */
static void send_items(struct ring *ring, uint32_t type, uint32_t *word, int bell)
{
    struct pack_writer w = {.size = 512};
    size_t opened;

    NEED(ring_open(ring, w.size, &w.data) == 0);
    pack_put_int(&w, "least", INT64_MIN);
    opened = pack_open(&w, "values", PACK_STRUCT);
    pack_put_float(&w, "level", -0.1);
    pack_put_string(&w, "word", "w\xc3\xb6rd", 5);
    pack_put_bool(&w, "on", true);
    pack_close(&w, opened);
    NEED(!w.full);
    ring_commit(ring, type, 0xfffffffe, -405, w.len);
    if (doorbell_must_ring(word))
        doorbell_ring(bell);
}

static void check_items(struct pack_reader r, const struct layout_record *record, uint32_t type)
{
    struct pack_item item, values;

    NEED(record->type == type && record->id == 0xfffffffe && record->code == -405);
    NEED(pack_find(r, "least", PACK_INT, &item) == 0 && item.i == INT64_MIN);
    NEED(pack_find(r, "values", PACK_STRUCT, &values) == 0);
    NEED(pack_find(values.items, "level", PACK_FLOAT, &item) == 0 && item.d == -0.1);
    NEED(pack_find(values.items, "word", PACK_STRING, &item) == 0 && item.s.len == 5);
    NEED(pack_find(values.items, "on", PACK_BOOL, &item) == 0 && item.b);
}

/* --- iotd --- */

static void fill_table(struct table_writer *w)
{
    int64_t number = -1234567890123456789;
    double level = 1e-300;
    char text[LONG_LEN];

    memset(text, 'x', sizeof(text));
    table_begin(w);
    table_name(w, 0, "number");
    table_name(w, 4095, "the_last_one_with_a_long_name_32");
    NEED(table_write(w, 0, LAYOUT_TYPE_INT, LAYOUT_FLAG_VALUE, &number, 8, UINT64_MAX) == 0);
    NEED(table_write(w, 1, LAYOUT_TYPE_FLOAT, LAYOUT_FLAG_VALUE, &level, 8, 1) == 0);
    NEED(table_write(w, 2, LAYOUT_TYPE_STRING, LAYOUT_FLAG_VALUE, text, LONG_LEN, 2) == 0);
    NEED(table_write(w, 4095, LAYOUT_TYPE_STRING, LAYOUT_FLAG_VALUE, text, 40, 3) == 0);
    table_end(w);
}

static int start_program(const char *path, const int fds[LAYOUT_FD_COUNT_])
{
    char numbers[LAYOUT_FD_COUNT_][12];
    int pid = fork();

    NEED(pid >= 0);
    if (pid > 0)
        return pid;
    for (int i = 0; i < LAYOUT_FD_COUNT_; i++) {
        (void) fcntl(fds[i], F_SETFD, 0);
        (void) snprintf(numbers[i], sizeof(numbers[i]), "%d", fds[i]);
    }
    (void) execl(path, path, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4],
                 (char *) NULL);
    _exit(127);
}

static int be_iotd(const char *path)
{
    struct segment_spec up_spec = {"width-up", LAYOUT_KIND_UP, sizeof(struct layout_up), 2, false};
    struct segment_spec down_spec = {"width-down", LAYOUT_KIND_DOWN, sizeof(struct layout_down), 3,
                                     true};
    struct table_writer *w = NULL;
    struct segment up_segment, down_segment;
    struct layout_record record;
    struct layout_copy copy;
    struct layout_down *down;
    struct layout_up *up;
    struct ring in, out;
    int fds[LAYOUT_FD_COUNT_], bell_in, bell_out, pid, status = -1;
    uint32_t seq = 0;

    NEED(table_writer_new(&w, &fds[LAYOUT_FD_TABLE], LAYOUT_PLACES_MAX, 8192, UINT64_MAX) == 0);
    NEED(segment_create(&up_segment, &fds[LAYOUT_FD_UP], &up_spec) == 0);
    NEED(segment_create(&down_segment, &fds[LAYOUT_FD_DOWN], &down_spec) == 0);
    NEED(doorbell_new(&bell_in, &fds[LAYOUT_FD_BELL_UP]) == 0);
    NEED(doorbell_new(&fds[LAYOUT_FD_BELL_DOWN], &bell_out) == 0);
    up = up_segment.base;
    down = down_segment.base;
    ring_init(&in, up->ring, &up->ring_head, &down->up_tail);
    ring_init(&out, down->ring, &down->ring_head, &up->down_tail);
    fill_table(w);
    __atomic_store_n(&down->done[SLOT], LAYOUT_DONE(0xfffffff0, -1), __ATOMIC_RELEASE);
    __atomic_store_n(&down->table_epoch, UINT64_MAX, __ATOMIC_RELEASE);
    pid = start_program(path, fds);

    send_items(&out, LAYOUT_DOWN_CONTROL, &up->bell_program, bell_out);
    check_items(await_record(&in, &up->bell_ring, bell_in, &record), &record, LAYOUT_UP_ANSWER);
    NEED(report_slots_take(up, SLOT / 32) == (uint32_t) 1 << SLOT % 32);
    NEED(latch_read(&up->slots[SLOT], 1, &copy, &seq) && seq == 2);
    NEED(copy.word[0] == latch_meta(LAYOUT_TYPE_INT, LAYOUT_FLAG_DONE, 8));
    NEED(copy.word[1] == 4095 && copy.word[6] == 0x0123456789abcdef);
    NEED(__atomic_load_n(&up->watch[127], __ATOMIC_RELAXED) == 0x80000000);
    NEED(waitpid(pid, &status, 0) == pid && status == 0);
    return 0;
}

/* --- the program --- */

static void check_table(int fd)
{
    struct segment segment = {0};
    char id[LIMIT_FEATURE_ID + 1] = "", text[LONG_LEN];
    struct table_view view;
    struct latch_scalar scalar;
    struct layout_copy copy;
    size_t n_wrong = 0;
    double level;

    NEED(segment_map(&segment, fd, LAYOUT_KIND_TABLE, sizeof(struct layout_table), LAYOUT_TABLE_MAX,
                     false) == 0);
    NEED(table_view_init(&view, &segment) == 0);
    NEED(view.n_places == LAYOUT_PLACES_MAX && view.epoch == UINT64_MAX);
    NEED(table_count(&view) == 4096);
    NEED(table_id(&view, 0, id) && strcmp(id, "number") == 0);
    NEED(table_id(&view, 4095, id) && strcmp(id, "the_last_one_with_a_long_name_32") == 0);
    NEED(table_read_scalar(&view, 0, &scalar) == 0 && scalar.stamp == UINT64_MAX);
    NEED((int64_t) scalar.value == -1234567890123456789);
    NEED(table_read_scalar(&view, 1, &scalar) == 0);
    memcpy(&level, &scalar.value, sizeof(level));
    NEED(level == 1e-300);
    NEED(table_read(&view, 2, &copy, (uint8_t *) text, sizeof(text)) == 0);
    NEED(latch_len(copy.word[0]) == LONG_LEN);
    for (size_t i = 0; i < LONG_LEN; i++)
        n_wrong += text[i] != 'x';
    NEED(n_wrong == 0);
    NEED(table_read(&view, 4095, &copy, NULL, 0) == 0 && latch_len(copy.word[0]) == 40);
    NEED(copy.word[6] == 0x7878787878787878);
    NEED(table_read_held(&view, 2));
    segment_done(&segment);
}

static int be_program(char **fds)
{
    struct segment up_segment = {0}, down_segment = {0};
    int bell_out = atoi(fds[LAYOUT_FD_BELL_UP]), bell_in = atoi(fds[LAYOUT_FD_BELL_DOWN]);
    struct layout_copy copy = {{latch_meta(LAYOUT_TYPE_INT, LAYOUT_FLAG_DONE, 8), 4095}};
    struct layout_record record;
    struct layout_down *down;
    struct layout_up *up;
    struct ring in, out;
    uint64_t done;
    uint32_t seq;

    check_table(atoi(fds[LAYOUT_FD_TABLE]));
    NEED(segment_map(&up_segment, atoi(fds[LAYOUT_FD_UP]), LAYOUT_KIND_UP, sizeof(*up), sizeof(*up),
                     true) == 0);
    NEED(segment_map(&down_segment, atoi(fds[LAYOUT_FD_DOWN]), LAYOUT_KIND_DOWN, sizeof(*down),
                     sizeof(*down), false) == 0);
    up = up_segment.base;
    down = down_segment.base;
    ring_init(&in, down->ring, &down->ring_head, &up->down_tail);
    ring_init(&out, up->ring, &up->ring_head, &down->up_tail);
    check_items(await_record(&in, &up->bell_program, bell_in, &record), &record,
                LAYOUT_DOWN_CONTROL);
    done = __atomic_load_n(&down->done[SLOT], __ATOMIC_ACQUIRE);
    NEED(LAYOUT_DONE_SEQ(done) == 0xfffffff0 && LAYOUT_DONE_CODE(done) == -1);
    NEED(__atomic_load_n(&down->table_epoch, __ATOMIC_ACQUIRE) == UINT64_MAX);

    (void) latch_write(&up->slots[SLOT], &copy);
    copy.word[6] = 0x0123456789abcdef;
    if (report_slots_write(up, SLOT, &copy, &seq))
        doorbell_ring(bell_out);
    (void) __atomic_fetch_or(&up->watch[127], 0x80000000U, __ATOMIC_SEQ_CST);
    send_items(&out, LAYOUT_UP_ANSWER, &up->bell_ring, bell_out);
    segment_done(&up_segment);
    segment_done(&down_segment);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2)
        return be_iotd(argv[1]);
    if (argc == 1 + LAYOUT_FD_COUNT_)
        return be_program(argv + 1);
    fprintf(stderr, "usage: ipc-width OTHER | TABLE UP DOWN BELL BELL\n");
    return 64;
}

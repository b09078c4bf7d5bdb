/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target without libFuzzer: on each file that is named, or in a directory that is
 * named, or else in tests/fuzz/corpus/NAME of the program fuzz-NAME. Each file is also run in
 * FUZZ_MUTATIONS (200) broken variants, always the same ones, so that `make check` finds what
 * breaks at the first touch. The input that runs is kept in a file while it does, so that a crash
 * leaves it behind: fuzz-NAME.crash in the current directory.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/macro.h"
#include "libiotclient/base/num.h"
#include "tests/fuzz/fuzz.h"

#define MAX_FILE (1024 * 1024)
#define MUTATIONS 200

struct run {
    const char *crash; /* path of the file with the input that runs */
    uint64_t n_mutations;
    uint64_t random;
    unsigned n_files;
    unsigned n_inputs;
};

/* xorshift64*: the same numbers everywhere. */
static uint64_t next_random(struct run *run)
{
    run->random ^= run->random >> 12;
    run->random ^= run->random << 25;
    run->random ^= run->random >> 27;
    return run->random * 0x2545f4914f6cdd1dU;
}

static size_t below(struct run *run, size_t n)
{
    return n == 0 ? 0 : (size_t) (next_random(run) % n);
}

static void run_input(struct run *run, const uint8_t *data, size_t len)
{
    /* An exact copy on the heap: a sanitizer sees the byte behind it. */
    CLEANUP(freep) uint8_t *copy = malloc(len ? len : 1);
    CLEANUP(fd_closep) int fd = open(run->crash, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (!copy || fd < 0 || write(fd, data, len) != (ssize_t) len) {
        fprintf(stderr, "%s: %s\n", run->crash, strerror(errno));
        exit(1);
    }
    memcpy(copy, data, len);
    (void) LLVMFuzzerTestOneInput(copy, len);
    run->n_inputs++;
}

/* One to four small harms. */
static size_t mutate(struct run *run, uint8_t *data, size_t len, size_t room)
{
    static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff, '"', '{', '}', '/', '\\'};

    for (size_t n = 1 + below(run, 4); n > 0; n--) {
        size_t at = below(run, len), count = 1 + below(run, 8);

        switch (below(run, 6)) {
        case 0: /* flip a bit */
            if (len > 0)
                data[at] ^= (uint8_t) (1U << below(run, 8));
            break;
        case 1: /* an edge */
            if (len > 0)
                data[at] = edges[below(run, sizeof(edges))];
            break;
        case 2: /* cut the end */
            len = at;
            break;
        case 3: /* take some out */
            if (at + count <= len) {
                memmove(data + at, data + at + count, len - at - count);
                len -= count;
            }
            break;
        case 4: /* repeat some */
            if (at + count <= len && len + count <= room) {
                memmove(data + at + count, data + at, len - at);
                len += count;
            }
            break;
        default: /* a number grows or shrinks */
            if (len > 0)
                data[at] = (uint8_t) (data[at] + (below(run, 2) ? 1 : 255));
            break;
        }
    }
    return len;
}

static void run_file(struct run *run, const char *path)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    CLEANUP(freep) char *data = NULL;
    CLEANUP(freep) uint8_t *broken = NULL;
    size_t len, room;

    if (fd < 0 || fd_read_file(fd, MAX_FILE, &data, &len) < 0) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(1);
    }
    run->n_files++;
    run_input(run, (const uint8_t *) data, len);
    room = len + 64;
    broken = malloc(room);
    for (uint64_t i = 0; broken && i < run->n_mutations; i++) {
        memcpy(broken, data, len);
        run_input(run, broken, mutate(run, broken, len, room));
    }
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void run_path(struct run *run, const char *path)
{
    struct dirent **entries;
    struct stat st;
    int n;

    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
        run_file(run, path);
        return;
    }
    n = scandir(path, &entries, is_visible, alphasort);
    for (int i = 0; i < n; i++) {
        CLEANUP(freep) char *file = NULL;

        if (asprintf(&file, "%s/%s", path, entries[i]->d_name) >= 0)
            run_file(run, file);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

/* The part of the program's name behind "fuzz-"; libtool's wrapper puts "lt-" before it. */
static const char *target_name(const char *argv0)
{
    const char *name = strstr(argv0, "fuzz-");

    for (const char *next = name; next; next = strstr(next + 1, "fuzz-"))
        name = next;
    return name ? name + 5 : argv0;
}

int main(int argc, char **argv)
{
    const char *name = target_name(argv[0]), *top = getenv("IOTD_SRCDIR");
    const char *mutations = getenv("FUZZ_MUTATIONS");
    CLEANUP(freep) char *corpus = NULL, *crash = NULL;
    struct run run = {.n_mutations = MUTATIONS, .random = 0x9e3779b97f4a7c15U};

    if (asprintf(&corpus, "%s/tests/fuzz/corpus/%s", top ? top : ".", name) < 0 ||
        asprintf(&crash, "fuzz-%s.crash", name) < 0)
        return 99;
    if (mutations && num_parse_u64(mutations, &run.n_mutations) < 0) {
        fprintf(stderr, "FUZZ_MUTATIONS is not a number\n");
        return 99;
    }
    run.crash = crash;
    for (int i = 1; i < argc; i++)
        run_path(&run, argv[i]);
    if (argc == 1)
        run_path(&run, corpus);
    (void) unlink(crash); /* it was no crash */
    printf("%s fuzz-%s: %u files, %u inputs\n", run.n_files ? "PASS" : "FAIL", name, run.n_files,
           run.n_inputs);
    printf("TOTAL %d passed, %d failed\n", run.n_files > 0, run.n_files == 0);
    return run.n_files == 0;
}

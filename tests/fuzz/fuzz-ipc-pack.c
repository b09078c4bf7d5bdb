/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Items that a program has written. Refused, or taken: then texts end where they say, nothing is
 * deeper than it may be, and what was taken is the same when it is written again.
 */

#include <errno.h>
#include <string.h>

#include "libiotclient/base/macro.h"
#include "libiotclient/ipc/layout.h"
#include "libiotclient/ipc/pack.h"
#include "tests/fuzz/fuzz.h"

static int copy_items(struct pack_reader r, struct pack_writer *w);

static int copy_item(const struct pack_item *item, struct pack_writer *w)
{
    size_t opened;
    int err;

    FUZZ_CHECK(strlen(item->key) <= UINT8_MAX);
    switch (item->kind) {
    case PACK_BOOL:
        pack_put_bool(w, item->key, item->b);
        return 0;
    case PACK_INT:
        pack_put_int(w, item->key, item->i);
        return 0;
    case PACK_FLOAT:
        pack_put_float(w, item->key, item->d);
        return 0;
    case PACK_STRING:
        FUZZ_CHECK(strlen(item->s.text) == item->s.len);
        pack_put_string(w, item->key, item->s.text, item->s.len);
        return 0;
    case PACK_STRUCT:
    case PACK_ARRAY:
        FUZZ_CHECK(item->items.depth <= PACK_DEPTH);
        opened = pack_open(w, item->key, item->kind);
        err = copy_items(item->items, w);
        pack_close(w, opened);
        return err;
    case PACK_NONE:
    case PACK_KIND_COUNT_:
        break;
    }
    FUZZ_CHECK(false);
    return -EBADMSG;
}

static int copy_items(struct pack_reader r, struct pack_writer *w)
{
    struct pack_reader before;
    struct pack_item item, found;
    int n, err;

    for (;;) {
        before = r;
        n = pack_next(&r, &item);
        if (n <= 0)
            break;
        FUZZ_CHECK(r.len < before.len && r.data + r.len == before.data + before.len);
        FUZZ_CHECK(pack_find(before, item.key, item.kind, &found) == 0);
        FUZZ_CHECK(found.key == item.key);
        err = copy_item(&item, w);
        if (err)
            return err;
    }
    FUZZ_CHECK(n == 0 || n == -EBADMSG);
    FUZZ_CHECK(r.data == before.data && r.len == before.len);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Aligned, and exactly so large. */
    CLEANUP(freep) uint8_t *in = malloc(size ? size : 1);
    CLEANUP(freep) uint8_t *once = malloc(LAYOUT_RECORD_MAX);
    CLEANUP(freep) uint8_t *twice = malloc(LAYOUT_RECORD_MAX);
    struct pack_writer w = {.data = once, .size = LAYOUT_RECORD_MAX}, again = w;
    struct pack_writer counter = {.size = SIZE_MAX};

    if (!in || !once || !twice || size > LAYOUT_RECORD_MAX)
        return 0;
    again.data = twice;
    memcpy(in, data, size);
    if (copy_items((struct pack_reader){in, size, 0}, &w) < 0 || w.full)
        return 0;
    FUZZ_CHECK(w.len <= size);
    FUZZ_CHECK(copy_items((struct pack_reader){in, size, 0}, &counter) == 0);
    FUZZ_CHECK(counter.len == w.len);
    FUZZ_CHECK(copy_items((struct pack_reader){once, w.len, 0}, &again) == 0);
    FUZZ_CHECK(again.len == w.len && memcmp(once, twice, w.len) == 0);
    return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of a daemon that lies: the input is the segment, as large as it is. Refused, or all of
 * it can be read, and nothing outside of it.
 */

#include <errno.h>
#include <string.h>

#include "libiotclient/base/macro.h"
#include "libiotclient/ipc/table.h"
#include "tests/fuzz/fuzz.h"

static void read_place(const struct table_view *view, size_t place, size_t size)
{
    /* Exactly so large: a sanitizer sees the byte behind it. */
    CLEANUP(freep) uint8_t *buf = malloc(size ? size : 1);
    char id[LIMIT_FEATURE_ID + 1];
    struct latch_scalar scalar;
    struct layout_copy copy;
    uint32_t flags, len;
    int r;

    if (!buf)
        return;
    if (table_id(view, place, id))
        FUZZ_CHECK(strlen(id) > 0 && strlen(id) <= LIMIT_FEATURE_ID);
    r = table_read(view, place, &copy, buf, size);
    FUZZ_CHECK(r == 0 || r == -EPROTO); /* nobody writes: it is never overtaken */
    FUZZ_CHECK(table_read_scalar(view, place, &scalar) == 0);
    if (r < 0)
        return;
    FUZZ_CHECK(scalar.meta == copy.word[0] && scalar.stamp == copy.word[1] &&
               scalar.value == copy.word[2]);
    flags = latch_flags(copy.word[0]);
    len = latch_len(copy.word[0]);
    FUZZ_CHECK(!(flags & LAYOUT_FLAG_BLOB) == (len <= LAYOUT_INLINE));
    FUZZ_CHECK(len <= view->size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(freep) uint8_t *memory = malloc(size ? size : 1);
    struct segment segment = {.base = memory, .size = size};
    struct table_view view;
    uint32_t generation;

    if (!memory)
        return 0;
    memcpy(memory, data, size);
    if (table_view_init(&view, &segment) < 0)
        return 0;
    FUZZ_CHECK(table_count(&view) <= view.n_places && view.n_places <= LAYOUT_PLACES_MAX);
    generation = table_read_begin(&view);
    for (size_t place = 0; place < view.n_places; place++) {
        read_place(&view, place, place % 300);
        read_place(&view, place, 4096);
    }
    FUZZ_CHECK(table_read_held(&view, generation) == (generation % 2 == 0));
    return 0;
}

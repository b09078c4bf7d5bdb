/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/table-reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/ipc/pack.h"
#include "tests/lib/suite.h"

#define VALUE_MAX ((size_t) 256 * 1024)

bool table_reader_open(struct table_reader *r, int fd)
{
    int result;

    *r = (struct table_reader){0};
    result = segment_map(&r->segment, fd, LAYOUT_KIND_TABLE, sizeof(struct layout_table),
                         LAYOUT_TABLE_MAX, false);
    CHECK_INT(result, 0);
    if (result == 0) {
        result = table_view_init(&r->view, &r->segment);
        CHECK_INT(result, 0);
    }
    return result == 0;
}

void table_reader_done(struct table_reader *r)
{
    segment_done(&r->segment);
}

int table_reader_find(const struct table_reader *r, const char *id)
{
    for (size_t i = 0; i < table_count(&r->view); i++) {
        char name[LIMIT_FEATURE_ID + 1];

        if (table_id(&r->view, i, name) && strcmp(name, id) == 0)
            return (int) i;
    }
    return -ENOENT;
}

/* buf: VALUE_MAX bytes, or NULL for the copy alone. */
static bool read_place(const struct table_reader *r, const char *id, struct layout_copy *copy,
                       uint8_t *buf)
{
    int place = table_reader_find(r, id), result;

    if (place < 0)
        return false;
    result = table_read(&r->view, (size_t) place, copy, buf, buf ? VALUE_MAX : 0);
    CHECK_INT(result, 0);
    return result == 0;
}

struct layout_copy table_reader_copy(const struct table_reader *r, const char *id)
{
    struct layout_copy copy = {{0}};

    (void) read_place(r, id, &copy, NULL);
    return copy;
}

uint32_t table_reader_flags(const struct table_reader *r, const char *id)
{
    return latch_flags(table_reader_copy(r, id).word[0]);
}

uint64_t table_reader_stamp(const struct table_reader *r, const char *id)
{
    return table_reader_copy(r, id).word[1];
}

/* --- values as JSON --- */

static json_t *json_of_items(struct pack_reader items, bool is_struct);

static json_t *json_of_item(const struct pack_item *item)
{
    switch (item->kind) {
    case PACK_BOOL:
        return json_integer(item->b);
    case PACK_INT:
        return json_integer(item->i);
    case PACK_FLOAT:
        return json_real(item->d);
    case PACK_STRING:
        return json_stringn(item->s.text, item->s.len);
    case PACK_STRUCT:
    case PACK_ARRAY:
        return json_of_items(item->items, item->kind == PACK_STRUCT);
    case PACK_NONE:
    case PACK_KIND_COUNT_:
        break;
    }
    return NULL;
}

static json_t *json_of_items(struct pack_reader items, bool is_struct)
{
    json_t *all = is_struct ? json_object() : json_array();
    struct pack_item item;
    int r;

    while ((r = pack_next(&items, &item)) == 1) {
        if (is_struct)
            CHECK_INT(json_object_set_new(all, item.key, json_of_item(&item)), 0);
        else
            CHECK_INT(json_array_append_new(all, json_of_item(&item)), 0);
    }
    CHECK_INT(r, 0);
    return all;
}

static json_t *json_of_bytes(uint32_t type, const uint8_t *data, size_t len)
{
    int64_t i = 0;
    double d = 0;

    switch (type) {
    case LAYOUT_TYPE_BOOL:
    case LAYOUT_TYPE_INT:
    case LAYOUT_TYPE_ENUM:
    case LAYOUT_TYPE_TIMESTAMP:
        CHECK_INT(len, sizeof(i));
        memcpy(&i, data, sizeof(i));
        return json_integer(i);
    case LAYOUT_TYPE_FLOAT:
        CHECK_INT(len, sizeof(d));
        memcpy(&d, data, sizeof(d));
        return json_real(d);
    case LAYOUT_TYPE_STRING:
    case LAYOUT_TYPE_STRINGENUM:
        return json_stringn((const char *) data, len);
    case LAYOUT_TYPE_STRUCT:
    case LAYOUT_TYPE_ARRAY:
        return json_of_items((struct pack_reader){.data = data, .len = len},
                             type == LAYOUT_TYPE_STRUCT);
    default:
        CHECK(!"a type that is none");
        return NULL;
    }
}

json_t *table_reader_json(const struct table_reader *r, const char *id)
{
    CLEANUP(freep) uint64_t *buf = calloc(1, VALUE_MAX);
    const uint8_t *data = (const uint8_t *) buf;
    struct layout_copy copy;
    uint64_t meta;

    CHECK(buf != NULL);
    if (!buf || !read_place(r, id, &copy, (uint8_t *) buf))
        return NULL;
    meta = copy.word[0];
    if (!(latch_flags(meta) & LAYOUT_FLAG_VALUE))
        return NULL;
    if (!(latch_flags(meta) & LAYOUT_FLAG_BLOB))
        data = (const uint8_t *) &copy.word[2];
    CHECK(latch_len(meta) <= VALUE_MAX);
    return json_of_bytes(latch_type(meta), data, latch_len(meta));
}

/* 24.0 and 24 are one number. */
static bool is_same(const json_t *a, const json_t *b)
{
    const char *key;
    const json_t *of_a;
    size_t i;

    if (json_is_number(a) && json_is_number(b))
        return json_number_value(a) >= json_number_value(b) &&
               json_number_value(a) <= json_number_value(b);
    if (json_is_array(a) && json_is_array(b) && json_array_size(a) == json_array_size(b)) {
        json_array_foreach(a, i, of_a)
        {
            if (!is_same(of_a, json_array_get(b, i)))
                return false;
        }
        return true;
    }
    if (json_is_object(a) && json_is_object(b) && json_object_size(a) == json_object_size(b)) {
        json_object_foreach((json_t *) (uintptr_t) a, key, of_a)
        {
            if (!is_same(of_a, json_object_get(b, key)))
                return false;
        }
        return true;
    }
    return json_equal(a, b);
}

void table_reader_check(const char *file, int line, const struct table_reader *r, const char *id,
                        const char *want)
{
    json_t *got = table_reader_json(r, id), *wanted = NULL;
    char *text = got ? json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    char *json = strdup(want);

    for (char *c = json; c && *c; c++) {
        if (*c == '\'')
            *c = '"';
    }
    if (json && *json)
        wanted = json_loads(json, JSON_DECODE_ANY, NULL);
    if (*want ? !got || !wanted || !is_same(got, wanted) : got != NULL)
        suite_fail(file, line, "%s: %.200s, wanted %.200s", id, text ? text : "none",
                   *want ? want : "none");
    json_decref(got);
    json_decref(wanted);
    free(text);
    free(json);
}

bool table_reader_contains(const struct table_reader *r, const char *text)
{
    return memmem(r->segment.base, r->segment.size, text, strlen(text)) != NULL;
}

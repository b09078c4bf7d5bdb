/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table in which iotd lies: nothing is read beyond it, nothing is believed that cannot be. */

#include <errno.h>
#include <string.h>

#include "libiotclient/client.h"
#include "tests/lib/suite.h"
#include "tests/lib/table-rig.h"

#define PLACES_AT 192U
#define SLOTS_AT 512U
#define BLOBS_AT 1024U
#define N_PLACES 4U
#define SIZE 8192U

/* One that is right: "a" is an int of 1, "b" a text in a blob, "c" a struct. */
static struct layout_table *open_good(struct table_rig *rig, uint64_t epoch)
{
    static const char text[] = "a text that is in the part of the table for long values";
    struct layout_copy number = {{latch_meta(LAYOUT_TYPE_INT, LAYOUT_FLAG_VALUE, 8), 7, 1}};
    struct layout_copy blob = {
        {latch_meta(LAYOUT_TYPE_STRING, LAYOUT_FLAG_VALUE | LAYOUT_FLAG_BLOB, sizeof(text) - 1), 7,
         BLOBS_AT}};
    struct layout_copy empty = {{latch_meta(LAYOUT_TYPE_STRUCT, LAYOUT_FLAG_VALUE, 0), 7}};
    struct layout_table *table;
    struct layout_slot *slots;
    uint8_t *base;

    table_rig_open_raw(rig, SIZE, epoch);
    base = rig->raw.base;
    table = rig->raw.base;
    table->n_places = N_PLACES;
    table->places_at = PLACES_AT;
    table->slots_at = SLOTS_AT;
    table->blobs_at = BLOBS_AT;
    table->blobs_len = SIZE - BLOBS_AT;
    table->n_used = 3;
    for (unsigned i = 0; i < 3; i++)
        base[PLACES_AT + i * sizeof(struct layout_place)] = (uint8_t) ('a' + i);
    slots = (struct layout_slot *) (void *) (base + SLOTS_AT);
    (void) latch_write(&slots[0], &number);
    (void) latch_write(&slots[1], &blob);
    (void) latch_write(&slots[2], &empty);
    memcpy(base + BLOBS_AT, text, sizeof(text));
    return table;
}

static struct layout_slot *slot_of(struct table_rig *rig, unsigned i)
{
    return (struct layout_slot *) (void *) ((uint8_t *) rig->raw.base + SLOTS_AT) + i;
}

static void test_good(void)
{
    iotc_client *client = table_rig_client();
    struct table_rig rig;
    char text[80];
    int64_t i = 0;

    (void) open_good(&rig, 1);
    CHECK_INT(table_rig_attach(&rig, client), 0);
    CHECK_INT(iotc_prop_get_int(table_rig_prop(client, "a"), &i, NULL), 0);
    CHECK_INT(i, 1);
    CHECK_INT(iotc_prop_get_string(table_rig_prop(client, "b"), text, sizeof(text), NULL), 55);
    CHECK_INT(iotc_prop_get_json(table_rig_prop(client, "c"), text, sizeof(text), NULL), 2);
    CHECK_STR(text, "{}");
    iotc_client_unref(client);
    table_rig_close(&rig);
}

/* Numbers of the head: refused as a whole, and the next Attach does without. */
static void test_heads(void)
{
    static const struct {
        size_t at;
        uint32_t number;
    } lies[] = {
        {offsetof(struct layout_table, head.magic), 0},
        {offsetof(struct layout_table, head.kind), LAYOUT_KIND_UP},
        {offsetof(struct layout_table, head.major), 2},
        {offsetof(struct layout_table, head.size), SIZE - 1},
        {offsetof(struct layout_table, head.size), 0},
        {offsetof(struct layout_table, n_places), LAYOUT_PLACES_MAX + 1},
        {offsetof(struct layout_table, n_places), 1000},
        {offsetof(struct layout_table, n_places), UINT32_MAX},
        {offsetof(struct layout_table, places_at), 0},
        {offsetof(struct layout_table, places_at), PLACES_AT + 8},
        {offsetof(struct layout_table, places_at), UINT32_MAX - 63},
        {offsetof(struct layout_table, slots_at), SIZE - 64},
        {offsetof(struct layout_table, slots_at), UINT32_MAX - 63},
        {offsetof(struct layout_table, blobs_at), SIZE},
        {offsetof(struct layout_table, blobs_len), UINT32_MAX},
    };

    for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
        iotc_client *client = table_rig_client();
        struct table_rig rig;

        (void) open_good(&rig, 1);
        memcpy((uint8_t *) rig.raw.base + lies[i].at, &lies[i].number, sizeof(uint32_t));
        CHECK_INT(table_rig_attach(&rig, client), -EPROTO);
        CHECK(!shm_is_active(client) && client->shm.is_avoided);
        CHECK(!client->props.table && client->props.turn % 2 == 0);
        iotc_client_unref(client);
        table_rig_close(&rig);
    }
}

/* Counts and names: read as far as they can be. */
static void test_names(void)
{
    iotc_client *client = table_rig_client();
    struct layout_table *table;
    struct table_rig rig;
    iotc_prop *prop;
    uint8_t *places;

    table = open_good(&rig, 1);
    places = (uint8_t *) rig.raw.base + PLACES_AT;
    table->n_used = UINT32_MAX;
    memset(places + 40, 'x', 40);     /* no end */
    memcpy(places + 80, "no id!", 7); /* no id */
    memcpy(places + 120, "a", 2);     /* twice */
    CHECK_INT(table_rig_attach(&rig, client), 0);
    CHECK_INT(client->props.n_items, 1);
    CHECK_INT(iotc_prop_lookup(client, "a", &prop), -ENOENT); /* the last one says: of no type */
    iotc_client_unref(client);
    table_rig_close(&rig);
}

/* Values that come later: what was there before is what is known. */
static void test_values(void)
{
    static const struct {
        unsigned place;
        uint64_t meta;
        uint64_t word;
    } lies[] = {
        {1, (uint64_t) 41 << 32 | LAYOUT_FLAG_VALUE << 8 | LAYOUT_TYPE_STRING, 0},
        {1, (uint64_t) UINT32_MAX << 32 | LAYOUT_FLAG_VALUE << 8 | LAYOUT_TYPE_STRING, 0},
        {1, (uint64_t) 100 << 32 | 9U << 8 | LAYOUT_TYPE_STRING, SIZE - 96},
        {1, (uint64_t) 100 << 32 | 9U << 8 | LAYOUT_TYPE_STRING, SIZE},
        {1, (uint64_t) 100 << 32 | 9U << 8 | LAYOUT_TYPE_STRING, UINT64_MAX - 7},
        {1, (uint64_t) 100 << 32 | 9U << 8 | LAYOUT_TYPE_STRING, BLOBS_AT + 1},
        {1, (uint64_t) UINT32_MAX << 32 | 9U << 8 | LAYOUT_TYPE_STRING, BLOBS_AT},
        {1, (uint64_t) 4000 << 32 | 9U << 8 | LAYOUT_TYPE_STRING, BLOBS_AT},
        {1, (uint64_t) 8 << 32 | LAYOUT_FLAG_VALUE << 8 | 200, 5},
        {1, (uint64_t) 8 << 32 | LAYOUT_FLAG_VALUE << 8, 5},
        {2, (uint64_t) 8 << 32 | LAYOUT_FLAG_VALUE << 8 | LAYOUT_TYPE_STRUCT, UINT64_MAX},
        {2, (uint64_t) 16 << 32 | LAYOUT_FLAG_VALUE << 8 | LAYOUT_TYPE_STRUCT, 8 | 1ULL << 32},
        {2, (uint64_t) 3 << 32 | LAYOUT_FLAG_VALUE << 8 | LAYOUT_TYPE_STRUCT, 0},
        {2, (uint64_t) 4096 << 32 | 9U << 8 | LAYOUT_TYPE_STRUCT, BLOBS_AT},
    };
    iotc_client *client = table_rig_client();
    char text[LIMIT_STRING_VALUE + 1], json[100];
    iotc_value *value = NULL;
    struct table_rig rig;

    (void) open_good(&rig, 1);
    CHECK_INT(table_rig_attach(&rig, client), 0);
    for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
        struct layout_copy copy = {{lies[i].meta, 9, lies[i].word}};
        iotc_prop *prop = table_rig_prop(client, lies[i].place == 1 ? "b" : "c");
        int r;

        (void) latch_write(slot_of(&rig, lies[i].place), &copy);
        r = lies[i].place == 1 ? iotc_prop_get_string(prop, text, sizeof(text), NULL)
                               : iotc_prop_get_value(prop, &value, NULL);
        if (r != -ENODATA)
            suite_fail(__FILE__, __LINE__, "lie %zu: %s", i, iotc_strerror(r));
        r = iotc_prop_get_json(prop, json, sizeof(json), NULL);
        if (r != -ENODATA)
            suite_fail(__FILE__, __LINE__, "lie %zu as JSON: %s", i, iotc_strerror(r));
    }
    iotc_client_unref(client);
    table_rig_close(&rig);
}

/* Texts are UTF-8 for those that compare and copy them; and they end. */
static void test_texts(void)
{
    static const struct {
        const char *bytes;
        uint32_t len;
        int result;
    } texts[] = {
        {"", 0, 0},
        {"good", 4, 4},
        {"cut\0off", 7, 3},
    };
    iotc_client *client = table_rig_client();
    struct table_rig rig;
    char text[16];

    (void) open_good(&rig, 1);
    CHECK_INT(table_rig_attach(&rig, client), 0);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct layout_copy copy = {
            {latch_meta(LAYOUT_TYPE_STRING, LAYOUT_FLAG_VALUE, texts[i].len)}};

        memcpy(&copy.word[2], texts[i].bytes, texts[i].len);
        (void) latch_write(slot_of(&rig, 1), &copy);
        CHECK_INT(iotc_prop_get_string(table_rig_prop(client, "b"), text, sizeof(text), NULL),
                  texts[i].result);
        CHECK_STR(text, texts[i].bytes);
    }
    iotc_client_unref(client);
    table_rig_close(&rig);
}

static void on_change(iotc_client *client, iotc_prop *prop, void *userdata)
{
    (void) client;
    (void) prop;
    ++*(unsigned *) userdata;
}

/* Nobody watches for what cannot be read: the program does not spin over it. */
static void test_watched(void)
{
    struct layout_copy lie = {{latch_meta(LAYOUT_TYPE_STRING, LAYOUT_FLAG_VALUE, 4000)}};
    iotc_client *client = table_rig_client();
    unsigned n = 0;
    struct table_rig rig;

    (void) open_good(&rig, 1);
    CHECK_INT(table_rig_attach(&rig, client), 0);
    CHECK_INT(iotc_prop_watch(table_rig_prop(client, "b"), NULL, on_change, &n, NULL), 0);
    (void) latch_write(slot_of(&rig, 1), &lie);
    CHECK_INT(iotc_client_dispatch(client), 0);
    CHECK_INT(rig.up->bell_program, 1);
    CHECK_INT(n, 0);
    iotc_client_unref(client);
    table_rig_close(&rig);
}

const char *const suite_name = "client-shm-lies";
const struct suite_test suite_tests[] = {
    {"good", test_good},   {"heads", test_heads},
    {"names", test_names}, {"values", test_values},
    {"texts", test_texts}, {"watched", test_watched},
    {NULL, NULL},
};

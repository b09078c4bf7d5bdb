/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client and what iotd offers: taken or not, read, watched, and another table after it. */

#include <errno.h>
#include <string.h>

#include "libiotclient/client.h"
#include "libiotclient/ipc/pack.h"
#include "libiotclient/prop_table.h"
#include "tests/lib/suite.h"
#include "tests/lib/table-rig.h"

#define N_PLACES 8
#define BLOBS 65536

static void test_offers(void)
{
    iotc_client *client = table_rig_client();
    int swapped[LAYOUT_FD_COUNT_];
    struct table_rig rig;

    table_rig_open(&rig, N_PLACES, 0, 1);
    /* What is no offer, or not ours. */
    CHECK_INT(table_rig_attach_with(client, NULL, 0, ""), 0);
    CHECK_INT(table_rig_attach_with(client, rig.fds, 5, NULL), 0);
    CHECK_INT(table_rig_attach_with(client, rig.fds, 5, "2.0"), 0);
    CHECK_INT(table_rig_attach_with(client, rig.fds, 5, "10.0"), 0);
    CHECK_INT(table_rig_attach_with(client, rig.fds, 4, "1.0"), 0);
    CHECK(!shm_is_active(client));
    /* One that is not what it says: not asked for again the next time, but then once more. */
    memcpy(swapped, rig.fds, sizeof(swapped));
    swapped[LAYOUT_FD_UP] = rig.fds[LAYOUT_FD_DOWN];
    CHECK_INT(table_rig_attach_with(client, swapped, 5, "1.0"), -EPROTO);
    CHECK(client->shm.is_avoided && !shm_is_active(client));
    CHECK_INT(table_rig_attach_with(client, NULL, 0, ""), 0);
    CHECK(!client->shm.is_avoided);
    memcpy(swapped, rig.fds, sizeof(swapped));
    swapped[LAYOUT_FD_TABLE] = rig.fds[LAYOUT_FD_BELL_UP];
    CHECK_INT(table_rig_attach_with(client, swapped, 5, "1.0"), -EPROTO);
    CHECK(!shm_is_active(client));
    /* A later minor. */
    CHECK_INT(table_rig_attach_with(client, rig.fds, 5, "1.7"), 0);
    CHECK(shm_is_active(client));
    iotc_client_unref(client);
    table_rig_close(&rig);
}

static void put_struct(struct table_rig *rig, size_t place, size_t n_members)
{
    static uint64_t data[512];
    struct pack_writer w = {(uint8_t *) data, sizeof(data), 0, false};
    char key[24];

    for (size_t i = 0; i < n_members; i++) {
        (void) snprintf(key, sizeof(key), "m%zu", i);
        pack_put_int(&w, key, (int64_t) i);
    }
    CHECK(!w.full);
    table_rig_put(rig, place, LAYOUT_TYPE_STRUCT, data, w.len, 5);
}

static void open_all_types(struct table_rig *rig)
{
    static const struct {
        const char *id;
        uint32_t type;
    } places[N_PLACES] = {
        {"on", LAYOUT_TYPE_BOOL},         {"level", LAYOUT_TYPE_INT},
        {"load", LAYOUT_TYPE_FLOAT},      {"name", LAYOUT_TYPE_STRING},
        {"mode", LAYOUT_TYPE_ENUM},       {"since", LAYOUT_TYPE_TIMESTAMP},
        {"kind", LAYOUT_TYPE_STRINGENUM}, {"place", LAYOUT_TYPE_STRUCT},
    };

    table_rig_open(rig, N_PLACES, BLOBS, 7);
    for (size_t i = 0; i < N_PLACES; i++)
        table_rig_name(rig, i, places[i].id, places[i].type, i == 1 ? LAYOUT_FLAG_WRITABLE : 0);
}

static void test_types(void)
{
    static const uint64_t one = 1;
    static const double half = 0.5;
    static const int64_t two = 2, when = 1700000000;
    iotc_client *client = table_rig_client();
    iotc_value *value = NULL;
    uint64_t stamp = 0;
    struct table_rig rig;
    char text[64];
    int64_t i = 0;
    double d = 0;
    bool b = false;

    open_all_types(&rig);
    CHECK_INT(table_rig_attach(&rig, client), 0);
    CHECK_INT(iotc_prop_get_type(table_rig_prop(client, "kind")), IOTC_TYPE_STRINGENUM);
    CHECK(iotc_prop_is_writable(table_rig_prop(client, "level")));
    CHECK(!iotc_prop_is_writable(table_rig_prop(client, "on")));
    CHECK_INT(iotc_prop_get_int(table_rig_prop(client, "level"), &i, &stamp), -ENODATA);
    CHECK_INT(iotc_prop_get_string(table_rig_prop(client, "level"), text, 9, NULL), -EPROTOTYPE);

    table_rig_put(&rig, 0, LAYOUT_TYPE_BOOL, &one, 8, 1);
    table_rig_put_int(&rig, 1, -12);
    table_rig_put(&rig, 2, LAYOUT_TYPE_FLOAT, &half, 8, 3);
    table_rig_put_text(&rig, 3, "study");
    table_rig_put(&rig, 4, LAYOUT_TYPE_ENUM, &two, 8, 4);
    table_rig_put(&rig, 5, LAYOUT_TYPE_TIMESTAMP, &when, 8, 4);
    table_rig_put(&rig, 6, LAYOUT_TYPE_STRINGENUM, "cold", 4, 4);
    put_struct(&rig, 7, 2);
    CHECK_INT(iotc_prop_get_bool(table_rig_prop(client, "on"), &b, &stamp), 0);
    CHECK(b && stamp == 1);
    CHECK_INT(iotc_prop_get_int(table_rig_prop(client, "level"), &i, &stamp), 0);
    CHECK(i == -12 && stamp == (uint64_t) -12);
    CHECK_INT(iotc_prop_get_double(table_rig_prop(client, "load"), &d, NULL), 0);
    CHECK(d > 0.49 && d < 0.51);
    CHECK_INT(iotc_prop_get_string(table_rig_prop(client, "name"), text, sizeof(text), &stamp), 5);
    CHECK_STR(text, "study");
    CHECK_INT(iotc_prop_get_string(table_rig_prop(client, "name"), text, 3, NULL), 5);
    CHECK_STR(text, "st");
    CHECK_INT(iotc_prop_get_string(table_rig_prop(client, "name"), NULL, 0, NULL), 5);
    CHECK_INT(iotc_prop_get_int(table_rig_prop(client, "mode"), &i, NULL), 0);
    CHECK_INT(i, 2);
    CHECK_INT(iotc_prop_get_int(table_rig_prop(client, "since"), &i, NULL), 0);
    CHECK_INT(i, when);
    CHECK_INT(iotc_prop_get_string(table_rig_prop(client, "kind"), text, sizeof(text), NULL), 4);
    CHECK_STR(text, "cold");
    CHECK_INT(iotc_prop_get_value(table_rig_prop(client, "place"), &value, &stamp), 0);
    CHECK_INT(iotc_value_get_int(value, "m1", &i), 0);
    CHECK(i == 1 && stamp == 5);
    CHECK_INT(iotc_prop_get_json(table_rig_prop(client, "place"), text, sizeof(text), NULL), 15);
    CHECK_STR(text, "{\"m0\":0,\"m1\":1}");
    CHECK_INT(iotc_prop_get_json(table_rig_prop(client, "on"), text, sizeof(text), NULL), 1);
    CHECK_INT(iotc_prop_get_int(table_rig_prop(client, "on"), &i, NULL), -EPROTOTYPE);
    CHECK_INT(iotc_prop_get_bool(table_rig_prop(client, "level"), &b, NULL), -EPROTOTYPE);
    CHECK_INT(iotc_prop_get_double(table_rig_prop(client, "level"), &d, NULL), -EPROTOTYPE);
    CHECK_INT(iotc_prop_get_value(table_rig_prop(client, "name"), &value, NULL), -EPROTOTYPE);
    iotc_value_free(value);
    iotc_client_unref(client);
    table_rig_close(&rig);
}

static void test_long_values(void)
{
    static char longest[LIMIT_STRING_VALUE + 1], got[LIMIT_STRING_VALUE + 1];
    iotc_client *client = table_rig_client();
    iotc_value *value = NULL;
    struct table_rig rig;
    iotc_prop *name;
    int64_t i = 0;

    open_all_types(&rig);
    CHECK_INT(table_rig_attach(&rig, client), 0);
    name = table_rig_prop(client, "name");
    memset(longest, 'x', LIMIT_STRING_VALUE);
    for (size_t len = LAYOUT_INLINE - 1; len <= LIMIT_STRING_VALUE; len += 251) {
        longest[len] = '\0';
        table_rig_put_text(&rig, 3, longest);
        CHECK_INT(iotc_prop_get_string(name, got, sizeof(got), NULL), len);
        CHECK_STR(got, longest);
        longest[len] = 'x';
    }
    longest[LIMIT_STRING_VALUE] = '\0';
    table_rig_put_text(&rig, 3, longest);
    CHECK_INT(iotc_prop_get_string(name, got, 10, NULL), LIMIT_STRING_VALUE);
    CHECK_STR(got, "xxxxxxxxx");
    put_struct(&rig, 7, LIMIT_STRUCT_MEMBERS);
    CHECK_INT(iotc_prop_get_value(table_rig_prop(client, "place"), &value, NULL), 0);
    CHECK_INT(iotc_value_get_int(value, "m63", &i), 0);
    CHECK_INT(i, 63);
    iotc_value_free(value);
    iotc_client_unref(client);
    table_rig_close(&rig);
}

/* --- tables one after the other --- */

static int64_t get_int(iotc_client *client, const char *id)
{
    int64_t i = -1;

    CHECK_INT(iotc_prop_get_int(table_rig_prop(client, id), &i, NULL), 0);
    return i;
}

/* What iotd does when it goes. */
static void leave(struct table_rig *rig, iotc_client *client)
{
    shm_on_detached(client);
    table_rig_close(rig);
}

static void test_another_iotd(void)
{
    iotc_client *client = table_rig_client();
    iotc_prop *a, *b, *gone;
    struct table_rig rig;
    char text[100];
    int64_t i;

    table_rig_open(&rig, 4, 4096, 1);
    table_rig_name(&rig, 0, "a", LAYOUT_TYPE_INT, 0);
    table_rig_name(&rig, 1, "b", LAYOUT_TYPE_STRING, 0);
    table_rig_name(&rig, 2, "gone", LAYOUT_TYPE_INT, 0);
    CHECK_INT(table_rig_attach(&rig, client), 0);
    table_rig_put_int(&rig, 0, 10);
    table_rig_put_text(&rig, 1, "a text that is longer than what a slot has room for, by some");
    table_rig_put_int(&rig, 2, 30);
    a = table_rig_prop(client, "a");
    b = table_rig_prop(client, "b");
    gone = table_rig_prop(client, "gone");
    leave(&rig, client);
    CHECK_INT(iotc_prop_get_int(a, &i, NULL), 0);
    CHECK_INT(i, 10);
    CHECK_INT(iotc_prop_get_string(b, text, sizeof(text), NULL), 60);

    /* Other places, more room; one without a value, one that is gone. */
    table_rig_open(&rig, 2000, 1 << 20, 2);
    table_rig_name(&rig, 1500, "a", LAYOUT_TYPE_INT, 0);
    table_rig_name(&rig, 0, "b", LAYOUT_TYPE_STRING, 0);
    table_rig_put_int(&rig, 1500, 11);
    CHECK_INT(table_rig_attach(&rig, client), 0);
    CHECK(table_rig_prop(client, "a") == a);
    CHECK_INT(get_int(client, "a"), 11);
    CHECK_INT(iotc_prop_get_string(b, text, sizeof(text), NULL), 60);
    CHECK_INT(strncmp(text, "a text that", 11), 0);
    CHECK_INT(iotc_prop_get_int(gone, &i, NULL), 0);
    CHECK_INT(i, 30);
    CHECK_INT(iotc_prop_lookup(client, "gone", &gone), -ENOENT);
    table_rig_put_text(&rig, 0, "new");
    CHECK_INT(iotc_prop_get_string(b, text, sizeof(text), NULL), 3);
    leave(&rig, client);

    /* A small one again, and then none. */
    table_rig_open(&rig, 1, 0, 3);
    table_rig_name(&rig, 0, "a", LAYOUT_TYPE_INT, 0);
    table_rig_put_int(&rig, 0, 12);
    CHECK_INT(table_rig_attach(&rig, client), 0);
    CHECK_INT(get_int(client, "a"), 12);
    CHECK_INT(iotc_prop_get_string(b, text, sizeof(text), NULL), 3);
    leave(&rig, client);
    CHECK_INT(table_rig_attach_with(client, NULL, 0, ""), 0);
    CHECK(!client->props.table);
    CHECK_INT(iotc_prop_get_int(a, &i, NULL), 0);
    CHECK_INT(i, 12);
    iotc_client_unref(client);
}

/* --- watches --- */

static void on_change(iotc_client *client, iotc_prop *prop, void *userdata)
{
    (void) client;
    (void) prop;
    ++*(unsigned *) userdata;
}

static bool is_watched(const struct table_rig *rig, size_t place)
{
    return rig->up->watch[place / 32] >> place % 32 & 1;
}

static void test_watch(void)
{
    iotc_client *client = table_rig_client();
    iotc_slot *slots[2] = {NULL, NULL};
    unsigned n[2] = {0, 0};
    struct table_rig rig;

    open_all_types(&rig);
    table_rig_put_int(&rig, 1, 5);
    CHECK_INT(table_rig_attach(&rig, client), 0);
    for (int i = 0; i < 2; i++)
        CHECK_INT(
            iotc_prop_watch(table_rig_prop(client, "level"), &slots[i], on_change, &n[i], NULL), 0);
    CHECK(is_watched(&rig, 1) && !is_watched(&rig, 0) && !is_watched(&rig, 2));
    CHECK_INT(iotc_client_dispatch(client), 0); /* what was there is no change */
    CHECK_INT(rig.up->bell_program, 1);

    table_rig_put_text(&rig, 3, "not watched");
    CHECK_INT(rig.up->bell_program, 1);
    table_rig_put_int(&rig, 1, 5); /* the same again */
    CHECK_INT(rig.up->bell_program, 0);
    CHECK_INT(iotc_client_wait(client, 10000), 0);
    table_rig_put_int(&rig, 1, 6);
    table_rig_put_int(&rig, 1, 7);
    CHECK_INT(iotc_client_wait(client, 10000), 2);
    CHECK(n[0] == 1 && n[1] == 1);
    CHECK_INT(iotc_client_dispatch(client), 0);

    slots[0] = iotc_slot_unref(slots[0]);
    CHECK(is_watched(&rig, 1));
    slots[1] = iotc_slot_unref(slots[1]);
    CHECK(!is_watched(&rig, 1));
    table_rig_put_int(&rig, 1, 8);
    CHECK_INT(rig.up->bell_program, 1);
    iotc_client_unref(client);
    table_rig_close(&rig);
}

/* The next iotd has to be told, and what is other with it is a change. */
static void test_watch_over_restart(void)
{
    iotc_client *client = table_rig_client();
    unsigned n = 0, n_same = 0;
    struct table_rig rig;

    open_all_types(&rig);
    table_rig_put_int(&rig, 1, 5);
    table_rig_put_text(&rig, 3, "same");
    CHECK_INT(table_rig_attach(&rig, client), 0);
    CHECK_INT(iotc_prop_watch(table_rig_prop(client, "level"), NULL, on_change, &n, NULL), 0);
    CHECK_INT(iotc_prop_watch(table_rig_prop(client, "name"), NULL, on_change, &n_same, NULL), 0);
    leave(&rig, client);
    table_rig_open(&rig, 100, 0, 8);
    table_rig_name(&rig, 70, "level", LAYOUT_TYPE_INT, 0);
    table_rig_name(&rig, 2, "name", LAYOUT_TYPE_STRING, 0);
    table_rig_put_int(&rig, 70, 6);
    table_rig_put_text(&rig, 2, "same");
    CHECK_INT(table_rig_attach(&rig, client), 0);
    CHECK(is_watched(&rig, 70) && is_watched(&rig, 2) && !is_watched(&rig, 1));
    CHECK_INT(iotc_client_dispatch(client), 1);
    CHECK(n == 1 && n_same == 0);
    table_rig_put_int(&rig, 70, 7);
    CHECK_INT(iotc_client_wait(client, 10000), 1);
    CHECK_INT(n, 2);
    iotc_client_unref(client);
    table_rig_close(&rig);
}

/* A watcher of one property ends that of another, and takes up a third. */
static struct {
    iotc_slot *other;
    unsigned n_other, n_third;
} chain;

static void on_chain(iotc_client *client, iotc_prop *prop, void *userdata)
{
    (void) prop;
    (void) userdata;
    chain.other = iotc_slot_unref(chain.other);
    CHECK_INT(
        iotc_prop_watch(table_rig_prop(client, "load"), NULL, on_change, &chain.n_third, NULL), 0);
}

static void test_watch_changes_in_callback(void)
{
    iotc_client *client = table_rig_client();
    struct table_rig rig;
    double d = 1;

    open_all_types(&rig);
    CHECK_INT(table_rig_attach(&rig, client), 0);
    CHECK_INT(iotc_prop_watch(table_rig_prop(client, "level"), NULL, on_chain, NULL, NULL), 0);
    CHECK_INT(iotc_prop_watch(table_rig_prop(client, "mode"), &chain.other, on_change,
                              &chain.n_other, NULL),
              0);
    CHECK_INT(iotc_client_dispatch(client), 0);
    table_rig_put_int(&rig, 1, 1);
    table_rig_put(&rig, 4, LAYOUT_TYPE_ENUM, &(int64_t){1}, 8, 1);
    table_rig_put(&rig, 2, LAYOUT_TYPE_FLOAT, &d, 8, 1);
    CHECK_INT(iotc_client_wait(client, 10000), 1);
    CHECK(chain.n_other == 0 && chain.n_third == 0);
    d = 2;
    table_rig_put(&rig, 2, LAYOUT_TYPE_FLOAT, &d, 8, 1);
    CHECK_INT(iotc_client_wait(client, 10000), 1);
    CHECK_INT(chain.n_third, 1);
    iotc_client_unref(client);
    table_rig_close(&rig);
}

/* The model has changed in the same table. */
static void test_model(void)
{
    iotc_client *client = table_rig_client();
    iotc_prop *level, *later = NULL;
    uint32_t flags = 0;
    struct table_rig rig;
    int64_t i = 0;

    table_rig_open(&rig, 4, 0, 1);
    table_rig_name(&rig, 0, "level", LAYOUT_TYPE_INT, 0);
    CHECK_INT(table_rig_attach(&rig, client), 0);
    table_rig_put_int(&rig, 0, 3);
    level = table_rig_prop(client, "level");
    CHECK_INT(iotc_prop_lookup(client, "later", &later), -ENOENT);
    table_rig_name(&rig, 1, "later", LAYOUT_TYPE_INT, 0);
    table_rig_put_int(&rig, 1, 4);
    table_rig_name(&rig, 0, "level", LAYOUT_TYPE_NONE, 0);
    CHECK_INT(props_table_scan(client), 0);
    CHECK_INT(get_int(client, "later"), 4);
    CHECK_INT(iotc_prop_lookup(client, "level", &later), -ENOENT);
    CHECK_INT(iotc_prop_get_int(level, &i, NULL), -ENODATA);
    table_rig_name(&rig, 0, "level", LAYOUT_TYPE_STRING, LAYOUT_FLAG_HISTORY);
    table_rig_put(&rig, 0, LAYOUT_TYPE_STRING, "x", 1, 1);
    CHECK_INT(props_table_scan(client), 0);
    CHECK(table_rig_prop(client, "level") == level);
    CHECK_INT(iotc_prop_get_type(level), IOTC_TYPE_STRING);
    CHECK_INT(iotc_prop_get_int(level, &i, NULL), -EPROTOTYPE);
    CHECK(prop_table_flags(level, &flags));
    CHECK_INT(flags, LAYOUT_FLAG_VALUE);
    iotc_client_unref(client);
    table_rig_close(&rig);
}

const char *const suite_name = "client-shm";
const struct suite_test suite_tests[] = {
    {"offers", test_offers},
    {"types", test_types},
    {"long values", test_long_values},
    {"another iotd", test_another_iotd},
    {"watch", test_watch},
    {"watch over restart", test_watch_over_restart},
    {"watch changes in callback", test_watch_changes_in_callback},
    {"model", test_model},
    {NULL, NULL},
};

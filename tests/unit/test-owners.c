/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/owners.h"
#include "tests/lib/rig.h"
#include "tests/lib/suite.h"

static struct model *model;
static struct clients cs;
static struct client *lamp, *door;
static struct owners o;

static void begin(void)
{
    model = rig_model();
    clients_init(&cs);
    CHECK_INT(clients_add(&cs, ":1.1", 0, 0, &lamp), 0);
    CHECK_INT(clients_add(&cs, ":1.2", 0, 0, &door), 0);
    CHECK_INT(owners_init(&o, model), 0);
}

static void end(void)
{
    owners_release(&o, lamp);
    owners_release(&o, door);
    CHECK_INT(lamp->n_ids + door->n_ids, 0);
    clients_remove(&cs, lamp);
    clients_remove(&cs, door);
    clients_done(&cs);
    owners_done(&o);
    model = model_free(model);
}

/* A text of ids: properties, events and actions are told apart by the model. */
struct list_of {
    const char *ids[FEATURE_COUNT_][8];
    struct owners_ids all;
    char text[256];
};

static const struct owners_ids *ids(struct list_of *l, const char *text)
{
    char *save = NULL;

    *l = (struct list_of){0};
    (void) snprintf(l->text, sizeof(l->text), "%s", text);
    for (char *t = strtok_r(l->text, " ", &save); t; t = strtok_r(NULL, " ", &save)) {
        enum feature f = model_find_event(model, t) >= 0    ? FEATURE_EVENT
                         : model_find_action(model, t) >= 0 ? FEATURE_ACTION
                                                            : FEATURE_PROPERTY;

        l->ids[f][l->all.n[f]++] = t;
    }
    for (int f = 0; f < FEATURE_COUNT_; f++)
        l->all.ids[f] = l->ids[f];
    return &l->all;
}

static int reg(struct client *c, const char *text, const char *handler, const char *bad)
{
    struct list_of l;
    const char *id = "";
    int r = owners_register(&o, c, ids(&l, text), handler, &id);

    CHECK_STR(id, bad);
    return r;
}

static int unreg(struct client *c, const char *text, const char *bad)
{
    struct list_of l;
    const char *id = "";
    int r = owners_unregister(&o, c, ids(&l, text), &id);

    CHECK_STR(id, bad);
    return r;
}

/* Who serves what, in the order of the model: "l" the lamp, "d" the door, "." nobody. */
static const char *map(void)
{
    static char text[32];
    size_t n = 0;

    for (int f = 0; f < FEATURE_COUNT_; f++) {
        for (size_t i = 0; i < owners_count(&o, (enum feature) f); i++) {
            const struct registration *r = owners_get(&o, (enum feature) f, i);

            text[n++] = !r ? '.' : r->client == lamp ? 'l' : 'd';
        }
        text[n++] = f + 1 < FEATURE_COUNT_ ? ' ' : '\0';
    }
    return text;
}

static void test_names(void)
{
    begin();
    CHECK_INT(owners_count(&o, FEATURE_PROPERTY), 6);
    CHECK_INT(owners_count(&o, FEATURE_EVENT), 3);
    CHECK_INT(owners_count(&o, FEATURE_ACTION), 2);
    CHECK_STR(owners_id(&o, FEATURE_PROPERTY, 1), "level");
    CHECK_STR(owners_id(&o, FEATURE_EVENT, 2), "broken");
    CHECK_STR(owners_id(&o, FEATURE_ACTION, 0), "unlock");
    CHECK_STR(map(), "...... ... ..");
    end();
}

static void test_register(void)
{
    begin();
    CHECK_INT(reg(lamp, "power level low unlock", "/l", ""), 0);
    CHECK_STR(map(), "ll.... .l. l.");
    CHECK_INT(lamp->n_ids, 4);
    CHECK_INT(reg(door, "name status", "/d", ""), 0);
    CHECK_STR(map(), "ll.d.. dl. l.");
    CHECK_INT(reg(lamp, "", "/l", ""), 0);      /* a handler without ids is nothing */
    CHECK_INT(reg(lamp, "power", "/l", ""), 0); /* its own again */
    CHECK_INT(lamp->n_ids, 4);
    CHECK_INT(reg(lamp, "color color", "/l", ""), 0); /* listed twice */
    CHECK_INT(lamp->n_ids, 5);
    CHECK_STR(owners_get(&o, FEATURE_PROPERTY, 2)->handler, "/l");
    end();
}

/* All or none, and the id that it was about. */
static void test_refused(void)
{
    begin();
    CHECK_INT(reg(lamp, "power unlock", "/l", ""), 0);
    CHECK_INT(reg(door, "level nothing", "/d", "nothing"), -ENOENT);
    CHECK_INT(reg(door, "level power", "/d", "power"), -EEXIST);
    CHECK_INT(reg(door, "level status unlock", "/d", "unlock"), -EEXIST);
    CHECK_STR(map(), "l..... ... l.");
    CHECK(list_is_empty(&door->registrations) && door->n_ids == 0);
    end();
}

/* An id moves when its program registers it with another handler. */
static void test_handlers(void)
{
    begin();
    CHECK_INT(reg(lamp, "power level", "/a", ""), 0);
    CHECK_INT(reg(lamp, "level color", "/b", ""), 0);
    CHECK_STR(owners_get(&o, FEATURE_PROPERTY, 0)->handler, "/a");
    CHECK_STR(owners_get(&o, FEATURE_PROPERTY, 1)->handler, "/b");
    CHECK_INT(lamp->n_ids, 3);
    CHECK_INT(reg(lamp, "power", "/b", ""), 0); /* nothing is left at /a */
    CHECK(owners_get(&o, FEATURE_PROPERTY, 0) == owners_get(&o, FEATURE_PROPERTY, 2));
    CHECK(lamp->registrations.next == lamp->registrations.prev);
    CHECK_INT(owners_get(&o, FEATURE_PROPERTY, 0)->n_ids, 3);
    end();
}

static void test_unregister(void)
{
    begin();
    CHECK_INT(reg(lamp, "power level low unlock", "/l", ""), 0);
    CHECK_INT(reg(door, "name", "/d", ""), 0);
    CHECK_INT(unreg(lamp, "power name", "name"), -EPERM);
    CHECK_INT(unreg(lamp, "power color", "color"), -EPERM);
    CHECK_INT(unreg(lamp, "power nothing", "nothing"), -ENOENT);
    CHECK_STR(map(), "ll.d.. .l. l.");
    CHECK_INT(unreg(lamp, "power power low", ""), 0);
    CHECK_STR(map(), ".l.d.. ... l.");
    CHECK_INT(lamp->n_ids, 2);
    CHECK_INT(reg(door, "power", "/d", ""), 0); /* free for others at once */
    CHECK_INT(unreg(lamp, "", ""), 0);          /* everything */
    CHECK_STR(map(), "d..d.. ... ..");
    CHECK_INT(unreg(lamp, "", ""), 0);
    CHECK(list_is_empty(&lamp->registrations));
    end();
}

static void test_release(void)
{
    begin();
    CHECK_INT(reg(lamp, "power level low unlock", "/l", ""), 0);
    CHECK_INT(reg(lamp, "color", "/m", ""), 0);
    CHECK_INT(reg(door, "name", "/d", ""), 0);
    owners_release(&o, lamp);
    CHECK_STR(map(), "...d.. ... ..");
    CHECK(list_is_empty(&lamp->registrations) && lamp->n_ids == 0);
    owners_release(&o, lamp);
    end();
}

static void test_quota(void)
{
    static const char *many[LIMIT_CLIENT_IDS + 1];
    struct owners_ids all = {.ids = {many}, .n = {LIMIT_CLIENT_IDS + 1}};
    const char *id = "";

    begin();
    for (size_t i = 0; i < ARRAY_SIZE(many); i++)
        many[i] = "power";
    CHECK_INT(owners_register(&o, lamp, &all, "/l", &id), 0); /* each counts once */
    CHECK_INT(lamp->n_ids, 1);
    all = (struct owners_ids){.ids = {many, many, many},
                              .n = {LIMIT_CLIENT_IDS, LIMIT_CLIENT_IDS, LIMIT_CLIENT_IDS + 1}};
    CHECK_INT(owners_register(&o, lamp, &all, "/l", &id), -ENOBUFS);
    end();
}

/* What a program serves already counts once, whatever it asks for again. */
static void test_quota_of_one(void)
{
    static const char *const three[] = {"power", "level", "color"}, *const four[] = {"name"};
    const struct owners_ids ids = {.ids = {three}, .n = {3}};
    const struct owners_ids event = {.ids = {NULL, three}, .n = {0, 0}};
    const struct owners_ids more = {.ids = {four}, .n = {1}};
    const char *id = "";

    begin();
    o.max_ids = 3;
    CHECK_INT(owners_register(&o, lamp, &ids, "/l", &id), 0);
    CHECK_INT(owners_register(&o, lamp, &ids, "/other", &id), 0);
    CHECK_INT(lamp->n_ids, 3);
    CHECK_INT(owners_register(&o, lamp, &event, "/l", &id), 0);
    CHECK_INT(owners_check(&o, lamp, &more, &id), -EDQUOT);
    CHECK_INT(owners_register(&o, lamp, &more, "/l", &id), -EDQUOT);
    CHECK_INT(owners_check(&o, NULL, &more, &id), 0);
    CHECK_INT(owners_register(&o, door, &more, "/d", &id), 0);
    CHECK_INT(owners_unregister(&o, lamp, &ids, &id), 0);
    CHECK_INT(lamp->n_ids, 0);
    end();
}

const char *const suite_name = "owners";
const struct suite_test suite_tests[] = {
    {"names", test_names},       {"register", test_register},         {"refused", test_refused},
    {"handlers", test_handlers}, {"unregister", test_unregister},     {"release", test_release},
    {"quota", test_quota},       {"quota_of_one", test_quota_of_one}, {NULL, NULL},
};

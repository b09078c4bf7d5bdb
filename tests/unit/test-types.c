/* SPDX-License-Identifier: GPL-2.0-or-later */
/* iotd's verdicts on the table of types: from JSON, and from D-Bus values. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cloud/model.h"
#include "daemon/front/bus_value.h"
#include "dbus/errmap.h"
#include "dbus/msg.h"
#include "dbus/names.h"
#include "tests/lib/json-bus.h"
#include "tests/lib/suite.h"
#include "tests/lib/types-table.h"

static void count_mistake(const char *path, const char *what, void *userdata)
{
    (void) path;
    (void) what;
    ++*(unsigned *) userdata;
}

static void tell_mistake(const char *path, const char *what, void *userdata)
{
    (void) userdata;
    suite_fail(__FILE__, __LINE__, "%s: %s", path, what);
}

static struct model *load(void)
{
    const char *srcdir = getenv("IOTD_SRCDIR");
    static char text[65536];
    struct model *m = NULL;
    char path[512];
    FILE *f;

    (void) snprintf(path, sizeof(path), "%s/tests/data/types.json", srcdir ? srcdir : ".");
    f = fopen(path, "re");
    CHECK(f);
    if (!f)
        return NULL;
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    fclose(f);
    CHECK_INT(model_parse(&m, text, strlen(text), "IOTDLIGHT1", tell_mistake, NULL), 0);
    return m;
}

/* The error as it crosses the bus; NULL for none. */
static const char *name_of(int r)
{
    return r == 0 ? NULL : errmap_name(r) + strlen(IOTD_ERROR_PREFIX);
}

static void check(const struct types_value *c, const char *door, int r, struct value *v,
                  const json_t *json)
{
    const char *name = name_of(r);

    if ((name == NULL) != (c->error == NULL) || (name && strcmp(name, c->error) != 0))
        suite_fail(__FILE__, __LINE__, "%s %.60s by %s: %s, wanted %s", c->id, c->json, door,
                   name ? name : "good", c->error ? c->error : "good");
    if (r == 0) {
        CLEANUP(freep) char *text = NULL;
        CLEANUP(freep) char *want = c->becomes ? types_json(c->becomes) : NULL;
        json_t *a, *b = want ? json_loads(want, JSON_DECODE_ANY, NULL) : json_deep_copy(json);
        struct strbuf sb;

        strbuf_init(&sb, 65536);
        value_to_json(&sb, v);
        CHECK_INT(strbuf_finish(&sb, &text), 0);
        a = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
        /* 1 and 1.0 are one number, of a float too */
        if (!a || (!json_equal(a, b) &&
                   !(json_is_number(a) && json_is_number(b) &&
                     json_number_value(a) == json_number_value(b)) &&
                   !strstr(c->json, ".0")))
            suite_fail(__FILE__, __LINE__, "%s %.60s by %s: %.80s", c->id, c->json, door, text);
        json_decref(a);
        json_decref(b);
    }
    value_done(v);
}

static int by_bus(const struct thing_define *def, const char *id, const json_t *json,
                  struct value *ret_value)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = dbus_message_new_signal("/a", "a.b", "C");
    char detail[BUS_VALUE_DETAIL] = "";
    DBusMessageIter it;
    int r;

    dbus_message_iter_init_append(msg, &it);
    json_bus_append(&it, json);
    dbus_message_iter_init(msg, &it);
    r = bus_value_read(&it, def, id, false, ret_value, detail);
    CHECK((r < 0) == (detail[0] != '\0'));
    CHECK(r == 0 || strncmp(detail, id, strlen(id)) == 0);
    return r;
}

static void test_values(void)
{
    CLEANUP(model_freep) struct model *m = load();

    for (size_t i = 0; m && i < types_n_values; i++) {
        const struct types_value *c = &types_values[i];
        int index = model_find_property(m, c->id);
        CLEANUP(freep) char *text = types_json(c->json);
        json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
        struct value v = {0};

        CHECK(json);
        if (index < 0 || !json) {
            CHECK_STR(name_of(index), c->error);
            json_decref(json);
            continue;
        }
        check(c, "JSON", value_from_json(&m->properties[index].define, json, &v, NULL), &v, json);
        v = (struct value){0};
        check(c, "JSON text", value_from_json_text(&m->properties[index].define, text, &v, NULL),
              &v, json);
        v = (struct value){0};
        check(c, "D-Bus", by_bus(&m->properties[index].define, c->id, json, &v), &v, json);
        json_decref(json);
    }
}

static void test_defines(void)
{
    for (size_t i = 0; i < types_n_defines; i++) {
        CLEANUP(freep) char *text = types_model(types_defines[i].json);
        struct model *m = NULL;
        unsigned n = 0;
        int r = model_parse(&m, text, strlen(text), NULL, count_mistake, &n);

        CHECK_INT(r == 0, n == 0);
        if ((r == 0) != types_defines[i].good)
            suite_fail(__FILE__, __LINE__, "%s: %d", types_defines[i].json, r);
        model_free(m);
    }
}

const char *const suite_name = "types";
const struct suite_test suite_tests[] = {
    {"values", test_values},
    {"defines", test_defines},
    {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of types through the C API: what is within the model arrives, anything else has the
 * same verdict as at the other doors, whether the library or iotd says it.
 *
 *   iotc_prop_report_int(t_int, 11)    → -ERANGE
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <iotclient/iotclient.h>

#include "dbus/errmap.h"
#include "tests/lib/scene.h"
#include "tests/lib/types-table.h"

struct program {
    struct scene scene;
    iotc_client *client;
    bool is_done;
    int result;
};

static void on_done(iotc_client *client, int result, void *userdata)
{
    struct program *p = userdata;

    (void) client;
    p->is_done = true;
    p->result = result;
}

/* -ENOTSUP: C has no words for it. */
static int build(const json_t *json, iotc_value **ret_value);

static int set_member(iotc_value *s, const char *id, const json_t *json)
{
    if (json_is_boolean(json))
        return iotc_value_set_bool(s, id, json_is_true(json));
    if (json_is_integer(json))
        return iotc_value_set_int(s, id, json_integer_value(json));
    if (json_is_real(json))
        return iotc_value_set_double(s, id, json_real_value(json));
    if (json_is_string(json))
        return iotc_value_set_string(s, id, json_string_value(json));
    return -ENOTSUP;
}

static int add_element(iotc_value *a, const json_t *json)
{
    iotc_value *element = NULL;
    int r;

    if (json_is_integer(json))
        return iotc_value_add_int(a, json_integer_value(json));
    if (json_is_real(json))
        return iotc_value_add_double(a, json_real_value(json));
    if (json_is_string(json))
        return iotc_value_add_string(a, json_string_value(json));
    r = build(json, &element);
    if (r == 0)
        r = iotc_value_add_value(a, element);
    iotc_value_free(element);
    return r;
}

static int build(const json_t *json, iotc_value **ret_value)
{
    iotc_value *v = NULL;
    const char *id;
    json_t *member;
    size_t i;
    int r = -ENOTSUP;

    if (json_is_object(json)) {
        r = iotc_value_new_struct(&v);
        json_object_foreach((json_t *) (uintptr_t) json, id, member)
        {
            if (r == 0)
                r = set_member(v, id, member);
        }
    } else if (json_is_array(json)) {
        r = iotc_value_new_array(&v);
        json_array_foreach(json, i, member)
        {
            if (r == 0)
                r = add_element(v, member);
        }
    }
    if (r < 0)
        v = iotc_value_free(v);
    *ret_value = v;
    return r;
}

static bool is_whole(double d)
{
    return d > -1e15 && d < 1e15 && (double) (int64_t) d == d;
}

/* A C program knows the type of what it reports: other forms of a number have no words. */
static int report(struct program *p, iotc_prop *prop, const json_t *json)
{
    iotc_type type = iotc_prop_get_type(prop);
    iotc_value *nested = NULL;
    int r;

    if (type == IOTC_TYPE_FLOAT && json_is_number(json))
        return iotc_prop_report_double(prop, json_number_value(json), on_done, p);
    if (type == IOTC_TYPE_BOOL && json_is_integer(json) && json_integer_value(json) >> 1 == 0)
        return iotc_prop_report_bool(prop, json_integer_value(json) == 1, on_done, p);
    if (json_is_boolean(json))
        return iotc_prop_report_bool(prop, json_is_true(json), on_done, p);
    if (json_is_integer(json) && type != IOTC_TYPE_BOOL)
        return iotc_prop_report_int(prop, json_integer_value(json), on_done, p);
    if (json_is_real(json) && !is_whole(json_real_value(json)))
        return iotc_prop_report_double(prop, json_real_value(json), on_done, p);
    if (json_is_string(json))
        return iotc_prop_report_string(prop, json_string_value(json), on_done, p);
    r = build(json, &nested);
    if (r == 0)
        r = iotc_prop_report_value(prop, nested, on_done, p);
    iotc_value_free(nested);
    return r;
}

/* The end of a report. */
static int finish(struct program *p)
{
    uint64_t deadline = fixture_deadline_ms();

    while (!p->is_done && fixture_left_ms(deadline) > 0) {
        if (iotc_client_wait(p->client, fixture_left_ms(deadline)) < 0)
            break;
    }
    CHECK(p->is_done);
    return p->result;
}

/* Whether the two say the same; what the API cannot carry at all it says in its own words. */
static bool is_verdict(int r, int wanted)
{
    return r == wanted || (wanted < 0 && (r == -EMSGSIZE || r == -EINVAL));
}

/* Whether C has words for it. */
static bool check_value(struct program *p, const struct types_value *c)
{
    CLEANUP(freep) char *text = types_json(c->json);
    CLEANUP(freep) char *name = c->error ? scene_printf(ERR("%s"), c->error) : NULL;
    int r, wanted = name ? errmap_from_name(name) : 0;
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    iotc_prop *prop = NULL;

    p->is_done = false;
    r = iotc_prop_lookup(p->client, c->id, &prop);
    if (r == 0)
        r = report(p, prop, json);
    json_decref(json);
    if (r == 0)
        r = finish(p);
    if (r == -ENOTSUP) {
        CHECK(c->error || c->becomes); /* all that has the platform's form can be said */
        return false;
    }
    if (!is_verdict(r, wanted))
        suite_fail(__FILE__, __LINE__, "%s %.60s: %s, wanted %s", c->id, c->json, iotc_strerror(r),
                   iotc_strerror(wanted));
    return true;
}

static void test_verdicts(void)
{
    CLEANUP(freep) char *config = fixture_source_path("tests/data/types-cloud.json");
    CLEANUP(freep) char *model = fixture_source_path("tests/data/types.json");
    uint64_t deadline = fixture_deadline_ms();
    struct program p = {0};
    iotc_prop *prop;
    size_t n = 0;

    scene_start_with(&p.scene, "[report]\nrate = 1000\n", config, model);
    CHECK_INT(iotc_client_new(&p.client, "types"), 0);
    while (iotc_prop_lookup(p.client, types_values[0].id, &prop) == -ENOTCONN &&
           fixture_left_ms(deadline) > 0)
        CHECK(iotc_client_wait(p.client, fixture_left_ms(deadline)) >= 0);
    for (size_t i = 0; i < types_n_values; i++)
        n += check_value(&p, &types_values[i]);
    CHECK(n * 10 >= types_n_values * 8);
    p.client = iotc_client_unref(p.client);
    scene_stop(&p.scene);
}

const char *const suite_name = "02-types-client";
const struct suite_test suite_tests[] = {
    {"verdicts", test_verdicts},
    {NULL, NULL},
};

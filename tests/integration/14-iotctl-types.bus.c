/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iotctl with values that are made of others, and iotctl model check:
 *
 *   iotctl report 't_struct={"r":1}'   → iotd → report {"t_struct":{"r":1}} → cloud
 *   iotctl get t_struct                → t_struct = {"r":1}  (0 s ago)
 *   iotctl model check FILE            → what is wrong with it, each with its place
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/scene.h"

/* Runs iotctl with up to four arguments; its output. */
static char *iotctl(int want, const char *a, const char *b, const char *c, const char *d)
{
    CLEANUP(freep) char *path = fixture_build_path("iotctl");
    char *out = NULL;

    CHECK_INT(proc_run((const char *const[]){path, a, b, c, d, NULL}, &out), want);
    return out;
}

static void check_out(char *out, const char *part)
{
    if (!out || !strstr(out, part))
        suite_fail(__FILE__, __LINE__, "\"%s\" is not in \"%s\"", part, out);
    free(out);
}

static void start(struct scene *s)
{
    CLEANUP(freep) char *config = fixture_source_path("tests/data/types-cloud.json");
    CLEANUP(freep) char *model = fixture_source_path("tests/data/types.json");

    scene_start_with(s, NULL, config, model);
}

static void check_report(struct scene *s, const char *params)
{
    CLEANUP(json_decrefp) json_t *message = cloud_wait_method(s->cloud, "up", "report");

    CHECK_JSON(json_object_get(message, "params"), params);
}

static void test_report_and_get(void)
{
    CLEANUP(json_decrefp) json_t *event = NULL;
    struct scene s;

    start(&s);
    free(iotctl(0, "report", "t_struct={\"r\":1,\"note\":\"a b\"}", "t_ints=[1,2]",
                "t_stringenum=mid"));
    check_report(&s, "{'t_struct':{'r':1,'note':'a b'},'t_ints':[1,2],'t_stringenum':'mid'}");
    free(iotctl(0, "report", "t_structs:=[{\"id\":\"a\",\"on\":true}]", NULL, NULL));
    check_report(&s, "{'t_structs':[{'id':'a','on':1}]}");
    check_out(iotctl(0, "get", "t_struct", NULL, NULL), "t_struct = {\"r\":1,\"note\":\"a b\"}  (");
    check_out(iotctl(0, "get", "t_ints", NULL, NULL), "t_ints = [1,2]  (");
    check_out(iotctl(0, "get", "t_stringenum", NULL, NULL), "t_stringenum = mid  (");
    check_out(iotctl(0, "get", "t_floats", NULL, NULL), "t_floats = -  (no value yet)");
    check_out(iotctl(0, "--json", "get", "t_structs", NULL),
              "{\"t_structs\":{\"value\":[{\"id\":\"a\",\"on\":true}],\"type\":\"array\","
              "\"mode\":\"rw\"");
    free(iotctl(1, "report", "t_struct={\"r\":256}", NULL, NULL));
    free(iotctl(1, "report", "t_struct={\"r\":1", NULL, NULL));
    free(iotctl(1, "report", "t_ints=1", NULL, NULL));
    free(iotctl(0, "event", "moved", "where={\"latitude\":1.5}", "speeds=[1]"));
    event = cloud_wait_method(s.cloud, "up", "event_post");
    CHECK_JSON(json_object_get(event, "params"), "{'where':{'latitude':1.5},'speeds':[1]}");
    scene_stop(&s);
}

/* Nobody tells when it has begun to watch: values change until it has seen one. */
static void test_watch(void)
{
    CLEANUP(freep) char *path = fixture_build_path("iotctl");
    CLEANUP(freep) char *out = strdup("");
    struct proc *watch;
    struct scene s;

    start(&s);
    watch = proc_start((const char *const[]){path, "watch", "t_struct", "--count", "1", NULL});
    for (int i = 0; i < 100 && out && !*out; i++) {
        CLEANUP(freep) char *json = scene_printf("{\"t_struct\":{\"r\":%d,\"on\":1}}", i);

        CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportJson", "s", json), 0);
        free(out);
        out = proc_output(watch, PROC_STDOUT);
    }
    CHECK_INT(proc_wait(watch), 0);
    CHECK(out && strstr(out, " t_struct = {\"r\":") && strstr(out, ",\"on\":true}\n"));
    watch = proc_kill(watch);
    scene_stop(&s);
}

static void test_model_check(void)
{
    static const char bad[] =
        "{\"version\":\"1.0\",\"properties\":["
        "{\"id\":\"Wifi_Info\",\"name\":\"W\",\"mode\":\"r\",\"define\":{\"type\":\"int\"}},"
        "{\"id\":\"a\",\"name\":\"A\",\"mode\":\"w\",\"define\":{\"type\":\"struct\",\"specs\":["
        "{\"id\":\"x\",\"name\":\"X\",\"dataType\":{\"type\":\"array\",\"arrayInfo\":"
        "{\"type\":\"int\"}}}]}}],"
        "\"events\":[{\"id\":\"A\",\"name\":\"A\",\"type\":\"info\"}],\"color\":1}";
    CLEANUP(freep) char *types = fixture_source_path("tests/data/types.json");
    CLEANUP(freep) char *light = fixture_source_path("examples/smart-light.json");
    CLEANUP(freep) char *file = fixture_write_file("bad.json", 0600, bad);
    CLEANUP(freep) char *out = NULL;

    check_out(iotctl(0, "model", "check", types, NULL), "in order: properties 23, events 1");
    check_out(iotctl(0, "model", "check", types, types), "in order");
    check_out(iotctl(1, "model", "check", types, light),
              "types.json: properties: the released model has \"brightness\"");
    check_out(iotctl(0, "--json", "model", "check", light),
              "\"ok\":true,\"properties\":12,\"events\":3,\"actions\":1,\"mistakes\":[],"
              "\"warnings\":[]}");
    out = iotctl(1, "model", "check", file, NULL);
    if (out) {
        CHECK(strstr(out, ": properties[0].define.type: the platform has fixed \"Wifi_Info\""));
        CHECK(strstr(out, ": properties[1].mode: must be \"rw\" or \"r\""));
        CHECK(strstr(out, ": properties[1].define.specs[0].dataType.type: no array within"));
        CHECK(strstr(out, ": events[0].id: \"A\" and \"a\" of properties[1] differ in case only"));
        CHECK(strstr(out, ": warning: color: is not known, and ignored"));
        CHECK(strstr(out, ": refused, 4 mistakes"));
    }
    check_out(iotctl(1, "--json", "model", "check", file),
              "\"ok\":false,\"mistakes\":[{\"path\":\"properties[0].define.type\",\"text\":");
    free(iotctl(1, "model", "check", "/nonexistent", NULL));
    free(iotctl(64, "model", "check", NULL, NULL));
    free(iotctl(64, "model", "lint", types, NULL));
}

const char *const suite_name = "14-iotctl-types";
const struct suite_test suite_tests[] = {
    {"report-and-get", test_report_and_get},
    {"watch", test_watch},
    {"model-check", test_model_check},
    {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scripts of examples/scripts do what they say:
 *
 *   thermostat                    iotd                            cloud
 *   iotctl report             →   report                        →
 *                                                               ← control {"target":15}
 *   iotctl controls           ←   Controlled
 *   iotctl report             →   report                        →
 *   iotctl event              →   event_post                    →
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/scene.h"

/* With the iotctl of this build; arg may be NULL. */
static struct proc *start_script(const char *name, const char *arg)
{
    static const char script[] = "PATH=$1:$PATH; export PATH; shift; exec \"$@\"";
    CLEANUP(freep) char *build = fixture_build_path("."), *path = fixture_source_path(name);

    return proc_start(
        (const char *const[]){"sh", "-c", script, "sh", build, path, arg, arg ? "1" : NULL, NULL});
}

static void write_sensor(const char *text)
{
    free(fixture_write_file("sensor", 0600, text));
}

static void test_thermostat(void)
{
    CLEANUP(freep) char *model = fixture_source_path("examples/scripts/thermostat.json");
    CLEANUP(freep) char *sensor = fixture_test_path("sensor"), *text = NULL, *config = NULL;
    struct proc *p;
    struct scene s;

    text = scene_printf("{\"products\":[{\"product_id\":\"" CLOUD_PRODUCT "\",\"model\":\"%s\","
                        "\"devices\":[{\"device_name\":\"" CLOUD_DEVICE "\","
                        "\"secret\":\"ZGVzay1vbmx5LXNlY3JldA==\"}]}],"
                        "\"apps\":[{\"app_key\":\"deskappkey\","
                        "\"app_secret\":\"desk-only-app-secret\"}]}",
                        model);
    config = fixture_write_file("heat.json", 0600, text);
    scene_start_with(&s, NULL, config, model);
    write_sensor("18.5\n");
    p = start_script("examples/scripts/thermostat", sensor);
    json_decref(cloud_wait(s.cloud, "up", "property", "\"heating\":1"));
    free(proc_wait_line(p, PROC_STDERR, "watching"));

    json_decref(cloud_control(s.cloud, "{\"target\":15}"));
    CHECK_ANSWER(&s, "control_reply", 0, "");
    json_decref(cloud_wait(s.cloud, "up", "property", "\"target\":15"));
    json_decref(cloud_wait(s.cloud, "up", "property", "\"heating\":0"));

    write_sensor("14\n");
    json_decref(cloud_wait(s.cloud, "up", "property", "\"heating\":1"));
    CHECK_INT(unlink(sensor), 0);
    json_decref(cloud_wait(s.cloud, "up", "event", "sensor_lost"));
    proc_stop(p);
    scene_stop(&s);
}

static void check_script(const char *name, const char *says)
{
    CLEANUP(freep) char *out = NULL, *err = NULL;
    struct proc *p = start_script(name, NULL);

    CHECK_INT(proc_wait(p), 0);
    out = proc_output(p, PROC_STDOUT);
    err = proc_output(p, PROC_STDERR);
    if (!strstr(out, says))
        suite_fail(__FILE__, __LINE__, "%s: %s%s", name, out, err);
    proc_stop(p);
}

static void test_recipes(void)
{
    struct scene s;

    scene_start(&s, NULL);
    check_script("examples/scripts/with-dbus-send", "int32 0");
    json_decref(cloud_wait(s.cloud, "up", "event", "low_voltage"));
    if (fixture_has_program("busctl"))
        check_script("examples/scripts/with-busctl", "is 0 \"success\"");
    scene_stop(&s);
}

const char *const suite_name = "14-scripts";
const struct suite_test suite_tests[] = {
    {"thermostat", test_thermostat},
    {"recipes", test_recipes},
    {NULL, NULL},
};

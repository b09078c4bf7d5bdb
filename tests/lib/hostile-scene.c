/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/hostile-scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/test-loop.h"

#define PATIENCE_MS 5000 /* of a program that is not to blame; more than any of it should take */
#define CALM_PERCENT 50  /* of one processor */

static void on_control(iotc_client *client, iotc_control *control, void *userdata)
{
    struct hostile_scene *h = userdata;

    (void) client;
    CHECK_INT(iotc_control_answer(control, 0, NULL), 0);
    h->n_controls++;
}

static bool has_controls(void *userdata)
{
    const struct hostile_scene *h = userdata;

    return h->n_controls == h->n_wanted;
}

static bool is_done(void *userdata)
{
    const struct hostile_scene *h = userdata;

    return h->world.n_done == h->n_wanted;
}

/* The library does without shared memory where it must; here it need not. */
static bool is_mapped(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[1024];
    bool found = false;

    while (maps && !found && fgets(line, sizeof(line), maps))
        found = strstr(line, "iotd-down") != NULL;
    if (maps)
        (void) fclose(maps);
    return found;
}

static void start_program(struct hostile_scene *h)
{
    static const char *const ids[] = {"power_switch"};

    world_init(&h->world);
    CHECK_INT(iotc_serve_control(h->world.client, &h->slot, ids, 1, on_control, h, NULL), 0);
    WORLD_UNTIL(&h->world, world_is_up);
    CHECK(is_mapped());
}

static void check_program(struct hostile_scene *h)
{
    int64_t brightness = 0;

    h->n_wanted++;
    json_decref(cloud_control(h->s.cloud, "{\"power_switch\":1}"));
    (void) world_until(&h->world, has_controls, h, "a control");
    CHECK_ANSWER(&h->s, "control_reply", 0, "");
    CHECK_INT(iotc_prop_report_bool(world_prop(&h->world, "power_switch"), h->n_wanted % 2,
                                    world_done, &h->world),
              0);
    (void) world_until(&h->world, is_done, h, "the end of a report");
    CHECK_INT(h->world.done_result, 0);
    CHECK_INT(iotc_prop_get_int(world_prop(&h->world, "brightness"), &brightness, NULL), 0);
    CHECK_INT(brightness, 7);
}

void hostile_start(struct hostile_scene *h)
{
    *h = (struct hostile_scene){.input = -1};
    scene_start(&h->s, "[thing]\ncontrol_timeout = 1\n");
    h->lamp = bus_client_new();
    CHECK_MSG(scene_register(h->lamp, "brightness", "", ""), "");
    CHECK(thing_token(h->lamp, "ReportValue", "sv", "brightness", "i", 7) != 0);
    start_program(h);
    hostile_check_others(h);
    h->begin_fds = proc_n_fds(daemon_proc(h->s.iotd));
}

/* iotd hears of an end in its own time. */
static bool has_as_many_fds(struct hostile_scene *h)
{
    uint64_t deadline = fixture_deadline_ms();

    while (proc_n_fds(daemon_proc(h->s.iotd)) > h->begin_fds) {
        if (fixture_left_ms(deadline) == 0)
            return false;
        bus_client_round_trip(h->lamp, IOTD_BUS_NAME);
    }
    return true;
}

void hostile_stop(struct hostile_scene *h)
{
    hostile_check_others(h);
    CHECK_INT(scene_count(&h->s, "up", "report", "\"brightness\":66"), 0);
    CHECK(has_as_many_fds(h));
    h->slot = iotc_slot_unref(h->slot);
    world_fini(&h->world);
    h->lamp = bus_client_free(h->lamp);
    scene_stop(&h->s);
}

void hostile_run(struct hostile_scene *h, const char *mode, unsigned seed, unsigned n)
{
    CLEANUP(freep) char *path = fixture_build_path("tests/lib/scribbler");
    CLEANUP(freep) char *seed_text = scene_printf("%u", seed), *n_text = scene_printf("%u", n);
    const char *argv[] = {path, mode, seed_text, n_text, NULL};

    h->scribbler = proc_start_with_stdin(argv, &h->input);
    HOSTILE_SAYS(h, "attached");
}

void hostile_says(const char *file, int line, struct hostile_scene *h, const char *want)
{
    CLEANUP(freep) char *wants = strdup(want);
    CLEANUP(freep) char *got = proc_wait_line(h->scribbler, PROC_STDOUT, NULL);
    char *rest = wants, *one;

    while (got && (one = strsep(&rest, "|"))) {
        if (strcmp(got, one) == 0)
            return;
    }
    suite_fail(file, line, "the program says \"%s\", wanted \"%s\"", got ? got : "", want);
}

void hostile_let_go(struct hostile_scene *h)
{
    CHECK_INT(write(h->input, "", 1), 1);
    h->is_let_go = true;
}

void hostile_end(struct hostile_scene *h, int status)
{
    if (status == 0 && !h->is_let_go)
        hostile_let_go(h);
    CHECK_INT(proc_wait(h->scribbler), status);
    h->scribbler = proc_kill(h->scribbler);
    h->is_let_go = false;
    h->input = -1;
}

/* Signals that nobody waits for. */
static void forget(struct bus_client *bc)
{
    DBusMessage *msg;

    while ((msg = bus_client_next(bc)))
        msg_unref(msg);
}

void hostile_check_others(struct hostile_scene *h)
{
    uint64_t begin = fixture_now_ms();

    forget(h->s.bus);

    CHECK_THING(h->lamp, "x:7 *", "Get", "s", "brightness");
    json_decref(cloud_control(h->s.cloud, "{\"brightness\":7}"));
    scene_reply(h->lamp, bus_client_wait_call(h->lamp, "Control"), "is", 0, "");
    CHECK_ANSWER(&h->s, "control_reply", 0, "");
    CHECK_THING(h->lamp, "x:7 *", "Get", "s", "brightness");
    check_program(h);
    CHECK(fixture_now_ms() - begin < PATIENCE_MS * test_timeout_scale());
}

void hostile_check_calm(struct hostile_scene *h)
{
    struct proc *iotd = daemon_proc(h->s.iotd);
    uint64_t begin = fixture_now_ms(), begin_cpu = proc_cpu_ms(iotd), elapsed, cpu;

    json_decref(cloud_control(h->s.cloud, "{\"brightness\":7}"));
    msg_unref(bus_client_wait_call(h->lamp, "Control")); /* without an answer */
    CHECK_ANSWER(&h->s, "control_reply", 408, "");
    elapsed = fixture_now_ms() - begin;
    cpu = proc_cpu_ms(iotd) - begin_cpu;
    if (cpu * 100 > elapsed * CALM_PERCENT)
        suite_fail(__FILE__, __LINE__, "iotd took %u ms of %u", (unsigned) cpu, (unsigned) elapsed);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/hostile-scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/test-loop.h"

#define PATIENCE_MS 5000 /* of a program that is not to blame; more than any of it should take */
#define CALM_PERCENT 50  /* of one processor */

void hostile_start(struct hostile_scene *h)
{
    *h = (struct hostile_scene){.input = -1};
    scene_start(&h->s, "[thing]\ncontrol_timeout = 1\n");
    h->lamp = bus_client_new();
    CHECK_MSG(scene_register(h->lamp, "brightness", "", ""), "");
    CHECK(thing_token(h->lamp, "ReportValue", "sv", "brightness", "i", 7) != 0);
    h->idle = bus_client_new();
    CHECK_MSG(scene_register(h->idle, "power_switch", "", ""), "");
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
    h->idle = bus_client_free(h->idle);
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
    CHECK(fixture_now_ms() - begin < PATIENCE_MS * test_timeout_scale());
}

void hostile_check_calm(struct hostile_scene *h)
{
    struct proc *iotd = daemon_proc(h->s.iotd);
    uint64_t begin = fixture_now_ms(), begin_cpu = proc_cpu_ms(iotd), elapsed, cpu;

    json_decref(cloud_control(h->s.cloud, "{\"power_switch\":1}"));
    msg_unref(bus_client_wait_call(h->idle, "Control"));
    CHECK_ANSWER(&h->s, "control_reply", 408, "");
    elapsed = fixture_now_ms() - begin;
    cpu = proc_cpu_ms(iotd) - begin_cpu;
    if (cpu * 100 > elapsed * CALM_PERCENT)
        suite_fail(__FILE__, __LINE__, "iotd took %u ms of %u", (unsigned) cpu, (unsigned) elapsed);
}

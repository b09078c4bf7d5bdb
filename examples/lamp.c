/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A smart light (examples/smart-light.json): the end-to-end story of a device in one file. It
 * serves the controls of four properties and the action "unlock", reports what changes, and posts
 * events: status_report when it starts, low_voltage when its simulated battery runs low.
 *
 *   lamp [--battery VOLT]   the battery at the start (12.0); it loses 0.1 V a second while on
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <iotclient/iotclient.h>

#define LOW_VOLTAGE 3.0
#define NAME_MAX_BYTES 64

struct lamp {
    iotc_client *client;
    iotc_slot *controls;
    iotc_slot *unlock;
    bool power;
    int64_t color;
    int64_t brightness;
    char name[NAME_MAX_BYTES + 1];
    double battery;
    bool told_low;
    bool told_start;
};

static volatile sig_atomic_t stopping;

static void on_signal(int signo)
{
    (void) signo;
    stopping = 1;
}

static void say(const char *what, int result)
{
    printf("lamp: %s: %s\n", what, iotc_strerror(result));
    fflush(stdout);
}

static void on_reported(iotc_client *client, int result, void *userdata)
{
    (void) client;
    (void) userdata;
    if (result < 0)
        say("report", result);
}

/* All four; those that did not change cost nothing but bytes in the same message. */
static void report(struct lamp *lamp)
{
    iotc_prop *prop = NULL;
    int r;

    r = iotc_prop_lookup(lamp->client, "power_switch", &prop);
    if (r >= 0)
        r = iotc_prop_report_bool(prop, lamp->power, on_reported, NULL);
    if (r >= 0)
        r = iotc_prop_lookup(lamp->client, "color", &prop);
    if (r >= 0)
        r = iotc_prop_report_int(prop, lamp->color, NULL, NULL);
    if (r >= 0)
        r = iotc_prop_lookup(lamp->client, "brightness", &prop);
    if (r >= 0)
        r = iotc_prop_report_int(prop, lamp->brightness, NULL, NULL);
    if (r >= 0)
        r = iotc_prop_lookup(lamp->client, "name", &prop);
    if (r >= 0)
        r = iotc_prop_report_string(prop, lamp->name, NULL, NULL);
    if (r < 0)
        say("report", r);
}

static void on_control(iotc_client *client, iotc_control *control, void *userdata)
{
    struct lamp *lamp = userdata;
    const char *name;
    int r;

    (void) client;
    /* A property that the control does not set leaves its variable as it is. */
    (void) !iotc_control_get_bool(control, "power_switch", &lamp->power);
    (void) !iotc_control_get_int(control, "color", &lamp->color);
    (void) !iotc_control_get_int(control, "brightness", &lamp->brightness);
    if (iotc_control_get_string(control, "name", &name) == 0)
        snprintf(lamp->name, sizeof(lamp->name), "%s", name); /* the model allows 64 bytes */
    r = iotc_control_answer(control, 0, NULL);
    printf("lamp: %s, brightness %lld, color %lld, \"%s\"\n", lamp->power ? "on" : "off",
           (long long) lamp->brightness, (long long) lamp->color, lamp->name);
    say("control answered", r);
    report(lamp);
}

static int set_output(iotc_call *call, const char *user, bool state)
{
    int r;

    r = iotc_call_set_string(call, "user", user);
    if (r >= 0)
        r = iotc_call_set_int(call, "time", (int64_t) time(NULL));
    if (r >= 0)
        r = iotc_call_set_bool(call, "state", state);
    return r;
}

/* Unlocks and turns the light on. */
static void on_unlock(iotc_client *client, iotc_call *call, void *userdata)
{
    struct lamp *lamp = userdata;
    const char *user = "";
    int r;

    (void) client;
    r = iotc_call_get_bool(call, "open", &lamp->power);
    if (r >= 0)
        r = iotc_call_get_string(call, "user", &user);
    if (r == -ENOENT)
        r = 0; /* both may be left out */
    if (r >= 0)
        r = set_output(call, user, lamp->power);
    r = iotc_call_answer(call, r, NULL);
    printf("lamp: unlock by \"%s\", light %s\n", user, lamp->power ? "on" : "off");
    say("unlock answered", r);
    report(lamp);
}

static void on_posted(iotc_client *client, int result, void *userdata)
{
    (void) client;
    say(userdata, result);
}

static void post_status(struct lamp *lamp)
{
    static char what[] = "status_report";
    iotc_event *event = NULL;
    int r;

    r = iotc_event_new(lamp->client, &event, "status_report");
    if (r >= 0)
        r = iotc_event_set_bool(event, "status", false);
    if (r >= 0)
        r = iotc_event_set_string(event, "message", "started");
    if (r >= 0)
        r = iotc_event_post(event, 0, on_posted, what);
    if (r < 0)
        say(what, r);
    iotc_event_free(event);
}

static void post_low_voltage(struct lamp *lamp)
{
    static char what[] = "low_voltage";
    iotc_event *event = NULL;
    int r;

    r = iotc_event_new(lamp->client, &event, "low_voltage");
    if (r >= 0)
        r = iotc_event_set_double(event, "voltage", lamp->battery);
    if (r >= 0)
        r = iotc_event_post(event, 0, on_posted, what);
    if (r < 0)
        say(what, r);
    iotc_event_free(event);
}

static void on_second(struct lamp *lamp)
{
    if (lamp->power && lamp->battery >= 0.1)
        lamp->battery -= 0.1;
    if (lamp->battery < LOW_VOLTAGE && !lamp->told_low) {
        lamp->told_low = true;
        post_low_voltage(lamp);
    }
}

static void on_link(iotc_client *client, iotc_link_state state, void *userdata)
{
    struct lamp *lamp = userdata;

    (void) client;
    printf("lamp: link %s\n", state == IOTC_LINK_UP     ? "up"
                              : state == IOTC_LINK_DOWN ? "down"
                                                        : "absent");
    fflush(stdout);
    if (state == IOTC_LINK_ABSENT || lamp->told_start)
        return;
    lamp->told_start = true;
    report(lamp);
    post_status(lamp);
}

static void on_slot(iotc_client *client, iotc_slot *slot, int error, void *userdata)
{
    (void) client;
    (void) slot;
    say(userdata, error);
}

static int serve(struct lamp *lamp)
{
    static const char *const ids[] = {"power_switch", "color", "brightness", "name"};
    static char controls[] = "serving controls", unlock[] = "serving unlock";
    int r;

    r = iotc_client_watch_link(lamp->client, NULL, on_link, lamp, NULL);
    if (r >= 0)
        r = iotc_serve_control(lamp->client, &lamp->controls, ids, 4, on_control, lamp, NULL);
    if (r >= 0)
        r = iotc_slot_watch(lamp->controls, on_slot, controls);
    if (r >= 0)
        r = iotc_serve_action(lamp->client, &lamp->unlock, "unlock", on_unlock, lamp, NULL);
    return r < 0 ? r : iotc_slot_watch(lamp->unlock, on_slot, unlock);
}

static int start_timer(void)
{
    struct itimerspec its = {{1, 0}, {1, 0}};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

    if (fd >= 0 && timerfd_settime(fd, 0, &its, NULL) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int run(struct lamp *lamp, int timer_fd)
{
    struct pollfd fds[] = {
        {.fd = iotc_client_get_fd(lamp->client), .events = POLLIN},
        {.fd = timer_fd, .events = POLLIN},
    };
    uint64_t n;
    int r = 0;

    while (!stopping && r >= 0) {
        if (poll(fds, 2, -1) < 0)
            continue; /* a signal */
        if (fds[0].revents)
            r = iotc_client_dispatch(lamp->client);
        if (fds[1].revents && read(timer_fd, &n, sizeof(n)) == (ssize_t) sizeof(n))
            on_second(lamp);
    }
    return r;
}

int main(int argc, char **argv)
{
    struct lamp lamp = {.brightness = 50, .battery = 12.0, .name = "desk"};
    struct sigaction sa = {.sa_handler = on_signal};
    int r, timer_fd;

    if (argc == 3 && strcmp(argv[1], "--battery") == 0) {
        lamp.battery = strtod(argv[2], NULL);
    } else if (argc != 1) {
        fprintf(stderr, "usage: lamp [--battery VOLT]\n");
        return 64;
    }
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    timer_fd = start_timer();
    r = timer_fd < 0 ? -errno : iotc_client_new(&lamp.client, "lamp");
    if (r >= 0)
        r = serve(&lamp);
    if (r >= 0)
        r = run(&lamp, timer_fd);
    if (r < 0)
        fprintf(stderr, "lamp: %s\n", iotc_strerror(r));
    iotc_slot_unref(lamp.controls);
    iotc_slot_unref(lamp.unlock);
    iotc_client_unref(lamp.client);
    if (timer_fd >= 0)
        close(timer_fd);
    return r < 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A smart light: the end-to-end story of a device in one file. It serves the controls of four
 * properties and the action "unlock", reports what changes, and posts events: status_report when
 * it starts, low_voltage when its simulated battery runs low. Everything named smart_light_... is
 * made of its thing model: iotc-codegen smart-light.json
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

#include "smart-light.h"

#define LOW_VOLTAGE 3.0
#define NAME_MAX_BYTES 64

struct lamp {
    iotc_client *client;
    iotc_slot *controls;
    iotc_slot *unlock;
    bool power;
    enum smart_light_color color;
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
    iotc_client *client = lamp->client;
    int r;

    r = smart_light_report_power_switch(client, lamp->power, on_reported, NULL);
    if (r >= 0)
        r = smart_light_report_color(client, lamp->color, NULL, NULL);
    if (r >= 0)
        r = smart_light_report_brightness(client, lamp->brightness, NULL, NULL);
    if (r >= 0)
        r = smart_light_report_name(client, lamp->name, NULL, NULL);
    if (r < 0)
        say("report", r);
}

static void on_control(iotc_client *client, iotc_control *control,
                       const struct smart_light_control *values, void *userdata)
{
    struct lamp *lamp = userdata;
    int r;

    (void) client;
    if (values->has_power_switch)
        lamp->power = values->power_switch;
    if (values->has_color)
        lamp->color = values->color;
    if (values->has_brightness)
        lamp->brightness = values->brightness;
    if (values->has_name)
        snprintf(lamp->name, sizeof(lamp->name), "%s", values->name); /* 64 bytes in the model */
    r = iotc_control_answer(control, 0, NULL);
    printf("lamp: %s, brightness %lld, color %lld, \"%s\"\n", lamp->power ? "on" : "off",
           (long long) lamp->brightness, (long long) lamp->color, lamp->name);
    say("control answered", r);
    report(lamp);
}

/* Unlocks and turns the light on. Both parameters may be left out. */
static void on_unlock(iotc_client *client, iotc_call *call,
                      const struct smart_light_unlock_input *input, void *userdata)
{
    struct lamp *lamp = userdata;
    const char *user = input->has_user ? input->user : "";
    struct smart_light_unlock_output output = {.user = user, .time = (int64_t) time(NULL)};
    int r;

    (void) client;
    if (input->has_open)
        lamp->power = input->open;
    output.state = lamp->power;
    r = smart_light_answer_unlock(call, &output);
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
    const struct smart_light_status_report params = {.status = false, .message = "started"};
    int r = smart_light_post_status_report(lamp->client, &params, 0, on_posted, what);

    if (r < 0)
        say(what, r);
}

static void post_low_voltage(struct lamp *lamp)
{
    static char what[] = "low_voltage";
    const struct smart_light_low_voltage params = {.voltage = lamp->battery};
    int r = smart_light_post_low_voltage(lamp->client, &params, 0, on_posted, what);

    if (r < 0)
        say(what, r);
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
    static const enum smart_light_property ids[] = {
        SMART_LIGHT_PROPERTY_POWER_SWITCH,
        SMART_LIGHT_PROPERTY_COLOR,
        SMART_LIGHT_PROPERTY_BRIGHTNESS,
        SMART_LIGHT_PROPERTY_NAME,
    };
    static char controls[] = "serving controls", unlock[] = "serving unlock";
    int r;

    r = iotc_client_watch_link(lamp->client, NULL, on_link, lamp, NULL);
    if (r >= 0)
        r = smart_light_on_control(lamp->client, &lamp->controls, ids, 4, on_control, lamp, NULL);
    if (r >= 0)
        r = iotc_slot_watch(lamp->controls, on_slot, controls);
    if (r >= 0)
        r = smart_light_on_unlock(lamp->client, &lamp->unlock, on_unlock, lamp, NULL);
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

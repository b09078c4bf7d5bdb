/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/bench/bare-device.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/bench/bare-outbox.h"
#include "tests/bench/bare-ws.h"
#include "tests/bench/cloud-peer.h"
#include "tests/bench/stack.h"

/* What the link is woken with. */
#define WANTS_REPORT 1
#define WANTS_EVENT 2

struct sender {
    struct bare_device *device;
    int pause_ms;
};

static uint64_t wait_for(int fd)
{
    uint64_t value;

    if (read(fd, &value, sizeof(value)) != (ssize_t) sizeof(value))
        bench_fatal("eventfd: %s", strerror(errno));
    return value;
}

static void wake(int fd, uint64_t value)
{
    if (write(fd, &value, sizeof(value)) != (ssize_t) sizeof(value))
        bench_fatal("eventfd: %s", strerror(errno));
}

static void init(struct bare_device *d, uint16_t port)
{
    d->port = port;
    d->to_program = eventfd(0, EFD_CLOEXEC);
    d->to_link = eventfd(0, EFD_CLOEXEC);
    if (d->to_program < 0 || d->to_link < 0)
        bench_fatal("eventfd: %s", strerror(errno));
}

void bare_device_kill(struct bare_device *d)
{
    helper_kill(&d->program);
    helper_kill(&d->link);
    (void) close(d->to_program);
    (void) close(d->to_link);
}

/* --- commands --- */

static int answer(int fd, void *arg)
{
    const struct bare_device *d = arg;

    (void) fd;
    while (wait_for(d->to_program) > 0)
        wake(d->to_link, 1);
    return 0;
}

static int echo(int fd, void *arg)
{
    const struct bare_device *d = arg;
    struct bare_ws *ws = bare_ws_connect(d->port);
    const uint8_t *data;
    size_t len;

    (void) fd;
    while (bare_ws_read(ws, &data, &len)) {
        wake(d->to_program, 1);
        (void) wait_for(d->to_link);
        bare_ws_write(ws, data, len);
    }
    return 1;
}

void bare_device_serve(struct bare_device *d, uint16_t port)
{
    init(d, port);
    helper_start(&d->program, answer, d);
    helper_start(&d->link, echo, d);
}

/* --- messages --- */

static void store(struct bare_outbox *outbox, int64_t number)
{
    bare_outbox_begin(outbox);
    if (number > 1)
        bare_outbox_remove(outbox, number - 1);
    bare_outbox_insert(outbox, number);
    bare_outbox_commit(outbox);
}

static size_t encode(uint8_t *packet, size_t size, bool is_event, int64_t number)
{
    char payload[512];
    int len;

    if (is_event)
        len = snprintf(payload, sizeof(payload),
                       "{\"method\":\"event_post\",\"clientToken\":\"%08lld-1000\","
                       "\"version\":\"1.0\",\"eventId\":\"" STACK_EVENT "\",\"type\":\"info\","
                       "\"params\":" STACK_PARAMS "}",
                       (long long) number);
    else
        len = snprintf(payload, sizeof(payload),
                       "{\"method\":\"report\",\"clientToken\":\"%08lld-1000\","
                       "\"params\":{\"uptime\":%lld}}",
                       (long long) number, (long long) number);
    if (len < 0 || (size_t) len + 128 > size)
        bench_fatal("a message is too large");
    return cloud_encode_publish(packet,
                                is_event ? "$thing/up/event/IOTDLIGHT1/lamp_001"
                                         : "$thing/up/property/IOTDLIGHT1/lamp_001",
                                payload, (size_t) len);
}

static int send_messages(int fd, void *arg)
{
    const struct sender *s = arg;
    struct bare_ws *ws = bare_ws_connect(s->device->port);
    struct bare_outbox *outbox = bare_outbox_new("bare.db");
    uint8_t packet[1024];
    const uint8_t *data;
    size_t len;

    (void) fd;
    for (int64_t number = 1;; number++) {
        bool is_event = wait_for(s->device->to_link) == WANTS_EVENT;

        if (is_event)
            store(outbox, number);
        bare_ws_write(ws, packet, encode(packet, sizeof(packet), is_event, number));
        if (!bare_ws_read(ws, &data, &len))
            return 1;
        wake(s->device->to_program, 1);
    }
}

static int want_messages(int fd, void *arg)
{
    const struct sender *s = arg;
    uint64_t request;

    while (helper_hear(fd, &request)) {
        struct bench_series values = {0};
        bool is_event = request % 2;

        for (uint64_t i = 0; i < request / 2; i++) {
            uint64_t start;

            if (!is_event)
                (void) poll(NULL, 0, s->pause_ms);
            start = bench_now_ns();
            wake(s->device->to_link, is_event ? WANTS_EVENT : WANTS_REPORT);
            (void) wait_for(s->device->to_program);
            bench_add(&values, (double) (bench_now_ns() - start) / 1000);
        }
        helper_give(fd, &values);
        bench_clear(&values);
    }
    return 0;
}

void bare_device_send(struct bare_device *d, uint16_t port, int pause_ms)
{
    struct sender s = {d, pause_ms}; /* the processes have copies of their own */

    init(d, port);
    helper_start(&d->link, send_messages, &s);
    helper_start(&d->program, want_messages, &s);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What leaves iotd's socket, seen by strace: each packet of MQTT is one write, over ws:// as one
 * frame, over wss:// as one record of TLS.
 */

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/certs.h"
#include "tests/lib/scene.h"
#include "tests/lib/tls-matrix.h"

#define N_WORK 10
#define WRITES_EACH 3 /* at least: a report, an event, the answer to a control */
#define N_SHOWN 24    /* bytes of each write that strace prints */

#define FRAME_BINARY 0x82
#define FRAME_MASKED 0x80
#define RECORD_DATA 0x17

/* One write to a socket of TCP. */
struct write {
    uint8_t bytes[N_SHOWN];
    size_t n;   /* that are shown */
    size_t len; /* that were written */
};

typedef const char *(*url_fn)(const struct cloud_fixture *c);

/* --- the log of strace --- */

/* write(17<TCP:[...]>, "\x82\xfe"..., 194) = 194 */
static bool parse_line(const char *line, struct write *ret_write)
{
    const char *text = strstr(line, ", \""), *end = strrchr(line, '=');
    struct write w = {.n = 0};
    char *rest;

    if (!strstr(line, "<TCP") || !text || !end)
        return false;
    for (text += 3; w.n < N_SHOWN && text[0] == '\\' && text[1] == 'x'; text += 4) {
        const char hex[] = {text[2], text[3], '\0'};

        w.bytes[w.n++] = (uint8_t) strtoul(hex, NULL, 16);
    }
    w.len = strtoul(end + 1, &rest, 10);
    if (!isspace((unsigned char) *rest) && *rest != '\0')
        return false;
    *ret_write = w;
    return true;
}

/* Calls fn for the writes from that byte of the log on; returns how long it is. */
static size_t read_log(size_t from, void (*fn)(const struct write *w, void *userdata),
                       void *userdata)
{
    CLEANUP(freep) char *path = fixture_test_path("strace.log");
    FILE *f = fopen(path, "re");
    char line[1024];
    size_t end = from;

    CHECK(f);
    if (!f || fseek(f, (long) from, SEEK_SET) < 0)
        return from;
    while (fgets(line, sizeof(line), f)) {
        struct write w;

        end += strlen(line);
        if (fn && parse_line(line, &w))
            fn(&w, userdata);
    }
    (void) fclose(f);
    return end;
}

/* The whole of one frame, which holds the whole of one packet. */
static bool is_frame_of_packet(const struct write *w)
{
    uint8_t packet[N_SHOWN];
    size_t at = 2, len = w->n > 4 ? w->bytes[1] & 0x7f : 0, n, rest = 0;
    unsigned shift = 0;

    if (w->n < 8 || w->bytes[0] != FRAME_BINARY || !(w->bytes[1] & FRAME_MASKED))
        return false;
    if (len == 126) {
        len = (size_t) w->bytes[2] << 8 | w->bytes[3];
        at = 4;
    }
    if (at + 4 + len != w->len)
        return false;
    for (n = 0; at + 4 + n < w->n; n++)
        packet[n] = w->bytes[at + 4 + n] ^ w->bytes[at + n % 4];
    for (at = 1; at < n && at < 5; shift += 7) {
        rest |= (size_t) (packet[at] & 0x7f) << shift;
        if (!(packet[at++] & 0x80))
            return at + rest == len;
    }
    return false;
}

static bool is_record(const struct write *w)
{
    return w->n >= 5 && w->bytes[0] == RECORD_DATA &&
           5 + ((size_t) w->bytes[3] << 8 | w->bytes[4]) == w->len;
}

struct tally {
    bool (*is_whole)(const struct write *w);
    unsigned n_whole, n_other;
};

static void on_write(const struct write *w, void *userdata)
{
    struct tally *t = userdata;

    if (t->is_whole(w))
        t->n_whole++;
    else
        t->n_other++;
}

/* --- iotd under strace --- */

/* From here on iotd is started under strace. */
static void use_strace(void)
{
    const char *other = getenv("IOTD_TEST_IOTD");
    CLEANUP(freep) char *program = other ? strdup(other) : fixture_build_path("iotd");
    CLEANUP(freep) char *log = fixture_test_path("strace.log");
    CLEANUP(freep) char *path = fixture_test_path("traced-iotd"), *script = NULL;

    if (strcmp(program, path) == 0)
        return;
#ifdef __SANITIZE_ADDRESS__
    fixture_skip("LeakSanitizer traces its own process");
#endif
    if (!fixture_has_program("strace"))
        fixture_skip("no strace");
    if (proc_run((const char *const[]){"strace", "-o", "/dev/null", "true", NULL}, NULL) != 0)
        fixture_skip("processes cannot be traced");
    script = scene_printf("#!/bin/sh\nexec strace -yy -xx -s %d -o '%s' "
                          "-e trace=write,writev,sendto,sendmsg '%s' \"$@\"\n",
                          N_SHOWN, log, program);
    free(fixture_write_file("traced-iotd", 0700, script));
    (void) setenv("IOTD_TEST_IOTD", path, 1);
}

/* strace hands no signal on: its child is asked to end. */
static struct daemon_fixture *stop(struct daemon_fixture *iotd)
{
    int strace = (int) proc_pid(daemon_proc(iotd));
    CLEANUP(freep) char *path = scene_printf("/proc/%d/task/%d/children", strace, strace);
    FILE *f = fopen(path, "re");
    char line[64] = "";
    pid_t pid = 0;

    if (f && fgets(line, sizeof(line), f))
        pid = (pid_t) strtol(line, NULL, 10);
    if (f)
        (void) fclose(f);
    CHECK(pid > 1);
    if (pid > 1)
        CHECK_INT(kill(pid, SIGTERM), 0);
    CHECK_INT(proc_wait(daemon_proc(iotd)), 0);
    return daemon_stop(iotd);
}

static void work(struct cloud_fixture *cloud, struct bus_client *bus, int i)
{
    CLEANUP(freep) char *values = scene_printf("{\"color\":%d}", i % 3);

    CHECK_COMPLETED(bus, thing_token(bus, "ReportValue", "sv", "brightness", "i", i), 0);
    CHECK_COMPLETED(bus, thing_token(bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":3}"),
                    0);
    json_decref(cloud_control(cloud, values));
}

static void check_writes(url_fn url, bool (*is_whole)(const struct write *w))
{
    const struct cloud_tls tls = {.cert = "right"};
    struct tally t = {is_whole, 0, 0};
    struct cloud_fixture *cloud;
    struct daemon_fixture *iotd;
    size_t begin;

    use_strace();
    certs_make();
    cloud = cloud_start_tls(NULL, &tls);
    iotd = tls_start_iotd(url(cloud), "ca", NULL);
    CHECK(daemon_wait_link(iotd, "up"));
    work(cloud, daemon_bus(iotd), 0); /* what comes with a connection has left before its answers */
    begin = read_log(0, NULL, NULL);
    for (int i = 1; i <= N_WORK; i++)
        work(cloud, daemon_bus(iotd), i);
    (void) read_log(begin, on_write, &t);
    CHECK(t.n_whole >= N_WORK * WRITES_EACH);
    CHECK_INT(t.n_other, 0);
    iotd = stop(iotd);
    cloud = cloud_stop(cloud);
}

static void test_ws(void)
{
    check_writes(cloud_ws_url, is_frame_of_packet);
}

static void test_wss(void)
{
    check_writes(cloud_wss_url, is_record);
}

const char *const suite_name = "link-writes";
const struct suite_test suite_tests[] = {
    {"ws", test_ws},
    {"wss", test_wss},
    {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/broker-scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void broker_start_with(struct broker_scene *b, const char *settings, bool websocket,
                       const char *model)
{
    CLEANUP(freep) char *text = scene_printf("%s%s", SCENE_LINK, settings ? settings : "");

    *b = (struct broker_scene){.broker = mosquitto_start()};
    b->up = mosquitto_subscribe(b->broker, "$thing/up/#");
    b->iotd = daemon_start(&(struct daemon_options){
        .endpoint = websocket ? mosquitto_ws_url(b->broker) : mosquitto_tcp_url(b->broker),
        .settings = text,
        .model = model,
    });
    b->bus = daemon_bus(b->iotd);
    (void) daemon_wait_link(b->iotd, "up");
}

void broker_start(struct broker_scene *b, const char *settings, bool websocket)
{
    broker_start_with(b, settings, websocket, NULL);
}

void broker_stop(struct broker_scene *b)
{
    b->iotd = daemon_stop(b->iotd);
    b->up = proc_kill(b->up);
    b->broker = mosquitto_stop(b->broker);
}

static char *quoted(const char *payload)
{
    char *text = strdup(payload);

    if (!text)
        fixture_fatal("out of memory");
    for (char *p = text; *p; p++) {
        if (*p == '\'')
            *p = '"';
    }
    return text;
}

/* By a file: an argument has at most 128 KiB. */
void broker_send_raw(struct broker_scene *b, const char *channel, const char *payload)
{
    CLEANUP(freep) char *topic = scene_printf("$thing/down/%s/" DEVICE_ID, channel);
    CLEANUP(freep) char *path = fixture_write_file("payload", 0600, payload);
    const char *port = strrchr(mosquitto_tcp_url(b->broker), ':') + 1;

    CHECK_INT(proc_run((const char *const[]){"mosquitto_pub", "-h", "127.0.0.1", "-p", port, "-q",
                                             "1", "-t", topic, "-f", path, NULL},
                       NULL),
              0);
}

void broker_send(struct broker_scene *b, const char *channel, const char *payload)
{
    CLEANUP(freep) char *text = quoted(payload);

    broker_send_raw(b, channel, text);
}

json_t *broker_take(struct broker_scene *b, const char *channel, const char *method)
{
    CLEANUP(freep) char *topic = scene_printf("$thing/up/%s/" DEVICE_ID " ", channel);
    CLEANUP(freep) char *wanted = scene_printf("\"method\":\"%s\"", method);

    for (;;) {
        CLEANUP(freep) char *line = proc_wait_line(b->up, PROC_STDOUT, topic);

        if (!line)
            return NULL;
        if (strstr(line, wanted))
            return json_loads(strchr(line, ' ') + 1, 0, NULL);
    }
}

unsigned broker_count(struct broker_scene *b, const char *channel, const char *contains)
{
    CLEANUP(freep) char *topic = scene_printf("$thing/up/%s/" DEVICE_ID " ", channel);
    CLEANUP(freep) char *all = proc_output(b->up, PROC_STDOUT);
    char *rest = all, *line;
    unsigned n = 0;

    while ((line = strsep(&rest, "\n")))
        n += strncmp(line, topic, strlen(topic)) == 0 && strstr(line, contains);
    return n;
}

void broker_barrier(struct broker_scene *b)
{
    CLEANUP(freep) char *token = scene_printf("barrier-%u", ++b->n_barriers);
    CLEANUP(freep)
    char *payload = scene_printf("{'method':'control','clientToken':'%s','params':{}}", token);

    broker_send(b, "property", payload);
    free(proc_wait_line(b->up, PROC_STDOUT, token));
}

void broker_check_reply(const char *file, int line, struct broker_scene *b, const char *channel,
                        const char *method, const char *token, int code, const char *text)
{
    CLEANUP(json_decrefp) json_t *reply = broker_take(b, channel, method);

    if (strcmp(scene_text(reply, "clientToken"), token) != 0 || scene_int(reply, "code") != code ||
        !strstr(scene_text(reply, "status"), text))
        suite_fail(file, line, "%s %s %d \"%s\", wanted %s %d \"%s\"", method,
                   scene_text(reply, "clientToken"), scene_int(reply, "code"),
                   scene_text(reply, "status"), token, code, text);
}

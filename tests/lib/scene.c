/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/scene.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/strbuf.h"

#define FILE_CAP (1024 * 1024)
#define BARRIER_ID "net_rx_bytes" /* no test uses it for anything else */

void scene_forget(struct bus_client *bc, const char *signal)
{
    DBusMessage *msg;

    while ((msg = bus_client_take_signal(bc, signal)))
        dbus_message_unref(msg);
}

void scene_start_with(struct scene *s, const char *settings, const char *cloud_config,
                      const char *model)
{
    CLEANUP(freep) char *text = scene_printf("%s%s", SCENE_LINK, settings ? settings : "");

    s->cloud = cloud_start(cloud_config);
    s->iotd = daemon_start(&(struct daemon_options){
        .endpoint = cloud_ws_url(s->cloud), .settings = text, .model = model});
    s->bus = daemon_bus(s->iotd);
    (void) daemon_wait_link(s->iotd, "up");
    scene_forget(s->bus, "InterfacesAdded"); /* iotd's own */
}

void scene_start(struct scene *s, const char *settings)
{
    scene_start_with(s, settings, NULL, NULL);
}

void scene_stop(struct scene *s)
{
    s->iotd = daemon_stop(s->iotd);
    s->cloud = cloud_stop(s->cloud);
    s->bus = NULL;
}

static DBusMessage *call(struct bus_client *bc, const char *path, const char *iface,
                         const char *member, const char *types, va_list *ap)
{
    DBusMessage *msg = bus_client_new_call(path, iface, member);

    msg_vadd(msg, types, ap);
    return bus_client_call(bc, msg);
}

DBusMessage *scene_call(struct bus_client *bc, const char *path, const char *iface,
                        const char *member, const char *types, ...)
{
    DBusMessage *reply;
    va_list ap;

    va_start(ap, types);
    reply = call(bc, path, iface, member, types, &ap);
    va_end(ap);
    return reply;
}

DBusMessage *thing_call(struct bus_client *bc, const char *member, const char *types, ...)
{
    DBusMessage *reply;
    va_list ap;

    va_start(ap, types);
    reply = call(bc, IOTD_DEVICE_PATH, IOTD_IFACE_THING, member, types, &ap);
    va_end(ap);
    return reply;
}

uint64_t thing_token(struct bus_client *bc, const char *member, const char *types, ...)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    dbus_uint64_t token = 0;
    va_list ap;

    va_start(ap, types);
    reply = call(bc, IOTD_DEVICE_PATH, IOTD_IFACE_THING, member, types, &ap);
    va_end(ap);
    if (!reply || dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_ERROR ||
        !dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT64, &token, DBUS_TYPE_INVALID)) {
        CLEANUP(freep) char *text = msg_text(reply);

        suite_fail(__FILE__, __LINE__, "%s: %s", member, text);
    }
    return token;
}

void scene_check_msg(const char *file, int line, DBusMessage *msg, const char *want)
{
    CLEANUP(freep) char *text = msg_text(msg);
    size_t len = strlen(want);

    if (len > 0 && want[len - 1] == '*' ? strncmp(text, want, len - 1) != 0
                                        : strcmp(text, want) != 0)
        suite_fail(file, line, "%s, wanted %s", text, want);
    msg_unref(msg);
}

void scene_check_error(const char *file, int line, DBusMessage *msg, const char *name,
                       const char *part)
{
    const char *text = "";

    (void) msg_get_error(msg, &text);
    if (!strstr(text, part))
        suite_fail(file, line, "\"%s\" does not tell of \"%s\"", text, part);
    scene_check_msg(file, line, msg, name);
}

void scene_check_json(const char *file, int line, const json_t *json, const char *want)
{
    CLEANUP(freep) char *quoted = strdup(want), *text = NULL;
    CLEANUP(json_decrefp) json_t *wanted = NULL;

    for (char *p = quoted; p && *p; p++) {
        if (*p == '\'')
            *p = '"';
    }
    wanted = quoted ? json_loads(quoted, JSON_DECODE_ANY, NULL) : NULL;
    if (!wanted)
        fixture_fatal("%s:%d: not JSON: %s", file, line, want);
    if (json_equal(json, wanted))
        return;
    text = json ? json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    suite_fail(file, line, "%s, wanted %s", text ? text : "(nothing)", quoted);
}

const char *scene_text(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text ? text : "";
}

int scene_int(const json_t *json, const char *key)
{
    return (int) json_integer_value(json_object_get(json, key));
}

void scene_check_completed(const char *file, int line, struct bus_client *bc, uint64_t token,
                           int code)
{
    for (;;) {
        CLEANUP(msg_unrefp) DBusMessage *msg = bus_client_wait_signal(bc, "Completed");
        const char *text = "";
        dbus_uint64_t got = 0;
        dbus_int32_t c = -1;

        if (!msg) {
            suite_fail(file, line, "no completion of %llu", (unsigned long long) token);
            return;
        }
        if (!dbus_message_get_args(msg, NULL, DBUS_TYPE_UINT64, &got, DBUS_TYPE_INT32, &c,
                                   DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID) ||
            got != token)
            continue;
        if (c != code)
            suite_fail(file, line, "completed with %d \"%s\", wanted %d", (int) c, text, code);
        return;
    }
}

static void add_ids(DBusMessage *msg, const char *ids)
{
    CLEANUP(freep) char *copy = strdup(ids);
    DBusMessageIter it, list;
    char *rest = copy, *id;

    dbus_message_iter_init_append(msg, &it);
    if (!copy || !dbus_message_iter_open_container(&it, DBUS_TYPE_ARRAY, "s", &list))
        fixture_fatal("out of memory");
    while ((id = strsep(&rest, " "))) {
        if (*id && !dbus_message_iter_append_basic(&list, DBUS_TYPE_STRING, &id))
            fixture_fatal("out of memory");
    }
    dbus_message_iter_close_container(&it, &list);
}

DBusMessage *scene_register(struct bus_client *bc, const char *properties, const char *events,
                            const char *actions)
{
    DBusMessage *msg = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_THING, "Register");

    add_ids(msg, properties);
    add_ids(msg, events);
    add_ids(msg, actions);
    msg_add(msg, "oa{sv}", SCENE_HANDLER, 0);
    return bus_client_call(bc, msg);
}

void scene_reply(struct bus_client *bc, DBusMessage *call, const char *types, ...)
{
    DBusMessage *reply;
    va_list ap;

    if (!call) /* the wait for it has failed the test */
        return;
    reply = dbus_message_new_method_return(call);
    va_start(ap, types);
    msg_vadd(reply, types, &ap);
    va_end(ap);
    (void) bus_client_send(bc, reply);
    msg_unref(call);
}

void scene_reply_error(struct bus_client *bc, DBusMessage *call, const char *name, const char *text)
{
    if (!call)
        return;
    (void) bus_client_send(bc, dbus_message_new_error(call, name, text));
    msg_unref(call);
}

static bool is_counted(const char *line, const char *direction, const char *method,
                       const char *contains)
{
    CLEANUP(json_decrefp) json_t *entry = json_loads(line, 0, NULL), *payload = NULL;

    if (strcmp(scene_text(entry, "direction"), direction) != 0 ||
        (contains && !strstr(scene_text(entry, "payload"), contains)))
        return false;
    payload = json_loads(scene_text(entry, "payload"), 0, NULL);
    return strcmp(scene_text(payload, "method"), method) == 0;
}

unsigned scene_count(struct scene *s, const char *direction, const char *method,
                     const char *contains)
{
    CLEANUP(freep) char *program = fixture_build_path("iot-localcloud"), *out = NULL;
    char port[16], *rest, *line;
    unsigned n = 0;

    (void) snprintf(port, sizeof(port), "%d", cloud_http_port(s->cloud));
    CHECK_INT(proc_run((const char *const[]){program, "journal", "--http-port", port, "--since",
                                             "1", NULL},
                       &out),
              0);
    for (rest = out; (line = strsep(&rest, "\n"));)
        n += is_counted(line, direction, method, contains);
    return n;
}

void scene_barrier(void)
{
    struct bus_client *bc = bus_client_new();
    uint64_t token = thing_token(bc, "ReportValue", "sv", BARRIER_ID, "i", 1);

    CHECK_COMPLETED(bc, token, 0);
    bc = bus_client_free(bc);
}

void scene_check_answer(const char *file, int line, struct scene *s, const char *method, int code,
                        const char *text)
{
    CLEANUP(json_decrefp) json_t *reply = cloud_wait_method(s->cloud, "up", method);

    if (scene_int(reply, "code") != code || !strstr(scene_text(reply, "status"), text))
        suite_fail(file, line, "%s %d \"%s\", wanted %d \"%s\"", method, scene_int(reply, "code"),
                   scene_text(reply, "status"), code, text);
}

char *scene_printf(const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    int r;

    va_start(ap, fmt);
    r = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (r < 0)
        fixture_fatal("out of memory");
    return text;
}

char *scene_edited_file(const char *name, const char *source, const char *old, const char *new)
{
    CLEANUP(freep) char *path = fixture_source_path(source), *text = NULL;
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    const char *from, *hit;
    struct strbuf sb;
    char *edited;
    size_t len;

    if (fd < 0 || fd_read_file(fd, FILE_CAP, &text, &len) < 0)
        fixture_fatal("%s cannot be read", path);
    if (!strstr(text, old))
        fixture_fatal("%s holds no %s", source, old);
    strbuf_init(&sb, FILE_CAP);
    for (from = text; (hit = strstr(from, old)); from = hit + strlen(old)) {
        strbuf_add(&sb, from, (size_t) (hit - from));
        strbuf_adds(&sb, new);
    }
    strbuf_adds(&sb, from);
    if (strbuf_finish(&sb, &edited) < 0)
        fixture_fatal("out of memory");
    path = (free(path), fixture_write_file(name, 0600, edited));
    free(edited);
    return TAKE(path);
}

void scene_wait_log(struct scene *s, const char *text)
{
    free(proc_wait_line(daemon_proc(s->iotd), PROC_STDERR, text));
}

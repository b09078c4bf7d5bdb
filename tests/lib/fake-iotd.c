/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/fake-iotd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dbus/iface-gen.h"
#include "dbus/names.h"
#include "libiotclient/base/fdutil.h"
#include "tests/lib/fake-iotd-impl.h"

/* Those of an earlier fake, which had the caller's posts on its disk. */
static int take_over(struct fake *f, DBusMessageIter *args, const char *sender,
                     DBusMessageIter *info)
{
    CLEANUP(freep) uint64_t *tokens = NULL;
    struct msg_dict options;
    DBusMessageIter value;
    const char *key;
    size_t n = 0;
    int r = msg_read_dict(args, &options);

    while (r >= 0 && !tokens && msg_dict_next(&options, &key, &value)) {
        if (strcmp(key, "tokens") == 0)
            r = msg_read_uint64s(&value, FAKE_MAX_TOKENS, &tokens, &n);
    }
    if (r < 0 || !f->knows_tokens)
        return r;
    for (size_t i = 0; i < n; i++) {
        f->tokens[f->n_tokens].token = tokens[i];
        (void) snprintf(f->tokens[f->n_tokens++].sender, sizeof(f->tokens[0].sender), "%s", sender);
    }
    return msg_dict_uint64s(info, "tokens", tokens, n);
}

static int on_attach(struct fake *f, struct tree_call *call)
{
    DBusMessageIter args, it, sub;
    const char *app_id;
    int r;

    f->n_attach++;
    (void) snprintf(f->sender, sizeof(f->sender), "%s", tree_call_sender(call));
    if (f->attach_error)
        return f->attach_error;
    tree_call_args(call, &args);
    r = msg_read_string(&args, &app_id);
    if (r < 0)
        return r;
    (void) snprintf(f->app_id, sizeof(f->app_id), "%s", app_id);
    r = tree_call_open(call, &it);
    if (r >= 0)
        r = msg_open(&it, DBUS_TYPE_ARRAY, "h", &sub);
    if (r >= 0)
        r = msg_close(&it, &sub, 0);
    if (r >= 0)
        r = msg_open_dict(&it, &sub);
    if (r >= 0)
        r = msg_dict_string(&sub, "version", "0.0.0");
    if (r >= 0)
        r = take_over(f, &args, tree_call_sender(call), &sub);
    if (r >= 0)
        r = msg_close(&it, &sub, 0);
    return r < 0 ? r : fake_add_client(f);
}

static int on_reload(struct fake *f, struct tree_call *call)
{
    static const char *const ignored[] = {"link.endpoint"};
    DBusMessageIter it;
    int r;

    (void) f;
    r = tree_call_open(call, &it);
    return r < 0 ? r : msg_append_strv(&it, ignored, 1);
}

static int get_version(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_string(it, "0.0.0");
}

static int get_empty(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_string(it, "");
}

static int get_zero(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_uint64(it, 0);
}

static int get_offset(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_int64(it, -200 * (int64_t) USEC_PER_SEC);
}

static int get_false(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_bool(it, false);
}

static int get_since(DBusMessageIter *it, void *userdata)
{
    struct timespec ts;

    (void) userdata;
    (void) clock_gettime(CLOCK_REALTIME, &ts);
    return msg_append_uint64(it, (uint64_t) ts.tv_sec * USEC_PER_SEC);
}

static int get_state(DBusMessageIter *it, void *userdata)
{
    struct fake *f = userdata;

    return msg_append_string(it, f->link_state);
}

static int get_reason(DBusMessageIter *it, void *userdata)
{
    struct fake *f = userdata;

    return msg_append_string(it, strcmp(f->link_state, "up") == 0 ? "" : "for a test");
}

static int get_endpoint(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_string(it, "ws://127.0.0.1:1/mqtt");
}

static int get_product(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_string(it, "IOTDLIGHT1");
}

static int get_device(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_string(it, "lamp_001");
}

static int set_state(struct fake *f, const char *state)
{
    fake_set_link(f, state);
    return 0;
}

static int on_connect(struct fake *f, struct tree_call *call)
{
    (void) call;
    return set_state(f, "up");
}

static int on_disconnect(struct fake *f, struct tree_call *call)
{
    (void) call;
    return set_state(f, "off");
}

static int on_monitor(struct fake *f, struct tree_call *call)
{
    (void) snprintf(f->sender, sizeof(f->sender), "%s", tree_call_sender(call));
    f->monitors = true;
    return 0;
}

/* path says what came: format, line, and the beginning of the file. */
static int on_provision(struct fake *f, struct tree_call *call)
{
    const char *format = "", *device = "", *key;
    char content[41] = "", path[128];
    DBusMessageIter it, value, out;
    CLEANUP(fd_closep) int fd = -1;
    struct msg_dict dict;
    uint64_t line = 0;
    int r;

    (void) f;
    tree_call_args(call, &it);
    r = msg_read_fd(&it, &fd);
    if (r >= 0)
        r = msg_read_dict(&it, &dict);
    while (r >= 0 && msg_dict_next(&dict, &key, &value)) {
        if (strcmp(key, "line") == 0)
            r = msg_read_uint64(&value, &line);
        else if (strcmp(key, "format") == 0)
            r = msg_read_string(&value, &format);
        else if (strcmp(key, "device_name") == 0)
            r = msg_read_string(&value, &device);
    }
    if (r >= 0 && read(fd, content, sizeof(content) - 1) < 0)
        r = -errno;
    (void) snprintf(path, sizeof(path), "%.20s:%d:%s", format, (int) line, content);
    if (r >= 0)
        r = tree_call_open(call, &it);
    if (r >= 0)
        r = msg_open_dict(&it, &out);
    if (r < 0)
        return r;
    r = msg_dict_string(&out, "product_id", "IOTDLIGHT1");
    if (r >= 0)
        r = msg_dict_string(&out, "device_name", device);
    if (r >= 0)
        r = msg_dict_string(&out, "path", path);
    if (r >= 0)
        r = msg_dict_bool(&out, "registers", strcmp(format, "product-secret") == 0);
    return msg_close(&it, &out, r);
}

/* Says what it was asked: uid, verb, id and exe. */
static int on_test_access(struct fake *f, struct tree_call *call)
{
    const char *verb = "", *id = "", *exe = "-", *key;
    DBusMessageIter it, value;
    struct msg_dict dict;
    uint64_t uid = 0;
    char rule[256];
    int r;

    (void) f;
    tree_call_args(call, &it);
    r = msg_read_uint64(&it, &uid);
    if (r >= 0)
        r = msg_read_string(&it, &verb);
    if (r >= 0)
        r = msg_read_string(&it, &id);
    if (r >= 0)
        r = msg_read_dict(&it, &dict);
    while (r >= 0 && msg_dict_next(&dict, &key, &value)) {
        if (strcmp(key, "exe") == 0)
            r = msg_read_string(&value, &exe);
    }
    (void) snprintf(rule, sizeof(rule), "%u %.20s %.40s %.100s", (unsigned) uid, verb, id, exe);
    if (r >= 0)
        r = tree_call_open(call, &it);
    if (r >= 0)
        r = msg_append_bool(&it, uid == 0);
    return r < 0 ? r : msg_append_string(&it, rule);
}

#define METHOD(fn)                                                                                 \
    static void fn##_call(struct tree_call *call, void *userdata)                                  \
    {                                                                                              \
        tree_call_finish(&call, fn(userdata, call));                                               \
    }
METHOD(on_attach)
METHOD(on_reload)
METHOD(on_test_access)
METHOD(on_connect)
METHOD(on_disconnect)
METHOD(on_monitor)
METHOD(on_provision)

static const struct tree_method_impl manager_methods[] = {
    {"Attach", on_attach_call},
    {"Reload", on_reload_call},
    {"TestAccess", on_test_access_call},
};
static const struct tree_property_impl manager_properties[] = {
    {"Version", get_version},
    {"LayoutVersion", get_empty},
};
static const struct tree_method_impl link_methods[] = {
    {"Connect", on_connect_call},
    {"Disconnect", on_disconnect_call},
    {"Monitor", on_monitor_call},
};
static const struct tree_property_impl link_properties[] = {
    {"State", get_state},        {"Reason", get_reason},         {"Endpoint", get_endpoint},
    {"SinceUSec", get_since},    {"NextTryUSec", get_zero},      {"SessionPresent", get_false},
    {"RoundTripUSec", get_zero}, {"QueuedEvents", get_zero},     {"QueuedBytes", get_zero},
    {"SentMessages", get_zero},  {"ReceivedMessages", get_zero}, {"Reconnects", get_zero},
};
static const struct tree_method_impl device_methods[] = {
    {"BindSignature", on_provision_call}, {"Provision", on_provision_call},
    {"SendBindToken", on_provision_call}, {"Unbind", on_provision_call},
    {"UpdateInfo", on_provision_call},    {"UpdateInfoJson", on_provision_call},
};
static const struct tree_property_impl device_properties[] = {
    {"ProductId", get_product},     {"DeviceName", get_device}, {"Bound", get_false},
    {"TimeOffsetUSec", get_offset}, {"Info", get_empty},
};

static int add_objects(struct fake *f)
{
    const char *member = "?";
    int r;

    r = tree_add_object(f->tree, IOTD_ROOT_PATH, &f->root);
    if (r >= 0)
        r = tree_add_object(f->tree, IOTD_DEVICE_PATH, &f->device);
    if (r >= 0)
        r = tree_add_interface(f->root, &iface_manager, manager_methods,
                               ARRAY_SIZE(manager_methods), manager_properties,
                               ARRAY_SIZE(manager_properties), f, &member);
    if (r >= 0)
        r = tree_add_interface(f->device, &iface_link, link_methods, ARRAY_SIZE(link_methods),
                               link_properties, ARRAY_SIZE(link_properties), f, &member);
    if (r >= 0)
        r = tree_add_interface(f->device, &iface_device, device_methods, ARRAY_SIZE(device_methods),
                               device_properties, ARRAY_SIZE(device_properties), f, &member);
    if (r >= 0)
        r = fake_add_thing(f, &member);
    if (r >= 0)
        r = fake_add_twecall(f);
    if (r >= 0)
        r = fake_add_firmware(f, &member);
    if (r >= 0)
        r = fake_add_files(f, &member);
    if (r < 0)
        fprintf(stderr, "fake iotd: member %s: %s\n", member, strerror(-r));
    return r;
}

/* Frees what a client owned, as iotd does. */
static DBusHandlerResult on_signal(DBusConnection *bus, DBusMessage *msg, void *userdata)
{
    const char *name, *from, *to;

    (void) bus;
    if (dbus_message_is_signal(msg, DBUS_INTERFACE_DBUS, "NameOwnerChanged") &&
        dbus_message_get_args(msg, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &from,
                              DBUS_TYPE_STRING, &to, DBUS_TYPE_INVALID) &&
        to[0] == '\0')
        fake_forget(userdata, name);
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

bool fake_init(struct fake *f, struct test_loop *tl, const char *address)
{
    DBusError error = DBUS_ERROR_INIT;
    int r = -EIO;

    *f = (struct fake){.tl = tl, .link_state = "up"};
    /* libdbus reads the environment only once, and a test may have several buses. */
    f->bus = dbus_connection_open_private(address, &error);
    if (f->bus && dbus_bus_register(f->bus, &error))
        dbus_bus_add_match(f->bus, "type='signal',member='NameOwnerChanged'", &error);
    if (dbus_error_is_set(&error)) {
        fprintf(stderr, "fake iotd: %s\n", error.message);
        dbus_error_free(&error);
        return false;
    }
    if (dbus_connection_add_filter(f->bus, on_signal, f, NULL))
        r = bus_watch_attach(&f->watch, f->bus, &tl->loop);
    if (r >= 0)
        r = tree_new(&f->tree, f->bus, &tl->loop, IOTD_ROOT_PATH, NULL, NULL);
    if (r >= 0)
        r = add_objects(f);
    if (r >= 0 && dbus_bus_request_name(f->bus, IOTD_BUS_NAME, DBUS_NAME_FLAG_DO_NOT_QUEUE, NULL) !=
                      DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER)
        r = -EEXIST;
    if (r < 0)
        fprintf(stderr, "fake iotd: %s\n", strerror(-r));
    return r >= 0;
}

void fake_done(struct fake *f)
{
    f->tree = tree_free(f->tree);
    if (f->held)
        tree_call_error(&f->held, -EIO, NULL); /* frees it, sends nothing */
    if (f->held_call)
        tree_call_error(&f->held_call, -EIO, NULL);
    fake_firmware_done(f);
    fake_files_done(f);
    f->watch = bus_watch_detach(f->watch);
    if (f->bus) {
        dbus_connection_close(f->bus);
        dbus_connection_unref(f->bus);
        f->bus = NULL;
    }
    for (size_t i = 0; i < FAKE_N_PROPS; i++)
        value_done(&f->props[i].value);
    value_list_done(&f->last_report);
    value_list_done(&f->event);
    value_list_done(&f->answer_output);
}

void fake_set_link(struct fake *f, const char *state)
{
    f->link_state = state;
    tree_property_changed(f->device, &iface_link, "State");
}

struct message {
    const char *direction;
    const char *topic;
    const void *payload;
    size_t len;
};

static int append_message(DBusMessageIter *it, void *userdata)
{
    const struct message *m = userdata;
    DBusMessageIter dict;
    int r;

    r = msg_append_string(it, m->direction);
    if (r >= 0)
        r = msg_append_string(it, m->topic);
    if (r >= 0)
        r = msg_append_bytes(it, m->payload, m->len);
    if (r >= 0)
        r = msg_open_dict(it, &dict);
    return r < 0 ? r : msg_close(it, &dict, msg_dict_uint32(&dict, "qos", 1));
}

void fake_send_message(struct fake *f, const char *direction, const char *topic,
                       const void *payload, size_t len)
{
    struct message m = {direction, topic, payload, len};
    int r = tree_emit_signal(f->device, &iface_link, "Message", f->sender, append_message, &m);

    if (r < 0)
        fprintf(stderr, "fake iotd: Message: %s\n", strerror(-r));
}

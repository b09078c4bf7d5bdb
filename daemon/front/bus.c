/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/front/bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front/bus_call.h"
#include "daemon/front/bus_files.h"
#include "daemon/front/bus_internal.h"
#include "daemon/front/bus_rauc.h"
#include "daemon/sys/log.h"
#include "daemon/sys/rand.h"
#include "dbus/msg.h"
#include "dbus/names.h"

LOG_AREA("bus");

#define RECONNECT_MIN_US (1 * USEC_PER_SEC)
#define RECONNECT_MAX_US (10 * USEC_PER_SEC)
#define REFUSALS_RATE 1 /* own choice: lines a second; each peer's are told once only */
#define REFUSALS_BURST 32
/* D-Bus specification, well-known message bus instances */
#define DEFAULT_SYSTEM_ADDRESS "unix:path=/var/run/dbus/system_bus_socket"

static void on_connect_timer(struct loop_timer *timer, void *userdata);

/* Everything of this connection ends: programs, objects, calls. */
static void tear_down(struct bus *bus)
{
    bus_peers_clear(bus);
    bus_starts_clear(bus);
    if (bus->config.rauc)
        bus_rauc_detach(bus->config.rauc);
    while (!list_is_empty(&bus->calls))
        bus_call_free(LIST_ENTRY(bus->calls.next, struct bus_call, link));
    bus_files_remove(bus);
    bus->root_object = bus->device_object = NULL;
    bus->tree = tree_free(bus->tree);
    bus->watch = bus_watch_detach(bus->watch);
    if (bus->conn) {
        dbus_connection_close(bus->conn);
        dbus_connection_unref(bus->conn);
        bus->conn = NULL;
    }
}

static void retry(struct bus *bus)
{
    uint64_t delay = RECONNECT_MIN_US / 2 + backoff_next_us(&bus->backoff, rand_u64());

    tear_down(bus);
    loop_timer_arm(bus->loop, &bus->timer, delay, on_connect_timer, bus);
}

static void on_lost(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    log_warn("connection to the bus lost, trying again");
    retry(userdata);
}

static DBusHandlerResult on_message(DBusConnection *conn, DBusMessage *msg, void *userdata)
{
    struct bus *bus = userdata;

    (void) conn;
    if (dbus_message_is_signal(msg, DBUS_INTERFACE_LOCAL, "Disconnected")) {
        /* Not from inside of the dispatch: the connection is freed. */
        loop_timer_arm(bus->loop, &bus->timer, 0, on_lost, bus);
        return DBUS_HANDLER_RESULT_HANDLED;
    }
    bus_peer_on_signal(bus, msg);
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

static int add_objects(struct bus *bus)
{
    int r;

    r = tree_new(&bus->tree, bus->conn, bus->loop, IOTD_ROOT_PATH, bus_peer_authorize, bus);
    if (r == 0)
        r = tree_add_object(bus->tree, IOTD_ROOT_PATH, &bus->root_object);
    if (r == 0)
        r = tree_add_object(bus->tree, IOTD_DEVICE_PATH, &bus->device_object);
    if (r == 0)
        r = bus_manager_add(bus);
    if (r == 0)
        r = bus_device_add(bus);
    if (r == 0)
        r = bus_link_add(bus);
    if (r == 0)
        r = bus_thing_add(bus);
    if (r == 0)
        r = bus_twecall_add(bus);
    if (r == 0)
        r = bus_files_add(bus);
    if (r == 0)
        r = bus_firmware_add(bus);
    return r;
}

static void refuse(struct bus *bus, const char *reason)
{
    if (bus->was_ready) {
        log_err("%s", reason);
        retry(bus);
    } else {
        bus->config.on_refused(reason, bus->config.userdata);
    }
}

static void on_name(DBusMessage *reply, void *userdata)
{
    struct bus *bus = userdata;
    const char *text = "no answer";
    dbus_uint32_t result = 0;

    if (msg_get_error(reply, &text) < 0) {
        log_err("cannot own " IOTD_BUS_NAME " error=\"%s\"", text);
        refuse(bus, "the bus does not let iotd own " IOTD_BUS_NAME
                    ": is the policy org.iotd1.conf installed?");
        return;
    }
    if (!dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT32, &result, DBUS_TYPE_INVALID) ||
        (result != DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER &&
         result != DBUS_REQUEST_NAME_REPLY_ALREADY_OWNER)) {
        refuse(bus, IOTD_BUS_NAME " is owned by another process: is iotd running already?");
        return;
    }
    backoff_reset(&bus->backoff);
    log_info("on the bus name=" IOTD_BUS_NAME);
    if (!bus->was_ready) {
        bus->was_ready = true;
        bus->config.on_ready(bus->config.userdata);
    }
}

static int request_name(struct bus *bus)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    const char *name = IOTD_BUS_NAME;
    dbus_uint32_t flags = DBUS_NAME_FLAG_DO_NOT_QUEUE;

    msg = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
                                       "RequestName");
    if (!msg || !dbus_message_append_args(msg, DBUS_TYPE_STRING, &name, DBUS_TYPE_UINT32, &flags,
                                          DBUS_TYPE_INVALID))
        return -ENOMEM;
    return bus_call_send(&bus->calls, bus->conn, msg, -1, on_name, bus, NULL);
}

/* The objects are there before the name is: nobody finds the name without them. */
static void on_hello(DBusMessage *reply, void *userdata)
{
    struct bus *bus = userdata;
    const char *name;
    char *guid;
    int r;

    if (dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_ERROR ||
        !dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID) ||
        !dbus_bus_set_unique_name(bus->conn, name)) {
        log_err("the bus did not greet back");
        retry(bus);
        return;
    }
    guid = dbus_connection_get_server_id(bus->conn);
    completion_set_scope(&bus->core->completion, guid ? guid : name);
    dbus_free(guid);
    r = add_objects(bus);
    if (r == 0 && bus->config.rauc)
        r = bus_rauc_attach(bus->config.rauc, bus->conn);
    if (r == 0)
        r = request_name(bus);
    if (r < 0)
        refuse(bus, strerror(-r));
}

static int say_hello(struct bus *bus)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;

    msg = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
                                       "Hello");
    if (!msg)
        return -ENOMEM;
    return bus_call_send(&bus->calls, bus->conn, msg, -1, on_hello, bus, NULL);
}

static int try_connect(struct bus *bus)
{
    DBusError error = DBUS_ERROR_INIT;
    int r;

    bus->conn = dbus_connection_open_private(bus->address, &error);
    if (!bus->conn) {
        log_warn("cannot connect to the bus address=\"%s\" error=\"%s\"", bus->address,
                 error.message);
        dbus_error_free(&error);
        return -ENOTCONN;
    }
    /* No max_message_size: libdbus ends the whole connection over one message that is longer, and
     * any program may send one. The bus has its own limit; readers have theirs. */
    r = bus_watch_attach(&bus->watch, bus->conn, bus->loop);
    if (r < 0)
        return r;
    if (!dbus_connection_add_filter(bus->conn, on_message, bus, NULL))
        return -ENOMEM;
    return say_hello(bus);
}

static void on_connect_timer(struct loop_timer *timer, void *userdata)
{
    struct bus *bus = userdata;

    (void) timer;
    if (try_connect(bus) < 0)
        retry(bus);
}

static int find_address(const char *bus, char **ret_address)
{
    const char *address = bus;
    DBusAddressEntry **entries = NULL;
    int n = 0;

    if (strcmp(bus, "system") == 0) {
        address = getenv("DBUS_SYSTEM_BUS_ADDRESS"); /* as libdbus has it */
        if (!address || !*address)
            address = DEFAULT_SYSTEM_ADDRESS;
    } else if (strcmp(bus, "session") == 0) {
        address = getenv("DBUS_SESSION_BUS_ADDRESS");
        if (!address)
            return -EINVAL;
    }
    if (!dbus_parse_address(address, &entries, &n, NULL))
        return -EINVAL;
    dbus_address_entries_free(entries);
    *ret_address = strdup(address);
    return *ret_address ? 0 : -ENOMEM;
}

int bus_new(struct bus **ret_bus, struct loop *loop, const struct bus_config *config)
{
    CLEANUP(bus_freep) struct bus *bus = NULL;
    struct core *core = config->core;
    int r;

    bus = calloc(1, sizeof(*bus));
    if (!bus)
        return -ENOMEM;
    bus->loop = loop;
    bus->config = *config;
    bus->core = core;
    list_init(&bus->calls);
    list_init(&bus->starts);
    bus_peers_init(&bus->peers);
    bus_shm_init(bus);
    log_limit_init(&bus->refusals);
    ratelimit_init(&bus->refusals.rate, REFUSALS_RATE, USEC_PER_SEC, REFUSALS_BURST);
    backoff_init(&bus->backoff, RECONNECT_MIN_US, RECONNECT_MAX_US);
    r = find_address(config->bus, &bus->address);
    if (r < 0)
        return r;

    core->completion.fn = bus_thing_completed;
    core->completion.userdata = bus;
    core->events.account_of = bus_peer_account;
    core->events.account_userdata = bus;
    core->calls.front = &bus_handler_ops;
    core->calls.userdata = bus;
    core->on_time = bus_device_time;
    core->time_userdata = bus;
    core->on_bound = bus_device_bound;
    core->bound_userdata = bus;
    props_listen(&core->props, bus_shm_written, bus_thing_changed, bus);
    bus->link_watch = (struct link_watch){
        .on_changed = bus_link_changed,
        .on_traffic = bus_link_traffic,
        .userdata = bus,
    };
    link_watch(core->link, &bus->link_watch);
    bus_firmware_init(bus);
    loop_timer_arm(loop, &bus->timer, 0, on_connect_timer, bus);
    *ret_bus = TAKE(bus);
    return 0;
}

struct bus *bus_free(struct bus *bus)
{
    if (!bus)
        return NULL;

    link_unwatch(&bus->link_watch);
    loop_timer_cancel(&bus->timer);
    if (bus->conn && bus->tree) {
        tree_flush(bus->tree);
        dbus_connection_flush(bus->conn); /* the last replies; the bus reads at once */
    }
    tear_down(bus);
    bus_firmware_done(bus);
    bus_shm_done(bus);
    free(bus->shm_record);
    free(bus->address);
    free(bus);
    return NULL;
}

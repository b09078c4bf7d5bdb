/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FRONT_BUS_INTERNAL_H
#define IOTD_FRONT_BUS_INTERNAL_H

/* What the files of the D-Bus door share; nobody else includes this. */

#include <dbus/dbus.h>

#include "daemon/front/bus.h"
#include "daemon/front/bus_firmware.h"
#include "daemon/front/bus_peer.h"
#include "daemon/front/shm.h"
#include "daemon/front/shm_table.h"
#include "daemon/sys/log.h"
#include "dbus/tree.h"
#include "dbus/watch.h"
#include "libiotclient/base/backoff.h"

struct bus {
    struct loop *loop;
    struct bus_config config;
    struct core *core; /* = config.core */
    char *address;
    DBusConnection *conn; /* NULL while not connected */
    struct bus_watch *watch;
    struct tree *tree; /* NULL until the name is ours */
    struct tree_object *root_object;
    struct tree_object *device_object;
    struct bus_peers peers;
    struct shm_tables tables;
    uint8_t *shm_record;         /* what is copied from a ring; LAYOUT_RECORD_MAX bytes, or NULL */
    bool shm_failed;             /* it is on the log */
    struct loop_timer shm_timer; /* ends the shared memory of those whose table is lost */
    struct log_limit refusals;
    struct link_watch link_watch;
    struct loop_timer timer; /* next attempt, or tear-down after a loss */
    struct backoff backoff;
    bool was_ready;
    struct bus_firmware firmware;
    struct list calls;              /* of bus_call.c */
    struct list starts;             /* of bus_start.c */
    char *monitors[LIMIT_MONITORS]; /* unique names */
    unsigned n_monitors;
};

/* Attach the interfaces; -ENOSYS, -EINVAL as tree_add_interface(). */
int bus_manager_add(struct bus *bus);
int bus_device_add(struct bus *bus);
int bus_link_add(struct bus *bus);
int bus_thing_add(struct bus *bus);
int bus_twecall_add(struct bus *bus);

/* bus_client.c: the program's record and object are made when it first needs one. */
#define BUS_APP_ID_PROBLEM "app_id is not 1 to 64 of [a-z0-9._-]"
int bus_client_get(struct bus *bus, struct bus_peer *peer, struct client **ret_client) MUST_CHECK;
void bus_client_changed(struct bus *bus, struct client *client);
void bus_client_remove(struct bus *bus, struct client *client);
struct bus_peer *bus_client_peer(const struct client *client);
/* Its shared memory, and the table that it reads; NULL: it uses D-Bus alone. */
struct shm_program *bus_client_shm(const struct client *client);
struct shm_view *bus_client_view(const struct client *client);
/* Takes both over, and ends what it had; NULL for both: it has none any more. */
void bus_client_set_shm(struct client *client, struct shm_program *shm, struct shm_view *view);
/* Takes over another table, and tells the program. */
void bus_client_set_view(struct client *client, struct shm_view *view);

/* bus_attach.c */
void bus_attach(struct tree_call *call, void *userdata);

/* bus_shm.c: who reads which table, and the news of it. */
void bus_shm_init(struct bus *bus);
void bus_shm_done(struct bus *bus);
/*
 * Shared memory for a program, in the place of what it had.
 * @param ret_fds  for the program; the caller closes them
 * @return 0; -ENOTSUP, or what it failed with, told: it goes on over D-Bus
 */
int bus_shm_new(struct bus *bus, struct client *client, int ret_fds[LAYOUT_FD_COUNT_]) MUST_CHECK;
/* It goes on over D-Bus; why is told once for as long as nobody gets any. */
void bus_shm_end(struct bus *bus, struct client *client, int r);
void bus_shm_written(const struct prop_update *updates, size_t n, void *userdata);
/* The model, the access rules, how properties are reported or who serves them may be others. */
void bus_shm_review(struct bus *bus);
/* The last two only. */
void bus_shm_policy_changed(struct bus *bus);

/* bus_handler.c: calls of core/calls.c to the programs. */
extern const struct calls_front bus_handler_ops;

/* bus_start.c: programs that the bus starts for us, one at a time for each name. */
int bus_start_program(const char *bus_name, void *userdata) MUST_CHECK;
void bus_starts_clear(struct bus *bus);

/* bus_thing.c: news of the core. */
void bus_thing_completed(const char *peer, uint64_t token, int code, const char *text,
                         void *userdata);
void bus_thing_changed(const size_t *indices, size_t n, void *userdata);
void bus_thing_controlled(struct bus *bus, const struct prop_update *updates, size_t n);
void bus_device_time(void *userdata);
void bus_device_bound(bool bound, uint64_t timestamp_s, void *userdata);

/* bus_info.c */
int bus_info_get(DBusMessageIter *it, void *userdata);
void bus_info_update(struct tree_call *call, void *userdata);
void bus_info_update_json(struct tree_call *call, void *userdata);

/* bus_bind.c */
void bus_bind_signature(struct tree_call *call, void *userdata);
void bus_bind_send_token(struct tree_call *call, void *userdata);
void bus_bind_unbind(struct tree_call *call, void *userdata);
void bus_bind_fence(struct bus *bus, const struct fence_alarm *alarm);

/* bus_link.c */
void bus_link_changed(void *userdata);
void bus_link_traffic(bool up, const struct mqtt_publish *publish, void *userdata);
void bus_link_forget_monitor(struct bus *bus, const char *peer);
bool bus_link_is_monitor(const struct bus *bus, const char *peer);

#endif /* IOTD_FRONT_BUS_INTERNAL_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.iotd1.Files and org.iotd1.Resources: one set of handlers for both. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/front/bus_access.h"
#include "daemon/front/bus_files.h"
#include "daemon/front/bus_internal.h"
#include "dbus/iface-gen.h"
#include "dbus/msg.h"
#include "dbus/names.h"
#include "libiotclient/base/fdutil.h"

/* What the cloud expects when nothing is said (device guide, file management). */
#define DEFAULT_TYPE "FILE"
#define DEFAULT_VERSION "1.0.0"

static enum file_kind kind_of(const struct tree_call *call)
{
    return strcmp(tree_call_interface(call), IOTD_IFACE_FILES) == 0 ? FILE_KIND_FILE
                                                                    : FILE_KIND_RESOURCE;
}

static const struct iface *iface_of(enum file_kind kind)
{
    return kind == FILE_KIND_FILE ? &iface_files : &iface_resources;
}

/* False: refused, and answered. */
static bool may(struct bus *bus, struct tree_call *call, const char *name)
{
    char detail[BUS_ACCESS_DETAIL];
    int r = bus_access_check(bus, bus_peer_of(bus, call), ACCESS_FILES, name, detail);

    if (r < 0)
        tree_call_error(&call, r, detail);
    return r == 0;
}

/* The name, and whether the caller may use it; false: answered. */
static bool read_name(struct bus *bus, struct tree_call *call, DBusMessageIter *it,
                      const char **ret_name)
{
    int r = msg_read_string(it, ret_name);

    if (r < 0) {
        tree_call_finish(&call, r);
        return false;
    }
    return may(bus, call, *ret_name);
}

static void finish(struct tree_call *call, int r)
{
    tree_call_error(&call, r, r == -ENOENT ? "there is no file of that name here" : NULL);
}

/* --- what is here --- */

struct listing {
    struct bus *bus;
    const struct bus_peer *peer;
    DBusMessageIter *array;
};

static const char *version_of(const struct file *f)
{
    return f->kind == FILE_KIND_FILE ? f->version : f->md5;
}

static int append_file(const struct file *f, enum file_state state, void *userdata)
{
    struct listing *l = userdata;
    DBusMessageIter entry;
    int r;

    if (!bus_access_may(l->bus, l->peer, ACCESS_FILES, f->name))
        return 0;
    r = msg_open(l->array, DBUS_TYPE_STRUCT, NULL, &entry);
    if (r < 0)
        return r;
    r = msg_append_string(&entry, f->name);
    if (r == 0)
        r = msg_append_string(&entry, f->type);
    if (r == 0)
        r = msg_append_string(&entry, version_of(f));
    if (r == 0)
        r = msg_append_uint64(&entry, f->size);
    if (r == 0)
        r = msg_append_uint64(&entry, f->stamp_us);
    if (r == 0)
        r = msg_append_uint32(&entry, (uint32_t) state);
    return msg_close(l->array, &entry, r);
}

static void on_list(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    struct listing l = {.bus = bus, .peer = bus_peer_of(bus, call)};
    DBusMessageIter it, array;
    int r;

    r = tree_call_open(call, &it);
    if (r == 0)
        r = msg_open(&it, DBUS_TYPE_ARRAY, "(sssttu)", &array);
    l.array = &array;
    if (r == 0)
        r = msg_close(&it, &array, files_walk(bus->core->files, kind_of(call), append_file, &l));
    tree_call_finish(&call, r);
}

static int append_info(DBusMessageIter *it, const struct file *f)
{
    DBusMessageIter dict;
    int r = msg_open_dict(it, &dict);

    if (r < 0)
        return r;
    r = msg_dict_string(&dict, "type", f->type);
    if (r == 0)
        r = msg_dict_string(&dict, "version", version_of(f));
    if (r == 0)
        r = msg_dict_string(&dict, "md5", f->md5);
    if (r == 0)
        r = msg_dict_uint64(&dict, "size", f->size);
    if (r == 0)
        r = msg_dict_uint64(&dict, "stamp", f->stamp_us);
    return msg_close(it, &dict, r);
}

static void on_open(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    CLEANUP(fd_closep) int fd = -1;
    const struct file *f = NULL;
    DBusMessageIter it;
    const char *name;
    int r;

    tree_call_args(call, &it);
    if (!read_name(bus, call, &it, &name))
        return;
    r = files_open(bus->core->files, kind_of(call), name, &fd, &f);
    if (r < 0) {
        finish(call, r == -EMFILE || r == -ENFILE ? -ENOBUFS : r);
        return;
    }
    r = tree_call_open(call, &it);
    if (r == 0)
        r = msg_append_fd(&it, fd);
    if (r == 0)
        r = append_info(&it, f);
    tree_call_finish(&call, r);
}

static void on_delete(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    DBusMessageIter it;
    const char *name;
    int r;

    tree_call_args(call, &it);
    if (!read_name(bus, call, &it, &name))
        return;
    r = files_delete(bus->core->files, kind_of(call), name);
    if (r < 0)
        finish(call, r == -ENOENT || r == -ENOMEM ? r : -EIO);
    else
        tree_call_reply(&call);
}

/* --- uploads --- */

static int read_options(DBusMessageIter *it, struct file_record *record)
{
    struct msg_dict dict;
    DBusMessageIter value;
    const char *key;
    int r = msg_read_dict(it, &dict);

    while (r == 0 && msg_dict_next(&dict, &key, &value)) {
        if (strcmp(key, "type") == 0)
            r = msg_read_string(&value, &record->type);
        else if (strcmp(key, "version") == 0)
            r = msg_read_string(&value, &record->version);
    }
    return r < 0 ? -EINVAL : 0;
}

static const char *problem_of(int r)
{
    switch (r) {
    case -EINVAL:
        return "not a regular file that is open for reading, or a name, type or version that "
               "cannot be";
    case -EMSGSIZE:
        return "the file is larger than 1024 MiB";
    case -EOPNOTSUPP:
        return "a program serves the file system of this file";
    case -EAGAIN:
        return "a resource of that name is on its way";
    default:
        return NULL;
    }
}

static int append_transfer(struct tree_call *call, const struct transfer *t)
{
    char path[BUS_TRANSFER_PATH];
    DBusMessageIter it;
    int r = tree_call_open(call, &it);

    bus_transfer_path(t, path);
    return r < 0 ? r : msg_append_path(&it, path);
}

static void on_upload(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    CLEANUP(fd_closep) int fd = -1;
    struct files_up_request request = {
        .kind = kind_of(call),
        .record = {.type = DEFAULT_TYPE, .version = DEFAULT_VERSION},
        .program = tree_call_sender(call),
    };
    struct transfer *t = NULL;
    DBusMessageIter it;
    int r;

    tree_call_args(call, &it);
    r = msg_read_fd(&it, &fd);
    if (r < 0) {
        tree_call_finish(&call, r);
        return;
    }
    if (!read_name(bus, call, &it, &request.record.name))
        return;
    request.fd = fd;
    r = read_options(&it, &request.record);
    if (r == 0)
        r = files_upload(bus->core->files, &request, &t);
    if (r < 0)
        tree_call_error(&call, r, problem_of(r));
    else
        tree_call_finish(&call, append_transfer(call, t));
}

/* --- the rest --- */

static void on_check(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;

    if (may(bus, call, ""))
        tree_call_finish(&call, files_check(bus->core->files));
}

static void on_request_asr(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    const char *token, *json;
    DBusMessageIter it;
    int r;

    if (!may(bus, call, ""))
        return;
    tree_call_args(call, &it);
    r = msg_read_string(&it, &token);
    if (r == 0)
        r = msg_read_string(&it, &json);
    if (r == 0)
        r = files_request_asr(bus->core->files, token, json);
    if (r == -EINVAL)
        tree_call_error(&call, r, "the token cannot be, or the parameters are no JSON object");
    else
        tree_call_finish(&call, r);
}

/* --- news --- */

struct news {
    const char *signal;
    enum file_kind kind;
    const char *name;
    const struct file *file; /* NULL: without info */
};

static int append_news(DBusMessageIter *it, void *userdata)
{
    const struct news *n = userdata;
    int r = msg_append_string(it, n->name);

    return r == 0 && n->file ? append_info(it, n->file) : r;
}

/* Lost for lack of memory: List tells. */
static void send(struct bus *bus, const char *peer, struct news *n)
{
    (void) !tree_emit_signal(bus->device_object, iface_of(n->kind), n->signal, peer, append_news,
                             n);
}

/* Without rules all who may listen to iotd hear it; with rules, who may use that name. */
static void share(struct bus *bus, struct news *n)
{
    const struct access_conf *rules = bus->core->access.conf;

    if (!bus->device_object)
        return;
    if (!rules || rules->n_rules == 0) {
        send(bus, NULL, n);
        return;
    }
    LIST_FOR_EACH (node, &bus->peers.list) {
        const struct bus_peer *p = LIST_ENTRY(node, struct bus_peer, link);

        if (bus_access_may(bus, p, ACCESS_FILES, n->name))
            send(bus, p->name, n);
    }
}

static void on_received(const struct file *f, void *userdata)
{
    struct news n = {"Received", f->kind, f->name, f};

    share(userdata, &n);
}

static void on_removed(enum file_kind kind, const char *name, void *userdata)
{
    struct news n = {"Removed", kind, name, NULL};

    share(userdata, &n);
}

static const struct files_front front = {.received = on_received, .removed = on_removed};

/* --- life --- */

static const struct tree_method_impl file_methods[] = {
    {"List", on_list},
    {"Open", on_open},
    {"Delete", on_delete},
    {"Upload", on_upload},
    {"RequestAsr", on_request_asr},
};

static const struct tree_method_impl resource_methods[] = {
    {"List", on_list},     {"Open", on_open},   {"Delete", on_delete},
    {"Upload", on_upload}, {"Check", on_check},
};

int bus_files_add(struct bus *bus)
{
    int r;

    if (!bus->core->files)
        return 0;
    r = tree_add_interface(bus->device_object, &iface_files, file_methods, ARRAY_SIZE(file_methods),
                           NULL, 0, bus, NULL);
    if (r == 0)
        r = tree_add_interface(bus->device_object, &iface_resources, resource_methods,
                               ARRAY_SIZE(resource_methods), NULL, 0, bus, NULL);
    if (r == 0)
        r = bus_transfers_add(bus);
    if (r == 0)
        files_listen(bus->core->files, &front, bus);
    return r;
}

void bus_files_remove(struct bus *bus)
{
    if (!bus->core->files)
        return;
    files_listen(bus->core->files, NULL, NULL);
    bus_transfers_remove(bus);
}

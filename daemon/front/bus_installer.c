/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program that installs, as a struct installer: calls of org.iotd1.Installer to it, and what it
 * says with org.iotd1.Firmware. What it says counts for its own job only.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front/bus_call.h"
#include "daemon/front/bus_internal.h"
#include "daemon/sys/log.h"
#include "dbus/errmap.h"
#include "dbus/msg.h"
#include "dbus/names.h"
#include "libiotclient/base/name.h"

LOG_AREA("firmware");

static void end_job(struct bus_installer *bi)
{
    if (bi->call)
        bi->call = bus_call_free(bi->call);
    bi->job = NULL;
    free(bi->version);
    bi->version = NULL;
}

static void forget_offer(struct bus_installer *bi)
{
    free(bi->offered);
    bi->offered = NULL;
}

void bus_installer_clear(struct bus_installer *bi)
{
    if (!bi->peer)
        return;
    log_info("the program that installs is gone name=%s", bi->peer);
    end_job(bi); /* core/update gives it again */
    forget_offer(bi);
    free(bi->peer);
    free(bi->handler);
    bi->peer = bi->handler = NULL;
    (void) !update_set_installer(bi->bus->firmware.update, NULL, ""); /* of ours: cannot fail */
}

static int new_call(struct bus_installer *bi, const char *member, DBusMessage **ret_msg,
                    DBusMessageIter *ret_it)
{
    DBusMessage *msg;

    if (!bi->peer || !bi->bus->conn || !bi->bus->tree)
        return -ENOTCONN;
    msg = dbus_message_new_method_call(bi->peer, bi->handler, IOTD_IFACE_INSTALLER, member);
    if (!msg)
        return -ENOMEM;
    dbus_message_set_auto_start(msg, false);
    dbus_message_iter_init_append(msg, ret_it);
    *ret_msg = msg;
    return 0;
}

struct entry {
    const char *key, *text;
};

/* A text of the cloud may be anything; it was JSON, so it is UTF-8. */
static int append_info(DBusMessageIter *it, const struct entry *entries, size_t n, uint64_t size)
{
    DBusMessageIter dict;
    int r = msg_open_dict(it, &dict);

    if (r < 0)
        return r;
    r = msg_dict_uint64(&dict, "size", size);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = msg_dict_string(&dict, entries[i].key, entries[i].text);
    return msg_close(it, &dict, r);
}

/* --- the job --- */

static void on_install_reply(DBusMessage *reply, void *userdata)
{
    struct bus_installer *bi = userdata;
    const struct installer_events *job = bi->job;
    void *job_userdata = bi->job_userdata;
    char text[INSTALLER_TEXT + 1];
    const char *why = "";
    int r = msg_get_error(reply, &why);

    bi->call = NULL;
    if (r == 0)
        return; /* Finish follows */
    bus_firmware_text(text, sizeof(text), *why ? why : errmap_text(r));
    end_job(bi);
    job->done(r, text, job_userdata);
}

static int send_install(struct bus_installer *bi, const struct install_job *job)
{
    const struct entry entries[] = {
        {"version", job->version}, {"md5", job->md5},     {"sha256", job->sha256},
        {"custom", job->custom},   {"extra", job->extra},
    };
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int r;

    r = new_call(bi, "Install", &msg, &it);
    if (r == 0)
        r = msg_append_fd(&it, job->fd);
    if (r == 0)
        r = append_info(&it, entries, ARRAY_SIZE(entries), job->size);
    if (r < 0)
        return r;
    tree_flush(bi->bus->tree); /* the program sees the state before the call */
    return bus_call_send(&bi->bus->calls, bi->bus->conn, msg, -1, on_install_reply, bi, &bi->call);
}

static int program_start(struct installer *i, const struct install_job *job,
                         const struct installer_events *events, void *userdata)
{
    struct bus_installer *bi = CONTAINER_OF(i, struct bus_installer, installer);
    int r;

    if (bi->job)
        return -EBUSY;
    bi->version = strdup(job->version);
    if (!bi->version)
        return -ENOMEM;
    r = send_install(bi, job);
    if (r < 0) {
        end_job(bi);
        return r;
    }
    bi->job = events;
    bi->job_userdata = userdata;
    return 0;
}

/* Nobody waits for the answer. */
static void program_cancel(struct installer *i)
{
    struct bus_installer *bi = CONTAINER_OF(i, struct bus_installer, installer);
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;

    if (!bi->job)
        return;
    if (new_call(bi, "Cancel", &msg, &it) == 0 && msg_append_string(&it, bi->version) == 0) {
        dbus_message_set_no_reply(msg, TRUE);
        (void) dbus_connection_send(bi->bus->conn, msg, NULL); /* lost without memory: it ends */
    }
    end_job(bi);
}

static const struct installer_ops program_ops = {
    .name = "program",
    .start = program_start,
    .cancel = program_cancel,
};

void bus_installer_init(struct bus_installer *bi, struct bus *bus)
{
    *bi = (struct bus_installer){.installer.ops = &program_ops, .bus = bus};
}

/* --- the offer --- */

static int send_offer(struct bus_installer *bi, const struct update_info *info)
{
    const struct entry entries[] = {
        {"version", info->target},
        {"running", info->running},
        {"custom", info->custom},
        {"extra", info->extra},
        {"state", update_state_name(info->state)},
    };
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int r;

    r = new_call(bi, "Offer", &msg, &it);
    if (r == 0)
        r = append_info(&it, entries, ARRAY_SIZE(entries), info->size);
    if (r < 0)
        return r;
    dbus_message_set_no_reply(msg, TRUE);
    tree_flush(bi->bus->tree);
    return dbus_connection_send(bi->bus->conn, msg, NULL) ? 0 : -ENOMEM;
}

void bus_installer_offer(struct bus_installer *bi, const struct update_info *info)
{
    if (!bi->peer)
        return;
    if (!info->confirm) {
        forget_offer(bi);
        return;
    }
    if (bi->offered && bi->offered_in == info->state && strcmp(bi->offered, info->target) == 0)
        return;
    forget_offer(bi);
    /* Without memory, it is told with the next change; the properties tell as well. */
    if (send_offer(bi, info) < 0)
        return;
    bi->offered = strdup(info->target);
    bi->offered_in = info->state;
}

/* --- what the program says --- */

static int read_version(DBusMessageIter *it, const char **ret_version)
{
    struct msg_dict dict;
    DBusMessageIter value;
    const char *key;
    int r;

    r = msg_read_dict(it, &dict);
    while (r == 0 && msg_dict_next(&dict, &key, &value)) {
        if (strcmp(key, "version") == 0)
            r = msg_read_string(&value, ret_version);
    }
    if (r == 0 && **ret_version && !name_is_version(*ret_version))
        r = -EINVAL;
    return r < 0 ? -EINVAL : 0;
}

/* The first time, or the same program once more: what it works on goes on. */
static int take_program(struct bus_installer *bi, const char *sender, const char *handler,
                        const char *version)
{
    CLEANUP(freep) char *peer = strdup(sender);
    CLEANUP(freep) char *path = strdup(handler);
    struct update *update = bi->bus->firmware.update;
    bool is_new = !bi->peer;
    int r;

    if (!peer || !path)
        return -ENOMEM;
    free(bi->peer);
    free(bi->handler);
    bi->peer = TAKE(peer);
    bi->handler = TAKE(path);
    forget_offer(bi);
    if (!is_new) {
        if (*version)
            update_set_version(update, version);
        return 0;
    }
    r = update_set_installer(update, &bi->installer, version); /* may start the job */
    if (r < 0) {
        free(bi->peer);
        free(bi->handler);
        bi->peer = bi->handler = NULL;
        return r;
    }
    log_info("a program installs name=%s version=\"%s\"", sender, version);
    return 0;
}

void bus_installer_register(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    struct bus_installer *bi = &bus->firmware.program;
    const char *handler, *version = "";
    struct update_info info;
    DBusMessageIter it;
    int r;

    tree_call_args(call, &it);
    r = msg_read_path(&it, &handler);
    if (r == 0)
        r = read_version(&it, &version);
    if (r == 0 && bi->peer && !bus_firmware_is_installer(bus, tree_call_sender(call)))
        r = -EBUSY;
    if (r == 0)
        r = take_program(bi, tree_call_sender(call), handler, version);
    if (r == -EBUSY)
        tree_call_error(&call, -EEXIST, "somebody else installs here");
    else if (r == -EINVAL)
        tree_call_error(&call, r, "the version is not 1 to 32 of [A-Za-z0-9._-]");
    else
        tree_call_finish(&call, r);
    update_get_info(bus->firmware.update, &info);
    bus_installer_offer(bi, &info);
}

/* 0: the caller is the program that installs. */
static int check(struct bus *bus, const struct tree_call *call)
{
    return bus_firmware_is_installer(bus, tree_call_sender(call)) ? 0 : -EPERM;
}

/* The same, and it has a job. */
static int check_job(struct bus *bus, const struct tree_call *call)
{
    int r = check(bus, call);

    return r == 0 && !bus->firmware.program.job ? -EAGAIN : r;
}

static void refuse(struct tree_call *call, int r)
{
    const char *text = NULL;

    if (r == -EPERM)
        text = "the caller is not the program that installs";
    else if (r == -EAGAIN)
        text = "it does not install anything";
    tree_call_error(&call, r, text);
}

void bus_installer_unregister(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    int r = check(bus, call);

    if (r < 0) {
        refuse(call, r);
        return;
    }
    bus_installer_clear(&bus->firmware.program);
    tree_call_reply(&call);
}

void bus_installer_set_version(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    const char *version;
    DBusMessageIter it;
    int r = check(bus, call);

    tree_call_args(call, &it);
    if (r == 0)
        r = msg_read_string(&it, &version);
    if (r == 0 && !name_is_version(version))
        r = -EINVAL;
    if (r < 0) {
        refuse(call, r);
        return;
    }
    update_set_version(bus->firmware.update, version);
    tree_call_reply(&call);
}

void bus_installer_progress(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    struct bus_installer *bi = &bus->firmware.program;
    char buf[INSTALLER_TEXT + 1];
    DBusMessageIter it;
    const char *text;
    uint64_t percent;
    int r = check_job(bus, call);

    tree_call_args(call, &it);
    if (r == 0)
        r = msg_read_uint64(&it, &percent);
    if (r == 0)
        r = msg_read_string(&it, &text);
    if (r == 0 && percent > 100)
        r = -ERANGE;
    if (r < 0) {
        refuse(call, r);
        return;
    }
    bus_firmware_text(buf, sizeof(buf), text);
    bi->job->progress((unsigned) percent, buf, bi->job_userdata);
    tree_call_reply(&call);
}

void bus_installer_finish(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    struct bus_installer *bi = &bus->firmware.program;
    const struct installer_events *job = bi->job;
    char buf[INSTALLER_TEXT + 1];
    DBusMessageIter it;
    const char *text;
    int64_t code;
    int r = check_job(bus, call);

    tree_call_args(call, &it);
    if (r == 0)
        r = msg_read_int64(&it, &code);
    if (r == 0)
        r = msg_read_string(&it, &text);
    if (r < 0) {
        refuse(call, r);
        return;
    }
    r = errmap_from_code((int32_t) code);
    bus_firmware_text(buf, sizeof(buf), *text || r == 0 ? text : errmap_text(r));
    end_job(bi);
    job->done(r, buf, bi->job_userdata); /* which may start the next */
    tree_call_reply(&call);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/fake-firmware.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dbus/iface-gen.h"
#include "dbus/names.h"
#include "libiotclient/base/fdutil.h"
#include "tests/lib/fake-iotd-impl.h"

static struct fake_firmware *firmware_of(void *userdata)
{
    return &((struct fake *) userdata)->firmware;
}

static void on_step(struct loop_timer *timer, void *userdata)
{
    static const struct {
        const char *state;
        uint64_t done;
        uint32_t percent;
    } steps[] = {
        {"downloading", 0, 0},
        {"downloading", 1024 * 1024, 50},
        {"installing", 2048 * 1024, 75},
        {"installed", 2048 * 1024, 100},
    };
    struct fake *f = userdata;
    struct fake_firmware *fw = &f->firmware;

    (void) timer;
    if (fw->step >= ARRAY_SIZE(steps))
        return;
    fw->state = steps[fw->step].state;
    fw->done = steps[fw->step].done;
    fw->percent = steps[fw->step].percent;
    if (++fw->step == ARRAY_SIZE(steps) && strstr(fw->last, "6.6.6")) {
        fw->state = "failed";
        fw->code = -4;
        fw->reason = "the hash is wrong";
    }
    fake_firmware_changed(f);
}

static int get_text(DBusMessageIter *it, const char *text)
{
    return msg_append_string(it, text ? text : "");
}

static int get_state(DBusMessageIter *it, void *userdata)
{
    struct fake *f = userdata;
    const char *state = f->firmware.state;

    if (f->firmware.step > 0 && !f->firmware.is_telling && !loop_timer_is_armed(&f->firmware.timer))
        loop_timer_arm(&f->tl->loop, &f->firmware.timer, 0, on_step, f);
    return msg_append_string(it, state ? state : "idle");
}

static int get_version(DBusMessageIter *it, void *userdata)
{
    return msg_append_string(it, firmware_of(userdata)->version);
}

static int get_target(DBusMessageIter *it, void *userdata)
{
    return get_text(it, firmware_of(userdata)->target);
}

static int get_size(DBusMessageIter *it, void *userdata)
{
    return msg_append_uint64(it, firmware_of(userdata)->size);
}

static int get_done(DBusMessageIter *it, void *userdata)
{
    return msg_append_uint64(it, firmware_of(userdata)->done);
}

static int get_percent(DBusMessageIter *it, void *userdata)
{
    return msg_append_uint32(it, firmware_of(userdata)->percent);
}

static int get_code(DBusMessageIter *it, void *userdata)
{
    return msg_append_int32(it, firmware_of(userdata)->code);
}

static int get_reason(DBusMessageIter *it, void *userdata)
{
    return get_text(it, firmware_of(userdata)->reason);
}

static int get_custom(DBusMessageIter *it, void *userdata)
{
    return get_text(it, firmware_of(userdata)->custom);
}

static int get_extra(DBusMessageIter *it, void *userdata)
{
    return get_text(it, firmware_of(userdata)->extra);
}

static int get_installer(DBusMessageIter *it, void *userdata)
{
    return get_text(it, firmware_of(userdata)->installer);
}

static int get_confirm(DBusMessageIter *it, void *userdata)
{
    return msg_append_bool(it, firmware_of(userdata)->confirm);
}

void fake_firmware_changed(struct fake *f)
{
    static const char *const names[] = {"State",  "Version",  "TargetVersion", "Size",
                                        "Done",   "Progress", "Code",          "Reason",
                                        "Custom", "Extra",    "Installer",     "NeedsConfirmation"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        tree_property_changed(f->device, &iface_firmware, names[i]);
    f->firmware.is_telling = true;
    tree_flush(f->tree);
    f->firmware.is_telling = false;
}

/* --- methods: last is the member, and each argument behind a blank --- */

static void note(struct fake_firmware *fw, const char *text)
{
    size_t len = strlen(fw->last);

    (void) snprintf(fw->last + len, sizeof(fw->last) - len, "%s%s", len > 0 ? " " : "", text);
}

static void note_dict(struct fake_firmware *fw, DBusMessageIter *it)
{
    DBusMessageIter value;
    struct msg_dict dict;
    const char *key, *text;

    if (msg_read_dict(it, &dict) < 0)
        return;
    while (msg_dict_next(&dict, &key, &value)) {
        note(fw, key);
        if (msg_read_string(&value, &text) == 0)
            note(fw, text);
    }
}

static void note_fd(struct fake_firmware *fw, DBusMessageIter *it)
{
    CLEANUP(fd_closep) int fd = -1;
    char content[33] = "";

    if (msg_read_fd(it, &fd) == 0 && pread(fd, content, sizeof(content) - 1, 0) >= 0)
        note(fw, content);
}

static void note_call(struct fake_firmware *fw, const struct tree_call *call)
{
    DBusMessageIter it;
    char number[32];
    const char *text;
    int64_t n;
    int type;

    fw->last[0] = '\0';
    note(fw, tree_call_member(call));
    tree_call_args(call, &it);
    while ((type = dbus_message_iter_get_arg_type(&it)) != DBUS_TYPE_INVALID) {
        if (type == DBUS_TYPE_STRING && msg_read_string(&it, &text) == 0) {
            note(fw, text);
        } else if (type == DBUS_TYPE_OBJECT_PATH && msg_read_path(&it, &text) == 0) {
            note(fw, text);
        } else if (type == DBUS_TYPE_UNIX_FD) {
            note_fd(fw, &it);
        } else if (type == DBUS_TYPE_ARRAY) {
            note_dict(fw, &it);
        } else if (msg_read_int64(&it, &n) == 0) {
            (void) snprintf(number, sizeof(number), "%lld", (long long) n);
            note(fw, number);
        }
    }
}

static void play(struct fake *f)
{
    struct fake_firmware *fw = &f->firmware;
    bool is_on = strncmp(fw->last, "Accept", 6) == 0 || strncmp(fw->last, "Install", 7) == 0;

    fw->reason = is_on ? "" : fw->last;
    fw->code = 0;
    if (is_on) {
        fw->confirm = false;
        fw->step = 0;
        on_step(&fw->timer, f);
    }
    fake_firmware_changed(f);
}

static void on_decide(struct tree_call *call, void *userdata)
{
    struct fake_firmware *fw = firmware_of(userdata);

    note_call(fw, call);
    if (fw->plays)
        play(userdata);
    tree_call_finish(&call, fw->error);
}

static void on_register(struct tree_call *call, void *userdata)
{
    struct fake_firmware *fw = firmware_of(userdata);
    const char *handler = "", *key, *version = "";
    DBusMessageIter it, value;
    struct msg_dict dict;

    fw->n_register++;
    note_call(fw, call);
    tree_call_args(call, &it);
    if (fw->error == 0 && msg_read_path(&it, &handler) == 0 && msg_read_dict(&it, &dict) == 0) {
        while (msg_dict_next(&dict, &key, &value)) {
            if (strcmp(key, "version") == 0)
                (void) !msg_read_string(&value, &version);
        }
        (void) snprintf(fw->version, sizeof(fw->version), "%s", version);
        (void) snprintf(fw->program, sizeof(fw->program), "%s", tree_call_sender(call));
        (void) snprintf(fw->handler, sizeof(fw->handler), "%s", handler);
        fake_firmware_changed(userdata);
    }
    tree_call_finish(&call, fw->error);
}

static void on_unregister(struct tree_call *call, void *userdata)
{
    struct fake_firmware *fw = firmware_of(userdata);

    note_call(fw, call);
    fw->program[0] = '\0';
    tree_call_finish(&call, fw->error);
}

static void on_progress(struct tree_call *call, void *userdata)
{
    firmware_of(userdata)->n_progress++;
    on_decide(call, userdata);
}

static void on_finish(struct tree_call *call, void *userdata)
{
    struct fake_firmware *fw = firmware_of(userdata);

    fw->n_finish++;
    note_call(fw, call);
    (void) snprintf(fw->finish, sizeof(fw->finish), "%.127s", fw->last);
    if (fw->hold_finish && !fw->held)
        fw->held = tree_call_keep(call);
    else
        tree_call_finish(&call, fw->error);
}

static const struct tree_method_impl methods[] = {
    {"Accept", on_decide},
    {"Postpone", on_decide},
    {"Refuse", on_decide},
    {"Install", on_decide},
    {"RegisterInstaller", on_register},
    {"UnregisterInstaller", on_unregister},
    {"SetVersion", on_decide},
    {"ReportProgress", on_progress},
    {"Finish", on_finish},
};

static const struct tree_property_impl properties[] = {
    {"State", get_state}, {"Version", get_version},     {"TargetVersion", get_target},
    {"Size", get_size},   {"Done", get_done},           {"Progress", get_percent},
    {"Code", get_code},   {"Reason", get_reason},       {"Custom", get_custom},
    {"Extra", get_extra}, {"Installer", get_installer}, {"NeedsConfirmation", get_confirm},
};

void fake_play_firmware(struct fake *f)
{
    struct fake_firmware *fw = &f->firmware;

    fw->plays = true;
    fw->state = "offered";
    fw->target = "2.0";
    fw->size = 2048 * 1024;
    fw->confirm = true;
    fw->custom = "{\"color\":\"red\"}";
    fw->extra = "{\"fw_type\":\"mcu\"}";
    fw->installer = "program";
    (void) snprintf(fw->version, sizeof(fw->version), "1.0");
}

void fake_firmware_done(struct fake *f)
{
    loop_timer_cancel(&f->firmware.timer);
    if (f->firmware.held)
        tree_call_error(&f->firmware.held, -EIO, NULL); /* frees it, sends nothing */
}

int fake_add_firmware(struct fake *f, const char **reterr_member)
{
    return tree_add_interface(f->device, &iface_firmware, methods, ARRAY_SIZE(methods), properties,
                              ARRAY_SIZE(properties), f, reterr_member);
}

/* --- calls of the program --- */

static void on_answer(DBusPendingCall *pending, void *userdata)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = dbus_pending_call_steal_reply(pending);
    struct fake_firmware *fw = firmware_of(userdata);

    fw->n_answers++;
    fw->answer_error = msg_get_error(reply, NULL);
}

static bool call_program(struct fake *f, const char *member, int fd, const char *text,
                         const char *md5)
{
    struct fake_firmware *fw = &f->firmware;
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusPendingCall *pending = NULL;
    DBusMessageIter it, dict;
    int r = 0;

    if (!fw->program[0])
        return false;
    msg = dbus_message_new_method_call(fw->program, fw->handler, IOTD_IFACE_INSTALLER, member);
    if (!msg)
        return false;
    dbus_message_iter_init_append(msg, &it);
    if (strcmp(member, "Cancel") == 0)
        r = msg_append_string(&it, text);
    if (fd >= 0)
        r = msg_append_fd(&it, fd);
    if (r == 0 && strcmp(member, "Cancel") != 0) {
        r = msg_open_dict(&it, &dict);
        if (r == 0)
            r = msg_dict_string(&dict, "version", text);
        if (r == 0)
            r = msg_dict_string(&dict, "md5", md5);
        if (r == 0)
            r = msg_dict_string(&dict, "custom", "{\"a\":1}");
        if (r == 0)
            r = msg_dict_uint64(&dict, "size", 5);
        r = msg_close(&it, &dict, r);
    }
    if (r < 0 || !dbus_connection_send_with_reply(f->bus, msg, &pending, -1) || !pending)
        return false;
    (void) dbus_pending_call_set_notify(pending, on_answer, f, NULL);
    dbus_pending_call_unref(pending);
    return true;
}

bool fake_offer(struct fake *f, const char *version)
{
    return call_program(f, "Offer", -1, version, "");
}

bool fake_install(struct fake *f, int fd, const char *version, const char *md5)
{
    return call_program(f, "Install", fd, version, md5);
}

bool fake_cancel(struct fake *f, const char *version)
{
    return call_program(f, "Cancel", -1, version, "");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.iotd1.Firmware: the state of the update, and the methods of who decides about it. */

#include "daemon/front/bus_firmware.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front/bus_internal.h"
#include "dbus/iface-gen.h"
#include "dbus/msg.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/utf8.h"

#define PROGRESS_US USEC_PER_SEC /* between two signals about bytes and percent alone */
#define REFUSAL_TEXT 128         /* own choice: bytes of the text of Refuse */

static struct update_info info_of(void *userdata)
{
    struct update_info info;

    update_get_info(((struct bus *) userdata)->firmware.update, &info);
    return info;
}

/* A text of the cloud may be anything. */
static int append_text(DBusMessageIter *it, const char *text)
{
    int r = msg_append_string(it, text);

    return r == -EINVAL ? msg_append_string(it, "the text is not readable") : r;
}

static int get_state(DBusMessageIter *it, void *userdata)
{
    return msg_append_string(it, update_state_name(info_of(userdata).state));
}

static int get_version(DBusMessageIter *it, void *userdata)
{
    return append_text(it, info_of(userdata).running);
}

static int get_target_version(DBusMessageIter *it, void *userdata)
{
    return append_text(it, info_of(userdata).target);
}

static int get_size(DBusMessageIter *it, void *userdata)
{
    return msg_append_uint64(it, info_of(userdata).size);
}

static int get_done(DBusMessageIter *it, void *userdata)
{
    return msg_append_uint64(it, info_of(userdata).done);
}

static int get_progress(DBusMessageIter *it, void *userdata)
{
    return msg_append_uint32(it, info_of(userdata).percent);
}

static int get_code(DBusMessageIter *it, void *userdata)
{
    return msg_append_int32(it, info_of(userdata).code);
}

static int get_reason(DBusMessageIter *it, void *userdata)
{
    return append_text(it, info_of(userdata).reason);
}

static int get_custom(DBusMessageIter *it, void *userdata)
{
    return append_text(it, info_of(userdata).custom);
}

static int get_extra(DBusMessageIter *it, void *userdata)
{
    return append_text(it, info_of(userdata).extra);
}

static int get_installer(DBusMessageIter *it, void *userdata)
{
    return msg_append_string(it, info_of(userdata).installer);
}

static int get_needs_confirmation(DBusMessageIter *it, void *userdata)
{
    return msg_append_bool(it, info_of(userdata).confirm);
}

/* --- news --- */

static void tell(struct bus *bus, const char *name)
{
    if (bus->device_object)
        tree_property_changed(bus->device_object, &iface_firmware, name);
}

static void tell_texts(struct bus *bus, const struct update_info *info)
{
    const struct {
        const char *name, *text;
    } texts[] = {
        {"Version", info->running}, {"TargetVersion", info->target}, {"Reason", info->reason},
        {"Custom", info->custom},   {"Extra", info->extra},          {"Installer", info->installer},
    };
    struct bus_firmware_told *told = &bus->firmware.told;

    _Static_assert(ARRAY_SIZE(texts) == ARRAY_SIZE(told->texts), "one for each");
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (told->texts[i] && strcmp(told->texts[i], texts[i].text) == 0)
            continue;
        free(told->texts[i]);
        told->texts[i] = strdup(texts[i].text);
        tell(bus, texts[i].name);
    }
}

static void on_pause(struct loop_timer *timer, void *userdata);

/* Bytes and percent alone are not told more than once a second; with another state at once. */
static void tell_progress(struct bus *bus, const struct update_info *info, bool at_once)
{
    struct bus_firmware *fw = &bus->firmware;
    bool has_more = fw->told.done != info->done, is_further = fw->told.percent != info->percent;

    if ((!has_more && !is_further) || (!at_once && loop_timer_is_armed(&fw->pause)))
        return;
    if (has_more)
        tell(bus, "Done");
    if (is_further)
        tell(bus, "Progress");
    fw->told.done = info->done;
    fw->told.percent = info->percent;
    loop_timer_arm(bus->loop, &fw->pause, PROGRESS_US, on_pause, bus);
}

static void on_changed(void *userdata)
{
    struct bus *bus = userdata;
    struct bus_firmware_told *told = &bus->firmware.told;
    struct update_info info = info_of(bus);
    bool is_other = told->state != info.state;

    if (is_other)
        tell(bus, "State");
    if (told->size != info.size)
        tell(bus, "Size");
    if (told->code != info.code)
        tell(bus, "Code");
    if (told->confirm != info.confirm)
        tell(bus, "NeedsConfirmation");
    told->state = info.state;
    told->size = info.size;
    told->code = info.code;
    told->confirm = info.confirm;
    tell_texts(bus, &info);
    tell_progress(bus, &info, is_other);
    bus_installer_offer(&bus->firmware.program, &info);
}

static void on_pause(struct loop_timer *timer, void *userdata)
{
    struct update_info info = info_of(userdata);

    (void) timer;
    tell_progress(userdata, &info, true);
}

/* --- methods --- */

/* What core/update answers, in the words of the bus. */
static void finish(struct tree_call *call, int r)
{
    static const struct {
        int err, as;
        const char *text;
    } answers[] = {
        {-ENOENT, -EAGAIN, "there is no order"},
        {-ESTALE, -ECONNREFUSED, "the order is about another version"},
        {-EALREADY, -ECONNREFUSED, "the update does not wait for an answer"},
        {-EBUSY, -ECONNREFUSED, "an update is being worked on"},
        {-EFBIG, -EMSGSIZE, "the image is larger than firmware may be"},
        {-EKEYREJECTED, -ECONNREFUSED, "the image is not signed as firmware.verify_key wants it"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        if (answers[i].err == r) {
            tree_call_error(&call, answers[i].as, answers[i].text);
            return;
        }
    }
    tree_call_finish(&call, r);
}

static void on_accept(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    const char *version;
    DBusMessageIter it;
    int r;

    tree_call_args(call, &it);
    r = msg_read_string(&it, &version);
    finish(call, r < 0 ? r : update_accept(bus->firmware.update, version));
}

static void on_postpone(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    const char *version;
    DBusMessageIter it;
    uint64_t seconds;
    int r;

    tree_call_args(call, &it);
    r = msg_read_string(&it, &version);
    if (r == 0)
        r = msg_read_uint64(&it, &seconds);
    if (r == 0 && (seconds < UPDATE_POSTPONE_MIN_S || seconds > UPDATE_POSTPONE_MAX_S))
        tree_call_error(&call, -ERANGE, "60 to 604800 seconds");
    else
        finish(call, r < 0 ? r : update_postpone(bus->firmware.update, version, seconds));
}

static void on_refuse(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    const char *version, *text;
    char cut[REFUSAL_TEXT + 1];
    DBusMessageIter it;
    int r;

    tree_call_args(call, &it);
    r = msg_read_string(&it, &version);
    if (r == 0)
        r = msg_read_string(&it, &text);
    if (r == 0) {
        bus_firmware_text(cut, sizeof(cut), text);
        r = update_refuse(bus->firmware.update, version, cut);
    }
    finish(call, r);
}

/* Unknown options are left alone. */
static int read_signature(DBusMessageIter *it, const char **ret_signature)
{
    struct msg_dict dict;
    DBusMessageIter value;
    const char *key;
    int r;

    r = msg_read_dict(it, &dict);
    while (r == 0 && msg_dict_next(&dict, &key, &value)) {
        if (strcmp(key, "signature") == 0)
            r = msg_read_string(&value, ret_signature);
    }
    return r < 0 ? -EINVAL : 0;
}

static void on_install(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    CLEANUP(fd_closep) int fd = -1;
    const char *version, *signature = NULL;
    DBusMessageIter it;
    int r;

    tree_call_args(call, &it);
    r = msg_read_fd(&it, &fd);
    if (r == 0)
        r = msg_read_string(&it, &version);
    if (r == 0)
        r = read_signature(&it, &signature);
    if (r == 0)
        r = update_install_local(bus->firmware.update, fd, version, signature);
    if (r == -ENOENT)
        tree_call_error(&call, -EAGAIN, "there is nobody who installs");
    else if (r == -EINVAL)
        tree_call_error(&call, r, "not a version, or not a regular file with something in it");
    else
        finish(call, r);
}

void bus_firmware_text(char *buf, size_t size, const char *text)
{
    (void) snprintf(buf, size, "%s", text);
    utf8_trim(buf);
    for (char *c = buf; *c; c++) {
        if ((unsigned char) *c < ' ' || *c == 0x7f)
            *c = ' ';
    }
}

static const struct tree_method_impl methods[] = {
    {"Accept", on_accept},
    {"Postpone", on_postpone},
    {"Refuse", on_refuse},
    {"Install", on_install},
    {"RegisterInstaller", bus_installer_register},
    {"UnregisterInstaller", bus_installer_unregister},
    {"SetVersion", bus_installer_set_version},
    {"ReportProgress", bus_installer_progress},
    {"Finish", bus_installer_finish},
};

static const struct tree_property_impl properties[] = {
    {"State", get_state},
    {"Version", get_version},
    {"TargetVersion", get_target_version},
    {"Size", get_size},
    {"Done", get_done},
    {"Progress", get_progress},
    {"Code", get_code},
    {"Reason", get_reason},
    {"Custom", get_custom},
    {"Extra", get_extra},
    {"Installer", get_installer},
    {"NeedsConfirmation", get_needs_confirmation},
};

void bus_firmware_init(struct bus *bus)
{
    bus->firmware.update = bus->core->update;
    bus_installer_init(&bus->firmware.program, bus);
    update_listen(bus->firmware.update, on_changed, bus);
    on_changed(bus); /* what is the case before anybody listens */
}

int bus_firmware_add(struct bus *bus)
{
    return tree_add_interface(bus->device_object, &iface_firmware, methods, ARRAY_SIZE(methods),
                              properties, ARRAY_SIZE(properties), bus, NULL);
}

void bus_firmware_forget(struct bus *bus, const char *peer)
{
    if (bus_firmware_is_installer(bus, peer))
        bus_installer_clear(&bus->firmware.program);
}

bool bus_firmware_is_installer(const struct bus *bus, const char *peer)
{
    const char *program = bus->firmware.program.peer;

    return program && strcmp(program, peer) == 0;
}

void bus_firmware_done(struct bus *bus)
{
    struct bus_firmware *fw = &bus->firmware;

    if (!fw->update)
        return; /* never initialised */
    bus_installer_clear(&fw->program);
    update_listen(fw->update, NULL, NULL);
    loop_timer_cancel(&fw->pause);
    for (size_t i = 0; i < ARRAY_SIZE(fw->told.texts); i++)
        free(fw->told.texts[i]);
}

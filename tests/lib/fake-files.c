/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/fake-files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "dbus/iface-gen.h"
#include "dbus/names.h"
#include "libiotclient/base/fdutil.h"
#include "tests/lib/fake-iotd-impl.h"

static struct fake_files *files_of(void *userdata)
{
    return &((struct fake *) userdata)->files;
}

static int append_info(DBusMessageIter *it)
{
    DBusMessageIter dict;
    int r = msg_open_dict(it, &dict);

    if (r < 0)
        return r;
    r = msg_dict_string(&dict, "type", "FILE");
    if (r == 0)
        r = msg_dict_string(&dict, "later", "what this release does not know");
    if (r == 0)
        r = msg_dict_uint64(&dict, "size", 5);
    return msg_close(it, &dict, r);
}

static int append_row(DBusMessageIter *array, unsigned i)
{
    DBusMessageIter entry;
    char name[16];
    int r = msg_open(array, DBUS_TYPE_STRUCT, NULL, &entry);

    if (r < 0)
        return r;
    (void) snprintf(name, sizeof(name), "f%u", i);
    r = msg_append_string(&entry, name);
    if (r == 0)
        r = msg_append_string(&entry, "FILE");
    if (r == 0)
        r = msg_append_string(&entry, "1");
    if (r == 0)
        r = msg_append_uint64(&entry, 10 + i);
    if (r == 0)
        r = msg_append_uint64(&entry, 20 + i);
    if (r == 0)
        r = msg_append_uint32(&entry, i);
    return msg_close(array, &entry, r);
}

static int answer_list(const struct fake_files *fs, DBusMessageIter *it)
{
    DBusMessageIter array;
    int r = msg_open(it, DBUS_TYPE_ARRAY, "(sssttu)", &array);

    if (r < 0)
        return r;
    for (unsigned i = 0; r == 0 && i < fs->n_files; i++)
        r = append_row(&array, i);
    return msg_close(it, &array, r);
}

static int answer_open(DBusMessageIter *it)
{
    CLEANUP(fd_closep) int fd = memfd_create("fake", MFD_CLOEXEC);
    int r = fd < 0 ? -errno : msg_append_fd(it, fd);

    return r < 0 ? r : append_info(it);
}

/* The member, and the first text of the arguments. */
static void note(struct fake_files *fs, const struct tree_call *call)
{
    const char *text = "";
    DBusMessageIter it;

    tree_call_args(call, &it);
    if (strcmp(tree_call_member(call), "Upload") == 0)
        dbus_message_iter_next(&it);
    if (dbus_message_iter_get_arg_type(&it) == DBUS_TYPE_STRING)
        dbus_message_iter_get_basic(&it, &text);
    (void) snprintf(fs->last, sizeof(fs->last), "%s.%s %s",
                    strcmp(tree_call_interface(call), IOTD_IFACE_FILES) == 0 ? "Files"
                                                                             : "Resources",
                    tree_call_member(call), text);
}

static int answer(const struct fake_files *fs, struct tree_call *call)
{
    const char *member = tree_call_member(call);
    DBusMessageIter it;
    int r = tree_call_open(call, &it);

    if (r < 0)
        return r;
    if (strcmp(member, "List") == 0)
        return answer_list(fs, &it);
    if (strcmp(member, "Open") == 0)
        return answer_open(&it);
    return strcmp(member, "Upload") == 0 ? msg_append_path(&it, FAKE_TRANSFER) : 0;
}

static void on_method(struct tree_call *call, void *userdata)
{
    struct fake_files *fs = files_of(userdata);

    note(fs, call);
    if (fs->hold && !fs->held)
        fs->held = tree_call_keep(call);
    else if (fs->error)
        tree_call_error(&call, fs->error, NULL);
    else
        tree_call_finish(&call, answer(fs, call));
}

static void on_cancel(struct tree_call *call, void *userdata)
{
    struct fake *f = userdata;

    f->files.n_cancels++;
    f->files.state = "cancelled";
    tree_call_reply(&call);
    fake_transfer_changed(f);
}

static int get_text(DBusMessageIter *it, const char *text)
{
    return msg_append_string(it, text ? text : "");
}

static int get_kind(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_string(it, "file-upload");
}

static int get_name(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_string(it, "fake");
}

static int get_size(DBusMessageIter *it, void *userdata)
{
    return msg_append_uint64(it, files_of(userdata)->size);
}

static int get_done(DBusMessageIter *it, void *userdata)
{
    return msg_append_uint64(it, files_of(userdata)->done);
}

static int get_state(DBusMessageIter *it, void *userdata)
{
    const char *state = files_of(userdata)->state;

    return msg_append_string(it, state ? state : "running");
}

static int get_result(DBusMessageIter *it, void *userdata)
{
    return msg_append_int32(it, files_of(userdata)->code);
}

static int get_reason(DBusMessageIter *it, void *userdata)
{
    return get_text(it, files_of(userdata)->text);
}

static int get_token(DBusMessageIter *it, void *userdata)
{
    return get_text(it, files_of(userdata)->token);
}

static const struct tree_method_impl file_methods[] = {
    {"List", on_method},   {"Open", on_method},       {"Delete", on_method},
    {"Upload", on_method}, {"RequestAsr", on_method},
};
static const struct tree_method_impl resource_methods[] = {
    {"List", on_method},   {"Open", on_method},  {"Delete", on_method},
    {"Upload", on_method}, {"Check", on_method},
};
static const struct tree_method_impl transfer_methods[] = {{"Cancel", on_cancel}};
static const struct tree_property_impl properties[] = {
    {"Kind", get_kind},   {"Name", get_name},     {"Size", get_size},   {"Done", get_done},
    {"State", get_state}, {"Result", get_result}, {"Text", get_reason}, {"Token", get_token},
};

int fake_add_files(struct fake *f, const char **reterr_member)
{
    int r = tree_add_object(f->tree, FAKE_TRANSFER, &f->files.transfer);

    if (r == 0)
        r = tree_add_interface(f->device, &iface_files, file_methods, ARRAY_SIZE(file_methods),
                               NULL, 0, f, reterr_member);
    if (r == 0)
        r = tree_add_interface(f->device, &iface_resources, resource_methods,
                               ARRAY_SIZE(resource_methods), NULL, 0, f, reterr_member);
    if (r == 0)
        r = tree_add_interface(f->files.transfer, &iface_transfer, transfer_methods,
                               ARRAY_SIZE(transfer_methods), properties, ARRAY_SIZE(properties), f,
                               reterr_member);
    return r;
}

void fake_files_done(struct fake *f)
{
    if (f->files.held)
        tree_call_error(&f->files.held, -EIO, NULL); /* frees it, sends nothing */
}

void fake_transfer_changed(struct fake *f)
{
    static const char *const names[] = {"Done", "State", "Result", "Text", "Token"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        tree_property_changed(f->files.transfer, &iface_transfer, names[i]);
}

struct news {
    const char *name;
    bool is_here;
};

static int append_news(DBusMessageIter *it, void *userdata)
{
    const struct news *n = userdata;
    int r = msg_append_string(it, n->name);

    return r == 0 && n->is_here ? append_info(it) : r;
}

void fake_file_news(struct fake *f, bool is_resource, bool is_here, const char *name)
{
    struct news n = {name, is_here};

    (void) !tree_emit_signal(f->device, is_resource ? &iface_resources : &iface_files,
                             is_here ? "Received" : "Removed", NULL, append_news, &n);
}

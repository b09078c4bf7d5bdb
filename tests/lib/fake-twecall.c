/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.iotd1.Call of the fake iotd: its answers say what was asked. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dbus/iface-gen.h"
#include "tests/lib/fake-iotd-impl.h"

static int answer(const struct fake *f, struct tree_call *call)
{
    const char *member = tree_call_member(call), *model_id, *app_id;
    DBusMessageIter args, it;
    uint64_t package = 0;
    char text[64];
    int r;

    tree_call_args(call, &args);
    r = msg_read_string(&args, &model_id);
    if (r >= 0)
        r = msg_read_string(&args, &app_id);
    if (r >= 0 && strcmp(member, "Activate") == 0)
        r = msg_read_uint64(&args, &package);
    if (r >= 0)
        r = tree_call_open(call, &it);
    if (r < 0)
        return r;
    if (strcmp(member, "Activate") == 0) {
        (void) snprintf(text, sizeof(text), "package %u", (unsigned) package);
        r = msg_append_int32(&it, f->call_code);
        return r < 0 ? r : msg_append_string(&it, text);
    }
    (void) snprintf(text, sizeof(text), "%s of %.16s %.16s",
                    strcmp(member, "GetTicket") == 0 ? "ticket" : "sn", model_id, app_id);
    r = msg_append_string(&it, text);
    if (r >= 0 && strcmp(member, "GetState") == 0)
        r = msg_append_int64(&it, 1730425600);
    return r;
}

static void on_call(struct tree_call *call, void *userdata)
{
    struct fake *f = userdata;

    if (f->hold_call && !f->held_call)
        f->held_call = tree_call_keep(call);
    else if (f->call_error)
        tree_call_error(&call, f->call_error, NULL);
    else
        tree_call_finish(&call, answer(f, call));
}

static const struct tree_method_impl methods[] = {
    {"GetTicket", on_call},
    {"Activate", on_call},
    {"GetState", on_call},
};

int fake_add_twecall(struct fake *f)
{
    return tree_add_interface(f->device, &iface_call, methods, ARRAY_SIZE(methods), NULL, 0, f,
                              NULL);
}

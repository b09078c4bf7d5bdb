/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.iotd1.Call: calls to WeChat. */

#include <errno.h>
#include <stdio.h>

#include "daemon/front/bus_internal.h"
#include "dbus/iface-gen.h"
#include "dbus/msg.h"
#include "libiotclient/base/utf8.h"

static int append_outcome(struct tree_call *call, enum twecall_kind kind,
                          const struct twecall_outcome *o)
{
    DBusMessageIter it;
    int r = tree_call_open(call, &it);

    if (r < 0)
        return r;
    switch (kind) {
    case TWECALL_TICKET:
        return msg_append_string(&it, o->ticket);
    case TWECALL_ACTIVATION:
        r = msg_append_int32(&it, o->code);
        return r < 0 ? r : msg_append_string(&it, o->text);
    case TWECALL_STATE:
        r = msg_append_string(&it, o->sn);
        return r < 0 ? r : msg_append_int64(&it, o->expires_s);
    case TWECALL_KIND_COUNT_:
        break;
    }
    return -EINVAL;
}

static void finish(struct tree_call *call, enum twecall_kind kind, const struct twecall_outcome *o)
{
    char problem[128];

    if (o->code == -ECANCELED) {
        tree_call_error(&call, -EAGAIN, o->text);
    } else if (o->code < 0) {
        tree_call_error(&call, o->code, o->text);
    } else if (o->code > 0 && kind != TWECALL_ACTIVATION) {
        (void) snprintf(problem, sizeof(problem), "the cloud answered %d: %.80s", o->code, o->text);
        utf8_trim(problem);
        tree_call_error(&call, -ECONNREFUSED, problem);
    } else {
        tree_call_finish(&call, append_outcome(call, kind, o));
    }
}

static void on_ticket(const struct twecall_outcome *outcome, void *userdata)
{
    finish(userdata, TWECALL_TICKET, outcome);
}

static void on_activation(const struct twecall_outcome *outcome, void *userdata)
{
    finish(userdata, TWECALL_ACTIVATION, outcome);
}

static void on_state(const struct twecall_outcome *outcome, void *userdata)
{
    finish(userdata, TWECALL_STATE, outcome);
}

/* The call is answered by fn, or now. */
static void ask(struct bus *bus, struct tree_call *call, enum twecall_kind kind, twecall_fn fn)
{
    struct twecall_question q = {.kind = kind, .package = 0};
    const char *problem = NULL;
    DBusMessageIter it;
    int r;

    tree_call_args(call, &it);
    r = msg_read_string(&it, &q.model_id);
    if (r == 0)
        r = msg_read_string(&it, &q.app_id);
    if (r == 0 && kind == TWECALL_ACTIVATION)
        r = msg_read_uint64(&it, &q.package);
    if (r == 0)
        r = twecall_ask(&bus->core->twecall, &q, fn, call);
    if (r == -EINVAL)
        problem = "model_id and app_id are 1 to 128 bytes, package is 0 to 4";
    else if (r == -EAGAIN)
        problem = "neither the clock is set nor has the cloud told the time";
    if (r < 0)
        tree_call_error(&call, r, problem);
    else
        (void) tree_call_keep(call);
}

static void get_ticket(struct tree_call *call, void *userdata)
{
    ask(userdata, call, TWECALL_TICKET, on_ticket);
}

static void activate(struct tree_call *call, void *userdata)
{
    ask(userdata, call, TWECALL_ACTIVATION, on_activation);
}

static void get_state(struct tree_call *call, void *userdata)
{
    ask(userdata, call, TWECALL_STATE, on_state);
}

static const struct tree_method_impl methods[] = {
    {"GetTicket", get_ticket},
    {"Activate", activate},
    {"GetState", get_state},
};

int bus_twecall_add(struct bus *bus)
{
    return tree_add_interface(bus->device_object, &iface_call, methods, ARRAY_SIZE(methods), NULL,
                              0, bus, NULL);
}

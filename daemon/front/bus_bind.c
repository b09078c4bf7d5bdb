/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.iotd1.Device: binding of the device by a user, fence alarms. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/front/bus_internal.h"
#include "daemon/sys/rand.h"
#include "dbus/iface-gen.h"
#include "dbus/msg.h"
#include "libiotclient/base/utf8.h"

struct wish {
    enum binding_kind kind;
    enum hmac_kind method;
    const char *conn_id;
    char own_conn_id[8];
};

/* The texts of an a{sv} that are asked for; unknown members are left alone. */
struct option {
    const char *key;
    const char **text;
};

static int read_texts(DBusMessageIter *it, const struct option *options, size_t n)
{
    struct msg_dict dict;
    DBusMessageIter value;
    const char *key;
    int r = msg_read_dict(it, &dict);

    while (r == 0 && msg_dict_next(&dict, &key, &value)) {
        for (size_t i = 0; r == 0 && i < n; i++) {
            if (strcmp(key, options[i].key) == 0)
                r = msg_read_string(&value, options[i].text);
        }
    }
    return r < 0 ? -EINVAL : 0;
}

/* problem is a literal. */
static int read_wish(struct tree_call *call, struct wish *w, const char **ret_problem)
{
    const char *kind, *method = "hmacsha1";
    const struct option options[] = {{"method", &method}, {"conn_id", &w->conn_id}};
    DBusMessageIter it;
    int r;

    tree_call_args(call, &it);
    r = msg_read_string(&it, &kind);
    if (r == 0)
        r = read_texts(&it, options, ARRAY_SIZE(options));
    if (r < 0)
        *ret_problem = "an option has another type";
    else if ((r = binding_kind_parse(kind, &w->kind)) < 0)
        *ret_problem = "kind is not one of wifi, bluetooth, other";
    else if ((r = hmac_kind_parse(method, &w->method)) < 0)
        *ret_problem = "\"method\" is not one of hmacsha1, hmacsha256";
    if (r < 0)
        return r;
    if (!w->conn_id) {
        (void) snprintf(w->own_conn_id, sizeof(w->own_conn_id), "%05" PRIu64, rand_u64() % 100000);
        w->conn_id = w->own_conn_id;
    }
    if (!binding_conn_id_is_good(w->conn_id)) {
        *ret_problem = "\"conn_id\" is not 1 to 32 of [A-Za-z0-9_-]";
        return -EINVAL;
    }
    return 0;
}

static int append_signature(struct tree_call *call, const struct ident *ident, const struct wish *w,
                            const struct binding_signature *s, uint64_t timestamp_s)
{
    const struct {
        const char *key, *text;
    } texts[] = {
        {"signature", s->hex},
        {"conn_id", w->conn_id},
        {"method", hmac_kind_name(w->method)},
        {"bind_type", binding_type(w->kind)},
        {"text", s->text},
        {"product_id", ident->product_id},
        {"device_name", ident->device_name},
    };
    DBusMessageIter it, dict;
    int r;

    r = tree_call_open(call, &it);
    if (r == 0)
        r = msg_open_dict(&it, &dict);
    if (r < 0)
        return r;
    r = msg_dict_uint64(&dict, "timestamp", timestamp_s);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(texts); i++)
        r = msg_dict_string(&dict, texts[i].key, texts[i].text);
    return msg_close(&it, &dict, r);
}

void bus_bind_signature(struct tree_call *call, void *userdata)
{
    const struct core *core = ((struct bus *) userdata)->core;
    uint64_t now_s = ntp_now_s(core->ntp);
    struct wish w = {.conn_id = NULL};
    const char *problem = NULL;
    struct binding_signature s;
    int r;

    r = read_wish(call, &w, &problem);
    if (r == 0 && !core->signer) {
        problem = "the device has no credentials yet";
        r = -EAGAIN;
    } else if (r == 0 && now_s == 0) {
        problem = "neither the clock is set nor has the cloud told the time";
        r = -EAGAIN;
    }
    if (r == 0)
        r = binding_sign(&s, core->signer, core->ident, w.kind, w.method, w.conn_id, now_s);
    if (r == -EOPNOTSUPP)
        problem = "a certificate device has no secret to sign with";
    if (r < 0)
        tree_call_error(&call, r, problem);
    else
        tree_call_finish(&call, append_signature(call, core->ident, &w, &s, now_s));
}

/* The cloud has replied, or there is none. */
static void on_outcome(int code, const char *text, void *userdata)
{
    struct tree_call *call = userdata;
    char problem[128];

    if (code == 0) {
        tree_call_reply(&call);
    } else if (code == -ECANCELED) {
        tree_call_error(&call, -EAGAIN, text);
    } else if (code < 0) {
        tree_call_error(&call, code, text);
    } else {
        (void) snprintf(problem, sizeof(problem), "the cloud answered %d: %.80s", code, text);
        utf8_trim(problem);
        tree_call_error(&call, -ECONNREFUSED, problem);
    }
}

/* The call is answered by on_outcome(), or now. */
static void finish_start(struct tree_call *call, int r, const char *problem)
{
    if (r < 0)
        tree_call_error(&call, r, r == -EINVAL ? problem : NULL);
    else
        (void) tree_call_keep(call);
}

void bus_bind_send_token(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    CLEANUP(jx_decrefp) json_t *times = NULL;
    const char *token, *text = NULL, *problem = "\"pair_time\" is not a JSON object";
    const struct option options[] = {{"pair_time", &text}};
    DBusMessageIter it;
    int r;

    tree_call_args(call, &it);
    r = msg_read_string(&it, &token);
    if (r == 0)
        r = read_texts(&it, options, ARRAY_SIZE(options));
    if (r == 0 && text)
        r = jx_parse_object(text, strlen(text), &times, NULL) < 0 ? -EINVAL : 0;
    if (r == 0) {
        problem = "the token is not 1 to 32 printable characters";
        r = service_send_bind_token(&bus->core->service, token, times, on_outcome, call);
    }
    finish_start(call, r, problem);
}

void bus_bind_unbind(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;

    finish_start(call, core_unbind(bus->core, on_outcome, call), NULL);
}

static int append_alarm(DBusMessageIter *it, void *userdata)
{
    const struct fence_alarm *a = userdata;
    const struct {
        const char *key, *text;
    } texts[] = {
        {"alert_type", a->alert_type},
        {"alert_condition", a->condition},
        {"fence_name", a->fence_name},
    };
    DBusMessageIter dict;
    int r = msg_open_dict(it, &dict);

    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(texts); i++) {
        if (texts[i].text)
            r = msg_dict_string(&dict, texts[i].key, texts[i].text);
    }
    if (r == 0 && a->has_time)
        r = msg_dict_int64(&dict, "alarm_time", a->alarm_time);
    if (r == 0 && a->has_place)
        r = msg_dict_double(&dict, "long", a->longitude);
    if (r == 0 && a->has_place)
        r = msg_dict_double(&dict, "lat", a->latitude);
    if (r == 0 && a->timestamp_s)
        r = msg_dict_uint64(&dict, "timestamp", a->timestamp_s);
    return msg_close(it, &dict, r);
}

void bus_bind_fence(struct bus *bus, const struct fence_alarm *alarm)
{
    struct fence_alarm copy = *alarm; /* the append function gets a pointer that is not const */

    if (bus->device_object) /* lost for lack of memory, or without a bus: nobody else knows it */
        (void) !tree_emit_signal(bus->device_object, &iface_device, "FenceAlert", NULL,
                                 append_alarm, &copy);
}

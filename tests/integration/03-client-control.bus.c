/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client → iotd: Register(ids, handler); iotd → client: Handler.Control(values, context)
 * client → iotd: (code, text), at once, later, or 405 when the program forgets it
 */

#include <errno.h>
#include <string.h>

#include "dbus/names.h"
#include "tests/lib/suite.h"
#include "tests/lib/world.h"

struct server {
    struct world w;
    iotc_slot *slot;
    iotc_control *kept;
    unsigned n;
    bool keep;
    bool forget;
    int code;
    const char *text;
    int64_t brightness;
    bool power;
    char name[32];
    int result; /* of the answer */
    int n_freed;
};

static void on_control(iotc_client *client, iotc_control *control, void *userdata)
{
    struct server *s = userdata;
    const char *name;
    double d;

    CHECK(client == s->w.client);
    s->n++;
    if (iotc_control_has(control, "brightness"))
        CHECK_INT(iotc_control_get_int(control, "brightness", &s->brightness), 0);
    if (iotc_control_has(control, "power_switch"))
        CHECK_INT(iotc_control_get_bool(control, "power_switch", &s->power), 0);
    if (iotc_control_get_string(control, "name", &name) == 0)
        (void) snprintf(s->name, sizeof(s->name), "%s", name);
    CHECK_INT(iotc_control_get_int(control, "nothing", &s->brightness), -ENOENT);
    CHECK_INT(iotc_control_get_double(control, "brightness", &d), -EPROTOTYPE);
    if (s->keep)
        s->kept = iotc_control_ref(control);
    else if (!s->forget)
        s->result = iotc_control_answer(control, s->code, s->text);
}

static void on_free(void *userdata)
{
    struct server *s = userdata;

    s->n_freed++;
}

static bool is_served(void *userdata)
{
    struct server *s = userdata;

    return iotc_slot_get_error(s->slot) == 0;
}

static bool is_answered(void *userdata)
{
    struct server *s = userdata;

    return s->w.fake->n_answers > 0;
}

static bool is_called(void *userdata)
{
    struct server *s = userdata;

    return s->n > 0;
}

static const char *const ids[] = {"brightness", "power_switch", "name"};

static void server_init(struct server *s)
{
    *s = (struct server){.code = 0};
    world_init_attached(&s->w);
    CHECK_INT(iotc_serve_control(s->w.client, &s->slot, ids, 3, on_control, s, on_free), 0);
    CHECK_INT(iotc_slot_get_error(s->slot), -EINPROGRESS);
    world_until(&s->w, is_served, s, "the registration");
    CHECK(fake_is_claimed(s->w.fake, 'p', "brightness"));
}

static void server_fini(struct server *s)
{
    s->kept = iotc_control_unref(s->kept);
    s->slot = iotc_slot_unref(s->slot);
    CHECK_INT(s->n_freed, 1);
    world_fini(&s->w);
}

static void control(struct server *s)
{
    CLEANUP(value_list_done) struct value_list values = {NULL, 0};
    struct value v = value_of_int(55), p = value_of_bool(true), n = value_of_string("hall");

    s->n = 0;
    s->w.fake->n_answers = 0;
    CHECK_INT(value_list_set(&values, "brightness", &v, 3), 0);
    CHECK_INT(value_list_set(&values, "power_switch", &p, 3), 0);
    CHECK_INT(value_list_set(&values, "name", &n, 3), 0);
    CHECK(fake_control(s->w.fake, &values));
}

static void test_answer_now(void)
{
    struct server s;

    server_init(&s);
    control(&s);
    world_until(&s.w, is_answered, &s, "the answer");
    CHECK_INT(s.n, 1);
    CHECK_INT(s.result, 0);
    CHECK_INT(s.brightness, 55);
    CHECK(s.power);
    CHECK_STR(s.name, "hall");
    CHECK_INT(s.w.fake->answer_error, 0);
    CHECK_INT(s.w.fake->answer_code, 0);
    CHECK_STR(s.w.fake->answer_text, "");
    server_fini(&s);
}

static void test_codes(void)
{
    static const char long_text[] =
        "sixty-four bytes are what the vendor's buffer takes, not more: \xe7\x81\xaf cut";
    static const struct {
        int code;
        const char *text;
        int sent_code;
        const char *sent_text;
    } cases[] = {
        {-ERANGE, NULL, 406, "the value is outside of what the thing model allows"},
        {-ERANGE, "too bright", 406, "too bright"},
        {-EBUSY, "not now", 503, "not now"}, /* an errno without a row of its own */
        {599, "mine", 599, "mine"},
        {0, long_text, 0, "sixty-four bytes are what the vendor's buffer takes, not more: "},
    };
    struct server s;

    server_init(&s);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        s.code = cases[i].code;
        s.text = cases[i].text;
        control(&s);
        world_until(&s.w, is_answered, &s, "the answer");
        CHECK_INT(s.result, 0);
        CHECK_INT(s.w.fake->answer_code, cases[i].sent_code);
        CHECK_STR(s.w.fake->answer_text, cases[i].sent_text);
    }
    server_fini(&s);
}

static void test_bad_answers(void)
{
    struct server s;

    server_init(&s);
    s.keep = true;
    control(&s);
    world_until(&s.w, is_called, &s, "the control");
    CHECK_INT(iotc_control_answer(s.kept, 600, NULL), -EINVAL);
    CHECK_INT(iotc_control_answer(s.kept, -5000, NULL), -EINVAL);
    CHECK_INT(iotc_control_answer(s.kept, 0, "\xff"), -EINVAL);
    CHECK_INT(iotc_control_answer(NULL, 0, NULL), -EINVAL);
    CHECK_INT(s.w.fake->n_answers, 0);
    CHECK_INT(iotc_control_answer(s.kept, 0, NULL), 0);
    CHECK_INT(iotc_control_answer(s.kept, 0, NULL), -EALREADY);
    world_until(&s.w, is_answered, &s, "the answer");
    server_fini(&s);
}

static void test_answer_later(void)
{
    struct server s;

    server_init(&s);
    s.keep = true;
    control(&s);
    world_until(&s.w, is_called, &s, "the control");
    world_settle(&s.w);
    CHECK_INT(s.w.fake->n_answers, 0);
    CHECK_INT(iotc_control_answer(s.kept, 0, "done"), 0);
    s.kept = iotc_control_unref(s.kept);
    world_until(&s.w, is_answered, &s, "the answer");
    CHECK_INT(s.w.fake->answer_code, 0);
    CHECK_STR(s.w.fake->answer_text, "done");
    server_fini(&s);
}

static void test_forgotten(void)
{
    struct server s;

    server_init(&s);
    s.forget = true;
    control(&s);
    world_until(&s.w, is_answered, &s, "the answer");
    CHECK_INT(s.w.fake->answer_code, 405);
    s.forget = false;
    s.keep = true;
    control(&s);
    world_until(&s.w, is_called, &s, "the control");
    s.kept = iotc_control_unref(s.kept);
    world_until(&s.w, is_answered, &s, "the answer");
    CHECK_INT(s.w.fake->answer_code, 405);
    server_fini(&s);
}

static void test_iotd_goes(void)
{
    struct server s;

    server_init(&s);
    s.keep = true;
    control(&s);
    world_until(&s.w, is_called, &s, "the control");
    world_kill_fake(&s.w);
    WORLD_UNTIL(&s.w, world_is_absent);
    CHECK_INT(iotc_slot_get_error(s.slot), -EINPROGRESS);
    world_start_fake(&s.w);
    WORLD_UNTIL(&s.w, world_is_up);
    /* The new iotd does not wait for this answer. */
    CHECK_INT(iotc_control_answer(s.kept, 0, NULL), -ECONNRESET);
    CHECK_INT(iotc_control_answer(s.kept, 0, NULL), -EALREADY);
    s.kept = iotc_control_unref(s.kept);

    /* Registered again, by itself. */
    world_until(&s.w, is_served, &s, "the registration");
    s.keep = false;
    control(&s);
    world_until(&s.w, is_answered, &s, "the answer");
    CHECK_INT(s.w.fake->answer_code, 0);
    server_fini(&s);
}

/* A control that outlives the client is a harmless object. */
static void test_client_goes(void)
{
    struct server s;
    int64_t value;

    server_init(&s);
    s.keep = true;
    control(&s);
    world_until(&s.w, is_called, &s, "the control");
    world_drop_client(&s.w);
    CHECK_INT(iotc_control_get_int(s.kept, "brightness", &value), 0);
    CHECK_INT(value, 55);
    CHECK_INT(iotc_control_answer(s.kept, 0, NULL), -ECONNRESET);
    server_fini(&s);
}

static void test_unregister(void)
{
    struct server s;

    server_init(&s);
    s.slot = iotc_slot_unref(s.slot);
    CHECK_INT(s.n_freed, 1);
    world_settle(&s.w);
    CHECK(!fake_is_claimed(s.w.fake, 'p', "brightness"));
    CHECK_INT(s.w.fake->n_unregister, 1);
    server_fini(&s);
}

/* The id was given back while a control was on its way. */
static void test_late_control(void)
{
    struct server s;

    server_init(&s);
    control(&s);
    s.slot = iotc_slot_unref(s.slot);
    world_until(&s.w, is_answered, &s, "the answer");
    CHECK_INT(s.n, 0);
    CHECK_INT(s.w.fake->answer_error, -EPERM);
    server_fini(&s);
}

struct state_log {
    int n;
    int last;
};

static void on_state(iotc_client *client, iotc_slot *slot, int error, void *userdata)
{
    struct state_log *log = userdata;

    (void) client;
    CHECK_INT(iotc_slot_get_error(slot), error);
    log->n++;
    log->last = error;
}

static bool is_owned_elsewhere(void *userdata)
{
    struct server *s = userdata;

    return iotc_slot_get_error(s->slot) == -EEXIST;
}

static void test_owned_by_another(void)
{
    struct state_log log = {0, 1};
    struct server s;

    server_init(&s);
    s.slot = iotc_slot_unref(s.slot);
    world_settle(&s.w);
    s.n_freed = 0;
    s.w.fake->register_error = -EEXIST;
    CHECK_INT(iotc_serve_control(s.w.client, &s.slot, ids, 3, on_control, &s, on_free), 0);
    CHECK_INT(iotc_slot_watch(s.slot, on_state, &log), 0);
    world_until(&s.w, is_owned_elsewhere, &s, "AlreadyOwned");
    CHECK_INT(log.n, 1);
    CHECK_INT(log.last, -EEXIST);
    /* The other program ends: the library tries again by itself. */
    s.w.fake->register_error = 0;
    world_until(&s.w, is_served, &s, "the registration");
    CHECK_INT(log.n, 2);
    CHECK_INT(log.last, 0);
    world_kill_fake(&s.w);
    WORLD_UNTIL(&s.w, world_is_absent);
    CHECK_INT(log.n, 3);
    CHECK_INT(log.last, -EINPROGRESS);
    server_fini(&s);
}

static void test_arguments(void)
{
    static const char *const unknown[] = {"nothing"};
    static const char *const bad[] = {"1bad"};
    static const char *const again[] = {"color", "brightness"};
    iotc_slot *slot = NULL;
    struct server s;

    server_init(&s);
    CHECK_INT(iotc_serve_control(s.w.client, &slot, ids, 0, on_control, &s, NULL), -EINVAL);
    CHECK_INT(iotc_serve_control(s.w.client, &slot, NULL, 1, on_control, &s, NULL), -EINVAL);
    CHECK_INT(iotc_serve_control(s.w.client, &slot, ids, 1, NULL, &s, NULL), -EINVAL);
    CHECK_INT(iotc_serve_control(s.w.client, &slot, bad, 1, on_control, &s, NULL), -EINVAL);
    CHECK_INT(iotc_serve_control(s.w.client, &slot, again, 2, on_control, &s, NULL), -EEXIST);
    CHECK_INT(iotc_serve_control(s.w.client, &slot, ids, 2049, on_control, &s, NULL), -EMSGSIZE);
    CHECK(slot == NULL);
    CHECK_INT(iotc_serve_control(s.w.client, &slot, unknown, 1, on_control, &s, NULL), 0);
    world_settle(&s.w);
    CHECK_INT(iotc_slot_get_error(slot), -ENOENT);
    iotc_slot_unref(slot);
    server_fini(&s);
}

/* Only iotd may call the handler. */
static void test_stranger(void)
{
    DBusMessage *msg, *reply;
    DBusConnection *other;
    DBusPendingCall *pending = NULL;
    struct server s;

    server_init(&s);
    other = dbus_bus_get_private(DBUS_BUS_SYSTEM, NULL);
    CHECK(other != NULL);
    msg = dbus_message_new_method_call(s.w.fake->sender, s.w.fake->claims[0].handler,
                                       IOTD_IFACE_HANDLER, "Control");
    CHECK(dbus_connection_send_with_reply(other, msg, &pending, -1));
    dbus_connection_flush(other);
    world_settle(&s.w);
    dbus_pending_call_block(pending);
    reply = dbus_pending_call_steal_reply(pending);
    CHECK_STR(dbus_message_get_error_name(reply), "org.iotd1.Error.NotAuthorized");
    CHECK_INT(s.n, 0);
    dbus_message_unref(reply);
    dbus_message_unref(msg);
    dbus_pending_call_unref(pending);
    dbus_connection_close(other);
    dbus_connection_unref(other);
    server_fini(&s);
}

const char *const suite_name = "client-control";
const struct suite_test suite_tests[] = {
    {"answer_now", test_answer_now},
    {"codes", test_codes},
    {"bad_answers", test_bad_answers},
    {"answer_later", test_answer_later},
    {"forgotten", test_forgotten},
    {"iotd_goes", test_iotd_goes},
    {"client_goes", test_client_goes},
    {"unregister", test_unregister},
    {"late_control", test_late_control},
    {"owned_by_another", test_owned_by_another},
    {"arguments", test_arguments},
    {"stranger", test_stranger},
    {NULL, NULL},
};

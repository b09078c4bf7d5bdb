/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Controls and actions of a program that shares memory with iotd:
 *
 *   cloud                          iotd                        lamp
 *   control {"brightness":50}  →
 *                                  ring: control           →
 *                                                          ←   ring: answer 0
 *                              ←   control_reply 0
 *
 * Answered at once, later, by the last reference, after the program is gone; exactly one reply
 * each.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/client.h"
#include "tests/lib/scene.h"
#include "tests/lib/world.h"

static const char *const ids[] = {"brightness", "power_switch"};

struct lamp {
    struct scene scene;
    struct world world;
    iotc_slot *control_slot, *action_slot;
    /* What the callbacks do. */
    int code;
    const char *text;
    bool keeps;
    /* What they saw. */
    unsigned n_controls, n_calls;
    int64_t brightness;
    bool open;
    char user[64];
    iotc_control *kept[4];
    unsigned n_kept;
};

static void on_control(iotc_client *client, iotc_control *control, void *userdata)
{
    struct lamp *l = userdata;

    (void) client;
    l->n_controls++;
    CHECK(iotc_control_has(control, "brightness"));
    CHECK(!iotc_control_has(control, "name"));
    CHECK_INT(iotc_control_get_int(control, "brightness", &l->brightness), 0);
    if (l->keeps && l->n_kept < ARRAY_SIZE(l->kept))
        l->kept[l->n_kept++] = iotc_control_ref(control);
    else if (l->code != -ECANCELED)
        CHECK_INT(iotc_control_answer(control, l->code, l->text), 0);
}

static void on_call(iotc_client *client, iotc_call *call, void *userdata)
{
    struct lamp *l = userdata;
    const char *user = "";

    (void) client;
    l->n_calls++;
    CHECK_STR(iotc_call_get_id(call), "unlock");
    CHECK_INT(iotc_call_get_bool(call, "open", &l->open), 0);
    CHECK_INT(iotc_call_get_string(call, "user", &user), 0);
    (void) snprintf(l->user, sizeof(l->user), "%s", user);
    CHECK_INT(iotc_call_set_string(call, "user", user), 0);
    CHECK_INT(iotc_call_set_int(call, "time", 1700000000), 0);
    CHECK_INT(iotc_call_set_bool(call, "state", true), 0);
    CHECK_INT(iotc_call_answer(call, l->code, l->text), 0);
}

static bool is_serving(void *userdata)
{
    const struct lamp *l = userdata;

    return iotc_slot_get_error(l->control_slot) == 0 && iotc_slot_get_error(l->action_slot) == 0 &&
           shm_is_active(l->world.client);
}

static void begin(struct lamp *l, const char *settings)
{
    *l = (struct lamp){.code = 0};
    scene_start(&l->scene, settings);
    world_init(&l->world);
    CHECK_INT(iotc_serve_control(l->world.client, &l->control_slot, ids, ARRAY_SIZE(ids),
                                 on_control, l, NULL),
              0);
    CHECK_INT(iotc_serve_action(l->world.client, &l->action_slot, "unlock", on_call, l, NULL), 0);
    world_until(&l->world, is_serving, l, "served");
}

static void end(struct lamp *l)
{
    for (unsigned i = 0; i < l->n_kept; i++)
        iotc_control_unref(l->kept[i]);
    l->control_slot = iotc_slot_unref(l->control_slot);
    l->action_slot = iotc_slot_unref(l->action_slot);
    world_fini(&l->world);
    scene_stop(&l->scene);
}

struct wish {
    const struct lamp *lamp;
    unsigned n_controls, n_calls;
};

static bool has_come(void *userdata)
{
    const struct wish *w = userdata;

    return w->lamp->n_controls >= w->n_controls && w->lamp->n_calls >= w->n_calls;
}

static void wait_controls(struct lamp *l, unsigned n)
{
    struct wish w = {l, n, 0};

    world_until(&l->world, has_come, &w, "controls");
    world_settle(&l->world);
}

static void control(struct lamp *l, const char *values)
{
    unsigned n = l->n_controls + 1;

    json_decref(cloud_control(l->scene.cloud, values));
    wait_controls(l, n);
}

static void check_replies(struct lamp *l, unsigned n)
{
    world_settle(&l->world);
    scene_barrier();
    CHECK_INT(scene_count(&l->scene, "up", "control_reply", NULL), n);
}

static void test_answered(void)
{
    struct lamp l;
    int64_t value;

    begin(&l, NULL);
    control(&l, "{\"brightness\":50,\"power_switch\":1}");
    CHECK_INT(l.brightness, 50);
    CHECK_ANSWER(&l.scene, "control_reply", 0, "");
    json_decref(cloud_wait_method(l.scene.cloud, "up", "report"));
    world_settle(&l.world);
    CHECK_INT(iotc_prop_get_int(world_prop(&l.world, "brightness"), &value, NULL), 0);
    CHECK_INT(value, 50);
    l.code = -ERANGE;
    control(&l, "{\"brightness\":60}");
    CHECK_ANSWER(&l.scene, "control_reply", 406, "");
    l.code = 477;
    l.text = "on fire";
    control(&l, "{\"brightness\":70}");
    CHECK_ANSWER(&l.scene, "control_reply", 477, "on fire");
    l.code = -ECANCELED; /* drops it */
    control(&l, "{\"brightness\":80}");
    CHECK_ANSWER(&l.scene, "control_reply", 405, "");
    check_replies(&l, 4);
    end(&l);
}

/* Kept, and answered in another order; one of them by the last reference, one twice. */
static void test_later(void)
{
    struct lamp l;

    begin(&l, NULL);
    l.keeps = true;
    control(&l, "{\"brightness\":1}");
    control(&l, "{\"brightness\":2}");
    control(&l, "{\"brightness\":3}");
    check_replies(&l, 0);
    CHECK_INT(iotc_control_answer(l.kept[2], 0, NULL), 0); /* outside of a dispatch */
    CHECK_ANSWER(&l.scene, "control_reply", 0, "");
    CHECK_INT(iotc_control_answer(l.kept[2], 0, NULL), -EALREADY);
    l.kept[0] = iotc_control_unref(l.kept[0]);
    CHECK_ANSWER(&l.scene, "control_reply", 405, "");
    CHECK_INT(iotc_control_answer(l.kept[1], -EACCES, "no"), 0);
    CHECK_ANSWER(&l.scene, "control_reply", 401, "no");
    check_replies(&l, 3);
    end(&l);
}

static bool is_up_again(void *userdata)
{
    return is_serving(userdata);
}

/* iotd is killed with a control in hand: the answer is for that one, and nobody else. */
static void test_killed(void)
{
    struct lamp l;

    begin(&l, NULL);
    l.keeps = true;
    control(&l, "{\"brightness\":1}");
    daemon_kill(l.scene.iotd);
    world_until(&l.world, world_is_absent, &l.world, "absent");
    CHECK_INT(iotc_control_answer(l.kept[0], 0, NULL), -ECONNRESET);
    daemon_start_again(l.scene.iotd);
    world_until(&l.world, is_up_again, &l, "served again");
    (void) daemon_wait_link(l.scene.iotd, "up");
    l.keeps = false;
    control(&l, "{\"brightness\":9}");
    CHECK_INT(l.brightness, 9);
    end(&l);
}

/* The program goes with controls in hand. */
static void test_program_ends(void)
{
    struct lamp l;

    begin(&l, NULL);
    l.keeps = true;
    control(&l, "{\"brightness\":1}");
    control(&l, "{\"brightness\":2}");
    world_drop_client(&l.world);
    CHECK_ANSWER(&l.scene, "control_reply", 405, "");
    CHECK_ANSWER(&l.scene, "control_reply", 405, "");
    CHECK_INT(iotc_control_answer(l.kept[0], 0, NULL), -ECONNRESET);
    for (unsigned i = 0; i < l.n_kept; i++)
        iotc_control_unref(l.kept[i]);
    scene_barrier();
    CHECK_INT(scene_count(&l.scene, "up", "control_reply", NULL), 2);
    l.control_slot = iotc_slot_unref(l.control_slot);
    l.action_slot = iotc_slot_unref(l.action_slot);
    world_fini(&l.world);
    scene_stop(&l.scene);
}

/* Given back: what is on its way to it is refused, once. */
static void test_unserved(void)
{
    struct lamp l;

    begin(&l, "[thing]\nunowned_control = refuse\n");
    l.control_slot = iotc_slot_unref(l.control_slot);
    json_decref(cloud_control(l.scene.cloud, "{\"brightness\":5}"));
    json_decref(cloud_wait_method(l.scene.cloud, "up", "control_reply"));
    check_replies(&l, 1);
    CHECK_INT(l.n_controls, 0);
    end(&l);
}

static void test_action(void)
{
    static const char *const args[] = {"ActionId=unlock",
                                       "InputParams={\"open\":1,\"user\":\"me\"}", NULL};
    CLEANUP(json_decrefp) json_t *response = NULL;
    struct wish w;
    struct proc *app;
    struct lamp l;

    begin(&l, NULL);
    app = cloud_app_start(l.scene.cloud, "AppCallDeviceActionSync", args);
    w = (struct wish){&l, 0, 1};
    world_until(&l.world, has_come, &w, "the call");
    world_settle(&l.world);
    CHECK(l.open);
    CHECK_STR(l.user, "me");
    response = cloud_app_finish(app);
    CHECK_STR(scene_text(response, "Status"), "succ");
    CHECK_STR(scene_text(response, "OutputParams"),
              "{\"user\":\"me\",\"time\":1700000000,\"state\":1}");
    json_decref(response);
    l.code = 510;
    l.text = "stuck";
    app = cloud_app_start(l.scene.cloud, "AppCallDeviceActionSync", args);
    w.n_calls = 2;
    world_until(&l.world, has_come, &w, "the call");
    world_settle(&l.world);
    response = cloud_app_finish(app);
    CHECK_INT(scene_int(response, "Code"), 510);
    scene_barrier();
    CHECK_INT(scene_count(&l.scene, "up", "action_reply", NULL), 2);
    end(&l);
}

/* --- outputs that no record holds as items --- */

#define INTS                                                                                       \
    "'define':{'type':'array','arrayInfo':{'type':'int','unit':'','step':'1','min':'0','max':'9'}" \
    "}"
#define OUTPUT(id) "{'id':'" id "','name':'Ints'," INTS "}"
#define N_INTS 1000

static char *file_of(const char *name, char *text)
{
    char *path;

    for (char *p = text; *p; p++) {
        if (*p == '\'')
            *p = '"';
    }
    path = fixture_write_file(name, 0600, text);
    free(text);
    return path;
}

static void on_dump(iotc_client *client, iotc_call *call, void *userdata)
{
    struct lamp *l = userdata;
    iotc_value *ints = NULL;

    (void) client;
    l->n_calls++;
    CHECK_INT(iotc_value_new_array(&ints), 0);
    for (int i = 0; i < N_INTS; i++)
        CHECK_INT(iotc_value_add_int(ints, i % 10), 0);
    CHECK_INT(iotc_call_set_value(call, "a", ints), 0);
    CHECK_INT(iotc_call_set_value(call, "b", ints), 0);
    CHECK_INT(iotc_call_set_value(call, "c", ints), 0);
    iotc_value_free(ints);
    CHECK_INT(iotc_call_answer(call, 0, "all"), 0);
}

static bool is_dumping(void *userdata)
{
    const struct lamp *l = userdata;

    return iotc_slot_get_error(l->action_slot) == 0 && shm_is_active(l->world.client);
}

static void test_large_output(void)
{
    static const char *const args[] = {"ActionId=dump", "InputParams={}", NULL};
    CLEANUP(freep)
    char *model =
        file_of("dump.json",
                scene_printf("{'version':'1.0','profile':{'ProductId':'" CLOUD_PRODUCT
                             "','CategoryId':'1'},'properties':[],'events':[],'actions':[{'id':"
                             "'dump','name':'Dump','desc':'','input':[],'output':[" OUTPUT(
                                 "a") "," OUTPUT("b") "," OUTPUT("c") "]}]}"));
    CLEANUP(freep)
    char *config = file_of(
        "dump-cloud.json",
        scene_printf("{'products':[{'product_id':'" CLOUD_PRODUCT "','product_secret':'x','name':"
                     "'Dump','model':'%s','devices':[{'device_name':'" CLOUD_DEVICE "','secret':"
                     "'ZGVzay1vbmx5LXNlY3JldA=='}]}],'apps':[{'app_key':'deskappkey','app_secret':"
                     "'desk-only-app-secret'}]}",
                     model));
    CLEANUP(json_decrefp) json_t *reply = NULL, *response = NULL;
    const json_t *output;
    struct lamp l = {.code = 0};
    struct proc *app;
    struct wish w;

    scene_start_with(&l.scene, NULL, config, model);
    world_init(&l.world);
    CHECK_INT(iotc_serve_action(l.world.client, &l.action_slot, "dump", on_dump, &l, NULL), 0);
    world_until(&l.world, is_dumping, &l, "served");
    app = cloud_app_start(l.scene.cloud, "AppCallDeviceActionSync", args);
    w = (struct wish){&l, 0, 1};
    world_until(&l.world, has_come, &w, "the call");
    world_settle(&l.world);
    reply = cloud_wait_method(l.scene.cloud, "up", "action_reply");
    CHECK_INT(scene_int(reply, "code"), 0);
    output = json_object_get(json_object_get(reply, "response"), "c");
    CHECK_INT(json_array_size(output), N_INTS);
    CHECK_INT(json_integer_value(json_array_get(output, N_INTS - 1)), (N_INTS - 1) % 10);
    response = cloud_app_finish(app);
    CHECK_STR(scene_text(response, "Status"), "succ");
    iotc_slot_unref(l.action_slot);
    world_fini(&l.world);
    scene_stop(&l.scene);
}

const char *const suite_name = "client-shm-controls";
const struct suite_test suite_tests[] = {
    {"answered", test_answered},
    {"later", test_later},
    {"killed", test_killed},
    {"program_ends", test_program_ends},
    {"unserved", test_unserved},
    {"action", test_action},
    {"large_output", test_large_output},
    {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/ledger-scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_DEFINE "'define':{'type':'string','min':'0','max':'64'}"
#define PROPERTIES(n)                                                                              \
    "{'id':'wish_" n "','name':'Wish','mode':'rw'," TEXT_DEFINE "},"                               \
    "{'id':'level_" n "','name':'Level','mode':'r','define':{'type':'int','min':'0',"              \
    "'max':'1000000','step':'1','start':'0','unit':''}}"
#define EVENT(id, type)                                                                            \
    "{'id':'" id "','name':'Event','type':'" type "','params':["                                   \
    "{'id':'id','name':'Id'," TEXT_DEFINE "}]}"
#define EVENTS(n) EVENT("note_" n, "info") "," EVENT("alarm_" n, "alert")

static const char model_text[] =
    "{'version':'1.0','profile':{'ProductId':'" CLOUD_PRODUCT "','CategoryId':'1'},"
    "'properties':[" PROPERTIES("0") "," PROPERTIES("1") "," PROPERTIES(
        "2") "],"
             "'events':[" EVENTS("0") "," EVENTS("1") "," EVENTS("2") "],'actions':[]}";

char *ledger_quoted(const char *text)
{
    char *copy = scene_printf("%s", text);

    for (char *p = copy; *p; p++) {
        if (*p == '\'')
            *p = '"';
    }
    return copy;
}

void ledger_scene_start(struct scene *s, const char *settings)
{
    CLEANUP(freep) char *model = ledger_quoted(model_text);
    CLEANUP(freep) char *path = fixture_write_file("ledger-model.json", 0600, model);
    CLEANUP(freep)
    char *text = scene_printf(
        "{'products':[{'product_id':'" CLOUD_PRODUCT "','product_secret':'x','name':'Ledger',"
        "'model':'%s','devices':[{'device_name':'" CLOUD_DEVICE "','secret':"
        "'ZGVzay1vbmx5LXNlY3JldA=='}]}],"
        "'apps':[{'app_key':'deskappkey','app_secret':'desk-only-app-secret'}],"
        "'limits':{'up_rate':0,'session_interval_ms':5}}",
        path);
    CLEANUP(freep) char *config = ledger_quoted(text);
    CLEANUP(freep) char *config_path = fixture_write_file("ledger-cloud.json", 0600, config);

    scene_start_with(s, settings, config_path, path);
}

void ledger_post(struct ledger *l, struct bus_client *bus, unsigned program, unsigned class)
{
    DBusMessage *msg = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_THING, "PostEvent");
    char id[LEDGER_ID], event[16];
    struct ledger_post *post = ledger_new_post(l, program, class, id);

    (void) snprintf(event, sizeof(event), "%s_%u", class == 0 ? "note" : "alarm", program);
    msg_add(msg, "sa{sv}a{sv}", event, 1, "id", "s", id, 0);
    dbus_message_set_auto_start(msg, FALSE);
    post->serial = bus_client_send(bus, msg);
}

static void take_reply(struct ledger *l, unsigned program, DBusMessage *msg)
{
    struct ledger_post *post = ledger_find_serial(l, program, dbus_message_get_reply_serial(msg));
    dbus_uint64_t token = 0;

    if (!post || post->state != LEDGER_SENT)
        return;
    if (dbus_message_get_args(msg, NULL, DBUS_TYPE_UINT64, &token, DBUS_TYPE_INVALID))
        ledger_promised(l, post, token);
    else
        ledger_refused(l, post);
}

static void take_completed(struct ledger *l, unsigned program, DBusMessage *msg)
{
    struct ledger_post *post;
    dbus_uint64_t token = 0;
    dbus_int32_t code = -1;

    if (!dbus_message_get_args(msg, NULL, DBUS_TYPE_UINT64, &token, DBUS_TYPE_INT32, &code,
                               DBUS_TYPE_INVALID))
        return;
    post = ledger_find_token(l, program, token);
    if (post) /* else of a report */
        ledger_ended(l, post, (int) code);
}

void ledger_take(struct ledger *l, unsigned program, DBusMessage *msg)
{
    int type = dbus_message_get_type(msg);

    if (type == DBUS_MESSAGE_TYPE_METHOD_RETURN || type == DBUS_MESSAGE_TYPE_ERROR)
        take_reply(l, program, msg);
    else if (dbus_message_has_member(msg, "Completed"))
        take_completed(l, program, msg);
}

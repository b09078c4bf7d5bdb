/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/shm-peer.h"

#include <string.h>

#include "dbus/msg.h"
#include "dbus/names.h"
#include "libiotclient/base/fdutil.h"
#include "tests/lib/msg-text.h"
#include "tests/lib/suite.h"

static void take_reply(struct shm_peer *p, DBusMessage *reply)
{
    DBusMessageIter it, value;
    struct msg_dict info;
    const char *key, *layout = "";

    CHECK(dbus_message_iter_init(reply, &it));
    CHECK_INT(msg_read_fds(&it, LAYOUT_FD_COUNT_, p->fds, &p->n_fds), 0);
    CHECK_INT(msg_read_dict(&it, &info), 0);
    while (msg_dict_next(&info, &key, &value)) {
        if (strcmp(key, "layout") == 0)
            CHECK_INT(msg_read_string(&value, &layout), 0);
    }
    (void) snprintf(p->layout, sizeof(p->layout), "%s", layout);
}

static DBusMessage *new_call(const char *app_id, const char *layout, bool table)
{
    DBusMessage *call = bus_client_new_call(IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Attach");

    if (!layout)
        msg_add(call, "sa{sv}", app_id, 0);
    else if (!table)
        msg_add(call, "sa{sv}", app_id, 1, "layout", "s", layout);
    else
        msg_add(call, "sa{sv}", app_id, 2, "layout", "s", layout, "table", "b", 1);
    return call;
}

bool shm_peer_call(struct shm_peer *p, struct bus_client *bc, const char *app_id,
                   const char *layout, bool table)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = bus_client_call(bc, new_call(app_id, layout, table));
    const char *text = "no answer";

    *p = (struct shm_peer){.bus = bc};
    if (reply && msg_get_error(reply, &text) == 0) {
        take_reply(p, reply);
        return true;
    }
    suite_fail(__FILE__, __LINE__, "Attach: %s", text);
    return false;
}

static bool map(struct shm_peer *p)
{
    CHECK_INT(p->n_fds, LAYOUT_FD_COUNT_);
    CHECK_STR(p->layout, LAYOUT_VERSION_TEXT);
    if (p->n_fds != LAYOUT_FD_COUNT_)
        return false;
    CHECK_INT(segment_map(&p->up_segment, p->fds[LAYOUT_FD_UP], LAYOUT_KIND_UP,
                          sizeof(struct layout_up), sizeof(struct layout_up), true),
              0);
    CHECK_INT(segment_map(&p->down_segment, p->fds[LAYOUT_FD_DOWN], LAYOUT_KIND_DOWN,
                          sizeof(struct layout_down), sizeof(struct layout_down), false),
              0);
    p->up = p->up_segment.base;
    p->down = p->down_segment.base;
    return table_reader_open(&p->table, p->fds[LAYOUT_FD_TABLE]) && p->up && p->down;
}

bool shm_peer_attach(struct shm_peer *p, struct bus_client *bc, const char *app_id)
{
    return shm_peer_call(p, bc, app_id, LAYOUT_VERSION_TEXT, false) && map(p);
}

bool shm_peer_take_table(struct shm_peer *p, const char *app_id)
{
    struct shm_peer given;

    if (!shm_peer_call(&given, p->bus, app_id, LAYOUT_VERSION_TEXT, true))
        return false;
    CHECK_INT(given.n_fds, 1);
    CHECK_STR(given.layout, LAYOUT_VERSION_TEXT);
    table_reader_done(&p->table);
    shm_peer_close(p, LAYOUT_FD_TABLE);
    p->fds[LAYOUT_FD_TABLE] = given.n_fds == 1 ? given.fds[0] : -1;
    return table_reader_open(&p->table, p->fds[LAYOUT_FD_TABLE]);
}

void shm_peer_close(struct shm_peer *p, unsigned i)
{
    if (i < p->n_fds)
        p->fds[i] = fd_close(p->fds[i]);
}

void shm_peer_done(struct shm_peer *p)
{
    for (unsigned i = 0; i < p->n_fds; i++)
        shm_peer_close(p, i);
    p->n_fds = 0;
    table_reader_done(&p->table);
    segment_done(&p->up_segment);
    segment_done(&p->down_segment);
    p->up = NULL;
    p->down = NULL;
}

bool shm_peer_has_moved(const struct shm_peer *p)
{
    return __atomic_load_n(&p->down->table_epoch, __ATOMIC_ACQUIRE) != p->table.view.epoch;
}

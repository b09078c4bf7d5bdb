/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/table-rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/msg.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/client.h"
#include "libiotclient/ipc/doorbell.h"
#include "tests/lib/suite.h"

static void must(int r, const char *what)
{
    if (r >= 0)
        return;
    fprintf(stderr, "table rig: %s: %s\n", what, strerror(-r));
    exit(99);
}

iotc_client *table_rig_client(void)
{
    iotc_client *client = NULL;

    must(setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1), "setenv");
    must(iotc_client_new(&client, "rig"), "iotc_client_new");
    client->props.is_known = true;
    return client;
}

static void open_rest(struct table_rig *rig, uint64_t epoch)
{
    struct segment_spec up = {"rig-up", LAYOUT_KIND_UP, sizeof(struct layout_up), epoch, false};
    struct segment_spec down = {"rig-down", LAYOUT_KIND_DOWN, sizeof(struct layout_down), epoch,
                                true};

    must(segment_create(&rig->up_segment, &rig->fds[LAYOUT_FD_UP], &up), "up");
    must(segment_create(&rig->down_segment, &rig->fds[LAYOUT_FD_DOWN], &down), "down");
    rig->up = rig->up_segment.base;
    rig->down = rig->down_segment.base;
    rig->down->table_epoch = epoch;
    must(doorbell_new(&rig->bell_up, &rig->fds[LAYOUT_FD_BELL_UP]), "bell up");
    must(doorbell_new(&rig->fds[LAYOUT_FD_BELL_DOWN], &rig->bell_down), "bell down");
}

void table_rig_open(struct table_rig *rig, size_t n_places, size_t blobs_len, uint64_t epoch)
{
    *rig = (struct table_rig){.bell_up = -1, .bell_down = -1};
    must(table_writer_new(&rig->writer, &rig->fds[LAYOUT_FD_TABLE], n_places, blobs_len, epoch),
         "table");
    open_rest(rig, epoch);
}

void table_rig_open_raw(struct table_rig *rig, size_t size, uint64_t epoch)
{
    struct segment_spec spec = {"rig-table", LAYOUT_KIND_TABLE, size, epoch, true};

    *rig = (struct table_rig){.bell_up = -1, .bell_down = -1};
    must(segment_create(&rig->raw, &rig->fds[LAYOUT_FD_TABLE], &spec), "raw table");
    open_rest(rig, epoch);
}

void table_rig_close(struct table_rig *rig)
{
    rig->writer = table_writer_free(rig->writer);
    segment_done(&rig->raw);
    segment_done(&rig->up_segment);
    segment_done(&rig->down_segment);
    for (int i = 0; i < LAYOUT_FD_COUNT_; i++)
        rig->fds[i] = fd_close(rig->fds[i]);
    rig->bell_up = fd_close(rig->bell_up);
    rig->bell_down = fd_close(rig->bell_down);
}

int table_rig_attach_with(iotc_client *client, const int *fds, size_t n_fds, const char *layout)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_RETURN);
    DBusMessageIter it, sub;
    int r;

    dbus_message_iter_init_append(reply, &it);
    must(msg_open(&it, DBUS_TYPE_ARRAY, "h", &sub), "fds");
    r = 0;
    for (size_t i = 0; r >= 0 && i < n_fds; i++)
        r = msg_append_fd(&sub, fds[i]);
    must(msg_close(&it, &sub, r), "fds");
    must(msg_open_dict(&it, &sub), "info");
    r = layout ? msg_dict_string(&sub, "layout", layout) : 0;
    must(msg_close(&it, &sub, r), "info");
    return shm_on_attached(client, reply);
}

int table_rig_attach(struct table_rig *rig, iotc_client *client)
{
    return table_rig_attach_with(client, rig->fds, LAYOUT_FD_COUNT_, LAYOUT_VERSION_TEXT);
}

void table_rig_put(struct table_rig *rig, size_t place, uint32_t type, const void *value,
                   size_t len, uint64_t stamp_us)
{
    uint32_t word;

    table_begin(rig->writer);
    must(table_write(rig->writer, place, type, LAYOUT_FLAG_VALUE, value, len, stamp_us), "write");
    table_end(rig->writer);
    word = __atomic_load_n(&rig->up->watch[place / 32], __ATOMIC_SEQ_CST);
    if ((word >> place % 32 & 1) && doorbell_must_ring(&rig->up->bell_program))
        doorbell_ring(rig->bell_down);
}

void table_rig_put_int(struct table_rig *rig, size_t place, int64_t value)
{
    table_rig_put(rig, place, LAYOUT_TYPE_INT, &value, sizeof(value), (uint64_t) value);
}

void table_rig_put_text(struct table_rig *rig, size_t place, const char *text)
{
    table_rig_put(rig, place, LAYOUT_TYPE_STRING, text, strlen(text), 1);
}

void table_rig_name(struct table_rig *rig, size_t place, const char *id, uint32_t type,
                    uint32_t flags)
{
    table_begin(rig->writer);
    table_name(rig->writer, place, id);
    must(table_write(rig->writer, place, type, flags, NULL, 0, 0), "write");
    table_end(rig->writer);
}

iotc_prop *table_rig_prop(iotc_client *client, const char *id)
{
    iotc_prop *prop = NULL;

    CHECK_INT(iotc_prop_lookup(client, id, &prop), 0);
    return prop;
}

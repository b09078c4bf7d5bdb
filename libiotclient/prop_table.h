/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_PROP_TABLE_H
#define IOTD_LIBIOTCLIENT_PROP_TABLE_H

/*
 * Properties in iotd's table: where each has its place, reading it from any thread, and moving on
 * to the table of another iotd.
 *
 * Readers take no lock. What they need (table, room, and the slot of a property) is good as long as
 * props->turn is even and the same before and after; the client's thread makes it odd while it
 * moves to another table, which comes to the same address. Memory that was mapped once stays so.
 */

#include <iotclient/prop.h>

#include "libiotclient/ipc/table.h"
#include "libiotclient/prop.h"

/* A value longer than LAYOUT_INLINE, as far as one was read. */
struct table_bytes {
    uint8_t *data;
    size_t size;
    bool is_fixed; /* memory of the caller, which is not to grow */
};
void table_bytes_done(struct table_bytes *bytes);

/* Where a reader began. */
struct table_turn {
    const struct props *props;
    const struct layout_table *table;
    size_t room; /* bytes from table that may be read */
    uint32_t turn;
};

/* False: there is no table, or it is being changed for another; props->lock waits for that. */
static inline bool table_turn_begin(const struct props *props, struct table_turn *ret_turn)
{
    ret_turn->props = props;
    ret_turn->turn = __atomic_load_n(&props->turn, __ATOMIC_ACQUIRE);
    ret_turn->table = __atomic_load_n(&props->table, __ATOMIC_RELAXED);
    ret_turn->room = __atomic_load_n(&props->room, __ATOMIC_RELAXED);
    return ret_turn->turn % 2 == 0 && ret_turn->table;
}

static inline bool table_turn_held(const struct table_turn *turn)
{
    fence_acquire();
    return __atomic_load_n(&turn->props->turn, __ATOMIC_RELAXED) == turn->turn;
}

/*
 * The newest value of a property, in the turn that began: as table_read(). What is not in the copy
 * is in bytes, whole.
 * @return 0; -ENOENT it has no place; -EAGAIN; -EPROTO; -ENOMEM; -EMSGSIZE more than is_fixed holds
 *         What is in ret_copy after a failure is nothing.
 */
int table_turn_read(const struct table_turn *turn, const iotc_prop *prop,
                    struct layout_copy *ret_copy, struct table_bytes *bytes) MUST_CHECK;
/* A whole read: the same, and -EAGAIN also when the table was changed for another meanwhile. */
int prop_table_read(const iotc_prop *prop, struct layout_copy *ret_copy,
                    struct table_bytes *bytes) MUST_CHECK;
/*
 * What was read as a value of its own. -ENODATA there is none; -EPROTO it cannot be one; -ENOMEM
 */
int table_value(const struct layout_copy *copy, const struct table_bytes *bytes,
                struct value *ret_value) MUST_CHECK;

/* LAYOUT_FLAG_... of the newest value. False: it has no place, or not at this moment. Any thread.
 */
bool prop_table_flags(const iotc_prop *prop, uint32_t *ret_flags);

/* --- the client's thread --- */

/*
 * Changes to what map(client, arg) puts into client->shm.view; values of the table before are kept
 * as long as the new one has none. map NULL: to no table.
 */
int props_table_change(iotc_client *client, int (*map)(iotc_client *client, void *arg),
                       void *arg) MUST_CHECK;
/* Reads again which properties the table has: the model has changed. */
int props_table_scan(iotc_client *client) MUST_CHECK;
/* Runs the watchers of what has changed. */
void props_table_dispatch(iotc_client *client);
bool props_table_has_work(const iotc_client *client);
/* Tells iotd whether to ring for it; if so, watchers will hear of what comes after now. */
void prop_table_watch(iotc_prop *prop, bool on);
/* Tells a new iotd all of them. */
void props_table_watch_all(iotc_client *client);

#endif /* IOTD_LIBIOTCLIENT_PROP_TABLE_H */

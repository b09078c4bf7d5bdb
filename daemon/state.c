/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/facts.h"
#include "daemon/sys/log.h"

LOG_AREA("store");

#define FACT_DEVICE "device" /* whose state it is: product and name */
#define DEVICE_TEXT (LIMIT_PRODUCT_ID + LIMIT_DEVICE_NAME + 2)

static int open_db(struct db **ret_db, const char *path)
{
    char moved[DB_MOVED];
    int r = db_open(ret_db, path, moved);

    if (moved[0])
        log_err("%s was damaged or not iotd's: moved to %s; events that waited in it are not sent",
                path, moved);
    if (r == -EBUSY)
        log_err("%s is in use: is another iotd running?", path);
    else if (r == -EPERM)
        log_err("%s was written by a newer release", path);
    else if (r < 0)
        log_err("%s: %s", path, strerror(-r));
    return r;
}

static int put_device(struct db *db, const char *device)
{
    int r = db_begin(db, true);

    if (r < 0)
        return r;
    r = facts_put(db, FACT_DEVICE, device);
    if (r == 0)
        r = db_commit(db);
    if (r < 0)
        db_rollback(db);
    return r;
}

/* -ESTALE: it is another device's. */
static int claim(struct db *db, const char *device)
{
    CLEANUP(freep) char *was = NULL;
    int r = facts_get(db, FACT_DEVICE, &was);

    if (r < 0 || strcmp(was, device) == 0)
        return r;
    if (!was[0])
        return put_device(db, device);
    log_notice("the state is of another device device=%s", was);
    return -ESTALE;
}

int state_open(struct db **ret_db, const char *dir, const struct ident *ident)
{
    CLEANUP(db_freep) struct db *db = NULL;
    char path[DB_MOVED], moved[DB_MOVED], device[DEVICE_TEXT];
    int r;

    (void) snprintf(path, sizeof(path), "%s/state.db", dir);
    (void) snprintf(device, sizeof(device), "%s/%s", ident->product_id, ident->device_name);
    r = open_db(&db, path);
    if (r == 0 && ident->product_id[0])
        r = claim(db, device);
    if (r == -ESTALE) {
        db = db_free(db);
        r = db_move_aside(path, "other-device", moved);
        if (r == 0) {
            log_notice("it was moved to %s; events that waited in it are not sent", moved);
            r = open_db(&db, path);
        }
        if (r == 0)
            r = put_device(db, device);
    }
    if (r < 0)
        return r;
    *ret_db = TAKE(db);
    return 0;
}

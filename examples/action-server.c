/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Serves the action "unlock" and answers later: each call is kept for two seconds, as a motor
 * would need them, and then answered. The program goes on meanwhile.
 */

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include <iotclient/iotclient.h>

struct door {
    iotc_call *call; /* one at a time */
    time_t opens_at;
};

static void on_unlock(iotc_client *client, iotc_call *call, void *userdata)
{
    struct door *door = userdata;

    (void) client;
    if (door->call) {
        iotc_call_answer(call, -ECONNREFUSED, "the motor is busy");
        return;
    }
    door->call = iotc_call_ref(call);
    door->opens_at = time(NULL) + 2;
    printf("unlocking...\n");
}

static void finish(struct door *door)
{
    const char *user = "";
    int r;

    if (iotc_call_get_string(door->call, "user", &user) < 0)
        user = "somebody";
    r = iotc_call_set_string(door->call, "user", user);
    if (r >= 0)
        r = iotc_call_set_int(door->call, "time", (int64_t) time(NULL));
    if (r >= 0)
        r = iotc_call_set_bool(door->call, "state", true);
    r = iotc_call_answer(door->call, r, NULL);
    printf("unlocked for %s: %s\n", user, iotc_strerror(r));
    door->call = iotc_call_unref(door->call);
}

static void on_state(iotc_client *client, iotc_slot *slot, int error, void *userdata)
{
    (void) client;
    (void) slot;
    (void) userdata;
    printf("serving unlock: %s\n", error ? iotc_strerror(error) : "yes");
    fflush(stdout);
}

int main(void)
{
    struct door door = {NULL, 0};
    iotc_client *client = NULL;
    iotc_slot *slot = NULL;
    int r;

    r = iotc_client_new(&client, "action-server");
    if (r >= 0)
        r = iotc_serve_action(client, &slot, "unlock", on_unlock, &door, NULL);
    if (r >= 0)
        r = iotc_slot_watch(slot, on_state, NULL);
    while (r >= 0) {
        if (door.call && time(NULL) >= door.opens_at)
            finish(&door);
        r = iotc_client_wait(client, door.call ? 250 : -1);
    }

    fprintf(stderr, "action-server: %s\n", iotc_strerror(r));
    iotc_call_unref(door.call);
    iotc_slot_unref(slot);
    iotc_client_unref(client);
    return 1;
}

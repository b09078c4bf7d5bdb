/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The smallest program: waits for iotd, says how the link is, and ends. */

#include <stdio.h>

#include <iotclient/iotclient.h>

static const char *name_of(iotc_link_state state)
{
    switch (state) {
    case IOTC_LINK_ABSENT:
        return "absent: iotd is not running";
    case IOTC_LINK_UP:
        return "up";
    default:
        return "down: iotd runs, the cloud is not reached";
    }
}

int main(void)
{
    iotc_client *client = NULL;
    int r;

    r = iotc_client_new(&client, "hello");
    if (r < 0) {
        fprintf(stderr, "hello: %s\n", iotc_strerror(r));
        return 1;
    }

    printf("waiting for iotd...\n");
    while (r >= 0 && iotc_client_get_link_state(client) == IOTC_LINK_ABSENT)
        r = iotc_client_wait(client, -1);
    if (r < 0)
        fprintf(stderr, "hello: %s\n", iotc_strerror(r));
    else
        printf("hello, iotd. The link is %s.\n", name_of(iotc_client_get_link_state(client)));

    iotc_client_unref(client);
    return r < 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report ID NUMBER: reports one int, enum or timestamp and waits until the cloud has answered. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <iotclient/iotclient.h>

struct outcome {
    bool is_known;
    int result;
};

static void on_done(iotc_client *client, int result, void *userdata)
{
    struct outcome *outcome = userdata;

    (void) client;
    outcome->is_known = true;
    outcome->result = result;
}

static int report(iotc_client *client, const char *id, int64_t value)
{
    struct outcome outcome = {false, 0};
    iotc_prop *prop = NULL;
    int r;

    /* The thing model comes with the first attach. */
    while ((r = iotc_prop_lookup(client, id, &prop)) == -ENOTCONN) {
        r = iotc_client_wait(client, -1);
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    r = iotc_prop_report_int(prop, value, on_done, &outcome);
    while (r >= 0 && !outcome.is_known)
        r = iotc_client_wait(client, -1);
    return r < 0 ? r : outcome.result;
}

int main(int argc, char **argv)
{
    iotc_client *client = NULL;
    char *end = NULL;
    int64_t value;
    int r;

    value = argc == 3 ? strtoll(argv[2], &end, 10) : 0;
    if (!end || end == argv[2] || *end) {
        fprintf(stderr, "usage: report ID NUMBER\n");
        return 64;
    }
    r = iotc_client_new(&client, "report");
    if (r >= 0)
        r = report(client, argv[1], value);
    printf("%s: %s\n", argv[1], iotc_strerror(r));
    iotc_client_unref(client);
    return r < 0;
}

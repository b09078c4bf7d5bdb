/* SPDX-License-Identifier: GPL-2.0-or-later */
/* watch ID: prints a property now and whenever it changes. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <iotclient/iotclient.h>

static void print(iotc_prop *prop)
{
    const char *id = iotc_prop_get_id(prop);
    char text[128];
    int64_t number;
    double real;
    bool on;

    if (iotc_prop_get_int(prop, &number, NULL) == 0)
        printf("%s = %" PRId64 "\n", id, number);
    else if (iotc_prop_get_bool(prop, &on, NULL) == 0)
        printf("%s = %s\n", id, on ? "true" : "false");
    else if (iotc_prop_get_double(prop, &real, NULL) == 0)
        printf("%s = %g\n", id, real);
    else if (iotc_prop_get_string(prop, text, sizeof(text), NULL) >= 0)
        printf("%s = \"%s\"\n", id, text);
    else
        printf("%s has no value yet\n", id);
    fflush(stdout);
}

static void on_change(iotc_client *client, iotc_prop *prop, void *userdata)
{
    (void) client;
    (void) userdata;
    print(prop);
}

int main(int argc, char **argv)
{
    iotc_client *client = NULL;
    iotc_prop *prop = NULL;
    int r;

    if (argc != 2) {
        fprintf(stderr, "usage: watch ID\n");
        return 64;
    }
    r = iotc_client_new(&client, "watch");
    while (r >= 0 && (r = iotc_prop_lookup(client, argv[1], &prop)) == -ENOTCONN)
        r = iotc_client_wait(client, -1);
    if (r >= 0) {
        print(prop);
        r = iotc_prop_watch(prop, NULL, on_change, NULL, NULL);
    }
    while (r >= 0)
        r = iotc_client_wait(client, -1);

    fprintf(stderr, "watch: %s: %s\n", argv[1], iotc_strerror(r));
    iotc_client_unref(client);
    return 1;
}

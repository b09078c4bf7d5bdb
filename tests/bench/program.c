/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program of the device, as its authors write them: of this tree it uses <iotclient/...> only.
 *
 *   program APP              attaches and watches "brightness"
 *   program APP PROPERTY     attaches and serves it: every control is taken and answered at once
 *
 * Prints "ready" when it is attached and what it serves is its own. Ends with a signal.
 */

#include <stdbool.h>
#include <stdio.h>

#include <iotclient/iotclient.h>

struct program {
    iotc_client *client;
    iotc_slot *slot; /* NULL: serves nothing */
    bool told;
};

static void tell_ready(struct program *p)
{
    iotc_prop *prop;

    if (p->told || iotc_prop_lookup(p->client, "brightness", &prop) < 0)
        return;
    if (p->slot && iotc_slot_get_error(p->slot) != 0)
        return;
    p->told = true;
    printf("ready\n");
    fflush(stdout);
}

static void on_changed(iotc_client *client, iotc_prop *prop, void *userdata)
{
    (void) client;
    (void) prop;
    (void) userdata;
}

static void on_control(iotc_client *client, iotc_control *control, void *userdata)
{
    (void) client;
    (void) userdata;
    if (iotc_control_answer(control, 0, NULL) < 0)
        fprintf(stderr, "program: not answered\n");
}

static int start(struct program *p, const char *app, const char *property)
{
    iotc_prop *prop = NULL;
    int r = iotc_client_new(&p->client, app);

    if (r >= 0 && property)
        r = iotc_serve_control(p->client, &p->slot, &property, 1, on_control, p, NULL);
    while (r >= 0 && !prop) {
        r = iotc_client_wait(p->client, -1);
        if (r >= 0)
            (void) !iotc_prop_lookup(p->client, "brightness", &prop);
    }
    return r < 0 || property ? r : iotc_prop_watch(prop, NULL, on_changed, p, NULL);
}

int main(int argc, char **argv)
{
    struct program p = {NULL, NULL, false};
    int r;

    if (argc != 2 && argc != 3)
        return 64;
    r = start(&p, argv[1], argc == 3 ? argv[2] : NULL);
    while (r >= 0) {
        tell_ready(&p);
        r = iotc_client_wait(p.client, -1);
    }
    fprintf(stderr, "program: %s\n", iotc_strerror(r));
    iotc_slot_unref(p.slot);
    iotc_client_unref(p.client);
    return 1;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/daemon-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dbus/names.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/macro.h"
#include "tests/lib/suite.h"

#define MAX_FILE 65536
#define MAX_PREFIX 8

struct daemon_fixture {
    struct proc *proc;
    struct bus_client *bus;
    char *program;
    char *config;
    char *credentials;
    char *model;
    char *state_dir;
    char *endpoint;
};

static char *read_source(const char *name)
{
    CLEANUP(freep) char *path = fixture_source_path(name);
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = NULL;
    size_t len;

    if (fd < 0 || fd_read_file(fd, MAX_FILE, &text, &len) < 0)
        fixture_fatal("%s cannot be read", path);
    return text;
}

struct proc *daemon_start_other(struct daemon_fixture *d, const char *const *prefix)
{
    const char *const args[] = {d->program,     "--config", d->config, "--credentials",
                                d->credentials, "--model",  d->model,  "--state-dir",
                                d->state_dir,   "--bus",    "system",  "--endpoint",
                                d->endpoint,    NULL};
    const char *argv[MAX_PREFIX + ARRAY_SIZE(args)];
    size_t n = 0;

    while (prefix && *prefix && n < MAX_PREFIX)
        argv[n++] = *prefix++;
    memcpy(&argv[n], args, sizeof(args));
    return proc_start(argv);
}

static void run(struct daemon_fixture *d)
{
    d->proc = daemon_start_other(d, NULL);
    if (!bus_client_wait_owner(d->bus, IOTD_BUS_NAME, true)) {
        CLEANUP(freep) char *text = proc_output(d->proc, PROC_STDERR);

        fixture_fatal("iotd did not start: %s", text);
    }
}

/* One of its own for each daemon: what a test left is not there in the next one. */
static char *new_state_dir(void)
{
    char *path = fixture_test_path("state.XXXXXX");

    if (!mkdtemp(path))
        fixture_fatal("%s: %s", path, strerror(errno));
    return path;
}

struct daemon_fixture *daemon_start(const struct daemon_options *options)
{
    CLEANUP(freep) char *credentials = read_source("examples/device_info.json");
    struct daemon_fixture *d = calloc(1, sizeof(*d));

    if (!d)
        fixture_fatal("out of memory");
    /* Another build of it may be the one that is tested. */
    d->program =
        getenv("IOTD_TEST_IOTD") ? strdup(getenv("IOTD_TEST_IOTD")) : fixture_build_path("iotd");
    d->config = fixture_write_file("iotd.conf", 0600, options->settings ? options->settings : "");
    if (options->credentials_path)
        d->credentials = strdup(options->credentials_path);
    else
        d->credentials = fixture_write_file(
            "device_info.json", 0600, options->credentials ? options->credentials : credentials);
    d->model =
        options->model ? strdup(options->model) : fixture_source_path("examples/smart-light.json");
    d->endpoint = strdup(options->endpoint);
    d->state_dir = options->state_dir ? strdup(options->state_dir) : new_state_dir();
    d->bus = bus_client_new();
    bus_client_subscribe(d->bus, IOTD_BUS_NAME);
    run(d);
    return d;
}

struct daemon_fixture *daemon_stop(struct daemon_fixture *d)
{
    if (!d)
        return NULL;

    d->proc = proc_stop(d->proc);
    d->bus = bus_client_free(d->bus);
    free(d->program);
    free(d->config);
    free(d->credentials);
    free(d->model);
    free(d->state_dir);
    free(d->endpoint);
    free(d);
    return NULL;
}

void daemon_kill(struct daemon_fixture *d)
{
    d->proc = proc_kill(d->proc);
    (void) bus_client_wait_owner(d->bus, IOTD_BUS_NAME, false); /* fails the test by itself */
}

void daemon_start_again(struct daemon_fixture *d)
{
    if (d->proc)
        daemon_kill(d);
    run(d);
}

struct proc *daemon_proc(struct daemon_fixture *d)
{
    return d->proc;
}

const char *daemon_state_dir(const struct daemon_fixture *d)
{
    return d->state_dir;
}

struct bus_client *daemon_bus(struct daemon_fixture *d)
{
    return d->bus;
}

bool daemon_wait_link(struct daemon_fixture *d, const char *state)
{
    return bus_client_wait_property(d->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "State", state);
}

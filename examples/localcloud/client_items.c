/* SPDX-License-Identifier: GPL-2.0-or-later */
/* iot-localcloud resource and file: files for devices. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "examples/localcloud/client.h"
#include "examples/localcloud/client_target.h"
#include "libiotclient/base/fdutil.h"

#define TIMEOUT_MS 30000

/* Sends body (taken) there. 0 and the answer, a new reference, or an exit code after a message. */
static int post(const struct target *t, const char *path, json_t *body, json_t **ret_answer)
{
    CLEANUP(freep) char *text = json_dumps(body, JSON_COMPACT), *answer = NULL;
    int status, e;

    json_decref(body);
    if (!text)
        return EX_OSERR;
    e = client_request(t, "POST", path, text, TIMEOUT_MS, &status, &answer);
    if (e != 0)
        return e;
    *ret_answer = status == 200 ? json_loads(answer, 0, NULL) : NULL;
    if (*ret_answer)
        return 0;
    fprintf(stderr, "iot-localcloud: %s\n", answer);
    return status == 400 ? EX_DATAERR : EX_PROTOCOL;
}

/* Takes body. */
static int run(const struct target *t, const char *path, json_t *body)
{
    json_t *answer = NULL;
    int e = post(t, path, body, &answer);

    json_decref(answer);
    return e;
}

/* Announces the file with body (taken), and sends it. */
static int send_file(const struct target *t, const char *path, const char *file_name, json_t *body)
{
    CLEANUP(fd_closep) int fd = open(file_name, O_RDONLY | O_CLOEXEC);
    struct stat st;
    json_t *answer = NULL;
    int e;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        fprintf(stderr, "iot-localcloud: %s: %s\n", file_name,
                fd < 0 ? strerror(errno) : "not a regular file");
        json_decref(body);
        return EX_NOINPUT;
    }
    e = post(t, path, body, &answer);
    if (e == 0)
        e = client_put(t, json_string_value(json_object_get(answer, "url")), fd,
                       (uint64_t) st.st_size);
    json_decref(answer);
    return e;
}

/* That member of the device's state, one line each. */
static int list(const struct target *t, const char *device, const char *member)
{
    CLEANUP(freep) char *answer = NULL;
    json_t *state, *devices;
    int status, e = client_request(t, "GET", "/state", NULL, TIMEOUT_MS, &status, &answer);

    if (e != 0)
        return e;
    state = json_loads(answer, 0, NULL);
    devices = json_object_get(state, "devices");
    for (size_t i = 0; i < json_array_size(devices); i++) {
        const json_t *d = json_array_get(devices, i), *items = json_object_get(d, member);
        const char *id = json_string_value(json_object_get(d, "device"));

        for (size_t k = 0; id && strcmp(id, device) == 0 && k < json_array_size(items); k++) {
            CLEANUP(freep) char *line = json_dumps(json_array_get(items, k), JSON_COMPACT);

            if (!line || puts(line) < 0)
                e = EX_OSERR;
        }
    }
    json_decref(state);
    return e;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Options, then a command and at least one more argument. */
static int parse(int argc, char **argv, struct target *t, int *ret_argc, char ***ret_argv)
{
    int e = client_parse_options(argc, argv, t);

    if (e != 0)
        return e;
    *ret_argc = argc - optind;
    *ret_argv = argv + optind;
    return *ret_argc < 2 ? client_usage() : 0;
}

static json_t *make_body(const char *op, const char *device, const char *name)
{
    return json_pack("{s:s, s:s, s:s}", "op", op, "device", device, "name", name);
}

int client_resource(int argc, char **argv)
{
    const char *op, *device;
    struct target t;
    int e = parse(argc, argv, &t, &argc, &argv);

    if (e != 0)
        return e;
    op = argv[0];
    device = argv[1];
    if (strcmp(op, "list") == 0 && argc == 2)
        return list(&t, device, "resources");
    if (strcmp(op, "send") == 0 && (argc == 3 || argc == 4))
        return send_file(&t, "/resource", argv[2],
                         make_body(op, device, argc == 4 ? argv[3] : base_name(argv[2])));
    if ((strcmp(op, "retry") == 0 || strcmp(op, "remove") == 0) && argc == 3)
        return run(&t, "/resource", make_body(op, device, argv[2]));
    return client_usage();
}

static int send_device_file(const struct target *t, int argc, char **argv)
{
    json_t *body = make_body("send", argv[1], argc > 3 ? argv[3] : base_name(argv[2]));

    if (argc > 4)
        (void) json_object_set_new(body, "type", json_string(argv[4]));
    if (argc > 5)
        (void) json_object_set_new(body, "version", json_string(argv[5]));
    return send_file(t, "/device-file", argv[2], body);
}

int client_file(int argc, char **argv)
{
    const char *op;
    struct target t;
    int e = parse(argc, argv, &t, &argc, &argv);

    if (e != 0)
        return e;
    op = argv[0];
    if (strcmp(op, "list") == 0 && argc == 2)
        return list(&t, argv[1], "device_files");
    if (strcmp(op, "send") == 0 && argc >= 3 && argc <= 6)
        return send_device_file(&t, argc, argv);
    if ((strcmp(op, "retry") == 0 || strcmp(op, "delete") == 0) && argc == 3)
        return run(&t, "/device-file", make_body(op, argv[1], argv[2]));
    if (strcmp(op, "asr") == 0 && argc == 2)
        return run(&t, "/device-file", json_pack("{s:s, s:s}", "op", op, "text", argv[1]));
    return client_usage();
}

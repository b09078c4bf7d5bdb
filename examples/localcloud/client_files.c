/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands for files and firmware: they play the person at the vendor's console. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "examples/localcloud/client.h"
#include "examples/localcloud/client_target.h"
#include "examples/localcloud/http_client.h"
#include "examples/localcloud/sign.h"
#include "libiotclient/base/fdutil.h"

#define TIMEOUT_MS 30000
#define UPLOAD_TIMEOUT_MS 600000
#define PIECE (256 * 1024)

static int no_input(const char *path, int e)
{
    fprintf(stderr, "iot-localcloud: %s: %s\n", path, strerror(-e));
    return EX_NOINPUT;
}

/* Adds size and md5 of the file to a request for an upload. */
static int describe(int fd, json_t *request, uint64_t *ret_size)
{
    CLEANUP(sign_md5_freep) struct sign_md5 *md5 = NULL;
    CLEANUP(freep) char *buf = malloc(PIECE);
    char hex[2 * SIGN_MD5_LEN + 1];
    uint8_t sum[SIGN_MD5_LEN];
    uint64_t size = 0;
    ssize_t n = 0;
    int e = buf ? sign_md5_new(&md5) : -ENOMEM;

    while (e == 0 && (n = pread(fd, buf, PIECE, (off_t) size)) > 0) {
        e = sign_md5_add(md5, buf, (size_t) n);
        size += (uint64_t) n;
    }
    if (e == 0 && n < 0)
        e = -errno;
    if (e == 0)
        e = size > 0 ? sign_md5_end(md5, sum) : -ENODATA;
    if (e < 0)
        return e;
    sign_hex(sum, sizeof(sum), hex);
    *ret_size = size;
    (void) json_object_set_new(request, "size", json_integer((json_int_t) size));
    return json_object_set_new(request, "md5", json_string(hex)) < 0 ? -ENOMEM : 0;
}

int client_put(const struct target *t, const char *url, int fd, uint64_t size)
{
    CLEANUP(freep) char *answer = NULL;
    const char *path = url ? strstr(url, "/files/") : NULL;
    struct http_client_request rq = {
        .host = t->host,
        .port = t->port,
        .method = "PUT",
        .path = path,
        .timeout_ms = UPLOAD_TIMEOUT_MS,
        .file = &(struct http_client_file){fd, size},
    };
    int status, e = path ? http_client_run(&rq, &status, &answer) : -EPROTO;

    if (e < 0) {
        fprintf(stderr, "iot-localcloud: %s:%d: %s\n", t->host, t->port, strerror(-e));
        return EX_UNAVAILABLE;
    }
    if (status != 200) {
        fprintf(stderr, "iot-localcloud: HTTP %d: %s\n", status, answer);
        return EX_PROTOCOL;
    }
    return 0;
}

/* Asks at path for a URL (the member of the answer), puts the file there, prints the answer. */
static int upload(const struct target *t, const char *file, const char *path, const char *member,
                  json_t *request)
{
    CLEANUP(fd_closep) int fd = open(file, O_RDONLY | O_CLOEXEC);
    CLEANUP(freep) char *text = NULL, *answer = NULL;
    const char *url;
    json_t *parsed;
    uint64_t size = 0;
    int status, e = fd < 0 ? -errno : describe(fd, request, &size);

    if (e < 0)
        return no_input(file, e);
    text = json_dumps(request, JSON_COMPACT);
    if (!text)
        return EX_OSERR;
    e = client_request(t, "POST", path, text, TIMEOUT_MS, &status, &answer);
    if (e != 0)
        return e;
    parsed = json_loads(answer, 0, NULL);
    url = json_string_value(json_object_get(parsed, member));
    e = status == 400 ? EX_DATAERR : status != 200 || !url ? EX_PROTOCOL : 0;
    if (e == 0)
        e = client_put(t, url, fd, size);
    json_decref(parsed);
    if (e == 0 || status == 400)
        (void) puts(answer);
    return e;
}

int client_blob(int argc, char **argv)
{
    struct target t;
    CLEANUP(freep) char *text = NULL;
    json_t *request;
    int e = client_parse_options(argc, argv, &t), n = argc - optind;

    if (e != 0)
        return e;
    if (n == 2 && strcmp(argv[optind], "url") == 0) {
        request = json_pack("{s:s}", "key", argv[optind + 1]);
        text = json_dumps(request, JSON_COMPACT);
        e = text ? client_print_answer(&t, "POST", "/file", text) : EX_OSERR;
    } else if (n == 3 && strcmp(argv[optind], "put") == 0) {
        request = json_pack("{s:s, s:s}", "key", argv[optind + 2], "method", "PUT");
        e = upload(&t, argv[optind + 1], "/file", "url", request);
    } else {
        return client_usage();
    }
    json_decref(request);
    return e;
}

static const struct {
    const char *name;
    const char *method;
    const char *path;
    bool has_file;
} firmware_commands[] = {
    {"upload", "POST", "/firmware", true},       {"task", "POST", "/firmware/task", false},
    {"status", "GET", "/firmware", false},       {"cancel", "POST", "/firmware/cancel", false},
    {"retry", "POST", "/firmware/retry", false}, {"remove", "POST", "/firmware/remove", false},
};

int client_firmware(int argc, char **argv)
{
    CLEANUP(freep) char *text = NULL;
    struct target t;
    const char *file = NULL;
    json_t *request;
    size_t i = 0;
    int e = client_parse_options(argc, argv, &t);

    if (e != 0)
        return e;
    while (optind < argc && i < ARRAY_SIZE(firmware_commands) &&
           strcmp(firmware_commands[i].name, argv[optind]) != 0)
        i++;
    if (optind >= argc || i == ARRAY_SIZE(firmware_commands))
        return client_usage();
    optind++;
    if (firmware_commands[i].has_file && optind >= argc)
        return client_usage();
    if (firmware_commands[i].has_file)
        file = argv[optind++];
    request = json_object();
    while (e == 0 && optind < argc)
        e = client_add_argument(request, argv[optind++]);
    if (e == 0 && file)
        e = upload(&t, file, firmware_commands[i].path, "upload_url", request);
    else if (e == 0)
        text = json_dumps(request, JSON_COMPACT);
    if (text)
        e = client_print_answer(&t, firmware_commands[i].method, firmware_commands[i].path,
                                strcmp(firmware_commands[i].method, "GET") == 0 ? NULL : text);
    json_decref(request);
    return e;
}

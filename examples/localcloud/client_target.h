/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_CLIENT_TARGET_H
#define IOTD_LOCALCLOUD_CLIENT_TARGET_H

/* What the files of the client commands share; for them only. */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

/* The options that all commands share. */
struct target {
    const char *host;
    int port;
    const char *app_key;
    const char *app_secret;
    const char *config_file;
    bool follow;
    const char *until;
    uint64_t since;
    uint64_t timeout_s;
};

/* 0, or an exit code; optind is then at the first argument. */
int client_parse_options(int argc, char **argv, struct target *t);
/* 0, or an exit code after a message. */
int client_request(const struct target *t, const char *method, const char *path, const char *body,
                   int timeout_ms, int *ret_status, char **ret_body);
/* PUT of a file to a pre-signed URL, at the host and port of the options. The same results. */
int client_put(const struct target *t, const char *url, int fd, uint64_t size);
int client_usage(void);
/* Key=text or Key:=JSON. 0, or an exit code after a message. */
int client_add_argument(json_t *body, const char *argument);
/* Prints the answer; HTTP 400 is the caller's mistake. 0, or an exit code. */
int client_print_answer(const struct target *t, const char *method, const char *path,
                        const char *body);

#endif /* IOTD_LOCALCLOUD_CLIENT_TARGET_H */

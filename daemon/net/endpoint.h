/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_NET_ENDPOINT_H
#define IOTD_NET_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

/* ws://host[:port][/path], wss://, mqtt://, mqtts://; http:// and https:// for requests */
struct endpoint {
    bool websocket;
    bool http;
    bool tls;
    char host[254]; /* RFC 1035: 253 characters; IPv6 without brackets */
    uint16_t port;  /* 80, 443, 1883, 8883 by scheme if the URL has none */
    char path[256]; /* if the URL has none: "/mqtt", for requests "/" */
};

/* -EINVAL with a text for people in *ret_problem (static, only set on failure). */
int endpoint_parse(struct endpoint *ret_endpoint, const char *url,
                   const char **ret_problem) MUST_CHECK;

/* The same for http:// and https://. */
int endpoint_parse_http(struct endpoint *ret_endpoint, const char *url,
                        const char **ret_problem) MUST_CHECK;

/*
 * The same for a path of any length, as those of pre-signed URLs: it is left where it is.
 * endpoint.path is "" then.
 * @param ret_path  in url, or "/"
 */
int endpoint_parse_long(struct endpoint *ret_endpoint, const char *url, const char **ret_path,
                        const char **ret_problem) MUST_CHECK;

/* "host" or "host:port" when the port is not the scheme's own; brackets for IPv6. */
#define ENDPOINT_HOST_TEXT 272
void endpoint_host_header(const struct endpoint *e, char buf[ENDPOINT_HOST_TEXT]);

#endif /* IOTD_NET_ENDPOINT_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/net/endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libiotclient/base/num.h"

#define DEFAULT_PATH "/mqtt"

static const struct scheme {
    const char *prefix;
    bool websocket;
    bool http;
    bool tls;
    uint16_t port;
} schemes[] = {
    {"ws://", true, false, false, 80},      {"wss://", true, false, true, 443},
    {"mqtt://", false, false, false, 1883}, {"mqtts://", false, false, true, 8883},
    {"http://", false, true, false, 80},    {"https://", false, true, true, 443},
};

static const struct scheme *find_scheme(const char *url, bool http)
{
    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
        if (schemes[i].http == http &&
            strncmp(url, schemes[i].prefix, strlen(schemes[i].prefix)) == 0)
            return &schemes[i];
    }
    return NULL;
}

static int copy(char *to, size_t size, const char *from, size_t len)
{
    if (len >= size)
        return -EINVAL;
    memcpy(to, from, len);
    to[len] = '\0';
    return 0;
}

static int parse_port(const char *text, size_t len, uint16_t *ret_port)
{
    char buf[8];
    uint64_t v;

    if (copy(buf, sizeof(buf), text, len) < 0 || num_parse_u64(buf, &v) < 0 || v == 0 ||
        v > UINT16_MAX)
        return -EINVAL;
    *ret_port = (uint16_t) v;
    return 0;
}

/* host, host:port, [v6], [v6]:port */
static int parse_authority(struct endpoint *e, const char *text, size_t len,
                           const char **ret_problem)
{
    const char *host = text, *end = text + len, *host_end;

    *ret_problem = "bad host";
    if (len > 0 && text[0] == '[') {
        host++;
        host_end = memchr(host, ']', len - 1);
        if (!host_end)
            return -EINVAL;
        text = host_end + 1;
    } else {
        host_end = memchr(text, ':', len);
        if (!host_end)
            host_end = end;
        text = host_end;
    }
    if (host_end == host || copy(e->host, sizeof(e->host), host, (size_t) (host_end - host)) < 0 ||
        strspn(e->host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:%") !=
            strlen(e->host))
        return -EINVAL;
    if (text == end)
        return 0;
    *ret_problem = "bad port";
    if (*text != ':')
        return -EINVAL;
    return parse_port(text + 1, (size_t) (end - text - 1), &e->port);
}

static int check_path(const char *path)
{
    for (const char *p = path; *p; p++) {
        if ((unsigned char) *p <= 0x20 || (unsigned char) *p >= 0x7f)
            return -EINVAL;
    }
    return 0;
}

/* ret_path: NULL: into the endpoint */
static int parse(struct endpoint *ret_endpoint, const struct scheme *s, const char *url,
                 const char **ret_path, const char **ret_problem)
{
    struct endpoint e = {0};
    const char *authority, *path, *problem;
    int r;

    authority = url + strlen(s->prefix);
    path = authority + strcspn(authority, "/");
    e.websocket = s->websocket;
    e.http = s->http;
    e.tls = s->tls;
    e.port = s->port;
    r = parse_authority(&e, authority, (size_t) (path - authority), &problem);
    if (r < 0) {
        *ret_problem = problem;
        return r;
    }
    if (!s->websocket && !s->http && path[0] && path[1]) {
        *ret_problem = "mqtt:// and mqtts:// have no path";
        return -EINVAL;
    }
    if (!*path)
        path = s->http ? "/" : DEFAULT_PATH;
    if (check_path(path) < 0) {
        *ret_problem = "bad path";
        return -EINVAL;
    }
    if (ret_path) {
        *ret_path = path;
    } else if (copy(e.path, sizeof(e.path), path, strlen(path)) < 0) {
        *ret_problem = "path too long";
        return -EINVAL;
    }
    *ret_endpoint = e;
    return 0;
}

int endpoint_parse(struct endpoint *ret_endpoint, const char *url, const char **ret_problem)
{
    const struct scheme *s = find_scheme(url, false);

    if (s)
        return parse(ret_endpoint, s, url, NULL, ret_problem);
    *ret_problem = "must begin with ws://, wss://, mqtt:// or mqtts://";
    return -EINVAL;
}

int endpoint_parse_http(struct endpoint *ret_endpoint, const char *url, const char **ret_problem)
{
    const struct scheme *s = find_scheme(url, true);

    if (s)
        return parse(ret_endpoint, s, url, NULL, ret_problem);
    *ret_problem = "must begin with http:// or https://";
    return -EINVAL;
}

int endpoint_parse_long(struct endpoint *ret_endpoint, const char *url, const char **ret_path,
                        const char **ret_problem)
{
    const struct scheme *s = find_scheme(url, true);

    if (s)
        return parse(ret_endpoint, s, url, ret_path, ret_problem);
    *ret_problem = "must begin with http:// or https://";
    return -EINVAL;
}

void endpoint_host_header(const struct endpoint *e, char buf[ENDPOINT_HOST_TEXT])
{
    bool v6 = strchr(e->host, ':');
    bool web = e->websocket || e->http;
    uint16_t usual = web ? (e->tls ? 443 : 80) : (e->tls ? 8883 : 1883);
    char port[8] = "";

    if (e->port != usual)
        (void) snprintf(port, sizeof(port), ":%u", e->port);
    (void) snprintf(buf, ENDPOINT_HOST_TEXT, "%s%s%s%s", v6 ? "[" : "", e->host, v6 ? "]" : "",
                    port);
}

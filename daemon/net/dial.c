/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/net/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "libiotclient/base/fdutil.h"

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static int make_address(union address *a, const char *text, uint16_t port, socklen_t *ret_len)
{
    char host[64];
    char *scope;

    memset(a, 0, sizeof(*a));
    (void) snprintf(host, sizeof(host), "%s", text);
    scope = strchr(host, '%');
    if (scope)
        *scope++ = '\0';
    if (inet_pton(AF_INET, host, &a->v4.sin_addr) == 1) {
        a->v4.sin_family = AF_INET;
        a->v4.sin_port = htons(port);
        *ret_len = sizeof(a->v4);
        return 0;
    }
    if (inet_pton(AF_INET6, host, &a->v6.sin6_addr) != 1)
        return -EINVAL;
    a->v6.sin6_family = AF_INET6;
    a->v6.sin6_port = htons(port);
    a->v6.sin6_scope_id = scope ? if_nametoindex(scope) : 0;
    *ret_len = sizeof(a->v6);
    return 0;
}

int dial(const char *address, uint16_t port, int buffer)
{
    CLEANUP(fd_closep) int fd = -1;
    const int one = 1;
    union address a;
    socklen_t len = 0;
    int r = make_address(&a, address, port, &len);

    if (r < 0)
        return r;
    fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    (void) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, &a.any, len) < 0 && errno != EINPROGRESS)
        return -errno;
    r = fd;
    fd = -1;
    return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/net/route.h"

#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"

/* connect() of a datagram socket only asks the kernel for the route. */
bool route_exists(const char *address)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    CLEANUP(fd_closep) int fd = -1;
    struct addrinfo *to = NULL;
    int e = 0;

    if (getaddrinfo(address, "9", &hints, &to) != 0)
        return true; /* not for us to say */
    fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, to->ai_addr, to->ai_addrlen) < 0)
        e = errno;
    freeaddrinfo(to);
    return e != ENETUNREACH && e != EHOSTUNREACH && e != EADDRNOTAVAIL && e != EAFNOSUPPORT;
}

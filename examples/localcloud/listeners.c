/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libwebsockets owns its listening sockets and can only end them together with all connections
 * that came through them. So the descriptor keeps its number and gets another file: an eventfd
 * that never becomes readable, until a new listening socket takes its place.
 */

#include "examples/localcloud/listeners.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/num.h"

#define BACKLOG 128

/* Where a descriptor listens on TCP. */
static bool get_listener(int fd, struct sockaddr_storage *ret_address, socklen_t *ret_len)
{
    int listens = 0;
    socklen_t len = sizeof(listens);

    *ret_len = sizeof(*ret_address);
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens &&
           getsockname(fd, (struct sockaddr *) ret_address, ret_len) == 0 &&
           (ret_address->ss_family == AF_INET || ret_address->ss_family == AF_INET6);
}

static int port_of(const struct sockaddr_storage *address)
{
    const struct sockaddr_in *v4 = (const void *) address;
    const struct sockaddr_in6 *v6 = (const void *) address;

    return ntohs(address->ss_family == AF_INET ? v4->sin_port : v6->sin6_port);
}

/* Bound, so that nobody else takes the port; not listening, so that clients are refused. */
static int make_kept(const struct sockaddr_storage *address, socklen_t len, bool only_v6)
{
    CLEANUP(fd_closep)
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1, v6 = only_v6, taken;

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
        return -errno;
    if (address->ss_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6, sizeof(v6)) < 0)
        return -errno;
    if (bind(fd, (const struct sockaddr *) address, len) < 0)
        return -errno;
    taken = fd;
    fd = -1;
    return taken;
}

static int close_one(struct listeners *l, int number, const struct sockaddr_storage *address,
                     socklen_t len)
{
    CLEANUP(fd_closep) int idle = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int only_v6 = 0, kept;
    socklen_t v6_len = sizeof(only_v6);

    if (idle < 0)
        return -errno;
    if (l->n_closed == LISTENERS_MAX)
        return -ENOBUFS;
    if (address->ss_family == AF_INET6)
        (void) getsockopt(number, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, &v6_len);
    if (dup3(idle, number, O_CLOEXEC) < 0)
        return -errno;
    l->closed[l->n_closed].number = number;
    kept = make_kept(address, len, only_v6);
    l->closed[l->n_closed++].kept = kept;
    return kept < 0 ? kept : 0;
}

int listeners_close(struct listeners *l, int keep_port)
{
    DIR *dir = l->n_closed == 0 ? opendir("/proc/self/fd") : NULL;
    const struct dirent *entry;
    int e = 0;

    if (l->n_closed > 0)
        return 0;
    if (!dir)
        return -errno;
    while (e == 0 && (entry = readdir(dir))) {
        struct sockaddr_storage address;
        socklen_t len;
        uint64_t fd;

        if (num_parse_u64(entry->d_name, &fd) == 0 && get_listener((int) fd, &address, &len) &&
            port_of(&address) != keep_port)
            e = close_one(l, (int) fd, &address, len);
    }
    (void) closedir(dir);
    if (e < 0)
        (void) listeners_open(l);
    return e;
}

int listeners_open(struct listeners *l)
{
    int e = 0;

    for (size_t i = 0; i < l->n_closed; i++) {
        CLEANUP(fd_closep) int kept = l->closed[i].kept;

        if (kept < 0)
            e = kept;
        else if (listen(kept, BACKLOG) < 0 || dup3(kept, l->closed[i].number, O_CLOEXEC) < 0)
            e = -errno;
    }
    l->n_closed = 0;
    return e;
}

void listeners_done(struct listeners *l)
{
    for (size_t i = 0; i < l->n_closed; i++)
        (void) fd_close(l->closed[i].kept);
    l->n_closed = 0;
}

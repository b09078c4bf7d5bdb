/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/sys/netwatch.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/sys/log.h"
#include "libiotclient/base/fdutil.h"

LOG_AREA("network");

#define SETTLE_US (200 * USEC_PER_MSEC) /* own choice: what belongs together comes within it */
#define PAUSE_US (1 * USEC_PER_SEC)     /* own choice: no more often than that */
#define BUF_SIZE 32768U                 /* netlink(7): the kernel's own largest buffer */
#define MAX_READS 16U                   /* own choice: in one turn of the loop */
#define MAX_KNOWN 64U /* own choice: interfaces and addresses; beyond, some count as new again */
#define ADDRESS_MAX 16U

/* An interface with a carrier, or an address: the kernel tells of them again and again. */
struct known {
    unsigned index; /* of the interface; 0: this place is free */
    uint8_t family; /* AF_UNSPEC: the interface itself */
    uint8_t len;
    uint8_t address[ADDRESS_MAX];
};

struct netwatch {
    struct loop *loop;
    struct loop_io io;
    struct loop_timer timer;
    int fd;
    void (*changed)(void *userdata);
    void *userdata;
    uint64_t told_us; /* 0: never */
    struct known known[MAX_KNOWN];
    unsigned next_known; /* to be overwritten when all are taken */
    uint8_t *buf;
};

static void on_settled(struct loop_timer *timer, void *userdata)
{
    struct netwatch *n = userdata;

    (void) timer;
    n->told_us = loop_now_us(n->loop);
    log_debug("changed");
    n->changed(n->userdata);
}

static void note(struct netwatch *n)
{
    uint64_t now = loop_now_us(n->loop), delay = SETTLE_US;

    if (loop_timer_is_armed(&n->timer))
        return;
    if (n->told_us && n->told_us + PAUSE_US > now + delay)
        delay = n->told_us + PAUSE_US - now;
    loop_timer_arm(n->loop, &n->timer, delay, on_settled, n);
}

void netwatch_feed_lost(struct netwatch *n)
{
    note(n);
}

static struct known *find_known(struct netwatch *n, const struct known *what)
{
    for (size_t i = 0; i < MAX_KNOWN; i++) {
        struct known *k = &n->known[i];

        if (k->index == what->index && k->family == what->family && k->len == what->len &&
            memcmp(k->address, what->address, sizeof(k->address)) == 0)
            return k;
    }
    return NULL;
}

/* true: it was not known. */
static bool add_known(struct netwatch *n, const struct known *what)
{
    static const struct known none;
    struct known *k;

    if (find_known(n, what))
        return false;
    k = find_known(n, &none);
    if (!k)
        k = &n->known[n->next_known++ % MAX_KNOWN];
    *k = *what;
    return true;
}

static void remove_known(struct netwatch *n, const struct known *what)
{
    struct known *k = find_known(n, what);

    if (k)
        *k = (struct known){.index = 0};
}

/* The payload of the first attribute of that type; NULL: none, or longer than max. */
static const void *find_attribute(const struct rtattr *attr, size_t len, unsigned type, size_t max,
                                  size_t *ret_len)
{
    for (; RTA_OK(attr, len); attr = RTA_NEXT(attr, len)) {
        if (attr->rta_type == type && RTA_PAYLOAD(attr) <= max) {
            *ret_len = RTA_PAYLOAD(attr);
            return RTA_DATA(attr);
        }
    }
    return NULL;
}

static bool link_matters(struct netwatch *n, const struct nlmsghdr *h)
{
    const struct ifinfomsg *ifi = NLMSG_DATA(h);
    struct known k = {.index = (unsigned) ifi->ifi_index};

    if (k.index == 0)
        return false;
    if (h->nlmsg_type == RTM_NEWLINK && ifi->ifi_flags & IFF_UP && ifi->ifi_flags & IFF_RUNNING)
        return add_known(n, &k);
    remove_known(n, &k);
    return false; /* what is lost with it shows by its addresses and routes, or by a timeout */
}

static bool address_matters(struct netwatch *n, const struct nlmsghdr *h)
{
    const struct ifaddrmsg *ifa = NLMSG_DATA(h);
    struct known k = {.index = ifa->ifa_index, .family = ifa->ifa_family};
    const void *address = NULL;
    size_t len = 0;

    /* Tentative: cannot be used yet, and will be told again. */
    if (ifa->ifa_scope >= RT_SCOPE_LINK || k.index == 0 || k.family == AF_UNSPEC ||
        (h->nlmsg_type == RTM_NEWADDR && ifa->ifa_flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)))
        return false;
    if (k.family == AF_INET) /* with a peer, IFA_ADDRESS is his */
        address = find_attribute(IFA_RTA(ifa), IFA_PAYLOAD(h), IFA_LOCAL, ADDRESS_MAX, &len);
    if (!address)
        address = find_attribute(IFA_RTA(ifa), IFA_PAYLOAD(h), IFA_ADDRESS, ADDRESS_MAX, &len);
    if (!address)
        return false;
    k.len = (uint8_t) len;
    memcpy(k.address, address, len);
    if (h->nlmsg_type == RTM_NEWADDR)
        return add_known(n, &k);
    remove_known(n, &k);
    return true;
}

/* A default route, to somewhere. */
static bool route_matters(const struct nlmsghdr *h)
{
    const struct rtmsg *rt = NLMSG_DATA(h);

    return rt->rtm_dst_len == 0 && rt->rtm_type == RTN_UNICAST && rt->rtm_table != RT_TABLE_LOCAL &&
           !(rt->rtm_flags & RTM_F_CLONED);
}

static bool matters(struct netwatch *n, const struct nlmsghdr *h)
{
    size_t len = h->nlmsg_len;

    switch (h->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        return len >= NLMSG_LENGTH(sizeof(struct ifinfomsg)) && link_matters(n, h);
    case RTM_NEWADDR:
    case RTM_DELADDR:
        return len >= NLMSG_LENGTH(sizeof(struct ifaddrmsg)) && address_matters(n, h);
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        return len >= NLMSG_LENGTH(sizeof(struct rtmsg)) && route_matters(h);
    default:
        return false;
    }
}

void netwatch_feed(struct netwatch *n, const void *data, size_t len)
{
    for (const struct nlmsghdr *h = data; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
        if (matters(n, h))
            note(n);
    }
}

/* 0, or a negative errno: nothing more for now. */
static int read_some(struct netwatch *n)
{
    struct sockaddr_nl from = {.nl_family = AF_UNSPEC};
    socklen_t from_len = sizeof(from);
    ssize_t got =
        recvfrom(n->fd, n->buf, BUF_SIZE, MSG_TRUNC, (struct sockaddr *) &from, &from_len);

    if (got < 0 && errno == ENOBUFS) { /* the error is gone now, and what did fit can be read */
        netwatch_feed_lost(n);
        return 0;
    }
    if (got < 0)
        return -errno;
    if (from.nl_family != AF_NETLINK || from.nl_pid != 0) /* anybody may send; the kernel is 0 */
        return 0;
    if ((size_t) got > BUF_SIZE)
        netwatch_feed_lost(n);
    else
        netwatch_feed(n, n->buf, (size_t) got);
    return 0;
}

static void on_readable(struct loop_io *io, uint32_t events, void *userdata)
{
    struct netwatch *n = userdata;
    int r = 0;

    for (unsigned i = 0; i < MAX_READS && r == 0; i++)
        r = read_some(n);
    if (r == 0 || r == -EAGAIN || r == -EINTR) {
        if (!(events & LOOP_HUP))
            return;
        r = -EPIPE;
    }
    log_warn("changes of the network are not seen any more error=\"%s\"", strerror(-r));
    loop_io_stop(io);
}

static int open_socket(struct netwatch *n)
{
    const struct sockaddr_nl address = {
        .nl_family = AF_NETLINK,
        .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                     RTMGRP_IPV6_ROUTE,
    };

    n->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (n->fd < 0)
        return -errno;
    if (bind(n->fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
        return -errno;
    return loop_io_start(n->loop, &n->io, n->fd, LOOP_READ, on_readable, n);
}

int netwatch_new(struct netwatch **ret_netwatch, struct loop *loop, void (*changed)(void *userdata),
                 void *userdata)
{
    CLEANUP(netwatch_freep) struct netwatch *n = calloc(1, sizeof(*n));
    int r;

    if (!n)
        return -ENOMEM;
    n->loop = loop;
    n->fd = -1;
    n->changed = changed;
    n->userdata = userdata;
    n->buf = malloc(BUF_SIZE);
    if (!n->buf)
        return -ENOMEM;
    r = open_socket(n);
    if (r < 0)
        return r;
    *ret_netwatch = TAKE(n);
    return 0;
}

struct netwatch *netwatch_free(struct netwatch *n)
{
    if (!n)
        return NULL;

    loop_timer_cancel(&n->timer);
    loop_io_stop(&n->io);
    (void) fd_close(n->fd);
    free(n->buf);
    free(n);
    return NULL;
}

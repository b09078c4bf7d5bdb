/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says of the network, made by hand: what matters, and how often it is told. */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "daemon/sys/netwatch.h"
#include "tests/lib/fake-clock.h"
#include "tests/lib/fake-loop.h"
#include "tests/lib/suite.h"

#define MS USEC_PER_MSEC

static struct fake_loop fl;
static struct netwatch *netwatch;
static unsigned n_changed;

/* Several messages as they stand in one datagram. */
static union {
    struct nlmsghdr align;
    uint8_t data[4096];
} out;
static size_t out_len;

static void on_changed(void *userdata)
{
    (void) userdata;
    n_changed++;
}

static void begin(void)
{
    n_changed = 0;
    out_len = 0;
    fake_clock_reset();
    fake_loop_init(&fl);
    CHECK_INT(netwatch_new(&netwatch, &fl.loop, on_changed, NULL), 0);
}

static void end(void)
{
    netwatch = netwatch_free(netwatch);
    fake_loop_done(&fl);
}

static struct nlmsghdr *add_message(unsigned type, const void *body, size_t len)
{
    struct nlmsghdr *h = (struct nlmsghdr *) (void *) (out.data + out_len);

    memset(h, 0, NLMSG_SPACE(len));
    h->nlmsg_len = (uint32_t) NLMSG_LENGTH(len);
    h->nlmsg_type = (uint16_t) type;
    memcpy(NLMSG_DATA(h), body, len);
    out_len += NLMSG_SPACE(len);
    return h;
}

static void add_attribute(struct nlmsghdr *h, unsigned type, const void *data, size_t len)
{
    struct rtattr *a = (struct rtattr *) (void *) (out.data + out_len);

    memset(a, 0, RTA_SPACE(len));
    a->rta_type = (uint16_t) type;
    a->rta_len = (uint16_t) RTA_LENGTH(len);
    memcpy(RTA_DATA(a), data, len);
    out_len += RTA_SPACE(len);
    h->nlmsg_len += (uint32_t) RTA_SPACE(len);
}

static void add_link(unsigned type, int index, unsigned flags)
{
    const struct ifinfomsg ifi = {.ifi_index = index, .ifi_flags = flags};

    (void) add_message(type, &ifi, sizeof(ifi));
}

static void add_address(unsigned type, unsigned index, const char *text, unsigned scope,
                        unsigned flags)
{
    const struct ifaddrmsg ifa = {
        .ifa_family = strchr(text, ':') ? AF_INET6 : AF_INET,
        .ifa_prefixlen = 24,
        .ifa_flags = (uint8_t) flags,
        .ifa_scope = (uint8_t) scope,
        .ifa_index = index,
    };
    struct nlmsghdr *h = add_message(type, &ifa, sizeof(ifa));
    uint8_t address[16];

    CHECK_INT(inet_pton(ifa.ifa_family, text, address), 1);
    add_attribute(h, IFA_ADDRESS, address, ifa.ifa_family == AF_INET6 ? 16 : 4);
}

static void add_route(unsigned type, unsigned dst_len, unsigned kind, unsigned table,
                      unsigned flags)
{
    const struct rtmsg rt = {
        .rtm_family = AF_INET,
        .rtm_dst_len = (uint8_t) dst_len,
        .rtm_table = (uint8_t) table,
        .rtm_type = (uint8_t) kind,
        .rtm_flags = flags,
    };

    (void) add_message(type, &rt, sizeof(rt));
}

/* Feeds what was added, and waits; how often it was told. */
static unsigned told(void)
{
    unsigned before = n_changed;

    netwatch_feed(netwatch, out.data, out_len);
    out_len = 0;
    CHECK_INT(n_changed, before); /* never from inside */
    fake_loop_advance(&fl, 2000 * MS);
    return n_changed - before;
}

static void test_links(void)
{
    begin();
    add_link(RTM_NEWLINK, 2, IFF_UP);
    CHECK_INT(told(), 0);
    add_link(RTM_NEWLINK, 2, IFF_UP | IFF_RUNNING);
    CHECK_INT(told(), 1);
    add_link(RTM_NEWLINK, 2, IFF_UP | IFF_RUNNING | IFF_MULTICAST); /* still so */
    CHECK_INT(told(), 0);
    add_link(RTM_NEWLINK, 3, IFF_UP | IFF_RUNNING);
    CHECK_INT(told(), 1);
    add_link(RTM_NEWLINK, 2, IFF_UP);
    CHECK_INT(told(), 0); /* nothing comes by a lost carrier */
    add_link(RTM_NEWLINK, 2, IFF_UP | IFF_RUNNING);
    CHECK_INT(told(), 1);
    add_link(RTM_DELLINK, 2, IFF_UP | IFF_RUNNING);
    CHECK_INT(told(), 0);
    add_link(RTM_NEWLINK, 2, IFF_UP | IFF_RUNNING);
    CHECK_INT(told(), 1);
    add_link(RTM_NEWLINK, 0, IFF_UP | IFF_RUNNING);
    CHECK_INT(told(), 0);
    end();
}

static void test_addresses(void)
{
    static const struct {
        unsigned type;
        const char *text;
        unsigned scope, flags, want;
    } cases[] = {
        {RTM_NEWADDR, "192.0.2.1", RT_SCOPE_UNIVERSE, 0, 1},
        {RTM_NEWADDR, "192.0.2.1", RT_SCOPE_UNIVERSE, IFA_F_PERMANENT, 0}, /* its lifetime */
        {RTM_NEWADDR, "192.0.2.2", RT_SCOPE_UNIVERSE, 0, 1},
        {RTM_DELADDR, "192.0.2.1", RT_SCOPE_UNIVERSE, 0, 1},
        {RTM_NEWADDR, "192.0.2.1", RT_SCOPE_UNIVERSE, 0, 1},
        {RTM_NEWADDR, "169.254.1.1", RT_SCOPE_LINK, 0, 0},
        {RTM_NEWADDR, "127.0.0.1", RT_SCOPE_HOST, 0, 0},
        {RTM_DELADDR, "127.0.0.1", RT_SCOPE_HOST, 0, 0},
        {RTM_NEWADDR, "fe80::1", RT_SCOPE_LINK, 0, 0},
        {RTM_NEWADDR, "2001:db8::1", RT_SCOPE_UNIVERSE, IFA_F_TENTATIVE, 0},
        {RTM_NEWADDR, "2001:db8::1", RT_SCOPE_UNIVERSE, 0, 1},
        {RTM_NEWADDR, "2001:db8::1", RT_SCOPE_UNIVERSE, 0, 0},
        {RTM_NEWADDR, "fd00::1", RT_SCOPE_SITE, 0, 1},
        {RTM_DELADDR, "2001:db8::1", RT_SCOPE_UNIVERSE, 0, 1},
    };

    begin();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        unsigned n;

        add_address(cases[i].type, 2, cases[i].text, cases[i].scope, cases[i].flags);
        n = told();
        if (n != cases[i].want)
            suite_fail(__FILE__, __LINE__, "case %zu (%s): %u", i, cases[i].text, n);
    }
    add_address(RTM_NEWADDR, 3, "192.0.2.1", RT_SCOPE_UNIVERSE, 0); /* at another interface */
    CHECK_INT(told(), 1);
    end();
}

static void test_routes(void)
{
    static const struct {
        unsigned type, dst_len, kind, table, flags, want;
    } cases[] = {
        {RTM_NEWROUTE, 0, RTN_UNICAST, RT_TABLE_MAIN, 0, 1},
        {RTM_NEWROUTE, 0, RTN_UNICAST, 100, 0, 1}, /* policy routing */
        {RTM_DELROUTE, 0, RTN_UNICAST, RT_TABLE_MAIN, 0, 1},
        {RTM_NEWROUTE, 24, RTN_UNICAST, RT_TABLE_MAIN, 0, 0},
        {RTM_NEWROUTE, 0, RTN_UNREACHABLE, RT_TABLE_MAIN, 0, 0},
        {RTM_NEWROUTE, 0, RTN_UNICAST, RT_TABLE_MAIN, RTM_F_CLONED, 0},
        {RTM_NEWROUTE, 32, RTN_LOCAL, RT_TABLE_LOCAL, 0, 0},
        {RTM_NEWNEIGH, 0, RTN_UNICAST, RT_TABLE_MAIN, 0, 0},
    };

    begin();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        unsigned n;

        add_route(cases[i].type, cases[i].dst_len, cases[i].kind, cases[i].table, cases[i].flags);
        n = told();
        if (n != cases[i].want)
            suite_fail(__FILE__, __LINE__, "case %zu: %u", i, n);
    }
    end();
}

/* What belongs together is told once, and soon; what never ends, once a second. */
static void test_burst(void)
{
    begin();
    add_link(RTM_NEWLINK, 2, IFF_UP | IFF_RUNNING);
    add_address(RTM_NEWADDR, 2, "192.0.2.1", RT_SCOPE_UNIVERSE, 0);
    add_route(RTM_NEWROUTE, 0, RTN_UNICAST, RT_TABLE_MAIN, 0);
    netwatch_feed(netwatch, out.data, out_len);
    fake_loop_advance(&fl, 199 * MS);
    CHECK_INT(n_changed, 0);
    fake_loop_advance(&fl, MS);
    CHECK_INT(n_changed, 1);

    n_changed = 0;
    out_len = 0;
    add_route(RTM_NEWROUTE, 0, RTN_UNICAST, RT_TABLE_MAIN, 0);
    for (unsigned i = 0; i < 100; i++) {
        netwatch_feed(netwatch, out.data, out_len);
        fake_loop_advance(&fl, 100 * MS);
    }
    CHECK_INT(n_changed, 10);
    fake_loop_advance(&fl, 5000 * MS);
    n_changed = 0;
    netwatch_feed_lost(netwatch);
    netwatch_feed_lost(netwatch);
    fake_loop_advance(&fl, 5000 * MS);
    CHECK_INT(n_changed, 1);
    end();
}

/* More interfaces than are remembered: too much is told rather than too little. */
static void test_many(void)
{
    begin();
    for (int i = 1; i <= 1000; i++) {
        add_link(RTM_NEWLINK, i, IFF_UP | IFF_RUNNING);
        CHECK_INT(told(), 1);
    }
    add_link(RTM_NEWLINK, 1000, IFF_UP | IFF_RUNNING);
    CHECK_INT(told(), 0);
    end();
}

/* Cut and wrong in every way: nothing is read that is not there. */
static void test_cut(void)
{
    static const uint32_t lengths[] = {0, 1, 15, 16, 17, 4096, UINT32_MAX};
    static uint8_t bytes[sizeof(out.data)];
    size_t len;

    begin();
    add_address(RTM_NEWADDR, 2, "2001:db8::1", RT_SCOPE_UNIVERSE, 0);
    len = out_len;
    memcpy(bytes, out.data, len);
    for (size_t n = 0; n < len; n++) {
        out_len = n;
        CHECK_INT(told(), 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        memcpy(out.data, bytes, len);
        out.align.nlmsg_len = lengths[i];
        out_len = len;
        CHECK_INT(told(), 0);
    }
    for (unsigned rta_len = 0; rta_len < 70; rta_len++) { /* the address: 20 with its header */
        struct rtattr *a = (struct rtattr *) (void *) (out.data + len - 20);

        memcpy(out.data, bytes, len);
        a->rta_len = (uint16_t) rta_len;
        out_len = len;
        CHECK(told() <= (rta_len >= 4 && rta_len <= 20));
    }
    end();
}

/* Where there is no rtnetlink for us. */
static void test_denied(void)
{
    struct rlimit was, none;

    fake_clock_reset();
    fake_loop_init(&fl);
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &was), 0);
    none = was;
    none.rlim_cur = 0;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &none), 0);
    CHECK_INT(netwatch_new(&netwatch, &fl.loop, on_changed, NULL), -EMFILE);
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &was), 0);
    CHECK(!netwatch);
    fake_loop_done(&fl);
}

const char *const suite_name = "netwatch";
const struct suite_test suite_tests[] = {
    {"links", test_links},   {"addresses", test_addresses},
    {"routes", test_routes}, {"burst", test_burst},
    {"many", test_many},     {"cut", test_cut},
    {"denied", test_denied}, {NULL, NULL},
};

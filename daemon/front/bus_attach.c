/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attach of org.iotd1.Manager: a program, its shared memory, and what is still open of it. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front/bus_internal.h"
#include "daemon/sys/log.h"
#include "dbus/msg.h"
#include "dbus/names.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/name.h"
#include "libiotclient/base/num.h"

LOG_AREA("bus");

#define ATTACH_PROBLEM 48

struct attach {
    const char *layout; /* option; NULL: not given */
    bool wants_table;   /* option "table" */
    uint64_t *tokens;   /* option; owned; NULL: not given */
    size_t n_tokens;
    int fds[LAYOUT_FD_COUNT_]; /* for the program, owned */
    size_t n_fds;
};

static void close_fds(struct attach *a)
{
    for (size_t i = 0; i < a->n_fds; i++)
        (void) fd_close(a->fds[i]);
    a->n_fds = 0;
}

static void attach_done(struct attach *a)
{
    close_fds(a);
    free(a->tokens);
}

static int read_options(DBusMessageIter *it, struct attach *a, char problem[ATTACH_PROBLEM])
{
    DBusMessageIter value;
    struct msg_dict options;
    const char *key;
    int r;

    r = msg_read_dict(it, &options);
    while (r == 0 && msg_dict_next(&options, &key, &value)) {
        if (strcmp(key, "layout") == 0)
            r = msg_read_string(&value, &a->layout);
        else if (strcmp(key, "table") == 0)
            r = msg_read_bool(&value, &a->wants_table);
        else if (strcmp(key, "tokens") == 0 && !a->tokens)
            r = msg_read_uint64s(&value, LIMIT_ATTACH_TOKENS, &a->tokens, &a->n_tokens);
        if (r < 0)
            (void) snprintf(problem, ATTACH_PROBLEM, "option %.32s", key);
    }
    return r;
}

/* "major.minor": every minor of our major will do. */
static bool is_our_layout(const char *text)
{
    const char *dot = text ? strchr(text, '.') : NULL;
    char major[8] = "";
    uint64_t n;

    if (!dot || (size_t) (dot - text) >= sizeof(major))
        return false;
    memcpy(major, text, (size_t) (dot - text));
    if (num_parse_u64(major, &n) < 0 || n != LAYOUT_MAJOR)
        return false;
    return num_parse_u64(dot + 1, &n) == 0;
}

/* A program whose table is another one now. Without one it goes on over D-Bus. */
static void give_table(struct bus *bus, struct attach *a, struct client *c)
{
    int fd = bus_client_view(c) ? shm_view_dup_fd(bus_client_view(c)) : -ENOENT;

    if (fd >= 0) {
        a->fds[0] = fd;
        a->n_fds = 1;
        return;
    }
    if (fd == -ENOENT)
        bus_client_set_shm(c, NULL, NULL);
    else
        bus_shm_end(bus, c, fd);
}

/* A failure is told, and none of the program: everything goes over D-Bus then. */
static void give_shm(struct bus *bus, struct attach *a, struct client *c)
{
    if (!LAYOUT_IS_USABLE || !is_our_layout(a->layout))
        bus_client_set_shm(c, NULL, NULL);
    else if (a->wants_table)
        give_table(bus, a, c);
    else if (bus_shm_new(bus, c, a->fds) == 0)
        a->n_fds = LAYOUT_FD_COUNT_;
}

/* Leaves those whose end the caller will hear. */
static void keep_open(struct bus *bus, const char *peer, struct attach *a)
{
    size_t n_open = 0;

    for (size_t i = 0; i < a->n_tokens; i++) {
        bool open = false;
        int r = events_is_open(&bus->core->events, peer, a->tokens[i], &open);

        if (r < 0)
            log_warn("cannot look up a token error=\"%s\"", strerror(-r));
        if (open)
            a->tokens[n_open++] = a->tokens[i];
    }
    a->n_tokens = n_open;
}

static int open_reply(struct tree_call *call, const struct client *c, const struct attach *a)
{
    DBusMessageIter it, info;
    char path[64];
    int r;

    (void) snprintf(path, sizeof(path), IOTD_CLIENT_PATH_PREFIX "%u", c->number);
    r = tree_call_open(call, &it);
    if (r == 0)
        r = msg_append_fds(&it, a->fds, a->n_fds);
    if (r == 0)
        r = msg_open_dict(&it, &info);
    if (r < 0)
        return r;
    r = msg_dict_string(&info, "version", PACKAGE_VERSION);
    if (r == 0)
        r = msg_dict_string(&info, "layout", a->n_fds > 0 ? LAYOUT_VERSION_TEXT : "");
    if (r == 0)
        r = msg_dict_path(&info, "path", path);
    if (r == 0 && a->tokens)
        r = msg_dict_uint64s(&info, "tokens", a->tokens, a->n_tokens);
    return msg_close(&it, &info, r);
}

/* The message has duplicates: those that it cannot have, the program does not get. */
static int reply_attach(struct bus *bus, struct tree_call *call, struct client *c, struct attach *a)
{
    int r = open_reply(call, c, a);

    if (a->n_fds == 0)
        return r;
    if (r == 0) {
        bus->shm_failed = false;
        return 0;
    }
    close_fds(a);
    bus_shm_end(bus, c, r);
    return open_reply(call, c, a);
}

void bus_attach(struct tree_call *call, void *userdata)
{
    CLEANUP(attach_done) struct attach a = {0};
    char problem[ATTACH_PROBLEM] = "";
    struct bus *bus = userdata;
    struct bus_peer *peer = bus_peer_of(bus, call);
    struct client *c;
    DBusMessageIter it;
    const char *app_id;
    int r;

    tree_call_args(call, &it);
    r = msg_read_string(&it, &app_id);
    if (r == 0 && !peer)
        r = -EACCES;
    if (r == 0 && !name_is_app_id(app_id)) {
        tree_call_error(&call, -EINVAL, BUS_APP_ID_PROBLEM);
        return;
    }
    if (r == 0)
        r = read_options(&it, &a, problem);
    if (*problem) {
        tree_call_error(&call, r, problem);
        return;
    }
    if (r == 0)
        r = bus_client_get(bus, peer, &c);
    if (r == -EDQUOT) {
        tree_call_error(&call, -ENOBUFS, "quota.attachments");
        return;
    }
    if (r == 0)
        r = client_set_app_id(c, app_id);
    if (r == 0) {
        bus_client_changed(bus, c);
        keep_open(bus, tree_call_sender(call), &a);
        give_shm(bus, &a, c);
        r = reply_attach(bus, call, c, &a);
    }
    tree_call_finish(&call, r);
}

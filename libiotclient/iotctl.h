/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_IOTCTL_H
#define IOTD_LIBIOTCLIENT_IOTCTL_H

/*
 * iotctl: one command, blocking calls, an exit status. What is said about failures is said once,
 * by the function that meets them; the caller passes the status on.
 */

#include <stdbool.h>
#include <stdint.h>

#include "dbus/msg.h"
#include "libiotclient/base/strbuf.h"

/* Exit status; the man page documents them. */
#define CTL_OK 0
#define CTL_FAILED 1
#define CTL_USAGE 64       /* EX_USAGE */
#define CTL_UNAVAILABLE 69 /* EX_UNAVAILABLE */

#define CTL_TEXT_MAX (4U * 1024 * 1024) /* own choice: bytes of one line or object of output */

/* Of iotctl provision; NULL and 0 where they were not given. */
struct ctl_provision {
    const char *csv, *file, *product_secret_file; /* one of them */
    const char *product, *device, *region;
    uint64_t line;
};

/* Of iotctl bind-signature; NULL where they were not given. */
struct ctl_binding {
    const char *kind, *method, *conn_id;
};

struct ctl {
    DBusConnection *bus;
    const char *bus_name; /* as given to --bus */
    char owner[256];      /* unique name of iotd; only its signals are believed */
    bool json;
    bool no_wait;
    uint64_t count; /* 0: no end */
    int timeout_ms;
    const char *exe;  /* access; NULL: not given */
    bool has_timeout; /* --timeout was given */
    struct ctl_provision provision;
    struct ctl_binding binding;
};

struct ctl_command {
    const char *name;
    const char *arguments;
    const char *help;
    int min_args;
    int max_args;
    unsigned options; /* CTL_OPTION_… that make sense, CTL_LOCAL */
    int (*run)(struct ctl *ctl, int argc, char **argv);
};

#define CTL_OPTION_COUNT 1U
#define CTL_OPTION_NO_WAIT 2U
#define CTL_OPTION_PROVISION 4U
#define CTL_OPTION_EXE 8U
#define CTL_OPTION_BINDING 16U
#define CTL_LOCAL 128U /* the command needs neither bus nor iotd */

/* iotctl_status.c, iotctl_prop.c, iotctl_post.c, iotctl_link.c, iotctl_info.c, iotctl_provision.c,
 * iotctl_access.c, iotctl_bind.c
 */
int ctl_status(struct ctl *ctl, int argc, char **argv);
int ctl_get(struct ctl *ctl, int argc, char **argv);
int ctl_watch(struct ctl *ctl, int argc, char **argv);
int ctl_controls(struct ctl *ctl, int argc, char **argv);
int ctl_report(struct ctl *ctl, int argc, char **argv);
int ctl_event(struct ctl *ctl, int argc, char **argv);
int ctl_info(struct ctl *ctl, int argc, char **argv);
int ctl_set(struct ctl *ctl, int argc, char **argv);
int ctl_action(struct ctl *ctl, int argc, char **argv);
int ctl_events(struct ctl *ctl, int argc, char **argv);
int ctl_monitor(struct ctl *ctl, int argc, char **argv);
int ctl_connect(struct ctl *ctl, int argc, char **argv);
int ctl_disconnect(struct ctl *ctl, int argc, char **argv);
int ctl_reload(struct ctl *ctl, int argc, char **argv);
int ctl_provision(struct ctl *ctl, int argc, char **argv);
int ctl_access(struct ctl *ctl, int argc, char **argv);
/* Its first argument, before anything is asked of iotd. */
int ctl_check_access(char **argv);
/* iotctl_firmware.c; the arguments, before anything is asked of iotd. */
int ctl_firmware(struct ctl *ctl, int argc, char **argv);
int ctl_check_firmware(struct ctl *ctl, int argc, char **argv);
/* iotctl_file.c */
int ctl_file(struct ctl *ctl, int argc, char **argv);
int ctl_resource(struct ctl *ctl, int argc, char **argv);
int ctl_check_file(struct ctl *ctl, bool is_resource, int argc, char **argv);
int ctl_bind_signature(struct ctl *ctl, int argc, char **argv);
int ctl_bind_token(struct ctl *ctl, int argc, char **argv);
int ctl_unbind(struct ctl *ctl, int argc, char **argv);
int ctl_twecall(struct ctl *ctl, int argc, char **argv); /* iotctl_call.c */
/* Its arguments, before anything is asked of iotd. */
int ctl_check_call(int argc, char **argv);
int ctl_notices(struct ctl *ctl, int argc, char **argv);
int ctl_model(struct ctl *ctl, int argc, char **argv); /* iotctl_model.c */
/* The options of provision, before anything is asked of iotd. */
int ctl_check_provision(struct ctl *ctl);

/* iotctl_post.c: arguments ID=VALUE or ID:=JSON, all of one kind; says what is wrong. */
int ctl_parse_pairs(struct ctl *ctl, int argc, char **argv, bool *ret_is_json) MUST_CHECK;
/* A JSON object as s, or a{sv} of texts and the options that say so. 0 or -errno. */
int ctl_append_pairs(DBusMessageIter *it, bool is_json, int argc, char **argv) MUST_CHECK;

/* iotctl_bus.c: the bus, with failures said. */
int ctl_open(struct ctl *ctl);
void ctl_close(struct ctl *ctl);
int ctl_new_call(struct ctl *ctl, const char *path, const char *iface, const char *member,
                 DBusMessage **ret_msg) MUST_CHECK;
int ctl_call(struct ctl *ctl, DBusMessage *msg, DBusMessage **ret_reply) MUST_CHECK;
/* Properties.GetAll. */
int ctl_get_all(struct ctl *ctl, const char *path, const char *iface,
                DBusMessage **ret_reply) MUST_CHECK;
int ctl_add_match(struct ctl *ctl, const char *rule) MUST_CHECK;
/* So that ctl_next_signal() hears of the end of iotd. */
int ctl_add_owner_match(struct ctl *ctl) MUST_CHECK;
/*
 * The next signal of the device object; member NULL: any of the interface. timeout_ms -1: for ever.
 * CTL_UNAVAILABLE when iotd or the bus goes away, CTL_FAILED when the time is over (silent: the
 * caller knows what it waited for).
 */
int ctl_next_signal(struct ctl *ctl, const char *iface, const char *member, int timeout_ms,
                    DBusMessage **ret_msg) MUST_CHECK;

/* The same of another object. */
int ctl_next_signal_at(struct ctl *ctl, const char *path, const char *iface, const char *member,
                       int timeout_ms, DBusMessage **ret_msg) MUST_CHECK;

/* Says why on stderr, and as an object on stdout with --json. Returns CTL_FAILED. */
int ctl_fail(struct ctl *ctl, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
int ctl_fail_errno(struct ctl *ctl, int error);
/* What iotd or the bus sent cannot be read. */
int ctl_fail_protocol(struct ctl *ctl);

/* iotctl_out.c: text for people and JSON. */
/* One value of any type as JSON, or as people write it; the iterator moves on. */
void ctl_add_json(struct strbuf *sb, DBusMessageIter *it);
void ctl_add_human(struct strbuf *sb, DBusMessageIter *it);
/* Text of others: what would steer a terminal is shown, not obeyed. */
void ctl_add_text(struct strbuf *sb, const char *text, size_t len);
void ctl_add_clock(struct strbuf *sb, uint64_t real_us);
/* "3 s", "2 min", "5 h", "4 d" */
void ctl_add_age(struct strbuf *sb, uint64_t us);
uint64_t ctl_now_us(void);
/* Prints and frees; a line end is added. */
int ctl_print(struct ctl *ctl, struct strbuf *sb);

#endif /* IOTD_LIBIOTCLIENT_IOTCTL_H */

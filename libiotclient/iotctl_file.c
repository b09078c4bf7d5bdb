/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* iotctl file, iotctl resource: what is here, fetched into a file, sent, deleted. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/names.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/name.h"
#include "libiotclient/iotctl_firmware.h"

#define MATCH_TRANSFERS                                                                            \
    "type='signal',sender='" IOTD_BUS_NAME "',interface='" DBUS_INTERFACE_PROPERTIES               \
    "',member='PropertiesChanged',arg0='" IOTD_IFACE_TRANSFER "'"
#define COPY_BYTES (256 * 1024)

struct file_ctl {
    struct ctl *ctl;
    const char *iface;
};

static int usage(struct ctl *ctl, const char *text)
{
    (void) ctl_fail(ctl, NULL, "%s; see man iotctl", text);
    return CTL_USAGE;
}

static int new_call(const struct file_ctl *fc, const char *member, DBusMessage **ret_msg,
                    DBusMessageIter *ret_it)
{
    int r = ctl_new_call(fc->ctl, IOTD_DEVICE_PATH, fc->iface, member, ret_msg);

    if (r == CTL_OK)
        dbus_message_iter_init_append(*ret_msg, ret_it);
    return r;
}

/* A call with a name, or (NULL) without. */
static int call_name(const struct file_ctl *fc, const char *member, const char *name,
                     DBusMessage **ret_reply)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int e = 0, r = new_call(fc, member, &msg, &it);

    if (r != CTL_OK)
        return r;
    if (name)
        e = msg_append_string(&it, name);
    return e < 0 ? ctl_fail_errno(fc->ctl, e) : ctl_call(fc->ctl, msg, ret_reply);
}

static int print_done(struct ctl *ctl, const char *text, const char *name)
{
    struct strbuf sb;

    strbuf_init(&sb, CTL_TEXT_MAX);
    strbuf_adds(&sb, ctl->json ? "{}" : text);
    if (!ctl->json && name)
        ctl_add_text(&sb, name, strlen(name));
    return ctl_print(ctl, &sb);
}

/* --- list --- */

struct row {
    const char *name, *type, *version;
    uint64_t size, stamp_us, state;
};

static const char *state_text(uint64_t state)
{
    static const char *const texts[] = {"here", "here, another version is coming", "coming"};

    return state < ARRAY_SIZE(texts) ? texts[state] : "in the cloud only";
}

static int read_row(DBusMessageIter *array, struct row *row)
{
    DBusMessageIter it;
    int r;

    dbus_message_iter_recurse(array, &it);
    r = msg_read_string(&it, &row->name);
    if (r == 0)
        r = msg_read_string(&it, &row->type);
    if (r == 0)
        r = msg_read_string(&it, &row->version);
    if (r == 0)
        r = msg_read_uint64(&it, &row->size);
    if (r == 0)
        r = msg_read_uint64(&it, &row->stamp_us);
    if (r == 0)
        r = msg_read_uint64(&it, &row->state);
    dbus_message_iter_next(array);
    return r;
}

static void add_json_row(struct strbuf *sb, const struct row *row)
{
    const struct {
        const char *key, *text;
    } texts[] = {
        {"{\"name\":", row->name}, {",\"type\":", row->type}, {",\"version\":", row->version}};

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        strbuf_adds(sb, texts[i].key);
        strbuf_add_json(sb, texts[i].text);
    }
    strbuf_addf(sb, ",\"size\":%" PRIu64 ",\"stamp\":%" PRIu64 ",\"state\":%" PRIu64 "}", row->size,
                row->stamp_us, row->state);
}

static void add_row(struct strbuf *sb, const struct row *row)
{
    ctl_add_text(sb, row->name, strlen(row->name));
    if (*row->type) { /* else the version is a hash */
        strbuf_adds(sb, "  ");
        ctl_add_text(sb, row->type, strlen(row->type));
        strbuf_adds(sb, " ");
        ctl_add_text(sb, row->version, strlen(row->version));
    }
    strbuf_adds(sb, "  ");
    ctl_add_bytes(sb, row->size);
    if (row->state <= 1 && row->stamp_us > 0) {
        strbuf_adds(sb, "  ");
        ctl_add_clock(sb, row->stamp_us);
    }
    strbuf_addf(sb, "  %s", state_text(row->state));
}

static int print_rows(struct ctl *ctl, DBusMessageIter *array, size_t n)
{
    struct strbuf sb;

    strbuf_init(&sb, CTL_TEXT_MAX);
    strbuf_adds(&sb, ctl->json ? "[" : n == 0 ? "nothing" : "");
    for (size_t i = 0; i < n; i++) {
        struct row row;

        if (read_row(array, &row) < 0) {
            strbuf_done(&sb);
            return ctl_fail_protocol(ctl);
        }
        strbuf_adds(&sb, i == 0 ? "" : ctl->json ? "," : "\n");
        if (ctl->json)
            add_json_row(&sb, &row);
        else
            add_row(&sb, &row);
    }
    strbuf_adds(&sb, ctl->json ? "]" : "");
    return ctl_print(ctl, &sb);
}

static int list(const struct file_ctl *fc, int argc, char **argv)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    DBusMessageIter it, array;
    size_t n;
    int r = call_name(fc, "List", NULL, &reply);

    (void) argc;
    (void) argv;
    if (r != CTL_OK)
        return r;
    if (!dbus_message_has_signature(reply, "a(sssttu)") || !dbus_message_iter_init(reply, &it) ||
        msg_read_array(&it, &array, &n) < 0)
        return ctl_fail_protocol(fc->ctl);
    return print_rows(fc->ctl, &array, n);
}

/* --- get --- */

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0) {
            data += n;
            len -= (size_t) n;
        }
    }
    return 0;
}

static int copy(int from, int to)
{
    CLEANUP(freep) char *buf = malloc(COPY_BYTES);
    ssize_t n;

    if (!buf)
        return -ENOMEM;
    while ((n = read(from, buf, COPY_BYTES)) != 0) {
        int r = n < 0 ? -errno : write_all(to, buf, (size_t) n);

        if (r < 0 && r != -EINTR)
            return r;
    }
    return 0;
}

/* A device or pipe is written to, never replaced. */
static int save_into(struct ctl *ctl, int from, const char *path)
{
    CLEANUP(fd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    int r = fd < 0 ? -errno : copy(from, fd);

    return r == 0 ? CTL_OK : ctl_fail(ctl, NULL, "%s: %s", path, strerror(-r));
}

/* Beside path first: a file that is there stays until the new one is whole. */
static int save(struct ctl *ctl, int from, const char *path)
{
    CLEANUP(freep) char *temp = NULL;
    CLEANUP(fd_closep) int fd = -1;
    mode_t mask = umask(0);
    struct stat st;
    int r;

    (void) umask(mask);
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return save_into(ctl, from, path);
    if (asprintf(&temp, "%s.XXXXXX", path) < 0) {
        temp = NULL;
        return ctl_fail_errno(ctl, -ENOMEM);
    }
    fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0)
        return ctl_fail(ctl, NULL, "%s: %s", path, strerror(errno));
    r = copy(from, fd);
    if (r == 0 && (fchmod(fd, 0666 & ~mask) < 0 || rename(temp, path) < 0))
        r = -errno;
    if (r == 0)
        return CTL_OK;
    (void) unlink(temp);
    return ctl_fail(ctl, NULL, "%s: %s", path, strerror(-r));
}

static int print_info(struct ctl *ctl, DBusMessageIter *it, const char *name, const char *path)
{
    struct strbuf sb;

    strbuf_init(&sb, CTL_TEXT_MAX);
    if (ctl->json) {
        ctl_add_json(&sb, it);
        return ctl_print(ctl, &sb);
    }
    ctl_add_text(&sb, name, strlen(name));
    strbuf_adds(&sb, " is in ");
    ctl_add_text(&sb, path, strlen(path));
    return ctl_print(ctl, &sb);
}

static int get(const struct file_ctl *fc, int argc, char **argv)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    CLEANUP(fd_closep) int fd = -1;
    const char *path = argc > 1 ? argv[1] : argv[0];
    DBusMessageIter it;
    int r = call_name(fc, "Open", argv[0], &reply);

    if (r != CTL_OK)
        return r;
    if (!dbus_message_has_signature(reply, "ha{sv}") || !dbus_message_iter_init(reply, &it) ||
        msg_read_fd(&it, &fd) < 0)
        return ctl_fail_protocol(fc->ctl);
    if (strcmp(path, "-") == 0) {
        int e = copy(fd, STDOUT_FILENO);

        return e < 0 ? ctl_fail(fc->ctl, NULL, "cannot write the output: %s", strerror(-e))
                     : CTL_OK;
    }
    r = save(fc->ctl, fd, path);
    return r == CTL_OK ? print_info(fc->ctl, &it, argv[0], path) : r;
}

/* --- put --- */

/* The properties of a transfer; texts live as long as the reply. */
struct transfer {
    DBusMessage *reply;
    const char *name, *state, *text, *token;
    uint64_t size, done;
    int64_t code;
};

static void transfer_done(struct transfer *t)
{
    t->reply = msg_unref(t->reply);
}

static int read_property(struct transfer *t, const char *key, DBusMessageIter *value)
{
    const struct {
        const char *key, **text;
    } texts[] = {
        {"Name", &t->name}, {"State", &t->state}, {"Text", &t->text}, {"Token", &t->token}};

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (strcmp(texts[i].key, key) == 0)
            return msg_read_string(value, texts[i].text);
    }
    if (strcmp(key, "Size") == 0)
        return msg_read_uint64(value, &t->size);
    if (strcmp(key, "Done") == 0)
        return msg_read_uint64(value, &t->done);
    return strcmp(key, "Result") == 0 ? msg_read_int64(value, &t->code) : 0;
}

static int get_transfer(struct ctl *ctl, const char *path, struct transfer *t)
{
    DBusMessageIter it, value;
    struct msg_dict dict;
    const char *key;
    int r = ctl_get_all(ctl, path, IOTD_IFACE_TRANSFER, &t->reply);

    if (r != CTL_OK)
        return r;
    r = dbus_message_iter_init(t->reply, &it) ? msg_read_dict(&it, &dict) : -EPROTO;
    while (r == 0 && msg_dict_next(&dict, &key, &value))
        r = read_property(t, key, &value);
    return r < 0 ? ctl_fail_protocol(ctl) : CTL_OK;
}

static int print_transfer(struct ctl *ctl, const struct transfer *t)
{
    DBusMessageIter it;
    struct strbuf sb;

    strbuf_init(&sb, CTL_TEXT_MAX);
    if (ctl->json) {
        (void) dbus_message_iter_init(t->reply, &it); /* it was read before */
        ctl_add_json(&sb, &it);
        return ctl_print(ctl, &sb);
    }
    ctl_add_text(&sb, t->name, strlen(t->name));
    strbuf_adds(&sb, " is in the cloud, ");
    ctl_add_bytes(&sb, t->size);
    if (*t->token) {
        strbuf_adds(&sb, "\ntoken  ");
        ctl_add_text(&sb, t->token, strlen(t->token));
    }
    return ctl_print(ctl, &sb);
}

/* -1: it goes on. */
static int outcome(struct ctl *ctl, const struct transfer *t)
{
    if (strcmp(t->state, "done") == 0)
        return print_transfer(ctl, t);
    if (strcmp(t->state, "cancelled") == 0)
        return ctl_fail(ctl, NULL, "the transfer was cancelled");
    if (strcmp(t->state, "failed") == 0)
        return ctl_fail(ctl, NULL, "the transfer failed (%" PRId64 "): %s", t->code, t->text);
    return -1;
}

static void draw(const struct transfer *t, bool *has_bar)
{
    const struct ctl_bar bar = {
        .label = "sending",
        .percent =
            t->size > 0 ? (unsigned) (t->done >= t->size ? 100 : t->done * 100 / t->size) : 0,
        .has_bytes = true,
        .done = t->done,
        .size = t->size,
    };

    ctl_bar_draw(&bar);
    *has_bar = true;
}

static int follow(struct ctl *ctl, const char *path)
{
    const bool is_terminal = !ctl->json && isatty(STDOUT_FILENO);
    bool has_bar = false;
    int r = CTL_OK, end = -1;

    while (r == CTL_OK && end < 0) {
        CLEANUP(transfer_done)
        struct transfer t = {.name = "", .state = "", .text = "", .token = ""};
        CLEANUP(msg_unrefp) DBusMessage *msg = NULL;

        r = get_transfer(ctl, path, &t);
        if (r == CTL_OK && is_terminal)
            draw(&t, &has_bar);
        if (r == CTL_OK && has_bar && strcmp(t.state, "running") != 0)
            ctl_bar_wipe();
        if (r == CTL_OK)
            end = outcome(ctl, &t);
        if (r == CTL_OK && end < 0)
            r = ctl_next_signal_at(ctl, path, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged", -1,
                                   &msg);
    }
    if (r != CTL_OK && has_bar)
        putchar('\n');
    return r == CTL_OK ? end : r;
}

/* PATH [NAME [VERSION [TYPE]]] */
static int append_upload(DBusMessageIter *it, int fd, const char *name, int argc, char **argv)
{
    DBusMessageIter dict;
    int r = msg_append_fd(it, fd);

    if (r == 0)
        r = msg_append_string(it, name);
    if (r == 0)
        r = msg_open_dict(it, &dict);
    if (r < 0)
        return r;
    if (argc > 2)
        r = msg_dict_string(&dict, "version", argv[2]);
    if (r == 0 && argc > 3)
        r = msg_dict_string(&dict, "type", argv[3]);
    return msg_close(it, &dict, r);
}

/* What the file is called in the cloud. */
static const char *put_name(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');

    return argc > 1 ? argv[1] : slash ? slash + 1 : argv[0];
}

static int put(const struct file_ctl *fc, int argc, char **argv)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL, *reply = NULL;
    CLEANUP(fd_closep) int fd = open(argv[0], O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct ctl *ctl = fc->ctl;
    DBusMessageIter it;
    const char *path;
    int e, r;

    if (fd < 0)
        return ctl_fail(ctl, NULL, "%s: %s", argv[0], strerror(errno));
    r = ctl->no_wait ? CTL_OK : ctl_add_owner_match(ctl);
    if (r == CTL_OK && !ctl->no_wait)
        r = ctl_add_match(ctl, MATCH_TRANSFERS);
    if (r == CTL_OK)
        r = new_call(fc, "Upload", &msg, &it);
    if (r != CTL_OK)
        return r;
    e = append_upload(&it, fd, put_name(argc, argv), argc, argv);
    r = e < 0 ? ctl_fail_errno(ctl, e) : ctl_call(ctl, msg, &reply);
    if (r != CTL_OK)
        return r;
    if (!dbus_message_iter_init(reply, &it) || msg_read_path(&it, &path) < 0)
        return ctl_fail_protocol(ctl);
    return ctl->no_wait ? print_done(ctl, "the transfer is ", path) : follow(ctl, path);
}

/* --- the rest --- */

static int delete (const struct file_ctl *fc, int argc, char **argv)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    int r = call_name(fc, "Delete", argv[0], &reply);

    (void) argc;
    return r == CTL_OK ? print_done(fc->ctl, "deleted ", argv[0]) : r;
}

static int check(const struct file_ctl *fc, int argc, char **argv)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    int r = call_name(fc, "Check", NULL, &reply);

    (void) argc;
    (void) argv;
    return r == CTL_OK ? print_done(fc->ctl, "asked the cloud for what waits", NULL) : r;
}

static const struct word {
    const char *name;
    int min_args, max_args, max_resource_args;
    int (*run)(const struct file_ctl *fc, int argc, char **argv);
} words[] = {
    {"list", 0, 0, 0, list},     {"get", 1, 2, 2, get},      {"put", 1, 4, 2, put},
    {"delete", 1, 1, 1, delete}, {"check", 0, -1, 0, check},
};

static const struct word *find_word(const char *name, bool is_resource)
{
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        int max = is_resource ? words[i].max_resource_args : words[i].max_args;

        if (strcmp(words[i].name, name) == 0 && max >= 0)
            return &words[i];
    }
    return NULL;
}

int ctl_check_file(struct ctl *ctl, bool is_resource, int argc, char **argv)
{
    const struct word *w = find_word(argv[0], is_resource);

    if (!w)
        return usage(ctl, is_resource ? "resource wants list, get, put, delete or check"
                                      : "file wants list, get, put or delete");
    argc--;
    argv++;
    if (argc < w->min_args || argc > (is_resource ? w->max_resource_args : w->max_args))
        return usage(ctl, "missing argument, or too many");
    if (ctl->no_wait && w->run != put)
        return usage(ctl, "--no-wait is for put");
    if ((w->run == get || w->run == delete) && !name_is_file(argv[0]))
        return usage(ctl, "a name has 1 to 64 bytes, no slash and no dot in front");
    if (w->run == put && !name_is_file(put_name(argc, argv)))
        return usage(ctl, "what it is to be called has 1 to 64 bytes, no slash, no dot in front");
    if (w->run == put && argc > 2 && !name_is_file_version(argv[2]))
        return usage(ctl, "a version has 1 to 32 bytes");
    if (w->run == put && argc > 3 && !name_is_file_type(argv[3]))
        return usage(ctl, "a type is 1 to 10 of [A-Za-z0-9_-]");
    return CTL_OK;
}

static int run(struct ctl *ctl, bool is_resource, int argc, char **argv)
{
    const struct file_ctl fc = {
        .ctl = ctl,
        .iface = is_resource ? IOTD_IFACE_RESOURCES : IOTD_IFACE_FILES,
    };

    return find_word(argv[0], is_resource)->run(&fc, argc - 1, argv + 1);
}

int ctl_file(struct ctl *ctl, int argc, char **argv)
{
    return run(ctl, false, argc, argv);
}

int ctl_resource(struct ctl *ctl, int argc, char **argv)
{
    return run(ctl, true, argc, argv);
}

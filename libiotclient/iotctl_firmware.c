/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* iotctl firmware: the update of the device, and what to do with it. */

#include "libiotclient/iotctl_firmware.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dbus/names.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/name.h"
#include "libiotclient/base/num.h"

#define POSTPONE_MIN_S 60
#define POSTPONE_MAX_S (7 * 86400)
#define SIGNATURE_MAX 1024 /* own choice: bytes; RSA of 8192 bits */

static int usage(struct ctl *ctl, const char *text)
{
    (void) ctl_fail(ctl, NULL, "%s; see man iotctl", text);
    return CTL_USAGE;
}

/* --- what iotd tells --- */

static int read_property(struct ctl_firmware *fw, const char *key, DBusMessageIter *value)
{
    const struct {
        const char *key, **text;
    } texts[] = {
        {"State", &fw->state},         {"Version", &fw->version}, {"TargetVersion", &fw->target},
        {"Reason", &fw->reason},       {"Custom", &fw->custom},   {"Extra", &fw->extra},
        {"Installer", &fw->installer},
    };
    const struct {
        const char *key;
        uint64_t *number;
    } numbers[] = {{"Size", &fw->size}, {"Done", &fw->done}, {"Progress", &fw->percent}};

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (strcmp(texts[i].key, key) == 0)
            return msg_read_string(value, texts[i].text);
    }
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        if (strcmp(numbers[i].key, key) == 0)
            return msg_read_uint64(value, numbers[i].number);
    }
    if (strcmp(key, "Code") == 0)
        return msg_read_int64(value, &fw->code);
    if (strcmp(key, "NeedsConfirmation") == 0)
        return msg_read_bool(value, &fw->confirm);
    return 0;
}

int ctl_firmware_get(struct ctl *ctl, struct ctl_firmware *ret_firmware)
{
    struct ctl_firmware fw = {
        .state = "idle",
        .version = "",
        .target = "",
        .reason = "",
        .custom = "",
        .extra = "",
        .installer = "",
    };
    DBusMessageIter it, value;
    struct msg_dict dict;
    const char *key;
    int r;

    r = ctl_get_all(ctl, IOTD_DEVICE_PATH, IOTD_IFACE_FIRMWARE, &fw.reply);
    if (r != CTL_OK)
        return r;
    r = dbus_message_iter_init(fw.reply, &it) ? msg_read_dict(&it, &dict) : -EPROTO;
    while (r == 0 && msg_dict_next(&dict, &key, &value))
        r = read_property(&fw, key, &value);
    if (r < 0) {
        ctl_firmware_done(&fw);
        return ctl_fail_protocol(ctl);
    }
    *ret_firmware = fw;
    return CTL_OK;
}

void ctl_firmware_done(struct ctl_firmware *fw)
{
    fw->reply = msg_unref(fw->reply);
}

void ctl_add_bytes(struct strbuf *sb, uint64_t n)
{
    if (n < 1024)
        strbuf_addf(sb, "%" PRIu64 " bytes", n);
    else if (n < 1024 * 1024)
        strbuf_addf(sb, "%.1f KiB", (double) n / 1024);
    else
        strbuf_addf(sb, "%.1f MiB", (double) n / (1024 * 1024));
}

static void add_row(struct strbuf *sb, const char *label, const char *text)
{
    if (!*text)
        return;
    strbuf_addf(sb, "\n%-10s", label);
    ctl_add_text(sb, text, strlen(text));
}

static void add_update(struct strbuf *sb, const struct ctl_firmware *fw)
{
    bool is_download = strcmp(fw->state, "downloading") == 0;

    add_row(sb, "update", *fw->target ? fw->target : "none");
    strbuf_adds(sb, *fw->target ? ", " : "");
    if (*fw->target)
        ctl_add_text(sb, fw->state, strlen(fw->state));
    if (is_download || strcmp(fw->state, "installing") == 0)
        strbuf_addf(sb, " %" PRIu64 " %%", fw->percent);
    if (fw->size > 0 && is_download) {
        strbuf_adds(sb, ", ");
        ctl_add_bytes(sb, fw->done);
        strbuf_adds(sb, " of ");
    } else if (fw->size > 0) {
        strbuf_adds(sb, ", ");
    }
    if (fw->size > 0)
        ctl_add_bytes(sb, fw->size);
    if (fw->code != 0)
        strbuf_addf(sb, "\ncode      %" PRId64, fw->code);
}

static int print_state(struct ctl *ctl, const struct ctl_firmware *fw)
{
    DBusMessageIter it;
    struct strbuf sb;

    strbuf_init(&sb, CTL_TEXT_MAX);
    if (ctl->json) {
        (void) dbus_message_iter_init(fw->reply, &it); /* it was read before */
        ctl_add_json(&sb, &it);
        return ctl_print(ctl, &sb);
    }
    strbuf_adds(&sb, "firmware  ");
    ctl_add_text(&sb, *fw->version ? fw->version : "?", *fw->version ? strlen(fw->version) : 1);
    add_update(&sb, fw);
    add_row(&sb, "reason", fw->reason);
    add_row(&sb, "custom", fw->custom);
    add_row(&sb, "extra", strcmp(fw->extra, "{}") == 0 ? "" : fw->extra);
    add_row(&sb, "installer", *fw->installer ? fw->installer : "nobody yet");
    if (fw->confirm) {
        strbuf_adds(&sb, "\nwaits for a yes: iotctl firmware confirm ");
        ctl_add_text(&sb, fw->target, strlen(fw->target));
    }
    return ctl_print(ctl, &sb);
}

static int status(struct ctl *ctl, int argc, char **argv)
{
    CLEANUP(ctl_firmware_done) struct ctl_firmware fw = {.reply = NULL};
    int r = ctl_firmware_get(ctl, &fw);

    (void) argc;
    (void) argv;
    return r == CTL_OK ? print_state(ctl, &fw) : r;
}

/* The same, and whether there is anything to say yes to. */
static int offer(struct ctl *ctl, int argc, char **argv)
{
    CLEANUP(ctl_firmware_done) struct ctl_firmware fw = {.reply = NULL};
    int r = ctl_firmware_get(ctl, &fw);

    (void) argc;
    (void) argv;
    if (r != CTL_OK)
        return r;
    return fw.confirm ? print_state(ctl, &fw) : ctl_fail(ctl, NULL, "no update waits for a yes");
}

/* --- what to do with it --- */

/* The version of the arguments, or the one that waits; fw holds the text. */
static int find_version(struct ctl *ctl, const char *given, struct ctl_firmware *fw,
                        const char **ret_version)
{
    int r;

    if (given) {
        *ret_version = given;
        return CTL_OK;
    }
    r = ctl_firmware_get(ctl, fw);
    if (r != CTL_OK)
        return r;
    if (!*fw->target)
        return ctl_fail(ctl, NULL, "there is no update");
    *ret_version = fw->target;
    return CTL_OK;
}

static int new_call(struct ctl *ctl, const char *member, DBusMessage **ret_msg,
                    DBusMessageIter *ret_it)
{
    int r = ctl_new_call(ctl, IOTD_DEVICE_PATH, IOTD_IFACE_FIRMWARE, member, ret_msg);

    if (r == CTL_OK)
        dbus_message_iter_init_append(*ret_msg, ret_it);
    return r;
}

/* r is the result of appending. */
static int call(struct ctl *ctl, DBusMessage *msg, int r)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;

    if (r == -EINVAL)
        return usage(ctl, "an argument is not text in UTF-8");
    return r < 0 ? ctl_fail_errno(ctl, r) : ctl_call(ctl, msg, &reply);
}

static int print_done(struct ctl *ctl, const char *text, const char *version)
{
    struct strbuf sb;

    strbuf_init(&sb, CTL_TEXT_MAX);
    strbuf_adds(&sb, ctl->json ? "{}" : text);
    if (!ctl->json)
        ctl_add_text(&sb, version, strlen(version));
    return ctl_print(ctl, &sb);
}

static int confirm(struct ctl *ctl, int argc, char **argv)
{
    CLEANUP(ctl_firmware_done) struct ctl_firmware fw = {.reply = NULL};
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    const char *version = NULL;
    int r = ctl->no_wait ? CTL_OK : ctl_follow_begin(ctl);

    if (r == CTL_OK)
        r = find_version(ctl, argc > 0 ? argv[0] : NULL, &fw, &version);
    if (r == CTL_OK)
        r = new_call(ctl, "Accept", &msg, &it);
    if (r == CTL_OK)
        r = call(ctl, msg, msg_append_string(&it, version));
    if (r != CTL_OK)
        return r;
    return ctl->no_wait ? print_done(ctl, "goes on with ", version) : ctl_follow(ctl);
}

static int postpone(struct ctl *ctl, int argc, char **argv)
{
    CLEANUP(ctl_firmware_done) struct ctl_firmware fw = {.reply = NULL};
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    const char *version = NULL;
    DBusMessageIter it;
    uint64_t seconds;
    int r = num_parse_u64(argv[0], &seconds);

    if (r < 0) /* cannot be: it was checked */
        return ctl_fail_errno(ctl, r);
    r = find_version(ctl, argc > 1 ? argv[1] : NULL, &fw, &version);
    if (r == CTL_OK)
        r = new_call(ctl, "Postpone", &msg, &it);
    if (r != CTL_OK)
        return r;
    r = msg_append_string(&it, version);
    if (r == 0)
        r = msg_append_uint32(&it, (uint32_t) seconds);
    r = call(ctl, msg, r);
    return r == CTL_OK ? print_done(ctl, "asks again later about ", version) : r;
}

static int refuse(struct ctl *ctl, int argc, char **argv)
{
    CLEANUP(ctl_firmware_done) struct ctl_firmware fw = {.reply = NULL};
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    const char *version = NULL;
    DBusMessageIter it;
    int r;

    r = find_version(ctl, argc > 1 ? argv[1] : NULL, &fw, &version);
    if (r == CTL_OK)
        r = new_call(ctl, "Refuse", &msg, &it);
    if (r != CTL_OK)
        return r;
    r = msg_append_string(&it, version);
    if (r == 0)
        r = msg_append_string(&it, argc > 0 ? argv[0] : "refused by the user");
    r = call(ctl, msg, r);
    return r == CTL_OK ? print_done(ctl, "refused ", version) : r;
}

/* --- a file from here --- */

static void add_base64(struct strbuf *sb, const uint8_t *data, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < len; i += 3) {
        uint32_t v = (uint32_t) data[i] << 16;

        v |= i + 1 < len ? (uint32_t) data[i + 1] << 8 : 0;
        v |= i + 2 < len ? data[i + 2] : 0;
        strbuf_addc(sb, digits[v >> 18]);
        strbuf_addc(sb, digits[v >> 12 & 63]);
        strbuf_addc(sb, i + 1 < len ? digits[v >> 6 & 63] : '=');
        strbuf_addc(sb, i + 2 < len ? digits[v & 63] : '=');
    }
}

static int open_file(struct ctl *ctl, const char *path, int *ret_fd)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return ctl_fail(ctl, NULL, "%s: %s", path, strerror(errno));
    *ret_fd = fd;
    return CTL_OK;
}

/* The bytes that openssl writes. */
static int read_signature(struct ctl *ctl, const char *path, char **ret_text)
{
    CLEANUP(fd_closep) int fd = -1;
    uint8_t data[SIGNATURE_MAX + 1];
    struct strbuf sb;
    ssize_t n;
    int r = open_file(ctl, path, &fd);

    if (r != CTL_OK)
        return r;
    n = read(fd, data, sizeof(data));
    if (n < 0)
        return ctl_fail(ctl, NULL, "%s: %s", path, strerror(errno));
    if (n == 0 || n > SIGNATURE_MAX)
        return ctl_fail(ctl, NULL, "%s: this is no signature", path);
    strbuf_init(&sb, CTL_TEXT_MAX);
    add_base64(&sb, data, (size_t) n);
    r = strbuf_finish(&sb, ret_text);
    return r < 0 ? ctl_fail_errno(ctl, r) : CTL_OK;
}

static int append_image(DBusMessageIter *it, int fd, const char *version, const char *signature)
{
    DBusMessageIter dict;
    int r = msg_append_fd(it, fd);

    if (r == 0)
        r = msg_append_string(it, version);
    if (r == 0)
        r = msg_open_dict(it, &dict);
    if (r < 0)
        return r;
    return msg_close(it, &dict, signature ? msg_dict_string(&dict, "signature", signature) : 0);
}

static int install(struct ctl *ctl, int argc, char **argv)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    CLEANUP(freep) char *signature = NULL;
    CLEANUP(fd_closep) int fd = -1;
    DBusMessageIter it;
    int r;

    r = open_file(ctl, argv[0], &fd);
    if (r == CTL_OK && argc > 2)
        r = read_signature(ctl, argv[2], &signature);
    if (r == CTL_OK && !ctl->no_wait)
        r = ctl_follow_begin(ctl);
    if (r == CTL_OK)
        r = new_call(ctl, "Install", &msg, &it);
    if (r == CTL_OK)
        r = call(ctl, msg, append_image(&it, fd, argv[1], signature));
    if (r != CTL_OK)
        return r;
    return ctl->no_wait ? print_done(ctl, "iotd has taken over ", argv[1]) : ctl_follow(ctl);
}

/* --- the words --- */

static const struct {
    const char *name;
    int min_args, max_args;
    int version; /* which argument is one; -1: none */
    bool can_wait;
    int (*run)(struct ctl *ctl, int argc, char **argv);
} words[] = {
    {"status", 0, 0, -1, false, status}, {"offer", 0, 0, -1, false, offer},
    {"confirm", 0, 1, 0, true, confirm}, {"postpone", 1, 2, 1, false, postpone},
    {"refuse", 0, 2, 1, false, refuse},  {"install", 2, 3, 1, true, install},
};

/* Index in words, or -1. */
static int find_word(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strcmp(words[i].name, name) == 0)
            return (int) i;
    }
    return -1;
}

int ctl_check_firmware(struct ctl *ctl, int argc, char **argv)
{
    int w = find_word(argv[0]);
    uint64_t seconds;

    if (w < 0)
        return usage(ctl, "firmware wants status, offer, confirm, postpone, refuse or install");
    argc--;
    argv++;
    if (argc < words[w].min_args || argc > words[w].max_args)
        return usage(ctl, "firmware: missing argument, or too many");
    if (ctl->no_wait && !words[w].can_wait)
        return usage(ctl, "--no-wait is for confirm and install");
    if (words[w].version >= 0 && argc > words[w].version &&
        !name_is_version(argv[words[w].version]))
        return usage(ctl, "a version is 1 to 32 of [A-Za-z0-9._-]");
    if (words[w].run == postpone && (num_parse_u64(argv[0], &seconds) < 0 ||
                                     seconds < POSTPONE_MIN_S || seconds > POSTPONE_MAX_S))
        return usage(ctl, "postpone wants 60 to 604800 seconds");
    return CTL_OK;
}

int ctl_firmware(struct ctl *ctl, int argc, char **argv)
{
    return words[find_word(argv[0])].run(ctl, argc - 1, argv + 1);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iotctl provision: hands a file to iotd, open. Secrets are in files only; they are neither in
 * arguments nor in messages, and iotctl does not read them.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "dbus/names.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/iotctl.h"

static int usage(struct ctl *ctl, const char *text)
{
    (void) ctl_fail(ctl, NULL, "%s; see iotctl --help", text);
    return CTL_USAGE;
}

int ctl_check_provision(struct ctl *ctl)
{
    const struct ctl_provision *p = &ctl->provision;

    if (!!p->csv + !!p->file + !!p->product_secret_file != 1)
        return usage(ctl, "give one of --file, --csv, --product-secret-file");
    if (p->product_secret_file && (!p->product || !p->device))
        return usage(ctl, "--product-secret-file wants --product and --device too");
    if (p->line && !p->csv)
        return usage(ctl, "--line is for --csv");
    if (p->file && (p->product || p->device || p->region))
        return usage(ctl, "with --file the file says product, device and region");
    return CTL_OK;
}

static int append_options(DBusMessageIter *it, const struct ctl_provision *p)
{
    const struct {
        const char *key, *text;
    } texts[] = {
        {"format", p->csv                   ? "csv"
                   : p->product_secret_file ? "product-secret"
                                            : NULL},
        {"product_id", p->product},
        {"device_name", p->device},
        {"region", p->region},
    };
    DBusMessageIter dict;
    int r = msg_open_dict(it, &dict);

    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(texts); i++) {
        if (texts[i].text)
            r = msg_dict_string(&dict, texts[i].key, texts[i].text);
    }
    if (r == 0 && p->line)
        r = msg_dict_uint32(&dict, "line", (uint32_t) p->line);
    return msg_close(it, &dict, r);
}

static int call(struct ctl *ctl, const char *path, DBusMessage **ret_reply)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    CLEANUP(fd_closep) int fd = -1;
    DBusMessageIter it;
    int r;

    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return ctl_fail(ctl, NULL, "%s: %s", path, strerror(errno));
    r = ctl_new_call(ctl, IOTD_DEVICE_PATH, IOTD_IFACE_DEVICE, "Provision", &msg);
    if (r != CTL_OK)
        return r;
    dbus_message_iter_init_append(msg, &it);
    r = msg_append_fd(&it, fd);
    if (r == 0)
        r = append_options(&it, &ctl->provision);
    if (r == -EINVAL)
        return usage(ctl, "an argument is not text in UTF-8");
    return r < 0 ? ctl_fail_errno(ctl, r) : ctl_call(ctl, msg, ret_reply);
}

struct result {
    const char *product_id, *device_name, *path;
    bool registers;
};

/* What is missing keeps its value. */
static int read_result(DBusMessage *reply, struct result *res)
{
    DBusMessageIter it, value;
    struct msg_dict dict;
    const char *key;
    int r;

    r = dbus_message_iter_init(reply, &it) ? msg_read_dict(&it, &dict) : -1;
    while (r == 0 && msg_dict_next(&dict, &key, &value)) {
        if (strcmp(key, "product_id") == 0)
            r = msg_read_string(&value, &res->product_id);
        else if (strcmp(key, "device_name") == 0)
            r = msg_read_string(&value, &res->device_name);
        else if (strcmp(key, "path") == 0)
            r = msg_read_string(&value, &res->path);
        else if (strcmp(key, "registers") == 0)
            r = msg_read_bool(&value, &res->registers);
    }
    return r;
}

static int print_result(struct ctl *ctl, const struct result *res)
{
    struct strbuf sb;

    strbuf_init(&sb, CTL_TEXT_MAX);
    if (ctl->json) {
        strbuf_adds(&sb, "{\"product_id\":");
        strbuf_add_json(&sb, res->product_id);
        strbuf_adds(&sb, ",\"device_name\":");
        strbuf_add_json(&sb, res->device_name);
        strbuf_adds(&sb, ",\"path\":");
        strbuf_add_json(&sb, res->path);
        strbuf_addf(&sb, ",\"registers\":%s}", res->registers ? "true" : "false");
        return ctl_print(ctl, &sb);
    }
    strbuf_adds(&sb, "stored in ");
    ctl_add_text(&sb, res->path, strlen(res->path));
    strbuf_adds(&sb, ": iotd starts over as ");
    ctl_add_text(&sb, res->product_id, strlen(res->product_id));
    strbuf_addc(&sb, '/');
    ctl_add_text(&sb, res->device_name, strlen(res->device_name));
    if (res->registers)
        strbuf_adds(&sb, ", and registers it at the cloud; iotctl status tells how that went");
    return ctl_print(ctl, &sb);
}

int ctl_provision(struct ctl *ctl, int argc, char **argv)
{
    const struct ctl_provision *p = &ctl->provision;
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    struct result res = {"", "", "", false};
    int r;

    (void) argc;
    (void) argv;
    r = call(ctl, p->csv ? p->csv : p->file ? p->file : p->product_secret_file, &reply);
    if (r != CTL_OK)
        return r;
    return read_result(reply, &res) < 0 ? ctl_fail_protocol(ctl) : print_result(ctl, &res);
}

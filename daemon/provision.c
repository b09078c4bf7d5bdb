/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/provision.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/vault_csv.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/name.h"

LOG_AREA("main");

_Static_assert(BUS_PROBLEM >= VAULT_PROBLEM && BUS_PROBLEM >= VAULT_CSV_PROBLEM, "one buffer");
_Static_assert(DYNREG_PROBLEM >= VAULT_PROBLEM, "one buffer");

PRINTF_LIKE(3, 4)
static int fail(char *problem, int error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(problem, BUS_PROBLEM, fmt, ap);
    va_end(ap);
    return error;
}

/* What stands in the file that was handed over. */
struct content {
    char *data;
    size_t len;
};

static void content_done(struct content *c)
{
    if (c->data)
        explicit_bzero(c->data, c->len);
    free(c->data);
}

/* {"auth_mode":"KEY","productId":…}; texts that are "" or NULL are left out. */
struct fields {
    const char *product_id, *device_name, *region, *product_secret, *device_secret;
};

static int set(json_t *object, const char *key, const char *text)
{
    if (!text || !*text)
        return 0;
    return json_object_set_new(object, key, json_string(text)) < 0 ? -EINVAL : 0; /* not UTF-8 */
}

static int new_document(json_t **ret_document, const struct fields *f, char *problem)
{
    CLEANUP(jx_decrefp) json_t *root = json_object(), *key = json_object();
    int r = root && key ? 0 : -ENOMEM;

    if (r == 0)
        r = set(root, "auth_mode", "KEY");
    if (r == 0)
        r = set(root, "productId", f->product_id);
    if (r == 0)
        r = set(root, "productSecret", f->product_secret);
    if (r == 0)
        r = set(root, "deviceName", f->device_name);
    if (r == 0)
        r = set(root, "region", f->region);
    if (r == 0)
        r = set(key, "deviceSecret", f->device_secret);
    if (r == 0 && f->device_secret && *f->device_secret &&
        json_object_set(root, "key_deviceinfo", key) < 0)
        r = -ENOMEM;
    if (r < 0)
        return fail(problem, r, r == -ENOMEM ? "out of memory" : "not a text");
    *ret_document = TAKE(root);
    return 0;
}

static int from_device_info(const struct content *c, const struct bus_provision *p,
                            json_t **ret_document, char *problem)
{
    struct jx_error error;
    int r = jx_parse_object(c->data, c->len, ret_document, &error);

    (void) p;
    if (r == -EBADMSG)
        return fail(problem, -EINVAL, "not a JSON object (line %d, column %d)", error.line,
                    error.column);
    return r < 0 ? fail(problem, r, "out of memory") : 0;
}

static int from_csv(const struct content *c, const struct bus_provision *p, json_t **ret_document,
                    char *problem)
{
    struct vault_csv_device d;
    struct fields f = {d.product_id, d.device_name, p->region, d.product_secret, d.device_secret};
    int r = vault_csv_find(&d, c->data, c->len, p->line, p->device_name, problem);

    if (r < 0)
        return r;
    if (!d.product_id[0])
        f.product_id = p->product_id;
    r = new_document(ret_document, &f, problem);
    explicit_bzero(&d, sizeof(d));
    return r;
}

/* The file is the secret of the product, on its first line. */
static int from_product_secret(const struct content *c, const struct bus_provision *p,
                               json_t **ret_document, char *problem)
{
    struct fields f = {p->product_id, p->device_name, p->region, c->data, NULL};

    if (!p->product_id || !p->device_name)
        return fail(problem, -EINVAL, "a product secret wants \"product_id\" and \"device_name\"");
    c->data[strcspn(c->data, " \t\r\n")] = '\0';
    if (!c->data[0])
        return fail(problem, -EINVAL, "the file is empty");
    return new_document(ret_document, &f, problem);
}

static const struct {
    const char *name;
    int (*read)(const struct content *c, const struct bus_provision *p, json_t **ret_document,
                char *problem);
} formats[] = {
    {"device-info", from_device_info},
    {"csv", from_csv},
    {"product-secret", from_product_secret},
};

static int read_document(const struct bus_provision *p, json_t **ret_document, char *problem)
{
    CLEANUP(content_done) struct content c = {0};
    int r;

    r = fd_read_file(p->fd, LIMIT_CSV_FILE, &c.data, &c.len);
    if (r == -EINVAL)
        return fail(problem, r, "not a regular file");
    if (r < 0)
        return fail(problem, r, "the file cannot be read: %s", strerror(-r));
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        if (strcmp(formats[i].name, p->format) == 0)
            return formats[i].read(&c, p, ret_document, problem);
    }
    return fail(problem, -EINVAL, "\"format\" is not one of device-info, csv, product-secret");
}

/* Where the document will be stored is not where it came from. */
static int check_files(struct ident *ident, char *problem)
{
    int r;

    if (!ident->cert_file)
        return 0;
    if (ident->cert_file[0] != '/' || ident->key_file[0] != '/')
        return fail(problem, -EINVAL, "\"cert_deviceinfo\" has to name its files from / on");
    r = vault_load_files(ident, "/", problem);
    return r == -EACCES ? -EINVAL : r;
}

/* Read as it will be read from the disk. */
static int check_document(const struct inputs *in, const json_t *document, struct ident **ret_ident,
                          char *problem)
{
    CLEANUP(content_done) struct content c = {0};
    CLEANUP(ident_freep) struct ident *ident = NULL;
    int r;

    c.data = json_dumps(document, JSON_COMPACT);
    if (!c.data)
        return fail(problem, -ENOMEM, "out of memory");
    c.len = strlen(c.data);
    r = vault_parse(&ident, c.data, c.len, problem);
    if (r == 0)
        r = check_files(ident, problem);
    if (r == 0)
        r = inputs_accept(in, ident, problem);
    if (r < 0)
        return r;
    *ret_ident = TAKE(ident);
    return 0;
}

/* What the caller can do something about keeps its name. */
static int to_caller(int r)
{
    switch (r) {
    case 0:
    case -EINVAL:
    case -ENOMEM:
        return r;
    case -ENOENT:
        return -EINVAL;
    case -EFBIG:
        return -EMSGSIZE;
    default:
        return -EIO;
    }
}

int provision_run(const struct inputs *in, const struct bus_provision *request,
                  struct bus_provisioned *ret_result, char problem[BUS_PROBLEM])
{
    CLEANUP(jx_decrefp) json_t *document = NULL;
    CLEANUP(ident_freep) struct ident *ident = NULL;
    const char *path;
    int r;

    r = read_document(request, &document, problem);
    if (r == 0)
        r = check_document(in, document, &ident, problem);
    if (r == 0)
        r = vault_source_save(&in->source, document, NULL, 0, &path, problem);
    if (r < 0)
        return to_caller(r);
    log_notice("new credentials product=%s device=%s file=\"%s\"", ident->product_id,
               ident->device_name, path);
    strcpy(ret_result->product_id, ident->product_id);
    strcpy(ret_result->device_name, ident->device_name);
    ret_result->needs_registration = !ident_is_complete(ident);
    (void) snprintf(ret_result->path, sizeof(ret_result->path), "%s", path);
    return 0;
}

int provision_register(const struct inputs *in, const struct dynreg_answer *answer,
                       char problem[DYNREG_PROBLEM])
{
    const struct vault_registration rg = {answer->psk, answer->certificate, answer->key};
    char why[VAULT_PROBLEM];
    const char *path;
    int r;

    r = vault_source_complete(&in->source, in->ident, &rg, &path, why);
    if (r < 0) {
        (void) snprintf(problem, DYNREG_PROBLEM, "cannot store what the cloud gave: %.200s", why);
        return r;
    }
    log_notice("registered product=%s device=%s file=\"%s\"", in->ident->product_id,
               in->ident->device_name, path);
    return 0;
}

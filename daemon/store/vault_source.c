/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/store/vault_source.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/crypto/digest.h"
#include "daemon/store/vault_write.h"

#define REPLACES "iotd_replaces" /* the SHA-256 of the file; "" there was none */
#define BLANKS " \t\r\n"
#define FILE_NAME (LIMIT_DEVICE_NAME + 16)

/* One of the two files as it is on the disk. */
struct text {
    char *data; /* NULL: not there */
    size_t len;
};

static void text_done(struct text *t)
{
    if (t->data)
        explicit_bzero(t->data, t->len);
    free(t->data);
}

PRINTF_LIKE(3, 4)
static int fail(char *problem, int error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(problem, VAULT_PROBLEM, fmt, ap);
    va_end(ap);
    return error;
}

/* A unit that has no credential to load gives an empty one; nobody means it. */
static bool is_empty(const struct text *t)
{
    size_t begin = strspn(t->data, BLANKS);

    if (strncmp(t->data + begin, "{}", 2) == 0)
        begin += 2;
    return begin + strspn(t->data + begin, BLANKS) == t->len;
}

static int read_text(const char *path, struct text *ret_text, char *problem)
{
    struct text t = {0};
    int r = vault_read(path, &t.data, &t.len, problem);

    if (r < 0 && r != -ENOENT)
        return r;
    if (r == 0 && is_empty(&t)) {
        text_done(&t);
        t = (struct text){0};
    }
    *ret_text = t;
    return 0;
}

static int digest_of(const struct text *t, char hex[DIGEST_MAX_HEX])
{
    hex[0] = '\0';
    return t->data ? digest_hex(DIGEST_SHA256, t->data, t->len, hex) : 0;
}

static bool is_same_device(const struct ident *a, const struct ident *b)
{
    return strcmp(a->product_id, b->product_id) == 0 && strcmp(a->device_name, b->device_name) == 0;
}

/* Whether copy was made when the file was what it is now. */
static int is_current(const struct text *copy, const struct text *file, bool *ret_current,
                      char *problem)
{
    CLEANUP(jx_decrefp) json_t *root = NULL;
    char hex[DIGEST_MAX_HEX];
    int r;

    r = jx_parse_object(copy->data, copy->len, &root, NULL);
    if (r == 0)
        r = digest_of(file, hex);
    if (r < 0)
        return fail(problem, r == -EBADMSG ? -EINVAL : r, "not a JSON object");
    *ret_current = strcmp(jx_string_or(root, REPLACES, "?"), hex) == 0;
    return 0;
}

/* Whether the copy counts, and not the file. */
static int choose(const struct vault_source *s, const struct text *file, const struct text *copy,
                  bool *ret_copy, const char **ret_path, char *problem)
{
    CLEANUP(ident_freep) struct ident *file_id = NULL, *copy_id = NULL;
    int r;

    *ret_copy = copy->data;
    if (!copy->data || !file->data)
        return 0;
    *ret_path = s->copy;
    r = is_current(copy, file, ret_copy, problem);
    if (r < 0 || *ret_copy)
        return r;
    r = vault_parse(&copy_id, copy->data, copy->len, problem);
    if (r < 0)
        return r;
    *ret_path = s->file;
    r = vault_parse(&file_id, file->data, file->len, problem);
    if (r < 0)
        return r;
    *ret_copy = !ident_is_complete(file_id) && is_same_device(file_id, copy_id);
    return 0;
}

/* The path of the credentials that count. */
static int find(const struct vault_source *s, const char **ret_path, char *problem)
{
    CLEANUP(text_done) struct text file = {0}, copy = {0};
    bool is_copy = false;
    int r;

    *ret_path = s->file;
    r = read_text(s->file, &file, problem);
    if (r < 0)
        return r;
    *ret_path = s->copy;
    r = read_text(s->copy, &copy, problem);
    if (r == 0)
        r = choose(s, &file, &copy, &is_copy, ret_path, problem);
    if (r < 0)
        return r;
    *ret_path = is_copy ? s->copy : s->file;
    return file.data || copy.data ? 0
                                  : fail(problem, -ENOENT, "%s, or it is empty", strerror(ENOENT));
}

int vault_source_load(const struct vault_source *source, struct ident **ret_ident,
                      const char **ret_path, char problem[VAULT_PROBLEM])
{
    int r = find(source, ret_path, problem);

    return r < 0 ? r : vault_load(ret_ident, *ret_path, problem);
}

/* --- writing --- */

static int write_beside(const char *path, const struct vault_file *f)
{
    const char *slash = strrchr(path, '/');
    CLEANUP(freep) char *name = NULL;

    if (asprintf(&name, "%.*s%s", slash ? (int) (slash - path) + 1 : 0, path, f->name) < 0)
        return -ENOMEM;
    return vault_write(name, f->data, f->len);
}

/* The document last: until then nothing names the files. */
static int write_document(const char *path, json_t *document, const struct vault_file *files,
                          size_t n_files)
{
    struct text t = {0};
    int r = 0;

    for (size_t i = 0; r == 0 && i < n_files; i++)
        r = write_beside(path, &files[i]);
    if (r < 0)
        return r;
    t.data = json_dumps(document, JSON_INDENT(2));
    if (!t.data)
        return -ENOMEM;
    t.len = strlen(t.data);
    r = vault_write(path, t.data, t.len);
    text_done(&t);
    return r;
}

static int save_copy(const struct vault_source *s, json_t *document, const struct vault_file *files,
                     size_t n_files, char *problem)
{
    CLEANUP(text_done) struct text file = {0};
    char hex[DIGEST_MAX_HEX];
    int r;

    r = read_text(s->file, &file, problem);
    if (r < 0)
        return r;
    r = digest_of(&file, hex);
    if (r == 0 && json_object_set_new(document, REPLACES, json_string(hex)) < 0)
        r = -ENOMEM;
    if (r == 0)
        r = write_document(s->copy, document, files, n_files);
    return r < 0 ? fail(problem, r, "%.160s: %s", s->copy, strerror(-r)) : 0;
}

/* What tells that somebody else takes care of the file, so that the copy is meant. */
static bool is_out_of_reach(int error)
{
    return error == -EACCES || error == -EPERM || error == -EROFS || error == -ENOENT ||
           error == -ENOTDIR;
}

int vault_source_save(const struct vault_source *source, json_t *document,
                      const struct vault_file *files, size_t n_files, const char **ret_path,
                      char problem[VAULT_PROBLEM])
{
    int r = -EROFS;

    if (!source->is_read_only)
        r = write_document(source->file, document, files, n_files);
    if (r < 0 && !is_out_of_reach(r))
        return fail(problem, r, "%.160s: %s", source->file, strerror(-r));
    if (r < 0) {
        r = save_copy(source, document, files, n_files, problem);
        if (r == 0)
            *ret_path = source->copy;
        return r;
    }
    r = vault_remove(source->copy); /* its time is over */
    if (r < 0 && !is_out_of_reach(r))
        return fail(problem, r, "%.160s: %s", source->copy, strerror(-r));
    *ret_path = source->file;
    return 0;
}

/* --- registration --- */

static json_t *string_of(const struct secret *s)
{
    return json_stringn((const char *) secret_data(s), secret_len(s));
}

/* {"key_deviceinfo":{"deviceSecret":…}}; other members of the object stay. */
static int set_in(json_t *root, const char *object, const char *key, json_t *value)
{
    json_t *o = jx_object_or_null(root, object);

    if (!o) {
        o = json_object();
        if (json_object_set_new(root, object, o) < 0)
            o = NULL;
    }
    if (!o) {
        json_decref(value);
        return -ENOMEM;
    }
    return json_object_set_new(o, key, value) < 0 ? -ENOMEM : 0;
}

static int set_psk(json_t *root, const struct vault_registration *rg)
{
    if (json_object_set_new(root, "auth_mode", json_string("KEY")) < 0)
        return -ENOMEM;
    return set_in(root, "key_deviceinfo", "deviceSecret", string_of(rg->psk));
}

static int set_certificate(json_t *root, const char *certificate, const char *key)
{
    int r;

    if (json_object_set_new(root, "auth_mode", json_string("CERT")) < 0)
        return -ENOMEM;
    r = set_in(root, "cert_deviceinfo", "devCertFile", json_string(certificate));
    return r < 0 ? r : set_in(root, "cert_deviceinfo", "devPrivateKeyFile", json_string(key));
}

/* The document that ident came from, with its name in it: it may have had a source only. */
static int load_document(const struct vault_source *s, const struct ident *ident,
                         json_t **ret_document, char *problem)
{
    CLEANUP(text_done) struct text t = {0};
    CLEANUP(ident_freep) struct ident *now = NULL;
    CLEANUP(jx_decrefp) json_t *root = NULL;
    const char *path;
    int r;

    r = find(s, &path, problem);
    if (r == 0)
        r = vault_read(path, &t.data, &t.len, problem);
    if (r == 0)
        r = vault_parse(&now, t.data, t.len, problem);
    if (r < 0)
        return r;
    if (!is_same_device(now, ident))
        return fail(problem, -ESTALE, "%.160s is for another device by now", path);
    r = jx_parse_object(t.data, t.len, &root, NULL);
    if (r == 0 && json_object_set_new(root, "deviceName", json_string(ident->device_name)) < 0)
        r = -ENOMEM;
    if (r < 0)
        return fail(problem, r, "out of memory");
    (void) json_object_del(root, REPLACES); /* one that is not there is fine */
    *ret_document = TAKE(root);
    return 0;
}

int vault_source_complete(const struct vault_source *source, const struct ident *ident,
                          const struct vault_registration *registration, const char **ret_path,
                          char problem[VAULT_PROBLEM])
{
    CLEANUP(jx_decrefp) json_t *root = NULL;
    char names[2][FILE_NAME];
    struct vault_file files[2];
    size_t n_files = 0;
    int r;

    r = load_document(source, ident, &root, problem);
    if (r < 0)
        return r;
    if (registration->psk) {
        r = set_psk(root, registration);
    } else {
        /* As the console calls them. */
        (void) snprintf(names[0], FILE_NAME, "%s_cert.crt", ident->device_name);
        (void) snprintf(names[1], FILE_NAME, "%s_private.key", ident->device_name);
        files[n_files++] = (struct vault_file){names[0], secret_data(registration->certificate),
                                               secret_len(registration->certificate)};
        files[n_files++] = (struct vault_file){names[1], secret_data(registration->key),
                                               secret_len(registration->key)};
        r = set_certificate(root, names[0], names[1]);
    }
    if (r < 0)
        return fail(problem, r, "out of memory");
    return vault_source_save(source, root, files, n_files, ret_path, problem);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/store/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/crypto/aes_cbc.h"
#include "daemon/crypto/rsa.h"
#include "daemon/json/jx.h"
#include "daemon/store/vault_name.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/name.h"

#define PLACEHOLDER "YOUR_" /* vendor SDK: what stands in its file until somebody fills it in */
#define REGION_PROBLEM "\"region\" is not one of china, us-east, europe, ap-bangkok"

PRINTF_LIKE(3, 4)
static int problem(char *buf, int error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(buf, VAULT_PROBLEM, fmt, ap);
    va_end(ap);
    return error;
}

/* systemd.exec(5): nobody but the service gets into that directory, whatever the file's mode. */
static bool is_systemd_credential(const char *path)
{
    const char *dir = secure_getenv("CREDENTIALS_DIRECTORY"), *slash = strrchr(path, '/');
    size_t len = dir ? strlen(dir) : 0;

    return len > 0 && slash && (size_t) (slash - path) == len && memcmp(path, dir, len) == 0;
}

static int check_access(int fd, const char *path, char *text)
{
    /* systemd gives access by an ACL, whose mask shows as the mode of the group: 0440 root:root */
    mode_t others = is_systemd_credential(path) ? 037 : 077;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return problem(text, -errno, "%s", strerror(errno));
    if (!S_ISREG(st.st_mode))
        return problem(text, -EINVAL, "not a regular file");
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return problem(text, -EACCES, "belongs to uid %u: it must belong to root or to iotd's user",
                       (unsigned) st.st_uid);
    if (st.st_mode & others)
        return problem(text, -EACCES,
                       "mode %04o lets others read the secret: change it with chmod 0600",
                       (unsigned) st.st_mode & 07777);
    return 0;
}

/* A text member that must be there. */
static int need(const json_t *object, const char *where, const char *key, const char **ret_value,
                char *text)
{
    int r = jx_get_string(object, key, ret_value);

    if (r == -ENOENT || (r == 0 && !**ret_value))
        return problem(text, -EINVAL, "\"%s%s\" is missing", where, key);
    if (r < 0)
        return problem(text, -EINVAL, "\"%s%s\" is not a text", where, key);
    return 0;
}

static int read_name(struct ident *id, const json_t *root, char *text)
{
    const char *device, *why;
    int r;

    r = need(root, "", "deviceName", &device, text);
    if (r < 0)
        return r;
    if (vault_name_is_source(device)) {
        r = vault_name_read(device, "/sys", id->device_name, &why);
        return r < 0 ? problem(text, -EINVAL, "\"deviceName\" is \"%.64s\": %s", device, why) : 0;
    }
    if (!name_is_device_name(device))
        return problem(text, -EINVAL,
                       "\"deviceName\" is not 1 to %d letters, digits, underscores, dashes",
                       LIMIT_DEVICE_NAME);
    strcpy(id->device_name, device);
    return 0;
}

static int read_identity(struct ident *id, const json_t *root, char *text)
{
    const char *product, *region = "china";
    char url[IDENT_URL];
    int r;

    r = need(root, "", "productId", &product, text);
    if (r < 0)
        return r;
    if (!name_is_product_id(product))
        return problem(text, -EINVAL, "\"productId\" is not 1 to %d letters and digits",
                       LIMIT_PRODUCT_ID);
    r = read_name(id, root, text);
    if (r < 0)
        return r;
    r = jx_get_string(root, "region", &region);
    if (r == -EPROTOTYPE || strlen(region) >= sizeof(id->region))
        return problem(text, -EINVAL, REGION_PROBLEM);
    strcpy(id->product_id, product);
    strcpy(id->region, region);
    return ident_endpoint(id, url) < 0 ? problem(text, -EINVAL, REGION_PROBLEM) : 0;
}

static bool is_placeholder(const char *text)
{
    return !*text || strncmp(text, PLACEHOLDER, strlen(PLACEHOLDER)) == 0;
}

/* Optional: for dynamic registration. */
static int read_product_secret(struct ident *id, const json_t *root, char *text)
{
    const char *secret = "";
    int r;

    if (jx_get_string(root, "productSecret", &secret) == -EPROTOTYPE)
        return problem(text, -EINVAL, "\"productSecret\" is not a text");
    if (is_placeholder(secret))
        return 0;
    if (strlen(secret) < AES_CBC_KEY || strlen(secret) > LIMIT_PRODUCT_SECRET)
        return problem(text, -EINVAL, "\"productSecret\" has not %d to %d characters", AES_CBC_KEY,
                       LIMIT_PRODUCT_SECRET);
    r = secret_new(&id->product_secret, secret, strlen(secret));
    return r < 0 ? problem(text, r, "out of memory") : 0;
}

/* Whether the device may do without that for now. */
static bool can_register(const struct ident *id, const json_t *root, const char *object,
                         const char *key)
{
    const json_t *o = jx_object_or_null(root, object);

    return id->product_secret && (!o || is_placeholder(jx_string_or(o, key, "")));
}

static int read_secret(struct ident *id, const json_t *root, char *text)
{
    const char *secret;
    json_t *key;
    int r;

    if (jx_get_object(root, "key_deviceinfo", &key) < 0)
        return problem(text, -EINVAL, "\"key_deviceinfo\" is missing");
    r = need(key, "key_deviceinfo.", "deviceSecret", &secret, text);
    if (r < 0)
        return r;
    if (strlen(secret) > LIMIT_DEVICE_SECRET)
        return problem(text, -EINVAL, "\"key_deviceinfo.deviceSecret\" is longer than %d bytes",
                       LIMIT_DEVICE_SECRET);
    r = secret_new_base64(&id->device_secret, secret);
    if (r == -ENOMEM)
        return problem(text, r, "out of memory");
    if (r < 0)
        return problem(text, -EINVAL, "\"key_deviceinfo.deviceSecret\" is not base64");
    return 0;
}

static int read_file_names(struct ident *id, const json_t *root, char *text)
{
    const char *cert, *key;
    json_t *object;
    int r;

    if (jx_get_object(root, "cert_deviceinfo", &object) < 0)
        return problem(text, -EINVAL, "\"cert_deviceinfo\" is missing");
    r = need(object, "cert_deviceinfo.", "devCertFile", &cert, text);
    if (r == 0)
        r = need(object, "cert_deviceinfo.", "devPrivateKeyFile", &key, text);
    if (r < 0)
        return r;
    id->cert_file = strdup(cert);
    id->key_file = strdup(key);
    return id->cert_file && id->key_file ? 0 : problem(text, -ENOMEM, "out of memory");
}

static int read_proof(struct ident *id, const json_t *root, char *text)
{
    const char *mode = "KEY";

    if (jx_get_string(root, "auth_mode", &mode) == -EPROTOTYPE)
        return problem(text, -EINVAL, "\"auth_mode\" is not a text");
    if (strcmp(mode, "KEY") == 0)
        return can_register(id, root, "key_deviceinfo", "deviceSecret")
                   ? 0
                   : read_secret(id, root, text);
    if (strcmp(mode, "CERT") == 0)
        return can_register(id, root, "cert_deviceinfo", "devCertFile")
                   ? 0
                   : read_file_names(id, root, text);
    return problem(text, -EINVAL, "\"auth_mode\" is \"%.16s\": neither KEY nor CERT", mode);
}

int vault_parse(struct ident **ret_ident, const char *data, size_t len, char text[VAULT_PROBLEM])
{
    CLEANUP(jx_decrefp) json_t *root = NULL;
    CLEANUP(ident_freep) struct ident *id = NULL;
    struct jx_error error;
    int r;

    r = jx_parse_object(data, len, &root, &error);
    if (r == -EBADMSG) /* not the parser's text: it may quote the secret */
        return problem(text, -EINVAL, "not a JSON object (line %d, column %d)", error.line,
                       error.column);
    if (r < 0)
        return problem(text, r, "out of memory");
    id = calloc(1, sizeof(*id));
    if (!id)
        return problem(text, -ENOMEM, "out of memory");
    r = read_identity(id, root, text);
    if (r == 0)
        r = read_product_secret(id, root, text);
    if (r == 0)
        r = read_proof(id, root, text);
    if (r < 0)
        return r;
    *ret_ident = TAKE(id);
    return 0;
}

/* What a file beside the credentials holds; NUL-terminated. */
static int load_beside(const char *path, const char *name, bool is_secret, char **ret_data,
                       size_t *ret_len, char *text)
{
    const char *slash = strrchr(path, '/');
    size_t dir = *name == '/' || !slash ? 0 : (size_t) (slash - path) + 1;
    CLEANUP(freep) char *file = malloc(dir + strlen(name) + 1);
    CLEANUP(fd_closep) int fd = -1;
    char why[VAULT_PROBLEM];
    int r;

    if (!file)
        return problem(text, -ENOMEM, "out of memory");
    memcpy(file, path, dir);
    strcpy(file + dir, name);
    fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return problem(text, -EINVAL, "\"%.120s\": %s", name, strerror(errno));
    r = is_secret ? check_access(fd, file, why) : 0;
    if (r < 0)
        return problem(text, r, "\"%.100s\": %.140s", name, why);
    r = fd_read_file(fd, LIMIT_CREDENTIALS_FILE, ret_data, ret_len);
    return r < 0 ? problem(text, -EINVAL, "\"%.120s\": %s", name, strerror(-r)) : 0;
}

static int load_key(struct ident *id, const char *path, char *text)
{
    char *data;
    size_t len;
    int r;

    r = load_beside(path, id->key_file, true, &data, &len, text);
    if (r < 0)
        return r;
    r = rsa_key_parse(&id->private_key, data, len);
    explicit_bzero(data, len);
    free(data);
    if (r == -ERANGE)
        return problem(text, -EINVAL, "\"%.120s\": the RSA key has not 2048 to 4096 bits",
                       id->key_file);
    if (r == -EBADMSG)
        return problem(text, -EINVAL, "\"%.120s\": no RSA private key in PEM, or an encrypted one",
                       id->key_file);
    return r < 0 ? problem(text, r, "%s", strerror(-r)) : 0;
}

static int load_cert(struct ident *id, const char *path, char *text)
{
    CLEANUP(freep) char *data = NULL;
    size_t len;
    int r;

    r = load_beside(path, id->cert_file, false, &data, &len, text);
    if (r < 0)
        return r;
    r = rsa_key_check(id->private_key, data, len);
    if (r == -EKEYREJECTED)
        return problem(text, -EINVAL, "\"%.100s\" is not the key of \"%.100s\"", id->key_file,
                       id->cert_file);
    if (r == -EBADMSG)
        return problem(text, -EINVAL, "\"%.120s\": no certificate of an RSA key in PEM",
                       id->cert_file);
    if (r < 0)
        return problem(text, r, "%s", strerror(-r));
    id->certificate = TAKE(data);
    return 0;
}

int vault_read(const char *path, char **ret_data, size_t *ret_len, char text[VAULT_PROBLEM])
{
    CLEANUP(fd_closep) int fd = -1;
    int r;

    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return problem(text, -errno, "%s", strerror(errno));
    r = check_access(fd, path, text);
    if (r < 0)
        return r;
    r = fd_read_file(fd, LIMIT_CREDENTIALS_FILE, ret_data, ret_len);
    if (r < 0)
        return problem(text, r == -EFBIG ? -EINVAL : r, "%s", strerror(-r));
    return 0;
}

int vault_load_files(struct ident *ident, const char *path, char text[VAULT_PROBLEM])
{
    int r;

    if (!ident->cert_file)
        return 0;
    r = load_key(ident, path, text);
    return r < 0 ? r : load_cert(ident, path, text);
}

int vault_load(struct ident **ret_ident, const char *path, char text[VAULT_PROBLEM])
{
    CLEANUP(ident_freep) struct ident *id = NULL;
    char *data;
    size_t len;
    int r;

    r = vault_read(path, &data, &len, text);
    if (r < 0)
        return r;
    r = vault_parse(&id, data, len, text);
    explicit_bzero(data, len);
    free(data);
    if (r == 0)
        r = vault_load_files(id, path, text);
    if (r < 0)
        return r;
    *ret_ident = TAKE(id);
    return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "examples/localcloud/sign.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/name.h"

#define TEXT_MAX 256          /* names, keys and secrets of the file */
#define PRODUCT_SECRET_MIN 16 /* its first 16 characters are a key */
#define MADE_SECRET_BYTES 16  /* as the platform's */
#define PEM_MAX 4096          /* a certificate or key that is given out */

struct loader {
    const char *file; /* shown in errors; models are relative to it */
    struct config *config;
    char *error;
};

static const struct {
    const char *key;
    size_t offset;
    uint64_t value; /* default */
    uint64_t max;
} limits[] = {
    {"connect_interval_s", offsetof(struct config_limits, connect_interval_s), 0, 3600},
    {"up_rate", offsetof(struct config_limits, up_rate), 20, 1000000},
    {"max_payload", offsetof(struct config_limits, max_payload), LIMIT_MQTT_PAYLOAD,
     LIMIT_MQTT_PACKET},
    {"session_messages", offsetof(struct config_limits, session_messages), 150, 10000},
    {"session_interval_ms", offsetof(struct config_limits, session_interval_ms), 500, 60000},
    {"session_expiry_s", offsetof(struct config_limits, session_expiry_s), 86400, 604800},
    {"keepalive_min", offsetof(struct config_limits, keepalive_min_s), 0, 65535},
    {"keepalive_max", offsetof(struct config_limits, keepalive_max_s), 900, 65535},
    {"subscribe_filters", offsetof(struct config_limits, subscribe_filters), 1, 16},
    {"subscriptions", offsetof(struct config_limits, subscriptions), LIMIT_SUBSCRIPTIONS, 1000},
    {"action_timeout_ms", offsetof(struct config_limits, action_timeout_ms), 10000, 600000},
    {"token_life_s", offsetof(struct config_limits, token_life_s), 7200, 31536000},
    {"url_life_s", offsetof(struct config_limits, url_life_s), 3600, 31536000},
};

static int PRINTF_LIKE(3, 4) fail(struct loader *l, const char *path, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    int n = snprintf(text, sizeof(text), "%.200s: %s%s", l->file, path, *path ? ": " : "");

    va_start(ap, fmt);
    if (n > 0 && (size_t) n < sizeof(text))
        (void) vsnprintf(text + n, sizeof(text) - (size_t) n, fmt, ap);
    va_end(ap);
    if (!l->error)
        l->error = strdup(text);
    return l->error ? -EINVAL : -ENOMEM;
}

/* Typing mistakes in key names would otherwise go unnoticed. */
static int check_keys(struct loader *l, const json_t *object, const char *path,
                      const char *const *known)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object))
        return fail(l, path, "must be an object");
    json_object_foreach((json_t *) (uintptr_t) object, key, value)
    {
        const char *const *k = known;

        while (*k && strcmp(*k, key) != 0)
            k++;
        if (!*k)
            return fail(l, path, "unknown member \"%.64s\"", key);
    }
    return 0;
}

/* Points into the document. */
static int get_text(struct loader *l, const json_t *object, const char *path, const char *key,
                    bool required, const char **ret_text)
{
    const json_t *v = json_object_get(object, key);
    const char *text = json_string_value(v);

    if (!v && !required) {
        *ret_text = NULL;
        return 0;
    }
    if (!text || !*text || strlen(text) != json_string_length(v) || strlen(text) > TEXT_MAX)
        return fail(l, path, "%s must be a string of 1 to %d bytes", key, TEXT_MAX);
    *ret_text = text;
    return 0;
}

static int copy_text(struct loader *l, const json_t *object, const char *path, const char *key,
                     bool required, char **ret_text)
{
    const char *text;
    int e = get_text(l, object, path, key, required, &text);

    if (e < 0 || !text)
        return e;
    *ret_text = strdup(text);
    return *ret_text ? 0 : -ENOMEM;
}

static int get_list(struct loader *l, const json_t *object, const char *path, const char *key,
                    bool required, json_t **ret_list)
{
    json_t *list = json_object_get(object, key);

    if (list ? !json_is_array(list) : required)
        return fail(l, path, "%s must be a list", key);
    *ret_list = list;
    return 0;
}

static int load_json(struct loader *l, const char *file, json_t **ret_doc)
{
    CLEANUP(fd_closep) int fd = open(file, O_RDONLY | O_CLOEXEC);
    CLEANUP(freep) char *text = NULL;
    json_error_t error;
    size_t len;
    int e;

    if (fd < 0) {
        e = -errno;
        (void) fail(l, "", "cannot read %s: %s", file, strerror(-e));
        return e;
    }
    e = fd_read_file(fd, LIMIT_MODEL_FILE, &text, &len);
    if (e < 0) {
        (void) fail(l, "", "cannot read %s: %s", file, strerror(-e));
        return e;
    }
    *ret_doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!*ret_doc)
        return fail(l, "", "%s is not JSON: line %d: %s", file, error.line, error.text);
    return 0;
}

/* Files are named relative to the configuration. */
static int resolve(const struct loader *l, const char *name, char **ret_path)
{
    const char *slash = strrchr(l->file, '/');
    size_t dir = *name == '/' || !slash ? 0 : (size_t) (slash - l->file) + 1;
    char *path = malloc(dir + strlen(name) + 1);

    if (!path)
        return -ENOMEM;
    memcpy(path, l->file, dir);
    strcpy(path + dir, name);
    *ret_path = path;
    return 0;
}

static int load_model(struct loader *l, const char *path, json_t *value, struct model **ret_model)
{
    CLEANUP(freep) char *file = NULL, *error = NULL;
    json_t *doc = NULL;
    int e;

    if (json_is_object(value)) {
        doc = json_incref(value);
    } else if (json_is_string(value)) {
        e = resolve(l, json_string_value(value), &file);
        if (e == 0)
            e = load_json(l, file, &doc);
        if (e < 0)
            return e;
    } else {
        return fail(l, path, "model must be a file name or an object");
    }

    e = model_new(ret_model, doc, &error);
    json_decref(doc);
    if (e == -EINVAL)
        e = fail(l, path, "model%s%s: %s", file ? " " : "", file ? file : "", error);
    return e;
}

static void device_done(struct config_device *d)
{
    d->cert = cert_free(d->cert);
    free(d->cert_text);
    free(d->key_text);
}

/* What the platform makes up when it creates a device. The same each time, so that a restart of
 * the cloud does not lock devices out. */
static int make_secret(struct config_device *d)
{
    struct sign_digest digest;
    int e = sign_hmac(SIGN_METHOD_HMACSHA256, d->product->secret, strlen(d->product->secret), d->id,
                      strlen(d->id), &digest);

    if (e < 0)
        return e;
    d->secret_len = MADE_SECRET_BYTES;
    memcpy(d->secret, digest.bytes, d->secret_len);
    return 0;
}

static int read_pem(struct loader *l, const char *path, const char *name, char **ret_text)
{
    CLEANUP(freep) char *file = NULL;
    CLEANUP(fd_closep) int fd = -1;
    size_t len;
    int e = resolve(l, name, &file);

    if (e < 0)
        return e;
    fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fd_read_file(fd, PEM_MAX, ret_text, &len) < 0)
        return fail(l, path, "%s cannot be read", file);
    return 0;
}

static int load_cert(struct loader *l, struct config_device *d, const char *cert, const char *key,
                     const char *path)
{
    CLEANUP(freep) char *file = NULL;
    int e = resolve(l, cert, &file);

    if (e == 0)
        e = cert_load(&d->cert, file);
    if (e < 0)
        return e != -ENOMEM ? fail(l, path, "no certificate in %s", file) : e;
    if (key) /* it is given out at a registration */
        e = read_pem(l, path, cert, &d->cert_text);
    if (key && e == 0)
        e = read_pem(l, path, key, &d->key_text);
    return e;
}

/* A secret or a certificate says who the device is. */
static int load_proof(struct loader *l, struct config_device *d, const json_t *object,
                      const char *path)
{
    bool may_register = d->product->registration != CONFIG_REGISTRATION_OFF;
    const char *secret, *cert, *key;
    int e;

    e = get_text(l, object, path, "cert", false, &cert);
    if (e == 0)
        e = get_text(l, object, path, "key", false, &key);
    if (e == 0)
        e = get_text(l, object, path, "secret", !cert && !may_register, &secret);
    if (e < 0)
        return e;
    if (cert && secret)
        return fail(l, path, "secret and cert exclude each other");
    if (key && !cert)
        return fail(l, path, "key is for devices with a cert");
    if (cert)
        return load_cert(l, d, cert, key, path);
    if (!secret)
        return make_secret(d);
    e = sign_base64_decode(secret, d->secret, sizeof(d->secret), &d->secret_len);
    if (e < 0 || d->secret_len == 0)
        return fail(l, path, "secret must be base64 of 1 to %d bytes", LIMIT_SECRET_BYTES);
    return 0;
}

static int load_device(struct loader *l, const struct config_product *product, const json_t *object,
                       const char *path)
{
    static const char *const known[] = {"device_name", "secret", "cert", "key", "enabled", NULL};
    struct config_device *d = &l->config->devices[l->config->n_devices];
    const char *name;
    const json_t *enabled;
    int e;

    e = check_keys(l, object, path, known);
    if (e == 0)
        e = get_text(l, object, path, "device_name", true, &name);
    if (e < 0)
        return e;
    if (!name_is_device_name(name))
        return fail(l, path, "device_name must be 1 to %d letters, digits, '_' or '-'",
                    LIMIT_DEVICE_NAME);
    enabled = json_object_get(object, "enabled");
    if (enabled && !json_is_boolean(enabled))
        return fail(l, path, "enabled must be true or false");
    if (config_find_device(l->config, product->id, name))
        return fail(l, path, "device %s is there twice", name);

    d->index = l->config->n_devices;
    d->product = product;
    d->enabled = !enabled || json_is_true(enabled);
    (void) snprintf(d->name, sizeof(d->name), "%s", name);
    (void) snprintf(d->id, sizeof(d->id), "%s/%s", product->id, d->name);
    (void) snprintf(d->client_id, sizeof(d->client_id), "%s%s", product->id, d->name);
    if (config_find_client(l->config, d->client_id))
        return fail(l, path, "client id %s is there twice", d->client_id);
    e = load_proof(l, d, object, path);
    if (e < 0) {
        device_done(d);
        return e;
    }
    l->config->n_devices++;
    return 0;
}

static int load_devices(struct loader *l, const struct config_product *product,
                        const json_t *object, const char *path)
{
    struct config *c = l->config;
    struct config_device *grown;
    json_t *list = NULL;
    int e = get_list(l, object, path, "devices", true, &list);

    if (e < 0)
        return e;
    grown = reallocarray(c->devices, c->n_devices + json_array_size(list) + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    c->devices = grown;
    for (size_t i = 0; i < json_array_size(list); i++) {
        char sub[96];

        (void) snprintf(sub, sizeof(sub), "%s.devices[%zu]", path, i);
        memset(&c->devices[c->n_devices], 0, sizeof(*c->devices));
        e = load_device(l, product, json_array_get(list, i), sub);
        if (e < 0)
            return e;
    }
    return 0;
}

/* Without a secret of the product nobody can ask. */
static int load_registration(struct loader *l, struct config_product *p, const json_t *object,
                             const char *path)
{
    static const char *const names[] = {
        [CONFIG_REGISTRATION_OFF] = "off",
        [CONFIG_REGISTRATION_ONCE] = "once",
        [CONFIG_REGISTRATION_ANY] = "any",
    };
    const char *text;
    int e = get_text(l, object, path, "registration", false, &text);

    if (e < 0)
        return e;
    p->registration = p->secret && strlen(p->secret) >= PRODUCT_SECRET_MIN
                          ? CONFIG_REGISTRATION_ONCE
                          : CONFIG_REGISTRATION_OFF;
    for (size_t i = 0; text && i < ARRAY_SIZE(names); i++) {
        if (strcmp(names[i], text) != 0)
            continue;
        if (i != CONFIG_REGISTRATION_OFF && p->registration == CONFIG_REGISTRATION_OFF)
            return fail(l, path, "registration needs a product_secret of %d characters or more",
                        PRODUCT_SECRET_MIN);
        p->registration = (enum config_registration) i;
        return 0;
    }
    return text ? fail(l, path, "registration must be off, once or any") : 0;
}

static int load_product(struct loader *l, const json_t *object, const char *path)
{
    static const char *const known[] = {"product_id",   "product_secret", "name", "model",
                                        "registration", "devices",        NULL};
    struct config_product *p = &l->config->products[l->config->n_products];
    const char *id;
    int e;

    e = check_keys(l, object, path, known);
    if (e == 0)
        e = get_text(l, object, path, "product_id", true, &id);
    if (e < 0)
        return e;
    if (!name_is_product_id(id))
        return fail(l, path, "product_id must be 1 to %d letters and digits", LIMIT_PRODUCT_ID);
    if (config_find_product(l->config, id))
        return fail(l, path, "product %s is there twice", id);

    l->config->n_products++; /* from here on config_free() sees it */
    (void) snprintf(p->id, sizeof(p->id), "%s", id);
    e = copy_text(l, object, path, "name", false, &p->name);
    if (e == 0)
        e = copy_text(l, object, path, "product_secret", false, &p->secret);
    if (e == 0)
        e = load_registration(l, p, object, path);
    if (e == 0)
        e = load_model(l, path, json_object_get(object, "model"), &p->model);
    return e < 0 ? e : load_devices(l, p, object, path);
}

static int load_app(struct loader *l, const json_t *object, const char *path)
{
    static const char *const known[] = {"app_key", "app_secret", NULL};
    struct config_app *a = &l->config->apps[l->config->n_apps];
    int e = check_keys(l, object, path, known);

    if (e < 0)
        return e;
    l->config->n_apps++;
    e = copy_text(l, object, path, "app_key", true, &a->key);
    return e < 0 ? e : copy_text(l, object, path, "app_secret", true, &a->secret);
}

static int load_limits(struct loader *l, json_t *object)
{
    const char *key;
    json_t *value;

    for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
        *(uint64_t *) (void *) ((char *) &l->config->limits + limits[i].offset) = limits[i].value;
    if (!object)
        return 0;
    if (!json_is_object(object))
        return fail(l, "$.limits", "must be an object");

    json_object_foreach(object, key, value)
    {
        size_t i = 0;

        while (i < ARRAY_SIZE(limits) && strcmp(limits[i].key, key) != 0)
            i++;
        if (i == ARRAY_SIZE(limits))
            return fail(l, "$.limits", "unknown member \"%.64s\"", key);
        if (!json_is_integer(value) || json_integer_value(value) < 0 ||
            (uint64_t) json_integer_value(value) > limits[i].max)
            return fail(l, "$.limits", "%s must be 0 to %llu", key,
                        (unsigned long long) limits[i].max);
        *(uint64_t *) (void *) ((char *) &l->config->limits + limits[i].offset) =
            (uint64_t) json_integer_value(value);
    }
    return 0;
}

static int load_document(struct loader *l, json_t *doc)
{
    static const char *const known[] = {"products", "apps", "limits", NULL};
    struct config *c = l->config;
    json_t *products = NULL, *apps = NULL;
    char path[48];
    int e;

    e = check_keys(l, doc, "$", known);
    if (e == 0)
        e = get_list(l, doc, "$", "products", true, &products);
    if (e == 0)
        e = get_list(l, doc, "$", "apps", false, &apps);
    if (e == 0)
        e = load_limits(l, json_object_get(doc, "limits"));
    if (e < 0)
        return e;

    /* Never moved: devices point into it. */
    c->products = calloc(json_array_size(products) + 1, sizeof(*c->products));
    c->apps = calloc(json_array_size(apps) + 1, sizeof(*c->apps));
    if (!c->products || !c->apps)
        return -ENOMEM;
    for (size_t i = 0; e == 0 && i < json_array_size(products); i++) {
        (void) snprintf(path, sizeof(path), "$.products[%zu]", i);
        e = load_product(l, json_array_get(products, i), path);
    }
    for (size_t i = 0; e == 0 && i < json_array_size(apps); i++) {
        (void) snprintf(path, sizeof(path), "$.apps[%zu]", i);
        e = load_app(l, json_array_get(apps, i), path);
    }
    return e;
}

static int load(struct config **ret_config, const char *file, json_t *doc, char **ret_error)
{
    CLEANUP(config_freep) struct config *c = calloc(1, sizeof(*c));
    struct loader l = {.file = file, .config = c};
    int e;

    if (!c)
        return -ENOMEM;
    e = load_document(&l, doc);
    if (e < 0) {
        *ret_error = l.error;
        return e;
    }
    *ret_config = TAKE(c);
    return 0;
}

int config_load(struct config **ret_config, const char *path, char **ret_error)
{
    struct loader l = {.file = path};
    json_t *doc;
    int e = load_json(&l, path, &doc);

    if (e < 0) {
        *ret_error = l.error;
        return e;
    }
    e = load(ret_config, path, doc, ret_error);
    json_decref(doc);
    return e;
}

int config_parse(struct config **ret_config, const char *text, char **ret_error)
{
    struct loader l = {.file = "text"};
    json_error_t error;
    json_t *doc = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    int e;

    if (!doc) {
        e = fail(&l, "", "not JSON: line %d: %s", error.line, error.text);
        *ret_error = l.error;
        return e;
    }
    e = load(ret_config, "text", doc, ret_error);
    json_decref(doc);
    return e;
}

struct config *config_free(struct config *c)
{
    if (!c)
        return NULL;

    for (size_t i = 0; i < c->n_products; i++) {
        free(c->products[i].name);
        free(c->products[i].secret);
        model_free(c->products[i].model);
    }
    for (size_t i = 0; i < c->n_apps; i++) {
        free(c->apps[i].key);
        free(c->apps[i].secret);
    }
    for (size_t i = 0; i < c->n_devices; i++)
        device_done(&c->devices[i]);
    free(c->products);
    free(c->devices);
    free(c->apps);
    free(c);
    return NULL;
}

const struct config_product *config_find_product(const struct config *c, const char *product_id)
{
    for (size_t i = 0; i < c->n_products; i++) {
        if (strcmp(c->products[i].id, product_id) == 0)
            return &c->products[i];
    }
    return NULL;
}

const struct config_device *config_find_device(const struct config *c, const char *product_id,
                                               const char *device_name)
{
    for (size_t i = 0; i < c->n_devices; i++) {
        if (strcmp(c->devices[i].product->id, product_id) == 0 &&
            strcmp(c->devices[i].name, device_name) == 0)
            return &c->devices[i];
    }
    return NULL;
}

const struct config_device *config_find_client(const struct config *c, const char *client_id)
{
    for (size_t i = 0; i < c->n_devices; i++) {
        if (strcmp(c->devices[i].client_id, client_id) == 0)
            return &c->devices[i];
    }
    return NULL;
}

const struct config_device *config_find_device_id(const struct config *c, const char *device_id)
{
    for (size_t i = 0; i < c->n_devices; i++) {
        if (strcmp(c->devices[i].id, device_id) == 0)
            return &c->devices[i];
    }
    return NULL;
}

const struct config_app *config_find_app(const struct config *c, const char *key)
{
    for (size_t i = 0; i < c->n_apps; i++) {
        if (strcmp(c->apps[i].key, key) == 0)
            return &c->apps[i];
    }
    return NULL;
}

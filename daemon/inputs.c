/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "daemon/core/core.h"
#include "daemon/store/facts.h"
#include "daemon/sys/log.h"
#include "daemon/updater.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/limits.h"

LOG_AREA("main");

#define DEFAULT_CONFIG IOTD_SYSCONFDIR "/iotd/iotd.conf"
#define DEFAULT_CREDENTIALS IOTD_SYSCONFDIR "/iotd/device_info.json"
#define DEFAULT_MODEL IOTD_SYSCONFDIR "/iotd/model.json"
#define MAX_CONFIG_FILE (256 * 1024) /* own choice */
#define MAX_KEY_FILE (16 * 1024)     /* own choice: one public key as PEM */

static int read_file(const char *path, size_t max, char **ret_data, size_t *ret_len)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return -errno;
    return fd_read_file(fd, max, ret_data, ret_len);
}

static void on_conf_mistake(unsigned line, const char *key, const char *what, void *userdata)
{
    const char *path = userdata;

    if (line)
        log_err("%s:%u: %s: %s", path, line, key, what);
    else
        log_err("%s: %s%s%s", path, key, *key ? ": " : "", what);
}

static int load_conf(const struct manager_options *o, struct conf **ret_conf)
{
    const char *path = o->config ? o->config : DEFAULT_CONFIG;
    CLEANUP(conf_freep) struct conf *conf = NULL;
    CLEANUP(freep) char *data = NULL;
    size_t len;
    int r;

    r = read_file(path, MAX_CONFIG_FILE, &data, &len);
    if (r == -ENOENT && !o->config) {
        r = conf_new(&conf); /* all defaults */
    } else if (r < 0) {
        log_err("%s: %s", path, strerror(-r));
        return -EINVAL;
    } else {
        r = conf_parse(&conf, data, len, on_conf_mistake, (void *) (uintptr_t) path);
    }
    if (r == 0 && o->endpoint)
        r = conf_set(conf, "link.endpoint", o->endpoint, on_conf_mistake,
                     (void *) (uintptr_t) "--endpoint");
    if (r < 0)
        return r;
    *ret_conf = TAKE(conf);
    return 0;
}

const char *inputs_state_dir(const struct manager_options *options)
{
    return options->state_dir ? options->state_dir : IOTD_STATEDIR "/iotd";
}

static int find_source(struct inputs *in)
{
    struct vault_source *s = &in->source;
    const char *path = in->options->credentials, *dir = getenv("CREDENTIALS_DIRECTORY");
    int n;

    n = snprintf(s->copy, sizeof(s->copy), "%s/device_info.json", inputs_state_dir(in->options));
    if (n < 0 || (size_t) n >= sizeof(s->copy))
        return -ENAMETOOLONG;
    if (!path && dir) { /* LoadCredential= of the unit, systemd.exec(5) */
        (void) snprintf(s->file, sizeof(s->file), "%s/device_info.json", dir);
        s->is_read_only = access(s->file, F_OK) == 0;
    }
    if (s->is_read_only)
        return 0;
    n = snprintf(s->file, sizeof(s->file), "%s", path ? path : DEFAULT_CREDENTIALS);
    return n < 0 || (size_t) n >= sizeof(s->file) ? -ENAMETOOLONG : 0;
}

/* Without credentials the daemon runs, and waits for them. */
static int load_none(struct inputs *in, const char *path, const char *problem)
{
    if (in->options->check) {
        log_err("%s: %s", path, problem);
        return EX_NOINPUT;
    }
    log_notice("no credentials yet: iotctl provision gives some file=\"%s\"", path);
    in->ident = calloc(1, sizeof(*in->ident));
    return in->ident ? 0 : EX_OSERR;
}

static int load_ident(struct inputs *in)
{
    char problem[VAULT_PROBLEM];
    const char *path;
    int r;

    r = find_source(in);
    if (r < 0) {
        log_err("credentials: %s", strerror(-r));
        return EX_USAGE;
    }
    r = vault_source_load(&in->source, &in->ident, &path, problem);
    if (r == -ENOENT)
        return load_none(in, in->source.file, problem);
    if (r < 0)
        log_err("%s: %s", path, problem);
    if (r == -EACCES)
        return EX_NOPERM;
    return r < 0 ? EX_CONFIG : 0;
}

/* What the model is checked against; NULL: it is of any product. */
static const char *product_of(const struct ident *ident)
{
    return ident && ident->product_id[0] ? ident->product_id : NULL;
}

static void on_model_mistake(const char *path, const char *what, void *userdata)
{
    const char *file = userdata;

    log_err("%s: %s%s%s", file, path, *path ? ": " : "", what);
}

static const char *model_path(const struct manager_options *options)
{
    return options->model ? options->model : DEFAULT_MODEL;
}

/* "" is none; that there is none where one would be installed is no mistake. */
static bool has_model_file(const struct manager_options *options)
{
    if (options->model)
        return options->model[0] != '\0';
    return access(DEFAULT_MODEL, F_OK) == 0 || errno != ENOENT;
}

/* 0 or -errno, told. */
static int read_model(const struct inputs *in, struct model **ret_model)
{
    const char *path = model_path(in->options);
    CLEANUP(freep) char *data = NULL;
    size_t len;
    int r;

    r = read_file(path, LIMIT_MODEL_FILE, &data, &len);
    if (r < 0) {
        log_err("%s: %s", path, strerror(-r));
        return r;
    }
    r = model_parse(ret_model, data, len, product_of(in->ident), on_model_mistake,
                    (void *) (uintptr_t) path);
#ifdef __GLIBC__
    /* The JSON of a large model took many times what stays, and nothing as large follows. */
    (void) malloc_trim(0);
#endif
    return r;
}

static int load_model(struct inputs *in)
{
    int r;

    in->is_assembled = !has_model_file(in->options);
    if (in->is_assembled)
        r = model_parse(&in->model, MODEL_EMPTY_TEXT, strlen(MODEL_EMPTY_TEXT), NULL,
                        on_model_mistake, NULL);
    else
        r = read_model(in, &in->model);
    return r == -ENOENT ? EX_NOINPUT : r < 0 ? EX_CONFIG : 0;
}

int inputs_take_up_model(struct inputs *in, struct db *db)
{
    CLEANUP(freep) char *text = NULL;
    struct model *model;
    int r;

    if (!in->is_assembled)
        return 0;
    r = facts_get(db, CORE_MODEL_FACT, &text);
    if (r < 0)
        return r;
    if (text[0]) {
        r = model_parse(&model, text, strlen(text), product_of(in->ident), on_model_mistake,
                        (void *) (uintptr_t) "the assembled thing model");
        if (r == 0) {
            model_free(in->model);
            in->model = model;
        }
    }
    log_notice("no file of a thing model: programs define it ids=%zu",
               in->model->n_properties + in->model->n_events + in->model->n_actions);
    return r == -EINVAL ? 0 : r; /* told; the programs define it anew */
}

int inputs_define(const struct inputs *in, const json_t *brought, struct model **ret_newer,
                  char problem[MODEL_PROBLEM])
{
    return model_assemble(in->model, brought, product_of(in->ident), in->is_assembled, ret_newer,
                          problem);
}

int inputs_reload(const struct inputs *in, struct inputs_again *ret_again)
{
    CLEANUP(inputs_again_done) struct inputs_again again = {0};
    int conf, access = 0, model = 0;

    conf = load_conf(in->options, &again.conf);
    if (conf == 0)
        access = access_files_load(again.conf, &again.access);
    if (!in->is_assembled || has_model_file(in->options))
        model = read_model(in, &again.model);
    if (conf == -ENOMEM || access == -ENOMEM || model == -ENOMEM)
        return -ENOMEM;
    if (conf < 0 || access < 0 || model < 0)
        return -EINVAL;
    if (again.model && strcmp(again.model->text, in->model->text) == 0)
        again.model = model_free(again.model);
    *ret_again = again;
    again = (struct inputs_again){0};
    return 0;
}

void inputs_again_done(struct inputs_again *again)
{
    conf_free(again->conf);
    access_conf_free(again->access);
    model_free(again->model);
    *again = (struct inputs_again){0};
}

static int find_endpoint(struct inputs *in)
{
    char url[IDENT_URL];
    const char *text = in->conf->link_endpoint, *problem;

    if (!*text) {
        if (!product_of(in->ident))
            return 0; /* told by load_ident() */
        if (ident_endpoint(in->ident, url) < 0)
            return EX_CONFIG;
        text = url;
    }
    if (endpoint_parse(&in->endpoint, text, &problem) < 0) {
        log_err("link.endpoint \"%s\": %s", text, problem);
        return EX_CONFIG;
    }
    (void) snprintf(in->endpoint_url, sizeof(in->endpoint_url), "%s", text);
    return 0;
}

static int load_tls(struct inputs *in)
{
    const struct ident *id = in->ident;
    struct tls_config config = {.host = in->endpoint.host, .ca_file = in->conf->link_ca_file};
    char problem[TLS_PROBLEM];
    int r;

    if (!in->endpoint.tls)
        return 0;
    if (id && id->certificate) {
        config.cert = id->certificate;
        config.key = secret_data(id->private_key);
        config.key_len = secret_len(id->private_key);
    }
    r = tls_new(&in->tls, &config, problem);
    if (r < 0)
        log_err("link.ca_file, link.endpoint \"%s\": %s", in->endpoint_url, problem);
    return r == -ENOMEM ? EX_OSERR : r < 0 ? EX_CONFIG : 0;
}

static int load_register_tls(struct inputs *in)
{
    struct tls_config config = {.host = in->register_url.host, .ca_file = in->conf->link_ca_file};
    char problem[TLS_PROBLEM];
    int r;

    if (!in->register_url.tls)
        return 0;
    r = tls_new(&in->register_tls, &config, problem);
    if (r < 0)
        log_err("link.ca_file, link.register_url: %s", problem);
    return r == -ENOMEM ? EX_OSERR : r < 0 ? EX_CONFIG : 0;
}

static int find_register_url(struct inputs *in)
{
    char url[IDENT_URL] = "";
    const char *text = in->conf->link_register_url, *problem;

    if (!product_of(in->ident) || ident_is_complete(in->ident))
        return 0;
    if (!*text) {
        if (ident_register_url(in->ident, url) < 0)
            return EX_CONFIG;
        text = url;
    }
    if (endpoint_parse_http(&in->register_url, text, &problem) < 0) {
        log_err("link.register_url \"%s\": %s", text, problem);
        return EX_CONFIG;
    }
    return load_register_tls(in);
}

static int load_verify_key(struct inputs *in)
{
    const char *path = in->conf->firmware_verify_key;
    CLEANUP(freep) char *data = NULL;
    char problem[VERIFY_PROBLEM] = "";
    size_t len;
    int r;

    if (!*path)
        return 0;
    r = read_file(path, MAX_KEY_FILE, &data, &len);
    if (r < 0) {
        log_err("firmware.verify_key \"%s\": %s", path, strerror(-r));
        return r == -ENOMEM ? EX_OSERR : EX_CONFIG;
    }
    r = verify_key_load(&in->verify_key, data, len, problem);
    if (r < 0)
        log_err("firmware.verify_key \"%s\": %s", path, r == -ENOMEM ? strerror(-r) : problem);
    return r == -ENOMEM ? EX_OSERR : r < 0 ? EX_CONFIG : 0;
}

static int load_firmware(struct inputs *in)
{
    const struct conf *c = in->conf;
    const char *problem = updater_installer_problem(c->firmware_installer);
    int status = load_verify_key(in);

    if (problem)
        log_err("firmware.installer \"%s\" %s", c->firmware_installer, problem);
    if (*c->firmware_dir && *c->firmware_dir != '/') {
        problem = "is not an absolute path";
        log_err("firmware.dir \"%s\" %s", c->firmware_dir, problem);
    }
    return problem ? EX_CONFIG : status;
}

struct first_mistake {
    char *text; /* of VAULT_PROBLEM */
    bool is_told;
};

static void on_first_mistake(const char *path, const char *what, void *userdata)
{
    struct first_mistake *first = userdata;

    if (!first->is_told)
        (void) snprintf(first->text, VAULT_PROBLEM, "the thing model does not fit: %s%s%s", path,
                        *path ? ": " : "", what);
    first->is_told = true;
}

int inputs_accept(const struct inputs *in, const struct ident *ident, char problem[VAULT_PROBLEM])
{
    struct first_mistake first = {.text = problem};
    CLEANUP(model_freep) struct model *model = NULL;
    CLEANUP(freep) char *data = NULL;
    size_t len;
    int r;

    if (!has_model_file(in->options))
        return 0;
    r = read_file(model_path(in->options), LIMIT_MODEL_FILE, &data, &len);
    if (r < 0) {
        (void) snprintf(problem, VAULT_PROBLEM, "thing model: %s", strerror(-r));
        return r == -ENOMEM ? r : -EINVAL;
    }
    r = model_parse(&model, data, len, product_of(ident), on_first_mistake, &first);
    if (r == -ENOMEM)
        (void) snprintf(problem, VAULT_PROBLEM, "out of memory");
    return r == -ENOMEM ? r : r < 0 ? -EINVAL : 0;
}

int inputs_load(struct inputs *in, const struct manager_options *options)
{
    int status[8];
    int r;

    *in = (struct inputs){.options = options};
    r = load_conf(options, &in->conf);
    status[0] = r == -ENOMEM ? EX_OSERR : r < 0 ? EX_CONFIG : 0;
    status[1] = load_ident(in);
    status[2] = load_model(in);
    status[3] = in->conf ? find_endpoint(in) : 0;
    status[4] = in->conf && status[3] == 0 ? load_tls(in) : 0;
    status[5] = in->conf ? find_register_url(in) : 0;
    r = in->conf ? access_files_load(in->conf, &in->access) : 0;
    status[6] = r == -ENOMEM ? EX_OSERR : r < 0 ? EX_CONFIG : 0;
    status[7] = in->conf ? load_firmware(in) : 0;
    for (size_t i = 0; i < ARRAY_SIZE(status); i++) {
        if (status[i])
            return status[i];
    }
    return 0;
}

void inputs_done(struct inputs *in)
{
    tls_free(in->tls);
    tls_free(in->register_tls);
    verify_key_free(in->verify_key);
    access_conf_free(in->access);
    model_free(in->model);
    ident_free(in->ident);
    conf_free(in->conf);
    *in = (struct inputs){0};
}

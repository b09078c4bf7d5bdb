/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/manager.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/cloud/link.h"
#include "daemon/cloud/registrar.h"
#include "daemon/core/core.h"
#include "daemon/crypto/signer.h"
#include "daemon/filer.h"
#include "daemon/front/bus.h"
#include "daemon/inputs.h"
#include "daemon/net/fetch.h"
#include "daemon/net/http.h"
#include "daemon/net/ws_lws.h"
#include "daemon/provision.h"
#include "daemon/settings.h"
#include "daemon/state.h"
#include "daemon/sys/boot.h"
#include "daemon/sys/clockwatch.h"
#include "daemon/sys/log.h"
#include "daemon/sys/loop_lws.h"
#include "daemon/sys/memory.h"
#include "daemon/sys/netwatch.h"
#include "daemon/sys/notify.h"
#include "daemon/sys/signals.h"
#include "daemon/updater.h"

LOG_AREA("main");

#define SETTLE_US (100 * USEC_PER_MSEC) /* own choice: programs register again within it */
#define NO_BUS_US (2 * USEC_PER_SEC)    /* own choice: without a bus the link starts all the same */
#define QUIET_US (2 * USEC_PER_SEC)     /* own choice: what a new connection brings is over */

struct manager {
    struct inputs in;
    struct db *db;
    struct loop_lws *loop;
    struct signals *signals;
    struct netwatch *netwatch;     /* NULL: the kernel does not tell us */
    struct clockwatch *clockwatch; /* the same */
    struct signer *signer;
    struct http *http;           /* NULL: nothing needs it */
    struct registrar *registrar; /* NULL: there is nothing to register, or nothing to do it with */
    struct link *link;
    struct fetcher *fetcher;
    struct updater *updater;
    struct core *core;
    struct files *files; /* NULL: their directory cannot be used */
    struct bus *bus;
    struct link_watch watch;
    struct loop_timer watchdog;
    struct loop_timer start; /* of the link */
    struct loop_timer over;  /* starts over */
    struct loop_timer quiet; /* after a connection */
    uint64_t watchdog_us;
    bool stopping;
    bool again; /* start over: the credentials are new */
    int status;
};

static void apply_log_level(const struct conf *c)
{
    enum log_level level = LOG_LEVEL_INFO;

    (void) !log_level_parse(c->log_level, &level); /* the reader checked the choice */
    log_set_level(level);
}

static void log_ignored(const char *key, void *data)
{
    (void) data;
    log_warn("changed, but needs a restart key=%s", key);
}

/* The old rules are the caller's then. */
static void apply_access(struct manager *m, struct access_conf **access)
{
    struct access_conf *old = m->in.access;

    m->in.access = *access;
    *access = old;
    m->core->access.conf = m->in.access;
    bus_access_changed(m->bus);
}

static int apply_model(struct manager *m, struct model *model)
{
    int r = core_set_model(m->core, model);

    if (r == -E2BIG) {
        log_err("thing model: more than %d ids came and went, that takes a restart",
                LIMIT_MODEL_PLACES);
        r = -EINVAL;
    }
    return r;
}

static void configure(struct manager *m, const struct policy_rule *rules)
{
    struct core_config cc;

    settings_core_config(m->in.conf, rules, &cc);
    core_configure(m->core, &cc);
    if (m->files)
        filer_configure(m->files, m->in.conf);
}

static int on_define(const json_t *brought, char problem[BUS_PROBLEM], void *userdata)
{
    struct manager *m = userdata;
    CLEANUP(freep) struct policy_rule *rules = NULL;
    CLEANUP(model_freep) struct model *newer = NULL;
    int r = inputs_define(&m->in, brought, &newer, problem);

    if (r == 0 && newer)
        r = settings_policy_rules(m->in.conf, &rules);
    if (r == 0 && newer)
        r = apply_model(m, newer);
    if (r < 0 || !newer)
        return r;
    core_keep_model(m->core);
    configure(m, rules);
    bus_model_changed(m->bus);
    return 0;
}

static int on_reload(void (*ignored)(const char *key, void *data), void *data, void *userdata)
{
    struct manager *m = userdata;
    CLEANUP(inputs_again_done) struct inputs_again again = {0};
    CLEANUP(freep) struct policy_rule *rules = NULL;
    int r;

    r = inputs_reload(&m->in, &again);
    if (r == 0)
        r = settings_policy_rules(again.conf, &rules);
    if (r == 0 && again.model)
        r = apply_model(m, again.model);
    if (r < 0)
        return r;
    r = conf_reload(m->in.conf, again.conf, ignored, data);
    if (r == 0) {
        apply_log_level(m->in.conf);
        configure(m, rules);
        m->in.is_assembled &= again.model == NULL;
        apply_access(m, &again.access);
    }
    if (again.model)
        bus_model_changed(m->bus); /* after the rules about it */
    if (r < 0)
        return r;
    log_notice(again.model ? "settings and thing model read again" : "settings read again");
    return 0;
}

static void on_sighup(void *userdata)
{
    notify_send("RELOADING=1");
    if (on_reload(log_ignored, NULL, userdata) < 0)
        log_err("settings not read again: nothing was changed");
    notify_send("READY=1");
}

static void end(struct manager *m)
{
    loop_lws_stop(m->loop);
}

/* The end comes when the DISCONNECT has left. */
static void begin_end(struct manager *m)
{
    struct link_info info;

    m->stopping = true;
    link_disable(m->link);
    link_get_info(m->link, &info);
    if (info.state == LINK_STATE_OFF)
        end(m);
}

/* A second signal ends at once. */
static void on_stop(void *userdata)
{
    struct manager *m = userdata;

    log_info("stopping");
    notify_send("STOPPING=1");
    if (m->stopping && !m->again) {
        end(m);
        return;
    }
    m->again = false;
    begin_end(m);
}

/*
 * Everything is made anew with the new credentials, as after a restart: the identity is in
 * topics, sessions and the queue. From the loop, so that answers leave before.
 */
static void on_again(struct loop_timer *timer, void *userdata)
{
    struct manager *m = userdata;

    (void) timer;
    if (m->stopping)
        return;
    log_info("starting over with the new credentials");
    m->again = true;
    begin_end(m);
}

static void start_over(struct manager *m)
{
    loop_timer_arm(loop_lws_base(m->loop), &m->over, 0, on_again, m);
}

static int on_registered(const struct dynreg_answer *answer, char problem[DYNREG_PROBLEM],
                         void *userdata)
{
    struct manager *m = userdata;
    int r = provision_register(&m->in, answer, problem);

    if (r == 0)
        start_over(m);
    return r;
}

static int on_provision(const struct bus_provision *request, struct bus_provisioned *ret_result,
                        char problem[BUS_PROBLEM], void *userdata)
{
    struct manager *m = userdata;
    int r = provision_run(&m->in, request, ret_result, problem);

    if (r == 0)
        start_over(m);
    return r;
}

static void on_quiet(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    (void) userdata;
    memory_give_back();
}

static void on_link_changed(void *userdata)
{
    struct manager *m = userdata;
    struct link_info info;

    link_get_info(m->link, &info);
    if (info.state == LINK_STATE_UP)
        loop_timer_arm(loop_lws_base(m->loop), &m->quiet, QUIET_US, on_quiet, m);
    if (m->stopping && info.state == LINK_STATE_OFF)
        end(m);
}

static void on_network_changed(void *userdata)
{
    link_network_changed(((struct manager *) userdata)->link);
}

static void on_resumed(uint64_t slept_us, void *userdata)
{
    (void) slept_us;
    link_network_changed(((struct manager *) userdata)->link);
}

static void on_stepped(int64_t by_us, void *userdata)
{
    struct manager *m = userdata;

    link_clock_stepped(m->link, by_us);
    ntp_clock_stepped(m->core->ntp, by_us);
}

static const struct clockwatch_events clockwatch_events = {
    .on_stepped = on_stepped,
    .on_resumed = on_resumed,
};

/* Without them the link finds out by itself, later. */
static void make_watches(struct manager *m)
{
    struct loop *loop = loop_lws_base(m->loop);
    int r = netwatch_new(&m->netwatch, loop, on_network_changed, m);

    if (r < 0)
        log_info("changes of the network are not seen error=\"%s\"", strerror(-r));
    r = clockwatch_new(&m->clockwatch, loop, &clockwatch_events, m);
    if (r < 0)
        log_info("settings of the clock are not seen error=\"%s\"", strerror(-r));
}

static void on_watchdog(struct loop_timer *timer, void *userdata)
{
    struct manager *m = userdata;

    notify_send("WATCHDOG=1");
    loop_timer_arm(loop_lws_base(m->loop), timer, m->watchdog_us, on_watchdog, m);
}

static void on_start(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    link_enable(((struct manager *) userdata)->link);
}

/* Programs come back before the cloud's first command does. */
static void on_bus_ready(void *userdata)
{
    struct manager *m = userdata;

    notify_send("READY=1");
    if (loop_timer_is_armed(&m->start))
        loop_timer_arm(loop_lws_base(m->loop), &m->start, SETTLE_US, on_start, m);
}

static void on_bus_refused(const char *reason, void *userdata)
{
    struct manager *m = userdata;

    log_err("%s", reason);
    m->status = EX_UNAVAILABLE;
    end(m);
}

static const struct signals_events signals_events = {.on_stop = on_stop, .on_reload = on_sighup};

static int make_signer(struct manager *m)
{
    const struct ident *id = m->in.ident;
    enum hmac_kind kind;
    int r;

    if (!ident_is_complete(id))
        return 0;
    if (id->private_key)
        return signer_new_rsa(&m->signer, id->private_key);
    r = hmac_kind_parse(m->in.conf->link_sign, &kind);
    return r == 0 ? signer_new_hmac(&m->signer, kind, id->device_secret) : r;
}

static int make_registrar(struct manager *m)
{
    struct registrar_config rc = {
        .url = m->in.register_url,
        .ident = m->in.ident,
        .store = on_registered,
        .userdata = m,
    };
    int r;

    if (ident_is_complete(m->in.ident) || !m->in.ident->product_secret)
        return 0;
    r = http_new(&m->http, m->loop, m->in.register_tls);
    rc.http = m->http;
    return r < 0 ? r : registrar_new(&m->registrar, &rc);
}

static int make_link(struct manager *m)
{
    const struct conf *c = m->in.conf;
    struct link_config lc = {
        .endpoint = m->in.endpoint,
        .ident = m->in.ident,
        .keepalive_s = (uint16_t) c->link_keepalive,
        .clean_session = c->link_clean_session,
        .connect_interval_us = (uint64_t) c->link_connect_interval * USEC_PER_SEC,
        .probe_max_us = (uint64_t) c->link_probe_max * USEC_PER_SEC,
        .backoff_max_us = (uint64_t) c->link_backoff_max * USEC_PER_SEC,
    };
    struct transport *transport;
    int r;

    r = make_signer(m);
    lc.signer = m->signer;
    if (r == 0)
        r = make_registrar(m);
    lc.registrar = m->registrar;
    if (r == 0)
        r = link_new(&m->link, loop_lws_base(m->loop), &lc);
    if (r == 0)
        r = ws_lws_new(&transport, m->loop, m->in.tls, &link_transport_events, m->link);
    if (r < 0)
        return r;
    link_set_transport(m->link, transport);
    m->watch = (struct link_watch){.on_changed = on_link_changed, .userdata = m};
    link_watch(m->link, &m->watch);
    return 0;
}

static int make_core(struct manager *m, struct core_config *cc)
{
    struct loop *loop = loop_lws_base(m->loop);
    char boot_id[BOOT_ID_SIZE];
    int r = fetcher_new(&m->fetcher, m->loop, m->in.conf->link_ca_file);

    if (r == 0)
        r = updater_new(&m->updater, loop, m->fetcher, m->in.verify_key, m->in.conf,
                        inputs_state_dir(m->in.options));
    if (r < 0)
        return r;
    boot_id_get(boot_id);
    cc->boot_id = boot_id;
    cc->signer = m->signer;
    cc->update.dir = updater_dir(m->updater);
    cc->update_ops = &updater_ops;
    cc->update_data = m->updater;
    r = core_new(&m->core, loop, m->link, m->in.ident, m->in.model, cc, m->db);
    if (r < 0)
        return r;
    m->core->access = (struct access){.conf = m->in.access, .own_uid = geteuid()};
    if (!updater_installer(m->updater)) /* a program registers */
        return 0;
    return update_set_installer(m->core->update, updater_installer(m->updater), "");
}

static int make_bus(struct manager *m)
{
    struct bus_config bc = {
        .bus = m->in.options->bus ? m->in.options->bus : "system",
        .endpoint = m->in.endpoint_url,
        .core = m->core,
        .rauc = updater_rauc(m->updater),
        .on_reload = on_reload,
        .on_define = on_define,
        .on_provision = on_provision,
        .on_ready = on_bus_ready,
        .on_refused = on_bus_refused,
        .userdata = m,
    };

    return bus_new(&m->bus, loop_lws_base(m->loop), &bc);
}

static int make(struct manager *m)
{
    CLEANUP(freep) struct policy_rule *rules = NULL;
    struct core_config cc;
    int r;

    r = settings_policy_rules(m->in.conf, &rules);
    if (r < 0)
        return r;
    settings_core_config(m->in.conf, rules, &cc);
    r = state_open(&m->db, inputs_state_dir(m->in.options), m->in.ident);
    if (r == 0)
        r = inputs_take_up_model(&m->in, m->db);
    if (r == 0)
        r = loop_lws_new(&m->loop);
    if (r == 0)
        r = signals_new(&m->signals, loop_lws_base(m->loop), &signals_events, m);
    if (r == 0)
        r = make_link(m);
    if (r == 0)
        r = make_core(m, &cc);
    if (r == 0)
        r = filer_new(&m->files, loop_lws_base(m->loop), m->core, m->fetcher, m->in.conf,
                      inputs_state_dir(m->in.options));
    if (r == 0)
        m->core->files = m->files;
    if (r == 0)
        r = make_bus(m);
    if (r == 0)
        make_watches(m);
    return r;
}

static void take_down(struct manager *m)
{
    loop_timer_cancel(&m->watchdog);
    loop_timer_cancel(&m->start);
    loop_timer_cancel(&m->over);
    loop_timer_cancel(&m->quiet);
    link_unwatch(&m->watch);
    clockwatch_free(m->clockwatch);
    netwatch_free(m->netwatch);
    if (m->core)
        core_save(m->core); /* posts and calls are answered while the bus is there */
    bus_free(m->bus);
    files_free(m->files);
    core_free(m->core);
    updater_free(m->updater);
    link_free(m->link);
    signer_free(m->signer);
    registrar_free(m->registrar);
    http_free(m->http);
    fetcher_free(m->fetcher);
    signals_free(m->signals);
    loop_lws_free(m->loop);
    db_free(m->db);
    inputs_done(&m->in);
}

static int make_state_dir(const struct manager_options *o)
{
    const char *dir = inputs_state_dir(o);

    if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
        log_err("%s: %s", dir, strerror(errno));
        return EX_CANTCREAT;
    }
    return 0;
}

static int run(struct manager *m)
{
    int r;

    r = make_state_dir(m->in.options);
    if (r != 0)
        return r;
    r = make(m);
    if (r == -EINVAL && m->in.options->bus) {
        log_err("--bus \"%s\" is not an address of a bus", m->in.options->bus);
        return EX_USAGE;
    }
    if (r < 0) {
        log_err("cannot start error=\"%s\"", strerror(-r));
        return r == -EBUSY ? EX_UNAVAILABLE : EX_OSERR;
    }
    m->watchdog_us = notify_watchdog_us();
    if (m->watchdog_us)
        loop_timer_arm(loop_lws_base(m->loop), &m->watchdog, 0, on_watchdog, m);
    log_info("starting version=" PACKAGE_VERSION " device=%s/%s endpoint=\"%s\"",
             m->in.ident->product_id, m->in.ident->device_name, m->in.endpoint_url);
    loop_timer_arm(loop_lws_base(m->loop), &m->start, NO_BUS_US, on_start, m);
    r = loop_lws_run(m->loop);
    return r < 0 ? EX_SOFTWARE : m->status;
}

static int run_once(const struct manager_options *options, bool *ret_again)
{
    CLEANUP(freep) struct manager *m = calloc(1, sizeof(*m));
    int status;

    *ret_again = false;
    if (!m)
        return EX_OSERR;
    status = inputs_load(&m->in, options);
    if (status == 0) {
        apply_log_level(m->in.conf);
        if (options->check)
            printf("settings, credentials and thing model are in order\n");
        else
            status = run(m);
    }
    *ret_again = m->again && status == 0;
    take_down(m);
    return status;
}

int manager_run(const struct manager_options *options)
{
    bool again = true;
    int status = 0;

    log_set_debug(options->debug);
    while (again)
        status = run_once(options, &again);
    return status;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/cloud.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "examples/localcloud/desk.h"
#include "examples/localcloud/filesvc.h"
#include "examples/localcloud/listeners.h"
#include "examples/localcloud/ota.h"
#include "examples/localcloud/resources.h"
#include "examples/localcloud/sys.h"
#include "examples/localcloud/twecall.h"
#include "libiotclient/base/fdutil.h"

#define FILES_URL_MAX 256

struct cloud {
    const struct config *config;
    const struct cloud_options *options;
    int data_dir; /* -1: none */
    struct cloud_clock clock;
    struct net *net;
    struct journal *journal;
    struct faults *faults;
    struct broker *broker;
    struct store *store;
    struct binds *binds;
    struct thing *thing;
    struct twecall *twecall;
    struct resources *resources;
    struct filesvc *filesvc;
    struct appapi *appapi;
    struct blobs *blobs;
    struct files files;
    struct desk desk;
    struct http *http;
    struct sys_deps sys;
    struct ota *ota;
    struct listeners listeners;
    int http_port;
};

static uint64_t real_ms(const struct cloud_clock *clock)
{
    struct timespec ts;

    (void) clock;
    if (clock_gettime(CLOCK_REALTIME, &ts) < 0)
        return 0;
    return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}

static void on_message(const struct config_device *device, enum topic_kind kind, const char *topic,
                       const uint8_t *payload, size_t len, void *userdata)
{
    struct cloud *c = userdata;

    switch (kind) {
    case TOPIC_KIND_PROPERTY:
    case TOPIC_KIND_EVENT:
    case TOPIC_KIND_ACTION:
    case TOPIC_KIND_SERVICE:
        thing_on_message(c->thing, device, kind, payload, len);
        break;
    case TOPIC_KIND_OTA:
        ota_on_message(c->ota, device, payload, len);
        break;
    case TOPIC_KIND_SYS:
        sys_on_message(&c->sys, device, payload, len);
        break;
    case TOPIC_KIND_TWECALL:
        twecall_on_message(c->twecall, device, payload, len);
        break;
    case TOPIC_KIND_RESOURCE:
        resources_on_message(c->resources, device, payload, len);
        break;
    case TOPIC_KIND_DATA:
        /* Back to the device, if it wants to see its own data. */
        (void) broker_publish(c->broker, device, topic, payload, len, 1);
        break;
    case TOPIC_KIND_OTHER:
    case TOPIC_KIND_NONE:
        break;
    }
}

static const struct broker_events broker_events = {on_message};

static void do_drop(const struct config_device *device, void *userdata)
{
    struct cloud *c = userdata;

    broker_drop(c->broker, device);
}

static void do_changed(void *userdata)
{
    struct cloud *c = userdata;

    broker_faults_changed(c->broker);
    thing_release_replies(c->thing);
}

static void do_garbage(const struct config_device *device, const uint8_t *data, size_t len,
                       bool below_framing, void *userdata)
{
    struct cloud *c = userdata;

    broker_send_garbage(c->broker, device, data, len, below_framing);
}

static void do_oversized(const struct config_device *device, size_t len, bool whole, void *userdata)
{
    struct cloud *c = userdata;

    broker_send_oversized(c->broker, device, len, whole);
}

static void do_refuse_tcp(bool on, void *userdata)
{
    struct cloud *c = userdata;
    int e = on ? listeners_close(&c->listeners, c->http_port) : listeners_open(&c->listeners);

    journal_event(c->journal, "", "fault", "refuse_tcp: %s%s%s",
                  on ? "devices are refused" : "devices are welcome", e < 0 ? ": " : "",
                  e < 0 ? strerror(-e) : "");
}

static const struct faults_ops faults_ops = {do_drop, do_changed, do_garbage, do_oversized,
                                             do_refuse_tcp};

static int open_data_dir(struct cloud *c)
{
    const char *path = c->options->data_dir;

    c->data_dir = -1;
    if (!path)
        return 0;
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return -errno;
    c->data_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return c->data_dir < 0 ? -errno : 0;
}

static int make_services(struct cloud *c)
{
    const struct broker_deps broker_deps = {net_loop(c->net), &c->clock, c->config, c->journal,
                                            c->faults};
    const struct blobs_deps blobs_deps = {&c->clock, c->journal, c->data_dir,
                                          c->config->limits.url_life_s};
    int e;

    e = broker_new(&c->broker, &broker_deps);
    if (e == 0)
        e = blobs_new(&c->blobs, &blobs_deps);
    if (e == 0)
        e = store_new(&c->store, c->config);
    if (e == 0)
        e = binds_new(&c->binds, c->config, &c->clock);
    if (e == 0) {
        const struct thing_deps deps = {net_loop(c->net), faults_clock(c->faults),
                                        c->config,        c->journal,
                                        c->faults,        c->broker,
                                        c->store,         c->binds};

        e = thing_new(&c->thing, &deps);
    }
    if (e == 0) {
        const struct twecall_deps deps = {c->config, faults_clock(c->faults), c->journal, c->faults,
                                          c->thing};

        e = twecall_new(&c->twecall, &deps);
    }
    if (e == 0) {
        const struct resources_deps deps = {c->config, c->journal, c->faults,
                                            c->thing,  c->blobs,   c->data_dir};

        e = resources_new(&c->resources, &deps);
    }
    if (e == 0) {
        const struct filesvc_deps deps = {c->config, c->journal, c->faults,
                                          c->thing,  c->blobs,   c->data_dir};

        e = filesvc_new(&c->filesvc, &deps);
    }
    if (e == 0) {
        const struct ota_deps deps = {net_loop(c->net), &c->clock,  c->config, c->journal,
                                      c->faults,        c->broker,  c->store,  c->thing,
                                      c->blobs,         c->data_dir};

        e = ota_new(&c->ota, &deps);
    }
    if (e == 0) {
        const struct appapi_deps deps = {&c->clock, c->config, c->broker, c->store,
                                         c->thing,  c->binds,  c->blobs,  c->ota};

        e = appapi_new(&c->appapi, &deps);
    }
    return e;
}

int cloud_new(struct cloud **ret_cloud, const struct config *config,
              const struct cloud_options *options)
{
    CLEANUP(cloud_freep) struct cloud *c = calloc(1, sizeof(*c));
    int e;

    if (!c)
        return -ENOMEM;
    c->config = config;
    c->options = options;
    c->clock.real_ms = real_ms;
    e = open_data_dir(c);
    if (e == 0)
        e = net_new(&c->net);
    if (e == 0)
        e = journal_new(&c->journal, &c->clock, stderr, options->verbose);
    if (e == 0)
        e = faults_new(&c->faults, config, net_loop(c->net), &c->clock);
    if (e == 0)
        e = make_services(c);
    if (e == 0)
        e = http_new(&c->http, desk_routes, &c->desk);
    if (e < 0)
        return e;

    c->desk = (struct desk){
        .loop = net_loop(c->net),
        .config = config,
        .broker = c->broker,
        .faults = c->faults,
        .journal = c->journal,
        .appapi = c->appapi,
        .store = c->store,
        .thing = c->thing,
        .binds = c->binds,
        .twecall = c->twecall,
        .dynreg = {config, c->broker, c->journal},
        .files = &c->files,
        .resources = c->resources,
        .filesvc = c->filesvc,
        .ota = c->ota,
    };
    c->files = (struct files){
        .loop = net_loop(c->net), .blobs = c->blobs, .faults = c->faults, .journal = c->journal};
    c->sys = (struct sys_deps){faults_clock(c->faults), c->journal, c->broker};
    broker_set_events(c->broker, &broker_events, c);
    faults_set_ops(c->faults, &faults_ops, c);
    *ret_cloud = TAKE(c);
    return 0;
}

struct cloud *cloud_free(struct cloud *c)
{
    if (!c)
        return NULL;

    if (c->net)
        net_stop(c->net);
    http_free(c->http);
    filesvc_free(c->filesvc);
    resources_free(c->resources);
    twecall_free(c->twecall);
    thing_free(c->thing);
    appapi_free(c->appapi);
    ota_free(c->ota);
    binds_free(c->binds);
    store_free(c->store);
    blobs_free(c->blobs);
    broker_free(c->broker);
    faults_free(c->faults);
    journal_free(c->journal);
    listeners_done(&c->listeners);
    net_free(c->net);
    (void) fd_close(c->data_dir);
    free(c);
    return NULL;
}

/* What URLs of files begin with. */
static int set_files_url(struct cloud *c, const char *address, const struct net_ports *ports)
{
    const char *url = c->options->files_url;
    bool any = strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
    char text[FILES_URL_MAX];

    if (strcmp(url, "https") == 0) /* a certificate names a host */
        (void) snprintf(text, sizeof(text), "https://localhost:%d", ports->https);
    else if (strcmp(url, "http") == 0)
        (void) snprintf(text, sizeof(text),
                        strchr(address, ':') && !any ? "http://[%s]:%d" : "http://%s:%d",
                        any ? "127.0.0.1" : address, ports->http);
    else
        (void) snprintf(text, sizeof(text), "%s", url);
    return blobs_set_base(c->blobs, text);
}

int cloud_listen(struct cloud *c, const char *address, const struct net_ports *ports,
                 const struct net_tls *tls, struct net_ports *ret_ports)
{
    int e = net_listen(c->net, address, ports, tls, c->broker, c->http, ret_ports);

    if (e == 0)
        e = set_files_url(c, address, ret_ports);
    if (e == 0)
        c->http_port = ret_ports->http;
    return e;
}

int cloud_run(struct cloud *c)
{
    return net_run(c->net);
}

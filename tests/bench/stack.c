/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/bench/stack.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/net/ws_lws.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/strbuf.h"
#include "tests/bench/bench.h"

#define CONFIG_CAP (256 * 1024)
#define SECRET "MDEyMzQ1Njc4OWFiY2RlZg=="

struct stack_cloud {
    struct proc *proc;
    char *program, *config;
    char port[16];
    char url[64];
};

static char *write_config(unsigned n_devices)
{
    CLEANUP(freep) char *model = fixture_source_path("examples/smart-light.json");
    CLEANUP(freep) char *text = NULL;
    struct strbuf sb;

    strbuf_init(&sb, CONFIG_CAP);
    strbuf_addf(&sb, "{\"products\":[{\"product_id\":\"%s\",\"model\":", CLOUD_PRODUCT);
    strbuf_add_json(&sb, model);
    strbuf_adds(&sb, ",\"devices\":[");
    for (unsigned i = 0; i < n_devices; i++)
        strbuf_addf(&sb, "%s{\"device_name\":\"bench_%u\",\"secret\":\"" SECRET "\"}", i ? "," : "",
                    i);
    strbuf_adds(&sb, "]}],\"limits\":{\"up_rate\":0}}");
    bench_must(strbuf_finish(&sb, &text), "configuration");
    return fixture_write_file("localcloud.json", 0600, text);
}

void stack_cloud_run(struct stack_cloud *c)
{
    CLEANUP(json_decrefp) json_t *ready = NULL;
    CLEANUP(freep) char *line = NULL;

    c->proc =
        proc_start((const char *const[]){c->program, "--config", c->config, "--ws-port", c->port,
                                         "--tcp-port", "0", "--http-port", "0", NULL});
    line = proc_wait_line(c->proc, PROC_STDOUT, "{");
    ready = json_loads(line, 0, NULL);
    (void) snprintf(c->port, sizeof(c->port), "%lld",
                    (long long) json_integer_value(json_object_get(ready, "ws_port")));
    (void) snprintf(c->url, sizeof(c->url), "ws://127.0.0.1:%s/mqtt", c->port);
}

void stack_cloud_kill(struct stack_cloud *c)
{
    c->proc = proc_kill(c->proc);
}

struct stack_cloud *stack_cloud_start(unsigned n_devices)
{
    struct stack_cloud *c = calloc(1, sizeof(*c));

    if (!c)
        bench_fatal("out of memory");
    c->program = fixture_build_path("iot-localcloud");
    c->config = write_config(n_devices);
    strcpy(c->port, "0");
    stack_cloud_run(c);
    return c;
}

struct stack_cloud *stack_cloud_stop(struct stack_cloud *c)
{
    c->proc = proc_stop(c->proc);
    free(c->program);
    free(c->config);
    free(c);
    return NULL;
}

const char *stack_cloud_url(const struct stack_cloud *c)
{
    return c->url;
}

struct ident *stack_ident_new(unsigned device)
{
    struct ident *id = calloc(1, sizeof(*id));

    if (!id)
        bench_fatal("out of memory");
    strcpy(id->product_id, CLOUD_PRODUCT);
    (void) snprintf(id->device_name, sizeof(id->device_name), "bench_%u", device);
    strcpy(id->region, "china");
    bench_must(secret_new_base64(&id->device_secret, SECRET), "secret");
    return id;
}

struct signer *stack_signer_new(const struct ident *ident)
{
    struct signer *signer;

    bench_must(signer_new_hmac(&signer, HMAC_SHA256, ident->device_secret), "signer");
    return signer;
}

void stack_init_link(struct stack *s, struct loop_lws *loop, const char *url, unsigned device)
{
    struct link_config config = {
        .keepalive_s = 240,
        .connect_interval_us = 5 * USEC_PER_SEC,
        .probe_max_us = 8 * USEC_PER_SEC,
        .backoff_max_us = 60 * USEC_PER_SEC,
    };
    struct transport *transport;
    const char *problem = "";

    *s = (struct stack){.loop = loop, .ident = stack_ident_new(device)};
    config.ident = s->ident;
    s->signer = stack_signer_new(s->ident);
    config.signer = s->signer;
    if (endpoint_parse(&config.endpoint, url, &problem) < 0)
        bench_fatal("%s: %s", url, problem);
    bench_must(link_new(&s->link, loop_lws_base(loop), &config), "link");
    bench_must(ws_lws_new(&transport, loop, NULL, &link_transport_events, s->link), "transport");
    link_set_transport(s->link, transport);
}

static void on_mistake(const char *path, const char *what, void *userdata)
{
    (void) userdata;
    bench_fatal("thing model: %s: %s", path, what);
}

static struct model *load_model(void)
{
    CLEANUP(freep) char *path = fixture_source_path("examples/smart-light.json"), *text = NULL;
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct model *model = NULL;
    size_t len;

    bench_must(fd_read_file(fd, LIMIT_MODEL_FILE, &text, &len), path);
    bench_must(model_parse(&model, text, len, NULL, on_mistake, NULL), path);
    return model;
}

void stack_init_core(struct stack *s, const char *db_name)
{
    const struct core_config config = {
        .report_rate = 5,
        .accept_unowned = true,
        .control_timeout_us = 10 * USEC_PER_SEC,
        .action_timeout_us = 10 * USEC_PER_SEC,
        .events = {.max_events = INT64_MAX, .max_bytes = INT64_MAX, .rate = 0},
    };
    CLEANUP(freep) char *path = fixture_test_path(db_name);
    char moved[DB_MOVED];

    s->model = load_model();
    s->event = &s->model->events[model_find_event(s->model, STACK_EVENT)];
    bench_must(db_open(&s->db, path, moved), path);
    bench_must(
        core_new(&s->core, loop_lws_base(s->loop), s->link, s->ident, s->model, &config, s->db),
        "core");
    completion_set_scope(&s->core->completion, STACK_SCOPE);
}

void stack_done(struct stack *s)
{
    s->core = core_free(s->core);
    s->link = link_free(s->link);
    s->db = db_free(s->db);
    s->model = model_free(s->model);
    s->signer = signer_free(s->signer);
    s->ident = ident_free(s->ident);
}

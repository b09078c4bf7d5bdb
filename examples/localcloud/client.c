/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/client.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "examples/localcloud/app_sign.h"
#include "examples/localcloud/client_target.h"
#include "examples/localcloud/config.h"
#include "examples/localcloud/http_client.h"
#include "examples/localcloud/sign.h"
#include "libiotclient/base/num.h"

#define DEFAULT_PORT 8081
#define TIMEOUT_MS 30000
#define JOURNAL_WAIT_MS 30000
#define USER "desk-user"
/* The app of examples/localcloud.json. */
#define DESK_APP_KEY "deskappkey"
#define DESK_APP_SECRET "desk-only-app-secret"

int client_usage(void)
{
    fputs("usage: iot-localcloud app [--host ADDR] [--http-port N]\n"
          "           [--config FILE | --app-key KEY --app-secret SECRET]\n"
          "           ACTION [Key=text | Key:=JSON]...\n"
          "       iot-localcloud journal [--host ADDR] [--http-port N] [--since N]\n"
          "           [--follow | --until TEXT [--timeout S]]\n"
          "       iot-localcloud state [--host ADDR] [--http-port N]\n"
          "       iot-localcloud fault [--host ADDR] [--http-port N] JSON\n"
          "       iot-localcloud fence [--host ADDR] [--http-port N] JSON\n"
          "       iot-localcloud resource [--host ADDR] [--http-port N]\n"
          "           list DEVICE | send DEVICE FILE [NAME] | retry|remove DEVICE NAME\n"
          "       iot-localcloud file [--host ADDR] [--http-port N]\n"
          "           list DEVICE | send DEVICE FILE [NAME [TYPE [VERSION]]]\n"
          "           | retry|delete DEVICE NAME | asr TEXT\n"
          "       iot-localcloud blob [--host ADDR] [--http-port N] put FILE KEY | url KEY\n"
          "       iot-localcloud firmware [--host ADDR] [--http-port N]\n"
          "           upload FILE | task | status | cancel | retry | remove\n"
          "           [key=text | key:=JSON]...\n",
          stderr);
    return EX_USAGE;
}

static int parse_number(const char *text, uint64_t max, uint64_t *ret_number)
{
    int e = num_parse_u64(text, ret_number);

    return e < 0 || *ret_number > max ? -EINVAL : 0;
}

int client_parse_options(int argc, char **argv, struct target *t)
{
    static const struct option options[] = {
        {"host", required_argument, NULL, 'h'},       {"http-port", required_argument, NULL, 'p'},
        {"config", required_argument, NULL, 'c'},     {"app-key", required_argument, NULL, 'k'},
        {"app-secret", required_argument, NULL, 's'}, {"since", required_argument, NULL, 'n'},
        {"follow", no_argument, NULL, 'f'},           {"until", required_argument, NULL, 'u'},
        {"timeout", required_argument, NULL, 't'},    {0},
    };
    uint64_t number;
    int c;

    *t = (struct target){.host = "127.0.0.1", .port = DEFAULT_PORT, .timeout_s = 10};
    optind = 0; /* GNU: start over, this is not the first command line that is parsed */
    while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        switch (c) {
        case 'h':
            t->host = optarg;
            break;
        case 'p':
            if (parse_number(optarg, 65535, &number) < 0)
                return client_usage();
            t->port = (int) number;
            break;
        case 'c':
            t->config_file = optarg;
            break;
        case 'k':
            t->app_key = optarg;
            break;
        case 's':
            t->app_secret = optarg;
            break;
        case 'n':
            if (parse_number(optarg, INT64_MAX, &t->since) < 0)
                return client_usage();
            break;
        case 'f':
            t->follow = true;
            break;
        case 'u':
            t->until = optarg;
            break;
        case 't':
            if (parse_number(optarg, 3600, &t->timeout_s) < 0)
                return client_usage();
            break;
        default:
            return client_usage();
        }
    }
    return 0;
}

int client_request(const struct target *t, const char *method, const char *path, const char *body,
                   int timeout_ms, int *ret_status, char **ret_body)
{
    const struct http_client_request rq = {t->host, t->port, method, path, body, timeout_ms, NULL};
    int e = http_client_run(&rq, ret_status, ret_body);

    if (e == 0)
        return 0;
    fprintf(stderr, "iot-localcloud: %s:%d: %s\n", t->host, t->port,
            e == -EPROTO ? "the answer is not HTTP" : strerror(-e));
    return e == -EPROTO ? EX_PROTOCOL : EX_UNAVAILABLE;
}

/* Key and secret from the options, else of the first app of the file, else those of the desk. */
static int find_app(struct target *t, struct config **ret_config)
{
    CLEANUP(freep) char *error = NULL;

    if (t->app_key && t->app_secret)
        return 0;
    if (!t->config_file) {
        t->app_key = DESK_APP_KEY;
        t->app_secret = DESK_APP_SECRET;
        return 0;
    }
    if (config_load(ret_config, t->config_file, &error) < 0) {
        fprintf(stderr, "iot-localcloud: %s\n", error ? error : "no memory");
        return EX_CONFIG;
    }
    if ((*ret_config)->n_apps == 0) {
        fprintf(stderr, "iot-localcloud: %s: $.apps: there is no app\n", t->config_file);
        return EX_CONFIG;
    }
    t->app_key = (*ret_config)->apps[0].key;
    t->app_secret = (*ret_config)->apps[0].secret;
    return 0;
}

int client_add_argument(json_t *body, const char *argument)
{
    CLEANUP(freep) char *key = strdup(argument);
    char *equals = key ? strchr(key, '=') : NULL;
    bool is_json = equals && equals > key && equals[-1] == ':';
    json_t *value;

    if (!equals || equals == key) {
        fprintf(stderr, "iot-localcloud: \"%s\" is not Key=text or Key:=JSON\n", argument);
        return EX_USAGE;
    }
    equals[is_json ? -1 : 0] = '\0';
    value = is_json ? json_loads(equals + 1, JSON_DECODE_ANY, NULL) : json_string(equals + 1);
    if (!value || !*key) {
        json_decref(value);
        fprintf(stderr, "iot-localcloud: \"%s\" has no good value\n", argument);
        return EX_USAGE;
    }
    return json_object_set_new(body, key, value) < 0 ? EX_OSERR : 0;
}

/* Sends body; 0 and the Response, or an exit code. */
static int call(const struct target *t, const char *endpoint, const json_t *body,
                json_t **ret_response)
{
    CLEANUP(freep) char *text = json_dumps(body, JSON_COMPACT), *answer = NULL;
    json_t *envelope, *response;
    int status, e;

    if (!text)
        return EX_OSERR;
    e = client_request(t, "POST", endpoint, text, TIMEOUT_MS, &status, &answer);
    if (e != 0)
        return e;
    envelope = json_loads(answer, 0, NULL);
    response = json_incref(json_object_get(envelope, "Response"));
    json_decref(envelope);
    if (status != 200 || !response) {
        json_decref(response);
        fprintf(stderr, "iot-localcloud: HTTP %d: %s\n", status, answer);
        return EX_PROTOCOL;
    }
    *ret_response = response;
    return 0;
}

static int print_response(json_t *response)
{
    CLEANUP(freep) char *text = json_dumps(response, JSON_COMPACT);
    bool failed = json_object_get(response, "Error") != NULL;

    json_decref(response);
    if (!text || puts(text) < 0)
        return EX_OSERR;
    return failed ? 1 : 0;
}

static int sign_body(const struct target *t, json_t *body)
{
    CLEANUP(freep) char *signature = NULL;

    (void) json_object_set_new(body, "AppKey", json_string(t->app_key));
    (void) json_object_set_new(body, "Timestamp", json_integer(time(NULL)));
    (void) json_object_set_new(body, "Nonce", json_integer(1 + time(NULL) % 1000000));
    if (app_sign(body, t->app_secret, &signature) < 0)
        return EX_OSERR;
    return json_object_set_new(body, "Signature", json_string(signature)) < 0 ? EX_OSERR : 0;
}

/* 0 with a token, 1 after the refusal was printed, or an exit code. */
static int login(const struct target *t, char token[128])
{
    json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:s}", "Action", "AppGetTokenByWeiXin",
                             "RequestId", "login", "WxOpenID", USER, "NickName", USER, "Avatar",
                             "http://localhost/avatar.png");
    json_t *response = NULL;
    const char *text;
    int e = sign_body(t, body);

    if (e == 0)
        e = call(t, "/api/exploreropen/appapi", body, &response);
    json_decref(body);
    if (e != 0)
        return e;
    text = json_string_value(json_object_get(json_object_get(response, "Data"), "Token"));
    if (!text)
        return print_response(response);
    (void) snprintf(token, 128, "%s", text);
    json_decref(response);
    return 0;
}

static int run_action(const struct target *t, json_t *body)
{
    const char *action = json_string_value(json_object_get(body, "Action"));
    const char *endpoint = "/api/exploreropen/tokenapi";
    char token[128] = "", request_id[33];
    json_t *response = NULL;
    int e;

    if (sign_random_hex(request_id, 32) < 0)
        return EX_OSERR;
    if (!json_object_get(body, "RequestId"))
        (void) json_object_set_new(body, "RequestId", json_string(request_id));
    if (strcmp(action, "AppGetTokenByWeiXin") == 0) {
        endpoint = "/api/exploreropen/appapi";
        e = sign_body(t, body);
    } else {
        e = json_object_get(body, "AccessToken") ? 0 : login(t, token);
        if (e == 0 && *token)
            (void) json_object_set_new(body, "AccessToken", json_string(token));
    }
    if (e == 0 && (strcmp(action, "AppGetTokenByWeiXin") == 0 || *token ||
                   json_object_get(body, "AccessToken"))) {
        e = call(t, endpoint, body, &response);
        if (e == 0)
            return print_response(response);
    }
    return e;
}

int client_app(int argc, char **argv)
{
    CLEANUP(config_freep) struct config *config = NULL;
    struct target t;
    json_t *body;
    int e = client_parse_options(argc, argv, &t);

    if (e != 0)
        return e;
    if (optind >= argc)
        return client_usage();
    body = json_pack("{s:s}", "Action", argv[optind]);
    for (int i = optind + 1; e == 0 && i < argc; i++)
        e = client_add_argument(body, argv[i]);
    if (e == 0)
        e = find_app(&t, &config);
    if (e == 0)
        e = run_action(&t, body);
    json_decref(body);
    return e;
}

/* One line each; stops after the one that holds until. */
static int print_entries(const json_t *page, const char *until, bool *ret_found)
{
    const json_t *list = json_object_get(page, "entries");

    for (size_t i = 0; i < json_array_size(list) && !*ret_found; i++) {
        CLEANUP(freep) char *line = json_dumps(json_array_get(list, i), JSON_COMPACT);

        if (!line || puts(line) < 0)
            return EX_OSERR;
        *ret_found = until && strstr(line, until);
    }
    return fflush(stdout) < 0 ? EX_OSERR : 0;
}

/* One page; moves since on. */
static int read_journal(struct target *t, uint64_t wait_ms, size_t *ret_n, bool *ret_found)
{
    CLEANUP(freep) char *answer = NULL;
    char path[96];
    json_t *page;
    int status, e;

    (void) snprintf(path, sizeof(path), "/journal?since=%llu&wait_ms=%llu",
                    (unsigned long long) t->since, (unsigned long long) wait_ms);
    e = client_request(t, "GET", path, NULL, TIMEOUT_MS + (int) wait_ms, &status, &answer);
    if (e != 0)
        return e;
    page = json_loads(answer, 0, NULL);
    if (status != 200 || !json_is_integer(json_object_get(page, "next"))) {
        json_decref(page);
        fprintf(stderr, "iot-localcloud: HTTP %d: %s\n", status, answer);
        return EX_PROTOCOL;
    }
    t->since = (uint64_t) json_integer_value(json_object_get(page, "next"));
    *ret_n = json_array_size(json_object_get(page, "entries"));
    e = print_entries(page, t->until, ret_found);
    json_decref(page);
    return e;
}

/* Milliseconds that the next request may wait. */
static uint64_t journal_wait_ms(const struct target *t, const struct timespec *start)
{
    struct timespec now = {0};
    int64_t left;

    if (!t->until)
        return t->follow ? JOURNAL_WAIT_MS : 0;
    (void) clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
    left = (int64_t) t->timeout_s * 1000 - (now.tv_sec - start->tv_sec) * 1000 -
           (now.tv_nsec - start->tv_nsec) / 1000000;
    return left < 0 ? 0 : left < JOURNAL_WAIT_MS ? (uint64_t) left : JOURNAL_WAIT_MS;
}

int client_journal(int argc, char **argv)
{
    struct timespec start = {0};
    bool found = false;
    struct target t;
    size_t n = 0;
    int e = client_parse_options(argc, argv, &t);

    if (e != 0)
        return e;
    if (optind != argc)
        return client_usage();
    (void) clock_gettime(CLOCK_MONOTONIC, &start);
    for (;;) {
        uint64_t wait_ms = journal_wait_ms(&t, &start);

        e = read_journal(&t, wait_ms, &n, &found);
        if (e != 0 || found)
            return e;
        if (n == 0 && wait_ms == 0 && !t.follow)
            return t.until ? EX_TEMPFAIL : 0;
    }
}

int client_print_answer(const struct target *t, const char *method, const char *path,
                        const char *body)
{
    CLEANUP(freep) char *answer = NULL;
    int status, e = client_request(t, method, path, body, TIMEOUT_MS, &status, &answer);

    if (e != 0)
        return e;
    if (puts(answer) < 0)
        return EX_OSERR;
    return status == 200 ? 0 : status == 400 ? EX_DATAERR : EX_PROTOCOL;
}

/* One JSON argument that goes there. */
static int post(int argc, char **argv, const char *path)
{
    struct target t;
    int e = client_parse_options(argc, argv, &t);

    if (e != 0)
        return e;
    if (optind != argc - 1)
        return client_usage();
    return client_print_answer(&t, "POST", path, argv[optind]);
}

int client_fault(int argc, char **argv)
{
    return post(argc, argv, "/fault");
}

int client_fence(int argc, char **argv)
{
    return post(argc, argv, "/fence");
}

int client_state(int argc, char **argv)
{
    struct target t;
    int e = client_parse_options(argc, argv, &t);

    if (e != 0)
        return e;
    if (optind != argc)
        return client_usage();
    return client_print_answer(&t, "GET", "/state", NULL);
}

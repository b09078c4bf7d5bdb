/* SPDX-License-Identifier: GPL-2.0-or-later */
/* iot-localcloud: the vendor's cloud on a desk. Arguments and exit codes only. */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "examples/localcloud/cert.h"
#include "examples/localcloud/client.h"
#include "examples/localcloud/cloud.h"
#include "libiotclient/base/num.h"

static const char help[] =
    "usage: iot-localcloud --config FILE [--ws-port N] [--tcp-port N] [--http-port N]\n"
    "                      [--wss-port N] [--tls-port N] [--https-port N]\n"
    "                      [--cert FILE --key FILE [--ca FILE]]\n"
    "                      [--data-dir DIR] [--files-url http|https|URL]\n"
    "                      [--bind ADDR] [--verbose]\n"
    "       iot-localcloud app|journal|state|fault|fence|resource|file|blob|firmware ...   (as a "
    "client of a "
    "running one)\n"
    "       iot-localcloud --version | --help\n"
    "\n"
    "  --config FILE   products, devices, apps and limits as JSON\n"
    "  --ws-port N     MQTT over WebSocket, 8080; 0 chooses a free one\n"
    "  --tcp-port N    MQTT over TCP, 1883; 0 chooses a free one\n"
    "  --wss-port N    MQTT over WebSocket in TLS, off; 0 chooses a free one\n"
    "  --tls-port N    MQTT over TCP in TLS, off; 0 chooses a free one\n"
    "  --cert FILE     the server's certificate, perhaps with its chain, PEM\n"
    "  --key FILE      its private key, PEM\n"
    "  --ca FILE       client certificates are asked for and must be signed by this one\n"
    "  --require-cert  with --ca: TLS clients without a certificate are refused\n"
    "  --http-port N   application-side API, journal and faults, 8081; 0 chooses a free one\n"
    "  --data-dir DIR  keeps files, firmware and its tasks there; otherwise they are forgotten\n"
    "  --files-url U   what URLs of files begin with: http, https (our own port), or a URL\n"
    "  --bind ADDR     address of all ports, 127.0.0.1\n"
    "  --verbose       show every message on stderr\n"
    "\n"
    "Prints one JSON line with the ports when it is ready.\n";

struct arguments {
    const char *config;
    const char *bind;
    struct net_ports ports;
    struct net_tls tls;
    struct cloud_options cloud;
};

static const struct {
    const char *name;
    int (*fn)(int argc, char **argv);
} commands[] = {
    {"app", client_app},     {"journal", client_journal}, {"state", client_state},
    {"fault", client_fault}, {"fence", client_fence},     {"resource", client_resource},
    {"file", client_file},   {"blob", client_blob},       {"firmware", client_firmware},
};

static int parse_port(const char *text, int *ret_port)
{
    uint64_t port;

    if (num_parse_u64(text, &port) < 0 || port > 65535) {
        fprintf(stderr, "iot-localcloud: \"%s\" is not a port\n", text);
        return EX_USAGE;
    }
    *ret_port = (int) port;
    return 0;
}

/* One option; EX_USAGE when its value is no good, -1 when it is another's. */
static int parse_tls_option(int c, struct arguments *a)
{
    switch (c) {
    case 'W':
        return parse_port(optarg, &a->ports.wss);
    case 'T':
        return parse_port(optarg, &a->ports.tls);
    case 'H':
        return parse_port(optarg, &a->ports.https);
    case 'C':
        a->tls.cert = optarg;
        return 0;
    case 'k':
        a->tls.key = optarg;
        return 0;
    case 'a':
        a->tls.ca = optarg;
        return 0;
    case 'r':
        a->tls.require_cert = true;
        return 0;
    default:
        return -1;
    }
}

static int check_tls(const struct arguments *a)
{
    bool wanted = a->ports.wss >= 0 || a->ports.tls >= 0 || a->ports.https >= 0;
    const char *problem = NULL;

    if (strcmp(a->cloud.files_url, "https") == 0 && a->ports.https < 0)
        problem = "--files-url https needs --https-port";
    else if (wanted && !(a->tls.cert && a->tls.key))
        problem = "--wss-port, --tls-port and --https-port need --cert and --key";
    else if (a->tls.require_cert && !a->tls.ca)
        problem = "--require-cert needs --ca";
    else if (wanted)
        problem = cert_check_files(a->tls.cert, a->tls.key, a->tls.ca);
    if (problem)
        fprintf(stderr, "iot-localcloud: %s\n", problem);
    return problem ? EX_USAGE : 0;
}

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"ws-port", required_argument, NULL, 'w'},
    {"tcp-port", required_argument, NULL, 't'},
    {"http-port", required_argument, NULL, 'p'},
    {"wss-port", required_argument, NULL, 'W'},
    {"tls-port", required_argument, NULL, 'T'},
    {"https-port", required_argument, NULL, 'H'},
    {"cert", required_argument, NULL, 'C'},
    {"key", required_argument, NULL, 'k'},
    {"ca", required_argument, NULL, 'a'},
    {"require-cert", no_argument, NULL, 'r'},
    {"data-dir", required_argument, NULL, 'd'},
    {"files-url", required_argument, NULL, 'u'},
    {"bind", required_argument, NULL, 'b'},
    {"verbose", no_argument, NULL, 'v'},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

/* 0 to go on; otherwise *ret_exit is the exit code. */
static bool parse_arguments(int argc, char **argv, struct arguments *a, int *ret_exit)
{
    int c, e = 0;

    while (e == 0 && (c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            a->config = optarg;
            break;
        case 'w':
            e = parse_port(optarg, &a->ports.ws);
            break;
        case 't':
            e = parse_port(optarg, &a->ports.tcp);
            break;
        case 'p':
            e = parse_port(optarg, &a->ports.http);
            break;
        case 'b':
            a->bind = optarg;
            break;
        case 'd':
            a->cloud.data_dir = optarg;
            break;
        case 'u':
            a->cloud.files_url = optarg;
            break;
        case 'v':
            a->cloud.verbose = true;
            break;
        case 'V':
            puts("iot-localcloud " PACKAGE_VERSION);
            *ret_exit = 0;
            return false;
        case 'h':
            fputs(help, stdout);
            *ret_exit = 0;
            return false;
        default:
            e = parse_tls_option(c, a) == 0 ? 0 : EX_USAGE;
        }
    }
    if (e == 0 && (optind != argc || !a->config)) {
        fputs(help, stderr);
        e = EX_USAGE;
    }
    if (e == 0)
        e = check_tls(a);
    *ret_exit = e;
    return e == 0;
}

static void block_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    (void) sigprocmask(SIG_BLOCK, &set, NULL); /* cannot fail with these arguments */
    (void) signal(SIGPIPE, SIG_IGN);
}

static int serve(const struct arguments *a)
{
    CLEANUP(config_freep) struct config *config = NULL;
    CLEANUP(cloud_freep) struct cloud *cloud = NULL;
    CLEANUP(freep) char *error = NULL;
    struct net_ports ports;
    int e = config_load(&config, a->config, &error);

    if (e < 0) {
        fprintf(stderr, "iot-localcloud: %s\n", error ? error : strerror(-e));
        return e == -ENOENT || e == -EACCES ? EX_NOINPUT : EX_CONFIG;
    }
    block_signals();
    e = cloud_new(&cloud, config, &a->cloud);
    if (e < 0) {
        fprintf(stderr, "iot-localcloud: cannot start: %s\n", strerror(-e));
        return EX_OSERR;
    }
    e = cloud_listen(cloud, a->bind, &a->ports, &a->tls, &ports);
    if (e < 0) {
        fprintf(stderr, "iot-localcloud: cannot listen on %s: %s\n", a->bind, strerror(-e));
        return EX_UNAVAILABLE;
    }
    printf("{\"ready\":true,\"ws_port\":%d,\"tcp_port\":%d,\"http_port\":%d", ports.ws, ports.tcp,
           ports.http);
    if (ports.wss >= 0)
        printf(",\"wss_port\":%d", ports.wss);
    if (ports.tls >= 0)
        printf(",\"tls_port\":%d", ports.tls);
    if (ports.https >= 0)
        printf(",\"https_port\":%d", ports.https);
    puts("}");
    if (fflush(stdout) != 0)
        return EX_IOERR;

    e = cloud_run(cloud);
    if (e < 0)
        fprintf(stderr, "iot-localcloud: %s\n", strerror(-e));
    return e < 0 ? EX_OSERR : 0;
}

int main(int argc, char **argv)
{
    struct arguments a = {.bind = "127.0.0.1",
                          .ports = {8080, 1883, 8081, -1, -1, -1},
                          .cloud = {.files_url = "http"}};
    int code;

    for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(commands); i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].fn(argc - 1, argv + 1);
    }
    return parse_arguments(argc, argv, &a, &code) ? serve(&a) : code;
}

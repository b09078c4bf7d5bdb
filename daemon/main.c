/* SPDX-License-Identifier: GPL-2.0-or-later */
/* iotd: arguments and exit status; everything else is in manager.c. */

#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

#include "daemon/conf/conf.h"
#include "daemon/manager.h"
#include "daemon/sys/privs.h"

static const char usage_text[] =
    "Usage: iotd [OPTION]...\n"
    "The device agent: one cloud identity for the programs of this machine.\n"
    "\n"
    "  --config FILE       settings (" IOTD_SYSCONFDIR "/iotd/iotd.conf)\n"
    "  --credentials FILE  device_info.json (" IOTD_SYSCONFDIR "/iotd/device_info.json)\n"
    "  --model FILE        thing model, the console's JSON (" IOTD_SYSCONFDIR "/iotd/model.json)\n"
    "  --state-dir DIR     what has to survive a restart (" IOTD_STATEDIR "/iotd)\n"
    "  --bus BUS           system (default), session, or the address of a bus\n"
    "  --endpoint URL      the cloud: ws://host[:port][/path], mqtt://host[:port]\n"
    "  --check             read settings, credentials and model, tell the mistakes, and end\n"
    "  --debug AREAS       log more of these areas: comma-separated names, * for all\n"
    "  --print-config      print the settings file with all defaults, and end\n"
    "  --version, --help\n";

static int print_config(void)
{
    CLEANUP(freep) char *text = NULL;

    if (conf_print_defaults(&text) < 0)
        return EX_OSERR;
    return fputs(text, stdout) < 0 || fflush(stdout) != 0 ? EX_IOERR : EX_OK;
}

int main(int argc, char **argv)
{
    enum {
        CONFIG = 1,
        CREDENTIALS,
        MODEL,
        STATE_DIR,
        BUS,
        ENDPOINT,
        CHECK,
        DEBUG,
        PRINT,
        OPT_VERSION,
        HELP
    };
    static const struct option long_options[] = {
        {"config", required_argument, NULL, CONFIG},
        {"credentials", required_argument, NULL, CREDENTIALS},
        {"model", required_argument, NULL, MODEL},
        {"state-dir", required_argument, NULL, STATE_DIR},
        {"bus", required_argument, NULL, BUS},
        {"endpoint", required_argument, NULL, ENDPOINT},
        {"check", no_argument, NULL, CHECK},
        {"debug", required_argument, NULL, DEBUG},
        {"print-config", no_argument, NULL, PRINT},
        {"version", no_argument, NULL, OPT_VERSION},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    struct manager_options o = {0};
    int c;

    privs_drop();
    while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (c) {
        case CONFIG:
            o.config = optarg;
            break;
        case CREDENTIALS:
            o.credentials = optarg;
            break;
        case MODEL:
            o.model = optarg;
            break;
        case STATE_DIR:
            o.state_dir = optarg;
            break;
        case BUS:
            o.bus = optarg;
            break;
        case ENDPOINT:
            o.endpoint = optarg;
            break;
        case CHECK:
            o.check = true;
            break;
        case DEBUG:
            o.debug = optarg;
            break;
        case PRINT:
            return print_config();
        case OPT_VERSION:
            printf("iotd " PACKAGE_VERSION "\n");
            return EX_OK;
        case HELP:
            fputs(usage_text, stdout);
            return EX_OK;
        default:
            fputs("Try 'iotd --help'.\n", stderr);
            return EX_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "iotd: unexpected argument \"%s\"\nTry 'iotd --help'.\n", argv[optind]);
        return EX_USAGE;
    }
    return manager_run(&o);
}

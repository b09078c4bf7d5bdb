/* SPDX-License-Identifier: GPL-2.0-or-later */
/* iotd: arguments and exit status; everything else is in manager.c. */

#include <getopt.h>
#include <stdbool.h>
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
    "  --model FILE        thing model, the console's JSON (" IOTD_SYSCONFDIR "/iotd/model.json);\n"
    "                      \"\": none, programs define it\n"
    "  --state-dir DIR     what has to survive a restart (" IOTD_STATEDIR "/iotd)\n"
    "  --bus BUS           system (default), session, or the address of a bus\n"
    "  --endpoint URL      the cloud: ws[s]://host[:port][/path], mqtt[s]://host[:port]\n"
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

enum option_id {
    OPTION_CONFIG = 1,
    OPTION_CREDENTIALS,
    OPTION_MODEL,
    OPTION_STATE_DIR,
    OPTION_BUS,
    OPTION_ENDPOINT,
    OPTION_CHECK,
    OPTION_DEBUG,
    OPTION_PRINT,
    OPTION_VERSION,
    OPTION_HELP
};

/* One option of the command line; false to end with *ret_exit. */
static bool take_option(int c, struct manager_options *o, int *ret_exit)
{
    switch (c) {
    case OPTION_CONFIG:
        o->config = optarg;
        return true;
    case OPTION_CREDENTIALS:
        o->credentials = optarg;
        return true;
    case OPTION_MODEL:
        o->model = optarg;
        return true;
    case OPTION_STATE_DIR:
        o->state_dir = optarg;
        return true;
    case OPTION_BUS:
        o->bus = optarg;
        return true;
    case OPTION_ENDPOINT:
        o->endpoint = optarg;
        return true;
    case OPTION_CHECK:
        o->check = true;
        return true;
    case OPTION_DEBUG:
        o->debug = optarg;
        return true;
    case OPTION_PRINT:
        *ret_exit = print_config();
        return false;
    case OPTION_VERSION:
        printf("iotd " PACKAGE_VERSION "\n");
        *ret_exit = EX_OK;
        return false;
    case OPTION_HELP:
        fputs(usage_text, stdout);
        *ret_exit = EX_OK;
        return false;
    default:
        fputs("Try 'iotd --help'.\n", stderr);
        *ret_exit = EX_USAGE;
        return false;
    }
}

int main(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"config", required_argument, NULL, OPTION_CONFIG},
        {"credentials", required_argument, NULL, OPTION_CREDENTIALS},
        {"model", required_argument, NULL, OPTION_MODEL},
        {"state-dir", required_argument, NULL, OPTION_STATE_DIR},
        {"bus", required_argument, NULL, OPTION_BUS},
        {"endpoint", required_argument, NULL, OPTION_ENDPOINT},
        {"check", no_argument, NULL, OPTION_CHECK},
        {"debug", required_argument, NULL, OPTION_DEBUG},
        {"print-config", no_argument, NULL, OPTION_PRINT},
        {"version", no_argument, NULL, OPTION_VERSION},
        {"help", no_argument, NULL, OPTION_HELP},
        {NULL, 0, NULL, 0},
    };
    struct manager_options o = {0};
    int c, status;

    privs_drop();
    while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (!take_option(c, &o, &status))
            return status;
    }
    if (optind < argc) {
        fprintf(stderr, "iotd: unexpected argument \"%s\"\nTry 'iotd --help'.\n", argv[optind]);
        return EX_USAGE;
    }
    return manager_run(&o);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of iotctl: options, the table of commands. */

#include "libiotclient/iotctl.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "libiotclient/base/num.h"

#define DEFAULT_TIMEOUT_MS 25000
#define MAX_TIMEOUT_S 3600 /* own choice */

static const struct ctl_command commands[] = {
    {"status", "", "the link, the identity, the queue, who serves what", 0, 0, 0, ctl_status},
    {"get", "[ID...]", "newest values and their age", 0, INT16_MAX, 0, ctl_get},
    {"report", "ID=VALUE... | ID:=JSON...", "report values and wait for the cloud", 1, INT16_MAX,
     CTL_OPTION_NO_WAIT, ctl_report},
    {"event", "ID [KEY=VALUE... | KEY:=JSON...]", "post an event and wait for the cloud", 1,
     INT16_MAX, CTL_OPTION_NO_WAIT, ctl_event},
    {"events", "JSON", "post several events in one message and wait for the cloud", 1, 1,
     CTL_OPTION_NO_WAIT, ctl_events},
    {"set", "ID=VALUE... | ID:=JSON...", "control the device as the cloud does, without it", 1,
     INT16_MAX, 0, ctl_set},
    {"action", "call ID [KEY=VALUE... | KEY:=JSON...]",
     "call an action as the cloud does, without it", 2, INT16_MAX, 0, ctl_action},
    {"watch", "[ID...]", "print values as they change", 0, INT16_MAX, CTL_OPTION_COUNT, ctl_watch},
    {"controls", "[ID...]", "print what the cloud wants of ids that no program serves", 0,
     INT16_MAX, CTL_OPTION_COUNT, ctl_controls},
    {"info", "[NAME=TEXT...]", "print, or change, the basic information told to the cloud", 0,
     INT16_MAX, 0, ctl_info},
    {"monitor", "", "print each message of the link as it travels", 0, 0, CTL_OPTION_COUNT,
     ctl_monitor},
    {"access", "test USER VERB [ID]", "whether a user may do that, and which rule says so", 3, 4,
     CTL_OPTION_EXE, ctl_access},
    {"notices", "",
     "print what users and the cloud tell of the device: bound, unbound, fence alarms", 0, 0,
     CTL_OPTION_COUNT, ctl_notices},
    {"bind-signature", "", "sign for an app that wants to bind the device", 0, 0,
     CTL_OPTION_BINDING, ctl_bind_signature},
    {"bind-token", "TOKEN", "hand the token of an app that pairs the device to the cloud", 1, 1, 0,
     ctl_bind_token},
    {"unbind", "", "end the binding of the device", 0, 0, 0, ctl_unbind},
    {"call", "ticket|activate|state MODEL APP [PACKAGE]",
     "what the device needs of the cloud to call WeChat", 3, 4, 0, ctl_twecall},
    {"firmware", "status | offer | confirm | postpone | refuse | install",
     "the firmware update: what it does, yes, later, no; or one from a file", 1, 4,
     CTL_OPTION_NO_WAIT, ctl_firmware},
    {"file", "list | get NAME [FILE] | put FILE [NAME [VERSION [TYPE]]] | delete NAME",
     "files that users exchange with the device", 1, 5, CTL_OPTION_NO_WAIT, ctl_file},
    {"resource", "list | get NAME [FILE] | put FILE [NAME] | delete NAME | check",
     "resources that the maker exchanges with devices", 1, 3, CTL_OPTION_NO_WAIT, ctl_resource},
    {"connect", "", "switch the link on, try at once", 0, 0, 0, ctl_connect},
    {"disconnect", "", "switch the link off", 0, 0, 0, ctl_disconnect},
    {"provision", "", "give the device its credentials", 0, 0, CTL_OPTION_PROVISION, ctl_provision},
#ifdef IOTCTL_MODEL
    {"model", "check FILE [RELEASED]", "check a thing model; needs no iotd", 2, 3, CTL_LOCAL,
     ctl_model},
#endif
    {"reload", "", "make iotd read its settings again", 0, 0, 0, ctl_reload},
};

enum {
    OPT_BUS = 256,
    OPT_CONN_ID,
    OPT_COUNT,
    OPT_CSV,
    OPT_DEVICE,
    OPT_EXE,
    OPT_FILE,
    OPT_HELP,
    OPT_JSON,
    OPT_KIND,
    OPT_LINE,
    OPT_METHOD,
    OPT_NO_WAIT,
    OPT_PRODUCT,
    OPT_PRODUCT_SECRET_FILE,
    OPT_REGION,
    OPT_TIMEOUT,
    OPT_VERSION,
};

static const struct option options[] = {
    {"bus", required_argument, NULL, OPT_BUS},
    {"conn-id", required_argument, NULL, OPT_CONN_ID},
    {"count", required_argument, NULL, OPT_COUNT},
    {"csv", required_argument, NULL, OPT_CSV},
    {"device", required_argument, NULL, OPT_DEVICE},
    {"exe", required_argument, NULL, OPT_EXE},
    {"file", required_argument, NULL, OPT_FILE},
    {"help", no_argument, NULL, OPT_HELP},
    {"json", no_argument, NULL, OPT_JSON},
    {"kind", required_argument, NULL, OPT_KIND},
    {"line", required_argument, NULL, OPT_LINE},
    {"method", required_argument, NULL, OPT_METHOD},
    {"no-wait", no_argument, NULL, OPT_NO_WAIT},
    {"product", required_argument, NULL, OPT_PRODUCT},
    {"product-secret-file", required_argument, NULL, OPT_PRODUCT_SECRET_FILE},
    {"region", required_argument, NULL, OPT_REGION},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static int print_help(void)
{
    printf("Usage: iotctl [OPTION...] COMMAND\n\nCommands:\n");
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        const struct ctl_command *c = &commands[i];
        int width = (int) strlen(c->name) + 1 + (int) strlen(c->arguments);

        printf("  %s %s%*s%s\n", c->name, c->arguments, width < 41 ? 42 - width : 2, "", c->help);
    }
    printf("\nOptions:\n"
           "  --bus system|session|ADDRESS  where iotd is (system)\n"
           "  --json                        output for programs\n"
           "  --timeout S                   how long to wait for an answer (25)\n"
           "  --no-wait                     report, event: do not wait for the cloud;\n"
           "                                firmware, file, resource: nor for the end\n"
           "  --count N                     watch, monitor, notices: end after N lines\n"
           "  --exe PATH                    access: of a program with that executable\n"
           "  --file FILE                   provision: the vendor's device_info.json\n"
           "  --csv FILE [--line N]         provision: a device of the console's batch file\n"
           "  --product ID --device NAME --product-secret-file FILE\n"
           "                                provision: the device registers itself\n"
           "  --region REGION               provision: china, us-east, europe, ap-bangkok\n"
           "  --kind wifi|bluetooth|other --conn-id ID --method hmacsha1|hmacsha256\n"
           "                                bind-signature: for which pairing, the app's text\n"
           "  --help, --version\n"
           "\nExit status: 0 done, 1 refused or failed, 64 usage, 69 iotd is not reached.\n");
    return CTL_OK;
}

static int usage(const char *what, const char *argument)
{
    fprintf(stderr, "iotctl: %s%s%s; see iotctl --help\n", what, argument ? ": " : "",
            argument ? argument : "");
    return CTL_USAGE;
}

static int parse_number(const char *text, uint64_t max, uint64_t *ret_value)
{
    uint64_t value;

    if (num_parse_u64(text, &value) < 0 || value < 1 || value > max)
        return -1;
    *ret_value = value;
    return 0;
}

/* An option of one command that is a text. */
static bool take_text(struct ctl *ctl, int c, unsigned *ret_used)
{
    struct ctl_provision *p = &ctl->provision;
    struct ctl_binding *b = &ctl->binding;
    const struct {
        int c;
        unsigned option;
        const char **text;
    } texts[] = {
        {OPT_CONN_ID, CTL_OPTION_BINDING, &b->conn_id},
        {OPT_CSV, CTL_OPTION_PROVISION, &p->csv},
        {OPT_DEVICE, CTL_OPTION_PROVISION, &p->device},
        {OPT_FILE, CTL_OPTION_PROVISION, &p->file},
        {OPT_KIND, CTL_OPTION_BINDING, &b->kind},
        {OPT_METHOD, CTL_OPTION_BINDING, &b->method},
        {OPT_PRODUCT, CTL_OPTION_PROVISION, &p->product},
        {OPT_PRODUCT_SECRET_FILE, CTL_OPTION_PROVISION, &p->product_secret_file},
        {OPT_REGION, CTL_OPTION_PROVISION, &p->region},
    };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (texts[i].c != c)
            continue;
        *texts[i].text = optarg;
        *ret_used |= texts[i].option;
        return true;
    }
    return false;
}

/* CTL_OK, CTL_USAGE, or -1 when all is said and done. */
static int parse_options(struct ctl *ctl, unsigned *ret_used, int argc, char **argv)
{
    uint64_t value;
    int c;

    opterr = 0;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case OPT_BUS:
            ctl->bus_name = optarg;
            break;
        case OPT_COUNT:
            if (parse_number(optarg, UINT32_MAX, &ctl->count) < 0)
                return usage("--count wants a number from 1", optarg);
            *ret_used |= CTL_OPTION_COUNT;
            break;
        case OPT_EXE:
            ctl->exe = optarg;
            *ret_used |= CTL_OPTION_EXE;
            break;
        case OPT_HELP:
            (void) print_help();
            return -1;
        case OPT_JSON:
            ctl->json = true;
            break;
        case OPT_LINE:
            if (parse_number(optarg, UINT32_MAX, &ctl->provision.line) < 0)
                return usage("--line wants a number from 1", optarg);
            *ret_used |= CTL_OPTION_PROVISION;
            break;
        case OPT_NO_WAIT:
            ctl->no_wait = true;
            *ret_used |= CTL_OPTION_NO_WAIT;
            break;
        case OPT_TIMEOUT:
            if (parse_number(optarg, MAX_TIMEOUT_S, &value) < 0)
                return usage("--timeout wants 1 to 3600 seconds", optarg);
            ctl->timeout_ms = (int) value * 1000;
            ctl->has_timeout = true;
            break;
        case OPT_VERSION:
            printf("iotctl %s\n", PACKAGE_VERSION);
            return -1;
        default:
            if (take_text(ctl, c, ret_used))
                break;
            return usage("no such option, or it wants a value", argv[optind - 1]);
        }
    }
    return CTL_OK;
}

static const struct ctl_command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static int run(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv)
{
    int r;

    r = command->run == ctl_provision  ? ctl_check_provision(ctl)
        : command->run == ctl_access   ? ctl_check_access(argv)
        : command->run == ctl_firmware ? ctl_check_firmware(ctl, argc, argv)
        : command->run == ctl_twecall  ? ctl_check_call(argc, argv)
        : command->run == ctl_file     ? ctl_check_file(ctl, false, argc, argv)
        : command->run == ctl_resource ? ctl_check_file(ctl, true, argc, argv)
                                       : CTL_OK;
    if (r != CTL_OK)
        return r;
    r = command->options & CTL_LOCAL ? CTL_OK : ctl_open(ctl);
    if (r == CTL_OK)
        r = command->run(ctl, argc, argv);
    ctl_close(ctl);
    if (r == CTL_OK && (fflush(stdout) != 0 || ferror(stdout))) {
        fprintf(stderr, "iotctl: cannot write the output\n");
        r = CTL_FAILED;
    }
    return r;
}

int main(int argc, char **argv)
{
    struct ctl ctl = {.bus_name = "system", .timeout_ms = DEFAULT_TIMEOUT_MS};
    const struct ctl_command *command;
    unsigned used = 0;
    int r;

    r = parse_options(&ctl, &used, argc, argv);
    if (r != CTL_OK)
        return r < 0 ? CTL_OK : r;
    argc -= optind;
    argv += optind;
    if (argc < 1)
        return usage("a command is missing", NULL);
    command = find_command(argv[0]);
    if (!command)
        return usage("no such command", argv[0]);
    argc--;
    argv++;
    if (argc < command->min_args)
        return usage("missing argument", command->arguments);
    if (argc > command->max_args)
        return usage("too many arguments", argv[command->max_args]);
    if (used & ~command->options)
        return usage("an option is not of this command", command->name);
    return run(&ctl, command, argc, argv);
}

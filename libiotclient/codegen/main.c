/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of iotc-codegen. */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/codegen/file.h"
#include "libiotclient/codegen/names.h"
#include "libiotclient/codegen/output.h"

#define MAX_NAME 100                                /* own choice: bytes of the name of a file */
#define MAX_OUTPUT ((size_t) 64 * LIMIT_MODEL_FILE) /* above what a model makes */

struct job {
    const char *model;
    const char *output; /* directory */
    const char *name;
    const char *prefix;
    const char *depfile; /* NULL: none */
};

enum {
    OPT_DEPFILE = 256,
    OPT_HELP,
    OPT_NAME,
    OPT_OUTPUT,
    OPT_PREFIX,
    OPT_VERSION,
};

static const struct option options[] = {
    {"depfile", required_argument, NULL, OPT_DEPFILE},
    {"help", no_argument, NULL, OPT_HELP},
    {"name", required_argument, NULL, OPT_NAME},
    {"output", required_argument, NULL, OPT_OUTPUT},
    {"prefix", required_argument, NULL, OPT_PREFIX},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static void print_help(void)
{
    printf("Usage: iotc-codegen [OPTION...] MODEL.json\n\n"
           "Writes NAME.h and NAME.c: typed access to the thing model over libiotclient.\n\n"
           "  --name NAME     of the files (that of MODEL without .json)\n"
           "  --prefix P      of everything in them (NAME, with _ for what C does not know)\n"
           "  --output DIR    where they go (.)\n"
           "  --depfile F     write a rule for make and ninja: what the files depend on\n"
           "  --help, --version\n"
           "\nExit status: 0 done, 64 usage, 65 mistakes in the model, 66 no model, 71 no memory,\n"
           "73 the files cannot be written.\n");
}

static int usage(const char *what, const char *argument)
{
    fprintf(stderr, "iotc-codegen: %s%s%s; see iotc-codegen --help\n", what, argument ? ": " : "",
            argument ? argument : "");
    return EX_USAGE;
}

static int fail(int status, const char *path, int error)
{
    fprintf(stderr, "iotc-codegen: %s: %s\n", path, strerror(-error));
    return status;
}

/* EX_OK, EX_USAGE, or -1 when all is said and done. */
static int parse_options(struct job *job, int argc, char **argv)
{
    int c;

    opterr = 0;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case OPT_DEPFILE:
            job->depfile = optarg;
            break;
        case OPT_HELP:
            print_help();
            return -1;
        case OPT_NAME:
            job->name = optarg;
            break;
        case OPT_OUTPUT:
            job->output = optarg;
            break;
        case OPT_PREFIX:
            job->prefix = optarg;
            break;
        case OPT_VERSION:
            printf("iotc-codegen %s\n", PACKAGE_VERSION);
            return -1;
        default:
            return usage("no such option, or it wants a value", argv[optind - 1]);
        }
    }
    if (argc - optind != 1)
        return usage(argc == optind ? "the model is missing" : "more than one model", NULL);
    job->model = argv[optind];
    return EX_OK;
}

/* It stands in an #include, and behind a directory. */
static bool is_file_name(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t len = strlen(name);

    return len > 0 && len <= MAX_NAME && strspn(name, allowed) == len && *name != '.' &&
           *name != '-';
}

static char *name_of_model(struct pool *pool, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = pool_printf(pool, "%s", slash ? slash + 1 : path);
    size_t len = name ? strlen(name) : 0;

    if (len > 5 && strcmp(name + len - 5, ".json") == 0)
        name[len - 5] = '\0';
    return name;
}

/* What the command line leaves open. */
static int complete_job(struct job *job, struct pool *pool)
{
    if (!job->name)
        job->name = name_of_model(pool, job->model);
    if (!job->name)
        return EX_OSERR;
    if (!is_file_name(job->name))
        return usage("--name wants letters, digits, _ . - and no path", job->name);
    if (!job->prefix)
        job->prefix = cg_name_prefix(pool, job->name);
    if (!job->prefix)
        return EX_OSERR;
    if (!cg_name_is_prefix(job->prefix))
        return usage("--prefix wants an identifier of C without iotc in front and double "
                     "underscores",
                     job->prefix);
    return EX_OK;
}

static void on_mistake(const char *path, const char *text, void *userdata)
{
    const struct job *job = userdata;

    fprintf(stderr, "iotc-codegen: %s: %s%s%s\n", job->model, path, *path ? ": " : "", text);
}

/* As make and ninja read it. */
static void add_path(struct strbuf *sb, const char *path)
{
    for (; *path; path++) {
        if (*path == ' ' || *path == '#' || *path == '\\')
            strbuf_addc(sb, '\\');
        if (*path == '$')
            strbuf_addc(sb, '$');
        strbuf_addc(sb, *path);
    }
}

/* The last line keeps make going when the model has moved. */
static int write_depfile(const struct job *job, const char *header, const char *source)
{
    CLEANUP(freep) char *text = NULL;
    struct strbuf sb;
    int r;

    strbuf_init(&sb, MAX_OUTPUT);
    add_path(&sb, source);
    strbuf_addc(&sb, ' ');
    add_path(&sb, header);
    strbuf_adds(&sb, ": ");
    add_path(&sb, job->model);
    strbuf_adds(&sb, "\n\n");
    add_path(&sb, job->model);
    strbuf_adds(&sb, ":\n");
    r = strbuf_finish(&sb, &text);
    return r < 0 ? r : file_write(job->depfile, text);
}

typedef void (*output_fn)(struct strbuf *sb, const struct cg_model *m, const char *name);

static int make_text(char **ret_text, const struct cg_model *m, const char *name, output_fn fn)
{
    struct strbuf sb;

    strbuf_init(&sb, MAX_OUTPUT);
    fn(&sb, m, name);
    return strbuf_finish(&sb, ret_text);
}

static char *path_of(struct pool *pool, const struct job *job, const char *suffix)
{
    return strcmp(job->output, ".") == 0
               ? pool_printf(pool, "%s%s", job->name, suffix)
               : pool_printf(pool, "%s/%s%s", job->output, job->name, suffix);
}

static int write_files(const struct job *job, struct cg_model *m)
{
    CLEANUP(freep) char *header = NULL;
    CLEANUP(freep) char *source = NULL;
    const char *header_path = path_of(&m->pool, job, ".h");
    const char *source_path = path_of(&m->pool, job, ".c");
    int r = header_path && source_path ? 0 : -ENOMEM;

    if (r >= 0)
        r = make_text(&header, m, job->name, output_header);
    if (r >= 0)
        r = make_text(&source, m, job->name, output_source);
    if (r < 0)
        return fail(EX_OSERR, job->model, r);
    r = file_write(header_path, header);
    if (r < 0)
        return fail(EX_CANTCREAT, header_path, r);
    r = file_write(source_path, source);
    if (r < 0)
        return fail(EX_CANTCREAT, source_path, r);
    r = job->depfile ? write_depfile(job, header_path, source_path) : 0;
    return r < 0 ? fail(EX_CANTCREAT, job->depfile, r) : EX_OK;
}

static int run(const struct job *job)
{
    CLEANUP(cg_model_freep) struct cg_model *m = NULL;
    CLEANUP(freep) char *text = NULL;
    struct job *userdata = (struct job *) (uintptr_t) job; /* read only there, too */
    size_t len;
    int r;

    r = file_read(job->model, LIMIT_MODEL_FILE, &text, &len);
    if (r == -ENOMEM)
        return fail(EX_OSERR, job->model, r);
    if (r < 0)
        return fail(EX_NOINPUT, job->model, r);
    r = cg_model_parse(&m, text, len, on_mistake, userdata);
    if (r == -EINVAL)
        return EX_DATAERR;
    if (r >= 0)
        r = cg_names_assign(m, job->prefix);
    return r < 0 ? fail(EX_OSERR, job->model, r) : write_files(job, m);
}

int main(int argc, char **argv)
{
    CLEANUP(pool_done) struct pool pool = {NULL};
    struct job job = {.output = "."};
    int r = parse_options(&job, argc, argv);

    if (r != EX_OK)
        return r < 0 ? EX_OK : r;
    r = complete_job(&job, &pool);
    if (r == EX_OSERR)
        fputs("iotc-codegen: out of memory\n", stderr);
    return r == EX_OK ? run(&job) : r;
}

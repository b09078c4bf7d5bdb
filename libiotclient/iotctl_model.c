/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* iotctl model check: the daemon's own reader of thing models, on a file. Needs no iotd. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cloud/model.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/iotctl.h"

/* What is said about one file; as lines, or collected for the one JSON object. */
struct findings {
    struct ctl *ctl;
    const char *file;
    const char *kind; /* "" or "warning: " before the line */
    struct strbuf *json;
    unsigned n;
};

static void on_finding(const char *path, const char *what, void *userdata)
{
    struct findings *f = userdata;
    struct strbuf sb;

    if (f->ctl->json) {
        strbuf_adds(f->json, f->n ? ",{\"path\":" : "{\"path\":");
        strbuf_add_json(f->json, path);
        strbuf_adds(f->json, ",\"text\":");
        strbuf_add_json(f->json, what);
        strbuf_addc(f->json, '}');
    } else {
        strbuf_init(&sb, CTL_TEXT_MAX);
        strbuf_addf(&sb, "%s: %s", f->file, f->kind);
        ctl_add_text(&sb, path, strlen(path));
        strbuf_adds(&sb, *path ? ": " : "");
        ctl_add_text(&sb, what, strlen(what));
        (void) ctl_print(f->ctl, &sb);
    }
    f->n++;
}

static int read_model_file(struct ctl *ctl, const char *path, char **ret_text, size_t *ret_len)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    int r = fd < 0 ? -errno : fd_read_file(fd, LIMIT_MODEL_FILE, ret_text, ret_len);

    return r < 0 ? ctl_fail(ctl, NULL, "%s: %s", path, strerror(-r)) : CTL_OK;
}

static void add_counts(struct strbuf *sb, const struct model *m, bool is_json)
{
    strbuf_addf(sb,
                is_json ? ",\"properties\":%zu,\"events\":%zu,\"actions\":%zu"
                        : "properties %zu, events %zu, actions %zu",
                m->n_properties, m->n_events, m->n_actions);
}

/* The verdict: m is NULL when the file is refused. */
static int print_verdict(struct ctl *ctl, const char *file, const struct model *m,
                         const struct findings *mistakes, const struct findings *warnings)
{
    CLEANUP(freep) char *wrong = NULL;
    CLEANUP(freep) char *odd = NULL;
    bool ok = m && mistakes->n == 0;
    struct strbuf sb;

    if (strbuf_finish(mistakes->json, &wrong) < 0 || strbuf_finish(warnings->json, &odd) < 0)
        return ctl_fail_errno(ctl, -ENOMEM);
    strbuf_init(&sb, CTL_TEXT_MAX);
    if (ctl->json) {
        strbuf_adds(&sb, "{\"file\":");
        strbuf_add_json(&sb, file);
        strbuf_addf(&sb, ",\"ok\":%s", ok ? "true" : "false");
        if (m)
            add_counts(&sb, m, true);
        strbuf_addf(&sb, ",\"mistakes\":[%s],\"warnings\":[%s]}", wrong, odd);
    } else if (ok) {
        strbuf_addf(&sb, "%s: in order: ", file);
        add_counts(&sb, m, false);
    } else {
        strbuf_addf(&sb, "%s: refused, %u mistake%s", file, mistakes->n,
                    mistakes->n == 1 ? "" : "s");
    }
    if (ctl_print(ctl, &sb) != CTL_OK)
        return CTL_FAILED;
    return ok ? CTL_OK : CTL_FAILED;
}

static int load_released(struct ctl *ctl, const char *path, struct model **ret_model)
{
    struct strbuf json;
    struct findings f = {.ctl = ctl, .file = path, .kind = "", .json = &json};
    CLEANUP(freep) char *text = NULL;
    size_t len;
    int r;

    r = read_model_file(ctl, path, &text, &len);
    if (r != CTL_OK)
        return r;
    strbuf_init(&json, CTL_TEXT_MAX);
    r = model_parse(ret_model, text, len, NULL, on_finding, &f);
    strbuf_done(&json);
    return r < 0 ? ctl_fail(ctl, NULL, "%s cannot be compared with", path) : CTL_OK;
}

static int check(struct ctl *ctl, const char *path, const struct model *released)
{
    struct strbuf wrong, odd;
    struct findings mistakes = {.ctl = ctl, .file = path, .kind = "", .json = &wrong};
    struct findings warnings = {.ctl = ctl, .file = path, .kind = "warning: ", .json = &odd};
    CLEANUP(model_freep) struct model *m = NULL;
    CLEANUP(freep) char *text = NULL;
    size_t len;
    int r;

    r = read_model_file(ctl, path, &text, &len);
    if (r != CTL_OK)
        return r;
    strbuf_init(&wrong, CTL_TEXT_MAX);
    strbuf_init(&odd, CTL_TEXT_MAX);
    r = model_parse(&m, text, len, NULL, on_finding, &mistakes);
    if (r == 0 && released)
        r = model_check_released(m, released, on_finding, &mistakes);
    if (r == 0 || r == -EINVAL)
        r = model_lint(text, len, on_finding, &warnings);
    if (r < 0 && r != -EBADMSG) {
        strbuf_done(&wrong);
        strbuf_done(&odd);
        return ctl_fail_errno(ctl, r);
    }
    return print_verdict(ctl, path, m, &mistakes, &warnings);
}

int ctl_model(struct ctl *ctl, int argc, char **argv)
{
    CLEANUP(model_freep) struct model *released = NULL;
    int r;

    if (strcmp(argv[0], "check") != 0) {
        (void) ctl_fail(ctl, NULL, "\"%s\" is not known: iotctl model check FILE", argv[0]);
        return CTL_USAGE;
    }
    r = argc > 2 ? load_released(ctl, argv[2], &released) : CTL_OK;
    return r == CTL_OK ? check(ctl, argv[1], released) : r;
}

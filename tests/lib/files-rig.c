/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/files-rig.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/crypto/digest.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/strbuf.h"
#include "tests/lib/memory-db.h"
#include "tests/lib/suite.h"

struct frig frig;

/* --- the network --- */

static int start_result(void)
{
    int r = frig.start_result;

    frig.start_result = 0;
    return r;
}

static int fetch_begin(struct fetch **ret_fetch, struct fetcher *fetcher,
                       const struct fetch_request *q, const struct fetch_events *events,
                       void *userdata)
{
    struct fetch *f = &frig.fetches[frig.n_fetches];
    int r = start_result();

    CHECK(!fetcher);
    if (r < 0)
        return r;
    assert(frig.n_fetches < ARRAY_SIZE(frig.fetches));
    frig.n_fetches++;
    *f = (struct fetch){true, q->dir, "", "", "", q->size, events, userdata};
    (void) snprintf(f->url, sizeof(f->url), "%s", q->url);
    (void) snprintf(f->name, sizeof(f->name), "%s", q->name);
    (void) snprintf(f->md5, sizeof(f->md5), "%s", q->md5);
    (void) close(openat(q->dir, q->name, O_WRONLY | O_CREAT, 0600));
    *ret_fetch = f;
    return 0;
}

static struct fetch *fetch_end(struct fetch *f)
{
    CHECK(f->is_open);
    f->is_open = false;
    return NULL;
}

static int put_begin(struct put **ret_put, struct fetcher *fetcher, const struct put_request *q,
                     const struct put_events *events, void *userdata)
{
    struct put *p = &frig.puts[frig.n_puts];
    int r = start_result();

    CHECK(!fetcher);
    if (r < 0)
        return r;
    assert(frig.n_puts < ARRAY_SIZE(frig.puts));
    frig.n_puts++;
    *p = (struct put){true, dup(q->fd), "", q->md5 != NULL, {0}, q->size, events, userdata};
    (void) snprintf(p->url, sizeof(p->url), "%s", q->url);
    if (q->md5)
        memcpy(p->md5, q->md5, sizeof(p->md5));
    *ret_put = p;
    return 0;
}

static struct put *put_stop(struct put *p)
{
    CHECK(p->is_open);
    p->is_open = false;
    (void) close(p->fd);
    return NULL;
}

static const struct files_net_ops net_ops = {fetch_begin, fetch_end, put_begin, put_stop};

void frig_arrive(struct fetch *f, const char *contents)
{
    const struct fetch_end end = {.result = TRANSFER_OK, .text = "", .received = f->size};
    int fd = openat(f->dir, f->name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    CHECK(f->is_open);
    CHECK_INT(write(fd, contents, strlen(contents)), strlen(contents));
    (void) close(fd);
    f->events->done(&end, f->userdata);
}

void frig_fail(struct fetch *f, enum transfer_result result)
{
    char text[32] = "the network said no"; /* of the fetch: gone with it */
    const struct fetch_end end = {.result = result, .text = text};

    CHECK(f->is_open);
    f->events->done(&end, f->userdata);
}

void frig_put_end(struct put *p, enum transfer_result result)
{
    const struct put_end end = {.result = result, .text = "the server said no"};

    CHECK(p->is_open);
    p->events->done(&end, p->userdata);
}

/* --- what programs hear --- */

static void on_received(const struct file *f, void *userdata)
{
    size_t len = strlen(frig.news);

    (void) userdata;
    (void) snprintf(frig.news + len, sizeof(frig.news) - len, "+%s%s%s%s ",
                    f->kind == FILE_KIND_FILE ? "" : "r:", f->name, *f->version ? "/" : "",
                    f->version);
}

static void on_removed(enum file_kind kind, const char *name, void *userdata)
{
    size_t len = strlen(frig.news);

    (void) userdata;
    (void) snprintf(frig.news + len, sizeof(frig.news) - len, "-%s%s ",
                    kind == FILE_KIND_FILE ? "" : "r:", name);
}

static const struct files_front front = {on_received, on_removed};

/* --- life --- */

static const struct thing_events no_events;

static void start(void)
{
    const struct files_net net = {&net_ops, NULL};
    const struct files_config config = {frig.dir, frig.quota, frig.max_size};

    CHECK_INT(
        thing_new(&frig.thing, &frig.rig.fl.loop, frig.rig.link, frig.rig.ident, &no_events, NULL),
        0);
    CHECK_INT(files_new(&frig.files, &frig.rig.fl.loop, frig.rig.link, frig.rig.ident, frig.thing,
                        frig.db, &net, &config),
              0);
    files_listen(frig.files, &front, NULL);
}

static void stop(void)
{
    frig.files = files_free(frig.files);
    frig.thing = thing_free(frig.thing);
    for (unsigned i = 0; i < frig.n_fetches; i++)
        CHECK(!frig.fetches[i].is_open);
    for (unsigned i = 0; i < frig.n_puts; i++)
        CHECK(!frig.puts[i].is_open);
}

void frig_connect(void)
{
    struct wire_packet p;

    rig_connect(&frig.rig, false);
    rig_advance(&frig.rig, 2 * USEC_PER_SEC);
    while (rig_next_publish(&frig.rig, &p, true))
        ;
}

void frig_begin(void)
{
    frig = (struct frig){.dir = "/tmp/files-XXXXXX", .quota = 1 << 20, .max_size = 1 << 19};
    CHECK(mkdtemp(frig.dir));
    frig.db = memory_db();
    rig_init(&frig.rig);
    start();
    frig_connect();
}

void frig_restart(void)
{
    link_unwatch(&frig.rig.watch);
    stop();
    frig.rig.link = link_free(frig.rig.link);
    rig_remake_link(&frig.rig);
    frig.news[0] = '\0';
    start();
}

static void remove_dir(const char *path)
{
    DIR *d = opendir(path);
    const struct dirent *e;

    while (d && (e = readdir(d))) {
        char name[400];

        (void) snprintf(name, sizeof(name), "%s/%.255s", path, e->d_name);
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (unlink(name) < 0)
            remove_dir(name);
    }
    if (d)
        (void) closedir(d);
    (void) rmdir(path);
}

void frig_end(void)
{
    stop();
    rig_done(&frig.rig);
    frig.db = db_free(frig.db);
    remove_dir(frig.dir);
}

/* --- messages --- */

/* With double quotes; the caller's. */
static char *quoted(const char *text)
{
    char *copy = strdup(text);

    assert(copy);
    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    return copy;
}

static json_t *json_of(const char *text)
{
    char *copy = quoted(text);
    json_error_t error;
    json_t *json = json_loads(copy, 0, &error);

    if (!json)
        suite_fail(__FILE__, __LINE__, "not JSON: %s: %s", error.text, text);
    free(copy);
    return json;
}

static void push(const char *topic, const char *text)
{
    char *copy = quoted(text);

    rig_push_topic(&frig.rig, topic, copy);
    free(copy);
    rig_advance(&frig.rig, 0);
}

void frig_push_file(const char *json)
{
    push("$thing/down/service/" RIG_PRODUCT "/" RIG_DEVICE, json);
}

void frig_push_resource(const char *json)
{
    push("$resource/down/service/" RIG_PRODUCT "/" RIG_DEVICE, json);
}

void frig_check_sent(const char *file, int line, bool is_resource, const char *want)
{
    const char *topic = is_resource ? "$resource/up/service/" RIG_PRODUCT "/" RIG_DEVICE
                                    : "$thing/up/service/" RIG_PRODUCT "/" RIG_DEVICE;
    struct wire_packet p;
    json_t *got, *wanted;

    if (!rig_next_publish(&frig.rig, &p, true)) {
        if (*want)
            suite_fail(file, line, "nothing was sent, wanted %s", want);
        return;
    }
    got = json_loadb(p.payload, p.payload_len, 0, NULL);
    wanted = *want ? json_of(want) : NULL;
    if (strcmp(p.topic, topic) != 0 || !wanted || !json_equal(got, wanted))
        suite_fail(file, line, "sent %s %.*s, wanted %s", p.topic, (int) p.payload_len, p.payload,
                   want);
    json_decref(got);
    json_decref(wanted);
}

const char *frig_md5(const char *contents)
{
    static char hex[DIGEST_MAX_HEX];

    CHECK_INT(digest_hex(DIGEST_MD5, contents, strlen(contents), hex), 0);
    return hex;
}

void frig_order(const char *name, const char *version, const char *contents)
{
    char text[600];

    (void) snprintf(text, sizeof(text),
                    "{'method':'update_resource','resource_name':'%s','resource_type':'FILE',"
                    "'version':'%s','url':'http://files/%s?%s','md5sum':'%s','file_size':%zu}",
                    name, version, name, version, frig_md5(contents), strlen(contents));
    rig_advance(&frig.rig, USEC_PER_SEC / LIMIT_DOWNLOADS_RATE); /* so that it begins at once */
    frig_push_file(text);
}

/* --- what is there --- */

static int add_file(const struct file *f, enum file_state state, void *userdata)
{
    strbuf_addf(userdata, "%s/%s/%s/%llu/%d ", f->name, f->type, f->version,
                (unsigned long long) f->size, (int) state);
    return 0;
}

static const char *keep(struct strbuf *sb)
{
    static char kept[8192];
    char *text = NULL;

    CHECK_INT(strbuf_finish(sb, &text), 0);
    (void) snprintf(kept, sizeof(kept), "%s", text ? text : "");
    free(text);
    return kept;
}

const char *frig_list(enum file_kind kind)
{
    struct strbuf sb;

    strbuf_init(&sb, 65536);
    CHECK_INT(files_walk(frig.files, kind, add_file, &sb), 0);
    return keep(&sb);
}

const char *frig_read(enum file_kind kind, const char *name)
{
    static char text[256];
    const struct file *f = NULL;
    int fd = -1, r = files_open(frig.files, kind, name, &fd, &f);
    ssize_t n;

    if (r < 0) {
        (void) snprintf(text, sizeof(text), "?%s", strerrorname_np(-r));
        return text;
    }
    CHECK_STR(f->name, name);
    CHECK_INT(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    n = read(fd, text, sizeof(text) - 1);
    CHECK(n >= 0);
    text[n > 0 ? n : 0] = '\0';
    (void) close(fd);
    return text;
}

static int not_hidden(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

const char *frig_ls(const char *sub)
{
    struct dirent **names = NULL;
    struct strbuf sb;
    char path[128];
    int n;

    (void) snprintf(path, sizeof(path), "%s/%s", frig.dir, sub);
    n = scandir(path, &names, not_hidden, alphasort);
    strbuf_init(&sb, 4096);
    for (int i = 0; i < n; i++) {
        strbuf_addf(&sb, "%s ", names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return keep(&sb);
}

static const struct transfer *find_transfer(const struct list *list, const char *name)
{
    const struct transfer *found = NULL;

    LIST_FOR_EACH (n, list) {
        const struct transfer *t = LIST_ENTRY(n, struct transfer, link);

        if (strcmp(t->name, name) == 0 && (!found || t->number > found->number))
            found = t;
    }
    return found;
}

const struct transfer *frig_transfer(const char *name)
{
    const struct transfers *ts = files_transfers(frig.files);
    const struct transfer *a = find_transfer(&ts->running, name);
    const struct transfer *b = find_transfer(&ts->ended, name);

    return !a || (b && b->number > a->number) ? b : a;
}

int frig_memfd(const char *contents)
{
    int fd = memfd_create("upload", MFD_CLOEXEC);

    CHECK_INT(write(fd, contents, strlen(contents)), strlen(contents));
    return fd;
}

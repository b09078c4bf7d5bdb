/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/update-stage.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/store/facts.h"
#include "libiotclient/base/fdutil.h"
#include "tests/lib/memory-db.h"
#include "tests/lib/suite.h"

struct stage stage;

/* What would be there after a kill now. */
static void check_kept(const char *what)
{
    CLEANUP(freep) char *text = NULL;

    CHECK_INT(facts_get(stage.db, "firmware_update", &text), 0);
    if (!text || !strstr(text, what))
        suite_fail(__FILE__, __LINE__, "not in the database: %s", what);
}

static int fetch_start_fake(struct fetch **ret_fetch, void *data, const struct fetch_request *rq,
                            const struct fetch_events *events, void *userdata)
{
    struct fetch *f;
    int fd;

    CHECK(data == &stage);
    CHECK(!stage.fetch);
    check_kept(rq->md5);
    stage.n_fetches++;
    if (stage.fetch_result < 0)
        return stage.fetch_result;
    f = calloc(1, sizeof(*f));
    assert(f);
    f->events = events;
    f->userdata = userdata;
    f->size = rq->size;
    f->want_sha256 = rq->want_sha256;
    (void) snprintf(f->url, sizeof(f->url), "%s", rq->url);
    (void) snprintf(f->name, sizeof(f->name), "%s", rq->name);
    (void) snprintf(f->md5, sizeof(f->md5), "%s", rq->md5);
    fd = openat(rq->dir, rq->name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    CHECK_INT(write(fd, "image", 5), 5);
    fd_close(fd);
    stage.fetch = f;
    *ret_fetch = f;
    return 0;
}

static struct fetch *fetch_free_fake(struct fetch *fetch)
{
    CHECK(fetch == stage.fetch);
    stage.fetch = NULL;
    free(fetch);
    return NULL;
}

static bool needs_signature(void *data)
{
    (void) data;
    return stage.needs_signature;
}

/* The good signature is "good", of a digest of 0xab. */
static int verify(void *data, const uint8_t sha256[32], const char *base64)
{
    (void) data;
    CHECK_INT(sha256[31], 0xab);
    if (strcmp(base64, "!") == 0)
        return -EBADMSG;
    return strcmp(base64, "good") == 0 ? 0 : -EKEYREJECTED;
}

static int text_start_fake(struct update_text **ret_text, void *data, const char *url,
                           update_text_fn fn, void *userdata)
{
    (void) data;
    stage.text = calloc(1, sizeof(*stage.text));
    assert(stage.text);
    stage.text->fn = fn;
    stage.text->userdata = userdata;
    (void) snprintf(stage.text->url, sizeof(stage.text->url), "%s", url);
    *ret_text = stage.text;
    return 0;
}

static struct update_text *text_free_fake(struct update_text *text)
{
    CHECK(text == stage.text);
    stage.text = NULL;
    free(text);
    return NULL;
}

static const struct update_ops ops = {
    .fetch_start = fetch_start_fake,
    .fetch_free = fetch_free_fake,
    .needs_signature = needs_signature,
    .verify = verify,
    .text_start = text_start_fake,
    .text_free = text_free_fake,
};

static int job_start(struct installer *installer, const struct install_job *job,
                     const struct installer_events *events, void *userdata)
{
    struct stage_installer *i = CONTAINER_OF(installer, struct stage_installer, installer);
    char image[16] = "";

    if (i->start_result < 0)
        return i->start_result;
    CHECK(!i->events);
    check_kept("\"state\":\"installing\"");
    CHECK(read(job->fd, image, sizeof(image) - 1) > 0);
    CHECK_INT(access(job->path, R_OK), 0);
    i->events = events;
    i->userdata = userdata;
    i->n_jobs++;
    (void) snprintf(i->job, sizeof(i->job), "%s %llu %s %.4s %s %s %s", job->version,
                    (unsigned long long) job->size, job->md5, job->sha256, job->custom, job->extra,
                    image);
    return 0;
}

static void job_cancel(struct installer *installer)
{
    struct stage_installer *i = CONTAINER_OF(installer, struct stage_installer, installer);

    i->n_cancelled += i->events != NULL;
    i->events = NULL;
}

static const struct installer_ops program_ops = {
    .name = "program", .restarts_by_itself = false, .start = job_start, .cancel = job_cancel};

static void on_up(void *userdata)
{
    (void) userdata;
    update_link_up(stage.update);
}

static void on_changed(void *userdata)
{
    (void) userdata;
    stage.n_changed++;
}

static void make(void)
{
    struct update_parts parts = {
        .loop = &stage.rig.fl.loop,
        .link = stage.rig.link,
        .persist = &stage.persist,
        .ops = &ops,
        .ops_data = &stage,
        .boot_id = stage.boot_id,
    };

    persist_init(&stage.persist, &stage.rig.fl.loop, stage.db);
    CHECK_INT(firmware_new(&stage.firmware, stage.rig.link, stage.rig.ident), 0);
    parts.firmware = stage.firmware;
    CHECK_INT(update_new(&stage.update, &parts, &stage.config), 0);
    update_listen(stage.update, on_changed, NULL);
    stage.watch = (struct link_watch){.on_up = on_up};
    link_watch(stage.rig.link, &stage.watch);
    rig_advance(&stage.rig, 0);
}

static void unmake(void)
{
    link_unwatch(&stage.watch);
    stage.update = update_free(stage.update);
    stage.firmware = firmware_free(stage.firmware);
    persist_done(&stage.persist);
    stage.rig.link = link_free(stage.rig.link);
}

void stage_begin(enum update_auto automatic)
{
    memset(&stage, 0, sizeof(stage));
    rig_init(&stage.rig);
    stage.db = memory_db();
    stage.boot_id = "b0";
    strcpy(stage.dir, "/tmp/test-update-XXXXXX");
    CHECK(mkdtemp(stage.dir) != NULL);
    (void) snprintf(stage.version_file, sizeof(stage.version_file), "%s/version", stage.dir);
    stage.program.installer.ops = stage.other.installer.ops = &program_ops;
    stage.config = (struct update_config){
        .automatic = automatic,
        .dir = stage.dir,
        .version = STAGE_OLD,
        .install_timeout_us = 60 * USEC_PER_SEC,
    };
    make();
    stage_connect();
    CHECK_TOLD("version " STAGE_OLD);
}

void stage_connect(void)
{
    rig_connect(&stage.rig, false);
}

static void restart(void)
{
    /* What was not committed is lost, and nobody hears of the end. */
    stage.program.events = stage.other.events = NULL;
    unmake();
    rig_remake_link(&stage.rig);
    make();
}

void stage_kill(void)
{
    fake_clock_advance(USEC_PER_SEC);
    restart();
}

void stage_reboot(const char *boot_id)
{
    stage.boot_id = boot_id;
    restart();
}

static void remove_dir(void)
{
    DIR *dir = opendir(stage.dir);
    struct dirent *e;

    CHECK(dir != NULL);
    for (e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        if (e->d_name[0] != '.')
            CHECK_INT(unlinkat(dirfd(dir), e->d_name, 0), 0);
    }
    if (dir)
        closedir(dir);
    CHECK_INT(rmdir(stage.dir), 0);
}

void stage_end(void)
{
    unmake();
    CHECK(!stage.fetch);
    CHECK(!stage.text);
    rig_remake_link(&stage.rig);
    rig_done(&stage.rig);
    stage.db = db_free(stage.db);
    remove_dir();
}

void stage_order(const char *version, char digit, const char *members)
{
    char text[1024];

    (void) snprintf(text, sizeof(text),
                    "{\"type\":\"update_firmware\",\"version\":\"%s\",\"md5sum\":\"%.31s%c\","
                    "\"file_size\":%d%s}",
                    version, STAGE_MD5, digit, STAGE_SIZE, members);
    rig_push_topic(&stage.rig, "$ota/update/" RIG_PRODUCT "/" RIG_DEVICE, text);
    rig_advance(&stage.rig, 0);
}

const char *stage_told(void)
{
    static char told[160];
    json_t *json = rig_next_json(&stage.rig, "$ota/report/" RIG_PRODUCT "/" RIG_DEVICE);
    const json_t *report = json_object_get(json, "report");
    const json_t *progress = json_object_get(report, "progress");
    const char *state = rig_text(progress, "state");

    told[0] = '\0';
    if (!json)
        return told;
    if (strcmp(rig_text(json, "type"), "report_version") == 0)
        (void) snprintf(told, sizeof(told), "version %s", rig_text(report, "version"));
    else if (strcmp(state, "downloading") == 0)
        (void) snprintf(told, sizeof(told), "downloading %s", rig_text(progress, "percent"));
    else if (strcmp(state, "fail") == 0)
        (void) snprintf(told, sizeof(told), "fail %s %s", rig_text(progress, "result_code"),
                        rig_text(progress, "result_msg"));
    else
        (void) snprintf(told, sizeof(told), "%s", state);
    json_decref(json);
    rig_advance(&stage.rig, 0);
    return told;
}

void stage_progress(uint64_t done)
{
    CHECK(stage.fetch != NULL);
    if (stage.fetch)
        stage.fetch->events->progress(done, stage.fetch->userdata);
    rig_advance(&stage.rig, 0);
}

void stage_fetched(enum transfer_result result, const char *text)
{
    char copy[64];
    struct fetch_end end = {.result = result, .text = copy, .sha256[31] = 0xab};

    CHECK(stage.fetch != NULL);
    if (!stage.fetch)
        return;
    (void) snprintf(copy, sizeof(copy), "%s", text);
    if (result == TRANSFER_OK)
        stage_progress(stage.fetch->size);
    stage.fetch->events->done(&end, stage.fetch->userdata);
    rig_advance(&stage.rig, 0);
}

void stage_download(void)
{
    stage_fetched(TRANSFER_OK, "");
    rig_advance(&stage.rig, 2 * USEC_PER_SEC);
    (void) rig_count_publishes(&stage.rig);
}

void stage_installed(struct stage_installer *i, int result, const char *text)
{
    const struct installer_events *events = i->events;

    CHECK(events != NULL);
    i->events = NULL;
    if (events)
        events->done(result, text, i->userdata);
    rig_advance(&stage.rig, 0);
}

int stage_register(struct stage_installer *i, const char *version)
{
    int r =
        update_set_installer(stage.update, version ? &i->installer : NULL, version ? version : "");

    if (!version)
        i->events = NULL;
    rig_advance(&stage.rig, 0);
    return r;
}

void stage_set_version_file(const char *text)
{
    int fd = open(stage.version_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    CHECK(fd >= 0);
    CHECK_INT(write(fd, text, strlen(text)), strlen(text));
    fd_close(fd);
}

unsigned stage_n_images(void)
{
    DIR *dir = opendir(stage.dir);
    struct dirent *e;
    unsigned n = 0;

    CHECK(dir != NULL);
    for (e = dir ? readdir(dir) : NULL; e; e = readdir(dir))
        n += strstr(e->d_name, ".image") != NULL;
    if (dir)
        closedir(dir);
    return n;
}

struct update_info stage_info(void)
{
    struct update_info info;

    update_get_info(stage.update, &info);
    return info;
}

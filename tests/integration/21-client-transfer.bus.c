/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iotd tells of files and transfers, from one that says what the test wants. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/suite.h"
#include "tests/lib/world.h"

static struct {
    unsigned n, n_progress, n_news;
    int result;
    size_t n_files;
    uint64_t done, size;
    iotc_file_state state; /* of the last one */
    bool is_here;
    char name[80], token[160], text[300];
} got;

static void on_list(iotc_client *client, int result, const iotc_file_info *const *files, size_t n,
                    void *userdata)
{
    (void) client;
    (void) userdata;
    got.n++;
    got.result = result;
    got.n_files = n;
    for (size_t i = 0; i < n; i++) {
        got.state = files[i]->state;
        got.size = files[i]->size;
    }
}

static void on_open(iotc_client *client, int result, int fd, const iotc_file_info *info,
                    void *userdata)
{
    (void) client;
    (void) userdata;
    got.n++;
    got.result = result;
    CHECK((fd >= 0) == (result == 0) && (info != NULL) == (result == 0));
    if (info)
        (void) snprintf(got.name, sizeof(got.name), "%s %s %s", info->name, info->type, info->md5);
}

static void on_uploaded(iotc_client *client, uint64_t id, int result, const char *token,
                        const char *text, void *userdata)
{
    (void) client;
    (void) id;
    (void) userdata;
    got.n++;
    got.result = result;
    (void) snprintf(got.token, sizeof(got.token), "%s", token);
    (void) snprintf(got.text, sizeof(got.text), "%s", text);
}

static void on_progress(iotc_client *client, uint64_t id, uint64_t done, uint64_t size,
                        void *userdata)
{
    (void) client;
    (void) id;
    (void) userdata;
    got.n_progress++;
    got.done = done;
    got.size = size;
}

static void on_file(iotc_client *client, iotc_file_kind kind, bool is_here,
                    const iotc_file_info *info, void *userdata)
{
    (void) client;
    (void) userdata;
    CHECK_INT(kind, IOTC_FILE_RESOURCE);
    got.n_news++;
    got.is_here = is_here;
    got.state = info->state;
    (void) snprintf(got.name, sizeof(got.name), "%s", info->name);
}

static bool is_one(void *userdata)
{
    (void) userdata;
    return got.n == 1;
}

static bool has_progress(void *userdata)
{
    (void) userdata;
    return got.n_progress > 0;
}

static bool is_held(void *userdata)
{
    return ((struct world *) userdata)->fake->files.held;
}

static void begin(struct world *w)
{
    memset(&got, 0, sizeof(got));
    world_init_attached(w);
    w->fake->files.size = 100;
}

static uint64_t upload(struct world *w)
{
    const iotc_file_upload_options options = {.size = sizeof(options), .on_progress = on_progress};
    uint64_t id = 0;

    memset(&got, 0, sizeof(got));
    CHECK_INT(iotc_file_upload(w->client, &id, IOTC_FILE_USER, STDIN_FILENO, "a", &options,
                               on_uploaded, w),
              0);
    return id;
}

static void test_answers(void)
{
    static const int errors[] = {-EACCES, -ENOENT, -ENOBUFS, -EOPNOTSUPP, -ETIMEDOUT};
    struct world w;

    begin(&w);
    w.fake->files.n_files = 6;
    CHECK_INT(iotc_file_list(w.client, IOTC_FILE_RESOURCE, on_list, &w), 0);
    WORLD_UNTIL(&w, is_one);
    CHECK_STR(w.fake->files.last, "Resources.List ");
    CHECK(got.result == 0 && got.n_files == 6 && got.size == 15);
    CHECK_INT(got.state, IOTC_FILE_AWAY); /* 5 is not known */
    got.n = 0;
    w.fake->files.n_files = 3000; /* more than there can be */
    CHECK_INT(iotc_file_list(w.client, IOTC_FILE_USER, on_list, &w), 0);
    WORLD_UNTIL(&w, is_one);
    CHECK(got.result == -EPROTO && got.n_files == 0);
    got.n = 0;
    CHECK_INT(iotc_file_open(w.client, IOTC_FILE_USER, "x y", on_open, &w), 0);
    WORLD_UNTIL(&w, is_one);
    CHECK_STR(w.fake->files.last, "Files.Open x y");
    CHECK_STR(got.name, "x y FILE ");
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        got.n = 0;
        w.fake->files.error = errors[i];
        CHECK_INT(iotc_file_open(w.client, IOTC_FILE_USER, "x", on_open, &w), 0);
        WORLD_UNTIL(&w, is_one);
        CHECK_INT(got.result, errors[i]);
        (void) upload(&w);
        WORLD_UNTIL(&w, is_one);
        CHECK_INT(got.result, errors[i]);
    }
    world_fini(&w);
}

static void test_ends(void)
{
    static const struct {
        const char *state;
        int code, result;
    } cases[] = {
        {"done", 0, 0},       {"cancelled", 0, -ECANCELED},  {"failed", -1, -ETIMEDOUT},
        {"failed", -2, -EIO}, {"failed", -3, -ECONNREFUSED}, {"failed", -4, -EIO},
        {"failed", -5, -EIO}, {"failed", -6, -EIO},          {"failed", 0, -EIO},
    };
    struct world w;

    begin(&w);
    w.fake->files.token = "tok";
    w.fake->files.text = "why";
    for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
        bool is_late = i % 2; /* told by a signal, or all over when it is asked for */

        w.fake->files.state = is_late ? NULL : cases[i / 2].state;
        w.fake->files.code = cases[i / 2].code;
        (void) upload(&w);
        if (is_late) {
            world_settle(&w);
            CHECK_INT(got.n, 0);
            w.fake->files.state = cases[i / 2].state;
            fake_transfer_changed(w.fake);
        }
        WORLD_UNTIL(&w, is_one);
        CHECK_INT(got.result, cases[i / 2].result);
        CHECK_STR(got.token, cases[i / 2].result == 0 ? "tok" : "");
        CHECK_STR(got.text, "why");
        CHECK_INT(got.n_progress, 0);
    }
    fake_transfer_changed(w.fake); /* nobody cares any more */
    world_settle(&w);
    CHECK_INT(got.n, 1);
    world_fini(&w);
}

static void test_progress(void)
{
    struct world w;
    uint64_t id;

    begin(&w);
    id = upload(&w);
    world_settle(&w);
    CHECK_INT(got.n_progress, 0);
    w.fake->files.done = 40;
    w.fake->files.state = "a state of later";
    fake_transfer_changed(w.fake);
    WORLD_UNTIL(&w, has_progress);
    CHECK(got.done == 40 && got.size == 100 && got.n == 0);
    CHECK_INT(iotc_file_cancel(w.client, id), 0);
    WORLD_UNTIL(&w, is_one);
    CHECK_INT(got.result, -ECANCELED);
    CHECK_INT(w.fake->files.n_cancels, 1);
    CHECK_INT(iotc_file_cancel(w.client, id), -ENOENT);
    world_fini(&w);
}

/* iotd goes away: before it has answered, and while the transfer runs. */
static void test_lost(void)
{
    struct world w;

    begin(&w);
    w.fake->files.hold = true;
    (void) upload(&w);
    WORLD_UNTIL(&w, is_held);
    world_kill_fake(&w);
    WORLD_UNTIL(&w, is_one);
    CHECK_INT(got.result, -ECONNRESET);
    world_start_fake(&w);
    WORLD_UNTIL(&w, world_is_up);
    (void) upload(&w);
    world_settle(&w);
    CHECK_INT(got.n, 0);
    world_kill_fake(&w);
    WORLD_UNTIL(&w, is_one);
    CHECK_INT(got.result, -ECONNRESET);
    world_fini(&w);
}

/* Only what is watched, also after a restart. */
static void test_news(void)
{
    struct world w;

    begin(&w);
    CHECK_INT(iotc_file_watch(w.client, NULL, IOTC_FILE_RESOURCE, on_file, &w, NULL), 0);
    for (int i = 0; i < 2; i++) {
        got.n_news = 0;
        world_settle(&w);
        fake_file_news(w.fake, false, true, "other");
        fake_file_news(w.fake, true, true, "here");
        world_settle(&w);
        CHECK(got.n_news == 1 && got.is_here);
        CHECK_STR(got.name, "here");
        fake_file_news(w.fake, true, false, "gone");
        world_settle(&w);
        CHECK(got.n_news == 2 && !got.is_here && got.state == IOTC_FILE_AWAY);
        CHECK_STR(got.name, "gone");
        world_kill_fake(&w);
        WORLD_UNTIL(&w, world_is_absent);
        world_start_fake(&w);
        WORLD_UNTIL(&w, world_is_up);
    }
    world_fini(&w);
}

const char *const suite_name = "21-client-transfer";
const struct suite_test suite_tests[] = {
    {"answers", test_answers}, {"ends", test_ends}, {"progress", test_progress},
    {"lost", test_lost},       {"news", test_news}, {NULL, NULL},
};

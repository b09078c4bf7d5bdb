/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The library, iotd and a cloud: files and resources that come, are listed, opened, deleted, sent.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <iotclient/iotclient.h>

#include "tests/lib/file-scene.h"

struct program {
    struct scene s;
    iotc_client *client;
    unsigned n_ends, n_news, n_gone, n_progress, n_freed;
    int result;
    size_t n_files;
    char name[80], type[16], version[64], md5[40], text[300];
    char token[160];
    uint64_t size, last_done;
    iotc_file_kind kind;
    iotc_file_state state;
    bool is_closing;
};

static bool is_up(const struct program *p)
{
    return iotc_client_get_link_state(p->client) == IOTC_LINK_UP;
}

static bool has_ended(const struct program *p)
{
    return p->n_ends > 0;
}

static bool has_news(const struct program *p)
{
    return p->n_news > 0;
}

static bool is_gone(const struct program *p)
{
    return p->n_gone > 0;
}

static bool is_away(const struct program *p)
{
    return iotc_client_get_link_state(p->client) == IOTC_LINK_ABSENT;
}

#define UNTIL(p, fn) until(__LINE__, (p), (fn))
static void until(int line, struct program *p, bool (*fn)(const struct program *p))
{
    const uint64_t deadline = fixture_deadline_ms();

    while (!fn(p) && fixture_left_ms(deadline) > 0)
        CHECK(iotc_client_wait(p->client, (int) fixture_left_ms(deadline)) >= 0);
    if (!fn(p))
        suite_fail(__FILE__, line, "it did not come");
}

static void keep(struct program *p, const iotc_file_info *info)
{
    (void) snprintf(p->name, sizeof(p->name), "%s", info->name);
    (void) snprintf(p->type, sizeof(p->type), "%s", info->type);
    (void) snprintf(p->version, sizeof(p->version), "%s", info->version);
    (void) snprintf(p->md5, sizeof(p->md5), "%s", info->md5);
    p->size = info->size;
    p->state = info->state;
}

static void on_list(iotc_client *client, int result, const iotc_file_info *const *files, size_t n,
                    void *userdata)
{
    struct program *p = userdata;

    CHECK(client == p->client);
    p->n_ends++;
    p->result = result;
    p->n_files = n;
    if (n > 0)
        keep(p, files[0]);
}

static void on_open(iotc_client *client, int result, int fd, const iotc_file_info *info,
                    void *userdata)
{
    struct program *p = userdata;
    unsigned char byte = 1;

    (void) client;
    p->n_ends++;
    p->result = result;
    CHECK((result == 0) == (fd >= 0) && (result == 0) == (info != NULL));
    if (result < 0)
        return;
    keep(p, info);
    CHECK_INT(lseek(fd, 0, SEEK_CUR), 0);
    CHECK_INT(lseek(fd, 0, SEEK_END), (off_t) info->size);
    CHECK_INT(pread(fd, &byte, 1, 0), 1);
    CHECK_INT(byte, 0); /* of file_scene_file() */
    CHECK_INT(write(fd, &byte, 1), -1);
}

static void on_done(iotc_client *client, int result, void *userdata)
{
    struct program *p = userdata;

    (void) client;
    p->n_ends++;
    p->result = result;
}

static void on_file(iotc_client *client, iotc_file_kind kind, bool is_here,
                    const iotc_file_info *info, void *userdata)
{
    struct program *p = userdata;

    (void) client;
    p->kind = kind;
    p->n_news += is_here;
    p->n_gone += !is_here;
    keep(p, info);
}

static void on_free(void *userdata)
{
    ((struct program *) userdata)->n_freed++;
}

static void on_progress(iotc_client *client, uint64_t id, uint64_t done, uint64_t size,
                        void *userdata)
{
    struct program *p = userdata;

    CHECK(client == p->client && id > 0);
    p->n_progress++;
    CHECK(done > p->last_done && done <= size);
    p->last_done = done;
}

static void on_uploaded(iotc_client *client, uint64_t id, int result, const char *token,
                        const char *text, void *userdata)
{
    struct program *p = userdata;

    CHECK_INT(iotc_file_cancel(client, id), p->is_closing ? -ESHUTDOWN : -ENOENT);
    p->n_ends++;
    p->result = result;
    (void) snprintf(p->token, sizeof(p->token), "%s", token);
    (void) snprintf(p->text, sizeof(p->text), "%s", text);
}

static void begin(struct program *p)
{
    memset(p, 0, sizeof(*p));
    scene_start(&p->s, NULL);
    CHECK_INT(iotc_client_new(&p->client, "files"), 0);
    UNTIL(p, is_up);
}

static void end(struct program *p)
{
    p->client = iotc_client_unref(p->client);
    scene_stop(&p->s);
}

static int finish(struct program *p, int r)
{
    CHECK_INT(r, 0);
    UNTIL(p, has_ended);
    CHECK_INT(p->n_ends, 1);
    p->n_ends = 0;
    return p->result;
}

static void send_down(struct program *p, const char *list, const char *name, uint64_t size)
{
    CHECK_LOCALCLOUD(&p->s, 0, list, "send", DEVICE_ID, file_scene_file(name, size));
}

static void test_down(void)
{
    static const char *const lists[] = {"file", "resource"};
    iotc_slot *slot = NULL;
    struct program p;

    begin(&p);
    for (iotc_file_kind kind = IOTC_FILE_USER; kind <= IOTC_FILE_RESOURCE; kind++) {
        p.n_news = p.n_gone = p.n_freed = 0;
        CHECK_INT(finish(&p, iotc_file_list(p.client, kind, on_list, &p)), 0);
        CHECK_INT(p.n_files, 0);
        CHECK_INT(iotc_file_watch(p.client, &slot, kind, on_file, &p, on_free), 0);
        send_down(&p, lists[kind], "faces", 100000);
        UNTIL(&p, has_news);
        CHECK(p.kind == kind && p.size == 100000);
        CHECK_STR(p.name, "faces");
        CHECK_STR(p.type, kind == IOTC_FILE_USER ? "FILE" : "");
        CHECK_INT(strlen(p.md5), 32);

        CHECK_INT(finish(&p, iotc_file_list(p.client, kind, on_list, &p)), 0);
        CHECK(p.n_files == 1 && p.state == IOTC_FILE_HERE);
        CHECK_STR(p.name, "faces");
        CHECK_STR(p.md5, "");
        memset(p.name, 0, sizeof(p.name));
        CHECK_INT(finish(&p, iotc_file_open(p.client, kind, "faces", on_open, &p)), 0);
        CHECK_STR(p.name, "faces");
        CHECK_INT(p.size, 100000);

        CHECK_INT(finish(&p, iotc_file_delete(p.client, kind, "faces", on_done, &p)), 0);
        UNTIL(&p, is_gone);
        CHECK_STR(p.name, "faces");
        CHECK_INT(finish(&p, iotc_file_delete(p.client, kind, "faces", on_done, &p)), -ENOENT);
        CHECK_INT(finish(&p, iotc_file_open(p.client, kind, "faces", on_open, &p)), -ENOENT);
        slot = iotc_slot_unref(slot);
        CHECK_INT(p.n_freed, 1);
        CHECK_INT(p.n_news, 1);
    }
    CHECK_INT(finish(&p, iotc_file_check(p.client, on_done, &p)), 0);
    end(&p);
}

static void test_up(void)
{
    const iotc_file_upload_options options = {
        .size = sizeof(options),
        .type = "AUDIO",
        .version = "3",
        .on_progress = on_progress,
    };
    int fd = file_scene_memfd(700000);
    struct program p;

    begin(&p);
    CHECK_INT(finish(&p, iotc_file_upload(p.client, NULL, IOTC_FILE_USER, fd, "word.wav", &options,
                                          on_uploaded, &p)),
              0);
    CHECK(*p.token);
    CHECK_STR(p.text, "");
    file_scene_wait_status(&p.s, "file", "word.wav", "done");
    CHECK_INT(finish(&p, iotc_file_request_asr(p.client, p.token, "{\"req_type\":0}", on_done, &p)),
              0);
    {
        CLEANUP(freep) char *want = scene_printf("\"resource_token\":\"%s\"", p.token);

        json_decref(cloud_wait(p.s.cloud, "up", "$thing/up/service", want));
    }
    CHECK_INT(finish(&p, iotc_file_request_asr(p.client, "a", "no JSON", on_done, &p)), -EINVAL);
    CHECK_INT(finish(&p, iotc_file_upload(p.client, NULL, IOTC_FILE_RESOURCE, fd, "log", NULL,
                                          on_uploaded, &p)),
              0);
    file_scene_wait_status(&p.s, "resource", "log", "done");
    (void) close(fd);
    end(&p);
}

static void test_up_fails(void)
{
    int fd = file_scene_memfd(1000), pipes[2];
    struct program p;

    begin(&p);
    CHECK_INT(pipe(pipes), 0);
    CHECK_INT(finish(&p, iotc_file_upload(p.client, NULL, IOTC_FILE_USER, pipes[0], "a", NULL,
                                          on_uploaded, &p)),
              -EINVAL);
    cloud_fault(p.s.cloud, "{\"fault\":\"file\",\"kind\":\"expired\",\"direction\":\"up\"}");
    CHECK_INT(finish(&p, iotc_file_upload(p.client, NULL, IOTC_FILE_USER, fd, "a", NULL,
                                          on_uploaded, &p)),
              -ECONNREFUSED);
    CHECK(*p.text);
    CHECK_STR(p.token, "");
    cloud_fault(p.s.cloud, "{\"fault\":\"wrong_code\",\"method\":\"request_url_resp\",\"code\":7,"
                           "\"count\":1}");
    CHECK_INT(finish(&p, iotc_file_upload(p.client, NULL, IOTC_FILE_USER, fd, "a", NULL,
                                          on_uploaded, &p)),
              -EIO);
    cloud_kill(p.s.cloud);
    (void) daemon_wait_link(p.s.iotd, "waiting");
    CHECK_INT(finish(&p, iotc_file_upload(p.client, NULL, IOTC_FILE_USER, fd, "a", NULL,
                                          on_uploaded, &p)),
              -ENETDOWN);
    CHECK_INT(finish(&p, iotc_file_check(p.client, on_done, &p)), -ENETDOWN);
    (void) close(fd);
    (void) close(pipes[0]);
    (void) close(pipes[1]);
    end(&p);
}

/* Before iotd has answered Upload, and after; by the end of the client; by the end of iotd. */
static void test_cancel(void)
{
    int fd = file_scene_memfd(3000000);
    uint64_t id = 0, other = 0;
    struct program p;

    begin(&p);
    cloud_fault(p.s.cloud, "{\"fault\":\"hold_replies\",\"on\":true}");
    CHECK_INT(iotc_file_upload(p.client, &id, IOTC_FILE_USER, fd, "a", NULL, on_uploaded, &p), 0);
    CHECK(id > 0);
    CHECK_INT(finish(&p, iotc_file_cancel(p.client, id)), -ECANCELED);

    CHECK_INT(iotc_file_upload(p.client, &id, IOTC_FILE_USER, fd, "b", NULL, on_uploaded, &p), 0);
    CHECK_INT(finish(&p, iotc_file_list(p.client, IOTC_FILE_USER, on_list, &p)), 0);
    CHECK_INT(iotc_file_upload(p.client, &other, IOTC_FILE_USER, fd, "c", NULL, on_uploaded, &p),
              0);
    CHECK(other != id);
    CHECK_INT(finish(&p, iotc_file_cancel(p.client, id)), -ECANCELED);

    daemon_kill(p.s.iotd);
    UNTIL(&p, is_away);
    CHECK_INT(p.n_ends, 1);
    CHECK_INT(p.result, -ECONNRESET);
    CHECK_INT(iotc_file_list(p.client, IOTC_FILE_USER, on_list, &p), -ENOTCONN);
    CHECK_INT(iotc_file_cancel(p.client, other), -ENOENT);
    daemon_start_again(p.s.iotd);
    UNTIL(&p, is_up);

    p.n_ends = 0;
    CHECK_INT(iotc_file_upload(p.client, &id, IOTC_FILE_USER, fd, "d", NULL, on_uploaded, &p), 0);
    CHECK_INT(iotc_file_list(p.client, IOTC_FILE_USER, on_list, &p), 0);
    p.is_closing = true;
    p.client = iotc_client_unref(p.client);
    CHECK_INT(p.n_ends, 2);
    CHECK_INT(p.result, -ECANCELED);
    (void) close(fd);
    end(&p);
}

static void test_arguments(void)
{
    iotc_file_upload_options options = {.size = sizeof(options), .type = "AUDIO"};
    struct program p;
    int fd = file_scene_memfd(1);

    begin(&p);
    CHECK_INT(iotc_file_list(NULL, IOTC_FILE_USER, on_list, &p), -EINVAL);
    CHECK_INT(iotc_file_list(p.client, 2, on_list, &p), -EINVAL);
    CHECK_INT(iotc_file_list(p.client, IOTC_FILE_USER, NULL, &p), -EINVAL);
    CHECK_INT(iotc_file_open(p.client, IOTC_FILE_USER, "a/b", on_open, &p), -EINVAL);
    CHECK_INT(iotc_file_open(p.client, IOTC_FILE_USER, NULL, on_open, &p), -EINVAL);
    CHECK_INT(iotc_file_delete(p.client, IOTC_FILE_USER, ".a", NULL, &p), -EINVAL);
    CHECK_INT(iotc_file_watch(p.client, NULL, -1, on_file, &p, NULL), -EINVAL);
    CHECK_INT(iotc_file_watch(p.client, NULL, IOTC_FILE_USER, NULL, &p, NULL), -EINVAL);
    CHECK_INT(iotc_file_request_asr(p.client, NULL, NULL, NULL, &p), -EINVAL);
    CHECK_INT(iotc_file_upload(p.client, NULL, IOTC_FILE_USER, -1, "a", NULL, on_uploaded, &p),
              -EINVAL);
    CHECK_INT(iotc_file_upload(p.client, NULL, IOTC_FILE_USER, fd, "a", NULL, NULL, &p), -EINVAL);
    CHECK_INT(
        iotc_file_upload(p.client, NULL, IOTC_FILE_RESOURCE, fd, "a", &options, on_uploaded, &p),
        -EINVAL);
    options.type = "TOO LONG FOR IT";
    CHECK_INT(iotc_file_upload(p.client, NULL, IOTC_FILE_USER, fd, "a", &options, on_uploaded, &p),
              -EINVAL);
    options.type = NULL;
    options.size = 1;
    CHECK_INT(iotc_file_upload(p.client, NULL, IOTC_FILE_USER, fd, "a", &options, on_uploaded, &p),
              -EINVAL);
    for (int i = 0; i < 64; i++)
        CHECK_INT(iotc_file_check(p.client, NULL, NULL), 0);
    CHECK_INT(iotc_file_check(p.client, NULL, NULL), -ENOBUFS);
    CHECK_INT(iotc_file_cancel(p.client, 1), -ENOENT);
    (void) close(fd);
    end(&p);
}

const char *const suite_name = "21-client-file";
const struct suite_test suite_tests[] = {
    {"down", test_down},           {"up", test_up},
    {"up_fails", test_up_fails},   {"cancel", test_cancel},
    {"arguments", test_arguments}, {NULL, NULL},
};

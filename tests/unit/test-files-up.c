/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that go, and resources both ways. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/files-rig.h"
#include "tests/lib/suite.h"

#define S USEC_PER_SEC
#define POSTED(token, code, text)                                                                  \
    "{'method':'report_post_result','report':{'progress':{'resource_token':'" token                \
    "','state':'done','result_code':'" code "','result_msg':'" text "'}}}"
#define MD5_HELLO "5d41402abc4b2a76b9719d911017c592"

static int upload(enum file_kind kind, const char *name, const char *program, int fd,
                  struct transfer **ret_transfer)
{
    const struct files_up_request q = {kind, fd, {name, "AUDIO", "2.0"}, program};

    return files_upload(frig.files, &q, ret_transfer);
}

/* The request_url that was sent; its request_id. */
static const char *url_asked(void)
{
    static char id[64];
    json_t *json = rig_next_json(&frig.rig, rig_up_topic("service"));

    CHECK_STR(rig_text(json, "method"), "request_url");
    CHECK_STR(rig_text(json_object_get(json, "report"), "resource_name"), "door.jpg");
    CHECK_STR(rig_text(json_object_get(json, "report"), "resource_type"), "AUDIO");
    CHECK_STR(rig_text(json_object_get(json, "report"), "version"), "2.0");
    (void) snprintf(id, sizeof(id), "%s", rig_text(json, "request_id"));
    json_decref(json);
    return id;
}

static void answer_url(const char *id, const char *code, const char *url, const char *token)
{
    char text[400];

    (void) snprintf(text, sizeof(text),
                    "{'method':'request_url_resp','result_code':%s,'result_msg':'so it is',"
                    "'resource_url':'%s','resource_token':'%s','request_id':'%s'}",
                    code, url, token, id);
    frig_push_file(text);
}

static void test_file(void)
{
    struct transfer *t = NULL;
    char text[16] = "", id[64];
    int fd;

    frig_begin();
    fd = frig_memfd("hello");
    CHECK_INT(upload(FILE_KIND_FILE, "door.jpg", ":1.5", fd, &t), 0);
    (void) close(fd); /* the transfer has its own */
    CHECK_INT(t->kind, TRANSFER_KIND_FILE_UPLOAD);
    CHECK_INT(t->size, 5);
    (void) snprintf(id, sizeof(id), "%s", url_asked());
    answer_url("0", "0", "http://away/", "t0"); /* of somebody else */
    CHECK_INT(frig.n_puts, 0);
    answer_url(id, "0", "http://files/door", "token-1");
    answer_url(id, "0", "http://files/door", "token-2"); /* delivered again */
    CHECK_INT(frig.n_puts, 1);
    CHECK_STR(frig.puts[0].url, "http://files/door");
    CHECK(!frig.puts[0].has_md5);
    CHECK_INT(pread(frig.puts[0].fd, text, 15, 0), 5);
    CHECK_STR(text, "hello");
    CHECK_STR(t->token, "token-1");
    frig.puts[0].events->progress(3, frig.puts[0].userdata);
    CHECK_INT(t->done, 3);
    frig_put_end(&frig.puts[0], TRANSFER_OK);
    CHECK_FILE_SENT(POSTED("token-1", "0", "success"));
    CHECK_FILE_SENT("");
    CHECK_INT(t->state, TRANSFER_STATE_DONE);
    CHECK_INT(t->done, 5);
    frig_end();
}

static void test_file_failures(void)
{
    struct transfer *t = NULL;
    int fd;

    frig_begin();
    fd = frig_memfd("hello");
    CHECK_INT(upload(FILE_KIND_FILE, "door.jpg", ":1.5", fd, &t), 0);
    answer_url(url_asked(), "'-1'", "", "");
    CHECK_INT(t->state, TRANSFER_STATE_FAILED);
    CHECK_STR(t->text, "the cloud answered -1: so it is");
    CHECK_INT(upload(FILE_KIND_FILE, "door.jpg", ":1.5", fd, &t), 0);
    answer_url(url_asked(), "0", "http://x", "");
    CHECK_STR(t->text, "the cloud answered without a token");
    CHECK_INT(upload(FILE_KIND_FILE, "door.jpg", ":1.5", fd, &t), 0);
    (void) url_asked();
    rig_advance(&frig.rig, 11 * S);
    CHECK_INT(t->result, -1);
    CHECK_INT(upload(FILE_KIND_FILE, "door.jpg", ":1.5", fd, &t), 0);
    answer_url(url_asked(), "0", "http://x", "tk");
    frig_put_end(&frig.puts[0], TRANSFER_DENIED);
    CHECK_INT(t->result, -3);
    CHECK_FILE_SENT(POSTED("tk", "-3", "the server said no"));
    CHECK_INT(upload(FILE_KIND_FILE, "door.jpg", ":1.5", fd, &t), 0);
    frig.start_result = -EINVAL;
    answer_url(url_asked(), "0", "gopher://x", "tk");
    CHECK_STR(t->text, "the address cannot be");
    CHECK_FILE_SENT(POSTED("tk", "-5", "the address cannot be"));
    CHECK_INT(upload(FILE_KIND_FILE, "door.jpg", ":1.5", fd, &t), 0);
    answer_url(url_asked(), "0", "http://x", "tk");
    CHECK_INT(transfer_cancel(t), 0);
    CHECK(!frig.puts[1].is_open);
    CHECK_INT(t->state, TRANSFER_STATE_CANCELLED);
    CHECK_FILE_SENT(POSTED("tk", "-5", "cancelled on the device"));
    rig_advance(&frig.rig, 61 * S);
    CHECK(list_is_empty(&files_transfers(frig.files)->ended));
    (void) close(fd);
    frig_end();
}

static void test_refused(void)
{
    struct transfer *t = NULL;
    int fd, pipes[2], null, only_write;
    char path[128];

    frig_begin();
    fd = frig_memfd("hello");
    CHECK_INT(upload(FILE_KIND_FILE, "../door", ":1.5", fd, &t), -EINVAL);
    CHECK_INT(pipe(pipes), 0);
    CHECK_INT(upload(FILE_KIND_FILE, "door.jpg", ":1.5", pipes[0], &t), -EINVAL);
    null = open("/dev/zero", O_RDONLY);
    CHECK_INT(upload(FILE_KIND_FILE, "door.jpg", ":1.5", null, &t), -EINVAL);
    (void) snprintf(path, sizeof(path), "%s/x", frig.dir);
    only_write = open(path, O_WRONLY | O_CREAT, 0600);
    CHECK_INT(write(only_write, "x", 1), 1);
    CHECK_INT(upload(FILE_KIND_FILE, "door.jpg", ":1.5", only_write, &t), -EINVAL);
    (void) close(null);
    null = open(path, O_PATH);
    CHECK_INT(upload(FILE_KIND_FILE, "door.jpg", ":1.5", null, &t), -EINVAL);
    CHECK_INT(ftruncate(fd, 0), 0);
    CHECK_INT(upload(FILE_KIND_FILE, "door.jpg", ":1.5", fd, &t), -EINVAL);
    CHECK_INT(ftruncate(fd, (off_t) LIMIT_FILE_MAX + 1), 0);
    CHECK_INT(upload(FILE_KIND_FILE, "door.jpg", ":1.5", fd, &t), -EMSGSIZE);
    CHECK_INT(ftruncate(fd, 5), 0);
    for (unsigned i = 0; i < LIMIT_UPLOADS_OWNER; i++)
        CHECK_INT(upload(FILE_KIND_FILE, "door.jpg", ":1.5", fd, &t), 0);
    CHECK_INT(upload(FILE_KIND_FILE, "door.jpg", ":1.5", fd, &t), -ENOBUFS);
    for (unsigned i = LIMIT_UPLOADS_OWNER; i < LIMIT_UPLOADS; i++) {
        char program[16];

        (void) snprintf(program, sizeof(program), ":2.%u", i);
        CHECK_INT(upload(FILE_KIND_FILE, "door.jpg", program, fd, &t), 0);
    }
    CHECK_INT(upload(FILE_KIND_FILE, "door.jpg", ":9.9", fd, &t), -ENOBUFS);
    rig_advance(&frig.rig, 11 * S);
    CHECK(list_is_empty(&files_transfers(frig.files)->running));
    rig_drop(&frig.rig);
    CHECK_INT(upload(FILE_KIND_FILE, "door.jpg", ":1.5", fd, &t), -ENETDOWN);
    (void) close(fd);
    (void) close(null);
    (void) close(only_write);
    (void) close(pipes[0]);
    (void) close(pipes[1]);
    frig_end();
}

static void test_resource_up(void)
{
    static const uint8_t md5[] = {0x5d, 0x41, 0x40, 0x2a, 0xbc, 0x4b, 0x2a, 0x76,
                                  0xb9, 0x71, 0x9d, 0x91, 0x10, 0x17, 0xc5, 0x92};
    struct transfer *t = NULL;
    int fd;

    frig_begin();
    fd = frig_memfd("hello");
    CHECK_INT(upload(FILE_KIND_RESOURCE, "faces", ":1.5", fd, &t), 0);
    CHECK_INT(upload(FILE_KIND_RESOURCE, "faces", ":1.6", fd, &t), -EAGAIN);
    CHECK_RESOURCE_SENT(""); /* its MD5 is reckoned first */
    rig_advance(&frig.rig, 0);
    CHECK_RESOURCE_SENT("{'type':'create_upload_task','size':5,'name':'faces','md5sum':'" MD5_HELLO
                        "'}");
    frig_push_resource("{'type':'create_upload_task_rsp','size':5,'name':'other','md5sum':"
                       "'" MD5_HELLO "','url':'http://files/other'}");
    CHECK_INT(frig.n_puts, 0);
    frig_push_resource("{'type':'create_upload_task_rsp','size':5,'name':'faces','md5sum':"
                       "'5D41402ABC4B2A76B9719D911017C592','url':'http://files/faces'}");
    CHECK_INT(frig.n_puts, 1);
    CHECK(frig.puts[0].has_md5 && memcmp(frig.puts[0].md5, md5, 16) == 0);
    CHECK_RESOURCE_SENT("{'type':'report_upload_progress','name':'faces','progress':{"
                        "'state':'uploading','percent':0,'result_code':0,'result_msg':''}}");
    frig_put_end(&frig.puts[0], TRANSFER_OK);
    CHECK_RESOURCE_SENT("{'type':'report_upload_progress','name':'faces','progress':{"
                        "'state':'uploading','percent':100,'result_code':0,'result_msg':''}}");
    CHECK_RESOURCE_SENT("{'type':'report_upload_progress','name':'faces','progress':{"
                        "'state':'done','result_code':0,'result_msg':''}}");
    CHECK_INT(t->state, TRANSFER_STATE_DONE);
    frig_push_resource("{'type':'upload_result','result_code':0,'result_msg':'ok'}");
    frig_push_resource("{'type':'report_upload_progress_rsp','result_code':'-1'}");
    /* A file that becomes shorter meanwhile. */
    CHECK_INT(upload(FILE_KIND_RESOURCE, "faces", ":1.5", fd, &t), 0);
    CHECK_INT(ftruncate(fd, 2), 0);
    rig_advance(&frig.rig, 0);
    CHECK_RESOURCE_SENT("");
    CHECK_STR(t->text, "the file cannot be read, or became shorter");
    /* A refusal. */
    CHECK_INT(upload(FILE_KIND_RESOURCE, "faces", ":1.5", fd, &t), 0);
    rig_advance(&frig.rig, 0);
    frig_push_resource("{'type':'create_upload_task_rsp','name':'faces','result_code':-2,"
                       "'result_msg':'no room'}");
    CHECK_STR(t->text, "the cloud answered -2: no room");
    (void) close(fd);
    frig_end();
}

/* A large one is hashed in slices. */
static void test_slices(void)
{
    struct transfer *t = NULL;
    unsigned n_turns = 0;
    int fd;

    frig_begin();
    fd = frig_memfd("hello");
    CHECK_INT(ftruncate(fd, 32 << 20), 0);
    CHECK_INT(upload(FILE_KIND_RESOURCE, "faces", ":1.5", fd, &t), 0);
    while (frig.rig.net.sent_len == 0 && n_turns < 100) {
        loop_run_timers(&frig.rig.fl.loop);
        n_turns++;
    }
    CHECK_INT(n_turns, 2); /* each runs 64 timers at most */
    CHECK_INT(transfer_cancel(t), 0);
    (void) close(fd);
    frig_end();
}

static void test_resource_down(void)
{
    static const char order[] =
        "{'type':'%s','size':5,'name':'AAAA','md5sum':'" MD5_HELLO "','url':'http://files/AAAA'}";
    char text[200];

    frig_begin();
    CHECK_INT(files_check(frig.files), 0);
    CHECK_RESOURCE_SENT("{'type':'get_download_task'}");
    frig_push_resource("{'type':'get_download_task_rsp'}"); /* nothing waits */
    CHECK_INT(frig.n_fetches, 0);
    (void) snprintf(text, sizeof(text), order, "get_download_task_rsp");
    frig_push_resource(text);
    CHECK_INT(frig.n_fetches, 1);
    CHECK_RESOURCE_SENT("{'type':'report_download_progress','name':'AAAA','progress':{"
                        "'state':'downloading','percent':0,'result_code':0,'result_msg':''}}");
    frig_fail(&frig.fetches[0], TRANSFER_DENIED);
    CHECK_RESOURCE_SENT("{'type':'report_download_progress','name':'AAAA','progress':{"
                        "'state':'fail','result_code':-3,'result_msg':'the network said no'}}");
    (void) snprintf(text, sizeof(text), order, "download"); /* pushed */
    frig_push_resource(text);
    frig_arrive(&frig.fetches[1], "hello");
    CHECK_RESOURCE_SENT("{'type':'report_download_progress','name':'AAAA','progress':{"
                        "'state':'downloading','percent':0,'result_code':0,'result_msg':''}}");
    CHECK_RESOURCE_SENT("{'type':'report_download_progress','name':'AAAA','progress':{"
                        "'state':'downloading','percent':100,'result_code':0,'result_msg':''}}");
    CHECK_RESOURCE_SENT("{'type':'report_download_progress','name':'AAAA','progress':{"
                        "'state':'done','result_code':0,'result_msg':''}}");
    CHECK_STR(frig_read(FILE_KIND_RESOURCE, "AAAA"), "hello");
    CHECK_STR(frig_read(FILE_KIND_FILE, "AAAA"), "?ENOENT");
    CHECK_STR(frig_list(FILE_KIND_RESOURCE), "AAAA///5/0 ");
    CHECK_STR(frig_ls("resource"), "AAAA ");
    /* A file of the same name is another one. */
    frig_order("AAAA", "1", "world");
    frig_arrive(&frig.fetches[2], "world");
    CHECK_STR(frig_read(FILE_KIND_RESOURCE, "AAAA"), "hello");
    CHECK_STR(frig_read(FILE_KIND_FILE, "AAAA"), "world");
    (void) rig_count_publishes(&frig.rig);
    CHECK_INT(files_delete(frig.files, FILE_KIND_RESOURCE, "AAAA"), 0);
    CHECK(!rig_count_publishes(&frig.rig)); /* there is no message for that */
    CHECK_STR(frig.news, "+r:AAAA +AAAA/1 -r:AAAA ");
    frig_push_resource("{'type':'download','size':5,'name':'../x','md5sum':'" MD5_HELLO
                       "','url':'http://files/AAAA'}");
    CHECK_RESOURCE_SENT("{'type':'report_download_progress','name':'../x','progress':{"
                        "'state':'fail','result_code':-5,'result_msg':'the name cannot be'}}");
    rig_drop(&frig.rig);
    CHECK_INT(files_check(frig.files), -ENETDOWN);
    frig_end();
}

static void test_asr(void)
{
    char *text = calloc(1, LIMIT_ASR_REQUEST + 2);

    frig_begin();
    CHECK_INT(files_request_asr(frig.files, "tk", "{\"req_type\":0,\"engine_type\":\"16k_zh\"}"),
              0);
    CHECK_FILE_SENT("{'method':'request_asr','params':{'req_type':0,'engine_type':'16k_zh',"
                    "'resource_token':'tk'}}");
    CHECK_INT(files_request_asr(frig.files, "tk", ""), 0);
    CHECK_FILE_SENT("{'method':'request_asr','params':{'resource_token':'tk'}}");
    CHECK_INT(files_request_asr(frig.files, "", ""), -EINVAL);
    CHECK_INT(files_request_asr(frig.files, "tk", "[]"), -EINVAL);
    memset(text, ' ', LIMIT_ASR_REQUEST + 1);
    CHECK_INT(files_request_asr(frig.files, "tk", text), -EMSGSIZE);
    rig_drop(&frig.rig);
    CHECK_INT(files_request_asr(frig.files, "tk", ""), -ENETDOWN);
    free(text);
    frig_end();
}

const char *const suite_name = "files-up";
const struct suite_test suite_tests[] = {
    {"file", test_file},       {"file failures", test_file_failures},
    {"refused", test_refused}, {"resource up", test_resource_up},
    {"slices", test_slices},   {"resource down", test_resource_down},
    {"asr", test_asr},         {NULL, NULL},
};

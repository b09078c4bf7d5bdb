/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that come: orders of the cloud, the directory, what the cloud and programs hear. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libiotclient/base/name.h"
#include "tests/lib/files-rig.h"
#include "tests/lib/suite.h"

#define S USEC_PER_SEC
#define PROGRESS(name, version, percent)                                                           \
    "{'method':'report_progress','report':{'progress':{'resource_name':'" name                     \
    "','state':'downloading','percent':'" percent                                                  \
    "','result_code':'0','result_msg':''},'version':'" version "'}}"
#define RESULT(name, version, code, text)                                                          \
    "{'method':'report_result','report':{'progress':{'resource_name':'" name                       \
    "','state':'done','result_code':'" code "','result_msg':'" text "'},'version':'" version "'}}"
#define DELETED(name, version)                                                                     \
    "{'method':'del_result','report':{'progress':{'resource_name':'" name                          \
    "','state':'done','result_code':'0','result_msg':'success'},'version':'" version "'}}"

static void on_fetch(unsigned i, uint64_t done)
{
    frig.fetches[i].events->progress(done, frig.fetches[i].userdata);
}

/* A file that came without a mistake. */
static void receive(const char *name, const char *version, const char *contents)
{
    unsigned i = frig.n_fetches;
    struct wire_packet p;

    frig_order(name, version, contents);
    CHECK_INT(frig.n_fetches, i + 1);
    frig_arrive(&frig.fetches[i], contents);
    while (rig_next_publish(&frig.rig, &p, true))
        ;
}

static void test_receive(void)
{
    struct stat st;

    frig_begin();
    frig_order("voice one.wav", "1.0", "0123456789012345678901234567890123456789");
    CHECK_INT(frig.n_fetches, 1);
    CHECK_STR(frig.fetches[0].url, "http://files/voice one.wav?1.0");
    CHECK_INT(frig.fetches[0].size, 40);
    CHECK_STR(frig_list(FILE_KIND_FILE), "voice one.wav/FILE/1.0/40/2 ");
    CHECK_STR(frig_read(FILE_KIND_FILE, "voice one.wav"), "?ENOENT");
    CHECK_FILE_SENT(PROGRESS("voice one.wav", "1.0", "0"));
    on_fetch(0, 20); /* within the same second */
    rig_advance(&frig.rig, S);
    on_fetch(0, 21); /* 52 % */
    rig_advance(&frig.rig, S);
    on_fetch(0, 22); /* 55 %: no five more */
    CHECK_FILE_SENT(PROGRESS("voice one.wav", "1.0", "52"));
    CHECK_FILE_SENT("");
    CHECK_INT(frig_transfer("voice one.wav")->done, 22);
    frig_arrive(&frig.fetches[0], "0123456789012345678901234567890123456789");
    CHECK_FILE_SENT(PROGRESS("voice one.wav", "1.0", "100"));
    CHECK_FILE_SENT(RESULT("voice one.wav", "1.0", "0", "success"));
    CHECK_FILE_SENT("");
    CHECK_STR(frig_list(FILE_KIND_FILE), "voice one.wav/FILE/1.0/40/0 ");
    CHECK_STR(frig_read(FILE_KIND_FILE, "voice one.wav"),
              "0123456789012345678901234567890123456789");
    CHECK_STR(frig_ls("file"), "voice one.wav ");
    CHECK_STR(frig_ls("partial"), "");
    CHECK_STR(frig.news, "+voice one.wav/1.0 ");
    CHECK_INT(frig_transfer("voice one.wav")->state, TRANSFER_STATE_DONE);
    CHECK_INT(fstatat(AT_FDCWD, frig.dir, &st, 0), 0);
    CHECK_INT(st.st_mode & 0777, 0700);
    rig_advance(&frig.rig, 61 * S);
    CHECK(!frig_transfer("voice one.wav"));
    frig_end();
}

/* Numbers as texts, and upper-case hex. */
static void test_dialects(void)
{
    char text[300];

    frig_begin();
    (void) snprintf(text, sizeof(text),
                    "{'method':'update_resource','resource_name':'a','resource_type':'AUDIO',"
                    "'version':'2','url':'http://files/a','md5sum':'%s','file_size':'5'}",
                    "5D41402ABC4B2A76B9719D911017C592");
    frig_push_file(text);
    CHECK_INT(frig.n_fetches, 1);
    CHECK_STR(frig.fetches[0].md5, frig_md5("hello"));
    frig_arrive(&frig.fetches[0], "hello");
    CHECK_STR(frig_list(FILE_KIND_FILE), "a/AUDIO/2/5/0 ");
    frig_end();
}

/* What cannot be is answered, and touches nothing. */
static void test_hostile(void)
{
    static const char long_name[] = "0123456789012345678901234567890123456789"
                                    "0123456789012345678901234"; /* 65 */
    static const char *const names[] = {
        "",          ".",        "..",    "../x",    "/etc/passwd", "a/b", ".hidden",
        "a/../../x", "a\\u0000", "a\\nb", "\\u0085", long_name,     "x/",
    };
    static const struct {
        const char *members, *text, *code;
    } cases[] = {
        {"'resource_type':'FILE','version':'1','url':'http://f','md5sum':'x','file_size':1",
         "md5sum is none", "-5"},
        {"'resource_type':'FILE','version':'1','url':'http://f',"
         "'md5sum':'5d41402abc4b2a76b9719d911017c592','file_size':0",
         "the size cannot be", "-5"},
        {"'resource_type':'FILE','version':'1','url':'http://f',"
         "'md5sum':'5d41402abc4b2a76b9719d911017c592','file_size':-1",
         "the size cannot be", "-5"},
        {"'resource_type':'FILE','version':'1','url':'http://f',"
         "'md5sum':'5d41402abc4b2a76b9719d911017c592','file_size':524289",
         "space not enough: the file is larger than files.max_size", "-6"},
        {"'resource_type':'FILE','version':'1','url':'',"
         "'md5sum':'5d41402abc4b2a76b9719d911017c592','file_size':1",
         "the address cannot be", "-5"},
        {"'resource_type':'F/E','version':'1','url':'http://f',"
         "'md5sum':'5d41402abc4b2a76b9719d911017c592','file_size':1",
         "the type cannot be", "-5"},
    };
    char text[400], want[400];

    frig_begin();
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct wire_packet p;

        frig_order(names[i], "1", "hello");
        /* U+0000 is not even JSON for us. */
        CHECK(rig_next_publish(&frig.rig, &p, true) == !strstr(names[i], "u0000"));
        CHECK(strstr(names[i], "u0000") || strstr(p.payload, "\"result_code\":\"-5\""));
        CHECK(strstr(names[i], "u0000") || strstr(p.payload, "the name cannot be"));
    }
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        (void) snprintf(text, sizeof(text), "{'method':'update_resource','resource_name':'a',%s}",
                        cases[i].members);
        (void) snprintf(want, sizeof(want),
                        "{'method':'report_result','report':{'progress':{'resource_name':'a',"
                        "'state':'done','result_code':'%s','result_msg':'%s'},'version':'1'}}",
                        cases[i].code, cases[i].text);
        frig_push_file(text);
        CHECK_FILE_SENT(want);
    }
    frig_push_file("{'method':'update_resource'}");
    CHECK_FILE_SENT(RESULT("", "", "-5", "the name cannot be"));
    frig_push_file("{'method':'del_resource','resource_name':'../../etc','version':'1'}");
    CHECK_FILE_SENT(DELETED("../../etc", "1"));
    CHECK_INT(frig.n_fetches, 0);
    CHECK_STR(frig_list(FILE_KIND_FILE), "");
    CHECK_STR(frig_ls("partial"), "");
    CHECK_STR(frig_ls("file"), "");
    CHECK_STR(frig_ls(""), "file partial resource ");
    CHECK(name_is_md5("5d41402abc4b2a76b9719d911017c592"));
    CHECK(!name_is_md5("5d41402abc4b2a76b9719d911017c59"));
    CHECK(!name_is_md5("5d41402abc4b2a76b9719d911017c5920"));
    CHECK(!name_is_md5("5d41402abc4b2a76b9719d911017c59g"));
    CHECK(name_is_file("\xe5\xa5\xb3 1") && !name_is_file("\xe5\xa5") && !name_is_file(NULL));
    frig_end();
}

/* Somebody put links where files and directories are. */
static void test_links(void)
{
    char path[128], away[128], other[128];

    frig_begin();
    receive("a", "1", "hello");
    (void) snprintf(path, sizeof(path), "%s/file/a", frig.dir);
    (void) snprintf(away, sizeof(away), "%s/away", frig.dir);
    (void) snprintf(other, sizeof(other), "%s/file/b", frig.dir);
    CHECK_INT(rename(path, away), 0);
    CHECK_INT(symlink("../away", path), 0);
    CHECK_STR(frig_read(FILE_KIND_FILE, "a"), "?EIO"); /* the same contents, but a link */
    frig_order("a", "2", "other");
    frig_arrive(&frig.fetches[1], "other");
    CHECK_STR(frig_read(FILE_KIND_FILE, "a"), "other"); /* the link itself was replaced */
    CHECK_INT(symlink("../away", other), 0);
    CHECK_STR(frig_read(FILE_KIND_FILE, "b"), "?ENOENT");
    CHECK_INT(unlink(path), 0);
    CHECK_INT(mkfifo(path, 0600), 0);
    CHECK_STR(frig_read(FILE_KIND_FILE, "a"), "?EIO"); /* and it does not wait */
    frig_restart();
    CHECK_STR(frig_list(FILE_KIND_FILE), "a/FILE/2/0/3 ");
    frig_end();
}

/* Another version comes: what is open stays what it was. */
static void test_versions(void)
{
    const struct file *f = NULL;
    char text[16] = "";
    struct stat st;
    int fd = -1;

    frig_begin();
    receive("a", "1", "hello");
    CHECK_INT(files_open(frig.files, FILE_KIND_FILE, "a", &fd, &f), 0);
    frig_order("a", "2", "world!");
    CHECK_STR(frig_list(FILE_KIND_FILE), "a/FILE/1/5/1 ");
    frig_arrive(&frig.fetches[1], "world!");
    CHECK_STR(frig_list(FILE_KIND_FILE), "a/FILE/2/6/0 ");
    CHECK_INT(read(fd, text, sizeof(text) - 1), 5);
    CHECK_STR(text, "hello");
    CHECK_INT(fstat(fd, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0400);
    (void) close(fd);
    (void) rig_count_publishes(&frig.rig);
    /* The same again is done; the same content as another version needs no download. */
    frig_order("a", "2", "world!");
    CHECK_FILE_SENT(RESULT("a", "2", "0", "success"));
    frig_order("a", "3", "world!");
    CHECK_FILE_SENT(RESULT("a", "3", "0", "success"));
    CHECK_FILE_SENT("");
    CHECK_INT(frig.n_fetches, 2);
    CHECK_STR(frig_list(FILE_KIND_FILE), "a/FILE/3/6/0 ");
    CHECK_STR(frig.news, "+a/1 +a/2 +a/3 ");
    frig_restart();
    CHECK_STR(frig_list(FILE_KIND_FILE), "a/FILE/3/6/0 ");
    CHECK_STR(frig_read(FILE_KIND_FILE, "a"), "world!");
    frig_end();
}

/* An order again while it runs; another one for the same name. */
static void test_again(void)
{
    frig_begin();
    frig_order("a", "1", "hello");
    frig_order("a", "1", "hello");
    CHECK_INT(frig.n_fetches, 1);
    frig_order("a", "2", "world");
    CHECK(!frig.fetches[0].is_open);
    CHECK_INT(frig.n_fetches, 2);
    frig_arrive(&frig.fetches[1], "world");
    CHECK_FILE_SENT(PROGRESS("a", "1", "0"));
    CHECK_FILE_SENT(PROGRESS("a", "2", "0"));
    CHECK_FILE_SENT(PROGRESS("a", "2", "100"));
    CHECK_FILE_SENT(RESULT("a", "2", "0", "success"));
    CHECK_STR(frig_ls("partial"), "");
    frig_end();
}

static void test_failures(void)
{
    static const struct {
        enum transfer_result result;
        const char *code;
        bool keeps;
    } cases[] = {
        {TRANSFER_TIMEOUT, "-1", true}, {TRANSFER_NOT_FOUND, "-2", false},
        {TRANSFER_DENIED, "-3", true},  {TRANSFER_MISMATCH, "-4", false},
        {TRANSFER_FAILED, "-5", true},  {TRANSFER_NO_SPACE, "-6", false},
    };
    char want[300];

    frig_begin();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        (void) snprintf(want, sizeof(want),
                        "{'method':'report_result','report':{'progress':{'resource_name':'a',"
                        "'state':'done','result_code':'%s','result_msg':'the network said no'},"
                        "'version':'1'}}",
                        cases[i].code);
        frig_order("a", "1", "hello");
        CHECK_INT(frig.n_fetches, i + 1); /* each time it begins anew, or takes up what is there */
        CHECK_FILE_SENT(PROGRESS("a", "1", "0"));
        frig_fail(&frig.fetches[i], cases[i].result);
        CHECK_FILE_SENT(want);
        CHECK_INT(*frig_ls("partial") != '\0', cases[i].keeps);
        CHECK_INT(frig_transfer("a")->state, TRANSFER_STATE_FAILED);
        CHECK_INT(frig_transfer("a")->result, -(int) cases[i].result);
        CHECK_STR(frig_transfer("a")->text, "the network said no");
        CHECK_STR(frig_list(FILE_KIND_FILE), "");
    }
    frig.start_result = -EINVAL;
    frig_order("a", "1", "hello");
    CHECK_FILE_SENT(RESULT("a", "1", "-5", "the address cannot be"));
    CHECK_STR(frig.news, "");
    frig_end();
}

/* Killed at any point, it goes on: with the order, with what is whole, with what was kept. */
static void test_restart(void)
{
    char name[FILES_PART];

    frig_begin();
    frig_order("a", "1", "hello");
    (void) snprintf(name, sizeof(name), "%s", frig.fetches[0].name);
    frig_restart();
    CHECK_STR(frig_list(FILE_KIND_FILE), "a/FILE/1/5/2 ");
    CHECK_INT(frig.n_fetches, 1); /* the cloud could not hear of it yet */
    frig_connect();
    CHECK_INT(frig.n_fetches, 2);
    CHECK_STR(frig.fetches[1].name, name);
    CHECK_STR(frig.fetches[1].url, "http://files/a?1");
    frig_fail(&frig.fetches[1], TRANSFER_DENIED); /* the address was too old */
    frig_restart();
    frig_connect();
    CHECK_INT(frig.n_fetches, 2); /* waits for the next order */
    CHECK_STR(frig_list(FILE_KIND_FILE), "");
    frig_order("a", "1", "hello");
    CHECK_STR(frig.fetches[2].name, name);
    frig_arrive(&frig.fetches[2], "hello");
    frig_restart();
    frig_connect();
    CHECK_INT(frig.n_fetches, 3);
    CHECK_STR(frig_read(FILE_KIND_FILE, "a"), "hello");
    frig_end();
}

/* The row is there and the rename is not; partial files of nobody. */
static void test_reconcile(void)
{
    char from[128], to[128], path[200];
    struct stat st;

    frig_begin();
    receive("a", "1", "hello");
    (void) snprintf(from, sizeof(from), "%s/file/a", frig.dir);
    (void) snprintf(to, sizeof(to), "%s/partial", frig.dir);
    (void) snprintf(path, sizeof(path), "%s/%s", to, frig.fetches[0].name);
    CHECK_INT(rename(from, path), 0);
    CHECK_INT(chmod(path, 0600), 0); /* as it is before */
    (void) snprintf(path, sizeof(path), "%s/of-nobody", to);
    (void) close(open(path, O_CREAT | O_WRONLY, 0600));
    (void) snprintf(path, sizeof(path), "%s/resource/of-another-device", frig.dir);
    (void) close(open(path, O_CREAT | O_WRONLY, 0600));
    frig_restart();
    CHECK_STR(frig_ls("resource"), "");
    CHECK_INT(stat(from, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0400);
    CHECK_STR(frig_read(FILE_KIND_FILE, "a"), "hello");
    CHECK_STR(frig_ls("partial"), "");
    CHECK_INT(unlink(from), 0);
    frig_restart();
    CHECK_STR(frig_list(FILE_KIND_FILE), "a/FILE/1/0/3 ");
    frig_connect();
    frig_order("a", "1", "hello"); /* the same version: it is not here */
    CHECK_INT(frig.n_fetches, 2);
    frig_end();
}

static void test_delete(void)
{
    frig_begin();
    receive("a", "1", "hello");
    receive("b", "2", "world");
    frig_push_file("{'method':'del_resource','resource_name':'a','resource_type':'FILE',"
                   "'version':'0.9'}");
    CHECK_FILE_SENT(DELETED("a", "0.9")); /* that one is not here */
    CHECK_STR(frig_read(FILE_KIND_FILE, "a"), "hello");
    frig_push_file("{'method':'del_resource','resource_name':'a','resource_type':'FILE',"
                   "'version':'1'}");
    CHECK_FILE_SENT(DELETED("a", "1"));
    frig_push_file("{'method':'del_resource','resource_name':'a','resource_type':'FILE',"
                   "'version':'1'}");
    CHECK_FILE_SENT(DELETED("a", "1"));
    CHECK_STR(frig_ls("file"), "b ");
    CHECK_INT(files_delete(frig.files, FILE_KIND_FILE, "b"), 0);
    CHECK_FILE_SENT(DELETED("b", "2"));
    CHECK_INT(files_delete(frig.files, FILE_KIND_FILE, "b"), -ENOENT);
    CHECK_INT(files_delete(frig.files, FILE_KIND_FILE, "../b"), -ENOENT);
    CHECK_STR(frig_ls("file"), "");
    frig_order("c", "1", "hello"); /* on its way */
    CHECK_INT(files_delete(frig.files, FILE_KIND_FILE, "c"), 0);
    CHECK(!frig.fetches[2].is_open);
    CHECK_STR(frig_ls("partial"), "");
    CHECK_FILE_SENT(PROGRESS("c", "1", "0"));
    CHECK_FILE_SENT(DELETED("c", "1"));
    CHECK_FILE_SENT("");
    CHECK_STR(frig.news, "+a/1 +b/2 -a -b ");
    frig_restart();
    CHECK_STR(frig_list(FILE_KIND_FILE), "");
    frig_end();
}

static void test_cancel(void)
{
    frig_begin();
    frig_order("a", "1", "hello");
    CHECK_FILE_SENT(PROGRESS("a", "1", "0"));
    CHECK_INT(transfer_cancel((struct transfer *) (uintptr_t) frig_transfer("a")), 0);
    CHECK(!frig.fetches[0].is_open);
    CHECK_FILE_SENT(RESULT("a", "1", "-5", "cancelled on the device"));
    CHECK_INT(frig_transfer("a")->state, TRANSFER_STATE_CANCELLED);
    CHECK_INT(transfer_cancel((struct transfer *) (uintptr_t) frig_transfer("a")), -ENOENT);
    CHECK_STR(frig_ls("partial"), "");
    frig_end();
}

/* After each connect: what is here; with nothing here, what the cloud has. */
static void test_report(void)
{
    struct wire_packet p;
    json_t *json;

    frig_begin();
    rig_drop(&frig.rig);
    rig_connect(&frig.rig, true);
    CHECK_FILE_SENT(""); /* others go first */
    rig_advance(&frig.rig, S);
    json = rig_next_json(&frig.rig, rig_up_topic("service"));
    CHECK_STR(rig_text(json, "method"), "report_version");
    CHECK(strlen(rig_text(json, "request_id")) > 0);
    CHECK_INT(json_array_size(json_object_get(json_object_get(json, "report"), "resource_list")),
              0);
    json_decref(json);
    CHECK_RESOURCE_SENT("{'type':'get_download_task'}");
    frig_push_file("{'method':'report_version_rsp','result_code':0,'result_msg':'success',"
                   "'resource_list':[{'resource_name':'lost','version':'4','resource_type':'FILE'},"
                   "{'resource_name':'../lost','version':'4','resource_type':'FILE'},7]}");
    CHECK_STR(frig_list(FILE_KIND_FILE), "lost/FILE/4/0/3 ");
    CHECK_STR(frig_read(FILE_KIND_FILE, "lost"), "?ENOENT");
    receive("a", "1", "hello");
    rig_drop(&frig.rig);
    rig_connect(&frig.rig, true);
    rig_advance(&frig.rig, S);
    json = rig_next_json(&frig.rig, rig_up_topic("service"));
    json_object_del(json, "request_id");
    CHECK(json_object_get(json_object_get(json, "report"), "resource_list"));
    {
        char *text = json_dumps(json_object_get(json, "report"), JSON_COMPACT);

        CHECK_STR(text, "{\"resource_list\":[{\"resource_name\":\"a\",\"version\":\"1\","
                        "\"resource_type\":\"FILE\"}]}");
        free(text);
    }
    json_decref(json);
    /* The reply to that is no news. */
    frig_push_file("{'method':'report_version_rsp','result_code':0,'resource_list':"
                   "[{'resource_name':'x','version':'4','resource_type':'FILE'}]}");
    CHECK_STR(frig_list(FILE_KIND_FILE), "lost/FILE/4/0/3 a/FILE/1/5/0 ");
    /* One that was lost comes back, another is deleted by the cloud. */
    receive("lost", "5", "found");
    CHECK_STR(frig_list(FILE_KIND_FILE), "lost/FILE/5/5/0 a/FILE/1/5/0 ");
    while (rig_next_publish(&frig.rig, &p, true))
        ;
    frig_end();
}

/* Many files are told in messages that the platform takes; never twice at a time. */
static void test_long_report(void)
{
    struct wire_packet p;
    unsigned n_messages = 0, n_files = 0;

    frig_begin();
    for (unsigned i = 0; i < 200; i++) {
        char name[80];

        (void) snprintf(name, sizeof(name), "%03u-%s", i,
                        "\\\\\\\\\\\\\\\\\\\\\\\\ a name that is long, and long");
        frig.n_fetches = 0;
        receive(name, "12345678901234567890123456789012", "hello");
    }
    rig_drop(&frig.rig);
    rig_connect(&frig.rig, true);
    rig_advance(&frig.rig, S);
    while (rig_next_publish(&frig.rig, &p, false)) {
        if (!strstr(p.payload, "report_version"))
            continue;
        CHECK(p.payload_len <= LIMIT_MQTT_PAYLOAD);
        n_messages++;
        for (const char *c = p.payload; (c = strstr(c, "resource_name")); c++)
            n_files++;
    }
    CHECK(n_messages > 1);
    CHECK_INT(n_files, 200);
    frig_end();
}

static void test_room(void)
{
    frig_begin();
    files_configure(frig.files, 12, 10);
    receive("a", "1", "hello");
    frig_order("b", "1", "01234567");
    CHECK_FILE_SENT(RESULT("b", "1", "-6", "space not enough: files.quota"));
    frig_order("b", "1", "0123456");
    CHECK_FILE_SENT(PROGRESS("b", "1", "0"));
    frig_order("c", "1", "x"); /* what is on its way counts */
    CHECK_FILE_SENT(RESULT("c", "1", "-6", "space not enough: files.quota"));
    frig_fail(&frig.fetches[1], TRANSFER_FAILED);
    (void) rig_count_publishes(&frig.rig);
    frig_order("c", "1", "x"); /* what failed makes room */
    CHECK_FILE_SENT(PROGRESS("c", "1", "0"));
    CHECK_INT(frig.n_fetches, 3);
    frig_arrive(&frig.fetches[2], "x");
    CHECK_STR(frig_list(FILE_KIND_FILE), "a/FILE/1/5/0 c/FILE/1/1/0 ");
    CHECK_STR(frig_ls("partial"), "");
    frig_end();
}

/* A few at a time; more wait; no end of them. */
static void test_many(void)
{
    char name[16];
    struct wire_packet p;
    unsigned n_refused = 0;

    frig_begin();
    for (unsigned i = 0; i < LIMIT_DOWNLOADS + 8; i++) {
        (void) snprintf(name, sizeof(name), "f%02u", i);
        frig_order(name, "1", "hello");
    }
    CHECK_INT(frig.n_fetches, LIMIT_DOWNLOADS_RUN);
    while (rig_next_publish(&frig.rig, &p, true))
        n_refused += strstr(p.payload, "too many downloads at the same time") != NULL;
    CHECK_INT(n_refused, 8);
    for (unsigned i = 0; i < LIMIT_DOWNLOADS; i++) {
        CHECK_INT(frig.n_fetches > i, 1);
        if (i % 2)
            frig_arrive(&frig.fetches[i], "hello");
        else
            frig_fail(&frig.fetches[i], TRANSFER_TIMEOUT);
        rig_advance(&frig.rig, USEC_PER_SEC / LIMIT_DOWNLOADS_RATE);
    }
    CHECK_INT(frig.n_fetches, LIMIT_DOWNLOADS);
    { /* of those that failed the latest are kept */
        unsigned n_kept = 0;

        for (const char *c = frig_ls("partial"); (c = strchr(c, ' ')); c++)
            n_kept++;
        CHECK_INT(n_kept, LIMIT_DOWNLOADS_BROKEN);
    }
    frig_end();
}

/* Each has messages, and the platform throws away what is too many in a second. */
static void test_rate(void)
{
    frig_begin();
    for (int i = 0; i < 4; i++) {
        CLEANUP(freep) char *text = NULL;

        CHECK(asprintf(&text,
                       "{'method':'update_resource','resource_name':'f%d','resource_type':'FILE',"
                       "'version':'1','url':'http://files/f','md5sum':'%s','file_size':5}",
                       i, frig_md5("hello")) > 0);
        frig_push_file(text);
    }
    CHECK_INT(frig.n_fetches, LIMIT_DOWNLOADS_RATE);
    rig_advance(&frig.rig, USEC_PER_SEC / LIMIT_DOWNLOADS_RATE - 1);
    CHECK_INT(frig.n_fetches, LIMIT_DOWNLOADS_RATE);
    rig_advance(&frig.rig, 1);
    CHECK_INT(frig.n_fetches, LIMIT_DOWNLOADS_RATE + 1);
    rig_advance(&frig.rig, USEC_PER_SEC);
    CHECK_INT(frig.n_fetches, 4);
    frig_end();
}

const char *const suite_name = "files";
const struct suite_test suite_tests[] = {
    {"receive", test_receive},
    {"dialects", test_dialects},
    {"hostile orders", test_hostile},
    {"links", test_links},
    {"versions", test_versions},
    {"again", test_again},
    {"failures", test_failures},
    {"restart", test_restart},
    {"reconcile", test_reconcile},
    {"delete", test_delete},
    {"cancel", test_cancel},
    {"report", test_report},
    {"room", test_room},
    {"long report", test_long_report},
    {"many", test_many},
    {"rate", test_rate},
    {NULL, NULL},
};

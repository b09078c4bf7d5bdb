/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An update from the order to the end, and each way in which it does not get there. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "tests/lib/suite.h"
#include "tests/lib/update-stage.h"

#define S USEC_PER_SEC
#define URL ",\"url\":\"http://h/1\""
#define URL2 ",\"url\":\"http://h/2\""

static void advance(uint64_t us)
{
    rig_advance(&stage.rig, us);
}

static void test_silent(void)
{
    struct update_info info;

    stage_begin(UPDATE_AUTO_YES);
    CHECK_INT(stage_register(&stage.program, ""), 0);
    CHECK_STATE("idle");
    stage_order(STAGE_NEW, '1', URL ",\"user_defined\":\"{\\\"a\\\":1}\",\"more\":[2]");
    CHECK_STATE("downloading");
    CHECK_INT(stage.n_fetches, 1);
    CHECK_STR(stage.fetch->url, "http://h/1");
    CHECK_STR(stage.fetch->name, "0123456789abcdef0123456789abcde1.image");
    CHECK_INT(stage.fetch->size, STAGE_SIZE);
    CHECK(!stage.fetch->want_sha256);
    stage_progress(0);
    CHECK_TOLD("downloading 0");
    advance(S);
    stage_progress(40); /* below 5 % */
    CHECK_TOLD("");
    stage_progress(510);
    CHECK_TOLD("downloading 51");
    info = stage_info();
    CHECK_INT(info.done, 510);
    CHECK_INT(info.percent, 51);
    CHECK_STR(info.target, STAGE_NEW);
    CHECK_STR(info.running, STAGE_OLD);
    CHECK_STR(info.custom, "{\"a\":1}");
    CHECK_STR(info.extra, "{\"more\":[2]}");
    CHECK_STR(info.installer, "program");
    CHECK(!info.confirm);
    stage_fetched(TRANSFER_OK, "");
    CHECK_STATE("installing");
    CHECK_STR(stage.program.job, STAGE_NEW " 1000 0123456789abcdef0123456789abcde1  {\"a\":1} "
                                           "{\"more\":[2]} image");
    CHECK_TOLD(""); /* not within the second */
    advance(S);
    CHECK_TOLD("downloading 100");
    CHECK_TOLD("burning");
    stage.program.events->progress(30, "writing", stage.program.userdata);
    CHECK_INT(stage_info().percent, 30);
    CHECK_STR(stage_info().reason, "writing");
    CHECK_TOLD("");
    stage_installed(&stage.program, 0, "");
    CHECK_STATE("installed");
    CHECK_TOLD(""); /* nothing is done before it runs */
    CHECK_INT(stage_n_images(), 0);
    stage.config.version = STAGE_NEW;
    stage_reboot("b1");
    CHECK_STATE("installed");
    stage_connect();
    CHECK_TOLD("version " STAGE_NEW);
    CHECK_TOLD("done");
    CHECK_TOLD("");
    CHECK_STATE("idle");
    CHECK_STR(stage_info().target, "");
    stage_end();
}

/* At most one message a second and per 5 %; the first is 0, the last 100. */
static void test_pace(void)
{
    unsigned n = 0;
    char last[32] = "", first[32] = "";

    stage_begin(UPDATE_AUTO_DOWNLOAD);
    stage_order(STAGE_NEW, '1', URL);
    for (unsigned done = 0; done <= STAGE_SIZE; done++) { /* 10 s */
        unsigned told = 0;

        stage_progress(done);
        advance(S / 100);
        for (const char *text = stage_told(); *text; text = stage_told()) {
            (void) snprintf(last, sizeof(last), "%s", text);
            if (!*first)
                strcpy(first, last);
            told++;
        }
        CHECK(told <= 1);
        n += told;
    }
    CHECK_STR(first, "downloading 0");
    CHECK(n >= 9 && n <= 11);
    stage_fetched(TRANSFER_OK, "");
    advance(2 * S);
    for (const char *text = stage_told(); *text; text = stage_told())
        (void) snprintf(last, sizeof(last), "%s", text);
    CHECK_STR(last, "downloading 100");
    stage_end();
}

/* Asked before the download, then not again. */
static void test_ask(void)
{
    stage_begin(UPDATE_AUTO_NO);
    CHECK_INT(update_accept(stage.update, STAGE_NEW), -ENOENT);
    stage_order(STAGE_NEW, '1', URL);
    CHECK_STATE("offered");
    CHECK(stage_info().confirm);
    CHECK_INT(stage.n_fetches, 0);
    CHECK_INT(update_accept(stage.update, "1.2"), -ESTALE);
    CHECK_INT(update_accept(stage.update, "1/2"), -EINVAL);
    CHECK_INT(update_accept(stage.update, NULL), -EINVAL);
    CHECK_INT(update_accept(stage.update, STAGE_NEW), 0);
    CHECK_STATE("downloading");
    CHECK_INT(update_accept(stage.update, STAGE_NEW), -EALREADY);
    CHECK_INT(update_postpone(stage.update, STAGE_NEW, 60), -EALREADY);
    stage_fetched(TRANSFER_OK, "");
    CHECK_STATE("ready");
    CHECK(!stage_info().confirm);
    CHECK_STR(stage_info().reason, "waits for the program that installs");
    CHECK_INT(stage_register(&stage.program, STAGE_OLD), 0);
    CHECK_STATE("installing");
    CHECK_INT(update_refuse(stage.update, STAGE_NEW, "no"), -EALREADY);
    stage_end();
}

/* Asked after the download; postponed, over a kill too. */
static void test_postpone(void)
{
    stage_begin(UPDATE_AUTO_DOWNLOAD);
    stage_register(&stage.program, "");
    stage_order(STAGE_NEW, '1', URL);
    CHECK_STATE("downloading");
    stage_download();
    CHECK_STATE("ready");
    CHECK(stage_info().confirm);
    CHECK_INT(update_postpone(stage.update, STAGE_NEW, 59), -EINVAL);
    CHECK_INT(update_postpone(stage.update, STAGE_NEW, 7 * 86400 + 1), -EINVAL);
    CHECK_INT(update_postpone(stage.update, "2", 60), -ESTALE);
    CHECK_INT(update_postpone(stage.update, STAGE_NEW, 60), 0);
    CHECK(!stage_info().confirm);
    advance(59 * S);
    CHECK(!stage_info().confirm);
    advance(1 * S);
    CHECK(stage_info().confirm);
    CHECK_INT(update_postpone(stage.update, STAGE_NEW, 100), 0);
    advance(10 * S);
    stage_kill();
    CHECK_STATE("downloading"); /* checked again */
    stage_fetched(TRANSFER_OK, "");
    CHECK_STATE("ready");
    CHECK(!stage_info().confirm);
    advance(90 * S);
    CHECK(stage_info().confirm);
    CHECK_INT(update_postpone(stage.update, STAGE_NEW, 100), 0);
    CHECK_INT(update_accept(stage.update, STAGE_NEW), 0); /* changed his mind */
    CHECK_STATE("ready");
    CHECK_INT(stage_register(&stage.program, ""), 0);
    CHECK_STATE("installing");
    stage_end();
}

static void test_refuse(void)
{
    stage_begin(UPDATE_AUTO_DOWNLOAD);
    CHECK_INT(update_refuse(stage.update, STAGE_NEW, "no"), -ENOENT);
    stage_order(STAGE_NEW, '1', URL);
    CHECK_TOLD("downloading 0");
    CHECK_INT(update_refuse(stage.update, STAGE_NEW, "\xff"), -EINVAL);
    CHECK_INT(update_refuse(stage.update, STAGE_NEW, "not at night"), 0);
    CHECK_STATE("failed");
    CHECK(!stage.fetch);
    CHECK_INT(stage_n_images(), 0);
    CHECK_TOLD("fail -5 not at night");
    CHECK_INT(stage_info().code, -5);
    CHECK_STR(stage_info().reason, "not at night");
    CHECK_INT(update_refuse(stage.update, STAGE_NEW, "no"), -ENOENT);
    stage_order(STAGE_NEW, '1', URL2); /* the cloud may insist */
    CHECK_STATE("downloading");
    CHECK_INT(stage_info().code, 0);
    CHECK_STR(stage.fetch->url, "http://h/2");
    stage_end();
}

/* Each end of a transfer in the vendor's words, and the next order begins anew. */
static void test_codes(void)
{
    static const struct {
        enum transfer_result result;
        const char *told;
    } ends[] = {
        {TRANSFER_TIMEOUT, "fail -1 why"}, {TRANSFER_NOT_FOUND, "fail -2 why"},
        {TRANSFER_DENIED, "fail -3 why"},  {TRANSFER_MISMATCH, "fail -4 why"},
        {TRANSFER_FAILED, "fail -5 why"},  {TRANSFER_NO_SPACE, "fail -5 why"},
    };

    stage_begin(UPDATE_AUTO_YES);
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        char told[64] = "";

        stage_order(STAGE_NEW, '1', URL);
        CHECK_STATE("downloading");
        CHECK_INT(stage.n_fetches, i + 1);
        stage_fetched(ends[i].result, "why");
        for (unsigned s = 0; s < 30 && strncmp(told, "fail", 4) != 0; s++) {
            struct wire_packet p;
            uint8_t pong[] = {0xd0, 0};

            advance(S);
            (void) snprintf(told, sizeof(told), "%s", stage_told());
            (void) p;
            fake_transport_feed(&stage.rig.net, pong, sizeof(pong));
        }
        CHECK_STR(told, ends[i].told);
        CHECK_STATE("failed");
    }
    stage.fetch_result = -EROFS;
    stage_order(STAGE_NEW, '1', URL);
    CHECK_STATE("failed");
    CHECK_TOLD("fail -5 the download cannot begin: Read-only file system");
    stage_end();
}

/* Without the network nothing has failed. */
static void test_network(void)
{
    stage_begin(UPDATE_AUTO_YES);
    stage_order(STAGE_NEW, '1', URL);
    stage_progress(500);
    rig_drop(&stage.rig);
    stage_fetched(TRANSFER_FAILED, "no route");
    CHECK_STATE("downloading");
    CHECK_STR(stage_info().reason, "no route");
    CHECK(!stage.fetch);
    advance(20 * S);
    CHECK(!stage.fetch);
    stage_connect();
    CHECK_INT(stage.n_fetches, 2);
    CHECK_STR(stage_info().reason, "");
    /* The link does not know yet that it is down. */
    stage_fetched(TRANSFER_TIMEOUT, "slow");
    CHECK_STATE("downloading");
    advance(6 * S); /* no answer to its question */
    CHECK(!link_is_up(stage.rig.link));
    advance(5 * S);
    CHECK_STATE("downloading");
    stage_connect();
    CHECK_INT(stage.n_fetches, 3);
    /* And without any link at all it is tried now and then. */
    rig_drop(&stage.rig);
    stage_fetched(TRANSFER_FAILED, "no route");
    advance(301 * S);
    CHECK_INT(stage.n_fetches, 4);
    stage_end();
}

/* An address that has expired is asked for anew, once. */
static void test_expired(void)
{
    stage_begin(UPDATE_AUTO_YES);
    stage_order(STAGE_NEW, '1', URL);
    CHECK_TOLD("downloading 0");
    stage_fetched(TRANSFER_DENIED, "403");
    CHECK_STATE("downloading");
    CHECK_TOLD("version " STAGE_OLD);
    stage_order(STAGE_NEW, '1', URL2);
    CHECK_STR(stage.fetch->url, "http://h/2");
    stage_fetched(TRANSFER_DENIED, "403");
    CHECK_STATE("failed");
    while (strcmp(stage_told(), "fail -3 403") != 0 && stage.rig.net.sent_len > 0)
        ;
    /* Some bytes in between, and it is asked again. */
    stage_order(STAGE_NEW, '1', URL);
    stage_fetched(TRANSFER_DENIED, "403");
    stage_order(STAGE_NEW, '1', URL2);
    stage_progress(100);
    stage_fetched(TRANSFER_DENIED, "403");
    CHECK_STATE("downloading");
    advance(10 * S);
    CHECK_STATE("failed");
    CHECK_INT(stage_info().code, -3);
    stage_end();
}

/* The same order changes nothing while it runs; another version takes its place. */
static void test_orders(void)
{
    stage_begin(UPDATE_AUTO_YES);
    stage_order(STAGE_NEW, '1', URL);
    stage_progress(100);
    stage_order(STAGE_NEW, '1', URL2);
    CHECK_INT(stage.n_fetches, 1);
    CHECK_INT(stage_info().done, 100);
    stage_order("1.2", '2', URL);
    CHECK_INT(stage.n_fetches, 2);
    CHECK_INT(stage_n_images(), 1);
    CHECK_STR(stage_info().target, "1.2");
    CHECK_INT(stage_info().done, 0);
    stage_order("1.2", '3', URL); /* the same version, another image */
    CHECK_INT(stage.n_fetches, 3);
    CHECK_INT(stage_n_images(), 1);
    stage_download();
    CHECK_STATE("ready");
    stage_register(&stage.program, "");
    CHECK_STATE("installing");
    stage_order("1.2", '3', URL2);
    CHECK_TOLD("burning"); /* of the registration */
    CHECK_TOLD("burning");
    CHECK_INT(stage.program.n_jobs, 1);
    /* Nobody is stopped in the middle of that; the cloud is asked for it later. */
    stage_order("1.3", '4', URL);
    CHECK_STR(stage_info().target, "1.2");
    CHECK_STATE("installing");
    CHECK_TOLD("");
    stage_installed(&stage.program, -EIO, "the disk is broken");
    CHECK_TOLD("fail -5 the disk is broken");
    CHECK_TOLD("version " STAGE_OLD);
    stage_order("1.3", '4', URL);
    CHECK_STATE("downloading");
    /* What runs already is not installed. */
    stage_order(STAGE_OLD, '5', URL);
    CHECK_STR(stage_info().target, "1.3");
    stage_end();
}

static void test_installers(void)
{
    stage_begin(UPDATE_AUTO_YES);
    CHECK_INT(stage_register(&stage.program, "1/0"), -EINVAL);
    CHECK_INT(stage_register(&stage.program, ""), 0);
    CHECK_INT(stage_register(&stage.other, ""), -EBUSY);
    stage_register(&stage.program, NULL);
    CHECK_STR(stage_info().installer, "");
    CHECK_INT(stage_register(&stage.other, ""), 0);
    stage.other.start_result = -EBUSY;
    stage_order(STAGE_NEW, '1', URL);
    stage_download();
    CHECK_STATE("ready");
    CHECK_STR(stage_info().reason, "waits for the installer");
    stage.other.start_result = 0;
    advance(30 * S);
    CHECK_STATE("installing");
    CHECK_TOLD("burning");
    /* It goes away and comes back: its job is given to it again. */
    stage_register(&stage.other, NULL);
    CHECK_STATE("installing");
    advance(10 * S);
    stage_register(&stage.other, "");
    CHECK_INT(stage.other.n_jobs, 2);
    advance(60 * S); /* and 10 s for what it says to it */
    CHECK_STATE("failed");
    CHECK_INT(stage.other.n_cancelled, 1);
    CHECK_TOLD("fail -5 not installed within 60 s");
    stage_order(STAGE_NEW, '1', URL);
    CHECK_TOLD("downloading 0");
    stage.other.start_result = -ENOENT;
    stage_fetched(TRANSFER_OK, "");
    advance(2 * S);
    CHECK_TOLD("downloading 100");
    CHECK_TOLD("fail -5 the installer cannot begin: No such file or directory");
    stage_end();
}

/* Which version counts, and that another one is told. */
static void test_versions(void)
{
    stage_begin(UPDATE_AUTO_YES);
    stage.config.version_file = stage.version_file;
    stage_set_version_file("  2.0 \nmore\n");
    CHECK_INT(update_configure(stage.update, &stage.config), 0);
    CHECK_STR(stage_info().running, "2.0");
    CHECK_TOLD("version 2.0");
    CHECK_INT(stage_register(&stage.program, "3.0"), 0);
    CHECK_TOLD("version 3.0");
    update_set_version(stage.update, "3.1");
    CHECK_TOLD("version 3.1");
    update_set_version(stage.update, "3 1");
    update_set_version(stage.update, "3.1");
    CHECK_TOLD("");
    stage_register(&stage.program, NULL);
    CHECK_STR(stage_info().running, "3.1");
    stage_set_version_file("no version at all");
    stage_kill();
    CHECK_STR(stage_info().running, STAGE_OLD);
    stage_set_version_file("2.1");
    stage_connect();
    CHECK_TOLD("version 2.1");
    stage_end();
}

/* An installation without a restart: the version file is new, or the program says so. */
static void test_in_place(void)
{
    stage_begin(UPDATE_AUTO_YES);
    stage.config.version_file = stage.version_file;
    stage_set_version_file(STAGE_OLD);
    CHECK_INT(update_configure(stage.update, &stage.config), 0);
    stage_register(&stage.program, "");
    stage_order(STAGE_NEW, '1', URL);
    stage_download();
    stage_set_version_file(STAGE_NEW);
    stage_installed(&stage.program, 0, "");
    CHECK_TOLD("version " STAGE_NEW);
    CHECK_TOLD("done");
    CHECK_STATE("idle");
    stage_order("1.2", '2', URL);
    stage_download();
    update_set_version(stage.update, "1.2");
    CHECK_STATE("installing"); /* it has not said that it is through */
    stage_installed(&stage.program, 0, "");
    CHECK_TOLD("version 1.2");
    CHECK_TOLD("done");
    CHECK_STATE("idle");
    stage_end();
}

#define CUSTOM(text) URL ",\"user_defined\":\"{\\\"" text "\\\"}\""

static void test_signature(void)
{
    stage_begin(UPDATE_AUTO_YES);
    stage.needs_signature = true;
    stage_register(&stage.program, "");
    stage_order(STAGE_NEW, '1', URL); /* not even downloaded */
    CHECK_INT(stage.n_fetches, 0);
    CHECK_TOLD("fail -4 the image has no signature, and this device wants one");
    stage_order(STAGE_NEW, '1', CUSTOM("signature\\\":\\\"bad"));
    CHECK(stage.fetch->want_sha256);
    CHECK_TOLD("downloading 0");
    stage_fetched(TRANSFER_OK, "");
    CHECK_STATE("failed");
    CHECK_INT(stage_n_images(), 0);
    advance(2 * S);
    CHECK_TOLD("downloading 100");
    CHECK_TOLD("fail -4 the signature of the image is wrong: it is not from who may sign");
    stage_order(STAGE_NEW, '1', CUSTOM("signature\\\":\\\"!"));
    stage_download();
    CHECK_STR(stage_info().reason, "the signature of the image is not base64");
    stage_order(STAGE_NEW, '1', CUSTOM("signature_url\\\":\\\"http://h/s"));
    stage_download();
    CHECK_STR(stage.text->url, "http://h/s");
    stage.text->fn(-EIO, "404", stage.text->userdata);
    CHECK_STR(stage_info().reason, "the signature cannot be fetched: 404");
    CHECK_INT(stage_info().code, -4);
    stage_order(STAGE_NEW, '1', CUSTOM("signature_url\\\":\\\"http://h/s"));
    stage_download();
    stage.text->fn(0, "good", stage.text->userdata);
    advance(0);
    CHECK(!stage.text);
    CHECK_STATE("installing");
    CHECK_INT(stage.program.n_jobs, 1);
    CHECK(strstr(stage.program.job, " 0000 ") != NULL); /* the digest goes along */
    stage_installed(&stage.program, -EIO, "");
    stage_order("1.2", '1', CUSTOM("signature\\\":\\\"good"));
    stage_download();
    CHECK_INT(stage.program.n_jobs, 2);
    stage_end();
}

static int memory_image(size_t len)
{
    int fd = memfd_create("image", MFD_CLOEXEC);
    static const char bytes[4096] = "local";

    CHECK(fd >= 0);
    for (size_t n; len > 0; len -= n) {
        n = len < sizeof(bytes) ? len : sizeof(bytes);
        CHECK_INT(write(fd, bytes, n), n);
    }
    return fd;
}

/* An image that was handed in: the cloud hears of its version alone. */
static void test_local(void)
{
    int fd = memory_image(1000000), empty = memory_image(0), dir = open("/", O_RDONLY | O_CLOEXEC);

    stage_begin(UPDATE_AUTO_NO);
    CHECK_INT(update_install_local(stage.update, fd, "2.0", NULL), -ENOENT);
    stage_register(&stage.program, "");
    CHECK_INT(update_install_local(stage.update, fd, "2/0", NULL), -EINVAL);
    CHECK_INT(update_install_local(stage.update, empty, "2.0", NULL), -EINVAL);
    CHECK_INT(update_install_local(stage.update, dir, "2.0", NULL), -EINVAL);
    CHECK_INT(update_install_local(stage.update, -1, "2.0", NULL), -EBADF);
    CHECK_STATE("idle");
    CHECK_INT(update_install_local(stage.update, fd, "2.0", NULL), 0);
    CHECK_STATE("downloading");
    CHECK_INT(update_install_local(stage.update, fd, "2.1", NULL), -EBUSY);
    advance(0);
    CHECK_STATE("installing");
    CHECK(strstr(stage.program.job, "2.0 1000000 ") == stage.program.job);
    CHECK(strstr(stage.program.job, " local") != NULL);
    stage_order(STAGE_NEW, '1', URL); /* not now */
    CHECK_STR(stage_info().target, "2.0");
    update_set_version(stage.update, "2.0");
    stage_installed(&stage.program, 0, "");
    CHECK_STATE("idle");
    CHECK_TOLD("version 2.0");
    CHECK_TOLD("");
    CHECK_INT(stage_n_images(), 0);
    /* One that fails is nothing that the cloud knows. */
    CHECK_INT(update_install_local(stage.update, fd, "2.2", NULL), 0);
    advance(0);
    stage_installed(&stage.program, -EIO, "no");
    CHECK_STATE("failed");
    CHECK_TOLD("");
    CHECK_INT(stage_n_images(), 0);
    stage.needs_signature = true;
    CHECK_INT(update_install_local(stage.update, fd, "2.3", NULL), -EKEYREJECTED);
    fd_close(fd);
    fd_close(empty);
    fd_close(dir);
    stage_end();
}

const char *const suite_name = "update";
const struct suite_test suite_tests[] = {
    {"silent", test_silent},         {"pace", test_pace},         {"ask", test_ask},
    {"postpone", test_postpone},     {"refuse", test_refuse},     {"codes", test_codes},
    {"network", test_network},       {"expired", test_expired},   {"orders", test_orders},
    {"installers", test_installers}, {"versions", test_versions}, {"in_place", test_in_place},
    {"signature", test_signature},   {"local", test_local},       {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client → iotd: RegisterInstaller(handler, {version}), GetAll(Firmware)
 * iotd → client: Installer.Offer, Install, Cancel
 * client → iotd: Accept, Postpone, Refuse, ReportProgress, Finish
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/lib/suite.h"
#include "tests/lib/world.h"

#define MD5_A "0123456789abcdef0123456789abcdef"
#define MD5_B "fedcba9876543210fedcba9876543210"

struct agent {
    struct world w;
    iotc_slot *slot;
    int result; /* of on_install */
    bool finish_at_once;
    bool end_slot;
    unsigned n_offers, n_installs, n_cancels, n_infos, n_freed;
    char version[64]; /* of the last callback */
    char content[16];
    char custom[32];
    iotc_ota_state state; /* of the last info */
    char target[64];
    bool confirm;
};

static void on_offer(iotc_client *client, const iotc_ota_offer *offer, void *userdata)
{
    struct agent *a = userdata;

    CHECK(client == a->w.client);
    a->n_offers++;
    CHECK_INT(offer->state, IOTC_OTA_OFFERED);
    CHECK_INT(offer->size, 5);
    CHECK_STR(offer->running, "");
    (void) snprintf(a->version, sizeof(a->version), "%s", offer->version);
    (void) snprintf(a->custom, sizeof(a->custom), "%s", offer->custom);
}

static int on_install(iotc_client *client, const iotc_ota_image *image, void *userdata)
{
    struct agent *a = userdata;
    ssize_t n = read(image->fd, a->content, sizeof(a->content) - 1);

    CHECK(n >= 0);
    a->content[n < 0 ? 0 : n] = '\0';
    a->n_installs++;
    CHECK_INT(image->size, 5);
    CHECK_STR(image->sha256, "");
    (void) snprintf(a->version, sizeof(a->version), "%s", image->version);
    if (a->finish_at_once)
        CHECK_INT(iotc_ota_finish(client, 0, "done"), 0);
    if (a->end_slot)
        a->slot = iotc_slot_unref(a->slot);
    return a->result;
}

static void on_cancel(iotc_client *client, const char *version, void *userdata)
{
    struct agent *a = userdata;

    a->n_cancels++;
    (void) snprintf(a->version, sizeof(a->version), "%s", version);
    CHECK_INT(iotc_ota_finish(client, 0, NULL), -ENOENT);
}

static void on_free(void *userdata)
{
    ((struct agent *) userdata)->n_freed++;
}

static void on_info(iotc_client *client, const iotc_ota_info *info, void *userdata)
{
    struct agent *a = userdata;
    const iotc_ota_info *same = NULL;

    a->n_infos++;
    CHECK_INT(iotc_ota_get_info(client, &same), 0);
    CHECK(same == info);
    a->state = info->state;
    a->confirm = info->needs_confirmation;
    (void) snprintf(a->target, sizeof(a->target), "%s", info->target);
}

static const iotc_ota_ops ops = {
    .size = sizeof(ops),
    .on_offer = on_offer,
    .on_install = on_install,
    .on_cancel = on_cancel,
};

static bool is_served(void *userdata)
{
    return iotc_slot_get_error(((struct agent *) userdata)->slot) == 0;
}

static bool is_taken(void *userdata)
{
    return iotc_slot_get_error(((struct agent *) userdata)->slot) == -EEXIST;
}

static bool is_answered(void *userdata)
{
    return ((struct agent *) userdata)->w.fake->firmware.n_answers > 0;
}

static bool is_finished(void *userdata)
{
    return ((struct agent *) userdata)->w.fake->firmware.n_finish > 0;
}

static void agent_init(struct agent *a)
{
    *a = (struct agent){.n_offers = 0};
    world_init_attached(&a->w);
    CHECK_INT(iotc_ota_serve(a->w.client, &a->slot, "1.0", &ops, a, on_free), 0);
    world_until(&a->w, is_served, a, "the registration");
    world_settle(&a->w);
}

static void agent_fini(struct agent *a)
{
    a->slot = iotc_slot_unref(a->slot);
    CHECK_INT(a->n_freed, 1);
    world_fini(&a->w);
}

static struct fake_firmware *firmware(struct agent *a)
{
    return &a->w.fake->firmware;
}

/* Has iotd ask for it, and waits for the answer. */
static void install(struct agent *a, const char *version, const char *md5)
{
    int fd = memfd_create("image", MFD_CLOEXEC);

    CHECK(fd >= 0 && write(fd, "image", 5) == 5 && lseek(fd, 0, SEEK_SET) == 0);
    firmware(a)->n_answers = 0;
    CHECK(fake_install(a->w.fake, fd, version, md5));
    (void) close(fd);
    world_until(&a->w, is_answered, a, "the answer");
    world_settle(&a->w);
}

static void test_arguments(void)
{
    static const iotc_ota_ops none = {.size = sizeof(none)};
    static const iotc_ota_ops small = {.size = 8, .on_install = on_install};
    const iotc_ota_info *info;
    struct agent a;

    agent_init(&a);
    CHECK_STR(firmware(&a)->last, "RegisterInstaller /org/iotd1/handler/ota version 1.0");
    CHECK_INT(iotc_ota_serve(a.w.client, NULL, "1.0", &ops, NULL, NULL), -EEXIST);
    CHECK_INT(iotc_ota_serve(NULL, NULL, "1.0", &ops, NULL, NULL), -EINVAL);
    CHECK_INT(iotc_ota_serve(a.w.client, NULL, "1 0", &ops, NULL, NULL), -EINVAL);
    CHECK_INT(iotc_ota_serve(a.w.client, NULL, "1.0", &none, NULL, NULL), -EINVAL);
    CHECK_INT(iotc_ota_serve(a.w.client, NULL, "1.0", &small, NULL, NULL), -EINVAL);
    CHECK_INT(iotc_ota_serve(a.w.client, NULL, "1.0", NULL, NULL, NULL), -EINVAL);
    CHECK_INT(iotc_ota_watch(a.w.client, NULL, NULL, NULL, NULL), -EINVAL);
    CHECK_INT(iotc_ota_get_info(a.w.client, NULL), -EINVAL);
    CHECK_INT(iotc_ota_get_info(a.w.client, &info), 0);
    CHECK_STR(info->version, "1.0");
    CHECK_STR(info->custom, "");
    CHECK_INT(iotc_ota_finish(a.w.client, 0, NULL), -ENOENT);
    CHECK_INT(iotc_ota_progress(a.w.client, 1, NULL), -ENOENT);
    CHECK_INT(iotc_ota_progress(a.w.client, 101, NULL), -EINVAL);
    CHECK_INT(iotc_ota_set_version(a.w.client, ""), -EINVAL);
    CHECK_INT(iotc_ota_set_version(a.w.client, "1.1"), 0);
    world_settle(&a.w);
    CHECK_STR(firmware(&a)->last, "SetVersion 1.1");
    a.slot = iotc_slot_unref(a.slot);
    CHECK_INT(iotc_ota_set_version(a.w.client, "1.2"), -ENOENT);
    world_settle(&a.w);
    CHECK_STR(firmware(&a)->last, "UnregisterInstaller");
    agent_fini(&a);
}

static void test_offer(void)
{
    struct agent a;

    agent_init(&a);
    CHECK(fake_offer(a.w.fake, "2.0"));
    world_until(&a.w, is_answered, &a, "the answer");
    CHECK_INT(firmware(&a)->answer_error, 0);
    CHECK_INT(a.n_offers, 1);
    CHECK_STR(a.version, "2.0");
    CHECK_STR(a.custom, "{\"a\":1}");
    CHECK_INT(iotc_ota_accept(a.w.client, "2.0", world_done, &a.w), 0);
    world_settle(&a.w);
    CHECK_STR(firmware(&a)->last, "Accept 2.0");
    CHECK_INT(a.w.done_result, 0);
    CHECK_INT(iotc_ota_postpone(a.w.client, "2.0", 59, NULL, NULL), -ERANGE);
    CHECK_INT(iotc_ota_postpone(a.w.client, "2.0", 3600, NULL, NULL), 0);
    world_settle(&a.w);
    CHECK_STR(firmware(&a)->last, "Postpone 2.0 3600");
    firmware(&a)->error = -ECONNREFUSED;
    CHECK_INT(iotc_ota_refuse(a.w.client, "2.0", "not now", world_done, &a.w), 0);
    world_settle(&a.w);
    CHECK_STR(firmware(&a)->last, "Refuse 2.0 not now");
    CHECK_INT(a.w.done_result, -ECONNREFUSED);
    CHECK_INT(a.w.n_done, 2);
    CHECK_INT(iotc_ota_accept(a.w.client, "a version that is longer than 32", NULL, NULL), -EINVAL);
    CHECK_INT(iotc_ota_refuse(a.w.client, "2.0", "\xff", NULL, NULL), -EINVAL);
    firmware(&a)->error = 0;
    agent_fini(&a);
}

/* What is on its way when the client goes is told. */
static void test_requests_end(void)
{
    struct agent a;

    agent_init(&a);
    for (int i = 0; i < 16; i++)
        CHECK_INT(iotc_ota_accept(a.w.client, "2.0", world_done, &a.w), 0);
    CHECK_INT(iotc_ota_accept(a.w.client, "2.0", world_done, &a.w), -ENOBUFS);
    a.slot = iotc_slot_unref(a.slot);
    world_drop_client(&a.w);
    CHECK_INT(a.w.n_done, 16);
    CHECK_INT(a.w.done_result, -ECANCELED);
    agent_fini(&a);
}

static void test_install(void)
{
    struct agent a;

    agent_init(&a);
    install(&a, "2.0", MD5_A);
    CHECK_INT(firmware(&a)->answer_error, 0);
    CHECK_INT(a.n_installs, 1);
    CHECK_STR(a.content, "image");
    CHECK_STR(a.version, "2.0");
    CHECK_INT(iotc_ota_progress(a.w.client, 40, "unpacking"), 0);
    world_settle(&a.w);
    CHECK_STR(firmware(&a)->last, "ReportProgress 40 unpacking");
    CHECK_INT(iotc_ota_finish(a.w.client, 1, NULL), -EINVAL);
    CHECK_INT(iotc_ota_finish(a.w.client, -EIO, "no such slot"), 0);
    CHECK_INT(iotc_ota_finish(a.w.client, 0, NULL), -ENOENT);
    world_settle(&a.w);
    CHECK_STR(firmware(&a)->last, "Finish 503 no such slot");
    /* The same again is another order. */
    a.finish_at_once = true;
    install(&a, "2.0", MD5_A);
    CHECK_INT(a.n_installs, 2);
    CHECK_STR(firmware(&a)->last, "Finish 0 done");
    CHECK_INT(firmware(&a)->n_finish, 2);
    agent_fini(&a);
}

static void test_install_refused(void)
{
    struct agent a;

    agent_init(&a);
    a.result = -ENOBUFS;
    install(&a, "2.0", MD5_A);
    CHECK_INT(firmware(&a)->answer_error, -ENOBUFS);
    CHECK_INT(iotc_ota_finish(a.w.client, 0, NULL), -ENOENT);
    CHECK_INT(firmware(&a)->n_finish, 0);
    agent_fini(&a);
}

static void test_cancel(void)
{
    struct agent a;

    agent_init(&a);
    install(&a, "2.0", MD5_A);
    CHECK(fake_cancel(a.w.fake, "3.0"));
    world_settle(&a.w);
    CHECK_INT(a.n_cancels, 0);
    CHECK(fake_cancel(a.w.fake, "2.0"));
    world_settle(&a.w);
    CHECK_INT(a.n_cancels, 1);
    CHECK(fake_cancel(a.w.fake, "2.0"));
    world_settle(&a.w);
    CHECK_INT(a.n_cancels, 1);
    /* iotd forgot to cancel, or was started anew with another order. */
    install(&a, "2.0", MD5_A);
    install(&a, "2.0", MD5_B);
    CHECK_INT(a.n_cancels, 2);
    CHECK_INT(a.n_installs, 3);
    agent_fini(&a);
}

/* The installation goes on; the result is told to the next iotd that asks for the same image. */
static void test_iotd_restarts(void)
{
    struct agent a;

    agent_init(&a);
    install(&a, "2.0", MD5_A);
    world_kill_fake(&a.w);
    WORLD_UNTIL(&a.w, world_is_absent);
    CHECK_INT(iotc_slot_get_error(a.slot), -EINPROGRESS);
    CHECK_INT(iotc_ota_progress(a.w.client, 50, NULL), -ECONNRESET);
    CHECK_INT(iotc_ota_accept(a.w.client, "2.0", NULL, NULL), -ENOTCONN);
    CHECK_INT(iotc_ota_finish(a.w.client, 0, "late"), 0);
    world_start_fake(&a.w);
    firmware(&a)->state = "installing";
    world_until(&a.w, is_served, &a, "the registration");
    world_settle(&a.w);
    install(&a, "2.0", MD5_A);
    world_until(&a.w, is_finished, &a, "the result");
    CHECK_STR(firmware(&a)->last, "Finish 0 late");
    CHECK_INT(a.n_installs, 1);
    world_settle(&a.w);
    install(&a, "2.0", MD5_A);
    CHECK_INT(a.n_installs, 2);
    agent_fini(&a);
}

/* iotd got the result and went before it could say so: nobody waits for it any more. */
static void test_result_is_over(void)
{
    struct agent a;

    agent_init(&a);
    install(&a, "2.0", MD5_A);
    firmware(&a)->hold_finish = true;
    CHECK_INT(iotc_ota_finish(a.w.client, -EIO, "bad"), 0);
    world_until(&a.w, is_finished, &a, "the result");
    world_kill_fake(&a.w);
    WORLD_UNTIL(&a.w, world_is_absent);
    world_start_fake(&a.w);
    firmware(&a)->state = "failed";
    world_until(&a.w, is_served, &a, "the registration");
    world_settle(&a.w);
    install(&a, "2.0", MD5_A);
    CHECK_INT(a.n_installs, 2);
    CHECK_INT(firmware(&a)->n_finish, 0);
    agent_fini(&a);
}

static void test_slot_ends_in_callback(void)
{
    struct agent a;

    agent_init(&a);
    a.end_slot = true;
    install(&a, "2.0", MD5_A);
    CHECK_INT(a.n_freed, 1);
    CHECK_STR(firmware(&a)->last, "UnregisterInstaller");
    a.slot = NULL;
    a.end_slot = false;
    world_fini(&a.w);
}

static bool is_registered_twice(void *userdata)
{
    return ((struct agent *) userdata)->w.fake->firmware.n_register > 1;
}

static void test_taken(void)
{
    struct agent a = {.n_offers = 0};

    world_init_attached(&a.w);
    firmware(&a)->error = -EEXIST;
    CHECK_INT(iotc_ota_serve(a.w.client, &a.slot, NULL, &ops, &a, on_free), 0);
    world_until(&a.w, is_taken, &a, "the refusal");
    CHECK_STR(firmware(&a)->last, "RegisterInstaller /org/iotd1/handler/ota");
    firmware(&a)->error = 0;
    world_until(&a.w, is_registered_twice, &a, "another try");
    world_until(&a.w, is_served, &a, "the registration");
    agent_fini(&a);
}

static bool is_told(void *userdata)
{
    return ((struct agent *) userdata)->n_infos > 0;
}

static void test_watch(void)
{
    const iotc_ota_info *info;
    iotc_slot *slot = NULL;
    struct agent a = {.n_offers = 0};

    world_init_attached(&a.w);
    CHECK_INT(iotc_ota_get_info(a.w.client, &info), -ENODATA);
    firmware(&a)->state = "downloading";
    firmware(&a)->target = "2.0";
    CHECK_INT(iotc_ota_watch(a.w.client, &slot, on_info, &a, on_free), 0);
    world_until(&a.w, is_told, &a, "the first info");
    CHECK_INT(a.state, IOTC_OTA_DOWNLOADING);
    CHECK_STR(a.target, "2.0");
    a.n_infos = 0;
    firmware(&a)->state = "ready";
    firmware(&a)->confirm = true;
    fake_firmware_changed(a.w.fake);
    world_until(&a.w, is_told, &a, "the change");
    CHECK_INT(a.state, IOTC_OTA_READY);
    CHECK(a.confirm);
    world_kill_fake(&a.w);
    WORLD_UNTIL(&a.w, world_is_absent);
    CHECK_INT(iotc_ota_get_info(a.w.client, &info), 0); /* the last that is known */
    CHECK_INT(info->state, IOTC_OTA_READY);
    a.n_infos = 0;
    world_start_fake(&a.w);
    firmware(&a)->state = "a later word";
    world_until(&a.w, is_told, &a, "the info after the restart");
    CHECK_INT(a.state, IOTC_OTA_INSTALLING);
    CHECK_STR(a.target, "");
    a.n_infos = 0;
    slot = iotc_slot_unref(slot);
    CHECK_INT(a.n_freed, 1);
    fake_firmware_changed(a.w.fake);
    world_settle(&a.w);
    CHECK_INT(a.n_infos, 0);
    world_fini(&a.w);
}

static void test_install_from_here(void)
{
    struct agent a;
    int fd = memfd_create("image", MFD_CLOEXEC);

    agent_init(&a);
    CHECK(fd >= 0 && write(fd, "bytes", 5) == 5);
    CHECK_INT(iotc_ota_install(a.w.client, -1, "2.0", NULL, NULL, NULL), -EINVAL);
    CHECK_INT(iotc_ota_install(a.w.client, fd, "2.0", "c2ln", world_done, &a.w), 0);
    (void) close(fd);
    world_settle(&a.w);
    CHECK_STR(firmware(&a)->last, "Install bytes 2.0 signature c2ln");
    CHECK_INT(a.w.n_done, 1);
    agent_fini(&a);
}

const char *const suite_name = "client-firmware";
const struct suite_test suite_tests[] = {
    {"arguments", test_arguments},
    {"offer", test_offer},
    {"requests_end", test_requests_end},
    {"install", test_install},
    {"install_refused", test_install_refused},
    {"cancel", test_cancel},
    {"iotd_restarts", test_iotd_restarts},
    {"result_is_over", test_result_is_over},
    {"slot_ends_in_callback", test_slot_ends_in_callback},
    {"taken", test_taken},
    {"watch", test_watch},
    {"install_from_here", test_install_from_here},
    {NULL, NULL},
};

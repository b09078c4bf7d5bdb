/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real RAUC, with two slots that are files, and bundles that openssl's key has signed:
 *
 *   the installer                     rauc service                 slot B
 *   Get Operation                 →
 *   InstallBundle (its path)      →
 *                                 ←   Progress, 0 to 100        →  the image
 *                                 ←   Completed 0
 *   InstallBundle (damaged)       →
 *                                 ←   Completed 1, LastError
 *   (waits for "rauc install" of somebody else; hears that RAUC was killed)
 */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/front/bus_rauc.h"
#include "dbus/watch.h"
#include "libiotclient/base/fdutil.h"
#include "tests/lib/install-steps.h"
#include "tests/lib/scene.h"

const char *const suite_name = "rauc-service";

#define IMAGE_BYTES 40000
#define OWNER 65534 /* of the bundle, as iotd's user: nobody */

struct rig {
    struct install_steps st;
    DBusConnection *conn;
    struct bus_watch *watch;
    struct proc *rauc;
};

/* --- what RAUC needs, once --- */

static int run(const char *const *argv)
{
    return proc_run(argv, NULL);
}

static char *test_file(const char *name, mode_t mode, const char *text)
{
    char *path = fixture_write_file(name, mode, text);

    CHECK(chmod(path, mode) == 0);
    return path;
}

/* Mounts that nobody else sees, and that are gone with the test. */
static void enter_mounts(void)
{
    CLEANUP(freep)
    char *dir = fixture_test_path("squash"), *image = fixture_test_path("squash.img");
    CLEANUP(freep) char *at = fixture_test_path("at");
    const char *const make[] = {"mksquashfs", dir, image, "-quiet", "-no-progress", NULL};
    const char *const try[] = {"mount", "-t", "squashfs", "-o", "loop,ro", image, at, NULL};
    const char *const undo[] = {"umount", at, NULL};

    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        fixture_skip("no mounts of one's own here");
    CHECK(mkdir(dir, 0700) == 0 && mkdir(at, 0700) == 0);
    CHECK_INT(run(make), 0);
    if (run(try) != 0)
        fixture_skip("no loop devices here, or no squashfs");
    CHECK_INT(run(undo), 0);
}

static void make_key(void)
{
    CLEANUP(freep) char *key = fixture_test_path("key.pem"), *cert = fixture_test_path("cert.pem");
    const char *const argv[] = {"openssl", "req",     "-x509", "-newkey",       "rsa:2048",
                                "-nodes",  "-keyout", key,     "-out",          cert,
                                "-days",   "3650",    "-subj", "/CN=iotd-test", NULL};

    CHECK_INT(run(argv), 0);
}

static void make_config(void)
{
    CLEANUP(freep) char *top = fixture_test_path("");
    CLEANUP(freep)
    char *text = scene_printf(
        "[system]\ncompatible=iotd-test\nbootloader=noop\nstatusfile=%s/status\n"
        "mountprefix=%s/mnt\n[keyring]\npath=%s/cert.pem\n[handlers]\npre-install=%s/pre\n"
        "[slot.rootfs.0]\ndevice=%s/slot0\ntype=raw\nbootname=A\n"
        "[slot.rootfs.1]\ndevice=%s/slot1\ntype=raw\nbootname=B\n",
        top, top, top, top, top, top);
    CLEANUP(freep)
    char *pre = scene_printf("#!/bin/sh\necho held >>%s/held\n"
                             "until [ -e %s/go ]; do sleep 0.02; done\n"
                             "echo released >>%s/released\n",
                             top, top, top);
    CLEANUP(freep) char *mnt = fixture_test_path("mnt");

    free(test_file("system.conf", 0600, text));
    free(test_file("pre", 0700, pre));
    free(test_file("slot0", 0600, "running"));
    CHECK(mkdir(mnt, 0700) == 0);
}

/* NAME.raucb, with an image that is all of that letter. */
static void make_bundle(const char *name, const char *compatible, char letter)
{
    CLEANUP(freep) char *dir = fixture_test_path(name);
    CLEANUP(freep) char *bundle = scene_printf("%s.raucb", dir);
    CLEANUP(freep) char *key = fixture_test_path("key.pem"), *cert = fixture_test_path("cert.pem");
    CLEANUP(freep) char *image = scene_printf("%s/rootfs.img", name);
    CLEANUP(freep) char *manifest = scene_printf("%s/manifest.raucm", name);
    CLEANUP(freep)
    char *text = scene_printf(
        "[update]\ncompatible=%s\nversion=2\n[image.rootfs]\nfilename=rootfs.img\n", compatible);
    const char *const argv[] = {"rauc", "--cert", cert, "--key", key, "bundle", dir, bundle, NULL};
    CLEANUP(freep) char *content = malloc(IMAGE_BYTES + 1);

    CHECK(content && mkdir(dir, 0700) == 0);
    memset(content, letter, IMAGE_BYTES);
    content[IMAGE_BYTES] = '\0';
    free(test_file(image, 0600, content));
    free(test_file(manifest, 0600, text));
    CHECK_INT(run(argv), 0);
}

static void prepare(void)
{
    static bool done;

    if (done)
        return;
    done = true;
    if (!fixture_has_program("rauc"))
        fixture_skip("no rauc (Debian: rauc)");
    if (!fixture_has_program("mksquashfs"))
        fixture_skip("no mksquashfs (Debian: squashfs-tools)");
    if (!fixture_has_program("openssl"))
        fixture_skip("no openssl (Debian: openssl)");
    if (geteuid() != 0)
        fixture_skip("RAUC has to be root");
    enter_mounts();
    make_key();
    make_config();
    make_bundle("good", "iotd-test", 'g');
    make_bundle("other", "something-else", 'o');
    make_bundle("theirs", "iotd-test", 't');
}

/* --- one test --- */

static struct proc *start_rauc(void)
{
    CLEANUP(freep) char *conf = fixture_test_path("system.conf");
    const char *const argv[] = {"rauc", "--conf", conf, "--override-boot-slot=A", "service", NULL};

    return proc_start(argv);
}

static void hold(bool on)
{
    CLEANUP(freep) char *go = fixture_test_path("go"), *held = fixture_test_path("held");
    CLEANUP(freep) char *released = fixture_test_path("released");

    if (!on) {
        free(test_file("go", 0600, ""));
        return;
    }
    (void) unlink(go);
    (void) unlink(held);
    (void) unlink(released);
}

static void begin(struct rig *rig)
{
    DBusError error = DBUS_ERROR_INIT;

    prepare();
    *rig = (struct rig){.conn = NULL};
    install_steps_init(&rig->st);
    rig->st.fd = fd_close(rig->st.fd); /* RAUC wants no writers */
    CHECK(chown(rig->st.dir, OWNER, OWNER) == 0);
    free(test_file("slot1", 0600, "older"));
    hold(false);
    rig->conn = dbus_connection_open_private(getenv("DBUS_SYSTEM_BUS_ADDRESS"), &error);
    CHECK(rig->conn && dbus_bus_register(rig->conn, &error));
    CHECK_INT(bus_watch_attach(&rig->watch, rig->conn, &rig->st.tl.loop), 0);
    CHECK_INT(bus_rauc_new(&rig->st.installer, &rig->st.tl.loop, 60 * USEC_PER_SEC), 0);
    CHECK_INT(bus_rauc_attach(rig->st.installer, rig->conn), 0);
    rig->rauc = start_rauc();
}

static void end(struct rig *rig)
{
    rig->st.installer = bus_rauc_free(rig->st.installer);
    rig->rauc = proc_stop(rig->rauc);
    test_loop_settle(&rig->st.tl);
    dbus_connection_close(rig->conn);
    rig->watch = bus_watch_detach(rig->watch);
    dbus_connection_unref(rig->conn);
    install_steps_done(&rig->st);
}

/* The bundle as iotd has it: of its user, and nobody else may read it. */
static void take_bundle(struct rig *rig, const char *name)
{
    CLEANUP(freep) char *from = fixture_test_path(name);
    const char *const argv[] = {"cp", from, rig->st.image, NULL};

    CHECK_INT(run(argv), 0);
    CHECK(chown(rig->st.image, OWNER, OWNER) == 0 && chmod(rig->st.image, 0600) == 0);
}

static void check_slot(char letter)
{
    CLEANUP(freep) char *path = fixture_test_path("slot1");
    FILE *f = fopen(path, "re");
    size_t n = 0;

    CHECK(f != NULL);
    while (f && n < IMAGE_BYTES && fgetc(f) == letter)
        n++;
    CHECK_INT(n, IMAGE_BYTES);
    if (f)
        (void) fclose(f);
}

static bool is_there(void *userdata)
{
    return access(userdata, F_OK) == 0;
}

static void wait_file(struct rig *rig, const char *name)
{
    CLEANUP(freep) char *path = fixture_test_path(name);

    (void) install_steps_until(&rig->st, is_there, path);
}

static void test_installs(void)
{
    struct rig rig;
    struct stat st;

    begin(&rig);
    take_bundle(&rig, "good.raucb");
    CHECK_INT(install_steps_start(&rig.st), 0);
    (void) install_steps_wait(&rig.st, 0);
    CHECK_INT(rig.st.result, 0);
    CHECK_STR(rig.st.done_text, "");
    check_slot('g');
    CHECK(rig.st.n_progress >= 1); /* GDBus merges what changes at once */
    CHECK_INT(rig.st.n_progress > 0 ? rig.st.percents[rig.st.n_progress - 1] : 0, 100);
    CHECK_STR(rig.st.text, "Installing done.");
    CHECK(stat(rig.st.image, &st) == 0 && st.st_uid == 0); /* RAUC has taken it */
    end(&rig);
}

static void test_refused(void)
{
    static const struct {
        const char *bundle, *text;
        bool is_damaged;
    } cases[] = {
        {"other.raucb", "Compatible mismatch", false},
        {"good.raucb", "signature", true},
        {"good/rootfs.img", "bundle", false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        FILE *f;

        begin(&rig);
        take_bundle(&rig, cases[i].bundle);
        f = fopen(rig.st.image, "r+e");
        if (cases[i].is_damaged)
            CHECK(f && fseek(f, 200, SEEK_SET) == 0 && fputc('x', f) == 'x');
        CHECK(f && fclose(f) == 0);
        CHECK_INT(install_steps_start(&rig.st), 0);
        (void) install_steps_wait(&rig.st, 0);
        CHECK_INT(rig.st.result, -EREMOTEIO);
        if (!strstr(rig.st.done_text, cases[i].text))
            suite_fail(__FILE__, __LINE__, "\"%s\"", rig.st.done_text);
        end(&rig);
    }
}

/* RAUC says "idle" only after the other one; ours comes then, and ends with its own end. */
static void test_others_first(void)
{
    CLEANUP(freep) char *bundle = NULL;
    const char *argv[] = {"rauc", "install", NULL, NULL};
    struct proc *admin;
    struct rig rig;

    begin(&rig);
    bundle = fixture_test_path("theirs.raucb");
    argv[2] = bundle;
    take_bundle(&rig, "good.raucb");
    hold(true);
    free(proc_wait_line(rig.rauc, PROC_STDERR, NULL)); /* it is up */
    admin = proc_start(argv);
    wait_file(&rig, "held");
    CHECK_INT(install_steps_start(&rig.st), 0);
    while (rig.st.n_progress == 0 && rig.st.n_done == 0)
        test_loop_turn(&rig.st.tl, USEC_PER_SEC);
    CHECK_STR(rig.st.text, "RAUC works for somebody else");
    hold(false);
    (void) install_steps_wait(&rig.st, 0);
    CHECK_INT(rig.st.result, 0);
    CHECK_STR(rig.st.done_text, "");
    check_slot('g');
    CHECK_INT(proc_wait(admin), 0);
    admin = proc_stop(admin);
    end(&rig);
}

/* The slot is half written then; the same order again makes it whole. */
static void test_killed(void)
{
    struct rig rig;

    begin(&rig);
    take_bundle(&rig, "good.raucb");
    hold(true);
    CHECK_INT(install_steps_start(&rig.st), 0);
    wait_file(&rig, "held");
    rig.rauc = proc_kill(rig.rauc);
    (void) install_steps_wait(&rig.st, 0);
    CHECK_INT(rig.st.result, -ECONNRESET);
    CHECK_STR(rig.st.done_text, "RAUC ended in the middle of the installation");
    hold(false);
    wait_file(&rig, "released");
    rig.rauc = start_rauc();
    CHECK_INT(install_steps_start(&rig.st), 0);
    (void) install_steps_wait(&rig.st, 1);
    CHECK_INT(rig.st.result, 0);
    check_slot('g');
    end(&rig);
}

const struct suite_test suite_tests[] = {
    {"installs", test_installs},
    {"refused", test_refused},
    {"others-first", test_others_first},
    {"killed", test_killed},
    {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the cloud's order to the new version, with who installs by a setting:
 *
 *   cloud                      iotd                                the command, or RAUC
 *   update_firmware        →
 *                          ←   report_progress downloading
 *                              the image, checked, signed      →
 *                          ←   report_progress burning         ←   percent 50
 *                          ←   report_version 2.0, done        ←   done
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/scene.h"

#define IMAGE "the image of version two\n"

struct stage {
    struct scene s;
    struct proc *rauc;
    int rauc_stdin;
};

/* --- the command --- */

/* In the text @ is the test's directory. */
static void write_hook(const char *text)
{
    CLEANUP(freep) char *dir = fixture_test_path("");
    CLEANUP(freep) char *out = calloc(1, 4096);
    size_t n = 0;

    for (const char *c = text; out && *c && n < 3000; c++)
        n += (size_t) snprintf(out + n, 4096 - n, "%.*s", *c == '@' ? 500 : 1, *c == '@' ? dir : c);
    free(fixture_write_file("hook", 0700, out));
}

/* Installs, waits for the file "go" in the middle, and is the new version then. */
#define GOOD_HOOK                                                                                  \
    "#!/bin/sh\necho $$ >>@/pids\ncat <&3 >@/installed\necho percent 50 half\n"                    \
    "until [ -e @/go ]; do sleep 0.05; done\necho $IOTD_VERSION >@/version\n"

static void forget(const char *name)
{
    CLEANUP(freep) char *path = fixture_test_path(name);

    (void) unlink(path);
}

static void let_go(void)
{
    free(fixture_write_file("go", 0600, ""));
}

/* What is in the file now; "" if there is none. The text is the caller's. */
static char *content(const char *name)
{
    CLEANUP(freep) char *path = fixture_test_path(name);
    char *text = calloc(1, 4096);
    FILE *f = fopen(path, "re");

    if (f) {
        CHECK(text && fread(text, 1, 4095, f) < 4095);
        (void) fclose(f);
    }
    return text;
}

/* --- the stage --- */

/* settings: after installer, version_file. */
static void stage_start(struct stage *st, const char *installer, const char *settings)
{
    static const char *const files[] = {"go", "pids", "installed"};
    CLEANUP(freep) char *version = fixture_write_file("version", 0600, "1.0\n");
    CLEANUP(freep) char *hook = fixture_test_path("hook");
    CLEANUP(freep)
    char *text = scene_printf("[firmware]\ninstaller = %s%s\nversion_file = %s\n%s", installer,
                              strcmp(installer, "exec:") == 0 ? hook : "", version, settings);

    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        forget(files[i]);
    *st = (struct stage){.rauc = NULL};
    scene_start(&st->s, text);
    json_decref(cloud_wait(st->s.cloud, "up", "$ota/report", "\"1.0\""));
}

static void stage_stop(struct stage *st)
{
    scene_stop(&st->s);
    if (st->rauc) {
        (void) close(st->rauc_stdin);
        CHECK_INT(proc_wait(st->rauc), 0);
        st->rauc = proc_stop(st->rauc);
    }
}

static void start_rauc(struct stage *st, const char *what, const char *text)
{
    CLEANUP(freep) char *path = fixture_build_path("tests/lib/fake-rauc");
    const char *const argv[] = {path, what, text, NULL};

    st->rauc = proc_start_with_stdin(argv, &st->rauc_stdin);
    free(proc_wait_line(st->rauc, PROC_STDOUT, "ready"));
}

/* iot-localcloud firmware COMMAND ARGUMENT... */
static void tool(struct stage *st, const char *command, const char *const *args)
{
    CLEANUP(freep) char *path = fixture_build_path("iot-localcloud");
    CLEANUP(freep) char *port = scene_printf("%d", cloud_http_port(st->s.cloud));
    const char *argv[16] = {path, "firmware", "--http-port", port, command};

    for (size_t i = 0; args[i] && i < 10; i++)
        argv[5 + i] = args[i];
    CHECK_INT(proc_run(argv, NULL), 0);
}

/* The cloud orders version 2.0; custom as "custom=…" or "custom:=…". */
static void order(struct stage *st, const char *custom)
{
    CLEANUP(freep) char *image = fixture_write_file("image", 0600, IMAGE);
    const char *const upload[] = {image, "product=" CLOUD_PRODUCT, "version=2.0", custom, NULL};
    const char *const task[] = {"product=" CLOUD_PRODUCT, "version=2.0",
                                "devices:=[\"" CLOUD_DEVICE "\"]", NULL};

    tool(st, "upload", upload);
    tool(st, "task", task);
}

static bool wait_property(struct stage *st, const char *name, const char *text)
{
    return bus_client_wait_property(st->s.bus, IOTD_DEVICE_PATH, IOTD_IFACE_FIRMWARE, name, text);
}

static void check_property(struct stage *st, const char *name, const char *want)
{
    CLEANUP(freep)
    char *text = bus_client_get(st->s.bus, IOTD_DEVICE_PATH, IOTD_IFACE_FIRMWARE, name);

    CHECK_STR(text, want);
}

static void wait_cloud(struct stage *st, const char *state)
{
    json_decref(cloud_wait(st->s.cloud, "event", "ota_state", state));
}

static void check_content(const char *name, const char *want)
{
    CLEANUP(freep) char *text = content(name);

    CHECK_STR(text, want);
}

/* --- tests --- */

static void test_command(void)
{
    struct stage st;

    write_hook(GOOD_HOOK);
    stage_start(&st, "exec:", "");
    check_property(&st, "Installer", "exec");
    order(&st, "custom=nothing");
    CHECK(wait_property(&st, "State", "installing"));
    CHECK(wait_property(&st, "Progress", "50"));
    check_property(&st, "Reason", "half");
    wait_cloud(&st, "burning");
    let_go();
    wait_cloud(&st, "succeeded");
    CHECK(wait_property(&st, "Version", "2.0"));
    CHECK(wait_property(&st, "State", "idle"));
    check_content("installed", IMAGE);
    stage_stop(&st);
}

/* It says why not; the cloud orders it again. */
static void test_command_fails(void)
{
    static const char *const retry[] = {"task:=1", NULL};
    struct stage st;

    write_hook("#!/bin/sh\necho 'the battery is low' >&2\nexit 1\n");
    stage_start(&st, "exec:", "");
    order(&st, "custom=nothing");
    CHECK(wait_property(&st, "State", "failed"));
    check_property(&st, "Code", "-5");
    check_property(&st, "Reason", "the battery is low");
    json_decref(cloud_wait(st.s.cloud, "up", "$ota/report", "the battery is low"));
    wait_cloud(&st, "failed");
    write_hook(GOOD_HOOK);
    let_go();
    tool(&st, "retry", retry);
    wait_cloud(&st, "succeeded");
    check_content("installed", IMAGE);
    stage_stop(&st);
}

/* kill -9 of iotd in the middle: the command ends with it, and begins again with the next one. */
static void test_command_killed(void)
{
    CLEANUP(freep) char *pids = NULL;
    struct stage st;
    pid_t pid;

    write_hook(GOOD_HOOK);
    stage_start(&st, "exec:", "");
    order(&st, "custom=nothing");
    CHECK(wait_property(&st, "Progress", "50"));
    pids = content("pids");
    pid = (pid_t) atoi(pids);
    CHECK(pid > 0);
    daemon_kill(st.s.iotd);
    forget("pids");
    daemon_start_again(st.s.iotd);
    st.s.bus = daemon_bus(st.s.iotd);
    CHECK(wait_property(&st, "Progress", "50"));
    free(pids);
    pids = content("pids");
    CHECK(atoi(pids) > 0 && (pid_t) atoi(pids) != pid);
    let_go();
    wait_cloud(&st, "succeeded");
    check_content("installed", IMAGE);
    stage_stop(&st);
}

/* The same image, with a signature that openssl made, and with one for something else. */
static void test_signed(void)
{
    static const char sign[] =
        "cd \"$1\" && openssl genpkey -algorithm ed25519 -out sign.key &&\n"
        "openssl pkey -in sign.key -pubout -out verify.pem &&\n"
        "openssl dgst -sha256 -binary to-sign >sum &&\n"
        "openssl pkeyutl -sign -rawin -inkey sign.key -in sum -out sig && base64 -w 0 sig\n";
    static const char *const images[] = {IMAGE, "another image\n"};
    CLEANUP(freep) char *dir = fixture_test_path("");
    CLEANUP(freep) char *settings = scene_printf("verify_key = %s/verify.pem\n", dir);
    const char *const argv[] = {"sh", "-c", sign, "sh", dir, NULL};

    if (!fixture_has_program("openssl"))
        fixture_skip("no openssl (Debian: openssl)");
    for (size_t i = 0; i < ARRAY_SIZE(images); i++) {
        CLEANUP(freep) char *signature = NULL;
        CLEANUP(freep) char *custom = NULL;
        struct stage st;

        free(fixture_write_file("to-sign", 0600, images[i]));
        CHECK_INT(proc_run(argv, &signature), 0);
        custom = scene_printf("custom:={\"signature\":\"%s\"}", signature);
        write_hook(GOOD_HOOK);
        stage_start(&st, "exec:", settings);
        let_go();
        order(&st, custom);
        if (i == 0) {
            wait_cloud(&st, "succeeded");
        } else {
            CHECK(wait_property(&st, "State", "failed"));
            check_property(&st, "Code", "-4");
            wait_cloud(&st, "failed");
        }
        check_content("installed", i == 0 ? IMAGE : "");
        stage_stop(&st);
    }
}

/* RAUC finds the image where it is told; the device restarts with the new version. */
static void test_rauc(void)
{
    CLEANUP(freep) char *line = NULL;
    CLEANUP(freep) char *want = NULL;
    struct stage st;

    stage_start(&st, "rauc", "");
    start_rauc(&st, "ok", NULL);
    check_property(&st, "Installer", "rauc");
    order(&st, "custom=nothing");
    CHECK(wait_property(&st, "State", "installed"));
    line = proc_wait_line(st.rauc, PROC_STDOUT, "install ");
    want = scene_printf("install %zu %s/firmware/", strlen(IMAGE), daemon_state_dir(st.s.iotd));
    CHECK(line && strncmp(line, want, strlen(want)) == 0);
    free(fixture_write_file("version", 0600, "2.0\n"));
    daemon_kill(st.s.iotd);
    daemon_start_again(st.s.iotd);
    st.s.bus = daemon_bus(st.s.iotd);
    wait_cloud(&st, "succeeded");
    CHECK(wait_property(&st, "Version", "2.0"));
    stage_stop(&st);
}

static void test_rauc_fails(void)
{
    static const struct {
        const char *how, *text;
    } cases[] = {{"fail", "Compatible mismatch"}, {"refuse", "Unsupported key"}};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct stage st;

        stage_start(&st, "rauc", "");
        start_rauc(&st, cases[i].how, cases[i].text);
        order(&st, "custom=nothing");
        CHECK(wait_property(&st, "State", "failed"));
        check_property(&st, "Code", "-5");
        check_property(&st, "Reason", cases[i].text);
        json_decref(cloud_wait(st.s.cloud, "up", "$ota/report", cases[i].text));
        stage_stop(&st);
    }
}

/* iotd ends while RAUC works: nobody is told anything, and RAUC is asked again. */
static void test_rauc_hangs(void)
{
    CLEANUP(freep) char *line = NULL;
    struct stage st;

    stage_start(&st, "rauc", "");
    start_rauc(&st, "hang", NULL);
    order(&st, "custom=nothing");
    line = proc_wait_line(st.rauc, PROC_STDOUT, "install ");
    CHECK(wait_property(&st, "State", "installing"));
    daemon_kill(st.s.iotd);
    daemon_start_again(st.s.iotd);
    st.s.bus = daemon_bus(st.s.iotd);
    CHECK(wait_property(&st, "State", "installing"));
    CHECK(wait_property(&st, "Reason", "RAUC works for somebody else"));
    stage_stop(&st); /* a clean end, in the middle of it */
}

const char *const suite_name = "firmware-installers";
const struct suite_test suite_tests[] = {
    {"command", test_command},
    {"command-fails", test_command_fails},
    {"command-killed", test_command_killed},
    {"signed", test_signed},
    {"rauc", test_rauc},
    {"rauc-fails", test_rauc_fails},
    {"rauc-hangs", test_rauc_hangs},
    {NULL, NULL},
};

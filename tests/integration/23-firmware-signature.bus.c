/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cloud → iotd: update_firmware whose user_defined has {"signature":…} or {"signature_url":…}.
 * With firmware.verify_key a program is called only with an image that its key has signed; for the
 * others the cloud gets result_code -4. The MD5 is right each time.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "tests/lib/firmware-scene.h"

#define TEXT_MAX 2048
#define SETTINGS_FORMAT "verify_key = %s/verify.pem\n%s"

/* How openssl makes a key, and signs the image in $1 with the key in $2. */
struct kind {
    const char *make, *sign;
};

static const struct kind ed25519 = {
    "openssl genpkey -algorithm ed25519 -out ",
    "openssl dgst -sha256 -binary \"$1\" >digest && "
    "openssl pkeyutl -sign -rawin -inkey \"$2\" -in digest",
};
static const struct kind rsa = {
    "openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048 -out ",
    "openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest "
    "-sign \"$2\" \"$1\"",
};

static void shell(const char *command)
{
    if (system(command) != 0)
        fixture_fatal("%s", command);
}

/* The signature of a file in base64; the text is the caller's. */
static char *sign(const struct kind *kind, const char *file, const char *key)
{
    CLEANUP(freep)
    char *command = scene_printf("set -e; sign() { %s; }; sign %s %s | base64 -w 0 >signature",
                                 kind->sign, file, key);
    CLEANUP(fd_closep) int fd = -1;
    char *text = NULL;
    size_t len = 0;

    shell(command);
    fd = open("signature", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fd_read_file(fd, TEXT_MAX, &text, &len) < 0 || len == 0)
        fixture_fatal("no signature of %s", file);
    return text;
}

/* good.bin and bad.bin are one bit apart; good.key signs, other.key is somebody else's. */
static void stage_start(struct firmware_scene *fs, const struct kind *kind, const char *settings)
{
    CLEANUP(freep) char *text = NULL, *command = NULL;

    if (!fixture_has_program("openssl"))
        fixture_skip("no openssl (Debian: openssl)");
    CHECK_INT(chdir(getenv("IOTD_TEST_DIR")), 0);
    command = scene_printf("%sgood.key 2>openssl.log && %sother.key 2>>openssl.log && "
                           "openssl pkey -in good.key -pubout -out verify.pem && "
                           "{ head -c 300000 /dev/urandom; echo good; } >good.bin && "
                           "sed '$s/good$/gooe/' good.bin >bad.bin && ! cmp -s good.bin bad.bin",
                           kind->make, kind->make);
    shell(command);
    text = scene_printf(SETTINGS_FORMAT, getenv("IOTD_TEST_DIR"), settings);
    firmware_scene_start(fs, text);
}

static void order(struct firmware_scene *fs, const char *file, const char *version,
                  const char *member, const char *value)
{
    CLEANUP(freep)
    char *custom = member ? scene_printf("custom:={\"%s\":\"%s\"}", member, value) : NULL;

    firmware_scene_upload(fs, file, version, custom);
    firmware_scene_order(fs, version);
}

static void order_signed(struct firmware_scene *fs, const struct kind *kind, const char *file,
                         const char *version, const char *signed_file, const char *key)
{
    CLEANUP(freep) char *signature = sign(kind, signed_file, key);

    order(fs, file, version, "signature", signature);
}

/* Nothing is left that an installer could be given. */
static void check_no_image(struct firmware_scene *fs)
{
    CLEANUP(freep)
    char *command =
        scene_printf("test -z \"$(ls -A %s/firmware 2>/dev/null)\"", daemon_state_dir(fs->s.iotd));

    CHECK_INT(system(command), 0);
}

static void check_refused(struct firmware_scene *fs, const char *reason)
{
    firmware_scene_check_failed(fs, -4, reason);
    firmware_scene_check_not_offered(fs);
    check_no_image(fs);
}

static int n_downloads(struct firmware_scene *fs)
{
    CLEANUP(json_decrefp) json_t *state = cloud_state(fs->s.cloud);

    return scene_int(json_object_get(state, "files"), "downloads");
}

static void check_key(const struct kind *kind)
{
    struct firmware_scene fs;
    int n;

    stage_start(&fs, kind, "");
    order_signed(&fs, kind, "bad.bin", "2.0", "good.bin", "good.key");
    check_refused(&fs, "the signature of the image is wrong");
    order_signed(&fs, kind, "good.bin", "2.1", "good.bin", "other.key");
    check_refused(&fs, "the signature of the image is wrong");
    n = n_downloads(&fs);
    order(&fs, "good.bin", "2.2", NULL, NULL);
    check_refused(&fs, "the image has no signature");
    CHECK_INT(n_downloads(&fs), n);
    order(&fs, "good.bin", "2.3", "signature", "not base64!");
    check_refused(&fs, "the signature of the image is not base64");
    order_signed(&fs, kind, "good.bin", "2.4", "good.bin", "good.key");
    firmware_scene_take_install(&fs, "good.bin");
    CHECK_MSG(firmware_scene_call(fs.program, "Finish", "is", 0, ""), "");
    CHECK(firmware_scene_wait(&fs, "State", "installed"));
    firmware_scene_stop(&fs);
}

static void test_ed25519(void)
{
    check_key(&ed25519);
}

static void test_rsa_pss(void)
{
    check_key(&rsa);
}

static void order_by_url(struct firmware_scene *fs, const char *file, const char *version)
{
    CLEANUP(freep)
    char *answer =
        file_scene_localcloud(&fs->s, 0, (const char *const[]){"blob", "url", "sig/sum", NULL});
    CLEANUP(json_decrefp) json_t *parsed = json_loads(answer, 0, NULL);

    order(fs, file, version, "signature_url", scene_text(parsed, "url"));
}

/* The signature is a file of its own at the cloud. */
static void test_second_file(void)
{
    struct firmware_scene fs;

    stage_start(&fs, &ed25519, "");
    order_by_url(&fs, "good.bin", "2.0"); /* nobody has put it there */
    firmware_scene_check_failed(&fs, -4, "the signature cannot be fetched");
    firmware_scene_check_not_offered(&fs);
    free(sign(&ed25519, "good.bin", "good.key"));
    CHECK_LOCALCLOUD(&fs.s, 0, "blob", "put", "signature", "sig/sum");
    order_by_url(&fs, "bad.bin", "2.1");
    check_refused(&fs, "the signature of the image is wrong");
    order_by_url(&fs, "good.bin", "2.2");
    firmware_scene_take_install(&fs, "good.bin");
    firmware_scene_stop(&fs);
}

/* What a person does with a file; without a signature. */
static DBusMessage *hand_in(struct firmware_scene *fs, const char *file, const char *version)
{
    DBusMessage *msg = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_FIRMWARE, "Install");
    CLEANUP(fd_closep) int fd = open(file, O_RDONLY | O_CLOEXEC);
    DBusMessageIter it, dict;

    dbus_message_iter_init_append(msg, &it);
    CHECK_INT(msg_append_fd(&it, fd), 0);
    CHECK_INT(msg_append_string(&it, version), 0);
    CHECK_INT(msg_open_dict(&it, &dict), 0);
    CHECK_INT(msg_close(&it, &dict, 0), 0);
    return bus_client_call(fs->s.bus, msg);
}

/* Who would be asked is not; a person who hands one in has to have a signature, too. */
static void test_asked(void)
{
    struct firmware_scene fs;

    stage_start(&fs, &ed25519, "auto = no\n");
    order(&fs, "good.bin", "2.0", NULL, NULL);
    check_refused(&fs, "the image has no signature");
    CHECK_ERROR(hand_in(&fs, "good.bin", "2.0"), ERR("Refused"), "signed");
    CHECK_ERROR(firmware_scene_call(fs.s.bus, "Accept", "s", "2.0"), ERR("NotReady"), "no order");
    firmware_scene_check_not_offered(&fs);
    firmware_scene_stop(&fs);
}

const char *const suite_name = "firmware-signature";
const struct suite_test suite_tests[] = {
    {"ed25519", test_ed25519},
    {"rsa_pss", test_rsa_pss},
    {"second_file", test_second_file},
    {"asked", test_asked},
    {NULL, NULL},
};

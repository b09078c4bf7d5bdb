/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which file counts, how it is replaced, and names that the device knows itself. */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/store/vault_name.h"
#include "daemon/store/vault_source.h"
#include "daemon/store/vault_write.h"
#include "libiotclient/base/fdutil.h"
#include "tests/lib/suite.h"

#define IDENTITY "\"productId\":\"ABCDE12345\",\"deviceName\":\"dev_001\""
#define COMPLETE(secret) "{" IDENTITY ",\"key_deviceinfo\":{\"deviceSecret\":\"" secret "\"}}"
#define TO_REGISTER "{" IDENTITY ",\"productSecret\":\"0123456789abcdef\",\"region\":\"europe\"}"
#define OTHER                                                                                      \
    "{\"productId\":\"ABCDE12345\",\"deviceName\":\"dev_002\","                                    \
    "\"productSecret\":\"0123456789abcdef\"}"

/* --- faults: the n-th of these calls fails, or the process ends in its place --- */

static struct {
    int left;  /* calls until then; negative: never */
    int error; /* 0: the end */
    unsigned n_calls;
} fault = {-1, 0, 0};

static bool is_due(void)
{
    fault.n_calls++;
    if (fault.left < 0 || fault.left-- > 0)
        return false;
    if (fault.error == 0)
        _exit(42);
    errno = fault.error;
    return true;
}

ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len)
{
    /* In two parts, so that there is a middle. */
    return is_due() ? -1 : __real_write(fd, data, len > 8 ? 8 : len);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    return is_due() ? -1 : __real_fsync(fd);
}

int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return is_due() ? -1 : __real_renameat(from_fd, from, to_fd, to);
}

int __real_unlinkat(int fd, const char *path, int flags);
int __wrap_unlinkat(int fd, const char *path, int flags);
int __wrap_unlinkat(int fd, const char *path, int flags)
{
    return is_due() ? -1 : __real_unlinkat(fd, path, flags);
}

/* --- files --- */

static char dir[64];

static const char *path_of(const char *name)
{
    static char paths[4][128];
    static unsigned n;
    char *path = paths[n++ % ARRAY_SIZE(paths)];

    (void) snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
    return path;
}

static void begin(void)
{
    strcpy(dir, "/tmp/test-vault-files-XXXXXX");
    CHECK(mkdtemp(dir));
    CHECK_INT(mkdir(path_of("etc"), 0700), 0);
    CHECK_INT(mkdir(path_of("state"), 0700), 0);
}

static void end(void)
{
    char command[96];

    (void) snprintf(command, sizeof(command), "rm -rf %s", dir);
    CHECK_INT(system(command), 0);
}

static void put(const char *name, const char *text)
{
    int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    CHECK(fd >= 0);
    CHECK_INT(dprintf(fd, "%s", text), strlen(text));
    CHECK_INT(fd_close(fd), -1);
}

/* "" when it is not there; the text is the caller's. */
static char *get(const char *name)
{
    CLEANUP(fd_closep) int fd = open(path_of(name), O_RDONLY | O_CLOEXEC);
    char *text = NULL;
    size_t len;

    if (fd < 0 || fd_read_file(fd, 65536, &text, &len) < 0)
        return strdup("");
    return text;
}

static void check_file(int line, const char *name, const char *want)
{
    CLEANUP(freep) char *text = get(name);

    if (strcmp(text, want) != 0)
        suite_fail(__FILE__, line, "%s is \"%s\"", name, text);
}
#define CHECK_FILE(name, want) check_file(__LINE__, name, want)

/* --- writing --- */

static void test_write(void)
{
    struct stat st;

    begin();
    CHECK_INT(vault_write(path_of("etc/f"), "one", 3), 0);
    CHECK_FILE("etc/f", "one");
    CHECK_INT(stat(path_of("etc/f"), &st), 0);
    CHECK_INT(st.st_mode & 07777, 0600);
    CHECK_INT(vault_write(path_of("etc/f"), "", 0), 0);
    CHECK_FILE("etc/f", "");

    /* A link stays one; what a kill left goes. */
    CHECK_INT(symlink("../state/f", path_of("etc/link")), 0);
    put("state/f", "old");
    put("state/f.new", "half of");
    CHECK_INT(vault_write(path_of("etc/link"), "new", 3), 0);
    CHECK_FILE("state/f", "new");
    CHECK_INT(access(path_of("state/f.new"), F_OK), -1);
    CHECK_INT(lstat(path_of("etc/link"), &st), 0);
    CHECK(S_ISLNK(st.st_mode));

    CHECK_INT(vault_write(path_of("nowhere/f"), "x", 1), -ENOENT);
    CHECK_INT(vault_write(path_of("etc/"), "x", 1), -EISDIR);
    CHECK_INT(vault_remove(path_of("etc/f")), 0);
    CHECK_INT(access(path_of("etc/f"), F_OK), -1);
    CHECK_INT(vault_remove(path_of("etc/f")), 0);
    CHECK_INT(vault_remove(path_of("nowhere/f")), 0);
    end();
}

#define OLD_TEXT "the credentials as they were"
#define NEW_TEXT "the credentials as they will be"

/* Each call fails once: the old file stays whole and nothing is left beside it. */
static void test_write_fails(void)
{
    unsigned n = 0;
    int r;

    begin();
    do {
        put("etc/f", OLD_TEXT);
        fault.left = (int) n++;
        fault.error = ENOSPC;
        r = vault_write(path_of("etc/f"), NEW_TEXT, strlen(NEW_TEXT));
        fault.left = -1;
        if (r == 0)
            break;
        CHECK_INT(r, -ENOSPC);
        CHECK_INT(access(path_of("etc/f.new"), F_OK), -1);
        /* Only the very last one comes after the change: it is not sure to be on the disk. */
        if (access(path_of("etc/f"), F_OK) == 0 && n < 8)
            CHECK_FILE("etc/f", OLD_TEXT);
    } while (n < 100);
    CHECK(n > 6);
    CHECK_FILE("etc/f", NEW_TEXT);
    end();
}

/* A kill at each call: the file is the old one or the new one. */
static void test_write_killed(void)
{
    unsigned n_old = 0, n_new = 0;
    int status = 42 << 8;

    begin();
    for (int n = 0; status != 0 && n < 100; n++) {
        CLEANUP(freep) char *text = NULL;
        pid_t pid;

        put("etc/f", OLD_TEXT);
        pid = fork();
        if (pid == 0) {
            fault.left = n;
            fault.error = 0;
            _exit(vault_write(path_of("etc/f"), NEW_TEXT, strlen(NEW_TEXT)) == 0 ? 0 : 1);
        }
        CHECK_INT(waitpid(pid, &status, 0), pid);
        CHECK(status == 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 42));
        text = get("etc/f");
        if (strcmp(text, OLD_TEXT) == 0)
            n_old++;
        else if (strcmp(text, NEW_TEXT) == 0)
            n_new++;
        else
            suite_fail(__FILE__, __LINE__, "killed at call %d: \"%s\"", n, text);
    }
    CHECK_INT(status, 0);
    CHECK(n_old >= 6);
    CHECK(n_new >= 2);
    end();
}

/* --- which file counts --- */

static struct vault_source source(void)
{
    struct vault_source s = {.is_read_only = false};

    (void) snprintf(s.file, sizeof(s.file), "%s", path_of("etc/device_info.json"));
    (void) snprintf(s.copy, sizeof(s.copy), "%s", path_of("state/device_info.json"));
    return s;
}

/* "file name secret" of what counts, "none", or "mistake"; secret "-" when it is missing. */
static void check_source(int line, const struct vault_source *s, const char *want)
{
    CLEANUP(ident_freep) struct ident *id = NULL;
    char problem[VAULT_PROBLEM] = "", text[128];
    const char *path = "";
    int r = vault_source_load(s, &id, &path, problem);

    if (r == -ENOENT)
        (void) snprintf(text, sizeof(text), "none");
    else if (r < 0)
        (void) snprintf(text, sizeof(text), "mistake in %s", path == s->copy ? "copy" : "file");
    else
        (void) snprintf(text, sizeof(text), "%s %s %.*s", path == s->copy ? "copy" : "file",
                        id->device_name,
                        id->device_secret ? (int) secret_len(id->device_secret) : 1,
                        id->device_secret ? (const char *) secret_data(id->device_secret) : "-");
    if (strcmp(text, want) != 0)
        suite_fail(__FILE__, line, "\"%s\" (%s), wanted \"%s\"", text, problem, want);
}
#define CHECK_SOURCE(s, want) check_source(__LINE__, s, want)

static int save(const struct vault_source *s, const char *text, char *problem)
{
    CLEANUP(jx_decrefp) json_t *doc = NULL;
    const char *path;

    CHECK_INT(jx_parse_object(text, strlen(text), &doc, NULL), 0);
    return vault_source_save(s, doc, NULL, 0, &path, problem);
}

static void test_none(void)
{
    struct vault_source s;

    begin();
    s = source();
    CHECK_SOURCE(&s, "none");
    put("etc/device_info.json", "{}\n"); /* of a unit without a credential */
    CHECK_SOURCE(&s, "none");
    put("etc/device_info.json", "");
    CHECK_SOURCE(&s, "none");
    put("etc/device_info.json", "{\"x\":1}");
    CHECK_SOURCE(&s, "mistake in file");
    put("etc/device_info.json", TO_REGISTER);
    CHECK_SOURCE(&s, "file dev_001 -");
    put("etc/device_info.json", COMPLETE("b25l"));
    CHECK_SOURCE(&s, "file dev_001 one");
    end();
}

/* Instead of the file where that is possible, and then there is no copy. */
static void test_save_file(void)
{
    char problem[VAULT_PROBLEM];
    struct vault_source s;

    begin();
    s = source();
    put("state/device_info.json", COMPLETE("b25l"));
    CHECK_INT(save(&s, COMPLETE("dHdv"), problem), 0);
    CHECK_SOURCE(&s, "file dev_001 two");
    CHECK_INT(access(s.copy, F_OK), -1);
    end();
}

static void test_save_copy(void)
{
    char problem[VAULT_PROBLEM];
    struct vault_source s;

    begin();
    s = source();
    s.is_read_only = true;
    /* There is no file; when one comes, somebody means it. */
    CHECK_INT(save(&s, COMPLETE("b25l"), problem), 0);
    CHECK_SOURCE(&s, "copy dev_001 one");
    put("etc/device_info.json", COMPLETE("dHdv"));
    CHECK_SOURCE(&s, "file dev_001 two");
    /* Over that file, until it changes. */
    CHECK_INT(save(&s, COMPLETE("c2l4"), problem), 0);
    CHECK_SOURCE(&s, "copy dev_001 six");
    put("etc/device_info.json", COMPLETE("dGVu"));
    CHECK_SOURCE(&s, "file dev_001 ten");
    /* A damaged copy is told, not passed over: the file might be for another device. */
    put("state/device_info.json", "{");
    CHECK_SOURCE(&s, "mistake in copy");
    end();
}

static void test_no_room(void)
{
    char problem[VAULT_PROBLEM] = "";
    struct vault_source s;

    begin();
    s = source();
    put("etc/device_info.json", COMPLETE("b25l"));
    fault.left = 1;
    fault.error = ENOSPC;
    CHECK_INT(save(&s, COMPLETE("dHdv"), problem), -ENOSPC);
    fault.left = -1;
    CHECK(strstr(problem, "etc/device_info.json: No space left"));
    CHECK_SOURCE(&s, "file dev_001 one");
    /* Neither is possible. */
    CHECK_INT(rmdir(path_of("state")), 0);
    s.is_read_only = true;
    CHECK_INT(save(&s, COMPLETE("dHdv"), problem), -ENOENT);
    CHECK(strstr(problem, "state/device_info.json: No such"));
    end();
}

/* --- registration --- */

static int complete(const struct vault_source *s, const char *psk, char *problem)
{
    CLEANUP(ident_freep) struct ident *id = NULL;
    CLEANUP(secret_freep) struct secret *secret = NULL;
    struct vault_registration rg = {.psk = NULL};
    const char *path;

    CHECK_INT(vault_source_load(s, &id, &path, problem), 0);
    CHECK_INT(secret_new(&secret, psk, strlen(psk)), 0);
    rg.psk = secret;
    return vault_source_complete(s, id, &rg, &path, problem);
}

static void test_complete(void)
{
    CLEANUP(freep) char *text = NULL;
    char problem[VAULT_PROBLEM];
    struct vault_source s;

    begin();
    s = source();
    put("etc/device_info.json", TO_REGISTER);
    CHECK_INT(complete(&s, "b25l", problem), 0);
    CHECK_SOURCE(&s, "file dev_001 one");
    text = get("etc/device_info.json");
    CHECK(strstr(text, "0123456789abcdef")); /* everything else stays */
    CHECK(strstr(text, "europe"));
    end();
}

/* The copy counts for its device, whatever else changes in a file without a secret. */
static void test_complete_copy(void)
{
    char problem[VAULT_PROBLEM];
    struct vault_source s;

    begin();
    s = source();
    s.is_read_only = true;
    put("etc/device_info.json", TO_REGISTER);
    CHECK_INT(complete(&s, "b25l", problem), 0);
    CHECK_FILE("etc/device_info.json", TO_REGISTER);
    CHECK_SOURCE(&s, "copy dev_001 one");
    put("etc/device_info.json", TO_REGISTER "\n\n");
    CHECK_SOURCE(&s, "copy dev_001 one");
    put("etc/device_info.json", OTHER);
    CHECK_SOURCE(&s, "file dev_002 -");
    put("etc/device_info.json", COMPLETE("dHdv"));
    CHECK_SOURCE(&s, "file dev_001 two");
    end();
}

/* The answer comes late: meanwhile somebody gave the credentials of another device. */
static void test_complete_late(void)
{
    CLEANUP(ident_freep) struct ident *id = NULL;
    CLEANUP(secret_freep) struct secret *secret = NULL;
    struct vault_registration rg = {.psk = NULL};
    char problem[VAULT_PROBLEM];
    struct vault_source s;
    const char *path;

    begin();
    s = source();
    put("etc/device_info.json", TO_REGISTER);
    CHECK_INT(vault_source_load(&s, &id, &path, problem), 0);
    CHECK_INT(secret_new(&secret, "b25l", 4), 0);
    rg.psk = secret;
    put("etc/device_info.json", OTHER);
    CHECK_INT(vault_source_complete(&s, id, &rg, &path, problem), -ESTALE);
    CHECK_FILE("etc/device_info.json", OTHER);
    end();
}

/* The name that the source gave is kept: the device stays who it is when the source changes. */
static void test_complete_name(void)
{
    char problem[VAULT_PROBLEM], text[256];
    struct vault_source s;

    begin();
    s = source();
    put("name", "dev_007\n");
    (void) snprintf(text, sizeof(text),
                    "{\"productId\":\"ABCDE12345\",\"deviceName\":\"file:%s\","
                    "\"productSecret\":\"0123456789abcdef\"}",
                    path_of("name"));
    put("etc/device_info.json", text);
    CHECK_SOURCE(&s, "file dev_007 -");
    CHECK_INT(complete(&s, "b25l", problem), 0);
    put("name", "dev_008\n");
    CHECK_SOURCE(&s, "file dev_007 one");
    end();
}

/* --- names --- */

static void test_names(void)
{
    static const struct {
        const char *address, *type;
        int result;
        const char *name;
    } cases[] = {
        {"00:1a:2b:3c:4d:5e\n", "0\n", 0, "001a2b3c4d5e"},
        {"00:1a:2b:3c:4d:5e\n", "3\n", 0, "001a2b3c4d5e"},
        {"00:1a:2b:3c:4d:5e\n", "1\n", -EINVAL, ""},
        {"00:00:00:00:00:00\n", "0\n", -EINVAL, ""},
        {"", "0\n", -EINVAL, ""},
        {"00:1a:2b:3c:4d\n", "0\n", -EINVAL, ""},
        {"00:1a:2b:3c:4d:5x\n", "0\n", -EINVAL, ""},
    };
    char name[LIMIT_DEVICE_NAME + 1];
    const char *why;

    begin();
    CHECK_INT(mkdir(path_of("class"), 0700), 0);
    CHECK_INT(mkdir(path_of("class/net"), 0700), 0);
    CHECK_INT(mkdir(path_of("class/net/eth0"), 0700), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int r;

        put("class/net/eth0/address", cases[i].address);
        put("class/net/eth0/addr_assign_type", cases[i].type);
        r = vault_name_read("mac:eth0", dir, name, &why);
        CHECK_INT(r, cases[i].result);
        if (r == 0)
            CHECK_STR(name, cases[i].name);
    }
    CHECK_INT(vault_name_read("mac:eth1", dir, name, &why), -ENOENT);
    CHECK_INT(vault_name_read("mac:", dir, name, &why), -EINVAL);
    CHECK_INT(vault_name_read("mac:../../name", dir, name, &why), -EINVAL);
    CHECK_INT(vault_name_read("serial:x", dir, name, &why), -EINVAL);
    CHECK(!vault_name_is_source("dev_001"));
    CHECK(vault_name_is_source("mac:eth0"));
    end();
}

static void test_name_files(void)
{
    static const struct {
        const char *kind, *content;
        int result;
        const char *name;
    } cases[] = {
        {"imei", "490154203237518\n", 0, "490154203237518"},
        {"imei", "  490154203237518  \r\nmore", 0, "490154203237518"},
        {"imei", "49015420323751\n", -EINVAL, ""},
        {"imei", "49015420323751a\n", -EINVAL, ""},
        {"imei", "", -EINVAL, ""},
        {"file", "dev-1\n", 0, "dev-1"},
        {"file", "bad/name\n", -EINVAL, ""},
        {"file", "\n", -EINVAL, ""},
        {"file", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", -EINVAL, ""},
    };

    begin();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char name[LIMIT_DEVICE_NAME + 1], text[128];
        const char *why = NULL;
        int r;

        put("name", cases[i].content);
        (void) snprintf(text, sizeof(text), "%s:%s", cases[i].kind, path_of("name"));
        r = vault_name_read(text, "/sys", name, &why);
        if (r != cases[i].result || (r == 0 && strcmp(name, cases[i].name) != 0))
            suite_fail(__FILE__, __LINE__, "%s \"%s\": %d", cases[i].kind, cases[i].content, r);
    }
    end();
}

const char *const suite_name = "vault-files";
const struct suite_test suite_tests[] = {
    {"write", test_write},
    {"write_fails", test_write_fails},
    {"write_killed", test_write_killed},
    {"none", test_none},
    {"save_file", test_save_file},
    {"save_copy", test_save_copy},
    {"no_room", test_no_room},
    {"complete", test_complete},
    {"complete_copy", test_complete_copy},
    {"complete_late", test_complete_late},
    {"complete_name", test_complete_name},
    {"names", test_names},
    {"name_files", test_name_files},
    {NULL, NULL},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/file-scene.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"

char *file_scene_localcloud(struct scene *s, int status, const char *const *args)
{
    CLEANUP(freep) char *path = fixture_build_path("iot-localcloud");
    CLEANUP(freep) char *port = scene_printf("%d", cloud_http_port(s->cloud));
    const char *argv[16] = {path, args[0], "--http-port", port};
    char *out = NULL;
    int got;

    for (size_t i = 1; args[i] && i + 4 < ARRAY_SIZE(argv); i++)
        argv[i + 3] = args[i];
    got = proc_run(argv, &out);
    if (got != status)
        suite_fail(__FILE__, __LINE__, "%s %s: exit %d, %s", args[0], args[1], got, out);
    return out;
}

static unsigned char byte_at(uint64_t i)
{
    return (unsigned char) (i * 7 + i / 251 + i / 65521);
}

static void fill(int fd, uint64_t size)
{
    unsigned char chunk[2048];

    for (uint64_t done = 0; done < size;) {
        size_t n = size - done < sizeof(chunk) ? (size_t) (size - done) : sizeof(chunk);

        for (size_t i = 0; i < n; i++)
            chunk[i] = byte_at(done + i);
        if (write(fd, chunk, n) != (ssize_t) n)
            fixture_fatal("cannot write a file: %s", strerror(errno));
        done += n;
    }
}

const char *file_scene_file(const char *name, uint64_t size)
{
    static char kept[512];
    CLEANUP(freep) char *path = fixture_test_path(name);
    CLEANUP(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0)
        fixture_fatal("%s: %s", path, strerror(errno));
    fill(fd, size);
    (void) snprintf(kept, sizeof(kept), "%s", path);
    return kept;
}

int file_scene_memfd(uint64_t size)
{
    int fd = memfd_create("file", MFD_CLOEXEC);

    if (fd < 0)
        fixture_fatal("memfd_create: %s", strerror(errno));
    fill(fd, size);
    return fd;
}

static bool has_contents(int fd, uint64_t size)
{
    unsigned char chunk[2048];
    uint64_t done = 0;
    ssize_t n;

    while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (chunk[i] != byte_at(done + (uint64_t) i))
                return false;
        }
        done += (uint64_t) n;
    }
    return n == 0 && done == size;
}

int file_scene_compare(struct scene *s, const char *iface, const char *name, uint64_t size)
{
    CLEANUP(msg_unrefp)
    DBusMessage *reply = scene_call(s->bus, IOTD_DEVICE_PATH, iface, "Open", "s", name);
    CLEANUP(fd_closep) int fd = -1;
    DBusMessageIter it;

    if (!reply || !dbus_message_iter_init(reply, &it) || msg_read_fd(&it, &fd) < 0)
        return -1;
    if ((fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY)
        return -2;
    return has_contents(fd, size) ? 0 : -3;
}

/* Time passes in the programs that are asked, not here. */
void file_scene_wait_status(struct scene *s, const char *list, const char *name, const char *status)
{
    CLEANUP(freep) char *want = scene_printf("\"status\":\"%s\"", status);
    CLEANUP(freep) char *wanted_name = scene_printf("\"name\":\"%s\"", name);
    const uint64_t deadline = fixture_deadline_ms();

    while (fixture_left_ms(deadline) > 0) {
        CLEANUP(freep)
        char *out =
            file_scene_localcloud(s, 0, (const char *const[]){list, "list", DEVICE_ID, NULL});
        char *rest = out, *line;

        while ((line = strsep(&rest, "\n"))) {
            if (strstr(line, wanted_name) && strstr(line, want))
                return;
        }
    }
    suite_fail(__FILE__, __LINE__, "%s %s never had the status %s", list, name, status);
}

void file_scene_wait_list(struct scene *s, const char *want)
{
    const uint64_t deadline = fixture_deadline_ms();

    while (fixture_left_ms(deadline) > 0) {
        CLEANUP(msg_unrefp) DBusMessage *reply = FILES(s->bus, "List", "");
        CLEANUP(freep) char *text = reply ? msg_text(reply) : NULL;

        if (text && strcmp(text, want) == 0)
            return;
    }
    CHECK_MSG(FILES(s->bus, "List", ""), want);
}

static char *files_path(struct scene *s, const char *sub)
{
    return scene_printf("%s/files/%s", daemon_state_dir(s->iotd), sub);
}

static int not_hidden(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

void file_scene_wait_partial(struct scene *s, uint64_t size)
{
    CLEANUP(freep) char *dir = files_path(s, "partial");
    const uint64_t deadline = fixture_deadline_ms();

    while (fixture_left_ms(deadline) > 0) {
        struct dirent **names = NULL;
        int n = scandir(dir, &names, not_hidden, alphasort);
        uint64_t found = 0;

        for (int i = 0; i < n; i++) {
            CLEANUP(freep) char *path = scene_printf("%s/%s", dir, names[i]->d_name);
            struct stat st;

            if (stat(path, &st) == 0)
                found = (uint64_t) st.st_size;
            free(names[i]);
        }
        free(names);
        if (found >= size)
            return;
        bus_client_round_trip(s->bus, IOTD_BUS_NAME);
    }
    suite_fail(__FILE__, __LINE__, "no partial file of %llu bytes", (unsigned long long) size);
}

uint64_t file_scene_sent_bytes(struct scene *s)
{
    CLEANUP(freep) char *journal = cloud_journal(s->cloud);
    char *rest = journal, *line;
    uint64_t sum = 0;

    while ((line = strsep(&rest, "\n"))) {
        CLEANUP(json_decrefp) json_t *entry = json_loads(line, 0, NULL);
        const char *reason = scene_text(entry, "reason"), *of;
        unsigned long long sent = 0;

        if (strcmp(scene_text(entry, "event"), "download") != 0)
            continue;
        of = strstr(reason, " of ");
        while (of && of > reason && strchr("0123456789", of[-1]))
            of--;
        if (!of || sscanf(of, "%llu of", &sent) != 1)
            suite_fail(__FILE__, __LINE__, "an entry that is not understood: %s", reason);
        sum += sent;
    }
    return sum;
}

const char *file_scene_ls(struct scene *s, const char *sub)
{
    static char kept[512];
    CLEANUP(freep) char *dir = files_path(s, sub);
    struct dirent **names = NULL;
    int n = scandir(dir, &names, not_hidden, alphasort);

    kept[0] = '\0';
    for (int i = 0; i < n; i++) {
        size_t len = strlen(kept);

        (void) snprintf(kept + len, sizeof(kept) - len, "%s ", names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return kept;
}

static void empty(const char *path)
{
    struct dirent **names = NULL;
    int n = scandir(path, &names, not_hidden, alphasort);

    for (int i = 0; i < n; i++) {
        CLEANUP(freep) char *below = scene_printf("%s/%s", path, names[i]->d_name);

        if (unlink(below) < 0)
            empty(below);
        free(names[i]);
    }
    free(names);
}

void file_scene_lose_state(struct scene *s)
{
    empty(daemon_state_dir(s->iotd));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of the cloud about files and resources, and what comes of them. Each line is a letter
 * and what it is about:
 *
 *   f, r  a message on the service topic, or about resources: the payload
 *   d     a download ends: a digit, which one, and a digit, how (0: it is whole)
 *   u, v  a program sends a file or a resource: its name
 *   p     an upload ends, as d
 *   o, e  a program opens or deletes the file of that name
 *   x     iotd is killed, and starts again
 *   k     the connection breaks, and comes back
 *
 * Whatever comes: the link stays up, nothing leaves the directory, the directory has what the list
 * has, and what is sent is JSON.
 */

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/sys/log.h"
#include "libiotclient/base/name.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/files-rig.h"

#define MAX_LINES 64
#define MAX_WHOLE 4096 /* of a file that comes */

static void push(const char *topic, const uint8_t *payload, size_t len)
{
    static uint8_t packet[8192];
    size_t n;

    if (len > sizeof(packet) - 128)
        len = sizeof(packet) - 128;
    n = wire_publish(packet, topic, payload, len, 1, ++frig.rig.last_id, false);
    fake_transport_feed(&frig.rig.net, packet, n);
}

static void check_sent(void)
{
    struct wire_packet p;

    while (rig_next_publish(&frig.rig, &p, true)) {
        json_t *json = json_loadb(p.payload, p.payload_len, JSON_REJECT_DUPLICATES, NULL);

        FUZZ_CHECK(json);
        json_decref(json);
    }
}

/* The open one of that number. */
static struct fetch *find_fetch(unsigned n)
{
    for (unsigned i = 0; i < frig.n_fetches; i++) {
        if (frig.fetches[i].is_open && n-- == 0)
            return &frig.fetches[i];
    }
    return NULL;
}

static void end_fetch(unsigned n, unsigned result)
{
    struct fetch *f = find_fetch(n);
    static char whole[MAX_WHOLE + 1];

    if (!f)
        return;
    FUZZ_CHECK(f->size > 0 && f->size <= frig.max_size && !strchr(f->name, '/'));
    if (result % TRANSFER_RESULT_COUNT_ == TRANSFER_OK && f->size <= MAX_WHOLE) {
        memset(whole, 'x', sizeof(whole));
        whole[f->size] = '\0';
        frig_arrive(f, whole);
    } else {
        frig_fail(f, result % TRANSFER_RESULT_COUNT_
                         ? (enum transfer_result)(result % TRANSFER_RESULT_COUNT_)
                         : TRANSFER_FAILED);
    }
}

static void end_put(unsigned n, unsigned result)
{
    for (unsigned i = 0; i < frig.n_puts; i++) {
        if (frig.puts[i].is_open && n-- == 0) {
            frig_put_end(&frig.puts[i], (enum transfer_result)(result % TRANSFER_RESULT_COUNT_));
            return;
        }
    }
}

static void upload(enum file_kind kind, const char *name)
{
    int fd = frig_memfd("hello");
    const struct files_up_request q = {kind, fd, {name, "FILE", "1"}, ":1.1"};
    struct transfer *t = NULL;

    if (files_upload(frig.files, &q, &t) == 0)
        FUZZ_CHECK(name_is_file(name));
    (void) close(fd);
}

static void restart(void)
{
    frig_restart();
    frig_connect();
}

static void run_line(const uint8_t *line, size_t len)
{
    char text[300];
    const char *rest = text;
    int fd = -1;
    const struct file *f;

    (void) snprintf(text, sizeof(text), "%.*s", (int) (len - 1), (const char *) line + 1);
    if (line[0] == 'f')
        push("$thing/down/service/" RIG_PRODUCT "/" RIG_DEVICE, line + 1, len - 1);
    else if (line[0] == 'r')
        push("$resource/down/service/" RIG_PRODUCT "/" RIG_DEVICE, line + 1, len - 1);
    else if (line[0] == 'd' && len >= 3)
        end_fetch(line[1] % 8, line[2] - (unsigned) '0');
    else if (line[0] == 'p' && len >= 3)
        end_put(line[1] % 8, line[2] - (unsigned) '0');
    else if (line[0] == 'u' || line[0] == 'v')
        upload(line[0] == 'u' ? FILE_KIND_FILE : FILE_KIND_RESOURCE, rest);
    else if (line[0] == 'o' && files_open(frig.files, FILE_KIND_FILE, rest, &fd, &f) == 0)
        (void) close(fd);
    else if (line[0] == 'e')
        (void) !files_delete(frig.files, FILE_KIND_FILE, rest);
    else if (line[0] == 'x')
        restart();
    else if (line[0] == 'k') {
        rig_drop(&frig.rig);
        frig_connect();
    }
}

static int check_file(const struct file *f, enum file_state state, void *userdata)
{
    static const char *const subs[] = {"file", "resource"};
    uint64_t *bytes = userdata;
    char path[256];
    struct stat st;

    FUZZ_CHECK(name_is_file(f->name));
    if (state != FILE_STATE_HERE && state != FILE_STATE_RENEWED)
        return 0;
    (void) snprintf(path, sizeof(path), "%s/%s/%s", frig.dir, subs[f->kind], f->name);
    FUZZ_CHECK(lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t) st.st_size == f->size);
    *bytes += f->size;
    return 0;
}

static void check_all(void)
{
    uint64_t bytes = 0;

    for (int k = 0; k < FILE_KIND_COUNT_; k++)
        FUZZ_CHECK(files_walk(frig.files, (enum file_kind) k, check_file, &bytes) == 0);
    FUZZ_CHECK(bytes <= frig.quota);
    FUZZ_CHECK(strcmp(frig_ls(""), "file partial resource ") == 0);
    FUZZ_CHECK(link_is_up(frig.rig.link));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned n_lines = 0;

    log_set_level(LOG_LEVEL_ERR);
    frig_begin();
    while (size > 0 && n_lines < MAX_LINES) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t len = end ? (size_t) (end - data) : size;

        if (len > 0) {
            run_line(data, len);
            n_lines++;
            rig_advance(&frig.rig, 10000);
            check_sent();
            check_all();
        }
        data += len + (end != NULL);
        size -= len + (end != NULL);
    }
    rig_advance(&frig.rig, 61 * USEC_PER_SEC);
    check_sent();
    restart(); /* and everything is there again */
    check_all();
    frig_end();
    return 0;
}

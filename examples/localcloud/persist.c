/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/persist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"

#define DOCUMENT_MAX (16 * 1024 * 1024)

static int write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text += n;
        len -= (size_t) n;
    }
    return 0;
}

int persist_save(int dir, const char *name, const json_t *document)
{
    CLEANUP(freep) char *text = NULL;
    CLEANUP(fd_closep) int fd = -1;
    char temporary[64];
    int e;

    if (dir < 0)
        return 0;
    text = json_dumps(document, JSON_INDENT(1));
    if (!text)
        return -ENOMEM;
    (void) snprintf(temporary, sizeof(temporary), "%s.new", name);
    fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    e = write_all(fd, text, strlen(text));
    if (e == 0 && renameat(dir, temporary, dir, name) < 0)
        e = -errno;
    return e;
}

int persist_load(int dir, const char *name, json_t **ret_document)
{
    CLEANUP(freep) char *text = NULL;
    CLEANUP(fd_closep) int fd = -1;
    json_t *document;
    size_t len;
    int e;

    if (dir < 0)
        return -ENOENT;
    fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    e = fd_read_file(fd, DOCUMENT_MAX, &text, &len);
    if (e < 0)
        return e;
    document = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    if (!document)
        return -EINVAL;
    *ret_document = document;
    return 0;
}

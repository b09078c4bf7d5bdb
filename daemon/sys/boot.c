/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/sys/boot.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"

#define KERNEL_FILE "/proc/sys/kernel/random/boot_id"

static bool read_id(const char *path, char id[BOOT_ID_SIZE])
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char text[BOOT_ID_SIZE];
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (n <= 0)
        return false;
    text[n] = '\0';
    text[strspn(text, "0123456789abcdef-")] = '\0';
    memcpy(id, text, sizeof(text));
    return id[0] != '\0';
}

void boot_id_get(char id[BOOT_ID_SIZE])
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    char path[512];

    id[0] = '\0';
    if (dir) {
        (void) snprintf(path, sizeof(path), "%s/boot_id", dir);
        if (read_id(path, id))
            return;
    }
    (void) read_id(KERNEL_FILE, id); /* "" then */
}

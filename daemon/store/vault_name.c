/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/store/vault_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/name.h"

#define MAC_TEXT 17         /* 00:11:22:33:44:55 */
#define IMEI_DIGITS 15      /* 3GPP TS 23.003, 6.2.1 */
#define NET_ADDR_RANDOM '1' /* linux/netdevice.h: made up by the kernel at each boot */
#define DIGITS "0123456789"

/* The first line, without blanks around it. Files of sysfs have no size that counts. */
static int read_line(const char *path, char *line, size_t size)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t begin;
    ssize_t n;

    if (fd < 0)
        return -errno;
    n = read(fd, line, size - 1);
    if (n < 0)
        return -errno;
    line[n] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    begin = strspn(line, " \t");
    memmove(line, line + begin, strlen(line + begin) + 1);
    line[strcspn(line, " \t")] = '\0';
    return 0;
}

static int read_mac(const char *interface, const char *sysfs, char *name, const char **ret_problem)
{
    char path[256], line[64], type[8] = "";
    size_t n = 0;
    int r;

    *ret_problem = "there is no such network interface";
    if (!*interface || strchr(interface, '/') || strlen(interface) > 15)
        return -EINVAL;
    (void) snprintf(path, sizeof(path), "%s/class/net/%s/address", sysfs, interface);
    r = read_line(path, line, sizeof(line));
    if (r < 0)
        return r;
    (void) snprintf(path, sizeof(path), "%s/class/net/%s/addr_assign_type", sysfs, interface);
    (void) !read_line(path, type, sizeof(type)); /* old kernels have none */
    *ret_problem = "the address of the interface is another one after each boot";
    if (type[0] == NET_ADDR_RANDOM)
        return -EINVAL;
    *ret_problem = "the interface has no address of its own";
    if (strlen(line) != MAC_TEXT || strspn(line, "0:") == MAC_TEXT ||
        strspn(line, DIGITS "abcdef:") != MAC_TEXT)
        return -EINVAL;
    for (const char *c = line; *c; c++) {
        if (*c != ':')
            name[n++] = *c;
    }
    name[n] = '\0';
    return 0;
}

static int read_imei(const char *path, const char *sysfs, char *name, const char **ret_problem)
{
    char line[64];
    int r = read_line(path, line, sizeof(line));

    (void) sysfs;
    *ret_problem = "the file with the name cannot be read";
    if (r < 0)
        return r;
    *ret_problem = "the first line of the file is not an IMEI of 15 digits";
    if (strlen(line) != IMEI_DIGITS || strspn(line, DIGITS) != IMEI_DIGITS)
        return -EINVAL;
    strcpy(name, line);
    return 0;
}

static int read_name(const char *path, const char *sysfs, char *name, const char **ret_problem)
{
    char line[LIMIT_DEVICE_NAME + 16];
    int r = read_line(path, line, sizeof(line));

    (void) sysfs;
    *ret_problem = "the file with the name cannot be read";
    if (r < 0)
        return r;
    *ret_problem = "the first line of the file is no device name";
    if (!name_is_device_name(line))
        return -EINVAL;
    strcpy(name, line);
    return 0;
}

bool vault_name_is_source(const char *text)
{
    return strchr(text, ':');
}

int vault_name_read(const char *source, const char *sysfs, char name[LIMIT_DEVICE_NAME + 1],
                    const char **ret_problem)
{
    static const struct {
        const char *prefix;
        int (*read)(const char *argument, const char *sysfs, char *name, const char **ret_problem);
    } kinds[] = {
        {"mac:", read_mac},
        {"imei:", read_imei},
        {"file:", read_name},
    };

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        size_t len = strlen(kinds[i].prefix);

        if (strncmp(source, kinds[i].prefix, len) == 0)
            return kinds[i].read(source + len, sysfs, name, ret_problem);
    }
    *ret_problem = "it begins neither with mac:, imei: nor file:";
    return -EINVAL;
}

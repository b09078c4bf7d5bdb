/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_SYS_PRIVS_H
#define IOTD_SYS_PRIVS_H

#include <stdbool.h>

/*
 * What the daemon gives up before it reads a secret or a foreign byte: new privileges, core
 * dumps, being traced by others of its user, files that others may read, more descriptors than
 * LIMIT_DESCRIPTORS.
 */
void privs_drop(void);

/*
 * Whether some are left once fd is taken. Without one to be had a message of the bus that carries
 * one ends the connection, so what can do without goes without before.
 */
bool privs_leaves_files(int fd);

#endif /* IOTD_SYS_PRIVS_H */

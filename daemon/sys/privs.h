/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_SYS_PRIVS_H
#define IOTD_SYS_PRIVS_H

/*
 * What the daemon gives up before it reads a secret or a foreign byte: new privileges, core
 * dumps, being traced by others of its user, files that others may read, more descriptors than
 * LIMIT_DESCRIPTORS.
 */
void privs_drop(void);

#endif /* IOTD_SYS_PRIVS_H */

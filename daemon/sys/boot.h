/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_SYS_BOOT_H
#define IOTD_SYS_BOOT_H

/* Which run of the machine this is. */

#define BOOT_ID_SIZE 40

/*
 * The kernel's name of this boot, from the credential boot_id of the unit (whose sandbox hides
 * the file in /proc) or from /proc; "" where neither can be read.
 */
void boot_id_get(char id[BOOT_ID_SIZE]);

#endif /* IOTD_SYS_BOOT_H */

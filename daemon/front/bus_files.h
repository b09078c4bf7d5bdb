/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FRONT_BUS_FILES_H
#define IOTD_FRONT_BUS_FILES_H

/* Files, resources and their transfers on the bus. */

#include "daemon/core/transfers.h"

struct bus;

/* Where the core has no files, there is nothing to add. As tree_add_interface(). */
int bus_files_add(struct bus *bus) MUST_CHECK;
/* The bus is gone; the core goes on. */
void bus_files_remove(struct bus *bus);

/* bus_transfer.c */
#define BUS_TRANSFER_PATH 48
void bus_transfer_path(const struct transfer *t, char path[BUS_TRANSFER_PATH]);
int bus_transfers_add(struct bus *bus) MUST_CHECK;
void bus_transfers_remove(struct bus *bus);

#endif /* IOTD_FRONT_BUS_FILES_H */

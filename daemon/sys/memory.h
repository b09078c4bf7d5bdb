/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_SYS_MEMORY_H
#define IOTD_SYS_MEMORY_H

/*
 * Gives back what only the start, or a handshake, needed: freed memory, and pages of code and
 * constants, of this program and of its libraries. Those that are used again are mapped again from
 * the page cache. Costs about a millisecond.
 */
void memory_give_back(void);

#endif /* IOTD_SYS_MEMORY_H */

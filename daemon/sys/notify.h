/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_SYS_NOTIFY_H
#define IOTD_SYS_NOTIFY_H

#include <stdint.h>

/* Datagrams to the service manager (sd_notify(3)); nothing happens without NOTIFY_SOCKET. */
void notify_send(const char *state);
/* Half of WATCHDOG_USEC, the period to send "WATCHDOG=1" at; 0 when no watchdog is wanted. */
uint64_t notify_watchdog_us(void);

#endif /* IOTD_SYS_NOTIFY_H */

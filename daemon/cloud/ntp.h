/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_NTP_H
#define IOTD_CLOUD_NTP_H

/*
 * The cloud's time over $sys/operation, asked after each connect: for stamps of a device whose
 * clock is not set, and to show how far off it is.
 */

#include "daemon/cloud/link.h"

struct ntp;

/* changed runs when the offset was measured anew. */
int ntp_new(struct ntp **ret_ntp, struct link *link, const struct ident *ident,
            void (*changed)(void *userdata), void *userdata) MUST_CHECK;
struct ntp *ntp_free(struct ntp *n);
DEFINE_FREEP(struct ntp, ntp_free)

/* Somebody set the clock: what is known is put right, and the cloud is asked again. */
void ntp_clock_stepped(struct ntp *n, int64_t by_us);
/* Cloud time minus CLOCK_REALTIME; 0 while it is not known. */
int64_t ntp_offset_us(const struct ntp *n);
/*
 * Unix seconds as the cloud sees them; 0 when neither the clock is set nor the cloud has told.
 */
uint64_t ntp_now_s(const struct ntp *n);

#endif /* IOTD_CLOUD_NTP_H */

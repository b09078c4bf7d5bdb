# SPDX-License-Identifier: GPL-2.0-or-later
if ENABLE_DAEMON
sbin_PROGRAMS += iotd
iotd_SOURCES = %reldir%/main.c
iotd_CFLAGS = $(AM_CFLAGS) $(IOTD_EXE_CFLAGS)
iotd_LDFLAGS = $(AM_LDFLAGS) $(IOTD_EXE_LDFLAGS)
iotd_LDADD = libiotbase.la
endif

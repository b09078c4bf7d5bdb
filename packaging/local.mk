# SPDX-License-Identifier: GPL-2.0-or-later
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = %reldir%/iotclient.pc
EXTRA_DIST += %reldir%/m4/iotd-flags.m4 %reldir%/m4/iotd-deps.m4
EXTRA_DIST += %reldir%/debian-packages %reldir%/install-deps

dist_man_MANS += %reldir%/man/org.iotd1.5

# SPDX-License-Identifier: GPL-2.0-or-later
# base: libc only; linked into the library and the daemon.
noinst_LTLIBRARIES += libiotbase.la
libiotbase_la_CFLAGS = $(AM_CFLAGS) $(IOTD_CONVERSION_CFLAGS)
libiotbase_la_SOURCES = \
	%reldir%/base/backoff.c %reldir%/base/backoff.h \
	%reldir%/base/bytes.c %reldir%/base/bytes.h \
	%reldir%/base/fdutil.c %reldir%/base/fdutil.h \
	%reldir%/base/limits.h \
	%reldir%/base/list.h \
	%reldir%/base/loop.c %reldir%/base/loop.h \
	%reldir%/base/macro.h \
	%reldir%/base/name.c %reldir%/base/name.h \
	%reldir%/base/num.c %reldir%/base/num.h \
	%reldir%/base/ratelimit.c %reldir%/base/ratelimit.h \
	%reldir%/base/strbuf.c %reldir%/base/strbuf.h \
	%reldir%/base/utf8.c %reldir%/base/utf8.h
libiotbase_la_LIBADD = -lm

# SPDX-License-Identifier: GPL-2.0-or-later
if ENABLE_TESTS
check_LTLIBRARIES += libiottest.la
libiottest_la_SOURCES = \
	%reldir%/lib/cunit-main.c %reldir%/lib/suite.h
libiottest_la_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
libiottest_la_LIBADD = $(CUNIT_LIBS)

# One program per module; %canon_reldir%_unit_test_X below tests/unit.
unit_tests =
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)

unit_tests += %reldir%/unit/test-base
%canon_reldir%_unit_test_base_SOURCES = %reldir%/unit/test-base.c
%canon_reldir%_unit_test_base_LDADD = libiottest.la libiotbase.la
endif

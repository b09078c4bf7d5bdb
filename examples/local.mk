# SPDX-License-Identifier: GPL-2.0-or-later
include %reldir%/localcloud/local.mk
EXTRA_DIST += %reldir%/smart-light.json %reldir%/localcloud.json %reldir%/device_info.json

# Programs as others write them: nothing of this tree but <iotclient/...>.
noinst_PROGRAMS += \
	%reldir%/hello \
	%reldir%/report \
	%reldir%/watch \
	%reldir%/action-server \
	%reldir%/own-epoll \
	%reldir%/lamp \
	%reldir%/hostmon \
	%reldir%/ota-agent
%canon_reldir%_hello_SOURCES = %reldir%/hello.c
%canon_reldir%_hello_LDADD = libiotclient.la
%canon_reldir%_report_SOURCES = %reldir%/report.c
%canon_reldir%_report_LDADD = libiotclient.la
%canon_reldir%_watch_SOURCES = %reldir%/watch.c
%canon_reldir%_watch_LDADD = libiotclient.la
%canon_reldir%_action_server_SOURCES = %reldir%/action-server.c
%canon_reldir%_action_server_LDADD = libiotclient.la
%canon_reldir%_own_epoll_SOURCES = %reldir%/own-epoll.c
%canon_reldir%_own_epoll_LDADD = libiotclient.la
# The lamp's model as C, made here. A tarball brings it along, so that it builds for another
# machine; then make finds it through VPATH.
%canon_reldir%_lamp_SOURCES = %reldir%/lamp.c %reldir%/smart-light.c %reldir%/smart-light.h
%canon_reldir%_lamp_CPPFLAGS = $(AM_CPPFLAGS) -I%reldir% -I$(srcdir)/%reldir%
%canon_reldir%_lamp_LDADD = libiotclient.la
BUILT_SOURCES += %reldir%/smart-light.c %reldir%/smart-light.h
MAINTAINERCLEANFILES += %reldir%/smart-light.c %reldir%/smart-light.h
# Beside a tarball they are copies, made because iotc-codegen is newer.
distclean-local:
	test "$(srcdir)" = . || rm -f %reldir%/smart-light.c %reldir%/smart-light.h
if RUN_CODEGEN
%reldir%/smart-light.c: %reldir%/smart-light.json $(IOTC_CODEGEN_DEPENDENCY)
	$(AM_V_GEN)$(MKDIR_P) %reldir% && \
	$(IOTC_CODEGEN) --output %reldir% $(srcdir)/%reldir%/smart-light.json
%reldir%/smart-light.h: %reldir%/smart-light.c
	@test -f $@ || test -f $(srcdir)/$@ || \
	{ rm -f %reldir%/smart-light.c && $(MAKE) $(AM_MAKEFLAGS) %reldir%/smart-light.c; }
endif
%reldir%/lamp-lamp.$(OBJEXT): %reldir%/smart-light.h
%reldir%/lamp-smart-light.$(OBJEXT): %reldir%/smart-light.h
%canon_reldir%_hostmon_SOURCES = %reldir%/hostmon.c
%canon_reldir%_hostmon_LDADD = libiotclient.la -lm
%canon_reldir%_ota_agent_SOURCES = %reldir%/ota-agent.c
%canon_reldir%_ota_agent_LDADD = libiotclient.la
dist_noinst_SCRIPTS += %reldir%/quickstart
EXTRA_DIST += %reldir%/README.md

# Programs in shell, and what they are tried with.
dist_noinst_SCRIPTS += %reldir%/scripts/thermostat %reldir%/scripts/with-busctl \
	%reldir%/scripts/with-dbus-send
EXTRA_DIST += %reldir%/scripts/README.md %reldir%/scripts/thermostat.json \
	%reldir%/scripts/localcloud.json %reldir%/scripts/device_info.json

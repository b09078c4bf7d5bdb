# SPDX-License-Identifier: GPL-2.0-or-later
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = %reldir%/iotclient.pc
EXTRA_DIST += \
	%reldir%/LICENSES/README \
	%reldir%/NEWS.md \
	%reldir%/README.md \
	%reldir%/debian-packages \
	%reldir%/install-deps \
	%reldir%/iotd.conf \
	%reldir%/m4/iotd-deps.m4 \
	%reldir%/m4/iotd-flags.m4 \
	%reldir%/systemd/iotd.service.in \
	%reldir%/tmpfiles.d/iotd.conf.in

dist_man_MANS += %reldir%/man/org.iotd1.5
if ENABLE_DAEMON
dist_man_MANS += %reldir%/man/access.d.5 %reldir%/man/iotd.8 %reldir%/man/iotd.conf.5

iotdconfdir = $(sysconfdir)/iotd
dist_iotdconf_DATA = %reldir%/iotd.conf
accessdir = $(iotdconfdir)/access.d
dist_access_DATA = %reldir%/access.d/README

# Below $(prefix): systemd looks there for /usr and for /usr/local.
systemdunitdir = $(prefix)/lib/systemd/system
systemdunit_DATA = %reldir%/systemd/iotd.service
sysusersdir = $(prefix)/lib/sysusers.d
dist_sysusers_DATA = %reldir%/sysusers.d/iotd.conf
tmpfilesdir = $(prefix)/lib/tmpfiles.d
tmpfiles_DATA = %reldir%/tmpfiles.d/iotd.conf
CLEANFILES += $(systemdunit_DATA) $(tmpfiles_DATA)

# By make, since directories may be given to it.
iotd_substitute = \
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	$(SED) -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g'
%reldir%/systemd/iotd.service: %reldir%/systemd/iotd.service.in Makefile
	$(iotd_substitute) $(srcdir)/%reldir%/systemd/iotd.service.in >$@.tmp && mv $@.tmp $@
%reldir%/tmpfiles.d/iotd.conf: %reldir%/tmpfiles.d/iotd.conf.in Makefile
	$(iotd_substitute) $(srcdir)/%reldir%/tmpfiles.d/iotd.conf.in >$@.tmp && mv $@.tmp $@
endif
dist_man_MANS += \
	%reldir%/man/iotc_action.3 \
	%reldir%/man/iotc_client_new.3 \
	%reldir%/man/iotc_event.3 \
	%reldir%/man/iotc_file.3 \
	%reldir%/man/iotc_ota.3 \
	%reldir%/man/iotc_prop.3 \
	%reldir%/man/iotc_snapshot.3 \
	%reldir%/man/iotc_twecall.3 \
	%reldir%/man/iotc_value.3 \
	%reldir%/man/iotctl.1 \
	%reldir%/man/iotc-codegen.1 \
	%reldir%/man/libiotclient.7

bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = %reldir%/bash-completion/iotctl

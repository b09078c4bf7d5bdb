# SPDX-License-Identifier: GPL-2.0-or-later
IOTD_XML = \
	%reldir%/org.iotd1.Call.xml \
	%reldir%/org.iotd1.Client.xml \
	%reldir%/org.iotd1.Device.xml \
	%reldir%/org.iotd1.Files.xml \
	%reldir%/org.iotd1.Firmware.xml \
	%reldir%/org.iotd1.Handler.xml \
	%reldir%/org.iotd1.Installer.xml \
	%reldir%/org.iotd1.Link.xml \
	%reldir%/org.iotd1.Manager.xml \
	%reldir%/org.iotd1.Resources.xml \
	%reldir%/org.iotd1.Thing.xml \
	%reldir%/org.iotd1.Transfer.xml
dbusinterfacesdir = $(datadir)/dbus-1/interfaces
dist_dbusinterfaces_DATA = $(IOTD_XML)
EXTRA_DIST += %reldir%/README.md %reldir%/codegen.py %reldir%/errors.def

# Tables from the XML. A tarball brings them along, so that it builds without Python; then make
# finds them through VPATH.
BUILT_SOURCES += %reldir%/iface-gen.c %reldir%/iface-gen.h
MAINTAINERCLEANFILES += %reldir%/iface-gen.c %reldir%/iface-gen.h
if HAVE_PYTHON
%reldir%/iface-gen.c: %reldir%/codegen.py $(IOTD_XML)
	$(AM_V_GEN)$(MKDIR_P) %reldir% && \
	$(PYTHON) $(srcdir)/%reldir%/codegen.py %reldir% \
		`for x in $(IOTD_XML); do echo $(srcdir)/$$x; done`
%reldir%/iface-gen.h: %reldir%/iface-gen.c
	@test -f $@ || test -f $(srcdir)/$@ || \
	{ rm -f %reldir%/iface-gen.c && $(MAKE) $(AM_MAKEFLAGS) %reldir%/iface-gen.c; }
endif

# For both sides of the bus.
noinst_LTLIBRARIES += libiotdbus.la
libiotdbus_la_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
libiotdbus_la_SOURCES = \
	%reldir%/errmap.c %reldir%/errmap.h \
	%reldir%/iface-gen.c %reldir%/iface-gen.h %reldir%/iface.h \
	%reldir%/msg.c %reldir%/msg_read.c %reldir%/msg.h \
	%reldir%/names.h \
	%reldir%/watch.c %reldir%/watch.h
libiotdbus_la_LIBADD = libiotbase.la $(DBUS_LIBS)

if ENABLE_DAEMON
# For the daemon only: libtool would put it whole into the client library.
noinst_LTLIBRARIES += libiotdbus-server.la
libiotdbus_server_la_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
libiotdbus_server_la_SOURCES = \
	%reldir%/tree.c %reldir%/tree.h \
	%reldir%/tree_call.c \
	%reldir%/tree_impl.h \
	%reldir%/tree_std.c
libiotdbus_server_la_LIBADD = libiotdbus.la

dbuspolicydir = $(datadir)/dbus-1/system.d
dist_dbuspolicy_DATA = %reldir%/org.iotd1.conf
dbusservicesdir = $(datadir)/dbus-1/system-services
dbusservices_DATA = %reldir%/org.iotd1.service
endif

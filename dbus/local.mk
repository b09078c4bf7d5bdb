# SPDX-License-Identifier: GPL-2.0-or-later
IOTD_XML = \
	%reldir%/org.iotd1.Client.xml \
	%reldir%/org.iotd1.Device.xml \
	%reldir%/org.iotd1.Handler.xml \
	%reldir%/org.iotd1.Link.xml \
	%reldir%/org.iotd1.Manager.xml \
	%reldir%/org.iotd1.Thing.xml
dbusinterfacesdir = $(datadir)/dbus-1/interfaces
dist_dbusinterfaces_DATA = $(IOTD_XML)
EXTRA_DIST += %reldir%/errors.def %reldir%/names.h

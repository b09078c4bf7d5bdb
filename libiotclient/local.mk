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

# Shared memory: both sides. Needs libiotbase.la, which a shared library may have but once.
noinst_LTLIBRARIES += libiotipc.la
libiotipc_la_CFLAGS = $(AM_CFLAGS) $(IOTD_CONVERSION_CFLAGS)
libiotipc_la_SOURCES = \
	%reldir%/ipc/blobs.c %reldir%/ipc/blobs.h \
	%reldir%/ipc/doorbell.c %reldir%/ipc/doorbell.h \
	%reldir%/ipc/fence.h \
	%reldir%/ipc/latch.h \
	%reldir%/ipc/layout.h \
	%reldir%/ipc/pack.c %reldir%/ipc/pack.h \
	%reldir%/ipc/report_slots.h \
	%reldir%/ipc/ring.c %reldir%/ipc/ring.h \
	%reldir%/ipc/segment.c %reldir%/ipc/segment.h \
	%reldir%/ipc/table.h \
	%reldir%/ipc/table_view.c \
	%reldir%/ipc/table_writer.c \
	%reldir%/ipc/word.h

# All of it but one file, so that unit tests reach what the library does not export.
noinst_LTLIBRARIES += libiotclient-core.la
libiotclient_core_la_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
libiotclient_core_la_SOURCES = \
	%reldir%/action.c \
	%reldir%/call.c %reldir%/call.h \
	%reldir%/client.c %reldir%/client.h \
	%reldir%/control.c \
	%reldir%/done.c %reldir%/done.h \
	%reldir%/event.c %reldir%/event.h \
	%reldir%/file.c %reldir%/file.h %reldir%/file_upload.c \
	%reldir%/loop_epoll.c %reldir%/loop_epoll.h \
	%reldir%/ota.c %reldir%/ota.h \
	%reldir%/ota_info.c \
	%reldir%/prop.c %reldir%/prop.h \
	%reldir%/prop_read.c \
	%reldir%/prop_table.c %reldir%/prop_table.h \
	%reldir%/policy.c %reldir%/policy.h \
	%reldir%/post.c %reldir%/post.h \
	%reldir%/report.c %reldir%/report.h \
	%reldir%/report_batch.c \
	%reldir%/request.c %reldir%/request.h \
	%reldir%/serve.c %reldir%/serve.h \
	%reldir%/session.c %reldir%/session.h \
	%reldir%/shm.c %reldir%/shm.h \
	%reldir%/shm_report.c %reldir%/shm_report.h \
	%reldir%/shm_ring.c %reldir%/shm_ring.h \
	%reldir%/define.c %reldir%/define.h \
	%reldir%/slot.c %reldir%/slot.h \
	%reldir%/snapshot.c %reldir%/snapshot.h \
	%reldir%/strerror.c \
	%reldir%/twecall.c %reldir%/twecall.h \
	%reldir%/value.c %reldir%/value.h \
	%reldir%/value_bus.c %reldir%/value_json.c \
	%reldir%/value_nested.c %reldir%/value_pack.c \
	%reldir%/wake.c %reldir%/wake.h
libiotclient_core_la_LIBADD = libiotipc.la libiotdbus.la

# The public library. -version-info: packaging/README.md has the rule.
lib_LTLIBRARIES += libiotclient.la
iotclientincludedir = $(includedir)/iotclient
iotclientinclude_HEADERS = \
	%reldir%/iotclient/action.h \
	%reldir%/iotclient/call.h \
	%reldir%/iotclient/client.h \
	%reldir%/iotclient/event.h \
	%reldir%/iotclient/file.h \
	%reldir%/iotclient/iotclient.h \
	%reldir%/iotclient/ota.h \
	%reldir%/iotclient/prop.h \
	%reldir%/iotclient/snapshot.h \
	%reldir%/iotclient/value.h
nodist_iotclientinclude_HEADERS = %reldir%/iotclient/version.h
libiotclient_la_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
libiotclient_la_SOURCES = %reldir%/version.c
libiotclient_la_LIBADD = libiotclient-core.la $(DBUS_LIBS)
libiotclient_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 \
	-Wl,--version-script=$(srcdir)/%reldir%/libiotclient.map
if !SANITIZED
# The sanitizers' own symbols come from the program.
libiotclient_la_LDFLAGS += -Wl,-z,defs
endif
libiotclient_la_DEPENDENCIES = libiotclient-core.la %reldir%/libiotclient.map
EXTRA_DIST += %reldir%/README.md %reldir%/libiotclient.map %reldir%/libiotclient.symbols

bin_PROGRAMS += iotctl
iotctl_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
iotctl_CFLAGS = $(AM_CFLAGS) $(IOTD_EXE_CFLAGS)
iotctl_LDFLAGS = $(AM_LDFLAGS) $(IOTD_EXE_LDFLAGS)
iotctl_SOURCES = \
	%reldir%/iotctl.c %reldir%/iotctl.h \
	%reldir%/iotctl_bus.c \
	%reldir%/iotctl_call.c \
	%reldir%/iotctl_bind.c %reldir%/iotctl_control.c %reldir%/iotctl_file.c \
	%reldir%/iotctl_firmware.c %reldir%/iotctl_firmware.h %reldir%/iotctl_follow.c %reldir%/iotctl_info.c %reldir%/iotctl_link.c \
	%reldir%/iotctl_out.c \
	%reldir%/iotctl_post.c \
	%reldir%/iotctl_prop.c \
	%reldir%/iotctl_access.c \
	%reldir%/iotctl_provision.c \
	%reldir%/iotctl_status.c
iotctl_LDADD = libiotdbus.la
if ENABLE_DAEMON
iotctl_CPPFLAGS += -DIOTCTL_MODEL $(JANSSON_CFLAGS)
iotctl_SOURCES += %reldir%/iotctl_model.c
iotctl_LDADD += libiotd-model.la
endif

# The generator of typed code. Its files are a library, so that unit tests reach them.
if BUILD_CODEGEN
noinst_LTLIBRARIES += libiotcodegen.la
libiotcodegen_la_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
libiotcodegen_la_CFLAGS = $(AM_CFLAGS) $(IOTD_CONVERSION_CFLAGS)
libiotcodegen_la_SOURCES = \
	%reldir%/codegen/define.c \
	%reldir%/codegen/file.c %reldir%/codegen/file.h \
	%reldir%/codegen/model.h \
	%reldir%/codegen/names.c %reldir%/codegen/names.h \
	%reldir%/codegen/output.h \
	%reldir%/codegen/output_access.c \
	%reldir%/codegen/output_feature.c \
	%reldir%/codegen/output_header.c \
	%reldir%/codegen/output_sign.c \
	%reldir%/codegen/output_source.c \
	%reldir%/codegen/output_thing.c \
	%reldir%/codegen/output_type.c \
	%reldir%/codegen/pool.c %reldir%/codegen/pool.h \
	%reldir%/codegen/reader.c %reldir%/codegen/reader.h \
	%reldir%/codegen/text.c %reldir%/codegen/text.h
libiotcodegen_la_LIBADD = libiotbase.la $(JANSSON_LIBS)

bin_PROGRAMS += iotc-codegen
iotc_codegen_CFLAGS = $(AM_CFLAGS) $(IOTD_EXE_CFLAGS)
iotc_codegen_LDFLAGS = $(AM_LDFLAGS) $(IOTD_EXE_LDFLAGS)
iotc_codegen_SOURCES = %reldir%/codegen/main.c
iotc_codegen_LDADD = libiotcodegen.la
endif
if RUN_OWN_CODEGEN
IOTC_CODEGEN_DEPENDENCY = iotc-codegen$(EXEEXT)
else
IOTC_CODEGEN_DEPENDENCY =
endif

# SPDX-License-Identifier: GPL-2.0-or-later
# Measurements: `make bench`, on a machine that does nothing else. `make check` builds them, so that
# they go on compiling, and runs none. BENCH="outbox link" takes some of them.
BENCH = codec model outbox dbus link control reconnect size shm-read shm-report latency many fetch
BENCH_FLAGS =

check_LTLIBRARIES += libiotmeasure.la libiotbench.la
libiotmeasure_la_SOURCES = \
	%reldir%/bare-ws.c %reldir%/bare-ws.h \
	%reldir%/bench.c %reldir%/bench.h \
	%reldir%/bus-handler.c %reldir%/bus-handler.h \
	%reldir%/cloud-peer.c %reldir%/cloud-peer.h \
	%reldir%/helper.c %reldir%/helper.h \
	%reldir%/syscalls.c %reldir%/syscalls.h
libiotmeasure_la_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS) $(DBUS_CFLAGS) $(CRYPTO_CFLAGS)
libiotmeasure_la_LIBADD = libiotfixture.la $(CRYPTO_LIBS)

# With the daemon in the program that measures.
libiotbench_la_SOURCES = \
	%reldir%/bare-outbox.c %reldir%/bare-outbox.h \
	%reldir%/stack.c %reldir%/stack.h
libiotbench_la_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS) $(JANSSON_CFLAGS) $(SQLITE_CFLAGS)
libiotbench_la_LIBADD = libiotmeasure.la libiotd-core.la $(SQLITE_LIBS)

bench_programs =
check_PROGRAMS += $(bench_programs)
bench_cppflags = $(AM_CPPFLAGS) $(LWS_CFLAGS) $(JANSSON_CFLAGS) $(DBUS_CFLAGS)

bench_programs += %reldir%/bench-outbox
%canon_reldir%_bench_outbox_SOURCES = %reldir%/bench-outbox.c
%canon_reldir%_bench_outbox_CPPFLAGS = $(bench_cppflags)
%canon_reldir%_bench_outbox_LDADD = libiotbench.la

bench_programs += %reldir%/bench-link
%canon_reldir%_bench_link_SOURCES = %reldir%/bench-link.c
%canon_reldir%_bench_link_CPPFLAGS = $(bench_cppflags)
%canon_reldir%_bench_link_LDADD = libiotbench.la $(LWS_LIBS)

bench_programs += %reldir%/bench-control
%canon_reldir%_bench_control_SOURCES = %reldir%/bench-control.c \
	%reldir%/ws-peer.c %reldir%/ws-peer.h
%canon_reldir%_bench_control_CPPFLAGS = $(bench_cppflags)
%canon_reldir%_bench_control_LDADD = libiotbench.la $(LWS_LIBS)

bench_programs += %reldir%/bench-reconnect
%canon_reldir%_bench_reconnect_SOURCES = %reldir%/bench-reconnect.c
%canon_reldir%_bench_reconnect_CPPFLAGS = $(bench_cppflags)
%canon_reldir%_bench_reconnect_LDADD = libiotbench.la

bench_programs += %reldir%/bench-dbus
%canon_reldir%_bench_dbus_SOURCES = %reldir%/bench-dbus.c
%canon_reldir%_bench_dbus_CPPFLAGS = $(bench_cppflags)
%canon_reldir%_bench_dbus_LDADD = libiotbench.la $(DBUS_LIBS)

bench_programs += %reldir%/bench-codec
%canon_reldir%_bench_codec_SOURCES = %reldir%/bench-codec.c
%canon_reldir%_bench_codec_CPPFLAGS = $(bench_cppflags)
%canon_reldir%_bench_codec_LDADD = libiotbench.la

bench_programs += %reldir%/bench-model
%canon_reldir%_bench_model_SOURCES = %reldir%/bench-model.c \
	tests/lib/big-model.c tests/lib/big-model.h
%canon_reldir%_bench_model_CPPFLAGS = $(bench_cppflags)
%canon_reldir%_bench_model_LDADD = libiotbench.la $(DBUS_LIBS)

bench_programs += %reldir%/bench-size
%canon_reldir%_bench_size_SOURCES = %reldir%/bench-size.c
%canon_reldir%_bench_size_CPPFLAGS = $(bench_cppflags)
%canon_reldir%_bench_size_LDADD = libiotmeasure.la $(DBUS_LIBS)

bench_programs += %reldir%/bench-shm-read
%canon_reldir%_bench_shm_read_SOURCES = %reldir%/bench-shm-read.c
%canon_reldir%_bench_shm_read_CPPFLAGS = $(bench_cppflags)
%canon_reldir%_bench_shm_read_LDADD = libiottablerig.la libiotclient-core.la libiotmeasure.la

bench_programs += %reldir%/bench-latency
%canon_reldir%_bench_latency_SOURCES = %reldir%/bench-latency.c \
	%reldir%/bare-device.c %reldir%/bare-device.h \
	%reldir%/bare-outbox.c %reldir%/bare-outbox.h
%canon_reldir%_bench_latency_CPPFLAGS = $(bench_cppflags) $(SQLITE_CFLAGS)
%canon_reldir%_bench_latency_LDADD = libiotclient.la libiotmeasure.la $(SQLITE_LIBS) $(DBUS_LIBS)

bench_programs += %reldir%/bench-shm-report
%canon_reldir%_bench_shm_report_SOURCES = %reldir%/bench-shm-report.c
%canon_reldir%_bench_shm_report_CPPFLAGS = $(bench_cppflags)
%canon_reldir%_bench_shm_report_LDADD = libiotclient.la libiotmeasure.la $(DBUS_LIBS)

bench_programs += %reldir%/bench-many
%canon_reldir%_bench_many_SOURCES = %reldir%/bench-many.c
%canon_reldir%_bench_many_CPPFLAGS = $(bench_cppflags)
%canon_reldir%_bench_many_LDADD = libiotclient.la libiotmeasure.la $(DBUS_LIBS)

bench_programs += %reldir%/bench-fetch
%canon_reldir%_bench_fetch_SOURCES = %reldir%/bench-fetch.c
%canon_reldir%_bench_fetch_CPPFLAGS = $(bench_cppflags)
%canon_reldir%_bench_fetch_LDADD = libiotbench.la libiotfileserver.la $(JANSSON_LIBS)

# Programs as others write them: nothing of this tree but <iotclient/...>.
bench_programs += %reldir%/program %reldir%/bare-program
%canon_reldir%_program_SOURCES = %reldir%/program.c
%canon_reldir%_program_LDADD = libiotclient.la
%canon_reldir%_bare_program_SOURCES = %reldir%/bare-program.c

bench: $(bench_programs) iotd iot-localcloud
	@IOTD_SRCDIR='$(abs_top_srcdir)' IOTD_BUILDDIR='$(abs_top_builddir)' \
		$(srcdir)/%reldir%/report.sh $(BENCH_FLAGS) $(BENCH)
.PHONY: bench

EXTRA_DIST += %reldir%/report.sh

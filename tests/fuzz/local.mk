# SPDX-License-Identifier: GPL-2.0-or-later
# Fuzz targets. Each is a test of `make check`: its corpus, and broken variants of it. For
# libFuzzer, in a build directory of its own:
#
#   ../configure --enable-fuzzers --with-sanitizers=fuzzer-no-link,address,undefined CC=clang
#   make fuzz-smoke FUZZ_SECONDS=60
#
# A new target NAME: fuzz-NAME.c, corpus/NAME/*, and below
#   fuzz_programs += %reldir%/fuzz-NAME
#   %canon_reldir%_fuzz_NAME_SOURCES = %reldir%/fuzz-NAME.c
#   %canon_reldir%_fuzz_NAME_LDFLAGS = $(fuzz_ldflags)
#   %canon_reldir%_fuzz_NAME_LDADD = libraries... $(fuzz_libs)
fuzz_programs =
check_PROGRAMS += $(fuzz_programs)
check_LTLIBRARIES += libiotfuzz.la
libiotfuzz_la_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
libiotfuzz_la_SOURCES = %reldir%/fuzz-check.c %reldir%/fuzz.h
libiotfuzz_la_LIBADD = libiotbase.la
fuzz_libs = libiotfuzz.la
FUZZ_SECONDS = 60
if ENABLE_FUZZERS
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
else
fuzz_ldflags = $(AM_LDFLAGS)
libiotfuzz_la_SOURCES += %reldir%/fuzz-main.c
TESTS += $(fuzz_programs)
endif
MOSTLYCLEANFILES += fuzz-*.crash

# Findings stay in the build directory: put each into its corpus, with the fix.
fuzz-smoke: $(fuzz_programs)
if ENABLE_FUZZERS
	@status=0; for program in $(fuzz_programs); do \
		name=$${program##*/fuzz-}; dict=$(srcdir)/%reldir%/dict/$$name.dict; \
		echo "== $$name"; mkdir -p fuzz-out/$$name; \
		test -f $$dict && dict=-dict=$$dict || dict=; \
		./$$program -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 \
			-print_final_stats=1 -artifact_prefix=fuzz-out/$$name- $$dict \
			fuzz-out/$$name $(srcdir)/%reldir%/corpus/$$name || status=1; \
	done; exit $$status
else
	@echo "fuzz-smoke needs configure --enable-fuzzers and clang, see $(srcdir)/%reldir%/local.mk"
	@exit 1
endif
.PHONY: fuzz-smoke

EXTRA_DIST += %reldir%/corpus %reldir%/dict

fuzz_programs += %reldir%/fuzz-dbus-msg
%canon_reldir%_fuzz_dbus_msg_SOURCES = %reldir%/fuzz-dbus-msg.c
%canon_reldir%_fuzz_dbus_msg_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_fuzz_dbus_msg_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_dbus_msg_LDADD = libiottestbus.la libiotdbus-server.la $(fuzz_libs)

fuzz_programs += %reldir%/fuzz-verify
%canon_reldir%_fuzz_verify_SOURCES = %reldir%/fuzz-verify.c
%canon_reldir%_fuzz_verify_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_verify_LDADD = libiotd-crypto.la $(fuzz_libs)

fuzz_programs += %reldir%/fuzz-mqtt-stream
%canon_reldir%_fuzz_mqtt_stream_SOURCES = %reldir%/fuzz-mqtt-stream.c
%canon_reldir%_fuzz_mqtt_stream_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_fuzz_mqtt_stream_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_mqtt_stream_LDADD = libiottestdaemon.la libiotd-core.la $(fuzz_libs)

fuzz_programs += %reldir%/fuzz-model
%canon_reldir%_fuzz_model_SOURCES = %reldir%/fuzz-model.c
%canon_reldir%_fuzz_model_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_fuzz_model_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_model_LDADD = libiottestdaemon.la libiotd-core.la $(fuzz_libs)

fuzz_programs += %reldir%/fuzz-value
%canon_reldir%_fuzz_value_SOURCES = %reldir%/fuzz-value.c
%canon_reldir%_fuzz_value_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_fuzz_value_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_value_LDADD = libiottestdaemon.la libiotd-core.la $(fuzz_libs)

fuzz_programs += %reldir%/fuzz-files
%canon_reldir%_fuzz_files_SOURCES = %reldir%/fuzz-files.c \
	tests/lib/files-rig.c tests/lib/files-rig.h
%canon_reldir%_fuzz_files_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_fuzz_files_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_files_LDADD = libiottestdaemon.la libiotd-core.la $(fuzz_libs)

fuzz_programs += %reldir%/fuzz-envelope
%canon_reldir%_fuzz_envelope_SOURCES = %reldir%/fuzz-envelope.c
%canon_reldir%_fuzz_envelope_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_fuzz_envelope_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_envelope_LDADD = libiottestdaemon.la libiotd-core.la $(fuzz_libs)

fuzz_programs += %reldir%/fuzz-conf
%canon_reldir%_fuzz_conf_SOURCES = %reldir%/fuzz-conf.c
%canon_reldir%_fuzz_conf_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_fuzz_conf_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_conf_LDADD = libiottestdaemon.la libiotd-core.la $(fuzz_libs)

fuzz_programs += %reldir%/fuzz-access
%canon_reldir%_fuzz_access_SOURCES = %reldir%/fuzz-access.c
%canon_reldir%_fuzz_access_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_fuzz_access_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_access_LDADD = libiottestdaemon.la libiotd-core.la $(fuzz_libs)

fuzz_programs += %reldir%/fuzz-vault-json
%canon_reldir%_fuzz_vault_json_SOURCES = %reldir%/fuzz-vault-json.c
%canon_reldir%_fuzz_vault_json_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_fuzz_vault_json_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_vault_json_LDADD = libiottestdaemon.la libiotd-core.la $(fuzz_libs)

fuzz_programs += %reldir%/fuzz-dynreg
%canon_reldir%_fuzz_dynreg_SOURCES = %reldir%/fuzz-dynreg.c
%canon_reldir%_fuzz_dynreg_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_fuzz_dynreg_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_dynreg_LDADD = libiottestdaemon.la libiotd-core.la $(fuzz_libs)

fuzz_programs += %reldir%/fuzz-web-answer
%canon_reldir%_fuzz_web_answer_SOURCES = %reldir%/fuzz-web-answer.c
%canon_reldir%_fuzz_web_answer_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_web_answer_LDADD = libiotd-core.la $(fuzz_libs)

fuzz_programs += %reldir%/fuzz-vault-csv
%canon_reldir%_fuzz_vault_csv_SOURCES = %reldir%/fuzz-vault-csv.c
%canon_reldir%_fuzz_vault_csv_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_fuzz_vault_csv_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_vault_csv_LDADD = libiottestdaemon.la libiotd-core.la $(fuzz_libs)

fuzz_programs += %reldir%/fuzz-localcloud-wire
%canon_reldir%_fuzz_localcloud_wire_SOURCES = %reldir%/fuzz-localcloud-wire.c
%canon_reldir%_fuzz_localcloud_wire_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_fuzz_localcloud_wire_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_localcloud_wire_LDADD = \
	libiottestcloud.la liblocalcloud.la $(fuzz_libs) $(JANSSON_LIBS)

fuzz_programs += %reldir%/fuzz-shm-up
%canon_reldir%_fuzz_shm_up_SOURCES = %reldir%/fuzz-shm-up.c
%canon_reldir%_fuzz_shm_up_CPPFLAGS = $(daemon_test_cppflags) $(DBUS_CFLAGS)
%canon_reldir%_fuzz_shm_up_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_shm_up_LDADD = libiottestshm.la libiottestdaemon.la libiotd-core.la $(fuzz_libs)

fuzz_programs += %reldir%/fuzz-ipc-pack
%canon_reldir%_fuzz_ipc_pack_SOURCES = %reldir%/fuzz-ipc-pack.c
%canon_reldir%_fuzz_ipc_pack_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_ipc_pack_LDADD = libiotipc.la $(fuzz_libs)

fuzz_programs += %reldir%/fuzz-ipc-ring
%canon_reldir%_fuzz_ipc_ring_SOURCES = %reldir%/fuzz-ipc-ring.c
%canon_reldir%_fuzz_ipc_ring_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_ipc_ring_LDADD = libiotipc.la $(fuzz_libs)

fuzz_programs += %reldir%/fuzz-ipc-table
%canon_reldir%_fuzz_ipc_table_SOURCES = %reldir%/fuzz-ipc-table.c
%canon_reldir%_fuzz_ipc_table_LDFLAGS = $(fuzz_ldflags)
%canon_reldir%_fuzz_ipc_table_LDADD = libiotipc.la $(fuzz_libs)

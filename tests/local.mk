# SPDX-License-Identifier: GPL-2.0-or-later
EXTRA_DIST += %reldir%/README.md %reldir%/run %reldir%/build-lws-wolfssl %reldir%/lib/tsan.supp
TEST_EXTENSIONS = .bus
if ENABLE_TESTS
check_LTLIBRARIES += libiottest.la
libiottest_la_SOURCES = \
	%reldir%/lib/cunit-main.c %reldir%/lib/suite.h
libiottest_la_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
libiottest_la_LIBADD = $(CUNIT_LIBS)

# A loop, and two ends of a D-Bus connection in it.
check_LTLIBRARIES += libiottestbus.la
libiottestbus_la_SOURCES = \
	%reldir%/lib/lamp-tree.c %reldir%/lib/lamp-tree.h \
	%reldir%/lib/peer.c %reldir%/lib/peer.h \
	%reldir%/lib/test-loop.c %reldir%/lib/test-loop.h
libiottestbus_la_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS) $(CUNIT_CFLAGS)
libiottestbus_la_LIBADD = libiotdbus-server.la libiotdbus.la libiotbase.la

# What integration tests start and talk to.
check_LTLIBRARIES += libiotfixture.la
libiotfixture_la_SOURCES = \
	%reldir%/lib/bus-client.c %reldir%/lib/bus-client.h \
	%reldir%/lib/broker-scene.c %reldir%/lib/broker-scene.h \
	%reldir%/lib/certs.c %reldir%/lib/certs.h \
	%reldir%/lib/cloud-fixture.c %reldir%/lib/cloud-fixture.h \
	%reldir%/lib/daemon-fixture.c %reldir%/lib/daemon-fixture.h \
	%reldir%/lib/fixture.h \
	%reldir%/lib/mosquitto-fixture.c %reldir%/lib/mosquitto-fixture.h \
	%reldir%/lib/msg-text.c %reldir%/lib/msg-text.h \
	%reldir%/lib/policy-scene.c %reldir%/lib/policy-scene.h \
	%reldir%/lib/proc.c %reldir%/lib/proc.h \
	%reldir%/lib/scene.c %reldir%/lib/scene.h \
	%reldir%/lib/tls-matrix.c %reldir%/lib/tls-matrix.h
libiotfixture_la_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS) $(JANSSON_CFLAGS) $(CRYPTO_CFLAGS)
libiotfixture_la_LIBADD = libiottest.la libiottestbus.la libiotdbus.la libiotbase.la $(JANSSON_LIBS) \
	$(CRYPTO_LIBS)

# The library against an iotd without a cloud.
check_LTLIBRARIES += libiotworld.la
libiotworld_la_SOURCES = \
	%reldir%/lib/fake-client.c %reldir%/lib/fake-iotd-impl.h \
	%reldir%/lib/fake-files.c %reldir%/lib/fake-files.h \
	%reldir%/lib/fake-firmware.c %reldir%/lib/fake-firmware.h \
	%reldir%/lib/fake-iotd.c %reldir%/lib/fake-iotd.h \
	%reldir%/lib/fake-thing.c %reldir%/lib/fake-twecall.c \
	%reldir%/lib/world.c %reldir%/lib/world.h \
	libiotclient/value.c libiotclient/value_bus.c libiotclient/value_nested.c
libiotworld_la_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS) $(JANSSON_CFLAGS)
libiotworld_la_LIBADD = libiotfixture.la libiotdbus-server.la

# Where tests find the trees.
AM_TESTS_ENVIRONMENT = \
	IOTD_SRCDIR='$(abs_top_srcdir)'; export IOTD_SRCDIR; \
	IOTD_BUILDDIR='$(abs_top_builddir)'; export IOTD_BUILDDIR; \
	CC='$(CC)'; export CC;

# Checks of the tree itself.
check_scripts = \
	%reldir%/check/codegen \
	%reldir%/check/conf-docs \
	%reldir%/check/dbus-docs \
	%reldir%/check/examples-in-docs \
	%reldir%/check/format \
	%reldir%/check/headers \
	%reldir%/check/layers \
	%reldir%/check/layout \
	%reldir%/check/man-lint \
	%reldir%/check/model \
	%reldir%/check/shellcheck \
	%reldir%/check/sizes \
	%reldir%/check/spdx \
	%reldir%/check/spelling \
	%reldir%/check/symbols \
	%reldir%/check/unit-file \
	%reldir%/check/widths
TESTS += $(check_scripts)
EXTRA_DIST += $(check_scripts) %reldir%/check/lib.sh %reldir%/lib/ipc-width.c \
	%reldir%/model/doorbell.pml %reldir%/model/latch.pml \
	%reldir%/model/memory.pml %reldir%/model/rings.pml

# Integration tests: programs with the extension .bus get a private bus each.
BUS_LOG_COMPILER = $(srcdir)/%reldir%/lib/with-bus
EXTRA_DIST += %reldir%/lib/with-bus
integration_tests =
check_PROGRAMS += $(integration_tests)
TESTS += $(integration_tests)

integration_tests += %reldir%/integration/00-harness-bus.bus
%canon_reldir%_integration_00_harness_bus_bus_SOURCES = %reldir%/integration/00-harness-bus.bus.c
%canon_reldir%_integration_00_harness_bus_bus_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_integration_00_harness_bus_bus_LDADD = libiotfixture.la

integration_tests += %reldir%/integration/00-harness-cloud.bus
%canon_reldir%_integration_00_harness_cloud_bus_SOURCES = \
	%reldir%/integration/00-harness-cloud.bus.c
%canon_reldir%_integration_00_harness_cloud_bus_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_integration_00_harness_cloud_bus_LDADD = libiotfixture.la

integration_tests += %reldir%/integration/00-harness-daemon.bus
%canon_reldir%_integration_00_harness_daemon_bus_SOURCES = \
	%reldir%/integration/00-harness-daemon.bus.c
%canon_reldir%_integration_00_harness_daemon_bus_CPPFLAGS = \
	$(AM_CPPFLAGS) $(DBUS_CFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_integration_00_harness_daemon_bus_LDADD = libiotfixture.la

integration_tests += %reldir%/integration/00-harness-mosquitto.bus
%canon_reldir%_integration_00_harness_mosquitto_bus_SOURCES = \
	%reldir%/integration/00-harness-mosquitto.bus.c
%canon_reldir%_integration_00_harness_mosquitto_bus_LDADD = libiotfixture.la

integration_tests += %reldir%/integration/11-policy-bus.bus
%canon_reldir%_integration_11_policy_bus_bus_SOURCES = %reldir%/integration/11-policy-bus.bus.c
%canon_reldir%_integration_11_policy_bus_bus_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_integration_11_policy_bus_bus_LDADD = libiotfixture.la

integration_tests += %reldir%/integration/11-policy-demand.bus
%canon_reldir%_integration_11_policy_demand_bus_SOURCES = %reldir%/integration/11-policy-demand.bus.c
%canon_reldir%_integration_11_policy_demand_bus_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_integration_11_policy_demand_bus_LDADD = libiotfixture.la

integration_tests += %reldir%/integration/11-policy-shm.bus
%canon_reldir%_integration_11_policy_shm_bus_SOURCES = %reldir%/integration/11-policy-shm.bus.c $(shm_peer)
%canon_reldir%_integration_11_policy_shm_bus_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_integration_11_policy_shm_bus_LDADD = libiotfixture.la libiotipc.la libiotbase.la

integration_tests += %reldir%/integration/11-policy-access.bus
%canon_reldir%_integration_11_policy_access_bus_SOURCES = %reldir%/integration/11-policy-access.bus.c
%canon_reldir%_integration_11_policy_access_bus_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_integration_11_policy_access_bus_LDADD = libiotfixture.la

include %reldir%/bench/local.mk

include %reldir%/fuzz/local.mk

include %reldir%/integration/local.mk

# One program per module; %canon_reldir%_unit_test_X below tests/unit.
unit_tests =
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)

unit_tests += %reldir%/unit/test-base
%canon_reldir%_unit_test_base_SOURCES = %reldir%/unit/test-base.c
%canon_reldir%_unit_test_base_LDADD = libiottest.la libiotbase.la

# Shared memory. Those with threads also run with the thread sanitizer.
check_LTLIBRARIES += libiottestipc.la
libiottestipc_la_SOURCES = %reldir%/lib/ipc-pair.c %reldir%/lib/ipc-pair.h
libiottestipc_la_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
ipc_test_libs = libiottest.la libiottestipc.la libiotipc.la libiotbase.la

unit_tests += %reldir%/unit/test-ipc-latch
%canon_reldir%_unit_test_ipc_latch_SOURCES = %reldir%/unit/test-ipc-latch.c
%canon_reldir%_unit_test_ipc_latch_LDADD = $(ipc_test_libs)

unit_tests += %reldir%/unit/test-ipc-pack
%canon_reldir%_unit_test_ipc_pack_SOURCES = %reldir%/unit/test-ipc-pack.c
%canon_reldir%_unit_test_ipc_pack_LDADD = $(ipc_test_libs)

unit_tests += %reldir%/unit/test-ipc-segment
%canon_reldir%_unit_test_ipc_segment_SOURCES = %reldir%/unit/test-ipc-segment.c
%canon_reldir%_unit_test_ipc_segment_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc,--wrap=mmap,--wrap=memfd_create,--wrap=ftruncate,--wrap=fcntl \
	-Wl,--wrap=pipe2,--wrap=open,--wrap=pread
%canon_reldir%_unit_test_ipc_segment_LDADD = $(ipc_test_libs)

unit_tests += %reldir%/unit/test-ipc-ring
%canon_reldir%_unit_test_ipc_ring_SOURCES = %reldir%/unit/test-ipc-ring.c
%canon_reldir%_unit_test_ipc_ring_LDADD = $(ipc_test_libs)

unit_tests += %reldir%/unit/test-ipc-table
%canon_reldir%_unit_test_ipc_table_SOURCES = %reldir%/unit/test-ipc-table.c \
	%reldir%/lib/fault.c %reldir%/lib/fault.h
%canon_reldir%_unit_test_ipc_table_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_unit_test_ipc_table_LDFLAGS = $(fault_ldflags)
%canon_reldir%_unit_test_ipc_table_LDADD = $(ipc_test_libs) $(JANSSON_LIBS)

unit_tests += %reldir%/unit/test-ipc-stress-latch
%canon_reldir%_unit_test_ipc_stress_latch_SOURCES = %reldir%/unit/test-ipc-stress-latch.c
%canon_reldir%_unit_test_ipc_stress_latch_LDADD = $(ipc_test_libs)

unit_tests += %reldir%/unit/test-ipc-stress-ring
%canon_reldir%_unit_test_ipc_stress_ring_SOURCES = %reldir%/unit/test-ipc-stress-ring.c
%canon_reldir%_unit_test_ipc_stress_ring_LDADD = $(ipc_test_libs)

unit_tests += %reldir%/unit/test-ipc-stress-slots
%canon_reldir%_unit_test_ipc_stress_slots_SOURCES = %reldir%/unit/test-ipc-stress-slots.c
%canon_reldir%_unit_test_ipc_stress_slots_LDADD = $(ipc_test_libs)

unit_tests += %reldir%/unit/test-ipc-stress-table
%canon_reldir%_unit_test_ipc_stress_table_SOURCES = %reldir%/unit/test-ipc-stress-table.c
%canon_reldir%_unit_test_ipc_stress_table_LDADD = $(ipc_test_libs)

unit_tests += %reldir%/unit/test-dbus-errmap
%canon_reldir%_unit_test_dbus_errmap_SOURCES = %reldir%/unit/test-dbus-errmap.c
%canon_reldir%_unit_test_dbus_errmap_LDADD = libiottest.la libiotdbus.la

unit_tests += %reldir%/unit/test-dbus-msg
%canon_reldir%_unit_test_dbus_msg_SOURCES = %reldir%/unit/test-dbus-msg.c
%canon_reldir%_unit_test_dbus_msg_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_unit_test_dbus_msg_LDADD = libiottest.la libiotdbus.la

unit_tests += %reldir%/unit/test-dbus-tree
%canon_reldir%_unit_test_dbus_tree_SOURCES = %reldir%/unit/test-dbus-tree.c
%canon_reldir%_unit_test_dbus_tree_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_unit_test_dbus_tree_LDADD = \
	libiottest.la libiottestbus.la libiotdbus-server.la libiotdbus.la

unit_tests += %reldir%/unit/test-dbus-tree-state
%canon_reldir%_unit_test_dbus_tree_state_SOURCES = %reldir%/unit/test-dbus-tree-state.c
%canon_reldir%_unit_test_dbus_tree_state_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_unit_test_dbus_tree_state_LDADD = $(%canon_reldir%_unit_test_dbus_tree_LDADD)

unit_tests += %reldir%/unit/test-dbus-watch
%canon_reldir%_unit_test_dbus_watch_SOURCES = %reldir%/unit/test-dbus-watch.c
%canon_reldir%_unit_test_dbus_watch_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_unit_test_dbus_watch_LDADD = libiottest.la libiottestbus.la libiotdbus.la

# The client library against the fake of tests/lib/fake-iotd.h.
integration_tests += %reldir%/integration/01-client-attach.bus
%canon_reldir%_integration_01_client_attach_bus_SOURCES = %reldir%/integration/01-client-attach.bus.c
%canon_reldir%_integration_01_client_attach_bus_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_integration_01_client_attach_bus_LDADD = libiotworld.la libiotclient.la

integration_tests += %reldir%/integration/02-client-property.bus
%canon_reldir%_integration_02_client_property_bus_SOURCES = %reldir%/integration/02-client-property.bus.c
%canon_reldir%_integration_02_client_property_bus_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_integration_02_client_property_bus_LDADD = libiotworld.la libiotclient.la

integration_tests += %reldir%/integration/02-property-shm.bus
%canon_reldir%_integration_02_property_shm_bus_SOURCES = %reldir%/integration/02-property-shm.bus.c
%canon_reldir%_integration_02_property_shm_bus_CPPFLAGS = \
	$(AM_CPPFLAGS) $(DBUS_CFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_integration_02_property_shm_bus_LDADD = libiotfixture.la libiotclient.la $(JANSSON_LIBS)

integration_tests += %reldir%/integration/03-client-control.bus
%canon_reldir%_integration_03_client_control_bus_SOURCES = %reldir%/integration/03-client-control.bus.c
%canon_reldir%_integration_03_client_control_bus_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_integration_03_client_control_bus_LDADD = libiotworld.la libiotclient.la

integration_tests += %reldir%/integration/04-client-event.bus
%canon_reldir%_integration_04_client_event_bus_SOURCES = %reldir%/integration/04-client-event.bus.c
%canon_reldir%_integration_04_client_event_bus_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_integration_04_client_event_bus_LDADD = libiotworld.la libiotclient.la

integration_tests += %reldir%/integration/05-client-action.bus
%canon_reldir%_integration_05_client_action_bus_SOURCES = %reldir%/integration/05-client-action.bus.c
%canon_reldir%_integration_05_client_action_bus_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_integration_05_client_action_bus_LDADD = libiotworld.la libiotclient.la

integration_tests += %reldir%/integration/20-client-firmware.bus
%canon_reldir%_integration_20_client_firmware_bus_SOURCES = %reldir%/integration/20-client-firmware.bus.c
%canon_reldir%_integration_20_client_firmware_bus_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_integration_20_client_firmware_bus_LDADD = libiotworld.la libiotclient.la

integration_tests += %reldir%/integration/21-client-transfer.bus
%canon_reldir%_integration_21_client_transfer_bus_SOURCES = %reldir%/integration/21-client-transfer.bus.c
%canon_reldir%_integration_21_client_transfer_bus_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_integration_21_client_transfer_bus_LDADD = libiotworld.la libiotclient.la

integration_tests += %reldir%/integration/22-call-client.bus
%canon_reldir%_integration_22_call_client_bus_SOURCES = %reldir%/integration/22-call-client.bus.c
%canon_reldir%_integration_22_call_client_bus_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_integration_22_call_client_bus_LDADD = libiotworld.la libiotclient.la

integration_tests += %reldir%/integration/12-client-restart.bus
%canon_reldir%_integration_12_client_restart_bus_SOURCES = %reldir%/integration/12-client-restart.bus.c
%canon_reldir%_integration_12_client_restart_bus_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_integration_12_client_restart_bus_LDADD = libiotworld.la libiotclient.la

# --- iot-localcloud: its modules, and its services on a fake transport and clock ---
check_LTLIBRARIES += libiottestcloud.la
libiottestcloud_la_SOURCES = %reldir%/lib/fake-cloud.c %reldir%/lib/fake-cloud.h
libiottestcloud_la_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS) $(JANSSON_CFLAGS)
libiottestcloud_la_LIBADD = liblocalcloud.la

unit_tests += %reldir%/unit/test-localcloud-app
%canon_reldir%_unit_test_localcloud_app_SOURCES = %reldir%/unit/test-localcloud-app.c
%canon_reldir%_unit_test_localcloud_app_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_unit_test_localcloud_app_LDADD = libiottest.la libiottestcloud.la liblocalcloud.la $(JANSSON_LIBS)

unit_tests += %reldir%/unit/test-localcloud-bind
%canon_reldir%_unit_test_localcloud_bind_SOURCES = %reldir%/unit/test-localcloud-bind.c
%canon_reldir%_unit_test_localcloud_bind_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_unit_test_localcloud_bind_LDADD = libiottest.la libiottestcloud.la liblocalcloud.la $(JANSSON_LIBS)

unit_tests += %reldir%/unit/test-localcloud-broker
%canon_reldir%_unit_test_localcloud_broker_SOURCES = %reldir%/unit/test-localcloud-broker.c
%canon_reldir%_unit_test_localcloud_broker_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_unit_test_localcloud_broker_LDADD = libiottest.la libiottestcloud.la liblocalcloud.la $(JANSSON_LIBS)

unit_tests += %reldir%/unit/test-localcloud-dynreg
%canon_reldir%_unit_test_localcloud_dynreg_SOURCES = %reldir%/unit/test-localcloud-dynreg.c
%canon_reldir%_unit_test_localcloud_dynreg_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_unit_test_localcloud_dynreg_LDADD = libiottest.la libiottestcloud.la liblocalcloud.la $(JANSSON_LIBS)

unit_tests += %reldir%/unit/test-localcloud-broker-faults
%canon_reldir%_unit_test_localcloud_broker_faults_SOURCES = \
	%reldir%/unit/test-localcloud-broker-faults.c
%canon_reldir%_unit_test_localcloud_broker_faults_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_unit_test_localcloud_broker_faults_LDADD = libiottest.la libiottestcloud.la liblocalcloud.la $(JANSSON_LIBS)

unit_tests += %reldir%/unit/test-localcloud-config
%canon_reldir%_unit_test_localcloud_config_SOURCES = %reldir%/unit/test-localcloud-config.c
%canon_reldir%_unit_test_localcloud_config_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_unit_test_localcloud_config_LDADD = libiottest.la liblocalcloud.la $(JANSSON_LIBS)

unit_tests += %reldir%/unit/test-localcloud-faults
%canon_reldir%_unit_test_localcloud_faults_SOURCES = %reldir%/unit/test-localcloud-faults.c
%canon_reldir%_unit_test_localcloud_faults_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_unit_test_localcloud_faults_LDADD = libiottest.la libiottestcloud.la liblocalcloud.la $(JANSSON_LIBS)

unit_tests += %reldir%/unit/test-localcloud-model
%canon_reldir%_unit_test_localcloud_model_SOURCES = %reldir%/unit/test-localcloud-model.c
%canon_reldir%_unit_test_localcloud_model_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_unit_test_localcloud_model_LDADD = libiottest.la liblocalcloud.la $(JANSSON_LIBS)

unit_tests += %reldir%/unit/test-localcloud-ota
%canon_reldir%_unit_test_localcloud_ota_SOURCES = %reldir%/unit/test-localcloud-ota.c
%canon_reldir%_unit_test_localcloud_ota_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_unit_test_localcloud_ota_LDADD = libiottest.la libiottestcloud.la liblocalcloud.la $(JANSSON_LIBS)

unit_tests += %reldir%/unit/test-localcloud-types
%canon_reldir%_unit_test_localcloud_types_SOURCES = %reldir%/unit/test-localcloud-types.c \
	%reldir%/lib/types-table.c %reldir%/lib/types-table.h
%canon_reldir%_unit_test_localcloud_types_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_unit_test_localcloud_types_LDADD = libiottest.la liblocalcloud.la $(JANSSON_LIBS)

unit_tests += %reldir%/unit/test-localcloud-sign
%canon_reldir%_unit_test_localcloud_sign_SOURCES = %reldir%/unit/test-localcloud-sign.c
%canon_reldir%_unit_test_localcloud_sign_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_unit_test_localcloud_sign_LDADD = libiottest.la liblocalcloud.la $(JANSSON_LIBS)

unit_tests += %reldir%/unit/test-localcloud-thing
%canon_reldir%_unit_test_localcloud_thing_SOURCES = %reldir%/unit/test-localcloud-thing.c
%canon_reldir%_unit_test_localcloud_thing_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_unit_test_localcloud_thing_LDADD = libiottest.la libiottestcloud.la liblocalcloud.la $(JANSSON_LIBS)

unit_tests += %reldir%/unit/test-localcloud-topic
%canon_reldir%_unit_test_localcloud_topic_SOURCES = %reldir%/unit/test-localcloud-topic.c
%canon_reldir%_unit_test_localcloud_topic_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_unit_test_localcloud_topic_LDADD = libiottest.la liblocalcloud.la $(JANSSON_LIBS)

unit_tests += %reldir%/unit/test-localcloud-files
%canon_reldir%_unit_test_localcloud_files_SOURCES = %reldir%/unit/test-localcloud-files.c
%canon_reldir%_unit_test_localcloud_files_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_unit_test_localcloud_files_LDADD = libiottest.la libiottestcloud.la liblocalcloud.la $(JANSSON_LIBS)

unit_tests += %reldir%/unit/test-localcloud-resources
%canon_reldir%_unit_test_localcloud_resources_SOURCES = %reldir%/unit/test-localcloud-resources.c
%canon_reldir%_unit_test_localcloud_resources_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_unit_test_localcloud_resources_LDADD = libiottest.la libiottestcloud.la liblocalcloud.la $(JANSSON_LIBS)

unit_tests += %reldir%/unit/test-localcloud-twecall
%canon_reldir%_unit_test_localcloud_twecall_SOURCES = %reldir%/unit/test-localcloud-twecall.c
%canon_reldir%_unit_test_localcloud_twecall_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_unit_test_localcloud_twecall_LDADD = libiottest.la libiottestcloud.la liblocalcloud.la $(JANSSON_LIBS)

unit_tests += %reldir%/unit/test-localcloud-wire
%canon_reldir%_unit_test_localcloud_wire_SOURCES = %reldir%/unit/test-localcloud-wire.c
%canon_reldir%_unit_test_localcloud_wire_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_unit_test_localcloud_wire_LDADD = libiottest.la liblocalcloud.la $(JANSSON_LIBS)

# Against clients that are not ours; 77 when the client is not installed.
localcloud_scripts = \
	%reldir%/integration/localcloud-faults.py \
	%reldir%/integration/localcloud-blobs.py \
	%reldir%/integration/localcloud-files.py \
	%reldir%/integration/localcloud-firmware.py \
	%reldir%/integration/localcloud-mosquitto.sh \
	%reldir%/integration/localcloud-paho.py
TESTS += $(localcloud_scripts)
EXTRA_DIST += $(localcloud_scripts) %reldir%/integration/localcloud_device.py \
	%reldir%/integration/localcloud_fixture.py
# --- end of iot-localcloud ---
# The programs of examples/ with iotd and the local cloud.
integration_tests += %reldir%/integration/12-restart-programs.bus
%canon_reldir%_integration_12_restart_programs_bus_SOURCES = \
	%reldir%/integration/12-restart-programs.bus.c
%canon_reldir%_integration_12_restart_programs_bus_CPPFLAGS = \
	$(AM_CPPFLAGS) $(DBUS_CFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_integration_12_restart_programs_bus_LDADD = libiotfixture.la $(JANSSON_LIBS)

# The quick start.
TESTS += %reldir%/integration/15-quickstart.bus
EXTRA_DIST += %reldir%/integration/15-quickstart.bus

# iotctl against the same fake as a program.
check_PROGRAMS += %reldir%/lib/fake-iotd
%canon_reldir%_lib_fake_iotd_SOURCES = %reldir%/lib/fake-iotd-main.c
%canon_reldir%_lib_fake_iotd_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_lib_fake_iotd_LDADD = libiotworld.la
integration_tests += %reldir%/integration/20-ota-agent.bus
%canon_reldir%_integration_20_ota_agent_bus_SOURCES = %reldir%/integration/20-ota-agent.bus.c
%canon_reldir%_integration_20_ota_agent_bus_LDADD = libiotfixture.la
integration_tests += %reldir%/integration/20-iotctl-firmware.bus
%canon_reldir%_integration_20_iotctl_firmware_bus_SOURCES = %reldir%/integration/20-iotctl-firmware.bus.c
%canon_reldir%_integration_20_iotctl_firmware_bus_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_integration_20_iotctl_firmware_bus_LDADD = libiotfixture.la $(JANSSON_LIBS)
integration_tests += %reldir%/integration/14-iotctl.bus
%canon_reldir%_integration_14_iotctl_bus_SOURCES = %reldir%/integration/14-iotctl.bus.c
%canon_reldir%_integration_14_iotctl_bus_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_integration_14_iotctl_bus_LDADD = libiotfixture.la $(JANSSON_LIBS)

# The inside of the client library.
unit_tests += %reldir%/unit/test-client-loop
%canon_reldir%_unit_test_client_loop_SOURCES = %reldir%/unit/test-client-loop.c
%canon_reldir%_unit_test_client_loop_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_unit_test_client_loop_LDADD = libiottest.la libiotclient-core.la
unit_tests += %reldir%/unit/test-client-slot
%canon_reldir%_unit_test_client_slot_SOURCES = %reldir%/unit/test-client-slot.c
%canon_reldir%_unit_test_client_slot_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_unit_test_client_slot_LDADD = libiottest.la libiotclient-core.la
check_LTLIBRARIES += libiottablerig.la
libiottablerig_la_SOURCES = %reldir%/lib/table-rig.c %reldir%/lib/table-rig.h \
	%reldir%/lib/shm-iotd.c %reldir%/lib/shm-iotd.h
libiottablerig_la_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS) $(CUNIT_CFLAGS)
unit_tests += %reldir%/unit/test-client-report
%canon_reldir%_unit_test_client_report_SOURCES = %reldir%/unit/test-client-report.c
%canon_reldir%_unit_test_client_report_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_unit_test_client_report_LDADD = libiottest.la libiottablerig.la libiotclient-core.la
unit_tests += %reldir%/unit/test-client-ring
%canon_reldir%_unit_test_client_ring_SOURCES = %reldir%/unit/test-client-ring.c
%canon_reldir%_unit_test_client_ring_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_unit_test_client_ring_LDADD = libiottest.la libiottablerig.la libiotclient-core.la
unit_tests += %reldir%/unit/test-client-threads
%canon_reldir%_unit_test_client_threads_SOURCES = %reldir%/unit/test-client-threads.c
%canon_reldir%_unit_test_client_threads_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_unit_test_client_threads_LDADD = libiottest.la libiottablerig.la libiotclient-core.la
unit_tests += %reldir%/unit/test-client-shm
%canon_reldir%_unit_test_client_shm_SOURCES = %reldir%/unit/test-client-shm.c
%canon_reldir%_unit_test_client_shm_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_unit_test_client_shm_LDADD = libiottest.la libiottablerig.la libiotclient-core.la
unit_tests += %reldir%/unit/test-client-shm-lies
%canon_reldir%_unit_test_client_shm_lies_SOURCES = %reldir%/unit/test-client-shm-lies.c
%canon_reldir%_unit_test_client_shm_lies_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_unit_test_client_shm_lies_LDADD = libiottest.la libiottablerig.la libiotclient-core.la
unit_tests += %reldir%/unit/test-client-shm-threads
%canon_reldir%_unit_test_client_shm_threads_SOURCES = %reldir%/unit/test-client-shm-threads.c
%canon_reldir%_unit_test_client_shm_threads_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_unit_test_client_shm_threads_LDADD = \
	libiottest.la libiottablerig.la libiotclient-core.la
unit_tests += %reldir%/unit/test-client-value
%canon_reldir%_unit_test_client_value_SOURCES = %reldir%/unit/test-client-value.c
%canon_reldir%_unit_test_client_value_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
%canon_reldir%_unit_test_client_value_LDADD = libiottest.la libiotclient-core.la
# --- the daemon's modules, without D-Bus, network, clock and chance ---

# Fakes of what the daemon's modules stand on. Before libiotd-core.la, so that the fake clock and
# random numbers win over the real ones.
check_LTLIBRARIES += libiottestdaemon.la
libiottestdaemon_la_SOURCES = \
	%reldir%/lib/core-rig.c %reldir%/lib/core-rig.h \
	%reldir%/lib/event-steps.c %reldir%/lib/event-steps.h \
	%reldir%/lib/report-steps.c %reldir%/lib/report-steps.h \
	%reldir%/lib/memory-db.c %reldir%/lib/memory-db.h \
	%reldir%/lib/fake-clock.c %reldir%/lib/fake-clock.h \
	%reldir%/lib/fake-loop.c %reldir%/lib/fake-loop.h \
	%reldir%/lib/fake-rand.c %reldir%/lib/fake-rand.h \
	%reldir%/lib/fake-transport.c %reldir%/lib/fake-transport.h \
	%reldir%/lib/keys.h \
	%reldir%/lib/rig.c %reldir%/lib/rig.h \
	%reldir%/lib/session-peer.c %reldir%/lib/session-peer.h \
	%reldir%/lib/wire.c %reldir%/lib/wire.h
libiottestdaemon_la_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS) $(JANSSON_CFLAGS)
daemon_test_cppflags = $(AM_CPPFLAGS) $(CUNIT_CFLAGS) $(JANSSON_CFLAGS)
daemon_test_libs = libiottest.la libiottestdaemon.la libiotd-core.la

# The same with the shared memory of a program.
check_LTLIBRARIES += libiottestshm.la
libiottestshm_la_SOURCES = %reldir%/lib/shm-rig.c %reldir%/lib/shm-rig.h \
	%reldir%/lib/shm-text.c %reldir%/lib/shm-text.h
libiottestshm_la_CPPFLAGS = $(daemon_test_cppflags) $(DBUS_CFLAGS)
shm_test_libs = libiottest.la libiottestshm.la libiottestdaemon.la libiotd-core.la

unit_tests += %reldir%/unit/test-shm-slots
%canon_reldir%_unit_test_shm_slots_SOURCES = %reldir%/unit/test-shm-slots.c
%canon_reldir%_unit_test_shm_slots_CPPFLAGS = $(daemon_test_cppflags) $(DBUS_CFLAGS)
%canon_reldir%_unit_test_shm_slots_LDADD = $(shm_test_libs)

unit_tests += %reldir%/unit/test-shm-up
%canon_reldir%_unit_test_shm_up_SOURCES = %reldir%/unit/test-shm-up.c
%canon_reldir%_unit_test_shm_up_CPPFLAGS = $(daemon_test_cppflags) $(DBUS_CFLAGS)
%canon_reldir%_unit_test_shm_up_LDADD = $(shm_test_libs)

unit_tests += %reldir%/unit/test-shm-down
%canon_reldir%_unit_test_shm_down_SOURCES = %reldir%/unit/test-shm-down.c
%canon_reldir%_unit_test_shm_down_CPPFLAGS = $(daemon_test_cppflags) $(DBUS_CFLAGS)
%canon_reldir%_unit_test_shm_down_LDADD = $(shm_test_libs)

unit_tests += %reldir%/unit/test-shm-answers
%canon_reldir%_unit_test_shm_answers_SOURCES = %reldir%/unit/test-shm-answers.c
%canon_reldir%_unit_test_shm_answers_CPPFLAGS = $(daemon_test_cppflags) $(DBUS_CFLAGS)
%canon_reldir%_unit_test_shm_answers_LDADD = $(shm_test_libs)

unit_tests += %reldir%/unit/test-shm-limits
%canon_reldir%_unit_test_shm_limits_SOURCES = %reldir%/unit/test-shm-limits.c
%canon_reldir%_unit_test_shm_limits_CPPFLAGS = $(daemon_test_cppflags) $(DBUS_CFLAGS)
%canon_reldir%_unit_test_shm_limits_LDADD = $(shm_test_libs)

unit_tests += %reldir%/unit/test-loop-lws
%canon_reldir%_unit_test_loop_lws_SOURCES = %reldir%/unit/test-loop-lws.c
%canon_reldir%_unit_test_loop_lws_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_loop_lws_LDADD = libiottest.la libiotd-core.la

unit_tests += %reldir%/unit/test-mqtt-packet
%canon_reldir%_unit_test_mqtt_packet_SOURCES = %reldir%/unit/test-mqtt-packet.c
%canon_reldir%_unit_test_mqtt_packet_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_mqtt_packet_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-mqtt-stream
%canon_reldir%_unit_test_mqtt_stream_SOURCES = %reldir%/unit/test-mqtt-stream.c
%canon_reldir%_unit_test_mqtt_stream_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_mqtt_stream_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-endpoint
%canon_reldir%_unit_test_endpoint_SOURCES = %reldir%/unit/test-endpoint.c
%canon_reldir%_unit_test_endpoint_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_endpoint_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-login
%canon_reldir%_unit_test_login_SOURCES = %reldir%/unit/test-login.c
%canon_reldir%_unit_test_login_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_login_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-crypto
%canon_reldir%_unit_test_crypto_SOURCES = %reldir%/unit/test-crypto.c
%canon_reldir%_unit_test_crypto_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_crypto_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-install-exec
%canon_reldir%_unit_test_install_exec_SOURCES = %reldir%/unit/test-install-exec.c \
	%reldir%/lib/install-steps.c %reldir%/lib/install-steps.h
%canon_reldir%_unit_test_install_exec_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_install_exec_LDADD = libiottest.la libiottestbus.la libiotd-core.la

unit_tests += %reldir%/unit/test-bus-rauc
%canon_reldir%_unit_test_bus_rauc_SOURCES = %reldir%/unit/test-bus-rauc.c \
	%reldir%/lib/fake-rauc.c %reldir%/lib/fake-rauc.h
%canon_reldir%_unit_test_bus_rauc_CPPFLAGS = $(daemon_test_cppflags) $(DBUS_CFLAGS)
%canon_reldir%_unit_test_bus_rauc_LDADD = libiottest.la libiottestbus.la libiotd-core.la

# RAUC for tests of iotd as a whole.
check_PROGRAMS += %reldir%/lib/fake-rauc
%canon_reldir%_lib_fake_rauc_SOURCES = %reldir%/lib/fake-rauc-main.c \
	%reldir%/lib/fake-rauc.c %reldir%/lib/fake-rauc.h
%canon_reldir%_lib_fake_rauc_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS) $(CUNIT_CFLAGS)
%canon_reldir%_lib_fake_rauc_LDADD = libiottestbus.la

unit_tests += %reldir%/unit/test-verify
%canon_reldir%_unit_test_verify_SOURCES = %reldir%/unit/test-verify.c %reldir%/lib/verify-vectors.h
%canon_reldir%_unit_test_verify_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_verify_LDADD = libiottest.la libiotd-crypto.la libiotbase.la

unit_tests += %reldir%/unit/test-tls
%canon_reldir%_unit_test_tls_SOURCES = %reldir%/unit/test-tls.c
%canon_reldir%_unit_test_tls_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_tls_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-dynreg
%canon_reldir%_unit_test_dynreg_SOURCES = %reldir%/unit/test-dynreg.c
%canon_reldir%_unit_test_dynreg_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_dynreg_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-vault-csv
%canon_reldir%_unit_test_vault_csv_SOURCES = %reldir%/unit/test-vault-csv.c
%canon_reldir%_unit_test_vault_csv_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_vault_csv_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-vault-files
%canon_reldir%_unit_test_vault_files_SOURCES = %reldir%/unit/test-vault-files.c
%canon_reldir%_unit_test_vault_files_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_vault_files_LDADD = $(daemon_test_libs)
%canon_reldir%_unit_test_vault_files_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=write \
	-Wl,--wrap=fsync -Wl,--wrap=renameat -Wl,--wrap=unlinkat

# HTTP and HTTPS servers of one file.
check_LTLIBRARIES += libiotfileserver.la
libiotfileserver_la_SOURCES = %reldir%/lib/file-server.c %reldir%/lib/file-server.h
libiotfileserver_la_CPPFLAGS = $(AM_CPPFLAGS) $(SSL_CFLAGS)
libiotfileserver_la_LIBADD = libiotfixture.la $(SSL_LIBS)

check_LTLIBRARIES += libiotfetchrig.la
libiotfetchrig_la_SOURCES = %reldir%/lib/fetch-rig.c %reldir%/lib/fetch-rig.h \
	%reldir%/lib/fake-rand.c %reldir%/lib/fake-rand.h
libiotfetchrig_la_CPPFLAGS = $(AM_CPPFLAGS) $(SSL_CFLAGS) $(CUNIT_CFLAGS)
libiotfetchrig_la_LIBADD = libiotfileserver.la
fetch_test_libs = libiottest.la libiotfetchrig.la libiotd-core.la

unit_tests += %reldir%/unit/test-fetch
%canon_reldir%_unit_test_fetch_SOURCES = %reldir%/unit/test-fetch.c
%canon_reldir%_unit_test_fetch_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_fetch_LDADD = $(fetch_test_libs)

unit_tests += %reldir%/unit/test-fetch-tls
%canon_reldir%_unit_test_fetch_tls_SOURCES = %reldir%/unit/test-fetch-tls.c
%canon_reldir%_unit_test_fetch_tls_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_fetch_tls_LDADD = $(fetch_test_libs)

unit_tests += %reldir%/unit/test-put
%canon_reldir%_unit_test_put_SOURCES = %reldir%/unit/test-put.c
%canon_reldir%_unit_test_put_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_put_LDADD = $(fetch_test_libs)

unit_tests += %reldir%/unit/test-web-answer
%canon_reldir%_unit_test_web_answer_SOURCES = %reldir%/unit/test-web-answer.c
%canon_reldir%_unit_test_web_answer_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_web_answer_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-http
%canon_reldir%_unit_test_http_SOURCES = %reldir%/unit/test-http.c
%canon_reldir%_unit_test_http_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_http_LDADD = libiottest.la libiotd-core.la

unit_tests += %reldir%/unit/test-mqtt-session
%canon_reldir%_unit_test_mqtt_session_SOURCES = %reldir%/unit/test-mqtt-session.c
%canon_reldir%_unit_test_mqtt_session_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_mqtt_session_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-jx
%canon_reldir%_unit_test_jx_SOURCES = %reldir%/unit/test-jx.c
%canon_reldir%_unit_test_jx_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_jx_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-value
%canon_reldir%_unit_test_value_SOURCES = %reldir%/unit/test-value.c
%canon_reldir%_unit_test_value_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_value_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-value-nested
%canon_reldir%_unit_test_value_nested_SOURCES = %reldir%/unit/test-value-nested.c
%canon_reldir%_unit_test_value_nested_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_value_nested_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-model-check
%canon_reldir%_unit_test_model_check_SOURCES = %reldir%/unit/test-model-check.c
%canon_reldir%_unit_test_model_check_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_model_check_LDADD = libiottest.la libiotd-model.la

unit_tests += %reldir%/unit/test-types
%canon_reldir%_unit_test_types_SOURCES = %reldir%/unit/test-types.c \
	%reldir%/lib/json-bus.c %reldir%/lib/json-bus.h \
	%reldir%/lib/types-table.c %reldir%/lib/types-table.h
%canon_reldir%_unit_test_types_CPPFLAGS = $(daemon_test_cppflags) $(DBUS_CFLAGS)
%canon_reldir%_unit_test_types_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-conf
%canon_reldir%_unit_test_conf_SOURCES = %reldir%/unit/test-conf.c
%canon_reldir%_unit_test_conf_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_conf_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-vault
%canon_reldir%_unit_test_vault_SOURCES = %reldir%/unit/test-vault.c
%canon_reldir%_unit_test_vault_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_vault_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-model
%canon_reldir%_unit_test_model_SOURCES = %reldir%/unit/test-model.c
%canon_reldir%_unit_test_model_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_model_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-link-fsm
%canon_reldir%_unit_test_link_fsm_SOURCES = %reldir%/unit/test-link-fsm.c
%canon_reldir%_unit_test_link_fsm_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_link_fsm_LDADD = $(daemon_test_libs)

link_steps = %reldir%/lib/link-steps.c %reldir%/lib/link-steps.h
unit_tests += %reldir%/unit/test-link
%canon_reldir%_unit_test_link_SOURCES = %reldir%/unit/test-link.c $(link_steps)
%canon_reldir%_unit_test_link_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_link_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-link-retry
%canon_reldir%_unit_test_link_retry_SOURCES = %reldir%/unit/test-link-retry.c $(link_steps)
%canon_reldir%_unit_test_link_retry_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_link_retry_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-requests
%canon_reldir%_unit_test_requests_SOURCES = %reldir%/unit/test-requests.c
%canon_reldir%_unit_test_requests_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_requests_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-memory
%canon_reldir%_unit_test_memory_SOURCES = %reldir%/unit/test-memory.c
%canon_reldir%_unit_test_memory_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_memory_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-netwatch
%canon_reldir%_unit_test_netwatch_SOURCES = %reldir%/unit/test-netwatch.c
%canon_reldir%_unit_test_netwatch_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_netwatch_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-clockwatch
%canon_reldir%_unit_test_clockwatch_SOURCES = %reldir%/unit/test-clockwatch.c
%canon_reldir%_unit_test_clockwatch_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_clockwatch_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-ntp
%canon_reldir%_unit_test_ntp_SOURCES = %reldir%/unit/test-ntp.c
%canon_reldir%_unit_test_ntp_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_ntp_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-answers
%canon_reldir%_unit_test_answers_SOURCES = %reldir%/unit/test-answers.c
%canon_reldir%_unit_test_answers_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_answers_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-clients
%canon_reldir%_unit_test_clients_SOURCES = %reldir%/unit/test-clients.c
%canon_reldir%_unit_test_clients_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_clients_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-owners
%canon_reldir%_unit_test_owners_SOURCES = %reldir%/unit/test-owners.c
%canon_reldir%_unit_test_owners_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_owners_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-props
%canon_reldir%_unit_test_props_SOURCES = %reldir%/unit/test-props.c
%canon_reldir%_unit_test_props_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_props_LDADD = $(daemon_test_libs)

# Programs with shared memory, by hand.
table_reader = %reldir%/lib/table-reader.c %reldir%/lib/table-reader.h
shm_peer = $(table_reader) %reldir%/lib/shm-peer.c %reldir%/lib/shm-peer.h
shm_talk = $(shm_peer) %reldir%/lib/shm-talk.c %reldir%/lib/shm-talk.h \
	%reldir%/lib/shm-text.c %reldir%/lib/shm-text.h

unit_tests += %reldir%/unit/test-shm-table
%canon_reldir%_unit_test_shm_table_SOURCES = %reldir%/unit/test-shm-table.c $(table_reader) \
	%reldir%/lib/fault.c %reldir%/lib/fault.h %reldir%/lib/types-table.c %reldir%/lib/types-table.h
%canon_reldir%_unit_test_shm_table_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_shm_table_LDFLAGS = $(fault_ldflags)
%canon_reldir%_unit_test_shm_table_LDADD = $(daemon_test_libs) $(JANSSON_LIBS)

unit_tests += %reldir%/unit/test-thing
%canon_reldir%_unit_test_thing_SOURCES = %reldir%/unit/test-thing.c
%canon_reldir%_unit_test_thing_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_thing_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-after-connect
%canon_reldir%_unit_test_after_connect_SOURCES = %reldir%/unit/test-after-connect.c
%canon_reldir%_unit_test_after_connect_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_after_connect_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-firmware
%canon_reldir%_unit_test_firmware_SOURCES = %reldir%/unit/test-firmware.c
%canon_reldir%_unit_test_firmware_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_firmware_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-update
%canon_reldir%_unit_test_update_SOURCES = %reldir%/unit/test-update.c \
	%reldir%/lib/update-stage.c %reldir%/lib/update-stage.h
%canon_reldir%_unit_test_update_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_update_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-update-restart
%canon_reldir%_unit_test_update_restart_SOURCES = %reldir%/unit/test-update-restart.c \
	%reldir%/lib/update-stage.c %reldir%/lib/update-stage.h
%canon_reldir%_unit_test_update_restart_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_update_restart_LDADD = $(daemon_test_libs)
unit_tests += %reldir%/unit/test-files
%canon_reldir%_unit_test_files_SOURCES = %reldir%/unit/test-files.c \
	%reldir%/lib/files-rig.c %reldir%/lib/files-rig.h
%canon_reldir%_unit_test_files_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_files_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-files-up
%canon_reldir%_unit_test_files_up_SOURCES = %reldir%/unit/test-files-up.c \
	%reldir%/lib/files-rig.c %reldir%/lib/files-rig.h
%canon_reldir%_unit_test_files_up_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_files_up_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-info
%canon_reldir%_unit_test_info_SOURCES = %reldir%/unit/test-info.c
%canon_reldir%_unit_test_info_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_info_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-service
%canon_reldir%_unit_test_service_SOURCES = %reldir%/unit/test-service.c
%canon_reldir%_unit_test_service_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_service_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-twecall
%canon_reldir%_unit_test_twecall_SOURCES = %reldir%/unit/test-twecall.c
%canon_reldir%_unit_test_twecall_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_twecall_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-reports
%canon_reldir%_unit_test_reports_SOURCES = %reldir%/unit/test-reports.c
%canon_reldir%_unit_test_reports_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_reports_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-events
%canon_reldir%_unit_test_events_SOURCES = %reldir%/unit/test-events.c
%canon_reldir%_unit_test_events_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_events_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-history
%canon_reldir%_unit_test_history_SOURCES = %reldir%/unit/test-history.c
%canon_reldir%_unit_test_history_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_history_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-reports-fair
%canon_reldir%_unit_test_reports_fair_SOURCES = %reldir%/unit/test-reports-fair.c
%canon_reldir%_unit_test_reports_fair_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_reports_fair_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-policy
%canon_reldir%_unit_test_policy_SOURCES = %reldir%/unit/test-policy.c
%canon_reldir%_unit_test_policy_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_policy_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-calls
%canon_reldir%_unit_test_calls_SOURCES = %reldir%/unit/test-calls.c
%canon_reldir%_unit_test_calls_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_calls_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-mqtt-session-publish
%canon_reldir%_unit_test_mqtt_session_publish_SOURCES = %reldir%/unit/test-mqtt-session-publish.c
%canon_reldir%_unit_test_mqtt_session_publish_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_mqtt_session_publish_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-events-store
%canon_reldir%_unit_test_events_store_SOURCES = %reldir%/unit/test-events-store.c
%canon_reldir%_unit_test_events_store_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_events_store_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-access
%canon_reldir%_unit_test_access_SOURCES = %reldir%/unit/test-access.c
%canon_reldir%_unit_test_access_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_access_LDADD = $(daemon_test_libs)

# The database, also on a disk that fails on demand.
unit_tests += %reldir%/unit/test-store
%canon_reldir%_unit_test_store_SOURCES = %reldir%/unit/test-store.c
%canon_reldir%_unit_test_store_CPPFLAGS = $(daemon_test_cppflags) $(SQLITE_CFLAGS)
%canon_reldir%_unit_test_store_LDADD = $(daemon_test_libs) $(SQLITE_LIBS)

unit_tests += %reldir%/unit/test-persist
%canon_reldir%_unit_test_persist_SOURCES = \
	%reldir%/unit/test-persist.c %reldir%/lib/fault-vfs.c %reldir%/lib/fault-vfs.h
%canon_reldir%_unit_test_persist_CPPFLAGS = $(daemon_test_cppflags) $(SQLITE_CFLAGS)
%canon_reldir%_unit_test_persist_LDADD = $(daemon_test_libs) $(SQLITE_LIBS)

unit_tests += %reldir%/unit/test-store-faults
%canon_reldir%_unit_test_store_faults_SOURCES = \
	%reldir%/unit/test-store-faults.c %reldir%/lib/fault-vfs.c %reldir%/lib/fault-vfs.h
%canon_reldir%_unit_test_store_faults_CPPFLAGS = $(daemon_test_cppflags) $(SQLITE_CFLAGS)
%canon_reldir%_unit_test_store_faults_LDADD = $(daemon_test_libs) $(SQLITE_LIBS)

unit_tests += %reldir%/unit/test-answers-faults
%canon_reldir%_unit_test_answers_faults_SOURCES = \
	%reldir%/unit/test-answers-faults.c %reldir%/lib/fault-vfs.c %reldir%/lib/fault-vfs.h
%canon_reldir%_unit_test_answers_faults_CPPFLAGS = $(daemon_test_cppflags) $(SQLITE_CFLAGS)
%canon_reldir%_unit_test_answers_faults_LDADD = $(daemon_test_libs) $(SQLITE_LIBS)

unit_tests += %reldir%/unit/test-slots
%canon_reldir%_unit_test_slots_SOURCES = %reldir%/unit/test-slots.c
%canon_reldir%_unit_test_slots_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_slots_LDADD = $(daemon_test_libs) $(SQLITE_LIBS)

# Allocations of our code that fail on demand.
fault_ldflags = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc \
	-Wl,--wrap=reallocarray,--wrap=strdup,--wrap=strndup,--wrap=free
unit_tests += %reldir%/unit/test-fetch-memory
%canon_reldir%_unit_test_fetch_memory_SOURCES = %reldir%/unit/test-fetch-memory.c \
	%reldir%/lib/fault.c %reldir%/lib/fault.h
%canon_reldir%_unit_test_fetch_memory_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_fetch_memory_LDFLAGS = $(fault_ldflags)
%canon_reldir%_unit_test_fetch_memory_LDADD = $(fetch_test_libs) $(JANSSON_LIBS)
unit_tests += %reldir%/unit/test-client-report-memory
%canon_reldir%_unit_test_client_report_memory_SOURCES = \
	%reldir%/unit/test-client-report-memory.c %reldir%/lib/fault.c %reldir%/lib/fault.h
%canon_reldir%_unit_test_client_report_memory_CPPFLAGS = \
	$(AM_CPPFLAGS) $(DBUS_CFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_unit_test_client_report_memory_LDFLAGS = $(fault_ldflags)
%canon_reldir%_unit_test_client_report_memory_LDADD = \
	libiottest.la libiottablerig.la libiotclient-core.la $(JANSSON_LIBS)
unit_tests += %reldir%/unit/test-dbus-faults
%canon_reldir%_unit_test_dbus_faults_SOURCES = %reldir%/unit/test-dbus-faults.c \
	%reldir%/lib/fault.c %reldir%/lib/fault.h
%canon_reldir%_unit_test_dbus_faults_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_unit_test_dbus_faults_LDFLAGS = $(fault_ldflags)
%canon_reldir%_unit_test_dbus_faults_LDADD = \
	libiottest.la libiottestbus.la libiotdbus-server.la libiotdbus.la $(JANSSON_LIBS)
if BUILD_CODEGEN
unit_tests += %reldir%/unit/test-codegen
%canon_reldir%_unit_test_codegen_SOURCES = %reldir%/unit/test-codegen.c \
	%reldir%/lib/fault.c %reldir%/lib/fault.h
%canon_reldir%_unit_test_codegen_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_unit_test_codegen_LDFLAGS = $(fault_ldflags)
%canon_reldir%_unit_test_codegen_LDADD = libiottest.la libiotcodegen.la $(JANSSON_LIBS)
endif
unit_tests += %reldir%/unit/test-faults
%canon_reldir%_unit_test_faults_SOURCES = %reldir%/unit/test-faults.c \
	%reldir%/lib/fault.c %reldir%/lib/fault.h
%canon_reldir%_unit_test_faults_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_faults_LDFLAGS = $(fault_ldflags)
%canon_reldir%_unit_test_faults_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-model-assemble
%canon_reldir%_unit_test_model_assemble_SOURCES = %reldir%/unit/test-model-assemble.c
%canon_reldir%_unit_test_model_assemble_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_model_assemble_LDADD = libiottest.la libiotd-model.la

unit_tests += %reldir%/unit/test-model-update
%canon_reldir%_unit_test_model_update_SOURCES = %reldir%/unit/test-model-update.c
%canon_reldir%_unit_test_model_update_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_model_update_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-calls-later
%canon_reldir%_unit_test_calls_later_SOURCES = %reldir%/unit/test-calls-later.c
%canon_reldir%_unit_test_calls_later_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_calls_later_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-events-quota
%canon_reldir%_unit_test_events_quota_SOURCES = %reldir%/unit/test-events-quota.c
%canon_reldir%_unit_test_events_quota_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_events_quota_LDADD = $(daemon_test_libs)

unit_tests += %reldir%/unit/test-calls-wait
%canon_reldir%_unit_test_calls_wait_SOURCES = %reldir%/unit/test-calls-wait.c
%canon_reldir%_unit_test_calls_wait_CPPFLAGS = $(daemon_test_cppflags)
%canon_reldir%_unit_test_calls_wait_LDADD = $(daemon_test_libs)

# --- end of the daemon's modules ---

# TLS: the matrix of certificates, against the local cloud and a broker that is not ours.
integration_tests += %reldir%/integration/07-tls-cloud.bus
%canon_reldir%_integration_07_tls_cloud_bus_SOURCES = %reldir%/integration/07-tls-cloud.bus.c
%canon_reldir%_integration_07_tls_cloud_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_integration_07_tls_cloud_bus_LDADD = $(SCENE_LDADD)
integration_tests += %reldir%/integration/07-tls-faults.bus
%canon_reldir%_integration_07_tls_faults_bus_SOURCES = %reldir%/integration/07-tls-faults.bus.c
%canon_reldir%_integration_07_tls_faults_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_integration_07_tls_faults_bus_LDADD = $(SCENE_LDADD)
integration_tests += %reldir%/integration/07-tls-mosquitto.bus
%canon_reldir%_integration_07_tls_mosquitto_bus_SOURCES = %reldir%/integration/07-tls-mosquitto.bus.c
%canon_reldir%_integration_07_tls_mosquitto_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_integration_07_tls_mosquitto_bus_LDADD = $(SCENE_LDADD)
integration_tests += %reldir%/integration/07-tls-library.bus
%canon_reldir%_integration_07_tls_library_bus_SOURCES = %reldir%/integration/07-tls-library.bus.c
%canon_reldir%_integration_07_tls_library_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_integration_07_tls_library_bus_LDADD = $(SCENE_LDADD)
endif

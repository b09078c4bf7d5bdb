# SPDX-License-Identifier: GPL-2.0-or-later
# Scenarios: a cloud, iotd and the programs on the bus that the test plays.
SCENE_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS) $(JANSSON_CFLAGS)
SCENE_LDADD = libiotfixture.la

# A program with typed code of the model that has all types.
if RUN_CODEGEN
%reldir%/types.c: tests/data/types.json $(IOTC_CODEGEN_DEPENDENCY)
	$(AM_V_GEN)$(MKDIR_P) %reldir% && \
	$(IOTC_CODEGEN) --output %reldir% $(srcdir)/tests/data/types.json
%reldir%/types.h: %reldir%/types.c
	@test -f $@ || { rm -f %reldir%/types.c && $(MAKE) $(AM_MAKEFLAGS) %reldir%/types.c; }
MOSTLYCLEANFILES += %reldir%/types.c %reldir%/types.h
integration_tests += %reldir%/02-codegen-types.bus
%canon_reldir%_02_codegen_types_bus_SOURCES = %reldir%/02-codegen-types.bus.c
nodist_%canon_reldir%_02_codegen_types_bus_SOURCES = %reldir%/types.c %reldir%/types.h
%canon_reldir%_02_codegen_types_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_02_codegen_types_bus_LDADD = $(SCENE_LDADD) libiotclient.la $(JANSSON_LIBS)
%reldir%/02_codegen_types_bus-02-codegen-types.bus.$(OBJEXT): %reldir%/types.h
endif

# Files and resources.
integration_tests += %reldir%/21-files-down.bus
%canon_reldir%_21_files_down_bus_SOURCES = %reldir%/21-files-down.bus.c \
	tests/lib/file-scene.c tests/lib/file-scene.h
%canon_reldir%_21_files_down_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_21_files_down_bus_LDADD = $(SCENE_LDADD) $(JANSSON_LIBS)

integration_tests += %reldir%/21-files-up.bus
%canon_reldir%_21_files_up_bus_SOURCES = %reldir%/21-files-up.bus.c \
	tests/lib/file-scene.c tests/lib/file-scene.h
%canon_reldir%_21_files_up_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_21_files_up_bus_LDADD = $(SCENE_LDADD) $(JANSSON_LIBS)

integration_tests += %reldir%/21-client-file.bus
%canon_reldir%_21_client_file_bus_SOURCES = %reldir%/21-client-file.bus.c \
	tests/lib/file-scene.c tests/lib/file-scene.h
%canon_reldir%_21_client_file_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_21_client_file_bus_LDADD = $(SCENE_LDADD) libiotclient.la $(JANSSON_LIBS)

integration_tests += %reldir%/21-iotctl-file.bus
%canon_reldir%_21_iotctl_file_bus_SOURCES = %reldir%/21-iotctl-file.bus.c \
	tests/lib/file-scene.c tests/lib/file-scene.h
%canon_reldir%_21_iotctl_file_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_21_iotctl_file_bus_LDADD = $(SCENE_LDADD) $(JANSSON_LIBS)

# What must never be lost. tests/lib/ledger.h keeps the books.
ledger = tests/lib/ledger.c tests/lib/ledger.h \
	tests/lib/ledger-scene.c tests/lib/ledger-scene.h
integration_tests += %reldir%/06-outbox-storm.bus
%canon_reldir%_06_outbox_storm_bus_SOURCES = %reldir%/06-outbox-storm.bus.c $(ledger)
%canon_reldir%_06_outbox_storm_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_06_outbox_storm_bus_LDADD = $(SCENE_LDADD) $(JANSSON_LIBS)

integration_tests += %reldir%/06-outbox-poison.bus
%canon_reldir%_06_outbox_poison_bus_SOURCES = %reldir%/06-outbox-poison.bus.c
%canon_reldir%_06_outbox_poison_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_06_outbox_poison_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/06-outbox-full.bus
%canon_reldir%_06_outbox_full_bus_SOURCES = %reldir%/06-outbox-full.bus.c $(ledger)
%canon_reldir%_06_outbox_full_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_06_outbox_full_bus_LDADD = $(SCENE_LDADD) $(JANSSON_LIBS)

integration_tests += %reldir%/06-outbox-database.bus
%canon_reldir%_06_outbox_database_bus_SOURCES = %reldir%/06-outbox-database.bus.c
%canon_reldir%_06_outbox_database_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_06_outbox_database_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/07-link-boot.bus
%canon_reldir%_07_link_boot_bus_SOURCES = %reldir%/07-link-boot.bus.c
%canon_reldir%_07_link_boot_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_07_link_boot_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/06-outbox-outage.bus
%canon_reldir%_06_outbox_outage_bus_SOURCES = %reldir%/06-outbox-outage.bus.c $(ledger)
%canon_reldir%_06_outbox_outage_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_06_outbox_outage_bus_LDADD = $(SCENE_LDADD) $(JANSSON_LIBS)

integration_tests += %reldir%/01-attach-ownership.bus
%canon_reldir%_01_attach_ownership_bus_SOURCES = %reldir%/01-attach-ownership.bus.c
%canon_reldir%_01_attach_ownership_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_01_attach_ownership_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/01-attach-shm.bus
%canon_reldir%_01_attach_shm_bus_SOURCES = %reldir%/01-attach-shm.bus.c $(shm_peer) \
	tests/lib/json-bus.c tests/lib/json-bus.h tests/lib/types-table.c tests/lib/types-table.h
%canon_reldir%_01_attach_shm_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_01_attach_shm_bus_LDADD = $(SCENE_LDADD) libiotipc.la libiotbase.la $(JANSSON_LIBS)

integration_tests += %reldir%/02-property-merge.bus
%canon_reldir%_02_property_merge_bus_SOURCES = %reldir%/02-property-merge.bus.c
%canon_reldir%_02_property_merge_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_02_property_merge_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/02-report-history.bus
%canon_reldir%_02_report_history_bus_SOURCES = %reldir%/02-report-history.bus.c
%canon_reldir%_02_report_history_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_02_report_history_bus_LDADD = $(SCENE_LDADD) $(JANSSON_LIBS)

EXTRA_DIST += tests/data/types.json tests/data/types-cloud.json tests/data/codegen-odd.json
integration_tests += %reldir%/02-types-nested.bus
%canon_reldir%_02_types_nested_bus_SOURCES = %reldir%/02-types-nested.bus.c
%canon_reldir%_02_types_nested_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_02_types_nested_bus_LDADD = $(SCENE_LDADD) $(JANSSON_LIBS)

integration_tests += %reldir%/14-iotctl-types.bus
%canon_reldir%_14_iotctl_types_bus_SOURCES = %reldir%/14-iotctl-types.bus.c
%canon_reldir%_14_iotctl_types_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_14_iotctl_types_bus_LDADD = $(SCENE_LDADD) $(JANSSON_LIBS)

integration_tests += %reldir%/13-limits-model.bus
%canon_reldir%_13_limits_model_bus_SOURCES = %reldir%/13-limits-model.bus.c \
	tests/lib/big-model.c tests/lib/big-model.h
%canon_reldir%_13_limits_model_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_13_limits_model_bus_LDADD = $(SCENE_LDADD) $(JANSSON_LIBS)

integration_tests += %reldir%/02-types-verdicts.bus
%canon_reldir%_02_types_verdicts_bus_SOURCES = %reldir%/02-types-verdicts.bus.c \
	tests/lib/json-bus.c tests/lib/json-bus.h tests/lib/types-table.c tests/lib/types-table.h
%canon_reldir%_02_types_verdicts_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_02_types_verdicts_bus_LDADD = $(SCENE_LDADD) $(JANSSON_LIBS)

integration_tests += %reldir%/02-model-define.bus
%canon_reldir%_02_model_define_bus_SOURCES = %reldir%/02-model-define.bus.c
%canon_reldir%_02_model_define_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_02_model_define_bus_LDADD = libiotworld.la libiotclient.la $(SCENE_LDADD) $(JANSSON_LIBS)

integration_tests += %reldir%/02-model-reload.bus
%canon_reldir%_02_model_reload_bus_SOURCES = %reldir%/02-model-reload.bus.c
%canon_reldir%_02_model_reload_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_02_model_reload_bus_LDADD = libiotworld.la libiotclient.la $(SCENE_LDADD) $(JANSSON_LIBS)
integration_tests += %reldir%/02-report-policy.bus
%canon_reldir%_02_report_policy_bus_SOURCES = %reldir%/02-report-policy.bus.c
%canon_reldir%_02_report_policy_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_02_report_policy_bus_LDADD = $(SCENE_LDADD) $(JANSSON_LIBS)

integration_tests += %reldir%/02-client-policy.bus
%canon_reldir%_02_client_policy_bus_SOURCES = %reldir%/02-client-policy.bus.c
%canon_reldir%_02_client_policy_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_02_client_policy_bus_LDADD = libiotworld.la libiotclient.la $(SCENE_LDADD) $(JANSSON_LIBS)

integration_tests += %reldir%/02-client-shm.bus
%canon_reldir%_02_client_shm_bus_SOURCES = %reldir%/02-client-shm.bus.c
%canon_reldir%_02_client_shm_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_02_client_shm_bus_LDADD = libiotworld.la libiotclient-core.la $(SCENE_LDADD) $(DBUS_LIBS) $(JANSSON_LIBS)

integration_tests += %reldir%/03-client-shm.bus
%canon_reldir%_03_client_shm_bus_SOURCES = %reldir%/03-client-shm.bus.c
%canon_reldir%_03_client_shm_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_03_client_shm_bus_LDADD = libiotworld.la libiotclient-core.la $(SCENE_LDADD) $(DBUS_LIBS) $(JANSSON_LIBS)

integration_tests += %reldir%/04-client-shm.bus
%canon_reldir%_04_client_shm_bus_SOURCES = %reldir%/04-client-shm.bus.c
%canon_reldir%_04_client_shm_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_04_client_shm_bus_LDADD = libiotworld.la libiotclient-core.la $(SCENE_LDADD) $(DBUS_LIBS) $(JANSSON_LIBS)

integration_tests += %reldir%/02-property-report.bus
%canon_reldir%_02_property_report_bus_SOURCES = %reldir%/02-property-report.bus.c
%canon_reldir%_02_property_report_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_02_property_report_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/03-control-raw.bus
%canon_reldir%_03_control_raw_bus_SOURCES = %reldir%/03-control-raw.bus.c
%canon_reldir%_03_control_raw_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_03_control_raw_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/03-control-served.bus
%canon_reldir%_03_control_served_bus_SOURCES = %reldir%/03-control-served.bus.c
%canon_reldir%_03_control_served_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_03_control_served_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/03-control-split.bus
%canon_reldir%_03_control_split_bus_SOURCES = %reldir%/03-control-split.bus.c
%canon_reldir%_03_control_split_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_03_control_split_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/04-event-post.bus
%canon_reldir%_04_event_post_bus_SOURCES = %reldir%/04-event-post.bus.c
%canon_reldir%_04_event_post_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_04_event_post_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/04-event-reply.bus
%canon_reldir%_04_event_reply_bus_SOURCES = %reldir%/04-event-reply.bus.c
%canon_reldir%_04_event_reply_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_04_event_reply_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/05-action-raw.bus
%canon_reldir%_05_action_raw_bus_SOURCES = %reldir%/05-action-raw.bus.c
%canon_reldir%_05_action_raw_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_05_action_raw_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/20-firmware-order.bus
%canon_reldir%_20_firmware_order_bus_SOURCES = %reldir%/20-firmware-order.bus.c
%canon_reldir%_20_firmware_order_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_20_firmware_order_bus_LDADD = $(SCENE_LDADD)
integration_tests += %reldir%/20-firmware-program.bus
%canon_reldir%_20_firmware_program_bus_SOURCES = %reldir%/20-firmware-program.bus.c
%canon_reldir%_20_firmware_program_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_20_firmware_program_bus_LDADD = $(SCENE_LDADD)

firmware_scene = tests/lib/firmware-scene.c tests/lib/firmware-scene.h \
	tests/lib/file-scene.c tests/lib/file-scene.h
integration_tests += %reldir%/23-firmware-breaks.bus
%canon_reldir%_23_firmware_breaks_bus_SOURCES = %reldir%/23-firmware-breaks.bus.c $(firmware_scene)
%canon_reldir%_23_firmware_breaks_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_23_firmware_breaks_bus_LDADD = $(SCENE_LDADD) $(JANSSON_LIBS)
integration_tests += %reldir%/23-firmware-faults.bus
%canon_reldir%_23_firmware_faults_bus_SOURCES = %reldir%/23-firmware-faults.bus.c $(firmware_scene)
%canon_reldir%_23_firmware_faults_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_23_firmware_faults_bus_LDADD = $(SCENE_LDADD) $(JANSSON_LIBS)
integration_tests += %reldir%/23-firmware-signature.bus
%canon_reldir%_23_firmware_signature_bus_SOURCES = %reldir%/23-firmware-signature.bus.c $(firmware_scene)
%canon_reldir%_23_firmware_signature_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_23_firmware_signature_bus_LDADD = $(SCENE_LDADD) $(JANSSON_LIBS)

integration_tests += %reldir%/05-action-served.bus
%canon_reldir%_05_action_served_bus_SOURCES = %reldir%/05-action-served.bus.c
%canon_reldir%_05_action_served_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_05_action_served_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/07-link-broker.bus
%canon_reldir%_07_link_broker_bus_SOURCES = %reldir%/07-link-broker.bus.c
%canon_reldir%_07_link_broker_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_07_link_broker_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/07-link-faults.bus
%canon_reldir%_07_link_faults_bus_SOURCES = %reldir%/07-link-faults.bus.c
%canon_reldir%_07_link_faults_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_07_link_faults_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/07-link-flat.bus
%canon_reldir%_07_link_flat_bus_SOURCES = %reldir%/07-link-flat.bus.c
%canon_reldir%_07_link_flat_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_07_link_flat_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/07-link-writes.bus
%canon_reldir%_07_link_writes_bus_SOURCES = %reldir%/07-link-writes.bus.c
%canon_reldir%_07_link_writes_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_07_link_writes_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/08-rauc-service.bus
%canon_reldir%_08_rauc_service_bus_SOURCES = %reldir%/08-rauc-service.bus.c \
	tests/lib/install-steps.c tests/lib/install-steps.h
%canon_reldir%_08_rauc_service_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_08_rauc_service_bus_LDADD = $(SCENE_LDADD) libiotd-core.la

integration_tests += %reldir%/20-firmware-installers.bus
%canon_reldir%_20_firmware_installers_bus_SOURCES = %reldir%/20-firmware-installers.bus.c
%canon_reldir%_20_firmware_installers_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_20_firmware_installers_bus_LDADD = $(SCENE_LDADD) $(JANSSON_LIBS)

integration_tests += %reldir%/07-link-network.bus
%canon_reldir%_07_link_network_bus_SOURCES = %reldir%/07-link-network.bus.c
%canon_reldir%_07_link_network_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_07_link_network_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/07-link-refused.bus
%canon_reldir%_07_link_refused_bus_SOURCES = %reldir%/07-link-refused.bus.c
%canon_reldir%_07_link_refused_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_07_link_refused_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/03-control-local.bus
%canon_reldir%_03_control_local_bus_SOURCES = %reldir%/03-control-local.bus.c
%canon_reldir%_03_control_local_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_03_control_local_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/08-after-connect.bus
%canon_reldir%_08_after_connect_bus_SOURCES = %reldir%/08-after-connect.bus.c
%canon_reldir%_08_after_connect_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_08_after_connect_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/22-call-cloud.bus
%canon_reldir%_22_call_cloud_bus_SOURCES = %reldir%/22-call-cloud.bus.c
%canon_reldir%_22_call_cloud_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_22_call_cloud_bus_LDADD = $(SCENE_LDADD) $(JANSSON_LIBS)

integration_tests += %reldir%/09-bind.bus
%canon_reldir%_09_bind_bus_SOURCES = %reldir%/09-bind.bus.c
%canon_reldir%_09_bind_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_09_bind_bus_LDADD = $(SCENE_LDADD) $(JANSSON_LIBS)

integration_tests += %reldir%/10-dynreg-first-boot.bus
%canon_reldir%_10_dynreg_first_boot_bus_SOURCES = %reldir%/10-dynreg-first-boot.bus.c \
	tests/lib/dynreg-stage.c tests/lib/dynreg-stage.h
%canon_reldir%_10_dynreg_first_boot_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_10_dynreg_first_boot_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/10-dynreg-https.bus
%canon_reldir%_10_dynreg_https_bus_SOURCES = %reldir%/10-dynreg-https.bus.c \
	tests/lib/dynreg-stage.c tests/lib/dynreg-stage.h
%canon_reldir%_10_dynreg_https_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_10_dynreg_https_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/10-dynreg-provision.bus
%canon_reldir%_10_dynreg_provision_bus_SOURCES = %reldir%/10-dynreg-provision.bus.c \
	tests/lib/dynreg-stage.c tests/lib/dynreg-stage.h
%canon_reldir%_10_dynreg_provision_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_10_dynreg_provision_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/11-policy-monitor.bus
%canon_reldir%_11_policy_monitor_bus_SOURCES = %reldir%/11-policy-monitor.bus.c
%canon_reldir%_11_policy_monitor_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_11_policy_monitor_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/12-restart-check.bus
%canon_reldir%_12_restart_check_bus_SOURCES = %reldir%/12-restart-check.bus.c
%canon_reldir%_12_restart_check_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_12_restart_check_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/12-restart-daemon.bus
%canon_reldir%_12_restart_daemon_bus_SOURCES = %reldir%/12-restart-daemon.bus.c
%canon_reldir%_12_restart_daemon_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_12_restart_daemon_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/13-limits-cloud.bus
%canon_reldir%_13_limits_cloud_bus_SOURCES = %reldir%/13-limits-cloud.bus.c
%canon_reldir%_13_limits_cloud_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_13_limits_cloud_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/13-limits-program.bus
%canon_reldir%_13_limits_program_bus_SOURCES = %reldir%/13-limits-program.bus.c
%canon_reldir%_13_limits_program_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_13_limits_program_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/13-limits-quota.bus
%canon_reldir%_13_limits_quota_bus_SOURCES = %reldir%/13-limits-quota.bus.c
%canon_reldir%_13_limits_quota_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_13_limits_quota_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/14-scripts.bus
%canon_reldir%_14_scripts_bus_SOURCES = %reldir%/14-scripts.bus.c
%canon_reldir%_14_scripts_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_14_scripts_bus_LDADD = $(SCENE_LDADD)

integration_tests += %reldir%/02-types-client.bus
%canon_reldir%_02_types_client_bus_SOURCES = %reldir%/02-types-client.bus.c \
	tests/lib/types-table.c tests/lib/types-table.h
%canon_reldir%_02_types_client_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_02_types_client_bus_LDADD = $(SCENE_LDADD) libiotclient.la $(JANSSON_LIBS)

integration_tests += %reldir%/04-event-list.bus
%canon_reldir%_04_event_list_bus_SOURCES = %reldir%/04-event-list.bus.c
%canon_reldir%_04_event_list_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_04_event_list_bus_LDADD = $(SCENE_LDADD) libiotclient.la $(JANSSON_LIBS)

# Programs that misuse their shared memory.
check_PROGRAMS += tests/lib/scribbler
tests_lib_scribbler_SOURCES = \
	tests/lib/scribbler.c tests/lib/scribbler.h \
	tests/lib/scribbler-doors.c tests/lib/scribbler-memory.c tests/lib/scribbler-raw.c \
	tests/lib/scribbler-rings.c tests/lib/scribbler-slots.c
tests_lib_scribbler_CPPFLAGS = $(AM_CPPFLAGS) $(DBUS_CFLAGS)
tests_lib_scribbler_LDADD = libiotipc.la libiotdbus.la libiotbase.la

hostile_scene = tests/lib/hostile-scene.c tests/lib/hostile-scene.h
integration_tests += %reldir%/13-limits-shm-ends.bus
%canon_reldir%_13_limits_shm_ends_bus_SOURCES = %reldir%/13-limits-shm-ends.bus.c $(hostile_scene)
%canon_reldir%_13_limits_shm_ends_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_13_limits_shm_ends_bus_LDADD = libiotworld.la libiotclient.la $(SCENE_LDADD) $(JANSSON_LIBS)
integration_tests += %reldir%/13-limits-shm-memory.bus
%canon_reldir%_13_limits_shm_memory_bus_SOURCES = %reldir%/13-limits-shm-memory.bus.c $(hostile_scene)
%canon_reldir%_13_limits_shm_memory_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_13_limits_shm_memory_bus_LDADD = libiotworld.la libiotclient.la $(SCENE_LDADD) $(JANSSON_LIBS)
integration_tests += %reldir%/03-control-shm.bus
%canon_reldir%_03_control_shm_bus_SOURCES = %reldir%/03-control-shm.bus.c $(shm_talk)
%canon_reldir%_03_control_shm_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_03_control_shm_bus_LDADD = $(SCENE_LDADD) libiotipc.la $(JANSSON_LIBS)
integration_tests += %reldir%/04-event-shm.bus
%canon_reldir%_04_event_shm_bus_SOURCES = %reldir%/04-event-shm.bus.c $(shm_talk)
%canon_reldir%_04_event_shm_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_04_event_shm_bus_LDADD = $(SCENE_LDADD) libiotipc.la $(JANSSON_LIBS)
integration_tests += %reldir%/13-limits-shm-rings.bus
%canon_reldir%_13_limits_shm_rings_bus_SOURCES = %reldir%/13-limits-shm-rings.bus.c $(hostile_scene)
%canon_reldir%_13_limits_shm_rings_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_13_limits_shm_rings_bus_LDADD = libiotworld.la libiotclient.la $(SCENE_LDADD) $(JANSSON_LIBS)
integration_tests += %reldir%/13-limits-shm-slots.bus
%canon_reldir%_13_limits_shm_slots_bus_SOURCES = %reldir%/13-limits-shm-slots.bus.c $(hostile_scene)
%canon_reldir%_13_limits_shm_slots_bus_CPPFLAGS = $(SCENE_CPPFLAGS)
%canon_reldir%_13_limits_shm_slots_bus_LDADD = libiotworld.la libiotclient.la $(SCENE_LDADD) $(JANSSON_LIBS)

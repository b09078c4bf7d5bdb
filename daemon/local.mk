# SPDX-License-Identifier: GPL-2.0-or-later
if ENABLE_DAEMON
# All of the daemon but main(), so that tests can link it. Third-party flags stay where they
# belong: one convenience library for each.
noinst_LTLIBRARIES += libiotd-mqtt.la libiotd-crypto.la libiotd-core.la

libiotd_mqtt_la_CFLAGS = $(AM_CFLAGS) $(IOTD_CONVERSION_CFLAGS)
libiotd_mqtt_la_SOURCES = \
	%reldir%/mqtt/packet.c %reldir%/mqtt/packet.h \
	%reldir%/mqtt/session.c %reldir%/mqtt/session.h \
	%reldir%/mqtt/stream.c %reldir%/mqtt/stream.h

# The thing model by itself: pure, so that tools can read one as the daemon does.
noinst_LTLIBRARIES += libiotd-model.la
libiotd_model_la_CFLAGS = $(AM_CFLAGS) $(IOTD_EXE_CFLAGS) $(JANSSON_CFLAGS)
libiotd_model_la_SOURCES = \
	%reldir%/cloud/model.c %reldir%/cloud/model.h %reldir%/cloud/model_define.c \
	%reldir%/cloud/model_assemble.c %reldir%/cloud/model_assemble.h \
	%reldir%/cloud/model_lint.c %reldir%/cloud/model_parse.c %reldir%/cloud/model_platform.c \
	%reldir%/cloud/model_reader.h %reldir%/cloud/model_released.c \
	%reldir%/cloud/model_update.c %reldir%/cloud/model_update.h \
	%reldir%/cloud/value.c %reldir%/cloud/value.h %reldir%/cloud/value_fit.c \
	%reldir%/json/jx.c %reldir%/json/jx.h
libiotd_model_la_LIBADD = libiotbase.la $(JANSSON_LIBS)

libiotd_crypto_la_CFLAGS = $(AM_CFLAGS) $(WOLFSSL_CFLAGS)
libiotd_crypto_la_SOURCES = \
	%reldir%/crypto/aes_cbc.c %reldir%/crypto/aes_cbc.h \
	%reldir%/crypto/base64.c %reldir%/crypto/base64.h \
	%reldir%/crypto/digest.c %reldir%/crypto/digest.h \
	%reldir%/crypto/hmac.c %reldir%/crypto/hmac.h \
	%reldir%/crypto/rsa.c %reldir%/crypto/rsa.h \
	%reldir%/crypto/secret.c %reldir%/crypto/secret.h \
	%reldir%/crypto/signer.c %reldir%/crypto/signer.h \
	%reldir%/crypto/verify.c %reldir%/crypto/verify.h
libiotd_crypto_la_LIBADD = $(WOLFSSL_LIBS)

# TLS as libwebsockets has it.
noinst_LTLIBRARIES += libiotd-tls.la
libiotd_tls_la_CFLAGS = $(AM_CFLAGS) $(IOTD_EXE_CFLAGS) $(TLS_CFLAGS)
libiotd_tls_la_SOURCES = \
	%reldir%/net/tls.c %reldir%/net/tls.h %reldir%/net/tls_impl.h \
	%reldir%/net/tls_stream.c %reldir%/net/tls_stream.h
libiotd_tls_la_LIBADD = $(TLS_LIBS)
EXTRA_libiotd_tls_la_SOURCES = \
	%reldir%/net/tls_none.c %reldir%/net/tls_openssl.c %reldir%/net/tls_wolfssl.c
if TLS_OPENSSL
libiotd_tls_la_SOURCES += %reldir%/net/tls_openssl.c
endif
if TLS_WOLFSSL
libiotd_tls_la_SOURCES += %reldir%/net/tls_wolfssl.c
endif
if TLS_NONE
libiotd_tls_la_SOURCES += %reldir%/net/tls_none.c
endif

libiotd_core_la_CFLAGS = $(AM_CFLAGS) $(IOTD_EXE_CFLAGS) $(LWS_CFLAGS) $(JANSSON_CFLAGS) $(DBUS_CFLAGS) \
	$(SQLITE_CFLAGS)
libiotd_core_la_SOURCES = \
	%reldir%/cloud/binding.c %reldir%/cloud/binding.h \
	%reldir%/cloud/file_order.h \
	%reldir%/cloud/filesvc.c %reldir%/cloud/filesvc.h \
	%reldir%/cloud/filters.c %reldir%/cloud/filters.h \
	%reldir%/cloud/dynreg.c %reldir%/cloud/dynreg.h \
	%reldir%/cloud/ident.c %reldir%/cloud/ident.h \
	%reldir%/cloud/link.c %reldir%/cloud/link.h \
	%reldir%/cloud/link_fsm.c %reldir%/cloud/link_fsm.h \
	%reldir%/cloud/link_impl.h %reldir%/cloud/link_session.c \
	%reldir%/cloud/login.c %reldir%/cloud/login.h \
	%reldir%/cloud/firmware.c %reldir%/cloud/firmware.h \
	%reldir%/cloud/firmware_order.c %reldir%/cloud/firmware_order.h \
	%reldir%/cloud/ntp.c %reldir%/cloud/ntp.h \
	%reldir%/cloud/registrar.c %reldir%/cloud/registrar.h \
	%reldir%/cloud/requests.c %reldir%/cloud/requests.h \
	%reldir%/cloud/resource.c %reldir%/cloud/resource.h \
	%reldir%/cloud/thing.c %reldir%/cloud/thing.h \
	%reldir%/conf/access_conf.c %reldir%/conf/access_conf.h %reldir%/conf/access_verbs.def \
	%reldir%/cloud/unknown.c %reldir%/cloud/unknown.h \
	%reldir%/conf/conf.c %reldir%/conf/conf.h %reldir%/conf/conf_keys.def \
	%reldir%/conf/ini.c %reldir%/conf/ini.h \
	%reldir%/core/access.c %reldir%/core/access.h \
	%reldir%/core/answers.c %reldir%/core/answers.h \
	%reldir%/core/answers_file.c %reldir%/core/answers_file.h \
	%reldir%/core/call.h %reldir%/core/calls.c %reldir%/core/calls.h %reldir%/core/calls_take.c \
	%reldir%/core/calls_wait.c \
	%reldir%/core/calls_fence.c \
	%reldir%/core/clients.c %reldir%/core/clients.h \
	%reldir%/core/completion.h \
	%reldir%/core/core.c %reldir%/core/core.h %reldir%/core/core_model.c \
	%reldir%/core/info.c %reldir%/core/info.h \
	%reldir%/core/install_exec.c %reldir%/core/install_exec.h %reldir%/core/installer.h \
	%reldir%/core/event.h %reldir%/core/events.c %reldir%/core/events.h %reldir%/core/events_quota.c %reldir%/core/events_store.c \
	%reldir%/core/files.c %reldir%/core/files.h \
	%reldir%/core/files_dir.c %reldir%/core/files_dir.h \
	%reldir%/core/files_down.c %reldir%/core/files_down.h %reldir%/core/files_down_impl.h \
	%reldir%/core/files_down_order.c \
	%reldir%/core/files_net.h \
	%reldir%/core/files_up.c %reldir%/core/files_up.h \
	%reldir%/core/hold.c %reldir%/core/hold.h \
	%reldir%/core/owners.c %reldir%/core/owners.h \
	%reldir%/core/pace.c %reldir%/core/pace.h \
	%reldir%/core/persist.c %reldir%/core/persist.h \
	%reldir%/core/policy.c %reldir%/core/policy.h \
	%reldir%/core/props.c %reldir%/core/props.h %reldir%/core/room.h \
	%reldir%/core/report.h %reldir%/core/reports.c %reldir%/core/reports.h \
	%reldir%/core/reports_turns.c \
	%reldir%/core/service.c %reldir%/core/service.h \
	%reldir%/core/twecall.c %reldir%/core/twecall.h \
	%reldir%/core/transfers.c %reldir%/core/transfers.h \
	%reldir%/core/update.c %reldir%/core/update.h %reldir%/core/update_download.c \
	%reldir%/core/update_fsm.c %reldir%/core/update_fsm.h %reldir%/core/update_image.c \
	%reldir%/core/update_impl.h %reldir%/core/update_install.c %reldir%/core/update_order.c \
	%reldir%/core/update_parts.h %reldir%/core/update_record.c %reldir%/core/update_record.h \
	%reldir%/core/update_tell.c %reldir%/core/update_version.c \
	%reldir%/front/handler_answer.c %reldir%/front/handler_answer.h \
	%reldir%/front/bus_bind.c \
	%reldir%/front/bus.c %reldir%/front/bus.h %reldir%/front/bus_internal.h \
	%reldir%/front/bus_access.c %reldir%/front/bus_access.h %reldir%/front/bus_attach.c \
	%reldir%/front/bus_call.c %reldir%/front/bus_call.h \
	%reldir%/front/bus_firmware.c %reldir%/front/bus_firmware.h %reldir%/front/bus_installer.c \
	%reldir%/front/bus_define.c %reldir%/front/bus_define.h \
	%reldir%/front/bus_files.c %reldir%/front/bus_files.h %reldir%/front/bus_transfer.c \
	%reldir%/front/bus_client.c %reldir%/front/bus_control.c %reldir%/front/bus_device.c %reldir%/front/bus_info.c %reldir%/front/bus_handler.c \
	%reldir%/front/bus_link.c %reldir%/front/bus_manager.c \
	%reldir%/front/bus_peer.c %reldir%/front/bus_peer.h \
	%reldir%/front/bus_policy.c %reldir%/front/bus_policy.h \
	%reldir%/front/bus_rauc.c %reldir%/front/bus_rauc.h \
	%reldir%/front/bus_shm.c %reldir%/front/bus_start.c \
	%reldir%/front/bus_thing.c %reldir%/front/bus_thing.h %reldir%/front/bus_thing_write.c \
	%reldir%/front/bus_twecall.c \
	%reldir%/front/bus_value.c %reldir%/front/bus_value.h \
	%reldir%/front/intake.c %reldir%/front/intake.h \
	%reldir%/front/shm.h %reldir%/front/shm_program.c %reldir%/front/shm_program.h \
	%reldir%/front/shm_down.c %reldir%/front/shm_slots.c %reldir%/front/shm_up.c \
	%reldir%/front/shm_value.c %reldir%/front/shm_value.h \
	%reldir%/front/shm_table.c %reldir%/front/shm_table.h \
	%reldir%/front/shm_bytes.c %reldir%/front/shm_bytes.h \
	%reldir%/access_files.c %reldir%/access_files.h \
	%reldir%/filer.c %reldir%/filer.h \
	%reldir%/inputs.c %reldir%/inputs.h \
	%reldir%/manager.c %reldir%/manager.h \
	%reldir%/settings.c %reldir%/settings.h \
	%reldir%/provision.c %reldir%/provision.h \
	%reldir%/state.c %reldir%/state.h \
	%reldir%/updater.c %reldir%/updater.h \
	%reldir%/net/dial.c %reldir%/net/dial.h \
	%reldir%/net/endpoint.c %reldir%/net/endpoint.h \
	%reldir%/net/fetch.c %reldir%/net/fetch.h %reldir%/net/fetch_text.c %reldir%/net/fetch_text.h \
	%reldir%/net/fetch_file.c %reldir%/net/fetch_file.h \
	%reldir%/net/fetch_hash.c %reldir%/net/fetch_hash.h \
	%reldir%/net/fetcher.c %reldir%/net/fetcher.h \
	%reldir%/net/put.c %reldir%/net/put.h \
	%reldir%/net/web.c %reldir%/net/web.h \
	%reldir%/net/web_answer.c %reldir%/net/web_answer.h \
	%reldir%/net/http.h %reldir%/net/http_lws.c \
	%reldir%/net/resolve.c %reldir%/net/resolve.h \
	%reldir%/net/route.c %reldir%/net/route.h \
	%reldir%/net/transport.h \
	%reldir%/net/ws_lws.c %reldir%/net/ws_lws.h \
	%reldir%/store/db.c %reldir%/store/db.h \
	%reldir%/store/facts.c %reldir%/store/facts.h \
	%reldir%/store/file_rows.c %reldir%/store/file_rows.h \
	%reldir%/store/image.c %reldir%/store/image.h \
	%reldir%/store/outbox.c %reldir%/store/outbox.h \
	%reldir%/store/schema.h \
	%reldir%/store/slots.c %reldir%/store/slots.h \
	%reldir%/store/vault.c %reldir%/store/vault.h \
	%reldir%/store/vault_csv.c %reldir%/store/vault_csv.h \
	%reldir%/store/vault_name.c %reldir%/store/vault_name.h \
	%reldir%/store/vault_source.c %reldir%/store/vault_source.h \
	%reldir%/store/vault_write.c %reldir%/store/vault_write.h \
	%reldir%/sys/accounts.c %reldir%/sys/accounts.h \
	%reldir%/sys/boot.c %reldir%/sys/boot.h \
	%reldir%/sys/clock.c %reldir%/sys/clock.h \
	%reldir%/sys/clockwatch.c %reldir%/sys/clockwatch.h \
	%reldir%/sys/log.c %reldir%/sys/log.h \
	%reldir%/sys/loop_lws.c %reldir%/sys/loop_lws.h \
	%reldir%/sys/memory.c %reldir%/sys/memory.h \
	%reldir%/sys/netwatch.c %reldir%/sys/netwatch.h \
	%reldir%/sys/notify.c %reldir%/sys/notify.h \
	%reldir%/sys/privs.c %reldir%/sys/privs.h \
	%reldir%/sys/process.c %reldir%/sys/process.h \
	%reldir%/sys/rand.c %reldir%/sys/rand.h \
	%reldir%/sys/signals.c %reldir%/sys/signals.h \
	%reldir%/sys/spawn.c %reldir%/sys/spawn.h
libiotd_core_la_LIBADD = libiotd-model.la libiotd-mqtt.la libiotd-crypto.la libiotd-tls.la libiotdbus-server.la libiotdbus.la \
	libiotipc.la libiotbase.la $(LWS_LIBS) $(JANSSON_LIBS) $(DBUS_LIBS) $(SQLITE_LIBS)

sbin_PROGRAMS += iotd
iotd_SOURCES = %reldir%/main.c
iotd_CFLAGS = $(AM_CFLAGS) $(IOTD_EXE_CFLAGS)
iotd_LDFLAGS = $(AM_LDFLAGS) $(IOTD_EXE_LDFLAGS)
iotd_LDADD = libiotd-core.la
endif

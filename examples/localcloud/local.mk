# SPDX-License-Identifier: GPL-2.0-or-later
# All but main.c is a library, so that unit tests link the same objects.
if ENABLE_DAEMON
noinst_LTLIBRARIES += liblocalcloud.la
liblocalcloud_la_CPPFLAGS = $(AM_CPPFLAGS) $(LWS_CFLAGS) $(JANSSON_CFLAGS) $(CRYPTO_CFLAGS)
liblocalcloud_la_CFLAGS = $(AM_CFLAGS)
liblocalcloud_la_SOURCES = \
	%reldir%/app_bind.c \
	%reldir%/app_data.c \
	%reldir%/app_device.c \
	%reldir%/app_firmware.c \
	%reldir%/app_login.c \
	%reldir%/app_request.h \
	%reldir%/app_sign.c %reldir%/app_sign.h \
	%reldir%/app_users.c %reldir%/app_users.h \
	%reldir%/appapi.c %reldir%/appapi.h \
	%reldir%/binds.c %reldir%/binds.h \
	%reldir%/blobs.c %reldir%/blobs.h \
	%reldir%/broker.c %reldir%/broker.h \
	%reldir%/broker_conn.h %reldir%/broker_input.c \
	%reldir%/broker_faults.c \
	%reldir%/cert.c %reldir%/cert.h \
	%reldir%/client.c %reldir%/client.h \
	%reldir%/client_files.c %reldir%/client_items.c %reldir%/client_target.h \
	%reldir%/clock.h \
	%reldir%/cloud.c %reldir%/cloud.h \
	%reldir%/config.c %reldir%/config.h \
	%reldir%/desk.c %reldir%/desk.h %reldir%/desk_items.c \
	%reldir%/desk_files.c %reldir%/desk_files.h \
	%reldir%/dynreg.c %reldir%/dynreg.h \
	%reldir%/faults.c %reldir%/faults.h \
	%reldir%/faults_apply.c %reldir%/faults_request.c %reldir%/faults_state.h \
	%reldir%/files.c %reldir%/files.h \
	%reldir%/files_source.c %reldir%/files_source.h \
	%reldir%/filesvc.c %reldir%/filesvc.h %reldir%/filesvc_state.h \
	%reldir%/filesvc_asr.c %reldir%/filesvc_desk.c \
	%reldir%/http.h %reldir%/http_lws.c %reldir%/http_lws.h \
	%reldir%/http_answer.c %reldir%/http_state.h \
	%reldir%/http_client.c %reldir%/http_client.h \
	%reldir%/ident.c %reldir%/ident.h \
	%reldir%/items.c %reldir%/items.h \
	%reldir%/journal.c %reldir%/journal.h \
	%reldir%/listeners.c %reldir%/listeners.h \
	%reldir%/model.c %reldir%/model.h \
	%reldir%/model_define.c %reldir%/model_parse.c %reldir%/model_parse.h \
	%reldir%/net.c %reldir%/net.h \
	%reldir%/net_device.c %reldir%/net_device.h \
	%reldir%/ota.c %reldir%/ota.h %reldir%/ota_state.h \
	%reldir%/ota_firmware.c %reldir%/ota_json.c %reldir%/ota_tasks.c \
	%reldir%/persist.c %reldir%/persist.h \
	%reldir%/resources.c %reldir%/resources.h \
	%reldir%/session.c %reldir%/session.h \
	%reldir%/sign.c %reldir%/sign.h \
	%reldir%/store.c %reldir%/store.h \
	%reldir%/sys.c %reldir%/sys.h \
	%reldir%/thing.c %reldir%/thing.h \
	%reldir%/thing_service.c \
	%reldir%/thing_down.c %reldir%/thing_state.h \
	%reldir%/topic.c %reldir%/topic.h \
	%reldir%/twecall.c %reldir%/twecall.h \
	%reldir%/wire.c %reldir%/wire.h
liblocalcloud_la_LIBADD = libiotbase.la $(LWS_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS)

bin_PROGRAMS += iot-localcloud
iot_localcloud_SOURCES = %reldir%/main.c
iot_localcloud_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
iot_localcloud_CFLAGS = $(AM_CFLAGS) $(IOTD_EXE_CFLAGS)
iot_localcloud_LDFLAGS = $(AM_LDFLAGS) $(IOTD_EXE_LDFLAGS)
iot_localcloud_LDADD = liblocalcloud.la
endif
EXTRA_DIST += %reldir%/README.md

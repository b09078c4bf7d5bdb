/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_SCENE_H
#define IOTD_TESTS_SCENE_H

/*
 * The stage of an end-to-end test: a cloud, iotd, and programs on the bus that the test plays.
 * Wants are texts as msg_text() gives them; JSON in C texts is written with single quotes.
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "dbus/msg.h"
#include "dbus/names.h"
#include "tests/lib/fixture.h"
#include "tests/lib/msg-text.h"
#include "tests/lib/suite.h"

#define ERR(name) IOTD_ERROR_PREFIX name
#define INVALID_ARGS "org.freedesktop.DBus.Error.InvalidArgs"
#define DEVICE_ID CLOUD_PRODUCT "/" CLOUD_DEVICE

/* A link that does not wait between attempts. */
#define SCENE_LINK "[link]\nconnect_interval = 0\nprobe_max = 1\nbackoff_max = 1\n"

struct scene {
    struct cloud_fixture *cloud;
    struct daemon_fixture *iotd;
    struct bus_client *bus; /* borrowed: iotd */
};

/* settings: of iotd, after SCENE_LINK; NULL: no more. The link is up on return. */
void scene_start(struct scene *s, const char *settings);
/* The same with files of the test's own: the cloud's configuration, iotd's model. May be NULL. */
void scene_start_with(struct scene *s, const char *settings, const char *cloud_config,
                      const char *model);
void scene_stop(struct scene *s);

/* Drops the signals of that name that came so far. */
void scene_forget(struct bus_client *bc, const char *signal);

/* A call of iotd; types and what follows as msg_add(). */
DBusMessage *scene_call(struct bus_client *bc, const char *path, const char *iface,
                        const char *member, const char *types, ...);
/* A call of org.iotd1.Thing: the reply, or NULL after a deadline. */
DBusMessage *thing_call(struct bus_client *bc, const char *member, const char *types, ...);
/* The same for members that give a token; 0 when it failed, which fails the test. */
uint64_t thing_token(struct bus_client *bc, const char *member, const char *types, ...);

/* Takes msg. A want that ends in * is the beginning only. */
#define CHECK_MSG(msg, want) scene_check_msg(__FILE__, __LINE__, msg, want)
void scene_check_msg(const char *file, int line, DBusMessage *msg, const char *want);
/* msg_text() of the reply of iotd. */
#define CHECK_THING(bc, want, ...) CHECK_MSG(thing_call(bc, __VA_ARGS__), want)
/* The error text of a refusal has to contain what it is about. Takes msg. */
#define CHECK_ERROR(msg, name, part) scene_check_error(__FILE__, __LINE__, msg, name, part)
void scene_check_error(const char *file, int line, DBusMessage *msg, const char *name,
                       const char *part);

/* json is borrowed; want with single quotes. */
#define CHECK_JSON(json, want) scene_check_json(__FILE__, __LINE__, json, want)
void scene_check_json(const char *file, int line, const json_t *json, const char *want);
/* json_object_get(), and a text of it; "" where there is none. Borrowed. */
const char *scene_text(const json_t *json, const char *key);
int scene_int(const json_t *json, const char *key);

/* The completion of token arrives with that code; others before it are forgotten. */
#define CHECK_COMPLETED(bc, token, code) scene_check_completed(__FILE__, __LINE__, bc, token, code)
void scene_check_completed(const char *file, int line, struct bus_client *bc, uint64_t token,
                           int code);

/* Registers with these ids (a text with blanks between, or ""), the handler at "/handler". */
DBusMessage *scene_register(struct bus_client *bc, const char *properties, const char *events,
                            const char *actions);
#define SCENE_HANDLER "/handler"
/* Answers call (and takes it); types as msg_add(). */
void scene_reply(struct bus_client *bc, DBusMessage *call, const char *types, ...);
void scene_reply_error(struct bus_client *bc, DBusMessage *call, const char *name,
                       const char *text);

/*
 * The next message to the cloud with that method: its params, or its code and text, are checked
 * by the caller. Messages after everything that iotd has sent so far are not counted.
 */
unsigned scene_count(struct scene *s, const char *direction, const char *method,
                     const char *contains);
/* Everything that iotd sent before has arrived after it. */
void scene_barrier(void);
/* An answer to a control from the cloud: waits for it; code and text, "" of any. */
#define CHECK_ANSWER(s, method, code, text)                                                        \
    scene_check_answer(__FILE__, __LINE__, s, method, code, text)
void scene_check_answer(const char *file, int line, struct scene *s, const char *method, int code,
                        const char *text);

/* The text is the caller's. */
char *scene_printf(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* A file of the test's directory: the source's file with each old replaced by new. The path. */
char *scene_edited_file(const char *name, const char *source, const char *old, const char *new);

/* What the daemon has logged so far contains text: waits for it. */
void scene_wait_log(struct scene *s, const char *text);

#endif /* IOTD_TESTS_SCENE_H */

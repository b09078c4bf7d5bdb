/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_FAULTS_H
#define IOTD_LOCALCLOUD_FAULTS_H

/*
 * Switches that make the stand-in misbehave on purpose, per device or for all. This module keeps
 * them and counts; what they do is done where it belongs, see struct faults_ops. Requests:
 * faults_apply.c.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "examples/localcloud/clock.h"
#include "examples/localcloud/config.h"
#include "libiotclient/base/loop.h"

#define FAULTS_GARBAGE_MAX 1024           /* bytes of one injection */
#define FAULTS_OVERSIZED_SENT_MAX 1000000 /* below what may wait for a device */
#define FAULTS_OVERSIZED_MAX 0x0fffffff   /* what MQTT can announce */
#define FAULTS_ERROR_MAX 384

struct faults;

/* What a fault does to others. device NULL: all. */
struct faults_ops {
    void (*drop)(const struct config_device *device, void *userdata);
    /* Switches changed: whoever acts by them looks again. */
    void (*changed)(void *userdata);
    void (*garbage)(const struct config_device *device, const uint8_t *data, size_t len,
                    bool below_framing, void *userdata);
    /* A PUBLISH of that length; all of it is sent, or only its beginning. */
    void (*oversized)(const struct config_device *device, size_t len, bool whole, void *userdata);
    /* Ports for devices do not listen, or do again. */
    void (*refuse_tcp)(bool on, void *userdata);
};

/* clock is the real one. */
int faults_new(struct faults **ret_faults, const struct config *config, struct loop *loop,
               const struct cloud_clock *clock) MUST_CHECK;
struct faults *faults_free(struct faults *f);
DEFINE_FREEP(struct faults, faults_free)
void faults_set_ops(struct faults *f, const struct faults_ops *ops, void *userdata);

/* One POST /fault. -EINVAL with a text in ret_error; then nothing was switched. */
int faults_apply(struct faults *f, const json_t *request,
                 char ret_error[FAULTS_ERROR_MAX]) MUST_CHECK;

/* The time that the cloud believes in: for stamps, and for the expiry of logins. */
const struct cloud_clock *faults_clock(const struct faults *f);
const struct cloud_clock *faults_login_clock(const struct faults *f);

/* Uses up one refusal: 0, or the CONNACK code to answer with. */
uint8_t faults_take_refusal(struct faults *f, const struct config_device *device);
/* Uses up one duplicate. */
bool faults_take_duplicate(struct faults *f, const struct config_device *device);
/* Uses up one reversed redelivery. */
bool faults_take_reorder(struct faults *f, const struct config_device *device);
/* Uses up one wrong code for a reply of that method. */
bool faults_take_wrong_code(struct faults *f, const struct config_device *device,
                            const char *method, int *ret_code);

enum faults_direction {
    FAULTS_UP = 1,
    FAULTS_DOWN = 2,
};

/* What can happen to files on HTTP. */
#define FAULTS_FILES                                                                               \
    X(cut)                                                                                         \
    X(stall)                                                                                       \
    X(slow)                                                                                        \
    X(wrong_hash)                                                                                  \
    X(wrong_length)                                                                                \
    X(expired)                                                                                     \
    X(not_found)                                                                                   \
    X(status)                                                                                      \
    X(endless)                                                                                     \
    X(chunked)                                                                                     \
    X(redirect)                                                                                    \
    X(no_range)
#define X(name) FAULTS_FILE_##name,
enum faults_file { FAULTS_FILES FAULTS_FILE_COUNT_ };
#undef X
/* Uses up one of a transfer of that key in that direction; ret_value is its number, if any. */
bool faults_take_file(struct faults *f, enum faults_direction direction, enum faults_file kind,
                      const char *key, int64_t *ret_value);

/* How many of these bytes may still pass before a drop is due. */
size_t faults_room(const struct faults *f, const struct config_device *device,
                   enum faults_direction direction, size_t len);
/* They passed. True: drop the connection now; counting starts again. */
bool faults_count(struct faults *f, const struct config_device *device,
                  enum faults_direction direction, size_t bytes, size_t packets);

bool faults_is_muted(const struct faults *f, const struct config_device *device);
bool faults_is_half_open(const struct faults *f, const struct config_device *device);
bool faults_holds_replies(const struct faults *f, const struct config_device *device);
bool faults_holds_puback(const struct faults *f, const struct config_device *device);
/* How long a packet to the device waits, and how long each of its bytes. */
uint64_t faults_delay_us(const struct faults *f, const struct config_device *device);
uint64_t faults_slow_us(const struct faults *f, const struct config_device *device);

/* What is switched on for a device (NULL: for the whole cloud), or NULL when nothing is. */
json_t *faults_json(const struct faults *f, const struct config_device *device);

#endif /* IOTD_LOCALCLOUD_FAULTS_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_FAULTS_H
#define IOTD_LOCALCLOUD_FAULTS_H

/* Switches that make the stand-in misbehave on purpose, per device. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "examples/localcloud/config.h"

struct faults;

/* What a fault does to others at once. device NULL: all. */
struct faults_ops {
    void (*drop)(const struct config_device *device, void *userdata);
    void (*unmute)(const struct config_device *device, void *userdata);
    void (*release_replies)(const struct config_device *device, void *userdata);
};

#define FAULTS_ERROR_MAX 160

int faults_new(struct faults **ret_faults, const struct config *config) MUST_CHECK;
struct faults *faults_free(struct faults *f);
DEFINE_FREEP(struct faults, faults_free)
void faults_set_ops(struct faults *f, const struct faults_ops *ops, void *userdata);

/* One POST /fault. -EINVAL with a text in ret_error. */
int faults_apply(struct faults *f, const json_t *request,
                 char ret_error[FAULTS_ERROR_MAX]) MUST_CHECK;

/* Uses up one refusal: 0, or the CONNACK code to answer with. */
uint8_t faults_take_refusal(struct faults *f, const struct config_device *device);
/* Uses up one duplicate. */
bool faults_take_duplicate(struct faults *f, const struct config_device *device);
bool faults_is_muted(const struct faults *f, const struct config_device *device);
bool faults_holds_replies(const struct faults *f, const struct config_device *device);
/* What is switched on for a device, or NULL when nothing is. */
json_t *faults_json(const struct faults *f, const struct config_device *device);

#endif /* IOTD_LOCALCLOUD_FAULTS_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_DYNREG_STAGE_H
#define IOTD_TESTS_DYNREG_STAGE_H

/*
 * For tests of registration: a cloud with a device that has no secret in its configuration, and
 * an iotd that has to get one.
 */

#include "tests/lib/scene.h"

#define STAGE_DEVICE "lamp_002"
#define STAGE_PRODUCT_SECRET "desk-only-product-secret"
/* Credentials of that device before it has registered; name may be a source. */
#define STAGE_CREDENTIALS(name, secret)                                                            \
    "{\"productId\":\"" CLOUD_PRODUCT "\",\"productSecret\":\"" secret "\",\"deviceName\":\"" name \
    "\"}"
#define STAGE_FIRST_BOOT STAGE_CREDENTIALS(STAGE_DEVICE, STAGE_PRODUCT_SECRET)

struct stage {
    struct scene scene;
    char *settings;    /* of iotd */
    char *credentials; /* the path */
    char *model;       /* the path; NULL: examples/smart-light.json. Set by the test */
};

/* The cloud runs, iotd does not. link: settings of [link], or NULL for fast ones. */
void stage_init(struct stage *st, const char *link);
void stage_done(struct stage *st);

/* iotd with that text as credentials. It is on the bus on return. */
void stage_boot(struct stage *st, const char *credentials);
/* The same with a path instead. */
void stage_boot_path(struct stage *st, const char *path);
void stage_halt(struct stage *st);

/* Waits for Link.State, and that Reason holds part. */
#define STAGE_WAIT(st, state, part) stage_wait(__FILE__, __LINE__, st, state, part)
void stage_wait(const char *file, int line, struct stage *st, const char *state, const char *part);

/* How many events of that name are in the cloud's journal. */
unsigned stage_count(struct stage *st, const char *event);

/* The credentials as JSON; NULL fails the test. A new reference. */
json_t *stage_read(const char *path);
/* key_deviceinfo.deviceSecret, "" without. Borrowed from json. */
const char *stage_secret(const json_t *json);

#endif /* IOTD_TESTS_DYNREG_STAGE_H */

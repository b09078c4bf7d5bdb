/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_FIRMWARE_SCENE_H
#define IOTD_TESTS_FIRMWARE_SCENE_H

/*
 * Orders of firmware from the cloud, and a program that installs and counts what it is given.
 * Works in the directory of the test; lib/file-scene.h makes images and runs iot-localcloud.
 */

#include "tests/lib/file-scene.h"

struct firmware_scene {
    struct scene s;
    struct bus_client *program;
};

/* Version 1.0 runs; the program is there. settings: as of scene_start(). */
void firmware_scene_start(struct firmware_scene *fs, const char *settings);
void firmware_scene_stop(struct firmware_scene *fs);
/* The program registers, again after a restart of iotd. */
void firmware_scene_register(struct firmware_scene *fs);
DBusMessage *firmware_scene_call(struct bus_client *bc, const char *member, const char *types, ...);

/* The file is there with that version; option: one more argument of "firmware upload", or NULL. */
void firmware_scene_upload(struct firmware_scene *fs, const char *file, const char *version,
                           const char *option);
/* The device gets a task for it: the first one of the cloud has number 1. */
void firmware_scene_order(struct firmware_scene *fs, const char *version);
void firmware_scene_retry(struct firmware_scene *fs, int task);

bool firmware_scene_wait(struct firmware_scene *fs, const char *property, const char *text);
/* The program gets the image, and it is that file. It goes on working. */
void firmware_scene_take_install(struct firmware_scene *fs, const char *file);
/* It gives up, so that the next order can come. */
void firmware_scene_give_up(struct firmware_scene *fs);
/* Everything that iotd sent so far is here, and no Install or Offer is among it. */
void firmware_scene_check_not_offered(struct firmware_scene *fs);

/* What the update failed with: at the console, on the bus, and told by iotctl. */
void firmware_scene_check_failed(struct firmware_scene *fs, int code, const char *reason);

#endif /* IOTD_TESTS_FIRMWARE_SCENE_H */

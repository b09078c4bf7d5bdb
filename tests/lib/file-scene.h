/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_FILE_SCENE_H
#define IOTD_TESTS_FILE_SCENE_H

/* What tests of files and resources have in common. */

#include "tests/lib/scene.h"

#define FILES(bc, member, ...)                                                                     \
    scene_call(bc, IOTD_DEVICE_PATH, IOTD_IFACE_FILES, member, __VA_ARGS__)
#define RESOURCES(bc, member, ...)                                                                 \
    scene_call(bc, IOTD_DEVICE_PATH, IOTD_IFACE_RESOURCES, member, __VA_ARGS__)

/* Runs a subcommand of iot-localcloud for the running cloud; its output is the caller's. */
char *file_scene_localcloud(struct scene *s, int status, const char *const *args);
#define CHECK_LOCALCLOUD(s, status, ...)                                                           \
    free(file_scene_localcloud(s, status, (const char *const[]){__VA_ARGS__, NULL}))

/* A file of that size in the directory of the test; its contents depend on nothing else. Static,
 * until the next call. */
const char *file_scene_file(const char *name, uint64_t size);
/* A descriptor of the same, at its end. */
int file_scene_memfd(uint64_t size);
/* 0 if the file that iotd hands out has these contents. */
int file_scene_compare(struct scene *s, const char *iface, const char *name, uint64_t size);
/* Waits until the cloud's list ("file", "resource") has the item with that status. */
void file_scene_wait_status(struct scene *s, const char *list, const char *name,
                            const char *status);
/* Waits until List of Files is that. */
void file_scene_wait_list(struct scene *s, const char *want);
/* Waits until the partial file has so many bytes. */
void file_scene_wait_partial(struct scene *s, uint64_t size);
/* Bytes of bodies that the cloud sent so far. */
uint64_t file_scene_sent_bytes(struct scene *s);
/* The names in a directory below files of the state directory, sorted; static. */
const char *file_scene_ls(struct scene *s, const char *sub);
/* All that iotd kept goes. */
void file_scene_lose_state(struct scene *s);

#endif /* IOTD_TESTS_FILE_SCENE_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_FILES_SOURCE_H
#define IOTD_LOCALCLOUD_FILES_SOURCE_H

/* A part of a file as the body of an answer, as it is or as a fault wants it. */

#include "examples/localcloud/files.h"

struct files_source {
    struct files *files;
    struct blob *blob; /* a reference */
    int status;
    uint64_t start;  /* in the file */
    uint64_t length; /* beyond the file's end come zeros */
    uint64_t sent;
    uint64_t cut_after;   /* UINT64_MAX: not */
    uint64_t stall_after; /* UINT64_MAX: not */
    uint64_t rate;        /* bytes in a second; 0: as fast as it goes */
    uint64_t next_us;     /* with a rate: when the next bytes leave */
    bool wrong;           /* the first byte is another one */
};

/* The userdata is a struct files_source, which is freed when it is done. */
extern const struct http_source files_source;

#endif /* IOTD_LOCALCLOUD_FILES_SOURCE_H */

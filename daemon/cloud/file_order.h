/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_FILE_ORDER_H
#define IOTD_CLOUD_FILE_ORDER_H

/* What the messages about files and about resources have in common. */

#include <stdint.h>

enum file_kind {
    FILE_KIND_FILE,     /* of users: file management */
    FILE_KIND_RESOURCE, /* of the maker: resource management */
    FILE_KIND_COUNT_,
};

/* The vendor's codes of how it went, for both. */
enum file_code {
    FILE_CODE_OK = 0,
    FILE_CODE_TIMEOUT = -1,
    FILE_CODE_NOT_FOUND = -2,
    FILE_CODE_DENIED = -3,
    FILE_CODE_MISMATCH = -4,
    FILE_CODE_FAILED = -5,
    FILE_CODE_NO_SPACE = -6,
    FILE_CODE_NOT_DELETED = -7,
};

/* Texts are borrowed for the call, and as the cloud sent them; "" where it sent none. */
struct file_order {
    enum file_kind kind;
    const char *name;
    const char *type;    /* "" of a resource */
    const char *version; /* the same */
    const char *url;
    const char *md5;
    uint64_t size; /* 0: none, or one that cannot be */
};

/* A file as the two sides tell each other about it. */
struct file_record {
    const char *name;
    const char *type;
    const char *version;
};

#endif /* IOTD_CLOUD_FILE_ORDER_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_UPDATE_PARTS_H
#define IOTD_CORE_UPDATE_PARTS_H

/* What an update is made of: settings, and what it has others do. Only core and manager need it. */

#include "daemon/cloud/firmware.h"
#include "daemon/core/persist.h"
#include "daemon/core/update.h"
#include "daemon/net/fetch.h"
#include "daemon/store/image.h"

enum update_auto {
    UPDATE_AUTO_YES,      /* downloads and installs at once */
    UPDATE_AUTO_DOWNLOAD, /* downloads, then asks */
    UPDATE_AUTO_NO,       /* asks before the download */
};

/* Texts are copied. dir and ask-for-a-signature hold from the start, the rest can change. */
struct update_config {
    enum update_auto automatic;
    const char *dir;     /* of the image, absolute; NULL: there is none, nothing is installed */
    const char *version; /* "" or NULL: not known from here */
    const char *version_file; /* the same */
    uint64_t install_timeout_us;
    uint64_t rate; /* bytes/s of a download; 0: no limit */
};

/* Once, from the loop, unless freed before: the text that was fetched, or why not. */
typedef void (*update_text_fn)(int result, const char *text, void *userdata);

struct update_text;

/* data: of who made the table. */
struct update_ops {
    /* As fetch.h. */
    int (*fetch_start)(struct fetch **ret_fetch, void *data, const struct fetch_request *request,
                       const struct fetch_events *events, void *userdata);
    struct fetch *(*fetch_free)(struct fetch *fetch);
    /* Whether an image has to be signed; the next three are called only then. */
    bool (*needs_signature)(void *data);
    /* 0; -EKEYREJECTED it is not its signature; -EBADMSG it is not base64; -ENOMEM */
    int (*verify)(void *data, const uint8_t sha256[32], const char *base64);
    /* A short text from a URL. 0; -EINVAL not such a URL; -ENOMEM */
    int (*text_start)(struct update_text **ret_text, void *data, const char *url, update_text_fn fn,
                      void *userdata);
    struct update_text *(*text_free)(struct update_text *text);
};

/* All borrowed. */
struct update_parts {
    struct loop *loop;
    struct link *link;
    struct firmware *firmware;
    struct persist *persist;
    const struct update_ops *ops; /* NULL: nothing can be installed */
    void *ops_data;
    const char *boot_id; /* boot_id_get(); for the call */
};

/* Takes up what was before a restart, in the next turn of the loop. -ENOMEM; as facts_get() */
int update_new(struct update **ret_update, const struct update_parts *parts,
               const struct update_config *config) MUST_CHECK;
/* Also ends what is installed, unless somebody else does it. */
struct update *update_free(struct update *u);
DEFINE_FREEP(struct update, update_free)

/* -ENOMEM: as before */
int update_configure(struct update *u, const struct update_config *config) MUST_CHECK;
/* After each connect: reports the version, and what the cloud may have missed. */
void update_link_up(struct update *u);

#endif /* IOTD_CORE_UPDATE_PARTS_H */
